"""``tongban trust`` as its users see it, on the demo's authority: drafted, signed, verified, published, compared."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import trust_signing
from gateway.cli.passphrase import VARIABLE
from gateway.cli.trust import trust_app
from gateway.demo.authority import encode_pem
from gateway.own_keys.keystore import Keystore
from gateway.site_template import write_site
from gateway.status.shelf import KeptAnswer, Shelf
from gateway.trust.memory import TrustMemory
from keys.own.public import encode_trust_list_key
from keys.own.record import KeyPurpose
from keys.trust_list_compare import MAX_NAMED
from keys.trust_list_parse import parse_trust_list
from tests.support.demo import NOW as DEMO_NOW
from tests.support.demo import demo_stock
from tests.support.own_keys import PASSPHRASE, make_key_file

AT = DEMO_NOW.isoformat()
NAME = "demo"


class Desk:
    """A site that trusts nobody yet, the demo's documents, and three people with a key each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site, self.documents, self.keys = folder / "site", folder / "documents", folder / "keys"
        self.list = folder / "demo.json"
        write_site(self.site)
        stock = demo_stock()
        for number, encoded in enumerate(stock.authority.crls(DEMO_NOW)):
            (self.site / "trust" / f"{number}.crl").write_bytes(encoded)
        self.signer_ca, self.maker_ca = folder / "signer-ca.pem", folder / "maker-ca.pem"
        self.signer_ca.write_text(encode_pem(stock.authority.signer_issuer.certificate))
        self.maker_ca.write_text(encode_pem(stock.authority.maker_issuer.certificate))
        self.documents.mkdir()
        for licence in stock.licences[:3]:
            (self.documents / licence.name).write_bytes(licence.document)
        self.document = self.documents / stock.licences[0].name
        self.passphrase = folder / "passphrase"
        self.passphrase.write_bytes(PASSPHRASE)
        self.passphrase.chmod(0o600)
        store = Keystore(self.keys)
        store.create_folder()
        self.people: list[str] = []
        for number in range(3):
            self.people.append(self.make_key(store, folder / f"{number}.key"))

    def make_key(self, store: Keystore, public: Path, purpose: KeyPurpose = KeyPurpose.TRUST_LIST) -> str:
        """Make a key for one person, and write its public half."""
        _, file = make_key_file(purpose=purpose, at=datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
        store.add(file)
        public.write_text(json.dumps(encode_trust_list_key(file.record)))
        return file.record.id

    def run(self, *words: str | Path, code: int = 0, locale: str = "C") -> Result:
        """Run one command; whatever happens, there is no traceback and no secret."""
        result = CliRunner().invoke(
            trust_app,
            [str(word) for word in words],
            env={"TONGBAN_KEYS_DIR": str(self.keys), "LC_ALL": locale, VARIABLE: ""},
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert PASSPHRASE.decode() not in result.output
        assert result.exit_code == code, result.output
        return result

    def objects(self, *words: str | Path, code: int = 0) -> list[dict[str, Any]]:
        """Run a command with ``--json`` and return what it printed."""
        return [json.loads(line) for line in self.run(*words, "--json", code=code).stdout.splitlines()]

    def object(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """Run a command that prints one JSON object."""
        (found,) = self.objects(*words, code=code)
        return found

    @property
    def list_keys(self) -> list[str | Path]:
        """The options that name the three public keys."""
        return [word for number in range(3) for word in ("--list-key", self.folder / f"{number}.key")]

    def draft(self) -> None:
        """Set the root keys and draft the first version: the signers' CA and, by name, the seal maker."""
        self.run("roots", NAME, "--site", self.site, *self.list_keys, "--threshold", "2")
        first = ("--name", NAME, *self.list_keys, "--threshold", "2", "--purpose", "signer")
        self.run("add", self.list, *first, "--certificate", self.signer_ca)
        self.run("add", self.list, "--purpose", "seal-maker", "--maker-of", self.document, "--below", self.maker_ca)

    def sign(self, path: Path, *people: int) -> dict[str, Any]:
        """Let people sign; return what the last one was told."""
        for person in people:
            told = self.object("sign", path, "--key", self.people[person], "--passphrase-file", self.passphrase)
        return told

    def publish(self, path: Path, *more: str | Path, code: int = 0) -> dict[str, Any]:
        """Publish a list to the site."""
        return self.object("publish", path, "--site", self.site, *more, code=code)

    def in_force(self) -> None:
        """Draft, sign and publish the first version."""
        self.draft()
        self.sign(self.list, 0, 1)
        self.publish(self.list)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Make a desk with a draft on it, for commands that change nothing."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.draft()
    return desk


def test_the_way_from_a_draft_to_trust(desk: Desk) -> None:
    """A new user's way: draft, simulate, sign, verify, publish, list; then the demo's licences are valid."""
    desk.draft()
    assert desk.object("verify", desk.list, "--roots", desk.site / "trust", code=1)["error"] == "too-few-signatures"
    *flips, sums = desk.objects("simulate", desk.list, "--against", desk.documents, "--site", desk.site, "--at", AT)
    assert {one["before"]["outcome"] for one in flips} == {"unknown"}
    assert {one["after"]["outcome"] for one in flips} == {"valid"}
    assert (sums["documents"], sums["flips"], sums["losses"], sums["unreadable"]) == (3, 3, 0, 0)
    told = desk.sign(desk.list, 0, 1)
    assert sorted(told["signatures"]) == sorted(desk.people[:2])
    assert told["missing"] == [desk.people[2]]
    verified = desk.object("verify", desk.list, "--roots", desk.site / "trust" / "roots.json")
    assert (verified["ok"], sorted(verified["signed_by"])) == (True, sorted(desk.people[:2]))
    assert desk.publish(desk.list)["published"]
    found = desk.object("list", desk.site)
    assert (found["anchors"]["signer"], found["anchors"]["seal-maker"]) == (1, 1)
    assert [(one["name"], one["version"], one["in_force"]) for one in found["lists"]] == [(NAME, 1, True)]
    assert found["next"]["turn"] == "list-expiry"
    assert found["findings"] == []


def test_the_next_version_is_drafted_beside_the_signed_one(desk: Desk) -> None:
    """A signed list is never written over; its draft names it, and goes on as the same version."""
    desk.in_force()
    before = desk.list.read_bytes()
    made = desk.object("add", desk.list, "--purpose", "caller", "--public-key", desk.folder / "0.key")
    draft = Path(made["file"])
    assert draft == desk.folder / "demo.2.json"
    assert desk.list.read_bytes() == before
    assert parse_trust_list(draft.read_bytes()).previous == parse_trust_list(before).digest
    assert "exists" in desk.object("add", desk.list, code=2)["detail"]
    again = desk.object("add", draft, "--purpose", "partner", "--public-key", desk.folder / "1.key")
    assert (again["version"], again["entries"], again["signatures"]) == (2, 4, [])


def test_every_term_of_an_entry_can_be_said(desk: Desk) -> None:
    """Purposes, scope, region, times and source of the options stand in the list, and `show` shows them."""
    desk.run(
        "add", desk.list, "--name", NAME, *desk.list_keys, "--threshold", "2", "--days", "30",
        "--purpose", "signer", "--purpose", "timestamp", "--signer-of", desk.document,
        "--type", "11100000000013338W001", "--authority", "11370000MB2847000X", "--region", "370000",
        "--start", "2026-01-01", "--sunset", "2030-01-01T00:00:00Z", "--source", "公告 7",
    )  # fmt: skip
    shown = desk.object("show", desk.list)
    (entry,) = shown["entries"]
    assert entry.pop("fingerprint")
    assert entry.pop("title")
    assert entry == {
        "kind": "certificate",
        "purposes": ["signer", "timestamp"],
        "licence_types": ["11100000000013338W001"],
        "authorities": ["11370000MB2847000X"],
        "region": "370000",
        "start": "2025-12-31T16:00:00Z",
        "sunset": "2030-01-01T00:00:00Z",
        "source": "公告 7",
    }
    assert "公告 7" in desk.run("show", desk.list).stdout


def test_taking_one_off_is_held_until_a_second_person_approves(desk: Desk) -> None:
    """Half of the list gone: diff names the loss, publish holds, and the third key lets it go."""
    desk.in_force()
    entry = desk.object("show", desk.list)["entries"][0]
    gone = desk.object("remove", desk.list, "--fingerprint", entry["fingerprint"][:12], "--reason", "retired")
    draft = Path(gone["file"])
    (difference,) = desk.objects("diff", desk.list, draft, code=1)
    assert (difference["effect"], difference["aspect"], difference["who"]) == ("loses", "trust", entry["fingerprint"])
    desk.sign(draft, 0, 1)
    held = desk.publish(draft, code=3)
    assert (held["held"], held["shrinkage"], held["approvers"]) == (True, 0.5, [desk.people[2]])
    assert desk.object("list", desk.site, code=3)["held"][0]["version"] == 2
    how = ("--passphrase-file", desk.passphrase)
    assert desk.publish(draft, "--approved-by", desk.people[0], *how, code=2)["error"] == "usage"
    done = desk.publish(draft, "--approved-by", desk.people[2], *how)
    assert (done["published"], done["previous"]) == (True, 1)
    assert desk.object("list", desk.site)["lists"][0]["version"] == 2


def test_a_share_of_the_site_decides_what_is_held(desk: Desk) -> None:
    """``[trust] max_change`` is read from the site that is published to; wrong settings are an error."""
    desk.in_force()
    entry = desk.object("show", desk.list)["entries"][0]
    draft = Path(desk.object("remove", desk.list, "--fingerprint", entry["fingerprint"], "--reason", "retired")["file"])
    desk.sign(draft, 0, 1)
    settings = desk.site / "tongban.toml"
    plain = settings.read_text().split("[trust]")[0]
    settings.write_text(plain + "\n[trust]\nmax_change = 2\n")
    assert "max_change" in desk.publish(draft, code=2)["detail"]
    settings.write_text(plain + "\n[trust]\nmax_change = 0.5\n")
    assert desk.publish(draft)["published"]


def test_simulate_names_the_losses_and_why(desk: Desk) -> None:
    """Without the maker, every valid document flips, for the reason that its maker is not authorised any more."""
    desk.in_force()
    entries = desk.object("show", desk.list)["entries"]
    maker = next(entry for entry in entries if entry["purposes"] == ["seal-maker"])
    draft = Path(desk.object("remove", desk.list, "--fingerprint", maker["fingerprint"], "--reason", "stolen")["file"])
    *flips, sums = desk.objects(
        "simulate", draft, "--old", desk.list, "--against", desk.documents, "--trust", desk.site / "trust",
        "--at", AT, code=1,
    )  # fmt: skip
    assert (len(flips), sums["losses"]) == (3, 3)
    assert all(any(reason.startswith("maker-chain.") for reason in one["after"]["reasons"]) for one in flips)
    again = ("--against", desk.documents, "--trust", desk.site, "--at", AT)
    said = desk.run("simulate", draft, "--old", desk.list, *again, code=1)
    assert "maker-chain." in said.stdout
    assert "3 documents: 3 flip, 3 of them valid no more" in said.stderr


def test_the_log_is_still_to_come(desk: Desk) -> None:
    """``--against log`` is answered in words, in both languages."""
    desk.draft()
    assert "access log" in desk.run("simulate", desk.list, "--against", "log", code=2).stderr
    assert "访问日志" in desk.run("simulate", desk.list, "--against", "log", code=2, locale="zh_CN.UTF-8").stderr


def test_forecast_counts_the_documents_that_rely_on_what_ends(desk: Desk) -> None:
    """The end of the list touches every document; a horizon before it shows nothing."""
    desk.draft()
    found = desk.objects("forecast", desk.list, "--horizon", "100d", "--against", desk.documents)
    assert [(one["turn"], one["documents"]) for one in found] == [("list-expiry", 3)]
    assert desk.objects("forecast", desk.list, "--horizon", "10d") == []
    assert "nothing begins or ends" in desk.run("forecast", desk.list, "--horizon", "10d").stdout
    for wrong in ("0d", "90h", "-1", "4000d", "٩d"):
        assert desk.object("forecast", desk.list, f"--horizon={wrong}", code=2)["error"] == "usage"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "nothing.json"), 2),
        (("show", "passphrase"), 1),
        (("list", "nowhere"), 2),
        (("verify", "demo.json"), 2),
        (("verify", "demo.json", "--roots", "passphrase"), 2),
        (("diff", "demo.json", "passphrase"), 1),
        (("diff", "demo.json", "nothing"), 2),
        (("add", "new.json"), 2),
        (("add", "demo.json", "--certificate", "passphrase", "--purpose", "signer"), 2),
        (("add", "demo.json", "--certificate", "signer-ca.pem"), 2),
        (("add", "demo.json", "--certificate", "maker-ca.pem", "--purpose", "seal-maker"), 2),
        (("add", "demo.json", "--maker-of", "passphrase", "--purpose", "seal-maker"), 2),
        (("add", "demo.json", "--certificate", "signer-ca.pem", "--below", "maker-ca.pem", "--purpose", "signer"), 2),
        (("add", "demo.json", "--certificate", "signer-ca.pem", "--purpose", "signer", "--start", "yesterday"), 2),
        (("add", "demo.json", "--threshold", "9"), 2),
        (("add", "demo.json", "--name", "other"), 2),
        (("add", "demo.json", "--list-key", "passphrase"), 2),
        (("remove", "demo.json", "--fingerprint", "00000000", "--reason", "x"), 2),
        (("sign", "demo.json", "--key", "00000000"), 2),
        (("publish", "demo.json", "--site", "nowhere"), 2),
        (("simulate", "demo.json", "--against", "nowhere"), 2),
        (("forecast", "nothing.json"), 2),
        (("roots", "Not A Name", "--site", "site", "--list-key", "0.key"), 2),
        (("roots", "demo", "--site", "site", "--list-key", "0.key", "--threshold", "2"), 2),
    ],
)
def test_wrong_usage_ends_with_a_sentence(
    drafted: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int
) -> None:
    """No file, no list, no key, or terms that cannot be: one sentence on standard error, one object with --json."""
    monkeypatch.chdir(drafted.folder)
    before = drafted.list.read_bytes()
    assert drafted.object(*words, code=code)["error"]
    assert drafted.run(*words, code=code).stderr.startswith("tongban: ")
    assert drafted.list.read_bytes() == before


