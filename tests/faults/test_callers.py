"""The wire between a caller and the gateway breaks: the caller is told or cut off, and others are answered."""

import json

import aiohttp
import pytest

from tests.gateway.http.test_limits import HALL
from tests.support.callers import make_site
from tests.support.fault_proxy import HOST, Fault, run_proxy
from tests.support.http import URL, StartClient, bearer, question, start

BODY = json.dumps(question(b"a document" * 1000)).encode()
CUT_OFF = "cut off"


async def ask(port: int) -> tuple[object, str]:
    """Ask over a connection of one's own; return the status and the outcome or reason, or that there is no answer."""
    headers = bearer(HALL.token()) | {"Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"http://{HOST}:{port}{URL}", data=BODY, headers=headers) as response,
        ):
            content = await response.json(content_type=None)
            return response.status, content.get("outcome") or content["reason"]
    except (aiohttp.ClientError, ValueError):
        return CUT_OFF, ""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.DRIPPED, {(408, "body.timeout"), CUT_OFF}),
        (Fault.SILENT, {CUT_OFF}),
        (Fault.RESET, {CUT_OFF}),
        (Fault.LOST, {(408, "body.timeout")}),
        (Fault.FLOODED, {(400, "bad-request"), CUT_OFF}),
    ],
)
async def test_a_question_over_a_broken_wire(
    aiohttp_client: StartClient, fault: Fault, told: set[tuple[int, str] | str]
) -> None:
    """What did not arrive as it was sent is refused or cut off in time, holds no memory, and keeps nobody waiting."""
    quick = {"body_timeout_seconds": 0.3, "body_idle_timeout_seconds": 0.3, "keepalive_timeout_seconds": 0.3}
    client = await start(aiohttp_client, make_site([HALL], lingering_seconds=0.1, **quick))
    async with run_proxy(client.port or 0) as proxy:
        assert await ask(proxy.port) == (200, "valid")
        await proxy.set(there=fault)
        found = await ask(proxy.port)
        assert (found[0] if found[0] == CUT_OFF else found) in told
        assert await ask(client.port or 0) == (200, "valid")
        assert "gateway_buffered_bytes 0.0" in await (await client.get("/metrics")).text()
        await proxy.set()
        assert await ask(proxy.port) == (200, "valid")
