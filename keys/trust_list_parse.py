"""From the bytes of a trust list to its value: one spelling only, everything bounded, nothing judged."""

import binascii
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from keys.canonical_json import NotCanonicalError, encode_canonical, parse_canonical
from keys.certificate import parse_certificate
from keys.der import SEQUENCE, expect_element
from keys.errors import (
    MalformedCertificateError,
    MalformedTrustListError,
    SignatureVerificationError,
    TrustListFlaw,
)
from keys.name import MAX_NAME
from keys.scope import EVERYTHING, Scope
from keys.sm2 import Sm2PublicKey
from keys.spki import KeyType, parse_spki
from keys.trust import Anchor, KeyAnchor, Purpose
from keys.trust_list import KeyRole, ListAlgorithm, ListKey, ListKeys, ListSignature, Removal, TrustList
from keys.trust_list_wire import EVERY, SCHEMA, WireEntry, WireKey, WireList, WireRemoval, WireSignature, WireSignedPart

MAX_BYTES: Final = 32 * 1024 * 1024  # 10,000 entries of 2 kB with as much again for scopes
MAX_ENTRIES: Final = 10_000  # the national list has 60 authorities; all makers of all provinces are some thousands
MAX_REMOVED: Final = 10_000
MAX_CODES: Final = 1_000  # of one entry; a province knows about 900 licence types
MAX_KEYS: Final = 32  # that sign lists; five or seven people are usual
MAX_SIGNATURES: Final = 64  # old and new keys
MAX_TEXT: Final = 500  # characters of a source, a title or a reason
MAX_SIGNATURE: Final = 128  # bytes; DER of two numbers of 256 bits has 72
MAX_PUBLIC_KEY: Final = 2_048  # bytes of a caller's or a partner's; RSA of 8,192 bits has 1,062
_MAX_VERSION: Final = 2**53 - 1  # what every JSON reader keeps exactly
_PURPOSE_SETS: Final = 1 << len(Purpose)  # sets of purposes; each is kept once, however many entries have it

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_CODE: Final = re.compile(r"[0-9A-Z][0-9A-Z._-]{0,63}")  # GB/T 36903 codes, and what provinces use beside them
_REGION: Final = re.compile(r"[0-9]{6}|")  # GB/T 2260; empty: none in particular
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

E = TypeVar("E", bound=StrEnum)
S = TypeVar("S", str, bytes)
W = TypeVar("W")
V = TypeVar("V")


def parse_trust_list(data: bytes) -> TrustList:
    """Read a trust list; a certificate that cannot be read refuses the whole list, so that none is half loaded.

    Raises:
        MalformedTrustListError: the flaw says why, the detail where.

    """
    if len(data) > MAX_BYTES:
        raise MalformedTrustListError(TrustListFlaw.TOO_LARGE, f"at most {MAX_BYTES} bytes, got {len(data)}")
    try:
        wire = parse_canonical(data, WireList)
    except NotCanonicalError as error:
        raise MalformedTrustListError(TrustListFlaw.NOT_CANONICAL) from error
    except ValueError as error:
        raise MalformedTrustListError(TrustListFlaw.JSON, str(error)) from error
    if wire.schema != SCHEMA:
        raise MalformedTrustListError(TrustListFlaw.SCHEMA, f"{SCHEMA} was expected")
    _check_order(wire)
    trust_list = _read_list(wire)
    # Known already, as the bytes were found to be canonical: what is left of the file without its signatures.
    signed = WireSignedPart(**{field: getattr(wire, field) for field in WireSignedPart.__struct_fields__})
    trust_list.__dict__["signed_bytes"] = encode_canonical(signed)
    return trust_list


def _check_order(wire: WireList) -> None:
    """Refuse what is too much, out of order or there twice."""
    for what, count, limit in (
        ("entries", len(wire.entries), MAX_ENTRIES),
        ("removed", len(wire.removed), MAX_REMOVED),
        ("keys", len(wire.keys), MAX_KEYS),
        ("signatures", len(wire.signatures), MAX_SIGNATURES),
    ):
        if count > limit:
            raise MalformedTrustListError(TrustListFlaw.TOO_LARGE, f"at most {limit} {what}, got {count}")
    _expect_sorted([encode_canonical(entry) for entry in wire.entries], "entries")
    _expect_sorted([encode_canonical(removal) for removal in wire.removed], "removed")
    _expect_sorted([key.id for key in wire.keys], "keys")
    _expect_sorted([signature.key for signature in wire.signatures], "signatures")


def _expect_sorted(found: Sequence[S], where: str) -> None:
    if any(first >= second for first, second in pairwise(found)):
        raise MalformedTrustListError(TrustListFlaw.NOT_CANONICAL, f"{where}: out of order, or one twice")


