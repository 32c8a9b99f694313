"""Reads a mapping file into rules: every key judged, all faults reported at once."""

import re
from typing import Final

from adapters.codes.tables import CodeTables
from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE, MAX_FIELDS, MAX_MESSAGE
from adapters.mapping.code_reader import read_codes, read_envelope, read_outcome, read_status
from adapters.mapping.fault import FaultList, Words, nearest, quote
from adapters.mapping.field_reader import read_field
from adapters.mapping.forms.form import FormName
from adapters.mapping.message_reader import read_message, read_namespaces
from adapters.mapping.rule import Evidence, Rules, System
from adapters.mapping.scope import Scope
from adapters.mapping.sides import pair_sides
from adapters.mapping.table import Table, one_of
from adapters.mapping.target import CARRIED, DOCUMENT_CONTENT, GROUPS
from adapters.mapping.toml import parse_toml

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_ID_EXPECTED: Final = Words("小写字母、数字和连字符组成的标识", "an id of a-z, 0-9 and -")
_MAX_OUTCOMES: Final = 4  # codes of one envelope; the most met is two


def read_rules(data: bytes, file: str, site: CodeTables | None) -> tuple[Rules, FaultList]:
    """Read a mapping file; ``file`` is how faults name it. The list knows the lines, for faults that are found later.

    ``site`` are the tables beside its own that codecs may name; None: the shipped ones.

    Raises:
        MappingError: with every fault that was found.

    """
    tables, faults = parse_toml(data, file)
    root = Table(tables, (), faults)
    system = _read_system(root.table("system"))
    fields = root.tables("field", most=MAX_FIELDS)
    limit = MAX_DOCUMENT_MESSAGE if any(one.peek("to") == DOCUMENT_CONTENT for one in fields) else MAX_MESSAGE
    message_table = root.table("message")
    namespaces = read_namespaces(message_table)
    message = read_message(message_table, limit, namespaces)
    status = root.table("status")
    codes = read_codes(root)
    scope = Scope(is_xml=message.form_name is FormName.XML, namespaces=namespaces, tables=codes, site=site)
    inside = scope.in_records(message)
    outcomes = [
        read_outcome(one, inside if one.peek("of_record") is True else scope)
        for one in root.tables("outcome", most=_MAX_OUTCOMES)
    ]
    rules = Rules(
        file=file,
        system=system,
        message=message,
        fields=pair_sides([read_field(one, inside, system.evidence) for one in fields], faults),
        envelope=tuple(read_envelope(one, scope) for one in root.tables("envelope", most=MAX_FIELDS)),
        status=read_status(status, scope if status.peek("of_message") is True else inside)
        if "status" in root
        else None,
        outcomes=tuple(one for one in outcomes if not one.of_record),
        record_outcomes=tuple(one for one in outcomes if one.of_record),
        losses=_read_losses(root),
        tables=codes,
        transport=root.raw("transport"),
    )
    root.finish()
    faults.raise_if_any()
    return rules, faults


def _read_system(table: Table) -> System:
    name = table.text("id", expected=_ID_EXPECTED)
    if name and not _ID.fullmatch(name):
        table.fault("id", expected=_ID_EXPECTED, found=quote(name))
    found = System(
        id=name,
        zh=table.text("zh"),
        en=table.text("en"),
        version=table.text("version", default=""),
        notes=table.text("notes", default=""),
        evidence=table.choice("evidence", Evidence, default=Evidence.INFERRED),
    )
    table.finish()
    return found


def _read_losses(root: Table) -> dict[str, str]:
    found = root.texts_by_name("losses")
    known = (*CARRIED, *GROUPS)
    for name in found:
        if name not in known:
            unknown = Words("未知的字段", "an unknown field")
            root.faults.add(("losses", name), expected=one_of(known), found=unknown, meant=nearest(name, known))
    return found
