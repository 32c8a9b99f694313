"""``GET /v1/receipts/{decision}``: the receipt of an answer in full, for the caller who asked."""

from collections.abc import Callable

import msgspec
from aiohttp import web

from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import Receipt
from gateway.audit.leaf import Leaf
from gateway.audit.reader import LogReader
from gateway.audit.receipts import describe_full_receipt
from gateway.audit.search.decision import find_decision, name_shards
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.proof import TlogProof
from gateway.callers import CallerId
from gateway.http.log_files import read
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import CALLER, LOG, WITNESSES

SelectCheckpoint = Callable[[str, int], SignedCheckpoint | None]


async def get_receipt(request: web.Request) -> web.Response:
    """Return the entry with its proof; one of another caller is answered as one that does not exist.

    Raises:
        ProblemError: 404, there is none; 503, the log cannot be read.

    """
    decision, caller = request.match_info["decision"], request[CALLER].id
    witnesses = request.app[WITNESSES]
    select = None if witnesses is None else witnesses.select_checkpoint
    found = await read(request, lambda: find_receipt(request.app[LOG], decision, caller, select=select))
    if found is None:
        raise ProblemError(ProblemKind.RECEIPT_UNKNOWN)
    receipt, leaf, proof = found
    body = msgspec.json.encode(describe_full_receipt(receipt, leaf=leaf, proof=proof))
    return web.Response(body=body, content_type="application/json")


def find_receipt(
    log: SiteLog, decision: str, caller: CallerId, *, select: SelectCheckpoint | None = None
) -> tuple[Receipt, bytes, TlogProof] | None:
    """Return the last entry of a decision, and its proof; None where this caller has none. It blocks.

    A decision has several where something was written down before it was done: an export after its search, a consent
    that could not be kept after it was to be registered. The last one says what came of it.

    ``select`` names a checkpoint of a log that covers an entry and that witnesses cosigned; else the newest is proven.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    try:
        shards = name_shards(log.shards(), decision)
    except ValueError:
        return None
    for shard in reversed(shards):
        reader = log.reader(shard)
        for index, leaf in reversed(find_decision(reader, decision)):
            if leaf.content.caller == caller:
                return _prove(reader, index, leaf, None if select is None else select(reader.origin, index))
    return None


def _prove(
    reader: LogReader, index: int, leaf: Leaf, checkpoint: SignedCheckpoint | None
) -> tuple[Receipt, bytes, TlogProof]:
    data, proof = reader.leaf(index), reader.prove(index, checkpoint)
    receipt = Receipt(
        log=reader.origin,
        index=index,
        leaf_hash=leaf_hash(data),
        checkpoint=encode_checkpoint(proof.checkpoint),
        seq=leaf.seq,
    )
    return receipt, data, proof
