"""Owners of data keys as PostgreSQL has them: the twelve bytes of each in two numbers, in the order of the bytes.

The index has the first number only, which is a third smaller; whoever finds a row by it compares the second one too.
"""

from collections.abc import Collection
from typing import Final

from gateway.audit.lookup import KeyOwner

_FIRST_SIZE: Final = 8
_SECOND_SIZE: Final = 4
_FIRST_ZERO: Final = 2**63  # what is taken from a number without a sign, so that those with a sign have its order
_SECOND_ZERO: Final = 2**31
OWNERS_TABLE: Final = """
CREATE TABLE audit_owners (
    owner bigint NOT NULL, number bigint NOT NULL, first bigint NOT NULL, epoch int NOT NULL, more int NOT NULL);
CREATE INDEX audit_owners_by_owner ON audit_owners (owner);
"""
FIND_OWNERS: Final = "SELECT owner, more, number FROM audit_owners WHERE owner = ANY ($1::bigint[])"
OWNERS_BEFORE: Final = """
SELECT owner, more, number FROM audit_owners WHERE epoch < $1 AND owner >= $2 AND (owner > $2 OR more > $3::bigint)
ORDER BY owner, more LIMIT $4
"""
LAST_OWNED: Final = "SELECT max(number) FROM audit_owners"
ERASE_OWNERS: Final = """
DELETE FROM audit_owners AS o USING unnest($1::bigint[], $2::int[]) AS d (owner, more)
WHERE o.owner = d.owner AND o.more = d.more
"""
OWNERS: Final = """
SELECT o.owner, o.more, o.number, o.epoch, o.first FROM unnest($1::bigint[], $2::bigint[]) AS s (low, high)
JOIN audit_owners AS o ON o.first >= s.low AND o.first < s.high ORDER BY o.owner, o.more
"""


def split_owners(owners: Collection[KeyOwner]) -> tuple[list[int], list[int]]:
    """Return the first numbers of owners, and the second ones."""
    return (
        [int.from_bytes(owner[:_FIRST_SIZE]) - _FIRST_ZERO for owner in owners],
        [int.from_bytes(owner[_FIRST_SIZE:]) - _SECOND_ZERO for owner in owners],
    )


def split_after(owner: KeyOwner | None) -> tuple[int, int]:
    """Return two numbers that are those of an owner, or lower than those of any, so that all others come after."""
    if owner is None:
        return -_FIRST_ZERO, -_SECOND_ZERO - 1
    first, second = split_owners([owner])
    return first[0], second[0]


def join_owner(owner: int, more: int) -> KeyOwner:
    """Return the owner that has these two numbers."""
    return KeyOwner((owner + _FIRST_ZERO).to_bytes(_FIRST_SIZE) + (more + _SECOND_ZERO).to_bytes(_SECOND_SIZE))
