"""The signing journal: nothing is signed that it does not hold, and what it lost it admits."""

import hashlib
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.own_keys.journal import JournalError, JournalFault, JournalReading, SigningJournal
from gateway.own_keys.signer import JournalledSigner
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.journal import (
    JournalEntry,
    JournalOpening,
    encode_entry,
    encode_opening,
    make_entry,
    parse_entry,
    parse_opening,
)
from keys.own.record import KeyAlgorithm, KeyId, KeyPurpose, KeyState
from keys.own.signer import SoftwareSigner
from tests.support.own_keys import NOW, make_record

SECOND = timedelta(seconds=1)
SIGNER = SoftwareSigner.generate(KeyAlgorithm.ED25519)
RECORD = make_record(SIGNER)
OPENING = encode_opening(JournalOpening(key_id=SIGNER.key_id, first=1))


def entry(number: int = 1, *, key_id: KeyId = SIGNER.key_id) -> JournalEntry:
    """Make the entry of the use ``number``, as many seconds after the start."""
    at, message = NOW + number * SECOND, b"%d" % number
    return make_entry(number=number, at=at, key_id=key_id, purpose=KeyPurpose.LOG, message=message)


def use(journal: SigningJournal, times: int = 1) -> None:
    """Write down some uses."""
    for _ in range(times):
        journal.append(entry)


def read(journal: SigningJournal, since: datetime = NOW) -> tuple[list[JournalEntry], JournalReading]:
    """Return the entries and what the reading says."""
    taken: list[JournalEntry] = []
    return taken, journal.read(since, take=taken.append)


@pytest.fixture
def journal(tmp_path: Path) -> SigningJournal:
    """Return a journal that sets its file aside after ten uses and keeps three."""
    (tmp_path / "k.journal").write_bytes(OPENING)
    (tmp_path / "k.journal").chmod(0o600)
    return again(tmp_path / "k.journal")


def again(path: Path) -> SigningJournal:
    """Return the journal as another process opens it."""
    lock = path.with_name("k.key")
    lock.touch(mode=0o600)
    full = len(OPENING) + len(encode_entry(entry())) * 10
    return SigningJournal(path, key_id=SIGNER.key_id, lock=lock, max_segment_bytes=full, max_segments=3)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)), st.sampled_from(KeyPurpose))  # noqa: DTZ001 - the strategy wants naive bounds
def test_a_line_is_read_as_it_was_written(at: datetime, purpose: KeyPurpose) -> None:
    """Every entry survives its line."""
    written = make_entry(
        number=1, at=at.replace(tzinfo=NOW.tzinfo), key_id=SIGNER.key_id, purpose=purpose, message=b"m"
    )
    assert parse_entry(encode_entry(written).rstrip(b"\n")) == written


@given(st.integers(1, 2**53 - 1))
def test_an_opening_is_read_as_it_was_written(first: int) -> None:
    """Every first line of a file survives, and is never taken for a use."""
    opening = JournalOpening(key_id=SIGNER.key_id, first=first)
    line = encode_opening(opening).rstrip(b"\n")
    assert parse_opening(line) == opening
    with pytest.raises(OwnKeyError):
        parse_entry(line)


@given(st.binary(max_size=600))
def test_garbage_is_no_line(garbage: bytes) -> None:
    """Whatever bytes a line has, only our error comes out."""
    for parse in (parse_entry, parse_opening):
        with pytest.raises(OwnKeyError):
            parse(garbage)


def test_what_was_signed_is_listed_since_a_moment(journal: SigningJournal) -> None:
    """The entries at and after the moment come back in order."""
    use(journal, 5)
    taken, reading = read(journal, NOW + 3 * SECOND)
    assert taken == [entry(3), entry(4), entry(5)]
    assert reading.uses == 3
    assert reading.is_complete(NOW)


def test_a_full_file_is_set_aside_and_still_read(journal: SigningJournal) -> None:
    """Turning the page loses nothing while the bound is not reached."""
    use(journal, 35)
    taken, reading = read(journal)
    assert taken == [entry(number) for number in range(1, 36)]
    assert reading.is_complete(NOW)
    assert sorted(path.name for path in journal.path.parent.iterdir()) == [
        "k.journal",
        *(f"k.journal.{number:08d}" for number in (1, 2, 3)),
        "k.key",
    ]


def test_what_was_dropped_is_admitted(journal: SigningJournal) -> None:
    """Beyond the bound the oldest entries are gone, and the journal says from when on it is complete."""
    use(journal, 65)
    taken, reading = read(journal)
    assert len(list(journal.path.parent.glob("k.journal*"))) <= 4
    assert not reading.missing
    assert not reading.is_complete(NOW)
    assert reading.dropped_before == taken[0].at
    assert reading.is_complete(taken[0].at)


