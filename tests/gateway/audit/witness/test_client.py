"""Feeding witnesses over HTTP: what comes back counts, what is wrong has a name, and how far a lying one gets."""

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, sign_checkpoint
from gateway.audit.tlog.note import encode_signature_lines
from gateway.audit.tlog.quorum import verify_witnessed
from gateway.audit.witness.client import (
    MAX_CLOCK_SECONDS,
    ForkDetectedError,
    StoreView,
    WitnessError,
    WitnessFault,
    WitnessFeeder,
)
from gateway.audit.witness.protocol import SIZE_TYPE, encode_size, origin_hash
from gateway.audit.witness.witness import MOST_A_MINUTE
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN, START_MS, opened, sqlite_setup
from tests.support.witness import NOW, Liar, StartServer, Tree, body, make_witness, policy_for, serve_witness


async def test_a_fed_log_gets_its_quorum(aiohttp_server: StartServer) -> None:
    """A log that grows has each checkpoint cosigned, round after round, and by a new feeder too."""
    urls = [await serve_witness(aiohttp_server, make_witness(number)) for number in (1, 2)]
    policy, tree = policy_for(*urls, needed=2), Tree()
    async with aiohttp.ClientSession() as session:
        feeder = WitnessFeeder(policy=policy, log=tree, session=session)
        for size in (3, 3, 10, 300):
            fed = await feeder.feed(tree.grow(size), NOW)
            assert (fed.is_witnessed, dict(fed.cosigned), dict(fed.failures)) == (True, {"w1": NOW, "w2": NOW}, {})
            assert verify_witnessed(fed.checkpoint, policy).cosigned == {"w1": NOW, "w2": NOW}
        anew = WitnessFeeder(policy=policy, log=tree, session=session)
        assert (await anew.feed(tree.grow(301), NOW)).is_witnessed
        async with session.get(f"{urls[0]}/{origin_hash(ORIGIN)}/checkpoint") as response:
            assert exports.parse_checkpoint(await response.read()).checkpoint.size == 301
        async with session.get(f"{urls[0]}/{'0' * 64}/checkpoint") as response:
            assert response.status == 404
        async with session.post(f"{urls[0]}/add-checkpoint", data=bytes(300_000)) as response:
            assert response.status == 413


async def test_the_log_itself_can_be_fed(aiohttp_server: StartServer, tmp_path: Path) -> None:
    """The store of a real log proves its growth to a witness."""
    heads = await asyncio.to_thread(_real_heads, tmp_path)
    url = await serve_witness(aiohttp_server, make_witness())
    with_log = await asyncio.to_thread(lambda: opened(sqlite_setup(tmp_path, lambda: START_MS + 9999)))
    log = await asyncio.to_thread(with_log.__enter__)
    try:
        async with aiohttp.ClientSession() as session:
            feeder = WitnessFeeder(policy=policy_for(url), log=StoreView(log.store), session=session)
            for head in heads:
                assert (await feeder.feed(exports.parse_checkpoint(head), NOW)).is_witnessed
    finally:
        await asyncio.to_thread(with_log.__exit__, None, None, None)


