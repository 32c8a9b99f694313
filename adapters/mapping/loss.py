"""The loss table of a mapping: for each field and direction what is lost, and whether the file declares it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from adapters.mapping.codecs.codec import LongTerm, Sort
from adapters.mapping.fault import Words
from adapters.mapping.rule import Direction, FieldRule, Rules, StatusRule
from adapters.mapping.sides import is_side
from adapters.mapping.target import CARRIED, GROUPS, HOLDERS, STATUS, VALID_TO
from adapters.record.status import RecordStatus

_SURFACE = "surface"


class Verdict(StrEnum):
    """What is to be said about a line of the loss table."""

    DECLARED = "declared"
    UNDECLARED = "undeclared"  # the file says nothing about it: a fault
    STALE = "stale"  # the file declares what is not lost: a fault
    REFUSED = "refused"  # nothing is lost, because it is not written at all: an error says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One line. ``name`` is a field of the neutral record, or a path; ``declared`` the text of the file, "" if none."""

    name: str
    direction: Direction
    what: Words
    verdict: Verdict
    declared: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether the file has to be mended."""
        return self.verdict in {Verdict.UNDECLARED, Verdict.STALE}


def find_losses(rules: Rules) -> tuple[Loss, ...]:
    """Return the loss table, in the order of the file."""
    losses = [loss for rule in rules.fields for loss in _of_field(rule)]
    losses += _of_tables(rules.fields)
    losses += _of_status(rules.status) if rules.status is not None else ()
    losses += [
        _judge(f"envelope.{one.name}", Direction.IN, what, one.loses)
        for one in rules.envelope
        for what in one.chain.losses
    ]
    losses += _of_outcomes(rules)
    losses += _not_carried(rules)
    return tuple(losses)


def _judge(name: str, direction: Direction, what: Words, declared: str) -> Loss:
    verdict = Verdict.DECLARED if declared else Verdict.UNDECLARED
    return Loss(name=name, direction=direction, what=what, verdict=verdict, declared=declared)


def _of_field(rule: FieldRule) -> Iterator[Loss]:
    name = rule.target.text if rule.target is not None else rule.paths[0].text
    found = [*_lost_in(rule), *_lost_out(rule)]
    for direction, what in found:
        yield _judge(name, direction, what, rule.loses)
    if rule.loses and not found:
        yield _stale(name, rule.loses)
    if is_side(rule):
        yield _refused(name, Words("只有起止之一", "one side of the text without the other"))
    if _has_room_for_one(rule):
        yield _refused(name, Words("多个持证主体", "more than one holder"))
    is_end = rule.target is not None and rule.target.text == VALID_TO and rule.direction is not Direction.IN
    if is_end and rule.paths and LongTerm.LONG_TERM not in rule.chain.written:
        yield _refused(name, Words("长期有效", "a validity without an end"))


def _lost_in(rule: FieldRule) -> Iterator[tuple[Direction, Words]]:
    if rule.direction is not Direction.OUT and (rule.paths and rule.constant is None):
        for what in rule.chain.losses:
            yield Direction.IN, what
    if rule.also:
        yield Direction.IN, Words("原用哪个名称", "which of the names it had")
    if rule.direction is Direction.OUT and rule.constant is None:
        yield Direction.IN, Words("此处的值不读取", "the value here is not read")


def _lost_out(rule: FieldRule) -> Iterator[tuple[Direction, Words]]:
    if rule.default is not None:
        yield Direction.OUT, Words(f"未填写者读作 {rule.default}", f"nothing said reads as {rule.default}")
    if rule.direction is Direction.IN and rule.paths:
        yield Direction.OUT, Words("此处不写出", "it is not written here")
    elif rule.condition is not None and rule.target is not None:
        key, text = rule.condition.key, rule.condition.equals
        yield Direction.OUT, Words(f"{key} 不为“{text}”时不写出", f'it is not written unless {key} is "{text}"')
    if rule.target is not None and not rule.paths:
        yield (
            Direction.OUT,
            Words(f"不写出；读取时恒为 {rule.constant}", f"not written; always {rule.constant} when read"),
        )


def _of_tables(fields: Iterable[FieldRule]) -> Iterator[Loss]:
    """Yield what tables have no room for: a row with a column that no rule writes is refused."""
    targets = [rule.target for rule in fields if rule.target is not None and rule.direction is not Direction.IN]
    for slot in dict.fromkeys(one.slot for one in targets if one.column and one.slot != HOLDERS):
        yield _refused(slot, Words("其余各列", "columns that no rule names"))


def _has_room_for_one(rule: FieldRule) -> bool:
    """Whether a rule writes a part of the holders as one text of one holder."""
    is_holder = rule.target is not None and rule.target.slot == HOLDERS
    is_written = rule.direction is not Direction.IN and bool(rule.paths)
    return is_holder and is_written and not rule.paths[0].lists and rule.chain.neutral is not Sort.TEXTS


def _stale(name: str, declared: str) -> Loss:
    what = Words("并无损失", "nothing is lost")
    return Loss(name=name, direction=Direction.BOTH, what=what, verdict=Verdict.STALE, declared=declared)


def _refused(name: str, what: Words) -> Loss:
    return Loss(name=name, direction=Direction.OUT, what=what, verdict=Verdict.REFUSED)


def _of_status(rule: StatusRule) -> Iterator[Loss]:
    found = [(Direction.IN, what) for what in rule.chain.losses]
    merged = sorted(code for code, meaning in rule.meanings.items() if rule.spellings.get(meaning) != code)
    if merged:
        codes = ", ".join(merged)
        found.append(
            (
                Direction.IN,
                Words(f"代码 {codes} 与含义相同的其他代码之别", f"what tells {codes} from codes of the same meaning"),
            )
        )
    for status, word in rule.written_as.items():
        found.append((Direction.OUT, Words(f"{status} 写作 {word}", f"{status} is written as {word}")))
    for direction, what in found:
        yield _judge(STATUS, direction, what, rule.loses)
    if rule.loses and not found:
        yield _stale(STATUS, rule.loses)
    unspoken = [one for one in RecordStatus if one not in rule.spellings and one not in rule.written_as]
    if unspoken:
        listed = ", ".join(unspoken)
        yield _refused(STATUS, Words(f"状态 {listed}", f"the status {listed}"))


def _of_outcomes(rules: Rules) -> Iterator[Loss]:
    """Several codes of one meaning: the code itself is kept for the operator, and ``wins`` says what is written."""
    for rule in (*rules.outcomes, *rules.record_outcomes):
        merged = sorted(code for code, meaning in rule.meanings.items() if rule.spellings.get(meaning) != code)
        if merged:
            codes = ", ".join(merged)
            what = Words(f"代码 {codes} 与含义相同的其他代码之别", f"what tells {codes} from codes of the same meaning")
            yield _judge("outcome", Direction.IN, what, "wins")


def _not_carried(rules: Rules) -> Iterator[Loss]:
    """Yield what the record has and the system has no place for; a constant of the record has its own line."""
    written = {
        rule.target.carried
        for rule in rules.fields
        if rule.target is not None and (rule.direction is not Direction.IN or rule.loses)
    }
    if rules.status is not None:
        written.add(STATUS)
    used = set()
    for name in CARRIED:
        if name in written:
            continue
        key = _declared_under(name, rules)
        used.add(key)
        declared = rules.losses.get(key, "")
        if name == STATUS:
            what = Words(
                "状态：读作 unknown，仅可写出 active", "the status: unknown when read, and active alone can be written"
            )
        elif name == _SURFACE:
            what = Words("其余照面信息", "surface fields that no rule names")
        else:
            what = Words("系统中无此字段", "the system has no field for it")
        yield _judge(name, Direction.OUT, what, declared)
    for name, declared in rules.losses.items():
        if name not in used:
            yield _stale(name, declared)


def _declared_under(name: str, rules: Rules) -> str:
    """Return the key of [losses] that covers a name: its own, or "holders" or "document" for all their parts."""
    for group in GROUPS:
        if name.startswith(group) and name not in rules.losses and group in rules.losses:
            return group
    return name
