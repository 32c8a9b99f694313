"""Compiles the ends of paths into functions that read one value."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.mapping.bounds import MAX_TEXT
from adapters.mapping.code import compile_code
from adapters.mapping.codecs.codec import Sort, same
from adapters.mapping.draft import Aside, Draft, Reader, misplaced, text_of
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.plan import Leaf
from adapters.record.status import RecordFlag

_CLASSES: Final[Mapping[Sort, tuple[type, ...]]] = {
    Sort.TEXT: (str,),
    Sort.NUMBER: (int, float),
    Sort.FLAG: (bool,),
    Sort.TEXTS: (str,),  # each part
    Sort.TREE: (dict, list),
}


def compile_leaf(leaf: Leaf) -> Reader:
    """Return the function that reads one value; it raises AdapterError."""
    if leaf.is_raw:
        return _raw(leaf.slot)
    if leaf.ignores:
        return _ignore
    if leaf.is_code:
        return _code(leaf)
    if leaf.constant is not None:
        return _constant(leaf, leaf.constant)
    if leaf.chain.foreign is Sort.TEXT and leaf.chain.parse is None:
        return _plain_text(leaf)
    return _converted(leaf)


def _ignore(value: object, draft: Draft, aside: Aside) -> None:
    """Read nothing: the rule only writes."""


def _raw(slot: str) -> Reader:
    def read(value: object, draft: Draft, aside: Aside) -> None:  # noqa: ARG001 -- a Reader
        draft.neutral[slot] = value

    return read


def _plain_text(leaf: Leaf) -> Reader:
    """Read a text as it is, by far the most frequent case; two functions, because it is the innermost loop."""
    path, slot = leaf.path, leaf.slot

    def read(value: object, draft: Draft, aside: Aside) -> None:
        if value.__class__ is not str:
            value = text_of(value, path, aside)
        if value:
            if len(value) > MAX_TEXT:
                raise AdapterError(AdapterFault.TOO_LARGE, path)
            draft.neutral[slot] = value

    def read_surface(value: object, draft: Draft, aside: Aside) -> None:
        if value.__class__ is not str:
            value = text_of(value, path, aside)
        if value:
            if len(value) > MAX_TEXT:
                raise AdapterError(AdapterFault.TOO_LARGE, path)
            draft.surface[slot] = value

    return read_surface if leaf.in_surface else read


def _converted(leaf: Leaf) -> Reader:
    path, slot, chain = leaf.path, leaf.slot, leaf.chain
    parse = chain.parse or same
    classes = _CLASSES[chain.foreign]
    is_text, is_flag = chain.foreign is Sort.TEXT, chain.neutral is Sort.FLAG
    most = None if chain.neutral is Sort.BYTES else MAX_TEXT
    reads_empty, in_surface = chain.reads_empty, leaf.in_surface

    def read(value: Any, draft: Draft, aside: Aside) -> None:  # noqa: ANN401 -- any value of a tree
        if value.__class__ not in classes:
            if not is_text and value is not None and value != "":
                raise AdapterError(misplaced(value), path)
            value = text_of(value, path, aside) if value is not None else None
        if value is None or (value == "" and not reads_empty):
            return
        if is_text and most is not None and len(value) > most:
            raise AdapterError(AdapterFault.TOO_LARGE, path)
        try:
            found = parse(value)
        except KeyError:  # a code that the table does not name: nothing is guessed, the raw value stays
            if is_flag:  # which has no third value: "no" would be a guess
                raise AdapterError(AdapterFault.VALUE, path) from None
            aside.append((path, value))
            draft.unseen.add((in_surface, slot))
            draft.flags.add(RecordFlag.CODE_UNSEEN)
            return
        except ValueError:  # not chained: the exception carries the value
            raise AdapterError(AdapterFault.VALUE, path) from None
        if found is not None:
            (draft.surface if in_surface else draft.neutral)[slot] = found

    return read


def _code(leaf: Leaf) -> Reader:
    """Read a code of status or outcome as its text; one that its codecs cannot read counts as never seen."""
    path, slot = leaf.path, leaf.slot
    find = compile_code(leaf.chain)

    def read(value: object, draft: Draft, aside: Aside) -> None:
        if isinstance(value, dict | list):
            value = text_of(value, path, aside)
        if value is None or value == "":
            return
        code = find(value)
        if code is None:
            return
        if len(code) > MAX_TEXT:
            raise AdapterError(AdapterFault.TOO_LARGE, path)
        draft.neutral[slot] = code

    return read


def _constant(leaf: Leaf, constant: str) -> Reader:
    """Pass over a value that says nothing as long as it is the one that is always there."""
    path, render = leaf.path, leaf.chain.render
    expected = constant if render is None else render(constant)

    def read(value: object, draft: Draft, aside: Aside) -> None:  # noqa: ARG001 -- a Reader
        if value != expected:
            aside.append((path, value))

    return read
