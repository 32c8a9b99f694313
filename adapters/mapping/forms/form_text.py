"""Form text (application/x-www-form-urlencoded) as a tree: one dict of texts."""

from functools import partial
from urllib.parse import parse_qsl, quote_plus

from adapters.mapping.bounds import MAX_COLUMNS
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.form import Form, FormName


def form_text(charset: Charset, limit: int) -> Form:
    """Return the form; a name that comes twice is refused, because readers disagree about which one counts."""
    return Form(name=FormName.FORM, read=partial(_read, charset, limit), write=partial(_write, charset))


def _read(charset: Charset, limit: int, data: bytes) -> object:
    if len(data) > limit or data.count(b"&") >= MAX_COLUMNS:
        raise AdapterError(AdapterFault.TOO_LARGE)
    if not data.isascii():  # everything else is to be escaped
        raise AdapterError(AdapterFault.CHARSET)
    if not data:
        return {}
    try:
        pairs = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding=charset.value, errors="strict"
        )
    except UnicodeDecodeError:  # not chained: the exception carries the message
        raise AdapterError(AdapterFault.CHARSET) from None
    except ValueError:
        raise AdapterError(AdapterFault.SYNTAX) from None  # the same
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise AdapterError(AdapterFault.SYNTAX)
    return tree


def _write(charset: Charset, tree: object) -> bytes:
    if not isinstance(tree, dict):
        raise AdapterError(AdapterFault.SHAPE)
    return "&".join(f"{_spell(charset, name)}={_spell(charset, one)}" for name, one in tree.items()).encode("ascii")


def _spell(charset: Charset, value: object) -> str:
    if isinstance(value, dict | list):
        raise AdapterError(AdapterFault.SHAPE)
    try:
        return quote_plus("" if value is None else str(value), encoding=charset.value, errors="strict")
    except UnicodeEncodeError:  # not chained: the exception carries the value
        raise AdapterError(AdapterFault.CHARSET) from None
