"""Rules of a mapping file that contradict each other, each of them sound by itself."""

from collections.abc import Callable, Sequence
from typing import Any

from adapters.mapping.codecs.codec import Sort
from adapters.mapping.fault import FaultList, Words, quote
from adapters.mapping.plan import Entry
from adapters.mapping.rule import Direction, EnvelopeRule, FieldRule, Rules


def check_entries(rules: Rules, reading: Sequence[Entry], writing: Sequence[Entry], faults: FaultList) -> None:
    """Note what contradicts itself in the entries of a record, and constants that cannot be written."""
    _check_written_once(writing, faults)
    _check_one_list(reading, faults)
    _check_conditions(rules.fields, writing, faults)
    _check_constants(rules, faults)


def of_text(function: Callable[[Any], object], sort: Sort, text: str) -> object:
    """Apply one side of a chain to a text of the mapping file; raises ValueError where that side takes no texts."""
    if sort is not Sort.TEXT:
        raise ValueError
    return function(text)


def _check_written_once(entries: Sequence[Entry], faults: FaultList) -> None:
    """Two rules that write one place would overwrite each other, unless conditions keep them apart."""
    seen: dict[tuple[object, ...], set[str | None]] = {}
    for entry in entries:
        condition = entry.leaf.condition.equals if entry.leaf is not None and entry.leaf.condition is not None else None
        others = seen.setdefault((*(step.key for step in entry.path.steps), entry.leaf is None), set())
        if condition in others or (others and None in {condition, *others}):
            expected = Words("一处只由一条规则写出", "one rule that writes each place")
            faults.add((*entry.place, "at"), expected=expected, found=quote(entry.path.text))
        others.add(condition)


def _check_one_list(entries: Sequence[Entry], faults: FaultList) -> None:
    """Check that the rows of a list in the record come from one list of the message: a second would replace them."""
    lists: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        keys = entry.path.keys_of_list
        if entry.rows and lists.setdefault(entry.rows, keys) != keys:
            expected = Words("同一目标的各列取自同一列表", "one list for all columns of a target")
            faults.add((*entry.place, "at"), expected=expected, found=quote(entry.path.text))


def _check_conditions(fields: Sequence[FieldRule], writing: Sequence[Entry], faults: FaultList) -> None:
    """Check that a field which a condition looks at is written, and that a target is read from one place at a time."""
    written = {tuple(step.key for step in entry.path.steps) for entry in writing}
    read: dict[str, list[FieldRule]] = {}
    for rule in fields:
        if rule.condition is not None and rule.paths and rule.direction is not Direction.IN:
            keys = (*(step.key for step in rule.paths[0].steps[:-1]), rule.condition.key)
            if keys not in written:
                expected = Words("由另一条规则写出的判别字段", "a field that another rule writes")
                faults.add((*rule.place, "when"), expected=expected, found=quote(rule.condition.key))
        if rule.target is not None and rule.direction is not Direction.OUT:
            read.setdefault(rule.target.text, []).append(rule)
    for same in read.values():
        if len(same) > 1 and any(rule.condition is None for rule in same):
            expected = Words("只从一处读取，或带有互斥的 when", "one place it is read from, or conditions with when")
            found = Words("另一处", "another place")
            faults.add((*same[-1].place, "to"), expected=expected, found=found)


def _check_constants(rules: Rules, faults: FaultList) -> None:
    """Check that what a message always says can be written, and that the envelope names each value once."""
    names: set[str] = set()
    spoken: list[FieldRule | EnvelopeRule] = [*rules.fields, *rules.envelope]
    for rule in spoken:
        is_of_record = isinstance(rule, FieldRule) and rule.target is not None
        if rule.constant is not None and rule.chain.render is not None and not is_of_record:
            try:
                of_text(rule.chain.render, rule.chain.neutral, rule.constant)
            except (ValueError, KeyError):
                expected = Words("编解码可写出的值", "a value that its codecs can write")
                faults.add((*rule.place, "constant"), expected=expected, found=quote(rule.constant))
    for one in rules.envelope:
        if one.name and one.name in names:
            faults.add((*one.place, "name"), expected=Words("不重复的名称", "a name of its own"), found=quote(one.name))
        names.add(one.name)
