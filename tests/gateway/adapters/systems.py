"""A system that does not exist, with every part of a recipe, and a server that keeps what it was asked."""

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.transport.reader import parse_transport
from adapters.transport.recipe import TransportRecipe
from gateway.adapters.access import SystemAccess
from gateway.adapters.client import AdapterClient
from gateway.adapters.connection import open_session
from gateway.adapters.functions import PAYLOAD_FUNCTIONS
from keys.payload.secret import Secret

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
KEY = "0123456789abcdef" * 2

MAPPING = """
[system]
id = "toy"
zh = "示例"
en = "Toy"

[message]
form = "json"
records = "$.rows[*]"

[[outcome]]
at = "$.code"
codes = { "0" = "found", "1" = "not-found", "9" = "retry", "8" = "denied" }
retry_after_seconds = { "9" = 2 }

[[field]]
to = "number"
at = "$.number"
"""
TRANSPORT = """
deadline_ms = 5000
settings = ["account"]
secrets = ["password", "key"]
hosts = { "10.1.2.3:8080" = "files.example.org" }

[[encryption]]
direction = "out"
at = "$.holder"
key = "key"
name = "sm4-ecb"
key_spelling = "hex"

[[step]]
name = "encode"
url = "{base}/encode"
json = { account = "{setting.account}", password = "{secret.password}" }
success = { at = "$.code", is = "0" }
gives = { holder = "$.encoded" }

[[call]]
for = "holder"
after = ["encode"]
url = "{base}/own"
query = { reason = "{use}" }
headers = { X-Case = "{case}" }
json = { holder = "{given.holder}", deep = ["{name}", 7, true] }

[[call]]
for = "holder-elsewhere"
url = "{base}/other"
form = { holder = "{holder_code}", name = "{name}" }

[[call]]
for = "file"
url = "{base}/file/{link}"
method = "GET"

[[call]]
for = "number"
url = "{base}/soap"
xml = "<a>{number}<b>{message}</b></a>"
message = "<c>{name}</c>"
"""


def toy(transport: str = TRANSPORT, more: str = "") -> tuple[Adapter, TransportRecipe]:
    """Return the toy system's adapter, with more rules, and recipe."""
    recipe = parse_transport(tomllib.loads(transport), functions=PAYLOAD_FUNCTIONS)
    return load_adapter((MAPPING + more).encode(), "toy.toml"), recipe


class Server:
    """Answers by path, and keeps the requests that came: (path with query, headers, body)."""

    def __init__(self, answers: dict[str, Any]) -> None:
        """Answer with these objects, or responses that are made for each request."""
        self.answers = answers
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked.append((request.raw_path, dict(request.headers), await request.read()))
        answer = self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        return answer() if callable(answer) else web.json_response(answer)


@asynccontextmanager
async def serve(
    answers: dict[str, Any], system: tuple[Adapter, TransportRecipe] | None = None
) -> AsyncIterator[tuple[AdapterClient, Server]]:
    """Start a server and a client of the toy system for it."""
    server = Server(answers)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.handle)
    adapter, recipe = system or toy()
    async with TestServer(app) as running, open_session(recipe.deadlines) as session:
        place = f"{running.host}:{running.port}"
        recipe = replace(recipe, hosts=dict.fromkeys(recipe.hosts, place))
        access = SystemAccess(
            base=f"http://{place}/api",
            settings={"account": "me"},
            secrets={"password": Secret(b"pass word\n"), "key": Secret(KEY.encode())},
        )

        async def sleep(_: float) -> None:
            return None

        client = AdapterClient(adapter, recipe, access, session, lambda: NOW, sleep=sleep)
        yield client, server
        await client.close()
