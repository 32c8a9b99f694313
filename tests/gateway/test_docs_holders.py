"""docs/holders.md is true: its program gets an answer, and its examples have the shapes of the interface."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.app import create_app, server_options
from gateway.callers import load_callers
from gateway.holder.line import FORMS
from gateway.holder.withholding import load_withholding
from gateway.http.holders import NOTICE
from gateway.http.messages.holders import AccessesAnswer, AccessesRequest
from gateway.http.state import LOG
from gateway.site import Site
from gateway.toml_table import Fault
from tests.support.callers import NOW, encode_pem, make_site
from tests.support.http import GatewayTestServer, StartClient
from tests.support.sharing import ADULT, CHILD
from tests.support.usage import POLICY, make_access

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "holders.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site that knows the platform, registered as the page says."""
    (tmp_path / "identity-platform.toml").write_text(blocks("toml")[0], encoding="utf-8")
    (tmp_path / "identity-platform.pem").write_text(encode_pem(KEY.public_key()))
    faults = list[Fault]()
    callers = load_callers(tmp_path, faults=faults)
    assert faults == []
    plain = make_site()
    settings = replace(plain.settings, audience="https://tongban.example.gov.cn")
    return replace(plain, callers=callers, settings=settings)


async def test_the_program_gets_an_answer(
    aiohttp_client: StartClient, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """Registered and run as the page says, it is shown who looked; for a ward too."""
    server = GatewayTestServer(create_app(site, clock=lambda: NOW, policy=POLICY))
    await server.start_server(**server_options(site.settings.http))
    client = await aiohttp_client(server)
    for holder in ("11010519491231002X", "11010519491231002X", CHILD):
        await server.app[LOG].append(make_access(holder))
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    program: dict[str, Any] = {"gateway": str(client.make_url("")).rstrip("/"), "key": pem}
    define, use = blocks("python")
    exec(define, program)  # noqa: S102 - our own page
    program["time"] = SimpleNamespace(time=NOW.timestamp)
    await asyncio.to_thread(exec, use, program)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "姓名：部分遮蔽" in lines[0]
    token = program["make_token"](pem, ADULT, CHILD)
    page = await asyncio.to_thread(program["fetch_accesses"], program["gateway"], token, "en", proofs=True)
    [line] = msgspec.convert(page, AccessesAnswer).accesses
    assert line.proof is not msgspec.UNSET


def test_the_answer_has_the_shape() -> None:
    """The example is an answer, word for word in its forms and its notice."""
    answer = msgspec.convert(json.loads(blocks("json")[0]), AccessesAnswer)
    assert answer.notice == NOTICE.zh
    [field] = answer.accesses[0].fields
    assert field.words == f"{field.name}：{FORMS[field.form].zh}"


def test_the_table_of_the_body_is_complete() -> None:
    """Every member of the body is named, and no other."""
    table = TEXT.partition("| In the body, all optional |")[2].partition("\n\n")[0]
    named = [name for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(AccessesRequest.__struct_fields__)


def test_the_rule_is_a_rule(tmp_path: Path) -> None:
    """The example of secrecy is read as it stands."""
    (tmp_path / "withholding.toml").write_text(blocks("toml")[1], encoding="utf-8")
    faults = list[Fault]()
    withholding = load_withholding(tmp_path, faults=faults)
    assert (faults, [rule.hidden_for_days for rule in withholding.rules]) == ([], [180])
