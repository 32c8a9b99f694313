"""Compiles a plan into functions that write: the tree of a message, built in the order of the mapping file."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from adapters.mapping.bounds import MAX_ROWS, MAX_TEXT
from adapters.mapping.codecs.codec import LongTerm, Special
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.json import write_json_text
from adapters.mapping.forms.xml import write_xml_text
from adapters.mapping.path import Operation
from adapters.mapping.plan import Child, Leaf, Whole
from adapters.mapping.rule import Absent
from adapters.record.record import Surface  # noqa: TC001 -- no import is for types alone here

Tree = dict[str, Any]
Writer = Callable[[Any, Tree], None]  # from a record, a holder or a row, into an object of the message

Spell = Callable[[object], str]
Rows = Callable[[str], Callable[[Any], tuple[Any, ...]]]
Spells = Mapping[Operation, Spell]


def spells_of(namespaces: Mapping[str, str]) -> Spells:
    """Return how a tree becomes a text of a message, by the operation; ``namespaces`` by their prefixes."""
    return {Operation.JSON: write_json_text, Operation.XML: partial(write_xml_text, namespaces=namespaces)}


def compile_writer(key: str, child: Child, rows: Rows, *, absent: Absent, spells: Spells) -> Writer:
    """Return the function that writes one child of a plan under ``key``; it raises AdapterError.

    ``rows`` gives the function that takes a list out of a record, by the name of the list.
    """
    nested = next((spells[one] for one in child.operations if one is not Operation.EACH), None)
    if child.is_raw:
        return _raw(key, child.leaves[0], nested)
    if child.whole is not None and child.whole.pair is not None:
        return _pairs(key, child.whole, child.whole.pair, nested)
    if child.is_list:
        return _rows(key, child, rows(child.rows), _inside(child, rows, absent, spells), nested)
    if child.is_container:
        return _container(key, child, _inside(child, rows, absent, spells), nested, absent)
    writers = [_leaf(key, leaf, absent) for leaf in sorted(child.leaves, key=lambda leaf: leaf.condition is not None)]
    if len(writers) == 1:
        return writers[0]

    def write(source: object, tree: Tree) -> None:
        for one in writers:
            one(source, tree)

    return write


def _raw(key: str, leaf: Leaf, nested: Spell | None) -> Writer:
    get = leaf.get

    def write(source: object, tree: Tree) -> None:
        value = get(source)
        if value is not None:
            tree[key] = value if nested is None else nested(value)

    return write


def _leaf(key: str, leaf: Leaf, absent: Absent) -> Writer:
    get, condition = leaf.get, leaf.condition
    path, render, written = leaf.path, leaf.chain.render, leaf.chain.written
    nothing: object = written.get(None, "" if absent is Absent.EMPTY else None)
    writes_nothing = None in written or absent is not Absent.OMIT

    def write(source: object, tree: Tree) -> None:
        value = get(source)
        if value is None or value == "":
            if writes_nothing:
                tree[key] = nothing
        elif value is LongTerm.LONG_TERM:
            tree[key] = _special(value, written, path)
        elif value.__class__ is str and len(value) > MAX_TEXT:
            raise AdapterError(AdapterFault.TOO_LARGE, path)
        else:
            tree[key] = value if render is None else _rendered(render, value, path)

    if condition is None:
        return write

    def write_if(source: object, tree: Tree) -> None:
        if tree.get(condition.key) == condition.equals:
            write(source, tree)

    return write_if


def _special(value: LongTerm, written: Mapping[Special, object], path: str) -> object:
    if value not in written:
        raise AdapterError(AdapterFault.VALUE, path)
    return written[value]


def _inside(child: Child, rows: Rows, absent: Absent, spells: Spells) -> list[Writer]:
    """Return the writers of the members; those with a condition come last, for they look at what the others wrote."""
    members = sorted(child.children.items(), key=lambda item: any(leaf.condition for leaf in item[1].leaves))
    inside = [compile_writer(name, inner, rows, absent=absent, spells=spells) for name, inner in members]
    if child.whole is not None:
        inside.append(_whole(child.whole, frozenset(child.children), is_xml=child.inside_xml))
    return inside


def _rows(
    key: str, child: Child, take: Callable[[Any], tuple[Any, ...]], inside: list[Writer], nested: Spell | None
) -> Writer:
    path, is_xml = child.path, child.inside_xml
    cell = _leaf("", child.leaves[0], Absent.EMPTY) if child.leaves else None
    columns = frozenset(_slots(child))

    def build(row: object) -> object:
        tree: Tree = {}
        if cell is not None:
            cell(row, tree)
            return tree[""]
        if isinstance(row, Mapping) and any(text and name not in columns for name, text in row.items()):
            raise AdapterError(AdapterFault.VALUE, path)  # a column without a rule would be lost
        for one in inside:
            one(row, tree)
        return tree

    def write(source: object, tree: Tree) -> None:
        found = take(source)
        if len(found) > MAX_ROWS:
            raise AdapterError(AdapterFault.TOO_LARGE, path)
        if found or not is_xml:
            built = [build(row) for row in found]
            tree[key] = built if nested is None else nested(built)

    return write


def _slots(child: Child) -> Iterator[str]:
    """Yield the columns that rules write, at whatever depth of a row they stand."""
    for one in child.children.values():
        yield from (leaf.slot for leaf in one.leaves)
        yield from _slots(one)


def _container(key: str, child: Child, inside: list[Writer], nested: Spell | None, absent: Absent) -> Writer:
    keeps_empty = absent is not Absent.OMIT and not child.in_xml

    def write(source: object, tree: Tree) -> None:
        before = tree.get(key)
        built: Tree = before if before.__class__ is dict else {}
        for one in inside:
            one(source, built)
        if built or keeps_empty:
            tree[key] = built if nested is None else nested(built)

    return write


def _whole(whole: Whole, keys: frozenset[str], *, is_xml: bool) -> Writer:
    prefix, names, render, path = whole.prefix, whole.names, whole.chain.render, whole.path

    def write(source: Any, tree: Tree) -> None:  # noqa: ANN401 -- a record
        surface: Mapping[str, Surface] = source.surface
        for name, value in surface.items():
            if name in names or value == "":
                continue
            key = prefix + name
            if key in keys or not name or (is_xml and key[0] in {"@", "{"}):
                raise AdapterError(AdapterFault.VALUE, path)
            if isinstance(value, str):
                tree[key] = value if render is None else _rendered(render, value, path)
            else:
                if len(value) > MAX_ROWS or (is_xml and (len(value) < 2 or {} in value)):  # noqa: PLR2004 -- one is no list
                    raise AdapterError(AdapterFault.VALUE, path)
                tree[key] = [one if isinstance(one, str) else dict(one) for one in value]

    return write


def _pairs(key: str, whole: Whole, pair: tuple[str, str], nested: Spell | None) -> Writer:
    name_key, value_key = pair
    names, render, path = whole.names, whole.chain.render, whole.path

    def write(source: Any, tree: Tree) -> None:  # noqa: ANN401 -- a record
        surface: Mapping[str, Surface] = source.surface
        found: list[Tree] = []
        for name, value in surface.items():
            if name in names or value == "":
                continue
            if not isinstance(value, str) or not name:  # a list has no place in a pair
                raise AdapterError(AdapterFault.VALUE, path)
            found.append({name_key: name, value_key: value if render is None else _rendered(render, value, path)})
        tree[key] = found if nested is None else nested(found)

    return write


def _rendered(render: Callable[[Any], Any], value: object, path: str) -> object:
    try:
        return render(value)
    except KeyError:  # not chained: the exception carries the value
        raise AdapterError(AdapterFault.CODE, path) from None
    except ValueError:
        raise AdapterError(AdapterFault.VALUE, path) from None  # the same
