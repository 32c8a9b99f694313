"""Which budgets a question spends from, and under which keys: none of them can be read back."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from gateway.budget.neighbours import neighbours_of, stem_of
from gateway.budget.store import Charge
from policies.rule import Budget, BudgetSubject, Counted

SECRET_BYTES: Final = 32
PER_MINUTE: Final = "per-minute"  # what a rule obliges to, counted beside the budgets of the policy
_KEY_BYTES: Final = 16  # of a million keys no two are equal
_SEPARATOR: Final = b"\x00"
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A question as budgets see it.

    ``official`` "" stands for all that do not name one. ``case`` None: the item asks for none, and budgets of a case do
    not apply. ``licence`` and ``holders`` are what it is about, as it was asked and as it was found: each is counted by
    itself. ``persons`` are others who were typed in to be compared. ``numbers`` are all that were typed in.
    ``compares``: it asks yes or no about a holder.
    ``looks_up``: it names a licence that is to be found. ``misses``: what was asked is not so, or not there.
    """

    caller: str
    kind: str
    official: str
    item: str
    case: str | None
    licence: tuple[str, ...]
    holders: tuple[str, ...]
    persons: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    compares: bool = False
    looks_up: bool = False
    misses: bool = False
    per_minute: int | None = None


class Charging:
    """Makes the charges of questions, with keys that only this process, or those that share its secret, can make."""

    def __init__(self, secret: bytes) -> None:
        """Make keys with a secret."""
        self._secret = secret

    def charges(self, budgets: Iterable[Budget], use: Use) -> tuple[Charge, ...]:
        """Return what a question spends, in the order of the budgets."""
        found = [charge for budget in budgets if _applies(budget, use) for charge in self._charges(budget, use)]
        if use.per_minute is not None:
            key = self._hash(PER_MINUTE, use.caller, use.official)
            found.append(Charge(budget=PER_MINUTE, key=key, limit=use.per_minute, window_seconds=_MINUTE))
        return tuple(found)

    def _charges(self, budget: Budget, use: Use) -> Iterator[Charge]:
        for parts in product(*(_values(subject, use) for subject in budget.per)):
            key = self._hash(budget.id, *parts)
            yield from self._of_kind(budget, use, key)

    def _of_kind(self, budget: Budget, use: Use, key: bytes) -> Iterator[Charge]:
        common = {"budget": budget.id, "key": key, "limit": budget.limit, "window_seconds": budget.window_seconds}
        match budget.counts:
            case Counted.QUESTIONS | Counted.MATCHES:
                yield Charge(**common)  # type: ignore[arg-type]  # as they are named there
            case Counted.MISSES:
                yield Charge(**common, is_free=not use.misses)  # type: ignore[arg-type]  # likewise
            case Counted.SUBJECTS:
                for subject in dict.fromkeys((*use.holders, *use.persons)) or use.licence:
                    yield Charge(**common, member=self._hash("subject", subject))  # type: ignore[arg-type]  # likewise
            case Counted.NEIGHBOURS:
                for stem, near in self._neighbours(use):
                    yield Charge(**common, member=stem, near=near)  # type: ignore[arg-type]  # likewise

    def _neighbours(self, use: Use) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
        for number in use.numbers:
            stem = stem_of(number)
            if stem is not None:
                near = tuple(self._hash("number", one) for one in sorted(neighbours_of(number)))
                yield self._hash("number", stem), near

    def _hash(self, *parts: str) -> bytes:
        text = _SEPARATOR.join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
        return hashlib.blake2b(text, key=self._secret, digest_size=_KEY_BYTES).digest()


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


def _values(subject: BudgetSubject, use: Use) -> tuple[str, ...]:
    match subject:
        case BudgetSubject.CALLER:
            return (use.caller,)
        case BudgetSubject.OFFICIAL:
            return (use.official,)
        case BudgetSubject.SUBJECT:
            return (*use.licence, *use.holders)
        case BudgetSubject.CASE:
            return (use.case or "",)
        case BudgetSubject.ITEM:
            return (use.item,)
