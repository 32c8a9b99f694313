"""An import: nothing lost, nothing done twice, and it goes on where it was interrupted."""

import gc
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.mapping.adapter import load_adapter
from adapters.mapping.error import AdapterError
from benchmarks.adapter_material import NAME, make_adapter, make_lines, mapping_of
from gateway.adapters.mapping_file import MappingFile
from gateway.licence_import import importing, readers
from gateway.licence_import.checkpoint import Checkpoint, write_checkpoint
from gateway.licence_import.importing import Batch, ImportJob, import_records
from gateway.licence_import.layout import ImportFault, ImportFileError
from gateway.licence_import.rejects import reject_path
from gateway.licence_import.tally import Tally
from gateway.sources.licence_store import Selection
from gateway.sources.store import SqliteLicenceStore
from tests.support.adapters import SHIPPED
from tests.support.demo import NOW

TABLE = """
[system]
id = "table"
zh = "表"
en = "Table"
[message]
form = "delimited"
charset = "gbk"
separator = ","
columns = ["编号", "名称", "日期"]
header = true
quoted = true
records = "$[*]"
[[field]]
to = "number"
at = "$.编号"
[[field]]
to = "name"
at = "$.名称"
[[field]]
to = "issued_on"
at = "$.日期"
codec = ["date:yyyy-MM-dd"]
"""


class Crash(BaseException):
    """What ends a process at once."""


def lines(count: int) -> list[bytes]:
    return list(make_lines(make_adapter("json"), count))


def job_for(folder: Path, data: bytes, mapping: bytes | None = None) -> ImportJob:
    """Write a file, and return the job of importing it."""
    (folder / "records").write_bytes(data)
    mapping = mapping or mapping_of("json")
    adapter = load_adapter(mapping, NAME)
    return ImportJob(
        path=folder / "records", adapter=adapter, mapping=MappingFile(mapping, NAME), checkpoints=folder / "imports"
    )


def run(job: ImportJob, announce: Callable[[Batch], None] = lambda _: None) -> Tally:
    store = SqliteLicenceStore(job.checkpoints.parent / "licences.sqlite", create=True)
    try:
        return import_records(job, store, announce=announce, advance=lambda _done, _size: None, at=NOW)
    finally:
        store.close()


def stored(folder: Path) -> int:
    store = SqliteLicenceStore(folder / "licences.sqlite")
    found = len(list(store.entries(Selection())))
    store.close()
    return found


def rejects(job: ImportJob) -> list[dict[str, Any]]:
    return [json.loads(line) for line in reject_path(job.path).read_text("utf-8").splitlines()]


def test_every_record_is_counted_once(tmp_path: Path) -> None:
    """Stored, unchanged or rejected; bad ones are kept with line and reason, for their owner only."""
    good = lines(3)
    bad_date = good[2].replace(b"2024-02-29", b"2024-02-30")
    other = good[1].replace(b"00000001\xe5\x8f\xb7", b"00000009\xe5\x8f\xb7")  # its identifier, another number
    no_key = b'{"head":{"code":"0"},"data":[{"status":"1"}]}\n'
    parts = [good[0], b"\n", b"{\xff\n", bad_date, no_key, b'{"head":{"code":"9"}}\n', good[1], other, good[0]]
    job = job_for(tmp_path, b"".join(parts))
    assert run(job) == Tally(read=8, stored=2, unchanged=1, rejected=5)
    assert stored(tmp_path) == 2
    found = [(one["line"], one["index"], one["reason"], one["where"]) for one in rejects(job)]
    assert found == [
        (3, None, "charset", None),
        (4, 0, "value", "$.field_7"),
        (5, 0, "no-key", None),
        (6, None, "outcome.error", None),
        (8, 0, "identifier-in-use", None),
    ]
    assert rejects(job)[0]["record_base64"] == "e/8K"
    assert rejects(job)[1]["record"].encode() + b"\n" == bad_date
    assert stat.S_IMODE(reject_path(job.path).stat().st_mode) == 0o600
    assert not list((tmp_path / "imports").glob("*.json"))


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    """All of it is unchanged then, and without rejected records there is no file of them."""
    job = job_for(tmp_path, b"".join(lines(5)))
    assert run(job).stored == 5
    assert run(job) == Tally(read=5, unchanged=5)
    assert not reject_path(job.path).exists()


