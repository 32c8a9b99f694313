"""``tongban adapter check`` and ``convert`` as an integrator sees them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.adapter import adapter_app
from gateway.cli.adapter_files import read_adapter
from gateway.cli.console import OUT
from tests.support.adapters import SHIPPED, SHIPPED_FILES
from tests.vectors.adapter_provinces import MESSAGES

GUANGDONG = MESSAGES["guangdong"]


def run(*arguments: object, language: str = "en_GB") -> Result:
    """Run a command of the group."""
    return CliRunner(env={"LC_ALL": language, "COLUMNS": "200"}).invoke(adapter_app, [str(one) for one in arguments])


def objects(result: Result) -> list[dict[str, Any]]:
    """Return the JSON objects on standard output."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def write(folder: Path, data: bytes, name: str = "message") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(data)
    return path


def test_the_shipped_mappings_are_sound() -> None:
    """All shipped mappings pass, with one digest for all of them."""
    *found, last = objects(run("check", SHIPPED, "--json"))
    assert last["ok"] is True
    assert last["digest"].startswith("sha256:")
    assert [one["id"] for one in found] == [path.stem for path in SHIPPED_FILES]
    assert {loss["verdict"] for one in found for loss in one["losses"]} == {"declared", "refused"}


def test_the_loss_table_is_for_people_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --json the losses are a table, in the language of the locale."""
    monkeypatch.setattr(OUT, "_width", 200)  # a table as wide as nothing in it is wrapped
    result = run("check", SHIPPED / "jilin.toml")
    assert result.exit_code == 0
    assert "superseded is written as cancelled" in result.stdout
    assert "superseded 写作 cancelled" in run("check", SHIPPED / "jilin.toml", language="zh_CN").stdout


def test_an_undeclared_loss_fails(tmp_path: Path) -> None:
    """A mapping that loses more than it declares ends with 1, and the table says what."""
    text = (SHIPPED / "anhui.toml").read_text("utf-8").replace('loses = "长期的写法"\n', "")
    result = run("check", write(tmp_path, text.encode(), "anhui.toml"), "--json")
    assert result.exit_code == 1
    losses = objects(result)[0]["losses"]
    assert [loss["field"] for loss in losses if loss["verdict"] == "undeclared"] == ["valid_to"]


def test_all_faults_are_shown(tmp_path: Path) -> None:
    """Each fault is a line with file, line and key, and the end is 1."""
    text = (SHIPPED / "anhui.toml").read_text("utf-8").replace('"number"', '"nummer"').replace('"$.code"', '"code"')
    result = run("check", write(tmp_path, text.encode(), "anhui.toml"), "--json")
    assert result.exit_code == 1
    faults = [one for one in objects(result) if one.get("error") == "mapping"]
    assert [(one["key"], one["meant"]) for one in faults] == [("field[1].at", None), ("field[2].to", "number")]


def test_one_id_is_of_one_file(tmp_path: Path) -> None:
    """Two files of one system are a fault."""
    data = (SHIPPED / "jilin.toml").read_bytes()
    result = run("check", write(tmp_path, data, "a.toml"), write(tmp_path, data, "b.toml"), "--json")
    assert result.exit_code == 1
    assert any(one.get("error") == "id-twice" for one in objects(result))


def test_a_message_is_converted(tmp_path: Path) -> None:
    """A message of one system comes out in the words of another, and what is lost is said."""
    result = run("convert", "guangdong", "anhui", write(tmp_path, GUANGDONG["found"]), "--json")
    assert result.exit_code == 0
    found = objects(result)[0]
    row = json.loads(found["message"])["data"][0]
    assert (row["infoCode"], row["infoValidityEnd"], row["infoState"]) == ("JY14401060000019", "20290227", "1")
    assert {one["field"] for one in found["lost"]} == {"holders", "area"}
    assert all(one["declared"] for one in found["lost"])


def test_the_message_goes_to_a_file_or_to_standard_output(tmp_path: Path) -> None:
    """Bytes of the message alone are on standard output, or in the file that was named."""
    message = write(tmp_path, GUANGDONG["found"])
    result = run("convert", "guangdong", SHIPPED / "jilin.toml", message)
    assert json.loads(result.stdout)["data"][0]["certificate_number"] == "JY14401060000019"
    assert run("convert", "guangdong", "jilin", message, "-o", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out").read_bytes() + b"\n" == result.stdout_bytes


def test_what_could_not_be_read_is_said(tmp_path: Path) -> None:
    """A record that was refused ends with 1, and its reason has no value in it."""
    message = write(tmp_path, GUANGDONG["one-bad-of-two"])
    result = run("convert", "guangdong", "guangdong", message, "--json")
    assert result.exit_code == 1
    assert objects(result)[0]["refused"] == [{"index": 0, "fault": "value", "where": "$.expiry_date"}]
    people = run("convert", "guangdong", "guangdong", message)
    assert "record 1 was not read" in people.stderr
    assert "2023-02-29" not in people.output


@pytest.mark.parametrize(
    ("data", "fault"),
    [(b"{", "message.syntax"), ('{"a": "名"}'.encode("gbk"), "message.charset")],
)
def test_a_message_that_is_none_is_refused(tmp_path: Path, data: bytes, fault: str) -> None:
    """A message that cannot be read ends with 1 and its reason."""
    result = run("convert", "guangdong", "anhui", write(tmp_path, data), "--json")
    assert result.exit_code == 1
    assert objects(result)[0]["error"] == fault


def test_a_status_that_the_other_system_cannot_say_is_refused(tmp_path: Path) -> None:
    """An unknown status is not turned into another one."""
    result = run("convert", "guangdong", "jilin", write(tmp_path, GUANGDONG["status-never-seen"]), "--json")
    assert result.exit_code == 1
    assert objects(result)[0]["error"] == "message.status"


def test_unknown_names_and_files_are_usage_errors(tmp_path: Path) -> None:
    """A system that is not shipped, an empty folder and a missing file end with 2."""
    message = write(tmp_path, GUANGDONG["found"])
    assert run("convert", "nowhere", "anhui", message).exit_code == 2
    assert run("convert", "guangdong", "anhui", tmp_path / "missing").exit_code == 2
    (tmp_path / "empty").mkdir()
    assert run("check", tmp_path / "empty").exit_code == 2


def test_marks_in_a_name_are_text(tmp_path: Path) -> None:
    """What looks like markup in the name of a system is shown as it is."""
    text = (SHIPPED / "jilin.toml").read_text("utf-8")
    name = next(line for line in text.splitlines() if line.startswith("en = "))
    file = write(tmp_path, text.replace(name, 'en = "T [/red] [bold]"').encode(), "jilin.toml")
    result = run("check", file)
    assert (result.exit_code, "T [/red] [bold]" in result.stdout) == (0, True)


def test_faults_of_mapping_and_recipe_come_at_once(tmp_path: Path) -> None:
    """Whoever mends a file sees what is wrong with its recipe too."""
    text = (SHIPPED / "jilin.toml").read_text("utf-8")
    broken = text.replace("[message]", "[message]\nodd = 1").replace("[transport]", "[transport]\nodd = 1")
    found = objects(run("check", write(tmp_path, broken.encode(), "jilin.toml"), "--json"))
    assert [one["key"] for one in found if "key" in one] == ["message.odd", "transport.odd"]


def test_nothing_is_written_of_nothing_that_was_read(tmp_path: Path) -> None:
    """A message of which no record could be read is no message in which nothing was found."""
    tree = {"ack_code": "SUCCESS", "total_count": 1, "data": [{"issue_date": "2023-02-29"}]}
    out = tmp_path / "out"
    source = write(tmp_path, json.dumps(tree).encode())
    result = run("convert", "guangdong", "guangdong", source, "--out", out, "--json")
    (said,) = objects(result)
    assert (result.exit_code, said["message"], out.exists()) == (1, None, False)
    assert "nothing is written" in run("convert", "guangdong", "guangdong", source).stderr


CATALOGUED = """
[system]
id = "river"
zh = "河省"
en = "River"
[message]
form = "json"
[[field]]
to = "name"
at = "$.name"
[[field]]
to = "surface.ZJCX"
at = "$.class"
[[field]]
to = "surface.GONE"
at = "$.gone"
[[field]]
to = "surface.*"
at = "$.face"
[[field]]
to = "holders[].code_type"
at = "$.kind"
codec = ["holder-type:river"]
[status]
at = "$.state"
codes = { "1" = "active" }
""".encode()
OWN_TABLE = """
[[system]]
id = "river"
zh = "河省"
en = "River"
[[system.code]]
code = "P"
gb = "111"
""".encode()


def test_the_catalogue_of_a_site_and_the_tables_beside_a_mapping(tmp_path: Path) -> None:
    """Surface fields that no licence type has are told, of the mapping and of a record; a table beside it counts."""
    mapping = write(tmp_path, CATALOGUED, "river.toml")
    assert "holder-type:river" in run("check", mapping).stderr
    (tmp_path / "codes").mkdir()
    write(tmp_path / "codes", OWN_TABLE, "holder_types.toml")
    site = SHIPPED.parent
    found = objects(run("check", mapping, "--site", site, "--json"))[0]
    assert found["surface"] == [{"flag": "field.unknown", "field": "GONE"}]
    message = {"name": "机动车驾驶证", "class": "A2", "state": "1", "face": {"CCLZRQ": "soon", "XX": "1"}}
    path = write(tmp_path, json.dumps(message).encode())
    converted = objects(run("convert", mapping, mapping, path, "--site", site, "--json"))[0]
    assert converted["surface"] == [
        [{"flag": "field.type", "field": "CCLZRQ"}, {"flag": "field.unknown", "field": "XX"}]
    ]
    people = run("convert", mapping, mapping, path, "--site", site, language="zh_CN")
    assert "目录中没有照面字段：XX" in people.stderr


def test_what_is_declared_beside_what_is_refused(tmp_path: Path) -> None:
    """A field of which some values are refused and others change has two lines of losses, and both count."""
    found = GUANGDONG["found"].replace(b'"ISSUED"', b'"ABOLISHED"')
    result = run("convert", "guangdong", "gbt36906", write(tmp_path, found), "--json")
    assert result.exit_code == 0
    (lost,) = [one for one in objects(result)[0]["lost"] if one["field"] == "status"]
    assert "注销" in lost["declared"]


def test_the_record_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Of several records it is said which one the other system has no words for, or that there is room for one."""
    tree = json.loads(GUANGDONG["found"])
    tree["data"] = [tree["data"][0], tree["data"][0] | {"license_status": "NEW"}]
    message = write(tmp_path, json.dumps(tree).encode())
    assert "record 2 cannot be written" in run("convert", "guangdong", "jilin", message).stderr
    tree["data"][1] = tree["data"][0]
    result = run("convert", "guangdong", "shandong", write(tmp_path, json.dumps(tree).encode()))
    assert (result.exit_code, "room for one licence, and here are 2" in result.stderr) == (1, True)


