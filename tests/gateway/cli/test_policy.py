"""``tongban policy`` as a policy officer sees it: checked, built, compared, approved, explained, computed again."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.entry import EntryDraft, commit_private, make_private
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.cli import policy_changing
from gateway.cli.passphrase import VARIABLE
from gateway.cli.policy import policy_app
from gateway.cli.site_settings import load_settings
from gateway.own_keys.keystore import Keystore
from gateway.policy.activation import settle
from gateway.policy.draft import read_sound_draft
from gateway.policy.policy_site import PolicySite, read_written
from gateway.policy.record import DecisionRecord, encode_record, parse_record
from gateway.site_template import FILES
from keys.own.public import encode_public_pem
from keys.own.record import KeyAlgorithm, KeyPurpose
from tests.gateway.policy.test_record import make_record
from tests.support.own_keys import PASSPHRASE, make_key_file
from tests.support.policy import changed, small_policy
from tests.support.policy_site import contradicted_policy, narrow_policy, wide_policy, write_files

CONTEXT = ("--item", "34-001", "--caller", "counter", "--licence", "id-card")


class Office:
    """A site with the small policy, and two officers with keys of their own."""

    def __init__(self, folder: Path) -> None:
        self.site, self.policies, self.keys = folder / "site", folder / "site" / "policies", folder / "keys"
        write_files(self.policies, small_policy())
        (self.site / "tongban.toml").write_text(FILES["tongban.toml"], encoding="utf-8")
        (self.site / "approvers").mkdir()
        self.store = Keystore(self.keys)
        self.store.create_folder()
        self.people = [self.make_officer(name) for name in ("chen", "li")]

    def make_officer(self, name: str) -> str:
        """Make a key and the file of an approver."""
        key = self.make_key(self.site / "approvers" / f"{name}.pem")
        text = f'id = "{name}"\nname = "{name}"\nname_zh = "{name}"\nalgorithm = "ed25519"\nkey = "{name}.pem"\n'
        (self.site / "approvers" / f"{name}.toml").write_text(text)
        return key

    def make_key(self, public: Path, purpose: KeyPurpose = KeyPurpose.POLICY) -> str:
        """Make a key, and write its public half."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        _, file = make_key_file(KeyAlgorithm.ED25519, purpose=purpose, at=at)
        self.store.add(file)
        public.write_text(encode_public_pem(file.record))
        return file.record.id

    def run(self, *arguments: str | Path, locale: str = "C.UTF-8", text: str | None = None) -> Result:
        """Run a command; it must not end with an exception."""
        result = CliRunner().invoke(
            policy_app,
            [str(one) for one in arguments],
            env={"LC_ALL": locale, VARIABLE: PASSPHRASE.decode(), "TONGBAN_KEYS_DIR": str(self.keys)},
            input=text,
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def objects(self, *arguments: str | Path) -> list[dict[str, Any]]:
        """Run a command with --json, and return what it prints."""
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]

    def approve(self, person: int, *more: str) -> Result:
        """Have one of the officers approve what is written."""
        return self.run("approve", "--site", self.site, "--key", self.people[person][:12], *more)

    def settle(self) -> None:
        """Do what a gateway that runs does."""
        site = PolicySite(self.site)
        settle(site, read_written(site), at=datetime.now(UTC))

    def begin(self) -> None:
        """Have the small policy approved, and put in force."""
        assert self.approve(0, "--yes").exit_code == 0
        assert self.approve(1, "--yes").exit_code == 0
        self.settle()

    def record(self) -> DecisionRecord:
        """Make a decision under the policy that is written, and have it in the site's log."""
        at = datetime.now(UTC)
        draft = read_sound_draft(self.policies)
        made = make_record(at.replace(microsecond=0))
        record = DecisionRecord(
            decision=made.decision,
            at=made.at,
            caller=made.caller,
            context=made.context,
            bundle=draft.digest,
            plan=made.plan,
            forms=made.forms,
        )
        asyncio.run(self._log(record))
        return record

    async def _log(self, record: DecisionRecord) -> None:
        settings = load_settings(self.site)
        book = LogBook(FolderPlace(self.site, settings.audit, region=settings.region), clock=lambda: record.at)
        private = make_private(context=(*record.context, "request"))
        leaf = LeafDraft(
            kind=LeafKind.ACCESS,
            req=record.decision,
            caller=record.caller,
            commits=commit_private(private),
            plan=record.plan,
            policy=record.bundle,
        )
        await book.open()
        await book.append(EntryDraft(leaf=leaf, private=private))
        await book.close()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_check(office: Office) -> None:
    """A sound policy ends with 0, and says how much of it the tests reach."""
    result = office.run("check", office.site)
    assert result.exit_code == 0
    assert re.search(r"tests reach \d+ of them \(\d+%\)", result.stdout)
    assert "8 tests, 0 failed" in result.stdout
    assert "测试覆盖" in office.run("check", office.policies, locale="zh_CN.UTF-8").stdout
    (found,) = office.objects("check", office.site)
    assert found["ok"]
    assert 0 < found["coverage"] <= 1
    assert found["tested"] <= found["plans"] <= found["contexts"]
    assert all(one["passed"] for one in found["tests"])


