"""``tongban adapter new``: from sample messages to a file that a person can finish."""

import json
from pathlib import Path

import pytest

from tests.support.cli import tongban

ANSWER = {"code": "0", "data": [{"certNo": "京1号", "certName": "甲证", "issueDate": "2020年01月02日", "status": "1"}]}


def write_sample(folder: Path, data: bytes, name: str = "answer.json") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_sample(tmp_path, json.dumps(ANSWER, ensure_ascii=False).encode("gbk"))


def test_a_draft_is_written_and_described(sample: Path) -> None:
    """One object tells what was found; the file loads, and its check fails until losses are declared."""
    out = sample.with_name("new.toml")
    ended = tongban("adapter", "new", sample, "-o", out, "--id", "sichuan", "--json")
    assert (ended.code, ended.err) == (0, "")
    found = ended.object
    assert (found["form"], found["charset"], found["records_at"]) == ("json", "gb18030", "$.data[*]")
    assert (found["read"], found["records"], found["refused"]) == (1, 1, 0)
    assert {one["to"]: one["at"] for one in found["fields"]} == {
        "number": "$.certNo",
        "name": "$.certName",
        "issued_on": "$.issueDate",
    }
    assert all(0 < one["confidence"] < 1 and one["zh"] and one["en"] for one in found["fields"])
    assert found["status"] == {"at": "$.status", "codes": ["1"]}
    assert 'id = "sichuan"' in out.read_text(encoding="utf-8")
    assert tongban("adapter", "check", out, "--json").code == 1


def test_people_read_a_table_in_their_language(sample: Path) -> None:
    """What was found, how sure it is, and what to do next."""
    chinese = tongban("adapter", "new", sample, "-o", sample.with_name("zh.toml"), locale="zh_CN.UTF-8")
    assert "置信度" in chinese.out
    assert "草稿已写入" in chinese.out
    english = tongban("adapter", "new", sample, "-o", sample.with_name("en.toml"))
    assert "confidence" in english.out
    assert "date:yyyy年MM月dd日" in english.out


def test_a_file_is_never_written_over(sample: Path) -> None:
    """A mapping that somebody finished is worth more than a draft."""
    out = write_sample(sample.parent, b"mine", "mine.toml")
    ended = tongban("adapter", "new", sample, "-o", out)
    assert ended.code == 2
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("data", "slug"), [(b"", "empty"), (b"\xff\xff", "charset"), (b"hello", "form"), (b'{"a":1,"a":2}', "form")]
)
def test_samples_that_are_none_are_refused(tmp_path: Path, data: bytes, slug: str) -> None:
    """The reason is a word for programs and a sentence for people; no file is written."""
    out = tmp_path / "new.toml"
    ended = tongban("adapter", "new", write_sample(tmp_path, data), "-o", out, "--json")
    assert ended.code == 1
    assert ended.object["error"] == f"draft.{slug}"
    assert not out.exists()


def test_a_sample_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """As with every other file that a command names."""
    assert tongban("adapter", "new", tmp_path / "no.json", "-o", tmp_path / "new.toml").code == 2


def test_an_id_that_no_system_can_have_is_refused(sample: Path) -> None:
    """The reader of mapping files says how an id is written, before anything is on disk."""
    out = sample.with_name("new.toml")
    assert tongban("adapter", "new", sample, "-o", out, "--id", "No Such").code == 1
    assert not out.exists()
