"""What the tables of a recipe have in common: templates, paths, headers, named functions; and what they refer to."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from adapters.mapping.bounds import MAX_WORD
from adapters.mapping.fault import FaultList, Path, Words, nearest, quote, show
from adapters.mapping.path import ROOT, MalformedPathError, MessagePath, parse_path
from adapters.mapping.table import Table, one_of
from adapters.transport.places import Uses
from adapters.transport.recipe import FunctionUse, Success
from adapters.transport.template import MalformedTemplateError, Template, parse_template

_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # RFC 9110 section 5.6.2
_NOWHERE: Final = MessagePath(text="", steps=())
_TEMPLATE: Final = Words(
    "文本，可含 {identifier}、{setting.名称} 等已知的名称",
    "a text with known names such as {identifier} or {setting.NAME}",
)


class Scope:
    """Reads what may stand in any table; ``uses`` collects what was read, for the checks that come last."""

    def __init__(self, faults: FaultList, *, namespaces: Mapping[str, str], keys: Collection[str]) -> None:
        """Read with these prefixes of XML, and these names of keys."""
        self.uses = Uses()
        self._faults = faults
        self._namespaces = namespaces
        self._keys = keys

    def template(self, value: object, place: Path) -> Template:
        """Return the template that stands at a place of the file."""
        try:
            if isinstance(value, str) and len(value) <= MAX_WORD:
                template = parse_template(value)
                self.uses.add(place, template)
                return template
        except MalformedTemplateError:
            pass
        self._faults.add(place, expected=_TEMPLATE, found=show(value))
        return Template(parts=())

    def templates(self, table: Table, key: str) -> dict[str, Template]:
        """Return a table of templates by name."""
        values = table.texts_by_name(key)
        return {name: self.template(value, (*table.path, key, name)) for name, value in values.items()}

    def headers(self, table: Table) -> dict[str, Template]:
        """Return the headers of a request, or those of all of them."""
        found = self.templates(table, "headers")
        if any(not _HEADER.fullmatch(name) for name in found) or len({name.lower() for name in found}) != len(found):
            expected = Words("HTTP 首部名称，各不相同", "names of HTTP headers, each once")
            table.fault("headers", expected=expected, found=show(table.peek("headers")))
        return found

    def path(self, table: Table, key: str) -> MessagePath:
        """Return the path under a key, which must be there."""
        text = table.text(key)
        return self.parse_path(text, (*table.path, key)) if text else _NOWHERE

    def parse_path(self, text: str, place: Path) -> MessagePath:
        """Return a path of JSON or, where it does not begin with $, of XML."""
        try:
            return parse_path(text, is_xml=not text.startswith(ROOT), namespaces=self._namespaces)
        except MalformedPathError as error:
            self._faults.add(place, expected=error.expected, found=quote(text))
            return _NOWHERE

    def success(self, table: Table) -> Success | None:
        """Return what an answer must say, where the table names it."""
        if "success" not in table:
            table.raw("success")
            return None
        inner = table.table("success")
        found = Success(path=self.path(inner, "at"), equals=inner.text("is"))
        inner.finish()
        return found

    def function(self, values: Mapping[str, object], place: Path, names: Collection[str]) -> FunctionUse:
        """Return a named function; its parameters are the keys that are not its own."""
        name, key = values.get("name"), values.get("key")
        if not isinstance(name, str) or name not in names:
            meant = nearest(name, names) if isinstance(name, str) else ""
            self._faults.add((*place, "name"), expected=one_of(names), found=show(name), meant=meant)
        if not isinstance(key, str) or key not in self._keys:
            expected = Words(
                "secrets 中的名称；有 sign_in 时也可为 token", "a name of secrets, or token with a sign_in"
            )
            self._faults.add((*place, "key"), expected=expected, found=show(key))
        self.uses.keys.add(str(key))
        parameters = {one: value for one, value in values.items() if one not in {"name", "key"}}
        return FunctionUse(name=str(name), key=str(key), parameters=parameters)
