"""Making a finding: the entries that a search found, each with its proof, in one file that the log signs.

checkpoint            the tree that all entries are proven against, cosigned where witnesses have seen it
entries.jsonl         the entries (`gateway.audit.finding.entry`), the oldest first
finding.json          which log, and the digests of the other files
finding.note          the log's signature for it
policies/DIGEST.json  the policy bundles that the entries name
query.json            the search (`gateway.audit.finding.query`)
trust.policy          the log's keys, its witnesses and their quorum, as the log says
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from gateway.audit.entry import Receipt
from gateway.audit.errors import MalformedLogDataError
from gateway.audit.finding.entry import (
    MAX_ENTRIES,
    MAX_ENTRIES_FILE,
    FindingEntry,
    encode_entries,
    make_entry,
    open_entry,
)
from gateway.audit.finding.manifest import (
    ENTRIES_FILE,
    FINDING_FILE,
    NOTE_FILE,
    QUERY_FILE,
    FindingManifest,
    encode_finding,
    sign_finding,
)
from gateway.audit.finding.package import encode_package
from gateway.audit.finding.query import FindingQuery, OpenedQuery, encode_finding_query
from gateway.audit.openings import Opening
from gateway.audit.reader import LogReader
from gateway.audit.receipts import prove_entry
from gateway.audit.search.query import Query
from gateway.audit.search.search import FoundEntry
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, parse_checkpoint
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.proof import encode_proof
from gateway.audit.tlog.quorum import Policy, encode_policy
from gateway.audit.tlog.tile import TileAddress
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.source import BUNDLES_FOLDER, CHECKPOINT_FILE, POLICY_FILE
from keys.own.errors import OwnKeyError

MAX_BUNDLES: Final = 256  # as many as a package has room for
MAX_BUNDLES_SIZE: Final = 24 * 1024 * 1024  # bytes of all of them; one of a province has some 300 kB
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")

ReadBundle = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingOrder:
    """What goes into a finding.

    ``found`` was found by ``query`` in the log of ``reader``, and ``search`` is the receipt of the entry about that,
    which ``writer`` holds: the log of the half-year that is written now. ``reached``: from which time on, in ms, all
    entries were looked at; None: all there are. ``opening`` opens the private parts; None: they stay closed.
    ``cosigned`` are checkpoints of these logs that enough witnesses cosigned. ``read_bundle`` raises KeyError.
    """

    reader: LogReader
    writer: LogReader
    found: Sequence[FoundEntry]
    reached: int | None
    query: Query
    search: Receipt
    policy: Policy
    read_bundle: ReadBundle
    cosigned: Sequence[SignedCheckpoint] = ()
    opening: Opening | None = None
    readers: Mapping[str, LogReader] | None = None  # by origin: where the entries of the opening stand


def make_finding(order: FindingOrder) -> bytes:
    """Return the file of a finding; blocks.

    Raises:
        LogUnavailableError: the log cannot be read; UNUSABLE, it has no entries, or too much was found for one file;
            SIGNER, a key of the log does not sign.
        ValueError: more entries than a finding takes.

    """
    found = sorted(order.found, key=lambda one: one.index)
    if len(found) > MAX_ENTRIES:
        raise ValueError(f"up to {MAX_ENTRIES} entries were expected, got {len(found)}")
    checkpoint = _select_checkpoint(order, order.reader, found[-1].index if found else -1)
    log = checkpoint.checkpoint.origin
    files = {
        CHECKPOINT_FILE: encode_checkpoint(checkpoint),
        ENTRIES_FILE: _entries(order, found, checkpoint),
        QUERY_FILE: _query(order, checkpoint),
        POLICY_FILE: encode_policy(order.policy),
        **_bundles(order.read_bundle, {one.leaf.content.policy for one in found}),
    }
    manifest = encode_finding(
        FindingManifest(log=log, files={path: sha256(data).hexdigest() for path, data in files.items()})
    )
    try:
        note = sign_finding(manifest, log, order.reader.signers)
    except OwnKeyError as error:
        raise LogUnavailableError(Unavailable.SIGNER, str(error.fault)) from error
    return encode_package(files | {FINDING_FILE: manifest, NOTE_FILE: note})


def _select_checkpoint(order: FindingOrder, reader: LogReader, last: int) -> SignedCheckpoint:
    """Return the largest cosigned checkpoint of a log that has its entry ``last``, else the newest that it signed."""
    cosigned = [one for one in order.cosigned if one.checkpoint.origin == reader.origin]
    covering = [one for one in cosigned if one.checkpoint.size > last]
    if covering:
        return max(covering, key=lambda one: one.checkpoint.size)
    head = reader.head()
    if head is None:
        raise LogUnavailableError(Unavailable.UNUSABLE, "the log has no entries")
    return parse_checkpoint(head.checkpoint)


def _entries(order: FindingOrder, found: Sequence[FoundEntry], checkpoint: SignedCheckpoint) -> bytes:
    read = _tiles(order.reader)

    def write(one: FoundEntry) -> FindingEntry:
        entry = make_entry(one.index, one.data, prove_entry(read, checkpoint, one.index).hashes)
        if order.opening is None:
            return entry
        return open_entry(entry, one.leaf.content.commits, one.private, damaged=one.is_damaged)

    try:
        data = b"".join(encode_entries(map(write, found)))
    except MalformedLogDataError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"a tile: {error}") from error
    if len(data) > MAX_ENTRIES_FILE:
        raise LogUnavailableError(Unavailable.UNUSABLE, "more was found than one file takes: search a shorter time")
    return data


def _tiles(reader: LogReader) -> Callable[[TileAddress], bytes | None]:
    """Return what reads tiles, each once: neighbours in a log share most of their proofs."""

    @cache
    def read(address: TileAddress) -> bytes | None:
        hashes = reader.store.tile(address.level, address.index)
        return None if hashes is None else hashes[: address.width * HASH_SIZE]

    return read


def _query(order: FindingOrder, checkpoint: SignedCheckpoint) -> bytes:
    """Return the search with its receipts; what was searched for is opened with the rest or not at all.

    Whatever the finding's own checkpoint has is proven against it.
    """
    writer, search, opening = order.writer, order.search, order.opening

    def prove(reader: LogReader, index: int) -> dict[str, object]:
        covers = checkpoint.checkpoint.origin == reader.origin and index < checkpoint.checkpoint.size
        return _receipt(reader, index, checkpoint if covers else _select_checkpoint(order, reader, index))

    receipts = [prove(writer, search.index)]
    opened = None
    if opening is not None:
        readers = order.readers or {}
        receipts += [prove(readers[place.log], place.index) for place in opening.places]
        part = writer.private(search.index)
        if part is None:
            raise LogUnavailableError(Unavailable.CORRUPT, f"entry {search.index} has no private part")
        salts = part.part.salts.resp, opening.part.salts.resp
        opened = OpenedQuery(salt=salts[0].hex(), request=salts[1].hex(), value=order.query.members())
    is_complete = order.reached is None
    return encode_finding_query(
        FindingQuery(complete=is_complete, reached=order.reached, receipts=receipts, query=opened)
    )


def _receipt(reader: LogReader, index: int, checkpoint: SignedCheckpoint) -> dict[str, object]:
    """Return the full receipt of an entry; what its proof and its leaf say is not said twice."""
    proof = encode_proof(reader.prove(index, checkpoint)).decode()
    return {"log": reader.origin, "index": index, "leaf": reader.leaf(index).decode(), "proof": proof}


def _bundles(read: ReadBundle, digests: Iterable[str]) -> dict[str, bytes]:
    """Return the policies that entries name, as far as the archive has them and there is room."""
    files: dict[str, bytes] = {}
    size = 0
    for digest in sorted(digests):
        matched = _DIGEST.fullmatch(digest)
        if matched is None:
            continue
        try:
            data = read(digest)
        except KeyError:
            continue
        size += len(data)
        if sha256(data).hexdigest() == matched[1] and size <= MAX_BUNDLES_SIZE and len(files) < MAX_BUNDLES:
            files[f"{BUNDLES_FOLDER}/{matched[1]}.json"] = data
    return files
