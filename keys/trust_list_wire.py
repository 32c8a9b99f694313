"""The members of a trust list as they stand in the file (docs/trust-list.md); what they mean is read elsewhere."""

from typing import Final

from msgspec import Struct

SCHEMA: Final = "tongban-trust-list/1"
EVERY: Final = "*"  # every licence type, every authority


class WireKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A key that signs lists."""

    id: str
    algorithm: str
    public_key: str
    roles: list[str]


class WireEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Somebody who is trusted: a certificate, those named ``subject`` below it, or a bare key."""

    certificate: str | None
    subject: str | None
    public_key: str | None
    purposes: tuple[str, ...]
    licence_types: str | tuple[str, ...]
    authorities: str | tuple[str, ...]
    region: str
    start: str | None
    sunset: str | None
    source: str


class WireRemoval(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Somebody who was taken off."""

    fingerprint: str
    title: str
    reason: str
    removed: str


class WireSignature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A signature over everything but the signatures."""

    key: str
    value: str


class WireSignedPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What is signed."""

    schema: str
    name: str
    version: int
    issued: str
    expires: str
    previous: str | None
    keys: list[WireKey]
    threshold: int
    entries: list[WireEntry]
    removed: list[WireRemoval]


class WireList(WireSignedPart, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The whole file."""

    signatures: list[WireSignature]
