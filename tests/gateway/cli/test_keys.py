"""``tongban keys`` as its users see it: what it writes, what it says, how it ends."""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.key_sentences import SENTENCES
from gateway.cli.keys import keys_app
from gateway.cli.passphrase import VARIABLE, PassphraseError, PassphraseFault, read_passphrase
from gateway.own_keys.journal import JournalFault
from gateway.own_keys.keystore import Keystore, KeystoreFault
from keys.own.errors import OwnKeyFault
from keys.own.record import KeyPurpose
from keys.own.signer import verify_own_signature

PASSPHRASE = "correct horse battery"  # noqa: S105 - of keys that live for one test
TODAY = datetime.now(UTC)
DAY = timedelta(days=1)


class Shell:
    """Runs ``tongban keys`` in a folder of its own, with cheap scrypt and a passphrase file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "keys"
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE + "\n")
        self.passphrase.chmod(0o600)

    def run(self, *words: str | Path, environ: dict[str, str] | None = None) -> Result:
        """Run one command; whatever happens, there is no traceback and no secret in what it says."""
        result = CliRunner().invoke(
            keys_app,
            [str(word) for word in words],
            env={"TONGBAN_KEYS_DIR": str(self.folder), "LC_ALL": "C", VARIABLE: "", **(environ or {})},
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert PASSPHRASE not in result.output
        assert "Traceback" not in result.output
        return result

    def objects(self, *words: str | Path, code: int = 0) -> list[Any]:
        """Run a command with ``--json`` and return what it printed."""
        result = self.run(*words, "--json")
        assert result.exit_code == code, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def make(self, *words: str | Path) -> dict[str, Any]:
        """Make a key and return its JSON object."""
        (made,) = self.objects("new", "--purpose", "log", *words, *self.cheap)
        assert isinstance(made, dict)
        return made

    @property
    def cheap(self) -> tuple[str | Path, ...]:
        """The options that keep scrypt short and name the passphrase."""
        return ("--scrypt-mib", "16", "--passphrase-file", self.passphrase)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a place to run commands in."""
    return Shell(tmp_path)


def sign(shell: Shell, key: str, *messages: bytes) -> None:
    """Use a key of the folder as the gateway does."""
    store = Keystore(shell.folder)
    signer = store.unseal(store.find(key), PASSPHRASE.encode(), clock=lambda: datetime.now(UTC))
    for message in messages:
        signature = signer.sign(message)
        verify_own_signature(
            algorithm=signer.algorithm, public_key=signer.public_key, message=message, signature=signature
        )


@pytest.mark.parametrize("algorithm", ["sm2", "p-256", "ed25519"])
@pytest.mark.parametrize("cipher", ["aes-256-gcm", "sm4-gcm"])
def test_a_new_key_is_listed_and_signs(shell: Shell, algorithm: str, cipher: str) -> None:
    """A key of each algorithm under each cipher is made, listed alike, and signs."""
    made = shell.make("--algorithm", algorithm, "--cipher", cipher)
    assert (made["algorithm"], made["cipher"], made["phase"]) == (algorithm, cipher, "active")
    assert shell.objects("list") == [made]
    sign(shell, made["id"], b"message")


def test_sm2_is_the_default(shell: Shell) -> None:
    """Without options a key is SM2 under AES-256-GCM, signs for a year and counts for ten more."""
    made = shell.make()
    assert (made["algorithm"], made["cipher"]) == ("sm2", "aes-256-gcm")
    times = [datetime.fromisoformat(made[name]) for name in ("active_from", "signs_until", "verifies_until")]
    assert times[1] - times[0] == 365 * DAY
    assert times[2] - times[1] == 3650 * DAY


def test_people_get_words(shell: Shell) -> None:
    """Without --json there are lines and a table, with the beginning of the id; in a Chinese locale in Chinese."""
    made = shell.make()
    listed = shell.run("list")
    assert made["id"][:16] in listed.output
    assert "active" in listed.output
    assert "可签名" in shell.run("list", environ={"LC_ALL": "zh_CN.UTF-8"}).output
    again = shell.run("new", "--purpose", "caller", *shell.cheap)
    assert "signs" in again.output


def test_a_list_shows_another_day(shell: Shell) -> None:
    """With --at the phases are those of that moment."""
    shell.make("--active-from", (TODAY + 2 * DAY).isoformat())
    assert shell.objects("list")[0]["phase"] == "pending"
    assert shell.objects("list", "--at", (TODAY + 3 * DAY).isoformat())[0]["phase"] == "active"
    assert shell.objects("list", "--at", "yesterday", code=2)[0]["error"] == "usage"


