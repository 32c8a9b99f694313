"""The folder of our keys: only plain files of ours, changed in one step, broken ones named."""

import fcntl
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from gateway.own_keys.drill import DrillOrder, rehearse
from gateway.own_keys.journal import JournalError, JournalFault
from gateway.own_keys.keystore import Keystore, KeystoreError, KeystoreFault, StoredKey
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.record import KeyAlgorithm, KeyPhase, KeyPurpose, KeyState, OwnKey, condemn, retire
from tests.support.own_keys import DAY, NOW, PASSPHRASE, make_key_file, make_store


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Keystore, StoredKey]:
    """Return a folder with one key."""
    return make_store(tmp_path)


def path_of(store: Keystore, stored: StoredKey, suffix: str = ".key") -> Path:
    """Return one of the files of a key."""
    return store.folder / (stored.id + suffix)


def only_fault(store: Keystore) -> KeystoreFault | OwnKeyFault:
    """Return why the one key of the folder is broken."""
    found, (broken,) = store.read()
    assert not found
    return broken.error.fault


def test_a_key_is_found_by_the_beginning_of_its_id(kept: tuple[Keystore, StoredKey]) -> None:
    """Eight characters name a key; fewer, and those of no key, are refused in words."""
    store, stored = kept
    assert store.find(stored.id[:8]).file == stored.file
    for beginning, fault in ((stored.id[:7], KeystoreFault.TOO_SHORT), ("g" * 8, KeystoreFault.NO_SUCH_KEY)):
        with pytest.raises(KeystoreError) as caught:
            store.find(beginning)
        assert caught.value.fault is fault


def test_a_beginning_of_several_ids_names_none(kept: tuple[Keystore, StoredKey]) -> None:
    """When two ids begin alike, neither is taken."""
    store, stored = kept
    (store.folder / (stored.id[:8] + "0" * 56 + ".key")).touch(mode=0o600)
    with pytest.raises(KeystoreError) as caught:
        store.find(stored.id[:8])
    assert caught.value.fault is KeystoreFault.AMBIGUOUS


def test_everything_is_for_the_owner_alone(kept: tuple[Keystore, StoredKey]) -> None:
    """Folder and files are made with rights for nobody else, whatever the umask, and no other file is left."""
    store, stored = kept
    old = os.umask(0)
    try:
        _, file = make_key_file(KeyAlgorithm.P256)
        store.add(file)
    finally:
        os.umask(old)
    assert store.folder.stat().st_mode & 0o777 == 0o700
    names = sorted(path.name for path in store.folder.iterdir())
    ids = (stored.id, file.record.id)
    assert names == sorted([".lock", *(one + suffix for one in ids for suffix in (".key", ".state", ".journal"))])
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in store.folder.iterdir())


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o666])
@pytest.mark.parametrize("suffix", [".key", ".state"])
def test_a_file_that_others_may_open_is_refused(kept: tuple[Keystore, StoredKey], mode: int, suffix: str) -> None:
    """Any right of group or others on a key or its state makes the key unusable."""
    store, stored = kept
    path_of(store, stored, suffix).chmod(mode)
    assert only_fault(store) is KeystoreFault.OPEN_PERMISSIONS


@pytest.mark.parametrize("suffix", [".key", ".state"])
@pytest.mark.parametrize("kind", ["symbolic", "hard", "fifo", "folder"])
def test_only_plain_files_are_opened(kept: tuple[Keystore, StoredKey], kind: str, suffix: str) -> None:
    """A link, even to the very file, a pipe or a folder in place of a file is refused and never waited for."""
    store, stored = kept
    path = path_of(store, stored, suffix)
    elsewhere = store.folder.parent / "elsewhere"
    path.rename(elsewhere)
    if kind == "symbolic":
        path.symlink_to(elsewhere)
    elif kind == "hard":
        path.hardlink_to(elsewhere)
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    else:
        path.mkdir(mode=0o700)
    assert only_fault(store) is KeystoreFault.NOT_A_PLAIN_FILE


