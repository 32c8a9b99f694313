"""``tongban licences import`` as an operator sees it."""

from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.adapter_material import make_adapter, make_lines, mapping_of
from gateway.audit.leaf import parse_leaf
from gateway.cli.licences_commands import import_files
from gateway.cli.site_settings import load_settings
from gateway.cli.store_entries import RECORDS
from gateway.log_site import open_place
from gateway.site_template import write_site
from tests.support.cli import tongban


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site folder."""
    write_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """Return a mapping file."""
    path = tmp_path / "bench.toml"
    path.write_bytes(mapping_of("json"))
    return path


def write(folder: Path, *more: bytes) -> Path:
    path = folder / "records.ndjson"
    path.write_bytes(b"".join([*make_lines(make_adapter("json"), 3), *more]))
    return path


def test_an_import_from_the_command_line(site: Path, mapping: Path, tmp_path: Path) -> None:
    """Counts are printed, rejected records are named by their file, and nothing of a record is printed."""
    path = write(tmp_path, b"bad\n")
    ended = tongban("licences", "import", path, "--adapter", mapping, "--site", site, "--json")
    rejects = f"{path}.rejected.ndjson"
    assert ended.code == 1
    assert ended.object == {
        "input": str(path),
        "read": 4,
        "stored": 3,
        "unchanged": 0,
        "rejected": 1,
        "unseen": 0,
        "rejects": rejects,
    }
    again = tongban("licences", "import", path, "--adapter", mapping, "--site", site, locale="zh_CN.UTF-8")
    assert (again.code, again.out) == (1, "")
    assert again.err.splitlines()[0] == "读取 4，入库 0，未变 3，未导入 1"
    assert rejects in again.err
    listed = tongban("store", "list", "--site", site, "--json").objects
    assert len(listed) == 3
    assert {one["sha256"] for one in listed} == {None}


def test_what_cannot_be_used_is_said(site: Path, mapping: Path, tmp_path: Path) -> None:
    """A file that is not there, a mapping that nobody knows, and a site that is none end with 2."""
    path = write(tmp_path)
    cases: tuple[list[str | Path], ...] = (
        [tmp_path / "none", "--adapter", mapping, "--site", site],
        [path, "--adapter", "nowhere", "--site", site],
        [path, "--adapter", mapping, "--site", tmp_path / "none"],
    )
    for arguments in cases:
        ended = tongban("licences", "import", *arguments)
        assert ended.code == 2
        assert "Traceback" not in ended.err


def test_every_batch_is_an_entry_before_it_is_stored(site: Path, mapping: Path, tmp_path: Path) -> None:
    """The log says which system's records were imported, from which bytes, and how many; no licence is named."""
    assert import_files([write(tmp_path)], adapter=str(mapping), site=site, as_json=True) == 0
    place = open_place(site, load_settings(site))
    with closing(place.read(place.shards()[-1])) as log:
        leaves = [parse_leaf(leaf).content for leaf in log.store.leaves(0, 100)]
        (number,) = [number for number, leaf in enumerate(leaves) if leaf.more.get("action") == RECORDS]
        opened = log.private(number)
    assert leaves[number].more == {"action": "licences-import", "target": "bench"}
    assert opened is not None
    assert [text.partition("=")[0] for text in opened.part.context] == [
        "system",
        "mapping",
        "first-line",
        "records",
        "content",
    ]
    assert not opened.part.subjects
    assert not opened.part.licence
    (place.folder(place.shards()[-1]) / "head").unlink()
    (tmp_path / "more").write_bytes(list(make_lines(make_adapter("json"), 4))[-1])
    assert import_files([tmp_path / "more"], adapter=str(mapping), site=site, as_json=True) == 2
    assert len(tongban("store", "list", "--site", site, "--json").objects) == 3


def test_generating_from_the_command_line(site: Path) -> None:
    """An empty store is filled once; the same again does nothing, another plan is refused, and so is a store in use."""
    command = ("licences", "generate", "40", "--documents", "2", "--site", site, "--json")
    ended = tongban(*command, "--trust")
    anchors = str(site / "trust")
    assert ended.code == 0
    assert ended.object == {"licences": 40, "documents": 2, "seed": 0, "already": 0, "trust": anchors}
    again = tongban(*command)
    assert (again.code, again.object["already"]) == (0, 40)
    assert tongban("licences", "generate", "41", "--site", site).code == 2
    listed = tongban("store", "list", "--site", site, "--json").objects
    assert len(listed) == 40
    assert sum(one["sha256"] is not None for one in listed) == 2
    (site / "state" / "generated" / "run.json").unlink()
    refused = tongban("licences", "generate", "40", "--site", site, locale="zh_CN.UTF-8")
    assert (refused.code, "只写入空库" in refused.err) == (2, True)
