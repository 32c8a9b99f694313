"""The page about credentials works as pasted, and says what is so."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.credential import CredentialFault
from gateway.credential.answering import NotIssued
from gateway.credential.judging import REASON_PREFIX, CredentialDoubt

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "sd-jwt.md").read_text(encoding="utf-8")
LONGEST_SECONDS = 300  # it derives four keys from passphrases, as slowly as is meant


@pytest.mark.slow
def test_the_walk(tmp_path: Path) -> None:
    """The commands of the page, pasted into a shell in an empty folder, end with a valid credential."""
    script = PAGE.split("```bash\n", 1)[1].split("```", 1)[0]
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "tongban"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gateway "$@"\n')
    program.chmod(0o755)
    folder = tmp_path / "walk"
    folder.mkdir()
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path),
    }
    ran = subprocess.run(
        ["bash", "-eu"],  # noqa: S607 - whichever shell the reader has
        input=script.encode(),
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    said = ran.stdout.decode()
    assert ran.returncode == 0, ran.stderr.decode()
    verdict = said[said.rindex("valid  shown.sdjwt") :]
    assert "某市示例餐饮有限公司" in verdict
    assert "JY14401060000019" in verdict
    assert "91330105002500287C" not in verdict


def test_every_word_stands_on_the_page() -> None:
    """Why there is no credential, and why one that verified is not valid, are on the page word for word."""
    refused = PAGE.split("| Not issued | Because |")[1].split("###")[0]
    rows = re.findall(r"^\| (`.*?) \|", refused, re.MULTILINE)
    words = [word for row in rows for word in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(words) == sorted([*CredentialFault, *NotIssued])
    for doubt in CredentialDoubt:
        assert f"`{REASON_PREFIX}{doubt}`" in PAGE