def test_a_key_of_another_purpose_or_of_nobody_does_not_sign(desk: Desk) -> None:
    """A log key never signs a list, and a list key that the list does not name says what to do."""
    desk.draft()
    store = Keystore(desk.keys)
    for purpose, word in ((KeyPurpose.LOG, "not one for trust lists"), (KeyPurpose.TRUST_LIST, "none of those")):
        key = desk.make_key(store, desk.folder / "other.key", purpose)
        said = desk.run("sign", desk.list, "--key", key, "--passphrase-file", desk.passphrase, code=2)
        assert word in said.stderr
    assert desk.object("show", desk.list)["signatures"] == []


def test_a_list_that_was_changed_after_signing_is_refused(desk: Desk) -> None:
    """One letter in a source: the signatures say so, and nothing is published."""
    desk.draft()
    desk.sign(desk.list, 0, 1)
    data = desk.list.read_bytes()
    desk.list.write_bytes(data.replace(b'"region":""', b'"region":"370000"', 1))
    assert desk.object("verify", desk.list, "--roots", desk.site / "trust", code=1)["error"] == "bad-signature"
    assert desk.publish(desk.list, code=1)["error"] == "bad-signature"
    assert not (desk.site / "trust" / "lists").exists()


def test_going_back_is_refused(desk: Desk) -> None:
    """The first version again, after the second, is a rollback."""
    desk.in_force()
    draft = Path(desk.object("add", desk.list)["file"])
    desk.sign(draft, 1, 2)
    desk.publish(draft)
    assert desk.publish(desk.list, code=1)["error"] == "rollback"


