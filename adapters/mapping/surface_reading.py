"""Compiles ``surface.*``: every surface field that no other rule names, from members of an object or from pairs."""

from collections.abc import Callable
from typing import Any

from adapters.mapping.bounds import MAX_ROWS, MAX_TEXT
from adapters.mapping.draft import Aside, Draft, Reader, list_of, misplaced
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.path import ATTRIBUTE
from adapters.mapping.plan import Whole


def compile_members(whole: Whole, *, in_xml: bool) -> Callable[[str, object, Draft], bool]:
    """Return the function that takes a member as a surface field; it answers whether it did."""
    prefix, names, parse = whole.prefix, whole.names, whole.chain.parse

    def take(key: str, value: object, draft: Draft) -> bool:
        if not key.startswith(prefix) or key == prefix or (in_xml and key[0] in {ATTRIBUTE, "{"}):
            return False
        name = key[len(prefix) :]
        if name in names:
            return False
        if value.__class__ is str:
            if len(value) > MAX_TEXT:
                raise AdapterError(AdapterFault.TOO_LARGE, whole.path)
            found = value if parse is None or value == "" else _parsed(parse, value, whole.path)
            if found:
                draft.surface[name] = found
            return True
        if value.__class__ is list and _is_plain(value):
            if value:
                draft.surface[name] = tuple(value)
            return True
        return value is None

    return take


def _parsed(parse: Callable[[Any], Any], value: object, path: str) -> object:
    try:
        return parse(value)
    except (KeyError, ValueError):  # not chained: the exception carries the value
        raise AdapterError(AdapterFault.VALUE, path) from None


def _is_plain(value: list[object]) -> bool:
    """Whether a list is one of texts, or a table of texts; anything else stays aside."""
    if len(value) > MAX_ROWS:
        return False
    texts = all(one.__class__ is str and len(one) <= MAX_TEXT for one in value)
    return texts or all(
        isinstance(one, dict) and one and all(isinstance(cell, str) and len(cell) <= MAX_TEXT for cell in one.values())
        for one in value
    )


def compile_pairs(whole: Whole, pair: tuple[str, str], *, is_xml: bool) -> Reader:
    """Return the function that reads a list of entries with a name and a value; it raises AdapterError."""
    name_key, value_key = pair
    path, parse = whole.path, whole.chain.parse

    def read(value: object, draft: Draft, aside: Aside) -> None:
        for index, one in enumerate(list_of(value, path, is_xml=is_xml, most=MAX_ROWS)):
            if not isinstance(one, dict):
                raise AdapterError(misplaced(one), path)
            name, text = one.get(name_key), one.get(value_key)
            stem = f"{path.removesuffix('[*]')}[{index}]"
            if not isinstance(name, str) or not name or not isinstance(text, str | None):
                aside.append((stem, one))
                continue
            if name in draft.surface or len(name) > MAX_TEXT or len(text or "") > MAX_TEXT:
                raise AdapterError(AdapterFault.SHAPE, path)
            aside.extend((f"{stem}.{key}", left) for key, left in one.items() if key not in pair)
            found = text if parse is None or not text else _parsed(parse, text, path)
            if found:
                draft.surface[name] = found

    return read
