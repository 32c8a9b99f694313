"""Who looked at mine: what a holder is shown of the entries about them. The official's name stays with the auditor.

This is the search part; signing in as a holder, and the rules of secrecy, stand before it.
"""

from dataclasses import dataclass
from typing import Final

from gateway.audit.entry import SubjectId
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.search.query import Query
from gateway.audit.search.search import USUAL_PAGE, LogSearch

USAGE_KINDS: Final = frozenset({LeafKind.ACCESS, LeafKind.MATCH, LeafKind.DENY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One use of somebody's licences: when, by which organisation and system, for which item, and what came of it.

    ``form`` is one character for each field, as the plan gave it; "" where nothing was given.
    """

    index: int
    t: int
    kind: LeafKind
    organisation: str
    system: str
    partner: str
    item: str
    purpose: str
    form: str
    outcome: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePage:
    """Uses, the newest first; the log tells of the time from ``period_from`` to ``heartbeat`` (ms since 1970)."""

    uses: tuple[Usage, ...]
    cursor: str | None
    period_from: int | None
    heartbeat: int | None


def find_usage(
    log: AccessLog,
    subject: SubjectId,
    *,
    since: int | None = None,
    until: int | None = None,
    cursor: str | None = None,
    limit: int = USUAL_PAGE,
) -> UsagePage:
    """Return who looked at somebody's licences in ``since <= t < until``; raises as `LogSearch.find` does."""
    query = Query(subject=subject, kinds=USAGE_KINDS, since=since, until=until)
    page = LogSearch.of(log).find(query, cursor=cursor, limit=limit)
    head = log.head()
    return UsagePage(
        uses=tuple(
            Usage(
                index=found.index,
                t=found.leaf.t,
                kind=found.leaf.content.kind,
                organisation=found.leaf.content.org,
                system=found.leaf.content.caller,
                partner=found.leaf.content.partner,
                item=found.leaf.content.item,
                purpose=found.leaf.content.purpose,
                form=found.leaf.content.form,
                outcome=found.leaf.content.outcome,
                reasons=found.leaf.content.reasons,
            )
            for found in page.entries
        ),
        cursor=page.cursor,
        period_from=None if head is None else parse_leaf(log.leaf(0)).t,
        heartbeat=None if head is None else head.t,
    )
