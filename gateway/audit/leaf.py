r"""The leaf: what the log says for ever about one event, in canonical JSON of up to 2 KiB without personal data.

A leaf can never be changed, so nothing enters it that follows from a person: people, cases and licences stand in it
as commitments (`gateway.audit.commitment`). Its texts are codes of printable ASCII without ``"``, ``\`` and spaces.

Every leaf has v (1), t (milliseconds since 1970, never less than in the leaf before), kind, req (the random request
id), caller, and seq (1, 2, 3 … for each caller). These may be absent: org, partner, item, purpose, commits, form,
plan, policy, outcome, obligations, reasons, trust, revocation. The kinds besides access, deny and match may have more:

| kind          | members                                                                                            |
|---------------|----------------------------------------------------------------------------------------------------|
| consent       | action; consent: its id                                                                            |
| policy, trust | action; previous: what was in force before; approvals: how many people                            |
| admin         | action; target                                                                                     |
| key           | action; key: its id                                                                                |
| shred         | basis: the clause of law; approvals; digest: a commitment to the entries concerned                 |
| seal          | action; day; digest: a commitment to the index of [first, next); first; next; previous: a shard,   |
|               | or the shred entry for which a day is sealed anew                                                  |
| export        | count and digest: of what was exported                                                             |
| auditor-query | query: a commitment to what was searched for; count: of what was found; opening: its id            |
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

import msgspec

from gateway.audit.commitment import COMMITMENT_SIZE
from gateway.audit.errors import AuditError
from keys.canonical_json import encode_canonical
from policies.forms.citizen import is_citizen_number
from policies.forms.credit_code import is_credit_code

VERSION: Final = 1
MAX_LEAF: Final = 2048  # bytes; an entry bundle of 256 stays below 512 KiB
MAX_TEXT: Final = 128  # characters of one code: an object identifier, two hashes in base64url
MAX_LIST: Final = 32  # duties or reasons of one answer
MAX_NUMBER: Final = 2**53 - 1  # what every reader of JSON holds exactly (RFC 8259 section 6)

_TEXTS: Final = re.compile(rf"(?:[!#-\[\]-~]{{0,{MAX_TEXT}}}\n)*[!#-\[\]-~]{{0,{MAX_TEXT}}}")
_CITIZEN_LENGTH: Final = 18
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class LeafKind(StrEnum):
    """What happened."""

    ACCESS = "access"
    DENY = "deny"
    MATCH = "match"
    CONSENT = "consent"
    POLICY = "policy"
    TRUST = "trust"
    ADMIN = "admin"
    KEY = "key"
    SHRED = "shred"
    SEAL = "seal"
    EXPORT = "export"
    AUDITOR_QUERY = "auditor-query"


ANSWERS: Final = frozenset({LeafKind.ACCESS, LeafKind.DENY, LeafKind.MATCH})
MEMBERS: Final[Mapping[LeafKind, frozenset[str]]] = MappingProxyType(
    {
        LeafKind.ACCESS: frozenset(),
        LeafKind.DENY: frozenset(),
        LeafKind.MATCH: frozenset(),
        LeafKind.CONSENT: frozenset({"action", "consent"}),
        LeafKind.POLICY: frozenset({"action", "previous", "approvals"}),
        LeafKind.TRUST: frozenset({"action", "previous", "approvals"}),
        LeafKind.ADMIN: frozenset({"action", "target"}),
        LeafKind.KEY: frozenset({"action", "key"}),
        LeafKind.SHRED: frozenset({"basis", "approvals", "digest"}),
        LeafKind.SEAL: frozenset({"action", "day", "digest", "first", "next", "previous"}),
        LeafKind.EXPORT: frozenset({"count", "digest"}),
        LeafKind.AUDITOR_QUERY: frozenset({"query", "count", "opening"}),
    }
)
_NUMBERS: Final = frozenset({"approvals", "count", "first", "next"})  # the other members are texts
_TEXT_MEMBERS: Final = (
    *("req", "caller", "org", "partner", "item", "purpose"),
    *("form", "plan", "policy", "outcome", "trust"),
)
_read_texts: Final = attrgetter(*_TEXT_MEMBERS)
_COMMITMENTS: Final = ("op", "case", "lic", "subj", "resp")
_OPTIONAL: Final = frozenset({*_TEXT_MEMBERS, "commits", "obligations", "reasons", "revocation"}) - {"req", "caller"}
_REQUIRED: Final = frozenset({"v", "t", "kind", "req", "caller", "seq"})


class LeafFlaw(StrEnum):
    """Why this is no leaf."""

    TOO_LARGE = "too-large"
    NOT_CANONICAL = "not-canonical"  # no JSON, or another spelling of it
    MEMBER = "member"  # one is missing, surplus for the kind, or of another type
    TEXT = "text"  # no code of printable ASCII
    NUMBER = "number"
    COMMITMENT = "commitment"
    PERSONAL = "personal"  # a text has the form and the check character of a citizen number


class LeafError(AuditError):
    """This is no leaf; ``detail`` names a member and quotes nothing."""

    def __init__(self, flaw: LeafFlaw, detail: str = "") -> None:
        super().__init__(f"{flaw}: {detail}" if detail else str(flaw))
        self.flaw = flaw
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """The commitments of one leaf, 32 bytes each; None where there is nothing to commit to."""

    op: bytes | None = None  # the official
    case: bytes | None = None
    lic: bytes | None = None  # the licence
    subj: bytes | None = None  # whom the licence is about
    resp: bytes | None = None  # the fields that were released

    def __post_init__(self) -> None:
        """Refuse what is no commitment; raises `LeafError`."""
        for name in _COMMITMENTS:
            value = getattr(self, name)
            if value is not None and len(value) != COMMITMENT_SIZE:
                raise LeafError(LeafFlaw.COMMITMENT, name)


NO_COMMITS: Final = Commits()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafDraft:
    """A leaf before the sequencer numbers it. An empty text or list is absent.

    Making one raises `LeafError` (MEMBER, TEXT, NUMBER, PERSONAL).
    """

    kind: LeafKind
    req: str
    caller: str
    org: str = ""
    partner: str = ""
    item: str = ""
    purpose: str = ""
    commits: Commits = NO_COMMITS
    form: str = ""
    plan: str = ""
    policy: str = ""
    outcome: str = ""
    obligations: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    trust: str = ""
    revocation: int | None = None
    more: Mapping[str, str | int] = field(default_factory=dict)  # by `MEMBERS` of the kind

    def __post_init__(self) -> None:
        """Refuse what no leaf can say."""
        texts: list[Any] = [*_read_texts(self)]
        numbers: list[Any] = [] if self.revocation is None else [self.revocation]
        for name, value in self.more.items():
            if name not in MEMBERS[self.kind]:
                raise LeafError(LeafFlaw.MEMBER, f"a {self.kind} entry has no such member")
            (numbers if name in _NUMBERS else texts).append(value)
        lists = (*self.obligations, *self.reasons)
        if (
            not self.req
            or not self.caller
            or not all(lists)
            or max(len(self.obligations), len(self.reasons)) > MAX_LIST
        ):
            raise LeafError(LeafFlaw.MEMBER, "req, caller, obligations or reasons")
        _check_texts([*texts, *lists])
        for number in numbers:
            _check_number(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A numbered leaf: ``t`` in milliseconds since 1970, ``seq`` from 1 for each caller."""

    content: LeafDraft
    t: int
    seq: int


