"""What sources said without proof: when it is heard, and when it is no word that they did not prove it."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from adapters.codes.copies import worst_status
from adapters.errors import Malformed, MalformedDocumentError
from adapters.record.status import RecordStatus
from gateway.pipeline import Verified, judge_found, judge_not_found, judge_registered, judge_unanswered, refuse
from gateway.reason import Reason
from gateway.sources.source import (
    LicenceKey,
    NoDocument,
    NotFound,
    NotReady,
    Registered,
    StatedLicence,
    StoredHead,
    SystemFault,
    SystemUnavailableError,
    by_identifier,
    by_number,
    index_licence,
)
from gateway.unproven import Unproven
from gateway.verdict import Outcome, Verdict
from policies.dimension import LicenceStatus
from tests.support.demo import NOW, demo_stock
from tests.support.river import licence_of

SEALED, OTHER, *_ = (licence_of(one.document) for one in demo_stock().licences if one.draft.annotation is None)
INDEX = index_licence(SEALED)
HOLDER = INDEX.holders[0]
STRANGER = "91349901MADEM3415U"
KEY = by_number(INDEX.number, INDEX.type_code, HOLDER)
MASK = f"{HOLDER[:4]}***{HOLDER[-2:]}"
EMPTY = Verified(verdict=Verdict(format=None, checks=()))
STATED = StatedLicence(
    document=b"",
    absence=NoDocument.NOT_THERE,
    stated=SEALED,
    index=replace(INDEX, holders=()),
    status=LicenceStatus.REVOKED,
    is_unseen=False,
    is_under_objection=False,
    source="system:first",
    masked=(MASK,),
)
STORED = StoredHead(
    sha256="0" * 64,
    status=LicenceStatus.REVOKED,
    status_since=NOW,
    is_under_objection=False,
    stored_at=NOW,
    source="store",
)
UNREAD = MalformedDocumentError(Malformed.UNRECOGNISED)
NOT_READY = NotReady(status=LicenceStatus.REVOKED, document=b"", source="store", holders=(MASK,))


def heard(found: Any, *, key: LicenceKey = KEY, status: LicenceStatus = LicenceStatus.ACTIVE) -> Verified:
    """Return what is said of a licence that a second source proves, after the first one found this."""
    unproven = Unproven(key)
    unproven.note(found, judge_found(EMPTY, found, key, at=NOW))
    return unproven.hear(answer(status), at=NOW)


def answer(status: LicenceStatus = LicenceStatus.ACTIVE) -> Verified:
    """Return what the second source says."""
    said = Registered(status=status, is_under_objection=False, source="second")
    return judge_registered(replace(EMPTY, licence=SEALED, source="second"), said, at=NOW)


@pytest.mark.parametrize("found", [STATED, NOT_READY], ids=["stated", "not ready"])
def test_the_worst_status_counts(found: Any) -> None:
    """Whatever the first source says without proof, the answer is never better than its word, nor the second one's."""
    for first, second in product(LicenceStatus, LicenceStatus):
        said = heard(replace(found, status=first), status=second)
        worst = worst_status((RecordStatus(first.value), RecordStatus(second.value)))
        assert said.status.value == worst.value
        assert said.register == ("second" if worst.value == second.value else found.source)
        assert len(said.verdict.checks) == 1


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (replace(STATED, index=replace(STATED.index, holders=(STRANGER,)), masked=()), LicenceStatus.UNKNOWN),
        (replace(STATED, index=replace(STATED.index, holders=(HOLDER[8:17],)), masked=()), LicenceStatus.UNKNOWN),
        (replace(STATED, index=replace(STATED.index, holders=(STRANGER,))), LicenceStatus.REVOKED),
        (replace(STATED, index=replace(STATED.index, number="another")), LicenceStatus.UNKNOWN),
        (replace(STATED, index=replace(STATED.index, identifier="", number="another")), LicenceStatus.ACTIVE),
        (replace(STATED, index=replace(STATED.index, identifier="1.2.3")), LicenceStatus.REVOKED),
        (replace(STATED, index=replace(STATED.index, identifier="1.2.3", number="")), LicenceStatus.UNKNOWN),
        (replace(STATED, index=replace(STATED.index, identifier="1.2.3", number="another")), LicenceStatus.ACTIVE),
        (replace(STATED, masked=("0000***",)), LicenceStatus.REVOKED),
        (replace(NOT_READY, holders=()), LicenceStatus.REVOKED),
        (replace(NOT_READY, holders=(STRANGER,)), LicenceStatus.UNKNOWN),
        (replace(NOT_READY, holders=(STRANGER, MASK)), LicenceStatus.REVOKED),
        (STORED, LicenceStatus.UNKNOWN),
        (NotFound(document=b"", source="store"), LicenceStatus.ACTIVE),
    ],
)
def test_what_is_about_another_licence(found: Any, status: LicenceStatus) -> None:
    """Another number is another licence; with the identifier, or of another holder, it may be; a mask is no word."""
    said = heard(found)
    assert said.status is status
    assert (said.verdict.reasons == (Reason.STATUS_RECORD_DIFFERS,)) is (status is LicenceStatus.UNKNOWN)
    assert heard(found, status=LicenceStatus.EXPIRED).verdict.outcome is Outcome.INVALID
    assert heard(replace(found, status=LicenceStatus.ACTIVE) if hasattr(found, "status") else found) == answer()


