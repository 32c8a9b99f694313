"""What every stand-in has: a mapping, its licences, a clock, and the faults that are switched on."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aiohttp import web

from adapters.errors import MalformedDocumentError
from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.error import AdapterError
from adapters.mapping.forms.charset import Charset
from adapters.record.record import LicenceRecord
from adapters.strict.json import parse_json
from adapters.transport.recipe import TransportRecipe
from gateway.adapters.access import SystemAccess, reveal_text
from gateway.adapters.connection import MAX_ANSWER
from gateway.adapters.incoming import MAX_ASKED
from gateway.standins.fault import Fault
from gateway.standins.samples import FILE, SAMPLES

Handler = Callable[[web.Request], Awaitable[web.Response]]

RETRY_AFTER_SECONDS: Final = 7
_LIMIT_SECONDS: Final = 3.0
_SLOW_SECONDS: Final = 600.0


@dataclass(slots=True, kw_only=True)
class Desk:
    """One stand-in at work; ``faults`` may be changed while it serves.

    ``file`` is that of every licence that has none of its own, b"": none was given. ``asked`` counts the calls by path,
    sign-ins too: tests look there to see what was asked how often.
    """

    adapter: Adapter
    recipe: TransportRecipe
    access: SystemAccess
    clock: Callable[[], datetime]
    records: tuple[LicenceRecord, ...] = SAMPLES
    file: bytes = b""
    faults: set[Fault] = field(default_factory=set)
    slow_seconds: float = _SLOW_SECONDS
    limit_seconds: float = _LIMIT_SECONDS
    asked: list[str] = field(default_factory=list)

    def has(self, fault: Fault) -> bool:
        """Return whether a fault is switched on."""
        return fault in self.faults

    def find(self, is_meant: Callable[[LicenceRecord], bool]) -> tuple[LicenceRecord, ...]:
        """Return the licences that are meant, but for those that this system has no words for."""
        return tuple(record for record in self.records if is_meant(record) and self._is_sayable(record))

    def find_holder(self, code: str, type_code: str = "") -> tuple[LicenceRecord, ...]:
        """Return the licences of a holder, of one type or of all."""
        return self.find(
            lambda record: any(one.code == code for one in record.holders) and type_code in {"", record.type_code}
        )

    def file_of(self, record: LicenceRecord) -> bytes:
        """Return the file of a licence: its own, the one that was given, or the one that stands for all of them."""
        own = b"" if record.document is None else record.document.content
        return own or self.file or FILE

    def secret(self, name: str) -> str:
        """Return a secret that both sides know."""
        return reveal_text(self.access.secrets[name])

    def serve(self, handler: Handler) -> Handler:
        """Return a handler of a call, with the faults that any server can have."""

        async def served(request: web.Request) -> web.Response:
            self.asked.append(request.path)
            if self.has(Fault.SLOW):
                await asyncio.sleep(self.slow_seconds)
            if self.has(Fault.TIME_LIMIT):
                await asyncio.sleep(self.limit_seconds)
                return web.Response(status=504)
            if self.has(Fault.UNAVAILABLE):
                return web.Response(status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
            if self.has(Fault.REDIRECT):
                return web.Response(status=302, headers={"Location": "http://elsewhere.invalid/"})
            if self.has(Fault.OVERSIZED):
                return web.Response(body=b" " * (MAX_ANSWER + 1))
            response = await handler(request)
            body = response.body if isinstance(response.body, bytes) else b""
            if self.has(Fault.COMPRESSED):
                return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
            if self.has(Fault.WRONG_CHARSET):
                agreed = self.adapter.rules.message.charset
                wrong = body.decode(agreed, "replace").encode(other_charset(agreed), "replace")
                return web.Response(body=wrong, content_type=response.content_type)
            if self.has(Fault.PARTIAL_PAGE) and not self._announces_total:
                return web.Response(body=body[:-1], content_type=response.content_type)
            return response

        return served

    def sign_in(self, handler: Handler) -> Handler:
        """Return a handler of a sign-in, which the switched faults leave alone."""

        async def served(request: web.Request) -> web.Response:
            self.asked.append(request.path)
            return await handler(request)

        return served

    @property
    def _announces_total(self) -> bool:
        """Whether an answer says how many records there are on all pages; what announces nothing is cut off instead."""
        return any(one.paging is not None and one.paging.total is not None for one in self.recipe.calls.values())

    def _is_sayable(self, record: LicenceRecord) -> bool:
        try:
            self.adapter.render((record,))
        except AdapterError:
            return False
        return True


def other_charset(charset: Charset) -> Charset:
    """Return a character set in which Chinese text is other bytes."""
    return Charset.GB18030 if charset is Charset.UTF_8 else Charset.UTF_8


def make_application(routes: Iterable[web.RouteDef]) -> web.Application:
    """Return an application with these routes."""
    app = web.Application(client_max_size=MAX_ASKED)
    app.add_routes(routes)
    return app


async def read_json(request: web.Request) -> Mapping[str, object]:
    """Return the object that a request carries; raises HTTPBadRequest for anything else."""
    try:
        tree = parse_json(await request.read())
    except MalformedDocumentError as error:
        raise web.HTTPBadRequest from error
    if not isinstance(tree, dict):
        raise web.HTTPBadRequest
    return tree


def text_at(tree: object, *keys: str) -> str:
    """Return a text inside a request, "" where there is none."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) else ""


def answer_json(body: bytes) -> web.Response:
    """Return an answer in JSON; the systems do not say which character set it is in."""
    return web.Response(body=body, content_type="application/json")


def render(desk: Desk, records: tuple[LicenceRecord, ...], envelope: Mapping[str, str] | None = None) -> bytes:
    """Write what was found, or that nothing was."""
    outcome = AnswerOutcome.FOUND if records else AnswerOutcome.NOT_FOUND
    return desk.adapter.render(records, outcome, envelope)
