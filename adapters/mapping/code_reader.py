"""Reads what a mapping file says about codes: ``[codes]``, ``[status]``, ``[[outcome]]``, and ``[[envelope]]``."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.bounds import MAX_CODES
from adapters.mapping.codecs.tables import CodeTable
from adapters.mapping.fault import Words, nearest, quote, show
from adapters.mapping.path import MessagePath
from adapters.mapping.rule import EnvelopeRule, OutcomeRule, StatusRule
from adapters.mapping.scope import Scope
from adapters.mapping.table import Table, one_of
from adapters.record.status import RecordStatus

_MAX_RETRY: Final = 24 * 3600  # seconds; a system that says "tomorrow" is asked tomorrow
_MAX_TABLES: Final = 64

_Word = TypeVar("_Word", bound=StrEnum)
_Meaning = TypeVar("_Meaning", bound=str)


def read_codes(root: Table) -> dict[str, CodeTable]:
    """Read the code tables by name."""
    found = {}
    for name, table in root.tables_by_name("codes", most=_MAX_TABLES).items():
        pairs = table.texts_by_name("pairs")
        if not pairs:
            table.fault("pairs", expected=Words("代码对照", "pairs of codes"), found=show(None))
        found[name] = CodeTable(
            meanings=pairs,
            spellings=_invert(pairs, table),
            keeps_unknown=table.flag("keep_unknown"),
        )
        table.finish()
    return found


def read_envelope(table: Table, scope: Scope) -> EnvelopeRule:
    """Read one value around the records."""
    path = scope.path(table, "at")
    constant = table.literal("constant")
    rule = EnvelopeRule(
        place=table.path,
        name=table.text("name", default="" if constant is not None else None),
        path=path,
        chain=scope.text_chain(table),
        constant=constant,
        loses=table.text("loses", default=""),
    )
    _check_single(table, path)
    table.finish()
    return rule


def read_status(table: Table, scope: Scope) -> StatusRule:
    """Read what the codes of the status mean, and how our words are written."""
    path = scope.path(table, "at")
    chain = scope.text_chain(table)
    meanings = _meanings(table, RecordStatus)
    degraded = {}
    for name, word in table.texts_by_name("written_as").items():
        known = {one.value for one in RecordStatus}
        if name not in known or word not in known or word == RecordStatus.ACTIVE or name in meanings.values():
            expected = Words(
                "无代码的状态写作另一状态，且不得写作 active",
                "a status without a code, written as another one, never as active",
            )
            table.fault("written_as", expected=expected, found=quote(f"{name} = {word}"))
            continue
        degraded[RecordStatus(name)] = RecordStatus(word)
    rule = StatusRule(
        place=table.path,
        path=path,
        chain=chain,
        meanings=meanings,
        spellings=_invert(meanings, table),
        written_as=degraded,
        loses=table.text("loses", default=""),
        of_message=table.flag("of_message"),
    )
    if not meanings:
        table.fault("codes", expected=Words("状态代码对照", "codes and what they mean"), found=show(None))
    for word in degraded.values():
        if word not in rule.spellings:
            expected = Words("有代码的状态", "a status that has a code")
            table.fault("written_as", expected=expected, found=quote(word))
    _check_single(table, path)
    table.finish()
    return rule


def read_outcome(table: Table, scope: Scope) -> OutcomeRule:
    """Read what the codes of one outcome mean, and how our words are written."""
    path = scope.path(table, "at")
    chain = scope.text_chain(table)
    meanings = _meanings(table, AnswerOutcome)
    retry = table.numbers_by_name("retry_after_seconds", high=_MAX_RETRY)
    of_record = table.flag("of_record")
    if not meanings or (AnswerOutcome.FOUND not in meanings.values() and not of_record):
        expected = Words("结果代码对照，至少含 found", "codes and what they mean, found among them")
        table.fault("codes", expected=expected, found=show(dict(meanings) or None))
    for code in retry:
        if meanings.get(code) is not AnswerOutcome.RETRY:
            expected = Words("codes 中含义为 retry 的代码", "a code that means retry")
            table.fault("retry_after_seconds", expected=expected, found=quote(code))
    _check_single(table, path)
    rule = OutcomeRule(
        place=table.path,
        path=path,
        chain=chain,
        meanings=meanings,
        spellings=_invert(meanings, table),
        retry_after_seconds=retry,
        of_record=of_record,
    )
    if meanings and AnswerOutcome.FOUND not in rule.spellings and AnswerOutcome.FOUND in meanings.values():
        expected = Words("可写出的 found 代码", "a code of found that may be written")
        table.fault("reads_only", expected=expected, found=Words("无", "none"))
    table.finish()
    return rule


def _check_single(table: Table, path: MessagePath) -> None:
    if path.lists:
        table.fault("at", expected=Words("不含 [*] 的路径", "a path without [*]"), found=quote(path.text))


def _meanings(table: Table, words: type[_Word]) -> dict[str, _Word]:
    known = [one.value for one in words]
    found = {}
    for code, word in table.texts_by_name("codes").items():
        if word in known:
            found[code] = words(word)
        else:
            table.fault("codes", expected=one_of(known), found=quote(word), meant=nearest(word, known))
    return found


def _invert(meanings: Mapping[str, _Meaning], table: Table) -> dict[_Meaning, str]:
    """Return how each meaning is written; where several codes mean the same, ``wins`` says which one.

    Codes of ``reads_only`` are never written: to write them would say more than the meaning does.
    """
    wins = set(table.texts("wins", most=MAX_CODES))
    reads_only = set(table.texts("reads_only", most=MAX_CODES))
    for key, codes_of_key in (("wins", wins), ("reads_only", reads_only)):
        for code in codes_of_key - set(meanings):
            table.fault(key, expected=Words("表中的代码", "a code of the table"), found=quote(code))
    by_meaning: dict[_Meaning, list[str]] = {}
    for code, meaning in meanings.items():
        if code not in reads_only:
            by_meaning.setdefault(meaning, []).append(code)
    found = {}
    for meaning, codes in by_meaning.items():
        winners = [code for code in codes if code in wins] if len(codes) > 1 else codes
        if len(winners) != 1:
            expected = Words(
                f"wins 指明写出 {meaning} 时用哪个代码", f"wins, with the code that {meaning} is written as"
            )
            table.fault("wins", expected=expected, found=Words(f"{len(winners)} 个代码", f"{len(winners)} codes"))
        found[meaning] = winners[0] if winners else codes[0]
    return found
