"""Compiles a plan into functions that read: one walk over the tree of a message, each key looked up once."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.mapping.bounds import MAX_ROWS, MAX_TEXT
from adapters.mapping.draft import Aside, Draft, Reader, list_of, misplaced, text_of
from adapters.mapping.error import AdapterError
from adapters.mapping.forms.json import read_json_text
from adapters.mapping.forms.xml import TEXT, read_xml_text
from adapters.mapping.leaf_reading import compile_leaf
from adapters.mapping.path import Operation
from adapters.mapping.plan import Child, Leaf
from adapters.mapping.rule import Condition
from adapters.mapping.surface_reading import compile_members, compile_pairs
from adapters.mapping.target import SURFACE

_NESTED: Final = {Operation.JSON: read_json_text, Operation.XML: read_xml_text}


def compile_reader(child: Child) -> Reader:
    """Return the function that reads the value of one child of a plan; it raises AdapterError."""
    if child.whole is not None and child.whole.pair is not None:
        inner = compile_pairs(child.whole, child.whole.pair, is_xml=child.inside_xml)
    elif child.is_container:
        inner = _container(child)
    else:
        inner = _leaves(child.leaves)
    if child.is_raw:
        return inner
    for operation in reversed(child.operations):
        if operation is not Operation.EACH:
            inner = _nested(operation, inner, child.path)
        elif child.whole is None or child.whole.pair is None:
            inner = _each(child, inner)
    return inner


def _leaves(leaves: list[Leaf]) -> Reader:
    readers = [compile_leaf(leaf) for leaf in leaves]
    if len(readers) == 1:
        return readers[0]

    def read(value: object, draft: Draft, aside: Aside) -> None:
        for one in readers:
            one(value, draft, aside)

    return read


_Choices = list[tuple[Condition, Reader]]
_Other = Callable[[str, Any, Mapping[str, object], Draft, Aside], None]


def _container(child: Child) -> Reader:
    path = child.path
    readers, conditional = _members(child)
    get = readers.get
    other = _other(child, conditional)

    def read(value: Any, draft: Draft, aside: Aside) -> None:  # noqa: ANN401 -- any value of a tree
        if value.__class__ is not dict:
            if value is None or value == "":
                return
            if value.__class__ is not str or TEXT not in readers:
                raise AdapterError(misplaced(value), path)
            value = {TEXT: value}
        for key, inner in value.items():
            reader = get(key)
            if reader is not None:
                reader(inner, draft, aside)
            else:
                other(key, inner, value, draft, aside)

    if child.whole is None or child.inside_xml or child.whole.chain.parse is not None or child.whole.prefix:
        return read
    return _surface_object(readers, other, read, child.whole.names | conditional.keys())


def _other(child: Child, conditional: Mapping[str, _Choices]) -> _Other:
    """Return the function for members that no rule names without a condition."""
    path = child.path
    whole = None if child.whole is None else compile_members(child.whole, in_xml=child.inside_xml)

    def read(key: str, value: Any, around: Mapping[str, object], draft: Draft, aside: Aside) -> None:  # noqa: ANN401 -- any value of a tree
        if key in conditional and _choose(conditional[key], around, value, draft, aside):
            return
        if whole is not None and whole(key, value, draft):
            return
        if key != TEXT or not isinstance(value, str) or value.strip():  # white space of an element says nothing
            aside.append((f"{path}.{key}", value))

    return read


def _surface_object(readers: Mapping[str, Reader], other: _Other, read: Reader, special: frozenset[str]) -> Reader:
    """Return the reader of an object of which every member may be a surface field: a text is taken in the loop."""
    get = readers.get

    def read_surface(value: Any, draft: Draft, aside: Aside) -> None:  # noqa: ANN401 -- any value of a tree
        if value.__class__ is not dict:
            read(value, draft, aside)
            return
        surface = draft.surface
        for key, inner in value.items():
            reader = get(key)
            if reader is not None:
                reader(inner, draft, aside)
            elif inner.__class__ is str and key and key not in special and len(inner) <= MAX_TEXT:
                if inner:
                    surface[key] = inner
            else:
                other(key, inner, value, draft, aside)

    return read_surface


def _members(child: Child) -> tuple[dict[str, Reader], dict[str, _Choices]]:
    """Return the readers of the members by key, and apart from them those that count under a condition only."""
    readers: dict[str, Reader] = {}
    conditional: dict[str, _Choices] = {}
    for key, inner in child.children.items():
        choices = [(leaf.condition, compile_leaf(leaf)) for leaf in inner.leaves if leaf.condition is not None]
        if choices:
            conditional[key] = choices
        else:
            readers[key] = compile_reader(inner)
    return readers, conditional


def _choose(choices: _Choices, around: Mapping[str, object], value: object, draft: Draft, aside: Aside) -> bool:
    """Read a value with the rule whose condition is met; answer whether there is one."""
    for condition, reader in choices:
        if around.get(condition.key) == condition.equals:
            reader(value, draft, aside)
            return True
    return False


def _nested(operation: Operation, inner: Reader, path: str) -> Reader:
    parse = _NESTED[operation]

    def read(value: object, draft: Draft, aside: Aside) -> None:
        if value.__class__ is not str:
            if value is None:
                return
            value = text_of(value, path, aside)
        if not value:
            return
        try:
            tree = parse(value)
        except AdapterError as error:
            raise AdapterError(error.fault, path) from error
        inner(tree, draft, aside)

    return read


def _each(child: Child, inner: Reader) -> Reader:
    """Read a list of rows: of holders, of a table, or of texts, which may be one column of the holders."""
    path, slot, is_xml = child.path, child.rows, child.inside_xml
    is_plain = not child.children
    column = child.leaves[0].slot if is_plain else ""
    stem = path.removesuffix("[*]")
    name = slot.removeprefix(SURFACE) if slot.startswith(SURFACE) else ""

    def read(value: object, draft: Draft, aside: Aside) -> None:
        rows = list_of(value, path, is_xml=is_xml, most=MAX_ROWS)
        found = []
        for index, one in enumerate(rows):
            row = Draft()
            mark = len(aside)
            inner(one, row, aside)
            aside[mark:] = [(f"{stem}[{index}]{where[len(path) :]}", left) for where, left in aside[mark:]]
            draft.flags |= row.flags
            found.append(row.neutral.get(column, "") if is_plain else row.neutral)
        if name:
            if found:  # a list without entries says nothing, as every field that is empty
                draft.surface[name] = tuple(found)
        else:
            draft.neutral[slot] = tuple(found) if is_plain else found

    return read
