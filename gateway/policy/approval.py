"""Approvals of a policy that widens: signed statements of different people, beside the policy.

``policies/approvals/DIGEST.json`` holds all approvals of one bundle. Each binds the bundle, the one in force before it,
and what widens between the two, so that it is good for exactly the change that the approver was shown.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from gateway.policy.approvers import Approver, ApproverRegistry
from gateway.policy.folder import APPROVALS_FOLDER
from gateway.policy.in_force import Digest, PartyId
from gateway.policy.moment import encode_moment, parse_moment
from keys.canonical_json import encode_canonical, parse_canonical
from keys.errors import SignatureVerificationError
from keys.own.signer import Signer, verify_own_signature
from policies.bundle import DIGEST_PREFIX
from policies.difference.line import DiffLine
from policies.fault import Words

SCHEMA: Final = "tongban-policy-approval/1"
MAX_APPROVALS: Final = 20  # of one bundle; two are usual
MAX_FILE_BYTES: Final = 32 * 1024  # twenty of 700 bytes, and room
MAX_SKEW: Final = timedelta(minutes=5)  # of the clocks of an approver's machine and ours
_TICK: Final = timedelta(milliseconds=1)  # the least by which two moments in files differ


class Refusal(StrEnum):
    """Why an approval does not count."""

    UNKNOWN_APPROVER = "unknown-approver"
    OTHER_CHANGE = "other-change"  # another bundle, another one before it, or another difference
    TOO_OLD = "too-old"  # made before the version in force came into force: it was for an earlier change
    IN_FUTURE = "in-future"
    BAD_SIGNATURE = "bad-signature"
    SAME_APPROVER = "same-approver"


_REFUSALS: Final = {
    Refusal.UNKNOWN_APPROVER: Words("不在本站点的审批人之列", "nobody of that name approves here"),
    Refusal.OTHER_CHANGE: Words(
        "批准的是另一项变更（策略、原策略或扩大内容不同）", "it approves another change than this one"
    ),
    Refusal.TOO_OLD: Words(
        "作于现行策略生效（{since}）之前", "it was made before the version in force came into force, on {since}"
    ),
    Refusal.IN_FUTURE: Words("时间在将来，请校准时钟", "it is dated in the future; set the clocks"),
    Refusal.BAD_SIGNATURE: Words("签名不成立", "the signature does not verify"),
    Refusal.SAME_APPROVER: Words("同一审批人只计一次", "one person counts once"),
}


class ApprovalError(ValueError):
    """A file that holds no approvals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The change that approvals are for: from ``previous`` (None: nothing in force), in force ``since``, to ``bundle``.

    ``widening`` is the digest of what widens (`digest_lines`).
    """

    bundle: str
    previous: str | None
    widening: str
    since: datetime | None


class _Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed; the schema keeps it apart from everything else that the same key signs."""

    schema: Annotated[str, Meta(pattern=rf"^{SCHEMA}\Z")]
    bundle: Digest
    previous: Digest | None
    widening: Digest
    made_at: str
    approver: PartyId


