"""Who looked at mine, over all shards: nothing is left out but what a rule hides, and nothing tells that one did."""

import base64
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.entry import EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.leaf import Leaf, LeafKind
from gateway.audit.search import usage
from gateway.audit.search.query import QueryError
from gateway.audit.search.usage import Usage, find_usage, usage_query
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import START_MS
from tests.support.audit_drafts import make_draft
from tests.support.shards import TICK_MS, OpenShards, open_shards

ME = SubjectId("11010519491231002X")
OTHER = SubjectId("110101199003070011")
SHARDS = ("2025h2", "2026h1", "2026h2")
# What each shard holds, in order: about me, about me by a secret body, about me and another, about another, no use.
HELD = {"2025h2": "msomsb", "2026h1": "ssss", "2026h2": "ombsmkms"}


def entry(letter: str, number: int) -> EntryDraft:
    """Return an entry of one of the sorts."""
    subjects = {"o": [OTHER], "b": [OTHER, ME]}.get(letter, [ME])
    private = make_private(subjects=subjects, official="3701000001", context=("item", "counter", f"fact-{number}"))
    kind = LeafKind.AUDITOR_QUERY if letter == "k" else (LeafKind.ACCESS, LeafKind.MATCH, LeafKind.DENY)[number % 3]
    draft = make_draft(number, kind=kind, org="SECRET" if letter == "s" else "OPEN", commits=commit_private(private))
    return EntryDraft(leaf=draft.leaf, private=private)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShards]:
    with open_shards(tmp_path_factory.mktemp("shards"), *SHARDS) as shards:
        number = 0
        for shard, letters in HELD.items():
            shards.fill(shard, [entry(letter, number + place) for place, letter in enumerate(letters)])
            number += len(letters)
        yield shards


def hide_secrets(leaf: Leaf) -> str | None:
    """Hide what the secret body did."""
    return "secret" if leaf.content.org == "SECRET" else None


def hide_nothing(_: Leaf) -> None:
    """Hide nothing."""


def place_of(use: Usage) -> tuple[str, int]:
    return use.shard, use.index


def expected(letters: str) -> list[tuple[str, int]]:
    """Return where entries of these sorts stand, the newest first."""
    return [
        (shard, index)
        for shard in reversed(SHARDS)
        for index, letter in reversed(list(enumerate(HELD[shard])))
        if letter in letters
    ]


def collect(log: OpenShards, limit: int, **options) -> tuple[list[list[Usage]], Counter[str]]:
    """Return all pages, and what was counted as withheld over all of them."""
    pages: list[list[Usage]] = []
    withheld: Counter[str] = Counter()
    cursor = None
    while True:
        page = find_usage(log, usage_query(ME), cursor=cursor, limit=limit, **options)
        pages.append(list(page.uses))
        withheld.update(page.withheld)
        cursor = page.cursor
        if cursor is None:
            return pages, withheld


def test_uses_of_all_shards_come_newest_first(log: OpenShards) -> None:
    """One answer goes from the newest shard to the oldest; the official stands nowhere in it."""
    page = find_usage(log, usage_query(ME), select_rule=hide_nothing)
    assert [place_of(use) for use in page.uses] == expected("msb")
    assert page.cursor is None
    assert page.period_from == START_MS + TICK_MS
    assert page.heartbeat == START_MS + TICK_MS * sum(map(len, HELD.values()))
    assert "3701000001" not in repr(page)
    assert page.uses[0].facts[2].startswith("fact-")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 20), hides=st.booleans())
def test_pages_of_any_size_show_the_same(log: OpenShards, limit: int, *, hides: bool) -> None:
    """Every page but the last is full, the last has something, and each withheld entry is counted once."""
    pages, withheld = collect(log, limit, select_rule=hide_secrets if hides else hide_nothing)
    assert [place_of(use) for page in pages for use in page] == expected("mb" if hides else "msb")
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1]
    assert withheld == ({"secret": len(expected("s"))} if hides else {})


def test_times_bound_what_is_shown(log: OpenShards) -> None:
    """Times are half-open."""
    uses = find_usage(log, usage_query(ME), select_rule=hide_nothing).uses
    middle = uses[4]
    query = usage_query(ME, since=middle.leaf.t, until=uses[1].leaf.t)
    found = find_usage(log, query, select_rule=hide_nothing)
    assert [place_of(use) for use in found.uses] == [place_of(use) for use in uses[2:5]]
    with pytest.raises(QueryError):
        usage_query(ME, since=5, until=5)


@pytest.mark.parametrize("change", ["", "2024h1~", "~", "2026h2", "2026h2~AAAA", "other"])
def test_cursors_are_ours(log: OpenShards, change: str) -> None:
    """A cursor that was made up, or is that of somebody else, leads nowhere."""
    cursor = find_usage(log, usage_query(OTHER), select_rule=hide_nothing, limit=1).cursor
    with pytest.raises(QueryError):
        find_usage(log, usage_query(ME), select_rule=hide_nothing, cursor=cursor if change == "other" else change)


