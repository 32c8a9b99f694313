"""Tests of leases: what the gateway's own store said is used again only while nothing it names changed."""

import asyncio
import math
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.sources import leased, licence_store
from gateway.sources.errand import Errand
from gateway.sources.leased import KEPT_SECONDS, LEASE_SECONDS, LeasedSource
from gateway.sources.licence_store import LicenceStore, Look, Mark
from gateway.sources.memory import Failing, MemoryLicenceStore
from gateway.sources.off_loop import OffLoopSource
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import (
    Found,
    LicenceIndex,
    LicenceKey,
    NotFound,
    Registered,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
    by_identifier,
    by_number,
)
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.support.caches import RecordedTally, at_once
from tests.support.licence_stores import INDEX, STORED_AT, TYPE, index, new_licence

T = TypeVar("T")
KEY = by_identifier(INDEX.identifier)
ERRAND = Errand(until=math.inf)


class DirectSource:
    """A store as a source, asked at once; it counts what it is asked, and can hold an answer back."""

    name = "store"

    def __init__(self, store: LicenceStore) -> None:
        self.store = store
        self.asked = 0
        self.hold: asyncio.Event | None = None

    async def find(self, key: LicenceKey, errand: Errand) -> Found:  # noqa: ARG002 - as every store
        """Answer with the document."""
        return self.store.find(key)

    async def find_head(self, key: LicenceKey, errand: Errand) -> Found | StoredHead:  # noqa: ARG002
        """Answer without."""
        self.asked += 1
        found = self.store.find_head(key)
        if self.hold is not None:
            await self.hold.wait()
        return found

    async def find_status(self, index: LicenceIndex, errand: Errand, *, issued_on: date | None) -> Registered | None:  # noqa: ARG002
        """Answer how it stands."""
        self.asked += 1
        return self.store.find_status(index, issued_on=issued_on)

    async def read_document(self, sha256: str) -> bytes:
        """Read it."""
        return self.store.read_document(sha256)

    async def look(self, since: Mark | None) -> Look:
        """Look."""
        return self.store.look(since)

    def close(self) -> None:
        """Close it."""
        self.store.close()


class Hand:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        """Return what it points at."""
        return self.now


class Leased:
    """A leased source on a store in memory, its clock, and what was asked."""

    def __init__(self) -> None:
        self.clock, self.tally = Hand(), RecordedTally()
        self.store = MemoryLicenceStore()
        self.store.add([new_licence()], at=STORED_AT)
        self.direct = DirectSource(self.store)
        self.source = LeasedSource(self.direct, steady=self.clock, tally=self.tally)

    def status(self, key: LicenceKey = KEY) -> LicenceStatus:
        """Ask the leased source for a licence that is there."""
        found = at_once(self.source.find(key, ERRAND))
        assert isinstance(found, StoredHead)
        return found.status

    def look(self) -> None:
        """Look once."""
        at_once(self.source.look())

    def set_status(self, status: LicenceStatus = LicenceStatus.REVOKED) -> None:
        """Change the store."""
        self.store.set_status(INDEX.identifier, status, is_under_objection=False, reason="", at=STORED_AT)


@pytest.fixture
def one() -> Leased:
    return Leased()


def test_what_was_found_is_used_again(one: Leased) -> None:
    """While the lease lasts the store is asked once, whatever holder is asked for; each key is another question."""
    one.look()
    for key in (
        KEY,
        KEY,
        by_number("N-1", TYPE),
        by_number("N-1", TYPE, "a holder"),
        by_number("N-1", TYPE, "another"),
    ):
        assert one.status(key) is LicenceStatus.ACTIVE
    assert (one.direct.asked, one.tally.hits, one.tally.misses) == (2, 3, 2)
    head = at_once(one.source.find(KEY, ERRAND))
    assert at_once(one.source.read_document(head.sha256)) == b"document"


def test_without_a_look_nothing_is_used_again(one: Leased) -> None:
    """Before the first look every question goes to the store."""
    assert (one.status(), one.status(), one.direct.asked) == (LicenceStatus.ACTIVE, LicenceStatus.ACTIVE, 2)