def test_rotation_overlaps(shell: Shell) -> None:
    """After a rotation both keys are active, the old one until the overlap ends; a second rotation is refused."""
    made = shell.make("--algorithm", "p-256")
    old, new = shell.objects("rotate", made["id"][:10], "--overlap-days", "3", *shell.cheap)
    assert (old["id"], old["replaced_by"], new["algorithm"]) == (made["id"], new["id"], "p-256")
    assert (old["phase"], new["phase"]) == ("active", "active")
    overlap = datetime.fromisoformat(old["signs_until"]) - datetime.fromisoformat(new["active_from"])
    assert overlap == 3 * DAY
    assert Keystore(shell.folder).select(KeyPurpose.LOG, datetime.now(UTC)).id == new["id"]
    assert shell.objects("rotate", made["id"], *shell.cheap, code=2)[0]["error"] == "retired"


def test_a_rotation_leaves_no_gap(shell: Shell) -> None:
    """A new key that would start after the old one has ended is refused, and one that starts at its end is not."""
    made = shell.make("--days", "10")
    end = datetime.fromisoformat(made["signs_until"])
    words = ("rotate", made["id"], *shell.cheap, "--active-from")
    (error,) = shell.objects(*words, (end + timedelta(seconds=1)).isoformat(), code=2)
    assert (error["error"], made["signs_until"] in error["detail"]) == ("usage", True)
    assert shell.objects("list") == [made]
    old, new = shell.objects(*words, end.isoformat())
    assert old["signs_until"] == new["active_from"] == made["signs_until"]


def test_a_key_that_has_ended_is_rotated_at_once(shell: Shell) -> None:
    """The successor of a key that ended long ago may start now; later than now would lengthen the gap."""
    made = shell.make("--active-from", (TODAY - 20 * DAY).isoformat(), "--days", "10")
    words = ("rotate", made["id"], *shell.cheap)
    (error,) = shell.objects(*words, "--active-from", (TODAY + DAY).isoformat(), code=2)
    assert error["error"] == "usage"
    assert shell.objects(*words)[1]["phase"] == "active"


def test_the_public_half_has_three_forms(shell: Shell) -> None:
    """PEM, JWK and the entry of a trust list name the same key; another form is refused."""
    made = shell.make()
    assert shell.run("export-public", made["id"]).output.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert json.loads(shell.run("export-public", made["id"], "--form", "jwk").output)["kid"] == made["id"]
    (entry,) = shell.objects("export-public", made["id"], "--form", "trust-list")
    assert set(entry["value"]) == {"id", "algorithm", "public_key"}
    assert shell.objects("export-public", made["id"], "--form", "p12", code=2)[0]["error"] == "usage"


def test_a_drill_replaces_lists_and_notifies(shell: Shell, tmp_path: Path) -> None:
    """A drill replaces the key at once, lists what it signed, and writes notices that say that it is a drill."""
    made = shell.make()
    sign(shell, made["id"], b"one", b"two")
    out = tmp_path / "out"
    since = (TODAY - DAY).isoformat()
    (report,) = shell.objects(
        "drill", made["id"], "--since", since, "--out", out, "--passphrase-file", shell.passphrase
    )
    assert (report["drill"], report["uses"], report["journal_complete"]) == (True, 2, True)
    assert set(report["seconds"]) == {"replace", "list", "notify"}
    assert sorted(Path(name).name for name in report["files"]) == sorted(path.name for path in out.iterdir())
    uses = (out / "signed-since.jsonl").read_bytes()
    assert [json.loads(line)["sha256"] for line in uses.splitlines()] == [
        hashlib.sha256(message).hexdigest() for message in (b"one", b"two")
    ]
    notice = json.loads((out / "notice.json").read_bytes())
    assert notice["uses_sha256"] == hashlib.sha256(uses).hexdigest()
    assert (notice["old"]["id"], notice["new"]["id"]) == (made["id"], report["new"])
    assert "演练" in (out / "notice.zh.txt").read_text()
    assert (out / "notice.en.txt").read_text().startswith("DRILL")
    old = next(one for one in shell.objects("list") if one["id"] == made["id"])
    assert (old["phase"], old["replaced_by"], old["compromised_since"]) == ("verify-only", report["new"], None)


def test_a_real_compromise_ends_the_key(shell: Shell, tmp_path: Path) -> None:
    """With --compromised the old key counts no more, also when it had been rotated before, and the notices say so."""
    made = shell.make()
    _, new = shell.objects("rotate", made["id"], *shell.cheap)
    out = tmp_path / "out"
    (report,) = shell.objects("drill", made["id"], "--since", (TODAY - DAY).isoformat(), "--out", out, "--compromised")
    assert (report["drill"], report["new"]) == (False, new["id"])
    assert "演练" not in (out / "notice.zh.txt").read_text()
    assert "DRILL" not in (out / "notice.en.txt").read_text()
    phases = {one["id"]: one["phase"] for one in shell.objects("list")}
    assert phases == {made["id"]: "compromised", new["id"]: "active"}