def _read_list(wire: WireList) -> TrustList:
    issued, expires = _read_moment(wire.issued, "issued"), _read_moment(wire.expires, "expires")
    if issued >= expires:
        raise MalformedTrustListError(TrustListFlaw.TIME, "expires: a moment after issued was expected")
    if not 1 <= wire.version <= _MAX_VERSION:
        raise MalformedTrustListError(TrustListFlaw.NUMBER, "version")
    signers = ListKeys(keys=tuple(read_list_key(key) for key in wire.keys), threshold=wire.threshold)
    if not signers.can_be_met:
        raise MalformedTrustListError(TrustListFlaw.THRESHOLD, f"{wire.threshold} of {len(signers.signers)}")
    entries = _read_all(wire.entries, _read_entry, "entries")
    return TrustList(
        name=_match(wire.name, _NAME, "name"),
        version=wire.version,
        issued=issued,
        expires=expires,
        previous=None if wire.previous is None else _match(wire.previous, _DIGEST, "previous"),
        signers=signers,
        anchors=tuple(entry for entry in entries if isinstance(entry, Anchor)),
        keys=tuple(entry for entry in entries if isinstance(entry, KeyAnchor)),
        removed=tuple(_read_all(wire.removed, _read_removal, "removed")),
        signatures=tuple(_read_signature(signature) for signature in wire.signatures),
    )


def _read_all(wires: Sequence[W], read: Callable[[W], V], where: str) -> list[V]:
    """Read the members of a list; what is wrong with one is said with its place."""
    found: list[V] = []
    for wire in wires:
        try:
            found.append(read(wire))
        except MalformedTrustListError as error:
            detail = f": {error.detail}" if error.detail else ""
            raise MalformedTrustListError(error.flaw, f"{where}[{len(found)}]{detail}") from error
    return found


def read_list_key(wire: WireKey) -> ListKey:
    """Read one key of a list; root keys that an operator was given have the same form.

    Raises:
        MalformedTrustListError: the flaw is KEY or TEXT.

    """
    where = f"keys: {_match(wire.id, _KEY_ID, 'keys: id')}"
    try:
        algorithm = ListAlgorithm(wire.algorithm)
    except ValueError as error:
        raise MalformedTrustListError(TrustListFlaw.KEY, f"{where}: algorithm") from error
    public_key = _read_public_key(wire.public_key, where)
    if parse_spki(public_key)[0] is not algorithm.key_type:
        raise MalformedTrustListError(TrustListFlaw.KEY, f"{where}: a key for {algorithm} was expected")
    return ListKey(
        id=wire.id, algorithm=algorithm, public_key=public_key, roles=_read_words(wire.roles, KeyRole, where)
    )


def _read_public_key(text: str, where: str) -> bytes:
    """Read a key in its one spelling: two spellings of one key could otherwise count as two signers."""
    encoded = _decode(text, where, limit=MAX_PUBLIC_KEY)
    try:
        key_type, _ = parse_spki(encoded)
        if key_type is KeyType.SM2:
            canonical = Sm2PublicKey.from_spki(encoded).spki
        else:
            canonical = load_der_public_key(encoded).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm, SignatureVerificationError) as error:
        raise MalformedTrustListError(TrustListFlaw.KEY, where) from error
    if key_type is None or canonical != encoded:
        raise MalformedTrustListError(TrustListFlaw.KEY, f"{where}: another spelling than the canonical one")
    return encoded


def _read_entry(wire: WireEntry) -> Anchor | KeyAnchor:
    purposes = _read_purposes(wire.purposes)
    scope = _read_scope(wire.licence_types, wire.authorities)
    start = None if wire.start is None else _read_moment(wire.start, "start")
    sunset = None if wire.sunset is None else _read_moment(wire.sunset, "sunset")
    if start is not None and sunset is not None and start >= sunset:
        raise MalformedTrustListError(TrustListFlaw.TIME, "sunset: a moment after start was expected")
    region, source = _match(wire.region, _REGION, "region"), _read_text(wire.source, "source")
    if (wire.certificate is None) == (wire.public_key is None) or (wire.subject is not None and not wire.certificate):
        raise MalformedTrustListError(TrustListFlaw.ENTRY, "a certificate or a public key was expected")
    if wire.certificate is None:
        return KeyAnchor(
            public_key=_read_public_key(wire.public_key or "", "public_key"),
            purposes=purposes,
            scope=scope,
            start=start,
            sunset=sunset,
            region=region,
            source=source,
        )
    try:
        certificate = parse_certificate(_decode(wire.certificate, "certificate", limit=MAX_BYTES))
    except MalformedCertificateError as error:
        raise MalformedTrustListError(TrustListFlaw.CERTIFICATE) from error
    subject = None if wire.subject is None else _read_name(wire.subject, "subject")
    if subject is not None and not certificate.is_ca:
        raise MalformedTrustListError(TrustListFlaw.ENTRY, "a subject below a CA was expected")
    if subject is None and certificate.is_ca and Purpose.SEAL_MAKER in purposes:
        raise MalformedTrustListError(TrustListFlaw.CA_AS_MAKER)
    return Anchor(
        certificate=certificate,
        subject=subject,
        is_exhaustive=True,
        purposes=purposes,
        scope=scope,
        start=start,
        sunset=sunset,
        region=region,
        source=source,
    )


