"""``tongban adapter stand-in`` as a tester uses it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from typer.testing import CliRunner

from gateway.cli.adapter import adapter_app


@contextmanager
def served(*arguments: str, stderr: IO[str] | None = None) -> Iterator[Any]:
    """Start one as a process; yields what it says at the start, and checks that it ends with 0 at a signal."""
    command = [sys.executable, "-m", "gateway", "adapter", "stand-in", *arguments, "--json"]
    environment = {**os.environ, "LC_ALL": "en_GB"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environment) as process:  # noqa: S603 - our own command
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(30)
        assert code == 0


def post(address: str, body: object, headers: dict[str, str]) -> Any:
    """Ask, and return what is answered."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, headers=headers)  # noqa: S310 - an http address of this machine
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        return json.load(answer)


def test_it_serves_until_it_is_told_to_stop() -> None:
    """It says where it is and with which accounts, answers there, and ends with 0 at a signal."""
    with served("shandong", "--fault", "not-provided") as said:
        answer = post(
            said["listening"] + "/CertShare/queryCertInfo",
            {"certIdentifier": "x", "useCause": "y"},
            {"accessId": said["settings"]["access_id"], "accessToken": said["secrets"]["access_token"]},
        )
        assert answer["code"] == "2"


MAPPING = """
[system]
id = "river"
zh = "江口省"
en = "River"

[message]
form = "json"
records = "$.rows[*]"

[[field]]
to = "number"
at = "$.bh"

[transport]
deadline_ms = 1000
secrets = ["pass"]

[[transport.call]]
for = "number"
url = "{base}/find"
json = { bh = "{number}", pass = "{secret.pass}" }

[[transport.call]]
for = "file"
url = "{base}/file"
json = { bh = "{number}", pass = "{secret.pass}" }
answer = "$.wj"
"""


def test_a_mapping_file_is_served_with_its_own_samples(tmp_path: Path) -> None:
    """A system that the program does not know is served from its mapping file, with licences and a file of its own."""
    mapping, sample = tmp_path / "river.toml", tmp_path / "answer.json"
    mapping.write_text(MAPPING, encoding="utf-8")
    sample.write_text(json.dumps({"rows": [{"bh": "R-1"}, {"bh": "R-2"}]}), encoding="utf-8")
    (tmp_path / "licence.ofd").write_bytes(b"the file")
    with served(str(mapping), "--sample", str(sample), "--file", str(tmp_path / "licence.ofd")) as said:
        assert said["licences"] == 2
        asked = {"bh": "R-2", "pass": said["secrets"]["pass"]}
        assert post(said["listening"] + "/find", asked, {}) == {"rows": [{"bh": "R-2"}]}
        assert post(said["listening"] + "/file", asked, {}) == {"wj": b64encode(b"the file").decode()}


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (MAPPING.partition("[transport]")[0], 2, "has no [transport]"),
        (MAPPING.replace("deadline_ms = 1000", "deadline_ms = 1"), 1, "deadline_ms"),
        (MAPPING.replace('"$.rows[*]"', '"rows"'), 1, "message.records"),
    ],
)
def test_a_mapping_that_cannot_be_served(tmp_path: Path, text: str, code: int, told: str) -> None:
    """A mapping with faults ends with 1 and one without a recipe with 2, in words."""
    mapping = tmp_path / "river.toml"
    mapping.write_text(text, encoding="utf-8")
    result = CliRunner(env={"LC_ALL": "en_GB", "COLUMNS": "300"}).invoke(adapter_app, ["stand-in", str(mapping)])
    assert result.exit_code == code
    assert told in result.stdout + result.stderr


def test_a_sample_that_cannot_be_read(tmp_path: Path) -> None:
    """A sample that is no message of the system ends with 1."""
    sample = tmp_path / "answer.json"
    sample.write_text("[", encoding="utf-8")
    arguments = ["stand-in", "jilin", "--sample", str(sample)]
    assert CliRunner(env={"LC_ALL": "en_GB"}).invoke(adapter_app, arguments).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "known"), [(["nowhere"], "shandong"), (["shandong", "--fault", "key-refresh"], "wrong-key")]
)
def test_an_unknown_name(arguments: list[str], known: str) -> None:
    """A name or a fault that there is none of ends with 2, and those that there are are named."""
    result = CliRunner(env={"LC_ALL": "en_GB", "COLUMNS": "300"}).invoke(adapter_app, ["stand-in", *arguments])
    assert result.exit_code == 2
    assert known in result.stderr


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"bh": "R-1"}, {"bh": ["R-2"]}], "record 2 of"),
        ([], "there is no licence in"),
    ],
)
def test_a_sample_that_cannot_be_served(tmp_path: Path, rows: object, told: str) -> None:
    """A stand-in answers with the licences of its samples or not at all, and says which one cannot be used."""
    mapping, sample = tmp_path / "river.toml", tmp_path / "answer.json"
    mapping.write_text(MAPPING, encoding="utf-8")
    sample.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    arguments = ["stand-in", str(mapping), "--sample", str(sample)]
    result = CliRunner(env={"LC_ALL": "en_GB", "COLUMNS": "300"}).invoke(adapter_app, arguments)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


def test_the_help_names_the_table() -> None:
    """What looks like markup in the help is shown."""
    result = CliRunner(env={"LC_ALL": "en_GB", "COLUMNS": "200"}).invoke(adapter_app, ["stand-in", "--help"])
    assert "[transport]" in result.stdout


def test_what_became_of_a_request_is_said(tmp_path: Path) -> None:
    """Each request is a line on standard error: its path, and why it was refused or how much was found."""
    mapping, sample = tmp_path / "river.toml", tmp_path / "answer.json"
    mapping.write_text(MAPPING, encoding="utf-8")
    sample.write_text(json.dumps({"rows": [{"bh": "R-1"}]}), encoding="utf-8")
    with (tmp_path / "err").open("w+") as stderr:
        with served(str(mapping), "--sample", str(sample), stderr=stderr) as said:
            key = said["secrets"]["pass"]
            for secret in (key, "another"):
                post(said["listening"] + "/find", {"bh": "R-1", "pass": secret}, {})
        stderr.seek(0)
        told = stderr.read().splitlines()
    assert told[-2:] == ["POST /find 200 call.number: 1", "POST /find 200 call.number: account"]
