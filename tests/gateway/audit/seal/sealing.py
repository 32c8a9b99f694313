"""Logs whose days are sealed, in each kind of store, and what can be damaged in them."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.lookup import Epoch, KeyOwner, LookupKind
from gateway.audit.seal.check import CheckedIndex, IndexFault, check_index
from gateway.audit.seal.days import seal_due_days
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.store.sqlite_pending import pending_rows
from gateway.audit.verify.finding import FindingKind
from gateway.audit.verify.verifier import verify_log
from tests.gateway.audit import exports
from tests.support.audit import LOOKUP, Clock, make_draft, opened, sqlite_setup

DAY = 86_400_000
_RULES = frozenset({FindingKind.POLICY_CHAIN, FindingKind.TRUST_CHAIN})
MIDNIGHT = 1_790_006_400_000  # in China, some hours after the usual start of tests


def moment(now_ms: int) -> datetime:
    """Return a time as edges have it."""
    return datetime.fromtimestamp(now_ms / 1000, UTC)


def append(log: AccessLog, drafts: Sequence[EntryDraft]) -> list[Receipt]:
    """Append entries at once."""

    async def run() -> list[Receipt]:
        return await asyncio.gather(*(log.append(draft) for draft in drafts))

    return asyncio.run(run())


def seal(log: AccessLog, now_ms: int) -> list[tuple[str, int, int]]:
    """Seal what is due, and return days and ranges."""
    receipts = asyncio.run(seal_due_days(log, moment(now_ms)))
    said = [parse_leaf(log.leaf(receipt.index)).content.more for receipt in receipts]
    return [(str(more["day"]), int(more["first"]), int(more["next"])) for more in said]


def check(log: AccessLog, now_ms: int = MIDNIGHT + 9 * DAY) -> CheckedIndex:
    """Check the index."""
    return check_index(log, now_ms=now_ms)


def faults(found: CheckedIndex) -> set[tuple[IndexFault, int]]:
    """Return what was found."""
    return {(one.kind, one.entry) for one in found.findings}


def chain_faults(log: AccessLog, folder: Path) -> list[str]:
    """Return what an auditor without the index finds wrong in the log, but that no entry activates its rules."""
    leaves = list(log.store.leaves(0, 10_000))
    exports.write_log(folder, leaves)
    findings = verify_log(exports.ServedFolder(folder)).findings
    return [f"{one.kind} {one.entry} {one.detail}" for one in findings if one.kind not in _RULES]


def fill(log: AccessLog, clock: Clock) -> None:
    """Write two days, seal them, and begin a third: entries 0 to 4, 5 to 6, seals 7 and 8, then 9."""
    clock.now = MIDNIGHT + 1
    append(log, [exports.bare_answer(0), make_draft(1, kind=LeafKind.ADMIN)])
    clock.now = MIDNIGHT + DAY - 1
    append(log, [exports.bare_answer(2), exports.bare_answer(0), exports.bare_answer(3)])
    clock.now = MIDNIGHT + DAY
    append(log, [exports.bare_answer(4), exports.bare_answer(2)])
    clock.now = MIDNIGHT + 2 * DAY + 60_000
    assert seal(log, clock.now) == [(exports.day_of(MIDNIGHT), 0, 5), (exports.day_of(MIDNIGHT + DAY), 5, 7)]
    append(log, [exports.bare_answer(5)])


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLog:
    """A log whose index can be changed behind its back: rows (word, entry), and an owner's row."""

    log: AccessLog
    clock: Clock
    drop: Callable[[int, int], None]
    add: Callable[[int, int], None]
    change_owner: Callable[[bytes, bytes], None]


def carry_over(connection: sqlite3.Connection) -> None:
    """Put all words that wait into the index, where whoever meddles with it finds them."""
    rows = pending_rows(connection, [(0, 2**62)])
    connection.executemany("INSERT OR IGNORE INTO words VALUES (?, ?)", rows)
    connection.execute("DELETE FROM pending")


@contextmanager
def sqlite_log(folder: Path) -> Iterator[SealedLog]:
    """Open a log in SQLite."""
    clock = Clock()

    def run(query: str, *values: object) -> None:
        with closing(sqlite3.connect(folder / "log.sqlite")) as connection, connection:
            carry_over(connection)
            assert connection.execute(query, values).rowcount == 1

    with opened(sqlite_setup(folder, clock)) as log:
        yield SealedLog(
            log=log,
            clock=clock,
            drop=lambda word, entry: run("DELETE FROM words WHERE word = ? AND entry = ?", word, entry),
            add=lambda word, entry: run("INSERT INTO words VALUES (?, ?)", word, entry),
            change_owner=lambda old, new: run("UPDATE owners SET owner = ? WHERE owner = ?", new, old),
        )


