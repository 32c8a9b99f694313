"""``tongban adapter kit`` as an integrator and a partner see it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.adapter import adapter_app
from gateway.cli.passphrase import VARIABLE
from gateway.kit.manifest import SIGNATURE_FILE
from gateway.own_keys.keystore import Keystore
from keys.own.public import encode_trust_list_key
from keys.own.record import KeyAlgorithm, KeyPurpose, KeyRecord
from tests.support.adapters import SHIPPED
from tests.support.own_keys import PASSPHRASE, make_key_file


def run(*arguments: object, language: str = "en_GB") -> Result:
    """Run a command of the group; it must not end with an exception."""
    environment = {"LC_ALL": language, "COLUMNS": "200", VARIABLE: PASSPHRASE.decode()}
    result = CliRunner(env=environment).invoke(adapter_app, ["kit", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def make_key(folder: Path, purpose: KeyPurpose = KeyPurpose.PARTNER) -> tuple[KeyRecord, Path]:
    """Make a key in a folder of its own, and the file of its public half."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    _, file = make_key_file(KeyAlgorithm.SM2, purpose=purpose, at=at)
    store = Keystore(folder / f"keys-{purpose}")
    store.create_folder()
    store.add(file)
    public = folder / f"{purpose}.json"
    public.write_text(json.dumps(encode_trust_list_key(file.record)))
    return file.record, public


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a kit of Shandong's system that nobody signed."""
    place = tmp_path / "kit.zip"
    assert run("write", "shandong", "--out", place).exit_code == 0
    return place


@pytest.mark.parametrize("name", ["kit.zip", "kit"])
def test_a_signed_kit(tmp_path: Path, name: str) -> None:
    """A kit that is written and signed is checked by who has the public key, as a file or as a folder."""
    record, public = make_key(tmp_path)
    place = tmp_path / name
    keys = tmp_path / "keys-partner"
    written = run("write", "guangdong", "--out", place, "--signing-key", record.id, "--dir", keys, "--json")
    assert written.exit_code == 0, written.output
    assert json.loads(written.stdout)["key"] == record.id
    checked = run("check", place, "--adapter", "guangdong", "--key", public, "--json")
    assert checked.exit_code == 0, checked.output
    found = json.loads(checked.stdout)
    assert (found["ok"], found["same_mapping"], found["signature"]) == (True, True, "verified")
    assert {case["result"] for case in found["cases"]} == {"same"}


