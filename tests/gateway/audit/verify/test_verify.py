"""An export of the log is verified: one changed byte, a dishonest operator, over HTTP, by the command."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.audit.leaf import LeafDraft, LeafKind, encode_leaf, parse_leaf
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.quorum import encode_policy
from gateway.audit.tlog.tile import ENTRIES, TileAddress, encode_bundle, encode_tile_path, parse_bundle
from gateway.audit.verify.finding import MAX_FINDINGS, SENTENCES, FindingKind
from gateway.audit.verify.source import FolderSource, HttpSource, SourceError, SourceFault, open_source
from gateway.audit.verify.verifier import NoPolicyError, verify_log
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN, START_MS
from tests.support.cli import tongban

SIZE = 603


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("genuine")
    exports.append(folder / "log", exports.usual_entries())
    exports.export_site(folder / "log", folder / "out")
    return folder / "out"


@pytest.fixture
def export(genuine: Path, tmp_path: Path) -> Path:
    shutil.copytree(genuine, tmp_path / "export")
    return tmp_path / "export"


def leaves_of(export: Path) -> list[bytes]:
    leaves: list[bytes] = []
    for index in range(-(-SIZE // 256)):
        width = min(SIZE - 256 * index, 256)
        path = encode_tile_path(TileAddress(ENTRIES, index, width))
        leaves += parse_bundle((export / path).read_bytes(), width)
    return leaves


# --- one byte ---------------------------------------------------------------------------------------------------------


def test_a_changed_byte_of_any_file_is_noticed(export: Path) -> None:
    """Whatever byte of whatever file is changed, the verifier names a fault, and raises nothing but its own error."""
    for path in sorted(path for path in export.rglob("*") if path.is_file()):
        data = path.read_bytes()
        step = max(len(data) // 12, 1)
        for at in sorted({*range(0, len(data), step), len(data) - 1}):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert not exports.verified(export).is_sound, f"{path.relative_to(export)}, byte {at}"
        path.write_bytes(data)
    assert exports.verified(export).is_sound


def test_a_missing_or_cut_file_is_noticed(export: Path) -> None:
    """Whatever file is taken away, emptied or cut short by a byte, the verifier names it or says who is to be named."""
    for path in sorted(path for path in export.rglob("*") if path.is_file()):
        data = path.read_bytes()
        for left in (None, b"", data[:-1], data + b"\0"):
            path.unlink()
            if left is not None:
                path.write_bytes(left)
            found = exports.verified(export)
            assert not found.is_sound, (path, left and len(left))
            path.write_bytes(data)


def test_an_export_without_manifest_does_not_pass(export: Path) -> None:
    """Whoever takes the manifest away, and policies with it, leaves a folder that is no export."""
    (export / "manifest.json").unlink()
    for policy in (export / "policies").iterdir():
        policy.unlink()
    found = exports.verified(export)
    assert [(one.kind, one.path) for one in found.findings] == [(FindingKind.MISSING, "manifest.json")]
    assert not found.is_export


def shrink(export: Path, first: int, end: int) -> None:
    """Leave out the entries outside [first, end), as whoever hands on an export can."""
    exports.edit_json(export / "manifest.json", lambda value: value.update(first=first, end=end))
    for path in (export / "tile/entries").iterdir():
        if not first <= int(path.name.split(".")[0]) * 256 < end:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted((export / "tile/entries").rglob("*.p")):
        if not first <= int(path.name.split(".")[0]) * 256 < end:
            shutil.rmtree(path)


def test_an_export_whose_entries_were_left_out_is_sound_in_part(export: Path) -> None:
    """A narrower range is never taken for the whole log: it is a part, with its times; or a fault, if all is asked."""
    whole = exports.verified(export)
    assert (whole.is_whole, whole.first_t, whole.last_t) == (True, START_MS, START_MS + exports.DAY_MS + 2)
    shrink(export, 256, 512)
    part = exports.verified(export)
    assert (part.is_sound, part.is_whole, part.first, part.end) == (True, False, 256, 512)
    assert (part.first_t, part.last_t) == (START_MS + 1, START_MS + exports.DAY_MS + 2)
    asked = verify_log(FolderSource(export), policy=exports.POLICY, whole=True)
    assert exports.kinds(asked) == {FindingKind.PART}
    assert verify_log(FolderSource(export), policy=exports.POLICY).is_sound


def test_an_export_without_entries_is_not_sound(export: Path) -> None:
    """Where every entry was left out, nothing was verified, and the verdict says so."""
    shrink(export, 256, 256)
    assert exports.kinds(exports.verified(export)) == {FindingKind.EMPTY}


def test_a_log_that_nobody_witnesses_is_not_called_witnessed(export: Path, tmp_path: Path) -> None:
    """Where the policy asks for no witnesses, none is counted; who cosigned all the same is."""
    nobody = replace(exports.POLICY, witnesses=(), groups=(), quorum="none")
    found = exports.verified(export, nobody)
    assert (found.is_sound, found.witnessed_size, found.has_quorum) == (True, None, False)
    unasked = exports.verified(export, exports.without_bundles(exports.POLICY))
    assert (unasked.witnessed_size, set(unasked.cosigned)) == (SIZE, {"w1", "w2"})
    policy = tmp_path / "policy"
    policy.write_bytes(encode_policy(nobody))
    assert tongban("audit", "verify", export, "--policy", policy, "--json").object["witnessed"] is None
    assert "nobody witnesses this log" in tongban("audit", "verify", export, "--policy", policy).out


def test_a_log_at_an_address_needs_no_manifest(export: Path) -> None:
    """A log that is served is verified as a log, and whoever looks is told that nothing else was."""
    (export / "manifest.json").unlink()
    found = exports.verified_log(export, exports.without_bundles(exports.POLICY))
    assert (found.is_sound, found.is_export) == (True, False)


def test_a_changed_entry_is_named_by_its_number(export: Path) -> None:
    """The fault of an entry says which one it is."""
    path = export / "tile/entries/001"
    entries = parse_bundle(path.read_bytes())
    entries[44] = entries[44].replace(b'"outcome":"valid"', b'"outcome":"other"')
    path.write_bytes(encode_bundle(entries))
    assert exports.entries_of(exports.verified(export), FindingKind.ENTRY) == [300]


def test_swapped_entries_are_named(export: Path) -> None:
    """Two entries that change places are both named."""
    path = export / "tile/entries/000"
    entries = parse_bundle(path.read_bytes())
    entries[7], entries[9] = entries[9], entries[7]
    path.write_bytes(encode_bundle(entries))
    assert exports.entries_of(exports.verified(export), FindingKind.ENTRY) == [7, 9]


def test_a_surplus_file_is_noticed(export: Path) -> None:
    """Nothing lies in an export that the manifest and the tree do not account for."""
    (export / "tile/entries/009").write_bytes(b"")
    found = exports.verified(export)
    assert [(one.kind, one.path) for one in found.findings] == [(FindingKind.SURPLUS, "tile/entries/009")]


def test_surplus_is_found_wherever_it_lies(export: Path) -> None:
    """A file in a folder of its own and a link to a folder are surplus; what lies behind the link is not looked at."""
    (export / "more/and more").mkdir(parents=True)
    (export / "more/and more/.hidden").write_bytes(b"")
    (export / "link").symlink_to(export / "tile")
    found = exports.verified(export)
    assert {(one.kind, one.path) for one in found.findings} == {
        (FindingKind.SURPLUS, "more/and more/.hidden"),
        (FindingKind.SURPLUS, "link"),
    }


def test_the_manifest_opens_nothing_outside_the_folder(export: Path) -> None:
    """A manifest that names a file elsewhere is refused before anything is read."""
    exports.edit_json(export / "manifest.json", lambda value: value["files"].update({"../secret": "0" * 64}))
    assert FindingKind.MALFORMED in exports.kinds(exports.verified(export))


# --- an operator who is not honest ------------------------------------------------------------------------------------


def test_a_dropped_entry_leaves_a_gap_even_in_a_tree_signed_anew(export: Path, tmp_path: Path) -> None:
    """Whoever drops an entry and signs the rest as a new tree is given away by the caller's numbers."""
    leaves = leaves_of(export)
    exports.write_log(tmp_path / "forged", leaves[:100] + leaves[101:])
    found = exports.verified_log(tmp_path / "forged")
    assert exports.kinds(found) >= {FindingKind.SEQUENCE}
    caller = parse_leaf(leaves[100]).content.caller
    following = next(n for n in range(101, SIZE) if parse_leaf(leaves[n]).content.caller == caller) - 1
    assert exports.entries_of(found, FindingKind.SEQUENCE) == [following]


