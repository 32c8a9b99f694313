"""What one place may be: guesses from its name by the dictionary, and from what its values look like."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.crosswalk import STATUS, Crosswalk, Role
from adapters.draft.path import name_of
from adapters.draft.shape import Place
from adapters.draft.value import Kind, Traits, begins_as_file, find_traits
from adapters.mapping.codecs.codec import Sort
from adapters.mapping.fault import Words
from adapters.mapping.forms.xml import TEXT
from adapters.mapping.target import HOLDERS, SURFACE, VALID_TO, parse_target

_EXTENSION: Final = "KZ_"  # GB/T 36903: names of surface fields
_EXTENDED: Final = 0.9  # a name that begins so is one
_BESIDE: Final = 0.95  # times, for a name that means something only together with the object around it
_SURER: Final = 0.03  # added where the values are what the name says
_MOST: Final = 0.97  # nothing is certain that only samples show
_LESS_SURE: Final = 0.5  # times, where the values are plainly something else
_NO_FORM: Final = 0.8  # times, for an end of which only the word for "none" was seen

# What the values say where the name says nothing.
_BY_KIND: Final[Mapping[Kind, tuple[str, float]]] = {
    Kind.IDENTIFIER: ("identifier", 0.9),
    Kind.TYPE_CODE: ("type_code", 0.8),
    Kind.CITIZEN_ID: ("holders[].code", 0.6),
    Kind.HOLDER_CODE: ("holders[].code", 0.6),
    Kind.LINK: ("document.link", 0.55),
    Kind.FILE: ("document.content", 0.7),
}
_KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    "identifier": frozenset({Kind.IDENTIFIER}),
    "type_code": frozenset({Kind.TYPE_CODE}),
    "holders[].code": frozenset({Kind.CITIZEN_ID, Kind.CREDIT_CODE, Kind.HOLDER_CODE, Kind.ORGANISATION_CODE}),
    "issuer_code": frozenset({Kind.CREDIT_CODE, Kind.ORGANISATION_CODE}),
    "area": frozenset({Kind.AREA_CODE}),
    "document.link": frozenset({Kind.LINK}),
    "document.content": frozenset({Kind.FILE}),
    "issued_on": frozenset({Kind.DATE}),
    "valid_from": frozenset({Kind.DATE}),
    VALID_TO: frozenset({Kind.DATE}),
}
_LOOSE: Final = frozenset({None, Kind.CODE, Kind.AREA_CODE, Kind.ORGANISATION_CODE})  # chance may make these
_LOOKS_LIKE: Final = {
    Kind.IDENTIFIER: Words("取值为电子证照标识", "values are licence identifiers"),
    Kind.TYPE_CODE: Words("取值为证照类型代码", "values are licence type codes"),
    Kind.CITIZEN_ID: Words("取值为公民身份号码", "values are citizen IDs"),
    Kind.HOLDER_CODE: Words("取值为公民身份号码或统一社会信用代码", "values are citizen IDs or credit codes"),
    Kind.LINK: Words("取值为网址", "values are links"),
    Kind.FILE: Words("取值为 base64 文件", "values are files in base64"),
}
_ROLES: Final = frozenset(role.value for role in Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One guess about a place: a target of the mapping language, "status" or a role; confidence from 0 to 1."""

    place: Place
    traits: Traits
    to: str
    confidence: float
    why: Words


def find_candidates(place: Place, record: Place, crosswalk: Crosswalk) -> Iterator[Candidate]:
    """Yield what a place with values may be, in a record or around the records.

    One that is sometimes a value and sometimes an object is nothing that a mapping can name.
    """
    if place.inside or place is record:
        return
    traits = find_traits([value for _, value in place.values])
    if name_of(place).startswith(_EXTENSION):
        yield from _extension(place, record, traits)
        return
    found: dict[str, tuple[float, Words]] = {}
    for words, share in _names(place, record):
        for one in crosswalk.suggest(words):
            confidence = _weigh(one.concept, one.confidence * share, traits, lists=_lists(place, record))
            if confidence > found.get(one.concept, (0.0, one.why))[0]:
                found[one.concept] = (confidence, one.why)
    if traits.kind is not None and traits.kind in _BY_KIND and _tells(traits.kind, place):
        to, by_value = _BY_KIND[traits.kind]
        if by_value > found.get(to, (0.0, None))[0] and _lists(place, record) <= _lists_of(to):
            found[to] = (by_value, _LOOKS_LIKE[traits.kind])
    for to, (confidence, why) in found.items():
        if confidence > 0:
            yield Candidate(place=place, traits=traits, to=to, confidence=round(confidence, 2), why=why)


def _tells(kind: Kind, place: Place) -> bool:
    """Say whether values of a kind show by themselves what they are; base64 may hold anything."""
    texts = [value for _, value in place.values if isinstance(value, str) and value]
    return kind is not Kind.FILE or all(map(begins_as_file, texts))


def _extension(place: Place, record: Place, traits: Traits) -> Iterator[Candidate]:
    """Yield the surface field that a name says outright; true and false are no text of a licence's face."""
    to = SURFACE + name_of(place).removeprefix(_EXTENSION)
    if parse_target(to) is not None and not traits.flags and not _lists(place, record):
        why = Words("GB/T 36903 扩展字段（KZ_）", "an extension field of GB/T 36903 (KZ_)")
        yield Candidate(place=place, traits=traits, to=to, confidence=_EXTENDED, why=why)


def _names(place: Place, record: Place) -> Iterator[tuple[str, float]]:
    """Yield the name of a place, and it together with that of the object around it: holder.name is a holder's name."""
    name = name_of(place)
    yield name, 1.0
    outer = place.outer
    if outer is not None and outer is not record and outer.key and name_of(outer) != name:
        yield f"{name_of(outer)}_{name}", _BESIDE


def _weigh(to: str, confidence: float, traits: Traits, *, lists: int) -> float:
    """Return how sure a guess is when the values are looked at; 0 where it cannot be written down."""
    if to == STATUS or to in _ROLES:
        return confidence
    target = parse_target(to)
    if target is None or target.is_whole_surface or lists > _lists_of(to):
        return 0.0
    if traits.flags != (target.sort is Sort.FLAG):
        return 0.0
    expected = _KINDS.get(to, frozenset())
    if traits.kind in expected:
        return min(confidence + _SURER, _MOST)
    if target.sort is Sort.DAY:
        return confidence * _NO_FORM if to == VALID_TO and traits.long_terms else 0.0
    if target.sort is Sort.BYTES:
        return 0.0
    return confidence if traits.kind in _LOOSE else confidence * _LESS_SURE


def _lists(place: Place, record: Place) -> int:
    """Return how many lists are between a record and a place; a list of mere texts is one too many for every target."""
    way = place.way()[len(record.way()) :]
    last = way[-2] if place.in_xml and place.key == TEXT and len(way) > 1 else place  # the element of a text
    return sum(one.is_list for one in way) + last.is_list


def _lists_of(to: str) -> int:
    return 1 if to.startswith(HOLDERS) else 0
