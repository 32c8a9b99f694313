"""Writes a proposal as a mapping file: every guess with its confidence beside it, nothing of the samples but codes."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from adapters.draft.guess import CodesSeen, Guess, Proposal, Unmapped
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.error import AdapterError
from adapters.mapping.fault import MappingError, quote
from adapters.mapping.forms.form import FormName
from adapters.mapping.forms.xml import TEXT
from adapters.mapping.loss import Loss, Verdict
from adapters.mapping.path import ROOT
from adapters.mapping.rule import Evidence
from adapters.record.status import RecordStatus

_HEAD: Final = """\
# 映射草稿，由样例消息生成。每一项都是推测，须逐项确认；确认后删去注释，并将 evidence 改为 certain。
# A draft from sample messages. Every line is a guess: confirm each, remove its comment, set its evidence to certain.
# 检查 / check it: tongban adapter check FILE
"""
_UNNAMED: Final = ("（待填写）", "(to be filled in)")


def write_draft(proposal: Proposal, system_id: str) -> str:
    """Return the text of a mapping file that `load_adapter` accepts and `tongban adapter check` does not pass yet.

    It does not pass because no loss is declared: whether the system really has no such field only a person knows.
    What would have to be declared stands in it as comments.
    """
    text = "\n".join(_lines(proposal, system_id))
    try:
        losses = load_adapter(text.encode("utf-8"), system_id).losses
    except MappingError:
        return text  # the reader says what it does not like; nothing is gained by a second message here
    return text + "".join(f"{line}\n" for line in _loss_lines(losses))


def _lines(proposal: Proposal, system_id: str) -> Iterator[str]:
    zh, en = _UNNAMED
    yield _HEAD
    yield "[system]"
    yield f"id = {_text(system_id)}"
    yield f"zh = {_text(zh)}"
    yield f"en = {_text(en)}"
    yield f'evidence = "{Evidence.INFERRED}"'
    yield f"notes = {_text(f'由 {proposal.samples} 份样例消息生成的草稿。')}"
    yield ""
    if not proposal.is_whole:
        yield "# 样例过大，仅读取了一部分。 / The samples are too large; only a part of them was looked at."
    yield from _message(proposal)
    if proposal.outcome is not None:
        yield from _outcome(proposal.outcome)
    for guess in proposal.envelope:
        yield "[[envelope]]"
        yield _confidence(guess)
        yield f"name = {_text(guess.to)}"
        yield f"at = {_text(guess.at)}"
        yield from _codec(guess.codecs)
        yield ""
    for guess in proposal.fields:
        yield from _field(guess)
    if proposal.status is not None:
        yield from _status(proposal.status)
    yield from _unmapped(proposal.unmapped)


def _message(proposal: Proposal) -> Iterator[str]:
    layout = proposal.layout
    yield "[message]"
    yield f'form = "{layout.form}"'
    yield f'charset = "{layout.charset}"'
    if proposal.records:
        yield f"records = {_text(proposal.records)}"
    if layout.form is FormName.DELIMITED:
        yield f"separator = {_text(layout.separator)}"
        yield f"columns = [{', '.join(map(_text, layout.columns))}]"
        yield f"header = {'true' if layout.header else 'false'}"
        if layout.quoted:
            yield "quoted = true"
    if layout.namespaces:
        pairs = ", ".join(f"{_text(prefix)} = {_text(name)}" for prefix, name in layout.namespaces.items())
        yield f"namespaces = {{ {pairs} }}"
    yield ""


def _field(guess: Guess) -> Iterator[str]:
    yield "[[field]]"
    yield _confidence(guess)
    yield f"to = {_text(guess.to)}"
    yield f"at = {_text(guess.at)}"
    yield from _codec(guess.codecs)
    if guess.pairs is not None:
        is_xml = not guess.at.startswith(ROOT)
        name, value = (_text(_pair(key, is_xml=is_xml)) for key in guess.pairs)
        yield f"pairs = {{ name = {name}, value = {value} }}"
    yield f'evidence = "{guess.evidence}"'
    yield ""


def _pair(key: str, *, is_xml: bool) -> str:
    """Return the path to a name or a value in the entry of a list; an element's own text is the entry."""
    if not is_xml:
        return f"{ROOT}.{key}"
    return f"/{key}" if key != TEXT else ROOT


