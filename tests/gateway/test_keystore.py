"""The folder of our keys: only plain files of ours, changed in one step, broken ones named."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.keystore import Keystore, KeystoreError, KeystoreFault, StoredKey
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


def test_a_folder_that_others_may_write_is_refused(kept: tuple[Keystore, StoredKey]) -> None:
    """Who may write the folder may replace a key."""
    store, _ = kept
    store.folder.chmod(0o770)
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


def test_a_failed_write_leaves_the_old_file(kept: tuple[Keystore, StoredKey], monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails, the state is as it was, and no piece of a file is left behind."""
    store, stored = kept
    before = sorted(path.name for path in store.folder.iterdir())

    def fail(_stream: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.keystore.os.fsync", fail)
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
    assert store.journal(stored.id).read(NOW, stored.id, take=taken.append).is_complete(NOW)
    assert [entry.at for entry in taken] == [NOW]
