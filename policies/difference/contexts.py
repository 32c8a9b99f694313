"""What callers see otherwise under a new version: exact, by item, licence type and field, with numbers and examples.

The rules of both versions are the rows of one bit string, the old ones first. Licence types, items, kinds of callers
that one version does not have are silence on its side: there no rule of it matches.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeVar

from policies.bundle import Bundle
from policies.compile import Axis, Ceiling, Group, LicenceTable, compile_bundle
from policies.difference.line import DiffLine, Shown, Topic, spell_value
from policies.difference.sentence import Names
from policies.fold import Reached, Sets, fold, witness
from policies.grant import rows
from policies.plan import merge_obligations
from policies.rule import AuditDepth, Obligations

V = TypeVar("V", bound=Hashable)
Asker = tuple[str, str]

_NO_LIMIT: Final = 2**63  # questions a minute


class Change(NamedTuple):
    """What is otherwise for somebody: of a field or of an obligation, spelled as in policies."""

    topic: Topic
    name: str
    old: str
    new: str
    widens: bool


@dataclass(slots=True)
class Where:
    """Who is concerned by a change, in how many contexts, and one of them."""

    path: tuple[Any, ...]
    contexts: int = 0
    askers: dict[Asker, None] = field(default_factory=dict)


Found = Mapping[Change, Reached]


def compare_contexts(old: Bundle, new: Bundle) -> Iterator[DiffLine]:
    """Compare what every context gets, licence type by licence type."""
    ceilings: dict[Hashable, Ceiling] = {}
    before, after = compile_bundle(old, ceilings), compile_bundle(new, ceilings)
    names = Names(old, new)
    for licence in before | after:
        joint = Joint(before.get(licence), after.get(licence))
        for (item, change), where in joint.changes().items():
            line = DiffLine(
                topic=change.topic,
                old=change.old,
                new=change.new,
                widens=change.widens,
                callers=tuple(where.askers),
                item=item,
                licence=licence,
                field=change.name,
                contexts=where.contexts,
                witness=witness(licence, where.path),
            )
            yield replace(line, sentence=names.describe(line))


class Joint:
    """One licence type in both versions.

    ``changed`` are the rows of rules that are not the same on both sides: contexts that none of them reaches are equal
    where everything else is.
    """

    def __init__(self, old: LicenceTable | None, new: LicenceTable | None) -> None:
        """Lay both tables beside each other."""
        self._old = old
        self._new = new
        self._shift = len(old.rules) if old else 0
        self._old_rows = (1 << self._shift) - 1
        self._all_rows = (1 << (self._shift + (len(new.rules) if new else 0))) - 1
        self._changed = self._find_changed()
        self._differs = _shape(old) != _shape(new)
        self._shown: dict[tuple[bool, int, int], dict[str, Shown]] = {}
        self._changes: dict[tuple[int, int, int], tuple[Change, ...]] = {}

    def _find_changed(self) -> int:
        old = {rule.id: rule for rule in self._old.rules} if self._old else {}
        new = {rule.id: rule for rule in self._new.rules} if self._new else {}
        changed = sum(1 << row for row, rule in enumerate(old.values()) if new.get(rule.id) != rule)
        return changed | sum(1 << row for row, rule in enumerate(new.values(), self._shift) if old.get(rule.id) != rule)

    def changes(self) -> dict[tuple[str, Change], Where]:
        """Return every change by item."""
        if not self._changed and self._is_equal_around():
            return {}
        everything = {self._all_rows: Reached(1, ())}
        sets = everything
        for name in ("outcome", "status", "party"):
            sets = fold(sets, Axis(tuple(group for group, _ in self._join(name)), {}, {}))
        touched = {rules: reached for rules, reached in sets.items() if rules & self._changed}
        askers = self._join("asker")
        lines: dict[tuple[str, Change], Where] = {}
        known: dict[tuple[int, int, int, bool], Found] = {}
        for matter, is_lopsided, ceilings in self._join_matters():
            ceiling_key = id(ceilings[0]), id(ceilings[1])
            is_other = self._differs or is_lopsided or ceilings[0] is not ceilings[1]
            for asker, is_one_sided in askers:
                column, is_full = matter.column & asker.column, is_other or is_one_sided
                if not is_full and not column & self._changed:
                    continue
                key = (column, *ceiling_key, is_full)
                found = known.get(key)
                if found is None:
                    found = known[key] = self._compare(sets if is_full else touched, column, ceilings, is_full=is_full)
                if found:
                    _collect(lines, found, matter, asker)
        return lines

    def _is_equal_around(self) -> bool:
        """Say whether everything but the rules is the same on both sides."""
        old, new = self._old, self._new
        return (
            old is not None
            and new is not None
            and not self._differs
            and old.ceilings == new.ceilings
            and old.matter.columns.keys() == new.matter.columns.keys()
            and old.asker.columns.keys() == new.asker.columns.keys()
        )

    def _compare(
        self, sets: Sets, column: int, ceilings: tuple[Ceiling, Ceiling], *, is_full: bool
    ) -> dict[Change, Reached]:
        """Compare the plans of all joint rule sets within one column."""
        found: dict[Change, Reached] = {}
        for circumstances, (contexts, path) in sets.items():
            rules = circumstances & column
            if not (is_full or rules & self._changed):
                continue
            for change in self._compare_plans(rules, ceilings):
                seen = found.get(change)
                found[change] = Reached(contexts, path) if seen is None else Reached(seen[0] + contexts, seen[1])
        return found

    def _compare_plans(self, rules: int, ceilings: tuple[Ceiling, Ceiling]) -> tuple[Change, ...]:
        key = rules, id(ceilings[0]), id(ceilings[1])
        changes = self._changes.get(key)
        if changes is None:
            changes = self._changes[key] = tuple(self._changes_of(rules, ceilings))
        return changes

    def _changes_of(self, rules: int, ceilings: tuple[Ceiling, Ceiling]) -> Iterator[Change]:
        old_rules, new_rules = rules & self._old_rows, rules >> self._shift
        before = _shown(self._old, old_rules, ceilings[0])
        after = _shown(self._new, new_rules, ceilings[1])
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name, Shown()), after.get(name, Shown())
            if old != new:
                yield Change(Topic.FIELD, name, str(old), str(new), not new.is_no_wider_than(old))
        if before and after and self._old and self._new:
            yield from _compare_obligations(_obligations(self._old, old_rules), _obligations(self._new, new_rules))

    def _join(self, name: str) -> list[tuple[Group[Any], bool]]:
        """Join an axis of both sides; beside each group whether only one side knows its values."""
        old = getattr(self._old, name).columns if self._old else {}
        new = getattr(self._new, name).columns if self._new else {}
        members: dict[tuple[int, bool], list[Any]] = {}
        for value in old | new:
            column = old.get(value, 0) | new.get(value, 0) << self._shift
            members.setdefault((column, (value in old) != (value in new)), []).append(value)
        return [(Group(column, tuple(values)), lopsided) for (column, lopsided), values in members.items()]

    def _join_matters(self) -> Iterator[tuple[Group[tuple[str, str]], bool, tuple[Ceiling, Ceiling]]]:
        """Join items and consents, apart by their ceilings."""
        for group, lopsided in self._join("matter"):
            members: dict[tuple[int, int], list[tuple[str, str]]] = {}
            ceilings: dict[tuple[int, int], tuple[Ceiling, Ceiling]] = {}
            for value in group.values:
                pair = tuple(table.ceiling_of(value[0]) if table else _SILENCE for table in (self._old, self._new))
                key = id(pair[0]), id(pair[1])
                members.setdefault(key, []).append(value)
                ceilings[key] = pair[0], pair[1]
            for key, values in members.items():
                yield Group(group.column, tuple(values)), lopsided, ceilings[key]


_SILENCE: Final[Ceiling] = {}


def _collect(
    lines: dict[tuple[str, Change], Where], found: Found, matter: Group[tuple[str, str]], asker: Group[Asker]
) -> None:
    for item, consent in matter.values:
        for change, (contexts, path) in found.items():
            where = lines.get((item, change))
            if where is None:
                where = lines[item, change] = Where(((item, consent), asker.values[0], *path))
            where.contexts += contexts * len(asker.values)
            where.askers.update(dict.fromkeys(asker.values))


def _shape(table: LicenceTable | None) -> Hashable:
    """Return what decides beside rules and axes: which fields may be shared, who may hold the licence."""
    if table is None:
        return None
    return frozenset((one.name, one.field.may_be_shared) for one in table.fields), frozenset(table.party.columns)


def _shown(table: LicenceTable | None, rules: int, ceiling: Ceiling) -> dict[str, Shown]:
    """Return what leaves of each field that does not stay."""
    found = {}
    for one in table.fields if table else ():
        allowed = ceiling.get(one.name)
        speaking = rules & one.rows
        if allowed is None or not speaking or not one.field.may_be_shared:
            continue
        resolved = one.resolve(speaking)
        decision = resolved.decision if resolved.forms <= allowed else one.under(resolved, allowed)
        if not decision.is_withheld:
            found[one.name] = Shown(decision.form, decision.match_rule is not None)
    return found


def _obligations(table: LicenceTable, rules: int) -> Obligations:
    return merge_obligations([table.rules[row].oblige for row in rows(rules)]) or Obligations()


def _compare_obligations(old: Obligations, new: Obligations) -> Iterator[Change]:
    """Compare one by one; a looser one counts as a widening."""
    looser = {
        "audit": (old.audit, new.audit) == (AuditDepth.FULL, AuditDepth.BRIEF),
        "keep_days": new.keep_days < old.keep_days,
        "per_minute": (new.per_minute or _NO_LIMIT) > (old.per_minute or _NO_LIMIT),
        "watermark": old.watermark and not new.watermark,
    }
    for name, is_looser in looser.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Change(Topic.OBLIGATION, name, spell_value(before), spell_value(after), is_looser)
