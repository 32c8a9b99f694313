"""Reads a request by the templates that would have written it: the same recipe, used by the side that is asked.

A member that is missing, null or "" says nothing, as where a caller leaves out what its form does not demand. Members
that no template names are passed over: a caller of the system itself may send more than our own client does.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from adapters.mapping.forms.xml import TEXT, read_xml_text
from adapters.transport.recipe import Tree
from adapters.transport.template import Kind, MissingValueError, Place, Template, parse_template

_MARKS: Final = ("\ue000", "\ue001")  # of private use (Unicode section 23.5), around the name of a place


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The texts at the places of some templates, by the keys of the places; ``named`` is how many say something.

    A key with several texts that differ is in ``contradictory``: nobody can tell which one is meant.
    """

    texts: Mapping[str, str]
    named: int
    contradictory: frozenset[str] = frozenset()


NOTHING: Final = Said(texts={}, named=0)


def is_readable(template: Template) -> bool:
    """Return whether the texts at the places of a template can be told apart: no two stand side by side."""
    return not any(isinstance(one, Place) and isinstance(two, Place) for one, two in pairwise(template.parts))


def read_text(template: Template, text: str) -> Said | None:
    """Return the texts at the places of a template; None: it cannot have written this text.

    A place ends where the fixed text behind it begins first; the last one goes on to the end.
    """
    if not text:
        places = [str(place) for place in template.places]
        return _collect([(place, "") for place in places], named=0) if places or not template.parts else None
    found: list[tuple[str, str]] = []
    place: Place | None = None
    position = 0
    end = len(template.parts) - 1
    for index, part in enumerate(template.parts):
        if isinstance(part, Place):
            place = part
            continue
        start = text.find(part, position) if index < end else len(text) - len(part)
        if start < position or not text.startswith(part, start) or (place is None and start != position):
            return None
        if place is not None:
            found.append((str(place), text[position:start]))
        place, position = None, start + len(part)
    if place is not None:
        found.append((str(place), text[position:]))
    elif position != len(text):
        return None
    return _collect(found, named=1)


def read_tree(tree: Tree, node: object) -> Said | None:
    """Return the texts in the tree of a message, by the tree of templates that would have written it.

    None: another call wrote it.
    """
    match tree:
        case Template():
            text = _text_of(node)
            return None if text is None else read_text(tree, text)
        case bool():
            return Said(texts={}, named=1) if node is tree else None
        case int():
            return Said(texts={}, named=1) if _text_of(node) == str(tree) else None
        case tuple():
            nodes = [None] * len(tree) if node in (None, "") else node
            if not isinstance(nodes, list) or len(nodes) != len(tree):
                return None
            return join(read_tree(one, inner) for one, inner in zip(tree, nodes, strict=True))
        case _:
            members = {} if node in (None, "") else node
            if not isinstance(members, dict):
                return None
            return join(read_tree(one, members.get(name)) for name, one in tree.items())


def read_members(templates: Mapping[str, Template], members: Mapping[str, str]) -> Said | None:
    """Return the texts in the query, the headers or the form of a request."""
    return join(read_text(one, members.get(name, "")) for name, one in templates.items())


def join(parts: Iterable[Said | None]) -> Said | None:
    """Return what is said in several places together; None where one of them is none of a template."""
    found: list[tuple[str, str]] = []
    named, contradictory = 0, frozenset[str]()
    for one in parts:
        if one is None:
            return None
        found += one.texts.items()
        named += one.named
        contradictory |= one.contradictory
    joined = _collect(found, named=named)
    return Said(texts=joined.texts, named=named, contradictory=joined.contradictory | contradictory)


def xml_tree(template: Template) -> Tree:
    """Return the tree of templates that a template of XML is; raises AdapterError where it is no XML."""
    opening, closing = _MARKS
    text = template.fill({str(place): f"{opening}{{{place}}}{closing}" for place in template.places}, str)
    return _as_templates(read_xml_text(text))


def missing_fields(names: Collection[str], places: Collection[str], values: Mapping[str, Template]) -> list[str]:
    """Return the fields of a signature that whoever is asked cannot know, in order.

    They stand in no place of the request, and are made of more than its places and what both sides agreed.
    """

    def is_known(place: Place) -> bool:
        return place.kind in {Kind.SETTING, Kind.SECRET} or str(place) in places

    return sorted(
        name
        for name in names
        if f"{Kind.VALUE}.{name}" not in places and not (name in values and all(map(is_known, values[name].places)))
    )


def signed_fields(
    names: Collection[str], said: Mapping[str, str], values: Mapping[str, Template], agreed: Mapping[str, str]
) -> dict[str, str]:
    """Return the fields of a signature as the request says them; one that it does not carry is made as its sender did.

    ``agreed`` are settings and secrets by the keys of their places. What can be made of nothing is left out.
    """
    known = {**agreed, **said}
    found = {}
    for name in names:
        template = Template(parts=(Place(kind=Kind.VALUE, name=name),))
        if f"{Kind.VALUE}.{name}" not in said and name in values:
            template = values[name]
        try:
            found[name] = template.fill(known, str)
        except MissingValueError:
            continue
    return found


def _as_templates(node: object) -> Tree:
    if isinstance(node, dict):
        return {name: _as_templates(one) for name, one in node.items()}
    if isinstance(node, list):
        return tuple(_as_templates(one) for one in node)
    return _as_template(str(node))


def _as_template(text: str) -> Template:
    opening, closing = _MARKS
    first, *rest = text.split(opening)
    parts: list[str | Place] = [first]
    for one in rest:
        place, _, fixed = one.partition(closing)
        parts += [*parse_template(place).parts, fixed]
    return Template(parts=tuple(part for part in parts if part != ""))


def _text_of(node: object) -> str | None:
    """Return the text of a leaf, "" for nothing; None for what is no text."""
    if isinstance(node, dict) and isinstance(node.get(TEXT), str):
        node = node[TEXT]
    match node:
        case None:
            return ""
        case str():
            return node
        case bool():
            return None
        case int():
            return str(node)
        case _:
            return None


def _collect(found: list[tuple[str, str]], *, named: int) -> Said:
    """Join texts by their keys; of one that says nothing and one that says something, the latter counts."""
    texts: dict[str, str] = {}
    contradictory = set()
    for key, text in found:
        known = texts.get(key, "")
        if known and text and known != text:
            contradictory.add(key)
        texts[key] = known or text
    return Said(texts=texts, named=named, contradictory=frozenset(contradictory))
