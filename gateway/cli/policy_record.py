"""The record of a decision of the past, from the access log of a site."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime

from gateway.audit.book.place import FolderPlace
from gateway.audit.leaf import Leaf
from gateway.audit.private import PrivatePartError
from gateway.audit.reader import LogReader
from gateway.audit.search.decision import find_decision, name_shards
from gateway.callers import CallerId
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.decision import DecisionId
from gateway.policy.in_force import StateError
from gateway.policy.policy_site import PolicySite
from gateway.policy.record import DecisionRecord, spell_forms
from policies.dimension import Context
from policies.reference import decide


def find_record(site: PolicySite, decision: str) -> DecisionRecord | None:
    """Return what the log says of a decision; None where it has none, or what it said about its ground was erased.

    ``forms`` are those of the plan by the archived bundle; "" where that does not give the plan that was recorded.

    Raises:
        UsageError: this is no id of a decision.
        LogUnavailableError: the log cannot be read.

    """
    settings = load_settings(site.folder)
    place = FolderPlace(site.folder, settings.audit, region=settings.region)
    try:
        shards = name_shards(place.shards(), decision)
    except ValueError:
        raise UsageError(say(f"不是决定编号：{decision}", f"this is no id of a decision: {decision}")) from None
    for shard in shards:
        with closing(place.read(shard)) as reader:
            for record in _read(reader, decision):
                return _with_forms(site, record)
    return None


def _read(reader: LogReader, decision: str) -> Iterator[DecisionRecord]:
    for index, leaf in find_decision(reader, decision):
        context = _context(reader, index)
        if context is not None and leaf.content.plan:
            yield _record(leaf, context)


def _context(reader: LogReader, index: int) -> Context | None:
    with suppress(PrivatePartError):  # damaged: then it says nothing that could be relied on
        opened = reader.private(index)
        if opened is not None and len(opened.part.context) > len(Context._fields):
            return Context(*opened.part.context[: len(Context._fields)])
    return None


def _record(leaf: Leaf, context: Context) -> DecisionRecord:
    content = leaf.content
    return DecisionRecord(
        decision=DecisionId(content.req),
        at=datetime.fromtimestamp(leaf.t / 1000, UTC),
        caller=CallerId(content.caller),
        context=context,
        bundle=content.policy,
        plan=content.plan,
        forms="",
    )


def _with_forms(site: PolicySite, record: DecisionRecord) -> DecisionRecord:
    try:
        plan = decide(site.archive.bundle(record.bundle), record.context)
    except StateError:
        return record
    if plan.id != record.plan:
        return record
    return replace(record, forms=spell_forms(plan))
