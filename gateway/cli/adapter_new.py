"""``tongban adapter new``: a draft of a mapping file from sample messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rich.markup import escape
from rich.table import Table

from adapters.crosswalk import shipped_crosswalk
from adapters.draft.error import DraftError, DraftFault
from adapters.draft.guess import Guess, Proposal
from adapters.draft.proposal import propose
from adapters.draft.sample import MAX_SAMPLE, MAX_SAMPLES, read_samples
from adapters.draft.writing import reads_samples, write_draft
from adapters.mapping.adapter import load_adapter
from gateway.cli.adapter_commands import guard
from gateway.cli.console import OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.trust.files import read_file

SENTENCES: Final[Mapping[DraftFault, tuple[str, str]]] = MappingProxyType(
    {
        DraftFault.NO_SAMPLES: ("没有样例消息", "there are no samples"),
        DraftFault.TOO_MANY: (f"样例过多，至多 {MAX_SAMPLES} 份", f"more than {MAX_SAMPLES} samples"),
        DraftFault.TOO_LARGE: (f"样例过大，至多 {MAX_SAMPLE} 字节", f"a sample of more than {MAX_SAMPLE} bytes"),
        DraftFault.CHARSET: (
            "样例既非 UTF-8 也非 GB 18030 文本（加密的消息须先解密）",
            "neither UTF-8 nor GB 18030 (decrypt what is encrypted first)",
        ),
        DraftFault.FORM: (
            "不是可读取的 JSON、XML、表单或分隔文本",
            "no JSON, XML, form or delimited text that can be read",
        ),
        DraftFault.MIXED: (
            "与第一份样例的形式、分隔符或列不同；请分开生成",
            "another form, separator or columns than the first sample; draft them apart",
        ),
        DraftFault.EMPTY: ("样例为空", "an empty sample"),
    }
)


def new(samples: Sequence[Path], *, out: Path, system_id: str, as_json: bool) -> ExitCode:
    """Write a draft and print its guesses; a file that is there already is never written over."""

    def run(_: datetime) -> ExitCode:
        if out.exists():
            raise UsageError(say(f"文件已存在：{out}", f"{out} is there already"))
        messages = [(str(path), read_file(path, MAX_SAMPLE)) for path in samples]
        try:
            read_in = read_samples(messages)
            proposal = propose(read_in, shipped_crosswalk())
        except DraftError as error:
            sentence = say(*SENTENCES[error.fault])
            fail(f"draft.{error.fault}", sentence, str(error.fault), place=error.sample, as_json=as_json)
            return ExitCode.INVALID
        text = write_draft(proposal, system_id).encode("utf-8")
        adapter = load_adapter(text, str(out))
        read, records, refused = reads_samples(adapter, read_in.messages)
        with out.open("xb") as file:
            file.write(text)
        if as_json:
            print_json({**_describe(proposal), "file": str(out), "read": read, "records": records, "refused": refused})
        else:
            _show(proposal, out, read=read, records=records, refused=refused)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _describe(proposal: Proposal) -> dict[str, object]:
    return {
        "form": proposal.layout.form,
        "charset": proposal.layout.charset,
        "records_at": proposal.records or None,
        "samples": proposal.samples,
        "fields": [
            {
                "to": guess.to,
                "at": guess.at,
                "codec": list(guess.codecs),
                "confidence": guess.confidence,
                "evidence": guess.evidence,
                "zh": guess.why.zh,
                "en": guess.why.en,
            }
            for guess in proposal.fields
        ],
        "status": None if proposal.status is None else {"at": proposal.status.at, "codes": list(proposal.status.codes)},
        "outcome": None
        if proposal.outcome is None
        else {"at": proposal.outcome.at, "codes": list(proposal.outcome.codes)},
        "unmapped": [{"at": one.at or None, "kind": one.kind, "near": one.near or None} for one in proposal.unmapped],
    }


def _show(proposal: Proposal, out: Path, *, read: int, records: int, refused: int) -> None:
    layout = proposal.layout
    where = proposal.records or say("整条消息", "the message")
    zh = f"形式 {layout.form}，字符集 {layout.charset}，记录 {where}"
    en = f"{layout.form} in {layout.charset}, records at {where}"
    table = Table(title=escape(printable(say(zh, en))), title_justify="left")
    titles = (("字段", "field"), ("位置", "at"), ("编解码", "codec"), ("置信度", "confidence"), ("依据", "why"))
    for title in titles:
        table.add_column(say(*title))
    for guess in proposal.fields:
        table.add_row(*map(_cell, _row(guess)))
    OUT.print(table)
    if proposal.status is None:
        zh = "未找到状态字段：须补充 [status]，否则一律读作未知。"
        OUT.print(_cell(say(zh, "No status was found: add [status], or every licence reads as unknown.")))
    left = len(proposal.unmapped)
    OUT.print(
        say(
            f"样例 {proposal.samples} 份，读取 {read} 份，记录 {records} 条，无法读取 {refused} 条；未映射 {left} 处。",
            f"{proposal.samples} samples, {read} read, {records} records, {refused} refused; {left} places not mapped.",
        )
    )
    name = escape(printable(str(out)))
    OUT.print(say(f"草稿已写入 {name}。逐项确认后运行：tongban adapter check {name}",
                  f"The draft is in {name}. Confirm every line, then: tongban adapter check {name}"))  # fmt: skip


def _row(guess: Guess) -> tuple[str, ...]:
    return guess.to, guess.at, " → ".join(guess.codecs), f"{guess.confidence:.2f}", say(guess.why.zh, guess.why.en)


def _cell(text: str) -> str:
    return escape(printable(text))
