"""docs/adapters.md is true: a new province gets from a sample to a verified answer by its pages alone."""

import asyncio
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from aiohttp.test_utils import TestServer

from adapters.mapping.adapter import load_adapter
from gateway.app import create_app, server_options
from gateway.site import load_site
from gateway.sources.rules import load_sources
from gateway.standins.registry import reflect
from gateway.toml_table import Fault
from tests.support.callers import make_party, make_site
from tests.support.cli import ROOT, tongban
from tests.support.demo import NOW, demo_stock
from tests.support.http import URL, GatewayTestServer, StartClient, bearer
from tests.support.river import licence_of, write_trusting_site

TEXT = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
WALK = TEXT.partition("### A new province")[2].partition("\n## ")[0]
DRAFTED = 'codes = { "正常" = "unknown" }\n'


def blocks(language: str) -> list[str]:
    """Return the code blocks of the walk in one language, in order."""
    return [dedent(one) for one in re.findall(rf"^   ```{language}\n(.*?)^   ```", WALK, re.DOTALL | re.MULTILINE)]


def walk(folder: Path) -> None:
    """Go steps 1 to 3 and 5, as the page says, but for the demo's site, for which one of the tests stands."""
    licence = next(one for one in demo_stock().licences if one.draft.annotation is None)
    (folder / "documents").mkdir()
    (folder / "documents" / "anhui-02-business.ofd").write_bytes(licence.document)
    (script,) = blocks("python")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, check=True)  # noqa: S603 -- of the page
    write_trusting_site(folder / "site")
    mapping = folder / "site" / "adapters" / "river.toml"
    assert tongban("adapter", "new", folder / "sample.json", "--id", "river", "--out", mapping).code == 0
    status, rest, systems, rules = blocks("toml")
    draft = mapping.read_text("utf-8")
    assert draft.count(DRAFTED) == 1
    mapping.write_text(draft.replace(DRAFTED, status) + rest, "utf-8")
    (folder / "site" / "systems.toml").write_text(systems, "utf-8")
    (folder / "site" / "sources.toml").write_text(rules, "utf-8")
    key = folder / "site" / "state" / "river-key"
    key.parent.mkdir(exist_ok=True)
    key.write_text("stand-in")
    key.chmod(0o600)


async def test_from_a_sample_to_a_verified_answer(aiohttp_client: StartClient, tmp_path: Path) -> None:
    """The blocks of the page make a mapping that passes its check, and the gateway asks the stand-in made of it."""
    await asyncio.to_thread(walk, tmp_path)
    file = tmp_path / "site" / "adapters" / "river.toml"
    checked = await asyncio.to_thread(tongban, "adapter", "check", file)
    assert checked.code == 0, checked.out
    adapter = load_adapter(await asyncio.to_thread(file.read_bytes), "river.toml")
    records = adapter.parse(await asyncio.to_thread((tmp_path / "sample.json").read_bytes)).records
    stand_in = reflect(adapter)
    party = make_party()
    async with TestServer(stand_in.make(stand_in.open_desk(adapter, lambda: NOW, records=records))) as server:
        systems = tmp_path / "site" / "systems.toml"
        text = await asyncio.to_thread(systems.read_text, "utf-8")
        assert "http://127.0.0.1:8800" in text
        text = text.replace("http://127.0.0.1:8800", str(server.make_url("/")).rstrip("/"))
        await asyncio.to_thread(systems.write_text, text, "utf-8")
        site = await asyncio.to_thread(load_site, tmp_path / "site", at=NOW)
        site = replace(site, callers=make_site([party]).callers)
        gateway = GatewayTestServer(create_app(site, clock=lambda: NOW))
        await gateway.start_server(**server_options(site.settings.http))
        client = await aiohttp_client(gateway)
        document = await asyncio.to_thread((tmp_path / "documents" / "anhui-02-business.ofd").read_bytes)
        sealed = licence_of(document)
        key = {"number": sealed.number, "type": sealed.type_code, "holder": sealed.holders[0].code}
        response = await client.post(URL, json={"licence": key}, headers=bearer(party.token(NOW)))
        content = await response.json()
        assert (content["outcome"], content["freshness"]["source"]) == ("valid", "system:river"), content


def test_the_rules_of_the_page(tmp_path: Path) -> None:
    """The example of sources.toml is read as it stands."""
    (example,) = re.findall(r"^```toml\n(\[\[source\]\]\n.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    (tmp_path / "sources.toml").write_text(example, "utf-8")
    faults = list[Fault]()
    rules = load_sources(tmp_path, systems=("guangdong", "national"), faults=faults).rules
    assert faults == []
    assert [rule.system for rule in rules] == ["store", "guangdong", "national"]


@pytest.mark.parametrize("word", sorted({"question_id", "operator_org_code", "item_name", "case"}))
def test_the_words_of_a_question_are_listed(word: str) -> None:
    """The page lists what a recipe may be filled with."""
    assert f"`{{{word}}}`" in TEXT
