"""A signed trust list as a value: whom its keepers trust, for what and until when, and who may sign the next one.

Nothing is judged here: `keys.trust_list_parse` reads the file, `keys.trust_list_verify` decides whether it is to be
relied on.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from keys.canonical_json import encode_canonical
from keys.signature import ECDSA_WITH_SHA256, ED25519, SM2_WITH_SM3
from keys.spki import KeyType
from keys.trust import Anchor, KeyAnchor, TrustStore
from keys.trust_list_wire import (
    EVERY,
    SCHEMA,
    WireEntry,
    WireKey,
    WireList,
    WireRemoval,
    WireSignature,
    WireSignedPart,
)


class ListAlgorithm(StrEnum):
    """The algorithms with which lists are signed, by the word for their kind of key."""

    SM2 = "sm2"  # with SM3 and the default user id (GB/T 35276), DER
    P256 = "p-256"  # ECDSA with SHA-256, DER
    ED25519 = "ed25519"

    @property
    def oid(self) -> str:
        """The dotted OID of the signature algorithm."""
        return _OIDS[self]

    @property
    def key_type(self) -> KeyType:
        """The kind of key that it needs."""
        return KeyType(self.value)


_OIDS: Final[Mapping[ListAlgorithm, str]] = MappingProxyType(
    {
        ListAlgorithm.SM2: SM2_WITH_SM3,
        ListAlgorithm.P256: ECDSA_WITH_SHA256,
        ListAlgorithm.ED25519: ED25519,
    }
)


class KeyRole(StrEnum):
    """What a key of a list may sign."""

    TRUST_LIST = "trust-list"  # this list and the next one
    STATUS_FEED = "status-feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKey:
    """A public key (DER SubjectPublicKeyInfo, in its canonical spelling) and the id by which signatures name it."""

    id: str
    algorithm: ListAlgorithm
    public_key: bytes
    roles: frozenset[KeyRole] = frozenset({KeyRole.TRUST_LIST})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys:
    """Keys, and how many different ones of those with the role TRUST_LIST must have signed."""

    keys: tuple[ListKey, ...]
    threshold: int

    @property
    def signers(self) -> tuple[ListKey, ...]:
        """Those that may sign a list."""
        return tuple(key for key in self.keys if KeyRole.TRUST_LIST in key.roles)

    @property
    def can_be_met(self) -> bool:
        """Say whether there are as many different keys as signatures are asked for; one key under two ids is one."""
        return 1 <= self.threshold <= len({key.public_key for key in self.signers})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSignature:
    """A signature over `TrustList.signed_bytes`."""

    key: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Somebody whom the list named once and why no more, for people; it takes nothing away that is not absent.

    ``fingerprint`` is the SHA-256 of the certificate or of the public key, in hexadecimal.
    """

    fingerprint: str
    title: str
    reason: str
    removed_at: datetime


