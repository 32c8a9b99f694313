"""Which budgets a question spends from, and under which keys: none of them can be read back."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from gateway.budget.neighbours import neighbours_of, stem_of
from gateway.budget.store import Charge
from gateway.remembered import Remembered
from gateway.spelling import spell_name
from policies.rule import Budget, BudgetSubject, Counted

SECRET_BYTES: Final = 32
PER_MINUTE: Final = "per-minute"  # what a rule obliges to, counted beside the budgets of the policy
_KEY_BYTES: Final = 16  # of a million keys no two are equal
_MINUTE: Final = 60
_MAX_ALIKE: Final = 4096  # kinds of questions: the items of a policy, and the kinds of callers that ask for them
_FIXED: Final = frozenset({BudgetSubject.CALLER, BudgetSubject.ITEM})  # as many as callers are registered, and items


class Subject(Struct, frozen=True, kw_only=True):
    """What a question is about: a licence, and holders; "" and none where it does not say."""

    licence: str = ""
    holders: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(filter(None, (self.licence, *self.holders))))


class Use(Struct, frozen=True, kw_only=True):
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
        caller, official = _frame(use.caller), _frame(spell_name(use.official))
        owner = self._hash(_OWNER + caller)
        frames = {
            BudgetSubject.CALLER: caller,
            BudgetSubject.OFFICIAL: official,
            BudgetSubject.CASE: _frame(spell_name(use.case or "")),
            BudgetSubject.ITEM: _frame(use.item),
        }
        # Found out once for all budgets.
        asked, found = list(map(_frame, use.asked.names)), list(map(_frame, use.found.names))
        numbers: tuple[_Member, ...] = tuple(self._numbers(use))
        people: tuple[_Member, ...] = tuple([(self._hash(_SUBJECT + _frame(one)), None) for one in _people(use)])
        charges: list[Charge] = []
        for counting in _counted_by(budgets).select(use):
            budget, members = counting.budget, _NOBODY
            if budget.counts is Counted.SUBJECTS:
                members = people
            elif budget.counts is Counted.NEIGHBOURS:
                members = numbers
            is_hit = budget.counts is Counted.MISSES and not use.misses
            for parts in counting.keys(frames, asked, found):
                key = self._hash(parts)
                charges += [
                    Charge(
                        budget=budget.id,
                        key=key,
                        limit=budget.limit,
                        window_seconds=budget.window_seconds,
                        owner=owner,
                        is_fixed=counting.is_fixed,
                        member=member,
                        near=near,
                        is_free=is_hit,
                    )
                    for member, near in members
                ]
        if use.per_minute is not None:
            key = self._hash(_PER_MINUTE + caller + official)
            charges.append(
                Charge(budget=PER_MINUTE, key=key, limit=use.per_minute, window_seconds=_MINUTE, owner=owner)
            )
        return tuple(charges)

    def _numbers(self, use: Use) -> Iterator[_Member]:
        """Make a member of each number that was typed in; what is near it is found out once, and where it matters."""
        for number in use.numbers:
            stem = stem_of(number)
            if stem is not None:
                yield self._hash(_NUMBER + _frame(stem)), _Near(self._hash, number)

    def _hash(self, frames: bytes) -> bytes:
        hashed = self._keyed.copy()
        hashed.update(frames)
        return hashed.digest()


class _Near:
    """What is near a number: made once, where somebody asks."""

    __slots__ = ("_found", "_hash", "_number")

    def __init__(self, make: Callable[[bytes], bytes], number: str) -> None:
        self._hash = make
        self._number = number
        self._found: frozenset[bytes] | None = None

    def __call__(self) -> frozenset[bytes]:
        if self._found is None:
            self._found = frozenset(self._hash(_NUMBER + _frame(stem)) for stem in neighbours_of(self._number))
        return self._found


def _frame(part: str) -> bytes:
    """Return a part of a key so that no two lists of parts have one spelling, one behind the other."""
    return f"{len(part)}:{part}".encode()


_OWNER: Final = _frame("owner")
_SUBJECT: Final = _frame("subject")
_NUMBER: Final = _frame("number")
_PER_MINUTE: Final = _frame(PER_MINUTE)


class _Counting:
    """A budget as it is counted: what follows from it alone."""

    __slots__ = ("_begin", "_is_of_caller", "_is_of_subject", "_others", "budget", "is_fixed")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.is_fixed = _FIXED.issuperset(budget.per)
        self._begin = _frame(budget.id)
        self._is_of_subject = BudgetSubject.SUBJECT in budget.per
        self._is_of_caller = BudgetSubject.CALLER in budget.per
        self._others = tuple(one for one in budget.per if one is not BudgetSubject.SUBJECT)

    def applies(self, use: Use) -> bool:
        """Say whether the budget counts questions like this one."""
        budget = self.budget
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

    def keys(
        self, frames: Mapping[BudgetSubject, bytes], asked: Sequence[bytes], found: Sequence[bytes]
    ) -> Iterable[bytes]:
        """Return what each key is made of that the budget counts under; the last two are what the question is about.

        What was found is counted for all callers together. What was typed in proves nothing, so it is counted for the
        caller alone, whether something was found or not: nobody uses up what belongs to a person by typing in a number.
        """
        others = self._begin + b"".join([frames[one] for one in self._others])
        if not self._is_of_subject:
            return (others,)
        alone = others if self._is_of_caller else others + frames[BudgetSubject.CALLER]
        return dict.fromkeys([*[alone + name for name in asked], *[others + name for name in found]])


class _Countings:
    """The budgets of a policy; which of them count a question is found out once for all that are alike."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._all = tuple(map(_Counting, budgets))
        self._of: dict[tuple[str, str, bool, bool, bool], tuple[_Counting, ...]] = {}

    def select(self, use: Use) -> tuple[_Counting, ...]:
        """Return those that count a question, in their order."""
        alike = use.item, use.kind, use.case is None, use.compares, use.looks_up
        found = self._of.get(alike)
        if found is None:
            if len(self._of) >= _MAX_ALIKE:
                self._of.clear()
            found = self._of[alike] = tuple(one for one in self._all if one.applies(use))
        return found


_counted_by: Final = Remembered(_Countings)


def _people(use: Use) -> Iterable[str]:
    """Return whom a question is about; where no holder is known the licence stands for one."""
    people = dict.fromkeys((*use.asked.holders, *use.found.holders, *use.persons))
    return people or filter(None, (use.found.licence or use.asked.licence,))
