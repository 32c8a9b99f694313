"""Reading the leaves of a bundle quickly, to the same verdict as `gateway.audit.leaf.parse_leaf`, leaf by leaf.

Nearly all leaves are answers to callers. Those of a bundle are decoded as lines into one structure and encoded again,
which proves the canonical form; what a structure cannot say is looked up once for the whole bundle. A leaf that does
not look like an answer is read alone, and so is each of a bundle whose answers are not all as they should be;
`parse_leaf` has the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
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
    plan: _Text = ""
    policy: _Text = ""
    purpose: _Text = ""
    reasons: _List = ()
    req: _Name
    revocation: _Number | None = None
    seq: _Seq
    t: _Number
    trust: _Text = ""
    v: Literal[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLeaf:
    """A leaf of another kind, or one that had to be read the long way."""

    caller: str
    seq: int
    t: int
    policy: str
    content: LeafDraft


ReadLeaf = AnswerLeaf | OtherLeaf

_DECODER: Final = msgspec.json.Decoder(AnswerLeaf)
_ENCODER: Final = msgspec.json.Encoder()
_TEXTS: Final = attrgetter(
    *("caller", "org", "partner", "item", "purpose", "req", "form", "plan", "policy", "outcome", "trust")
)
_LISTS: Final = attrgetter("obligations", "reasons")
_ACCESS, _MATCH, _DENY = (f'"kind":"{kind}"'.encode() for kind in ("access", "match", "deny"))
_NOT_IN_ANSWERS: Final = (b"\\", b"\n", b" ", b"\x7f")
_FAULTS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def read_leaves(entries: Sequence[bytes]) -> Sequence[ReadLeaf | LeafError]:
    """Read the leaves of one bundle; in the place of an entry that is none stands its fault."""
    look_alike = [_ACCESS in entry or _MATCH in entry or _DENY in entry for entry in entries]
    answers = _read_answers(list(compress(entries, look_alike)))
    if answers is None:
        return [(_read_answers([entry]) or (_read_slowly(entry),))[0] for entry in entries]
    if all(look_alike):
        return answers
    read = iter(answers)
    return [
        next(read) if is_answer else _read_slowly(entry) for entry, is_answer in zip(entries, look_alike, strict=True)
    ]


def _read_answers(entries: Sequence[bytes]) -> Sequence[AnswerLeaf] | None:
    """Read entries that are all canonical leaves about answers; None: not all are, or it takes a closer look."""
    if not entries:
        return ()
    joined = b"".join(entries)
    # Without a backslash no text holds a quotation mark or a control character; the rest is not allowed in leaves.
    if not joined.isascii() or any(character in joined for character in _NOT_IN_ANSWERS):
        return None
    if max(map(len, entries)) > MAX_LEAF:
        return None
    lines = b"\n".join([*entries, b""])
    try:
        leaves = _DECODER.decode_lines(lines)
    except _FAULTS:
        return None
    # The same bytes again: each line is one leaf, in canonical form, and no entry spreads over two lines.
    if len(leaves) != len(entries) or _ENCODER.encode_lines(leaves) != lines:
        return None
    return leaves if _are_commitments(leaves) and not any(map(_is_personal, _long_texts(leaves))) else None


def _long_texts(leaves: Sequence[AnswerLeaf]) -> set[str]:
    """Return the texts that have as many characters as a citizen number."""
    texts = {text for text in chain.from_iterable(map(_TEXTS, leaves)) if len(text) == _CITIZEN_LENGTH}
    return texts.union(*[several for lists in set(map(_LISTS, leaves)) for several in lists])


def _are_commitments(leaves: Sequence[AnswerLeaf]) -> bool:
    """Answer whether every commitment is 32 bytes in base64url; the decoder saw to their 43 characters."""
    commits = [leaf.commits for leaf in leaves if leaf.commits is not None]
    joined = "".join(filter(None, chain.from_iterable(map(astuple, commits)))).encode()
    last = joined[_COMMITMENT_LENGTH - 1 :: _COMMITMENT_LENGTH]
    return not joined.translate(None, _ALPHABET) and not last.translate(None, _LAST)


def _is_personal(text: str) -> bool:
    return len(text) == _CITIZEN_LENGTH and is_citizen_number(text) and not is_credit_code(text)


def _read_slowly(entry: bytes) -> OtherLeaf | LeafError:
    try:
        leaf = parse_leaf(entry)
    except LeafError as error:
        return error
    content = leaf.content
    return OtherLeaf(caller=content.caller, seq=leaf.seq, t=leaf.t, policy=content.policy, content=content)
