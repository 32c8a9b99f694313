"""Reads the table [transport] of a mapping file into a recipe: every key judged, all faults reported at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.bounds import MAX_WORD
from adapters.mapping.fault import FaultList, Path, Words, nearest, quote, show
from adapters.mapping.path import MessagePath
from adapters.mapping.rule import Evidence
from adapters.mapping.table import Table, one_of
from adapters.transport.places import Uses, check_places
from adapters.transport.recipe import (
    Body,
    BodyKind,
    Call,
    Deadlines,
    EncryptedPart,
    FunctionUse,
    Method,
    Paging,
    Question,
    Request,
    SignIn,
    Step,
    TransportRecipe,
    Tree,
    Way,
)
from adapters.transport.scope import Scope
from adapters.transport.template import TIME_FORMS, Template

TOKEN: Final = "token"  # noqa: S105 -- the name of a key: what the sign-in gave

_MIN_MS: Final = 100  # less is no time for a network between two provinces
_MAX_MS: Final = 60_000  # nobody waits longer at a counter
_MAX_LIFETIME: Final = 7 * 24 * 3600  # seconds of a token; the longest met is a day
_MAX_PAGE: Final = 10_000  # records of a page, as of one message
_MAX_NAMES: Final = 32  # settings, secrets, steps: a handful of each has been met
_MAX_CODES: Final = 100  # after which one signs in again; five have been met
_MAX_CALLS: Final = len(Question)
_MAX_TREE: Final = 500  # members of one body
_STATUS: Final = re.compile("[1-5][0-9]{2}")
_NAME: Final = re.compile("[a-z][a-z0-9_-]{0,63}")
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?(?::[1-9][0-9]{0,4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadFunctions:
    """The names of the functions that a recipe may use; whoever has them says which there are."""

    encryptions: frozenset[str]
    signatures: frozenset[str]
    wrappings: frozenset[str]


def parse_transport(
    table: Mapping[str, object], *, functions: PayloadFunctions, file: str = "transport"
) -> TransportRecipe:
    """Read a recipe; ``file`` is how faults name it.

    The parameters of named functions are not judged here, but by the registry that has the functions.

    Raises:
        MappingError: with every fault that was found.

    """
    faults = FaultList(file)
    root = Table(table, ("transport",), faults)
    recipe, uses = _Reader(root, functions).read()
    root.finish()
    if not faults:  # names that are missing because of another fault would only be noise
        check_places(recipe, uses, faults)
    faults.raise_if_any()
    return recipe


class _Reader:
    """Reads the tables in order: what later ones refer to comes first."""

    def __init__(self, root: Table, functions: PayloadFunctions) -> None:
        self._root = root
        self._functions = functions
        self._settings, self._secrets = self._names("settings"), self._names("secrets")
        twice = sorted(set(self._settings) & set(self._secrets) | ({TOKEN} & {*self._settings, *self._secrets}))
        if twice:
            expected = Words("互不相同且不叫 token 的名称", "names that differ, and none called token")
            root.fault("secrets", expected=expected, found=quote(twice[0]))
        keys = {*self._secrets, *({TOKEN} if "sign_in" in root else ())}
        self._scope = Scope(root.faults, namespaces=root.texts_by_name("namespaces"), keys=keys)

    def read(self) -> tuple[TransportRecipe, Uses]:
        """Read every table; where one has faults the value only looks whole."""
        root = self._root
        steps = tuple(self._step(one) for one in root.tables("step", most=_MAX_NAMES))
        sign_in = self._sign_in()
        http, renew_on = self._outcomes(has_sign_in=sign_in is not None)
        recipe = TransportRecipe(
            evidence=root.choice("evidence", Evidence, default=Evidence.INFERRED),
            deadlines=self._deadlines(),
            settings=self._settings,
            secrets=self._secrets,
            headers=self._scope.headers(root),
            values=self._scope.templates(root, "values"),
            hosts=self._hosts(),
            sign_in=sign_in,
            signature=self._signature(),
            encryption=tuple(self._encrypted(one) for one in root.tables("encryption", most=_MAX_NAMES)),
            steps=steps,
            calls=self._calls(),
            http=http,
            renew_on=renew_on,
        )
        if len({one.name for one in steps}) != len(steps):
            root.fault("step", expected=Words("互不相同的 name", "steps of different names"), found=show(len(steps)))
        return recipe, self._scope.uses

    def _names(self, key: str) -> tuple[str, ...]:
        found = self._root.texts(key, most=_MAX_NAMES)
        for name in found:
            if not _NAME.fullmatch(name) or found.count(name) > 1:
                expected = Words("小写字母开头、各不相同的名称", "names of a-z, 0-9, - and _, each once")
                self._root.fault(key, expected=expected, found=quote(name))
        return found

    def _deadlines(self) -> Deadlines:
        root = self._root
        total = root.whole("deadline_ms", low=_MIN_MS, high=_MAX_MS)
        if total is None and "deadline_ms" not in root:
            expected = Words("全程的期限（毫秒）", "milliseconds for the whole question")
            root.fault("deadline_ms", expected=expected, found=show(None))
        most = total or _MAX_MS
        return Deadlines(
            total_ms=most,
            connect_ms=root.whole("connect_ms", low=_MIN_MS, high=most),
            read_ms=root.whole("read_ms", low=_MIN_MS, high=most),
            pool_ms=root.whole("pool_ms", low=_MIN_MS, high=most),
        )

    def _hosts(self) -> dict[str, str]:
        found = self._root.texts_by_name("hosts")
        for host, ours in found.items():
            if not _HOST.fullmatch(host) or not _HOST.fullmatch(ours):
                expected = Words("小写的主机名，可带端口", "host names in small letters, with a port if need be")
                self._root.faults.add(("transport", "hosts", host[:MAX_WORD]), expected=expected, found=quote(ours))
        return found

    def _request(self, table: Table) -> Request:
        method = table.choice("method", Method, default=Method.POST)
        kinds = [kind for kind in BodyKind if kind in table]
        if len(kinds) > 1 or (kinds and method is Method.GET):
            expected = Words("至多一种正文，GET 没有正文", "one body at most, and none with GET")
            table.fault(kinds[-1], expected=expected, found=quote(", ".join(kinds)))
        url_place = (*table.path, "url")
        request = Request(
            method=method,
            url=self._scope.template(table.text("url"), url_place),
            query=self._scope.templates(table, "query"),
            headers=self._scope.headers(table),
            body=self._body(table, kinds[0]) if kinds else None,
            message=self._message(table),
            answer=self._scope.path(table, "answer") if "answer" in table else None,
        )
        for kind in (*BodyKind, "message", "answer"):  # those that are absent count as read
            if kind not in table:
                table.raw(kind)
        self._scope.uses.request(table.path, request)
        return request

    def _message(self, table: Table) -> Template | None:
        if "message" not in table:
            return None
        return self._scope.template(table.text("message"), (*table.path, "message"))

    def _body(self, table: Table, kind: BodyKind) -> Body:
        place = (*table.path, kind.value)
        if kind is BodyKind.XML:
            return Body(kind=kind, content=self._scope.template(table.text("xml"), place))
        if kind is BodyKind.FORM:
            return Body(kind=kind, content=self._scope.templates(table, "form"))
        count = [0]
        return Body(kind=kind, content=self._tree(table.raw("json"), place, count))

    def _tree(self, value: object, place: Path, count: list[int]) -> Tree:
        """Return a JSON value; the depth was bounded with the file."""
        count[0] += 1
        if count[0] == _MAX_TREE:
            expected = Words(f"至多 {_MAX_TREE} 项", f"at most {_MAX_TREE} members")
            self._root.faults.add(place, expected=expected, found=Words("更多", "more"))
        if count[0] >= _MAX_TREE:
            return 0
        match value:
            case bool() | int():
                return value
            case dict():
                return {name: self._tree(inner, (*place, name), count) for name, inner in value.items()}
            case list():
                return tuple(self._tree(inner, (*place, number), count) for number, inner in enumerate(value))
            case _:
                return self._scope.template(value, place)

    def _sign_in(self) -> SignIn | None:
        if "sign_in" not in self._root:
            self._root.raw("sign_in")
            return None
        table = self._root.table("sign_in")
        ends_at, time_form = self._ends_at(table)
        found = SignIn(
            request=self._request(table),
            success=self._scope.success(table),
            token=self._scope.path(table, "token"),
            lifetime_seconds=table.whole("lifetime_seconds", low=1, high=_MAX_LIFETIME),
            ends_at=ends_at,
            time_form=time_form,
            wrapping=self._wrapping(table),
        )
        if (found.lifetime_seconds is None) == (ends_at is None):
            expected = Words("lifetime_seconds 与 ends_at 二者之一", "either lifetime_seconds or ends_at")
            table.fault("lifetime_seconds", expected=expected, found=show(table.peek("lifetime_seconds")))
        table.finish()
        return found

    def _ends_at(self, table: Table) -> tuple[MessagePath | None, str]:
        if "ends_at" not in table:
            table.raw("ends_at")
            return None, ""
        inner = table.table("ends_at")
        path, form = self._scope.path(inner, "at"), inner.text("form")
        if form not in TIME_FORMS:
            inner.fault("form", expected=one_of(TIME_FORMS), found=quote(form), meant=nearest(form, TIME_FORMS))
        inner.finish()
        return path, form

    def _wrapping(self, table: Table) -> FunctionUse | None:
        if "wrapping" not in table:
            table.raw("wrapping")
            return None
        values = table.raw("wrapping")
        return self._scope.function(values, (*table.path, "wrapping"), self._functions.wrappings)

    def _signature(self) -> FunctionUse | None:
        values = self._root.raw("signature")
        if "signature" not in self._root:
            return None
        return self._scope.function(values, ("transport", "signature"), self._functions.signatures)

    def _encrypted(self, table: Table) -> EncryptedPart:
        way = table.choice("direction", Way, default=Way.IN)
        if "direction" not in table:
            table.fault("direction", expected=one_of([one.value for one in Way]), found=show(None))
        at = table.peek("at")
        path = None
        if at is not None:
            path = (
                self._scope.parse_path(at, (*table.path, "at"))
                if isinstance(at, str)
                else self._scope.path(table, "at")
            )
        values = {name: table.peek(name) for name in table.names if name not in {"direction", "at"}}
        return EncryptedPart(
            way=way, path=path, function=self._scope.function(values, table.path, self._functions.encryptions)
        )

    def _step(self, table: Table) -> Step:
        gives = table.texts_by_name("gives")
        found = Step(
            name=table.text("name"),
            request=self._request(table),
            success=self._scope.success(table),
            gives={name: self._scope.parse_path(text, (*table.path, "gives", name)) for name, text in gives.items()},
        )
        table.finish()
        return found

    def _calls(self) -> dict[Question, Call]:
        found: dict[Question, Call] = {}
        named: list[object] = []
        for table in self._root.tables("call", most=_MAX_CALLS):
            if "for" not in table:
                table.fault("for", expected=one_of([one.value for one in Question]), found=show(None))
            question = table.choice("for", Question, default=Question.IDENTIFIER)
            if table.peek("for") in named:
                expected = Words("每种问题一个接口", "one call for each kind of question")
                table.fault("for", expected=expected, found=quote(question))
            named.append(table.peek("for"))
            found[question] = Call(
                question=question,
                request=self._request(table),
                after=table.texts("after", most=_MAX_NAMES),
                paging=self._paging(table),
            )
            table.finish()
        if not found:
            self._root.fault("call", expected=Words("至少一个 [[transport.call]]", "a call at least"), found=show(None))
        return found

    def _paging(self, table: Table) -> Paging | None:
        if "paging" not in table:
            table.raw("paging")
            return None
        inner = table.table("paging")
        size = inner.whole("size", low=1, high=_MAX_PAGE)
        if "size" not in inner:
            inner.fault("size", expected=Words("每页条数", "the records of a page"), found=show(None))
        found = Paging(
            first=inner.whole("first", low=0, high=1) or 0,
            size=size or 1,
            total=self._scope.path(inner, "total") if "total" in inner else None,
        )
        if found.total is None:
            inner.raw("total")
        inner.finish()
        return found

    def _outcomes(self, *, has_sign_in: bool) -> tuple[dict[int, AnswerOutcome], frozenset[str]]:
        table = self._root.table("outcomes")
        known = sorted(one.value for one in AnswerOutcome if one is not AnswerOutcome.FOUND)
        http = {}
        for code, word in table.texts_by_name("http").items():
            if _STATUS.fullmatch(code) and word in known:
                http[int(code)] = AnswerOutcome(word)
            else:
                expected = Words(f"状态码 = {', '.join(known)} 之一", f"a status, and one of {', '.join(known)}")
                table.fault("http", expected=expected, found=quote(f"{code} = {word}"))
        renew_on = frozenset(table.texts("renew_on", most=_MAX_CODES))
        if renew_on and not has_sign_in:
            expected = Words("有 sign_in 时才用 renew_on", "renew_on only with a sign_in")
            table.fault("renew_on", expected=expected, found=show(sorted(renew_on)))
        table.finish()
        return http, renew_on