def test_entries_out_of_order_are_noticed_in_a_tree_signed_anew(export: Path, tmp_path: Path) -> None:
    """Entries that change places in a tree signed anew break numbers and times."""
    leaves = leaves_of(export)
    leaves[50], leaves[500] = leaves[500], leaves[50]
    exports.write_log(tmp_path / "forged", leaves)
    assert exports.kinds(exports.verified_log(tmp_path / "forged")) >= {FindingKind.SEQUENCE, FindingKind.TIME}


def test_what_is_no_leaf_is_noticed_in_a_signed_tree(export: Path, tmp_path: Path) -> None:
    """An entry that is no canonical leaf is named, whoever signed it."""
    leaves = leaves_of(export)
    leaves[3] = leaves[3].replace(b'"caller"', b' "caller"', 1)
    exports.write_log(tmp_path / "forged", leaves)
    found = exports.verified_log(tmp_path / "forged")
    assert exports.entries_of(found, FindingKind.LEAF) == [3]


def test_an_old_checkpoint_is_noticed_in_an_export(export: Path) -> None:
    """The checkpoint of a smaller tree contradicts the manifest."""
    old = exports.write_log(export.parent / "old", leaves_of(export)[:500])
    (export / "checkpoint").write_bytes(exports.encode_checkpoint(old))
    assert {FindingKind.MANIFEST, FindingKind.DIGEST} <= exports.kinds(exports.verified(export))


