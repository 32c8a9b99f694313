"""``tongban store import|announce|status|list|show``: what they do; changes are in the access log before the store."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.unavailable import ADVICE, LogUnavailableError
from gateway.cli import failure
from gateway.cli.command_log import open_log_for_command
from gateway.cli.console import ERR, OUT, ExitCode, print_json, progress_bar
from gateway.cli.failure import UsageError, fail
from gateway.cli.inputs import expand_inputs, read_input
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.cli.store_entries import ANNOUNCE, IMPORT, STATUS, draft_store_change
from gateway.cli.store_output import (
    RESULTS,
    SOURCE_FAULTS,
    describe_change,
    describe_entry,
    describe_history,
    show_entries,
    show_history,
    show_refusal,
)
from gateway.pipeline import verify_document
from gateway.sources.intake import IntakeError, IntakeFault, NewLicence, read_new_licence, refuse_forgery
from gateway.sources.licence_store import MAX_REASON, Added, LicenceEntry, Selection, UnknownLicenceError
from gateway.sources.source import LicenceIndex, SourceUnavailableError, key_text
from gateway.store_site import open_store
from gateway.trust.place import find_trust
from keys.trust import TrustStore
from policies.dimension import LicenceStatus

BATCH: Final = 100  # files in one transaction: one wait for the disk, and little to do again after a crash
BATCH_BYTES: Final = 64 * 1024 * 1024  # what such a batch takes of memory
_SHOWN: Final = 1000  # licences of a list that a table shows; JSON has no end
_STANDARD_INPUT: Final = "-"
_MAX_CODE_LINE: Final = 1024  # characters of a holder's code on standard input


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool) -> ExitCode:
    """Guard a command as `gateway.cli.failure.guard` does; a store that cannot be used is USAGE."""

    def told(now: datetime) -> ExitCode:
        try:
            return run(now)
        except SourceUnavailableError as error:
            sentence = say(*SOURCE_FAULTS[error.fault]) + (f" ({error.detail})" if error.detail else "")
            fail(f"store.{error.fault}", sentence, error.detail, as_json=as_json)
            return ExitCode.USAGE
        except LogUnavailableError as error:
            advice = ADVICE[error.reason]
            zh = "访问日志不可用，未写入日志的改动均未执行"
            en = "the access log takes no entry, and nothing is changed in the store without one"
            detail = f" ({error.detail})" if error.detail else ""
            sentence = f"{say(zh, en)}: {say(advice.zh, advice.en)}{detail}"
            fail(f"log.{error.reason}", sentence, error.detail, as_json=as_json)
            return ExitCode.USAGE
        except UnknownLicenceError:
            fail("unknown-licence", say("证照库中没有此证照。", "the store has no such licence"), "", as_json=as_json)
            return ExitCode.INVALID

    return failure.guard(told, as_json=as_json)


def import_files(names: list[str], *, site: Path, as_json: bool) -> ExitCode:
    """Store every file that is a licence, and name every one that is not."""

    def run(now: datetime) -> ExitCode:
        settings, inputs, trust = load_settings(site), expand_inputs(names), _load_trust(site, now)
        tally: Counter[str] = Counter()
        with (
            open_log_for_command(site) as log,
            closing(open_store(site, settings, create=True)) as store,
            progress_bar() as progress,
        ):
            task = progress.add_task(say("正在导入", "importing"), total=len(inputs.names))
            reads = _read_all(inputs.names, inputs.unreadable, lambda data: _read(data, trust=trust, at=now))
            for batch in _batches(progress.track(reads, task_id=task)):
                new = [read for _, read in batch if isinstance(read, NewLicence)]
                log.append([draft for one in new for draft in draft_store_change(IMPORT, one.index, at=now)])
                added = dict(zip(map(id, new), store.add(new, at=now), strict=True))
                for name, read in batch:
                    result = added.get(id(read))
                    refusal = _refusal(read, result)
                    tally["refused" if refusal is not None else str(result)] += 1
                    if as_json:
                        print_json(_describe_input(name, read, result, refusal))
                    elif refusal is not None:
                        show_refusal(name, refusal)
        for name, why in inputs.unreadable:
            fail("unreadable", why, why, place=name, as_json=as_json)
        if not as_json:
            shown = [f"{say(*RESULTS[result])} {tally[result]}" for result in RESULTS]
            ERR.print(say("，", ", ").join(shown), markup=False)
        if inputs.unreadable or not inputs.names:
            return ExitCode.USAGE
        return ExitCode.INVALID if tally["refused"] else ExitCode.DONE

    return guard(run, as_json=as_json)


def announce(*, site: Path, identifier: str, number: str, licence_type: str, name: str, as_json: bool) -> ExitCode:
    """Note a licence whose document is not made yet."""

    def run(now: datetime) -> ExitCode:
        index = LicenceIndex(
            identifier=key_text(identifier),
            number=key_text(number),
            type_code=key_text(licence_type),
            name=key_text(name),
            holders=(),
        )
        if not index.identifier and not (index.number and (index.type_code or index.name)):
            zh, en = "需要证照标识，或证照编号与类型。", "an identifier is needed, or a number with its type"
            raise UsageError(say(zh, en))
        with open_log_for_command(site) as log, closing(open_store(site, load_settings(site), create=True)) as store:
            log.append(draft_store_change(ANNOUNCE, index, at=now))
            result = store.announce(index, at=now)
        if as_json:
            print_json({"identifier": index.identifier or None, "result": result.value})
        elif result is Added.IDENTIFIER_IN_USE:
            show_refusal(index.identifier, IntakeError(IntakeFault.IDENTIFIER_IN_USE))
        else:
            OUT.print(say(*RESULTS[result]), markup=False)
        return ExitCode.INVALID if result is Added.IDENTIFIER_IN_USE else ExitCode.DONE

    return guard(run, as_json=as_json)


def set_status(
    reference: str, *, site: Path, status: LicenceStatus, reason: str, is_under_objection: bool, as_json: bool
) -> ExitCode:
    """Set the status of a licence from now on."""

    def run(now: datetime) -> ExitCode:
        if not reason.strip() or len(reason) > MAX_REASON or not reason.isprintable():
            zh = f"--reason 应为 1 至 {MAX_REASON} 个可打印字符。"
            raise UsageError(say(zh, f"--reason takes 1 to {MAX_REASON} printable characters"))
        with closing(open_store(site, load_settings(site))) as store:
            index = store.index(reference)
            said = [f"status={status.value}", f"under-objection={str(is_under_objection).lower()}", reason.strip()]
            with open_log_for_command(site) as log:
                log.append(draft_store_change(STATUS, index, at=now, context=said))
            change = store.set_status(
                reference, status, is_under_objection=is_under_objection, reason=reason.strip(), at=now
            )
        if as_json:
            print_json(describe_change(change))
        else:
            OUT.print(say(f"状态已设为 {status}。", f"the status is {status} now"), markup=False)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def list_licences(
    *, site: Path, status: LicenceStatus | None, licence_type: str, holder: str, as_json: bool
) -> ExitCode:
    """List licences without number and holder, which may be personal data."""

    def run(_: datetime) -> ExitCode:
        code = sys.stdin.readline(_MAX_CODE_LINE) if holder == _STANDARD_INPUT else holder
        selection = Selection(licence_type=key_text(licence_type), holder=key_text(code), status=status)
        if (holder and not selection.holder) or (licence_type and not selection.licence_type):
            raise UsageError(say("类型或持证主体代码无法识别。", "the type or the holder's code says nothing"))
        with closing(open_store(site, load_settings(site))) as store:
            entries = store.entries(selection)
            if as_json:
                for entry in entries:
                    print_json(describe_entry(entry))
            else:
                _show_first(entries)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def show(reference: str, *, site: Path, as_json: bool) -> ExitCode:
    """Show one licence, again without number and holder."""

    def run(_: datetime) -> ExitCode:
        with closing(open_store(site, load_settings(site))) as store:
            history = store.history(reference)
        if as_json:
            print_json(describe_history(history))
        else:
            show_history(history)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _show_first(entries: Iterator[LicenceEntry]) -> None:
    shown = [entry for entry, _ in zip(entries, range(_SHOWN), strict=False)]
    show_entries(shown)
    if next(entries, None) is not None:
        zh = f"仅显示前 {_SHOWN} 份；--json 输出全部。"
        ERR.print(say(zh, f"only the first {_SHOWN} are shown; --json prints all of them"))


_Read = NewLicence | IntakeError


def _read_all(
    names: Iterable[str], unreadable: list[tuple[str, str]], read: Callable[[bytes], _Read]
) -> Iterator[tuple[str, _Read]]:
    """Read the files one by one; those that cannot be read at all go to ``unreadable``."""
    for name in names:
        try:
            data = read_input(name).data
        except OSError as error:
            unreadable.append((name, error.strerror or type(error).__name__))
        else:
            yield name, read(data)


def _batches(reads: Iterable[tuple[str, _Read]]) -> Iterator[list[tuple[str, _Read]]]:
    """Hand on what was read in batches of bounded size."""
    batch: list[tuple[str, _Read]] = []
    size = 0
    for name, read in reads:
        batch.append((name, read))
        size += len(read.document) if isinstance(read, NewLicence) else 0
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(data: bytes, *, trust: TrustStore, at: datetime) -> _Read:
    try:
        new = read_new_licence(data)
        refuse_forgery(verify_document(data, store=trust, at=at))
    except IntakeError as error:
        return error
    return new


def _load_trust(site: Path, at: datetime) -> TrustStore:
    """Return whom the site trusts, as its gateway reads it; nobody where it has no trust folder."""
    return find_trust(site).read(at).state.store_at(at)


def _refusal(read: _Read, result: Added | None) -> IntakeError | None:
    if isinstance(read, IntakeError):
        return read
    return IntakeError(IntakeFault.IDENTIFIER_IN_USE) if result is Added.IDENTIFIER_IN_USE else None


def _describe_input(name: str, read: _Read, result: Added | None, refusal: IntakeError | None) -> dict[str, object]:
    return {
        "input": name,
        "sha256": read.sha256 if isinstance(read, NewLicence) else None,
        "result": "refused" if refusal is not None else str(result),
        "fault": None if refusal is None else refusal.fault.value,
        "detail": None if refusal is None else refusal.detail or None,
    }
