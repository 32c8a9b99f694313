r"""Canonical JSON: one content has one spelling, so that what was signed can be compared byte by byte.

UTF-8 without a byte order mark, no space between tokens, members of an object sorted by their name, each once;
integers, strings, lists, objects, true, false and null, no floats; in strings only ``"``, ``\`` and the control
characters below U+0020 are escaped, the latter as ``\b \t \n \f \r`` or else ``\u00xx`` in lower case.
RFC 8785 gives the same bytes for everything that we write (all member names are ASCII, and no floats).
"""

from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

MAX_DETAIL: Final = 200  # characters of an explanation; a member's name may come from the input

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_canonical(value: object) -> bytes:
    """Encode a value that is made of `msgspec.Struct`, dict, list, str, int, bool and None."""
    return _ENCODER.encode(value)


def parse_canonical(data: bytes, kind: type[T]) -> T:
    """Read a value of exactly this type; its structures should forbid unknown fields.

    Raises:
        NotCanonicalError: the same value has another spelling.
        ValueError: no JSON, or not of this type.

    """
    try:
        value = msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(str(error)[:MAX_DETAIL]) from error
    if encode_canonical(value) != data:
        raise NotCanonicalError("another spelling than the canonical one")
    return value


class NotCanonicalError(ValueError):
    """The JSON says something that has another, canonical spelling."""