def test_a_checkpoint_of_another_history_is_noticed(export: Path) -> None:
    """A further checkpoint that the log signed over other entries has a root that these do not lead to."""
    leaves = leaves_of(export)
    other = exports.write_log(export.parent / "other", [leaves[1], leaves[0], *leaves[2:400]])
    data = exports.encode_checkpoint(other)
    (export / "checkpoints/398").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    exports.edit_json(export / "manifest.json", lambda value: value["files"].update({"checkpoints/398": digest}))
    found = exports.verified(export)
    assert [(one.kind, one.path) for one in found.findings] == [(FindingKind.ROOT, "checkpoints/398")]


@pytest.mark.parametrize("origin", [ORIGIN, "gw.340000/access/2026h2"], ids=["same name", "own name"])
def test_a_foreign_log_is_not_believed(export: Path, tmp_path: Path, origin: str) -> None:
    """A log signed by another key than the auditor's policy names is nobody's, whatever it calls itself."""
    exports.write_log(tmp_path / "foreign", leaves_of(export), exports.foreign_signer(origin))
    assert exports.kinds(exports.verified_log(tmp_path / "foreign", exports.POLICY)) == {FindingKind.CHECKPOINT}


def test_a_signed_size_without_entries_ends_soon(tmp_path: Path) -> None:
    """A log that signs an impossible size is refused after as many faults as are kept."""
    signed = exports.sign_checkpoint(exports.Checkpoint(origin=ORIGIN, size=2**60, root=bytes(32)), [exports.SIGNER])
    tmp_path.joinpath("checkpoint").write_bytes(exports.encode_checkpoint(signed))
    found = exports.verified(tmp_path)
    assert len(found.findings) == MAX_FINDINGS


def test_too_few_witnesses_are_noticed(genuine: Path, tmp_path: Path) -> None:
    """A log whose checkpoints one witness of three cosigned does not satisfy a policy that asks for two."""
    log = genuine.parent / "log"
    head = parse_checkpoint((genuine / "checkpoint").read_bytes())
    exports.export_site(log, tmp_path / "out", further=(exports.cosigned(head, exports.COSIGNERS[:1]),))
    assert exports.kinds(exports.verified(tmp_path / "out")) == {FindingKind.QUORUM}


def test_without_a_policy_somebody_must_be_named(export: Path) -> None:
    """A log that names nobody, verified by somebody who names nobody, proves nothing."""
    (export / "trust.policy").unlink()
    with pytest.raises(NoPolicyError):
        exports.verified(export, None)


# --- many parts -------------------------------------------------------------------------------------------------------


def write_parts(folder: Path) -> None:
    """Write a log of as many entries as keep several processes busy; one of them stands there twice."""
    draft = LeafDraft(kind=LeafKind.DENY, req="R", caller="c")
    leaves = [encode_leaf(draft, t=START_MS, seq=number + 1) for number in range(66_000)]
    leaves[65_600] = leaves[65_599]
    exports.write_log(folder, leaves)


