"""Approvals of forgetting somebody: what each is good for, and how it is carried around."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import SubjectId
from gateway.audit.forgetting import shred_approval
from gateway.audit.forgetting.shred_approval import (
    MAX_AGE,
    ApprovalRefusal,
    ShredApprovalError,
    count_approvals,
    encode_approval,
    parse_approval,
)
from gateway.policy.approvers import ApproverRegistry
from tests.gateway.audit.forgetting.test_shred import APPROVERS, NOW, ORDER, OTHER, PERSON, approve


def test_an_approval_is_for_one_person_one_log_and_one_basis() -> None:
    """For anything else, from anybody else, too old, from the future or changed, it does not count."""
    good = approve("a")
    stranger = ApproverRegistry([one for name in "bc" if (one := APPROVERS.find(name)) is not None])
    cases = [
        (good, ORDER, APPROVERS, NOW, None),
        (good, replace(ORDER, subject=OTHER), APPROVERS, NOW, ApprovalRefusal.OTHER_WORK),
        (good, replace(ORDER, log="gw.370000/access/2027h1"), APPROVERS, NOW, ApprovalRefusal.OTHER_WORK),
        (good, replace(ORDER, basis="PIPL-15"), APPROVERS, NOW, ApprovalRefusal.OTHER_WORK),
        (good, ORDER, stranger, NOW, ApprovalRefusal.UNKNOWN_APPROVER),
        (good, ORDER, APPROVERS, NOW + MAX_AGE + timedelta(seconds=1), ApprovalRefusal.TOO_OLD),
        (good, ORDER, APPROVERS, NOW - timedelta(minutes=6), ApprovalRefusal.IN_FUTURE),
        (replace(good, signature=bytes(64)), ORDER, APPROVERS, NOW, ApprovalRefusal.BAD_SIGNATURE),
    ]
    for approval, order, approvers, at, refusal in cases:
        [counted] = count_approvals([approval], order, approvers, at=at)
        assert counted.refusal is refusal


def test_nobody_is_hashed_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second approval of the same person is refused before the slow hash."""
    given = [approve("a"), approve("a"), approve("a")]
    hashed: list[bytes] = []
    real = shred_approval._hash

    def count(subject: SubjectId, salt: bytes) -> str:
        hashed.append(salt)
        return real(subject, salt)

    monkeypatch.setattr(shred_approval, "_hash", count)
    refusals = [one.refusal for one in count_approvals(given, ORDER, APPROVERS, at=NOW)]
    assert refusals == [None, ApprovalRefusal.SAME_APPROVER, ApprovalRefusal.SAME_APPROVER]
    assert len(hashed) == 1


def test_an_approval_is_carried_in_a_file() -> None:
    """What is written is read; the number of the person is not in it, and another spelling is refused."""
    data = encode_approval(approve("a"))
    assert encode_approval(parse_approval(data)) == data
    assert PERSON.encode() not in data
    for wrong in (b"", data + b"\n", data[:-1], data.replace(b"/1", b"/2"), b"x" * 5_000):
        with pytest.raises(ShredApprovalError):
            parse_approval(wrong)


@given(data=st.binary(max_size=200))
def test_garbage_is_no_approval(data: bytes) -> None:
    """Bytes that are no approval raise only our error."""
    with pytest.raises(ShredApprovalError):
        parse_approval(data)


@pytest.mark.parametrize("changes", [{"basis": ""}, {"basis": "two words"}, {"basis": "x" * 129}, {"subject": ""}])
def test_an_order_has_bounds(changes: dict[str, str]) -> None:
    """A basis is a code, and somebody is named."""
    with pytest.raises(ShredApprovalError):
        replace(ORDER, **changes)
