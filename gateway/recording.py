"""What the access log is told of a question: of an answer that is about to leave, or of a refusal.

Codes stand in the leaf; whom and what it was about goes into the private part. Of a licence with more than 64 holders
the first 64 find the entry; several entries for one answer would tell the caller how many holders there are.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from msgspec import UNSET, Struct, structs

from adapters.licence import Licence
from gateway.audit.alarms.observed import ISSUED_AT
from gateway.audit.entry import (
    MAX_SUBJECTS,
    TYPED_IN,
    EntryDraft,
    PrivatePart,
    SubjectId,
    commit_private,
    fit_name,
    fit_subject,
    join_names,
    make_private,
)
from gateway.audit.form_letters import COMPARED, CUT_OFF, FORM_LETTERS, WITHHELD
from gateway.audit.leaf import MAX_LIST, MAX_TEXT, LeafDraft, LeafKind
from gateway.callers import Caller
from gateway.decision import DecisionId
from gateway.pipeline import KEPT_ANSWER, SOURCE_DOCUMENT, Verified, concerns_register
from gateway.presentations.presentation import PRESENTED
from gateway.remembered import Remembered
from gateway.sharing import Shared
from gateway.sources.source import (
    SYSTEM_PREFIX,
    ByIdentifier,
    ByNumber,
    LicenceKey,
    holder_codes,
    index_licence,
    normal_code,
)
from keys.canonical_json import encode_canonical
from policies.catalogue import LicenceType
from policies.forms.citizen import is_citizen_number
from policies.item import Item
from policies.rule import Obligations

NO_MATCH: Final = "match.no"  # the reason of an answer that says no to a comparison
KEPT: Final = "kept-answer"  # the reason of an answer that rests on what a source said before it was away
REFUSED: Final = "refused"  # the outcome of what was refused
MAPPING: Final = "mapping:"  # and the first digits of a digest: the reason that names how a system's answer was read
_MAPPING_DIGITS: Final = 16  # of 64: nobody makes a second mapping that has them by chance, and a leaf has little room
PRESENT: Final = "present"  # the action of the entry of a code that a holder was given
PRESENTATION: Final = "presentation="  # and a decision, in the private part: by which the code was given
LEFT_OUT: Final = "left-out:"  # and a number: the reason that refusals have which stand for others too
_BY_WORD: Final = {kind.value: letter for kind, letter in FORM_LETTERS.items()}


class About(Struct, frozen=True, kw_only=True):
    """Whom and what a question is about, as far as that is known; "" for what is not.

    ``is_found``: the subjects hold the licence that was found; else their numbers were typed in, and may be anybody's.
    ``presentation`` is the decision by which the holder was given the code that was shown; "": none was.
    """

    item: str = ""
    purpose: str = ""
    official: str = ""
    case: str = ""
    licence: str = ""
    subjects: tuple[SubjectId, ...] = ()
    is_found: bool = False
    presentation: str = ""

    @property
    def is_of_nobody(self) -> bool:
        """Whether it names no person, licence or case, so that nobody will ever look for the entry."""
        return not (self.subjects or self.licence or self.case)


class Asking(Struct, frozen=True, kw_only=True):
    """One request by somebody: its decision, its id in the request log, who asks, and when by the caller's own clock.

    ``issued_at`` is when the caller's token was issued, in seconds since 1970.
    """

    decision: DecisionId
    request_id: str
    caller: Caller
    issued_at: int = 0


class Basis(Struct, frozen=True, kw_only=True):
    """What an answer rests on: the trust store, and how far revocation was known.

    ``mapping`` is the digest of the mapping that read what another system said; None: none said anything.
    """

    trust: str
    revocation: int | None
    mapping: str | None = None


def about_question(
    *, item: Item | None, official: str, case: str | None, key: LicenceKey | None, match: Mapping[str, str] | None
) -> About:
    """Return what a question says itself; an item that no policy has is not named."""
    number, identifier, holder = "", "", ""
    match key:
        case ByNumber():
            number, holder = key.number, key.holder or ""
        case ByIdentifier():
            identifier, holder = key.identifier, key.holder or ""
        case None:
            pass
    # The number of an identity card is its holder's own; so it is sealed and forgotten with that person.
    typed_in = (number, identifier, *(match or {}).values())
    persons = [code for value in typed_in if value and is_citizen_number(code := normal_code(value))]
    return About(
        item="" if item is None else item.id,
        purpose="" if item is None else item.purpose,
        official=fit_name(official),
        case=fit_name(case or ""),
        licence=join_names(number, identifier),
        subjects=_subjects((holder, *persons)),
    )


def about_holders(holders: Sequence[str]) -> About:
    """Return what a consent is about: whose numbers it names."""
    return About(subjects=_subjects([normal_code(holder) for holder in holders]))


def about_licence(asked: About, licence: Licence | None) -> About:
    """Return what is known once the licence was found: its names and its holders, no more whoever was asked about."""
    if licence is None:
        return asked
    names, holders = _names_of(licence), _holders_of(licence)
    return structs.replace(
        asked,
        licence=names or asked.licence,
        subjects=holders or asked.subjects,
        is_found=bool(holders) or asked.is_found,
    )


def draft_answer(
    asking: Asking, about: About, verified: Verified, shared: Shared | None, *, compares: bool, basis: Basis
) -> EntryDraft:
    """Return the entry of an answer; ``compares`` says that it asked yes or no about a holder."""
    shows = shared is not None and any(one.value is not UNSET for one in shared.fields.values())
    if about.is_found and not _is_vouched_for(verified):
        about = structs.replace(about, is_found=False)
    kind = LeafKind.MATCH if compares and not shows else LeafKind.ACCESS
    reasons = tuple(dict.fromkeys([reason.value for reason in verified.verdict.reasons]))[: MAX_LIST - 5]
    source = verified.register or verified.source
    if source.startswith(SYSTEM_PREFIX):
        reasons += (source,)  # whose register it rests on, or who could not say
    if basis.mapping is not None:
        reasons += (MAPPING + basis.mapping.rpartition(":")[2][:_MAPPING_DIGITS],)
    if KEPT_ANSWER in verified.verdict.notes:
        reasons += (KEPT,)
    if shared is not None and (shared.match or {}).get("outcome") is False:
        reasons += (NO_MATCH,)
    if about.presentation:
        reasons += (PRESENTED,)
    said: dict[str, Any] = {
        "outcome": verified.verdict.outcome.value,
        "reasons": reasons,
        "trust": basis.trust,
        "revocation": basis.revocation,
    }
    if shared is None:
        private = _make_private(asking, about)
    else:
        private = _make_private(asking, about, context=shared.context, response=digest_released(shared))
        said["form"], said["plan"], said["policy"] = spell_form(shared), shared.plan, shared.bundle
        said["obligations"] = _spell_obligations(shared.obligations)
    return EntryDraft(leaf=_make_leaf(asking, about, kind, private, **said), private=private)


def draft_refusal(asking: Asking, about: About, reason: str, *, left_out: int = 0) -> EntryDraft:
    """Return the entry of a refusal; ``reason`` is the word of its problem document.

    ``left_out`` is how many refusals of this caller, at most, have no entry of their own since its last one.
    """
    left = (f"{LEFT_OUT}{left_out}",) if left_out else ()
    reasons = (reason, *left, *((PRESENTED,) if about.presentation else ()))
    private = _make_private(asking, about)
    leaf = _make_leaf(asking, about, LeafKind.DENY, private, outcome=REFUSED, reasons=reasons)
    return EntryDraft(leaf=leaf, private=private)


def about_presentation(licence: Licence, people: Sequence[str]) -> About:
    """Return what a code is about that was drawn: the licence, whose holder showed it, and who acts for the holder."""
    return About(licence=_names_of(licence), subjects=_subjects(people), is_found=True)


def draft_presentation(asking: Asking, about: About, *, context: Sequence[str]) -> EntryDraft:
    """Return the entry of a code that a holder was given: that they agree to show a licence to whoever has the code.

    ``consent`` is the decision, which the entry about the use of the code has in its private part.
    """
    private = _make_private(asking, about, context=context)
    more = {"action": PRESENT, "consent": asking.decision}
    return EntryDraft(leaf=_make_leaf(asking, about, LeafKind.CONSENT, private, more=more), private=private)


def draft_consent(asking: Asking, *, action: str, consent: str, holders: Sequence[str] = ()) -> EntryDraft:
    """Return the entry of a consent that was registered or withdrawn."""
    about = about_holders(holders)
    private = _make_private(asking, about)
    more = {"action": action, "consent": consent}
    return EntryDraft(leaf=_make_leaf(asking, about, LeafKind.CONSENT, private, more=more), private=private)


def spell_form(shared: Shared) -> str:
    """Return how each field of the licence type left, in the order of their names; "" where there is no type."""
    if shared.licence_type is None:
        return ""
    form = "".join([_character(name, shared) for name in _names_of_fields(shared.licence_type)])
    return form if len(form) <= MAX_TEXT else form[: MAX_TEXT - 1] + CUT_OFF


def digest_released(shared: Shared) -> bytes:
    """Return SHA-256 over the members ``fields`` and ``match`` of the answer, as canonical JSON."""
    return sha256(encode_canonical({"fields": shared.fields, "match": shared.match})).digest()


def _is_vouched_for(verified: Verified) -> bool:
    """Answer whether a licence says whose it is by somebody's word: anybody can make a document that is not genuine."""
    if verified.source != SOURCE_DOCUMENT or verified.register is not None:
        return True
    return concerns_register(verified)


