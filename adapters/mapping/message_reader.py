"""Reads ``[message]`` of a mapping file: the form of the system's messages, and where the records are in them."""

from collections.abc import Mapping
from typing import Final

from adapters.mapping.bounds import MAX_COLUMNS
from adapters.mapping.fault import Words, quote, show
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.delimited import delimited
from adapters.mapping.forms.form import Form, FormName
from adapters.mapping.forms.form_text import form_text
from adapters.mapping.forms.json import json_form
from adapters.mapping.forms.xml import xml_form
from adapters.mapping.path import ROOT_PATH, MessagePath, Operation, Step
from adapters.mapping.rule import Absent, Message
from adapters.mapping.scope import Scope
from adapters.mapping.table import Table, one_of

_MAX_NAMESPACES: Final = 16  # of one message, as adapters.strict reads
_LINES: Final = MessagePath(text="$[*]", steps=(Step(key="", operations=(Operation.EACH,)),))


def read_message(table: Table, limit: int, namespaces: Mapping[str, str]) -> Message:
    """Read the form of messages of at most ``limit`` bytes."""
    name = table.choice("form", FormName, default=FormName.JSON)
    if "form" not in table:
        table.fault("form", expected=one_of([one.value for one in FormName]), found=show(None))
    charset = table.choice("charset", Charset, default=Charset.UTF_8)
    scope = Scope(is_xml=name is FormName.XML, namespaces=namespaces, tables={})
    form = _form(table, scope, charset, limit, name)
    records = scope.path(table, "records", default=_LINES if name is FormName.DELIMITED else ROOT_PATH)
    if records.lists > 1 or (records.lists and records.steps[-1].operations[-1:] != (Operation.EACH,)):
        expected = Words("至多一个 [*]，且在末尾", "one [*] at most, at its end")
        table.fault("records", expected=expected, found=quote(records.text))
    absent = table.choice("absent", Absent, default=Absent.OMIT)
    if absent is Absent.NULL and name is not FormName.JSON:
        table.fault("absent", expected=one_of([Absent.OMIT, Absent.EMPTY]), found=quote(absent))
    table.finish()
    return Message(
        form_name=name, form=form, charset=charset, records=records, absent=absent, namespaces=scope.namespaces
    )


def _form(table: Table, scope: Scope, charset: Charset, limit: int, name: FormName) -> Form:
    match name:
        case FormName.JSON:
            return json_form(charset, limit)
        case FormName.FORM:
            return form_text(charset, limit)
        case FormName.XML:
            return xml_form(charset, limit, scope.namespaces, declaration=not table.flag("no_declaration"))
        case FormName.DELIMITED:
            return _delimited(table, charset, limit)


def _delimited(table: Table, charset: Charset, limit: int) -> Form:
    separator = table.text("separator")
    columns = table.texts("columns", most=MAX_COLUMNS)
    quoted = table.flag("quoted")
    if not columns or len(set(columns)) != len(columns):
        expected = Words("各列的名称，不重复", "the names of the columns, each once")
        table.fault("columns", expected=expected, found=show(list(columns)))
    if "\n" in separator or "\r" in separator or (quoted and len(separator) != 1):
        expected = Words("分隔符；带引号时为一个字符", "a separator; of one character where values are quoted")
        table.fault("separator", expected=expected, found=quote(separator))
        separator = ","
    return delimited(
        charset, limit, separator=separator or ",", columns=columns, header=table.flag("header"), quoted=quoted
    )


def read_namespaces(table: Table) -> Mapping[str, str]:
    """Read the prefixes of namespaces, in XML or in a text that holds XML; no two of them mean the same."""
    found = table.texts_by_name("namespaces")
    if len(set(found.values())) != len(found) or len(found) > _MAX_NAMESPACES:
        expected = Words(
            f"至多 {_MAX_NAMESPACES} 个互不相同的命名空间", f"at most {_MAX_NAMESPACES} different namespaces"
        )
        table.fault("namespaces", expected=expected, found=Words("重复或过多", "one twice, or too many"))
    return found
