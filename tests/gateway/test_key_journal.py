"""The signing journal: nothing is signed that it does not hold, and what it lost it admits."""

import hashlib
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.key_journal import JournalError, JournalFault, JournalledSigner, JournalReading, SigningJournal
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.journal import JournalEntry, encode_entry, make_entry, parse_entry
from keys.own.record import KeyAlgorithm, KeyPurpose, OwnKey
from keys.own.signer import SoftwareSigner
from tests.support.own_keys import NOW, make_record

SECOND = timedelta(seconds=1)
SIGNER = SoftwareSigner.generate(KeyAlgorithm.ED25519)
KEY = OwnKey(record=make_record(SIGNER))


def entry(number: int = 0) -> JournalEntry:
    """Make the entry of a use ``number`` seconds after the start."""
    return make_entry(at=NOW + number * SECOND, key_id=SIGNER.key_id, purpose=KeyPurpose.LOG, message=b"%d" % number)


def read(journal: SigningJournal, since: datetime = NOW) -> tuple[list[JournalEntry], JournalReading]:
    """Return the entries and what the reading says."""
    taken: list[JournalEntry] = []
    return taken, journal.read(since, SIGNER.key_id, take=taken.append)


@pytest.fixture
def journal(tmp_path: Path) -> SigningJournal:
    """Return a journal that sets its file aside after some ten uses and keeps three."""
    return SigningJournal(tmp_path / "k.journal", max_segment_bytes=len(encode_entry(entry())) * 10, max_segments=3)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)), st.sampled_from(KeyPurpose))  # noqa: DTZ001 - the strategy wants naive bounds
def test_a_line_is_read_as_it_was_written(at: datetime, purpose: KeyPurpose) -> None:
    """Every entry survives its line."""
    written = make_entry(at=at.replace(tzinfo=NOW.tzinfo), key_id=SIGNER.key_id, purpose=purpose, message=b"m")
    assert parse_entry(encode_entry(written).rstrip(b"\n")) == written


@given(st.binary(max_size=600))
def test_garbage_is_no_line(garbage: bytes) -> None:
    """Whatever bytes a line has, only our error comes out."""
    with pytest.raises(OwnKeyError):
        parse_entry(garbage)


def test_what_was_signed_is_listed_since_a_moment(journal: SigningJournal) -> None:
    """The entries at and after the moment come back in order."""
    for number in range(5):
        journal.append(entry(number))
    taken, reading = read(journal, NOW + 2 * SECOND)
    assert taken == [entry(2), entry(3), entry(4)]
    assert reading.uses == 3
    assert reading.is_complete(NOW)


def test_a_full_file_is_set_aside_and_still_read(journal: SigningJournal) -> None:
    """Turning the page loses nothing while the bound is not reached."""
    for number in range(35):
        journal.append(entry(number))
    taken, reading = read(journal)
    assert taken == [entry(number) for number in range(35)]
    assert reading.is_complete(NOW)
    assert sorted(path.name for path in journal.path.parent.iterdir()) == [
        "k.journal",
        *(f"k.journal.{number:08d}" for number in (1, 2, 3)),
    ]


def test_what_was_dropped_is_admitted(journal: SigningJournal) -> None:
    """Beyond the bound the oldest entries are gone, and the journal says from when on it is complete."""
    for number in range(65):
        journal.append(entry(number))
    taken, reading = read(journal)
    assert len(list(journal.path.parent.iterdir())) <= 4
    assert not reading.is_complete(NOW)
    assert reading.dropped_before == taken[0].at
    assert reading.is_complete(taken[0].at)


def test_a_gap_or_a_missing_journal_is_admitted(journal: SigningJournal) -> None:
    """A file that is gone from the middle, or altogether, makes the journal incomplete."""
    assert not read(journal)[1].is_complete(NOW)
    for number in range(35):
        journal.append(entry(number))
    journal.path.with_name("k.journal.00000002").unlink()
    assert read(journal)[1].missing


def test_a_broken_end_was_never_signed(journal: SigningJournal) -> None:
    """After a crash in the middle of a line the line is left out, and cut off before the next one is written."""
    journal.append(entry(1))
    with journal.path.open("ab") as file:
        file.write(encode_entry(entry(2))[:40])
    taken, reading = read(journal)
    assert (taken, reading.cut_short) == ([entry(1)], True)
    assert reading.is_complete(NOW)
    journal.append(entry(3))
    taken, reading = read(journal)
    assert (taken, reading.cut_short, reading.unreadable_lines) == ([entry(1), entry(3)], False, 0)


