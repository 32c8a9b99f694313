"""What sources said of a licence that they did not prove to be the one asked for, and when it is heard all the same.

Whoever asks for a holder is told the same of the licence of another one as of none. So a source that masks the holder
and has nothing sealed may not be heard; nor may a record that came with the document of another licence, or one that
names another holder. But it may have said that the licence was revoked. Once somebody else proves the licence and its
holder, that counts: nobody gets a better answer by naming a holder, or by asking a source that knows less.

What is not proven is kept and heard later, never dropped, whether it is from now or from before a source went away.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from adapters.licence import Licence
from gateway.hearing import hear_registered
from gateway.pipeline import (
    UNDER_OBJECTION,
    UNREADABLE,
    Verified,
    is_not_found,
    note,
    note_kept,
    note_passed_over,
)
from gateway.reason import Reason
from gateway.sources.masks import is_masked
from gateway.sources.records import contradicts, is_another, may_be_of, register_stated
from gateway.sources.source import (
    ByIdentifier,
    Found,
    LicenceIndex,
    LicenceKey,
    NoDocument,
    NotFound,
    NotReady,
    Registered,
    StatedLicence,
    StoredHead,
    StoredLicence,
    SystemFault,
    SystemUnavailableError,
    index_licence,
)
from gateway.sources.superseding import is_current

AMBIGUOUS: Final = "ambiguous"  # a word about a store in which several licences fit what a question names
_Unheard = StatedLicence | NotReady | StoredHead | StoredLicence
# Why another system's document does not answer a question: it is of another licence, or cannot be read.
_NO_PROOF: Final = frozenset({Reason.STATUS_RECORD_DIFFERS, Reason.STATUS_UNUSABLE_ANSWER})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Find:
    """What a source said of a licence without proving it; ``is_kept``: before it could not be asked any more.

    ``is_of_another``: the document that came with it was not that of the licence.
    """

    found: _Unheard  # without its document
    is_of_another: bool
    is_kept: bool


class Unproven:
    """What sources said of the licence of a key without proof, in their order; used for that question alone."""

    def __init__(self, key: LicenceKey) -> None:
        """Begin with nothing."""
        self._key = key
        self._finds: list[_Find] = []

    def note(self, found: Found | StoredHead, verified: Verified) -> None:
        """Note what was found where it may be the licence, and is not heard; ``verified`` is what it comes to alone.

        A licence that is only announced is not heard where another source has it; an objection to it is.

        Raises:
            SystemUnavailableError: nor can it be said that the source does not know the licence. It may be in the rest
                of the answer; a file that could not be fetched or read might have shown the holder who is asked for,
                unless his number does not fit the mask; where nobody asks for one, or the record names him, a document
                of another licence is as good as a record of one. Where nobody asks for a holder, a name that fits
                several licences names none; whoever asks for one is told the same of them as of none.

        """
        if isinstance(found, NotFound) and found.is_ambiguous and not self._key.asks_holder:
            raise SystemUnavailableError(SystemFault.NOT_PROVIDED, found.source, AMBIGUOUS)
        if not self._add(found, verified, is_kept=False) or not isinstance(found, StatedLicence):
            return
        if Reason.STATUS_RECORD_DIFFERS in verified.verdict.reasons:
            raise SystemUnavailableError(SystemFault.RECORD_DIFFERS, found.source, SystemFault.RECORD_DIFFERS)
        if found.is_of_part:
            raise SystemUnavailableError(SystemFault.PARTIAL, found.source, SystemFault.PARTIAL)
        if found.absence is NoDocument.UNAVAILABLE and may_be_of(found, self._key):
            raise SystemUnavailableError(SystemFault.UNREACHABLE, found.source, found.detail)
        if Reason.STATUS_UNUSABLE_ANSWER in verified.verdict.reasons:
            raise SystemUnavailableError(SystemFault.UNUSABLE_ANSWER, found.source, UNREADABLE)

    def keep(self, found: StatedLicence, verified: Verified) -> Verified | None:
        """Note the same of what a system said before that cannot be asked now; return what may be heard of it alone."""
        return None if self._add(found, verified, is_kept=True) else verified

    def hear(self, said: Verified, *, at: datetime) -> Verified:
        """Return an answer that speaks of the licence with what was said without proof: the worst status counts.

        What has another number is about another licence, unless it has its identifier. What differs in the holder, or
        in the identifier where it has no number, may be about another one: nobody knows then how the licence stands,
        unless it is known to have ended. A record that came with the document of another licence, and one that is kept,
        leave the notes that they would have left alone.
        """
        if not self._finds or (said.licence is None and said.register is None):
            return said  # nothing to hear, or no word about the licence
        index = _index_of(self._key) if said.licence is None else index_licence(said.licence)
        for one in self._finds:
            if not _is_another(one.found, index):
                said = _hear(said, one, index, at=at)
        return said

    def _add(self, found: Found | StoredHead, verified: Verified, *, is_kept: bool) -> bool:
        """Answer whether it was noted."""
        if isinstance(found, NotFound) or not _is_unheard(found, verified):
            return False
        is_of_another = isinstance(found, StatedLicence) and bool(found.document)
        if not isinstance(found, StoredHead):
            found = replace(found, document=b"")
        self._finds.append(_Find(found=found, is_of_another=is_of_another, is_kept=is_kept))
        return True


def _is_unheard(found: _Unheard, verified: Verified) -> bool:
    if is_not_found(verified) or Reason.STATUS_NOT_READY in verified.verdict.reasons:
        return True
    is_no_proof = verified.licence is None and not _NO_PROOF.isdisjoint(verified.verdict.reasons)
    return isinstance(found, StatedLicence) and is_no_proof


def _index_of(key: LicenceKey) -> LicenceIndex:
    """Return what is known of a licence that was proved to be the one of a key, without a document of it."""
    holders = (key.holder,) if key.holder else ()
    if isinstance(key, ByIdentifier):
        return LicenceIndex(identifier=key.identifier, number="", type_code="", name="", holders=holders)
    return LicenceIndex(identifier="", number=key.number, type_code="", name="", holders=holders)


def _is_another(found: _Unheard, index: LicenceIndex) -> bool:
    """Say whether what was found cannot be the licence; the own store knows its key."""
    return isinstance(found, StatedLicence) and is_another(found.index, index)


def _differs(found: _Unheard, index: LicenceIndex) -> bool:
    """Say whether what was found may be another licence of the same key.

    Nobody's number differs while another holder's is masked, however that is done. Of two identifiers of one number
    the other one is that of a copy, or of a version. The document of a stored licence was not that of the licence.
    """
    if isinstance(found, StoredHead | StoredLicence):
        return True
    if isinstance(found, NotReady):
        is_open = any(map(is_masked, found.holders))
        return contradicts(replace(index, holders=() if is_open else found.holders), index)
    holders = () if found.masked else found.index.holders
    identifier = "" if found.index.number else found.index.identifier
    return contradicts(replace(found.index, holders=holders, identifier=identifier), index)


def _hear(said: Verified, one: _Find, index: LicenceIndex, *, at: datetime) -> Verified:
    registered = replace(_register(one.found, said.licence), may_differ=_differs(one.found, index))
    said = hear_registered(said, registered, at=at)
    if registered.is_under_objection:
        said = note(said, UNDER_OBJECTION)
    if one.is_of_another:
        said = note_passed_over(said)
    return note_kept(said) if one.is_kept else said


def _register(found: _Unheard, sealed: Licence | None) -> Registered:
    """Return what was found as the word of a register about a document; one that was issued before is superseded."""
    if not isinstance(found, StatedLicence):
        return Registered(
            status=found.status,
            is_under_objection=found.is_under_objection,
            source=found.source,
            as_of=found.as_of,
        )
    day = found.stated.issued_on
    is_latest = sealed is None or is_current(sealed.issued_on, "" if day is None else day.isoformat())
    return register_stated(found, is_latest=is_latest)
