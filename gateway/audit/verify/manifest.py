"""The manifest of an export: what it holds and the digests of the files that no tree covers, in canonical JSON.

Nobody signs it. Log, size, root and digests are held against the signed rest, so that a change of them is noticed.
Which entries are there, nobody can hold against anything: whoever hands on an export may narrow ``first`` and ``end``
and leave out the bundles outside. So a verifier says of a narrower range that it is a part, and of which times. A
folder without a manifest is no export, for whoever took it away may have taken policies with it.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.tlog.merkle import MAX_TREE_SIZE
from gateway.audit.tlog.tile import TILE_WIDTH
from keys.canonical_json import encode_canonical, parse_canonical

SCHEMA: Final = "tongban-audit-export/1"
MAX_MANIFEST: Final = 4 * 1024 * 1024  # bytes; 20,000 policy bundles and checkpoints take 3 MiB

_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
# Nothing else lies beside the tree, and nothing outside the folder is ever opened.
_Path = Annotated[
    str, Meta(pattern=r"^(?:checkpoint|trust\.policy|checkpoints/[1-9][0-9]{0,18}|policies/[0-9a-f]{64}\.json)\Z")
]
_Index = Annotated[int, Meta(ge=0, le=MAX_TREE_SIZE)]


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log of ``size`` entries, of which those in [first, end) are exported, in whole bundles."""

    schema: Annotated[str, Meta(pattern=rf"^{SCHEMA}\Z")] = SCHEMA
    log: str
    size: _Index
    root: _Hash
    first: _Index
    end: _Index
    files: dict[_Path, _Hash]  # SHA-256 of every file that is neither a tile nor a bundle of entries


def encode_manifest(manifest: Manifest) -> bytes:
    """Write it."""
    return encode_canonical(manifest)


def parse_manifest(data: bytes) -> Manifest:
    """Read it.

    Raises:
        MalformedLogDataError: TOO_LARGE; TEXT, not canonical JSON of this form; NUMBER, a range that no export has.

    """
    if len(data) > MAX_MANIFEST:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"the manifest: up to {MAX_MANIFEST} bytes were expected")
    try:
        manifest = parse_canonical(data, Manifest)
    except ValueError:  # the cause may quote the content
        raise MalformedLogDataError(LogFlaw.TEXT, "the manifest: canonical JSON of its form was expected") from None
    first, end, size = manifest.first, manifest.end, manifest.size
    if not first <= end <= size or first % TILE_WIDTH or (end % TILE_WIDTH and end != size):
        raise MalformedLogDataError(LogFlaw.NUMBER, "the manifest: a range of whole bundles was expected")
    return manifest
