"""The codec of a list or an object (JSON) that the record has as one text."""

from adapters.mapping.codecs.codec import Codec, MalformedCodecError, Sort
from adapters.mapping.error import AdapterError
from adapters.mapping.fault import Words
from adapters.mapping.forms.json import read_json_text, write_json_text


def json_text_codec(argument: str) -> Codec:
    """Return the codec of a list or an object as its JSON, without white space."""
    if argument:
        raise MalformedCodecError(Words("json-text，无参数", "json-text without an argument"))
    return Codec(name="json-text", foreign=Sort.TREE, neutral=Sort.TEXT, parse=_write, render=_read)


def _write(tree: object) -> str:
    text = write_json_text(tree)
    _read(text)  # an endless number, or a key twice, has no JSON
    return text


def _read(text: str) -> object:
    try:
        tree = read_json_text(text)
    except AdapterError as error:
        raise ValueError from error
    if not isinstance(tree, list | dict) or write_json_text(tree) != text:
        raise ValueError
    return tree
