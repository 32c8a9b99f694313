"""``tongban verify`` as a process: exit codes, the shape of its JSON, languages, and words for any input."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.strict.bounds import MAX_DOCUMENT
from gateway.cli import inputs
from gateway.cli.console import ExitCode
from gateway.cli.inputs import read_input
from gateway.cli.verify import describe, parse_moment
from gateway.pipeline import verify_document
from gateway.reason import SENTENCES, Reason
from keys.trust import TrustStore
from tests.support.cli import AT, tongban, write_trust
from tests.support.recipes import stripped
from tests.support.sealed import PAGE, Recipe, Trust, cast, edit_member, swap

KEYS = ["input", "sha256", "format", "outcome", "reasons", "checks", "signatures", "notes"]
SIGNATURE_KEYS = ["id", "kind", "standard", "signed_at", "signer", "seal", "outcome", "checks", "notes"]
CHECK_KEYS = ["check", "outcome", "reason", "detail"]
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trust(tmp_path_factory.mktemp("trust"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a valid, an invalid and an unsigned licence, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("files")
    for name, recipe in {
        "valid": Recipe(),
        "invalid": Recipe(after=edit_member(PAGE, swap("食品经营许可证", "食品生产许可证"))),
        "unsigned": Recipe(after=stripped),
    }.items():
        (folder / name).mkdir()
        (folder / name / f"{name}.ofd").write_bytes(recipe.document())
    return folder


@pytest.fixture(scope="module")
def unknown_trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a trust folder that knows the makers only."""
    return write_trust(tmp_path_factory.mktemp("makers"), replace(Trust(), signers=()))


def test_all_valid_is_0(files: Path, trust: Path) -> None:
    """A folder is searched, and standard output has one object in the shape of the design."""
    ended = tongban("verify", "--trust", trust, "--at", AT, "--json", files / "valid")
    assert (ended.code, ended.err) == (0, "")
    found = ended.object
    path = files / "valid" / "valid.ofd"
    assert list(found) == KEYS
    assert (found["input"], found["format"], found["outcome"], found["reasons"]) == (str(path), "ofd", "valid", [])
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    (signature,) = found["signatures"]
    assert list(signature) == SIGNATURE_KEYS
    assert (signature["kind"], signature["standard"]) == ("seal", "GB/T 38540-2020")
    assert signature["signed_at"] == "2026-08-01T01:23:45Z"
    assert signature["seal"] == {
        "id": "34990100000001",
        "name": "安徽省云溪市市场监督管理局",
        "maker": cast().maker.certificate.subject_text,
    }
    assert [list(check) for check in signature["checks"] + found["checks"]] == [CHECK_KEYS] * 15
    assert {check["outcome"] for check in signature["checks"]} == {"valid"}
    assert [check["check"] for check in signature["checks"]] == [
        "references", "coverage", "data-hash", "signature", "signer-listed", "seal-signature", "seal-period",
        "maker-period", "maker-chain", "signer-period", "signer-chain", "revocation", "timestamp",
    ]  # fmt: skip


def test_any_invalid_is_1_also_beside_unknown(files: Path, unknown_trust: Path) -> None:
    """Invalid wins over unknown; each file has its own line, in the order of the names."""
    ended = tongban("verify", "--trust", unknown_trust, "--at", AT, "--json", files)
    assert ended.code == ExitCode.INVALID
    assert [(Path(one["input"]).stem, one["outcome"]) for one in ended.objects] == [
        ("invalid", "invalid"),
        ("unsigned", "invalid"),
        ("valid", "unknown"),
    ]
    assert ended.objects[0]["reasons"] == [
        "references.mismatch", "signer-chain.unknown-issuer",
    ]  # fmt: skip


def test_unknown_alone_is_3(files: Path, unknown_trust: Path) -> None:
    """An anchor for makers does not serve signers, which is unknown and not invalid."""
    ended = tongban("verify", "--trust", unknown_trust, "--at", AT, "--json", files / "valid")
    assert ended.code == ExitCode.UNKNOWN
    assert ended.object["reasons"] == ["signer-chain.unknown-issuer"]


def test_unreadable_is_2_also_beside_invalid(files: Path, trust: Path) -> None:
    """What could not be read wins over every outcome; what could be read is still said."""
    missing = files / "missing.ofd"
    ended = tongban("verify", "--trust", trust, "--at", AT, "--json", missing, files / "invalid", files / "valid")
    assert ended.code == ExitCode.USAGE
    assert [one["outcome"] for one in ended.objects] == ["invalid", "valid"]
    assert ended.err == f"tongban: {missing}: no such file or folder\n"


