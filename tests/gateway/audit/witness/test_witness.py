"""Witnesses, both sides over HTTP: what one cosigns, what it refuses, and what a lying one can and cannot do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.tlog.checkpoint import Checkpoint, SignedCheckpoint, encode_checkpoint, sign_checkpoint
from gateway.audit.tlog.merkle import CompactRange, consistency_ranges, hash_range, leaf_hash
from gateway.audit.tlog.note import encode_signature_lines
from gateway.audit.tlog.quorum import Policy, verify_witnessed
from gateway.audit.witness.client import (
    ForkDetectedError,
    StoreView,
    WitnessError,
    WitnessFault,
    WitnessFeeder,
)
from gateway.audit.witness.http import witness_routes
from gateway.audit.witness.protocol import (
    SIZE_TYPE,
    AddCheckpoint,
    encode_add_checkpoint,
    encode_size,
    origin_hash,
    parse_add_checkpoint,
)
from gateway.audit.witness.state import (
    FolderWitnessState,
    MemoryWitnessState,
    WitnessState,
    WitnessStateError,
    WitnessStateFault,
)
from gateway.audit.witness.witness import Witness
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN, SIGNER, START_MS, opened, sqlite_setup

NOW = START_MS // 1000
StartServer = Callable[[web.Application], Awaitable[TestServer]]


@dataclass
class Tree:
    """A log in memory, of entries that a test chooses; forks are logs with other entries."""

    label: str = "entry"
    size: int = 0
    leaves: list[bytes] = field(default_factory=list)

    def grow(self, size: int) -> SignedCheckpoint:
        """Grow, and sign the tree as it is then."""
        self.size = size
        while len(self.leaves) < size:
            self.leaves.append(leaf_hash(f"{self.label} {len(self.leaves)}".encode()))
        checkpoint = Checkpoint(origin=ORIGIN, size=size, root=self.root_at(size))
        return sign_checkpoint(checkpoint, [SIGNER])

    def root_at(self, size: int) -> bytes:
        """Return the root of the first entries."""
        if size > self.size:
            raise ValueError
        tree = CompactRange()
        for leaf in self.leaves[:size]:
            tree.append(leaf)
        return tree.root()

    def _node(self, height: int, index: int) -> bytes:
        tree = CompactRange()
        for leaf in self.leaves[index << height : (index + 1) << height]:
            tree.append(leaf)
        return tree.root()

    def prove_growth(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof of growth."""
        return tuple(hash_range(start, end, self._node) for start, end in consistency_ranges(old, new))


def make_witness(number: int = 1, state: WitnessState | None = None) -> Witness:
    return Witness(exports.COSIGNERS[number - 1], {ORIGIN: [SIGNER.key]}, state or MemoryWitnessState())


def body(tree: Tree, signed: SignedCheckpoint, old: int) -> bytes:
    proof = tree.prove_growth(old, signed.checkpoint.size) if 0 < old <= signed.checkpoint.size else ()
    return encode_add_checkpoint(AddCheckpoint(old=old, proof=proof, checkpoint=signed))


async def serve_witness(aiohttp_server: StartServer, witness: Witness) -> str:
    app = web.Application()
    app.add_routes(witness_routes(witness, lambda: NOW, prefix="/witness"))
    server = await aiohttp_server(app)
    return str(server.make_url("/witness"))


def policy_for(*urls: str | None, needed: int = 1) -> Policy:
    witnesses = tuple(replace(witness, url=url) for witness, url in zip(exports.POLICY.witnesses, urls, strict=False))
    group = replace(exports.POLICY.groups[0], threshold=needed, members=tuple(one.name for one in witnesses))
    return replace(exports.POLICY, witnesses=witnesses, groups=(group,))


# --- the witness ------------------------------------------------------------------------------------------------------


def test_a_log_that_grows_is_cosigned_step_by_step() -> None:
    """Each larger tree that begins with the last one gets a cosignature that its policy accepts."""
    witness, tree, old = make_witness(), Tree(), 0
    for size in (0, 1, 1, 5, 8, 300):
        signed = tree.grow(size)
        answer = witness.add_checkpoint(body(tree, signed, old), NOW)
        assert answer.status == 200
        latest = witness.latest(origin_hash(ORIGIN))
        assert latest is not None
        assert verify_witnessed(exports.parse_checkpoint(latest), policy_for(None)).cosigned == {"w1": NOW}
        old = size


