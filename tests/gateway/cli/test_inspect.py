"""``tongban inspect`` as a process: what each format says, without a word about whether it is true."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import ROOT, tongban
from tests.support.recipes import bare_seal
from tests.support.sealed import SIGNED_VALUE, Recipe, cast, draft, signed_data

SEAL_NAME = "安徽省云溪市市场监督管理局"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one file of every format, and one of none."""
    folder = tmp_path_factory.mktemp("files")
    members = Recipe().members()
    for name, content in {
        "a.ofd": Recipe().document(),
        "b.esl": bare_seal(),
        "c.dat": members[SIGNED_VALUE],
        "d.p7s": signed_data(b"data", content=b"data"),
        "e.bin": b"something else",
    }.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def described(files: Path) -> dict[str, dict[str, Any]]:
    """Inspect them all at once; one that is none makes the code 1 and does not keep the others back."""
    ended = tongban("inspect", "--json", files)
    assert (ended.code, ended.err) == (1, "")
    return {Path(one["input"]).suffix: one for one in ended.objects}


def test_an_ofd_says_its_members_its_licence_and_its_signatures(described: dict[str, dict[str, Any]]) -> None:
    """Metadata come as written, with what was read out of them, and where they stand."""
    found = described[".ofd"]
    assert found["format"] == "ofd"
    assert found["members"].keys() == Recipe().members().keys()
    licence = found["licence"]
    assert licence["found_in"] == ["OFD.xml"]
    assert licence["elements"] == draft().elements
    assert licence["identifier"]["text"] == draft().identifier
    assert licence["identifier"]["check_character_matches"] is True
    assert licence["valid_to"] == str(draft().valid_to)
    (signature,) = found["signatures"]
    assert signature["location"] == "Doc_0/Signs/Sign_0/Signature.xml"
    assert signature["digest_method"] == "SM3"
    assert signature["signer"] == cast().signer.certificate.subject_text
    assert signature["seal"]["name"] == SEAL_NAME


def test_a_seal_says_who_made_it_and_until_when(described: dict[str, dict[str, Any]]) -> None:
    """A bare seal has no signatures."""
    found = described[".esl"]
    assert (found["format"], found["signatures"]) == ("seal", [])
    assert (found["seal"]["name"], found["seal"]["header_version"], found["seal"]["signers_listed"]) == (
        SEAL_NAME,
        4,
        1,
    )
    assert found["seal"]["picture"]["format"] == "png"
    assert found["seal"]["maker"] == cast().maker.certificate.subject_text


def test_a_signature_by_itself_says_when(described: dict[str, dict[str, Any]]) -> None:
    """A bare SignedValue.dat has its seal inside, and no references."""
    (signature,) = described[".dat"]["signatures"]
    assert described[".dat"]["format"] == "seal-signature"
    assert (signature["signed_at"], signature["references"]) == ("2026-08-01T01:23:45Z", None)
    assert signature["seal"]["name"] == SEAL_NAME


def test_a_signed_data_says_its_signers(described: dict[str, dict[str, Any]]) -> None:
    """A SignedData of GB/T 35275 is one signature for each signer."""
    (signature,) = described[".p7s"]["signatures"]
    assert (signature["standard"], signature["seal"]) == ("GB/T 35275-2017", None)
    assert signature["serial"] == f"{cast().signer.certificate.serial:X}"


def test_what_cannot_be_parsed_is_said(described: dict[str, dict[str, Any]]) -> None:
    """The error is the reader's own word."""
    assert described[".bin"]["error"] == "unrecognised"


def test_nothing_is_judged(described: dict[str, dict[str, Any]]) -> None:
    """No outcome appears, and every description warns that none of it was verified."""
    for one in described.values():
        assert "outcome" not in one
        assert "error" in one or one["warning"] == "not-verified"


def test_people_read_lines(files: Path) -> None:
    """Without --json, the same is printed as lines that are never cut."""
    ended = tongban("inspect", files / "a.ofd")
    assert (ended.code, ended.err) == (0, "")
    assert f"ZZBS: {draft().identifier}\n" in ended.out
    assert "warning: None of this has been verified." in ended.out


def test_the_warning_is_chinese_in_china(files: Path) -> None:
    """The locale decides about words and labels; the JSON is the same in every language."""
    shown = tongban("inspect", files / "b.esl", locale="zh_CN.UTF-8").out
    assert "提示: 以下内容未经核验。" in shown
    assert "制章人: " in shown
    arguments = ("inspect", "--json", files)
    assert tongban(*arguments, locale="zh_CN.UTF-8").out == tongban(*arguments).out


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    """A folder without documents is a sentence and the code 2; what was passed over is counted."""
    (tmp_path / "README.md").write_text("words", encoding="utf-8")
    ended = tongban("inspect", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "passed over 1 file" in ended.err
    assert "no document to read" in ended.err


def test_a_pipe_is_a_file_like_any_other(files: Path) -> None:
    """What a shell's process substitution names can be read."""
    command = f'{sys.executable} -m gateway inspect --json <(cat "{files / "b.esl"}")'
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603, S607 - our own program
    assert (ended.returncode, json.loads(ended.stdout)["format"]) == (0, "seal")


def test_standard_input_and_missing_files(files: Path) -> None:
    """A dash is standard input; what cannot be read is 2, whatever else was printed."""
    ended = tongban("inspect", "--json", "-", files / "missing", stdin=bare_seal())
    assert (ended.code, ended.object["format"]) == (2, "seal")
    assert "no such file" in ended.err


def test_text_of_a_document_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    """Control characters are replaced before anything is printed."""
    (tmp_path / "\x1b]0;title\x07.ofd").write_bytes(b"")
    ended = tongban("inspect", tmp_path)
    assert ended.code == 1
    assert "\x1b" not in ended.out
    assert "\x07" not in ended.out
