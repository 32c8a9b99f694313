"""Rounds with a real log and witnesses over HTTP: quorum, staleness, restarts, and the turn of a half-year."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from gateway.audit.errors import UnprovenError
from gateway.audit.receipts import WitnessedSize
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.quorum import Policy, parse_policy, verify_witnessed
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.witness import rounds as rounds_module
from gateway.audit.witness.client import WitnessFault
from gateway.audit.witness.cosigned import judge_cosigned, quorum_seconds
from gateway.audit.witness.desk import WitnessDesk
from gateway.audit.witness.protocol import origin_hash
from gateway.audit.witness.report import STALE_ROUNDS, WitnessOutlook
from gateway.audit.witness.state import WitnessStateError, WitnessStateFault
from gateway.audit.witness.witness import Witness
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN
from tests.support.province import DEAD, INTERVAL, NEXT_YEAR, SHARD, START, Province, served
from tests.support.witness import Liar, StartServer, make_witness, policy_for, serve_desk, serve_witness


async def test_each_round_has_the_newest_checkpoint_witnessed(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """What a quorum cosigned is durable, goes into receipts, proves entries that it covers, and no later ones."""
    policy = policy_for(*await served(aiohttp_server, province), needed=2)
    rounds = province.rounds(policy)
    assert rounds.latest_witnessed(ORIGIN) is None
    for size in (10, 300):
        await province.append(range(await province.size(), size))
        await rounds.look(session)
        assert rounds.latest_witnessed(ORIGIN) == WitnessedSize(size=size, at=START)
        kept = parse_checkpoint(await province.read("cosigned"))
        assert verify_witnessed(kept, (await province.own_policy())).cosigned.keys() == {"w1", "w2"}
        assert rounds.select_checkpoint(ORIGIN, size - 1) == kept
        assert rounds.select_checkpoint(ORIGIN, size) is None
    report = rounds.report(START)
    assert (report.outlook, report.size, report.as_of) == (WitnessOutlook.CURRENT, 300, START)
    assert province.metric("tongban_audit_witnessed_size") == 300
    assert (await province.own_policy()).witnesses == policy.witnesses
    assert rounds.latest_witnessed("gw.340000/a") is None


async def test_an_idle_log_is_cosigned_anew(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """Without new entries a round still shows that the witnesses have seen the log as it is now."""
    rounds = province.rounds(policy_for(*await served(aiohttp_server, province), needed=2))
    await rounds.look(session)
    before = rounds.latest_witnessed(ORIGIN)
    assert before is not None
    province.now += timedelta(seconds=90)
    await rounds.look(session)
    assert rounds.latest_witnessed(ORIGIN) == replace(before, at=province.now)


async def test_answers_go_on_while_witnesses_are_away_and_staleness_shows(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """Without a quorum the log takes entries, receipts keep the last witnessed size, and everybody can see its age."""
    witness = make_witness(logs=province.logs())
    url = await serve_witness(aiohttp_server, witness)
    rounds = province.rounds(policy_for(url, DEAD, needed=1))
    await rounds.look(session)
    witnessed = rounds.latest_witnessed(ORIGIN)
    assert witnessed is not None
    lonely = province.rounds(policy_for(url, DEAD, needed=2))
    await lonely.look(session)
    longest = timedelta(seconds=STALE_ROUNDS * INTERVAL + 10)
    province.now += longest
    await lonely.look(session)
    assert lonely.report(province.now).outlook is WitnessOutlook.CURRENT
    province.now += timedelta(seconds=1)
    await province.append([1])
    await lonely.look(session)
    report = lonely.report(province.now)
    assert (report.outlook, report.since, report.size) == (WitnessOutlook.STALE, START, None)
    assert {one.name: one.fault for one in report.witnesses} == {"w1": None, "w2": WitnessFault.UNREACHABLE}
    assert province.metric("tongban_audit_cosigned_age_seconds") == longest.total_seconds() + 1
    assert province.metric('tongban_audit_witness_faults_total{fault="unreachable",witness="w2"}') >= 2
    assert province.metric("tongban_audit_log_forked") == 0


async def test_a_busy_witness_that_saw_less_takes_nothing_back(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """What a quorum saw stays what receipts say, when all that answers later is an older checkpoint."""
    first, second = (make_witness(number, logs=province.logs()) for number in (1, 2))
    url, other = await serve_witness(aiohttp_server, first), await serve_witness(aiohttp_server, second)
    await province.rounds(policy_for(url, other, needed=1)).look(session)
    old = await asyncio.to_thread(second.latest, origin_hash(ORIGIN), int(province.now.timestamp()))
    await province.append([1])
    await province.rounds(policy_for(url, DEAD, needed=1)).look(session)
    busy = await Liar(status=429, shown=old).start(aiohttp_server)
    rounds = province.rounds(policy_for(DEAD, busy, needed=1))
    await rounds.look(session)
    known = rounds.latest_witnessed(ORIGIN)
    assert known is not None
    assert known.size > parse_checkpoint(old or b"").checkpoint.size
    assert rounds.report(province.now).witnesses[1].fault is None


async def test_a_restart_remembers_what_was_witnessed(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """After a restart receipts say what a quorum saw before, although no witness answers now."""
    urls = await served(aiohttp_server, province)
    rounds = province.rounds(policy_for(*urls, needed=2))
    await province.append(range(5))
    await rounds.look(session)
    before = rounds.latest_witnessed(ORIGIN)
    await province.close()
    province.now += timedelta(seconds=20)
    await province.open()
    again = province.rounds(policy_for(DEAD, DEAD, needed=2))
    await again.look(session)
    assert again.latest_witnessed(ORIGIN) == before is not None
    third = province.rounds(policy_for(*urls, needed=2))
    await third.look(session)
    after = third.latest_witnessed(ORIGIN)
    assert after is not None
    assert (after.size > before.size, after.at > before.at) == (True, True)


async def test_what_witnesses_saw_and_we_did_not_keep_is_learnt_again(
    aiohttp_server: StartServer,
    province: Province,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should a process die between cosignatures and file, or the disk be full, nothing is claimed and rounds go on."""
    policy = policy_for(*await served(aiohttp_server, province), needed=2)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(rounds_module, "write_cosigned", fail)
        rounds = province.rounds(policy)
        await rounds.look(session)
        assert rounds.latest_witnessed(ORIGIN) is None
        assert not await province.read("cosigned")
    await province.append(range(3))
    for another in (rounds, province.rounds(policy)):
        await another.look(session)
        assert another.latest_witnessed(ORIGIN) is not None
        assert another.report(province.now).outlook is WitnessOutlook.CURRENT


