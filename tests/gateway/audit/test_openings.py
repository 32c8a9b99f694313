"""Openings: what the log says of them is all there is, and each of their limits holds."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.entry import SubjectId
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.lookup import LookupKind
from gateway.audit.openings import (
    OPENING_MS,
    Auditor,
    Opening,
    OpeningError,
    OpeningRefusal,
    check_use,
    draft_approval,
    draft_request,
    find_opening,
)
from gateway.audit.search.query import Query
from gateway.audit.search.search import MAX_PAGE
from tests.gateway.audit import findings
from tests.gateway.audit.findings import BY_LICENCE, FIRST, SECOND
from tests.support.audit import ORIGIN, START_MS, Clock, opened, sqlite_setup

ID = "01ASKEDFOR"
FULL = Query(
    subject=SubjectId("11010519491231002X"),
    official="3701000001",
    case="2026-1",
    licence="L-1",
    caller="approval-01",
    item="i1",
    kinds=frozenset({LeafKind.ACCESS, LeafKind.MATCH}),
    since=1,
    until=2,
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AccessLog]:
    with opened(sqlite_setup(tmp_path, Clock())) as log:
        yield log


def use(
    opening: Opening,
    query: Query = BY_LICENCE,
    *,
    log: str = ORIGIN,
    caller: str = FIRST.caller,
    after: int = 1,
    openers: int = 2,
) -> None:
    """Use an opening so long after the start."""
    check_use(opening, query, log=log, caller=caller, at=START_MS + after, openers=openers)


def refusal(opening: Opening, query: Query = BY_LICENCE, **how: object) -> OpeningRefusal:
    """Return why the use of an opening is refused."""
    with pytest.raises(OpeningError) as caught:
        use(opening, query, **how)  # type: ignore[arg-type]  # as `use` has them
    return caught.value.refusal


def test_an_approved_opening_is_good_for_its_search(log: AccessLog) -> None:
    """Whoever asked may use it for exactly what was approved; the log is asked, and nothing else."""
    opening = findings.approve(log)
    use(opening)
    assert (opening.asked_by, opening.approved_by) == (FIRST, SECOND)
    assert (opening.reason, opening.terms) == (findings.REASON, {"licence": findings.LICENCE, "log": ORIGIN})
    kinds = {parse_leaf(log.leaf(place.index)).content.kind for place in opening.places}
    assert (len(opening.places), kinds) == (2, {LeafKind.ADMIN})


def test_all_terms_are_told(log: AccessLog) -> None:
    """Whoever approves sees everything that is to be searched for."""
    assert findings.approve(log, FULL).terms == {
        "subject": "11010519491231002X",
        "official": "3701000001",
        "case": "2026-1",
        "licence": "L-1",
        "caller": "approval-01",
        "item": "i1",
        "kinds": "access,match",
        "since": "1",
        "until": "2",
        "log": ORIGIN,
    }


@pytest.mark.parametrize(
    ("query", "how", "expected"),
    [
        (BY_LICENCE, {"caller": SECOND.caller}, OpeningRefusal.UNKNOWN),
        (replace(BY_LICENCE, since=1), {}, OpeningRefusal.OTHER_SEARCH),
        (Query(licence="another"), {}, OpeningRefusal.OTHER_SEARCH),
        (BY_LICENCE, {"log": "tongban.gov.cn/370000/2019h1"}, OpeningRefusal.OTHER_SEARCH),
        (BY_LICENCE, {"after": OPENING_MS}, OpeningRefusal.OVER),
    ],
)
def test_what_it_is_not_good_for(
    log: AccessLog, query: Query, how: dict[str, object], expected: OpeningRefusal
) -> None:
    """Somebody else, another search, another half-year, or another day: refused."""
    opening = findings.approve(log)
    use(opening, after=OPENING_MS - 1)
    assert refusal(opening, query, **how) is expected


def test_without_approval_only_where_one_person_is_enough(log: AccessLog) -> None:
    """A request that nobody approved opens nothing, unless the site says that one person does."""
    opening = findings.approve(log, by=None)
    assert refusal(opening) is OpeningRefusal.NOT_APPROVED
    use(opening, openers=1)
    assert refusal(opening, after=OPENING_MS, openers=1) is OpeningRefusal.OVER


@pytest.mark.parametrize(
    "by",
    [
        FIRST,
        replace(SECOND, operator=FIRST.operator),
        replace(SECOND, operator=" ３701-1 "),
        replace(SECOND, operator=""),
        replace(SECOND, caller=FIRST.caller),
    ],
)
def test_nobody_approves_their_own(log: AccessLog, by: Auditor) -> None:
    """Neither the same account nor the same person, however spelled; such an entry counts for nothing either."""
    opening = findings.approve(log, by=None)
    with pytest.raises(OpeningError) as caught:
        draft_approval(opening, by, at=START_MS)
    assert caught.value.refusal is OpeningRefusal.SAME_PERSON
    forged = draft_approval(replace(opening, asked_by=Auditor(caller="x", org="x", operator="x")), SECOND, at=START_MS)
    assert forged.private is not None
    leaf, private = replace(forged.leaf, caller=by.caller), replace(forged.private, official=by.operator)
    findings.append(log, replace(forged, leaf=leaf, private=private))
    assert find_opening([log], ID).approved_by is None


def test_an_approval_comes_in_time(tmp_path: Path) -> None:
    """A request that was not approved within its time can be approved no more; a late entry counts for nothing."""
    clock = Clock()
    with opened(sqlite_setup(tmp_path, clock)) as log:
        opening = findings.approve(log, by=None)
        with pytest.raises(OpeningError) as caught:
            draft_approval(opening, SECOND, at=START_MS + OPENING_MS)
        assert caught.value.refusal is OpeningRefusal.OVER
        late = draft_approval(opening, SECOND, at=START_MS)
        clock.now += OPENING_MS
        findings.append(log, late)
        assert find_opening([log], ID).approved_by is None


def test_an_approval_of_something_else_counts_for_nothing(log: AccessLog) -> None:
    """An approval names what it approves; one of the same id for another search is none."""
    opening = findings.approve(log, by=None)
    other = draft_approval(replace(opening, commitment="A" * 43), SECOND, at=START_MS)
    findings.append(log, other)
    assert find_opening([log], ID).approved_by is None


def test_the_first_approval_counts(log: AccessLog) -> None:
    """Approving again neither prolongs an opening nor takes the first approver's name away."""
    findings.approve(log)
    third = Auditor(caller="auditor-3", org="x", operator="3701-3")
    findings.append(log, draft_approval(find_opening([log], ID), third, at=START_MS))
    assert find_opening([log], ID).approved_by == SECOND


