"""Which budgets a question spends from, and under which keys: none of them can be read back."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


_Member = tuple[bytes | None, Callable[[], frozenset[bytes]] | None]  # who is counted, and what is near
_NOBODY: Final[tuple[_Member, ...]] = ((None, None),)  # uses are counted, and no members


class Charging:
    """Makes the charges of questions, with keys that only this process, or those that share its secret, can make."""

    def __init__(self, secret: bytes) -> None:
        """Make keys with a secret."""
        self.open(secret)

    def open(self, secret: bytes) -> None:
        """Make keys with this secret from now on."""
        self._keyed = hashlib.blake2b(key=secret, digest_size=_KEY_BYTES)  # the work of the secret is done once

    def charges(self, budgets: Iterable[Budget], use: Use) -> tuple[Charge, ...]:
        """Return what a question spends, in the order of the budgets."""
        owner, official = self._hash("owner", use.caller), spell_name(use.official)
        values = {
            BudgetSubject.CALLER: use.caller,
            BudgetSubject.OFFICIAL: official,
            BudgetSubject.CASE: spell_name(use.case or ""),
            BudgetSubject.ITEM: use.item,
        }
        # Found out once for all budgets.
        numbers: tuple[_Member, ...] = tuple(self._numbers(use))
        people: tuple[_Member, ...] = tuple((self._hash("subject", one), None) for one in _people(use))
        found: list[Charge] = []
        for budget in budgets:
            if not _applies(budget, use):
                continue
            members = _NOBODY
            if budget.counts is Counted.SUBJECTS:
                members = people
            elif budget.counts is Counted.NEIGHBOURS:
                members = numbers
            found += self._of(budget, use, owner, values, members)
        if use.per_minute is not None:
            key = self._hash(PER_MINUTE, use.caller, official)
            found.append(Charge(budget=PER_MINUTE, key=key, limit=use.per_minute, window_seconds=_MINUTE, owner=owner))
        return tuple(found)

    def _of(
        self, budget: Budget, use: Use, owner: bytes, values: Mapping[BudgetSubject, str], members: Sequence[_Member]
    ) -> Iterator[Charge]:
        """Make the charges of one budget: for each of its keys one for each member."""
        is_fixed, is_hit = _FIXED.issuperset(budget.per), budget.counts is Counted.MISSES and not use.misses
        for parts in _keys(budget, use, values):
            key = self._hash(budget.id, *parts)
            for member, near in members:
                yield Charge(
                    budget=budget.id,
                    key=key,
                    limit=budget.limit,
                    window_seconds=budget.window_seconds,
                    owner=owner,
                    is_fixed=is_fixed,
                    member=member,
                    near=near,
                    is_free=is_hit,
                )

    def _numbers(self, use: Use) -> Iterator[_Member]:
        """Make a member of each number that was typed in; what is near it is found out once, and where it matters."""
        for number in use.numbers:
            stem = stem_of(number)
            if stem is not None:
                yield self._hash("number", stem), self._near(number)

    def _near(self, number: str) -> Callable[[], frozenset[bytes]]:
        @cache
        def near() -> frozenset[bytes]:
            begun = self._keyed.copy()
            begun.update(_frame("number"))

            def end(stem: str) -> bytes:
                one = begun.copy()
                one.update(_frame(stem))
                return one.digest()

            return frozenset(map(end, neighbours_of(number)))

        return near

    def _hash(self, *parts: str) -> bytes:
        hashed = self._keyed.copy()
        hashed.update(_frame(*parts))
        return hashed.digest()


def _frame(*parts: str) -> bytes:
    """Return the parts of a key so that no two lists of parts have one spelling."""
    return "".join([f"{len(part)}:{part}" for part in parts]).encode()


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


def _keys(budget: Budget, use: Use, values: Mapping[BudgetSubject, str]) -> Iterable[tuple[str, ...]]:
    """Return the parts of each key that a budget counts under.

    What was found is counted for all callers together. What was typed in proves nothing, so it is counted for the
    caller alone, whether something was found or not: nobody uses up what belongs to a person by typing in a number.
    """
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
