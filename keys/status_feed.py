"""Our own signed status feed as a value: which licences and certificates lost their force, under a sequence number.

A snapshot says everything, a delta what changed since an earlier number; both are canonical JSON (keys.canonical_json)
signed by one key, as docs/status-feed.md describes. A reader that missed a delta notices and fetches a snapshot.
What is not mentioned is in force, but only for the issuers that the feed says it covers.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

import msgspec

from keys.canonical_json import NotCanonicalError, encode_canonical, parse_canonical
from keys.errors import KeysError
from keys.revoked import RevocationReason

SCHEMA: Final = "tongban.status-feed/1"
MAX_FEED: Final = 256 * 1024 * 1024  # bytes; a million entries take 150 MB
MAX_ENTRIES: Final = 1_000_000  # as many as the largest national revocation list
MAX_COVERED: Final = 1_000  # issuers that one feed speaks for completely; the country has about 60 licensed CAs
# \Z and not $, which lets a line end pass; [0-9] and not \d, which lets the digits of every script pass.
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z"


class FeedFault(StrEnum):
    """Why a feed is not relied on, or a delta not applied."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    NOT_CANONICAL = "not-canonical"
    UNKNOWN_KEY = "unknown-key"
    BAD_SIGNATURE = "bad-signature"
    OTHER_FEED = "other-feed"  # of another publisher than the one at hand
    NOT_A_SNAPSHOT = "not-a-snapshot"
    NOT_A_DELTA = "not-a-delta"
    GAP = "gap"  # changes between the state at hand and the delta would be missed
    BACKWARDS = "backwards"  # an older number, or an older time under a newer number
    FORKED = "forked"  # another content under the number that is at hand
    NOT_YET = "not-yet"
    STALE = "stale"


