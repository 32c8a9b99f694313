"""As an auditor works, with docs/audit.md alone: find, have opened, carry away, verify, see a changed byte caught."""

import asyncio
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.callers import TokenAlgorithm
from gateway.cli.audit_find import Terms
from gateway.demo.asking import ask_callers, run_gateway
from gateway.demo.stage import AUDIENCE, set_stage, write_stage
from gateway.http.messages.auditors import SearchTerms
from gateway.tokens import MAX_LIFETIME, authenticate, sign_token
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from keys.sm2 import Sm2PublicKey
from tests.gateway.audit import findings
from tests.gateway.audit.exports import POLICY, encode_policy, without_bundles
from tests.support.callers import AUDIENCE as TEST_AUDIENCE
from tests.support.callers import NOW, make_party, make_site
from tests.support.cli import ROOT, Ended, tongban

PASSPHRASE = b"correct horse battery\n"
_REGISTERED = """
id = "{id}"
name = "{id}"
name_zh = "审计员"
organisation = "11370000MB284651XL"
region = "370000"
algorithm = "{algorithm}"
kid = "{kid}"
role = "auditor"
{right} = true
key = \"\"\"
{pem}\"\"\"
"""
_ALGORITHMS = {"ed25519": "EdDSA", "sm2": "SM2", "p-256": "ES256"}


# --- without a gateway ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finding")
    with findings.open_log(folder) as log:
        (folder / "finding.zip").write_bytes(findings.make(log, opening=findings.approve(log)))
    (folder / "auditor.policy").write_bytes(encode_policy(POLICY))
    return folder


@pytest.mark.parametrize("locale", ["C.UTF-8", "zh_CN.UTF-8"])
def test_verify_prints_who_looked(finding: Path, locale: str) -> None:
    """For people: every entry with its official, the search, who approved that private parts are shown, the verdict."""
    ended = tongban("audit", "verify", finding / "finding.zip", "--policy", finding / "auditor.policy", locale=locale)
    assert (ended.code, ended.err) == (0, "")
    for text in ("approval-00", "3701000002", findings.LICENCE, "auditor-2", "核验通过" if "zh" in locale else "sound"):
        assert text in ended.out
    given, withheld = ("仅比对", "不予提供：") if "zh" in locale else ("compare", "withheld: ")
    assert re.search(rf"holder_id.{{1,2}} ?{given} · .*holder_name", ended.out)
    assert re.search(rf"{withheld}.*issue_date.* · .*phone", ended.out)


def test_verify_as_json(finding: Path) -> None:
    """For programs: one object that says what was found, and by whom."""
    ended = tongban("audit", "verify", finding / "finding.zip", "--json")
    found = ended.object
    assert (ended.code, found["kind"], found["outcome"], found["findings"]) == (0, "finding", "valid", [])
    assert (found["entries"], found["opened"], found["replayed"], found["policy"]) == ([0, 2, 4], 3, 3, "own")
    forms = {"holder_id": "match", "holder_name": "mask", "issue_date": "withheld", "phone": "withheld"}
    assert [(one["entry"], one["forms"]) for one in found["fields"]] == [(0, forms), (2, forms), (4, forms)]
    assert found["search"]["by"] == "auditor-1"
    assert found["search"]["approved_by"] == "auditor-2"
    assert found["search"]["query"] == {"licence": findings.LICENCE}


@pytest.mark.parametrize("is_seen", [True, False])
def test_verify_says_what_the_log_alone_vouches_for(tmp_path: Path, *, is_seen: bool) -> None:
    """Where no witness has seen the entry of the search yet, people and programs are told."""
    with findings.open_log(tmp_path) as log:
        opening = findings.approve(log)
        seen = None if is_seen else log.prove(0).checkpoint
        (tmp_path / "finding.zip").write_bytes(findings.make(log, opening=opening, seen=seen))
    (tmp_path / "auditor.policy").write_bytes(encode_policy(POLICY))
    given = ("audit", "verify", tmp_path / "finding.zip", "--policy", tmp_path / "auditor.policy")
    ended = tongban(*given)
    assert (ended.code, "the log alone vouches" in ended.out) == (0, not is_seen)
    assert tongban(*given, "--json").object["search"]["log_alone"] is not is_seen


def test_verify_says_that_nobody_witnesses_the_log(tmp_path: Path) -> None:
    """By a policy without witnesses, people and programs are told that the log is alone."""
    with findings.open_log(tmp_path) as log:
        (tmp_path / "finding.zip").write_bytes(findings.make(log, witnessed=False))
    (tmp_path / "auditor.policy").write_bytes(encode_policy(without_bundles(POLICY)))
    given = ("audit", "verify", tmp_path / "finding.zip", "--policy", tmp_path / "auditor.policy")
    ended = tongban(*given)
    assert (ended.code, "nobody witnesses this log" in ended.out) == (0, True)
    said = tongban(*given, "--json").object
    assert (said["witnessed"], said["search"]["log_alone"]) == (None, True)