class _Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    statement: _Statement
    signature: Annotated[str, Meta(max_length=256)]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    approvals: Annotated[tuple[_Approval, ...], Meta(max_length=MAX_APPROVALS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One approval as its file says it; only `count_approvals` says whether it counts."""

    statement: _Statement
    signature: bytes

    @classmethod
    def make(cls, change: Change, approver: Approver, signer: Signer, *, at: datetime) -> Self:
        """Sign that exactly this change may be made.

        Raises:
            OwnKeyError, JournalError: the key does not sign.

        """
        statement = _Statement(
            schema=SCHEMA,
            bundle=change.bundle,
            previous=change.previous,
            widening=change.widening,
            made_at=encode_moment(at),
            approver=approver.id,
        )
        return cls(statement=statement, signature=signer.sign(encode_canonical(statement)))

    @property
    def approver(self) -> str:
        """Who says that they approve."""
        return self.statement.approver

    @property
    def made_at(self) -> datetime:
        """When."""
        return parse_moment(self.statement.made_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """An approval that was looked at; it counts when nothing refuses it."""

    approver: str
    made_at: datetime
    refusal: Refusal | None


def approval_file(policies: Path, digest: str) -> Path:
    """Return where the approvals of a bundle are."""
    return policies / APPROVALS_FOLDER / f"{digest.removeprefix(DIGEST_PREFIX)}.json"


def encode_approvals(approvals: Sequence[Approval]) -> bytes:
    """Return the bytes of a file of approvals."""
    return encode_canonical(_File(approvals=tuple(map(_stored, approvals))))


def describe_approval(approval: Approval) -> object:
    """Return an approval with its signature, as JSON has it."""
    return msgspec.to_builtins(_stored(approval))


def _stored(approval: Approval) -> _Approval:
    signature = base64.b64encode(approval.signature).decode("ascii")
    return _Approval(statement=approval.statement, signature=signature)


def parse_approvals(data: bytes) -> tuple[Approval, ...]:
    """Read a file of approvals; nothing is verified yet.

    Raises:
        ApprovalError: it is none.

    """
    if len(data) > MAX_FILE_BYTES:
        raise ApprovalError(f"at most {MAX_FILE_BYTES} bytes were expected")
    try:
        file = parse_canonical(data, _File)
        found = tuple(
            Approval(statement=one.statement, signature=base64.b64decode(one.signature, validate=True))
            for one in file.approvals
        )
        for one in found:
            parse_moment(one.statement.made_at)
    except (ValueError, binascii.Error) as error:
        raise ApprovalError("a file of approvals was expected") from error
    return found


def count_approvals(
    approvals: Iterable[Approval], change: Change, approvers: ApproverRegistry, *, at: datetime
) -> tuple[Counted, ...]:
    """Judge each approval. Whoever counts is a person of the registry, each with a key of their own, once."""
    counted: list[Counted] = []
    seen: set[bytes] = set()
    for one in approvals:
        approver = approvers.find(one.approver)
        refusal = _refuse(one, change, approver, at)
        if refusal is None and approver is not None:
            refusal = Refusal.SAME_APPROVER if approver.public_key in seen else None
            seen.add(approver.public_key)
        counted.append(Counted(approver=one.approver, made_at=one.made_at, refusal=refusal))
    return tuple(counted)


def _refuse(one: Approval, change: Change, approver: Approver | None, at: datetime) -> Refusal | None:
    statement = one.statement
    if approver is None:
        return Refusal.UNKNOWN_APPROVER
    if (statement.bundle, statement.previous, statement.widening) != (change.bundle, change.previous, change.widening):
        return Refusal.OTHER_CHANGE
    if change.since is not None and one.made_at < change.since:
        return Refusal.TOO_OLD
    if one.made_at > _latest(at, change.since) + MAX_SKEW:
        return Refusal.IN_FUTURE
    try:
        verify_own_signature(
            algorithm=approver.algorithm,
            public_key=approver.public_key,
            message=encode_canonical(statement),
            signature=one.signature,
        )
    except SignatureVerificationError:
        return Refusal.BAD_SIGNATURE
    return None


def _latest(at: datetime, since: datetime | None) -> datetime:
    return at if since is None else max(at, since)


def date_approval(change: Change, at: datetime) -> datetime:
    """Return when an approval is made: now, but not before what is in force, whatever clock that was dated by."""
    return _latest(at, change.since)


def date_activation(change: Change, used: Iterable[datetime], at: datetime) -> datetime:
    """Return when a change takes effect: now, but after what was in force, and after each approval that it uses up.

    So time goes on from one activation to the next even where clocks do not, and no approval counts twice.
    """
    earlier = (*used, *(() if change.since is None else (change.since,)))
    latest = max((one + _TICK for one in earlier), default=at)
    return parse_moment(encode_moment(max(at, latest)))


def describe_refusal(refusal: Refusal, change: Change) -> Words:
    """Say why an approval of a change does not count."""
    words = _REFUSALS[refusal]
    since = "" if change.since is None else encode_moment(change.since)
    return Words(words.zh.format(since=since), words.en.format(since=since))


def digest_lines(lines: Iterable[DiffLine]) -> str:
    """Return the digest of what widens: everything a line says except its words and its example, in one order."""
    said = sorted(
        encode_canonical(
            {
                "topic": one.topic.value,
                "subject": one.subject,
                "callers": sorted(map(list, one.callers)),
                "item": one.item,
                "licence": one.licence,
                "field": one.field,
                "old": one.old,
                "new": one.new,
                "contexts": one.contexts,
            }
        )
        for one in lines
        if one.widens
    )
    return DIGEST_PREFIX + hashlib.sha256(b"\n".join(said)).hexdigest()
