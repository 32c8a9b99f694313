"""Reading the leaves of a bundle quickly, to the same verdict as `gateway.audit.leaf.parse_leaf`, leaf by leaf.

Nearly all leaves are answers to callers. A bundle of those is decoded as lines into one structure and encoded again,
which proves the canonical form; what a structure cannot say is looked up once for the whole bundle. A bundle with
anything else in it is read leaf by leaf, and `parse_leaf` has the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

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
_FAULTS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def read_leaves(entries: Sequence[bytes]) -> Sequence[ReadLeaf | LeafError]:
    """Read the leaves of one bundle; in the place of an entry that is none stands its fault."""
    lines = b"\n".join([*entries, b""])
    leaves = _read_answers(lines, len(entries))
    if leaves is not None:
        return leaves
    return [(_read_answers(entry + b"\n", 1) or (_read_slowly(entry),))[0] for entry in entries]


def _read_answers(lines: bytes, count: int) -> Sequence[AnswerLeaf] | None:
    """Read so many lines that are all canonical leaves about answers; None: not all are, or it takes a closer look."""
    # Without a backslash no text holds a quotation mark or a control character; the rest is not allowed in leaves.
    if b"\\" in lines or b" " in lines or b"\x7f" in lines or not lines.isascii() or lines.count(b"\n") != count:
        return None
    try:
        leaves = _DECODER.decode_lines(lines)
    except _FAULTS:
        return None
    # The same bytes again: each line is one leaf, in canonical form, and no entry spreads over two lines.
    if len(leaves) != count or _ENCODER.encode_lines(leaves) != lines:
        return None
    if max(map(len, lines.split(b"\n"))) > MAX_LEAF:
        return None
    commits = [
        value
        for leaf in leaves
        if (held := leaf.commits) is not None
        for value in (held.case, held.lic, held.op, held.resp, held.subj)
        if value is not None
    ]
    return leaves if _are_commitments(commits) and not any(map(_is_personal, _texts(leaves))) else None


def _texts(leaves: Sequence[AnswerLeaf]) -> set[str]:
    texts: set[str] = set()
    for leaf in leaves:
        texts.update(
            (leaf.caller, leaf.org, leaf.partner, leaf.item, leaf.purpose, leaf.req),
            (leaf.form, leaf.plan, leaf.policy, leaf.outcome, leaf.trust),
        )
    for several in {leaf.obligations for leaf in leaves} | {leaf.reasons for leaf in leaves}:
        texts.update(several)
    return texts


def _are_commitments(commits: Sequence[str]) -> bool:
    joined = "".join(commits).encode()  # each has 43 characters
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
