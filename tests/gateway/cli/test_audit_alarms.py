"""``tongban audit alarms|watchlist``: what is found in the log of a site, and lists that rules go by."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.alarms.alarm import Target, draft_alarms, draft_verdict, name_alarm
from gateway.audit.alarms.observed import Place
from gateway.audit.alarms.reading import read_observation_key
from gateway.audit.alarms.watchlist import read_watchlist
from gateway.audit.alarms.words import Verdict
from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft, fit_subject
from gateway.audit.lookup import LookupKind
from gateway.site import load_site
from gateway.site_template import write_site
from tests.support.alarms import KEY, NOVEMBER, ask, make_engine, observe
from tests.support.cli import tongban

NUMBER = "11010519491231002X"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site whose log has a night's work of one official, and a burst of another."""
    write_site(tmp_path / "site")
    path = tmp_path / "site" / "alarms.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("subjects = 30", "subjects = 3"), encoding="utf-8")
    t = int(NOVEMBER.timestamp()) * 1000  # a Sunday, 08:00 in China
    write(tmp_path / "site", [ask(n, t, official="night") for n in range(3)])
    write(tmp_path / "site", [ask(n, t + 90_000_000, official="quick") for n in range(10, 14)], later=90_000)
    return tmp_path / "site"


def write(site: Path, drafts: Sequence[EntryDraft], *, later: int = 0) -> None:
    """Append entries, as the gateway does at that time."""

    async def run() -> None:
        place = FolderPlace(site, AuditSettings(), region="370000")
        book = LogBook(place, clock=lambda: NOVEMBER + timedelta(seconds=later))
        await book.open()
        for draft in drafts:
            await book.append(draft)
        await book.close()

    asyncio.run(run())


def test_alarms(site: Path) -> None:
    """What nobody raised or judged is open, and named with its entries; a verdict closes it."""
    key = read_observation_key(site / "state" / "audit" / "keys", make=True)  # as the gateway does
    listed = tongban("audit", "alarms", "--site", site, "--json")
    assert (listed.code, listed.object["outcome"], listed.object["not_judged"]) == (1, "invalid", [])
    found = {one["rule"]: one for one in listed.object["alarms"]}
    assert set(found) == {"off-hours", "burst"}
    assert (found["burst"]["state"], found["burst"]["severity"], found["burst"]["entry"]) == ("unraised", "high", None)
    assert [len(found[rule]["evidence"]) for rule in ("off-hours", "burst")] == [3, 4]
    # What the gateway would have raised, and auditors have judged.
    rules = {rule.id: rule for rule in load_site(site).alarms.rules}
    drafts = [ask(n, int(NOVEMBER.timestamp()) * 1000, official="night") for n in range(3)]
    first = found["off-hours"]["evidence"][0]["index"]
    [alarm] = make_engine(rules["off-hours"]).observe(
        observe([(int(NOVEMBER.timestamp()) * 1000, draft) for draft in drafts], first=first)
    )
    assert str(name_alarm(alarm, key)) == found["off-hours"]["alarm"]
    write(site, [draft_alarms([alarm], key)[0]], later=90_001)
    assert (
        tongban("audit", "alarms", "--site", site, "--rule", "off-hours", "--json").object["alarms"][0]["state"]
        == "open"
    )
    target = Target.parse(found["off-hours"]["alarm"])
    write(site, [draft_verdict(target, Verdict.JUSTIFIED, caller="auditor", org="", note="")], later=90_002)
    judged = tongban("audit", "alarms", "--site", site, "--rule", "off-hours", "--json")
    assert (judged.code, judged.object["alarms"][0]["state"]) == (0, "justified")
    [verdict] = judged.object["alarms"][0]["verdicts"]
    assert (verdict["auditor"], verdict["verdict"]) == ("auditor", "justified")