def test_a_change_counts_from_the_next_look_on(one: Leased) -> None:
    """A revocation is seen at the look after it, and after the lease at the latest, without any look."""
    one.look()
    assert one.status() is LicenceStatus.ACTIVE
    one.set_status()
    one.look()
    assert one.status() is LicenceStatus.REVOKED
    one.set_status(LicenceStatus.ACTIVE)
    one.clock.now += LEASE_SECONDS - 0.01
    assert one.status() is LicenceStatus.REVOKED
    one.clock.now += 0.01
    assert one.status() is LicenceStatus.ACTIVE


def test_the_lease_runs_from_the_beginning_of_a_look(one: Leased) -> None:
    """A look that took long says how the store stood when it began, and not when it ended."""

    async def look_slowly() -> None:
        begun = one.direct.look

        async def look(since: Mark | None) -> Look:
            found = await begun(since)
            one.clock.now += LEASE_SECONDS
            return found

        one.direct.look = look  # type: ignore[method-assign]
        await one.source.look()

    at_once(look_slowly())
    assert (one.status(), one.status(), one.direct.asked) == (LicenceStatus.ACTIVE, LicenceStatus.ACTIVE, 2)


def test_a_store_that_cannot_be_looked_at_ends_all_leases(one: Leased) -> None:
    """From a look that failed on, every question goes to the store, until a look is good again."""
    one.look()
    one.status()
    one.store.failing = Failing.BEFORE
    one.look()
    one.set_status()
    assert one.status() is LicenceStatus.REVOKED
    one.store.failing = Failing.BEFORE
    with pytest.raises(SourceUnavailableError):
        one.status()
    one.look()
    assert (one.status(), one.status()) == (LicenceStatus.REVOKED, LicenceStatus.REVOKED)
    assert one.tally.hits == 1


def test_nothing_is_kept_for_long(one: Leased) -> None:
    """However many looks are good, the store is asked again after a while: somebody may have changed it past us."""
    one.look()
    one.status()
    one.clock.now += KEPT_SECONDS
    one.look()
    one.status()
    assert one.direct.asked == 2


async def test_an_answer_under_way_is_not_kept_over_a_change(one: Leased) -> None:
    """What was asked before a look that found a change, and came after it, is used for its own question alone."""
    await one.source.look()
    one.direct.hold = asyncio.Event()
    asked = asyncio.create_task(one.source.find(KEY, ERRAND))
    await asyncio.sleep(0)
    one.set_status()
    await one.source.look()
    one.direct.hold.set()
    old = await asked
    one.direct.hold = None
    new = await one.source.find(KEY, ERRAND)
    assert isinstance(old, StoredHead)
    assert isinstance(new, StoredHead)
    assert (old.status, new.status) == (LicenceStatus.ACTIVE, LicenceStatus.REVOKED)


def test_what_is_not_there_takes_the_same_way_each_time(one: Leased) -> None:
    """Not found and not ready go to the store each time, with their decoy."""
    one.store.announce(index(number="N-2", identifier="I-2"), at=STORED_AT)
    one.look()
    for key in (by_identifier("I-2"), by_identifier("I-3")):
        asked = one.direct.asked
        for _ in range(3):
            assert at_once(one.source.find(key, ERRAND)) == one.store.find(key)
        assert one.direct.asked == asked + 3


def test_how_a_licence_stands_is_used_again(one: Leased) -> None:
    """What is said of documents from elsewhere is kept too, known or not, by everything that was asked."""
    one.look()
    known = Registered(status=LicenceStatus.ACTIVE, is_under_objection=False, source="store")
    for wanted, expected in ((INDEX, known), (index(identifier="x", number="y"), None)):
        for _ in range(2):
            assert at_once(one.source.find_status(wanted, ERRAND, issued_on=None)) == expected
    assert one.direct.asked == 2
    assert at_once(one.source.find_status(INDEX, ERRAND, issued_on=date(2020, 1, 1))) == known
    assert one.direct.asked == 3


