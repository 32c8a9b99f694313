"""What processes know of the witnesses that feed none of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import aiohttp

from gateway.audit.witness.fork import FORK_FOLDER, SEEN_FILE
from gateway.audit.witness.kept import KeptCosignatures
from gateway.audit.witness.report import WitnessOutlook
from tests.support.audit import ORIGIN
from tests.support.province import INTERVAL, NEXT_YEAR, SHARD, START, Province, served
from tests.support.witness import StartServer, policy_for


async def test_other_processes_know_what_is_kept(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """A worker that does not write the log knows as much of its witnesses as the one that does, from their files."""
    kept = KeptCosignatures(province.site / "state/audit", interval_seconds=INTERVAL)
    assert kept.report(START).outlook is WitnessOutlook.NONE
    await kept.look()
    assert kept.latest_witnessed(ORIGIN) is None
    rounds = province.rounds(policy_for(*await served(aiohttp_server, province), needed=2))
    for now in (START, NEXT_YEAR, NEXT_YEAR + timedelta(seconds=20)):
        province.now = now
        await province.book.turn()
        await rounds.look(session)
        await kept.look()
        for origin in (ORIGIN, ORIGIN.replace(SHARD, "2027h1")):
            assert kept.latest_witnessed(origin) == rounds.latest_witnessed(origin)
            assert kept.select_checkpoint(origin, 0) == rounds.select_checkpoint(origin, 0)
        assert kept.report(now) == replace(rounds.report(now), begun_at=kept.report(now).begun_at)
    assert kept.report(now + timedelta(hours=1)).outlook is WitnessOutlook.STALE
    await province.write("cosigned", b"damaged")
    await kept.look()
    assert kept.latest_witnessed(ORIGIN) == rounds.latest_witnessed(ORIGIN)
    await asyncio.to_thread((province.folder / FORK_FOLDER).mkdir)
    await province.write(f"{FORK_FOLDER}/{SEEN_FILE}", b"")
    await kept.look()
    assert kept.report(now).outlook is WitnessOutlook.FORKED


async def test_files_that_cannot_be_read_are_looked_at_again(province: Province) -> None:
    """A folder that is not there, or a policy that is damaged, costs nothing but knowledge."""
    absent = KeptCosignatures(province.site / "nowhere", interval_seconds=INTERVAL)
    await absent.look()
    kept = KeptCosignatures(province.site / "state/audit", interval_seconds=INTERVAL)
    policy = await province.read("trust.policy")
    await province.write("trust.policy", b"damaged")
    await kept.look()
    assert kept.report(START).outlook is WitnessOutlook.NONE
    await province.write("trust.policy", policy)
    await kept.look()
    assert kept.report(START).witnesses == ()
