"""The server around the application: what is no HTTP is refused in our own words, and a stop loses no answer."""

import asyncio
from typing import Any, Final

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from gateway.http.middleware import refuse_unhandled
from gateway.http.problems import ProblemError, problem_of_status
from gateway.http.state import DRAINING, FAILURE, LEAVING

# A connection on which nothing is being answered stays open so long after a stop signal: a question that was on its
# way is answered and told that the connection closes, instead of being reset.
IDLE_GRACE_SECONDS: Final = 1.0
_LOOK_EVERY_SECONDS: Final = 0.02
_VERSIONS: Final = (HttpVersion10, HttpVersion11)  # the parser lets others pass
_VERSION: Final = "version"


class GatewayProtocol(web.RequestHandler):
    """One connection. The library would answer broken HTTP with the sender's bytes and its own version; we do not."""

    __slots__ = ("_app", "_is_answering", "_latest")

    def __init__(self, manager: web.Server, *, app: web.Application, **options: Any) -> None:  # noqa: ANN401 — the library's own options
        super().__init__(manager, **options)
        self._app = app
        self._latest: web.BaseRequest | None = None  # whose body may still be under way
        self._is_answering = False

    @property
    def is_busy(self) -> bool:
        """Say whether a request is being received, worked on or answered."""
        return self._is_answering or bool(self._messages)

    def begin(self, request: web.BaseRequest) -> None:
        """Note the request that is answered next."""
        self._latest, self._is_answering = request, True

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; the request is over then."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._is_answering = False

    def data_received(self, data: bytes) -> None:
        """Read on; when the bytes make no sense any more, end the bodies that wait for their rest at once."""
        super().data_received(data)
        if self._messages and not isinstance(self._messages[-1][0], RawRequestMessage):
            self._break_bodies()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio takes True as "keep the other half open"
        """Answer what was asked completely, although the sender sends no more; anything else ends here."""
        if not self.is_busy:
            return False
        self._break_bodies()
        self._close = True  # nothing more can come
        return True  # the sender may still read

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 — the library's text repeats what was sent
    ) -> web.StreamResponse:
        """Return the problem document of a request that never reached the application, or fell out of it."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun; another one cannot follow it") from exc
        kind = problem_of_status(status)
        return refuse_unhandled(self._app, request, ProblemError(kind, close=True), exc)

    def _break_bodies(self) -> None:
        """Tell whoever reads a body on this connection that its rest will not come, and read no further question."""
        bodies: list[StreamReader] = [] if self._latest is None else [self._latest.content]
        bodies += [body for _, body in self._messages]
        for body in bodies:
            if body is EMPTY_PAYLOAD or body.is_eof():
                continue
            body.set_exception(web.RequestPayloadError("the body broke off"))
            body.feed_eof()  # there is nothing left to be read and dropped
            self._close = True  # the one answer is that of this request


class GatewayServer(web.Server):
    """Makes the connections of one application."""

    def __init__(self, app: web.Application, server: web.Server, **options: Any) -> None:  # noqa: ANN401 — the library's own options
        handler, make_request = server.request_handler, server.request_factory

        def make_known_request(message: RawRequestMessage, *rest: Any) -> web.BaseRequest:  # noqa: ANN401 — passed on
            """Let no version that we do not speak into the first line of our answer."""
            known = message.version in _VERSIONS
            spoken = message if known else message._replace(version=HttpVersion10, should_close=True)
            request = make_request(spoken, *rest)
            if not known:
                request[FAILURE] = _VERSION
            if isinstance(request.protocol, GatewayProtocol):
                request.protocol.begin(request)
            return request

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            if request.get(FAILURE) == _VERSION:
                return request.protocol.handle_error(request, web.HTTPBadRequest.status_code)
            try:
                return await handler(request)
            except web.HTTPException as error:  # raised before the middlewares, so that nobody has translated it
                return request.protocol.handle_error(request, error.status, error)

        super().__init__(handle, request_factory=make_known_request, **options)
        self._app = app

    def __call__(self) -> GatewayProtocol:
        """Return the protocol of a new connection."""
        return GatewayProtocol(self, loop=self._loop, app=self._app, **self._kwargs)


class GatewayRunner(web.AppRunner):
    """Starts and stops the application."""

    async def drain(self, seconds: float) -> None:
        """Stop listening, and let every question that was asked be answered, for ``seconds`` at most.

        Every answer from now on closes its connection; readiness is false.
        """
        self.app[DRAINING].set()
        await self.leave(seconds, idle_seconds=IDLE_GRACE_SECONDS)

    async def leave(self, seconds: float, *, idle_seconds: float, stop: asyncio.Event | None = None) -> None:
        """Do the same for a process that is replaced: whoever asks whether the gateway is ready hears that it is.

        Connections on which nothing is asked stay open for ``idle_seconds``. A ``stop`` that is set ends the waiting.
        """
        self.app[LEAVING].set()
        for site in self.sites:
            await site.stop()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while connections := self._connections():
            elapsed = loop.time() - begun
            quiet = not any(connection.is_busy for connection in connections)
            if elapsed >= seconds or (quiet and elapsed >= idle_seconds) or (stop is not None and stop.is_set()):
                return
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def _connections(self) -> list[GatewayProtocol]:
        server = self.server
        return [] if server is None else [one for one in server.connections if isinstance(one, GatewayProtocol)]

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return GatewayServer(self.app, server, **self._kwargs)