async def test_nobody_is_asked_where_nobody_is_named(province: Province, session: aiohttp.ClientSession) -> None:
    """Without witnesses nothing is claimed about them, and the trust policy names the log alone."""
    rounds = province.rounds(Policy())
    await rounds.look(session)
    assert rounds.report(province.now + timedelta(days=9)).outlook is WitnessOutlook.NONE
    assert rounds.latest_witnessed(ORIGIN) is None
    assert not (await province.own_policy()).witnesses
    head = parse_checkpoint((await asyncio.to_thread(province.book.current.head)).checkpoint)
    with pytest.raises(UnprovenError):
        judge_cosigned(head, await province.own_policy())


async def test_the_last_checkpoint_of_a_half_year_is_witnessed(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """After the turn of a half-year the closed shard is fed until its end is witnessed, the new one from its start."""
    urls = await served(aiohttp_server, province)
    rounds = province.rounds(policy_for(*urls, needed=2))
    await rounds.look(session)
    province.now = NEXT_YEAR
    await province.book.turn()
    new = ORIGIN.replace(SHARD, "2027h1")
    assert rounds.latest_witnessed(new) is None
    await rounds.look(session)
    assert rounds.latest_witnessed(ORIGIN) == WitnessedSize(size=await province.size(SHARD), at=NEXT_YEAR)
    assert rounds.latest_witnessed(new) == WitnessedSize(size=await province.size(), at=NEXT_YEAR)
    province.now += timedelta(seconds=60)
    await rounds.look(session)
    assert rounds.latest_witnessed(ORIGIN).at == NEXT_YEAR
    assert rounds.latest_witnessed(new).at == province.now
    assert rounds.report(province.now).size == await province.size()


async def test_a_closed_shard_waits_for_witnesses_that_are_away(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """A shard whose end nobody has witnessed is fed until somebody has, however long that takes."""
    witness, away = make_witness(logs=province.logs()), [True]

    def open_witness() -> Witness:
        if away:
            raise WitnessStateError(WitnessStateFault.UNREADABLE, "away")
        return witness

    url = await serve_desk(aiohttp_server, WitnessDesk(open_witness), lambda: province.now)
    rounds = province.rounds(policy_for(url))
    await rounds.look(session)
    province.now = NEXT_YEAR
    await province.book.turn()
    await rounds.look(session)
    away.clear()
    for _ in range(9):  # it is asked less often by now
        await rounds.look(session)
    assert rounds.latest_witnessed(ORIGIN) == WitnessedSize(size=await province.size(SHARD), at=NEXT_YEAR)


async def test_a_witness_that_is_away_is_asked_less_and_less(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """A dead witness costs a request in a growing number of rounds, and none of the other's."""
    asked = []

    async def refuse(_: web.Request) -> web.Response:
        asked.append(1)
        return web.Response(status=503)

    app = web.Application()
    app.add_routes([web.post("/add-checkpoint", refuse)])
    dead = str((await aiohttp_server(app)).make_url("/"))
    (url,) = await served(aiohttp_server, province, [2])
    policy = policy_for(dead, url)
    rounds = province.rounds(policy)
    for _ in range(40):
        await rounds.look(session)
    assert 5 <= len(asked) <= 10
    assert rounds.report(province.now).outlook is WitnessOutlook.CURRENT


async def test_a_round_that_fails_is_not_the_last(
    aiohttp_server: StartServer,
    province: Province,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither a log that cannot be read for a while nor a fault of ours ends the rounds."""
    rounds = province.rounds(policy_for(*await served(aiohttp_server, province), needed=2))
    for error in (LogUnavailableError(Unavailable.LOCKED), OSError("gone"), RuntimeError("ours")):

        def fail(error: Exception = error) -> tuple[str, ...]:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(province.book, "shards", fail)
            await rounds.look(session)
        assert rounds.latest_witnessed(ORIGIN) is None
    await rounds.look(session)
    assert rounds.latest_witnessed(ORIGIN) is not None


async def test_a_damaged_file_of_cosignatures_is_fetched_anew(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """What does not verify is no knowledge, and no evidence either."""
    policy = policy_for(*await served(aiohttp_server, province), needed=2)
    await province.rounds(policy).look(session)
    data = await province.read("cosigned")
    for damaged in (b"", data[:-1], data.replace(b"\n\n", b"\n"), bytes(300_000)):
        await province.write("cosigned", damaged)
        rounds = province.rounds(policy)
        await rounds.look(session)
        assert rounds.latest_witnessed(ORIGIN) is not None
        assert await province.read("cosigned") == data


def test_a_quorum_saw_the_log_when_its_last_witness_did() -> None:
    """The time of a quorum is the latest at or after which enough witnesses cosigned."""
    policy = replace(exports.POLICY, groups=(replace(exports.POLICY.groups[0], threshold=2),))
    assert quorum_seconds(policy, {"w1": 5, "w2": 9, "w3": 7}) == 7
    assert quorum_seconds(policy, {"w1": 5, "w2": 9}) == 5
    assert quorum_seconds(policy, {"w1": 5}) == 0


async def test_a_closed_shard_keeps_the_witnesses_that_saw_it_grow(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """A policy that is changed in the new half-year changes nothing about the one before, finished or not."""
    old, new = await served(aiohttp_server, province, [1]), await served(aiohttp_server, province, [2])
    await province.rounds(policy_for(*old)).look(session)
    before = await province.own_policy()
    province.now = NEXT_YEAR
    await province.book.turn()
    names = policy_for(DEAD, *new).witnesses[1:]
    changed = replace(
        policy_for(*old), witnesses=names, groups=(replace(exports.POLICY.groups[0], threshold=1, members=("w2",)),)
    )
    rounds = province.rounds(changed)
    await rounds.look(session)
    assert await province.own_policy() == before
    assert rounds.latest_witnessed(ORIGIN) == WitnessedSize(size=await province.size(SHARD), at=NEXT_YEAR)
    current = parse_policy(await province.read("../2027h1/trust.policy"))
    assert [witness.name for witness in current.witnesses] == ["w2"]
    assert rounds.report(province.now).size == await province.size()


async def test_a_witness_that_refuses_a_closed_shard_is_asked_about_the_current_one(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession
) -> None:
    """Faults about one shard cost another shard no round."""
    await province.rounds(policy_for(DEAD, needed=1)).look(session)
    province.now = NEXT_YEAR
    await province.book.turn()
    witness = make_witness(logs=province.logs(since=NEXT_YEAR))
    url = await serve_witness(aiohttp_server, witness, lambda: province.now)
    rounds = province.rounds(policy_for(url))
    for _ in range(12):
        province.now += timedelta(seconds=INTERVAL)
        await rounds.look(session)
        witnessed = rounds.latest_witnessed(ORIGIN.replace(SHARD, "2027h1"))
        assert witnessed is not None
        assert witnessed.at == province.now
    assert rounds.latest_witnessed(ORIGIN) is None
    assert rounds.report(province.now).witnesses[0].fault is None
