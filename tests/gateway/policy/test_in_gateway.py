"""The policy of a site in a gateway: at its start, in ``/readyz`` and ``/metrics``, and read again when told to."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from gateway.app import create_app
from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.http.messages.readiness import Readiness
from gateway.http.state import LOG, POLICY, RELOAD
from gateway.policy.activation import Standing, Validity
from gateway.site import SiteError, load_site
from gateway.site_template import FILES
from tests.support.callers import NOW, make_site
from tests.support.http import Client, StartClient, start
from tests.support.policy import changed
from tests.support.policy_site import Bureau, narrow_policy

in_thread = asyncio.to_thread  # a test that blocks the loop fails


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    """Return a site that a gateway can serve."""
    (tmp_path / "tongban.toml").write_text(FILES["tongban.toml"], encoding="utf-8")
    bureau = Bureau(tmp_path)
    bureau.now = NOW
    return bureau


async def test_a_gateway_without_approval(aiohttp_client: StartClient, bureau: Bureau) -> None:
    """A gateway starts with a policy that nobody has approved, shares nothing, and says so."""
    client = await start(aiohttp_client, await in_thread(load_site, bureau.folder))
    ready = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    assert ready.ready
    assert ready.policy.in_force is None
    assert ready.policy.draft is not None
    assert ready.policy.draft.standing is Standing.WAITS_FOR_APPROVAL
    assert (ready.policy.draft.approvals, ready.policy.draft.needed) == (0, 2)
    text = await (await client.get("/metrics")).text()
    assert "gateway_policy_in_force 0.0" in text
    assert "gateway_policy_waiting 1.0" in text
    assert 'gateway_policy_reloads_total{result="waiting"} 1.0' in text


async def test_a_gateway_takes_what_is_approved(aiohttp_client: StartClient, bureau: Bureau) -> None:
    """At the word of the operator the policy is read at once; then it is in force, in words and numbers."""
    client = await start(aiohttp_client, await in_thread(load_site, bureau.folder))
    app = client.app
    await in_thread(bureau.approve, "chen", "li")
    app[RELOAD]()
    async with asyncio.timeout(30):
        while app[POLICY].current() is None:  # noqa: ASYNC110 - what a keeper does is nobody's event
            await asyncio.sleep(0.01)
    ready = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    assert ready.policy.in_force is not None
    assert ready.policy.in_force.validity is Validity.APPLIES
    assert ready.policy.in_force.approvals == 2
    assert ready.policy.zh == "策略 small 2026.1 现行有效。"
    assert ready.policy.failure is None
    text = await (await client.get("/metrics")).text()
    assert "gateway_policy_in_force 1.0" in text


async def test_activations_are_logged(aiohttp_client: StartClient, bureau: Bureau) -> None:
    """What comes into force stands in the log, with what was before it and how many approved it."""
    await in_thread(bureau.approve, "chen", "li")
    client = await start(aiohttp_client, await in_thread(load_site, bureau.folder))
    (first,) = await in_thread(activations, client)
    assert first.policy == client.app[POLICY].current().digest
    assert first.more == {"action": "activate", "approvals": 2}
    await in_thread(bureau.write, narrow_policy())
    client.app[RELOAD]()
    async with asyncio.timeout(30):
        while client.app[POLICY].current().digest == first.policy:  # noqa: ASYNC110 - what a keeper does is nobody's event
            await asyncio.sleep(0.01)
    _, second = await in_thread(activations, client)
    assert second.policy == client.app[POLICY].current().digest
    assert second.more["previous"] == first.policy


def activations(client: Client) -> list[LeafDraft]:
    reader = client.app[LOG].reader()
    leaves = (parse_leaf(leaf).content for leaf in reader.store.leaves(0, reader.head().size))
    return [leaf for leaf in leaves if leaf.kind is LeafKind.POLICY]


async def test_a_site_in_memory() -> None:
    """A site without a folder has no policy."""
    app = create_app(make_site())
    assert app[POLICY].current() is None


def test_faults_stop_the_start(bureau: Bureau) -> None:
    """A fault of the policy or of an approver stops the start, with file and line, beside all others of the site."""
    bureau.write(changed("rules.toml", 'representative = "mask:name"', 'representative = "mask:namee"'))
    (bureau.folder / "approvers" / "chen.toml").write_text("id = 1")
    with pytest.raises(SiteError) as caught:
        load_site(bureau.folder)
    texts = [str(fault) for fault in caught.value.faults]
    assert any(text.startswith("policies/rules.toml:") and "mask:name" in text for text in texts)
    assert any(text.startswith("approvers/chen.toml: ") for text in texts)
    assert all(fault.sentence_zh for fault in caught.value.faults)


def test_a_file_in_place_of_the_folder(bureau: Bureau) -> None:
    """A file in place of the folder is a fault, not a site without a policy."""
    bureau.write({})
    bureau.site.policies.rmdir()
    bureau.site.policies.touch()
    with pytest.raises(SiteError, match="policies: expected a folder"):
        load_site(bureau.folder)


def test_the_settings(bureau: Bureau) -> None:
    """The settings may ask for more approvals than two, and not for fewer."""
    path = bureau.folder / "tongban.toml"
    text = path.read_text(encoding="utf-8")
    bureau.write(narrow_policy())
    path.write_text(text.replace("approvals = 2\n", "approvals = 3\n"), encoding="utf-8")
    assert load_site(bureau.folder).settings.policy.approvals == 3
    path.write_text(text.replace("approvals = 2\n", "approvals = 1\n"), encoding="utf-8")
    with pytest.raises(SiteError, match=r"policy\.approvals"):
        load_site(bureau.folder)