def test_refusals_are_those_of_the_specification() -> None:
    """Each way to be wrong has its status; none of them changes what the witness has."""
    witness, tree, fork = make_witness(), Tree(), Tree(label="other")
    assert witness.add_checkpoint(body(tree, tree.grow(5), 0), NOW).status == 200
    grown, forked = tree.grow(9), fork.grow(9)
    foreign = exports.foreign_signer
    head = grown.checkpoint
    unknown = sign_checkpoint(replace(head, origin="gw.340000/a"), [foreign("gw.340000/a")])
    stranger = sign_checkpoint(head, [foreign()])
    line = grown.note.signatures[0]
    spoilt = replace(grown, note=replace(grown.note, signatures=(replace(line, value=bytes(64)),)))
    for data, status in (
        (b"", 400),
        (b"old 5\n\nnothing", 400),
        (body(tree, tree.grow(9), 5).replace(b"old 5", b"old 05"), 400),
        (body(tree, grown, 10), 400),
        (body(tree, unknown, 5), 404),
        (body(tree, stranger, 5), 403),
        (body(tree, spoilt, 5), 403),
        (body(tree, grown, 0), 409),
        (body(tree, grown, 4), 409),
        (body(tree, tree.grow(4), 4), 409),
        (body(fork, forked, 5), 422),
        (body(fork, fork.grow(5), 5), 422),
        (encode_add_checkpoint(AddCheckpoint(old=5, proof=(), checkpoint=grown)), 422),
    ):
        assert witness.add_checkpoint(data, NOW).status == status
    conflict = witness.add_checkpoint(body(tree, grown, 0), NOW)
    assert (conflict.body, conflict.content_type) == (b"5\n", SIZE_TYPE)
    assert witness.add_checkpoint(body(tree, grown, 5), NOW).status == 200


def test_a_proof_from_nothing_is_empty() -> None:
    """Hashes that prove growth from the empty tree are refused."""
    tree = Tree()
    signed = tree.grow(3)
    request = encode_add_checkpoint(AddCheckpoint(old=0, proof=(bytes(32),), checkpoint=signed))
    assert make_witness().add_checkpoint(request, NOW).status == 422


def test_a_witness_needs_keys_of_the_logs_it_knows() -> None:
    """A key under another name than the log's origin is not taken."""
    with pytest.raises(ValueError, match="origin"):
        Witness(exports.COSIGNERS[0], {"gw.340000/a": [SIGNER.key]}, MemoryWitnessState())


def test_a_witness_remembers_after_a_restart(tmp_path: Path) -> None:
    """What was cosigned before a restart is what the next checkpoint must begin with."""
    tree, fork = Tree(), Tree(label="other")
    make_witness(state=FolderWitnessState(tmp_path)).add_checkpoint(body(tree, tree.grow(5), 0), NOW)
    again = make_witness(state=FolderWitnessState(tmp_path))
    assert again.add_checkpoint(body(fork, fork.grow(9), 5), NOW).status == 422
    assert again.add_checkpoint(body(tree, tree.grow(9), 5), NOW).status == 200


def test_a_changed_byte_of_its_state_stops_a_witness(tmp_path: Path) -> None:
    """A witness whose memory was changed cosigns nothing, and says so with its own error."""
    tree = Tree()
    witness = make_witness(state=FolderWitnessState(tmp_path))
    witness.add_checkpoint(body(tree, tree.grow(5), 0), NOW)
    path = tmp_path / origin_hash(ORIGIN)
    data = path.read_bytes()
    grown = body(tree, tree.grow(9), 5)
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(WitnessStateError) as caught:
            witness.add_checkpoint(grown, NOW)
        assert caught.value.fault is WitnessStateFault.CHANGED
    path.write_bytes(data)
    assert witness.add_checkpoint(grown, NOW).status == 200