def _spell_names(licence: Licence) -> str:
    index = index_licence(licence)
    return join_names(index.number, index.identifier)


def _find_holders(licence: Licence) -> tuple[SubjectId, ...]:
    return _subjects(holder_codes(licence))


def _sort_fields(licence_type: LicenceType) -> list[str]:
    return sorted(licence_type.fields)


# What a licence is called in a private part, and its holders there.
_names_of: Final = Remembered(_spell_names)
_holders_of: Final = Remembered(_find_holders)
_names_of_fields: Final = Remembered(_sort_fields)


def _character(name: str, shared: Shared) -> str:
    shown = shared.fields.get(name)
    if shown is not None and shown.value is not UNSET:
        return _BY_WORD[shown.form.partition(":")[0]]
    return COMPARED if name in shared.compared else WITHHELD


def _spell_obligations(obligations: Obligations | None) -> tuple[str, ...]:
    if obligations is None:
        return ()
    told = (f"audit:{obligations.audit}", f"keep-days:{obligations.keep_days}")
    return (*told, "watermark") if obligations.watermark else told


def _make_private(asking: Asking, about: About, *, context: Sequence[str] = (), response: bytes = b"") -> PrivatePart:
    typed_in = (TYPED_IN,) if about.subjects and about.licence and not about.is_found else ()
    shown = (PRESENTATION + about.presentation,) if about.presentation else ()
    return make_private(
        subjects=about.subjects[:MAX_SUBJECTS],
        official=about.official,
        case=about.case,
        licence=about.licence,
        context=(*context, *typed_in, *shown, f"{ISSUED_AT}{asking.issued_at}", asking.request_id),
        response=response,
    )


def _make_leaf(asking: Asking, about: About, kind: LeafKind, private: PrivatePart, **said: Any) -> LeafDraft:  # noqa: ANN401 -- members of the leaf, each of its own type
    """Return a leaf of what was asked; ``said`` are its members about the answer."""
    return LeafDraft(
        kind=kind,
        req=asking.decision,
        caller=asking.caller.id,
        org=asking.caller.organisation,
        item=about.item,
        purpose=about.purpose,
        commits=commit_private(private),
        **said,
    )


def _subjects(codes: Sequence[str]) -> tuple[SubjectId, ...]:
    return tuple(dict.fromkeys(fit_subject(code) for code in codes if code))