def test_check_says_what_exceeds_the_ceiling(office: Office) -> None:
    """A rule above the ceiling of its item ends with 1, and is named with its file and line, in both languages."""
    write_files(office.policies, changed("rules.toml", 'birth_date = "general:year",', 'birth_date = "plain",'))
    result = office.run("check", office.site)
    assert result.exit_code == 1
    assert "policies/rules.toml:" in result.stderr
    assert "general:year" in result.stderr
    assert "应为" in office.run("check", office.site, locale="zh_CN.UTF-8").stderr
    found = office.objects("check", office.site)
    assert found[0]["error"] == "policy"
    assert found[0]["line"] > 0


def test_check_names_the_folder(office: Office, tmp_path: Path) -> None:
    """A fault is named with the folder that was asked about."""
    write_files(tmp_path / "draft", changed("rules.toml", 'birth_date = "general:year",', 'birth_date = "plain",'))
    assert f"{tmp_path}/draft/rules.toml:" in office.run("check", tmp_path / "draft").stderr
    assert "policies/rules.toml" not in office.run("check", tmp_path / "draft").stderr


def test_check_shows_faults_that_only_analysis_finds(office: Office) -> None:
    """Conflicts and failed tests end with 1 too, beside everything else there is to say."""
    write_files(office.policies, changed("rules.toml", 'overrides = ["R-004"]\n', ""))
    result = office.run("check", office.site)
    assert result.exit_code == 1
    assert "plans" in result.stdout
    assert "R-005" in result.stderr
    assert "cannot come into force" in result.stderr
    (found,) = office.objects("check", office.site)
    assert not found["ok"]
    assert found["faults"]


def test_check_with_mutants(office: Office) -> None:
    """With --mutants the rules that no test watches are named."""
    result = office.run("check", office.site, "--mutants")
    assert result.exit_code == 1
    assert "no test notices: rule R-" in result.stdout
    (found,) = office.objects("check", office.site, "--mutants")
    assert found["survivors"]
    assert found["faults"] == []


def test_check_of_nothing(office: Office, tmp_path: Path) -> None:
    """What is no bundle ends with 1, what is not there with 2."""
    garbage = tmp_path / "garbage.json"
    garbage.write_bytes(b"{}")
    assert office.run("check", garbage).exit_code == 1
    assert office.run("check", tmp_path / "none").exit_code == 2
    assert office.run("check", tmp_path / "keys").exit_code == 1


def test_test(office: Office) -> None:
    """The tests pass one by one; a failed one ends with 1 and says what came out."""
    result = office.run("test", office.site)
    assert result.exit_code == 0
    assert result.stdout.count("passed: ") == 8
    write_files(office.policies, contradicted_policy())
    result = office.run("test", office.site)
    assert result.exit_code == 1
    assert "holder_id: expected withheld, got match" in result.stdout
    assert [one["passed"] for one in office.objects("test", office.site)].count(False) == 1


def test_build(office: Office, tmp_path: Path) -> None:
    """A bundle has one digest, wherever it is built from; a policy with faults has none."""
    out = tmp_path / "bundle.json"
    (built,) = office.objects("build", office.site, "-o", out)
    (checked,) = office.objects("check", out)
    assert built["bundle"] == checked["bundle"]
    (again,) = office.objects("build", out, "-o", tmp_path / "again.json")
    assert again["bundle"] == built["bundle"]
    assert out.read_bytes() == (tmp_path / "again.json").read_bytes()
    write_files(office.policies, changed("rules.toml", 'overrides = ["R-004"]\n', ""))
    assert office.run("build", office.site, "-o", tmp_path / "none.json").exit_code == 1
    assert not (tmp_path / "none.json").exists()