def test_a_compromise_of_a_current_key_replaces_it(shell: Shell, tmp_path: Path) -> None:
    """With --compromised a key in use is replaced and ended in one step."""
    made = shell.make()
    words = ("--since", (TODAY - DAY).isoformat(), "--out", tmp_path / "out", "--compromised")
    assert "write the notices" in shell.run("drill", made["id"], *words, *shell.cheap[2:]).output
    assert sorted(one["phase"] for one in shell.objects("list")) == ["active", "compromised"]


def test_a_dry_run_changes_nothing(shell: Shell, tmp_path: Path) -> None:
    """A dry run asks for no passphrase, counts what was signed, and leaves every file as it was."""
    made = shell.make()
    sign(shell, made["id"], b"one")
    before = {path.name: path.read_bytes() for path in shell.folder.iterdir()}
    words = ("drill", made["id"], "--since", (TODAY - DAY).isoformat(), "--out", tmp_path / "out", "--dry-run")
    (report,) = shell.objects(*words)
    assert (report["dry_run"], report["uses"], report["new"]) == (True, 1, None)
    assert "Nothing was changed" in shell.run(*words).output
    assert {path.name: path.read_bytes() for path in shell.folder.iterdir()} == before
    assert not (tmp_path / "out").exists()


def test_a_damaged_journal_makes_a_drill_unknown(shell: Shell, tmp_path: Path) -> None:
    """When the journal does not hold everything, the drill ends with 3 and the notices admit it."""
    made = shell.make()
    (shell.folder / f"{made['id']}.journal").write_text("damaged\n")
    out = tmp_path / "out"
    words = ("drill", made["id"], "--since", (TODAY - DAY).isoformat(), "--out", out)
    (report,) = shell.objects(*words, "--passphrase-file", shell.passphrase, code=3)
    assert (report["unreadable_lines"], report["journal_complete"]) == (1, False)
    assert "not complete" in (out / "notice.en.txt").read_text()
    assert "不完整" in (out / "notice.zh.txt").read_text()


def test_a_drill_writes_over_nothing(shell: Shell, tmp_path: Path) -> None:
    """A folder that holds something is refused before anything is done, and so is a moment to come."""
    made = shell.make()
    words = ("drill", made["id"], "--passphrase-file", shell.passphrase, "--since")
    (error,) = shell.objects(*words, (TODAY - DAY).isoformat(), "--out", tmp_path, code=2)
    assert error["error"] == "io"
    (error,) = shell.objects(*words, (TODAY + DAY).isoformat(), "--out", tmp_path / "out", code=2)
    assert error["error"] == "usage"
    assert shell.objects("list") == [made]


