"""The documents say what is so: links, commands, reasons, pins."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.reason import SENTENCES

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    if ".venv" not in path.parts
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def shell_lines(page: Path) -> list[str]:
    blocks = SHELL.findall(page.read_text(encoding="utf-8"))
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link in a document names a file that exists."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_commands_that_exist(name: str) -> None:
    """Every make target and every tongban command in a README is there."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = shell_lines(ROOT / name)
    made = {line.split()[1] for line in lines if line.startswith("make ")}
    assert {"demo", "test"} <= made <= targets
    called = {line.split()[1] for line in lines if line.startswith(".venv/bin/tongban")}
    help_text = subprocess.run(
        [sys.executable, "-m", "gateway", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert called
    assert all(re.search(rf"\b{command}\b", help_text) for command in called)


def test_both_readmes_give_the_same_commands() -> None:
    """The Chinese README keeps pace with the English one."""
    assert shell_lines(ROOT / "README.md") == shell_lines(ROOT / "README.zh-CN.md")


def test_the_readme_shows_the_house_as_it_is() -> None:
    """The file map of the README names every package, what is deployed, and nothing that is not there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^([a-z]+)/  ", text, re.MULTILINE)
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(shown) == packages | {"deploy"}
    assert (ROOT / "deploy").is_dir()


def test_every_reason_is_explained_as_the_product_says_it() -> None:
    """docs/verify.md repeats the sentences of reasons.toml word for word."""
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    for reason, sentence in SENTENCES.items():
        assert f"| `{reason}` | {sentence.zh} | {sentence.en} | {sentence.next_en} |" in page


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_pin_with_hashes_and_name_no_address(name: str) -> None:
    """Every pinned package has a hash, and nothing says where it comes from."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    pins = re.split(r"\n(?=\S)", text.strip())
    assert pins
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)