def test_all_cores_find_what_one_finds(tmp_path: Path) -> None:
    """A log of several parts gives the same outcome on one core and on more, also where it has faults."""
    write_parts(tmp_path)
    told: list[int] = []
    one = verify_log(open_source(str(tmp_path)))
    assert one == verify_log(open_source(str(tmp_path)), workers=2, progress=lambda done, _: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 66_000
    assert exports.entries_of(one, FindingKind.SEQUENCE) == [65_600, 65_601]


def test_what_cannot_be_read_is_no_finding_on_any_core(tmp_path: Path) -> None:
    """A folder in place of a bundle ends the verification, whichever process comes upon it."""
    write_parts(tmp_path)
    for bundle in ("200", "000"):
        (tmp_path / "tile/entries" / bundle).unlink()
        (tmp_path / "tile/entries" / bundle).mkdir()
        for workers in (1, 2):
            with pytest.raises(SourceError) as caught:
                verify_log(open_source(str(tmp_path)), workers=workers)
            assert caught.value.fault is SourceFault.UNREADABLE


# --- over HTTP --------------------------------------------------------------------------------------------------------


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""


@contextmanager
def served(handler: Callable[..., SimpleHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_served_export_is_verified_as_its_folder_is(export: Path) -> None:
    """Over HTTP an export is sound when it is, and has the same faults when it has some."""
    with served(partial(_Quiet, directory=str(export))) as url:
        with closing(HttpSource(url)) as source:
            assert verify_log(source, policy=exports.POLICY).is_sound
        path = export / "tile/entries/001"
        path.write_bytes(path.read_bytes().replace(b"valid", b"other", 1))
        with closing(HttpSource(url + "/")) as source:
            assert FindingKind.ENTRY in exports.kinds(verify_log(source, policy=exports.POLICY))


def test_a_server_that_answers_otherwise_is_no_finding() -> None:
    """An answer that is no file says nothing about the log: the verifier reports that it could not read."""

    class Broken(_Quiet):
        def do_GET(self) -> None:
            self.send_error(503)

    class Endless(_Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(2**40))
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(65536))
            except OSError:
                self.close_connection = True

    class Short(_Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"short")
            self.close_connection = True

    for handler, fault in ((Broken, SourceFault.STATUS), (Short, SourceFault.CUT_SHORT)):
        with served(handler) as url, closing(HttpSource(url)) as source, pytest.raises(SourceError) as caught:
            source.read("checkpoint", 1000)
        assert caught.value.fault is fault
    with served(Endless) as url, closing(HttpSource(url)) as source:
        assert len(source.read("checkpoint", 1000) or b"") == 1001


@pytest.mark.parametrize("url", ["http://", "ftp://a/b", "http://a:99999/", "http://u@a/", "http://a/?q"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    """Only plain http and https addresses are taken."""
    with pytest.raises(SourceError) as caught:
        HttpSource(url)
    assert caught.value.fault is SourceFault.URL


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_tells_faults_apart_from_what_cannot_be_read(export: Path, tmp_path: Path) -> None:
    """Sound is 0, a fault is 1 and named, what cannot be read is 2; in Chinese where the locale asks for it."""
    policy = tmp_path / "policy"
    policy.write_bytes(encode_policy(exports.POLICY))
    assert tongban("audit", "verify", export, "--policy", policy, "--whole").code == 0
    assert tongban("audit", "verify", tmp_path / "nothing", "--json").code == 2
    path = export / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"valid", b"other", 1))
    ended = tongban("audit", "verify", export, "--json")
    assert ended.code == 1
    assert [finding["kind"] for finding in ended.object["findings"]] == ["entry-differs"]
    assert "条目 256" in tongban("audit", "verify", export, locale="zh_CN.UTF-8").out


def test_the_command_says_what_is_only_a_part(export: Path, tmp_path: Path) -> None:
    """A part of a log is sound in part, with its first and last time, and a fault with ``--whole``."""
    policy = tmp_path / "policy"
    policy.write_bytes(encode_policy(exports.POLICY))
    asked = ("audit", "verify", export, "--policy", policy)
    whole = tongban(*asked, "--json").object
    assert (whole["whole"], whole["first_time"], whole["last_time"]) == (
        True,
        "2026-09-21T14:13:20Z",
        "2026-09-22T14:13:20Z",
    )
    shrink(export, 0, 256)
    part = tongban(*asked)
    assert part.code == 0
    assert part.out.startswith("sound, in part")
    assert "(2026-09-21T14:13:20Z to 2026-09-21T14:13:20Z)" in part.out
    assert tongban(*asked, "--json").object["whole"] is False
    assert "部分核验通过" in tongban(*asked, locale="zh_CN.UTF-8").out
    refused = tongban(*asked, "--whole", "--json")
    assert refused.code == 1
    assert [finding["kind"] for finding in refused.object["findings"]] == ["part-only"]


def test_every_kind_of_fault_has_its_sentences() -> None:
    """Each kind can be said in both languages."""
    assert set(SENTENCES) == set(FindingKind)
