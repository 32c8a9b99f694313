"""Logs to export: a site with entries of several callers and kinds, its witnesses, and what is written of it."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.book.key_check import make_index_check, make_wrapping_check
from gateway.audit.data_keys import AesKeyWrapper
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.export import Exported, ExportOrder, export_log
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.log import AccessLog
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.sqlite_keys import SqliteKeys
from gateway.audit.tlog.checkpoint import (
    Checkpoint,
    SignedCheckpoint,
    encode_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.note_signer import Cosigner, NoteSigner
from gateway.audit.tlog.quorum import Group, Policy, PolicyLog, Witness, encode_policy
from gateway.audit.tlog.tile import TILE_WIDTH, TileWriter, bundles_of, encode_bundle, encode_tile_path
from gateway.audit.verify.chains import day_of
from gateway.audit.verify.finding import FindingKind
from gateway.audit.verify.source import FolderSource
from gateway.audit.verify.verifier import Verification, verify_log
from gateway.site_template import write_site as write_site_template
from keys.own.signer import SoftwareSigner
from tests.support.audit import ORIGIN, SIGNER, START_MS, Clock, make_draft, opened, sqlite_setup

DAY_MS = 86_400_000
SECRET = b"s" * 32
OLD_BUNDLE = b'{"bundle":"old"}'
NEW_BUNDLE = b'{"bundle":"new"}'
BUNDLES = {"sha256:" + hashlib.sha256(data).hexdigest(): data for data in (OLD_BUNDLE, NEW_BUNDLE)}
OLD, NEW = BUNDLES


def cosigner(number: int) -> Cosigner:
    """Return the key of a witness."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return Cosigner(f"witness{number}.example", SoftwareSigner(key))


def foreign_signer(origin: str = ORIGIN) -> NoteSigner:
    """Return the key of somebody else, under a name of our choice."""
    return NoteSigner(origin, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"f" * 32)))


COSIGNERS = tuple(cosigner(number) for number in (1, 2, 3))
POLICY = Policy(
    logs=(PolicyLog(key=SIGNER.key),),
    witnesses=tuple(Witness(name=f"w{number}", key=one.key) for number, one in enumerate(COSIGNERS, 1)),
    groups=(Group(name="partners", threshold=2, members=("w1", "w2", "w3")),),
    quorum="partners",
)
COSIGNED_AT = START_MS // 1000


def cosigned(signed: SignedCheckpoint, cosigners: Sequence[Cosigner] = COSIGNERS[:2]) -> SignedCheckpoint:
    """Return the checkpoint with cosignatures."""
    return signed.with_signatures([one.cosign(signed.note.text, COSIGNED_AT) for one in cosigners])


def event(kind: LeafKind, number: int, **members: Any) -> EntryDraft:
    """Return an entry of another kind than an answer."""
    named = {name: members.pop(name, "") for name in ("policy", "trust")}
    return EntryDraft(leaf=LeafDraft(kind=kind, req=f"EVENT{number}", caller="gateway", more=members, **named))


def answer(number: int, policy: str = OLD) -> EntryDraft:
    """Return an answer; three callers take turns."""
    return make_draft(number, caller=f"approval-0{number % 3}", policy=policy)


TRUST = answer(0).leaf.trust


def bare_answer(number: int) -> EntryDraft:
    """Return an answer that names neither rules nor a trust store, so that none has to be activated before it."""
    draft = answer(number, "")
    return replace(draft, leaf=replace(draft.leaf, trust=""))


def append(folder: Path, drafts: Sequence[tuple[int, EntryDraft]]) -> list[Receipt]:
    """Append entries, each at its time, to the log in a folder, and return the receipts."""
    clock = Clock()

    async def run(log: AccessLog) -> list[Receipt]:
        receipts: list[Receipt] = []
        for t, together in groupby(drafts, key=itemgetter(0)):
            clock.now = t
            receipts.extend(await asyncio.gather(*(log.append(draft) for _, draft in together)))
        return receipts

    with opened(sqlite_setup(folder, clock)) as log:
        return asyncio.run(run(log))


def usual_entries() -> list[tuple[int, EntryDraft]]:
    """Return the entries of two days: rules and trust, answers, the seal of the first day, new rules, more answers."""
    second = START_MS + DAY_MS
    seal = event(LeafKind.SEAL, 1, action="day", day=day_of(START_MS), digest="d", first=0, next=281)
    return [
        (START_MS, event(LeafKind.POLICY, 0, action="activate", policy=OLD)),
        (START_MS, event(LeafKind.TRUST, 1, action="activate", trust=TRUST)),
        *((START_MS + 1, answer(number)) for number in range(1, 280)),
        (second, seal),
        (second + 1, event(LeafKind.POLICY, 2, action="activate", policy=NEW, previous=OLD)),
        *((second + 2, answer(number, NEW)) for number in range(280, 600)),
    ]


