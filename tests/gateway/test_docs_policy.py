"""docs/policy.md by itself: a new policy officer who types what the page says, in its order, gets what it promises."""

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "policy.md"
BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = 590  # it takes 15 on a machine of its own; a limit against hanging, not a measure
# What the shell writes behind each command, so that the exit codes can be compared with the page.
SHELL = """
tongban() {{ local code=0; {python} -m gateway "$@" || code=$?; echo "$code $1 $2" >> codes; return $code; }}
python3() {{ {python} "$@"; }}
"""


@pytest.mark.slow
def test_the_page_works_from_top_to_bottom(tmp_path: Path) -> None:
    """Written, refused, mended, compared, approved by two keys, taken by the gateway, and one answer explained."""
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    script = SHELL.format(python=shlex.quote(sys.executable)) + "".join(blocks)
    assert "kill %1" in script
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        script = script.replace("8440", str(free.getsockname()[1]))
    # In place of the shell that would run the function, so that it is the gateway that ends; however the page ends.
    script = script.replace("tongban serve", f"exec {shlex.quote(sys.executable)} -m gateway serve")
    script = "trap 'kill %1 2> /dev/null' EXIT\n" + script
    ran = subprocess.run(  # noqa: S603 - what our own page says
        ["bash", "-c", script],  # noqa: S607 - the shell of whoever reads the page
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said, said
    assert ran.returncode == 0, said
    assert "rule NEW-01.grant.representative" in said
    assert "can now see representative (mask:name) of" in said
    assert "chen has approved this version already" in said
    assert '"form": "mask:name"' in said
    assert "representative leaves as mask:name, by rule NEW-01" in said
    assert "kind of caller counter is needed, not notary" in said
    assert said.count("plan and forms are the same") == 5
    codes = [line.split(" ", 1) for line in (tmp_path / "codes").read_text().splitlines()]
    waiting = {"policy status"}  # as often as the gateway takes to look
    odd = [(code, what) for code, what in codes if code != "0" and what not in waiting]
    assert odd == [("1", "policy check"), ("1", "policy diff"), ("1", "policy approve")], said