def test_table(office: Office, tmp_path: Path) -> None:
    """The rules come as a page or as a workbook; another ending is refused."""
    assert office.run("table", office.site, "-o", tmp_path / "rules.html").exit_code == 0
    assert "不动产登记" in (tmp_path / "rules.html").read_text("utf-8")
    assert office.run("table", office.site, "-o", tmp_path / "rules.xlsx").exit_code == 0
    assert openpyxl.load_workbook(tmp_path / "rules.xlsx").worksheets
    assert office.run("table", office.site, "-o", tmp_path / "rules.pdf").exit_code == 2


def test_diff(office: Office, tmp_path: Path) -> None:
    """What widens ends with 1 and is said in words; what narrows ends with 0; the same is nothing."""
    write_files(tmp_path / "wide", wide_policy())
    write_files(tmp_path / "narrow", narrow_policy())
    result = office.run("diff", office.site, tmp_path / "wide")
    assert result.exit_code == 1
    assert "can now see" in result.stdout
    assert "可多见" in office.run("diff", office.site, tmp_path / "wide", locale="zh_CN.UTF-8").stdout
    assert office.run("diff", office.site, tmp_path / "narrow").exit_code == 0
    assert office.run("diff", office.site, office.site).exit_code == 0
    *lines, sums = office.objects("diff", office.site, tmp_path / "wide")
    assert sums["widens"]
    assert sums["widening"] == sum(line["widens"] for line in lines)
    assert {line["item"] for line in lines} == {"34-002"}
    assert all(line["witness"]["status"] == "revoked" for line in lines if line["witness"])


def test_diff_with_what_is_in_force(office: Office, tmp_path: Path) -> None:
    """With --site the old one is what is in force, nothing at first, and the new one what is written."""
    *_, sums = office.objects("diff", "--site", office.site)
    assert (sums["old"], sums["widens"]) == (None, True)
    office.begin()
    *_, sums = office.objects("diff", "--site", office.site)
    assert sums["old"] == sums["new"]
    write_files(tmp_path / "wide", wide_policy())
    assert office.run("diff", tmp_path / "wide", "--site", office.site).exit_code == 1


def test_diff_needs_two(office: Office) -> None:
    """One policy without a site, and three with one, are a slip of the pen."""
    assert office.run("diff", office.site).exit_code == 2
    assert office.run("diff", office.site, office.site, "--site", office.site).exit_code == 2


def test_approve(office: Office) -> None:
    """Two officers see what widens and sign; then a gateway puts it in force."""
    assert office.run("status", "--site", office.site).exit_code == 3
    result = office.approve(0, "--yes")
    assert result.exit_code == 0
    assert "widens  " in result.stdout
    assert "approved by chen; 1 of 2" in result.stdout
    *lines, done = [json.loads(line) for line in office.approve(1, "--yes", "--json").stdout.splitlines()]
    assert (done["approvers"], done["complete"]) == (["chen", "li"], True)
    assert len(lines) == done["lines"]
    assert sum(one["lines"] for one in done["summary"]) == done["lines"]
    assert sum(one["widening"] for one in done["summary"]) == done["widening"]
    (status,) = office.objects("status", "--site", office.site)
    assert (status["in_force"], status["draft"]["standing"]) == (None, "ready")
    office.settle()
    result = office.run("status", "--site", office.site)
    assert result.exit_code == 0
    assert "is in force" in result.stdout
    assert "approved by: chen, li" in result.stdout
    assert "现行有效" in office.run("status", "--site", office.site, locale="zh_CN.UTF-8").stdout


