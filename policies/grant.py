"""What one rule grants for one field, and what all rules that match give for it together."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from policies.catalogue import Field
from policies.form import MATCH, WITHHELD, Form, FormKind
from policies.plan import FieldDecision, Withheld
from policies.rule import Rule

_KEPT_SPELLINGS: Final = 4096  # a policy writes the same few dozen grants again and again


class Grant(NamedTuple):
    """A grant: the form that is shown (`withheld`: none), whether the field may be compared, or is protected."""

    form: Form
    may_match: bool
    is_protected: bool

    @property
    def forms(self) -> frozenset[str]:
        """The spellings that a ceiling has to list for it."""
        shown = () if self.form == WITHHELD else (str(self.form),)
        return frozenset((*shown, str(MATCH)) if self.may_match else shown)


def parse_grant(spelling: str | tuple[str, ...]) -> Grant:
    """Read what a rule or a test says of one field.

    Raises:
        ValueError: it is no form, or shows the field in two forms.

    """
    return _parse_grant((spelling,) if isinstance(spelling, str) else tuple(spelling))


def spell_grant(grant: str | tuple[str, ...]) -> str:
    """Spell on one line what a rule or a test says of a field: `mask:name+match`."""
    return grant if isinstance(grant, str) else "+".join(grant)


@lru_cache(_KEPT_SPELLINGS)
def _parse_grant(spellings: tuple[str, ...]) -> Grant:
    forms = [Form.parse(spelling) for spelling in spellings]
    shown = [form for form in forms if form.kind not in {FormKind.MATCH, FormKind.WITHHELD}]
    if len(shown) > 1:
        raise ValueError("at most one form that shows the field was expected")
    is_protected = WITHHELD in forms
    if is_protected or not shown:
        return Grant(WITHHELD, MATCH in forms and not is_protected, is_protected)
    return Grant(shown[0], MATCH in forms, is_protected=False)


class Resolved(NamedTuple):
    """What the rules that match give for a field, before the item's ceiling.

    ``decision`` is what an item allows that lists ``forms``; ``winners`` are the rules, as bits, that no other
    overrides; ``clash`` are two of them that show different forms, for which the field is withheld.
    """

    decision: FieldDecision
    forms: frozenset[str]
    winners: int
    clash: tuple[int, int] | None = None


def rows(bits: int) -> Iterator[int]:
    """Count off the rows of a set of rules, lowest first."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


class FieldTable:
    """One field of a licence type, with the rules (as rows) that say something about it.

    ``rows`` are the rules that mention it, ``protecting`` those of them that withhold it, ``granting`` all others.
    """

    __slots__ = (
        "_beaten",
        "_decisions",
        "_grants",
        "_resolved",
        "_rules",
        "field",
        "granting",
        "may_be_shared",
        "name",
        "protecting",
        "rows",
        "withheld",
    )

    def __init__(self, name: str, field: Field, rules: Sequence[Rule]) -> None:
        """Read the grants of the rules."""
        self.name = name
        self.field = field
        self.may_be_shared = field.may_be_shared
        self._rules = rules
        self._grants = {row: parse_grant(rule.grant[name]) for row, rule in enumerate(rules) if name in rule.grant}
        self.rows = sum(1 << row for row in self._grants)
        self.protecting = sum(1 << row for row, grant in self._grants.items() if grant.is_protected)
        self.granting = self.rows & ~self.protecting
        numbers = {rules[row].id: row for row in self._grants}
        self._beaten = {
            row: sum(1 << numbers[rule] for rule in set(rules[row].overrides) & numbers.keys())
            for row in self._grants
            if rules[row].overrides
        }
        self.withheld = {reason: _withheld(name, reason) for reason in Withheld}
        # Grows with the reachable rule sets only, whose number is bounded when a bundle is loaded.
        self._resolved: dict[int, Resolved] = {}
        self._decisions: dict[tuple[int | None, int | None], tuple[FieldDecision, frozenset[str]]] = {}

    def resolve(self, rules: int) -> Resolved:
        """Return what these rules give; those that do not mention the field are left out by the caller."""
        found = self._resolved.get(rules)
        if found is None:
            found = self._resolved[rules] = self._resolve(rules)
        return found

    def _resolve(self, matching: int) -> Resolved:
        """Decide: 1. an explicit `withheld` beats everything; 2. what another overrides is left out; 3. the rest."""
        protecting = matching & self.protecting
        if protecting:
            rule = self._rules[next(rows(protecting))].id
            return Resolved(_withheld(self.name, Withheld.PROTECTED, rule), frozenset(), protecting)
        winners = matching
        for row in rows(matching):
            winners &= ~self._beaten.get(row, 0)
        shown: dict[Form, int] = {}
        comparing = None
        for row in rows(winners):
            grant = self._grants[row]
            if grant.form != WITHHELD:
                shown.setdefault(grant.form, row)
            if grant.may_match and comparing is None:
                comparing = row
        if len(shown) > 1:
            first, second = sorted(shown.values())[:2]
            return Resolved(self.withheld[Withheld.NO_RULE], frozenset(), winners, (first, second))
        if not winners:  # rules that override each other in a circle
            return Resolved(self.withheld[Withheld.NO_RULE], frozenset(), winners)
        decision, forms = self._decide(next(iter(shown.values()), None), comparing)
        return Resolved(decision, forms, winners)

    def under(self, resolved: Resolved, allowed: frozenset[str]) -> FieldDecision:
        """Cut what an item's ceiling does not allow; a bundle that was loaded has no such rule."""
        one = resolved.decision
        form = one.form if str(one.form) in allowed else WITHHELD
        match_rule = one.match_rule if str(MATCH) in allowed else None
        if form == WITHHELD and match_rule is None:
            return self.withheld[Withheld.NOT_IN_ITEM]
        return FieldDecision(
            field=self.name, form=form, rule=None if form == WITHHELD else one.rule, match_rule=match_rule
        )

    def _decide(self, showing: int | None, comparing: int | None) -> tuple[FieldDecision, frozenset[str]]:
        """Return the decision by which one row shows the field and one lets it be compared, and the forms it needs."""
        found = self._decisions.get((showing, comparing))
        if found is None:
            form = WITHHELD if showing is None else self._grants[showing].form
            decision = FieldDecision(
                field=self.name,
                form=form,
                rule=None if showing is None else self._rules[showing].id,
                match_rule=None if comparing is None else self._rules[comparing].id,
            )
            forms = Grant(form, comparing is not None, is_protected=False).forms
            found = self._decisions[showing, comparing] = decision, forms
        return found


@lru_cache(_KEPT_SPELLINGS)
def _withheld(name: str, reason: Withheld, rule: str | None = None) -> FieldDecision:
    return FieldDecision(field=name, form=WITHHELD, rule=rule, reason=reason)
