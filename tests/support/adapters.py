"""Adapters for tests: the shipped ones, and records that a system can carry, made from its mapping file."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.codecs.chain import Chain
from adapters.mapping.codecs.codec import LongTerm, Sort
from adapters.mapping.forms.form import FormName
from adapters.mapping.forms.json import write_json_text
from adapters.mapping.rule import Direction, FieldRule
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordStatus

SHIPPED = Path(__file__).resolve().parents[2] / "examples" / "site" / "adapters"
SHIPPED_FILES = sorted(SHIPPED.glob("*.toml"))

# All characters that have a meaning somewhere, and that every character set of a system has.
TEXTS = st.text(alphabet="aZ0-_.,、&<>\"'%=+;某市（）《》", min_size=1, max_size=6)
DAYS = st.dates(min_value=date(1000, 1, 1), max_value=date(9998, 12, 31))
TREES = st.recursive(
    st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers(0, 9), max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)
_BY_CODEC: dict[str, st.SearchStrategy[str]] = {
    "area": st.integers(min_value=110000, max_value=999999).map(str),
    "number-text": st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1).map(str),
    "decimal-text": st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-9999, max_value=9999).map(
        str
    ),
    "json-text": TREES.map(write_json_text),
    "upper": TEXTS.map(str.upper),
}
NAMES = st.sampled_from(["a", "KZ_b", "注册资本", "经营范围", "x_1", "ZZHM"])


def shipped(name: str) -> Adapter:
    """Return a shipped adapter by its id."""
    return load_adapter((SHIPPED / f"{name}.toml").read_bytes(), f"{name}.toml")


def values_of(chain: Chain, sort: Sort) -> st.SearchStrategy[Any]:
    """Return the neutral values in the domain of a chain: those that it can write."""
    found = _likely(chain, sort)
    render = chain.render
    return found if render is None else found.filter(lambda value: _is_written(render, value))


def records_of(adapter: Adapter) -> st.SearchStrategy[LicenceRecord]:
    """Return the records that a system can carry without loss."""
    return st.composite(_record)(adapter)


def _likely(chain: Chain, sort: Sort) -> st.SearchStrategy[Any]:
    """Return values of which many are in the domain, by the codecs nearest to the record."""
    by_sort: dict[Sort, st.SearchStrategy[Any]] = {
        Sort.DAY: DAYS,
        Sort.FLAG: st.booleans(),
        Sort.BYTES: st.binary(min_size=1, max_size=20),
    }
    if sort in by_sort:
        return by_sort[sort]
    for codec in reversed(chain.codecs):
        name, _, argument = codec.name.partition(":")
        if name in {"table", "holder-type"}:
            return st.sampled_from(sorted(set(_meanings(codec.parse))))
        if name in _BY_CODEC:
            return _BY_CODEC[name]
        if name == "join":
            part = TEXTS.filter(lambda text, argument=argument: argument not in text)
            return st.lists(part, min_size=2, max_size=3).map(argument.join)
        if name == "split":
            part = TEXTS.filter(lambda text, argument=argument: argument not in text)
            return st.lists(part, min_size=1, max_size=3).map(tuple)
    return st.lists(TEXTS, min_size=1, max_size=3).map(tuple) if sort is Sort.TEXTS else TEXTS


def _meanings(parse: Callable[[Any], Any]) -> list[str]:
    """Return what a table's codec can make; its function is the lookup of its dict."""
    table: Any = getattr(parse, "__self__", {})
    return list(table.values()) or [""]


def _is_written(render: Callable[[Any], Any], value: object) -> bool:
    try:
        render(value)
    except (ValueError, KeyError):
        return False
    return True


