"""Reading the leaves of a bundle quickly, to the same verdict as `gateway.audit.leaf.parse_leaf`, leaf by leaf.

Nearly all leaves are answers to callers. Each that can be is decoded into one structure, and all are encoded again
together, which proves the canonical form; what a structure cannot say is looked up once for all of them. An entry that
cannot be decoded so is read by `parse_leaf`, and so are all if not all answers are as they should be: it has the last
word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import astuple

from gateway.audit.leaf import MAX_LEAF, MAX_LIST, MAX_NUMBER, MAX_TEXT, LeafDraft, LeafError, parse_leaf
from policies.forms.citizen import is_citizen_number
from policies.forms.credit_code import is_credit_code

_COMMITMENT_LENGTH: Final = 43  # characters of base64url without padding, for 32 bytes
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST: Final = b"AEIMQUYcgkosw048"  # of a commitment: the unused bits are zero
_CITIZEN_LENGTH: Final = 18

_Text = Annotated[str, Meta(max_length=MAX_TEXT)]
_Name = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
# Too long for a citizen number, as what a gateway writes there; a leaf with a shorter one is read the long way.
_Digest = Annotated[str, Meta(min_length=_CITIZEN_LENGTH + 1, max_length=MAX_TEXT)]
_Commitment = Annotated[str, Meta(min_length=_COMMITMENT_LENGTH, max_length=_COMMITMENT_LENGTH)]
_List = Annotated[tuple[_Name, ...], Meta(max_length=MAX_LIST)]
_Number = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
_Seq = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]


class _Commits(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    case: _Commitment | None = None
    lic: _Commitment | None = None
    op: _Commitment | None = None
    resp: _Commitment | None = None
    subj: _Commitment | None = None


class AnswerLeaf(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A leaf about an answer, with its members in canonical order."""

    caller: _Name
    commits: _Commits | None = None
    form: _Text = ""
    item: _Text = ""
    kind: Literal["access", "deny", "match"]
    obligations: _List = ()
    org: _Text = ""
    outcome: _Text = ""
    partner: _Text = ""
    plan: _Digest = ""
    policy: _Digest = ""
    purpose: _Text = ""
    reasons: _List = ()
    req: _Digest
    revocation: _Number | None = None
    seq: _Seq
    t: _Number
    trust: _Digest = ""
    v: Literal[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLeaf:
    """A leaf of another kind, or one that had to be read the long way."""

    caller: str
    seq: int
    t: int
    policy: str
    trust: str
    content: LeafDraft


ReadLeaf = AnswerLeaf | OtherLeaf

_NO_COMMITS: Final = _Commits()
_DECODER: Final = msgspec.json.Decoder(AnswerLeaf)
_ENCODER: Final = msgspec.json.Encoder()
_CALLER: Final = attrgetter("caller")
_CODES: Final = attrgetter("form", "item", "org", "outcome", "partner", "purpose", "obligations", "reasons")
_AT_ONCE: Final = 128  # entries; what more of them take is larger than the heap keeps, and is asked for anew each time
_NOT_IN_ANSWERS: Final = (b"\\", b" ", b"\x7f")
_FAULTS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def read_leaves(entries: Sequence[bytes]) -> list[ReadLeaf | LeafError]:
    """Read the leaves of one bundle; in the place of an entry that is none stands its fault."""
    read: list[ReadLeaf | LeafError] = []
    for at in range(0, len(entries), _AT_ONCE):
        read += _read_some(entries[at : at + _AT_ONCE])
    return read


def _read_some(entries: Sequence[bytes]) -> Sequence[ReadLeaf | LeafError]:
    decoded: list[AnswerLeaf | None] = []
    for entry in entries:
        try:
            decoded.append(_DECODER.decode(entry))
        except _FAULTS:
            decoded.append(None)
    answers = [leaf for leaf in decoded if leaf is not None]
    if not _are_spelt(answers, [entry for entry, leaf in zip(entries, decoded, strict=True) if leaf is not None]):
        return [_read_slowly(entry) for entry in entries]
    if len(answers) == len(entries):
        return answers
    return [_read_slowly(entry) if leaf is None else leaf for entry, leaf in zip(entries, decoded, strict=True)]


def _are_spelt(leaves: Sequence[AnswerLeaf], entries: Sequence[bytes]) -> bool:
    """Answer whether these entries are the one spelling of leaves, which were decoded from them."""
    lines = b"\n".join([*entries, b""])
    # Without a backslash no text holds a quotation mark or a control character; the rest is not allowed in leaves.
    if not lines.isascii() or any(character in lines for character in _NOT_IN_ANSWERS):
        return False
    # The encoder breaks a line behind each leaf and nowhere else: the same bytes are the same lines, one an entry.
    if _ENCODER.encode_lines(leaves) != lines or max(map(len, entries), default=0) > MAX_LEAF:
        return False
    return _are_commitments(leaves) and not any(map(_is_personal, _texts(leaves)))


def _texts(leaves: Sequence[AnswerLeaf]) -> set[str]:
    """Return the texts that might be citizen numbers, by their length; most stand in many leaves."""
    texts = set(map(_CALLER, leaves))
    for *codes, obligations, reasons in set(map(_CODES, leaves)):
        texts.update(codes, obligations, reasons)
    return texts


def _are_commitments(leaves: Sequence[AnswerLeaf]) -> bool:
    """Answer whether every commitment is 32 bytes in base64url, and no leaf has an object for none of them.

    The decoder saw to their 43 characters.
    """
    commits = [leaf.commits for leaf in leaves if leaf.commits is not None]
    joined = "".join(filter(None, chain.from_iterable(map(astuple, commits)))).encode()
    last = joined[_COMMITMENT_LENGTH - 1 :: _COMMITMENT_LENGTH]
    return not joined.translate(None, _ALPHABET) and not last.translate(None, _LAST) and _NO_COMMITS not in commits


def _is_personal(text: str) -> bool:
    return len(text) == _CITIZEN_LENGTH and is_citizen_number(text) and not is_credit_code(text)


def _read_slowly(entry: bytes) -> OtherLeaf | LeafError:
    try:
        leaf = parse_leaf(entry)
    except LeafError as error:
        return error
    content = leaf.content
    return OtherLeaf(
        caller=content.caller, seq=leaf.seq, t=leaf.t, policy=content.policy, trust=content.trust, content=content
    )