@pytest.mark.parametrize("damage", [b"?\n", b"x" * 5000 + b"\n", b"\n", b"x" * 5000])
def test_damage_is_admitted(journal: SigningJournal, damage: bytes) -> None:
    """A line that cannot be read makes the journal incomplete and hides no other line."""
    journal.append(entry(1))
    with journal.path.open("ab") as file:
        file.write(damage)
    journal.append(entry(2))
    taken, reading = read(journal)
    assert taken == [entry(1), entry(2)]
    assert reading.unreadable_lines
    assert not reading.is_complete(NOW)


def test_the_line_of_another_key_is_damage(journal: SigningJournal) -> None:
    """A journal holds the uses of one key."""
    journal.append(make_entry(at=NOW, key_id=make_record(SIGNER).id, purpose=KeyPurpose.LOG, message=b""))
    other = SoftwareSigner.generate(KeyAlgorithm.ED25519).key_id
    journal.append(make_entry(at=NOW, key_id=other, purpose=KeyPurpose.LOG, message=b""))
    assert read(journal)[1].unreadable_lines == 1


def test_several_threads_lose_nothing(journal: SigningJournal) -> None:
    """Uses at the same time all stand in the journal, across the turning of pages."""
    numbers = [range(start, start + 8) for start in (0, 8, 16, 24)]
    threads = [threading.Thread(target=lambda part=part: [journal.append(entry(n)) for n in part]) for part in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken, reading = read(journal)
    assert sorted(one.digest for one in taken) == sorted(entry(n).digest for n in range(32))
    assert reading.is_complete(NOW)


def test_progress_is_reported(journal: SigningJournal) -> None:
    """A long journal reports how many of its files were read."""
    for number in range(25):
        journal.append(entry(number))
    seen: list[tuple[int, int]] = []
    journal.read(NOW, SIGNER.key_id, take=lambda _: None, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("trick", ["symbolic", "hard", "open"])
def test_a_journal_of_somebody_else_is_refused(journal: SigningJournal, trick: str) -> None:
    """Neither a link nor a file that others may write is taken for a journal, to write or to read."""
    target = journal.path.parent / "target"
    target.touch(mode=0o600)
    if trick == "symbolic":
        journal.path.symlink_to(target)
    elif trick == "hard":
        journal.path.hardlink_to(target)
    else:
        journal.path.touch()
        journal.path.chmod(0o622)
    for use in (lambda: journal.append(entry()), lambda: read(journal)):
        with pytest.raises(JournalError):
            use()
    assert target.read_bytes() == b""


def signer(journal: SigningJournal, at: datetime = NOW) -> JournalledSigner:
    """Return the key behind its journal, at a moment."""
    return JournalledSigner(SIGNER, key=KEY, journal=journal, clock=lambda: at)


def test_the_use_is_on_disk_before_the_signature(journal: SigningJournal) -> None:
    """Each signature's message stands in the journal by its digest."""
    signer(journal).sign(b"message")
    ((only,), _) = read(journal)
    assert only.digest == hashlib.sha256(b"message").hexdigest()


def test_without_a_journal_nothing_is_signed(journal: SigningJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the journal cannot be made durable, no signature leaves."""

    def fail(_stream: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.key_journal.os.fsync", fail)
    with pytest.raises(JournalError) as caught:
        signer(journal).sign(b"message")
    assert caught.value.fault is JournalFault.UNWRITABLE


@pytest.mark.parametrize("at", [NOW - SECOND, KEY.record.retires_at])
def test_a_key_signs_in_its_time_only(journal: SigningJournal, at: datetime) -> None:
    """Before its start and from its end on, a key refuses, and nothing is written down."""
    with pytest.raises(OwnKeyError) as caught:
        signer(journal, at).sign(b"message")
    assert caught.value.fault is OwnKeyFault.NOT_ACTIVE
    assert not journal.path.exists()


def test_a_signer_of_another_key_is_refused(journal: SigningJournal) -> None:
    """A signer is put behind the journal of its own key only."""
    other = SoftwareSigner.generate(KeyAlgorithm.ED25519)
    with pytest.raises(OwnKeyError) as caught:
        JournalledSigner(other, key=KEY, journal=journal, clock=lambda: NOW)
    assert caught.value.fault is OwnKeyFault.KEY_MISMATCH