def _real_heads(folder: Path) -> list[bytes]:
    receipts = exports.append(folder, [(START_MS + n // 100, exports.answer(n)) for n in range(300)])
    return list(dict.fromkeys(receipt.checkpoint for receipt in receipts))


async def test_a_witness_that_is_down_or_unknown_delays_nothing_else(aiohttp_server: StartServer) -> None:
    """Faults of one witness are in the outcome, and the others' cosignatures count."""
    url = await serve_witness(aiohttp_server, make_witness())
    tree = Tree()
    async with aiohttp.ClientSession() as session:
        policy = policy_for(url, "http://127.0.0.1:1/", None)
        fed = await WitnessFeeder(policy=policy, log=tree, session=session).feed(tree.grow(3), NOW)
    assert fed.is_witnessed
    assert {name: error.fault for name, error in fed.failures.items()} == {
        "w2": WitnessFault.UNREACHABLE,
        "w3": WitnessFault.NO_ADDRESS,
    }


@pytest.mark.parametrize("forked", [True, False], ids=["forked", "rolled back"])
async def test_a_fork_or_a_rollback_is_proven_by_our_own_signature(
    aiohttp_server: StartServer, *, forked: bool
) -> None:
    """A witness that saw another log, or a longer one, shows our signature on it, and the log must stop."""
    witness, seen = make_witness(), Tree()
    assert witness.add_checkpoint(body(seen, seen.grow(9), 0), NOW).status == 200
    url = await serve_witness(aiohttp_server, witness)
    ours = Tree(label="other") if forked else Tree()
    signed = ours.grow(12 if forked else 5)
    async with aiohttp.ClientSession() as session:
        feeder = WitnessFeeder(policy=policy_for(url), log=ours, session=session)
        with pytest.raises(ForkDetectedError) as caught:
            await feeder.feed(signed, NOW)
    assert caught.value.evidence is not None
    assert caught.value.evidence.checkpoint == seen.grow(9).checkpoint


async def test_a_submission_that_was_overtaken_is_no_rollback(aiohttp_server: StartServer) -> None:
    """A witness that has a later checkpoint of our own tree has cosigned that; one too long ago does not count."""
    witness, tree = make_witness(), Tree()
    early = tree.grow(5)
    assert witness.add_checkpoint(body(tree, tree.grow(9), 0), NOW).status == 200
    url = await serve_witness(aiohttp_server, witness)
    async with aiohttp.ClientSession() as session:
        feeder = WitnessFeeder(policy=policy_for(url), log=tree, session=session)
        fed = await feeder.feed(early, NOW)
        late = await feeder.feed(early, NOW + MAX_CLOCK_SECONDS + 1)
    assert (fed.is_witnessed, fed.checkpoint.checkpoint.size, dict(fed.cosigned)) == (True, 9, {"w1": NOW})
    assert verify_witnessed(fed.checkpoint, policy_for(url)).cosigned == {"w1": NOW}
    assert (late.is_witnessed, late.failures["w1"].fault) == (False, WitnessFault.OVERTAKEN)


async def test_whoever_feeds_in_our_place_does_our_work(aiohttp_server: StartServer) -> None:
    """Witnesses that somebody keeps busy with our own checkpoints have cosigned what they saw last, and that counts."""
    witnesses, tree = [make_witness(number) for number in (1, 2)], Tree()
    for witness in witnesses:
        for size in range(MOST_A_MINUTE):
            grown = body(tree, tree.grow(size + 1), size)
            assert witness.add_checkpoint(grown, NOW, sender="127.0.0.1").status == 200
    urls = [await serve_witness(aiohttp_server, witness) for witness in witnesses]
    policy = policy_for(*urls, needed=2)
    async with aiohttp.ClientSession() as session:
        fed = await WitnessFeeder(policy=policy, log=tree, session=session).feed(tree.grow(90), NOW)
    assert (fed.is_witnessed, fed.checkpoint.checkpoint.size, dict(fed.failures)) == (True, MOST_A_MINUTE, {})
    assert set(verify_witnessed(fed.checkpoint, policy).cosigned) == {"w1", "w2"}


async def test_what_a_busy_witness_shows_may_be_evidence(aiohttp_server: StartServer) -> None:
    """A witness that is busy and shows a checkpoint of ours that we do not contain has proven a fork."""
    other = Tree(label="other")
    liar = Liar(status=429, shown=encode_checkpoint(other.grow(5)))
    with pytest.raises(ForkDetectedError):
        await ask(await liar.start(aiohttp_server), tree := Tree(), tree.grow(7))


async def test_cosignatures_of_different_trees_are_no_quorum(aiohttp_server: StartServer) -> None:
    """Each witness that shows another of our checkpoints was there; together they are not enough."""
    tree, urls = Tree(), []
    for number in (1, 2):
        signed = tree.grow(number)
        shown = signed.with_signatures([exports.COSIGNERS[number - 1].cosign(signed.note.text, NOW)])
        urls.append(await Liar(status=429, shown=encode_checkpoint(shown)).start(aiohttp_server))
    async with aiohttp.ClientSession() as session:
        feeder = WitnessFeeder(policy=policy_for(*urls, needed=2), log=tree, session=session)
        fed = await feeder.feed(tree.grow(7), NOW)
    assert (fed.is_witnessed, set(fed.cosigned), dict(fed.failures)) == (False, {"w1", "w2"}, {})
    assert (fed.checkpoint.checkpoint.size, len(fed.checkpoint.note.signatures)) == (7, 1)


# --- a witness that lies ----------------------------------------------------------------------------------------------


async def ask(url: str, tree: Tree, signed: SignedCheckpoint, **more: str) -> WitnessError:
    async with aiohttp.ClientSession() as session:
        policy = policy_for(url, more.get("second"), needed=2 if "second" in more else 1)
        # A claim alone must not be enough to stop the log: with a quorum of two, one liar is not.
        policy = policy if "second" in more else replace(policy, quorum="none")
        fed = await WitnessFeeder(policy=policy, log=tree, session=session).feed(signed, NOW)
    assert "w1" not in fed.cosigned
    return fed.failures["w1"]


@pytest.mark.parametrize(
    ("liar", "fault"),
    [
        (Liar(answer=b"nothing"), WitnessFault.MALFORMED),
        (Liar(answer=b""), WitnessFault.MALFORMED),
        (Liar(answer=bytes(300_000)), WitnessFault.MALFORMED),
        (Liar(status=409, answer=b"5\n"), WitnessFault.MALFORMED),
        (Liar(status=409, answer=b"-5\n", content_type=SIZE_TYPE), WitnessFault.MALFORMED),
        (Liar(status=409, answer=b"0\n", content_type=SIZE_TYPE), WitnessFault.MALFORMED),
        (Liar(status=500), WitnessFault.STATUS),
        (Liar(status=302), WitnessFault.STATUS),
        (Liar(status=403), WitnessFault.STATUS),
        (Liar(status=409, answer=b"999\n", content_type=SIZE_TYPE), WitnessFault.CLAIMS_FORK),
        (Liar(status=422), WitnessFault.CLAIMS_FORK),
        (Liar(status=422, shown=b"nothing"), WitnessFault.CLAIMS_FORK),
    ],
    ids=lambda value: f"{value.status} {value.answer[:8]!r} {value.shown!r}" if isinstance(value, Liar) else str(value),
)
async def test_answers_that_prove_nothing_are_its_own_fault(
    aiohttp_server: StartServer, liar: Liar, fault: WitnessFault
) -> None:
    """Whatever a witness answers, it costs no more than its cosignature, and has a name for metrics."""
    tree = Tree()
    error = await ask(await liar.start(aiohttp_server), tree, tree.grow(7))
    assert error.fault is fault


async def test_cosignatures_of_others_or_of_something_else_do_not_count(aiohttp_server: StartServer) -> None:
    """A line by another key, over another tree, or with a time far from ours is no cosignature."""
    tree = Tree()
    signed = tree.grow(7)
    text, other = signed.note.text, Tree(label="other").grow(7).note.text
    for line, fault in (
        (exports.COSIGNERS[1].cosign(text, NOW), WitnessFault.NOT_SIGNED),
        (exports.COSIGNERS[0].cosign(other, NOW), WitnessFault.NOT_SIGNED),
        (exports.COSIGNERS[0].cosign(text, NOW + 10_000), WitnessFault.CLOCK),
        (exports.COSIGNERS[0].cosign(text, NOW - 10_000), WitnessFault.CLOCK),
        (exports.COSIGNERS[0].cosign(text, 1), WitnessFault.CLOCK),
        (exports.COSIGNERS[0].cosign(text, 0), WitnessFault.CLOCK),
    ):
        liar = Liar(answer=encode_signature_lines([line]))
        assert (await ask(await liar.start(aiohttp_server), tree, signed)).fault is fault


async def test_replays_of_what_a_witness_shows_hide_nothing(aiohttp_server: StartServer) -> None:
    """Whoever sends a witness its own checkpoint again takes no turns from the log, and hides no fork from it."""
    url = await serve_witness(aiohttp_server, make_witness())
    tree, forked = Tree(), Tree(label="other")
    async with aiohttp.ClientSession() as session:
        feeder = WitnessFeeder(policy=policy_for(url), log=tree, session=session)
        assert (await feeder.feed(tree.grow(30), NOW)).is_witnessed
        async with session.get(f"{url}/{origin_hash(ORIGIN)}/checkpoint") as response:
            shown = exports.parse_checkpoint(await response.read())
        for old in (0, 30):
            for _ in range(MOST_A_MINUTE):
                async with session.post(f"{url}/add-checkpoint", data=body(tree, shown, old)):
                    pass
        assert (await feeder.feed(tree.grow(31), NOW)).is_witnessed
        restored = WitnessFeeder(policy=policy_for(url), log=forked, session=session)
        with pytest.raises(ForkDetectedError):
            await restored.feed(forked.grow(20), NOW)


async def test_a_witness_that_is_busy_says_so(aiohttp_server: StartServer) -> None:
    """Too many requests is a fault of its own."""
    tree = Tree()
    assert (await ask(await Liar(status=429).start(aiohttp_server), tree, tree.grow(7))).fault is WitnessFault.BUSY


async def test_evidence_that_we_did_not_sign_is_only_a_claim(aiohttp_server: StartServer) -> None:
    """A longer log signed by somebody else under our name, or an old checkpoint of ours, stops nothing."""
    tree = Tree()
    signed = tree.grow(7)
    forged = sign_checkpoint(replace(signed.checkpoint, size=999), [exports.foreign_signer()])
    for shown in (encode_checkpoint(forged), encode_checkpoint(tree.grow(7)), encode_checkpoint(tree.grow(3))):
        tree.grow(7)
        liar = Liar(status=409, answer=encode_size(999), content_type=SIZE_TYPE, shown=shown)
        assert (await ask(await liar.start(aiohttp_server), tree, signed)).fault is WitnessFault.CLAIMS_FORK


async def test_one_liar_cannot_stop_the_log_and_a_quorum_can(aiohttp_server: StartServer) -> None:
    """Claims without evidence stop the log exactly when as many witnesses make them as the quorum needs."""
    liar = Liar(status=409, answer=b"999\n", content_type=SIZE_TYPE)
    url = await liar.start(aiohttp_server)
    honest = await serve_witness(aiohttp_server, make_witness(2))
    tree = Tree()
    signed = tree.grow(7)
    assert (await ask(url, tree, signed, second=honest)).fault is WitnessFault.CLAIMS_FORK
    with pytest.raises(ForkDetectedError) as caught:
        await ask(url, tree, signed, second=await liar.start(aiohttp_server))
    assert (caught.value.evidence, caught.value.witnesses) == (None, ("w1", "w2"))