def test_a_folder_that_is_a_link_is_refused(kept: tuple[Keystore, StoredKey]) -> None:
    """The folder is named itself, not by a link that others may turn."""
    store, _ = kept
    link = store.folder.parent / "link"
    link.symlink_to(store.folder)
    for folder in (link, store.folder / ".lock", store.folder.parent / "absent"):
        with pytest.raises(KeystoreError) as caught:
            Keystore(folder).read()
        assert caught.value.fault is KeystoreFault.NO_FOLDER


@pytest.mark.parametrize("mode", [0o770, 0o755, 0o750, 0o701])
def test_a_folder_that_others_may_use_is_refused(kept: tuple[Keystore, StoredKey], mode: int) -> None:
    """Who may write the folder may replace a key, and who may list it learns how the keys are used."""
    store, _ = kept
    store.folder.chmod(mode)
    with pytest.raises(KeystoreError) as caught:
        store.read()
    assert caught.value.fault is KeystoreFault.OPEN_PERMISSIONS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(kept: tuple[Keystore, StoredKey]) -> None:
    """A key that belongs to another user could change at any time."""
    store, stored = kept
    os.chown(path_of(store, stored), 65534, 65534)
    assert only_fault(store) is KeystoreFault.FOREIGN_OWNER


def test_a_missing_state_is_no_licence_to_sign(kept: tuple[Keystore, StoredKey]) -> None:
    """A key without its state is refused, since the state may have ended it."""
    store, stored = kept
    path_of(store, stored, ".state").unlink()
    assert only_fault(store) is KeystoreFault.STATE_MISSING


def test_a_key_under_another_name_is_refused(kept: tuple[Keystore, StoredKey]) -> None:
    """A file's name is the id of the key in it."""
    store, stored = kept
    path_of(store, stored).rename(store.folder / ("0" * 64 + ".key"))
    assert only_fault(store) is KeystoreFault.WRONG_NAME
    (store.folder / ("0" * 64 + ".key")).rename(store.folder / "spare.key")
    assert only_fault(store) is KeystoreFault.WRONG_NAME


