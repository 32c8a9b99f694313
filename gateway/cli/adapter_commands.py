"""``tongban adapter check|convert``: what a mapping file is worth, and a message in the words of another system."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from adapters.mapping.adapter import Adapter, bundle_digest
from adapters.mapping.answer import AnswerFlag, AnswerOutcome, Parsed
from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE
from adapters.mapping.error import AdapterError
from adapters.mapping.fault import MappingError, MappingFault, Words
from adapters.mapping.forms.charset import decode
from adapters.mapping.loss import Loss, Verdict
from adapters.mapping.rule import Direction
from adapters.record.description import differing_facts
from adapters.record.record import LicenceRecord
from gateway.cli import failure
from gateway.cli.adapter_catalogue import describe_findings, read_catalogue, tell_finding
from gateway.cli.adapter_files import expand_mappings, find_adapter, read_mapping
from gateway.cli.adapter_samples import fault_of
from gateway.cli.adapter_sentences import DIRECTIONS, FAULTS, OUTCOMES, VERDICTS
from gateway.cli.adapter_transport import check_transport, find_recipe_faults, locate_faults
from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable
from gateway.cli.failure import fail
from gateway.cli.language import say
from gateway.surface import SurfaceFinding
from gateway.toml_table import Fault
from gateway.trust.files import read_file, replace_file

_STYLES = {Verdict.UNDECLARED: "red", Verdict.STALE: "red", Verdict.REFUSED: "dim", Verdict.DECLARED: ""}


def check(files: Sequence[Path], *, site: Path | None, as_json: bool) -> ExitCode:
    """Print the loss table of each file, and the digest of all of them; INVALID with any fault.

    With a site, its catalogue says which surface fields it does not have, which is no fault.
    """

    def run(_: datetime) -> ExitCode:
        catalogue = None if site is None else read_catalogue(site)
        adapters, is_sound = [], True
        for path in expand_mappings(files):
            mapping = read_mapping(path)
            try:
                adapter = mapping.load()
            except MappingError as error:
                faults = (*error.faults, *find_recipe_faults(mapping.data, mapping.name))
                show_faults(locate_faults(faults, mapping.data, mapping.name), as_json=as_json)
                is_sound = False
                continue
            try:
                caution = check_transport(adapter)
            except MappingError as error:
                show_faults(locate_faults(error.faults, mapping.data, mapping.name), as_json=as_json)
                is_sound = False
                continue
            adapters.append(adapter)
            is_sound = is_sound and not any(loss.is_fault for loss in adapter.losses)
            findings = () if catalogue is None else catalogue.check_mapping(adapter)
            _show_adapter(adapter, findings, caution, as_json=as_json)
        ids = [one.id for one in adapters]
        for twice in sorted({one for one in ids if ids.count(one) > 1}):
            fail("id-twice", say(f"标识重复：{twice}", f"two files with the id {twice}"), twice, as_json=as_json)
            is_sound = False
        if as_json:
            print_json({"ok": is_sound, "adapters": len(adapters), "digest": bundle_digest(adapters)})
        elif is_sound:
            digest = bundle_digest(adapters)
            OUT.print(say(f"{len(adapters)} 个映射，摘要 {digest}", f"{len(adapters)} mappings, digest {digest}"))
        return ExitCode.DONE if is_sound else ExitCode.INVALID

    return guard(run, as_json=as_json)


def convert(source: str, target: str, file: Path, *, out: Path | None, site: Path | None, as_json: bool) -> ExitCode:
    """Read a message with one mapping, write it with another, and say which facts did not survive.

    With a site, its catalogue says what is odd about surface fields.
    """

    def run(_: datetime) -> ExitCode:
        reader, writer = find_adapter(source, site=site), find_adapter(target, site=site)
        catalogue = None if site is None else read_catalogue(site)
        parsed = reader.parse(read_file(file, MAX_DOCUMENT_MESSAGE))
        findings = [] if catalogue is None else [catalogue.check_record(one) for one in parsed.records]
        # What was refused makes the answer partial; it is said below, and not by a code of the other system.
        is_refused = AnswerFlag.RECORDS_REFUSED in parsed.flags
        if is_refused and not parsed.records:  # written, it would say that nothing is there
            _show_refused(parsed, as_json=as_json)
            return ExitCode.INVALID
        try:
            message = writer.render(parsed.records, AnswerOutcome.FOUND if is_refused else parsed.outcome)
        except AdapterError as error:
            return _refuse_writing(writer, parsed.records, error, as_json=as_json)
        lost = _lost_facts(parsed, writer.parse(message))
        known = [loss for loss in writer.losses if loss.direction is Direction.OUT]
        lines = [(name, _declaration(name, known)) for name in lost]
        is_sound = not is_refused and all(declared for _, declared in lines)
        if as_json:
            surface = [describe_findings(one) for one in findings]
            text = decode(message, writer.rules.message.charset)
            print_json(_describe_conversion(parsed, lines, text) | {"surface": surface})
        else:
            _show_conversion(parsed, lines)
            for number, one in ((number, one) for number, found in enumerate(findings, 1) for one in found):
                told = tell_finding(one)
                ERR.print(escape(printable(say(f"第 {number} 条：{told}", f"record {number}: {told}"))))
        if out is not None:
            replace_file(out, message)
        elif not as_json:
            sys.stdout.flush()
            sys.stdout.buffer.write(message + b"\n")
        return ExitCode.DONE if is_sound else ExitCode.INVALID

    return guard(run, as_json=as_json)


def _refuse_writing(
    writer: Adapter, records: Sequence[LicenceRecord], error: AdapterError, *, as_json: bool
) -> ExitCode:
    """Say which record a system has no words for, or that it has no room for so many."""
    if len(records) > 1 and not writer.rules.message.records.lists:
        zh = f"目标系统的一条消息只写一件证照，此处有 {len(records)} 件"
        en = f"a message of the other system has room for one licence, and here are {len(records)}"
        fail(f"message.{error.fault}", say(zh, en), error.where, as_json=as_json, place=error.where)
        return ExitCode.INVALID
    number, why = next(
        ((n, one) for n, record in enumerate(records, 1) if (one := fault_of(writer, record))), (0, error)
    )
    sentence = say(*FAULTS[why.fault])
    if number:
        sentence = say(f"第 {number} 条写不出：{sentence}", f"record {number} cannot be written: {sentence}")
    fail(f"message.{why.fault}", sentence, why.where, as_json=as_json, place=why.where)
    return ExitCode.INVALID


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool) -> ExitCode:
    """Guard a command as `gateway.cli.failure.guard` does; a mapping or a message with faults is INVALID."""

    def judged(now: datetime) -> ExitCode:
        try:
            return run(now)
        except MappingError as error:
            show_faults(error.faults, as_json=as_json)
        except AdapterError as error:
            sentence = say(*FAULTS[error.fault])
            fail(f"message.{error.fault}", sentence, error.where, as_json=as_json, place=error.where)
        return ExitCode.INVALID

    return failure.guard(judged, as_json=as_json)


def show_faults(faults: Iterable[MappingFault], *, as_json: bool) -> None:
    """Print the faults: with ``--json`` as objects on standard output, else on standard error."""
    for one in faults:
        if as_json:
            print_json(
                {
                    "error": "mapping",
                    "file": one.file,
                    "line": one.line,
                    "key": one.key or None,
                    "zh": one.sentence_zh,
                    "en": str(one),
                    "meant": one.meant or None,
                }
            )
        else:
            ERR.print(escape(printable(say(one.sentence_zh, str(one)))))


def _show_adapter(
    adapter: Adapter, findings: Sequence[SurfaceFinding], caution: Fault | None, *, as_json: bool
) -> None:
    system = adapter.rules.system
    if as_json:
        print_json(
            {
                "file": adapter.rules.file,
                "id": system.id,
                "zh": system.zh,
                "en": system.en,
                "evidence": system.evidence,
                "digest": adapter.digest,
                "losses": [_describe_loss(loss) for loss in adapter.losses],
                "surface": describe_findings(findings),
                "caution": None
                if caution is None
                else {"key": caution.key, "zh": caution.sentence_zh, "en": str(caution)},
            }
        )
        return
    table = Table(title=escape(printable(say(system.zh, system.en))), title_justify="left")
    for title in (say("字段", "field"), say("方向", "direction"), say("损失", "what is lost"), say("判断", "verdict")):
        table.add_column(title)
    table.add_column(say("声明", "declared as"))
    for loss in adapter.losses:
        cells = (
            loss.name,
            say(*DIRECTIONS[loss.direction]),
            _tell(loss.what),
            say(*VERDICTS[loss.verdict]),
            loss.declared,
        )
        table.add_row(*(escape(printable(cell)) for cell in cells), style=_STYLES[loss.verdict])
    OUT.print(table)
    for one in findings:
        OUT.print(escape(printable(tell_finding(one))))
    if caution is not None:
        OUT.print(escape(printable(say(f"注意：{caution.sentence_zh}", f"caution: {caution}"))))


def _tell(words: Words) -> str:
    return say(words.zh, words.en)


def _describe_loss(loss: Loss) -> dict[str, Any]:
    return {
        "field": loss.name,
        "direction": loss.direction,
        "zh": loss.what.zh,
        "en": loss.what.en,
        "verdict": loss.verdict,
        "declared": loss.declared or None,
    }


def _lost_facts(before: Parsed, after: Parsed) -> list[str]:
    """Return the facts in which any record differs after it was written and read again, in the order of a record."""
    pairs = zip(before.records, after.records, strict=False)
    lost = dict.fromkeys(name for first, second in pairs for name in differing_facts(first, second))
    return list(lost) if len(before.records) == len(after.records) else [*lost, "records"]


def _declaration(fact: str, losses: Iterable[Loss]) -> str:
    """Return the text with which the mapping declares the loss of a fact, "" when it does not."""
    owner = "valid_to" if fact == "long_term" else fact
    for loss in losses:
        stem = loss.name.partition("[")[0]
        if loss.declared and owner in {loss.name, stem, stem.partition(".")[0]}:
            return loss.declared
    return ""


def _show_refused(parsed: Parsed, *, as_json: bool) -> None:
    """Say that no record of a message could be read, and nothing was written."""
    if as_json:
        print_json(_describe_conversion(parsed, [], None))
    else:
        _show_conversion(parsed, [])
        ERR.print(say("未能读取任何记录，不写出。", "no record could be read: nothing is written"))


def _describe_conversion(parsed: Parsed, lines: Sequence[tuple[str, str]], message: str | None) -> dict[str, Any]:
    return {
        "outcome": parsed.outcome,
        "records": len(parsed.records),
        "refused": [{"index": one.index, "fault": one.error.fault, "where": one.error.where} for one in parsed.refused],
        "aside": sorted({path for record in parsed.records for path in record.aside} | set(parsed.aside)),
        "lost": [{"field": name, "declared": declared or None} for name, declared in lines],
        "message": message,
    }


def _show_conversion(parsed: Parsed, lines: Sequence[tuple[str, str]]) -> None:
    """Say on standard error what happened; paths and names only, never a value."""
    zh, en = OUTCOMES[parsed.outcome]
    ERR.print(say(f"结果：{zh}，{len(parsed.records)} 条记录", f"outcome: {en}, {len(parsed.records)} records"))
    for one in parsed.refused:
        why = say(*FAULTS[one.error.fault])
        ERR.print(escape(say(f"第 {one.index + 1} 条未读：{why}", f"record {one.index + 1} was not read: {why}")))
    for path in sorted({path for record in parsed.records for path in record.aside} | set(parsed.aside)):
        ERR.print(escape(printable(say(f"未映射：{path}", f"no rule for: {path}"))))
    for name, declared in lines:
        text = declared or say("未声明", "not declared")
        ERR.print(escape(printable(say(f"损失：{name}（{text}）", f"lost: {name} ({text})"))))
