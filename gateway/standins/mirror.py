"""A stand-in made of a recipe and a mapping alone: it takes the requests that the one writes, and answers in the other.

It shows that the two fit together. Whether the system is so, is what ``evidence`` in the mapping file says.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from aiohttp import web

from adapters.mapping.error import AdapterError
from adapters.mapping.path import MessagePath
from adapters.mapping.target import DOCUMENT_CONTENT
from adapters.record.record import LicenceRecord, RecordDocument
from adapters.transport.asked import Said
from adapters.transport.recipe import Call, Paging, Question, SignIn, Step, Success
from gateway.adapters.functions import make_functions
from gateway.adapters.incoming import Decryptors, Incoming, RequestPattern, find_request
from gateway.adapters.replying import Encryptors, WrittenReply, write_message, write_step, write_texts, write_token
from gateway.adapters.request import names_in
from gateway.standins.accounts import make_accounts, make_other_keys
from gateway.standins.desk import Desk, make_application
from gateway.standins.fault import Fault
from gateway.standins.gate import Gate, RefusedError
from gateway.standins.manner import Manner, make_grant
from gateway.standins.wording import Wording
from keys.payload.charset import Charset
from keys.payload.errors import PayloadError

FILE_HOST: Final = "files.stand-in.invalid"  # of the addresses that it returns: only a table of hosts leads here

NOTE: Final = web.RequestKey("note", str)  # of a request: what became of it; no word about a person

_FILES: Final = "/files/"
_LINK: Final = "link"
_OTHER_CHARSET: Final = {Charset.UTF_8: Charset.GBK, Charset.GBK: Charset.UTF_8}
_MAX_DIGITS: Final = 4  # of the number of a page

Note = Callable[[str], None]


def make(desk: Desk, manner: Manner) -> web.Application:
    """Return the application; one handler takes every request, for several may have one address."""
    here = _Mirror(desk, manner)
    app = make_application([web.get(_FILES + "{grant}", desk.serve(here.hand_out_file))])
    app.router.add_route("*", "/{path:.*}", here.dispatch)
    return app


class _Mirror:
    def __init__(self, desk: Desk, manner: Manner) -> None:
        recipe = desk.recipe
        self._desk, self._manner = desk, manner
        self._functions = make_functions(recipe)
        self._keys = make_accounts(recipe).keys
        self._gate = Gate(desk, self._functions, self._keys)
        self._wording = Wording(adapter=desk.adapter)
        self._sign_ins = (
            {}
            if recipe.sign_in is None
            else {RequestPattern(recipe, recipe.sign_in.request, is_sign_in=True): recipe.sign_in}
        )
        self._steps = {RequestPattern(recipe, step.request): step for step in recipe.steps}
        self._calls = {RequestPattern(recipe, call.request): call for call in recipe.calls.values()}
        targets = {rule.target.text for rule in desk.adapter.rules.fields if rule.target is not None}
        self._has_links = f"document.{_LINK}" in targets
        self._has_contents = DOCUMENT_CONTENT in targets

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        """Find out which request of the recipe came in, and answer it."""
        pattern, said = self._find(await _read(request))

        def note(text: str) -> None:
            request[NOTE] = text

        async def sign_in(_: web.Request) -> web.Response:
            return _respond(self._sign_in(self._sign_ins[pattern], said, note))

        async def answer(_: web.Request) -> web.Response:
            if pattern in self._steps:
                return _respond(self._go(self._steps[pattern], said, note))
            return _respond(self._answer(self._calls[pattern], said, note))

        handler = self._desk.sign_in(sign_in) if pattern in self._sign_ins else self._desk.serve(answer)
        return await handler(request)

    async def hand_out_file(self, request: web.Request) -> web.Response:
        """GET of an address that a record said."""
        grant = request.match_info["grant"]
        found = self._desk.find(lambda record: make_grant(record) == grant)
        if not found:
            raise web.HTTPNotFound
        return web.Response(body=self._desk.file_of(found[0]))

    def _find(self, incoming: Incoming) -> tuple[RequestPattern, Said]:
        try:
            found = find_request((*self._sign_ins, *self._steps, *self._calls), incoming, self._decryptors())
        except (AdapterError, PayloadError) as error:
            raise web.HTTPBadRequest from error
        if found is None:
            raise web.HTTPNotFound
        return found

    def _sign_in(self, sign_in: SignIn, said: Said, note: Note) -> WrittenReply:
        try:
            token, until = self._gate.hand_out_token(said)
        except RefusedError as refused:
            note(f"sign-in: {refused.why}")
            return self._refuse(sign_in.success, sign_in.token, refused)
        wrapping = None
        if self._functions.wrapping is not None:
            function, key = self._functions.wrapping
            wrapping = function, key.find(self._keys, None)
        return write_token(sign_in, token, until, wrapping=wrapping)

    def _go(self, step: Step, said: Said, note: Note) -> WrittenReply:
        try:
            self._gate.check(said)
        except RefusedError as refused:
            note(f"step.{step.name}: {refused.why}")
            return self._refuse(step.success, next(iter(step.gives.values())), refused)
        return write_step(step, {name: self._gate.give(said) for name in step.gives})

    def _refuse(self, success: Success | None, otherwise: MessagePath, refused: RefusedError) -> WrittenReply:
        """Refuse a sign-in or a step: with a code where the recipe looks for one, else with nothing in its place."""
        if success is None:
            return write_texts({otherwise: ""})
        return write_texts({success.path: refused.code or self._wording.code_of(refused.outcome)})

    def _answer(self, call: Call, said: Said, note: Note) -> WrittenReply:
        file = call.request.answer if call.question is Question.FILE else None
        try:
            self._gate.check_call(said, self._manner.needs)
            words = self._gate.words(said)
            found = self._manner.find(self._desk, call.question, words)
        except RefusedError as refused:
            note(f"call.{call.question}: {refused.why}")
            message = self._wording.write_outcome(refused.outcome, refused.code)
        else:
            note(f"call.{call.question}: {len(found)}")
            if found and file is not None:
                return self._wording.answer_file(file, self._desk.file_of(found[0]))
            message = self._write(call, self._filed(call, found), words)
        if file is not None:
            return self._wording.answer_without_file(message, file)
        return write_message(self._desk.adapter, message, answer=call.request.answer, encryptors=self._encryptors())

    def _filed(self, call: Call, found: tuple[LicenceRecord, ...]) -> tuple[LicenceRecord, ...]:
        """Return the records with the file that was given, where the call for it is answered with a record."""
        file = self._desk.file
        if not (file and self._has_contents and call.question is Question.FILE):
            return found
        return tuple(
            replace(one, document=replace(one.document or RecordDocument(), content=self._desk.file_of(one)))
            for one in found
        )

    def _write(self, call: Call, found: tuple[LicenceRecord, ...], words: Mapping[str, str]) -> bytes:
        if not self._desk.adapter.rules.message.records.lists:
            found = found[:1]
        if self._has_links:
            found = tuple(replace(record, document=RecordDocument(link=self._link(record))) for record in found)
        echoed = {one.name: words[one.name] for one in self._desk.adapter.rules.envelope if one.name in words}
        if call.paging is None:
            return self._wording.write_records(found, echoed)
        message = self._wording.write_records(_cut(call.paging, found, words), echoed)
        if call.paging.total is None:
            return message
        announced = len(found) + (1 if self._desk.has(Fault.PARTIAL_PAGE) else 0)
        return self._wording.add_total(message, call.paging.total, announced)

    def _link(self, record: LicenceRecord) -> str:
        """Return where the file is: a grant where the recipe asks with one, else an address."""
        file = self._desk.recipe.calls.get(Question.FILE)
        asks_by_link = file is not None and _LINK in names_in(self._desk.recipe, file)
        return make_grant(record) if asks_by_link else f"http://{FILE_HOST}{_FILES}{make_grant(record)}"

    def _encryptors(self) -> Encryptors:
        """Return what encrypts an answer: to another key, or in another character set, where that was switched on."""
        keys = make_other_keys(self._desk.recipe) if self._desk.has(Fault.WRONG_KEY) else self._keys
        token = self._gate.token
        made = [
            (part.path, part.encryption.make_encryptor(part.key.find(keys, token))) for part in self._functions.received
        ]
        if not self._desk.has(Fault.WRONG_CHARSET):
            return made
        return [(path, replace(one, charset=_OTHER_CHARSET[one.charset])) for path, one in made]

    def _decryptors(self) -> Decryptors:
        token = self._gate.token
        parts = [part for part in self._functions.sent if token is not None or not part.key.is_token]
        return [(part.path, part.encryption.make_decryptor(part.key.find(self._keys, token))) for part in parts]


def _respond(reply: WrittenReply) -> web.Response:
    """Send an answer; systems do not say in a header which character set it is in."""
    return web.Response(body=reply.body, content_type=reply.content_type)


async def _read(request: web.Request) -> Incoming:
    return Incoming(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers={name.lower(): text for name, text in request.headers.items()},
        body=await request.read(),
    )


def _cut(paging: Paging, found: tuple[LicenceRecord, ...], words: Mapping[str, str]) -> tuple[LicenceRecord, ...]:
    size = min(_number(words.get("page_size", ""), paging.size), paging.size)
    start = (_number(words.get("page", ""), paging.first) - paging.first) * size
    return found[start : start + size] if start >= 0 else ()


def _number(text: str, otherwise: int) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
    return int(text) if is_number else otherwise