@dataclass(frozen=True, kw_only=True)
class TrustList:
    """One version of a list. It is in force while ``issued`` <= at < ``expires``.

    ``previous`` is the digest of the version before, None for the first.
    The order of its parts makes no difference to what it says: it is written, signed and digested sorted.
    """

    name: str
    version: int
    issued: datetime
    expires: datetime
    previous: str | None
    signers: ListKeys
    anchors: tuple[Anchor, ...] = ()
    keys: tuple[KeyAnchor, ...] = ()
    removed: tuple[Removal, ...] = ()
    signatures: tuple[ListSignature, ...] = ()

    @cached_property
    def signed_bytes(self) -> bytes:
        """What its signatures are over: the canonical JSON without the member ``signatures``."""
        return encode_canonical(WireSignedPart(**_members(self)))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over `signed_bytes` in hexadecimal: the same however many have signed."""
        return hashlib.sha256(self.signed_bytes).hexdigest()

    @property
    def entries(self) -> tuple[Anchor | KeyAnchor, ...]:
        """Everybody who is trusted."""
        return (*self.anchors, *self.keys)

    def with_signature(self, signature: ListSignature) -> "TrustList":
        """Return the list with one more signature, in place of an earlier one by the same key."""
        others = [one for one in self.signatures if one.key != signature.key]
        return replace(self, signatures=(*others, signature))


def encode_trust_list(trust_list: TrustList) -> bytes:
    """Encode a list as its file; equal content in any order gives equal bytes.

    Whether the values keep the rules of the format is for `keys.trust_list_parse.parse_trust_list` to say, which reads
    only what is written so.
    """
    signatures = [
        WireSignature(key=one.key, value=_base64(one.value))
        for one in sorted(trust_list.signatures, key=lambda one: one.key)
    ]
    return encode_canonical(WireList(**_members(trust_list), signatures=signatures))


def trust_store(lists: Iterable[TrustList], folder_anchors: Iterable[Anchor] = ()) -> TrustStore:
    """Return one store of what lists and a folder say; it adds up, and nothing that one says limits another.

    The lists must have been verified, and those that are no longer in force left out, by whoever calls.
    """
    taken = tuple(lists)
    return TrustStore(
        anchors=tuple(dict.fromkeys((*folder_anchors, *(anchor for one in taken for anchor in one.anchors)))),
        keys=tuple(dict.fromkeys(key for one in taken for key in one.keys)),
    )


def fingerprint_of(grant: Anchor | KeyAnchor) -> str:
    """Return the SHA-256 of the certificate or of the public key in hexadecimal."""
    if isinstance(grant, Anchor):
        return grant.certificate.fingerprint.hex()
    return hashlib.sha256(grant.public_key).hexdigest()


def _members(trust_list: TrustList) -> dict[str, Any]:
    """Return what is signed, in the order of the file: entries and removals by their own text, keys by id."""
    entries = {encode_canonical(wire): wire for wire in map(_encode_entry, trust_list.entries)}
    removed = {encode_canonical(wire): wire for wire in map(_encode_removal, trust_list.removed)}
    return {
        "schema": SCHEMA,
        "name": trust_list.name,
        "version": trust_list.version,
        "issued": encode_moment(trust_list.issued),
        "expires": encode_moment(trust_list.expires),
        "previous": trust_list.previous,
        "keys": [_encode_key(key) for key in sorted(trust_list.signers.keys, key=lambda key: key.id)],
        "threshold": trust_list.signers.threshold,
        "entries": [entries[text] for text in sorted(entries)],
        "removed": [removed[text] for text in sorted(removed)],
    }


def _encode_key(key: ListKey) -> WireKey:
    return WireKey(
        id=key.id, algorithm=key.algorithm.value, public_key=_base64(key.public_key), roles=sorted(key.roles)
    )


def _encode_entry(grant: Anchor | KeyAnchor) -> WireEntry:
    subject = grant.subject if isinstance(grant, Anchor) else None
    return WireEntry(
        certificate=_base64(grant.certificate.encoded) if isinstance(grant, Anchor) else None,
        subject=None if subject is None else _base64(subject),
        public_key=_base64(grant.public_key) if isinstance(grant, KeyAnchor) else None,
        purposes=tuple(sorted(grant.purposes)),
        licence_types=EVERY if grant.scope.licence_types is None else tuple(sorted(grant.scope.licence_types)),
        authorities=EVERY if grant.scope.authorities is None else tuple(sorted(grant.scope.authorities)),
        region=grant.region,
        start=None if grant.start is None else encode_moment(grant.start),
        sunset=None if grant.sunset is None else encode_moment(grant.sunset),
        source=grant.source,
    )


def _encode_removal(removal: Removal) -> WireRemoval:
    return WireRemoval(
        fingerprint=removal.fingerprint,
        title=removal.title,
        reason=removal.reason,
        removed=encode_moment(removal.removed_at),
    )


def encode_moment(moment: datetime) -> str:
    """Encode a moment as the format has it: UTC, whole seconds, ``Z``; a fraction is left out."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