def fault_of(journal: SigningJournal) -> JournalFault:
    """Return why a use is refused."""
    with pytest.raises(JournalError) as caught:
        use(journal)
    return caught.value.fault


def test_a_journal_that_is_gone_is_not_begun_again(journal: SigningJournal) -> None:
    """When the file is gone nothing is signed, and reading admits it, before and after."""
    use(journal, 3)
    journal.path.unlink()
    for opened in (journal, again(journal.path)):
        assert fault_of(opened) is JournalFault.LOST
    assert not journal.path.exists()
    assert not read(journal)[1].is_complete(NOW)


@pytest.mark.parametrize("content", [b"", b"\n", b"x", b"\0" * 4096, OPENING[:-9], OPENING[5:]])
def test_a_journal_without_its_lines_is_lost(journal: SigningJournal, content: bytes) -> None:
    """A file that was emptied, or whose lines nobody can read, is no journal to go on with, and reading admits it."""
    use(journal, 3)
    journal.path.write_bytes(content)
    assert not read(journal)[1].is_complete(NOW)
    assert fault_of(again(journal.path)) is JournalFault.LOST
    assert not read(journal)[1].is_complete(NOW)


def test_whoever_wrote_notices_what_is_gone(journal: SigningJournal) -> None:
    """A process that wrote more uses than the file holds signs no more: an old copy was put in place."""
    use(journal, 2)
    old = journal.path.read_bytes()
    use(journal, 2)
    journal.path.write_bytes(old)
    assert fault_of(journal) is JournalFault.LOST


@pytest.mark.parametrize("gone", ["k.journal.00000001", "k.journal.00000002", "k.journal.00000003", "k.journal"])
def test_a_file_that_is_gone_is_admitted(journal: SigningJournal, gone: str) -> None:
    """Any one of the files that is gone makes the journal incomplete, or shows as dropped."""
    use(journal, 35)
    journal.path.with_name(gone).unlink()
    assert not read(journal)[1].is_complete(NOW)


@pytest.mark.parametrize("gone", [0, 1, 4, 8])
def test_a_line_that_is_gone_is_admitted(journal: SigningJournal, gone: int) -> None:
    """Uses have numbers without a gap, so that a line that somebody took out, the first one too, is missed."""
    use(journal, 9)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    taken, reading = read(journal)
    assert len(taken) == (9 if gone == 0 else 8)
    assert reading.missing
    assert not reading.unreadable_lines


@pytest.mark.parametrize("moved", [False, True])
def test_a_crash_between_two_pages_loses_nothing(journal: SigningJournal, *, moved: bool) -> None:
    """A crash while the page is turned, before or after the full file moved, is mended by the next use."""
    use(journal, 9)
    following = journal.path.with_name("k.journal.next")
    following.write_bytes(encode_opening(JournalOpening(key_id=SIGNER.key_id, first=10)))
    following.chmod(0o600)
    if moved:
        journal.path.rename(journal.path.with_name("k.journal.00000001"))
    assert read(journal)[1].is_complete(NOW)
    use(journal, 5)
    taken, reading = read(journal)
    assert taken == [entry(number) for number in range(1, 15)]
    assert reading.is_complete(NOW)
    assert not following.exists()