def test_a_request_is_found_behind_many_entries(log: AccessLog) -> None:
    """However many entries name an opening, its request and first approval are found."""
    asked = findings.approve(log)
    third = Auditor(caller="auditor-3", org="x", operator="3701-3")

    async def spam() -> None:
        drafts = [draft_approval(asked, third, at=START_MS) for _ in range(MAX_PAGE + 1)]
        await asyncio.gather(*(log.append(draft) for draft in drafts))

    asyncio.run(spam())
    found = find_opening([log], ID)
    assert (found.approved_by, found.places) == (SECOND, asked.places)


def test_a_restart_forgets_no_opening(tmp_path: Path) -> None:
    """Opened again, the log says the same of an opening."""
    with opened(sqlite_setup(tmp_path, Clock())) as log:
        before = findings.approve(log)
    with opened(sqlite_setup(tmp_path, Clock())) as log:
        after = find_opening([log], ID)
    assert (after.terms, after.approved_by, after.places) == (before.terms, before.approved_by, before.places)
    use(after)


def test_the_turn_of_a_half_year_ends_no_opening(tmp_path: Path) -> None:
    """A request in the old half-year and its approval in the new one are one opening."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with opened(sqlite_setup(tmp_path / "old", Clock())) as old, opened(sqlite_setup(tmp_path / "new", Clock())) as new:
        opening = findings.approve(old, by=None)
        findings.append(new, draft_approval(opening, SECOND, at=START_MS))
        found = find_opening([new, old], ID)
    assert found.approved_by == SECOND
    use(found)


def test_what_is_forgotten_is_not_opened(log: AccessLog) -> None:
    """When the person that was searched for is forgotten, the opening is unknown; so is one of no entry at all."""
    query = Query(subject=SubjectId("11010519491231002X"))
    findings.approve(log, query)
    log.keys.erase([log.lookup.owner(LookupKind.SUBJECT, query.subject, log.lookup.current)])
    for opening in (ID, "01NEVERASKED"):
        with pytest.raises(OpeningError) as caught:
            find_opening([log], opening)
        assert caught.value.refusal is OpeningRefusal.UNKNOWN


def test_the_leaf_tells_nothing_of_the_search(log: AccessLog) -> None:
    """The entries about an opening name accounts, and commit to the rest."""
    opening = findings.approve(log, FULL)
    for place in opening.places:
        said = json.loads(log.leaf(place.index))
        del said["commits"]
        said.pop("target", None)  # digests, in which two letters of a name may meet by chance
        for text in (*opening.terms.values(), opening.reason, FIRST.operator):
            assert len(text) == 1 or text not in json.dumps(said, ensure_ascii=False)


@pytest.mark.parametrize("change", [{"reason": "x\0"}, {"reason": "理" * 100}, {"opening": "x" * 200}])
def test_texts_that_no_entry_takes(change: dict[str, str]) -> None:
    """A reason or an id that cannot be logged is refused before anything is."""
    given = {"opening": ID, "reason": "r", "log": ORIGIN} | change
    with pytest.raises((ValueError, Exception), match=r"expected|text"):
        draft_request(BY_LICENCE, FIRST, **given)
