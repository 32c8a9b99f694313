"""Exports: what is written, that it passes its own verifier and another's, and that nothing half-written stays."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.audit.export import ExportPlaceError
from gateway.audit.store.memory import MemoryStore
from gateway.audit.tlog.note_key import encode_vkey
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.finding import FindingKind
from gateway.audit.verify.manifest import parse_manifest
from tests.gateway.audit import exports
from tests.support.audit import SIGNER, START_MS, Clock, opened, sqlite_setup
from tests.support.cli import tongban


@pytest.fixture(scope="module")
def log_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    exports.append(folder, exports.usual_entries())
    return folder


def test_an_export_holds_the_whole_log_and_passes_the_verifier(log_folder: Path, tmp_path: Path) -> None:
    """An export without bounds has every entry, both policy bundles and the cosigned checkpoint, and is sound."""
    exported = exports.export_site(log_folder, tmp_path / "out")
    found = exports.verified(tmp_path / "out")
    assert (exported.first, exported.end, exported.policies, exported.missing) == (0, 603, 2, ())
    assert found.is_sound
    assert (found.size, found.callers, found.policies, found.seals, found.witnessed_size) == (603, 4, 2, 1, 603)


def test_a_stretch_is_exported_in_whole_bundles(log_folder: Path, tmp_path: Path) -> None:
    """The entries of a time are exported with all that share a bundle with them, and the stretch is sound alone."""
    exported = exports.export_site(log_folder, tmp_path / "out", since=START_MS + exports.DAY_MS + 2)
    assert (exported.first, exported.end) == (256, 603)
    assert exports.verified(tmp_path / "out").is_sound
    assert not (tmp_path / "out/tile/entries/000").exists()


def test_a_time_without_entries_is_an_empty_stretch(log_folder: Path, tmp_path: Path) -> None:
    """An export of a time after the last entry has the tree and no entries, and nobody calls it sound."""
    exported = exports.export_site(log_folder, tmp_path / "out", since=START_MS + 9 * exports.DAY_MS)
    assert exported.first == exported.end
    found = exports.verified(tmp_path / "out")
    assert (exports.kinds(found), found.first_t, found.last_t) == ({FindingKind.EMPTY}, None, None)


def test_a_bundle_that_the_archive_lacks_is_named_and_noticed(log_folder: Path, tmp_path: Path) -> None:
    """An export without a policy bundle that entries name says so, and so does its verification."""

    def read(digest: str) -> bytes:
        if digest == exports.NEW:
            raise KeyError(digest)
        return exports.BUNDLES[digest]

    with opened(sqlite_setup(log_folder, Clock(START_MS + 3 * exports.DAY_MS))) as log:
        order = exports.ExportOrder(policy=exports.without_bundles(exports.POLICY), read_bundle=read)
        exported = exports.export_log(log.store, order, tmp_path / "out")
    found = exports.verified(tmp_path / "out", exports.without_bundles(exports.POLICY))
    assert exported.missing == (exports.NEW,)
    assert exports.kinds(found) == {FindingKind.POLICY_MISSING}


def test_a_folder_in_use_is_left_alone(log_folder: Path, tmp_path: Path) -> None:
    """An export never writes into a folder that has something in it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine", encoding="ascii")
    with pytest.raises(ExportPlaceError):
        exports.export_site(log_folder, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_log_without_entries_is_not_exported(tmp_path: Path) -> None:
    """There is no checkpoint of nothing, and no folder is left behind."""
    with pytest.raises(LogUnavailableError) as caught:
        exports.export_log(MemoryStore(), exports.order(), tmp_path / "out")
    assert caught.value.reason is Unavailable.UNUSABLE
    assert not list(tmp_path.iterdir())


def test_a_store_that_contradicts_its_tree_is_not_exported(log_folder: Path, tmp_path: Path) -> None:
    """An entry that does not hash to its tile ends the export, and nothing of it stays."""
    with opened(sqlite_setup(log_folder, Clock(START_MS + 3 * exports.DAY_MS))) as log:
        store = log.store
        genuine = store.leaves
        store.leaves = lambda first, end: [b"{}", *genuine(first, end)[1:]]  # type: ignore[method-assign]
        with pytest.raises(LogUnavailableError) as caught:
            exports.export_log(store, exports.order(), tmp_path / "out")
    assert caught.value.reason is Unavailable.CORRUPT
    assert not list(tmp_path.iterdir())


def test_the_manifest_lists_every_file_beside_the_tree(log_folder: Path, tmp_path: Path) -> None:
    """Whatever is neither a tile nor an entry has its digest in the manifest."""
    exports.export_site(log_folder, tmp_path / "out")
    manifest = parse_manifest((tmp_path / "out/manifest.json").read_bytes())
    beside = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and "tile" not in path.parts
    }
    assert set(manifest.files) == beside - {"manifest.json"}


def test_the_commands_export_verify_and_prove(log_folder: Path, tmp_path: Path) -> None:
    """What `audit export` writes, `audit verify` calls sound, and `audit prove` proves an entry of."""
    site = exports.write_site(tmp_path / "site", log_folder)
    out = tmp_path / "out"
    exported = tongban("audit", "export", "--site", site, "-o", out, "--json")
    assert (exported.code, exported.object["size"], exported.object["missing_policies"]) == (0, 603, [])
    policy = tmp_path / "auditor.policy"
    policy.write_bytes(exports.encode_policy(exports.without_bundles(exports.POLICY)))
    verified = tongban("audit", "verify", out, "--policy", policy, "--json")
    assert (verified.code, verified.object["outcome"], verified.object["findings"]) == (0, "valid", [])
    proved = tongban("audit", "prove", out, "300", "-o", tmp_path / "one.tlog-proof", "--json")
    assert (proved.code, proved.object["entry"]) == (0, 300)
    again = tongban("audit", "export", "--site", site, "-o", out)
    assert again.code == 2
    assert tongban("audit", "export", "--site", site, "-o", tmp_path / "no", "--log", "2025h1").code == 2


@pytest.mark.slow
def test_an_export_passes_the_checker_of_tessera(log_folder: Path, tmp_path: Path) -> None:
    """Tessera's fsck, in another language and by other people, finds our export whole, and a changed one not."""
    # Not by the name `fsck`: on every Linux that one checks file systems.
    fsck = os.environ.get("TESSERA_FSCK") or shutil.which("tessera-fsck")
    if fsck is None:
        pytest.skip("Tessera's fsck is not here: name it in TESSERA_FSCK, or put it on PATH as tessera-fsck")
    exports.export_site(log_folder, tmp_path / "out")
    (tmp_path / "key").write_text(encode_vkey(SIGNER.key), encoding="utf-8")
    # With fewer workers than tiles, version 1.0.4 waits for ever after the first fault.
    command = [fsck, f"-storage_url=file://{tmp_path}/out/", f"-public_key={tmp_path}/key", "-ui=false", "-N=32"]
    assert _is_content(command)
    bundle = tmp_path / "out/tile/entries/001"
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.write_bytes(data)
    assert not _is_content(command)


def _is_content(command: list[str]) -> bool:
    """Answer whether it says so: version 1.0.4 ends with 0 whatever it finds."""
    ran = subprocess.run(command, capture_output=True, check=False, timeout=120)  # noqa: S603 - named by the tester
    return ran.returncode == 0 and b"Successfully fsck" in ran.stdout + ran.stderr
