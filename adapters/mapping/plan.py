"""The paths of a mapping as one tree, so that a message is walked once and every value on the way is met once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.mapping.codecs.chain import Chain
from adapters.mapping.fault import FaultList, Path, Words, quote
from adapters.mapping.path import MessagePath, Operation, Step
from adapters.mapping.rule import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value at the end of a path.

    ``slot`` is where it goes, in the surface fields when ``in_surface``; ``get`` takes it from what is written.
    ``is_code`` marks status and outcome, whose codes are compared by their text, whatever their type.
    ``is_raw`` marks the records, which are read on their own. A leaf that ``ignores`` its value does not read it.
    """

    path: str
    slot: str
    chain: Chain
    get: Callable[[Any], object]
    place: Path = ()
    in_surface: bool = False
    is_code: bool = False
    is_raw: bool = False
    ignores: bool = False
    constant: str | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Every surface field that no other rule names: the members of an object, or entries with name and value."""

    path: str
    chain: Chain
    prefix: str
    pair: tuple[str, str] | None
    names: frozenset[str]  # that other rules carry
    place: Path = ()


@dataclass(slots=True, kw_only=True)
class Child:
    """What is known of the value under one key.

    ``rows`` is the list in the record that a list becomes. ``in_xml`` says whether the value stands in XML, and
    ``inside_xml`` whether its members do, which differs behind @json and @xml.
    """

    path: str
    operations: tuple[Operation, ...] = ()
    leaves: list[Leaf] = field(default_factory=list)
    whole: Whole | None = None
    children: "dict[str, Child]" = field(default_factory=dict)
    rows: str = ""
    in_xml: bool = False
    inside_xml: bool = False

    @property
    def is_raw(self) -> bool:
        """Whether the records stand here, which are read and written on their own."""
        return any(leaf.is_raw for leaf in self.leaves)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return Operation.EACH in self.operations

    @property
    def is_container(self) -> bool:
        """Whether there are paths into the value."""
        return bool(self.children) or (self.whole is not None and self.whole.pair is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path with what stands at its end; ``rows`` names the list in the record, when the path goes through one."""

    path: MessagePath
    leaf: Leaf | None = None
    whole: Whole | None = None
    rows: str = ""
    place: Path = ()


def make_plan(entries: Iterable[Entry], faults: FaultList, *, is_xml: bool) -> Child:
    """Return the tree of these paths; paths that contradict each other are noted as faults."""
    root = Child(path="$")
    for entry in entries:
        _insert(root, entry, faults)
    _settle(root, faults, is_xml=is_xml)
    return root


def _insert(root: Child, entry: Entry, faults: FaultList) -> None:
    steps = entry.path.steps
    here = root
    for place, step in enumerate(steps):
        if place:
            here = here.children.setdefault(step.key, Child(path=_spell(steps[: place + 1])))
        _agree(here, step, entry, faults)
    if entry.leaf is not None:
        here.leaves.append(entry.leaf)
    if entry.whole is not None:
        if here.whole is not None:
            expected = Words("一处 surface.*", "one surface.*")
            faults.add((*entry.place, "to"), expected=expected, found=Words("两处", "two of them"))
        here.whole = entry.whole


def _agree(here: Child, step: Step, entry: Entry, faults: FaultList) -> None:
    """Take over what a path says about a value on its way; all paths must say the same."""
    is_new = not (here.leaves or here.children or here.whole)
    if is_new:
        here.operations = step.operations
    elif here.operations != step.operations:
        expected = Words(
            "同一位置的路径写法一致（[*]、@json、@xml）", "the same [*], @json or @xml as another path has there"
        )
        faults.add((*entry.place, "at"), expected=expected, found=quote(entry.path.text))
    if here.is_list and entry.rows:
        if here.rows and here.rows != entry.rows:
            expected = Words("同一列表只对应一个目标", "one target for the whole list")
            faults.add((*entry.place, "to"), expected=expected, found=quote(entry.rows))
        here.rows = entry.rows


def _settle(child: Child, faults: FaultList, *, is_xml: bool) -> None:
    """Check that a value is a text or an object, not both; an XML element with attributes has a text of its own."""
    child.in_xml = child.inside_xml = is_xml
    for operation in child.operations:
        if operation is not Operation.EACH:
            child.inside_xml = operation is Operation.XML
    if child.leaves and child.is_container and is_xml and not child.operations:
        child.children.setdefault("", Child(path=child.path)).leaves += child.leaves
        child.leaves = []
    nested = any(one is not Operation.EACH for one in child.operations)
    if child.leaves and (child.is_container or (nested and not child.is_raw)):
        expected = Words("值或对象之一", "a value, or an object with values inside")
        found = Words("同一路径两者皆有", "both at one path")
        faults.add((*child.leaves[0].place, "at"), expected=expected, found=found)
    for inner in child.children.values():
        _settle(inner, faults, is_xml=child.inside_xml)


def _spell(steps: Sequence[Step]) -> str:
    """Spell a path again, so that all paths to one place are spelt alike."""
    text = "$"
    for place, step in enumerate(steps):
        text += f".{step.key}" if place else ""
        text += "".join("[*]" if one is Operation.EACH else f"@{one}" for one in step.operations)
    return text
