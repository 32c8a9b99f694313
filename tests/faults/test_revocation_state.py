"""Two gateways, one store and one Redis: what was revoked is valid nowhere, beyond the time that the lease states.

Each answer must be that of a status which was in force at some moment of the lease before it: so a change that was
acknowledged is seen by everybody within `LEASE_SECONDS`, and nobody goes back behind that. A new revocation list counts
from the next question on. All that holds whatever Redis does meanwhile.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp.test_utils import TestClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.app import server_options
from gateway.cache.settings import CacheSettings
from gateway.demo.authority import Credential
from gateway.http.state import SITES
from gateway.limits.settings import SheddingSettings
from gateway.site import Site
from gateway.sources import leased
from gateway.sources.leased import LEASE_SECONDS, LeasedSource
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.faults.test_redis import with_redis
from tests.gateway.http.test_cache import (
    AUTHORITY,
    LICENCES,
    STORE_FILE,
    WAYS,
    World,
    ask,
    load,
    make_folder,
    make_server,
    serial_of_signer,
)
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.http import Client
from tests.support.redis_servers import RedisServer

LISTS_LAST = timedelta(days=7)  # as `World.publish` says
CAS = (AUTHORITY.root, AUTHORITY.maker_issuer, AUTHORITY.signer_issuer)
ROUNDING = 1e-6  # seconds: what sums of parts of a lease may be off by
GATEWAYS = st.integers(0, 1)
NUMBERS = st.integers(0, 1)
STATUSES = st.sampled_from([LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])


class Town:
    """Two gateways on one store and one Redis, with a clock of leases that stands still; for one process."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        """Start both."""
        first = make_folder(folder / "one")
        folders = [first, Path(shutil.copytree(first, folder / "two"))]
        self.redis = redis
        self.steady = 1000.0
        self.writer = SqliteLicenceStore(first / STORE_FILE)
        self._runner = asyncio.Runner()
        self.proxy = FaultProxy((redis.address.host, redis.address.port))
        self._runner.run(self.proxy.open())
        key = str(first / "state" / "cache.key")
        unhurried = SheddingSettings(loop_lag_milliseconds=10**9)  # the loop stands still between two questions
        sites = [load(one, cache=CacheSettings(key=key), shedding=unhurried) for one in folders]
        self.trusted = sites[0].trust
        self.world = World(self.trusted)
        self._sources: list[LeasedSource] = []
        self._clients = [self._runner.run(self._start(site, str(first / STORE_FILE))) for site in sites]

    async def _start(self, site: Site, store: str) -> Client:
        site = replace(site, settings=replace(site.settings, store=replace(site.settings.store, file=store)))
        server = make_server(with_redis(site, self.proxy.port), self.world)
        await server.start_server(**server_options(site.settings.http))
        source = server.app[SITES].current().licences._store
        assert isinstance(source, LeasedSource)
        source._steady = lambda: self.steady
        self._sources.append(source)
        client: Client = TestClient(server)
        await client.start_server()
        return client

    def look(self, gateway: int) -> None:
        """Let one look at the store, as it does twenty times a second."""
        self._runner.run(self._sources[gateway].look())

    def ask(self, gateway: int, licence: dict[str, str]) -> dict[str, Any]:
        """Ask one of them."""
        return self._runner.run(ask(self._clients[gateway], self.world, licence))

    def set_wire(self, fault: Fault) -> None:
        """Break the wire to Redis, or mend it."""
        self._runner.run(self.proxy.set(back=fault))

    def close(self) -> None:
        """Stop both."""
        for client in self._clients:
            self._runner.run(client.close())
        self._runner.run(self.proxy.shut())
        self._runner.close()
        self.writer.close()


class RevocationIsSeen(RuleBasedStateMachine):
    """Whatever happens, nobody says valid of what was revoked longer than a lease ago, and everybody says it again."""

    town: ClassVar[Town]
    step = 0

    @initialize()
    def begin(self) -> None:
        """Begin with everything trusted and in force, and with what the last example left in all caches."""
        self.world, self.revoked = self.town.world, set[int]()
        self.changes: list[list[tuple[float, LicenceStatus]]] = [[], []]
        self.town.set_wire(Fault.NONE)
        self.publish_all()
        for number in range(2):
            self.set_status(number, LicenceStatus.ACTIVE)
        self.town.steady += LEASE_SECONDS + 2 * ROUNDING

    def publish_all(self) -> None:
        """Publish new lists of all."""
        self.world.now += timedelta(seconds=1)
        for ca in CAS:
            self.world.publish(ca, sorted(self.revoked) if ca is AUTHORITY.signer_issuer else ())
        self.listed_at = self.world.now

    def in_force(self, number: int) -> set[LicenceStatus]:
        """Return what an answer of now may go by: each status that was in force at a moment of the last lease."""
        over = self.town.steady - LEASE_SECONDS - ROUNDING
        changes = self.changes[number]
        last = max((place for place, (at, _) in enumerate(changes) if at <= over), default=0)
        return {status for _, status in changes[last:]}

    @invariant()
    def every_answer_is_one_that_was_so(self) -> None:
        """Ask both about both; each time in another way."""
        self.step += 1
        for gateway in range(2):
            for number in range(2):
                self.check(gateway, number, WAYS[(self.step + number) % len(WAYS)])

    def check(self, gateway: int, number: int, way: Callable[[int], dict[str, str]]) -> None:
        """Ask one about one."""
        content, possible = self.town.ask(gateway, way(number)), self.in_force(number)
        signer = serial_of_signer(LICENCES[number].document, self.town.trusted)
        if signer in self.revoked or self.world.now >= self.listed_at + LISTS_LAST:
            assert content["outcome"] != "valid"
            return
        assert LicenceStatus(content["status"]) in possible
        assert (content["outcome"] == "valid") == (content["status"] == LicenceStatus.ACTIVE)

    @rule(gateway=GATEWAYS, number=NUMBERS, way=st.sampled_from(WAYS))
    def ask_often(self, gateway: int, number: int, way: Callable[[int], dict[str, str]]) -> None:
        """Ask one of them several times."""
        for _ in range(3):
            self.check(gateway, number, way)

    @rule(number=NUMBERS, status=STATUSES)
    def set_status(self, number: int, status: LicenceStatus) -> None:
        """Suspend, revoke or restore a licence; when this returns, it was acknowledged."""
        identifier = LICENCES[number].draft.identifier
        self.town.writer.set_status(identifier, status, is_under_objection=False, reason="", at=self.world.now)
        self.changes[number].append((self.town.steady, status))

    @rule(gateway=GATEWAYS)
    def look(self, gateway: int) -> None:
        """Let one of them look at the store."""
        self.town.look(gateway)

    @rule(share=st.sampled_from([0.2, 0.5, 0.9, 1.0, 50.0]))
    def let_leases_end(self, share: float) -> None:
        """Let a part of a lease pass, or more than one."""
        self.town.steady += LEASE_SECONDS * share

    @rule(number=NUMBERS)
    def revoke_signer(self, number: int) -> None:
        """Revoke whoever signed a licence, or take that back: it was a mistake."""
        self.revoked ^= {serial_of_signer(LICENCES[number].document, self.town.trusted)}
        self.publish_all()

    @rule(ca=st.sampled_from([AUTHORITY.root, AUTHORITY.maker_issuer]))
    def publish(self, ca: Credential) -> None:
        """Publish a new list of another CA."""
        self.world.now += timedelta(seconds=1)
        self.world.publish(ca)

    @rule(hours=st.sampled_from([0.1, 1, 100]))
    def let_lists_end(self, hours: float) -> None:
        """Let time pass, until lists end perhaps."""
        self.world.now += timedelta(hours=hours)

    @rule()
    def flush(self) -> None:
        """Drop everything in Redis."""
        self.town.redis.flush()

    @rule(fault=st.sampled_from([Fault.NONE, Fault.NONE, Fault.FLIPPED, Fault.RESET, Fault.SILENT]))
    def break_wire(self, fault: Fault) -> None:
        """Break the wire to Redis, or mend it."""
        self.town.set_wire(fault)

    @precondition(lambda self: self.step % 10 == 9)
    @rule()
    def restart(self) -> None:
        """Restart Redis."""
        self.town.redis.restart()


@pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_a_revocation_is_seen_everywhere(
    tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    """After a revocation is acknowledged no gateway says valid beyond the lease, whatever happens to Redis."""
    monkeypatch.setattr(leased, "LOOK_SECONDS", 3600)  # looks are steps of the walk
    monkeypatch.setattr("gateway.shared.connection.PROBE_SECONDS", 0.2)
    RevocationIsSeen.town = Town(tmp_path, redis_server)
    try:
        run_state_machine_as_test(
            RevocationIsSeen, settings=settings(max_examples=examples, stateful_step_count=15, deadline=None)
        )
    finally:
        RevocationIsSeen.town.close()
