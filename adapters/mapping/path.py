"""A path in a message: where a value stands, whatever the form of the message is.

``$.a.b[*].c`` in JSON, form and delimited text; ``/p:a/p:b/@id`` in XML; ``@json`` or ``@xml`` behind a text that is a
message of its own, after which the spelling of that form goes on: ``$.data_fields@json.name``, ``/r/return@xml/LIST``.
A name with other characters stands in quotes: ``$["x.y"]``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from adapters.mapping.bounds import MAX_NESTED_DEPTH, MAX_STEPS, MAX_WORD
from adapters.mapping.fault import Words

ATTRIBUTE: Final = "@"  # the first character of the key of an attribute, in a tree made from XML
ROOT: Final = "$"


class Operation(StrEnum):
    """What is done with the value under a key, before anything inside it is looked at."""

    EACH = "each"  # it is a list
    JSON = "json"  # it is a text that holds JSON
    XML = "xml"  # it is a text that holds XML


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One key, and the operations on its value in order. The first step of a path has the key ""."""

    key: str
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePath:
    """A path as written, and its steps; the first one is the message or the record itself."""

    text: str
    steps: tuple[Step, ...]

    @property
    def lists(self) -> int:
        """How many lists are on the way."""
        return sum(step.operations.count(Operation.EACH) for step in self.steps)

    @property
    def is_plain_list(self) -> bool:
        """Whether it ends at the entries of a list, and not inside of them."""
        return Operation.EACH in self.steps[-1].operations

    def ends_in_xml(self, *, is_xml: bool) -> bool:
        """Whether what stands at its end is XML, in a message that is XML or is not."""
        nested = [one for step in self.steps for one in step.operations if one is not Operation.EACH]
        return nested[-1] is Operation.XML if nested else is_xml

    @property
    def keys_of_list(self) -> tuple[str, ...]:
        """The keys on the way to the last list; all of them where there is none."""
        place = max((n for n, step in enumerate(self.steps, 1) if Operation.EACH in step.operations), default=None)
        return tuple(step.key for step in self.steps[:place])


ROOT_PATH: Final = MessagePath(text=ROOT, steps=(Step(key=""),))


class MalformedPathError(ValueError):
    """A path that cannot be read; ``expected`` says how it should look."""

    def __init__(self, expected: Words) -> None:
        """Keep what was expected."""
        super().__init__(expected.en)
        self.expected = expected


_NAME: Final = r"[^\s.\[\]@/\"'$*]+"
_JSON_STEP: Final = re.compile(rf"""\.(?P<plain>{_NAME})|\["(?P<quoted>[^"]+)"\]""")
_XML_STEP: Final = re.compile(r"/(?P<attribute>@)?(?:(?P<prefix>[\w.-]+):)?(?P<name>[^\W\d][\w.-]*)")
_OPERATION: Final = re.compile(r"\[\*\]|@json\b|@xml\b")
_OPERATIONS: Final = {"[*]": Operation.EACH, "@json": Operation.JSON, "@xml": Operation.XML}

_JSON_EXPECTED: Final = Words("形如 $.a.b[*].c 或 $.a@json.b 的路径", "a path such as $.a.b[*].c or $.a@json.b")
_XML_EXPECTED: Final = Words("形如 /p:a/p:b/@id 的路径", "a path such as /p:a/p:b/@id")


def parse_path(text: str, *, is_xml: bool, namespaces: Mapping[str, str]) -> MessagePath:
    """Read a path; ``namespaces`` maps prefixes to names, "" to the one of elements without a prefix.

    Raises:
        MalformedPathError: it is none of this form of message, too long, or has a prefix without a namespace.

    """
    expected = _XML_EXPECTED if is_xml else _JSON_EXPECTED
    if len(text) > MAX_WORD:
        raise MalformedPathError(expected)
    position = 0
    if text.startswith(ROOT):
        position = 1
    elif not is_xml:
        raise MalformedPathError(expected)
    steps: list[tuple[str, list[Operation]]] = [("", [])]
    nested = 0
    while position < len(text):
        if found := _OPERATION.match(text, position):
            operation = _OPERATIONS[found[0]]
            steps[-1][1].append(operation)
            if operation is not Operation.EACH:
                is_xml = operation is Operation.XML
                nested += 1
        elif is_xml and (found := _XML_STEP.match(text, position)):
            steps.append((_xml_key(found, namespaces), []))
        elif not is_xml and (found := _JSON_STEP.match(text, position)):
            steps.append((found["plain"] or found["quoted"], []))
        else:
            raise MalformedPathError(_XML_EXPECTED if is_xml else _JSON_EXPECTED)
        position = found.end()
    if len(steps) > MAX_STEPS or nested > MAX_NESTED_DEPTH:
        raise MalformedPathError(expected)
    return MessagePath(text=text, steps=tuple(Step(key=key, operations=tuple(operations)) for key, operations in steps))


def _xml_key(found: re.Match[str], namespaces: Mapping[str, str]) -> str:
    """Return the key of an element or attribute in a tree: with its namespace, as expat spells it."""
    prefix = found["prefix"] or ""
    # An attribute without a prefix has no namespace, whatever the default one is (Namespaces in XML 1.0 section 6.2).
    name = "" if found["attribute"] and not prefix else namespaces.get(prefix, "")
    if prefix and not name:
        raise MalformedPathError(
            Words(f"[message].namespaces 中已声明的前缀（{prefix}）", f"a prefix of [message].namespaces, not {prefix}")
        )
    spelt = f"{{{name}}}{found['name']}" if name else found["name"]
    return ATTRIBUTE + spelt if found["attribute"] else spelt