@contextmanager
def memory_log(folder: Path) -> Iterator[SealedLog]:
    """Open a log in memory."""
    clock, store, keys = Clock(), MemoryStore(), MemoryKeys()

    def change_owner(old: bytes, new: bytes) -> None:
        row = store._owners.pop(old)  # type: ignore[call-overload] - the bytes are an owner
        store._owners[new] = type(row)(owner=new, number=row.number, epoch=row.epoch, first=row.first)  # type: ignore[index,arg-type] - the same

    with opened(sqlite_setup(folder, clock, open_store=lambda: store, open_keys=lambda: keys)) as log:
        yield SealedLog(
            log=log,
            clock=clock,
            drop=lambda word, entry: store._words[word].remove(entry),
            add=lambda word, entry: store._words.setdefault(word, []).append(entry),
            change_owner=change_owner,
        )


@contextmanager
def postgres_log(folder: Path, server: Any) -> Iterator[SealedLog]:
    """Open a log in PostgreSQL."""
    from gateway.audit.store.postgres import PostgresStore  # noqa: PLC0415 - an extra
    from gateway.audit.store.postgres_link import PostgresLink  # noqa: PLC0415 - an extra
    from gateway.audit.store.postgres_owners import split_owners  # noqa: PLC0415 - an extra
    from tests.support.audit import ORIGIN  # noqa: PLC0415 - beside it

    dsn, clock, keys = server.new_database(), Clock(), MemoryKeys()

    async def nothing(_: Any) -> None:
        pass

    with ExitStack() as stack:
        setup = sqlite_setup(
            folder, clock, open_store=lambda: PostgresStore(dsn, origin=ORIGIN), open_keys=lambda: keys
        )
        log = stack.enter_context(opened(setup))
        link = stack.enter_context(closing(PostgresLink(dsn, prepare=nothing)))

        def run(query: str, *values: object) -> None:
            assert link.run(lambda connection: connection.execute(query, *values)) == "UPDATE 1"

        def is_open(entry: int) -> bool:
            query = "SELECT EXISTS (SELECT FROM audit_open WHERE first = $1)"
            return bool(link.run(lambda connection: connection.fetchval(query, entry)))

        def drop(word: int, entry: int) -> None:
            query = """UPDATE audit_words AS b SET words = words[:at - 1] || words[at + 1:],
                    places = substring(places FROM 1 FOR at - 1) || substring(places FROM at + 1)
                FROM (SELECT first AS f, at::int FROM audit_words, unnest(words) WITH ORDINALITY AS w (word, at)
                    WHERE word = $1 AND first + get_byte(places, at::int - 1) = $2) AS found WHERE b.first = f"""
            if is_open(entry):
                query = "UPDATE audit_open SET words = array_remove(words, $1) WHERE first = $2"
            run(query, word, entry)

        def add(word: int, entry: int) -> None:
            query = """UPDATE audit_words SET words = words || $1::bigint,
                    places = places || set_byte('\\x00', 0, ($2 - first)::int)
                WHERE first = (SELECT max(first) FROM audit_words WHERE first <= $2::bigint)"""
            if is_open(entry):
                query = "UPDATE audit_open SET words = words || $1::bigint WHERE first = $2"
            run(query, word, entry)

        def change_owner(old: bytes, new: bytes) -> None:
            owners, more = split_owners([KeyOwner(old), KeyOwner(new)])
            query = "UPDATE audit_owners SET owner = $3, more = $4 WHERE owner = $1 AND more = $2"
            run(query, owners[0], more[0], owners[1], more[1])

        yield SealedLog(
            log=log,
            clock=clock,
            drop=drop,
            add=add,
            change_owner=change_owner,
        )


def subject_word(number: int) -> int:
    """Return the word that leads to entries about a person."""
    private = make_draft(number).private
    assert private is not None
    return LOOKUP.word(LookupKind.SUBJECT, private.subjects[0], Epoch(1))


def subject_owner(number: int) -> bytes:
    """Return a person as the owner of a data key."""
    private = make_draft(number).private
    assert private is not None
    return LOOKUP.owner(LookupKind.SUBJECT, private.subjects[0], Epoch(1))
