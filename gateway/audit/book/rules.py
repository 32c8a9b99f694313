"""Rules of a site that are no policies, those of secrecy and of alarms: the log says which of them are in force.

The first start in a half-year says it, also of a site that has none, and so does every start with other rules. So only
the newest half-year is asked at a start, and what was said before may be forgotten by its age. An entry of kind admin
says it, with the action `WITHHOLDING` or `ALARM_RULES`; a word of the index leads to it, past an admin entry of each
minute.
"""

import asyncio

from gateway.audit.book.book import LogBook
from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import OWN_CALLER, EntryDraft
from gateway.audit.leaf import LeafKind
from gateway.audit.lookup import LookupKind
from gateway.audit.reader import LogReader
from gateway.audit.search.query import Query
from gateway.audit.search.search import FoundEntry, LogSearch


async def announce_rules(book: LogBook, *drafts: EntryDraft) -> None:
    """Say that these rules are in force from here on, unless the half-year said that last.

    With a clock behind the log that is said once it has caught up, before any other entry is taken.

    Raises:
        LogUnavailableError: it is not known, or not said.

    """
    log = await asyncio.to_thread(book.reader)
    await book.say_first([draft for draft in drafts if not await asyncio.to_thread(_is_said, log, draft)])


async def announce_changed(log: SiteLog, draft: EntryDraft) -> None:
    """Say the same of rules that change while the gateway runs, from whichever of its processes.

    Raises:
        LogUnavailableError: it is not known, or not said.

    """
    reader = await asyncio.to_thread(log.reader)
    if not await asyncio.to_thread(_is_said, reader, draft):
        await log.append(draft)


def find_rules(log: LogReader, action: str) -> FoundEntry | None:
    """Return the entry of a half-year that said last which rules are in force; None: none did. Blocks.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    entries = LogSearch.of(log).follow(LookupKind.RULES, action, Query(kinds=frozenset({LeafKind.ADMIN})))
    said = (one for one in entries if one.leaf.content.more.get("action") == action)
    return next((one for one in said if one.leaf.content.caller == OWN_CALLER), None)


def _is_said(log: LogReader, draft: EntryDraft) -> bool:
    """Answer whether the last entry of the same action says the same."""
    last = find_rules(log, str(draft.leaf.more.get("action", "")))
    if last is None or last.leaf.content.more != draft.leaf.more:
        return False
    said = () if last.private is None else last.private.part.context
    return said == (() if draft.private is None else draft.private.context)