def test_keys_change_hands_with_the_signatures_of_the_old(desk: Desk) -> None:
    """A key that the new list adds signs together with the old ones; verified against the version before."""
    desk.in_force()
    key = desk.make_key(Keystore(desk.keys), desk.folder / "3.key")
    draft = Path(desk.object("add", desk.list, "--list-key", desk.folder / "3.key", "--threshold", "3")["file"])
    desk.people.append(key)
    desk.sign(draft, 0, 3)
    assert desk.object("verify", draft, "--previous", desk.list, code=1)["error"] == "too-few-signatures"
    desk.sign(draft, 1)
    assert desk.object("verify", draft, "--previous", desk.list)["ok"]
    assert desk.publish(draft)["published"]


def test_one_of_several_makers_below_a_ca_is_taken_off_alone(desk: Desk) -> None:
    """Those named below one CA have its fingerprint, so a removal without a name is refused, and says the names."""
    desk.draft()
    for licence in demo_stock().licences[:5]:
        path = desk.folder / licence.name
        path.write_bytes(licence.document)
        desk.run("add", desk.list, "--purpose", "seal-maker", "--signer-of", path, "--below", desk.signer_ca)
    entries = desk.object("show", desk.list)["entries"]
    below = [one for one in entries if one["kind"] == "name" and "seal-maker" in one["purposes"]]
    ca = next(one for one in entries if one["purposes"] == ["signer"])
    same = [one for one in below if one["fingerprint"] == ca["fingerprint"]]
    assert len(same) >= 2
    how = ("remove", desk.list, "--fingerprint", ca["fingerprint"], "--reason", "closed")
    refused = desk.object(*how, code=2)["detail"]
    assert all(one["title"] in refused for one in (*same, ca)[:MAX_NAMED])
    name = same[0]["title"].split(" @ ")[0]
    desk.run(*how, "--subject", name)
    left = desk.object("show", desk.list)["entries"]
    assert [one["title"] for one in left] == [one["title"] for one in entries if one["title"] != same[0]["title"]]
    desk.run(*how, "--subject", "")
    assert ca["title"] not in [one["title"] for one in desk.object("show", desk.list)["entries"]]


