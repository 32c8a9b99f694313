"""Checking the index: what was sealed, dropped, added and changed in it, and the command."""

import sqlite3
import struct
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest

from gateway.audit.book.place import FolderPlace
from gateway.audit.commitment import make_commitment
from gateway.audit.forgetting.retention_terms import LEAST_PROVISION_DAYS
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.lookup import Epoch, LookupKind
from gateway.audit.seal import digest
from gateway.audit.seal.check import IndexFault
from gateway.audit.seal.digest import digest_spans
from gateway.audit.search.entry import encode_digest
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.cli.audit_index import SENTENCES
from gateway.cli.init import init
from gateway.cli.site_settings import load_settings
from tests.gateway.audit.seal import sealing
from tests.gateway.audit.seal.sealing import DAY, MIDNIGHT, SealedLog, subject_owner, subject_word
from tests.support.audit import LOOKUP, Clock, make_draft, reseal_private
from tests.support.cli import tongban

LONG_AGO_MS = 1_700_000_000_000  # the command reads the clock of the machine


def flip(data: bytes) -> bytes:
    return data[:5] + bytes([data[5] ^ 1]) + data[6:]


def test_a_whole_index_has_no_faults(sealed: SealedLog, tmp_path: Path) -> None:
    """What was written is what was sealed, and an auditor without the index finds the seals in order."""
    found = sealing.check(sealed.log)
    assert (found.findings, found.size, found.opened, found.days, found.due) == ((), 10, 10, 2, 1)
    assert sealing.chain_faults(sealed.log, tmp_path / "out") == []


def test_the_same_digest_in_every_store(sealed: SealedLog) -> None:
    """The digest is that of the documented bytes, whichever store keeps the rows."""
    rows = sorted(row for page in sealed.log.store.index_rows([(0, 5)]) for row in page)
    owners = sorted(
        (row.owner, row.number, row.first, row.epoch) for page in sealed.log.store.owner_rows([(0, 5)]) for row in page
    )
    assert (len(rows), len(owners)) == (31, 8)
    data = b"tongban index/1\n" + b"".join(struct.pack(">qq", *row) for row in rows)
    data += b"".join(struct.pack(">12sqqq", *row) for row in owners) + struct.pack(">qq", len(rows), len(owners))
    assert digest_spans(sealed.log.store, [(0, 5)]) == [[sha256(data).digest()]]
    said = parse_leaf(sealed.log.leaf(7)).content.more
    private = sealed.log.private(7)
    assert private is not None
    assert said["digest"] == encode_digest(make_commitment(private.part.salts.resp, sha256(data).digest()))


def test_a_replaced_private_part_is_noticed(sealed: SealedLog) -> None:
    """Another response under genuine keys changes no row, and is not what the leaf commits to."""
    reseal_private(sealed.log, 3, response=b"r" * 32)
    assert sealing.faults(sealing.check(sealed.log)) == {(IndexFault.PRIVATE, 3)}


def test_a_dropped_row_is_noticed(sealed: SealedLog) -> None:
    """Both the day and the entry that its person is not led to any more are named."""
    sealed.drop(subject_word(2), 2)
    assert sealing.faults(sealing.check(sealed.log)) == {(IndexFault.DAY, 7), (IndexFault.ROWS, 2)}


def test_an_added_row_is_noticed(sealed: SealedLog) -> None:
    """An entry that somebody is led to, and that is not about them, changes its day."""
    sealed.add(subject_word(5), 6)
    assert sealing.faults(sealing.check(sealed.log)) == {(IndexFault.DAY, 8)}


def test_a_changed_word_is_noticed(sealed: SealedLog) -> None:
    """One bit of a word is enough."""
    sealed.drop(subject_word(4), 5)
    sealed.add(subject_word(4) ^ 1, 5)
    assert sealing.faults(sealing.check(sealed.log)) == {(IndexFault.DAY, 8), (IndexFault.ROWS, 5)}


def test_a_row_that_leads_elsewhere_is_noticed(sealed: SealedLog) -> None:
    """A row moved to another day changes both."""
    sealed.drop(subject_word(4), 5)
    sealed.add(subject_word(4), 1)
    assert sealing.faults(sealing.check(sealed.log)) == {(IndexFault.DAY, 7), (IndexFault.DAY, 8), (IndexFault.ROWS, 5)}


def test_a_changed_owner_is_noticed(sealed: SealedLog) -> None:
    """One bit of an owner: the day that their key is of differs, and so do all entries that the key opens."""
    sealed.change_owner(subject_owner(2), flip(subject_owner(2)))
    assert sealing.faults(sealing.check(sealed.log)) == {
        *((IndexFault.DAY, 7), (IndexFault.OWNER, 2), (IndexFault.OWNER, 6))
    }


