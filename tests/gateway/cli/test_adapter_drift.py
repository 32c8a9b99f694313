"""``tongban adapter drift`` as an operator sees it."""

from pathlib import Path

from tests.support.cli import tongban
from tests.vectors.adapter_provinces import MESSAGES

FOUND = MESSAGES["guangdong"]["found"]


def test_drift_is_said_and_patched(tmp_path: Path) -> None:
    """A new name of a field ends with 1 and a patch; the mapping is left as it is, and no value is printed."""
    recorded = tmp_path / "recorded.json"
    recorded.write_bytes(FOUND.replace(b'"issue_org_code"', b'"issuing_office"'))
    ended = tongban("adapter", "drift", recorded, "--adapter", "guangdong", "--json")
    assert ended.code == 1
    found = ended.object
    assert (found["messages"], found["records"], found["drift"]) == (1, 1, True)
    (new,) = [one for one in found["findings"] if one["at"] == "$.issuing_office"]
    assert (new["kind"], new["count"]) == ("unknown-field", 1)
    assert '+at = "$.issuing_office"' in found["patch"]
    assert found["left_out"] == []
    people = tongban("adapter", "drift", recorded, "--adapter", "guangdong", locale="zh_CN.UTF-8")
    assert "未映射的字段" in people.out
    assert "建议的补丁" in people.out


def test_no_drift_is_0(tmp_path: Path) -> None:
    """Messages as the mapping says end with 0; a field that few records lack is shown and is no drift."""
    recorded = tmp_path / "recorded.json"
    recorded.write_bytes(FOUND.replace(b'"errors":[],', b""))
    ended = tongban("adapter", "drift", recorded, "--adapter", "guangdong", "--json")
    assert ended.code == 0
    assert not any(one["is_drift"] for one in ended.object["findings"])


def test_what_cannot_be_read_is_2(tmp_path: Path) -> None:
    """A file that is not there is said in words."""
    ended = tongban("adapter", "drift", tmp_path / "none", "--adapter", "guangdong")
    assert ended.code == 2
    assert "Traceback" not in ended.err
