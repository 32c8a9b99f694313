"""Exports: a log, or a stretch of it, as a folder that can be verified on any machine (docs/audit.md).

    checkpoint            the newest checkpoint
    checkpoints/SIZE      further ones, such as the newest that witnesses cosigned
    tile/LEVEL/INDEX      all hashes of the tree (tlog-tiles)
    tile/entries/INDEX    the entries that are exported, in whole bundles
    trust.policy          the log's keys, its witnesses and their quorum (tlog-policy)
    policies/DIGEST.json  the policy bundles that these entries name
    manifest.json         what this export holds

Everything is written aside and put in place at the end: a folder that is there is complete.
"""

import errno
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.audit.errors import MalformedLogDataError, UnprovenError
from gateway.audit.recovery import read_tiles
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.quorum import Policy, encode_policy
from gateway.audit.tlog.tile import (
    ENTRIES,
    TILE_WIDTH,
    TileAddress,
    bundles_of,
    encode_bundle,
    encode_tile_path,
    tile_at,
    tiles_of,
)
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.manifest import Manifest, encode_manifest
from gateway.audit.verify.source import (
    BUNDLES_FOLDER,
    CHECKPOINT_FILE,
    CHECKPOINTS_FOLDER,
    MANIFEST_FILE,
    POLICY_FILE,
)

Progress = Callable[[int, int], None]
ReadBundle = Callable[[str], bytes]

_PREFIX: Final = "sha256:"
_NAMED_POLICY: Final = re.compile(rb'"policy":"([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOrder:
    """What to export: the entries from ``since`` to before ``until`` (milliseconds since 1970; None: all).

    ``read_bundle`` returns a policy bundle by its digest, and raises KeyError where the archive has none;
    ``further`` are more checkpoints of this log, such as the newest cosigned one.
    """

    policy: Policy
    read_bundle: ReadBundle
    since: int | None = None
    until: int | None = None
    further: tuple[SignedCheckpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written: entries [first, end) of a log of ``size``; ``missing``: digests that the archive lacks."""

    log: str
    size: int
    root: bytes
    first: int
    end: int
    policies: int
    missing: tuple[str, ...]


class ExportPlaceError(FileExistsError):
    """The folder to export to is there already and is not empty."""


def export_log(
    store: LogStore, order: ExportOrder, folder: Path, *, progress: Progress = lambda _done, _total: None
) -> Exported:
    """Write an export to a folder that does not exist yet, or is empty.

    Entries are hashed on the way, so that a store that contradicts its own tree is not exported.

    Raises:
        LogUnavailableError: the store cannot be read, or contradicts itself; UNUSABLE for a log without entries.
        ExportPlaceError: the folder is in use.
        OSError: it cannot be written.

    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportPlaceError(errno.EEXIST, "an empty or a new folder was expected", str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".", suffix=".export"))
    try:
        exported = _Export(store, order, aside).write(progress)
        aside.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(aside)
        raise
    return exported


@dataclass(slots=True)
class _Export:
    """One export while it is written."""

    store: LogStore
    order: ExportOrder
    folder: Path
    digests: dict[str, str] = field(default_factory=dict)  # path to SHA-256 of what no tree covers
    named: set[str] = field(default_factory=set)  # digests of policies

    def write(self, progress: Progress) -> Exported:
        signed = self._head()
        head = signed.checkpoint
        first, end = self._range(head.size)
        for address in tiles_of(head.size):
            self._put(encode_tile_path(address), read_tiles(self.store, [address])[address])
        for address in bundles_of(end, first=first):
            # As wide as in the whole tree, so that a bundle is exported whole or not at all.
            whole = tile_at(ENTRIES, address.index, head.size) or address
            self._put_bundle(whole)
            progress(min((whole.index + 1) * TILE_WIDTH, end) - first, end - first)
        missing = self._put_policies()
        self._put_beside(POLICY_FILE, encode_policy(self.order.policy))
        for further in self.order.further:
            if further.checkpoint.size != head.size or further != signed:
                self._put_beside(f"{CHECKPOINTS_FOLDER}/{further.checkpoint.size}", encode_checkpoint(further))
        self._put_beside(CHECKPOINT_FILE, encode_checkpoint(signed))
        manifest = Manifest(
            log=head.origin, size=head.size, root=head.root.hex(), first=first, end=end, files=self.digests
        )
        self._put(MANIFEST_FILE, encode_manifest(manifest))
        return Exported(
            log=head.origin,
            size=head.size,
            root=head.root,
            first=first,
            end=end,
            policies=len(self.named) - len(missing),
            missing=missing,
        )

    def _head(self) -> SignedCheckpoint:
        head = self.store.head()
        if head is None:
            raise LogUnavailableError(Unavailable.UNUSABLE, "the log has no entries")
        try:
            signed = parse_checkpoint(head.checkpoint)
            verify_checkpoint(signed, [log.key for log in self.order.policy.logs])
        except (MalformedLogDataError, UnprovenError) as error:
            raise LogUnavailableError(Unavailable.CORRUPT, f"the checkpoint: {error}") from error
        return signed

    def _range(self, size: int) -> tuple[int, int]:
        """Return the whole bundles that hold the entries of the order; times never go back in a log."""
        first, end = 0, size
        if self.order.since is not None:
            first = _or(self.store.first_at(self.order.since), size)
        if self.order.until is not None:
            end = _or(self.store.first_at(self.order.until), size)
        start = first // TILE_WIDTH * TILE_WIDTH
        return start, min(-(-end // TILE_WIDTH) * TILE_WIDTH, size) if first < end else start

    def _put_bundle(self, address: TileAddress) -> None:
        first = address.index * TILE_WIDTH
        leaves = self.store.leaves(first, first + address.width)
        hashes = read_tiles(self.store, [TileAddress(0, address.index, address.width)]).popitem()[1]
        if b"".join([leaf_hash(leaf) for leaf in leaves]) != hashes:
            raise LogUnavailableError(Unavailable.CORRUPT, f"the entries from {first} on are not those of the tree")
        for leaf in leaves:
            self.named |= _named_policies(leaf)
        self._put(encode_tile_path(address), encode_bundle(leaves))

    def _put_policies(self) -> tuple[str, ...]:
        """Write the policies that entries name; return the digests of those that cannot be had."""
        missing = []
        for digest in sorted(self.named):
            name = digest.removeprefix(_PREFIX)
            try:
                data = self.order.read_bundle(digest)
            except KeyError:
                missing.append(digest)
                continue
            if sha256(data).hexdigest() != name:
                missing.append(digest)
                continue
            self._put_beside(f"{BUNDLES_FOLDER}/{name}.json", data)
        return tuple(missing)

    def _put_beside(self, path: str, data: bytes) -> None:
        self._put(path, data)
        self.digests[path] = sha256(data).hexdigest()

    def _put(self, path: str, data: bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _or(index: int | None, size: int) -> int:
    return size if index is None else index


def _named_policies(leaf: bytes) -> set[str]:
    """Return the policy that a leaf names; no text in a leaf has a quotation mark, so this is the member."""
    matched = _NAMED_POLICY.search(leaf)
    return set() if matched is None else {matched[1].decode("ascii", "replace")}