def test_a_key_of_a_list_can_be_dropped(desk: Desk) -> None:
    """`remove --list-key` drafts a list that the key signs no more, and notes it; an unknown id is refused."""
    desk.in_force()
    drop = ("remove", desk.list, "--reason", "retired", "--list-key")
    assert desk.object(*drop, "nobody", code=2)["error"] == "usage"
    draft = desk.object(*drop, desk.people[2])
    assert [key["id"] for key in draft["keys"]] == sorted(desk.people[:2])
    assert draft["removed"] == 1
    assert desk.object("remove", desk.list, "--reason", "nothing", code=2)["error"] == "usage"
    desk.sign(Path(draft["file"]), 0, 1)
    assert desk.publish(Path(draft["file"]))["published"]


@pytest.mark.parametrize("word", ["site", "site/trust", "site/trust/."])
def test_every_command_judges_as_the_gateway_does(desk: Desk, word: str) -> None:
    """The site's share decides for `list` too, however the site or its trust folder is named."""
    desk.in_force()
    entry = desk.object("show", desk.list)["entries"][0]
    draft = Path(desk.object("remove", desk.list, "--fingerprint", entry["fingerprint"], "--reason", "retired")["file"])
    desk.sign(draft, 0, 1)
    (desk.site / "trust" / "lists" / "demo.json").write_bytes(draft.read_bytes())
    assert desk.object("list", desk.folder / word, code=3)["held"][0]["version"] == 2
    settings = desk.site / "tongban.toml"
    settings.write_text(settings.read_text().split("[trust]")[0] + "\n[trust]\nmax_change = 0.5\n")
    assert desk.object("list", desk.folder / word)["lists"][0]["version"] == 2


