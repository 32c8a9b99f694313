"""``tongban demo --once``: thirty files, five keys, and an end that tells whether all answers are right."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli import demo as command
from gateway.cli.console import ExitCode
from gateway.demo.stage import CALLER_ID, Question, Stage, set_stage
from gateway.reason import Reason
from gateway.verdict import Outcome
from tests.support.cli import Ended, tongban


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "kept"


@pytest.fixture(scope="module")
def ended(kept: Path) -> Ended:
    """Run the demo once, and keep its files."""
    return tongban("demo", "--once", "--json", "--keep", kept)


def test_every_answer_is_the_right_one(ended: Ended) -> None:
    """Twenty genuine licences are valid but one that is suspended, ten forgeries are not, and the store answers too."""
    assert ended.code == 0
    assert len(ended.objects) == 50
    verified = ended.objects[:35]
    for one in verified:
        assert list(one) == ["file", "claim", "forged", "expected", "right", "answer"]
        assert one["right"] is True
        assert one["answer"]["outcome"] == one["expected"]["outcome"]
    assert [one["forged"] is None for one in verified] == [True] * 19 + [False] * 11 + [True] * 2 + [False] * 3
    assert all(set(one["forged"]) == {"zh", "en"} for one in verified[19:30])
    assert all(one["answer"]["outcome"] == "valid" for one in verified[:19])
    assert verified[19]["answer"]["reasons"] == ["status.suspended"]
    reasons = {one["expected"]["reason"] for one in verified[20:30]}
    assert len(reasons) == 10
    assert [one["answer"]["reasons"] for one in verified[30:]] == [
        [],
        [],
        ["status.not-found"],
        ["status.not-found"],
        ["status.suspended"],
    ]
    assert {one["answer"]["freshness"]["source"] for one in verified[30:]} == {"store"}


def test_every_caller_sees_what_it_must(ended: Ended) -> None:
    """Callers of both provinces see the same licence in different forms, compared and withheld as the policy says."""
    shared = ended.objects[35:46]
    assert all(one["right"] is True for one in shared)
    assert {one["region"] for one in shared} == {"340000", "370000"}
    assert {one["kind"] for one in shared} == {"counter", "court", "auditor", "bank-kiosk", "partner-counter", "tax"}
    own, partner, guess = shared[:3]
    assert own["answer"]["fields"]["holder_name"]["value"] != partner["answer"]["fields"]["holder_name"]["value"]
    assert partner["answer"]["fields"]["holder_name"]["value"].endswith("*")
    assert [one["answer"]["match"] for one in (own, partner, guess)] == [
        {"outcome": True},
        {"outcome": True},
        {"outcome": False},
    ]
    assert len({one["answer"]["policy"]["bundle"] for one in shared[:-1]}) == 1
    assert shared[-1]["answer"]["reason"] == "purpose.item-unknown"


def test_other_systems_are_asked(ended: Ended) -> None:
    """Stand-ins of different shapes answer: a file that is verified here, a register's word against, and no file."""
    asked = ended.objects[46:]
    assert [one["system"] for one in asked] == ["gbt36906", "shandong", "guangdong", "fujian-soap"]
    assert all(one["right"] is True for one in asked)
    assert [(one["answer"]["outcome"], one["answer"]["reasons"]) for one in asked] == [
        ("valid", []),
        ("invalid", ["status.cancelled", "format.no-document"]),
        ("valid", []),
        ("unknown", ["format.no-document", "status.unknown"]),
    ]
    assert [one["answer"]["freshness"]["source"] for one in asked] == [f"system:{one['system']}" for one in asked]
    assert all(one["answer"]["signatures"] for one in asked if one["answer"]["outcome"] == "valid")


def test_the_end_is_said_on_standard_error(ended: Ended) -> None:
    """A sentence sums up each part; no progress bar in a pipe."""
    assert ended.err == (
        "35 questions: 35 outcomes right, 0 wrong.\n11 questions of callers: 11 saw what they must, 0 did not.\n"
        "4 questions to other systems: 4 outcomes right, 0 wrong.\n"
    )


def test_what_was_kept_can_be_verified_offline(ended: Ended, kept: Path) -> None:
    """The command line agrees with what the gateway answered over HTTP, but for what only a store knows."""
    again = tongban("verify", "--json", "--trust", kept / "site" / "trust", kept / "documents")
    assert (again.code, again.err) == (1, "")
    found = {Path(one["input"]).name: one for one in again.objects}
    assert len(found) == 30
    for one in ended.objects[:30]:
        offline = found[one["file"]]
        if one["answer"]["reasons"] == ["status.suspended"]:
            assert (offline["outcome"], offline["reasons"]) == ("valid", [])
            continue
        assert (offline["outcome"], offline["reasons"]) == (one["answer"]["outcome"], one["answer"]["reasons"])


def test_no_private_key_is_kept(ended: Ended, kept: Path) -> None:
    """The demo's private keys live in its memory only."""
    assert ended.code == 0
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert (kept / "site" / "callers" / "demo.toml") in files
    assert CALLER_ID in (kept / "site" / "callers" / "demo.toml").read_text(encoding="utf-8")
    assert not [path for path in files if b"PRIVATE KEY" in path.read_bytes()]


def test_a_folder_with_something_in_it_is_not_written_to(ended: Ended, kept: Path) -> None:
    """A second demo does not mix its files into the first one's."""
    assert ended.code == 0
    again = tongban("demo", "--once", "--keep", kept)
    assert (again.code, again.out) == (2, "")
    assert "not an empty folder" in again.err


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """Where the files cannot be kept, a sentence says so and the code is 2."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    again = tongban("demo", "--once", "--keep", tmp_path / "file" / "below")
    assert (again.code, again.out) == (2, "")
    assert "cannot write to" in again.err


def first_two(now: datetime, *, outcome: Outcome, reason: Reason | None) -> Stage:
    """Set a stage of two questions, the second with another expectation."""
    stage = set_stage(now)
    right, other = stage.questions[:2]
    changed = Question(
        name=other.name, claim=other.claim, done_zh="", done_en="", document=other.document,
        outcome=outcome, reason=reason,
    )  # fmt: skip
    return Stage(authority=stage.authority, questions=(right, changed), caller_key=stage.caller_key)


@pytest.mark.parametrize(
    ("outcome", "reason", "code"),
    [
        pytest.param(Outcome.VALID, None, ExitCode.DONE, marks=pytest.mark.slow),
        (Outcome.INVALID, Reason.REFERENCES_MISMATCH, ExitCode.INVALID),
        pytest.param(Outcome.VALID, Reason.REFERENCES_MISMATCH, ExitCode.INVALID, marks=pytest.mark.slow),
    ],
)
def test_an_answer_that_was_not_expected_ends_with_1(
    outcome: Outcome,
    reason: Reason | None,
    code: ExitCode,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A right outcome for another reason is wrong as well, and the file is named."""
    now = datetime.now(UTC).replace(microsecond=0)  # the gateway it asks has a real clock
    stage = first_two(now, outcome=outcome, reason=reason)
    monkeypatch.setattr(command, "set_stage", lambda _: stage)
    assert command.demo(once=True, keep=None, as_json=False) is code
    said = capfd.readouterr().err
    assert (stage.questions[1].name in said) is (code is ExitCode.INVALID)
    assert stage.questions[0].name not in said
