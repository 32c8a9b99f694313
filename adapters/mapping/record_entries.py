"""What stands in a record: the entries of its plan, by the rules of fields, of its status and of its own outcomes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.assembly import Get, column_slot, getter, names_of
from adapters.mapping.choice import Choice
from adapters.mapping.codecs.chain import Chain, compose
from adapters.mapping.codecs.codec import Sort
from adapters.mapping.codecs.lists import AFTER, BEFORE
from adapters.mapping.contradiction import of_text
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.fault import FaultList, Words, quote
from adapters.mapping.path import MessagePath, Step
from adapters.mapping.plan import Entry, Leaf, Whole
from adapters.mapping.rule import Direction, FieldRule, OutcomeRule, Rules, StatusRule
from adapters.mapping.sides import get_sides, is_side, side_of
from adapters.mapping.target import HOLDERS, STATUS, Target
from adapters.record.record import LicenceRecord

RECORD_OUTCOME: Final = "record-outcome:"

_PLAIN: Final[Chain] = compose(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A value that stands in several fields: the slots of its parts, and the chain that joins them."""

    slot: str
    parts: tuple[str, ...]
    chain: Chain
    in_surface: bool
    path: str


def record_entries(rules: Rules, *, reading: bool) -> Iterator[Entry]:
    """Yield what stands in a record of a licence, as it is read or as it is written."""
    names = names_of(rule.target for rule in rules.fields if rule.target is not None)
    for rule in rules.fields:
        if rule.direction is Direction.IN and not reading:
            continue
        ignores = reading and rule.direction is Direction.OUT
        if rule.target is not None and rule.target.is_whole_surface:
            for path in () if ignores else rule.paths:
                whole = Whole(
                    path=path.text,
                    chain=rule.chain,
                    prefix=rule.name_prefix,
                    pair=rule.pair,
                    names=names,
                    place=rule.place,
                )
                yield Entry(path=path, whole=whole, place=rule.place)
            continue
        yield from _value_entries(rule, rules.fields, reading=reading)
    for number, outcome in enumerate(rules.record_outcomes):
        yield _outcome_entry(number, outcome, _found)
    if rules.status is not None and not rules.status.of_message:
        leaf = Leaf(
            path=rules.status.path.text,
            slot=STATUS,
            chain=rules.status.chain,
            get=status_of(rules.status),
            place=rules.status.place,
            is_code=True,
        )
        yield Entry(path=rules.status.path, leaf=leaf, place=rules.status.place)


def told_entries(rules: Rules) -> Iterator[Entry]:
    """Yield what stands in a record that is none of a licence: its outcomes."""
    for number, outcome in enumerate(rules.record_outcomes):
        yield _outcome_entry(number, outcome, _said)


def _outcome_entry(number: int, rule: OutcomeRule, get: Callable[[OutcomeRule, str], Get]) -> Entry:
    """Return the entry of an outcome that stands in the records."""
    slot = f"{RECORD_OUTCOME}{number}"
    leaf = Leaf(path=rule.path.text, slot=slot, chain=rule.chain, get=get(rule, slot), place=rule.place, is_code=True)
    return Entry(path=rule.path, leaf=leaf, place=rule.place)


def _said(_: OutcomeRule, slot: str) -> Get:
    """Return how the outcome of a record that is none of a licence is written."""
    return lambda values: values.get(slot)


def _found(rule: OutcomeRule, _: str) -> Get:
    """Return how a record of a licence says that it is one, where the system has a code for that."""
    code = rule.spellings.get(AnswerOutcome.FOUND)
    return lambda _: code


def _value_entries(rule: FieldRule, fields: Sequence[FieldRule], *, reading: bool) -> Iterator[Entry]:
    """Yield the entries of one value: of its parts, its other names, and what decides whether it counts."""
    if not reading and is_side(rule):
        if side_of(rule) == BEFORE:
            yield _sides_entry(rule, fields)
        return
    ignores = reading and rule.direction is Direction.OUT
    for number, path in enumerate(rule.paths):
        yield _field_entry(rule, path, number, ignores=ignores)
    for number, path in enumerate(rule.also if reading else ()):
        yield _other_entry(rule, path, number)
    if reading and rule.condition is not None:
        yield _discriminator(rule, rule.condition.key)


def _field_entry(rule: FieldRule, path: MessagePath, number: int, *, ignores: bool) -> Entry:
    target = rule.target
    in_row = path.lists > 0
    is_part = len(rule.paths) > 1
    slot, in_surface, rows = "", False, ""
    if target is not None:
        slot, in_surface, rows = _slot(target, in_row=in_row, is_plain=path.is_plain_list)
    leaf = Leaf(
        path=path.text,
        slot=f"{slot}#{number}" if is_part else slot,
        chain=_PLAIN if is_part else rule.chain,
        get=_getter(rule, path, number if is_part else None),
        place=rule.place,
        in_surface=in_surface and not is_part,
        ignores=ignores,
        constant=rule.constant if target is None else None,
        condition=rule.condition,
    )
    return Entry(path=path, leaf=leaf, rows="" if ignores else rows, place=rule.place)


