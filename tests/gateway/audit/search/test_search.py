"""Searching the log: what is found, in which order, page by page, and what is noticed."""

import asyncio
import base64
import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.commitment import is_opened_by
from gateway.audit.entry import EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.lookup import Epoch, LookupKeys, LookupKind
from gateway.audit.search.entry import draft_export, draft_query, encode_digest
from gateway.audit.search.query import Query, QueryError, QueryFlaw, encode_cursor, encode_query, parse_cursor
from gateway.audit.search.search import MAX_PAGE, MAX_SCANNED, LogSearch
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import LOOKUP, START_MS, Clock, make_draft, opened, reseal_private, sqlite_setup

DAY = 86_400_000
COUNT = 60


def make_entry(number: int) -> EntryDraft:
    """Return one of the entries that are searched: few values of each kind, so that searches meet."""
    draft = make_draft(
        number,
        caller=f"caller-{number % 3}",
        item=f"item-{number % 4}",
        form="pm" if number % 2 else "yy",
        policy=f"policy-{number // 30}",
        kind=LeafKind.DENY if number % 7 == 0 else LeafKind.ACCESS,
    )
    assert draft.private is not None
    private = replace(
        draft.private,
        subjects=(SubjectId(f"subject-{number % 5}"), SubjectId(f"subject-{number % 9}")),
        official=f"official-{number % 4}",
        case=f"case-{number % 11}",
        licence=f"licence-{number % 6}",
    )
    return replace(draft, private=private, leaf=replace(draft.leaf, commits=commit_private(private)))