def test_approve_refuses(office: Office, tmp_path: Path) -> None:
    """The same key twice, a version that widens nothing, a stranger's key, a key of another purpose: refused."""
    office.begin()
    result = office.approve(0, "--yes")
    assert result.exit_code == 1
    assert "widens nothing" in result.stderr
    write_files(office.policies, wide_policy())
    assert office.approve(0, "--yes").exit_code == 0
    result = office.approve(0, "--yes", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "already-approved"
    for purpose in (KeyPurpose.POLICY, KeyPurpose.LOG):
        key = office.make_key(tmp_path / "stranger.pem", purpose)
        assert office.run("approve", "--site", office.site, "--key", key, "--yes").exit_code == 2
    (status,) = office.objects("status", "--site", office.site)
    assert [one["approver"] for one in status["approvals"]] == ["chen"]


def test_approve_asks(office: Office) -> None:
    """Without a terminal to ask at, and without --yes, nothing is signed."""
    result = office.run("approve", "--site", office.site, "--key", office.people[0], text="no\n")
    assert result.exit_code == 2
    assert "use --yes" in result.stderr
    assert not (office.policies / "approvals").exists()


class Terminal:
    """A terminal at which somebody types no."""

    stdin: "Terminal"

    def __init__(self) -> None:
        self.stdin = self

    def isatty(self) -> bool:
        """Say that it is one."""
        return True

    def readline(self) -> str:
        """Answer."""
        return "no\n"


def test_approve_shows_before_it_asks(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked has been shown what widens, with --json too."""
    monkeypatch.setattr(policy_changing, "sys", Terminal())
    result = office.approve(0, "--json")
    assert result.exit_code == 1
    *lines, refused = [json.loads(line) for line in result.stdout.splitlines()]
    assert any(line["widens"] for line in lines)
    assert refused["error"] == "not-approved"


def test_approve_sums_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more lines than anybody reads there is a summary for each item first; with --lines they are all shown."""
    monkeypatch.setattr(policy_changing, "MANY", 3)
    short = office.approve(0, "--yes").stdout
    assert re.search(r"\(34-001\): \d+ lines widen, for kinds of callers: \d, licence types: \d, fields: \d", short)
    assert short.count("widens  ") == 3
    hidden = re.search(r"(\d+) more are not shown; --lines shows all", short)
    assert hidden is not None
    everything = office.approve(1, "--yes", "--lines").stdout
    assert everything.count("widens  ") + everything.count("other  ") == 3 + int(hidden[1])
    assert "not shown" not in everything


def test_approve_refuses_faults(office: Office) -> None:
    """Nobody is asked to sign a policy that cannot come into force."""
    write_files(office.policies, changed("rules.toml", 'overrides = ["R-004"]\n', ""))
    assert office.approve(0, "--yes").exit_code == 1


def test_status_names_the_day_of_what_is_in_force(office: Office) -> None:
    """An approval that is too old is shown with the moment that it would have to be younger than."""
    office.begin()
    write_files(office.policies, wide_policy())
    office.approve(0, "--yes")
    office.approve(1, "--yes")
    office.settle()
    write_files(office.policies, small_policy())
    office.settle()
    write_files(office.policies, wide_policy())
    (status,) = office.objects("status", "--site", office.site)
    assert status["in_force"]["approvers"] == []
    assert f"came into force, on {status['in_force']['since']}" in office.run("status", "--site", office.site).stdout


def test_status_says_what_does_not_count(office: Office) -> None:
    """An approval that counts no more is shown with the reason."""
    office.begin()
    write_files(office.policies, wide_policy())
    office.approve(0, "--yes")
    (office.site / "approvers" / "chen.toml").unlink()
    (office.site / "approvers" / "chen.pem").unlink()
    result = office.run("status", "--site", office.site)
    assert result.exit_code == 3
    assert "nobody of that name approves here" in result.stdout
    (status,) = office.objects("status", "--site", office.site)
    assert status["approvals"][0]["refusal"] == "unknown-approver"


def test_status_of_a_broken_site(office: Office, tmp_path: Path) -> None:
    """A site that is not in order is said, with its file."""
    assert office.run("status", "--site", tmp_path / "none").exit_code == 2
    office.begin()
    (office.site / "state" / "policy" / "in-force.json").write_bytes(b"?")
    result = office.run("status", "--site", office.site)
    assert result.exit_code == 2
    assert "in-force.json" in result.stderr


def test_explain(office: Office) -> None:
    """Each field is said with the rule that gives it, or with what is missing."""
    result = office.run("explain", office.site, *CONTEXT)
    assert result.exit_code == 0
    assert "holder_name leaves as plain, by rule R-001" in result.stdout
    assert "obligations: " in result.stdout
    result = office.run("explain", office.site, *CONTEXT[:2], "--caller", "notary", *CONTEXT[4:], "--field", "address")
    assert "address is withheld" in result.stdout
    assert "rule R-001 (mask:addr-district) is blocked: kind of caller counter is needed, not notary" in result.stdout
    found = office.objects("explain", office.site, *CONTEXT, "--status", "revoked", "--field", "address")
    assert found[0]["reason"] == "licence-status"
    assert next(one for one in found[0]["rules"] if one["rule"] == "R-001")["blocked_by"] == ["status"]


def test_explain_what_is_in_force(office: Office) -> None:
    """With --site the policy in force explains, and there has to be one."""
    assert office.run("explain", "--site", office.site, *CONTEXT).exit_code == 2
    office.begin()
    write_files(office.policies, narrow_policy())
    assert office.run("explain", "--site", office.site, *CONTEXT).exit_code == 0


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        (("--item", "34-01", "--caller", "counter", "--licence", "id-card"), "34-001"),
        (("--item", "34-001", "--caller", "conter", "--licence", "id-card"), "counter"),  # codespell:ignore conter
        (("--item", "34-001", "--caller", "counter", "--licence", "id-cart"), "id-card"),
        ((*CONTEXT, "--field", "holder_nam"), "holder_name"),
    ],
)
def test_explain_a_slip(office: Office, options: tuple[str, ...], meant: str) -> None:
    """What the policy does not know is named, with what was probably meant."""
    result = office.run("explain", office.site, *options)
    assert result.exit_code == 2
    assert meant in result.stderr


