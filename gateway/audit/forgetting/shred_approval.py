"""Approvals of forgetting somebody: signed statements of different people, each good for one person and one site.

A statement names the person by a salted, slow hash: it can be carried around without the number in it, and trying all
10^11 numbers against it would take centuries. It is destroyed with the work it was for.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.audit.entry import SubjectId
from gateway.audit.errors import AuditError
from gateway.audit.leaf import MAX_TEXT
from gateway.policy.approvers import Approver, ApproverRegistry
from gateway.policy.in_force import PartyId
from gateway.policy.moment import encode_moment, parse_moment
from keys.canonical_json import encode_canonical, parse_canonical
from keys.errors import SignatureVerificationError
from keys.own.signer import Signer, verify_own_signature

SCHEMA: Final = "tongban-shred-approval/1"
APPROVERS_NEEDED: Final = 2
MAX_AGE: Final = timedelta(days=7)  # what was approved long ago is not what is wanted today
MAX_SKEW: Final = timedelta(minutes=5)  # of the clocks of an approver's machine and ours
MAX_FILE_BYTES: Final = 4096  # a statement has 600
_SALT_SIZE: Final = 16
_COST: Final = 2**15  # of scrypt with r = 8: 32 MiB, about 0.1 s for each number that is tried
_MEMORY: Final = 64 * 1024 * 1024
_BASIS: Final = re.compile(rf"[!#-\[\]-~]{{1,{MAX_TEXT}}}")


class ApprovalRefusal(StrEnum):
    """Why an approval does not count."""

    UNKNOWN_APPROVER = "unknown-approver"
    OTHER_WORK = "other-work"  # another log, person or basis
    TOO_OLD = "too-old"
    IN_FUTURE = "in-future"
    BAD_SIGNATURE = "bad-signature"
    SAME_APPROVER = "same-approver"


class ShredApprovalError(AuditError):
    """A file that holds no approval, or a basis that is no code."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShredOrder:
    """Whom to forget, and by which clause of law, such as ``PIPL-47``: a code of printable ASCII.

    ``log`` is the log of a site (`gateway.audit.shard.site_origin`): the person is forgotten in all its half-years.

    Making one raises `ShredApprovalError` for another basis, and for nobody.
    """

    log: str
    subject: SubjectId
    basis: str

    def __post_init__(self) -> None:
        """Refuse what a leaf cannot say."""
        if not self.subject or not _BASIS.fullmatch(self.basis):
            raise ShredApprovalError("a person and a code of law such as PIPL-47 were expected")


class _Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed; the schema keeps it apart from everything else that the same key signs."""

    schema: Annotated[str, Meta(pattern=rf"^{SCHEMA}\Z")]
    log: Annotated[str, Meta(min_length=1, max_length=255)]
    subject: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    salt: Annotated[str, Meta(pattern=rf"^[0-9a-f]{{{2 * _SALT_SIZE}}}\Z")]
    basis: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    made_at: str
    approver: PartyId


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    statement: _Statement
    signature: Annotated[str, Meta(max_length=256)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShredApproval:
    """One approval as its file says it; only `count_approvals` says whether it counts."""

    statement: _Statement
    signature: bytes

    @property
    def approver(self) -> str:
        """Who says that they approve."""
        return self.statement.approver


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedApproval:
    """An approval that was looked at; it counts when nothing refuses it."""

    approver: str
    refusal: ApprovalRefusal | None


def make_approval(order: ShredOrder, approver: Approver, signer: Signer, *, at: datetime) -> ShredApproval:
    """Sign that exactly this may be done; raises what the signer raises."""
    salt = secrets.token_bytes(_SALT_SIZE)
    statement = _Statement(
        schema=SCHEMA,
        log=order.log,
        subject=_hash(order.subject, salt),
        salt=salt.hex(),
        basis=order.basis,
        made_at=encode_moment(at),
        approver=approver.id,
    )
    return ShredApproval(statement=statement, signature=signer.sign(encode_canonical(statement)))


def encode_approval(approval: ShredApproval) -> bytes:
    """Return the bytes of a file."""
    signature = base64.b64encode(approval.signature).decode("ascii")
    return encode_canonical(_File(statement=approval.statement, signature=signature))


def parse_approval(data: bytes) -> ShredApproval:
    """Read a file; nothing is verified yet.

    Raises:
        ShredApprovalError: it is none.

    """
    if len(data) > MAX_FILE_BYTES:
        raise ShredApprovalError(f"at most {MAX_FILE_BYTES} bytes were expected")
    try:
        file = parse_canonical(data, _File)
        parse_moment(file.statement.made_at)
        signature = base64.b64decode(file.signature, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ShredApprovalError("an approval was expected") from error
    return ShredApproval(statement=file.statement, signature=signature)


def count_approvals(
    approvals: Iterable[ShredApproval], order: ShredOrder, approvers: ApproverRegistry, *, at: datetime
) -> tuple[CountedApproval, ...]:
    """Judge each approval; blocks. Whoever counts is a person of the registry, each with a key of their own, once."""
    counted: list[CountedApproval] = []
    seen: set[bytes] = set()
    for one in approvals:
        approver = approvers.find(one.approver)
        refusal = _refuse(one, order, approver, seen, at)
        if refusal is None and approver is not None:
            seen.add(approver.public_key)
        counted.append(CountedApproval(approver=one.approver, refusal=refusal))
    return tuple(counted)


def _refuse(
    one: ShredApproval, order: ShredOrder, approver: Approver | None, counted: Collection[bytes], at: datetime
) -> ApprovalRefusal | None:
    statement = one.statement
    made_at = parse_moment(statement.made_at)
    if approver is None:
        return ApprovalRefusal.UNKNOWN_APPROVER
    if made_at > at + MAX_SKEW:
        return ApprovalRefusal.IN_FUTURE
    if made_at < at - MAX_AGE:
        return ApprovalRefusal.TOO_OLD
    try:
        verify_own_signature(
            algorithm=approver.algorithm,
            public_key=approver.public_key,
            message=encode_canonical(statement),
            signature=one.signature,
        )
    except SignatureVerificationError:
        return ApprovalRefusal.BAD_SIGNATURE
    if approver.public_key in counted:
        return ApprovalRefusal.SAME_APPROVER
    # Last, for it takes long: nobody makes us hash by a file that nobody signed, or by a second one of the same person.
    same = hmac.compare_digest(statement.subject, _hash(order.subject, bytes.fromhex(statement.salt)))
    if not same or (statement.log, statement.basis) != (order.log, order.basis):
        return ApprovalRefusal.OTHER_WORK
    return None


def _hash(subject: SubjectId, salt: bytes) -> str:
    return hashlib.scrypt(subject.encode(), salt=salt, n=_COST, r=8, p=1, maxmem=_MEMORY, dklen=32).hex()
