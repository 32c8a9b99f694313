"""Tests of the table ``[redis]`` and of the files that it names."""

from pathlib import Path
from typing import Any

import pytest

from gateway.shared.settings import Address, RedisSettings, open_access, parse_redis
from gateway.toml_table import Fault, TomlTable

SECRET = "hunter2"  # noqa: S105 — what must not be repeated


def parse(**values: Any) -> tuple[RedisSettings, list[str]]:
    """Parse a table, and return the settings and all faults in both languages."""
    faults: list[Fault] = []
    settings = parse_redis(TomlTable(values, file="tongban.toml", faults=faults, prefix="redis."))
    return settings, [f"{fault} {fault.sentence_zh}" for fault in faults]


def test_there_is_none_by_default() -> None:
    """Without addresses there is no shared Redis, and no fault."""
    settings, faults = parse()
    assert (settings.is_on, faults) == (False, [])
    assert open_access(Path("/nowhere"), settings, file="tongban.toml", faults=[]) is None


def test_addresses() -> None:
    """Addresses are names, addresses in brackets or not, with a port or without."""
    urls = ["rediss://redis-1.example.gov.cn", "rediss://127.0.0.1:6380/", "rediss://[::1]:6381"]
    settings, faults = parse(urls=urls, cluster=True)
    assert faults == []
    assert settings.addresses == (
        Address("redis-1.example.gov.cn", 6379),
        Address("127.0.0.1", 6380),
        Address("::1", 6381),
    )
    assert settings.tls


@pytest.mark.parametrize(
    "values",
    [
        {"urls": [f"redis://:{SECRET}@127.0.0.1"]},
        {"urls": [f"redis://tongban:{SECRET}@127.0.0.1:6379"]},
        {"urls": ["redis://127.0.0.1:65536"]},
        {"urls": ["redis://127.0.0.1:0"]},
        {"urls": ["redis://[:::::]"]},
        {"urls": ["redis://127.0.0.1/1"]},
        {"urls": ["unix:///run/redis.sock"]},
        {"urls": ["redis://a", "rediss://b"], "cluster": True},
        {"urls": ["redis://a", "redis://b"]},
        {"urls": ["redis://a"], "password": SECRET},
        {"urls": ["redis://a"], "username": "tongban"},
        {"urls": ["redis://a"], "ca_file": "ca.pem"},
        {"urls": ["redis://a"], "prefix": "{a}"},
        {"urls": ["redis://a"], "command_seconds": 0},
        {"urls": ["redis://a"], "connections": 0},
    ],
)
def test_faults(values: dict[str, Any]) -> None:
    """What cannot be, or means nothing, is a fault, and no fault repeats a password."""
    _, faults = parse(**values)
    assert len(faults) == 1
    assert SECRET not in faults[0]


def test_a_password_is_in_a_file(tmp_path: Path) -> None:
    """The password is what the file says without the end of the line, and nothing shows it."""
    file = tmp_path / "secret.txt"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    faults: list[Fault] = []
    settings, _ = parse(urls=["redis://a"], username="tongban", password_file="secret.txt")  # noqa: S106 — its name
    access = open_access(tmp_path, settings, file="tongban.toml", faults=faults)
    assert access is not None
    assert (access.password, faults) == (SECRET, [])
    assert SECRET not in repr(access)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_password_that_cannot_be_used(tmp_path: Path, content: bytes) -> None:
    """An empty file, or one that is no text, is a fault; so is one that others may read, and none at all."""
    file = tmp_path / "secret.txt"
    file.write_bytes(content)
    file.chmod(0o600)
    settings, _ = parse(urls=["redis://a"], password_file="secret.txt")  # noqa: S106 — its name
    found = []
    for step in (lambda: None, lambda: file.write_text(SECRET) and file.chmod(0o644), file.unlink):
        step()
        faults: list[Fault] = []
        assert open_access(tmp_path, settings, file="tongban.toml", faults=faults) is None
        found += [str(fault) for fault in faults]
    expected = "tongban.toml: redis.password_file: expected a file with the password that nobody else may read, found "
    assert found == [
        expected + word for word in ("something else", "a file that others may read or write", "no such file")
    ]


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff"])
def test_a_ca_that_cannot_be_used(tmp_path: Path, content: bytes) -> None:
    """What holds no certificate is a fault, and so is a file that is not there."""
    (tmp_path / "ca.pem").write_bytes(content)
    for name in ("ca.pem", "none.pem"):
        settings, faults_of_table = parse(urls=["rediss://a"], ca_file=name)
        faults: list[Fault] = []
        assert faults_of_table == []
        assert open_access(tmp_path, settings, file="tongban.toml", faults=faults) is None
        assert [fault.key for fault in faults] == ["redis.ca_file"]
