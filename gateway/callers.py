"""The systems that may ask: who they are, and the one public key that proves it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, NewType

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from adapters.errors import MalformedDocumentError
from adapters.strict.base64 import decode_base64
from gateway.settings import REGION_PATTERN
from gateway.toml_table import Fault, TomlTable, load_toml
from keys.errors import SignatureVerificationError
from keys.sm2 import Sm2PublicKey

CallerId = NewType("CallerId", str)
KeyId = NewType("KeyId", str)
CallerKey = Ed25519PublicKey | EllipticCurvePublicKey | Sm2PublicKey

MAX_CALLERS: Final = 10_000  # a province connects some thousands of business systems; bounds the start-up time
MAX_KEY_FILE_BYTES: Final = 16 * 1024  # a public key in PEM has fewer than 300 bytes

_CALLER_ID: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
_KEY_ID: Final = r"[A-Za-z0-9._:~-]{1,64}"
_CREDIT_CODE: Final = r"[0-9A-HJ-NP-RTUW-Y]{18}"  # GB 32100: letters without I, O, S, V and Z
_FILE_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_PEM: Final = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,8192})-----END PUBLIC KEY-----\s*")


class TokenAlgorithm(StrEnum):
    """The values of ``alg`` that a caller may be registered with."""

    EDDSA = "EdDSA"  # RFC 8037, Ed25519 only
    ES256 = "ES256"  # RFC 7518 section 3.4
    SM2 = "SM2"  # private name: SM2 with SM3, r and s as 64 raw bytes, user ID 1234567812345678


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A registered system; it may sign in when ``enabled`` and ``valid_from <= at < valid_to`` (None: open)."""

    id: CallerId
    name: str
    name_zh: str
    organisation: str
    region: str
    key_id: KeyId
    algorithm: TokenAlgorithm
    public_key: CallerKey
    enabled: bool = True
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def is_active(self, at: datetime) -> bool:
        """Say whether this caller may sign in at the moment."""
        begun = self.valid_from is None or self.valid_from <= at
        ended = self.valid_to is not None and at >= self.valid_to
        return self.enabled and begun and not ended


class CallerRegistry:
    """All callers of a site, found by caller and key id together; a registry never changes."""

    def __init__(self, callers: Iterable[Caller] = ()) -> None:
        """Keep the callers.

        Raises:
            ValueError: two of them have the same id and the same key id.

        """
        found: dict[tuple[str, str], Caller] = {}
        for caller in callers:
            name = (caller.id, caller.key_id)
            if name in found:
                raise ValueError(f"one caller with id {caller.id} and key {caller.key_id} was expected, got two")
            found[name] = caller
        self._callers: Mapping[tuple[str, str], Caller] = MappingProxyType(found)

    def find(self, caller_id: str, key_id: str) -> Caller | None:
        """Return the caller with exactly this id and key; nothing else is ever tried."""
        return self._callers.get((caller_id, key_id))

    def __len__(self) -> int:
        """Return how many caller keys there are, enabled or not."""
        return len(self._callers)

    def count_active(self, at: datetime) -> int:
        """Return how many caller keys may sign in at the moment."""
        return sum(caller.is_active(at) for caller in self._callers.values())


def load_callers(folder: Path, *, faults: list[Fault], name: str = "callers") -> CallerRegistry:
    """Read every ``*.toml`` of the folder; faults are collected under ``name/<file>``.

    An absent folder is an empty registry: a gateway without callers answers nobody, which is safe.
    A caller that changes keys has two files for a while, with the same ``id`` and different ``kid``.
    """
    paths = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if len(paths) > MAX_CALLERS:
        faults.append(Fault(file=name, key="", expected=f"at most {MAX_CALLERS} files", found=f"{len(paths)} files"))
        return CallerRegistry()
    callers: dict[tuple[str, str], Caller] = {}
    for path in paths:
        file = f"{name}/{path.name}"
        table = load_toml(path, file=file, faults=faults)
        caller = None if table is None else _parse_caller(table, folder)
        if caller is None:
            continue
        if callers.setdefault((caller.id, caller.key_id), caller) is not caller:
            expected = "an id and a kid that no other file has together"
            faults.append(Fault(file=file, key="kid", expected=expected, found=caller.key_id))
    return CallerRegistry(callers.values())


