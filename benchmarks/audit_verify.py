"""``tongban bench audit_verify``: how long it takes to verify an export of a million entries, with nothing else."""

import base64
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.audit_material import make_draft
from benchmarks.report import Reach, report, spread
from gateway.audit.leaf import encode_leaf, parse_leaf
from gateway.audit.tlog.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.quorum import Policy, PolicyLog, encode_policy
from gateway.audit.tlog.tile import ENTRIES as ENTRY_BUNDLES
from gateway.audit.tlog.tile import TILE_WIDTH, TileAddress, TileWriter, encode_bundle, encode_tile_path, tile_at
from gateway.audit.verify.manifest import Manifest, encode_manifest
from gateway.audit.verify.source import (
    BUNDLES_FOLDER,
    CHECKPOINT_FILE,
    MANIFEST_FILE,
    POLICY_FILE,
    FolderSource,
)
from gateway.audit.verify.verifier import verify_log
from keys.own.signer import SoftwareSigner

ENTRIES: Final = 1_000_000
WORKERS: Final = 2
MAX_ROUNDS: Final = 5  # each takes some seconds
GOAL_SECONDS: Final = 3.0
_ORIGIN: Final = "gw.370000/access/2026h2"
_CALLERS: Final = 64
_START_MS: Final = 1_790_000_000_000
_BUNDLE: Final = b'{"bundle":"bench"}'
_POLICY: Final = f"sha256:{sha256(_BUNDLE).hexdigest()}"


def run(*, rounds: int, entries: int = ENTRIES) -> dict[str, Any]:
    """Write an export, verify it, and return the report.

    Raises:
        RuntimeError: the verifier found something.

    """
    folder = Path(tempfile.mkdtemp(prefix="tongban-bench-"))
    rounds = min(rounds, MAX_ROUNDS)
    try:
        size = _write_export(folder, entries)
        several = [_verify(folder, WORKERS) for _ in range(rounds)]
        alone = [_verify(folder, 1) for _ in range(rounds)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    reach = Reach(
        measure=f"{entries} entries verified by {WORKERS} processes",
        value=spread(several)["median"],
        unit="s",
        goal=GOAL_SECONDS * entries / ENTRIES,
        better="lower",
    )
    return report(
        "audit_verify",
        rounds=rounds,
        reach=[reach],
        detail={
            f"seconds_with_{WORKERS}_processes": spread(several),
            "seconds_with_one": spread(alone),
            "leaf_bytes": size,
            "how": f"an export of {entries} leaves of full size by {_CALLERS} callers, in the page cache; wall-clock "
            "time from the folder to the result, the start of the processes included; tiles, leaves in their one "
            "spelling, numbers of callers, times and policies are all checked",
        },
    )


def _verify(folder: Path, workers: int) -> float:
    start = time.perf_counter()
    found = verify_log(FolderSource(folder), workers=workers)
    seconds = time.perf_counter() - start
    if not found.is_sound:
        raise RuntimeError(f"{found.findings[0].kind} was found in a sound export")
    return seconds


def _write_export(folder: Path, entries: int) -> int:
    """Write an export as `export_log` does, of leaves that no log had to commit; return the size of a leaf."""
    signer = NoteSigner(_ORIGIN, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32)))
    tree = TileWriter()
    leaves: list[bytes] = []
    for leaf in _leaves(entries):
        tree.append(leaf_hash(leaf))
        leaves.append(leaf)
        if len(leaves) == TILE_WIDTH or tree.size == entries:
            address = TileAddress(ENTRY_BUNDLES, (tree.size - 1) // TILE_WIDTH, len(leaves))
            _write(folder, encode_tile_path(address), encode_bundle(leaves))
            leaves = []
            for tile in tree.take():
                if tile.address == tile_at(tile.address.level, tile.address.index, entries):
                    _write(folder, encode_tile_path(tile.address), tile.hashes)
    head = sign_checkpoint(Checkpoint(origin=_ORIGIN, size=tree.size, root=tree.root()), [signer])
    policy = Policy(logs=(PolicyLog(key=signer.key),), witnesses=(), groups=(), quorum="none")
    files = {
        CHECKPOINT_FILE: encode_checkpoint(head),
        POLICY_FILE: encode_policy(policy),
        f"{BUNDLES_FOLDER}/{_POLICY.removeprefix('sha256:')}.json": _BUNDLE,
    }
    manifest = Manifest(
        log=_ORIGIN,
        size=tree.size,
        root=tree.root().hex(),
        first=0,
        end=tree.size,
        files={path: sha256(data).hexdigest() for path, data in files.items()},
    )
    for path, data in {**files, MANIFEST_FILE: encode_manifest(manifest)}.items():
        _write(folder, path, data)
    return len(leaf)


def _leaves(entries: int) -> Iterator[bytes]:
    """Make leaves of one form: numbers, times, requests and commitments differ."""
    sample = parse_leaf(encode_leaf(make_draft(1, policy=_POLICY).leaf, t=_START_MS, seq=1))
    content = sample.content
    text = encode_leaf(content, t=_START_MS, seq=1).decode().replace("%", "%%")
    commits = [
        content.commits.case,
        content.commits.lic,
        content.commits.op,
        content.commits.resp,
        content.commits.subj,
    ]
    for commit in commits:
        text = text.replace(_spell(commit or b""), "%s", 1)
    text = text.replace(f'"caller":"{content.caller}"', '"caller":"caller-%d"', 1)
    text = text.replace(content.req, "%s", 1).replace('"seq":1,', '"seq":%d,', 1).replace(str(_START_MS), "%d", 1)
    for number in range(entries):
        drawn = os.urandom(13 + 32 * 5)
        spelt = [_spell(drawn[at : at + 32]) for at in range(13, len(drawn), 32)]
        members = (
            number % _CALLERS,
            *spelt,
            drawn[:13].hex().upper(),
            number // _CALLERS + 1,
            _START_MS + number // 64,
        )
        yield (text % members).encode()


def _spell(commit: bytes) -> str:
    return base64.urlsafe_b64encode(commit).decode().rstrip("=")


def _write(folder: Path, path: str, data: bytes) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