def test_a_broken_file_is_named(shell: Shell) -> None:
    """The list names a broken file, shows the others, and ends with 1."""
    made, broken = shell.make(), shell.make()
    (shell.folder / f"{broken['id']}.key").write_text("{}")
    listed, error = shell.objects("list", code=1)
    assert listed == made
    assert (error["error"], error["place"]) == ("malformed", f"{broken['id']}.key")
    assert "restore it from a backup" in shell.run("list").output


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("list",), "no-folder"),
        (("rotate", "0" * 64), "no-folder"),
        (("new", "--purpose", "log", "--scrypt-mib", "17"), "kdf-out-of-bounds"),
        (("new", "--purpose", "log", "--scrypt-mib", "1048576"), "kdf-out-of-bounds"),
        (("new", "--purpose", "log", "--cipher", "rot13"), "usage"),
        (("new", "--purpose", "log", "--active-from", "soon"), "usage"),
        (("new", "--purpose", "log", "--active-from", "9999-12-31"), "usage"),
        (("new", "--purpose", "log", "--token", "t", "--algorithm", "sm2"), "usage"),
        (("new", "--purpose", "log", "--token", "t"), "usage"),
        (("new", "--purpose", "log", "--token", "t", "--pkcs11-module", "absent.so"), "device"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_done_is_said_in_a_sentence(shell: Shell, words: tuple[str, ...], error: str) -> None:
    """Each failure ends with 2, a slug for machines and a sentence for people, and makes no key."""
    options = () if words[0] == "list" else ("--passphrase-file", shell.passphrase)
    result = shell.run(*words, *options, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == error
    assert result.stderr.startswith("tongban: ")
    assert not shell.folder.exists() or not list(shell.folder.glob("*.key"))


def test_no_passphrase_at_all_is_said(shell: Shell) -> None:
    """Without a file, a variable and a terminal, the sentence names all three."""
    result = shell.run("new", "--purpose", "log")
    assert result.exit_code == 2
    assert VARIABLE in result.stderr


def test_a_short_passphrase_is_refused(shell: Shell) -> None:
    """A new key wants a passphrase of some length, wherever it comes from."""
    result = shell.run("new", "--purpose", "log", "--json", environ={VARIABLE: "short"})
    assert json.loads(result.stdout)["error"] == "weak-passphrase"


def test_the_passphrase_may_come_from_the_environment(shell: Shell) -> None:
    """The variable is used when no file is named."""
    result = shell.run("new", "--purpose", "log", "--scrypt-mib", "16", "--json", environ={VARIABLE: PASSPHRASE})
    sign(shell, json.loads(result.stdout)["id"], b"m")


def test_a_passphrase_is_no_option(shell: Shell) -> None:
    """There is no option that takes the passphrase itself."""
    for command in ("new", "rotate", "drill"):
        assert shell.run(command, "--passphrase", PASSPHRASE[:7]).exit_code == 2


def fault_of(path: Path) -> PassphraseFault:
    """Return why a passphrase file is refused."""
    with pytest.raises(PassphraseError) as caught:
        read_passphrase(path, environ={})
    return caught.value.fault


def test_a_passphrase_file_is_looked_at_first(tmp_path: Path) -> None:
    """One that others may read, an empty one, a huge one, a folder and none at all are refused."""
    path = tmp_path / "passphrase"
    assert fault_of(path) is PassphraseFault.UNREADABLE
    path.write_bytes(b"\n")
    path.chmod(0o604)
    assert fault_of(path) is PassphraseFault.OPEN_PERMISSIONS
    path.chmod(0o620)
    assert fault_of(path) is PassphraseFault.OPEN_PERMISSIONS
    path.chmod(0o640)
    assert fault_of(path) is PassphraseFault.UNUSABLE
    path.write_bytes(b"x" * 5000)
    assert fault_of(path) is PassphraseFault.UNUSABLE
    assert fault_of(tmp_path) is PassphraseFault.UNREADABLE
    assert fault_of(Path(os.devnull)) is PassphraseFault.NOT_A_FILE


@pytest.mark.parametrize("content", [b"one\ntwo", b"one\ntwo\n", b"one\n\n", b"one\r\r\n", b"one\rtwo", b"\none"])
def test_a_passphrase_is_one_line(tmp_path: Path, content: bytes) -> None:
    """A file of several lines is refused: nobody can tell which of them is meant."""
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(0o600)
    assert fault_of(path) is PassphraseFault.UNUSABLE


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_one_line_end_is_no_part_of_a_passphrase(tmp_path: Path, end: bytes) -> None:
    """Editors end a file with a line end; spaces are part of the passphrase."""
    path = tmp_path / "passphrase"
    path.write_bytes("口令 with space ".encode() + end)
    path.chmod(0o600)
    assert read_passphrase(path, environ={}) == "口令 with space ".encode()


@pytest.mark.parametrize(
    ("typed", "new", "outcome"),
    [
        (["secret", "secret"], True, b"secret"),
        (["secret"], False, b"secret"),
        (["secret", "secreT"], True, PassphraseFault.REPEATED_DIFFERENTLY),
        ([""], False, PassphraseFault.NONE_GIVEN),
        ([], False, PassphraseFault.NONE_GIVEN),
    ],
)
def test_a_person_is_asked(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], *, new: bool, outcome: bytes | PassphraseFault
) -> None:
    """On a terminal a new passphrase is typed twice, alike, and an old one once."""
    answers = iter(typed)

    def answer(_prompt: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("gateway.cli.passphrase.sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("gateway.cli.passphrase.getpass.getpass", answer)
    if isinstance(outcome, bytes):
        assert read_passphrase(None, environ={}, new=new) == outcome
        return
    with pytest.raises(PassphraseError) as caught:
        read_passphrase(None, environ={}, new=new)
    assert caught.value.fault is outcome


def test_every_fault_has_a_sentence_with_a_next_step() -> None:
    """Whatever can go wrong is said in both languages, in two parts: what it is, and what to do."""
    assert set(SENTENCES) == {*OwnKeyFault, *KeystoreFault, *JournalFault, *PassphraseFault}
    for chinese, english in SENTENCES.values():
        assert chinese.count("。") >= 2 or "；" in chinese
        assert english.endswith(".")
        assert ";" in english


def test_faults_do_not_share_their_words() -> None:
    """A slug means one thing, so that scripts can rely on it."""
    slugs = [str(fault) for fault in SENTENCES]
    assert len(slugs) == len(set(slugs))