def test_a_truncated_file_is_named_and_the_others_stay(kept: tuple[Keystore, StoredKey]) -> None:
    """One broken file hides no other key, and is named with its fault."""
    store, stored = kept
    _, file = make_key_file()
    store.add(file)
    content = path_of(store, stored).read_bytes()
    path_of(store, stored).write_bytes(content[: len(content) // 2])
    (found,), (broken,) = store.read()
    assert found.id == file.record.id
    assert (broken.place, broken.error.fault) == (stored.id + ".key", OwnKeyFault.MALFORMED)


def test_nothing_is_selected_while_a_file_is_broken(kept: tuple[Keystore, StoredKey]) -> None:
    """A key that cannot be read might be the one to use, so none is used in its place."""
    store, stored = kept
    assert store.select(KeyPurpose.LOG, NOW).id == stored.id
    with pytest.raises(KeystoreError) as caught:
        store.select(KeyPurpose.PARTNER, NOW)
    assert caught.value.fault is KeystoreFault.NO_SUCH_KEY
    path_of(store, stored).write_bytes(b"")
    with pytest.raises(OwnKeyError):
        store.select(KeyPurpose.LOG, NOW)


def test_a_rotation_overlaps(kept: tuple[Keystore, StoredKey]) -> None:
    """After a rotation the new key signs, and the old one may until the overlap ends."""
    store, stored = kept
    _, file = make_key_file(at=NOW + DAY)
    store.add(
        file,
        replacing=stored.id,
        change=lambda key: retire(key, replaced_by=file.record.id, signs_until=NOW + 8 * DAY),
    )
    assert store.select(KeyPurpose.LOG, NOW).id == stored.id
    assert store.select(KeyPurpose.LOG, NOW + DAY).id == file.record.id
    old = store.find(stored.id).key
    assert old.may_sign(NOW + 7 * DAY)
    assert not old.may_sign(NOW + 8 * DAY)


def test_a_key_is_replaced_once(kept: tuple[Keystore, StoredKey]) -> None:
    """Two rotations of one key at the same time end with one successor, and nothing of the other is left."""
    store, stored = kept
    first, second = make_key_file()[1], make_key_file()[1]

    def end(key: OwnKey) -> KeyState:
        return retire(key, replaced_by=first.record.id, signs_until=NOW)

    store.add(first, replacing=stored.id, change=end)
    with pytest.raises(KeystoreError) as caught:
        store.add(second, replacing=stored.id, change=end)
    assert caught.value.fault is KeystoreFault.RETIRED
    assert {one.id for one in store.read()[0]} == {stored.id, first.record.id}


def test_a_key_is_added_once(kept: tuple[Keystore, StoredKey]) -> None:
    """A key that is there is not written over."""
    store, stored = kept
    with pytest.raises(KeystoreError) as caught:
        store.add(stored.file)
    assert caught.value.fault is KeystoreFault.EXISTS


def test_a_state_can_get_worse_later(kept: tuple[Keystore, StoredKey]) -> None:
    """A compromise that is found out after the rotation is written down as well."""
    store, stored = kept
    successor = make_key_file()[1].record.id
    store.update(stored.id, lambda key: condemn(key, replaced_by=successor, since=NOW, at=NOW + DAY))
    assert store.find(stored.id).key.phase(NOW) is KeyPhase.COMPROMISED


@pytest.mark.parametrize("is_drill", [False, True])
def test_a_replaced_key_signs_no_more_wherever_it_was_opened(
    kept: tuple[Keystore, StoredKey], tmp_path: Path, *, is_drill: bool
) -> None:
    """After a drill a process that opened the key before signs no more, and all that it signed is on the list."""
    store, stored = kept
    running = store.unseal(stored, PASSPHRASE, clock=lambda: NOW + DAY)
    running.sign(b"before")
    order = DrillOrder(old=stored, since=NOW, at=NOW + DAY, is_drill=is_drill)
    report = rehearse(store, order, make_key=lambda: make_key_file(at=NOW + DAY)[1], folder=tmp_path / "out")
    with pytest.raises(OwnKeyError) as caught:
        running.sign(b"after")
    assert caught.value.fault is OwnKeyFault.NOT_ACTIVE
    listed = (tmp_path / "out" / "signed-since.jsonl").read_bytes()
    assert report.journal_complete
    assert listed.count(b"\n") == store.journal(stored.id).read(NOW, take=lambda _: None).uses == 1


def test_a_drill_ends_an_overlap(kept: tuple[Keystore, StoredKey], tmp_path: Path) -> None:
    """A drill of a key that was rotated before ends its overlap: nobody signs with it when the list is made."""
    store, stored = kept
    running = store.unseal(stored, PASSPHRASE, clock=lambda: NOW + DAY)
    _, file = make_key_file(at=NOW)
    end = NOW + 8 * DAY
    store.add(file, replacing=stored.id, change=lambda key: retire(key, replaced_by=file.record.id, signs_until=end))
    running.sign(b"in the overlap")
    order = DrillOrder(old=store.find(stored.id), since=NOW, at=NOW + DAY, is_drill=True)
    report = rehearse(store, order, make_key=pytest.fail, folder=tmp_path / "out")
    assert report.new == file.record
    with pytest.raises(OwnKeyError):
        running.sign(b"after")


def test_a_state_waits_for_a_use_that_has_begun(kept: tuple[Keystore, StoredKey]) -> None:
    """A key is retired before a use or after it, never while one is being written down."""
    store, stored = kept
    seen: list[str] = []
    begun = Event()

    def clock() -> datetime:
        thread.start()
        begun.wait()
        seen.append("use")
        return NOW

    def change(key: OwnKey) -> KeyState:
        seen.append("state")
        return replace(key.state, signs_until=NOW)

    def retire_now() -> None:
        begun.set()
        store.update(stored.id, change)

    thread = Thread(target=retire_now)
    store.unseal(stored, PASSPHRASE, clock=clock).sign(b"m")
    thread.join()
    assert seen == ["use", "state"]


def test_a_state_changes_under_the_lock_of_the_key(kept: tuple[Keystore, StoredKey]) -> None:
    """While the new state is worked out and written, nobody else can have the lock, and afterwards anybody can."""
    store, stored = kept
    held: list[bool] = []

    def is_held() -> bool:
        with path_of(store, stored, ".key").open("rb") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def change(key: OwnKey) -> KeyState:
        held.append(is_held())
        return replace(key.state, signs_until=NOW)

    store.update(stored.id, change)
    assert [*held, is_held()] == [True, False]


def test_a_state_that_is_gone_stops_the_signer(kept: tuple[Keystore, StoredKey]) -> None:
    """A process that cannot find out whether its key was retired does not sign."""
    store, stored = kept
    running = store.unseal(stored, PASSPHRASE, clock=lambda: NOW)
    path_of(store, stored, ".state").unlink()
    with pytest.raises(KeystoreError) as caught:
        running.sign(b"m")
    assert caught.value.fault is KeystoreFault.STATE_MISSING


def test_a_key_that_is_gone_has_no_state_to_change(kept: tuple[Keystore, StoredKey]) -> None:
    """A change of the state of no key is refused in words."""
    store, stored = kept
    path_of(store, stored).unlink()
    with pytest.raises(KeystoreError) as caught:
        store.update(stored.id, lambda key: key.state)
    assert caught.value.fault is KeystoreFault.NO_SUCH_KEY


def test_a_lost_journal_stops_the_signer_and_not_the_drill(kept: tuple[Keystore, StoredKey], tmp_path: Path) -> None:
    """Without its journal a key does not sign and can still be replaced; what is lost is admitted."""
    store, stored = kept
    running = store.unseal(stored, PASSPHRASE, clock=lambda: NOW)
    running.sign(b"m")
    path_of(store, stored, ".journal").unlink()
    with pytest.raises(JournalError) as caught:
        running.sign(b"m")
    assert caught.value.fault is JournalFault.LOST
    order = DrillOrder(old=stored, since=NOW, at=NOW + DAY, is_drill=False)
    report = rehearse(store, order, make_key=lambda: make_key_file(at=NOW + DAY)[1], folder=tmp_path / "out")
    assert not report.journal_complete


def test_a_failed_write_leaves_the_old_file(kept: tuple[Keystore, StoredKey], monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails, the state is as it was, and no piece of a file is left behind."""
    store, stored = kept
    before = sorted(path.name for path in store.folder.iterdir())

    def fail(_stream: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.own_keys.folder.os.fsync", fail)
    with pytest.raises(KeystoreError) as caught:
        store.update(stored.id, lambda key: replace(key.state, signs_until=NOW))
    assert caught.value.fault is KeystoreFault.UNWRITABLE
    monkeypatch.undo()
    assert sorted(path.name for path in store.folder.iterdir()) == before
    assert store.find(stored.id).key.state == stored.key.state


def test_the_signer_of_a_file_signs(kept: tuple[Keystore, StoredKey]) -> None:
    """A key opened with its passphrase signs, and the use stands in its journal."""
    store, stored = kept
    signer = store.unseal(stored, PASSPHRASE, clock=lambda: NOW)
    signer.sign(b"checkpoint")
    taken = []
    assert store.journal(stored.id).read(NOW, take=taken.append).is_complete(NOW)
    assert [entry.at for entry in taken] == [NOW]
