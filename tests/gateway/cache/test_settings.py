"""``[cache]`` of the settings."""

import pytest

from gateway.cache.sealed import SealCipher
from gateway.cache.settings import CacheSettings, parse_cache
from gateway.toml_table import Fault, TomlTable


def parse(**values: object) -> tuple[CacheSettings, list[str]]:
    """Return the settings of a table, and the keys that are wrong in it."""
    faults: list[Fault] = []
    found = parse_cache(TomlTable(values, file="tongban.toml", faults=faults, prefix="cache."))
    return found, [fault.key for fault in faults]


def test_without_a_table_everything_is_as_usual() -> None:
    """An empty table is that of the defaults."""
    assert parse() == (CacheSettings(), [])


def test_every_key_counts() -> None:
    """What is written is what is read."""
    written: dict[str, object] = {"enabled": False, "max_bytes": 2**20, "key": "/run/key", "cipher": "sm4-gcm"}
    expected = CacheSettings(enabled=False, max_bytes=2**20, key="/run/key", cipher=SealCipher.SM4_GCM)
    assert parse(**written) == (expected, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enabled", 1),
        ("max_bytes", 1000),
        ("max_bytes", 2**60),
        ("key", "../key"),
        ("key", ""),
        ("cipher", "des"),
        ("other", 1),
    ],
)
def test_what_is_wrong_is_named(key: str, value: object) -> None:
    """A wrong value, or a key that there is not, is a fault under its name."""
    assert parse(**{key: value})[1] == [f"cache.{key}"]
