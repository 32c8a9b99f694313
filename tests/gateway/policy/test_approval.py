"""Approvals: which count for a change, and which do not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.approval import (
    MAX_APPROVALS,
    MAX_FILE_BYTES,
    Approval,
    ApprovalError,
    Change,
    Refusal,
    count_approvals,
    describe_refusal,
    digest_lines,
    encode_approvals,
    parse_approvals,
)
from gateway.policy.approvers import Approver, ApproverRegistry
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from policies.difference.diff import diff
from policies.loader import load_policy
from tests.support.policy import small_policy
from tests.support.policy_site import NOW, PEOPLE, narrow_policy, wide_policy

DIGESTS = [f"sha256:{digit * 64}" for digit in "0123456789"]
CHANGE = Change(bundle=DIGESTS[1], previous=DIGESTS[0], widening=DIGESTS[2], since=NOW - timedelta(days=1))
SIGNERS = {name: SoftwareSigner.generate(algorithm) for name, algorithm in PEOPLE.items()}


def person(name: str, signer: SoftwareSigner | None = None) -> Approver:
    signer = signer or SIGNERS[name]
    return Approver(id=name, name=name, name_zh=name, algorithm=signer.algorithm, public_key=signer.public_key)


APPROVERS = ApproverRegistry(person(name) for name in SIGNERS)


def make(name: str = "chen", change: Change = CHANGE, at=NOW) -> Approval:
    return Approval.make(change, person(name), SIGNERS[name], at=at)


def refusal_of(approval: Approval, change: Change = CHANGE) -> Refusal | None:
    (counted,) = count_approvals([approval], change, APPROVERS, at=NOW)
    return counted.refusal


@pytest.mark.parametrize("name", PEOPLE)
def test_it_counts(name: str) -> None:
    """An approval of exactly this change counts, with each algorithm, and also after it was written and read."""
    (read,) = parse_approvals(encode_approvals([make(name)]))
    (counted,) = count_approvals([read], CHANGE, APPROVERS, at=NOW)
    assert (counted.approver, counted.made_at, counted.refusal) == (name, NOW, None)


@pytest.mark.parametrize(
    "other",
    [{"bundle": DIGESTS[5]}, {"previous": DIGESTS[5]}, {"previous": None}, {"widening": DIGESTS[5]}],
)
def test_another_change(other: dict[str, str | None]) -> None:
    """Another bundle, another one before it, or another difference is another change."""
    assert refusal_of(make(), replace(CHANGE, **other)) is Refusal.OTHER_CHANGE


def test_time() -> None:
    """An approval from before the version in force came into force was for an earlier change, and is spent."""
    assert refusal_of(make(at=CHANGE.since)) is None
    assert refusal_of(make(at=CHANGE.since - timedelta(milliseconds=1))) is Refusal.TOO_OLD
    assert refusal_of(make(at=NOW + timedelta(minutes=5))) is None
    assert refusal_of(make(at=NOW + timedelta(minutes=6))) is Refusal.IN_FUTURE


def test_why_it_is_too_old_names_the_day() -> None:
    """Who reads that an approval is too old reads since when, since a clock may have been wrong then."""
    words = describe_refusal(Refusal.TOO_OLD, CHANGE)
    assert "2026-05-31T04:00:00.000Z" in words.en
    assert "2026-05-31T04:00:00.000Z" in words.zh
    assert all(describe_refusal(one, replace(CHANGE, since=None)).zh for one in Refusal)


def test_strangers() -> None:
    """Who is not an approver of the site, or signs with another key than theirs, does not count."""
    stranger = SoftwareSigner.generate(KeyAlgorithm.SM2)
    assert refusal_of(Approval.make(CHANGE, person("wu", stranger), stranger, at=NOW)) is Refusal.UNKNOWN_APPROVER
    assert refusal_of(Approval.make(CHANGE, person("chen", stranger), stranger, at=NOW)) is Refusal.BAD_SIGNATURE


def test_a_signature_is_of_its_statement() -> None:
    """The signature of one person is none of another, nor of the same statement otherwise dated."""
    chen, li = make("chen"), make("li")
    assert refusal_of(replace(chen, signature=li.signature)) is Refusal.BAD_SIGNATURE
    later = make("chen", at=NOW - timedelta(hours=1))
    assert refusal_of(replace(later, signature=chen.signature)) is Refusal.BAD_SIGNATURE


def test_one_person_counts_once() -> None:
    """However often one person signs, they count once."""
    counted = count_approvals([make(), make(at=NOW - timedelta(hours=1)), make("li")], CHANGE, APPROVERS, at=NOW)
    assert [one.refusal for one in counted] == [None, Refusal.SAME_APPROVER, None]


@given(st.binary(max_size=400))
def test_garbage(data: bytes) -> None:
    """Garbage is no file of approvals, and nothing but its own error is raised."""
    with pytest.raises(ApprovalError):
        parse_approvals(data)


def test_bounds_and_spelling() -> None:
    """Too many approvals, too many bytes, another spelling or another member are refused."""
    good = encode_approvals([make()])
    assert parse_approvals(good)
    with pytest.raises(ApprovalError):
        parse_approvals(encode_approvals([make()] * (MAX_APPROVALS + 1)))
    for wrong in (
        b" " * MAX_FILE_BYTES + good,
        good.replace(b":", b": ", 1),
        good.replace(b'"schema"', b'"colour":1,"schema"'),
        good.replace(b"tongban-policy-approval/1", b"tongban-policy-approval/2"),
        good.replace(b"2026-06-01T04:00:00.000Z", b"2026-06-01T04:00:00Z"),
        good.replace(b"2026-06-01T04:00:00.000Z", b"0001-01-01T00:00:00.000+14:00"),
        good.replace(b"2026-06-01T04:00:00.000Z", b"9999-12-31T23:59:59.999Z"),
    ):
        assert wrong != good
        with pytest.raises(ApprovalError):
            parse_approvals(wrong)


def test_the_digest_of_what_widens() -> None:
    """It changes with what widens, not with what narrows, nor with the order of the lines."""
    small, wide, narrow = (load_policy(files()).bundle for files in (small_policy, wide_policy, narrow_policy))
    lines = diff(small, wide).lines
    assert digest_lines(lines) == digest_lines(reversed(lines)) != digest_lines(())
    assert digest_lines(diff(small, narrow).lines) == digest_lines(())
    assert digest_lines(diff(narrow, small).lines) not in {digest_lines(()), digest_lines(lines)}
