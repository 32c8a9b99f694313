"""PEM (RFC 7468) as a value: labels and bytes, strictly; the one reader for certificates and revocation lists."""

import base64
import binascii
import re
from typing import Final, NamedTuple

CERTIFICATE_LABELS: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
LIST_LABELS: Final = frozenset({"X509 CRL"})

_BEGIN: Final = b"-----BEGIN "
_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*+)-----END \1-----")


class PemBlock(NamedTuple):
    """One block; ``content`` None: what stands in it is no base64."""

    label: str
    content: bytes | None


class PemText(NamedTuple):
    """The blocks of a text; ``is_whole`` False: something begins like a block and is none."""

    blocks: tuple[PemBlock, ...]
    is_whole: bool


def is_pem(blob: bytes) -> bool:
    """Return whether there is the beginning of a block anywhere."""
    return _BEGIN in blob


def read_pem(text: bytes) -> PemText:
    """Read all blocks of a text, whatever stands around them; private keys are named and never decoded."""
    blocks = tuple(
        PemBlock(label, None if "PRIVATE KEY" in label else _decode(match[2]))
        for match in _BLOCK.finditer(text)
        for label in (match[1].decode("ascii"),)
    )
    return PemText(blocks, len(blocks) == text.count(_BEGIN))


def _decode(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return None
