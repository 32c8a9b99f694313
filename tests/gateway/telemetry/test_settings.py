"""The table [telemetry]: nothing is traced unless it says where to."""

import pytest

from gateway.telemetry import settings as module
from gateway.telemetry.settings import TelemetrySettings, parse_telemetry
from gateway.toml_table import Fault, TomlTable

ENDPOINT = "http://127.0.0.1:4318/v1/traces"


def read(**values: object) -> tuple[TelemetrySettings, list[Fault]]:
    """Return the settings of a table, and its faults."""
    faults: list[Fault] = []
    return parse_telemetry(TomlTable(values, file="tongban.toml", faults=faults)), faults


def test_it_is_off_unless_it_is_asked_for() -> None:
    """Without an endpoint, or with a share of nothing, nothing is traced."""
    assert read() == (TelemetrySettings(), [])
    assert not read()[0].is_on
    assert not read(endpoint=ENDPOINT, sample=0)[0].is_on
    assert read(endpoint=ENDPOINT)[0].is_on


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "http://user:password@collector/v1/traces"),
        ("endpoint", "grpc://collector"),
        ("endpoint", "http://collector/?token=secret"),
        ("sample", 1.1),
        ("service", "通办 网关"),
        ("endpoints", "x"),
    ],
)
def test_faults(key: str, value: object) -> None:
    """An address with a password, a share beyond one, and a name that is none are faults."""
    _, faults = read(**{key: value})
    assert [one.key for one in faults] == [key]


def test_the_library_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without the library is a fault of the site, and no endpoint needs none."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert read()[1] == []
    _, (fault,) = read(endpoint=ENDPOINT)
    assert "tongban[telemetry]" in str(fault)
