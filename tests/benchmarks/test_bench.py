"""``tongban bench``: the shape of its report, and that a goal which is missed is said to be missed."""

import pytest

from benchmarks import verify
from benchmarks.report import Reach, report, spread
from gateway.verdict import Outcome
from keys.trust import TrustStore
from tests.support.cli import Ended, tongban
from tests.support.demo import NOW

KEYS = ["bench", "commit", "machine", "versions", "rounds", "reach", "detail"]
REACH_KEYS = ["measure", "value", "unit", "goal", "better", "ok"]
STEPS = {"unzip", "xml", "der", "reading", "digest", "sm2", "checks", "total", "all_but_arithmetic"}


@pytest.fixture(scope="module")
def ended() -> Ended:
    return tongban("bench", "verify", "--rounds", "3", "--json")


def test_the_report_has_the_shape_of_the_design(ended: Ended) -> None:
    """Every figure stands beside its goal, with machine, commit and versions; how fast it is, is not tested here."""
    found = ended.object
    assert list(found) == KEYS
    assert (found["bench"], found["rounds"]) == ("verify", 3)
    assert found["machine"].keys() == {"cpu", "cores", "system"}
    assert {"python", "openssl", "cryptography", "lxml"} <= found["versions"].keys()
    for figure in found["reach"]:
        assert list(figure) == REACH_KEYS
        reached = (
            figure["value"] >= figure["goal"] if figure["better"] == "higher" else figure["value"] <= figure["goal"]
        )
        assert figure["ok"] is reached


def test_the_exit_code_says_whether_every_goal_was_reached(ended: Ended) -> None:
    """0 for all, 1 for any that was missed; nothing else is printed."""
    assert ended.code == (0 if all(figure["ok"] for figure in ended.object["reach"]) else 1)
    assert ended.err == ""


def test_the_time_is_split_by_step(ended: Ended) -> None:
    """The steps are timed one by one, each with its spread, over documents of about 100 kB."""
    detail = ended.object["detail"]
    assert detail["steps_ms"].keys() >= STEPS
    assert all(step["p5"] <= step["median"] <= step["p95"] for step in detail["steps_ms"].values())
    assert 90_000 <= detail["document_bytes"] <= 110_000


def test_people_read_a_table() -> None:
    """Without --json the figures stand in a table beside their goals."""
    ended = tongban("bench", "verify", "--rounds", "3")
    assert ended.code in {0, 1}
    assert "bench verify" in ended.out


@pytest.mark.parametrize("arguments", [("no-such-bench",), ("verify", "--rounds", "0"), ()])
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    """A name that is none, or no rounds at all, is a usage error."""
    ended = tongban("bench", *arguments)
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize(
    ("better", "value", "ok"),
    [("higher", 1.0, False), ("higher", 2.0, True), ("lower", 2.0, True), ("lower", 3.0, False)],
)
def test_a_goal_is_reached_from_its_own_side(better, value: float, ok: bool) -> None:  # noqa: FBT001 - a case of the table
    """Reaching exactly the goal is enough."""
    reach = Reach(measure="m", value=value, unit="ms", goal=2.0, better=better)
    assert reach.ok is ok
    assert report("m", rounds=1, reach=[reach], detail={})["reach"][0]["ok"] is ok


def test_the_spread_names_what_was_measured() -> None:
    """Median and percentiles are values of the samples themselves, in whatever order they came."""
    assert spread([5.0, 1.0, 3.0, 2.0, 4.0]) == {"median": 3.0, "p5": 1.0, "p95": 5.0}
    assert spread([7.0]) == {"median": 7.0, "p5": 7.0, "p95": 7.0}


def test_a_wrong_answer_is_no_figure() -> None:
    """A benchmark whose documents are not valid stops instead of measuring."""
    with pytest.raises(RuntimeError, match=Outcome.INVALID):
        verify.require_valid(b"no document", TrustStore.empty(), NOW)


def test_the_documents_of_the_benchmark_differ() -> None:
    """Nothing can be remembered from one round to the next."""
    documents = verify.build_setting(NOW, count=3).documents
    assert len(set(documents)) == 3