@pytest.mark.parametrize("step", ["announce", "rejects", "checkpoint"])
def test_it_goes_on_after_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whatever the last thing was that was done, the end is that of an import that was not interrupted."""
    monkeypatch.setattr(importing, "BATCH_RECORDS", 1)
    monkeypatch.setattr("gateway.licence_import.piece.PIECE_BYTES", 1)
    parts = lines(6)
    parts[1] = parts[4] = b"bad\n"
    job = job_for(tmp_path, b"".join(parts))
    seen: list[int] = []

    def announce(batch: Batch) -> None:
        seen.append(batch.first_line)
        if step == "announce" and batch.first_line == 5:
            raise Crash

    def crash(*_: object) -> None:
        if seen[-1] == 5:
            raise Crash

    def write(path: Path, checkpoint: Checkpoint) -> None:
        crash()
        write_checkpoint(path, checkpoint)

    with monkeypatch.context() as crashing:
        if step == "rejects":
            crashing.setattr("gateway.licence_import.rejects.os.fsync", crash)
        if step == "checkpoint":
            crashing.setattr(importing, "write_checkpoint", write)
        with pytest.raises(Crash):
            run(job, announce)
    assert seen == [1, 2, 3, 4, 5]
    seen.clear()
    done = run(job, lambda batch: seen.append(batch.first_line))
    assert seen == [5, 6]
    assert (done.read, done.stored + done.unchanged, done.rejected) == (6, 4, 2)
    assert [one["line"] for one in rejects(job)] == [2, 5]
    assert stored(tmp_path) == 4


def test_another_file_begins_anew(tmp_path: Path) -> None:
    """A checkpoint of a file that changed since, or of another mapping, counts for nothing."""
    job = job_for(tmp_path, b"".join(lines(3)))

    def crash(_: Batch) -> None:
        raise Crash

    with pytest.raises(Crash):
        run(job, crash)
    again = job_for(tmp_path, b"".join(lines(4)))
    assert run(again).read == 4


def test_a_file_that_changes_meanwhile_is_said(tmp_path: Path) -> None:
    """Nobody is told that all of a file is stored when it is another file by now."""
    job = job_for(tmp_path, b"".join(lines(3)))

    def change(_: Batch) -> None:
        job.path.write_bytes(b"".join(lines(4)))

    with pytest.raises(ImportFileError) as raised:
        run(job, change)
    assert raised.value.fault is ImportFault.CHANGED


def test_one_message_with_many_records(tmp_path: Path) -> None:
    """A file may be one message; of its records the bad ones are kept alone, and the others are stored."""
    adapter = make_adapter("xml")
    records = [adapter.parse(line).records[0] for line in make_lines(adapter, 3)]
    data = adapter.render(records).replace(b"20240229", b"20240230", 1).replace(b"><", b">\n<")
    job = job_for(tmp_path, data, mapping_of("xml"))
    assert run(job) == Tally(read=3, stored=2, rejected=1)
    (bad,) = rejects(job)
    assert (bad["index"], bad["reason"]) == (0, "value")
    assert "第00000000号" in bad["record"]
    assert "第00000001号" not in bad["record"]


def test_a_table(tmp_path: Path) -> None:
    """Lines of a delimited file are records; a bad one spoils no other, and a value may hold a line end."""
    rows = ["编号,名称,日期", "1,甲,2024-01-01", '2,"乙\n丙",2024-01-01', "3,丁", "4,戊,2024-13-01", "5,己,2024-01-01"]
    job = job_for(tmp_path, "\r\n".join(rows).encode("gbk"), TABLE.encode())
    assert run(job) == Tally(read=5, stored=3, rejected=2)
    assert [(one["line"], one["reason"], one["record"]) for one in rejects(job)] == [
        (5, "shape", "3,丁"),
        (6, "value", "4,戊,2024-13-01"),
    ]


def test_a_quote_that_nobody_closes(tmp_path: Path) -> None:
    """It spoils its own line of a table; what comes before and behind it is stored."""
    good = "".join(f"{number},甲,2024-01-01\r\n" for number in range(6_000))
    text = f'编号,名称,日期\r\n{good[:16]}x,"乙,2024-01-01\r\n{good[16:]}'
    job = job_for(tmp_path, text.encode("gbk"), TABLE.encode())
    assert run(job) == Tally(read=6_001, stored=6_000, rejected=1)
    assert [(one["line"], one["reason"], one["record"]) for one in rejects(job)] == [
        (3, "syntax", 'x,"乙,2024-01-01'),
    ]


@pytest.mark.parametrize("data", [b"", "编号,名称,日期\n".encode("gbk")])
def test_an_empty_file(tmp_path: Path, data: bytes) -> None:
    """It has no records, and that is no fault."""
    assert run(job_for(tmp_path, data, TABLE.encode())) == Tally()


def test_a_code_never_seen_is_counted(tmp_path: Path) -> None:
    """The licence is stored as unknown, and the operator is told how many there are."""
    (line,) = lines(1)
    job = job_for(tmp_path, line.replace(b'"status":"1"', b'"status":"7"'))
    assert run(job) == Tally(read=1, stored=1, unseen=1)


def test_records_that_are_none_of_a_licence(tmp_path: Path) -> None:
    """A code in a record says why it is not stored, and the records beside it are."""
    rows = "<RECORD><CWDM>-902</CWDM></RECORD><RECORD><ZQZBH>1</ZQZBH><ZJMC>证</ZJMC></RECORD>"
    data = f"<PACKAGE><PACKAGEHEAD><FHDM>0</FHDM></PACKAGEHEAD><DATA>{rows}</DATA></PACKAGE>".encode()
    job = job_for(tmp_path, data, (SHIPPED / "police-package.toml").read_bytes())
    assert run(job) == Tally(read=2, stored=1, rejected=1)
    (bad,) = rejects(job)
    assert (bad["index"], bad["reason"], bad["where"]) == (0, "outcome.not-found", "/CWDM")


def test_garbage_is_looked_for_as_before_afterwards(tmp_path: Path) -> None:
    """An import leaves the collector of its process as it found it, also when it ends in a crash."""

    def crash(_: Batch) -> None:
        assert not gc.isenabled()
        raise Crash

    job = job_for(tmp_path, b"".join(lines(1)))
    with pytest.raises(Crash):
        run(job, crash)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    gc.disable()
    try:
        assert run(job).read == 1
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_bad_records_leave_no_garbage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors and what their tracebacks hold are gone after each batch, however many records are bad."""
    monkeypatch.setattr(importing, "BATCH_RECORDS", 1)
    monkeypatch.setattr("gateway.licence_import.piece.PIECE_BYTES", 1)
    job = job_for(tmp_path, b"".join(line.replace(b"2024-02-29", b"2024-02-30") for line in lines(30)))
    alive: list[int] = []
    assert (
        run(job, lambda _: alive.append(sum(isinstance(one, AdapterError) for one in gc.get_objects()))).rejected == 30
    )
    assert max(alive) <= 2  # of the batch that is announced