def test_nothing_to_verify_is_2(tmp_path: Path) -> None:
    """A folder without documents is not a folder of valid documents; what is passed over is counted."""
    (tmp_path / "README.md").write_text("words", encoding="utf-8")
    (tmp_path / ".hidden.ofd").write_bytes(b"")
    ended = tongban("verify", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "passed over 1 file that is no document" in ended.err
    assert "no document to read" in ended.err


def test_standard_input_is_a_file_like_any_other(files: Path, trust: Path) -> None:
    """A dash stands for standard input, and is named so."""
    document = (files / "valid" / "valid.ofd").read_bytes()
    ended = tongban("verify", "--trust", trust, "--at", AT, "--json", "-", stdin=document)
    assert (ended.code, ended.object["input"], ended.object["outcome"]) == (0, "-", "valid")


def test_the_digest_is_that_of_the_whole_input(tmp_path: Path) -> None:
    """An input larger than any document is refused, and its digest is still the one that other tools compute."""
    content = b"PK" + bytes(MAX_DOCUMENT + 5_000_000)
    (tmp_path / "large.ofd").write_bytes(content)
    ended = tongban("verify", "--json", tmp_path / "large.ofd")
    assert ended.object["sha256"] == hashlib.sha256(content).hexdigest()
    assert ended.object["reasons"] == ["format.too-large"]
    assert tongban("verify", "--json", "-", stdin=content).object["sha256"] == hashlib.sha256(content).hexdigest()


def test_what_never_ends_has_no_digest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Beyond a bound an input is not read on; the digest is null, and a note says why."""
    monkeypatch.setattr(inputs, "MAX_DIGESTED", MAX_DOCUMENT + 2_000_000)
    (tmp_path / "endless.ofd").write_bytes(bytes(MAX_DOCUMENT + 3_000_000))
    content = read_input(str(tmp_path / "endless.ofd"))
    assert (content.sha256, len(content.data)) == (None, MAX_DOCUMENT + 1)
    described = describe("endless.ofd", content, verify_document(b"", store=TrustStore.empty(), at=parse_moment(AT)))
    assert described["notes"] == ["input.larger-than-1-GiB"]


@pytest.mark.parametrize(("locale", "word"), [("C.UTF-8", "was expected: yesterday"), ("zh_CN.UTF-8", "应为日期")])
def test_a_moment_in_words_is_answered_with_the_form(locale: str, word: str) -> None:
    """Whoever writes yesterday reads which form is taken, in the language of the locale."""
    ended = tongban("verify", "--at", "yesterday", "-", locale=locale)
    assert word in ended.err
    assert "2026-01-31" in ended.err
    assert "Invalid isoformat" not in ended.err


def test_a_trust_folder_that_is_not_there_is_said_in_chinese() -> None:
    """The locale decides about the words of errors too."""
    ended = tongban("verify", "--trust", "no-such-folder", "-", locale="zh_CN.UTF-8")
    assert (ended.code, ended.err) == (2, "tongban: --trust: 没有此文件夹：no-such-folder\n")


def test_without_trust_every_chain_is_unknown(files: Path) -> None:
    """Without anchors nothing is valid, and nothing is invalid for that reason."""
    ended = tongban("verify", "--at", AT, "--json", files / "valid")
    assert ended.code == ExitCode.UNKNOWN
    assert ended.object["reasons"] == [
        "maker-chain.unknown-issuer", "signer-chain.unknown-issuer",
    ]  # fmt: skip


def test_before_the_signing_time_the_signature_lies_in_the_future(files: Path, trust: Path) -> None:
    """The moment of the question decides; a date means its start in China."""
    ended = tongban("verify", "--trust", trust, "--at", "2026-08-01", "--json", files / "valid")
    assert ended.code == ExitCode.INVALID
    assert "timestamp.in-future" in ended.object["reasons"]


def test_anchors_for_every_purpose_are_mentioned_once(files: Path, tmp_path: Path) -> None:
    """Certificates directly in the folder serve every purpose, which is said once, however many documents there are."""
    trust = write_trust(tmp_path)
    for purpose in ("seal-makers", "signers"):
        (trust / purpose / "0.pem").rename(trust / f"{purpose}.pem")
    ended = tongban("verify", "--trust", trust, "--at", AT, "--json", files / "valid", files / "invalid")
    assert [one["outcome"] for one in ended.objects] == ["valid", "invalid"]
    assert len(ended.err.splitlines()) == 1
    assert "serve every purpose" in ended.err


def test_files_of_the_trust_folder_that_are_not_used_are_said(files: Path, tmp_path: Path) -> None:
    """What an operator put there and we did not use is a message, never silence, and no end either."""
    trust = write_trust(tmp_path)
    (trust / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ascii")
    ended = tongban("verify", "--trust", trust, "--at", AT, "--json", files / "valid")
    assert (ended.code, ended.err.count("\n")) == (0, 1)
    assert ended.err.startswith("tongban: broken.pem: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("verify", "--trust", "no-such-folder", "-"),
        ("verify", "--at", "yesterday", "-"),
        ("verify", "--at", "2026-01-01T00:00:00", "-"),
        ("verify", "--no-such-option", "-"),
        ("no-such-command",),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    """Usage errors end with 2, with words on standard error and nothing on standard output."""
    ended = tongban(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01", "2026-07-31T16:00:00+00:00"),
        ("2026-08-01T00:00:00Z", "2026-08-01T00:00:00+00:00"),
        ("2026-08-01T08:00:00+08:00", "2026-08-01T00:00:00+00:00"),
    ],
)
def test_a_moment_is_a_time_with_a_zone_or_a_day_in_china(text: str, moment: str) -> None:
    """The same moment has one meaning, wherever the command runs."""
    assert parse_moment(text).isoformat() == moment


@pytest.mark.parametrize("text", ["", "2026", "now", "2026-02-30", "2026-08-01T00:00:00", "9999-12-31", "0001-01-01"])
def test_another_text_is_no_moment(text: str) -> None:
    """A time without a zone could mean two moments, and at the ends of the calendar nothing can be computed."""
    with pytest.raises(ValueError, match=r"expected"):
        parse_moment(text)


def test_people_read_words_in_english(files: Path, unknown_trust: Path) -> None:
    """Outcome, reason, sentence and next step; no colours and no progress bar in a pipe."""
    ended = tongban("verify", "--trust", unknown_trust, "--at", AT, files)
    words = SENTENCES[Reason.REFERENCES_MISMATCH]
    assert f"invalid  {files / 'invalid' / 'invalid.ofd'}" in ended.out
    assert f"references.mismatch: {words.en} {words.next_en}" in ended.out
    assert f"        {PAGE}" in ended.out
    assert ended.err == ""
    assert not CONTROLS.search(ended.out)


def test_people_read_words_in_chinese(files: Path, trust: Path) -> None:
    """The locale decides about words; the JSON is the same in every language."""
    arguments = ("verify", "--trust", trust, "--at", AT, files / "invalid")
    chinese = tongban(*arguments, locale="zh_CN.UTF-8")
    words = SENTENCES[Reason.REFERENCES_MISMATCH]
    assert chinese.out.startswith("无效  ")
    assert f"references.mismatch: {words.zh}{words.next_zh}" in chinese.out
    assert tongban(*arguments, "--json", locale="zh_CN.UTF-8").out == tongban(*arguments, "--json").out


def test_a_terminal_of_another_encoding_is_no_end(files: Path, trust: Path) -> None:
    """Where a character cannot be shown, an escape is; the JSON stays JSON."""
    arguments = ("verify", "--trust", trust, "--at", AT, files / "valid")
    shown = tongban(*arguments, encoding="ascii", PYTHONIOENCODING="ascii")
    assert (shown.code, "\\u5b89\\u5fbd" in shown.out) == (0, True)
    found = tongban(*arguments, "--json", encoding="ascii", PYTHONIOENCODING="ascii").object
    assert found["signatures"][0]["seal"]["name"] == "安徽省云溪市市场监督管理局"


def test_the_name_of_a_file_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    """Names come from whoever sent the files: escapes are not passed on, markup means nothing, any bytes will do."""
    (tmp_path / "\x1b[31m[red]evil[bold].ofd").write_bytes(b"")
    Path(str(tmp_path) + "/\udcff.ofd").write_bytes(b"")
    ended = tongban("verify", tmp_path)
    assert "[31m[red]evil[bold].ofd" in ended.out
    assert not CONTROLS.search(ended.out)
    assert len(tongban("verify", "--json", tmp_path, PYTHONIOENCODING="utf-8:strict").objects) == 2


GARBAGE = {
    "nothing": b"",
    "zeros": bytes(100),
    "the beginning of a package": b"PK\x03\x04",
    "the end of a package": b"PK\x05\x06" + bytes(18),
    "an endless element": b"\x30\x80\x00\x00",
    "an element of 4 GiB": b"\x30\x84\xff\xff\xff\xff",
    "elements in elements": b"\x30" * 5_000,
    "markup": b"<?xml version='1.0'?><OFD/>",
}


def test_no_input_ends_in_a_traceback(tmp_path: Path) -> None:
    """Whatever lies in a folder, there is a verdict for each file."""
    for number, content in enumerate(GARBAGE.values()):
        (tmp_path / f"{number}.ofd").write_bytes(content)
    ended = tongban("verify", "--json", tmp_path)
    assert (ended.code, ended.err) == (1, "")
    assert [one["outcome"] for one in ended.objects] == ["invalid"] * len(GARBAGE)


@pytest.mark.parametrize("what", ["nothing", "elements in elements"])
def test_no_standard_input_ends_in_a_traceback(what: str) -> None:
    """Whatever comes in through standard input, a verdict comes out."""
    ended = tongban("verify", "--json", "-", stdin=GARBAGE[what])
    assert (ended.code, ended.object["outcome"]) == (1, "invalid")