def test_explain_a_decision(office: Office) -> None:
    """An answer of the past is explained by the policy of then, and computed again."""
    office.begin()
    record = office.record()
    write_files(office.policies, narrow_policy())
    office.settle()
    result = office.run("explain", "--decision", record.decision, "--site", office.site, "--field", "address")
    assert result.exit_code == 0, result.stderr
    assert "caller hall, policy small 2026.1" in result.stdout
    assert "address leaves as mask:addr-district, by rule R-001" in result.stdout
    assert "plan and forms are the same" in result.stdout
    *_, same = office.objects("explain", "--decision", record.decision, "--site", office.site)
    assert same["same"]


def test_explain_no_decision(office: Office) -> None:
    """An id that nobody recorded ends with 1, what is no id with 2, and so does an id without a site."""
    office.begin()
    unknown = make_record().decision
    assert office.run("explain", "--decision", unknown, "--site", office.site).exit_code == 1
    assert office.run("explain", "--decision", "../x", "--site", office.site).exit_code == 2
    assert office.run("explain", office.site, "--decision", unknown).exit_code == 2


def test_replay(office: Office, tmp_path: Path) -> None:
    """A recorded decision comes out the same under its bundle, and the difference is shown under another one."""
    office.begin()
    record = office.record()
    file = tmp_path / "record.json"
    file.write_bytes(encode_record(record) + b"\n")
    assert office.run("replay", file, "--site", office.site).exit_code == 0
    other = changed("rules.toml", 'address = "mask:addr-district", status', "status")
    other |= {"limits.toml": other["limits.toml"].replace(b'address = "mask:addr-district"\n', b"")}
    write_files(tmp_path / "other", other)
    result = office.run("replay", file, "--bundle", tmp_path / "other")
    assert result.exit_code == 1
    assert "it is not the same" in result.stdout
    (found,) = office.objects("replay", file, "--bundle", tmp_path / "other")
    assert not found["same"]
    assert "address" in found["forms"]["recorded"]
    assert "address" not in found["forms"]["again"]


def test_record(office: Office, tmp_path: Path) -> None:
    """What the log says of a decision is taken out of it in the form that is computed again."""
    office.begin()
    record = office.record()
    result = office.run("record", record.decision, "--site", office.site)
    assert (result.exit_code, parse_record(result.stdout.encode().strip())) == (0, record)
    file = tmp_path / "record.json"
    file.write_text(result.stdout)
    assert office.run("replay", file, "--site", office.site).exit_code == 0
    assert office.run("record", make_record().decision, "--site", office.site).exit_code == 1
    assert office.run("record", "../x", "--site", office.site).exit_code == 2


def test_replay_of_nothing(office: Office, tmp_path: Path) -> None:
    """What is no record, and a record without a bundle, end with 2."""
    file = tmp_path / "record.json"
    file.write_bytes(b"{}")
    assert office.run("replay", file, "--site", office.site).exit_code == 2
    file.write_bytes(encode_record(make_record()))
    assert office.run("replay", file).exit_code == 2
    assert office.run("replay", file, "--site", office.site).exit_code == 2
