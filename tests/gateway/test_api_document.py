"""docs/api.md is true: its examples work, and its tables are those of the code."""

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
from gateway.http.messages import ProblemDocument, VerificationAnswer
from gateway.http.problems import PROBLEMS, ProblemKind
from gateway.http.routes import ROUTES
from gateway.tokens import authenticate
from gateway.toml_table import Fault

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


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


@pytest.mark.parametrize(("number", "algorithm"), [(0, "EdDSA"), (1, "SM2")])
def test_worked_example(tmp_path: Path, number: int, algorithm: str) -> None:
    """The commands make a key, the file registers it, and the program makes a token with it that signs in."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not installed, so the commands of the page cannot be tried")
    make_key = blocks("sh")[0 if number == 0 else 2]
    made = subprocess.run(["sh", "-ec", make_key], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603, S607 — the page's own commands
    registration = re.sub(r"-----BEGIN.*END PUBLIC KEY-----\n", made.stdout, blocks("toml")[0], flags=re.DOTALL)
    (tmp_path / "hall.toml").write_text(registration.replace('"EdDSA"', f'"{algorithm}"'))
    faults = list[Fault]()
    callers = load_callers(tmp_path, faults=faults)
    assert faults == []
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    signed = subprocess.run(  # noqa: S603 — the page's own program
        [sys.executable, "-c", blocks("python")[number]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    token = signed.stdout.strip()
    issued = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["iat"]
    at = datetime.fromtimestamp(issued, UTC)
    caller = authenticate(token, callers=callers, audience="https://tongban.example.gov.cn", at=at)
    assert caller.id == "hall"