def test_a_site_may_be_named_from_inside_its_trust_folder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--site .`` in a trust folder is that site, and makes no second folder in it."""
    monkeypatch.chdir(desk.site / "trust")
    desk.run("roots", NAME, "--site", ".", *desk.list_keys, "--threshold", "2")
    assert (desk.site / "trust" / "roots.json").exists()
    assert not (desk.site / "trust" / "trust").exists()


def test_commands_go_by_what_the_gateway_had_in_force(desk: Desk) -> None:
    """A list that is older than the one that the site's gateway remembers is refused by `list` and by `publish`."""
    desk.in_force()
    entry = desk.object("show", desk.list)["entries"][0]
    draft = Path(desk.object("remove", desk.list, "--fingerprint", entry["fingerprint"], "--reason", "retired")["file"])
    desk.sign(draft, 0, 1)
    TrustMemory(desk.site / "state" / "trust").keep([parse_trust_list(draft.read_bytes())])
    (finding,) = desk.object("list", desk.site, code=1)["findings"]
    assert finding["problem"] == "rollback"
    assert desk.publish(desk.list, code=1)["error"] == "rollback"


def test_no_file_commands_the_terminal(desk: Desk) -> None:
    """Control characters of a file's name, or of a member in it, are shown as nothing that a terminal obeys."""
    desk.in_force()
    path = desk.site / "trust" / "lists" / "demo.json"
    path.write_bytes(path.read_bytes()[:-1] + b',"\\u001b]0;owned\\u0007":1}')
    (desk.site / "trust" / "\x1b[31mred.pem").write_bytes(b"x")
    said = desk.run("list", desk.site, code=1).stderr
    assert "red.pem" in said
    assert "\x1b" not in said
    assert "\x07" not in said