def test_what_is_not_sealed_yet_is_compared_with_its_entries(sealed: SealedLog) -> None:
    """A row dropped on the same day is missed by its entry."""
    sealed.drop(subject_word(5), 9)
    assert sealing.faults(sealing.check(sealed.log)) == {(IndexFault.ROWS, 9)}


def test_the_seal_itself_is_found(log: SealedLog) -> None:
    """Whoever hides a seal from the index is given away by its entry."""
    log.drop(LOOKUP.word(LookupKind.KIND, LeafKind.SEAL, Epoch(1)), 7)
    assert sealing.faults(sealing.check(log.log)) == {(IndexFault.ROWS, 7)}


def test_a_seal_without_its_salt_is_noticed(log: SealedLog) -> None:
    """A day that cannot be compared is told, until all that it sealed may have been deleted by its age."""
    log.log.store.replace_privates({7: b""})
    assert sealing.faults(sealing.check(log.log)) == {(IndexFault.SALT, 7)}
    later = sealing.check(log.log, MIDNIGHT + (LEAST_PROVISION_DAYS + 3) * DAY)
    assert (sealing.faults(later), later.past, later.days) == (set(), 1, 1)


def test_damage_is_told_by_kind(log: SealedLog) -> None:
    """A private part that was changed is named, and so is an entry that is not the one of the tree."""
    private = log.log.store.private(4)
    assert private is not None
    log.log.store.replace_privates({4: private[:-1] + bytes([private[-1] ^ 1])})
    assert sealing.faults(sealing.check(log.log)) == {(IndexFault.PRIVATE, 4)}
    with patch.object(log.log.store, "tile", lambda _level, _index: bytes(320)):
        assert {kind for kind, _ in sealing.faults(sealing.check(log.log))} == {IndexFault.ENTRY}


def test_rows_that_are_none_are_corrupt(log: SealedLog) -> None:
    """A number that is none ends the check with our own error."""
    log.drop(subject_word(4), 5)
    log.add(subject_word(4), 5.5)  # type: ignore[arg-type] - what a damaged file holds
    with pytest.raises(LogUnavailableError) as caught:
        sealing.check(log.log)
    assert caught.value.reason is Unavailable.CORRUPT


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    """Without entries there is nothing to seal and nothing to compare."""
    with sealing.memory_log(tmp_path) as found:
        assert (sealing.seal(found.log, MIDNIGHT), sealing.check(found.log).findings) == ([], ())


def test_days_are_read_in_groups(log: SealedLog) -> None:
    """However few days are read together, the digests are the same, and progress goes up to its end."""
    spans, told = [(0, 5), (5, 7), (7, 10)], list[tuple[int, int]]()
    together = digest_spans(log.log.store, spans)
    with patch.object(digest, "MAX_ENTRIES", 3):
        assert digest_spans(log.log.store, spans, progress=lambda *step: told.append(step)) == together
    assert told == sorted(told)
    assert told[-1] == (10, 10)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_checks_a_log_that_is_written(tmp_path: Path) -> None:
    """A whole index is 0, a difference 1 and named in the language of the locale, a log that is not there 2."""
    site = tmp_path / "site"
    init(site)
    settings = load_settings(site)
    place = FolderPlace(site, settings.audit, region=settings.region)
    assert tongban("audit", "check-index", "--site", site).code == 2
    clock = Clock(LONG_AGO_MS)
    with closing(place.open("2023h2", clock)) as log:
        sealing.append(log, [make_draft(number) for number in range(3)])
        clock.now += 2 * DAY
        assert len(sealing.seal(log, clock.now)) == 1
        whole = tongban("audit", "check-index", "--site", site, "--shard", "2023h2", "--json")
        assert (whole.code, whole.object["outcome"], whole.object["days"], whole.object["size"]) == (0, "valid", 1, 4)
        with closing(sqlite3.connect(place.folder("2023h2") / "log.sqlite")) as connection, connection:
            sealing.carry_over(connection)
            connection.execute("DELETE FROM words WHERE entry = 1")
        ended = tongban("audit", "check-index", "--site", site, "--json")
        assert ended.code == 1
        assert [(one["kind"], one["entry"]) for one in ended.object["findings"]] == [
            ("rows-missing", 1),
            ("day-differs", 3),
        ]
        assert (
            "条目 3：当日索引与封存时不符" in tongban("audit", "check-index", "--site", site, locale="zh_CN.UTF-8").out
        )
    assert tongban("audit", "check-index", "--site", site, "--shard", "2020h1").code == 2


def test_every_kind_of_fault_has_its_sentences() -> None:
    """Each kind can be said in both languages."""
    assert set(SENTENCES) == set(IndexFault)
