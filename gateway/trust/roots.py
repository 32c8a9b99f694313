"""The root keys of signed trust lists: who may sign the first version, as an operator was told by another way.

They stand in ``roots.json`` of the trust folder, for each list in the place of the keys of a version before the first.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.trust.files import read_file
from gateway.trust.layout import ROOTS_FILE
from keys.errors import MalformedTrustListError
from keys.trust_list import ListKey, ListKeys
from keys.trust_list_parse import read_list_key
from keys.trust_list_wire import WireKey

ROOTS_SCHEMA: Final = "tongban-trust-roots/1"
MAX_LISTS: Final = 100  # a national list, one for each province, and some for trials
MAX_ROOTS_BYTES: Final = 1024 * 1024  # 100 lists with 32 keys of 300 bytes
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")  # as in a list itself
Roots = Mapping[str, ListKeys]  # by the name of the list


class _WireRoots(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    threshold: int
    keys: list[WireKey]


class _WireRootsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: str
    lists: list[_WireRoots]


def parse_roots(data: bytes) -> Roots:
    """Read root keys by the name of their list; spaces and line breaks make no difference, since people write them.

    Raises:
        ValueError: it is no such file; the text says where.

    """
    if len(data) > MAX_ROOTS_BYTES:
        raise ValueError(f"at most {MAX_ROOTS_BYTES} bytes were expected")
    try:
        wire = msgspec.json.decode(data, type=_WireRootsFile)
        if wire.schema != ROOTS_SCHEMA:
            raise ValueError(f"schema: {ROOTS_SCHEMA} was expected")
        if len(wire.lists) > MAX_LISTS:
            raise ValueError(f"at most {MAX_LISTS} lists were expected")
        found = {
            one.name: ListKeys(keys=tuple(read_list_key(key) for key in one.keys), threshold=one.threshold)
            for one in wire.lists
        }
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(str(error)[:200]) from error
    except MalformedTrustListError as error:
        raise ValueError(str(error)) from error
    if len(found) != len(wire.lists):
        raise ValueError("lists: one name twice")
    for name, keys in found.items():
        if not _NAME.fullmatch(name) or not keys.can_be_met or len({key.id for key in keys.keys}) < len(keys.keys):
            raise ValueError(f"lists: {name[:64]!r}: a name, different keys, and a threshold that they can meet")
    return found


def encode_roots(roots: Roots) -> bytes:
    """Encode root keys as their file, laid out for people."""
    lists: list[dict[str, Any]] = [
        {"name": name, "threshold": keys.threshold, "keys": [_encode_key(key) for key in keys.keys]}
        for name, keys in sorted(roots.items())
    ]
    return msgspec.json.format(msgspec.json.encode({"schema": ROOTS_SCHEMA, "lists": lists}), indent=2) + b"\n"


def _encode_key(key: ListKey) -> WireKey:
    encoded: str = msgspec.to_builtins(key.public_key)  # base64, as msgspec writes bytes
    return WireKey(id=key.id, algorithm=key.algorithm.value, public_key=encoded, roles=sorted(key.roles))


def load_roots(folder: Path) -> Roots:
    """Read the root keys of a trust folder; none where there is no such file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is wrong.

    """
    try:
        return parse_roots(read_file(folder / ROOTS_FILE, MAX_ROOTS_BYTES))
    except FileNotFoundError:
        return {}
