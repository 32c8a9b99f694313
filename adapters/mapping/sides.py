"""Two fields in one text (``2025.12.03至长期``): two rules at one path, of which each reads a side, and both write.

A rule that reads one side alone cannot write, because nothing is known of the other one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapters.mapping.assembly import Get, getter
from adapters.mapping.codecs.chain import compose
from adapters.mapping.codecs.codec import Codec, LongTerm, MalformedCodecError
from adapters.mapping.codecs.lists import AFTER, BEFORE
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.fault import FaultList, Words, quote
from adapters.mapping.rule import Direction, FieldRule


def pair_sides(fields: Sequence[FieldRule], faults: FaultList) -> tuple[FieldRule, ...]:
    """Return the rules, of which those that have both sides of a text between them lose nothing, and can write.

    A rule with one side that would write alone is noted as a fault.
    """
    sides = {(key, side): rule for rule in fields if (key := _key(rule)) is not None and (side := side_of(rule))}
    found = []
    for rule in fields:
        key = _key(rule)
        if key is not None and {(key, BEFORE), (key, AFTER)} <= sides.keys() and rule is sides[key, side_of(rule)]:
            found.append(_writing(rule, faults))
            continue
        if rule.direction is not Direction.IN and any(codec.is_read_only for codec in rule.chain.codecs):
            expected = Words(
                'only = "in"，或同一路径上的 before 与 after 两条规则',
                'only = "in", or two rules at one path, with before and after',
            )
            faults.add((*rule.place, "only"), expected=expected, found=Words("一条规则", "one rule"))
        found.append(rule)
    return tuple(found)


def side_of(rule: FieldRule) -> str:
    """Return which side of a text a rule has, "before" or "after"; "" where it has the whole of it."""
    first = _side_codec(rule)
    return "" if first is None else first.name.partition(":")[0]


def is_side(rule: FieldRule) -> bool:
    """Say whether a rule writes one side of a text, together with another rule."""
    first = _side_codec(rule)
    return first is not None and not first.is_read_only


def get_sides(before: FieldRule, after: FieldRule) -> Get:
    """Return the function that makes the whole text of a record: both sides, or None where neither is said.

    It raises AdapterError VALUE for one side without the other, and for what would be read otherwise.
    """
    separator = before.chain.codecs[0].separator
    spell_before, spell_after, path = _speller(before), _speller(after), before.paths[0].text

    def get(record: Any) -> str | None:  # noqa: ANN401 -- a record, as for every rule
        parts = (spell_before(record), spell_after(record))
        if parts == (None, None):
            return None
        if None in parts:
            raise AdapterError(AdapterFault.VALUE, path)
        text = separator.join(map(str, parts))
        if text.count(separator) != 1:
            raise AdapterError(AdapterFault.VALUE, path)
        return text

    return get


def _side_codec(rule: FieldRule) -> Codec | None:
    codecs = rule.chain.codecs
    return codecs[0] if codecs and codecs[0].name.partition(":")[0] in {BEFORE, AFTER} else None


def _key(rule: FieldRule) -> tuple[object, ...] | None:
    """Return what the other side of a text has too; None for a rule that has no other side to write with."""
    first = _side_codec(rule)
    plain = rule.condition is None and rule.default is None and not rule.also and rule.direction is Direction.BOTH
    is_one = rule.target is not None and len(rule.paths) == 1 and not rule.paths[0].lists
    return (rule.paths[0].steps, first.separator) if first is not None and plain and is_one else None


def _writing(rule: FieldRule, faults: FaultList) -> FieldRule:
    first, *others = rule.chain.codecs
    try:
        chain = compose([replace(first, is_read_only=False, loses=None), *others])
    except MalformedCodecError as error:
        faults.add((*rule.place, "codec"), expected=error.expected, found=quote(first.name))
        return rule
    return replace(rule, chain=chain)


def _speller(rule: FieldRule) -> Get:
    """Return the function that spells the value of one side; None: nothing is said."""
    chain, path = rule.chain, rule.paths[0].text
    if rule.target is None or chain.render is None:
        return lambda _: None
    get, render = getter(rule.target, path=path, in_row=False, is_list=False), chain.render

    def spell(record: Any) -> object:  # noqa: ANN401 -- a record, as for every rule
        value = get(record)
        if value is None or value == "":
            return chain.written.get(None)
        if value is LongTerm.LONG_TERM:
            if value not in chain.written:
                raise AdapterError(AdapterFault.VALUE, path)
            return chain.written[value]
        try:
            return render(value)
        except (ValueError, KeyError):  # not chained: the exception carries the value
            raise AdapterError(AdapterFault.VALUE, path) from None

    return spell
