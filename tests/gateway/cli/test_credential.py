"""``tongban credential`` as an issuer, a holder and a verifier meet it, with the reference implementation as oracle."""

import base64
import json
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordStatus
from gateway.cli.adapter_files import find_adapter
from gateway.cli.credential import credential_app
from gateway.cli.passphrase import VARIABLE
from keys.own.record import KeyAlgorithm, KeyPurpose, KeyRecord
from keys.sd_jwt.bounds import MAX_SD_JWT
from tests.support.credentials import (
    AUDIENCE,
    ISSUER,
    NONCE,
    RECORD,
    TYPE,
    encode_record,
    make_key,
    read_by_oracle,
    write_issuer,
)
from tests.support.own_keys import PASSPHRASE

QUESTION = ("--audience", AUDIENCE, "--nonce", NONCE)
OPEN = {
    "area": "440106",
    "issuer": RECORD.issuer,
    "issuer_code": RECORD.issuer_code,
    "licence_status": "active",
    "name": RECORD.name,
    "type_code": RECORD.type_code,
}


def run(*arguments: object, language: str = "en_GB") -> Result:
    """Run a command of the group; it must not end with an exception."""
    environment = {"LC_ALL": language, "COLUMNS": "200", VARIABLE: PASSPHRASE.decode()}
    result = CliRunner(env=environment).invoke(credential_app, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An issuer, a holder, and the folder in which they all work."""

    folder: Path
    issuing: KeyRecord
    holding: KeyRecord

    def issue(self, record: LicenceRecord = RECORD, *more: object, out: str = "c.sdjwt") -> Result:
        """Issue a credential of a record."""
        file = self.folder / "licence.json"
        file.write_bytes(encode_record(record))
        return self.issue_file(file, *more, out=out)

    def issue_file(self, file: Path, *more: object, out: str = "c.sdjwt") -> Result:
        """Issue a credential of a file."""
        who = ("--issuer", ISSUER, "--holder-key", self.folder / "holder.pem")
        key = ("--signing-key", self.issuing.id, "--dir", self.folder / "credential")
        return run("issue", file, *who, *key, "--out", self.folder / out, *more)

    def present(self, *disclose: str, more: tuple[object, ...] = QUESTION, out: str = "p.sdjwt") -> Result:
        """Present the credential."""
        chosen = [part for pointer in disclose for part in ("--disclose", pointer)]
        key = ("--signing-key", self.holding.id, "--dir", self.folder / "holder") if more else ()
        return run("present", self.folder / "c.sdjwt", *chosen, *key, *more, "--out", self.folder / out)

    def verify(self, name: str = "p.sdjwt", *more: object) -> tuple[int, dict[str, Any]]:
        """Verify a file, and return the exit code and what was said."""
        issuers = () if "--site" in more else ("--issuers", self.folder / "issuers")
        result = run("verify", self.folder / name, *issuers, *more, "--json")
        return result.exit_code, json.loads(result.stdout)

    def read(self, name: str = "p.sdjwt") -> str:
        """Return what is in a file."""
        return (self.folder / name).read_text("ascii").strip()


def make_world(folder: Path, algorithm: KeyAlgorithm = KeyAlgorithm.P256) -> World:
    """Make the keys, and the file of the issuer."""
    issuing = make_key(folder, KeyPurpose.CREDENTIAL, algorithm)
    world = World(folder=folder, issuing=issuing, holding=make_key(folder, KeyPurpose.HOLDER, algorithm))
    write_issuer(folder, issuing)
    return world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world in which a credential was issued."""
    world = make_world(tmp_path)
    result = world.issue()
    assert result.exit_code == 0, result.output
    return world


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_from_issue_to_verdict(tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    """What the holder chose is shown and nothing else, whatever the keys; others may not read the files."""
    world = make_world(tmp_path, algorithm)
    assert world.issue().exit_code == 0
    assert world.present("/holders/0/name", "/valid_to").exit_code == 0
    code, said = world.verify("p.sdjwt", *QUESTION)
    assert (code, said["outcome"], said["reasons"], said["notes"], said["bound"]) == (0, "valid", [], [], True)
    assert said["claims"] == {**OPEN, "valid_to": "2099-02-01", "holders": [{"name": "某市示例餐饮有限公司"}]}
    for name in ("c.sdjwt", "p.sdjwt"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_reference_implementation_agrees(world: World) -> None:
    """What we issue and present, the reference implementation verifies with the same claims and the same question."""
    world.present("/surface", "/number")
    said = read_by_oracle(world.read(), world.issuing.public_key, expected_aud=AUDIENCE, expected_nonce=NONCE)
    assert {**OPEN, "number": RECORD.number}.items() <= said.items()
    assert said["surface"] == {"JYXM": "热食类制售", "分支": ["甲店", "乙店"], "表": [{"列": "1"}, {"列": "2"}]}
    assert "holders" not in said
    assert said["vct"] == TYPE
    whole = read_by_oracle(world.read("c.sdjwt"), world.issuing.public_key)
    assert whole["holders"] == [{"name": "某市示例餐饮有限公司", "code": "91330105002500287C", "code_type": "001"}]


def test_nothing_is_seen_of_what_is_withheld(world: World) -> None:
    """Without a choice nothing of a person is in the presentation, and what is missing cannot be counted."""
    world.present()
    issued, *disclosures, binding = world.read().split("~")
    assert disclosures == []
    assert binding
    payload = json.loads(base64.urlsafe_b64decode(issued.split(".")[1] + "=="))
    assert len(payload["_sd"]) % 8 == 0
    text = json.dumps(payload, ensure_ascii=False)
    for value in ("91330105002500287C", "某市示例餐饮有限公司", RECORD.number, RECORD.identifier, "热食", "2099"):
        assert value not in text


def test_what_there_is_to_show(world: World) -> None:
    """The holder is told the path of each claim, and that of a whole shows all that is below it."""
    told = json.loads(run("show", world.folder / "c.sdjwt", "--json").stdout)
    assert list(told["disclosable"]) == [
        "/holders/0/code",
        "/holders/0/code_type",
        "/holders/0/name",
        "/identifier",
        "/issued_on",
        "/number",
        "/surface/JYXM",
        "/surface/分支/0",
        "/surface/分支/1",
        "/surface/表/0/列",
        "/surface/表/1/列",
        "/valid_from",
        "/valid_to",
    ]
    assert OPEN.items() <= told["open"].items()
    world.present("/surface/表", more=(), out="rows.sdjwt")
    assert world.verify("rows.sdjwt")[1]["claims"]["surface"] == {"表": [{"列": "1"}, {"列": "2"}]}
    assert "由持证人选择出示" in run("show", world.folder / "c.sdjwt", language="zh_CN").stdout


@pytest.mark.parametrize(
    ("change", "reason", "code"),
    [
        (("--audience", AUDIENCE, "--nonce", "another"), "nonce", 1),
        (("--audience", "https://elsewhere.example", "--nonce", NONCE), "audience", 1),
        ((), "binding-unexpected", 1),
        ((*QUESTION, "--type", "urn:other"), "type", 1),
        ((*QUESTION, "--at", "2020-01-01"), "not-yet-valid", 1),
        ((*QUESTION, "--at", "2099-01-01"), "expired", 1),
    ],
)
def test_another_question(world: World, change: tuple[str, ...], reason: str, code: int) -> None:
    """A presentation counts for its question, its type and its time; else nothing that it says is repeated."""
    world.present("/number")
    found, said = world.verify("p.sdjwt", *change)
    assert (found, said["reasons"]) == (code, [f"credential.{reason}"])
    assert said["claims"] is None


def test_possession_that_nobody_asked_for(world: World) -> None:
    """A credential that is shown without a question is verified, which is said; where one was asked it is refused."""
    code, said = world.verify("c.sdjwt")
    assert (code, said["outcome"], said["notes"], said["bound"]) == (0, "valid", ["possession-not-proven"], False)
    code, said = world.verify("c.sdjwt", *QUESTION)
    assert (code, said["reasons"]) == (1, ["credential.binding-missing"])


def test_old_knowledge(world: World) -> None:
    """A credential says how its licence stood when it was issued: after a day nobody knows, unless more will do."""
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    code, said = world.verify("c.sdjwt", "--at", later)
    assert (code, said["outcome"], said["reasons"]) == (3, "unknown", ["credential.status-old"])
    assert said["claims"]["licence_status"] == "active"
    assert world.verify("c.sdjwt", "--at", later, "--tolerance-hours", 96)[0] == 0


def test_issuers(world: World, tmp_path: Path) -> None:
    """Nobody is believed but exactly this key of exactly this issuer, for its types and its time."""
    write_issuer(tmp_path, make_key(tmp_path / "other", KeyPurpose.CREDENTIAL))
    code, said = world.verify("c.sdjwt")
    assert (code, said["outcome"], said["reasons"]) == (3, "unknown", ["credential.unknown-issuer"])
    write_issuer(tmp_path, world.issuing, issuer='"https://other.example"')
    assert world.verify("c.sdjwt")[1]["reasons"] == ["credential.unknown-issuer"]
    write_issuer(tmp_path, world.issuing, valid_to="2026-01-01T00:00:00Z")
    assert world.verify("c.sdjwt")[1]["reasons"] == ["credential.unknown-issuer"]
    write_issuer(tmp_path, world.issuing, types='["urn:other"]')
    write_issuer(tmp_path, world.holding, "second", issuer='"https://other.example"')
    code, said = world.verify("c.sdjwt")
    assert (code, said["reasons"]) == (1, ["credential.type"])
    site = tmp_path / "site"
    site.mkdir()
    write_issuer(site, world.issuing)
    assert world.verify("c.sdjwt", "--site", site)[0] == 0


def test_a_holder_shows_no_more_than_there_is(world: World) -> None:
    """A path that is not there, another holder's key and a key for something else are refused; nothing is written."""
    assert world.present("/holders/1").exit_code == 1
    assert world.present("/name").exit_code == 1
    assert world.present("").exit_code == 1
    other = make_key(world.folder / "other", KeyPurpose.HOLDER)
    key = ("--signing-key", other.id, "--dir", world.folder / "other" / "holder")
    out = ("--out", world.folder / "p.sdjwt")
    stolen = run("present", world.folder / "c.sdjwt", *key, *QUESTION, *out)
    assert (stolen.exit_code, "another one" in stolen.stderr) == (1, True)
    wrong = ("--signing-key", world.issuing.id, "--dir", world.folder / "credential")
    assert run("present", world.folder / "c.sdjwt", *wrong, *QUESTION, *out).exit_code == 2
    assert run("present", world.folder / "c.sdjwt", "--nonce", NONCE, *out).exit_code == 2
    assert not (world.folder / "p.sdjwt").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": RecordStatus.REVOKED}, "not-active"),
        ({"status": RecordStatus.UNKNOWN}, "not-active"),
        ({"valid_to": RECORD.issued_on}, "ended"),
        ({"valid_to": None}, "end-not-stated"),
        ({"type_code": ""}, "no-type"),
        ({"surface": {"_sd": "x"}}, "not-writable"),
        ({"surface": {"t": ("x",) * 500, "u": ("x",) * 500}}, "not-writable"),
        ({"surface": {str(one): "长" * 16_000 for one in range(10)}}, "not-writable"),
    ],
)
def test_what_does_not_become_one(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    """A licence that is not in force, or more than a credential holds, is refused with a reason; nothing is written."""
    world = make_world(tmp_path)
    result = world.issue(replace(RECORD, **changes), "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]) == (1, f"credential.{reason}")
    assert not (tmp_path / "c.sdjwt").exists()


def test_a_credential_ends_with_its_licence(tmp_path: Path) -> None:
    """A credential lives as long as was said, and no longer than its licence."""
    world = make_world(tmp_path)
    today = datetime.now(UTC).date()
    ends = today + timedelta(days=2)
    told = json.loads(world.issue(replace(RECORD, valid_to=ends), "--json").stdout)
    assert told["expires"] == f"{ends.isoformat()}T16:00:00Z"
    told = json.loads(world.issue(RECORD, "--days", 5, "--json", out="d.sdjwt").stdout)
    assert datetime.fromisoformat(told["expires"]) - datetime.fromisoformat(told["issued_at"]) == timedelta(days=5)


def test_a_message_of_another_system(tmp_path: Path) -> None:
    """A message becomes a credential by its mapping; two licences in it are one too many."""
    world = make_world(tmp_path)
    write_issuer(tmp_path, world.issuing, types='["urn:mine"]')
    adapter = find_adapter("guangdong")
    (tmp_path / "message").write_bytes(adapter.render([RECORD], AnswerOutcome.FOUND))
    result = world.issue_file(tmp_path / "message", "--adapter", "guangdong", "--type", "urn:mine")
    assert result.exit_code == 0, result.output
    said = world.verify("c.sdjwt")[1]
    assert (said["outcome"], said["type"], said["claims"]["number"]) == ("valid", "urn:mine", RECORD.number)
    (tmp_path / "message").write_bytes(adapter.render([RECORD, RECORD], AnswerOutcome.FOUND))
    assert world.issue_file(tmp_path / "message", "--adapter", "guangdong", out="d.sdjwt").exit_code == 2


def test_options_that_cannot_be(world: World) -> None:
    """A taken place, a key for something else, and a licence that is named twice or not at all are usage."""
    assert world.issue().exit_code == 2
    wrong = ("--signing-key", world.holding.id, "--dir", world.folder / "holder")
    assert world.issue(RECORD, *wrong, out="d.sdjwt").exit_code == 2
    assert world.issue(RECORD, "--licence", "1.2", "--site", world.folder, out="d.sdjwt").exit_code == 2
    assert world.issue(RECORD, "--issuer", "two words", out="d.sdjwt").exit_code == 2
    assert world.verify("absent")[0] == 2
    assert run("verify", world.folder / "c.sdjwt").exit_code == 2
    assert run("verify", world.folder / "c.sdjwt", "--issuers", world.folder / "absent").exit_code == 2
    assert run("verify", world.folder / "c.sdjwt", "--issuers", world.folder / "issuers", "--nonce", "n").exit_code == 2


PRIVATE = '{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","d":"AAAA"}'


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", PRIVATE.encode(), b"x" * 20_000])
def test_a_key_that_is_none(tmp_path: Path, content: bytes) -> None:
    """What is no public key of ours is refused, a private one too."""
    world = make_world(tmp_path)
    (tmp_path / "holder.pem").write_bytes(content)
    assert world.issue().exit_code == 1
    assert not (tmp_path / "c.sdjwt").exists()


BREAKS: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "long": lambda text: text + "A" * MAX_SD_JWT,
    "not ASCII": lambda text: text + "省",
    "no parts": lambda text: text.replace("~", ""),
    "another signature": lambda text: text.replace(".", ".A", 2).replace(".A", ".", 1),
    "twice": lambda text: text + text.split("~")[1] + "~",
    "foreign disclosure": lambda text: (
        text + base64.urlsafe_b64encode(b'["c2FsdA","x","y"]').decode().rstrip("=") + "~"
    ),
    "none": lambda text: "eyJhbGciOiJub25lIiwidHlwIjoiZGMrc2Qtand0In0." + text.split(".", 1)[1],
}


@pytest.mark.parametrize("broken", BREAKS)
def test_hostile_files(world: World, broken: str) -> None:
    """What was changed, cut, stuffed or never was a credential is invalid for a reason, and says nothing."""
    (world.folder / "bad").write_text(BREAKS[broken](world.read("c.sdjwt")), "utf-8")
    code, said = world.verify("bad")
    assert (code, said["outcome"], said["claims"]) == (1, "invalid", None)
    assert said["reasons"]
    assert run("show", world.folder / "bad").exit_code in {0, 1}
    assert run("present", world.folder / "bad", "--out", world.folder / "q").exit_code in {0, 1}


def test_in_words(world: World) -> None:
    """People are told in their language, with the next step, and nothing is printed of a credential not believed."""
    (world.folder / "issuers" / "province.toml").unlink()
    english = run("verify", world.folder / "c.sdjwt", "--issuers", world.folder / "issuers")
    assert "ask the issuer for its file" in english.stdout
    chinese = run("verify", world.folder / "c.sdjwt", "--issuers", world.folder / "issuers", language="zh_CN")
    assert "请向签发方索取其公钥文件" in chinese.stdout
    assert RECORD.number not in english.stdout + chinese.stdout