def order(policy: Policy = POLICY, **changes: Any) -> ExportOrder:
    """Return an order for all entries."""
    return ExportOrder(policy=policy, read_bundle=BUNDLES.__getitem__, **changes)


def export_site(folder: Path, out: Path, **changes: Any) -> Exported:
    """Export the log in a folder, with its newest checkpoint cosigned unless the changes say otherwise."""
    with opened(sqlite_setup(folder, Clock(START_MS + 3 * DAY_MS))) as log:
        head = log.head()
        assert head is not None
        further = changes.pop("further", (cosigned(parse_checkpoint(head.checkpoint)),))
        return export_log(log.store, order(further=further, **changes), out)


def verified(folder: Path, policy: Policy | None = POLICY) -> Verification:
    """Verify an export."""
    return verify_log(FolderSource(folder), policy=policy)


@dataclass(frozen=True)
class ServedFolder(FolderSource):
    """A folder as an address serves it: nobody can ask what else is there."""

    def paths(self) -> None:  # type: ignore[override] - what a server answers
        """Return None."""


def verified_log(folder: Path, policy: Policy | None = None) -> Verification:
    """Verify a log that is no export."""
    return verify_log(ServedFolder(folder), policy=policy)


def kinds(found: Verification) -> set[FindingKind]:
    """Return what kinds of faults were found."""
    return {finding.kind for finding in found.findings}


def entries_of(found: Verification, kind: FindingKind) -> list[int | None]:
    """Return the entries that have a fault of a kind."""
    return [finding.entry for finding in found.findings if finding.kind is kind]


def write_log(
    folder: Path, leaves: Sequence[bytes], signer: NoteSigner = SIGNER, policy: Policy | None = None
) -> SignedCheckpoint:
    """Write a log of these leaves as its operator could, honest or not: a tree, tiles, and a signed checkpoint."""
    writer = TileWriter()
    for leaf in leaves:
        writer.append(leaf_hash(leaf))
    files = {encode_tile_path(tile.address): tile.hashes for tile in writer.take()}
    for address in bundles_of(len(leaves)):
        first = address.index * TILE_WIDTH
        files[encode_tile_path(address)] = encode_bundle(leaves[first : first + address.width])
    signed = sign_checkpoint(Checkpoint(origin=signer.key.name, size=len(leaves), root=writer.root()), [signer])
    files["checkpoint"] = encode_checkpoint(signed)
    own = policy or Policy(logs=(PolicyLog(key=signer.key),))
    files["trust.policy"] = encode_policy(own)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return signed


def write_site(folder: Path, log_folder: Path) -> Path:
    """Make a site whose log is the one in ``log_folder``."""
    write_site_template(folder)
    audit = folder / "state" / "audit"
    shard = audit / "2026h2"
    shard.mkdir(parents=True)
    (audit / "keys").mkdir()
    for name in ("signing", "signing-sm2", "wrapping", "index-2026h2"):
        secret = audit / "keys" / f"{name}.key"
        secret.write_bytes(base64.b64encode(SECRET))
        secret.chmod(0o600)
    for name in ("log.sqlite", "keys.sqlite"):
        (shard / name).symlink_to(log_folder / name)
    with (
        closing(SqliteStore(log_folder / "log.sqlite")) as store,
        closing(SqliteKeys(log_folder / "keys.sqlite")) as keys,
    ):
        store.set_key_check(make_index_check(SECRET))
        keys.set_key_check(make_wrapping_check(AesKeyWrapper(SECRET)))
    (shard / "trust.policy").write_bytes(encode_policy(POLICY))
    archive = folder / "state" / "policy" / "archive"
    archive.mkdir(parents=True)
    for digest, data in BUNDLES.items():
        (archive / f"{digest.removeprefix('sha256:')}.json").write_bytes(data)
    return folder


def without_bundles(policy: Policy) -> Policy:
    """Return a policy that asks for no witnesses."""
    return replace(policy, quorum="none")


Edit = Callable[[dict[str, Any]], None]


def edit_json(path: Path, edit: Edit) -> None:
    """Change a JSON file and write it canonically again."""
    value = json.loads(path.read_bytes())
    edit(value)
    path.write_bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
