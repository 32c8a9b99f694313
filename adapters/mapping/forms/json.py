"""JSON as a tree, read by the strict reader: no key twice, no numbers beyond 64 bits, nothing nested deep."""

import json
from typing import Final

from adapters.errors import Malformed, MalformedDocumentError
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset, decode, encode
from adapters.mapping.forms.form import Form, FormName
from adapters.strict.json import parse_json

_FAULTS: Final = {Malformed.TOO_LARGE: AdapterFault.TOO_LARGE}
_spell = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_form(charset: Charset, limit: int) -> Form:
    """Return the form; messages of more than ``limit`` bytes are refused."""

    def read(data: bytes) -> object:
        if len(data) > limit:
            raise AdapterError(AdapterFault.TOO_LARGE)
        if charset is not Charset.UTF_8:
            data = encode(decode(data, charset), Charset.UTF_8)
        return _parse(data, 2 * limit)  # a character of two bytes in GBK has three in UTF-8

    def write(tree: object) -> bytes:
        return encode(_spell(tree), charset)

    return Form(name=FormName.JSON, read=read, write=write)


def read_json_text(text: str) -> object:
    """Read JSON that stands in a text of a message; raises AdapterError."""
    return _parse(encode(text, Charset.UTF_8), 4 * len(text))


def write_json_text(tree: object) -> str:
    """Spell a tree as JSON, for a text in a message."""
    return _spell(tree)


def _parse(data: bytes, limit: int) -> object:
    try:
        return parse_json(data, limit=limit)
    except MalformedDocumentError as error:
        is_charset = error.where == "not UTF-8"
        fault = AdapterFault.CHARSET if is_charset else _FAULTS.get(error.malformed, AdapterFault.SYNTAX)
        raise AdapterError(fault) from error
