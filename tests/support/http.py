"""A gateway to talk to in tests: through the real server, with a clock that stands still and a pipeline of our own."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.app import create_app, server_options
from gateway.http.server import GatewayRunner
from gateway.http.state import SITES
from gateway.http.verifier import VerifyDocument
from gateway.pipeline import Verified
from gateway.reason import Reason
from gateway.site import Site
from gateway.sources.leased import LeasedSource
from gateway.verdict import Check, CheckName, Outcome, SealSummary, SignatureVerdict, Verdict
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.trust import TrustStore
from tests.support.callers import NOW

Client = TestClient[web.Request, web.Application]
StartClient = Callable[..., Awaitable[Client]]

URL = "/v1/verifications"

GENUINE = Verdict(
    format="ofd",
    checks=(Check(check=CheckName.FORMAT, outcome=Outcome.VALID),),
    signatures=(
        SignatureVerdict(
            id="1",
            kind="seal",
            standard="GB/T 38540-2020",
            signed_at=NOW,
            signer="CN=signer",
            seal=SealSummary(id="37000000000001", name="示例市场监督管理局", maker="CN=maker"),
            checks=(Check(check=CheckName.SIGNATURE, outcome=Outcome.VALID),),
        ),
    ),
)
FORGED = Verdict(
    format="ofd",
    checks=(
        Check(check=CheckName.FORMAT, outcome=Outcome.VALID),
        Check(
            check=CheckName.REFERENCES,
            outcome=Outcome.INVALID,
            reason=Reason.REFERENCES_MISMATCH,
            detail="Doc_0/Pages/Page_0/Content.xml",
        ),
    ),
    notes=("signature.raw-64-bytes",),
)


def verify_by_first_byte(
    data: bytes,
    *,
    store: TrustStore,  # noqa: ARG001
    at: datetime,  # noqa: ARG001
    stapled: StapledAnswers = NO_ANSWERS,  # noqa: ARG001
) -> Verified:
    """Be a pipeline for which documents that begin with F are forged, and others are genuine."""
    return Verified(verdict=FORGED if data.startswith(b"F") else GENUINE)


class GatewayTestServer(TestServer):
    """Runs the application inside the server that ``tongban serve`` runs it in."""

    async def _make_runner(self, **options: Any) -> GatewayRunner:
        return GatewayRunner(self.app, **options)


async def start(aiohttp_client: StartClient, site: Site, verify: VerifyDocument = verify_by_first_byte) -> Client:
    """Start the gateway on a free port of this machine and return a client for it."""
    server = GatewayTestServer(create_app(site, clock=lambda: NOW, verify=verify))
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


def question(document: bytes = b"a document", **changes: Any) -> dict[str, Any]:
    """Return the body of a good question, except for the changes."""
    return {"licence": {"document": base64.b64encode(document).decode()}} | changes


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


async def look_at_store(client: Client) -> None:
    """Let the gateway look at its own store now, and not when the next look is due: then it knows what changed."""
    await leased_source(client).look()


def leased_source(client: Client) -> LeasedSource:
    """Return what the gateway asks its own store through."""
    leased = client.server.app[SITES].current().licences._store
    assert isinstance(leased, LeasedSource)
    return leased


class RawConnection:
    """A connection on which a test decides when which bytes are sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use ``open``."""
        self._reader = reader
        self._writer = writer
        self.sent = 0

    @classmethod
    async def open(cls, client: Client) -> "RawConnection":
        """Connect to the gateway that the client talks to."""
        return cls(*await asyncio.open_connection(client.host, client.port))

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()
        self.sent += len(data)

    async def send_head(self, token: str, *lines: str) -> None:
        """Send the head of a question with these header lines in addition."""
        head = [f"POST {URL} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {token}", *lines, "", ""]
        await self.send("\r\n".join(head).encode())

    async def read_status(self) -> int:
        """Return the status of the next answer, also of an interim one; the test waits 5 seconds at most."""
        async with asyncio.timeout(5):
            line = await self._reader.readline()
        return int(line.split()[1])

    async def read_some(self) -> bytes:
        """Return what has come, at least one byte; who waits in a loop would wait for ever where none can come."""
        some = await self._reader.read(65536)
        assert some, "the connection was closed"
        return some

    async def read_rest(self) -> bytes:
        """Return everything until the server closes the connection."""
        async with asyncio.timeout(5):
            return await self._reader.read()

    def half_close(self) -> None:
        """Say that no more will be sent, and go on reading."""
        self._writer.write_eof()

    def abort(self) -> None:
        """Hang up at once, whatever is under way."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