def _read_removal(wire: WireRemoval) -> Removal:
    return Removal(
        fingerprint=_match(wire.fingerprint, _DIGEST, "fingerprint"),
        title=_read_text(wire.title, "title"),
        reason=_read_text(wire.reason, "reason"),
        removed_at=_read_moment(wire.removed, "removed"),
    )


def _read_signature(wire: WireSignature) -> ListSignature:
    key = _match(wire.key, _KEY_ID, "signatures: key")
    return ListSignature(key=key, value=_decode(wire.value, f"signatures: {key}", limit=MAX_SIGNATURE))


@lru_cache(maxsize=_PURPOSE_SETS)
def _read_purposes(words: tuple[str, ...]) -> frozenset[Purpose]:
    return _read_words(words, Purpose, "purposes")


def _read_words(words: Sequence[str], kind: Callable[[str], E], where: str) -> frozenset[E]:
    """Read an enumeration's words, at least one, sorted."""
    _expect_sorted(words, where)
    if not words:
        raise MalformedTrustListError(TrustListFlaw.ENTRY, f"{where}: for nothing")
    try:
        return frozenset(kind(word) for word in words)
    except ValueError as error:
        raise MalformedTrustListError(TrustListFlaw.ENTRY, f"{where}: an unknown word") from error


def _read_scope(licence_types: str | Sequence[str], authorities: str | Sequence[str]) -> Scope:
    if licence_types == authorities == EVERY:
        return EVERYTHING  # one value for all
    return Scope(
        licence_types=_read_codes(licence_types, "licence_types"), authorities=_read_codes(authorities, "authorities")
    )


def _read_codes(codes: str | Sequence[str], where: str) -> frozenset[str] | None:
    if isinstance(codes, str):
        if codes != EVERY:
            raise MalformedTrustListError(TrustListFlaw.TEXT, f'{where}: a list, or "*", was expected')
        return None
    if len(codes) > MAX_CODES:
        raise MalformedTrustListError(TrustListFlaw.TOO_LARGE, f"{where}: at most {MAX_CODES}, got {len(codes)}")
    if not codes:
        raise MalformedTrustListError(TrustListFlaw.ENTRY, f"{where}: for nothing")
    _expect_sorted(codes, where)
    if not all(map(_CODE.fullmatch, codes)):
        raise MalformedTrustListError(TrustListFlaw.TEXT, where)
    return frozenset(codes)


def _read_name(text: str, where: str) -> bytes:
    name = _decode(text, where, limit=MAX_NAME)
    try:
        is_whole = expect_element(name, 0, len(name), SEQUENCE).end == len(name)
    except ValueError as error:
        raise MalformedTrustListError(TrustListFlaw.ENTRY, where) from error
    if not is_whole or len(name) == 2:  # noqa: PLR2004 - a header alone: a name of nothing
        raise MalformedTrustListError(TrustListFlaw.ENTRY, where)
    return name


def _read_moment(text: str, where: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise MalformedTrustListError(TrustListFlaw.TIME, f"{where}: like 2026-01-31T16:00:00Z was expected")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedTrustListError(TrustListFlaw.TIME, f"{where}: no such moment") from error


def _read_text(text: str, where: str) -> str:
    if len(text) > MAX_TEXT or not text.isprintable():
        raise MalformedTrustListError(TrustListFlaw.TEXT, where)
    return text


def _match(text: str, form: re.Pattern[str], where: str) -> str:
    if not form.fullmatch(text):
        raise MalformedTrustListError(TrustListFlaw.TEXT, where)
    return text


def _decode(text: str, where: str, *, limit: int) -> bytes:
    """Decode base64 (RFC 4648 section 4) in its one spelling."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise MalformedTrustListError(TrustListFlaw.TEXT, f"{where}: base64 was expected") from error
    if not data or len(data) > limit:
        raise MalformedTrustListError(TrustListFlaw.TOO_LARGE, f"{where}: 1 to {limit} bytes were expected")
    if binascii.b2a_base64(data, newline=False).decode("ascii") != text:
        raise MalformedTrustListError(TrustListFlaw.NOT_CANONICAL, f"{where}: base64")
    return data
