"""Sample messages: which character set and which form they have, and their trees by the readers of the mapping."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from adapters.draft.error import DraftError, DraftFault
from adapters.mapping.bounds import MAX_COLUMNS, MAX_RECORDS
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.delimited import delimited
from adapters.mapping.forms.form import Form, FormName
from adapters.mapping.forms.form_text import form_text
from adapters.mapping.forms.json import json_form
from adapters.mapping.forms.xml import xml_form
from adapters.strict.bounds import MIB

MAX_SAMPLES: Final = 100  # of one draft; ten show all that a draft can find
MAX_SAMPLE: Final = MIB  # bytes of one sample: a page of 150 records has 600 kB

_CHARSETS: Final = (Charset.UTF_8, Charset.GB18030)  # strictly, in this order: GB 18030 reads most bytes as something
_SEPARATORS: Final = ("\t", "|", ",", ";", "^", "\x1f", "~")
_WHITE_SPACE: Final = " \t\r\n"
_PAIR: Final = re.compile(r"[^=&\s]+=[^&\s]*(?:&[^=&\s]+=[^&\s]*)*")  # form text has no line breaks inside
_DECLARED: Final = re.compile(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_GBK: Final = frozenset({"gbk", "gb2312"})
_DIGITS: Final = re.compile("[0-9]{3}")
_UNREADABLE: Final = {AdapterFault.TOO_LARGE: DraftFault.TOO_LARGE, AdapterFault.CHARSET: DraftFault.CHARSET}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the messages of a system are made, as [message] of a mapping file has it."""

    form: FormName
    charset: Charset
    separator: str = ""
    columns: tuple[str, ...] = ()
    header: bool = False
    quoted: bool = False
    namespaces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples, all of one layout: their bytes as an adapter reads them, and their trees."""

    layout: Layout
    messages: tuple[bytes, ...]
    trees: tuple[object, ...]


def read_samples(samples: Sequence[tuple[str, bytes]]) -> Samples:
    """Detect the layout of samples, each a name and its bytes, and read them.

    Raises:
        DraftError: there are none, or too many or too large ones; they are nothing that a mapping could read, or not
            all of one form.

    """
    if not samples:
        raise DraftError(DraftFault.NO_SAMPLES)
    if len(samples) > MAX_SAMPLES:
        raise DraftError(DraftFault.TOO_MANY)
    for name, data in samples:
        if len(data) > MAX_SAMPLE:
            raise DraftError(DraftFault.TOO_LARGE, name)
        if not data.strip():
            raise DraftError(DraftFault.EMPTY, name)
    charset, texts = _decode(samples)
    layouts = [_detect(text, charset, name) for text, (name, _) in zip(texts, samples, strict=True)]
    first = layouts[0]
    for (name, _), layout in zip(samples, layouts, strict=True):
        if layout != first:
            raise DraftError(DraftFault.MIXED, name)
    if first.form is FormName.FORM:
        # An editor's line end is no part of a form; and as escapes are ASCII, the character set shows only behind them.
        samples = [(name, data.strip()) for name, data in samples]
        return _read_first(samples, [replace(first, charset=charset) for charset in _CHARSETS])
    return _read_first(samples, [first])


def _decode(samples: Sequence[tuple[str, bytes]]) -> tuple[Charset, list[str]]:
    """Return the first character set in which all samples are text, and the texts."""
    failed = samples[0][0]
    for charset in _CHARSETS:
        texts = []
        for name, data in samples:
            try:
                texts.append(data.decode(charset.value))
            except UnicodeDecodeError:  # not chained: the exception carries the message
                failed = name
                break
        else:
            return charset, texts
    raise DraftError(DraftFault.CHARSET, failed)


def _detect(text: str, charset: Charset, name: str) -> Layout:
    body = text.strip(_WHITE_SPACE)
    if body[:1] in {"{", "["}:
        return Layout(form=FormName.JSON, charset=charset)
    if body[:1] == "<":
        declared = _DECLARED.match(body)
        return Layout(form=FormName.XML, charset=charset if declared is None else _declared(declared[1], charset))
    if _PAIR.fullmatch(body):
        return Layout(form=FormName.FORM, charset=charset)
    return _detect_delimited(text, charset, name)


def _declared(name: str, charset: Charset) -> Charset:
    """Return the character set that XML declares; the reader will refuse what does not fit."""
    return Charset.GBK if name.lower() in _GBK else charset


def _detect_delimited(text: str, charset: Charset, name: str) -> Layout:
    """Take the separator that every line has equally often, and the one that makes most columns."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line][:MAX_RECORDS]
    counts = {separator: {line.count(separator) for line in lines} for separator in _SEPARATORS}
    even = {separator: found.copy().pop() for separator, found in counts.items() if len(found) == 1}
    separator = max(even, key=lambda one: even[one], default="")
    quoted = '"' in text
    if quoted and not even.get(separator):
        separator = max(_SEPARATORS, key=lines[0].count)
    first = [cell.strip('"') for cell in lines[0].split(separator)] if separator else []
    if not 1 < len(first) <= MAX_COLUMNS:
        raise DraftError(DraftFault.FORM, name)
    # Names of columns: each there, each once, and none with a run of digits, which values of a licence always have.
    header = all(first) and len(set(first)) == len(first) and not any(map(_DIGITS.search, first))
    columns = tuple(first) if header else tuple(str(number) for number in range(1, len(first) + 1))
    return Layout(
        form=FormName.DELIMITED, charset=charset, separator=separator, columns=columns, header=header, quoted=quoted
    )


def _form(layout: Layout) -> Form:
    limit = MAX_SAMPLE
    match layout.form:
        case FormName.JSON:
            return json_form(layout.charset, limit)
        case FormName.XML:
            return xml_form(layout.charset, limit, {}, declaration=True)
        case FormName.FORM:
            return form_text(layout.charset, limit)
        case FormName.DELIMITED:
            return delimited(
                layout.charset,
                limit,
                separator=layout.separator,
                columns=layout.columns,
                header=layout.header,
                quoted=layout.quoted,
            )


def _read_first(samples: Sequence[tuple[str, bytes]], layouts: Sequence[Layout]) -> Samples:
    """Read the samples by the first layout that reads all of them."""
    fault = DraftError(DraftFault.FORM)
    for layout in layouts:
        form = _form(layout)
        try:
            trees = tuple(_read(form, name, data) for name, data in samples)
        except DraftError as error:
            fault = error
            continue
        return Samples(layout=layout, messages=tuple(data for _, data in samples), trees=trees)
    raise fault


def _read(form: Form, name: str, data: bytes) -> object:
    try:
        return form.read(data)
    except AdapterError as error:
        raise DraftError(_UNREADABLE.get(error.fault, DraftFault.FORM), name) from error