def test_verify_catches_a_changed_file(finding: Path, tmp_path: Path) -> None:
    """A changed byte, a cut file and another file are faults, with 1; what cannot be read ends with 2."""
    data = (finding / "finding.zip").read_bytes()
    at = data.index("鲁食证".encode())
    for changed in (data[:at] + b"\0" + data[at + 1 :], data[:-1], b"no finding", b""):
        (tmp_path / "changed.zip").write_bytes(changed)
        ended = tongban("audit", "verify", tmp_path / "changed.zip", "--json")
        assert (ended.code, ended.object["findings"][0]["kind"]) == (1, "package-malformed")
    assert tongban("audit", "verify", tmp_path / "changed.zip").code == 1
    assert tongban("audit", "verify", tmp_path / "absent.zip").code == 2


def test_verify_knows_an_unpacked_finding(finding: Path, tmp_path: Path) -> None:
    """A folder with the files of a finding is one, and not taken for a log."""
    shutil.unpack_archive(finding / "finding.zip", tmp_path / "unpacked")
    assert tongban("audit", "verify", tmp_path / "unpacked", "--json").object["kind"] == "finding"
    (tmp_path / "unpacked/checkpoint").unlink()
    assert tongban("audit", "verify", tmp_path / "unpacked", "--json").code == 1


class _Refusing(BaseHTTPRequestHandler):
    """Answers in ways that no gateway does, and in one that it does."""

    def do_POST(self) -> None:
        kind, status, body = {
            "/problem": ("application/problem+json", 403, _PROBLEM),
            "/html": ("text/html", 502, b"<html>"),
            "/half": ("application/problem+json", 403, b'{"title": "x"}'),
            "/text": ("application/json", 200, b"[]"),
            "/opening": ("application/json", 200, _STEERING),
        }["/" + self.path.split("/")[1]]
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_PROBLEM = json.dumps(
    {
        "reason": "log.opening-over",
        "title": "开启申请已过期",
        "title_en": "The opening is over",
        "next": "请重新申请。",
        "next_en": "Ask again.",
        "errors": [{"path": "$.opening"}],
    }
).encode()


# What is asked for is hidden from who approves, and another request is drawn over it.
_STEERING = json.dumps(
    {
        "opening": "01O",
        "reason": "routine\x1b[8m",
        "operator": "3701-1\x1b[2J",
        "search": {"subject\r": "\u202e11010519491231002X\x1b[1A"},
        "usable": False,
    }
).encode()


@pytest.fixture
def refusing() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_refusals_are_told_in_words(refusing: str, tmp_path: Path) -> None:
    """What the gateway says is repeated in the reader's language; other answers are told by their status."""
    (tmp_path / "token").write_text("a.b.c", encoding="ascii")
    rest = ("--token-file", tmp_path / "token", "--caller", "c", "-o", tmp_path / "out.zip")
    ended = tongban("audit", "find", "--url", f"{refusing}/problem", *rest, "--json")
    assert (ended.code, ended.object["error"]) == (1, "log.opening-over")
    assert "The opening is over $.opening; Ask again." in ended.err
    chinese = tongban("audit", "find", "--url", f"{refusing}/problem", *rest, locale="zh_CN.UTF-8")
    assert "开启申请已过期" in chinese.err
    for path, error in (("html", "source.status"), ("half", "source.status")):
        ended = tongban("audit", "find", "--url", f"{refusing}/{path}", *rest, "--json")
        assert (ended.code, ended.object["error"]) == (2, error)
    shown = tongban("audit", "show-opening", "X", "--url", f"{refusing}/text", *rest[:2], "--json")
    assert (shown.code, shown.object["error"]) == (2, "source.encoding")
    assert not (tmp_path / "out.zip").exists()


def test_who_asks_does_not_steer_the_terminal_of_who_approves(refusing: str, tmp_path: Path) -> None:
    """What an answer says is printed as it is: nothing hides it, moves the cursor or turns the text round."""
    (tmp_path / "token").write_text("a.b.c", encoding="ascii")
    shown = tongban("audit", "show-opening", "01O", "--url", f"{refusing}/opening", "--token-file", tmp_path / "token")
    assert shown.code == 0, shown.err
    assert "11010519491231002X" in shown.out
    assert all(character.isprintable() or character == "\n" for character in shown.out)