def test_a_page_that_cannot_be_turned_is_tried_again(journal: SigningJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the full file cannot be set aside nothing is signed, the use stays written down, and the next one tries."""
    use(journal, 9)

    def fail(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        assert fault_of(journal) is JournalFault.UNWRITABLE
    use(journal)
    taken, reading = read(journal)
    assert [one.number for one in taken] == list(range(1, 12))
    assert reading.is_complete(NOW)


def test_a_broken_end_was_never_signed(journal: SigningJournal) -> None:
    """After a crash in the middle of a line the line is left out, and cut off before the next one is written."""
    use(journal)
    with journal.path.open("ab") as file:
        file.write(encode_entry(entry(2))[:40])
    taken, reading = read(journal)
    assert (taken, reading.cut_short) == ([entry(1)], True)
    assert reading.is_complete(NOW)
    use(journal)
    taken, reading = read(journal)
    assert (taken, reading.cut_short, reading.unreadable_lines) == ([entry(1), entry(2)], False, 0)


@pytest.mark.parametrize("damage", [b"?\n", b"x" * 1500 + b"\n", b"\n", b"x" * 1500, b"\0" * 1024, b"?\n" * 500])
def test_damage_is_admitted(journal: SigningJournal, damage: bytes) -> None:
    """A line that cannot be read makes the journal incomplete and hides no other line."""
    use(journal)
    with journal.path.open("ab") as file:
        file.write(damage)
    use(journal)
    taken, reading = read(journal)
    assert taken == [entry(1), entry(2)]
    assert reading.unreadable_lines
    assert not reading.is_complete(NOW)


def test_the_line_of_another_key_is_damage(journal: SigningJournal) -> None:
    """A journal holds the uses of one key."""
    use(journal)
    other = SoftwareSigner.generate(KeyAlgorithm.ED25519).key_id
    with journal.path.open("ab") as file:
        file.write(encode_entry(entry(2, key_id=other)))
    use(journal)
    taken, reading = read(journal)
    assert (taken, reading.unreadable_lines) == ([entry(1), entry(2)], 1)


def test_several_threads_lose_nothing(journal: SigningJournal) -> None:
    """Uses at the same time all stand in the journal under numbers of their own, across the turning of pages."""
    opened = [journal, journal, again(journal.path), again(journal.path)]
    threads = [threading.Thread(target=use, args=(one, 8)) for one in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken, reading = read(journal)
    assert taken == [entry(number) for number in range(1, 33)]
    assert reading.is_complete(NOW)


def test_a_reading_is_of_one_moment(journal: SigningJournal) -> None:
    """Uses during a reading, even so many that what is read is dropped meanwhile, neither show in it nor disturb it."""
    use(journal, 15)
    taken: list[JournalEntry] = []

    def take(one: JournalEntry) -> None:
        if not taken:
            use(journal, 45)
        taken.append(one)

    assert journal.read(NOW, take=take).is_complete(NOW)
    assert taken == [entry(number) for number in range(1, 16)]


def test_progress_is_reported(journal: SigningJournal) -> None:
    """A long journal reports how many of its files were read."""
    use(journal, 25)
    seen: list[tuple[int, int]] = []
    journal.read(NOW, take=lambda _: None, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("trick", ["symbolic", "hard", 0o622, 0o604, 0o640, 0o644])
def test_a_journal_of_somebody_else_is_refused(journal: SigningJournal, trick: str | int) -> None:
    """Neither a link nor a file with any right of others is taken for a journal, to write or to read."""
    target = journal.path.parent / "target"
    journal.path.rename(target)
    if trick == "symbolic":
        journal.path.symlink_to(target)
    elif trick == "hard":
        journal.path.hardlink_to(target)
    else:
        journal.path.write_bytes(OPENING)
        journal.path.chmod(int(trick))
    for attempt in (use, read):
        with pytest.raises(JournalError):
            attempt(journal)
    assert target.read_bytes() == OPENING


def signer(journal: SigningJournal, at: datetime = NOW, *, state: KeyState | None = None) -> JournalledSigner:
    """Return the key behind its journal, at a moment and in a state."""
    found = state or KeyState()
    return JournalledSigner(SIGNER, record=RECORD, read_state=lambda: found, journal=journal, clock=lambda: at)


def test_the_use_is_on_disk_before_the_signature(journal: SigningJournal) -> None:
    """Each signature's message stands in the journal by its digest."""
    signer(journal).sign(b"message")
    ((only,), _) = read(journal)
    assert only.digest == hashlib.sha256(b"message").hexdigest()


def test_without_a_journal_nothing_is_signed(journal: SigningJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the journal cannot be made durable, no signature leaves."""

    def fail(_stream: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.own_keys.journal.os.fsync", fail)
    with pytest.raises(JournalError) as caught:
        signer(journal).sign(b"message")
    assert caught.value.fault is JournalFault.UNWRITABLE


@pytest.mark.parametrize("at", [NOW - SECOND, RECORD.retires_at])
def test_a_key_signs_in_its_time_only(journal: SigningJournal, at: datetime) -> None:
    """Before its start and from its end on, a key refuses, and nothing is written down."""
    with pytest.raises(OwnKeyError) as caught:
        signer(journal, at).sign(b"message")
    assert caught.value.fault is OwnKeyFault.NOT_ACTIVE
    assert journal.path.read_bytes() == OPENING


def test_the_state_is_read_for_each_use(journal: SigningJournal) -> None:
    """What happens to a key counts from its next use on, in a process that opened it before as well."""
    states = [KeyState(), KeyState(compromised_since=NOW), KeyState(signs_until=NOW)]
    opened = JournalledSigner(
        SIGNER, record=RECORD, read_state=lambda: states.pop(0), journal=journal, clock=lambda: NOW
    )
    opened.sign(b"message")
    for _ in range(2):
        with pytest.raises(OwnKeyError) as caught:
            opened.sign(b"message")
        assert caught.value.fault is OwnKeyFault.NOT_ACTIVE
    assert read(journal)[1].uses == 1


def test_a_signer_of_another_key_is_refused(journal: SigningJournal) -> None:
    """A signer is put behind the journal of its own key only."""
    other = SoftwareSigner.generate(KeyAlgorithm.ED25519)
    with pytest.raises(OwnKeyError) as caught:
        JournalledSigner(other, record=RECORD, read_state=KeyState, journal=journal, clock=lambda: NOW)
    assert caught.value.fault is OwnKeyFault.KEY_MISMATCH
