"""A made-up licence with the codes of a mapping's tables, where its own are none of theirs."""

from dataclasses import replace
from typing import Any

from adapters.mapping.adapter import Adapter
from adapters.mapping.codecs.chain import Chain, compose
from adapters.mapping.codecs.codec import Sort
from adapters.mapping.codecs.registry import TABLE
from adapters.mapping.rule import Direction, FieldRule, Rules
from adapters.mapping.target import DOCUMENT, HOLDERS
from adapters.record.record import LicenceRecord


def fit_record(adapter: Adapter, record: LicenceRecord) -> LicenceRecord:
    """Return a record in which every text that a table of the mapping cannot write is the first that it can.

    A type of licence of another list is so one of the system's; nothing else is changed.
    """
    for rule in adapter.rules.fields:
        if rule.target is not None and rule.direction is not Direction.IN and rule.chain.neutral is Sort.TEXT:
            text = _first_text(rule, adapter.rules)
            record = record if text is None else _put(rule, record, text)
    return record


def _first_text(rule: FieldRule, rules: Rules) -> str | None:
    """Return the first text that the last table of a field can write; None where it has no table."""
    for place in range(len(rule.chain.codecs) - 1, -1, -1):
        name, _, argument = rule.chain.codecs[place].name.partition(":")
        if name == TABLE:
            rest = compose(rule.chain.codecs[place + 1 :]).parse
            first = next(iter(rules.tables[argument].spellings))
            found = first if rest is None else rest(first)
            return found if isinstance(found, str) else None
    return None


def _put(rule: FieldRule, record: LicenceRecord, text: str) -> LicenceRecord:
    """Return the record with a text where its own cannot be written; what it does not say, it need not say now."""
    target = rule.target
    if target is None or target.slot.startswith(DOCUMENT) or target.is_whole_surface:
        return record
    if target.slot == HOLDERS and target.column is not None:
        holders = [
            replace(one, **{target.column: text}) if _is_refused(rule.chain, getattr(one, target.column)) else one
            for one in record.holders
        ]
        return replace(record, holders=tuple(holders))
    if target.column is not None:
        return record
    if name := target.surface_name:
        is_refused = _is_refused(rule.chain, record.surface.get(name))
        return replace(record, surface={**record.surface, name: text}) if is_refused else record
    is_refused = _is_refused(rule.chain, getattr(record, target.slot))
    changed: dict[str, Any] = {target.slot: text} if is_refused else {}
    return replace(record, **changed)


def _is_refused(chain: Chain, value: object) -> bool:
    if not isinstance(value, str) or not value or chain.render is None:
        return False
    try:
        chain.render(value)
    except (ValueError, KeyError):
        return True
    return False
