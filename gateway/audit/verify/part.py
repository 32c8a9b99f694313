"""One part of a log held against its own hashes: up to 32 bundles, their tiles, and what their leaves say in order.

Parts know nothing of each other, so that every core can take one; `gateway.audit.verify.verifier` joins the findings.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.leaf import ANSWERS, LeafDraft, LeafError
from gateway.audit.tlog.merkle import HASH_SIZE, LEAF_PREFIX, fold_hashes
from gateway.audit.tlog.tile import ENTRIES, TILE_SIZE, TILE_WIDTH, TileAddress, encode_tile_path, parse_bundle
from gateway.audit.verify.finding import Finding, FindingKind, Findings
from gateway.audit.verify.quick_leaf import OtherLeaf, read_leaves
from gateway.audit.verify.source import Source, read_tile

PART_TILES: Final = 32  # 8,192 entries take some 40 ms: no core waits long for the last part of another
DAY_MS: Final = 86_400_000
CHINA_MS: Final = 8 * 3_600_000  # days are days in China, which has had one offset since 1991

_NO_ROOT: Final = bytes(HASH_SIZE)  # in place of a tile that is missing; no tile above has it


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTask:
    """Which tiles of a tree of ``size`` to check: [first_tile, end_tile); entries are there in [start, end)."""

    first_tile: int
    end_tile: int
    size: int
    start: int
    end: int


@dataclass(slots=True, kw_only=True)
class PartFound:
    """What one part holds, for the chains that go through all parts."""

    roots: list[bytes] = field(default_factory=list)  # of the full tiles
    firsts: dict[str, tuple[int, int]] = field(default_factory=dict)  # of each caller the first number, and its entry
    lasts: dict[str, int] = field(default_factory=dict)  # of each caller the last number
    first_t: int | None = None
    first_entry: int = 0
    last_t: int = -1  # before every time
    days: list[tuple[int, int]] = field(default_factory=list)  # (day, its first entry), where a day begins
    policies: dict[str, int] = field(default_factory=dict)  # to the first answer that names it
    trusts: dict[str, int] = field(default_factory=dict)  # likewise
    others: list[tuple[int, LeafDraft]] = field(default_factory=list)  # (entry, content) of other kinds
    findings: list[Finding] = field(default_factory=list)
    more: int = 0


def check_part(source: Source, task: PartTask) -> PartFound:
    """Check the tiles and entries of a part.

    Raises:
        SourceError: something cannot be read; what is missing is a finding.

    """
    found, findings = PartFound(), Findings()
    for index in range(task.first_tile, task.end_tile):
        width = min(task.size - index * TILE_WIDTH, TILE_WIDTH)
        hashes = _read_hashes(source, TileAddress(0, index, width), findings)
        if task.start <= index * TILE_WIDTH < task.end:
            _check_bundle(source, TileAddress(ENTRIES, index, width), hashes, found, findings)
        if width == TILE_WIDTH:
            found.roots.append(_NO_ROOT if hashes is None else fold_hashes(hashes))
        if findings.is_full:
            break
    found.findings, found.more = findings.kept, findings.more
    return found


_taken: list[Source] = []  # of this process, if it checks parts for another


def take_source(source: Source) -> None:
    """Begin to check parts for another process, all from this source: an address is connected to once."""
    _taken[:] = [source]


def check_taken_part(task: PartTask) -> PartFound:
    """Check a part of what was taken, as `check_part` does."""
    return check_part(_taken[0], task)


def _read_hashes(source: Source, address: TileAddress, findings: Findings) -> bytes | None:
    hashes = read_tile(source, address)
    path = encode_tile_path(address)
    if hashes is None:
        findings.add(FindingKind.MISSING, entry=address.first, path=path)
    elif len(hashes) != address.width * HASH_SIZE:
        expected = f"{address.width * HASH_SIZE} bytes were expected"
        findings.add(FindingKind.MALFORMED, entry=address.first, path=path, detail=expected)
        return None
    return hashes


def _check_bundle(
    source: Source, address: TileAddress, hashes: bytes | None, found: PartFound, findings: Findings
) -> None:
    data, path, first = read_tile(source, address), encode_tile_path(address), address.index * TILE_WIDTH
    if data is None:
        findings.add(FindingKind.MISSING, entry=first, path=path)
        return
    try:
        entries = parse_bundle(data, address.width)
    except MalformedLogDataError as error:
        findings.add(FindingKind.MALFORMED, entry=first, path=path, detail=error.detail)
        return
    hashed = b"".join([sha256(LEAF_PREFIX + entry).digest() for entry in entries])
    if hashes is not None and hashed != hashes:
        for at in range(0, TILE_SIZE, HASH_SIZE):
            if hashed[at : at + HASH_SIZE] != hashes[at : at + HASH_SIZE]:
                findings.add(FindingKind.ENTRY, entry=first + at // HASH_SIZE, path=path)
    _follow(entries, first, path, found, findings)


def _follow(entries: list[bytes], first: int, path: str, found: PartFound, findings: Findings) -> None:
    """Follow numbers, times and days through the leaves of a bundle."""
    lasts = found.lasts
    policy = trust = ""
    for entry, leaf in enumerate(read_leaves(entries), first):
        if isinstance(leaf, LeafError):
            findings.add(FindingKind.LEAF, entry=entry, path=path, detail=str(leaf))
            continue
        caller, seq, t = leaf.caller, leaf.seq, leaf.t
        last = lasts.get(caller)
        if last is None:
            found.firsts[caller] = (seq, entry)
        elif seq != last + 1:
            add_gap(findings, caller, entry=entry, expected=last + 1, got=seq)
        lasts[caller] = seq
        if t != found.last_t:  # entries of one batch have one time
            _follow_time(t, entry, path, found, findings)
        if isinstance(leaf, OtherLeaf) and leaf.content.kind not in ANSWERS:
            found.others.append((entry, leaf.content))
        elif leaf.policy != policy or leaf.trust != trust:  # which seldom change
            policy, trust = leaf.policy, leaf.trust
            if policy:
                found.policies.setdefault(policy, entry)
            if trust:
                found.trusts.setdefault(trust, entry)


def _follow_time(t: int, entry: int, path: str, found: PartFound, findings: Findings) -> None:
    """Go on to another time, and note where a day begins."""
    if t < found.last_t:
        findings.add(FindingKind.TIME, entry=entry, path=path)
        return
    found.last_t = t
    if found.first_t is None:
        found.first_t, found.first_entry = t, entry
    day = (t + CHINA_MS) // DAY_MS
    if not found.days or day > found.days[-1][0]:
        found.days.append((day, entry))


def add_gap(findings: Findings, caller: str, *, entry: int, expected: int, got: int) -> None:
    """Note that a number is not the next of its caller."""
    findings.add(FindingKind.SEQUENCE, entry=entry, detail=f"{caller}: {expected} was expected, got {got}")
