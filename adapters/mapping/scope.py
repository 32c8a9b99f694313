"""What the keys of a mapping file mean depends on: the form of the message, its namespaces, and the code tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from adapters.codes.tables import CodeTables
from adapters.mapping.bounds import MAX_CODECS
from adapters.mapping.codecs.chain import Chain, compose
from adapters.mapping.codecs.codec import Codec, MalformedCodecError, Sort
from adapters.mapping.codecs.registry import parse_codec
from adapters.mapping.codecs.tables import CodeTable
from adapters.mapping.fault import Words, quote, show
from adapters.mapping.path import ROOT_PATH, MalformedPathError, MessagePath, parse_path
from adapters.mapping.rule import Message
from adapters.mapping.table import Table

_XML_STARTS: Final = ("/", "$/")  # of a path in XML, and of no other
_MAX_PARTS: Final = 8  # fields that make one value; a date has three


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Reads paths and codecs of one file; a fault is noted in the table, and a harmless stand-in returned.

    ``tables`` are those of the file, ``site`` those beside it; None: the shipped ones. Where records are in a text of
    another form, ``is_either`` lets their paths be spelt as those of the message or as those of that form.
    """

    is_xml: bool
    namespaces: Mapping[str, str]
    tables: Mapping[str, CodeTable]
    site: CodeTables | None = None
    is_either: bool = False

    def path(self, table: Table, key: str, *, default: MessagePath | None = None) -> MessagePath:
        """Return the path under ``key``; without a default it is required."""
        text = table.text(key, default=None if default is None else "")
        if text:
            try:
                return self._parse(text)
            except MalformedPathError as error:
                table.fault(key, expected=error.expected, found=quote(text))
        return default or ROOT_PATH

    def paths(self, table: Table, key: str = "at") -> tuple[MessagePath, ...]:
        """Return the paths of ``at`` or of another key: one, several, or none where it is absent."""
        if key not in table:
            table.optional(key)
            return ()
        found = []
        for text in table.texts(key, most=_MAX_PARTS):
            try:
                found.append(self._parse(text))
            except MalformedPathError as error:
                table.fault(key, expected=error.expected, found=quote(text))
        return tuple(found)

    def in_records(self, message: Message) -> "Scope":
        """Return the scope of paths that begin at a record."""
        is_xml = message.has_xml_records
        return replace(self, is_xml=is_xml, is_either=is_xml is not self.is_xml)

    def _parse(self, text: str) -> MessagePath:
        is_xml = text.startswith(_XML_STARTS) if self.is_either else self.is_xml
        return parse_path(text, is_xml=is_xml, namespaces=self.namespaces)

    def codecs(self, table: Table) -> list[Codec]:
        """Return the codecs of ``codec``, in order."""
        found = []
        for text in table.texts("codec", most=MAX_CODECS):
            try:
                found.append(parse_codec(text, self.tables, self.site))
            except MalformedCodecError as error:
                table.fault("codec", expected=error.expected, found=quote(text), meant=error.meant)
        return found

    def text_chain(self, table: Table) -> Chain:
        """Return a chain whose neutral side is a text."""
        codecs = self.codecs(table)
        try:
            chain = compose(codecs)
        except MalformedCodecError as error:
            table.fault("codec", expected=error.expected, found=listed(codecs))
            return compose(())
        is_read_only = any(codec.is_read_only for codec in codecs)
        if chain.neutral is not Sort.TEXT or chain.foreign is Sort.TEXTS or is_read_only:
            table.fault("codec", expected=Words("结果为文本的编解码", "codecs that make a text"), found=listed(codecs))
        return chain


def listed(codecs: Sequence[Codec]) -> Words:
    """Return codecs as a fault shows them."""
    return quote(", ".join(codec.name for codec in codecs)) if codecs else show(None)
