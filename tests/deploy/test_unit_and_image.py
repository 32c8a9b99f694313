"""The systemd unit and the container file start what there is, and not as root."""

import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from gateway.settings import HttpSettings
from tests.support.cli import ROOT, tongban

UNIT = ROOT / "deploy" / "systemd" / "tongban.service"
FILE = ROOT / "deploy" / "container" / "Containerfile"
LOCK = ROOT / "deploy" / "container" / "requirements.lock"


def read_unit() -> ConfigParser:
    """Return the unit; of settings that come twice the last one."""
    unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # the names of systemd have capitals
    unit.read_string(UNIT.read_text("utf-8"))
    return unit


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the container file, each with what it says."""
    lines = [line for line in FILE.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


@pytest.mark.parametrize("option", ["ExecStart", "ExecReload"])
def test_the_unit_calls_commands_that_there_are(option: str) -> None:
    """What the unit calls is a command with these options."""
    program, command, *rest = shlex.split(read_unit()["Service"][option])
    assert program.endswith("/tongban")
    said = tongban(command, "--help").out
    assert all(word in said for word in rest if word.startswith("--"))


def test_the_unit_gives_a_stop_time() -> None:
    """A stop waits for longer than a question may take; the processes of the gateway are told by their parent."""
    service, http = read_unit()["Service"], HttpSettings()
    assert int(service["TimeoutStopSec"]) > http.request_timeout_seconds + http.lingering_seconds
    assert (service["KillMode"], service["Type"], service["Restart"]) == ("mixed", "exec", "on-failure")


def test_the_unit_is_hardened() -> None:
    """The gateway is no root, gains no rights, and writes into its own folder only."""
    service = read_unit()["Service"]
    assert service["User"] not in {"", "root"}
    assert (service["NoNewPrivileges"], service["ProtectSystem"], service["CapabilityBoundingSet"]) == (
        "yes",
        "strict",
        "",
    )
    assert service["LimitCORE"] == "0"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Where systemd is installed it has nothing to say about the unit, and finds its exposure low."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/tongban/bin/tongban", sys.executable))
    for command in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        done = subprocess.run(["systemd-analyze", *command, str(unit)], capture_output=True, text=True, check=False)  # noqa: S603, S607
        assert done.returncode == 0, done.stdout + done.stderr
        assert command != ["verify"] or not done.stderr


def test_the_image_is_not_root_and_small() -> None:
    """The last stage has the program alone and runs it as a user without a name."""
    words = [word for word, _ in instructions()]
    last = instructions()[len(words) - 1 - words[::-1].index("FROM") :]
    assert words.count("FROM") == 2
    assert [rest for word, rest in last if word == "COPY"] == ["--from=build /opt/tongban /opt/tongban"]
    (user,) = (rest for word, rest in last if word == "USER")
    assert int(user.partition(":")[0]) > 0
    assert not [rest for word, rest in last if word == "RUN"]


def test_the_image_fetches_only_what_is_pinned() -> None:
    """Nothing is added from an address; packages have hashes, and no base or registry is named."""
    said = instructions()
    assert {word for word, _ in said} <= {
        *("ARG", "FROM", "ENV", "RUN", "COPY", "USER"),
        *("WORKDIR", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"),
    }
    assert all(rest.startswith("${BASE}") for word, rest in said if word == "FROM")
    assert ("ARG", "BASE") in said
    runs = [rest for word, rest in said if word == "RUN"]
    assert not any("://" in rest or "curl" in rest or "apt-get" in rest for _, rest in said)
    installs = [part for rest in runs for part in rest.split("&&") if "pip install" in part]
    assert all("--require-hashes" in part or "--no-index --no-deps" in part for part in installs)
    sources = [rest.split()[0] for word, rest in said if word == "COPY" and "--from" not in rest and "$" not in rest]
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_starts_the_gateway() -> None:
    """What the image runs is a command with these options."""
    (command,) = (rest for word, rest in instructions() if word == "CMD")
    words = re.findall(r'"([^"]+)"', command)
    assert words[0] == "serve"
    said = tongban("serve", "--help").out
    assert all(word in said for word in words if word.startswith("--"))


def test_the_lock_of_the_image_is_that_of_development() -> None:
    """Every package of the image is pinned with hashes, at the version that the tests ran with."""

    def pins(file: Path) -> dict[str, str]:
        text = file.read_text("utf-8")
        assert "://" not in text
        found = re.split(r"\n(?=\S)", text.strip())
        assert all("--hash=sha256:" in pin for pin in found)
        return dict(one.split(";")[0].split()[0].split("==") for one in found)

    image, tested = pins(LOCK), pins(ROOT / "requirements-dev.lock")
    assert {name: tested.get(name) for name in image} == image
    assert pins(ROOT / "requirements.lock").items() <= image.items()
    assert {"asyncpg", "opentelemetry-sdk", "setuptools"} <= set(image)
