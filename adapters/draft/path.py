"""Places of a shape as paths of the mapping language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.codes.holder_types import shown_holder_type
from adapters.draft.shape import Place
from adapters.mapping.forms.xml import TEXT
from adapters.mapping.path import ATTRIBUTE, ROOT, Operation

_PLAIN: Final = re.compile(r"""[^\s.\[\]@/"'$*]+""")
_XML_NAME: Final = re.compile(r"[^\W\d][\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where paths begin: at the message or at a record. ``prefixes`` maps namespaces to those of the mapping file."""

    place: Place
    is_record: bool
    prefixes: Mapping[str, str]

    def path_of(self, place: Place) -> str:
        """Return the path to a place, "" when none can be written."""
        own = "" if self.is_record else _spell_operations(self.place)  # a record is one of the list
        text = own if self.place.in_xml and not own else ROOT + own
        for step in place.way()[len(self.place.way()) :]:
            name = _spell_key(step, self.prefixes)
            if name is None:
                return ""
            text += name + _spell_operations(step)
        return "" if "[*]@" in text else text or ROOT


def name_of(place: Place) -> str:
    """Return the name of a place as people read it, without namespace and marks; a text has its element's."""
    if place.key == TEXT and place.outer is not None:
        return name_of(place.outer)
    return place.key.removeprefix(ATTRIBUTE).rpartition("}")[2]


def _spell_operations(place: Place) -> str:
    return "".join("[*]" if one is Operation.EACH else f"@{one}" for one in place.operations)


def _spell_key(place: Place, prefixes: Mapping[str, str]) -> str | None:
    """Return one step, or None for a name that no path can have, or that is a person's number and no name at all."""
    if shown_holder_type(place.key):
        return None
    if not place.in_xml:
        if _PLAIN.fullmatch(place.key):
            return f".{place.key}"
        return None if '"' in place.key or not place.key else f'["{place.key}"]'
    if place.key == TEXT:
        return ""
    mark = ATTRIBUTE if place.key.startswith(ATTRIBUTE) else ""
    namespace, _, local = place.key.removeprefix(ATTRIBUTE).rpartition("}")
    if not _XML_NAME.fullmatch(local):
        return None
    prefix = prefixes.get(namespace.removeprefix("{"), "") if namespace else ""
    return f"/{mark}{prefix}:{local}" if prefix else f"/{mark}{local}"


def namespaces_of(root: Place) -> dict[str, str]:
    """Return the prefixes to declare, to the namespaces of the messages: "" where all elements are in one."""
    found: dict[str, None] = {}
    elements_without = False
    for container in root.containers():
        for one in container.inside.values():
            if one.in_xml and one.key != TEXT:
                namespace = one.key.removeprefix(ATTRIBUTE).rpartition("}")[0].removeprefix("{")
                if namespace:
                    found.setdefault(namespace)
                elif not one.key.startswith(ATTRIBUTE):
                    elements_without = True
    if len(found) == 1 and not elements_without:
        return {"": next(iter(found))}
    return {f"n{number}": namespace for number, namespace in enumerate(found, start=1)}
