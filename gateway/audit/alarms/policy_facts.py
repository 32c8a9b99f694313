"""What the rules have to know of a policy: which items demand a case, where a mask was allowed, what a change widened.

All of it follows from bundles in the archive of the site, so history is judged by the policy that decided then.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from gateway.audit.form_letters import FORM_LETTERS, WITHHELD
from policies.bundle import Bundle
from policies.difference.contexts import compare_contexts
from policies.difference.line import Topic
from policies.form import Form, FormKind
from policies.item import Item

MAX_REMEMBERED: Final = 16  # bundles, and as many differences; a site changes its policy a few times a month
PLAIN: Final = FORM_LETTERS[FormKind.PLAIN]
_LESSER: Final = frozenset({FormKind.MASK, FormKind.GENERAL, FormKind.PSEUDONYM})  # shows less, and still shows

_Key = TypeVar("_Key")
_Known = TypeVar("_Known")


class Shape(NamedTuple):
    """What a question asks for."""

    item: str
    licence_type: str


class Gain(NamedTuple):
    """Who may gain from a change of policy, and by what."""

    caller_kind: str
    item: str
    licence_type: str


Widened = Mapping[Gain, Mapping[int, frozenset[str]]]  # by place in a form: the characters that show what is new


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFacts:
    """``masked``: the places in a form of fields that the item may also receive masked, coarser or pseudonymous."""

    with_case: frozenset[str]
    masked: Mapping[Shape, frozenset[int]]


class PolicyLibrary:
    """Bundles by their digests, read once; ``read`` raises KeyError for one that is not there or is damaged."""

    def __init__(self, read: Callable[[str], Bundle]) -> None:
        """Begin with nothing read."""
        self._read = read
        self._facts: OrderedDict[str, PolicyFacts | None] = OrderedDict()
        self._widened: OrderedDict[tuple[str, str], Widened | None] = OrderedDict()

    def facts(self, digest: str) -> PolicyFacts | None:
        """Return what is known of a policy; None: its bundle is not there."""
        return _remember(self._facts, digest, lambda: self._find_facts(digest))

    def widened(self, old: str, new: str) -> Widened | None:
        """Return what one policy gives that the one before did not; None: a bundle is not there. May take seconds."""
        return _remember(self._widened, (old, new), lambda: self._compare(old, new))

    def _find_facts(self, digest: str) -> PolicyFacts | None:
        try:
            return find_facts(self._read(digest))
        except KeyError:
            return None

    def _compare(self, old: str, new: str) -> Widened | None:
        try:
            return find_widened(self._read(old), self._read(new))
        except KeyError:
            return None


def find_facts(bundle: Bundle) -> PolicyFacts:
    """Return what the rules have to know of a bundle."""
    fields = {licence.id: sorted(licence.fields) for licence in bundle.licences}
    masked = {
        Shape(item.id, licence): frozenset(
            place for place, name in enumerate(fields[licence]) if _has_choice(item, name)
        )
        for item in bundle.items
        for licence in item.licences
        if licence in fields
    }
    return PolicyFacts(
        with_case=frozenset(item.id for item in bundle.items if item.case.required),
        masked=MappingProxyType(masked),
    )


def find_widened(old: Bundle, new: Bundle) -> Widened:
    """Return what callers may get of fields that they did not get before."""
    places = {licence.id: {name: at for at, name in enumerate(sorted(licence.fields))} for licence in new.licences}
    widened: dict[Gain, dict[int, frozenset[str]]] = {}
    for line in compare_contexts(old, new):
        place = places.get(line.licence, {}).get(line.field)
        if not line.widens or line.topic is not Topic.FIELD or place is None:
            continue
        shown = _characters(line.new)
        gained = frozenset(shown - _characters(line.old) or shown)  # from one mask to another: both spell "m"
        for kind, _ in line.callers:
            found = widened.setdefault(Gain(kind, line.item, line.licence), {})
            found[place] = found.get(place, frozenset()) | gained
    return widened


def _has_choice(item: Item, name: str) -> bool:
    kinds = {Form.parse(text).kind for text in item.ceiling.get(name, ())}
    return FormKind.PLAIN in kinds and not kinds.isdisjoint(_LESSER)


def _characters(shown: str) -> set[str]:
    """Return how entries spell what a difference calls ``mask:name+match``."""
    return {FORM_LETTERS[Form.parse(one).kind] for one in shown.split("+") if one} - {WITHHELD}


def _remember(known: OrderedDict[_Key, _Known], key: _Key, find: Callable[[], _Known]) -> _Known:
    if key not in known:
        known[key] = find()
        if len(known) > MAX_REMEMBERED:
            known.popitem(last=False)
    return known[key]