class FeedError(KeysError):
    """A feed that is not relied on; the state at hand stays in force."""

    def __init__(self, fault: FeedFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


class CertificateState(StrEnum):
    """What a feed says about a certificate; GOOD occurs in deltas, and takes an entry away."""

    REVOKED = "revoked"
    GOOD = "good"


class LicenceState(StrEnum):
    """What a feed says about a licence (the statuses of the gateway); ACTIVE occurs in deltas, and takes away."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class CertificateKey(NamedTuple):
    """A certificate: SHA-256 of its issuer's SubjectPublicKeyInfo in hexadecimal, and its serial number."""

    issuer_key: str
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateEntry:
    """A certificate, what became of it and when; ``reason`` None: none is given."""

    key: CertificateKey
    state: CertificateState
    at: datetime
    reason: RevocationReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceEntry:
    """A licence by its identifier (证照标识), what became of it and when."""

    licence: str
    state: LicenceState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFeed:
    """A snapshot (``since`` None) or a delta from ``since``; current while issued <= at < next_due.

    A delta from its own number says that nothing changed, as of now.

    ``covers`` are the issuer keys (as in `CertificateKey`) about whose certificates silence means that they are good.
    """

    publisher: str
    sequence: int
    since: int | None
    issued: datetime
    next_due: datetime
    covers: tuple[str, ...] = ()
    certificates: tuple[CertificateEntry, ...] = ()
    licences: tuple[LicenceEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SignedFeed:
    """A feed as it was read, with the one signature over ``signed_bytes``; not yet verified."""

    feed: StatusFeed
    key_id: str
    signature: bytes
    signed_bytes: bytes
    fingerprint: bytes  # SHA-256 of ``signed_bytes``


_Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Serial = Annotated[str, msgspec.Meta(pattern=r"^(0|-?[1-9a-f][0-9a-f]{0,127})\Z")]
_Moment = Annotated[str, msgspec.Meta(pattern=_TIME)]
_Sequence = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]  # what every JSON reader holds exactly


class _CertificateLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    at: _Moment
    issuer_key: _Hex
    serial: _Serial
    state: CertificateState
    reason: RevocationReason | msgspec.UnsetType = msgspec.UNSET


class _LicenceLine(msgspec.Struct, forbid_unknown_fields=True):
    at: _Moment
    licence: Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[!-~]+\Z")]
    state: LicenceState


class _Signature(msgspec.Struct, forbid_unknown_fields=True):
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    value: Annotated[str, msgspec.Meta(min_length=4, max_length=512)]


class _Body(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    certificates: Annotated[list[_CertificateLine], msgspec.Meta(max_length=MAX_ENTRIES)]
    covers: Annotated[list[_Hex], msgspec.Meta(max_length=MAX_COVERED)]
    issued: _Moment
    licences: Annotated[list[_LicenceLine], msgspec.Meta(max_length=MAX_ENTRIES)]
    next: _Moment
    publisher: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    schema: Literal["tongban.status-feed/1"]
    seq: _Sequence
    since: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | msgspec.UnsetType = msgspec.UNSET


class _File(_Body):
    signature: _Signature


def parse_status_feed(blob: bytes) -> SignedFeed:
    """Read a snapshot or a delta; nothing is verified.

    Raises:
        FeedError: TOO_LARGE, MALFORMED, or NOT_CANONICAL when the same content has another, canonical spelling.

    """
    if len(blob) > MAX_FEED:
        raise FeedError(FeedFault.TOO_LARGE, f"at most {MAX_FEED} bytes were expected, got {len(blob)}")
    try:
        file = parse_canonical(blob, _File)
        feed = _read_body(file)
        value = base64.b64decode(file.signature.value, validate=True)
    except NotCanonicalError as error:
        raise FeedError(FeedFault.NOT_CANONICAL, str(error)) from error
    except (ValueError, OverflowError, binascii.Error) as error:
        raise FeedError(FeedFault.MALFORMED, str(error)) from error
    if base64.b64encode(value).decode() != file.signature.value:
        raise FeedError(FeedFault.NOT_CANONICAL, "base64 with stray bits")
    # Of what was read, and not of what was understood: two readings of one text never share a signature.
    signed_bytes = encode_canonical(_Body(**{name: getattr(file, name) for name in _Body.__struct_fields__}))
    return SignedFeed(
        feed=feed,
        key_id=file.signature.key,
        signature=value,
        signed_bytes=signed_bytes,
        fingerprint=hashlib.sha256(signed_bytes).digest(),
    )


def encode_status_feed(feed: StatusFeed) -> bytes:
    """Encode what is signed: everything but the signature; entries in the order of their keys."""
    return encode_canonical(_Body(**_members(feed)))  # type: ignore[arg-type]  # the members are those of the structure


def encode_signed_feed(feed: StatusFeed, *, key_id: str, signature: bytes) -> bytes:
    """Encode the whole file; ``signature`` is over `encode_status_feed`."""
    signed = _Signature(key=key_id, value=base64.b64encode(signature).decode())
    return encode_canonical(_File(signature=signed, **_members(feed)))  # type: ignore[arg-type]  # as above


def _members(feed: StatusFeed) -> Mapping[str, object]:
    return {
        "certificates": [
            _CertificateLine(
                at=_write_time(entry.at),
                issuer_key=entry.key.issuer_key,
                serial=f"{entry.key.serial:x}",
                state=entry.state,
                reason=msgspec.UNSET if entry.reason is None else entry.reason,
            )
            for entry in sorted(feed.certificates, key=lambda entry: entry.key)
        ],
        "covers": sorted(feed.covers),
        "issued": _write_time(feed.issued),
        "licences": [
            _LicenceLine(at=_write_time(entry.at), licence=entry.licence, state=entry.state)
            for entry in sorted(feed.licences, key=lambda entry: entry.licence)
        ],
        "next": _write_time(feed.next_due),
        "publisher": feed.publisher,
        "schema": SCHEMA,
        "seq": feed.sequence,
        "since": msgspec.UNSET if feed.since is None else feed.since,
    }


def _read_body(body: _Body) -> StatusFeed:
    is_delta = body.since is not msgspec.UNSET
    certificates = tuple(
        CertificateEntry(
            key=CertificateKey(line.issuer_key, int(line.serial, 16)),
            state=line.state,
            at=_read_time(line.at),
            reason=None if isinstance(line.reason, msgspec.UnsetType) else line.reason,
        )
        for line in body.certificates
    )
    licences = tuple(
        LicenceEntry(licence=line.licence, state=line.state, at=_read_time(line.at)) for line in body.licences
    )
    _expect_sorted([entry.key for entry in certificates], "certificates")
    _expect_sorted([entry.licence for entry in licences], "licences")
    _expect_sorted(body.covers, "covers")
    if not is_delta and (
        any(entry.state is CertificateState.GOOD for entry in certificates)
        or any(entry.state is LicenceState.ACTIVE for entry in licences)
    ):
        raise ValueError("a snapshot does not mention what is in force")
    feed = StatusFeed(
        publisher=body.publisher,
        sequence=body.seq,
        since=None if isinstance(body.since, msgspec.UnsetType) else body.since,
        issued=_read_time(body.issued),
        next_due=_read_time(body.next),
        covers=tuple(body.covers),
        certificates=certificates,
        licences=licences,
    )
    if feed.next_due <= feed.issued:
        raise ValueError("a next issue after this one was expected")
    if feed.since is not None and (
        feed.since > feed.sequence or (feed.since == feed.sequence and (certificates or licences))
    ):
        raise ValueError("a delta that ends after it begins was expected, or one without changes")
    return feed


_Key = TypeVar("_Key", str, CertificateKey)


def _expect_sorted(keys: list[_Key], member: str) -> None:
    """Expect ascending keys, each once, so that one content has one spelling."""
    if any(not first < second for first, second in pairwise(keys)):
        raise NotCanonicalError(f"{member} in ascending order, each once, were expected")


def _write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def issuer_key(spki: bytes) -> str:
    """Return how feeds name an issuer: SHA-256 of its SubjectPublicKeyInfo in hexadecimal."""
    return hashlib.sha256(spki).hexdigest()