def test_memory_is_bounded(one: Leased, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many licences those are kept that were asked for last, and changes of many end everything."""
    monkeypatch.setattr(leased, "MAX_KEPT", 2)
    monkeypatch.setattr(leased, "MAX_CHANGED", 3)
    one.store.add([new_licence(bytes([n]), number=f"M-{n}", identifier=f"J-{n}") for n in range(3)], at=STORED_AT)
    one.look()
    for n in (0, 1, 2, 1, 0):
        one.status(by_identifier(f"J-{n}"))
    assert (len(one.source._kept), one.direct.asked) == (2, 4)
    one.look()
    assert len(one.source._changed) <= 3


async def test_a_store_in_its_place_ends_everything(tmp_path: Path) -> None:
    """Another store at the same path, a backup for example, is another store, whatever its numbers are."""

    def make(path: Path, status: LicenceStatus) -> None:
        store = SqliteLicenceStore(path, create=True)
        store.add([new_licence()], at=STORED_AT)
        for one in (LicenceStatus.SUSPENDED, status):
            store.set_status(INDEX.identifier, one, is_under_objection=False, reason="", at=STORED_AT)
        store.close()

    path, other = tmp_path / "licences.sqlite", tmp_path / "other.sqlite"
    await asyncio.to_thread(make, path, LicenceStatus.ACTIVE)
    await asyncio.to_thread(make, other, LicenceStatus.REVOKED)
    source = LeasedSource(OffLoopSource(path))
    async with source.looking():
        await source.look()
        before = await source.find(KEY, ERRAND)
        await asyncio.to_thread(other.replace, path)
        await source.look()
        after = await source.find(KEY, ERRAND)
    source.close()
    assert isinstance(before, StoredHead)
    assert isinstance(after, StoredHead)
    assert (before.status, after.status) == (LicenceStatus.ACTIVE, LicenceStatus.REVOKED)


async def test_a_store_whose_first_look_fails_is_as_unknown_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another store at the same path changed is not missed because its first look did not work."""
    path = tmp_path / "licences.sqlite"

    def make() -> None:
        with closing(SqliteLicenceStore(path, create=True)) as store:
            store.add([new_licence()], at=STORED_AT)

    await asyncio.to_thread(make)
    source = OffLoopSource(path)
    mark = (await source.look(None)).mark
    look = SqliteLicenceStore.look

    def fail(*_: object) -> Look:
        raise SourceUnavailableError(SourceFault.BUSY, "locked")

    await asyncio.to_thread(path.rename, tmp_path / "old.sqlite")
    await asyncio.to_thread(make)
    monkeypatch.setattr(SqliteLicenceStore, "look", fail)
    with pytest.raises(SourceUnavailableError):
        await source.look(mark)
    monkeypatch.setattr(SqliteLicenceStore, "look", look)
    assert (await source.look(mark)).names is None
    source.close()


async def test_a_look_that_fails_in_no_known_way_is_not_the_last(one: Leased) -> None:
    """Whatever a look meets, leases end with it, and there is another look at the next question."""
    begun, looks = one.direct.look, 0

    async def look(since: Mark | None) -> Look:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise RuntimeError("a bug")
        return await begun(since)

    one.direct.look = look  # type: ignore[method-assign]
    async with one.source.looking():
        for _ in range(50):
            await one.source.find(KEY, ERRAND)
            await asyncio.sleep(0.005)
            if looks > 1:
                break
    assert looks > 1


async def test_nobody_looks_while_nobody_asks(one: Leased, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is looked at once at the start, and then where somebody asks."""
    monkeypatch.setattr("gateway.sources.leased.LOOK_SECONDS", 0)
    looks = 0
    begun = one.direct.look

    async def look(since: Mark | None) -> Look:
        nonlocal looks
        looks += 1
        return await begun(since)

    one.direct.look = look  # type: ignore[method-assign]
    async with one.source.looking():
        for _ in range(5):
            await asyncio.sleep(0)
        assert looks == 1
        await one.source.find(KEY, ERRAND)
        for _ in range(5):
            await asyncio.sleep(0)
        assert looks == 2


IDENTIFIERS = st.sampled_from(["", "I-1", "I-2", "I-3"])
NUMBERS = st.sampled_from(["", "N-1", "N-2"])
TYPES = st.sampled_from([("T-1", "甲"), ("", "甲"), ("T-2", "乙")])
STATUSES = st.sampled_from([LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])


Answer = Found | StoredHead | Registered | None


def _without_moment(answer: Answer) -> Answer:
    """Return an answer without when a register stated it last: that it stated the same again is no change."""
    return answer if answer is None or isinstance(answer, NotFound) else replace(answer, as_of=None)


class LeasesAgainstTheStore(RuleBasedStateMachine):
    """Whatever is done to a store in a file, a leased source that has looked since says what the store says."""

    @initialize()
    def open(self) -> None:
        """Make a store, and open it twice: whoever changes it is another process."""
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "licences.sqlite"
        self.writer = SqliteLicenceStore(path, create=True)
        self.direct = DirectSource(SqliteLicenceStore(path))
        self.source = LeasedSource(self.direct, steady=Hand())
        self.documents = 0

    def teardown(self) -> None:
        """Close it."""
        self.writer.close()
        self.direct.close()
        self.folder.cleanup()

    @rule(identifier=IDENTIFIERS, number=NUMBERS, kind=TYPES, day=st.none() | st.integers(1, 3))
    def add(self, identifier: str, number: str, kind: tuple[str, str], day: int | None) -> None:
        """Store a document."""
        self.documents += 1
        code, name = kind
        new = new_licence(
            self.documents.to_bytes(2),
            issued_on=None if day is None else date(2026, 1, day),
            identifier=identifier,
            number=number,
            type_code=code,
            name=name,
        )
        self.writer.add([new], at=STORED_AT)

    @rule(identifier=IDENTIFIERS, number=NUMBERS, kind=TYPES)
    def announce(self, identifier: str, number: str, kind: tuple[str, str]) -> None:
        """Announce a licence."""
        self.writer.announce(index(identifier=identifier, number=number, type_code=kind[0], name=kind[1]), at=STORED_AT)

    @rule(identifier=IDENTIFIERS, number=NUMBERS, kind=TYPES, status=STATUSES, objected=st.booleans())
    def record(
        self, identifier: str, number: str, kind: tuple[str, str], status: LicenceStatus, *, objected: bool
    ) -> None:
        """Record what a register states."""
        one = RecordedLicence(identifier, number, *kind, ("H",), "2026-01-02", status, objected)
        self.writer.record([one] if one.has_key else [], reason="", at=STORED_AT)

    @rule(identifier=IDENTIFIERS.filter(bool), status=STATUSES, objected=st.booleans())
    def set_status(self, identifier: str, status: LicenceStatus, *, objected: bool) -> None:
        """Set a status."""
        try:
            self.writer.set_status(identifier, status, is_under_objection=objected, reason="", at=STORED_AT)
        except licence_store.UnknownLicenceError:
            pass

    @rule()
    def fill(self) -> None:
        """Ask all that can be asked, so that it is kept."""
        self._ask_all(lambda told, direct: None)  # noqa: ARG005 - the answers may differ before the next look

    @invariant()
    def same_answers(self) -> None:
        """After a look every answer is that of the store."""
        at_once(self.source.look())

        def compare(told: Answer, direct: Answer) -> None:
            assert _without_moment(told) == _without_moment(direct)

        self._ask_all(compare)

    def _ask_all(self, compare: Callable[[Answer, Answer], None]) -> None:
        for identifier in ("I-1", "I-2", "I-3"):
            for number, (code, name) in (("N-1", ("T-1", "甲")), ("N-2", ("T-2", "乙")), ("", ("T-1", "甲"))):
                wanted = index(identifier=identifier, number=number, type_code=code, name=name)
                told = at_once(self.source.find_status(wanted, ERRAND, issued_on=None))
                compare(told, self.direct.store.find_status(wanted, issued_on=None))
            key = by_identifier(identifier)
            compare(at_once(self.source.find(key, ERRAND)), self.direct.store.find_head(key))
        for number in ("N-1", "N-2"):
            for kind in ("T-1", "甲", "乙"):
                named = by_number(number, kind)
                compare(at_once(self.source.find(named, ERRAND)), self.direct.store.find_head(named))


TestLeasesAgainstTheStore = LeasesAgainstTheStore.TestCase
TestLeasesAgainstTheStore.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


def test_too_many_changes_are_not_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import ends everything at once; so does a store that stands before where it stood."""
    monkeypatch.setattr(licence_store, "MAX_NAMED", 2)
    store = SqliteLicenceStore(tmp_path / "licences.sqlite", create=True)
    mark, _ = store.look(None)
    store.add([new_licence()], at=STORED_AT)
    later, names = store.look(mark)
    assert names is not None
    store.add([new_licence(bytes([n]), number=f"M-{n}", identifier=f"J-{n}") for n in range(2)], at=STORED_AT)
    assert store.look(later).names is None
    assert store.look(later._replace(versions=later.versions + 100)).names is None
    assert isinstance(store.find_head(by_identifier("x")), NotFound)
    store.close()