def _parse_caller(table: TomlTable, folder: Path) -> Caller | None:
    """Read one caller; None after a fault in the parts without which there is no caller at all."""
    algorithm = table.choice("algorithm", TokenAlgorithm)
    public_key = _read_key(table, folder, algorithm)
    caller_id = table.text("id", pattern=_CALLER_ID, expected="1 to 64 of: a to z, 0 to 9, '.', '_', '-'")
    name, name_zh = table.text("name"), table.text("name_zh")
    organisation = table.text("organisation", pattern=_CREDIT_CODE, expected="a unified social credit code")
    region = table.text("region", pattern=REGION_PATTERN, expected="the six digits of a region")
    key_id = table.text("kid", pattern=_KEY_ID, expected="1 to 64 letters, digits, '.', '_', ':', '~', '-'")
    enabled = table.flag("enabled", default=True)
    valid_from, valid_to = table.moment("valid_from"), table.moment("valid_to")
    if valid_from is not None and valid_to is not None and valid_from >= valid_to:
        table.fault("valid_to", expected="a moment after valid_from", found=valid_to.isoformat())
    table.finish()
    if algorithm is None or public_key is None:
        return None
    return Caller(
        id=CallerId(caller_id),
        name=name,
        name_zh=name_zh,
        organisation=organisation,
        region=region,
        key_id=KeyId(key_id),
        algorithm=algorithm,
        public_key=public_key,
        enabled=enabled,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def _read_key(table: TomlTable, folder: Path, algorithm: TokenAlgorithm | None) -> CallerKey | None:
    """Read ``key``: the PEM text itself, or the name of a file beside the caller's; None after a fault."""
    expected = "a public key in PEM (-----BEGIN PUBLIC KEY-----), or the name of a file beside this one that holds it"
    text = table.long_text("key", expected=expected)
    if text and "-----BEGIN" not in text:
        text = _read_key_file(folder, text)
        if not text:
            table.fault("key", expected=expected, found="neither")
    if not text or algorithm is None:
        return None
    if "PRIVATE KEY" in text:
        table.fault("key", expected="a public key", found="a private key, which must never leave the caller")
        return None
    match = _PEM.fullmatch(text.strip())
    key = None if match is None else _parse_public_key("".join(match[1].split()), algorithm)
    if key is None:
        table.fault("key", expected=f"a public key for {algorithm}", found="something else")
    return key


def _read_key_file(folder: Path, name: str) -> str:
    """Return the text of a key file, "" when there is none to be read; a name never leads out of the folder."""
    if not re.fullmatch(_FILE_NAME, name):
        return ""
    try:
        with (folder / name).open("rb") as stream:
            content = stream.read(MAX_KEY_FILE_BYTES + 1)
        return content.decode("ascii") if len(content) <= MAX_KEY_FILE_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _parse_public_key(base64: str, algorithm: TokenAlgorithm) -> CallerKey | None:
    """Read a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7); None when it is not one for the algorithm."""
    try:
        der = decode_base64(base64, limit=MAX_KEY_FILE_BYTES)
        if algorithm is TokenAlgorithm.SM2:
            return Sm2PublicKey.from_spki(der)
        key = load_der_public_key(der)
    except (MalformedDocumentError, SignatureVerificationError, ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is TokenAlgorithm.EDDSA and isinstance(key, Ed25519PublicKey):
        return key
    if algorithm is TokenAlgorithm.ES256 and isinstance(key, EllipticCurvePublicKey):
        return key if isinstance(key.curve, SECP256R1) else None
    return None
