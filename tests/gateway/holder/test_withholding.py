"""Secrecy: what rules hide, from whom, and on which day it is over; what is no rule is refused in words."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.audit.entry import SubjectId
from gateway.audit.leaf import MAX_NUMBER, Leaf, LeafDraft, LeafKind, encode_leaf
from gateway.audit.search.usage import usage_query
from gateway.holder.look import draft_look
from gateway.holder.sign_in import Assurance, SignedInHolder
from gateway.holder.withholding import (
    MAX_HIDDEN_DAYS,
    MAX_RULES,
    HidesFrom,
    Withholding,
    WithholdingRule,
    load_withholding,
)
from gateway.site_template import FILES
from gateway.toml_table import Fault
from tests.support.callers import make_party

BODY = "11370000MB2846516K"
NIGHT = datetime(2026, 3, 1, 23, 30, tzinfo=CHINA_STANDARD_TIME)
LINES = {
    "id": '"investigation"',
    "basis": '"刑事诉讼法（待核实）"',
    "organisations": f'["{BODY}"]',
    "items": '["GA-01"]',
    "hidden_for_days": "10",
}


def write(folder: Path, *rules: dict[str, str], **changes: str) -> None:
    """Write rules that are good except for the changes; "" takes a key away."""
    content = ""
    for rule in rules or ({},):
        lines = LINES | rule | changes
        content += "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value)
    (folder / "withholding.toml").write_text(content, encoding="utf-8")


def load(folder: Path) -> tuple[Withholding, list[str]]:
    faults = list[Fault]()
    found = load_withholding(folder, faults=faults)
    return found, [str(fault) for fault in faults]


def entry(at: datetime = NIGHT, *, org: str = BODY, item: str = "GA-01") -> Leaf:
    content = LeafDraft(kind=LeafKind.ACCESS, req="r", caller="c", org=org, item=item)
    return Leaf(content=content, t=int(at.timestamp() * 1000), seq=1)


def rule(**changes: object) -> WithholdingRule:
    values: dict[str, object] = {
        "id": "investigation",
        "basis": "law",
        "organisations": frozenset({BODY}),
        "items": frozenset({"GA-01"}),
        "hidden_for_days": 10,
    }
    return WithholdingRule(**(values | changes))  # type: ignore[arg-type]  # fields of a rule


def hides(one: WithholdingRule, leaf: Leaf, at: datetime = NIGHT, *, represents: bool = False) -> bool:
    return Withholding(rules=(one,)).select(leaf, at=at, represents=represents) is not None


def test_a_rule_is_read(tmp_path: Path) -> None:
    """Each key means what it says, and the order of rules in the file means nothing."""
    more = {"since": "2026-01-01T00:00:00+08:00", "until": "2027-01-01T00:00:00+08:00", "hides_from": '"everybody"'}
    second = {"id": '"child"', "hides_from": '"representatives"', "organisations": ""}
    write(tmp_path, more, second)
    withholding, faults = load(tmp_path)
    assert faults == []
    child, investigation = withholding.rules
    assert investigation == rule(
        basis="刑事诉讼法（待核实）",
        since=datetime(2025, 12, 31, 16, tzinfo=UTC),
        until=datetime(2026, 12, 31, 16, tzinfo=UTC),
    )
    assert (child.id, child.hides_from, child.organisations) == ("child", HidesFrom.REPRESENTATIVES, frozenset())
    write(tmp_path, second, more)
    assert load(tmp_path)[0].digest == withholding.digest


@pytest.mark.parametrize("content", [None, "", FILES["withholding.toml"]])
def test_without_rules_nothing_is_hidden(tmp_path: Path, content: str | None) -> None:
    """No file, an empty one and the one of a new site withhold nothing."""
    if content is not None:
        (tmp_path / "withholding.toml").write_text(content, encoding="utf-8")
    withholding, faults = load(tmp_path)
    assert (withholding.rules, faults) == ((), [])
    assert withholding.select(entry(), at=NIGHT, represents=True) is None


def test_the_example_in_the_template_is_a_rule(tmp_path: Path) -> None:
    """Whoever takes the comment signs away gets a good rule."""
    lines = FILES["withholding.toml"].splitlines()
    example = lines[lines.index("# [[rule]]") :]
    text = "\n".join(line.removeprefix("# ") for line in example)
    (tmp_path / "withholding.toml").write_text(text, encoding="utf-8")
    withholding, faults = load(tmp_path)
    assert faults == []
    assert [one.hidden_for_days for one in withholding.rules] == [180]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"id": ""}, "rule[1].id"),
        ({"id": '"Two words"'}, "rule[1].id"),
        ({"basis": ""}, "rule[1].basis"),
        ({"basis": '""'}, "rule[1].basis"),
        ({"organisations": '["police"]'}, "rule[1].organisations"),
        ({"organisations": "[]"}, "rule[1].organisations"),
        ({"organisations": f'"{BODY}"'}, "rule[1].organisations"),
        ({"items": '["a b"]'}, "rule[1].items"),
        ({"organisations": "", "items": ""}, "rule[1].organisations"),
        ({"hidden_for_days": ""}, "rule[1].hidden_for_days"),
        ({"hidden_for_days": "0"}, "rule[1].hidden_for_days"),
        ({"hidden_for_days": str(MAX_HIDDEN_DAYS + 1)}, "rule[1].hidden_for_days"),
        ({"hidden_for_days": "true"}, "rule[1].hidden_for_days"),
        ({"hides_from": '"auditors"'}, "rule[1].hides_from"),
        ({"since": "2026-01-01"}, "rule[1].since"),
        ({"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T08:00:00+08:00"}, "rule[1].until"),
        ({"hide_for_days": "10"}, "rule[1].hide_for_days"),
    ],
)
def test_what_is_no_rule(tmp_path: Path, changes: dict[str, str], key: str) -> None:
    """Each fault names its place; a misspelt key is not taken for the default."""
    write(tmp_path, **changes)
    (fault,) = load(tmp_path)[1]
    assert fault.startswith(f"withholding.toml: {key}: expected ")


def test_faults_of_the_whole_file(tmp_path: Path) -> None:
    """Ids that repeat, too many rules, another table, a link that leads nowhere: nothing of it passes silently."""
    write(tmp_path, {}, {})
    assert load(tmp_path)[1] == [
        "withholding.toml: rule[2].id: expected an id that no other rule has, found investigation"
    ]
    write(tmp_path, *({"id": f'"r{number}"'} for number in range(MAX_RULES + 1)))
    assert f"at most {MAX_RULES} tables" in load(tmp_path)[1][0]
    (tmp_path / "withholding.toml").write_text("[rules]\n")
    assert "rules" in load(tmp_path)[1][0]
    (tmp_path / "withholding.toml").write_text('rule = "all"\n')
    assert f"at most {MAX_RULES} tables" in load(tmp_path)[1][0]
    (tmp_path / "withholding.toml").unlink()
    (tmp_path / "withholding.toml").symlink_to(tmp_path / "nowhere")
    assert "no such file" in load(tmp_path)[1][0]


def test_the_last_day_is_a_day_in_china() -> None:
    """An entry of 1 March that is hidden for 10 days is shown as 11 March begins in China, and not before."""
    over = datetime(2026, 3, 11, tzinfo=CHINA_STANDARD_TIME)
    assert hides(rule(), entry(), at=over - timedelta(microseconds=1))
    assert not hides(rule(), entry(), at=over)
    morning = NIGHT.replace(hour=0, minute=0)
    assert hides(rule(), entry(morning), at=over - timedelta(microseconds=1))
    assert not hides(rule(), entry(morning), at=over)
    assert hides(rule(), entry(NIGHT + timedelta(minutes=30)), at=over)


def test_organisation_and_item_count_together() -> None:
    """A rule that names both hides entries of both; one that names one of them does not look at the other.

    An entry without an item may be of any, so that rules about items hold for it.
    """
    for org, item, both, only_org, only_item in (
        (BODY, "GA-01", True, True, True),
        (BODY, "GA-02", False, True, False),
        ("OTHER", "GA-01", False, False, True),
        ("OTHER", "GA-02", False, False, False),
        (BODY, "", True, True, True),
        ("OTHER", "", False, False, True),
    ):
        leaf = entry(org=org, item=item)
        assert hides(rule(), leaf) is both
        assert hides(rule(items=frozenset()), leaf) is only_org
        assert hides(rule(organisations=frozenset()), leaf) is only_item


def test_a_rule_has_a_time_of_its_own() -> None:
    """It holds for entries from its begin to before its end."""
    one = rule(since=NIGHT, until=NIGHT + timedelta(hours=1))
    shifts = {timedelta(milliseconds=-1): False, timedelta(): True, timedelta(minutes=59): True}
    for shift, hidden in (shifts | {timedelta(hours=1): False}).items():
        assert hides(one, entry(NIGHT + shift)) is hidden


def test_the_holder_may_see_what_a_representative_does_not() -> None:
    """A rule for representatives hides nothing from the holder; one for everybody hides it from both."""
    for whom, from_holder in ((HidesFrom.REPRESENTATIVES, False), (HidesFrom.EVERYBODY, True)):
        one = rule(hides_from=whom)
        assert hides(one, entry(), represents=True)
        assert hides(one, entry(), represents=False) is from_holder


@given(
    days=st.integers(1, MAX_HIDDEN_DAYS),
    asked=st.datetimes(min_value=datetime(2026, 3, 2), max_value=datetime(2029, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is given beside
    represents=st.booleans(),
)
def test_nothing_is_hidden_for_good(days: int, asked: datetime, *, represents: bool) -> None:
    """Whatever the rule, an entry is shown from the day on that it says; more rules never show more."""
    one = rule(hidden_for_days=days)
    hidden = hides(one, entry(), at=asked, represents=represents)
    assert hidden == (asked.astimezone(CHINA_STANDARD_TIME).date() < date(2026, 3, 1) + timedelta(days=days))
    both = Withholding(rules=(one, rule(id="other", items=frozenset({"GA-02"}))))
    assert (both.select(entry(), at=asked, represents=represents) is not None) >= hidden


def test_the_digest_names_exactly_the_rules() -> None:
    """Any change of a rule is another digest."""
    others = (
        Withholding(),
        *(
            Withholding(rules=(rule(**change),))
            for change in (
                {},
                {"id": "b"},
                {"basis": "b"},
                {"organisations": frozenset()},
                {"items": frozenset()},
                {"hidden_for_days": 11},
                {"hides_from": HidesFrom.REPRESENTATIVES},
                {"since": NIGHT},
                {"until": NIGHT},
            )
        ),
    )
    assert len({one.digest for one in others}) == len(others)
    assert Withholding(rules=(rule(),)).digest == Withholding(rules=(rule(),)).digest


def test_all_rules_fit_the_entry_about_a_look() -> None:
    """The entry about a look can name every rule of a site, with the longest id and any count."""
    rules = Withholding(rules=tuple(rule(id=f"{number:064}") for number in range(MAX_RULES)))
    holder = SignedInHolder(asker=SubjectId("a"), subject=SubjectId("b"), assurance=Assurance.REAL_PERSON)
    draft = draft_look(
        usage_query(SubjectId("b"), since=0, until=MAX_NUMBER),
        holder,
        platform=make_party().caller,
        req="r",
        shown=50,
        withheld={one.id: 10**9 for one in rules.rules},
        withholding=rules,
        is_onward=True,
    )
    assert draft.private is not None
    assert len([text for text in draft.private.context if text.startswith("withheld=")]) == MAX_RULES
    assert b"withheld" not in encode_leaf(draft.leaf, t=0, seq=1)
