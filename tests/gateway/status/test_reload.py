"""Sources of status are read again while the gateway runs: as a whole, or not at all, and said in words."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.background import Background
from gateway.http.state import RELOAD
from gateway.metrics import Metrics
from gateway.site import load_site
from gateway.site_template import write_site
from gateway.status.source import StatusSource
from gateway.status.source_keeper import SourceKeeper
from gateway.toml_table import Fault
from gateway.trust.retry import MAX_RETRY_SECONDS
from keys.trust import TrustStore
from tests.gateway.status.test_processes import until
from tests.support import pki
from tests.support.http import StartClient

SOURCE = """
kind = "crl"
issuer = "status/{issuer}.pem"
urls = ["http://127.0.0.1:9/ca.crl"]
hosts = ["127.0.0.1:9"]
allow_networks = ["127.0.0.0/8"]
timeout_seconds = 1.0
"""
CA, OTHER = pki.make_root("Reloaded CA"), pki.make_root("Other reloaded CA")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_site(tmp_path / "site")
    status = tmp_path / "site" / "status"
    status.mkdir()
    for name, entity in (("one", CA), ("two", OTHER)):
        (status / f"{name}.pem").write_bytes(entity.certificate.encoded)
    (status / "one.toml").write_text(SOURCE.format(issuer="one"))
    return tmp_path / "site"


def start(site: Path) -> tuple[Background, Metrics]:
    metrics = Metrics()
    return Background(load_site(site), clock=lambda: pki.NOW, metrics=metrics), metrics


def names(background: Background) -> list[str]:
    assert background.status is not None
    return [report.source for report in background.status.report()]


async def look(background: Background, *, forced: bool = False) -> bool:
    assert background.sources is not None
    return await background.sources.look(forced=forced)


async def test_a_source_comes_and_goes(site: Path) -> None:
    """A new file is a source at the next look, one that is gone is none, and what is as it was is not read again."""
    background, metrics = await asyncio.to_thread(start, site)
    assert (names(background), await look(background)) == (["one"], False)
    two = site / "status" / "two.toml"
    await asyncio.to_thread(two.write_text, SOURCE.format(issuer="two"))
    assert (await look(background), await look(background), names(background)) == (True, False, ["one", "two"])
    await asyncio.to_thread(two.unlink)
    assert (await look(background), names(background)) == (True, ["one"])
    assert 'gateway_status_reloads_total{result="ok"} 2.0' in metrics.expose().decode()
    assert await look(background, forced=True)


async def test_a_fault_leaves_the_old_sources(site: Path) -> None:
    """One bad file among good ones leaves all of the old sources in force, and is reported until it is mended."""
    background, metrics = await asyncio.to_thread(start, site)
    assert background.sources is not None
    bad = site / "status" / "bad.toml"
    await asyncio.to_thread((site / "status" / "two.toml").write_text, SOURCE.format(issuer="two"))
    await asyncio.to_thread(bad.write_text, 'kind = "pigeon"\n')
    assert (await look(background), names(background)) == (True, ["one"])
    report = background.sources.report()
    assert report is not None
    assert {finding["file"] for finding in report["findings"]} == {"status/bad.toml"}
    assert all(finding["zh"] and finding["en"] for finding in report["findings"])
    assert 'gateway_status_reloads_total{result="failed"} 1.0' in metrics.expose().decode()
    await asyncio.to_thread(bad.unlink)
    assert (await look(background), names(background)) == (True, ["one", "two"])
    assert background.sources.report() is None


async def test_an_anchor_that_goes_is_a_fault_of_the_source_that_names_it(site: Path) -> None:
    """A source that names its issuer by an anchor is looked at again when the anchors change."""
    by_name = SOURCE.replace('issuer = "status/{issuer}.pem"', f'issuer_name = "{CA.certificate.subject_text}"')
    anchor = site / "trust" / "signers" / "ca.der"

    def prepare() -> Background:
        anchor.write_bytes(CA.certificate.encoded)
        (site / "status" / "one.toml").write_text(by_name)
        return start(site)[0]

    background = await asyncio.to_thread(prepare)
    assert background.sources is not None
    await asyncio.to_thread(anchor.unlink)
    await background.trust.look()
    assert (await look(background), names(background)) == (True, ["one"])
    assert background.sources.failure is not None


async def test_it_is_said_at_readyz(aiohttp_client: StartClient, site: Path) -> None:
    """Why the folder is not in force, and whether this process asks, is in `/readyz`; a signal reads it at once."""
    client = await aiohttp_client(await asyncio.to_thread(lambda: create_app(load_site(site))))
    content = await (await client.get("/readyz")).json()
    assert (content["status_failure"], content["status"][0]["asks"]) == (None, True)
    await asyncio.to_thread((site / "status" / "bad.toml").write_text, "")
    client.app[RELOAD]()
    for _ in range(1000):
        content = await (await client.get("/readyz")).json()
        if content["status_failure"]:
            break
        await asyncio.sleep(0.005)
    assert content["status_failure"]["findings"][0]["file"] == "status/bad.toml"


class Counting:
    """Counts reloads."""

    def __init__(self) -> None:
        self.results: list[str] = []

    def sources_reloaded(self, result: str) -> None:
        """Note one."""
        self.results.append(result)


@pytest.mark.parametrize("where", ["reading", "taking"])
async def test_what_passes_by_itself_is_tried_again(site: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """A fault of the moment, or an error that nobody foresaw, is said once, and tried again within a minute."""
    taken: list[list[str]] = []
    broken, now = True, [pki.NOW]

    def read(*_: object, faults: list[Fault], **__: object) -> tuple[StatusSource, ...]:
        if broken and where == "reading":
            faults.append(Fault(file="status", key="", expected="a readable folder", found="something else"))
        return ()

    async def take(sources: Sequence[StatusSource]) -> None:
        if broken and where == "taking":
            raise RuntimeError("nobody foresaw")
        taken.append([source.name for source in sources])

    monkeypatch.setattr("gateway.status.source_keeper.load_status_sources", read)
    counting = Counting()
    keeper = SourceKeeper(
        site, store=TrustStore.empty, clock=lambda: now[0], on_change=take, observer=counting, poll_seconds=0.001
    )
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.failure is not None)
    broken = False
    now[0] += timedelta(seconds=MAX_RETRY_SECONDS)
    await until(lambda: bool(taken))
    await until(lambda: keeper.failure is None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (taken, counting.results) == ([[]], ["failed", "ok"])
