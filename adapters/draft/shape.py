"""The shape of a set of messages: all their trees laid over each other, with every value that a place had."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.mapping.bounds import MAX_NESTED_DEPTH
from adapters.mapping.error import AdapterError
from adapters.mapping.forms.json import read_json_text
from adapters.mapping.forms.xml import TEXT, read_xml_text
from adapters.mapping.path import Operation

MAX_PLACES: Final = 5_000  # of one shape; a message with a printed form in it has some hundred
MAX_VALUES: Final = 500  # kept of one place; enough to see a rare form of date


@dataclass(slots=True, kw_only=True)
class Place:
    """One place of the messages. ``key`` is its name in the object around it, "" for the message itself.

    ``values`` are the scalars that stood there, with the number of their message; ``operations`` what is between the
    value under the key and what ``inside`` describes: a list, a text that holds a message.
    """

    key: str
    outer: "Place | None" = None
    operations: tuple[Operation, ...] = ()
    values: list[tuple[int, object]] = field(default_factory=list)
    inside: "dict[str, Place]" = field(default_factory=dict)
    in_xml: bool = False  # whether its key is one of XML

    @property
    def is_list(self) -> bool:
        """Whether the place holds a list, or lists."""
        return Operation.EACH in self.operations

    @property
    def texts(self) -> list[str]:
        """The values that are texts."""
        return [value for _, value in self.values if isinstance(value, str)]

    def way(self) -> "list[Place]":
        """Return the places from the message down to this one, both included."""
        found: list[Place] = [self]
        while found[-1].outer is not None:
            found.append(found[-1].outer)
        return found[::-1]

    def leaves(self) -> "Iterator[Place]":
        """Yield the places with values in this one, itself included."""
        if self.values:
            yield self
        for one in self.inside.values():
            yield from one.leaves()

    def containers(self) -> "Iterator[Place]":
        """Yield the places with others in them, this one included."""
        if self.inside:
            yield self
        for one in self.inside.values():
            yield from one.containers()


class Shape:
    """Builds the shape of trees; places beyond the bound are left out, and ``is_whole`` says so."""

    def __init__(self, trees: Sequence[object], *, is_xml: bool) -> None:
        """Lay the trees over each other, then open the texts that hold messages."""
        self.is_whole = True
        self._places = 0
        self.root = Place(key="", in_xml=is_xml)
        for number, tree in enumerate(trees):
            self._lay(self.root, tree, number)
        self._open(self.root, 0)

    def _lay(self, place: Place, value: object, number: int) -> None:
        if isinstance(value, list):
            if not place.is_list:
                place.operations = (*place.operations, Operation.EACH)
            for one in value:
                if not isinstance(one, list):  # lists in lists have no path
                    self._lay(place, one, number)
        elif isinstance(value, dict):
            for key, one in value.items():
                inner = place.inside.get(key) or self._add(place, key)
                if inner is not None:
                    self._lay(inner, one, number)
        elif value is not None and len(place.values) < MAX_VALUES:
            place.values.append((number, value))

    def _add(self, place: Place, key: str) -> Place | None:
        """Return a new place inside another, None when there are too many."""
        if self._places == MAX_PLACES:
            self.is_whole = False
            return None
        self._places += 1
        inner = place.inside[key] = Place(key=key, outer=place, in_xml=place.in_xml)
        return inner

    def _open(self, place: Place, depth: int) -> None:
        """Open a text that holds a message; all texts of the place must, or none is opened.

        The text of an element with attributes stays closed: no path could lead into it.
        """
        is_element_text = place.in_xml and place.key == TEXT
        if not (place.inside or place.is_list or is_element_text) and depth < MAX_NESTED_DEPTH:
            opened = _read_nested(place)
            if opened is not None:
                operation, trees = opened
                place.operations = (operation,)
                place.values = []
                is_xml = place.in_xml
                place.in_xml = operation is Operation.XML  # of the keys inside
                for number, tree in trees:
                    self._lay(place, tree, number)
                place.in_xml = is_xml
                depth += 1
        for one in place.inside.values():
            self._open(one, depth)


def _read_nested(place: Place) -> tuple[Operation, list[tuple[int, object]]] | None:
    """Return the messages in the texts of a place; None when one of them is a text like any other, or none is there."""
    texts = [(number, value) for number, value in place.values if value != ""]
    if not texts or not all(isinstance(value, str) for _, value in texts):
        return None
    for operation, opening, read in (
        (Operation.JSON, "{[", read_json_text),
        (Operation.XML, "<", read_xml_text),
    ):
        if all(str(value).lstrip()[:1] in opening and str(value).strip() for _, value in texts):
            try:
                return operation, [(number, read(str(value))) for number, value in texts]
            except AdapterError:
                return None
    return None
