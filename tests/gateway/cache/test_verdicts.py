"""Tests of kept verdicts: what ends them, and what does not."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.cache.cache import CacheFault
from gateway.cache.local import LocalCache
from gateway.cache.sealed import SealedCache
from gateway.cache.verdicts import KIND, MAX_LIFE_SECONDS, VerdictCache
from gateway.pipeline import Verified
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome, Verdict
from keys.trust import Anchor, Consulted, Purpose, TrustStore
from tests.support import pki
from tests.support.caches import RecordedTally
from tests.support.callers import NOW

SHA256, OTHER = "a" * 64, "b" * 64
ENDS_AT = NOW + timedelta(minutes=10)
OURS, THEIRS = pki.name("Ours"), pki.name("Theirs")
CONSULTED: Consulted = frozenset({(OURS, 7)})
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Evidence:
    """Evidence about the certificates of one issuer, of some content."""

    issuer: bytes
    content: bytes
    this_update: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def fingerprint(self) -> bytes:
        """Be the content."""
        return self.content

    def about(self, serial: int) -> bytes:
        """Say something about one certificate, and the content about others."""
        return self.content if serial == 7 else b"another"


STORE = TrustStore(anchors=(), revocation_lists=(Evidence(OURS, b"1"), Evidence(THEIRS, b"1")))


def verdict(ends_at: datetime | None = ENDS_AT, outcome: Outcome = Outcome.VALID) -> Verified:
    reason = None if outcome is Outcome.VALID else Reason.REVOCATION_UNAVAILABLE
    check = Check(check=CheckName.REVOCATION, outcome=outcome, reason=reason, as_of=NOW, ends_at=ends_at)
    return Verified(verdict=Verdict(format="ofd", checks=(check,)))


VERDICT = verdict()


def put(cache: VerdictCache, verified: Verified = VERDICT, **changes: Any) -> None:
    usual: dict[str, Any] = {"store": STORE, "consulted": CONSULTED, "at": NOW}
    cache.put(SHA256, verified, **usual | changes)


async def get(cache: VerdictCache, store: TrustStore = STORE, at: datetime = NOW) -> Verified | None:
    return await cache.get(SHA256, store=store, at=at)


async def test_a_verdict_is_kept() -> None:
    """What was verified once is known the next time, for the same document only."""
    cache = VerdictCache(LocalCache())
    put(cache)
    assert await get(cache) == VERDICT
    assert await cache.get(OTHER, store=STORE, at=NOW) is None


@pytest.mark.parametrize(
    "verified", [verdict(None), verdict(outcome=Outcome.UNKNOWN), verdict(outcome=Outcome.INVALID), verdict(NOW)]
)
async def test_only_what_is_valid_and_ends_is_kept(verified: Verified) -> None:
    """Nobody waits for the end of what may be mended, and nothing is kept for ever."""
    cache = VerdictCache(LocalCache())
    put(cache, verified)
    assert await get(cache) is None


async def test_the_clock_ends_it() -> None:
    """It counts until its end, not at it; for so long at most; and not before it was made, on a clock set back."""
    cache = VerdictCache(LocalCache())
    put(cache)
    assert await get(cache, at=ENDS_AT - SECOND) == VERDICT
    assert await get(cache, at=ENDS_AT) is None
    assert await get(cache, at=NOW - SECOND) is None
    put(cache, verdict(NOW + timedelta(days=9)))
    life = timedelta(seconds=MAX_LIFE_SECONDS)
    assert await get(cache, at=NOW + life - SECOND) is not None
    assert await get(cache, at=NOW + life) is None


async def test_what_it_rests_on_ends_it() -> None:
    """Other evidence about whom it rests on, one piece more, or other bounds end it; with the old ones it counts."""
    cache = VerdictCache(LocalCache())
    put(cache)
    ours, theirs = STORE.revocation_lists
    ended = [
        STORE.with_lists([Evidence(OURS, b"2"), theirs]),
        STORE.with_lists([ours, theirs, Evidence(OURS, b"3")]),
        STORE.with_lists([theirs]),
        STORE.with_lists(STORE.revocation_lists, stapled_within={b"key": SECOND}),
        replace(STORE, keeps_expired=frozenset({"ab"})),
        replace(STORE, anchors=(_anchor(),)),
    ]
    for store in ended:
        assert await get(cache, store) is None
    assert await get(cache) == VERDICT


async def test_nothing_else_ends_it() -> None:
    """Evidence about others comes and goes, and so do stores with the same content."""
    cache = VerdictCache(LocalCache())
    put(cache)
    ours, theirs = STORE.revocation_lists
    for evidence in ([ours], [ours, Evidence(THEIRS, b"2")], [theirs, ours]):
        assert await get(cache, STORE.with_lists(evidence)) == VERDICT


def _anchor() -> Anchor:
    return Anchor(certificate=pki.make_root("Root").certificate, purposes=frozenset({Purpose.SIGNER}))


async def test_another_program_finds_nothing() -> None:
    """What another version of the program found is not believed."""
    local = LocalCache()
    put(VerdictCache(local, engine="1"))
    assert await get(VerdictCache(local, engine="2")) is None
    assert await get(VerdictCache(local, engine="1")) == VERDICT


async def test_what_one_process_found_another_knows() -> None:
    """Through a shared cache a verdict is known elsewhere, and from then on there too."""
    shared, tally = LocalCache(), RecordedTally()
    one, two = (
        VerdictCache(LocalCache(), shared=SealedCache(shared, bytes(32), kind=KIND), tally=tally) for _ in range(2)
    )
    put(one)
    await one.close()
    assert await get(two) == VERDICT
    shared.clear()
    assert await get(two) == VERDICT
    assert (tally.hits, tally.misses, tally.faults) == (1, 1, [])


async def test_the_binding_counts_in_the_shared_cache_too() -> None:
    """A process with other evidence, or a later clock, verifies anew what another one found."""
    shared = LocalCache()
    one, two = (VerdictCache(LocalCache(), shared=shared) for _ in range(2))
    put(one)
    await one.close()
    assert await get(two, STORE.with_lists([])) is None
    assert await get(two, at=ENDS_AT) is None
    assert await get(two) == VERDICT


@pytest.mark.parametrize("entry", [b"", b"\x95", b"garbage"])
async def test_an_odd_entry_is_a_miss(entry: bytes) -> None:
    """Whatever lies in the cache and is no verdict is verified anew, and counted."""
    shared, tally = LocalCache(), RecordedTally()
    cache = VerdictCache(LocalCache(), shared=shared, tally=tally)
    shared.put_now(cache._name(SHA256, STORE), entry, seconds=60)
    assert await get(cache) is None
    assert tally.faults == [CacheFault.ODD]


async def test_nobody_waits_for_a_cache_that_hangs() -> None:
    """What is on its way to a cache that takes its time is bounded, and the rest is not written."""
    gate, tally = asyncio.Event(), RecordedTally()

    class Slow(LocalCache):
        async def put(self, name: bytes, value: bytes, *, seconds: float) -> None:
            await gate.wait()
            await super().put(name, value, seconds=seconds)

    shared = Slow()
    cache = VerdictCache(LocalCache(), shared=shared, tally=tally)
    for number in range(300):
        cache.put(f"{number:064}", VERDICT, store=STORE, consulted=CONSULTED, at=NOW)
    assert tally.faults == [CacheFault.FULL] * (300 - 256)
    gate.set()
    await cache.close()
    assert len(shared) == 256
