"""Surface fields (照面信息) as a whole: an object of them, or a list of entries with a name and a value."""

from dataclasses import dataclass
from typing import Final

from adapters.crosswalk import Crosswalk
from adapters.draft.path import name_of
from adapters.draft.shape import Place
from adapters.mapping.fault import Words
from adapters.mapping.forms.xml import TEXT
from adapters.mapping.path import ATTRIBUTE

WHOLE: Final = "surface.*"
_PAIRS: Final = (
    *(("name", "value"), ("columnName", "value"), ("key", "value"), ("fieldName", "fieldValue")),
    *((f"{ATTRIBUTE}{name}", TEXT) for name in ("name", "n", "key", "columnName", "fieldName")),  # <f name="…">…</f>
)
_LIKE_PAIRS: Final = 0.6  # entries with a name and a value, under a name that says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfacePlace:
    """A place whose members are surface fields; ``pairs`` are the keys of name and value where it is a list."""

    place: Place
    confidence: float
    why: Words
    pairs: tuple[str, str] | None


def find_surface(record: Place, crosswalk: Crosswalk) -> SurfacePlace | None:
    """Return the place of the surface fields in a record, the surest one; a record has at most one."""
    found = [one for one in (_read(place, crosswalk) for place in _objects(record)) if one is not None]
    return max(found, key=lambda one: one.confidence, default=None)


def _objects(record: Place) -> list[Place]:
    """Return the places with others in them that a record has once: none inside a list of it."""
    depth = len(record.way())
    return [
        one
        for one in record.containers()
        if one is not record and not any(outer.is_list for outer in one.way()[depth:-1])
    ]


def _read(place: Place, crosswalk: Crosswalk) -> SurfacePlace | None:
    named = next((one for one in crosswalk.suggest(name_of(place)) if one.concept == WHOLE), None)
    pairs = next((keys for keys in _PAIRS if _has_texts(place, keys)), None) if place.is_list else None
    if place.is_list and pairs is None:
        return None
    if named is None and pairs is None:
        return None
    why = Words("名称与取值成对的列表", "a list of entries with name and value")
    confidence = _LIKE_PAIRS
    if named is not None and (pairs is None or named.confidence > _LIKE_PAIRS):
        why, confidence = named.why, named.confidence
    return SurfacePlace(place=place, confidence=confidence, why=why, pairs=pairs)


def _has_texts(place: Place, keys: tuple[str, str]) -> bool:
    return all(key in place.inside and place.inside[key].texts for key in keys)
