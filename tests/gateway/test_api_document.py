"""docs/api.md is true: its examples work, and its tables are those of the code."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gateway.callers import load_callers
from gateway.http.batch import AT_ONCE, MAX_LINES
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.openapi import build_openapi
from gateway.http.problems import PROBLEMS, ProblemKind
from gateway.http.routes import ROUTES
from gateway.settings import HttpSettings
from gateway.tokens import authenticate
from gateway.toml_table import Fault
from tests.support.callers import make_party, make_site
from tests.support.http import StartClient, start

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def block_of(word: str) -> str:
    """Return the commands that have a word in them."""
    (block,) = (block for block in blocks("sh") if word in block)
    return block


def test_table_of_refusals() -> None:
    """The table lists every reason with its status, and no other."""
    listed = {
        reason: int(status) for status, reason in re.findall(r"^\| (\d{3}) \| `([a-z0-9.-]+)` \|", TEXT, re.MULTILINE)
    }
    assert listed == {kind.value: PROBLEMS[kind].status for kind in ProblemKind}


def test_table_of_routes() -> None:
    """The table lists every address, and whether it needs a token."""
    listed = re.findall(r"^\| `(GET|POST) (/\S+)` \| (yes|no) \|", TEXT, re.MULTILINE)
    assert set(listed) == {(route.method, route.path, "no" if route.is_open else "yes") for route in ROUTES}


def test_json_examples() -> None:
    """The example answer and the example problem have the shapes of the interface."""
    answer, problem = (json.loads(block) for block in blocks("json"))
    msgspec.convert(answer, VerificationAnswer)
    kind = msgspec.convert(problem, ProblemDocument).reason
    text = PROBLEMS[kind]
    assert (problem["title"], problem["title_en"], problem["next"]) == (text.title, text.title_en, text.next)


needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="the openssl program is not installed, so the commands of the page cannot be tried",
)


@pytest.mark.slow
@needs_openssl
def test_the_script_works(tmp_path: Path) -> None:
    """Pasted as it stands, the script goes from nothing to an answer of the documented shape."""
    environment = os.environ | {"BIN": str(Path(sys.executable).parent), "TMPDIR": str(tmp_path)}
    ran = subprocess.run(  # noqa: S603 — the page's own commands
        ["bash", "-c", block_of("demo --once")],  # noqa: S607
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    msgspec.convert(answer, VerificationAnswer)
    assert (answer["outcome"], answer["freshness"]["stale"]) == ("valid", False)
    assert answer["fields"] == {
        "holder_name": {"form": "plain", "value": "云溪市青禾软件有限公司"},
        "capital": {"form": "plain", "value": "伍佰万圆整"},
    }


@needs_openssl
def test_an_sm2_caller(tmp_path: Path) -> None:
    """The commands make an SM2 key, the script's file registers it, and the program makes a token that signs in."""
    made = subprocess.run(  # noqa: S603 — the page's own commands
        ["sh", "-ec", block_of("SM2")],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    registration = re.search(r"<<END\n(.*?)^END$", block_of("demo --once"), re.DOTALL | re.MULTILINE)
    assert registration is not None
    text = re.sub(r"^\$\(openssl.*\)$", made.stdout.strip(), registration[1], flags=re.MULTILINE)
    (tmp_path / "callers").mkdir()
    (tmp_path / "callers" / "hall.toml").write_text(text.replace('"EdDSA"', '"SM2"'), encoding="utf-8")
    faults = list[Fault]()
    callers = load_callers(tmp_path / "callers", faults=faults)
    assert faults == []
    signed = subprocess.run(  # noqa: S603 — the page's own program
        [sys.executable, "-c", blocks("python")[0]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    token = signed.stdout.strip()
    issued = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["iat"]
    at = datetime.fromtimestamp(issued, UTC)
    signed_in = authenticate(token, callers=callers, audience="https://tongban.example.gov.cn", at=at)
    assert signed_in.caller.id == "hall"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Return a folder with the documents of the example in it."""
    (tmp_path / "documents").mkdir()
    for name, document in (("1.ofd", b"genuine"), ("2.ofd", b"Forged"), ("3.ofd", b"genuine")):
        (tmp_path / "documents" / name).write_bytes(document)
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed, so its example cannot be tried")
async def test_a_batch(aiohttp_client: StartClient, documents: Path) -> None:
    """The example sends every document of a folder, and has their answers in the same order."""
    hall = make_party()
    client = await start(aiohttp_client, make_site([hall]))
    environment = os.environ | {"GATEWAY": str(client.make_url("")).rstrip("/"), "TOKEN": hall.token()}

    def run() -> bytes:
        command = ["bash", "-ec", block_of("ndjson")]
        subprocess.run(command, cwd=documents, env=environment, timeout=30, check=True)  # noqa: S603 -- of the page
        return (documents / "answers.ndjson").read_bytes()

    answers = [msgspec.json.decode(line) for line in (await asyncio.to_thread(run)).splitlines()]
    assert [msgspec.convert(one, VerificationAnswer).outcome for one in answers] == ["valid", "invalid", "valid"]


def test_the_bounds_of_a_batch() -> None:
    """The page has the numbers of the code."""
    text, http = TEXT.partition("## Batches")[2].partition("\n## ")[0], HttpSettings()
    assert f"up to {MAX_LINES:,} questions" in text
    assert f"至多提交 {MAX_LINES} 个" in text
    assert f"the {MAX_LINES + 1:,}st question" in text
    assert f"up to {AT_ONCE} questions" in text
    assert f"({http.request_timeout_seconds:.0f} s unless" in text
    assert f"the batch {http.batch_timeout_seconds:.0f} s" in text
    assert f"body {http.body_idle_timeout_seconds:.0f} s may pass" in text


def test_replay_is_said() -> None:
    """The page and the description say that a token may be used again until it expires."""
    assert "A token works until it expires, also more than once" in TEXT
    assert "used again until it expires" in build_openapi(ROUTES, version="1")["info"]["description"]
