"""Texts in the tree of a message, by their path: found, put there, or replaced by what was encrypted or decrypted."""

from collections.abc import Callable, Sequence

from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.json import read_json_text, write_json_text
from adapters.mapping.forms.xml import TEXT, read_xml_text, write_xml_text
from adapters.mapping.path import MessagePath, Operation, Step

Replace = Callable[[str], str]


def find_text(tree: object, path: MessagePath) -> str | None:
    """Return the one text at a path, a number as a text; None where there is none, or nothing in it.

    Raises:
        AdapterError: SHAPE for a list or an object where a text was expected; SYNTAX for a text that holds no JSON.

    """
    node = tree
    for step in path.steps:
        if step.key:
            if node is None:
                return None
            if not isinstance(node, dict):
                raise AdapterError(AdapterFault.SHAPE, path.text)
            node = node.get(step.key)
        for operation in step.operations:
            if node is None or operation is Operation.EACH:
                break
            node = _unfold(node, operation, path)
    if isinstance(node, dict) and TEXT in node:
        node = node[TEXT]
    if isinstance(node, bool | float | dict | list):
        raise AdapterError(AdapterFault.SHAPE, path.text)
    return None if node is None or node == "" else str(node)


def replace_texts(tree: object, path: MessagePath, replace: Replace) -> object:
    """Return the tree with every text at a path replaced; where there is none, or nothing in it, nothing happens.

    Raises:
        AdapterError: as `find_text` does, and whatever ``replace`` raises.

    """
    return _replace(tree, list(path.steps), path, replace)


def put(tree: object, path: MessagePath, value: object) -> object:
    """Return the tree with a value at a path, whatever was there or on the way; objects that are missing are made.

    Raises:
        AdapterError: SHAPE for a path through a list; as `find_text` does for a text on the way that holds no JSON.

    """
    return _put(tree, list(path.steps), path, value)


def _put(node: object, steps: Sequence[Step], path: MessagePath, value: object) -> object:
    if not steps:
        return {**node, TEXT: value} if isinstance(node, dict) and TEXT in node else value
    step, *rest = steps
    members = node if isinstance(node, dict) else {}
    inner = _put_inside(members.get(step.key) if step.key else node, step.operations, rest, path, value)
    return {**members, step.key: inner} if step.key else inner


def _put_inside(
    node: object, operations: Sequence[Operation], rest: Sequence[Step], path: MessagePath, value: object
) -> object:
    if not operations:
        return _put(node, rest, path, value)
    operation, *others = operations
    if operation is Operation.EACH:
        raise AdapterError(AdapterFault.SHAPE, path.text)
    inner = _put_inside(_unfold(node, operation, path) if node else None, others, rest, path, value)
    return write_json_text(inner) if operation is Operation.JSON else write_xml_text(inner)


def _replace(node: object, steps: Sequence[Step], path: MessagePath, replace: Replace) -> object:
    if not steps:
        if isinstance(node, dict) and isinstance(node.get(TEXT), str):
            return {**node, TEXT: replace(node[TEXT])} if node[TEXT] else node
        if not isinstance(node, str):
            raise AdapterError(AdapterFault.SHAPE, path.text)
        return replace(node)
    step, *rest = steps
    if not step.key:
        return _operate(node, step.operations, rest, path, replace)
    if not isinstance(node, dict):
        raise AdapterError(AdapterFault.SHAPE, path.text)
    inner = node.get(step.key)
    if inner is None or inner == "":
        return node
    return {**node, step.key: _operate(inner, step.operations, rest, path, replace)}


def _operate(
    node: object, operations: Sequence[Operation], rest: Sequence[Step], path: MessagePath, replace: Replace
) -> object:
    if node is None or node == "":
        return node
    if not operations:
        return _replace(node, rest, path, replace)
    operation, *others = operations
    if operation is Operation.EACH:
        # One element of XML that could repeat is no list.
        each = node if isinstance(node, list) else [node]
        return [_operate(one, others, rest, path, replace) for one in each]
    inner = _operate(_unfold(node, operation, path), others, rest, path, replace)
    return write_json_text(inner) if operation is Operation.JSON else write_xml_text(inner)


def _unfold(node: object, operation: Operation, path: MessagePath) -> object:
    if not isinstance(node, str):
        raise AdapterError(AdapterFault.SHAPE, path.text)
    return read_json_text(node) if operation is Operation.JSON else read_xml_text(node)