@pytest.mark.parametrize("holders", [(), (MASK,), (HOLDER,), (STRANGER,)])
def test_an_objection_that_was_imported(holders: tuple[str, ...]) -> None:
    """An objection to a licence without a document is noted beside the answer of whoever has one."""
    found = replace(NOT_READY, status=LicenceStatus.ACTIVE, holders=holders, is_under_objection=True)
    for key in (KEY, replace(KEY, holder=None)):
        assert heard(found, key=key).verdict.notes == ("status.under-objection",)
    assert not heard(replace(found, is_under_objection=False)).verdict.notes


def test_what_is_said_without_a_document() -> None:
    """What is announced is an answer that is heard with the rest; what says nothing of the licence stays as it is."""
    others = replace(STATED, index=replace(STATED.index, holders=(STRANGER,)), masked=())
    for found, before in product((STATED, others), (LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN)):
        announced = judge_found(EMPTY, replace(NOT_READY, status=before, holders=(HOLDER,)), KEY, at=NOW)
        status = LicenceStatus.REVOKED if found is STATED else LicenceStatus.UNKNOWN
        unproven = Unproven(KEY)
        unproven.note(found, judge_not_found(found.source, at=NOW))
        assert unproven.hear(announced, at=NOW).status is status
        nothing = judge_unanswered(Reason.STATUS_RECORD_DIFFERS, "second", "second")
        assert unproven.hear(nothing, at=NOW) == nothing


def test_a_part_of_an_answer() -> None:
    """Where the licence may be in the rest of an answer nobody says that there is none, and its status is heard."""
    unproven, found = Unproven(KEY), replace(STATED, is_of_part=True)
    with pytest.raises(SystemUnavailableError) as caught:
        unproven.note(found, judge_not_found(found.source, at=NOW))
    assert caught.value.fault is SystemFault.PARTIAL
    assert unproven.hear(answer(), at=NOW).status is LicenceStatus.REVOKED


def test_a_later_version() -> None:
    """A document is superseded by a later version that was not proved, and an objection to it is noted."""
    assert SEALED.issued_on is not None
    later = replace(SEALED, issued_on=SEALED.issued_on + timedelta(days=1))
    found = replace(STATED, stated=later, status=LicenceStatus.ACTIVE, is_under_objection=True)
    assert heard(found).status is LicenceStatus.SUPERSEDED
    assert heard(replace(found, stated=SEALED)).verdict.notes == ("status.under-objection",)


def test_what_is_kept() -> None:
    """What a system said against a licence before it was away counts, whatever else is away, and is labelled."""
    unproven = Unproven(KEY)
    assert unproven.keep(STATED, judge_not_found(STATED.source, at=NOW)) is None
    assert unproven.keep(STATED, answer()) == answer()
    said = unproven.hear(answer(), at=NOW)
    assert (said.status, said.verdict.notes) == (LicenceStatus.REVOKED, ("source.kept-answer",))


