"""Proposes a mapping of samples: the surest guess first, every place and every field of the record once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from adapters.crosswalk import STATUS, Crosswalk, Role
from adapters.draft.candidate import Candidate, find_candidates
from adapters.draft.codec import find_codecs
from adapters.draft.guess import CodesSeen, Guess, Proposal, Unmapped
from adapters.draft.path import Base, namespaces_of
from adapters.draft.records import find_records
from adapters.draft.sample import Samples
from adapters.draft.shape import Place, Shape
from adapters.draft.surface import WHOLE, SurfacePlace, find_surface
from adapters.draft.value import find_traits
from adapters.mapping.forms.form import FormName
from adapters.mapping.target import parse_target

LEAST: Final = 0.4  # a guess that is less sure is a remark, and no line of the mapping
_LEAST_NEAR: Final = 0.25  # and below this it is not even that
_LIST: Final = "[*]"
_ROLES: Final = frozenset(role.value for role in Role)
_AROUND: Final = frozenset({Role.MESSAGE.value, Role.COUNT.value})


def propose(samples: Samples, crosswalk: Crosswalk) -> Proposal:
    """Propose a mapping of samples.

    1. Lay all messages over each other, and find where the records are.
    2. For each place with values, ask the dictionary about its name, and look at the values.
    3. Take the surest guess first.
    4. Report what is left; nothing is mapped by force.
    """
    shape = Shape(samples.trees, is_xml=samples.layout.form is FormName.XML)  # 1
    root, records = shape.root, find_records(shape.root, crosswalk)
    record = records.place
    namespaces = namespaces_of(root)
    prefixes = {name: prefix for prefix, name in namespaces.items()}
    at_root = Base(place=root, is_record=False, prefixes=prefixes)
    at_record = Base(place=record, is_record=True, prefixes=prefixes)
    in_record = list(record.leaves())
    within = {id(place) for place in in_record} if records.is_apart else set()
    surface = find_surface(record, crosswalk)
    in_pairs = {id(place) for place in surface.place.leaves()} if surface is not None and surface.pairs else set()
    inside = _ask((place for place in in_record if id(place) not in in_pairs), record, crosswalk)  # 2
    around = _ask((place for place in root.leaves() if id(place) not in within), root, crosswalk)
    outcome = _outcome(around)
    taken = set() if outcome is None else {id(outcome.place)}
    chosen = _choose((one for one in inside if one.to not in _ROLES and id(one.place) not in taken), record)  # 3
    status = next((one for one in chosen if one.to == STATUS), None)
    fields = [guess for one in chosen if one.to != STATUS and (guess := _guess(one, at_record))]
    whole = _whole(surface, at_record)
    taken |= {id(one.place) for one in chosen}
    envelope = [
        one for one in _choose((one for one in around if one.to in _AROUND), root) if id(one.place) not in taken
    ]
    seen = None if status is None else _codes_seen(status, at_record)
    return Proposal(
        layout=replace(samples.layout, namespaces=namespaces),
        records=_records_path(record, at_root) if records.is_apart else "",
        fields=(*fields, *([whole] if whole is not None else [])),
        status=seen,
        outcome=None if outcome is None else _codes_seen(outcome, at_root, with_records=_messages(in_record)),
        envelope=tuple(guess for one in envelope if (guess := _guess_around(one, at_root))),
        unmapped=tuple(_unmapped(in_record, taken, surface, inside, at_record)),  # 4
        samples=len(samples.trees),
        is_whole=shape.is_whole,
    )


def _ask(places: Iterable[Place], record: Place, crosswalk: Crosswalk) -> list[Candidate]:
    return [one for place in places for one in find_candidates(place, record, crosswalk)]


def _choose(candidates: Iterable[Candidate], record: Place) -> list[Candidate]:
    """Return the candidates to take: the surest first, each target and each place once; in the order of the message.

    What stands in lists of a record is taken from one list alone.
    """
    listed = list(candidates)
    order = {id(one): place for place, one in enumerate(listed)}
    targets: set[str] = set()
    places: set[int] = set()
    lists: set[tuple[str, ...]] = set()
    chosen = []
    for one in sorted(listed, key=lambda one: (-one.confidence, order[id(one)])):
        if one.confidence < LEAST or one.to in targets or id(one.place) in places:
            continue
        if one.to == STATUS and not one.traits.codes:
            continue  # its values are no codes
        way = one.place.way()[len(record.way()) :]
        last = max((number for number, place in enumerate(way, 1) if place.is_list), default=0)
        keys = tuple(place.key for place in way[:last])
        if keys and keys not in lists and lists:
            continue
        lists |= {keys} if keys else set()
        targets.add(one.to)
        places.add(id(one.place))
        chosen.append(one)
    return sorted(chosen, key=lambda one: order[id(one)])


def _outcome(around: Iterable[Candidate]) -> Candidate | None:
    """Return the surest place of the code that says how a question went, outside of all lists."""
    fitting = [
        one
        for one in around
        if one.to == Role.OUTCOME
        and one.confidence >= LEAST
        and one.traits.codes
        and not any(place.is_list for place in one.place.way())
    ]
    return max(fitting, key=lambda one: one.confidence, default=None)


def _guess(one: Candidate, base: Base) -> Guess | None:
    """Return a line of the mapping, None when the place has a name that no path can have."""
    target, at = parse_target(one.to), base.path_of(one.place)
    if target is None or not at:
        return None
    codecs = find_codecs(target, one.traits, in_list=_LIST in at)
    return Guess(to=one.to, at=at, codecs=codecs, confidence=one.confidence, why=one.why)


def _guess_around(one: Candidate, base: Base) -> Guess | None:
    at = base.path_of(one.place)
    if not at or _LIST in at or one.traits.flags:
        return None
    codecs = ("number-text",) if one.traits.numbers and not one.traits.fractions else ()
    return Guess(to=one.to, at=at, codecs=codecs, confidence=one.confidence, why=one.why)


def _codes_seen(one: Candidate, base: Base, *, with_records: frozenset[int] = frozenset()) -> CodesSeen | None:
    """Return the codes of a place; ``with_records`` are the numbers of the messages that hold records."""
    at = base.path_of(one.place)
    if not at or _LIST in at:
        return None
    beside = {str(value) for number, value in one.place.values if number in with_records}
    return CodesSeen(
        at=at,
        codes=one.traits.codes,
        beside_records=tuple(code for code in one.traits.codes if code in beside),
        confidence=one.confidence,
        why=one.why,
    )


def _messages(places: Iterable[Place]) -> frozenset[int]:
    """Return the numbers of the messages in which one of the places has a value."""
    return frozenset(number for place in places for number, _ in place.values)


def _whole(surface: SurfacePlace | None, base: Base) -> Guess | None:
    if surface is None or surface.confidence < LEAST:
        return None
    at = base.path_of(surface.place)
    if not at:
        return None
    return Guess(to=WHOLE, at=at, codecs=(), confidence=surface.confidence, why=surface.why, pairs=surface.pairs)


def _records_path(record: Place, base: Base) -> str:
    """Return the path of the records; in XML one element may be the only one of a list."""
    path = base.path_of(record)
    return path if not record.in_xml or record.is_list or not path else path + _LIST


def _unmapped(
    leaves: Sequence[Place],
    taken: set[int],
    surface: SurfacePlace | None,
    candidates: Sequence[Candidate],
    base: Base,
) -> Iterator[Unmapped]:
    """Yield the places of a record that no rule of the proposal reads."""
    covered = {id(place) for place in surface.place.leaves()} if surface and surface.confidence >= LEAST else set()
    for place in leaves:
        if id(place) in taken or id(place) in covered:
            continue
        likely = (one for one in candidates if one.place is place and one.confidence >= _LEAST_NEAR)
        near = max(likely, key=lambda one: one.confidence, default=None)
        traits = find_traits([value for _, value in place.values])
        yield Unmapped(at=base.path_of(place), kind=traits.kind, near="" if near is None else near.to)