def encode_leaf(content: LeafDraft, *, t: int, seq: int) -> bytes:
    """Write a leaf in its one spelling.

    Raises:
        LeafError: TOO_LARGE.

    """
    members: dict[str, Any] = {"v": VERSION, "t": t, "kind": content.kind.value, "seq": seq}
    members |= {name: text for name, text in zip(_TEXT_MEMBERS, _read_texts(content), strict=True) if text}
    commits = {
        name: _encode_commitment(value)
        for name in _COMMITMENTS
        if (value := getattr(content.commits, name)) is not None
    }
    if commits:
        members["commits"] = commits
    if content.obligations:
        members["obligations"] = content.obligations
    if content.reasons:
        members["reasons"] = content.reasons
    if content.revocation is not None:
        members["revocation"] = content.revocation
    members.update(content.more)
    data = encode_canonical(members)
    if len(data) > MAX_LEAF:
        raise LeafError(LeafFlaw.TOO_LARGE, f"up to {MAX_LEAF} bytes were expected, got {len(data)}")
    return data


def parse_leaf(data: bytes) -> Leaf:
    """Read a leaf.

    Raises:
        LeafError: whatever its flaw is.

    """
    if len(data) > MAX_LEAF:
        raise LeafError(LeafFlaw.TOO_LARGE, f"up to {MAX_LEAF} bytes were expected, got {len(data)}")
    try:
        members = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):  # the cause may quote the content
        raise LeafError(LeafFlaw.NOT_CANONICAL) from None
    leaf = _read_members(members)
    if encode_leaf(leaf.content, t=leaf.t, seq=leaf.seq) != data:
        raise LeafError(LeafFlaw.NOT_CANONICAL)
    return leaf


