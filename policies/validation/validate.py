"""What is wrong in a policy whose tables were read: counts, names, and what each kind of table says of the others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from policies.fault import Place, Report, Words, same, spell
from policies.item import Item
from policies.reading import quoted
from policies.validation.catalogue import check_head, check_items, check_licences
from policies.validation.draft import Draft, Entry
from policies.validation.limits import check_budgets, check_together
from policies.validation.rules import check_rules
from policies.validation.tests import check_tests

MAX_RULES: Final = 10_000  # a province has some 3,000 items; a rule of many items covers them with a few hundred rules
MAX_ITEMS: Final = 5_000  # the national basic list (基本目录) names about 3,000 items
MAX_LICENCES: Final = 1_000  # the national catalogue has about 900 types
MAX_CALLERS: Final = 200  # kinds, not callers
MAX_TOGETHER: Final = 1_000  # each is held against every reachable plan
MAX_BUDGETS: Final = 1_000  # those that apply are counted for every question
MAX_TESTS: Final = 20_000  # two for each rule

LIMITS: Final[Mapping[str, int]] = {
    "bundle": 1,
    "caller_kind": MAX_CALLERS,
    "licence": MAX_LICENCES,
    "item": MAX_ITEMS,
    "rule": MAX_RULES,
    "together": MAX_TOGETHER,
    "budget": MAX_BUDGETS,
    "test": MAX_TESTS,
}

# What the eye confuses: R-1O and R-10, holder_id and holder-id, R-a and r-A.
_ALIKE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "_": "-", ".": "-"})


def validate(draft: Draft, report: Report) -> None:
    """Note every fault of a draft."""
    if draft.head is not None:
        check_head(draft.head.value, draft.head.origin, report)
    named: tuple[Sequence[Entry[Struct]], ...] = (
        draft.callers,
        draft.licences,
        draft.items,
        draft.rules,
        draft.budgets,
    )
    for entries in named:
        _check_unique(entries, "id", report)
    _check_unique(draft.tests, "name", report)
    # Item codes are given by an authority, and names of tests are sentences: both may look alike.
    for entries in (draft.callers, draft.licences, draft.rules, draft.budgets):
        _check_alike([(str(_named(entry, "id")), entry, ("id",)) for entry in entries], report)
    for licence in draft.licences:
        _check_alike([(name, licence, ("fields", name)) for name in licence.value.fields], report)
    for entries in (*named, draft.together, draft.tests):
        for entry in entries:
            for keys, repeated in _find_repeated(entry.value):
                expected = Words("每项仅列一次", "each once")
                found = Words(f"重复的 {spell(repeated)}", f"{spell(repeated)} twice")
                entry.origin.fault(report, *keys, expected=expected, found=found)
    check_licences(draft, report)
    check_items(draft, report)
    check_rules(draft, report)
    check_together(draft, report)
    check_budgets(draft, report)
    check_tests(draft, report)


def check_count(table: str, count: int, report: Report) -> bool:
    """Say whether there are not too many tables of one name; note it when there are."""
    most = LIMITS[table]
    if count > most:
        place = Place("", None)
        report.add(place, table, expected=Words(f"至多 {most} 个", f"at most {most} of them"), found=same(str(count)))
    return count <= most


def _named(entry: Entry[Struct], key: str) -> object:
    return getattr(entry.value, key)


def _check_unique(entries: Sequence[Entry[Struct]], key: str, report: Report) -> None:
    """Note names that several entries have.

    Of items too, even when their times in force do not overlap: what an item may receive next year is said by the
    bundle that is in force next year.
    """
    first: dict[object, Entry[Struct]] = {}
    for entry in entries:
        name = _named(entry, key)
        before = first.setdefault(name, entry)
        if before is not entry:
            place = before.origin.place()
            where = place.file if place.line is None else f"{place.file}:{place.line}"
            words = Words(f"{quoted(name).zh}（已见于 {where}）", f"{quoted(name).en}, which stands in {where} already")
            entry.origin.fault(report, key, expected=_overlap(before, entry), found=words)


def _overlap(before: Entry[Struct], entry: Entry[Struct]) -> Words:
    one, other = before.value, entry.value
    if isinstance(one, Item) and isinstance(other, Item):
        if one.valid_from < other.valid_to and other.valid_from < one.valid_to:
            return Words("有效期不重叠的事项", "one item with this code at any time")
        return Words(
            "每个事项编码仅一项（今后的内容写入届时生效的策略包）",
            "one item with this code in a bundle; what holds later belongs into a later bundle",
        )
    return Words("未被使用的名称", "a name of its own")


def _check_alike(names: Sequence[tuple[str, Entry[Struct], tuple[str, ...]]], report: Report) -> None:
    """Note different names that the eye takes for the same."""
    first: dict[str, str] = {}
    for name, entry, keys in names:
        before = first.setdefault(name.casefold().translate(_ALIKE), name)
        if before != name:
            expected = Words("不易混淆的名称", "a name that is not mistaken for another")
            found = Words(f"与 {before} 相似的 {name}", f"{name}, which looks like {before}")
            entry.origin.fault(report, *keys, expected=expected, found=found)


def _find_repeated(value: object, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find what stands twice in a list; all lists of a policy are sets."""
    match value:
        case Struct():
            for name in value.__struct_fields__:
                yield from _find_repeated(getattr(value, name), (*keys, name))
        case dict():
            for name, one in value.items():
                yield from _find_repeated(one, (*keys, name))
        case tuple() if len(set(value)) < len(value):
            seen: set[object] = set()
            for one in value:
                if one in seen:
                    yield keys, str(one)
                seen.add(one)