def test_another_key(tmp_path: Path) -> None:
    """A kit that another key signed, or none, is refused."""
    record, _ = make_key(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = make_key(tmp_path / "other")
    place = tmp_path / "kit"
    run("write", "shandong", "--out", place, "--signing-key", record.id, "--dir", tmp_path / "keys-partner")
    refused = run("check", place, "--adapter", "shandong", "--key", other, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"] == "kit.signature"
    (place / SIGNATURE_FILE).unlink()
    unsigned = run("check", place, "--adapter", "shandong", "--key", other)
    assert unsigned.exit_code == 1
    assert "not signed" in unsigned.stderr


def test_unsigned_only_where_it_is_said(place: Path) -> None:
    """Without a key the command wants to be told that nobody signed, and says so itself."""
    assert run("check", place, "--adapter", "shandong").exit_code == 2
    result = run("check", place, "--adapter", "shandong", "--unsigned")
    assert result.exit_code == 0
    assert "not verified" in result.stderr
    assert "未核验签名" in run("check", place, "--adapter", "shandong", "--unsigned", language="zh_CN").stderr


def test_what_differs(tmp_path: Path, place: Path) -> None:
    """A mapping that reads otherwise ends with 1, and paths say where; no value is printed."""
    text = (SHIPPED / "shandong.toml").read_text("utf-8").replace("certData@json.CZZT", "certData@json.ZZMC")
    mapping = tmp_path / "ours.toml"
    mapping.write_text(text, "utf-8")
    result = run("check", place, "--adapter", mapping, "--unsigned")
    assert result.exit_code == 1
    assert "$.records[0].holders[0].name" in result.stdout
    assert "某市示例餐饮有限公司" not in result.stdout
    assert "不一致" in run("check", place, "--adapter", mapping, "--unsigned", language="zh_CN").stdout


def test_a_mapping_without_a_recipe(tmp_path: Path, place: Path) -> None:
    """Where requests cannot be checked, the end is neither good nor bad."""
    text = (SHIPPED / "shandong.toml").read_text("utf-8").partition("\n[transport]\n")[0]
    mapping = tmp_path / "ours.toml"
    mapping.write_text(text, "utf-8")
    result = run("check", place, "--adapter", mapping, "--unsigned", "--json")
    assert result.exit_code == 3
    assert {case["result"] for case in json.loads(result.stdout)["cases"]} == {"same", "not-checked"}


@pytest.mark.parametrize("name", ["nowhere", "kit.zip"])
def test_what_cannot_be_used(tmp_path: Path, place: Path, name: str) -> None:
    """A mapping that is not there, a place that is taken, and a kit that is not there are usage."""
    assert run("write", "nowhere" if name == "nowhere" else "shandong", "--out", tmp_path / name).exit_code == 2
    assert run("check", tmp_path / "absent.zip", "--adapter", "shandong", "--unsigned").exit_code == 2
    assert run("check", place, "--adapter", "nowhere", "--unsigned").exit_code == 2


def test_keys_for_something_else(tmp_path: Path, place: Path) -> None:
    """A key that signs the log signs no kit, and a file that is no public key is said to be none."""
    record, _ = make_key(tmp_path, KeyPurpose.LOG)
    options = ("--signing-key", record.id, "--dir", tmp_path / "keys-log")
    assert run("write", "shandong", "--out", tmp_path / "other.zip", *options).exit_code == 2
    assert not (tmp_path / "other.zip").exists()
    assert run("check", place, "--adapter", "shandong", "--key", place).exit_code == 2


TYPED = """
[system]
id = "river"
zh = "江口省"
en = "River"

[message]
form = "json"
records = "$.rows[*]"

[codes.type]
pairs = { "7" = "F-TYPE" }

[[field]]
to = "number"
at = "$.no"

[[field]]
to = "type_code"
at = "$.type"
codec = "table:type"

[status]
at = "$.state"
codes = { "1" = "active", "2" = "cancelled" }
"""


def test_a_kit_has_licences_of_the_systems_own_types(tmp_path: Path) -> None:
    """Where a table knows other types than the made-up licences have, these take one of its types."""
    mapping, place = tmp_path / "river.toml", tmp_path / "kit"
    mapping.write_text(TYPED, encoding="utf-8")
    assert run("write", mapping, "--out", place).exit_code == 0
    names = {path.stem for path in (place / "cases").glob("*.msg")}
    assert {"record-1", "status-active", "status-cancelled", "outcome-not-found"} <= names
    assert b'"7"' in (place / "cases" / "record-1.msg").read_bytes()
    assert run("check", place, "--adapter", mapping, "--unsigned").exit_code == 0


def test_what_a_kit_leaves_out_is_said(tmp_path: Path) -> None:
    """A made-up licence that the system has no words for is named; a kit without any licence is not written."""
    mapping = tmp_path / "river.toml"
    mapping.write_text(TYPED.replace(', "2" = "cancelled"', ""), encoding="utf-8")
    written = run("write", mapping, "--out", tmp_path / "one")
    assert written.exit_code == 0
    assert "made-up licence 3 is left out: the system cannot say this status" in written.stderr
    mapping.write_text(TYPED.replace('at = "$.no"', 'at = "$.no"\ncodec = "number-text"'), encoding="utf-8")
    refused = run("write", mapping, "--out", tmp_path / "two")
    assert (refused.exit_code, (tmp_path / "two").exists()) == (2, False)
