"""Where the records are in the messages: the innermost place that holds most of what the dictionary knows."""

from dataclasses import dataclass
from typing import Final

from adapters.crosswalk import Crosswalk, Role
from adapters.draft.path import name_of
from adapters.draft.shape import Place

_SURE: Final = 0.6  # confidence from which a name counts as known here
_MOST: Final = 0.7  # share of the known names that a place must hold; the rest stand in the envelope by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The place of the records; the message itself when each message is one."""

    place: Place

    @property
    def is_apart(self) -> bool:
        """Whether the records are something inside the message, or the message is a list of them."""
        return self.place.outer is not None or self.place.is_list


def find_records(root: Place, crosswalk: Crosswalk) -> Records:
    """Return where the records are: go down as long as one place inside holds most of the known names.

    A list ends the way, because what is in it are the records.
    """
    known = [place for place in root.leaves() if _is_known(place, crosswalk)]
    here = root
    while known and not here.is_list:
        inner = [one for one in here.inside.values() if one.inside]
        most = max(inner, key=lambda one: _count(one, known), default=None)
        if most is None or _count(most, known) < _MOST * len(known):
            break
        here = most
    is_root_element = here.outer is root and here.in_xml and not here.is_list
    return Records(place=root if is_root_element else here)


def _is_known(place: Place, crosswalk: Crosswalk) -> bool:
    return any(
        one.confidence >= _SURE and one.concept not in {role.value for role in Role}
        for one in crosswalk.suggest(name_of(place))
    )


def _count(place: Place, known: list[Place]) -> int:
    inside = {id(leaf) for leaf in place.leaves()}
    return sum(id(leaf) in inside for leaf in known)