def test_two_who_sign_at_once_both_have_signed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature that was added while another was made is still there afterwards."""
    desk.draft()
    make = trust_signing._open_key
    waiting = [1]

    def sign_meanwhile(*arguments):
        if waiting:
            desk.sign(desk.list, waiting.pop())
        return make(*arguments)

    monkeypatch.setattr(trust_signing, "_open_key", sign_meanwhile)
    assert desk.sign(desk.list, 0)["signatures"] == sorted(desk.people[:2])


SOURCE = """kind = "crl"
issuer = "status/{name}.pem"
urls = ["http://ca.invalid:80/ca.crl"]
hosts = ["ca.invalid:80"]
"""


def test_simulate_goes_by_the_answers_that_the_gateway_keeps(desk: Desk) -> None:
    """Revocation lists that a source fetched count as those of the folder do; nothing is written for it."""
    desk.in_force()
    entries = desk.object("show", desk.list)["entries"]
    maker = next(entry for entry in entries if entry["purposes"] == ["seal-maker"])
    draft = Path(desk.object("remove", desk.list, "--fingerprint", maker["fingerprint"], "--reason", "stolen")["file"])
    how = ("simulate", draft, "--old", desk.list, "--against", desk.documents, "--site", desk.site, "--at", AT)
    assert desk.objects(*how, code=1)[-1]["losses"] == 3
    shelf = Shelf(desk.site / "state" / "status")
    authority = demo_stock().authority
    (desk.site / "status").mkdir(exist_ok=True)
    for number, ca in enumerate((authority.root, authority.maker_issuer, authority.signer_issuer)):
        name, path = f"crl-{number}", desk.site / "trust" / f"{number}.crl"
        (desk.site / "status" / f"{name}.pem").write_text(encode_pem(ca.certificate))
        (desk.site / "status" / f"{name}.toml").write_text(SOURCE.format(name=name))
        shelf.write(name, "list", KeptAnswer(body=path.read_bytes(), confirmed_at=DEMO_NOW))
        path.unlink()
    before = sorted(desk.site.rglob("*"))
    assert desk.objects(*how, code=1)[-1]["losses"] == 3
    assert sorted(desk.site.rglob("*")) == before


def test_forecast_tells_those_below_one_ca_apart(desk: Desk) -> None:
    """The end of one name below a CA touches its own documents, not those of everybody below that CA."""
    signers = ("--purpose", "signer", "--below", desk.signer_ca)
    ends = ("--sunset", (DEMO_NOW + timedelta(days=9)).isoformat())
    first = ("--name", NAME, *desk.list_keys, "--threshold", "2")
    for licence in demo_stock().licences[:5]:
        path = desk.documents / licence.name
        path.write_bytes(licence.document)
        desk.run("add", desk.list, *first, *signers, "--signer-of", path, *(ends if path == desk.document else ()))
    how = ("--horizon", "10d", "--against", desk.documents, "--at", AT)
    (sunset,) = (one for one in desk.objects("forecast", desk.list, *how) if one["turn"] == "sunset")
    assert 0 < sunset["documents"] < len(list(desk.documents.iterdir()))
