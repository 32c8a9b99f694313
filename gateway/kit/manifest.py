"""The manifest of a kit: of which system and mapping it is, its cases, and the digest of every file beside it.

Its signature is over a title of its own and the manifest, so that no other signature of the same key passes for it.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from keys.canonical_json import encode_canonical, parse_canonical
from keys.errors import SignatureVerificationError
from keys.own.record import KEY_TYPES, KeyAlgorithm
from keys.own.signer import Signer, verify_own_signature
from keys.spki import parse_spki

KIT_SCHEMA: Final = "tongban-adapter-kit/1"
MANIFEST_FILE: Final = "kit.json"
SIGNATURE_FILE: Final = "kit.sig"
MAPPING_FILE: Final = "mapping.toml"
MAX_CASES: Final = 140  # two files each, in a package of at most 300; our largest kit has 25
MAX_MANIFEST: Final = 256 * 1024  # bytes; a case takes some 300

_TITLE: Final = b"tongban adapter kit v1\n"
_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z")]
_File = Annotated[str, Meta(pattern=r"^(?:mapping\.toml|cases/[a-z0-9][a-z0-9-]{0,63}\.(?:msg|json))\Z")]
_Text = Annotated[str, Meta(max_length=500)]


class KitFault(StrEnum):
    """Why a kit is not one to rely on."""

    PACKAGE = "package"  # no ZIP or folder in the form of a kit
    MANIFEST = "manifest"
    FILES = "files"  # a file is missing, too many, or another one than was signed for
    UNSIGNED = "unsigned"
    SIGNATURE = "signature"  # by another key, or over another manifest


class KitError(Exception):
    """What was sent is no kit, or not the one that was signed; ``where`` names a file of it."""

    def __init__(self, fault: KitFault, where: str = "") -> None:
        super().__init__(f"{fault}: {where}" if where else str(fault))
        self.fault = fault
        self.where = where


class KitLoss(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the loss table of the mapping."""

    field: _Text
    direction: Literal["both", "in", "out"]
    zh: _Text
    en: _Text


class KitCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case: a message in ``cases/NAME.msg``, and what is to be read from it in ``cases/NAME.json``."""

    name: _Name
    kind: Literal["answer", "request"]

    @property
    def message_file(self) -> str:
        """Where the message is."""
        return f"cases/{self.name}.msg"

    @property
    def expected_file(self) -> str:
        """Where stands what is to be read."""
        return f"cases/{self.name}.json"


class KitManifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kit is. ``mapping`` is the digest of the mapping that made it, ``key`` the id of the key that signs."""

    schema: Annotated[str, Meta(pattern=rf"^{KIT_SCHEMA}\Z")] = KIT_SCHEMA
    system: _Name
    mapping: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
    key: _Hash | None
    cases: Annotated[list[KitCase], Meta(max_length=MAX_CASES)]
    losses: Annotated[list[KitLoss], Meta(max_length=500)]
    files: Annotated[dict[_File, _Hash], Meta(max_length=2 * MAX_CASES + 1)]


def encode_manifest(manifest: KitManifest) -> bytes:
    """Write a manifest."""
    return encode_canonical(manifest)


def parse_manifest(data: bytes) -> KitManifest:
    """Read a manifest; raises KitError MANIFEST for anything but canonical JSON of its form, with cases told apart."""
    if len(data) > MAX_MANIFEST:
        raise KitError(KitFault.MANIFEST, MANIFEST_FILE)
    try:
        manifest = parse_canonical(data, KitManifest)
    except ValueError:  # the cause may quote the content
        raise KitError(KitFault.MANIFEST, MANIFEST_FILE) from None
    if len({case.name for case in manifest.cases}) != len(manifest.cases):
        raise KitError(KitFault.MANIFEST, MANIFEST_FILE)
    return manifest


def digest_files(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of every file that a manifest lists."""
    return {name: sha256(data).hexdigest() for name, data in sorted(files.items())}


def verify_files(manifest: KitManifest, files: Mapping[str, bytes]) -> None:
    """Verify that the files are exactly those of the manifest; raises KitError FILES."""
    listed = {name for case in manifest.cases for name in (case.message_file, case.expected_file)} | {MAPPING_FILE}
    found = digest_files({name: data for name, data in files.items() if name not in {MANIFEST_FILE, SIGNATURE_FILE}})
    for name in sorted(listed ^ manifest.files.keys() | found.keys() ^ manifest.files.keys()):
        raise KitError(KitFault.FILES, name)
    for name, digest in manifest.files.items():
        if found[name] != digest:
            raise KitError(KitFault.FILES, name)


def sign_manifest(data: bytes, signer: Signer) -> bytes:
    """Return the signature of a manifest; raises what the signer raises."""
    return signer.sign(_TITLE + data)


def verify_manifest(data: bytes, signature: bytes | None, *, public_key: bytes) -> None:
    """Verify the signature by exactly this key, a SubjectPublicKeyInfo.

    Raises:
        KitError: UNSIGNED, SIGNATURE.

    """
    if signature is None:
        raise KitError(KitFault.UNSIGNED, SIGNATURE_FILE)
    try:
        kind = parse_spki(public_key)[0]
        algorithm = next(one for one in KeyAlgorithm if KEY_TYPES[one] is kind)
        verify_own_signature(algorithm=algorithm, public_key=public_key, message=_TITLE + data, signature=signature)
    except (SignatureVerificationError, ValueError, StopIteration) as error:
        raise KitError(KitFault.SIGNATURE, SIGNATURE_FILE) from error