def _read_members(members: dict[str, Any]) -> Leaf:
    try:
        kind = LeafKind(members["kind"])
    except (KeyError, ValueError):
        raise LeafError(LeafFlaw.MEMBER, "kind") from None
    names = members.keys()
    if not names >= _REQUIRED or not names <= _REQUIRED | _OPTIONAL | MEMBERS[kind] or members["v"] != VERSION:
        raise LeafError(LeafFlaw.MEMBER, f"the members of a {kind} entry of version {VERSION} were expected")
    _check_number(members["t"])
    _check_number(members["seq"], least=1)
    content = LeafDraft(
        kind=kind,
        commits=_parse_commits(members.get("commits", {})),
        obligations=_parse_list(members.get("obligations", [])),
        reasons=_parse_list(members.get("reasons", [])),
        revocation=members.get("revocation"),
        more={name: members[name] for name in names & MEMBERS[kind]},
        **{name: members[name] for name in names & frozenset(_TEXT_MEMBERS)},
    )
    return Leaf(content=content, t=members["t"], seq=members["seq"])


def is_code(text: str) -> bool:
    """Answer whether a leaf may have this text, which a document may have brought along."""
    try:
        _check_texts([text])
    except LeafError:
        return False
    return bool(text)


def _check_texts(texts: list[Any]) -> None:
    try:
        joined = "\n".join(texts)
    except TypeError:
        raise LeafError(LeafFlaw.TEXT, "a text was expected") from None
    # A text with a line break of its own would count as two.
    if not _TEXTS.fullmatch(joined) or joined.count("\n") != max(len(texts) - 1, 0):
        raise LeafError(LeafFlaw.TEXT, f"codes of up to {MAX_TEXT} characters were expected")
    for text in texts:
        if len(text) == _CITIZEN_LENGTH and is_citizen_number(text) and not is_credit_code(text):
            raise LeafError(LeafFlaw.PERSONAL)


def _check_number(value: Any, least: int = 0) -> None:  # noqa: ANN401 - whatever JSON holds
    if type(value) is not int or not least <= value <= MAX_NUMBER:
        raise LeafError(LeafFlaw.NUMBER)


def _encode_commitment(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False)[:-1].translate(_URL_SAFE).decode()  # 32 bytes: one "=" at the end


def _parse_commits(value: Any) -> Commits:  # noqa: ANN401 - whatever JSON holds
    if type(value) is not dict or not value.keys() <= frozenset(_COMMITMENTS):
        raise LeafError(LeafFlaw.COMMITMENT)
    try:
        return Commits(**{name: base64.urlsafe_b64decode(text + "=") for name, text in value.items()})
    except (TypeError, ValueError, binascii.Error):
        raise LeafError(LeafFlaw.COMMITMENT) from None


def _parse_list(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever JSON holds
    if type(value) is not list:
        raise LeafError(LeafFlaw.MEMBER, "a list was expected")
    return tuple(value)
