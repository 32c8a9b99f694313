"""``tongban audit export|reconcile``: what they do; they need the site beside the log."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.export import ExportOrder, export_log
from gateway.audit.receipts import MAX_RECEIPT, FullReceipt, ReceiptError, parse_receipt
from gateway.audit.reconcile import (
    Progress,
    Reconciled,
    Span,
    reconcile,
    source_entries,
    source_roots,
    store_entries,
    store_roots,
)
from gateway.audit.verify.source import Source, open_source
from gateway.audit.verify.verifier import verify_log
from gateway.cli.audit_commands import cores, guard, policy_of, progress_of, read_policy
from gateway.cli.audit_output import describe_exported, describe_reconciled, show_exported, show_reconciled
from gateway.cli.audit_site import OpenedLog, open_site_log
from gateway.cli.console import ExitCode, print_json
from gateway.cli.failure import UsageError, optional_moment
from gateway.cli.language import say

_MILLISECONDS: Final = 1000


def export(
    site: Path, out: Path, *, since: str | None, until: str | None, shard: str | None, as_json: bool
) -> ExitCode:
    """Write an export of the site's log."""

    def run(_now: datetime) -> ExitCode:
        with open_site_log(site, shard) as log, progress_of(say("正在导出", "exporting")) as progress:
            order = ExportOrder(
                policy=log.policy,
                read_bundle=log.bundle,
                since=_as_milliseconds(since),
                until=_as_milliseconds(until),
                further=log.cosigned,
            )
            exported = export_log(log.store, order, out, progress=progress)
        if as_json:
            print_json(describe_exported(exported, out))
        else:
            show_exported(exported, out)
        return ExitCode.INVALID if exported.missing else ExitCode.DONE

    return guard(run, as_json=as_json)


def reconcile_receipts(
    files: Sequence[Path],
    *,
    site: Path | None,
    export: str | None,
    callers: Sequence[str],
    policy: Path | None,
    shard: str | None,
    token_file: Path | None = None,
    as_json: bool,
) -> ExitCode:
    """Hold receipts against the log of a site, or against an export."""

    def run(_now: datetime) -> ExitCode:
        if (site is None) == (export is None):
            raise UsageError(say("请指定 --site 或 --export 之一。", "name either --site or --export"))
        receipts = _read_receipts(files)
        with progress_of(say("正在核对", "reconciling")) as progress:
            if site is not None:
                with open_site_log(site, shard) as log:
                    found = _reconcile_site(receipts, log, callers, policy, progress)
            else:
                # What was changed in an export must not be blamed on the receipts: it is verified first.
                with closing(open_source(str(export), token_file)) as source:
                    found = _reconcile_source(receipts, source, callers, policy, progress)
        if as_json:
            print_json(describe_reconciled(found))
        else:
            show_reconciled(found)
        return ExitCode.INVALID if found.mismatches else ExitCode.DONE

    return guard(run, as_json=as_json)


def _reconcile_site(
    receipts: Iterable[tuple[str, FullReceipt]],
    log: OpenedLog,
    callers: Sequence[str],
    policy: Path | None,
    progress: Progress,
) -> Reconciled:
    head = log.store.head()
    size = 0 if head is None else head.size
    span = Span(log=log.origin, first=0, end=size, size=size, is_newest=True)
    believed = log.policy if policy is None else read_policy(policy)
    entries, roots = store_entries(log.store, span, progress), store_roots(log.store)
    return reconcile(receipts, entries, span=span, roots=roots, policy=believed, callers=callers)


def _reconcile_source(
    receipts: Iterable[tuple[str, FullReceipt]],
    source: Source,
    callers: Sequence[str],
    policy: Path | None,
    progress: Progress,
) -> Reconciled:
    verified = verify_log(source, policy=None if policy is None else read_policy(policy), workers=cores())
    if not verified.is_sound:
        zh, en = "导出未通过核验，请先运行 audit verify。", "the export is not sound; run audit verify first"
        raise UsageError(say(zh, en))
    span = Span(log=verified.log, first=verified.first, end=verified.end, size=verified.size)
    entries, roots = source_entries(source, span, progress), source_roots(source, span.size)
    return reconcile(receipts, entries, span=span, roots=roots, policy=policy_of(source, policy), callers=callers)


def _read_receipts(files: Sequence[Path]) -> Iterator[tuple[str, FullReceipt]]:
    """Read files of one JSON object a line; a receipt that is none ends the command, with its place."""
    for path in files:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(MAX_RECEIPT + 1):
                number += 1
                if not line.strip():
                    continue
                try:
                    yield f"{path}:{number}", parse_receipt(line)
                except ReceiptError as error:
                    raise ReceiptError(error.flaw, f"{path}:{number}: {error.detail}") from error


def _as_milliseconds(text: str | None) -> int | None:
    moment = optional_moment(text)
    return None if moment is None else int(moment.timestamp()) * _MILLISECONDS
