"""``tongban bench audit_verify``: how long it takes to verify an export of a million entries, with nothing else."""

import base64
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.audit_material import make_draft, make_refusal
from benchmarks.report import Reach, report, spread
from gateway.audit.entry import OWN_CALLER
from gateway.audit.leaf import LeafDraft, LeafKind, encode_leaf
from gateway.audit.tlog.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.quorum import Policy, PolicyLog, encode_policy
from gateway.audit.tlog.tile import ENTRIES as ENTRY_BUNDLES
from gateway.audit.tlog.tile import TILE_WIDTH, TileAddress, TileWriter, encode_bundle, encode_tile_path, tile_at
from gateway.audit.verify.chains import ACTIVATE
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
            "how": f"an export of {entries} leaves by {_CALLERS} callers, of ten one a refusal and one a comparison, "
            "with an alarm in each bundle of 256, in the page cache; wall-clock time "
            "from the folder to the result, the start of the second process included; tiles, leaves in their one "
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
    """Write an export as `export_log` does, of leaves that no log had to commit; return their mean size."""
    signer = NoteSigner(_ORIGIN, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32)))
    tree = TileWriter()
    leaves: list[bytes] = []
    written = 0
    for leaf in _leaves(entries):
        written += len(leaf)
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
    return round(written / entries)


def _leaves(entries: int) -> Iterator[bytes]:
    """Make leaves of four kinds; numbers, times, requests and commitments differ.

    The first two say which rules and which trust store are in force. Of ten answers to callers one is a refusal and one
    a comparison; of 256 entries the last is an alarm.
    """
    access, refusal = make_draft(1, policy=_POLICY).leaf, make_refusal(1).leaf
    alarm = LeafDraft(
        kind=LeafKind.ADMIN, req=access.req, caller=OWN_CALLER, more={"action": "alarm", "target": "0" * 32}
    )
    match = replace(access, kind=LeafKind.MATCH, form=access.form.replace("p", "-"), reasons=("match.no",))
    given, refused, compared = (_Template.of(leaf) for leaf in (access, refusal, match))
    in_ten = (given, given, compared, given, given, given, given, refused, given, given)
    raised = _Template.of(alarm)
    in_force = LeafDraft(kind=LeafKind.POLICY, req=access.req, caller=OWN_CALLER, more={"action": ACTIVATE})
    yield encode_leaf(replace(in_force, policy=access.policy), t=_START_MS, seq=1)
    yield encode_leaf(replace(in_force, kind=LeafKind.TRUST, trust=access.trust), t=_START_MS, seq=2)
    for number in range(entries - 2):
        bundle, place = divmod(number, TILE_WIDTH)
        t = _START_MS + number // 64
        if place == TILE_WIDTH - 1:
            yield raised.leaf(OWN_CALLER, seq=bundle + 3, t=t)
        else:
            answer = number - bundle
            caller = f"caller-{answer % _CALLERS}"
            yield in_ten[answer % len(in_ten)].leaf(caller, seq=answer // _CALLERS + 1, t=t)


@dataclass(frozen=True, slots=True)
class _Template:
    """The text of a leaf with gaps for what differs."""

    text: str
    commits: int

    @classmethod
    def of(cls, content: LeafDraft) -> Self:
        text = encode_leaf(content, t=_START_MS, seq=1).decode().replace("%", "%%")
        made = content.commits
        commits = [one for one in (made.case, made.lic, made.op, made.resp, made.subj) if one is not None]
        for commit in commits:
            text = text.replace(_spell(commit), "%s", 1)
        text = text.replace(f'"caller":"{content.caller}"', '"caller":"%s"', 1)
        text = text.replace(content.req, "%s", 1).replace('"seq":1,', '"seq":%d,', 1).replace(str(_START_MS), "%d", 1)
        return cls(text, len(commits))

    def leaf(self, caller: str, *, seq: int, t: int) -> bytes:
        """Return a leaf with drawn commitments and request."""
        drawn = os.urandom(13 + 32 * self.commits)
        spelt = [_spell(drawn[at : at + 32]) for at in range(13, len(drawn), 32)]
        return (self.text % (caller, *spelt, drawn[:13].hex().upper(), seq, t)).encode()


def _spell(commit: bytes) -> str:
    return base64.urlsafe_b64encode(commit).decode().rstrip("=")


def _write(folder: Path, path: str, data: bytes) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