@pytest.mark.parametrize(("length", "error"), [(1024, "source.unreachable"), (1025, "usage"), (100_000, "usage")])
def test_a_number_is_never_cut(tmp_path: Path, length: int, error: str) -> None:
    """Whatever standard input has, either all of the line is searched for or nothing is."""
    (tmp_path / "token").write_text("a.b.c", encoding="ascii")
    given = ("--url", "http://127.0.0.1:1", "--token-file", tmp_path / "token", "-o", tmp_path / "out.zip")
    ended = tongban("audit", "find", *given, "--licence-file", "-", "--json", stdin=b"1" * length)
    assert (ended.code, ended.object["error"]) == (2, error)


def test_every_term_of_a_search_has_an_option() -> None:
    """What the gateway can search for, the command can ask for."""
    assert {one.name.removesuffix("_file") for one in fields(Terms)} == {
        *SearchTerms.__struct_fields__, "since", "until"
    }  # fmt: skip
    assert Terms(form="cm--").body() == {"form": "cm--"}
    offered = tongban("audit", "find", "--help", COLUMNS="200").out
    assert all(option in offered for option in ("--form", "--log", "--kind", "--policy-digest"))


@pytest.mark.parametrize(
    ("token", "number", "more", "error"),
    [
        (b"", b"L-1\n", (), "source.unreadable"),
        (b"two words", b"L-1\n", (), "source.unreadable"),
        (b"\xff", b"L-1\n", (), "source.unreadable"),
        (b"a.b.c", b"", (), "usage"),
        (b"a.b.c", b"one\ntwo\n", (), "usage"),
        (b"a.b.c", b"L-1\n", ("--from", "yesterday"), "usage"),
        (b"a.b.c", b"L-1\n", ("-o", "token"), "usage"),
        (b"a.b.c", b"L-1\n", ("--url", "ftp://example"), "source.url"),
        (b"a.b.c", b"L-1\n", (), "source.unreachable"),
    ],
)
def test_what_cannot_be_asked(tmp_path: Path, token: bytes, number: bytes, more: tuple[str, ...], error: str) -> None:
    """A token, a number, a place or an address that cannot be used ends the command before anything is asked."""
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "number").write_bytes(number)
    given = {"--url": "http://127.0.0.1:1", "-o": "finding.zip"}
    if more:
        given |= {more[0]: more[1]}
    given["-o"] = str(tmp_path / given["-o"])
    options = [text for pair in given.items() for text in pair]
    files = ("--token-file", tmp_path / "token", "--licence-file", tmp_path / "number")
    ended = tongban("audit", "find", *options, *files, "--json")
    assert (ended.code, ended.object["error"]) == (2, error)
    assert not (tmp_path / "finding.zip").exists()


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_a_token_of_a_kept_key_signs_in(algorithm: KeyAlgorithm) -> None:
    """What a key signs wherever it is kept is a token as any other."""
    signer = SoftwareSigner.generate(algorithm)
    party = make_party()
    is_sm2 = algorithm is KeyAlgorithm.SM2
    key: Any = Sm2PublicKey.from_spki(signer.public_key) if is_sm2 else load_der_public_key(signer.public_key)
    registered = make_party(algorithm=TokenAlgorithm(_ALGORITHMS[algorithm.value]), public_key=key)
    token = sign_token(
        signer,
        caller_id=registered.caller.id,
        key_id=registered.caller.key_id,
        audience=TEST_AUDIENCE,
        issued_at=NOW,
        token_id="1",  # noqa: S106 - the id of a token
    )
    callers = make_site([registered]).callers
    assert authenticate(token, callers=callers, audience=TEST_AUDIENCE, at=NOW).caller.id == party.caller.id
    assert MAX_LIFETIME.total_seconds() == 300


# --- with one ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditors:
    """A folder with the keys of two auditors, and how they sign in."""

    folder: Path
    keys: dict[str, str]  # account to the id of its key

    def token(self, account: str) -> Path:
        """Sign a token and return its file."""
        out = self.folder / f"{account}.token"
        made = tongban(
            *("audit", "token", "--caller", account, "--audience", AUDIENCE, "--key", self.keys[account]),
            *("--dir", self.folder / "keys", "--passphrase-file", self.folder / "passphrase", "-o", out, "--json"),
        )
        assert made.code == 0, made.err
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        return out


def register(folder: Path, site: Path) -> Auditors:
    """Make a key for each auditor, and register its public half at the site, as the operator does."""
    folder.mkdir()
    (folder / "passphrase").write_bytes(PASSPHRASE)
    (folder / "passphrase").chmod(0o600)
    ids = {}
    for account, algorithm, right in (
        ("auditor-1", "ed25519", "may_open"),
        ("auditor-2", "sm2", "may_approve_opening"),
    ):
        made = tongban(
            *("keys", "new", "--purpose", "caller", "--algorithm", algorithm, "--dir", folder / "keys"),
            *("--passphrase-file", folder / "passphrase", "--json"),
        )
        assert made.code == 0, made.err
        ids[account] = made.object["id"]
        pem = tongban("keys", "export-public", ids[account], "--form", "pem", "--dir", folder / "keys").out
        text = _REGISTERED.format(
            id=account, algorithm=_ALGORITHMS[algorithm], kid=ids[account], right=right, pem=pem.strip() + "\n"
        )
        (site / "callers" / f"{account}.toml").write_text(text, encoding="utf-8")
    return Auditors(folder=folder, keys=ids)