ENTRIES = [make_entry(number) for number in range(COUNT)]
TIMES = [START_MS + number // 5 * DAY // 2 for number in range(COUNT)]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessLog]:
    """Return a log that changed the key of its index half-way."""
    folder, clock, keys = tmp_path_factory.mktemp("log"), Clock(), MemoryKeys()
    store = MemoryStore()
    store_of: dict[str, Any] = {"open_store": lambda: store, "open_keys": lambda: keys}
    with opened(sqlite_setup(folder, clock, **store_of)) as first:
        for at in range(0, 30, 5):
            clock.now = TIMES[at]
            append(first, ENTRIES[at : at + 5])
    both = LookupKeys({**LOOKUP.keys, Epoch(2): b"b" * 32})
    with opened(sqlite_setup(folder, clock, lookup=both, **store_of)) as second:
        for at in range(30, COUNT, 5):
            clock.now = TIMES[at]
            append(second, ENTRIES[at : at + 5])
        yield second


def append(log: AccessLog, drafts: Sequence[EntryDraft]) -> None:
    """Append entries at once."""

    async def run() -> None:
        await asyncio.gather(*(log.append(draft) for draft in drafts))

    asyncio.run(run())


def scan(query: Query) -> list[int]:
    """Return what a search must find, by looking at everything."""
    found = []
    for index in reversed(range(COUNT)):
        leaf, private = ENTRIES[index].leaf, ENTRIES[index].private
        assert private is not None
        holds = [
            not query.subject or query.subject in private.subjects,
            query.official in {"", private.official},
            query.case in {"", private.case},
            query.licence in {"", private.licence},
            query.caller in {"", leaf.caller},
            query.item in {"", leaf.item},
            query.form in {"", leaf.form},
            query.policy in {"", leaf.policy},
            query.decision in {"", leaf.req},
            not query.kinds or leaf.kind in query.kinds,
            query.since is None or TIMES[index] >= query.since,
            query.until is None or TIMES[index] < query.until,
        ]
        if all(holds):
            found.append(index)
    return found


def find_all(log: AccessLog, query: Query, limit: int) -> list[int]:
    """Follow the cursors to the end."""
    search, found, cursor = LogSearch.of(log), list[int](), None
    while True:
        page = search.find(query, cursor=cursor, limit=limit)
        assert len(page.entries) <= limit
        found += [entry.index for entry in page.entries]
        if page.cursor is None:
            return found
        cursor = page.cursor


def one_of(name: str, count: int) -> st.SearchStrategy[str]:
    return st.just("") | st.integers(0, count).map(lambda number: f"{name}-{number}")


moments = st.none() | st.sampled_from(TIMES) | st.sampled_from(TIMES).map(lambda t: t + 1)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    since, until = draw(moments), draw(moments)
    if since is not None and until is not None and since >= until:
        since, until = (until, since) if until < since else (None, until)
    return Query(
        subject=draw(one_of("subject", 9)),
        official=draw(one_of("official", 4)),
        case=draw(one_of("case", 11)),
        licence=draw(one_of("licence", 6)),
        caller=draw(one_of("caller", 3)),
        item=draw(one_of("item", 4)),
        form=draw(st.sampled_from(["", "", "pm", "yy", "y"])),
        policy=draw(one_of("policy", 2)),
        decision=draw(st.just("") | st.sampled_from([draft.leaf.req for draft in ENTRIES])),
        kinds=draw(st.sampled_from([frozenset(), frozenset({LeafKind.DENY}), frozenset(LeafKind)])),
        since=since,
        until=until if until is not None else TIMES[-1] + 2,
    )


@given(query=queries(), limit=st.integers(1, 70))
def test_search_equals_a_naive_scan(log: AccessLog, query: Query, limit: int) -> None:
    """Whatever is searched for, by whichever pages, the entries are those that looking at everything finds."""
    assert find_all(log, query, limit) == scan(query)


def test_answers_hold_the_entry_and_what_was_private(log: AccessLog) -> None:
    """An answer has the leaf as it stands in the tree, and its private part opened."""
    [found] = LogSearch.of(log).find(Query(decision=ENTRIES[7].leaf.req)).entries
    assert (found.index, parse_leaf(found.data), found.leaf.content) == (7, found.leaf, ENTRIES[7].leaf)
    assert found.private is not None
    assert (found.private.part, found.is_damaged) == (ENTRIES[7].private, False)


def test_an_empty_log_has_nothing(tmp_path: Path) -> None:
    """Without entries a search ends at once."""
    with opened(sqlite_setup(tmp_path)) as log:
        assert LogSearch.of(log).find(Query(caller="nobody")).size == 0


@pytest.mark.parametrize("limit", [0, MAX_PAGE + 1])
def test_a_page_has_bounds(log: AccessLog, limit: int) -> None:
    """Nobody asks for no entries, or for too many."""
    with pytest.raises(ValueError, match="expected"):
        LogSearch.of(log).find(Query(caller="caller-1"), limit=limit)


def test_a_scan_has_bounds_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without a term of the index may end empty, and its cursor leads on."""
    clock = Clock()
    monkeypatch.setattr("gateway.audit.search.search.MAX_SCANNED", 1)
    assert MAX_SCANNED > 1
    with opened(sqlite_setup(tmp_path, clock)) as log:
        append(log, [make_draft(number, item="early" if not number else "late") for number in range(300)])
        page = LogSearch.of(log).find(Query(item="early"))
        assert (page.entries, page.cursor is None) == ((), False)
        page = LogSearch.of(log).find(Query(item="early"), cursor=page.cursor)
        assert ([entry.index for entry in page.entries], page.cursor) == ([0], None)


# --- faults -----------------------------------------------------------------------------------------------------------


def filled(folder: Path) -> tuple[AccessLog, MemoryStore]:
    store, keys = MemoryStore(), MemoryKeys()
    log = AccessLog(sqlite_setup(folder, open_store=lambda: store, open_keys=lambda: keys))
    append(log, ENTRIES[:5])
    return log, store


def test_a_changed_entry_is_noticed(tmp_path: Path) -> None:
    """A leaf that is not the one of the tree ends the search with our own error."""
    log, store = filled(tmp_path)
    for changed in (store._leaves[2].replace(b"valid", b"other"), b"{}"):
        kept, store._leaves[2] = store._leaves[2], changed
        with pytest.raises(LogUnavailableError) as caught:
            LogSearch.of(log).find(Query(case="case-2"))
        assert caught.value.reason is Unavailable.CORRUPT
        store._leaves[2] = kept
    log.close()


def test_a_row_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    """An entry of the index that the log does not have ends the search with our own error."""
    log, store = filled(tmp_path)
    del store._leaves[4]
    with pytest.raises(LogUnavailableError) as caught:
        LogSearch.of(log).find(Query(case="case-4"))
    assert caught.value.reason is Unavailable.CORRUPT
    log.close()


def test_a_changed_private_part_is_shown_as_damaged(tmp_path: Path) -> None:
    """The entry is found all the same, without its private part."""
    log, store = filled(tmp_path)
    for changed in (store._privates[2][:-1] + b"\0", b"\1"):
        store._privates[2] = changed
        [found] = LogSearch.of(log).find(Query(case="case-2")).entries
        assert (found.private, found.is_damaged) == (None, True)
    log.close()


@pytest.mark.parametrize(
    "changes",
    [{"official": "other"}, {"case": "other"}, {"case": ""}, {"response": b"r" * 32}, {"salts": make_private().salts}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_private_part_that_was_replaced_is_shown_as_damaged(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Whoever has the keys of the log and writes another part sees it refused: it is not what the leaf commits to."""
    with opened(sqlite_setup(tmp_path, Clock())) as log:
        append(log, ENTRIES[:4])
        reseal_private(log, 2, **changes)
        [found] = LogSearch.of(log).find(Query(case="case-2")).entries
        assert (found.private, found.is_damaged) == (None, True)
        assert [one.is_damaged for one in LogSearch.of(log).find(Query(case="case-3")).entries] == [False]


def test_two_values_of_one_word_are_told_apart(tmp_path: Path) -> None:
    """An entry that the index leads to by chance is not shown."""
    log, store = filled(tmp_path)
    one, two = (LOOKUP.word(LookupKind.CASE, case, Epoch(1)) for case in ("case-99", "case-2"))
    store._words[one] = store._words[two]
    assert [found.index for found in LogSearch.of(log).find(Query(case="case-99")).entries] == []
    log.close()


# --- queries and cursors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "flaw"),
    [
        ({}, QueryFlaw.EMPTY),
        ({"subject": "a\0b"}, QueryFlaw.TEXT),
        ({"case": "x" * 257}, QueryFlaw.TEXT),
        ({"caller": "x" * 129}, QueryFlaw.TEXT),
        ({"item": "\ud800"}, QueryFlaw.TEXT),
        ({"since": -1}, QueryFlaw.TIME),
        ({"until": 2**53}, QueryFlaw.TIME),
        ({"since": 5, "until": 5}, QueryFlaw.TIME),
    ],
)
def test_what_is_no_search_is_refused(members: dict[str, Any], flaw: QueryFlaw) -> None:
    """Nothing, texts that no entry holds, and times that end before they begin are refused."""
    with pytest.raises(QueryError) as caught:
        Query(**members)
    assert caught.value.flaw is flaw