def _record(draw: st.DrawFn, adapter: Adapter) -> LicenceRecord:
    rules = [rule for rule in adapter.rules.fields if rule.target is not None]
    both = [rule for rule in rules if rule.direction is Direction.BOTH and rule.paths and rule.condition is None]
    scalars = {
        rule.target.text: _maybe(draw, rule)
        for rule in both
        if rule.target is not None and rule.target.column is None and not rule.target.surface_name
    }
    constants = {rule.target.text: rule.constant for rule in rules if rule.target is not None and not rule.paths}
    values = {**scalars, **constants}
    valid_to = values.pop("valid_to", None)
    document = {name.partition(".")[2]: values.pop(name) for name in list(values) if name.startswith("document.")}
    filled = {name: value for name, value in document.items() if value}
    return LicenceRecord(
        **{"source": adapter.id, **{name: value for name, value in values.items() if value is not None}},
        valid_to=None if valid_to is LongTerm.LONG_TERM else valid_to,
        long_term=valid_to is LongTerm.LONG_TERM,
        status=_status(draw, adapter),
        holders=_holders(draw, [rule for rule in both if rule.target is not None and rule.target.slot == "holders"]),
        surface=_surface(draw, adapter, both),
        document=RecordDocument(**filled) if filled else None,
    )


def _maybe(draw: st.DrawFn, rule: FieldRule) -> Any:
    if rule.target is None or (rule.default is None and draw(st.booleans())):
        return None
    if LongTerm.LONG_TERM in rule.chain.written and draw(st.booleans()):
        return LongTerm.LONG_TERM
    found, render, parts = values_of(rule.chain, rule.target.sort), rule.chain.render, len(rule.paths)
    return draw(found if parts == 1 or render is None else found.filter(lambda value: len(render(value)) == parts))


def _status(draw: st.DrawFn, adapter: Adapter) -> RecordStatus:
    rule = adapter.rules.status
    return RecordStatus.ACTIVE if rule is None else draw(st.sampled_from(sorted(rule.spellings)))


def _holders(draw: st.DrawFn, rules: list[FieldRule]) -> tuple[RecordHolder, ...]:
    if not rules:
        return ()
    is_single = any(not rule.paths[0].lists and rule.chain.neutral is not Sort.TEXTS for rule in rules)
    number = draw(st.integers(min_value=0, max_value=1 if is_single else 3))
    for_all: dict[str, str] = {}
    holders = []
    for _ in range(number):
        parts = {}
        for rule in rules:
            column = rule.target.column if rule.target is not None else ""
            codecs = [codec.name for codec in rule.chain.codecs]
            if "for-all" in codecs:
                parts[column or ""] = for_all.setdefault(column or "", draw(TEXTS))
            elif rule.chain.neutral is Sort.TEXTS:
                parts[column or ""] = draw(values_of(rule.chain, Sort.TEXTS))[0]
            else:
                parts[column or ""] = draw(values_of(rule.chain, Sort.TEXT))
        holders.append(RecordHolder(**parts))
    return tuple(holders)


def _surface(draw: st.DrawFn, adapter: Adapter, rules: list[FieldRule]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    named = [rule for rule in rules if rule.target is not None and rule.target.surface_name]
    known = {key for rule in rules for path in rule.paths for key in [path.steps[-1].key]}
    known |= {rule.target.surface_name for rule in named if rule.target is not None}
    for rule in named:
        target = rule.target
        if target is None or draw(st.booleans()):
            continue
        if target.is_whole_surface:
            found |= draw(
                st.dictionaries(NAMES.filter(lambda name: name not in known), _whole(adapter, rule), max_size=4)
            )
        elif target.column is None:
            found[target.surface_name] = draw(values_of(rule.chain, Sort.TEXT))
        elif target.column == "":
            is_split = rule.chain.neutral is Sort.TEXTS
            texts = values_of(rule.chain, Sort.TEXTS if is_split else Sort.TEXT)
            found[target.surface_name] = draw(texts if is_split else st.lists(texts, min_size=1, max_size=3).map(tuple))
    tables = {rule.target.surface_name for rule in named if rule.target is not None and rule.target.column}
    for name in sorted(tables):
        columns = {
            rule.target.column: values_of(rule.chain, Sort.TEXT)
            for rule in named
            if rule.target is not None and rule.target.surface_name == name and rule.target.column
        }
        rows = st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=3)
        found[name] = tuple(draw(rows))
    return found


def _whole(adapter: Adapter, rule: FieldRule) -> st.SearchStrategy[Any]:
    texts = values_of(rule.chain, Sort.TEXT)
    in_json = adapter.rules.message.form_name is FormName.JSON or any(
        step.operations[:1] == ("json",) for path in rule.paths for step in path.steps
    )
    if rule.pair is not None or not in_json:
        return texts
    rows = st.lists(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3), min_size=1, max_size=3)
    return st.one_of(texts, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), rows.map(tuple))