def test_alarms_of_a_time(site: Path) -> None:
    """Only what happened in the time that was asked for is told."""
    listed = tongban("audit", "alarms", "--site", site, "--since", "2026-11-23", "--json")
    assert [one["rule"] for one in listed.object["alarms"]] == ["burst"]
    listed = tongban("audit", "alarms", "--site", site, "--until", "2026-11-22T00:00:00Z", "--json")
    assert (listed.code, listed.object["alarms"]) == (0, [])


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("C.UTF-8", ["not raised · high · burst:", "asked about more people", "2 alarms, 2 of them open"]),
        ("zh_CN.UTF-8", ["未入日志 · 高 · burst:", "短时间内查询的当事人数量", "告警 2 条，其中待处理 2 条"]),
    ],
)
def test_alarms_for_people(site: Path, locale: str, words: list[str]) -> None:
    """People read sentences in the language of their locale, and the numbers of the entries; nobody is named."""
    listed = tongban("audit", "alarms", "--site", site, locale=locale)
    assert listed.code == 1
    assert all(word in listed.out for word in words)
    assert "2026h2:" in listed.out
    assert "quick" not in listed.out


@pytest.mark.parametrize("locale", ["C.UTF-8", "zh_CN.UTF-8"])
def test_what_cannot_be_judged_is_said(site: Path, locale: str) -> None:
    """A year without a calendar is named."""
    path = site / "alarms.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("year = 2026", "year = 2025").replace("2026-", "2025-"),
        encoding="utf-8",
    )
    listed = tongban("audit", "alarms", "--site", site, locale=locale)
    assert "2026" in listed.err
    told = tongban("audit", "alarms", "--site", site, "--json").object["not_judged"]
    assert told == [{"what": "calendar", "which": "2026"}]


def test_what_cannot_be_evaluated(site: Path, tmp_path: Path) -> None:
    """An unknown rule, rules with faults, and a site without a log are said in words."""
    assert tongban("audit", "alarms", "--site", site, "--rule", "bursts").code == 2
    (site / "alarms.toml").write_text("[[rule]]\nid = 'x'\nkind = 'y'\n")
    ended = tongban("audit", "alarms", "--site", site)
    assert (ended.code, "rule[1].kind" in ended.err) == (2, True)
    write_site(tmp_path / "new")
    assert tongban("audit", "alarms", "--site", tmp_path / "new").code == 2


def test_watchlists(site: Path) -> None:
    """A list holds keyed hashes of what was on standard input, and finds it in entries."""
    (site / "watchlists").mkdir()
    out = site / "watchlists" / "protected.list"
    lines = f"{NUMBER.lower()}\n\n{NUMBER}\n".encode()
    made = tongban("audit", "watchlist", "--site", site, "--kind", "subject", "-o", out, "--json", stdin=lines)
    assert (made.code, made.object["count"]) == (0, 1)
    key = read_observation_key(site / "state" / "audit" / "keys")
    assert made.object["key"] == key.fingerprint != KEY.fingerprint
    assert read_watchlist(out).marks == {key.mark(LookupKind.SUBJECT, NUMBER)}
    path = site / "alarms.toml"
    text = path.read_text(encoding="utf-8").replace('"protected.list"\nenabled = false', '"protected.list"')
    path.write_text(text, encoding="utf-8")
    write(site, [ask(99, int(NOVEMBER.timestamp()) * 1000, subjects=(NUMBER,))], later=180_000)
    listed = tongban("audit", "alarms", "--site", site, "--rule", "protected-person", "--json")
    assert len(listed.object["alarms"]) == 1
    assert tongban("audit", "watchlist", "--site", site, "--kind", "licence", "-o", out, stdin=b"x" * 300).code == 2


def test_a_long_number_is_listed_as_entries_have_it(site: Path, tmp_path: Path) -> None:
    """A holder whose number is longer than private parts keep is found all the same."""
    out, number = tmp_path / "long.list", "PASSPORT-" + "9" * 70
    tongban("audit", "watchlist", "--site", site, "--kind", "subject", "-o", out, stdin=number.encode())
    key = read_observation_key(site / "state" / "audit" / "keys")
    seen = key.observe_draft(ask(1, 0, subjects=(fit_subject(number),)), place=Place("2026h2", 0), t=0)
    assert read_watchlist(out).marks == set(seen.subjects)


def test_reading_makes_no_key(site: Path) -> None:
    """Looking for alarms leaves no file behind, which the gateway could not read if somebody else had made it."""
    assert tongban("audit", "alarms", "--site", site).code == 1
    assert not (site / "state" / "audit" / "keys" / "alarm.key").exists()
