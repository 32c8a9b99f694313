"""What runs beside the answers, in a gateway that is a process: reload on a signal, status, the second opinion."""

import asyncio
import http.client
import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.background import Background, check_second_opinion
from gateway.http.state import STATUS
from gateway.metrics import Metrics
from gateway.second_opinion import SecondOpinionSettings
from gateway.site import SiteError, load_site
from gateway.site_template import write_site
from gateway.verdict import Outcome
from keys.errors import LibraryUnusableError
from tests.gateway.test_serve import serving
from tests.support import pki
from tests.support.cli import tongban
from tests.support.demo import NOW as DEMO_NOW
from tests.support.demo import demo_stock
from tests.support.http import StartClient

TRUST_POLL = "a restart.\npoll_seconds = 1.0"  # the end of the comment above it: the policy has such a setting too
SLOW_POLL = "a restart.\npoll_seconds = 60.0"  # so that a change is seen because of the signal, not of the clock
SECONDS = 10.0


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_site(tmp_path / "site")
    return tmp_path / "site"


def change(path: Path, old: str, new: str) -> None:
    """Replace a part of a file that is there once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def ready(address: str) -> dict[str, Any]:
    """Ask a running gateway how it stands."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/readyz")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return found


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_signal_reloads_every_process(site: Path, workers: int) -> None:
    """SIGHUP makes the gateway read its trust folder at once, with all of its workers, and ends none of them."""
    change(site / "tongban.toml", TRUST_POLL, SLOW_POLL)
    with serving(site, workers=workers) as (process, address):
        assert ready(address)["anchors"]["signer"] == 0
        (site / "trust" / "signers" / "ca.der").write_bytes(pki.make_root().certificate.encoded)
        process.send_signal(signal.SIGHUP)
        ends = time.monotonic() + SECONDS
        in_a_row = 0
        while in_a_row < 4 * workers and time.monotonic() < ends:  # connections are spread over the workers
            in_a_row = in_a_row + 1 if ready(address)["anchors"]["signer"] == 1 else 0
            time.sleep(0.02)
        assert in_a_row == 4 * workers
        assert process.poll() is None


def test_a_second_opinion_that_cannot_be_had_stops_the_start(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is not there or answers wrongly is found out before anything is served."""

    def fail(*_: object, **__: object) -> None:
        raise LibraryUnusableError("wrong answers")

    monkeypatch.setattr("gateway.background.open_second_opinion", fail)
    with pytest.raises(LibraryUnusableError):
        check_second_opinion(SecondOpinionSettings(per_million=1))
    with pytest.raises(LibraryUnusableError):
        create_app(load_site(site))


def test_a_second_opinion_is_asked_and_counted(site: Path) -> None:
    """With every verification repeated, a genuine licence stays valid, and the metric counts the opinions."""
    pytest.importorskip("tongsuopy", reason="the optional extra second-opinion is not installed")
    stock = demo_stock()
    stock.authority.write_trust_folder(site / "trust", DEMO_NOW)
    change(site / "tongban.toml", "per_million = 0", "per_million = 1000000")
    loaded, metrics = load_site(site, at=DEMO_NOW), Metrics()
    background = Background(loaded, clock=lambda: DEMO_NOW, metrics=metrics)
    verified = background.verify_document(stock.licences[0].document, store=loaded.trust, at=DEMO_NOW)
    assert verified.verdict.outcome is Outcome.VALID
    assert 'gateway_second_opinions_total{opinion="agreed"}' in metrics.expose().decode()


async def test_sources_of_status_are_shown_and_kept_in_the_state_folder(
    aiohttp_client: StartClient, site: Path
) -> None:
    """A source of ``status/`` that cannot be reached is in `/readyz` with its reason in words."""

    def prepare() -> object:
        (site / "status").mkdir()
        (site / "ca.der").rename(site / "trust" / "signers" / "ca.der")
        (site / "status" / "ca.toml").write_text(
            'kind = "crl"\nissuer = "trust/signers/ca.der"\nurls = ["http://127.0.0.1:9/ca.crl"]\n'
            'hosts = ["127.0.0.1:9"]\nallow_networks = ["127.0.0.0/8"]\ntimeout_seconds = 1.0\n'
        )
        return create_app(load_site(site), clock=lambda: datetime.now(UTC))

    await asyncio.to_thread((site / "ca.der").write_bytes, pki.make_root().certificate.encoded)
    app = await asyncio.to_thread(prepare)
    client = await aiohttp_client(app)
    async with asyncio.timeout(SECONDS):
        while True:
            (source,) = (await (await client.get("/readyz")).json())["status"]
            if source["failures"]:
                break
            await asyncio.sleep(0.02)
    assert (source["source"], source["kind"], source["as_of"]) == ("ca", "crl", None)
    assert source["failure"]
    assert source["zh"]
    assert source["en"]
    assert app[STATUS] is not None
    assert "gateway_status_failures_total" in await (await client.get("/metrics")).text()


def test_faults_of_sources_and_of_lists_stop_the_start_together(site: Path) -> None:
    """What is wrong in ``status/``, in the lists and in the settings is listed at once."""
    (site / "status").mkdir()
    (site / "status" / "ca.toml").write_text('kind = "pigeon"\n')
    (site / "trust" / "roots.json").write_text("{}")
    change(site / "tongban.toml", "max_change = 0.2", "max_change = 20")
    with pytest.raises(SiteError) as caught:
        load_site(site)
    said = str(caught.value)
    assert "tongban.toml: trust.max_change: expected a number from 0 to 1" in said
    assert "status/ca.toml: kind" in said
    assert "trust/roots.json" in said
    assert tongban("serve", "--site", site).code == 2


def test_verifying_offline_takes_the_lists_of_the_folder(site: Path) -> None:
    """``tongban verify --trust`` says what it finds about the lists of a folder."""
    (site / "trust" / "roots.json").write_text("{}")
    document = site / "a.ofd"
    document.write_bytes(demo_stock().licences[0].document)
    ended = tongban("verify", "--trust", site / "trust", document)
    assert ended.code == 3
    assert "roots.json: the file of root keys is wrong" in ended.err
