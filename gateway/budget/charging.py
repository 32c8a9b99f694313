"""Which budgets a question spends from, and under which keys: none of them can be read back."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from gateway.budget.neighbours import neighbours_of, stem_of
from gateway.budget.store import Charge
from gateway.spelling import spell_name
from policies.rule import Budget, BudgetSubject, Counted

SECRET_BYTES: Final = 32
PER_MINUTE: Final = "per-minute"  # what a rule obliges to, counted beside the budgets of the policy
_KEY_BYTES: Final = 16  # of a million keys no two are equal
_MINUTE: Final = 60
_FIXED: Final = frozenset({BudgetSubject.CALLER, BudgetSubject.ITEM})  # as many as callers are registered, and items


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a question is about: a licence, and holders; "" and none where it does not say."""

    licence: str = ""
    holders: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(filter(None, (self.licence, *self.holders))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A question as budgets see it.

    ``official`` "" stands for all that do not name one. ``case`` None: the item asks for none, and budgets of a case do
    not apply. ``asked`` is what was typed in, ``found`` the genuine licence that it turned out to be about.
    ``persons`` are others who were typed in to be compared. ``numbers`` are all that were typed in.
    ``compares``: it asks yes or no about a holder.
    ``looks_up``: it names a licence that is to be found. ``misses``: what was asked is not so, or not there.
    """

    caller: str
    kind: str
    official: str
    item: str
    case: str | None
    asked: Subject = Subject()
    found: Subject = Subject()
    persons: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    compares: bool = False
    looks_up: bool = False
    misses: bool = False
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class _Number:
    """A number that was typed in, and what is near it, found out once for all budgets."""

    stem: bytes
    near: Callable[[], frozenset[bytes]]


class Charging:
    """Makes the charges of questions, with keys that only this process, or those that share its secret, can make."""

    def __init__(self, secret: bytes) -> None:
        """Make keys with a secret."""
        self._secret = secret

    def charges(self, budgets: Iterable[Budget], use: Use) -> tuple[Charge, ...]:
        """Return what a question spends, in the order of the budgets."""
        owner, numbers = self._hash("owner", use.caller), tuple(self._numbers(use))
        found = [
            charge for budget in budgets if _applies(budget, use) for charge in self._of(budget, use, owner, numbers)
        ]
        if use.per_minute is not None:
            key = self._hash(PER_MINUTE, use.caller, spell_name(use.official))
            found.append(Charge(budget=PER_MINUTE, key=key, limit=use.per_minute, window_seconds=_MINUTE, owner=owner))
        return tuple(found)

    def _of(self, budget: Budget, use: Use, owner: bytes, numbers: tuple[_Number, ...]) -> Iterator[Charge]:
        """Make the charges of one budget."""
        is_fixed, is_hit = _FIXED.issuperset(budget.per), budget.counts is Counted.MISSES and not use.misses
        for parts in _keys(budget, use):
            charge = Charge(
                budget=budget.id,
                key=self._hash(budget.id, *parts),
                limit=budget.limit,
                window_seconds=budget.window_seconds,
                owner=owner,
                is_fixed=is_fixed,
                is_free=is_hit,
            )
            match budget.counts:
                case Counted.SUBJECTS:
                    yield from (replace(charge, member=self._hash("subject", one)) for one in _people(use))
                case Counted.NEIGHBOURS:
                    yield from (replace(charge, member=number.stem, near=number.near) for number in numbers)
                case _:
                    yield charge

    def _numbers(self, use: Use) -> Iterator[_Number]:
        for number in use.numbers:
            stem = stem_of(number)
            if stem is not None:
                yield _Number(self._hash("number", stem), self._near(number))

    def _near(self, number: str) -> Callable[[], frozenset[bytes]]:
        @cache
        def near() -> frozenset[bytes]:
            begun = hashlib.blake2b(_framed("number"), key=self._secret, digest_size=_KEY_BYTES)

            def end(stem: str) -> bytes:
                one = begun.copy()
                one.update(_framed(stem))
                return one.digest()

            return frozenset(map(end, neighbours_of(number)))

        return near

    def _hash(self, *parts: str) -> bytes:
        return hashlib.blake2b(b"".join(map(_framed, parts)), key=self._secret, digest_size=_KEY_BYTES).digest()


def _framed(part: str) -> bytes:
    """Return a part of a key so that no two lists of parts have one spelling."""
    content = part.encode()
    return len(content).to_bytes(4) + content


def _applies(budget: Budget, use: Use) -> bool:
    """Say whether a budget counts questions like this one."""
    if (budget.item and use.item not in budget.item) or (budget.caller and use.kind not in budget.caller):
        return False
    if BudgetSubject.CASE in budget.per and use.case is None:
        return False
    match budget.counts:
        case Counted.MATCHES:
            return use.compares
        case Counted.MISSES:
            return use.compares or use.looks_up
        case _:
            return True


def _keys(budget: Budget, use: Use) -> Iterable[tuple[str, ...]]:
    """Return the parts of each key that a budget counts under.

    What was found is counted for all callers together. What was typed in proves nothing, so it is counted for the
    caller alone, whether something was found or not: nobody uses up what belongs to a person by typing in a number.
    """
    values = {
        BudgetSubject.CALLER: use.caller,
        BudgetSubject.OFFICIAL: spell_name(use.official),
        BudgetSubject.CASE: spell_name(use.case or ""),
        BudgetSubject.ITEM: use.item,
    }
    others = tuple(values[one] for one in budget.per if one is not BudgetSubject.SUBJECT)
    if BudgetSubject.SUBJECT not in budget.per:
        return (others,)
    alone = others if BudgetSubject.CALLER in budget.per else (*others, use.caller)
    asked = [(*alone, name) for name in use.asked.names]
    return dict.fromkeys([*asked, *((*others, name) for name in use.found.names)])


def _people(use: Use) -> Iterable[str]:
    """Return whom a question is about; where no holder is known the licence stands for one."""
    people = dict.fromkeys((*use.asked.holders, *use.found.holders, *use.persons))
    return people or filter(None, (use.found.licence or use.asked.licence,))
