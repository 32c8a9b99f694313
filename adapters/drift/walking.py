"""What stands under a path of a mapping, in the tree of a message or of a record."""

from collections.abc import Iterator

from adapters.mapping.error import AdapterError
from adapters.mapping.forms.json import read_json_text
from adapters.mapping.forms.xml import TEXT, read_xml_text
from adapters.mapping.path import MessagePath, Operation, Step


def values_at(tree: object, path: MessagePath) -> Iterator[object]:
    """Return the values under a path; what is not there, empty, or of another shape gives none."""
    for value in _walk([tree], path.steps):
        found = value.get(TEXT) if isinstance(value, dict) and TEXT in value else value
        if found is not None and found not in ("", {}, []):
            yield found


def _walk(values: list[object], steps: tuple[Step, ...]) -> list[object]:
    for step in steps:
        if step.key:
            values = [value[step.key] for value in values if isinstance(value, dict) and step.key in value]
        for operation in step.operations:
            values = [inner for value in values for inner in _open(value, operation)]
    return values


def _open(value: object, operation: Operation) -> list[object]:
    if operation is Operation.EACH:
        return value if isinstance(value, list) else [value]
    if not isinstance(value, str) or not value:
        return []
    try:
        return [read_json_text(value) if operation is Operation.JSON else read_xml_text(value)]
    except AdapterError:
        return []
