"""Receipts as files: what an answer carries, what proves it later, and how anybody checks both without the log.

    {"log": …, "index": …, "seq": …, "leaf_hash": …, "checkpoint": …}     in each answer
    {…, "witnessed": {"size": …, "at": …}}                                how much of the log witnesses had seen then
    {…, "leaf": …, "proof": …}                                            in full: the entry, and its tlog-proof

Signed is the checkpoint: the size and root of a tree. That the entry is in this tree, at this place, a receipt without
its proof claims and does not prove; whoever wants to hold the log to an entry keeps the receipt in full.

The hash is in base64, checkpoint and proof are texts of C2SP, the leaf is the entry itself, which names no person.
An answer that carries a receipt as its member ``receipt`` can be checked as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from gateway.audit.entry import Receipt
from gateway.audit.errors import AuditError, LogFault, MalformedLogDataError, UnprovenError
from gateway.audit.leaf import LeafError, parse_leaf
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.merkle import MAX_TREE_SIZE, inclusion_ranges, leaf_hash
from gateway.audit.tlog.proof import MAX_PROOF_FILE, TlogProof, encode_proof, parse_proof, verify_proof
from gateway.audit.tlog.quorum import Policy
from gateway.audit.tlog.spelling import encode_base64, parse_hash
from gateway.audit.tlog.tile import TileAddress, hash_ranges, range_tiles
from gateway.rendering import encode_time

MAX_RECEIPT: Final = 4 * 1024 * 1024  # bytes; a proof with all its lines escaped, inside an answer with all its fields
_MEMBER: Final = "receipt"
_KNOWN: Final = frozenset({"log", "index", "seq", "leaf_hash", "checkpoint", "leaf", "proof", "witnessed"})
_WITNESSED: Final = frozenset({"size", "at"})

ReadTiles = Callable[[TileAddress], bytes | None]


class ReceiptFlaw(StrEnum):
    """Why this is no receipt."""

    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    MEMBER = "member"  # one is missing, unknown or of another type
    WITNESSED = "witnessed"
    CHECKPOINT = "checkpoint"
    PROOF = "proof"
    LEAF = "leaf"
    CONTRADICTION = "contradiction"  # its parts speak of different logs, entries or numbers


class ReceiptError(AuditError):
    """This is no receipt; ``detail`` names a member and quotes nothing."""

    def __init__(self, flaw: ReceiptFlaw, detail: str = "") -> None:
        super().__init__(f"{flaw}: {detail}" if detail else str(flaw))
        self.flaw = flaw
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedSize:
    """What the gateway said of witnesses: a quorum had seen the log's first ``size`` entries at ``at``.

    It is a claim, which shows how old the witnesses' knowledge was; only a proof has their cosignatures.
    """

    size: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FullReceipt:
    """A receipt that was read; its parts agree with each other, and nothing is verified yet."""

    log: str
    index: int
    leaf_hash: bytes
    checkpoint: SignedCheckpoint
    seq: int | None
    leaf: bytes | None
    proof: TlogProof | None
    witnessed: WitnessedSize | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceipt:
    """What a receipt proves: that the log signed a tree of ``size``, and with ``is_proven`` that the entry is in it."""

    is_proven: bool
    size: int
    cosigned: Mapping[str, int]  # the witnesses of the proof, and when


# --- writing ----------------------------------------------------------------------------------------------------------


def describe_receipt(receipt: Receipt) -> dict[str, Any]:
    """Return what an answer carries."""
    return {
        "log": receipt.log,
        "index": receipt.index,
        "seq": receipt.seq,
        "leaf_hash": encode_base64(receipt.leaf_hash),
        "checkpoint": receipt.checkpoint.decode(),
    }


def describe_witnessed(witnessed: WitnessedSize | None) -> dict[str, Any] | None:
    """Return the member ``witnessed`` of a receipt; null as long as no quorum has seen anything of the log."""
    return None if witnessed is None else {"size": witnessed.size, "at": encode_time(witnessed.at)}


def describe_full_receipt(receipt: Receipt, *, leaf: bytes, proof: TlogProof) -> dict[str, Any]:
    """Return the receipt in full."""
    return {**describe_receipt(receipt), "leaf": leaf.decode(), "proof": encode_proof(proof).decode()}


def prove_entry(read: ReadTiles, checkpoint: SignedCheckpoint, index: int) -> TlogProof:
    """Build the proof of an entry from the tiles of a log or of an export; ValueError for an index beyond the tree.

    Raises:
        MalformedLogDataError: LENGTH, a tile is missing or has another length.

    """
    size = checkpoint.checkpoint.size
    ranges = inclusion_ranges(index, size)
    tiles = {address: read(address) or b"" for address in range_tiles(ranges, size)}
    return TlogProof(index=index, hashes=hash_ranges(ranges, tiles), checkpoint=checkpoint)


# --- reading ----------------------------------------------------------------------------------------------------------


def parse_receipt(data: bytes) -> FullReceipt:
    """Read a receipt, or an answer that carries one.

    Raises:
        ReceiptError: whatever its flaw is.

    """
    if len(data) > MAX_RECEIPT:
        raise ReceiptError(ReceiptFlaw.TOO_LARGE, f"up to {MAX_RECEIPT} bytes were expected")
    try:
        members = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):  # the cause may quote the content
        raise ReceiptError(ReceiptFlaw.NOT_JSON) from None
    if _MEMBER in members:
        members = members[_MEMBER]
    return read_receipt(members)


def read_receipt(members: object) -> FullReceipt:
    """Read a receipt from the JSON value that it is; raises `ReceiptError` as `parse_receipt`."""
    if not isinstance(members, dict) or not members.keys() <= _KNOWN:
        raise ReceiptError(ReceiptFlaw.MEMBER, "only the members of a receipt were expected")
    leaf, proof = _read_leaf(members), _read_proof(members)
    checkpoint = _read_checkpoint(members, proof)
    hashed = _read_hash(members, leaf)
    receipt = FullReceipt(
        log=_member(members, "log", str),
        index=_member(members, "index", int),
        leaf_hash=hashed,
        checkpoint=checkpoint,
        seq=None if "seq" not in members else _member(members, "seq", int),
        leaf=leaf,
        proof=proof,
        witnessed=_read_witnessed(members),
    )
    _check_agreement(receipt)
    return receipt


def _member(members: Mapping[str, Any], name: str, kind: type[Any]) -> Any:  # noqa: ANN401 - of the kind asked for
    value = members.get(name)
    if type(value) is not kind:
        raise ReceiptError(ReceiptFlaw.MEMBER, name)
    return value


def _read_checkpoint(members: Mapping[str, Any], proof: TlogProof | None) -> SignedCheckpoint:
    if proof is not None and "checkpoint" not in members:
        return proof.checkpoint
    try:
        return parse_checkpoint(_member(members, "checkpoint", str).encode())
    except (MalformedLogDataError, UnicodeEncodeError) as error:
        raise ReceiptError(ReceiptFlaw.CHECKPOINT) from error


def _read_proof(members: Mapping[str, Any]) -> TlogProof | None:
    if "proof" not in members:
        return None
    try:
        data = _member(members, "proof", str).encode()
        if len(data) > MAX_PROOF_FILE:
            raise ReceiptError(ReceiptFlaw.TOO_LARGE, "proof")
        return parse_proof(data)
    except (MalformedLogDataError, UnicodeEncodeError) as error:
        raise ReceiptError(ReceiptFlaw.PROOF) from error


def _read_leaf(members: Mapping[str, Any]) -> bytes | None:
    if "leaf" not in members:
        return None
    try:
        leaf: bytes = _member(members, "leaf", str).encode()
        parse_leaf(leaf)
    except (LeafError, UnicodeEncodeError) as error:
        raise ReceiptError(ReceiptFlaw.LEAF) from error
    return leaf


def _read_witnessed(members: Mapping[str, Any]) -> WitnessedSize | None:
    """Read what is optional and may be null; in its one spelling."""
    if members.get("witnessed") is None:
        return None
    inner = _member(members, "witnessed", dict)
    try:
        at = datetime.fromisoformat(_member(inner, "at", str))
        witnessed = WitnessedSize(size=_member(inner, "size", int), at=at)
        spelt = describe_witnessed(witnessed)
    except (ValueError, OverflowError) as error:
        raise ReceiptError(ReceiptFlaw.WITNESSED, "at") from error
    if inner.keys() != _WITNESSED or inner != spelt or not 0 < witnessed.size <= MAX_TREE_SIZE:
        raise ReceiptError(ReceiptFlaw.WITNESSED)
    return witnessed


def _read_hash(members: Mapping[str, Any], leaf: bytes | None) -> bytes:
    if "leaf_hash" not in members and leaf is not None:
        return leaf_hash(leaf)
    try:
        return parse_hash(_member(members, "leaf_hash", str), "leaf_hash")
    except MalformedLogDataError as error:
        raise ReceiptError(ReceiptFlaw.MEMBER, "leaf_hash") from error


def _check_agreement(receipt: FullReceipt) -> None:
    """Raise unless all parts speak of one entry of one log."""
    proof, leaf, head = receipt.proof, receipt.leaf, receipt.checkpoint.checkpoint
    agree = head.origin == receipt.log and 0 <= receipt.index < head.size
    if proof is not None:
        agree = agree and (proof.index, proof.checkpoint.checkpoint.origin) == (receipt.index, receipt.log)
    if leaf is not None:
        agree = agree and leaf_hash(leaf) == receipt.leaf_hash
        agree = agree and receipt.seq in {None, parse_leaf(leaf).seq}
    if not agree:
        raise ReceiptError(ReceiptFlaw.CONTRADICTION)


# --- checking ---------------------------------------------------------------------------------------------------------


def verify_receipt(receipt: FullReceipt, policy: Policy) -> CheckedReceipt:
    """Verify a receipt against whom its holder believes.

    1. The log signed the checkpoint of the answer; witnesses need not have seen that one yet.
    2. With a proof: the entry is in the tree whose checkpoint the log signed and enough witnesses cosigned.
    3. Both checkpoints of one size have one root.

    Raises:
        UnprovenError: 1. UNSIGNED, BAD_SIGNATURE, OTHER_ORIGIN; 2. as `verify_proof`; 3. FORKED.

    """
    witnesses = [witness.key for witness in policy.witnesses]
    verify_checkpoint(receipt.checkpoint, [*(log.key for log in policy.logs), *witnesses])
    promised = receipt.checkpoint.checkpoint
    if receipt.proof is None:
        return CheckedReceipt(is_proven=False, size=promised.size, cosigned={})
    witnessed = verify_proof(receipt.proof, leaf=receipt.leaf_hash, policy=policy)
    proven = receipt.proof.checkpoint.checkpoint
    if proven.size == promised.size and proven.root != promised.root:
        raise UnprovenError(LogFault.FORKED, f"two roots of size {proven.size}")
    return CheckedReceipt(is_proven=True, size=proven.size, cosigned=witnessed.cosigned)