def test_a_witness_that_cannot_write_does_not_answer(tmp_path: Path) -> None:
    """What is not durable is not cosigned."""
    tree = Tree()
    witness = make_witness(state=FolderWitnessState(tmp_path / "state"))
    (tmp_path / "state" / origin_hash(ORIGIN)).mkdir()
    with pytest.raises(WitnessStateError):
        witness.add_checkpoint(body(tree, tree.grow(5), 0), NOW)


def test_two_at_once_cannot_roll_a_witness_back(tmp_path: Path) -> None:
    """Of submissions that race, those that were overtaken are told the size; the latest never shrinks."""
    tree = Tree()
    requests = [body(tree, tree.grow(size), 0) for size in range(1, 9)]
    witnesses = [make_witness(state=FolderWitnessState(tmp_path)) for _ in requests]

    async def race() -> list[int]:
        answers = await asyncio.gather(
            *(asyncio.to_thread(w.add_checkpoint, r, NOW) for w, r in zip(witnesses, requests, strict=True))
        )
        return sorted(int(answer.status) for answer in answers)

    assert asyncio.run(race()) == [200] + [409] * 7


@given(st.binary(max_size=300))
def test_garbage_is_a_bad_request(data: bytes) -> None:
    """Whatever the bytes, a witness answers 400 and reading them raises nothing but our error."""
    assert make_witness().add_checkpoint(data, NOW).status == 400
    with pytest.raises(MalformedLogDataError):
        parse_add_checkpoint(data)


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_what_we_send_is_what_we_read(old: int, proof: list[bytes]) -> None:
    """A request is read as it was written."""
    request = AddCheckpoint(old=old, proof=tuple(proof), checkpoint=Tree().grow(3))
    assert parse_add_checkpoint(encode_add_checkpoint(request)) == request


# --- both sides -------------------------------------------------------------------------------------------------------


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
    """A witness that has a later checkpoint of our own tree is told apart from one that proves a rollback."""
    witness, tree = make_witness(), Tree()
    early = tree.grow(5)
    assert witness.add_checkpoint(body(tree, tree.grow(9), 0), NOW).status == 200
    url = await serve_witness(aiohttp_server, witness)
    async with aiohttp.ClientSession() as session:
        fed = await WitnessFeeder(policy=policy_for(url), log=tree, session=session).feed(early, NOW)
    assert fed.failures["w1"].fault is WitnessFault.OVERTAKEN


# --- a witness that lies ----------------------------------------------------------------------------------------------


@dataclass
class Liar:
    """A witness that answers whatever a test says."""

    status: int = 200
    answer: bytes = b""
    content_type: str = "text/plain"
    shown: bytes | None = None

    async def post(self, _request: web.Request) -> web.Response:
        """Answer a submission."""
        return web.Response(status=self.status, body=self.answer, content_type=self.content_type)

    async def get(self, _request: web.Request) -> web.Response:
        """Show a checkpoint."""
        return web.Response(status=404) if self.shown is None else web.Response(body=self.shown)

    async def start(self, aiohttp_server: StartServer) -> str:
        """Serve it, and return its address."""
        app = web.Application()
        app.add_routes([web.post("/add-checkpoint", self.post), web.get("/{origin}/checkpoint", self.get)])
        return str((await aiohttp_server(app)).make_url("/"))


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
    """A line by another key, over another tree, or with a time far ahead is no cosignature."""
    tree = Tree()
    signed = tree.grow(7)
    text, other = signed.note.text, Tree(label="other").grow(7).note.text
    for line, fault in (
        (exports.COSIGNERS[1].cosign(text, NOW), WitnessFault.NOT_SIGNED),
        (exports.COSIGNERS[0].cosign(other, NOW), WitnessFault.NOT_SIGNED),
        (exports.COSIGNERS[0].cosign(text, NOW + 10_000), WitnessFault.CLOCK),
        (exports.COSIGNERS[0].cosign(text, 0), WitnessFault.CLOCK),
    ):
        liar = Liar(answer=encode_signature_lines([line]))
        assert (await ask(await liar.start(aiohttp_server), tree, signed)).fault is fault


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
