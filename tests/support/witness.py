"""Witnesses to test with: a log that grows as a test likes, witnesses of it, and one that a gateway serves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.app import create_app
from gateway.audit.tlog.checkpoint import Checkpoint, SignedCheckpoint, sign_checkpoint
from gateway.audit.tlog.merkle import CompactRange, consistency_ranges, hash_range, leaf_hash
from gateway.audit.tlog.note_key import NoteKey
from gateway.audit.tlog.quorum import Policy
from gateway.audit.witness.desk import WitnessDesk
from gateway.audit.witness.protocol import AddCheckpoint, encode_add_checkpoint
from gateway.audit.witness.state import MemoryWitnessState, WitnessState
from gateway.audit.witness.witness import Witness
from gateway.audit.witness.witnessed import WitnessedLog, WitnessedLogs
from gateway.http.state import WITNESS
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN, SIGNER, START_MS
from tests.support.callers import make_site

NOW = START_MS // 1000
SINCE = datetime(2026, 7, 1, tzinfo=UTC)
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


def known(*keys: NoteKey, origin: str = ORIGIN) -> WitnessedLogs:
    """Return that one log is witnessed, which has these keys."""
    return WitnessedLogs([WitnessedLog(origin=origin, is_prefix=False, keys=keys or (SIGNER.key,), since=SINCE)])


def make_witness(number: int = 1, state: WitnessState | None = None, logs: WitnessedLogs | None = None) -> Witness:
    """Return one of three witnesses, which knows the log of the tests."""
    return Witness(exports.COSIGNERS[number - 1], logs or known(), state or MemoryWitnessState())


def body(tree: Tree, signed: SignedCheckpoint, old: int) -> bytes:
    """Return a submission with the proof from an old size."""
    proof = tree.prove_growth(old, signed.checkpoint.size) if 0 < old <= signed.checkpoint.size else ()
    return encode_add_checkpoint(AddCheckpoint(old=old, proof=proof, checkpoint=signed))


def stopped_clock() -> datetime:
    """Tell the time of the tests."""
    return datetime.fromtimestamp(NOW, UTC)


async def serve_desk(
    aiohttp_server: StartServer, desk: WitnessDesk, clock: Callable[[], datetime] = stopped_clock
) -> str:
    """Serve a witness in a gateway, and return its address."""
    app = create_app(make_site(), clock=clock)
    app[WITNESS] = desk
    return str((await aiohttp_server(app)).make_url("/witness/v1"))


async def serve_witness(
    aiohttp_server: StartServer, witness: Witness, clock: Callable[[], datetime] = stopped_clock
) -> str:
    """Serve a witness that is open."""
    return await serve_desk(aiohttp_server, WitnessDesk(lambda: witness), clock)


def policy_for(*urls: str | None, needed: int = 1) -> Policy:
    """Return a policy that needs so many of the witnesses at these addresses."""
    witnesses = tuple(replace(witness, url=url) for witness, url in zip(exports.POLICY.witnesses, urls, strict=False))
    group = replace(exports.POLICY.groups[0], threshold=needed, members=tuple(one.name for one in witnesses))
    return replace(exports.POLICY, witnesses=witnesses, groups=(group,))


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