def _sides_entry(before: FieldRule, fields: Sequence[FieldRule]) -> Entry:
    """Return the entry that writes two fields into one text."""
    path = before.paths[0]
    after = next(one for one in fields if is_side(one) and side_of(one) == AFTER and one.paths[0].steps == path.steps)
    leaf = Leaf(path=path.text, slot="", chain=_PLAIN, get=get_sides(before, after), place=before.place)
    return Entry(path=path, leaf=leaf, place=before.place)


def _other_entry(rule: FieldRule, path: MessagePath, number: int) -> Entry:
    """Return an entry that reads a value under another name, into a slot of its own."""
    slot = _slot(rule.target, in_row=False)[0] if rule.target is not None else ""
    leaf = Leaf(path=path.text, slot=f"{slot}?{number}", chain=rule.chain, get=lambda _: None, place=rule.place)
    return Entry(path=path, leaf=leaf, place=rule.place)


def choices_of(fields: Sequence[FieldRule]) -> Iterator[Choice]:
    """Yield the values that a record may have under several names."""
    for rule in fields:
        if rule.also and rule.target is not None:
            slot, in_surface, _ = _slot(rule.target, in_row=False)
            others = {f"{slot}?{number}": path.text for number, path in enumerate(rule.also)}
            yield Choice(slot=slot, others=others, in_surface=in_surface)


def _slot(target: Target, *, in_row: bool, is_plain: bool = False) -> tuple[str, bool, str]:
    """Return the slot of a value, whether it is a surface field, and the list that its path goes through.

    A plain list of texts is a column of the holders, where it is about them.
    """
    if target.column is None:
        return target.surface_name or target.slot, bool(target.surface_name), ""
    if in_row:
        return target.column, False, column_slot(target.column) if is_plain and target.slot == HOLDERS else target.slot
    if target.slot == HOLDERS:
        return column_slot(target.column), False, ""
    return target.surface_name, True, ""


def _getter(rule: FieldRule, path: MessagePath, part: int | None) -> Get:
    if rule.target is None:
        return lambda _: rule.constant
    get = getter(rule.target, path=path.text, in_row=path.lists > 0, is_list=rule.chain.neutral is Sort.TEXTS)
    render, number = rule.chain.render, len(rule.paths)
    if part is None or render is None:
        return get

    def get_part(record: object) -> object:
        value = get(record)
        if value is None or value == "":
            return None
        try:
            texts = render(value)
        except (ValueError, KeyError):  # not chained: the exception carries the value
            raise AdapterError(AdapterFault.VALUE, path.text) from None
        if len(texts) != number:  # a part more than there are fields would be lost
            raise AdapterError(AdapterFault.VALUE, path.text)
        return texts[part]

    return get_part


def status_of(rule: StatusRule) -> Callable[[LicenceRecord], str]:
    """Return how a status is written; one that the system cannot say is refused, and never written as active."""
    spellings = dict(rule.spellings)
    for status, word in rule.written_as.items():
        spellings[status] = rule.spellings[word]

    def get(record: LicenceRecord) -> str:
        found = spellings.get(record.status)
        if found is None:
            raise AdapterError(AdapterFault.STATUS, rule.path.text)
        return found

    return get


def _discriminator(rule: FieldRule, key: str) -> Entry:
    """Return the field that decides, as one that is known; where a rule of its own reads it, both see it."""
    steps = (*rule.paths[0].steps[:-1], Step(key=key))
    path = MessagePath(text=rule.paths[0].text, steps=steps)
    leaf = Leaf(path=path.text, slot="", chain=_PLAIN, get=lambda _: None, place=rule.place, ignores=True)
    return Entry(path=path, leaf=leaf, place=rule.place)


def parts_of(fields: Sequence[FieldRule]) -> Iterator[Part]:
    """Yield the values that stand in several fields."""
    for rule in fields:
        if rule.target is None or len(rule.paths) < 2 or rule.direction is Direction.OUT:  # noqa: PLR2004 -- several
            continue
        if rule.target.is_whole_surface:
            continue
        slot, in_surface, _ = _slot(rule.target, in_row=False)
        yield Part(
            slot=slot,
            parts=tuple(f"{slot}#{number}" for number in range(len(rule.paths))),
            chain=rule.chain,
            in_surface=in_surface,
            path=rule.paths[0].text,
        )


def defaults_of(fields: Sequence[FieldRule], faults: FaultList) -> Iterator[tuple[bool, str, object]]:
    """Yield the values of constants, and of fields that stand for something when they are absent."""
    for rule in fields:
        text = rule.constant if rule.target is not None and rule.constant is not None else rule.default
        if rule.target is None or text is None:
            continue
        slot, in_surface, rows = _slot(rule.target, in_row=any(path.lists for path in rule.paths))
        try:
            value = text if rule.chain.parse is None else of_text(rule.chain.parse, rule.chain.foreign, text)
        except (ValueError, KeyError):
            expected = Words("编解码可读的值", "a value that its codecs can read")
            faults.add((*rule.place, "default"), expected=expected, found=quote(text))
            continue
        if rows or rule.target.sort not in {Sort.TEXT, Sort.DAY}:
            expected = Words("仅用于文本和日期，不用于列表", "texts and days only, outside of lists")
            faults.add((*rule.place, "default"), expected=expected, found=quote(rule.target.text))
        yield in_surface, slot, value