def test_a_commit_of_an_import_is_on_disk(tmp_path: Path) -> None:
    """Whatever is made ready for many records, every commit still waits for the disk."""
    store = SqliteLicenceStore(tmp_path / "licences.sqlite", create=True)
    store.expect_many()
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_long_pieces_wait_for_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are read ahead up to so many bytes, so that memory has a bound."""
    monkeypatch.setattr(readers, "_WORTH_IT", 0)
    monkeypatch.setattr(readers, "_AHEAD_BYTES", 1)
    monkeypatch.setattr("gateway.licence_import.piece.PIECE_BYTES", 1)
    job = job_for(tmp_path, b"".join(lines(12)))
    assert run(job) == Tally(read=12, stored=12)


def test_processes_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is read by several processes, in its order."""
    monkeypatch.setattr(readers, "_WORTH_IT", 0)
    monkeypatch.setattr("gateway.licence_import.piece.PIECE_BYTES", 4096)
    parts = lines(40)
    parts[17] = b"bad\n"
    job = job_for(tmp_path, b"".join(parts))
    assert run(job) == Tally(read=40, stored=39, rejected=1)
    assert [one["line"] for one in rejects(job)] == [18]


def test_a_message_beyond_every_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is longer than any message ends the import in words, with what was done before it kept."""
    monkeypatch.setattr("gateway.licence_import.layout.MAX_DOCUMENT_MESSAGE", 2_000)
    monkeypatch.setattr("gateway.licence_import.piece.PIECE_BYTES", 1)
    parts = lines(2)
    job = job_for(tmp_path, b"".join([*parts, b"x" * 3_000, b"\n"]))
    with pytest.raises(ImportFileError) as raised:
        run(job)
    assert (raised.value.fault, raised.value.line) == (ImportFault.TOO_LARGE, 3)


def test_the_shipped_samples_lose_nothing(tmp_path: Path) -> None:
    """Every sample message of every shipped system is counted, whatever it is."""
    for mapping in sorted(SHIPPED.glob("*.toml")):
        samples = Path(__file__).resolve().parents[2] / "vectors" / "adapters" / mapping.stem
        for sample in sorted(samples.glob("*")):
            if not sample.name.endswith(".parsed.json"):
                tally = run(job_for(tmp_path, sample.read_bytes(), mapping.read_bytes()))
                assert tally.is_whole
                assert tally.read