@given(before=st.integers(0, 2**63), text=st.text(string.ascii_letters + string.digits + "-_=", max_size=40))
def test_cursors_belong_to_their_search(before: int, text: str) -> None:
    """A cursor leads back to its place for its own search; changed, or for another search, it is refused."""
    query, other = Query(subject="x"), Query(subject="y")
    cursor = encode_cursor(query, before, LOOKUP)
    assert parse_cursor(cursor, query, LOOKUP) == before
    for wrong, asked in ((cursor, other), (text, query), (cursor[1:] + cursor[0], query), (cursor + "é", query)):
        if (wrong, asked) != (cursor, query):
            with pytest.raises(QueryError) as caught:
                parse_cursor(wrong, asked, LOOKUP)
            assert caught.value.flaw is QueryFlaw.CURSOR


def test_texts_of_queries_are_not_told() -> None:
    """What is searched for stands in no representation of the search."""
    assert "110101" not in repr(Query(subject="110101"))


# --- the entry about a search -----------------------------------------------------------------------------------------


def test_a_search_is_an_entry_that_can_be_opened(tmp_path: Path) -> None:
    """The entry commits to the search; who searches for the same person later finds it, with all that was searched."""
    query = Query(subject="subject-1", case="c", kinds=frozenset({LeafKind.DENY}), since=5)
    draft = draft_query(query, req="Q1", caller="auditor", org="O", found=3, is_onward=True, opening="01OPENING")
    with opened(sqlite_setup(tmp_path)) as log:
        append(log, [draft])
        [found] = LogSearch.of(log).find(Query(subject="subject-1")).entries
        assert found.private is not None
        part = found.private.part
        assert (part.subjects, part.case) == (("subject-1",), "c")
        assert part.context == ("since=5", "kind=deny", "page=onward")
        commitment = found.leaf.content.more["query"]
        opening = is_opened_by(
            base64.urlsafe_b64decode(f"{commitment}="), salt=part.salts.resp, value=encode_query(query)
        )
        more = found.leaf.content.more
        assert (opening, more["count"], more["opening"]) == (True, 3, "01OPENING")


def test_an_export_is_an_entry() -> None:
    """It tells how many entries left, and the digest of the file; a digest has 32 bytes."""
    draft = draft_export(req="Q", caller="auditor", org="O", count=2, digest=bytes(32))
    assert draft.leaf.more == {"count": 2, "digest": encode_digest(bytes(32))}
    with pytest.raises(ValueError, match="expected"):
        encode_digest(b"short")
