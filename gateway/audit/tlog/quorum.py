"""Trust policies: which logs are known, which witnesses, and how many of them must have cosigned (C2SP tlog-policy).

A name is a member of one group at most, so that the groups are a tree and no witness counts twice.
Stricter than the specification: a policy is UTF-8, and every file ends in a newline.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.checkpoint import SignedCheckpoint, verify_checkpoint
from gateway.audit.tlog.cosignature import parse_cosignature
from gateway.audit.tlog.note_key import NoteKey, encode_vkey, parse_vkey
from gateway.audit.tlog.spelling import parse_number, parse_text

MAX_POLICY: Final = 64 * 1024  # bytes; 32 logs, witnesses and groups, which all readers should take, have about 10 kB
NO_QUORUM: Final = "none"

_SPACE: Final = re.compile(r"[ \t]+")
_DELETE: Final = "\x7f"  # the one control character above the space


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLog:
    """A log whose checkpoints are accepted; its key is named as its origin."""

    key: NoteKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A witness; its name has a meaning in this policy only."""

    name: str
    key: NoteKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """At least ``threshold`` of these witnesses and groups."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whom we believe about a log; groups come after their members."""

    logs: tuple[PolicyLog, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NO_QUORUM

    def is_reached(self, cosigners: Collection[str]) -> bool:
        """Answer whether the witnesses of these names are enough; names that are no witnesses do not count."""
        if self.quorum == NO_QUORUM:
            return True
        reached = {witness.name for witness in self.witnesses if witness.name in cosigners}
        for group in self.groups:
            if sum(member in reached for member in group.members) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What was found about a checkpoint that satisfies a policy."""

    log_keys: tuple[NoteKey, ...]
    cosigned: Mapping[str, int]  # witness to the time of its cosignature, in seconds since 1970


def verify_witnessed(signed: SignedCheckpoint, policy: Policy) -> Witnessed:
    """Verify that a known log signed and that enough witnesses cosigned; how long ago is the caller's decision.

    Raises:
        UnprovenError: UNSIGNED, BAD_SIGNATURE, OTHER_ORIGIN as `verify_checkpoint`; TOO_FEW_WITNESSES.

    """
    witnesses = {witness.key: witness.name for witness in policy.witnesses}
    verified = verify_checkpoint(signed, (*(log.key for log in policy.logs), *witnesses))
    cosigned = {
        witnesses[key]: parse_cosignature(signature.value).seconds
        for key, signature in verified.items()
        if key in witnesses
    }
    if not policy.is_reached(cosigned.keys()):
        raise UnprovenError(LogFault.TOO_FEW_WITNESSES, f"cosigned by {', '.join(sorted(cosigned)) or 'none'}")
    log_keys = tuple(key for key in verified if key.is_of_log and key.name == signed.checkpoint.origin)
    return Witnessed(log_keys=log_keys, cosigned=MappingProxyType(cosigned))


# --- the file ---------------------------------------------------------------------------------------------------------


def encode_policy(policy: Policy) -> bytes:
    """Write a policy; ValueError for one that `parse_policy` would refuse."""
    lines = [
        *(["log", encode_vkey(log.key), *_optional(log.url)] for log in policy.logs),
        *(["witness", witness.name, encode_vkey(witness.key), *_optional(witness.url)] for witness in policy.witnesses),
        *(["group", group.name, str(group.threshold), *group.members] for group in policy.groups),
        ["quorum", policy.quorum],
    ]
    data = "".join(" ".join(line) + "\n" for line in lines).encode()
    try:
        read = parse_policy(data)
    except MalformedLogDataError as error:
        raise ValueError("a policy that can be read again was expected") from error
    if read != policy:
        raise ValueError("a policy whose names and URLs are single words was expected")
    return data


def _optional(url: str | None) -> tuple[str, ...]:
    return () if url is None else (url,)


def parse_policy(data: bytes) -> Policy:
    """Read a policy.

    Raises:
        MalformedLogDataError: TOO_LARGE, TEXT, LINES, WORD, DUPLICATE, UNDEFINED, THRESHOLD, NUMBER, NO_QUORUM,
            UNKNOWN_TYPE, and what `parse_vkey` raises.

    """
    # Tabs are spaces here; no other control character is allowed.
    text = parse_text(data.replace(b"\t", b" "), "the policy", largest=MAX_POLICY)
    if _DELETE in text:
        raise MalformedLogDataError(LogFlaw.TEXT, "the policy: a control character")
    draft = _Draft()
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.strip(" ")
        if content and not content.startswith("#"):
            draft.read(_SPACE.split(content), f"line {number}")
    return draft.policy()


@dataclass(slots=True)
class _Draft:
    """A policy while its lines are read."""

    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    names: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)

    def read(self, words: list[str], where: str) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._add_log(vkey, url, where)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._add_witness(name, vkey, url, where)
            case ["group", name, threshold, *members] if members:
                self._add_group(name, threshold, members, where)
            case ["quorum", name]:
                self._set_quorum(name, where)
            case _:
                raise MalformedLogDataError(LogFlaw.WORD, f"{where}: log, witness, group or quorum was expected")

    def policy(self) -> Policy:
        if self.quorum is None:
            raise MalformedLogDataError(LogFlaw.NO_QUORUM, "a quorum line was expected")
        return Policy(
            logs=tuple(self.logs), witnesses=tuple(self.witnesses), groups=tuple(self.groups), quorum=self.quorum
        )

    def _add_log(self, vkey: str, url: list[str], where: str) -> None:
        key = parse_vkey(vkey)
        if not key.is_of_log:
            raise MalformedLogDataError(LogFlaw.UNKNOWN_TYPE, f"{where}: the key of a log was expected")
        if any(key.public_key == log.key.public_key for log in self.logs):
            raise MalformedLogDataError(LogFlaw.DUPLICATE, f"{where}: the public key")
        self.logs.append(PolicyLog(key=key, url=next(iter(url), None)))

    def _add_witness(self, name: str, vkey: str, url: list[str], where: str) -> None:
        self._define(name, where)
        key = parse_vkey(vkey)
        if key.is_of_log:
            raise MalformedLogDataError(LogFlaw.UNKNOWN_TYPE, f"{where}: the key of a witness was expected")
        if any(key.public_key == witness.key.public_key for witness in self.witnesses):
            raise MalformedLogDataError(LogFlaw.DUPLICATE, f"{where}: the public key")
        self.witnesses.append(Witness(name=name, key=key, url=next(iter(url), None)))

    def _add_group(self, name: str, threshold: str, members: list[str], where: str) -> None:
        for member in members:
            if member not in self.names:
                raise MalformedLogDataError(LogFlaw.UNDEFINED, f"{where}: a member")
            if member in self.members:
                raise MalformedLogDataError(LogFlaw.DUPLICATE, f"{where}: a member of a group already")
            self.members.add(member)
        self._define(name, where)
        words = {"any": 1, "all": len(members)}
        needed = words[threshold] if threshold in words else parse_number(threshold, where)
        if not 1 <= needed <= len(members):
            raise MalformedLogDataError(LogFlaw.THRESHOLD, f"{where}: 1 to {len(members)} was expected")
        self.groups.append(Group(name=name, threshold=needed, members=tuple(members)))

    def _set_quorum(self, name: str, where: str) -> None:
        if self.quorum is not None:
            raise MalformedLogDataError(LogFlaw.DUPLICATE, f"{where}: the quorum")
        if name != NO_QUORUM and name not in self.names:
            raise MalformedLogDataError(LogFlaw.UNDEFINED, f"{where}: the quorum")
        self.quorum = name

    def _define(self, name: str, where: str) -> None:
        if name in self.names or name == NO_QUORUM:
            raise MalformedLogDataError(LogFlaw.DUPLICATE, f"{where}: the name")
        self.names.add(name)