def verify_elsewhere(folder: Path, *arguments: str) -> Ended:
    """Run the verifier in a folder that has nothing but what was carried there."""
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "gateway", "audit", "verify", *arguments],
        capture_output=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
        timeout=60,
        check=False,
    )
    ended = Ended(code=ran.returncode, out=ran.stdout.decode(), err=ran.stderr.decode())
    assert "Traceback" not in ended.err
    return ended


async def _ask(address: str, stage: Any) -> None:
    async for _ in ask_callers(address, stage.sharing):
        pass


@pytest.mark.slow
def test_as_an_auditor_would(tmp_path: Path) -> None:
    """Find who looked at a licence, export the finding, verify it elsewhere with only that file, change a byte."""
    now = datetime.now(UTC).replace(microsecond=0)
    stage = set_stage(now)
    site = write_stage(stage, tmp_path / "gateway", now)["site"]
    auditors = register(tmp_path / "auditors", site)
    number = auditors.folder / "number"
    number.write_text(stage.sharing[0].licence["number"] + "\n", encoding="utf-8")
    with run_gateway(site) as address:
        asyncio.run(_ask(address, stage))

        def at(*command: str | Path, account: str = "auditor-1") -> Ended:
            return tongban("audit", *command, "--url", address, "--token-file", auditors.token(account), "--json")

        found = at("find", "--licence-file", number, "-o", auditors.folder / "finding.zip")
        assert found.code == 0, found.err
        request = ("request-opening", "--licence-file", number, "--reason", "投诉 12 号", "--operator", "3701-1")
        asked = at(*request)
        assert at(*request, "--log", "2019h1").code == 1
        opening = asked.object["opening"]
        assert at("find", "--licence-file", number, "--opening", opening, "-o", tmp_path / "early.zip").code == 1
        shown = at("show-opening", opening, account="auditor-2")
        assert (shown.object["reason"], shown.object["usable"]) == ("投诉 12 号", False)
        approved = at("approve-opening", opening, "--operator", "3701-2", account="auditor-2")
        assert approved.object["usable"] is True
        opened = at("find", "--licence-file", number, "--opening", opening, "-o", auditors.folder / "opened.zip")
        assert opened.code == 0, opened.err
        token = auditors.token("auditor-1")
        shard = json.loads(tongban("audit", "trust-policy", "--site", site, "--json").out)["log"].rpartition("/")[2]
        whole = tongban("audit", "verify", f"{address}/log/{shard}", "--token-file", token, "--json",
                        "--policy", _published(site, tmp_path))  # fmt: skip
        assert (whole.code, whole.object["outcome"]) == (0, "valid"), whole.out

    serial = stage.sharing[0].licence["number"].encode()[-10:-3]  # width and brackets are not those of the log
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("finding.zip", "opened.zip"):
        shutil.move(auditors.folder / name, elsewhere / name)
    shutil.copy(_published(site, tmp_path), elsewhere / "auditor.policy")
    shutil.rmtree(tmp_path / "gateway")
    shutil.rmtree(auditors.folder)
    for name in ("finding.zip", "opened.zip"):
        ended = verify_elsewhere(elsewhere, name, "--policy", "auditor.policy", "--json")
        assert (ended.code, ended.object["findings"]) == (0, [])
        assert len(ended.object["entries"]) > 1
        people = verify_elsewhere(elsewhere, name, "--policy", "auditor.policy")
        assert (people.code, "shandong-counter" in people.out) == (0, True)
        data = (elsewhere / name).read_bytes()
        assert (serial in data) == (name == "opened.zip")
        for at_byte in range(0, len(data), len(data) // 5):
            (elsewhere / "changed.zip").write_bytes(data[:at_byte] + bytes([data[at_byte] ^ 1]) + data[at_byte + 1 :])
            assert verify_elsewhere(elsewhere, "changed.zip", "--policy", "auditor.policy").code == 1
    assert ended.object["replayed"] > 1
    assert ended.object["search"]["approved_by"] == "auditor-2"


def _published(site: Path, folder: Path) -> Path:
    """Return the trust policy that the operator publishes."""
    path = folder / "auditor.policy"
    if not path.exists():
        printed = tongban("audit", "trust-policy", "--site", site)
        assert printed.code == 0, printed.err
        path.write_text(printed.out, encoding="utf-8")
    return path
