"""The demo's board: what a gateway says that is not as it should be is a word on it, and nothing more."""

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from gateway.demo.board import Part, read_ready


async def test_a_readyz_that_is_none() -> None:
    """Whatever answers in its place, there is one line with the kind of the fault."""
    for content, kind in ({"ready": True}, "KeyError"), ([], "TypeError"):

        async def answer(_: web.Request, content: object = content) -> web.Response:
            return web.json_response(content)

        application = web.Application()
        application.router.add_get("/readyz", answer)
        async with TestServer(application) as server, ClientSession(server.make_url("/")) as session:
            assert await read_ready(session) == [Part(name="ready", state=kind)]