def test_a_cursor_tells_nothing(log: OpenShards, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the length of a cursor nor its bytes follow from the place, which may be that of a hidden entry."""
    query, cursors = usage_query(ME), []
    for limit in (1, 2, 8):
        cursors += [find_usage(log, query, select_rule=hide_nothing, limit=limit).cursor for _ in range(2)]
    monkeypatch.setattr(usage, "MAX_LOOKED", 1)
    cursors.append(find_usage(log, query, select_rule=lambda _: "all").cursor)
    assert {len(cursor or "") for cursor in cursors} == {len(cursors[0] or "")}
    beginnings = {base64.urlsafe_b64decode(cursor or "")[:8] for cursor in cursors}
    assert len(beginnings) == len(cursors)


def test_a_cursor_is_of_the_keys_that_made_it(log: OpenShards, tmp_path: Path) -> None:
    """Another log has other keys, and as a half-year begins the cursors before it end."""
    cursor = find_usage(log, usage_query(ME), select_rule=hide_nothing, limit=1).cursor
    with open_shards(tmp_path, "2026h1") as other:
        other.fill("2026h1", [entry("m", number) for number in range(3)])
        assert find_usage(other, usage_query(ME), select_rule=hide_nothing, limit=1).cursor is not None
        with pytest.raises(QueryError):
            find_usage(other, usage_query(ME), select_rule=hide_nothing, cursor=cursor)


@pytest.mark.parametrize("limit", [1, 3, 20])
def test_a_page_of_any_size_reaches_as_far(tmp_path: Path, limit: int) -> None:
    """How much is passed over for a page does not follow from its length: a small one is filled as well."""
    with open_shards(tmp_path, "2026h1") as log:
        log.fill("2026h1", [entry("m", 0), *(entry("s", 1 + number) for number in range(150)), entry("m", 151)])
        page = find_usage(log, usage_query(ME), select_rule=hide_secrets, limit=limit)
        assert [use.index for use in page.uses] == [151, 0][:limit]
        assert (page.cursor is None) == (limit > 1)
        if page.cursor is not None:
            last = find_usage(log, usage_query(ME), select_rule=hide_secrets, limit=limit, cursor=page.cursor)
            assert ([use.index for use in last.uses], last.cursor, last.withheld) == ([0], None, {"secret": 150})


def test_work_for_one_answer_has_a_bound(log: OpenShards, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too much was looked at the answer is short, and its cursor goes on; all pages together show everything."""
    monkeypatch.setattr(usage, "MAX_LOOKED", 1)
    monkeypatch.setattr(usage, "MAX_PAGE", 2)
    pages, withheld = collect(log, 2, select_rule=hide_secrets)
    assert [place_of(use) for page in pages for use in page] == expected("mb")
    assert withheld == {"secret": len(expected("s"))}
    assert any(len(page) < 2 for page in pages[:-1])


def test_a_log_without_entries(tmp_path: Path) -> None:
    """Nobody looked, and there is no time to tell of."""
    with open_shards(tmp_path, "2026h1") as log:
        page = find_usage(log, usage_query(ME), select_rule=hide_nothing)
    assert (page.uses, page.cursor, page.period_from, page.heartbeat, page.withheld) == ((), None, None, None, {})
    with open_shards(tmp_path) as none:
        assert find_usage(none, usage_query(ME), select_rule=hide_nothing).uses == ()


def test_a_changed_private_part_hides_no_use(tmp_path: Path) -> None:
    """That somebody looked is still told, as damaged and without facts."""
    with open_shards(tmp_path, "2026h1") as log:
        log.fill("2026h1", [entry("m", 0), entry("m", 1)])
        store = log.reader().store
        sealed = store.private(1)
        assert sealed is not None
        store.replace_privates({1: sealed[:-1] + bytes([sealed[-1] ^ 1])})
        damaged, sound = find_usage(log, usage_query(ME), select_rule=hide_nothing).uses
    assert (damaged.index, damaged.is_damaged, damaged.facts) == (1, True, ())
    assert (sound.index, sound.is_damaged) == (0, False)


def test_a_changed_first_entry_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot tell since when it goes back is not told from."""
    with open_shards(tmp_path, "2026h1") as log:
        log.fill("2026h1", [entry("o", 0), entry("m", 1)])
        monkeypatch.setattr(log.reader(), "leaf", lambda _: b"{}")
        with pytest.raises(LogUnavailableError) as caught:
            find_usage(log, usage_query(ME), select_rule=hide_nothing)
    assert caught.value.reason is Unavailable.CORRUPT
