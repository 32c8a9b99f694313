"""docs/trust.md by itself: a new user who types what the page says, in its order, gets what it promises."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trust.md"
BLOCK = re.compile(r"^ *```\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
DEMO = "tongban demo --keep demo"
SECONDS = 180  # a loaded machine: forty processes, beside a demo with its servers
# What the shell writes behind each command, so that the exit codes can be compared with the page.
TONGBAN = 'tongban() {{ {python} -m gateway "$@"; code=$?; echo "$code $1 $2 $3" >> codes; return $code; }}\n'


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """Run the demo of the first terminal, and return the folder of both."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "gateway", *DEMO.split()[1:]]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            ends = time.monotonic() + SECONDS
            while not (tmp_path / "demo" / "desk").is_dir() and time.monotonic() < ends:
                time.sleep(0.1)
            yield tmp_path
        finally:
            process.terminate()


@pytest.mark.slow
def test_the_page_works_from_top_to_bottom(running: Path) -> None:
    """Drafted, simulated, signed, published, held, approved, forecast; and the revoked signer's licence is invalid."""
    blocks = [re.sub(r"^ {3}", "", block, flags=re.MULTILINE) for block in BLOCK.findall(PAGE.read_text("utf-8"))]
    assert DEMO in blocks[0]
    script = TONGBAN.format(python=shlex.quote(sys.executable)) + "".join(blocks[1:])
    show = f"{shlex.quote(sys.executable)} -m gateway trust show demo.json --json"
    entry = "import json,sys; print(json.load(sys.stdin)['entries'][1]['fingerprint'])"
    assert "2038eac2" in script
    script = script.replace("2038eac2", f'$({show} | {shlex.quote(sys.executable)} -c "{entry}")')
    ran = subprocess.run(  # noqa: S603 - what our own page says
        ["bash", "-c", script],  # noqa: S607 - the shell of whoever reads the page
        cwd=running,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    codes = [line.split(" ", 1) for line in (running / "codes").read_text().splitlines()]
    odd = [(code, what) for code, what in codes if code != "0"]
    assert odd == [
        ("1", "trust verify demo.json"),  # one signature of two
        ("1", "verify --trust site/trust"),  # the demo's forgeries
        ("1", "trust diff demo.json"),  # somebody loses
        ("1", "trust simulate demo.2.json"),  # and documents with them
        ("3", "trust publish demo.2.json"),  # held
    ], ran.stderr
    assert "revocation.revoked" in ran.stdout.splitlines()[-1]
    assert len(json.loads((running / "site" / "trust" / "lists" / "demo.json").read_text())["entries"]) == 1
