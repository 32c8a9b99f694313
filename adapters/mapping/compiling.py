"""Compiles the rules of a mapping file: the plans of a record and of the message around it, for reading and writing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.mapping.assembly import rows_of
from adapters.mapping.choice import Choice
from adapters.mapping.codecs.chain import Chain, compose
from adapters.mapping.contradiction import check_entries
from adapters.mapping.draft import Reader
from adapters.mapping.fault import FaultList, Words
from adapters.mapping.path import MessagePath, Operation
from adapters.mapping.plan import Entry, Leaf, make_plan
from adapters.mapping.reading import compile_reader
from adapters.mapping.record_entries import (
    Part,
    choices_of,
    defaults_of,
    parts_of,
    record_entries,
    status_of,
    told_entries,
)
from adapters.mapping.rule import Absent, Rules
from adapters.mapping.target import STATUS
from adapters.mapping.writing import Writer, compile_writer, spells_of
from adapters.record.record import LicenceRecord

RECORDS: Final = "records"
ENVELOPE: Final = "envelope:"
OUTCOME: Final = "outcome:"

_PLAIN: Final[Chain] = compose(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The compiled functions of one mapping.

    ``read_message`` fills the slots of envelope, outcome and records; ``read_record`` those of one record.
    ``write_told`` writes a record that is none of a licence, from its outcomes by slot.
    ``is_one`` says that the message is the record, and ``operations`` what is done to reach the records.
    ``has_xml_records`` says whether one element alone is a list of records. ``nothing`` is a message that says nothing.
    """

    read_message: Reader
    read_record: Reader
    write_message: Writer
    write_record: Writer
    write_told: Writer
    parts: tuple[Part, ...]
    choices: tuple[Choice, ...]
    defaults: tuple[tuple[bool, str, object], ...]  # in the surface or not, the slot, the value
    is_one: bool
    is_list: bool
    has_xml_records: bool
    nothing: Mapping[str, object]
    operations: tuple[Operation, ...]
    status_of_message: Callable[[LicenceRecord], str] | None  # where one status counts for all records


def compile_rules(rules: Rules, faults: FaultList) -> Program:
    """Compile; rules that contradict each other are noted as faults, and nothing may be used then."""
    records, in_xml = rules.message.records, rules.message.has_xml_records
    is_one = len(records.steps) == 1 and not records.steps[0].operations
    message = list(_message_entries(rules, with_records=not is_one))
    reading = list(record_entries(rules, reading=True))
    writing = list(record_entries(rules, reading=False))
    reading += [_ignored(one) for one in message] if is_one else []
    around_records = make_plan(message, faults, is_xml=rules.message.is_xml)
    plans = [make_plan(entries, faults, is_xml=in_xml) for entries in (reading, writing, list(told_entries(rules)))]
    check_entries(rules, reading, writing, faults)
    around = [] if rules.status is None or not rules.status.of_message else [(*rules.status.place, "of_message")]
    around += [(*one.place, "of_record") for one in rules.record_outcomes]
    for place in around if is_one else ():
        expected = Words(
            f"[message].records 另有路径时才用 {place[-1]}", f"{place[-1]} only where [message].records has a path"
        )
        faults.add(place, expected=expected, found=Words("true", "true"))
    defaults = tuple(defaults_of(rules.fields, faults))
    faults.raise_if_any()
    read_record, written, told_plan = plans
    absent, spells = rules.message.absent, spells_of(rules.message.namespaces)
    roots = (written if is_one else around_records).children if rules.message.is_xml else {}
    return Program(
        read_message=compile_reader(around_records),
        read_record=compile_reader(read_record),
        write_message=compile_writer("", around_records, rows_of, absent=Absent.OMIT, spells=spells),
        write_record=compile_writer("", written, rows_of, absent=absent, spells=spells),
        write_told=compile_writer("", told_plan, rows_of, absent=Absent.OMIT, spells=spells),
        parts=tuple(parts_of(rules.fields)),
        choices=tuple(choices_of(rules.fields)),
        defaults=defaults,
        is_one=is_one,
        is_list=records.lists > 0,
        has_xml_records=in_xml,
        nothing=dict.fromkeys(list(roots)[:1]),
        operations=records.steps[-1].operations,
        status_of_message=status_of(rules.status) if rules.status is not None and rules.status.of_message else None,
    )


def _message_entries(rules: Rules, *, with_records: bool) -> Iterator[Entry]:
    for number, outcome in enumerate(rules.outcomes):
        slot = f"{OUTCOME}{number}"
        yield _entry(outcome.path, outcome.place, slot, outcome.chain, is_code=True)
    for one in rules.envelope:
        slot = ENVELOPE + one.name
        yield _entry(one.path, one.place, slot, one.chain, constant=one.constant)
    if with_records:
        yield _entry(rules.message.records, ("message", "records"), RECORDS, _PLAIN, is_raw=True)
    if rules.status is not None and rules.status.of_message:  # behind the outcome, whose code it may be
        yield _entry(rules.status.path, rules.status.place, STATUS, rules.status.chain, is_code=True)


def _entry(
    path: MessagePath,
    place: tuple[str | int, ...],
    slot: str,
    chain: Chain,
    *,
    is_code: bool = False,
    is_raw: bool = False,
    constant: str | None = None,
) -> Entry:
    def get(values: Any) -> object:  # noqa: ANN401 -- the values of an envelope by slot
        return constant if constant is not None else values.get(slot)

    leaf = Leaf(
        path=path.text,
        slot=slot,
        chain=chain,
        get=get,
        place=place,
        is_code=is_code,
        is_raw=is_raw,
        constant=constant,
    )
    return Entry(path=path, leaf=leaf, place=place)


def _ignored(entry: Entry) -> Entry:
    """Return an entry of the envelope as the reader of a record passes it over, where they share one object."""
    leaf = Leaf(path=entry.path.text, slot="", chain=_PLAIN, get=lambda _: None, place=entry.place, ignores=True)
    return Entry(path=entry.path, leaf=leaf, place=entry.place)