def _codec(codecs: Iterable[str]) -> Iterator[str]:
    listed = ", ".join(map(_text, codecs))
    if listed:
        yield f"codec = [{listed}]"


def _status(status: CodesSeen) -> Iterator[str]:
    words = " ".join(RecordStatus)
    yield "[status]"
    yield _confidence(status)
    yield "# 样例中的代码均暂作 unknown，须逐一查明含义并补全。"
    yield "# Every code of the samples is unknown until you say what it means; add those that are not in the samples."
    yield f"# {words}"
    yield f"at = {_text(status.at)}"
    yield from _codes(status.codes, dict.fromkeys(status.codes, RecordStatus.UNKNOWN.value))
    yield ""


def _outcome(outcome: CodesSeen) -> Iterator[str]:
    """Write the codes of the outcome: those that came with records stand for "found", a guess like the others."""
    words = " ".join(AnswerOutcome)
    found = outcome.beside_records or outcome.codes[:1]  # the language wants a code that means "found"
    meanings = {code: (AnswerOutcome.FOUND if code in found else AnswerOutcome.ERROR).value for code in outcome.codes}
    yield "[[outcome]]"
    yield _confidence(outcome)
    yield "# 有记录的样例中的代码暂作 found，其余暂作 error；须逐一查明并补全。"
    yield "# Codes that came with records are taken for found, others for error; confirm each, and add the rest."
    yield f"# {words}"
    yield f"at = {_text(outcome.at)}"
    yield from _codes(outcome.codes, meanings)
    yield ""


def _codes(codes: tuple[str, ...], meanings: dict[str, str]) -> Iterator[str]:
    pairs = ", ".join(f"{_text(code)} = {_text(meanings[code])}" for code in codes)
    yield f"codes = {{ {pairs} }}"
    first: dict[str, str] = {}
    for code in codes:
        first.setdefault(meanings[code], code)
    wins = [code for meaning, code in first.items() if list(meanings.values()).count(meaning) > 1]
    if wins:
        yield f"wins = [{', '.join(map(_text, wins))}]  # 写出时用此代码，待定 / the code to write; to be decided"


def _unmapped(places: Iterable[Unmapped]) -> Iterator[str]:
    listed = list(places)
    if listed:
        yield "# 未映射的字段：读取时保留在 aside 中。 / Not mapped; kept aside when read."
    for one in listed:
        kind = "" if one.kind is None else f" · {one.kind}"
        near = "" if not one.near else f" · {one.near} ?"
        where = quote(one.at).en if one.at else "(no path can be written for it)"
        yield f"#   {where}{kind}{near}"
    yield ""


def _loss_lines(losses: Iterable[Loss]) -> Iterator[str]:
    """Yield what is still to be declared, as comments to take the marks off."""
    open_losses = [loss for loss in losses if loss.verdict is Verdict.UNDECLARED]
    if not open_losses:
        return
    yield "# 尚未声明的损失：确认系统确实如此后，将其写入该字段的 loses，或写入 [losses]。"
    yield "# Losses to declare once you know that the system is so: as loses of the field, or in [losses]."
    for loss in open_losses:
        yield f"#   {loss.direction} {_text(loss.name)} = {_text(loss.what.zh)}  # {_plain(loss.what.en)}"


def _confidence(guess: Guess | CodesSeen) -> str:
    why = guess.why
    return f"# 置信度 / confidence {guess.confidence:.2f}：{_plain(why.zh)} / {_plain(why.en)}"


def _text(text: str) -> str:
    """Spell a text as a TOML basic string: the escapes of JSON, and DEL besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    """Return a text for a comment, which must not end before its line does."""
    return "".join(one if one.isprintable() else " " for one in text)


def reads_samples(adapter: Adapter, messages: Iterable[bytes]) -> tuple[int, int, int]:
    """Return how many messages an adapter reads, and how many records it reads and refuses in them."""
    read = records = refused = 0
    for message in messages:
        try:
            parsed = adapter.parse(message)
        except AdapterError:
            continue
        read += 1
        records += len(parsed.records)
        refused += len(parsed.refused)
    return read, records, refused
