"""Entries: what a caller of the log hands in, and the receipt that comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NewType

from gateway.audit.commitment import SEED_SIZE, derive_salt, make_commitment, make_seeds
from gateway.audit.leaf import Commits, LeafDraft
from gateway.spelling import spell_name

SubjectId = NewType("SubjectId", str)  # the number that a person or an organisation is known by, in normal spelling

MAX_SUBJECTS: Final = 64  # holders of one licence: spouses, partners of a business, heirs
MAX_SUBJECT_TEXT: Final = 72  # bytes of the number of one of them; a hash with its name has 71
MAX_PRIVATE_TEXT: Final = 256  # bytes of a number, or of one value of the context
MAX_CONTEXT: Final = 32  # values; a policy decides by about ten
DIGEST_SIZE: Final = 32
TYPED_IN: Final = "typed-in"  # a value of the context: whoever asked named the subjects, no licence that was found
OWN_CALLER: Final = "tongban"  # who writes entries that nobody asked for over HTTP
SEPARATOR: Final = "\0"  # between several texts of one value, and so in none of them
_NAMES_END: Final = "\n"  # between the names of one licence
_MAX_NAME: Final = 127  # bytes of one of two names


@dataclass(frozen=True, slots=True, kw_only=True)
class Salts:
    """One salt for each commitment, from one seed for what tells of the subject and one for the rest.

    A seed that is erased is empty, and so are its salts; they open nothing.
    """

    subject: bytes
    official: bytes

    def __post_init__(self) -> None:
        """Refuse seeds of another size; raises ValueError."""
        if not {len(self.subject), len(self.official)} <= {0, SEED_SIZE}:
            raise ValueError(f"seeds of {SEED_SIZE} bytes were expected")

    @property
    def op(self) -> bytes:
        """The salt of the official."""
        return _salt(self.official, "op")

    @property
    def case(self) -> bytes:
        """The salt of the case."""
        return _salt(self.official, "case")

    @property
    def lic(self) -> bytes:
        """The salt of the licence."""
        return _salt(self.subject, "lic")

    @property
    def subj(self) -> bytes:
        """The salt of the subjects."""
        return _salt(self.subject, "subj")

    @property
    def resp(self) -> bytes:
        """The salt of the response."""
        return _salt(self.subject, "resp")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivatePart:
    """What is kept apart from the leaf, sealed and erasable. An empty text is absent.

    Making one raises ValueError for a text that is too long or holds a NUL, and for a digest of another size.
    """

    subjects: tuple[SubjectId, ...] = ()
    official: str = ""
    case: str = ""
    licence: str = ""  # its names (`join_names`)
    context: tuple[str, ...] = ()  # the values that the policy decided by, in the order of its dimensions
    response: bytes = b""  # SHA-256 of the released fields
    salts: Salts

    def __post_init__(self) -> None:
        """Refuse what cannot be sealed."""
        if len(self.subjects) > MAX_SUBJECTS or len(self.context) > MAX_CONTEXT or not all(self.subjects):
            raise ValueError(f"up to {MAX_SUBJECTS} subjects and {MAX_CONTEXT} values of the context were expected")
        if not _are_fit((*self.context, self.official, self.case, self.licence), most=MAX_PRIVATE_TEXT):
            raise ValueError(f"texts of up to {MAX_PRIVATE_TEXT} bytes without NUL were expected")
        if not _are_fit(self.subjects, most=MAX_SUBJECT_TEXT):
            raise ValueError(f"subjects of up to {MAX_SUBJECT_TEXT} bytes without NUL were expected")
        if len(self.response) not in {0, DIGEST_SIZE}:
            raise ValueError(f"a digest of {DIGEST_SIZE} bytes was expected")


def _are_fit(texts: Sequence[str], *, most: int) -> bool:
    """Say whether no text has more than so many bytes, nor a NUL."""
    joined = "".join(texts)
    if SEPARATOR in joined:
        return False
    return len(joined.encode()) <= most or all(len(text.encode()) <= most for text in texts)


def fit_text(text: str, *, most: int = MAX_PRIVATE_TEXT) -> str:
    """Return a text as private parts have it: itself, or its hash where it is too long or holds a NUL.

    Nobody's number is that long; whoever searches for such a text fits it in the same way.
    """
    if SEPARATOR not in text and len(text.encode()) <= most:
        return text
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def fit_name(name: str) -> str:
    """Return an official's or a case's number as private parts have it: as it was typed in.

    Where that is too long or holds a NUL, its one spelling; so spaces that nobody sees do not hide it from a search.
    """
    return name if fit_text(name) == name else fit_text(spell_name(name) or name)


def fit_subject(code: str) -> SubjectId:
    """Return somebody's number, in normal spelling, as private parts have it."""
    return SubjectId(fit_text(code, most=MAX_SUBJECT_TEXT))


def join_names(number: str, identifier: str) -> str:
    """Return what a licence is called in a private part: its number and its identifier, either of which finds it."""
    return _NAMES_END.join(dict.fromkeys(fit_text(name, most=_MAX_NAME) for name in (number, identifier) if name))


def split_names(licence: str) -> tuple[str, ...]:
    """Return the names of a licence, none for ""."""
    return tuple(licence.split(_NAMES_END)) if licence else ()


def make_private(
    *,
    subjects: Sequence[SubjectId] = (),
    official: str = "",
    case: str = "",
    licence: str = "",
    context: Sequence[str] = (),
    response: bytes = b"",
) -> PrivatePart:
    """Return the private part with fresh seeds; ValueError as `PrivatePart` raises it."""
    for_subject, for_official = make_seeds(2)
    return PrivatePart(
        subjects=tuple(subjects),
        official=official,
        case=case,
        licence=licence,
        context=tuple(context),
        response=response,
        salts=Salts(subject=for_subject, official=for_official),
    )


def committed_values(private: PrivatePart) -> Mapping[str, bytes]:
    """Return by their names in a leaf the values that are committed to; several subjects are one value."""
    values = {
        "op": private.official.encode(),
        "case": private.case.encode(),
        "lic": private.licence.encode(),
        "subj": SEPARATOR.join(private.subjects).encode(),
        "resp": private.response,
    }
    return {name: value for name, value in values.items() if value}


def commit_private(private: PrivatePart) -> Commits:
    """Return the commitments to a private part, for its leaf."""
    salts = private.salts
    return Commits(
        **{name: make_commitment(getattr(salts, name), value) for name, value in committed_values(private).items()}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """An event to be logged: a leaf whose commitments are those of the private part; the log adds time and numbers."""

    leaf: LeafDraft
    private: PrivatePart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The log's word for one entry: number ``index`` of the tree that the signed checkpoint is the head of."""

    log: str  # the origin
    index: int
    leaf_hash: bytes
    checkpoint: bytes  # a signed note
    seq: int  # the number among the caller's entries


def _salt(seed: bytes, name: str) -> bytes:
    return seed and derive_salt(seed, name)