@pytest.mark.parametrize(
    ("changes", "holder", "is_open"),
    [
        ({"absence": NoDocument.UNAVAILABLE}, HOLDER, True),
        ({"absence": NoDocument.UNAVAILABLE, "masked": ()}, HOLDER, True),
        ({"absence": NoDocument.UNAVAILABLE}, STRANGER[::-1], False),
        ({"absence": NoDocument.UNAVAILABLE}, "", False),
        ({"absence": NoDocument.NOT_THERE}, HOLDER, False),
    ],
)
def test_a_file_that_could_not_be_fetched(changes: dict[str, Any], holder: str, *, is_open: bool) -> None:
    """While a file cannot be fetched that might show the holder, nobody says that there is no such licence."""
    found, key = replace(STATED, detail="timeout", **changes), replace(KEY, holder=holder)
    unproven, judged = Unproven(key), judge_found(EMPTY, found, key, at=NOW)
    if not is_open:
        unproven.note(found, judged)
        return
    with pytest.raises(SystemUnavailableError) as caught:
        unproven.note(found, judged)
    assert (caught.value.fault, caught.value.word) == (SystemFault.UNREACHABLE, "timeout")


@pytest.mark.parametrize("key", [KEY, replace(KEY, holder=None), by_identifier(INDEX.identifier)])
def test_the_document_of_another_licence(key: LicenceKey) -> None:
    """What a system sends beside another licence's file is heard; to whoever asks for no holder it is no answer."""
    for holders, masked in (((), (MASK,)), ((HOLDER,), ())):
        found = replace(STATED, document=b"other", absence=None, index=replace(INDEX, holders=holders), masked=masked)
        unproven, judged = Unproven(key), judge_found(replace(EMPTY, licence=OTHER), found, key, at=NOW)
        if key.asks_holder and not holders:
            unproven.note(found, judged)
        else:
            with pytest.raises(SystemUnavailableError) as caught:
                unproven.note(found, judged)
            assert caught.value.fault is SystemFault.RECORD_DIFFERS
        said = unproven.hear(answer(), at=NOW)
        assert (said.status, said.verdict.notes) == (LicenceStatus.REVOKED, ("source.passed-over",))


def test_a_file_that_cannot_be_read() -> None:
    """While a file cannot be read that might show the holder, nobody says that there is no such licence."""
    found, unread = replace(STATED, document=b"other", absence=None), replace(EMPTY, verdict=refuse(UNREAD))
    for holder, is_open in ((HOLDER, True), (STRANGER[::-1], False), ("", False)):
        key = replace(KEY, holder=holder)
        unproven, judged = Unproven(key), judge_found(unread, found, key, at=NOW)
        assert (judged == judge_not_found(found.source, at=NOW)) is not is_open
        if is_open:
            with pytest.raises(SystemUnavailableError) as caught:
                unproven.note(found, judged)
            assert (caught.value.fault, caught.value.word) == (SystemFault.UNUSABLE_ANSWER, "unreadable")
        else:
            unproven.note(found, judged)
        assert unproven.hear(answer(), at=NOW).status is LicenceStatus.REVOKED


def test_a_name_that_fits_several_licences() -> None:
    """It names none, which is no "not found"; whoever asks for a holder is told the same as where there is none."""
    found = NotFound(document=b"", source="store", is_ambiguous=True)
    Unproven(KEY).note(found, judge_not_found("store", at=NOW))
    with pytest.raises(SystemUnavailableError) as caught:
        Unproven(replace(KEY, holder=None)).note(found, judge_not_found("store", at=NOW))
    assert (caught.value.fault, str(caught.value)) == (SystemFault.NOT_PROVIDED, "store: ambiguous")


def test_a_masked_holder_of_a_register_is_nobody() -> None:
    """Nobody is told of a licence by naming its holder as the register masks him."""
    for holder in (MASK, HOLDER):
        assert not NOT_READY.fits(replace(KEY, holder=holder))
    assert replace(NOT_READY, holders=(MASK, HOLDER)).fits(KEY)
