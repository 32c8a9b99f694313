"""Tests of the cache whose keeper is not trusted."""

import dataclasses

import pytest

from gateway.cache.cache import MAX_VALUE_BYTES, Cache, CacheFault
from gateway.cache.local import LocalCache
from gateway.cache.sealed import NONCE_BYTES, SALT_BYTES, SealCipher, SealedCache
from tests.support.caches import NAME, OTHER, CacheContract, RecordedTally

SECRET = bytes(range(32))


class OpenShelf:
    """A cache in which a test sees and moves what lies where."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}

    async def get(self, name: bytes) -> bytes | None:
        """Return what lies there."""
        return self.entries.get(name)

    async def put(self, name: bytes, value: bytes, *, seconds: float) -> None:  # noqa: ARG002 - nothing ends here
        """Lay it there."""
        self.entries[name] = value

    async def forget(self, name: bytes) -> None:
        """Take it away."""
        self.entries.pop(name, None)


@pytest.mark.parametrize("cipher", list(SealCipher))
class TestSealedCache(CacheContract):
    """The contract, with every cipher."""

    @pytest.fixture
    def cache(self, cipher: SealCipher) -> SealedCache:
        """Return an empty cache."""
        return SealedCache(LocalCache(), SECRET, kind="k", cipher=cipher)

    async def test_too_large_is_not_kept(self, cache: Cache) -> None:
        """A value that is too large once it is sealed is not kept, and what it should replace is gone."""
        await cache.put(NAME, b"old", seconds=60)
        await cache.put(NAME, bytes(MAX_VALUE_BYTES), seconds=60)
        assert await cache.get(NAME) is None


@pytest.mark.parametrize("cipher", list(SealCipher))
async def test_nothing_can_be_read_in_it(cipher: SealCipher) -> None:
    """Neither names nor values can be seen, and the same value under the same name looks different each time."""
    shelf = OpenShelf()
    cache = SealedCache(shelf, SECRET, kind="k", cipher=cipher)
    seen = set()
    for _ in range(3):
        await cache.put(b"a name that somebody may try", b"a value that nobody shall see", seconds=60)
        ((place, sealed),) = shelf.entries.items()
        seen.add(sealed)
        assert len(place) == 32
        assert b"name" not in place
        assert b"value" not in sealed
    assert len(seen) == 3
    assert len({sealed[SALT_BYTES : SALT_BYTES + NONCE_BYTES] for sealed in seen}) == 3


@pytest.mark.parametrize("cipher", list(SealCipher))
async def test_every_change_is_a_miss_and_counted(cipher: SealCipher) -> None:
    """A value with any byte changed, cut off or added is not there."""
    shelf, tally = OpenShelf(), RecordedTally()
    cache = SealedCache(shelf, SECRET, kind="k", cipher=cipher, tally=tally)
    await cache.put(NAME, b"value", seconds=60)
    ((place, sealed),) = shelf.entries.items()
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    others = [*changed, sealed + b"\x00", *(sealed[:size] for size in (0, 1, SALT_BYTES, len(sealed) - 1))]
    for other in others:
        shelf.entries[place] = other
        assert await cache.get(NAME) is None
    assert tally.faults == [CacheFault.FORGED] * len(others)
    shelf.entries[place] = sealed
    assert await cache.get(NAME) == b"value"


async def test_a_value_belongs_to_its_name() -> None:
    """A value that was moved to another name is not there, however genuine."""
    shelf, tally = OpenShelf(), RecordedTally()
    cache = SealedCache(shelf, SECRET, kind="k", tally=tally)
    await cache.put(NAME, b"one", seconds=60)
    await cache.put(OTHER, b"two", seconds=60)
    one, two = shelf.entries
    shelf.entries[one], shelf.entries[two] = shelf.entries[two], shelf.entries[one]
    assert [await cache.get(NAME), await cache.get(OTHER)] == [None, None]
    assert tally.faults == [CacheFault.FORGED] * 2


@dataclasses.dataclass(frozen=True)
class Sealing:
    """With what a cache is sealed."""

    secret: bytes = SECRET
    kind: str = "k"
    cipher: SealCipher = SealCipher.AES_256_GCM


@pytest.mark.parametrize("other", [Sealing(secret=SECRET[::-1]), Sealing(kind="l"), Sealing(cipher=SealCipher.SM4_GCM)])
async def test_who_differs_finds_nothing(other: Sealing) -> None:
    """Another secret, kind or cipher has other names, and what is put under them does not open."""
    shelf, tally = OpenShelf(), RecordedTally()
    ours = SealedCache(shelf, **dataclasses.asdict(Sealing()))
    theirs = SealedCache(shelf, **dataclasses.asdict(other), tally=tally)
    await theirs.put(NAME, b"theirs", seconds=60)
    ((their_place, _),) = shelf.entries.items()
    await ours.put(NAME, b"ours", seconds=60)
    (our_place,) = set(shelf.entries) - {their_place}
    assert await theirs.get(NAME) == b"theirs"
    shelf.entries[their_place] = shelf.entries[our_place]
    assert await theirs.get(NAME) is None
    assert tally.faults == [CacheFault.FORGED]


async def test_the_key_of_the_values_is_renewed() -> None:
    """After so many values another key seals, and what another process or an earlier key sealed still opens."""
    shelf = OpenShelf()
    cache, other = (SealedCache(shelf, SECRET, kind="k", max_sealed=2) for _ in range(2))
    for number in range(5):
        await cache.put(bytes([number]), str(number).encode(), seconds=60)
    assert len({sealed[:SALT_BYTES] for sealed in shelf.entries.values()}) == 3
    assert [await other.get(bytes([number])) for number in range(5)] == [str(n).encode() for n in range(5)]


async def test_strangers_fill_no_memory() -> None:
    """However many salts come out of the cache, few keys are remembered."""
    shelf = OpenShelf()
    cache = SealedCache(shelf, SECRET, kind="k")
    await cache.put(NAME, b"value", seconds=60)
    ((place, sealed),) = shelf.entries.items()
    for number in range(100):
        shelf.entries[place] = number.to_bytes(SALT_BYTES) + sealed[SALT_BYTES:]
        assert await cache.get(NAME) is None
    assert len(cache._sealing._keys) <= 64
    shelf.entries[place] = sealed
    assert await cache.get(NAME) == b"value"