def test_ids_are_of_the_site_first(tmp_path: Path) -> None:
    """With a site an id is that of its mapping, which may be a mended one, or one that is not shipped."""
    (tmp_path / "adapters").mkdir()
    mended = (SHIPPED / "guangdong.toml").read_text("utf-8").replace("ISSUED = ", "MADE = ")
    write(tmp_path / "adapters", mended.encode(), "guangdong.toml")
    write(tmp_path / "adapters", mended.replace('"guangdong"', '"delta"').encode(), "delta.toml")
    message = write(tmp_path, GUANGDONG["found"].replace(b'"ISSUED"', b'"MADE"'))
    for name in ("guangdong", "delta"):
        adapter, _ = read_adapter(name, site=tmp_path)
        assert adapter.name == str(tmp_path / "adapters" / f"{name}.toml")
        drifted = run("drift", message, "--adapter", name, "--site", tmp_path, "--json")
        assert "unseen-code" not in {one["kind"] for one in objects(drifted)[0]["findings"]}
    assert read_adapter("jilin", site=tmp_path)[0].name == "jilin.toml"
    assert "unseen-code" in run("drift", message, "--adapter", "guangdong", "--json").stdout


def test_a_sign_in_that_is_never_renewed_is_a_caution(tmp_path: Path) -> None:
    """A recipe that signs in and names no code of a token that has ended passes, with a word about it."""
    text = (SHIPPED / "shanghai.toml").read_text("utf-8")
    without = write(tmp_path, text.replace('renew_on = ["401"]', "").encode(), "shanghai.toml")
    for file, key in ((SHIPPED / "shanghai.toml", None), (without, "transport.outcomes.renew_on")):
        result = run("check", file, "--json")
        caution = objects(result)[0]["caution"]
        assert (result.exit_code, caution and caution["key"]) == (0, key)
    assert "caution: " in run("check", without).stdout


@pytest.mark.parametrize(
    ("system", "before", "after", "line", "key"),
    [
        ("shandong", 'for = "holder"', 'for = "holders"', 'for = "holders"', "transport.call[2].for"),
        ("zhejiang", 'request_time = "{now', 'when = "{now', "[transport.values]", "transport.values"),
        ("exchange", 'name = "hmac-sha256"', 'name = "hmac"', 'name = "hmac"', "transport.signature.name"),
    ],
)
def test_faults_of_a_recipe_have_lines(  # noqa: PLR0917 -- one fault
    tmp_path: Path, system: str, before: str, after: str, line: str, key: str
) -> None:
    """A fault of a recipe is told once, with its line and a key that the file has."""
    text = (SHIPPED / f"{system}.toml").read_text("utf-8")
    assert before in text
    broken = text.replace(before, after).replace("{value.request_time}", "{value.when}")
    faults = objects(run("check", write(tmp_path, broken.encode(), f"{system}.toml"), "--json"))[:-1]
    lines = [number for number, one in enumerate(broken.splitlines(), 1) if one.strip() == line]
    assert [(one["key"], one["line"]) for one in faults] == [(key, lines[0])]
