"""The licences of sample messages, or made-up ones that a mapping can write: of stand-ins and kits."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.markup import escape

from adapters.kit.fitting import fit_record
from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import AnswerFlag, AnswerOutcome
from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE
from adapters.mapping.error import AdapterError
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordStatus
from gateway.cli.adapter_sentences import FAULTS, OUTCOMES
from gateway.cli.console import ERR, printable
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.standins.samples import SAMPLES
from gateway.trust.files import read_file


def load_samples(adapter: Adapter, paths: Sequence[Path]) -> tuple[LicenceRecord, ...]:
    """Return the licences of messages of a system; where the mapping has no status, they count as active.

    Raises:
        UsageError: a record that cannot be read or written again, or a message without any.
        AdapterError: a message as a whole cannot be read.

    """
    return tuple(record for path in paths for record in _read(adapter, path))


def make_samples(adapter: Adapter) -> tuple[LicenceRecord, ...]:
    """Return made-up licences; those that the system has no words for are left out, which is said on standard error.

    Raises:
        UsageError: no one is left.

    """
    fitting = [(number, fit_record(adapter, one)) for number, one in enumerate(SAMPLES, start=1)]
    faults = [(number, error) for number, one in fitting if (error := fault_of(adapter, one)) is not None]
    for number, error in faults:
        zh, en = f"内置样例第 {number} 件略去", f"made-up licence {number} is left out"
        ERR.print(escape(printable(f"{say(zh, en)}{_spell(error)}")))
    if len(faults) == len(fitting):
        raise UsageError(say("该映射写不出任何内置样例", "the mapping can write none of the made-up licences"))
    left_out = {number for number, _ in faults}
    return tuple(one for number, one in fitting if number not in left_out)


def _read(adapter: Adapter, path: Path) -> Iterator[LicenceRecord]:
    parsed = adapter.parse(read_file(path, MAX_DOCUMENT_MESSAGE))
    for refused in parsed.refused:
        raise _unusable(path, refused.index, refused.error)
    if parsed.outcome is not AnswerOutcome.FOUND and not (parsed.outcome is AnswerOutcome.PARTIAL and parsed.records):
        zh, en = OUTCOMES[parsed.outcome]
        why = f" ({', '.join(sorted(parsed.flags & _ALARMS))})" if parsed.flags & _ALARMS else ""
        raise UsageError(say(f"{path} 中没有证照：{zh}{why}", f"there is no licence in {path}: {en}{why}"))
    for index, record in enumerate(parsed.records):
        known = record if adapter.rules.status is not None else replace(record, status=RecordStatus.ACTIVE)
        error = fault_of(adapter, known)
        if error is not None:
            raise _unusable(path, index, error)
        yield known


_ALARMS = frozenset({AnswerFlag.OUTCOME_UNSEEN, AnswerFlag.OUTCOME_MISSING, AnswerFlag.RECORDS_MISSING})


def fault_of(adapter: Adapter, record: LicenceRecord) -> AdapterError | None:
    """Return why a system has no words for a record; None where it has."""
    try:
        adapter.render((record,))
    except AdapterError as error:
        return error
    return None


def _unusable(path: Path, index: int, error: AdapterError) -> UsageError:
    zh, en = f"{path} 第 {index + 1} 条不可用", f"record {index + 1} of {path} cannot be used"
    return UsageError(f"{say(zh, en)}{_spell(error)}")


def _spell(error: AdapterError) -> str:
    where = say(f"（{error.where}）", f" ({error.where})") if error.where else ""
    return say("：", ": ") + say(*FAULTS[error.fault]) + where
