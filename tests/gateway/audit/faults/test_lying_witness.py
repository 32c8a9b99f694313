"""A witness that drips its answer, or hands out what it signed long ago."""

import asyncio
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from gateway.audit.tlog.note import encode_signature_lines
from gateway.audit.witness.client import WitnessFault, WitnessFeeder
from tests.gateway.audit import exports
from tests.support.witness import NOW, Liar, StartServer, Tree, make_witness, policy_for, serve_witness


@dataclass
class Drip(Liar):
    """A witness that sends a byte now and then, and never the last."""

    async def post(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]  # it never ends
        """Answer a submission, for ever."""
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.005)


async def test_a_witness_that_drips_keeps_nobody_waiting(
    aiohttp_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of one witness is bounded as a whole, however often it sends a byte, and the others count."""
    monkeypatch.setattr("gateway.audit.witness.client.WITNESS_SECONDS", 0.5)
    urls = [await Drip().start(aiohttp_server), await serve_witness(aiohttp_server, make_witness(2))]
    tree = Tree()
    async with aiohttp.ClientSession() as session:
        feeder = WitnessFeeder(policy=policy_for(*urls), log=tree, session=session)
        fed = await feeder.feed(tree.grow(7), NOW)
    assert fed.is_witnessed
    assert [error.fault for error in fed.failures.values()] == [WitnessFault.TOO_SLOW]


async def test_a_cosignature_of_an_earlier_checkpoint_does_not_count(aiohttp_server: StartServer) -> None:
    """What a witness signed of the same tree when it was smaller says nothing about it now."""
    tree = Tree()
    line = exports.COSIGNERS[0].cosign(tree.grow(3).note.text, NOW)
    url = await Liar(answer=encode_signature_lines([line])).start(aiohttp_server)
    async with aiohttp.ClientSession() as session:
        fed = await WitnessFeeder(policy=policy_for(url), log=tree, session=session).feed(tree.grow(7), NOW)
    assert not fed.is_witnessed
    assert [error.fault for error in fed.failures.values()] == [WitnessFault.NOT_SIGNED]
