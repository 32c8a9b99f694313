"""JSON objects as I-JSON has them (RFC 7493): what two readers may read differently is refused."""

import json
import math
from typing import Final, NoReturn, TypeAlias

from keys.sd_jwt.bounds import MAX_DEPTH
from keys.sd_jwt.errors import SdJwtError, SdJwtFault

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

_MAX_DIGITS: Final = 19  # of an integer: what 64 bits hold


def parse_json(data: bytes) -> Json:
    """Read one JSON text in UTF-8.

    Raises:
        SdJwtError: JSON, also for a name that stands twice, numbers that do not fit, and deep nesting.

    """
    try:
        value: Json = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_names,
            parse_constant=_refuse,
            parse_int=_read_integer,
            parse_float=_read_float,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair has no UTF-8
    except SdJwtError:
        raise
    except (ValueError, RecursionError):
        raise SdJwtError(SdJwtFault.JSON) from None  # the cause carries the whole text
    check_depth(value, MAX_DEPTH)
    return value


def check_depth(value: Json, room: int) -> None:
    """Refuse what nests deeper than there is room; raises SdJwtError with JSON."""
    level: list[Json] = [value]
    while level := [inner for one in level if isinstance(one, dict | list) for inner in _children(one)]:
        room -= 1
        if room < 0:
            raise SdJwtError(SdJwtFault.JSON, f"nested more than {MAX_DEPTH} deep")


def _children(value: dict[str, Json] | list[Json]) -> list[Json]:
    return list(value.values()) if isinstance(value, dict) else value


def _unique_names(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise SdJwtError(SdJwtFault.JSON, "a name stands twice in one object")
    return found


def _refuse(_: str) -> NoReturn:
    raise SdJwtError(SdJwtFault.JSON, "NaN or infinity")


def _read_integer(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise SdJwtError(SdJwtFault.JSON, f"an integer of more than {_MAX_DIGITS} digits")
    return int(text)


def _read_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise SdJwtError(SdJwtFault.JSON, "a number beyond the range")
    return value
