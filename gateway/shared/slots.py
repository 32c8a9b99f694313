"""Which server of a cluster has which keys: the answer to CLUSTER SLOTS."""

from binascii import crc_hqx
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.shared.settings import Address

SLOTS: Final = 16384  # of every cluster; a key is in one of them by its CRC16
MAX_RANGES: Final = SLOTS
MAX_PRIMARIES: Final = 1000  # as many servers as the specification of clusters recommends at most
MAX_HOST: Final = 255
MAX_PORT: Final = 65535
_UNKNOWN_HOST: Final = b"?"  # a server that does not know its own name yet


class SlotsError(ValueError):
    """The answer is not one that a cluster gives."""


class SlotMap:
    """Which primary has which slot; a slot that nobody has is None."""

    def __init__(self, owners: Mapping[int, Address] = MappingProxyType({})) -> None:
        """Take over who owns what."""
        self._owners = dict(owners)
        self._primaries = tuple(dict.fromkeys(self._owners.values()))

    @property
    def primaries(self) -> tuple[Address, ...]:
        """The servers that have slots."""
        return self._primaries

    @property
    def is_whole(self) -> bool:
        """Whether every slot has an owner."""
        return len(self._owners) == SLOTS

    def owner(self, key: bytes) -> Address | None:
        """Return who has a key."""
        return self._owners.get(slot_of(key))

    def move(self, slot: int, owner: Address) -> None:
        """Note that a slot has another owner, as a server said."""
        if 0 <= slot < SLOTS:
            self._owners[slot] = owner
            self._primaries = tuple(dict.fromkeys(self._owners.values()))


def slot_of(key: bytes) -> int:
    """Return the slot of a key: by what is between its first braces, where that is anything.

    Redis cluster specification, "Hash tags"; the CRC is the one of XMODEM.
    """
    tag, brace, _ = key.partition(b"{")[2].partition(b"}")
    return crc_hqx(tag if brace and tag else key, 0) % SLOTS


def parse_slots(reply: object, *, asked: Address) -> SlotMap:
    """Read who owns which slots; ``asked`` answered, and is meant where an owner has no name.

    Raises:
        SlotsError: it is anything else.

    """
    if not isinstance(reply, list) or len(reply) > MAX_RANGES:
        raise SlotsError
    owners: dict[int, Address] = {}
    for one in reply:
        match one:
            case [int(first), int(last), [host, int(port), *_], *_] if 0 <= first <= last < SLOTS:
                owner = _parse_address(host, port, asked)
                for slot in range(first, last + 1):
                    if slot in owners:
                        raise SlotsError
                    owners[slot] = owner
            case _:
                raise SlotsError
    slots = SlotMap(owners)
    if len(slots.primaries) > MAX_PRIMARIES:
        raise SlotsError
    return slots


def _parse_address(host: object, port: int, asked: Address) -> Address:
    if not 0 < port <= MAX_PORT:
        raise SlotsError
    if host in (None, b"", _UNKNOWN_HOST):
        return Address(asked.host, port)
    if not isinstance(host, bytes) or len(host) > MAX_HOST or not host.isascii():
        raise SlotsError
    return Address(host.decode("ascii"), port)
