"""The claims that a holder can choose, each by a JSON Pointer (RFC 6901): ``/holders/0/name``."""

from collections.abc import Collection, Mapping

from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.strict_json import Json
from keys.sd_jwt.unfolding import Path, Unfolded


def list_pointers(unfolded: Unfolded) -> Mapping[str, Json]:
    """Return what can be disclosed and has nothing below that can, in the order of places, with its value."""
    around = {path[:length] for path in unfolded.places for length in range(len(path))}
    leaves = sorted((path for path in unfolded.places if path not in around), key=_order)
    return {spell_pointer(path): unfolded.places[path][-1].value for path in leaves}


def select_paths(unfolded: Unfolded, pointers: Collection[str]) -> list[Path]:
    """Return the paths of what is at these pointers, and below.

    Raises:
        SdJwtError: NO_SUCH_CLAIM, nothing can be disclosed at one of them.

    """
    places = {path: spell_pointer(path) for path in unfolded.places}
    for pointer in pointers:
        if not any(_is_at(place, pointer) for place in places.values()):
            raise SdJwtError(SdJwtFault.NO_SUCH_CLAIM)
    return [path for path, place in places.items() if any(_is_at(place, pointer) for pointer in pointers)]


def spell_pointer(path: Path) -> str:
    """Write a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _is_at(place: str, pointer: str) -> bool:
    return bool(pointer) and (place == pointer or place.startswith(pointer + "/"))


def _order(path: Path) -> tuple[str, ...]:
    """Order lists by position, of up to six digits; the rest by name."""
    return tuple(f"{step:06}" if isinstance(step, int) else step for step in path)
