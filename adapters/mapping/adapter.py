"""An adapter: one mapping file, compiled; messages of its system in, neutral records out, and back."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from adapters.codes.tables import CodeTables
from adapters.mapping.answer import AnswerFlag, AnswerOutcome, Parsed, RefusedRecord
from adapters.mapping.assembly import assemble
from adapters.mapping.bounds import MAX_RECORDS
from adapters.mapping.choice import choose
from adapters.mapping.code import meaning_of
from adapters.mapping.compiling import ENVELOPE, OUTCOME, RECORDS, Program, compile_rules
from adapters.mapping.draft import Aside, Draft, list_of
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.json import read_json_text, write_json_text
from adapters.mapping.forms.xml import read_xml_text
from adapters.mapping.loss import Loss, find_losses
from adapters.mapping.path import Operation
from adapters.mapping.reader import read_rules
from adapters.mapping.record_entries import RECORD_OUTCOME, Part
from adapters.mapping.rule import OutcomeRule, Rules
from adapters.mapping.target import STATUS
from adapters.mapping.toml import digest_tables
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordFlag, RecordStatus

_WITH_RECORDS = frozenset({AnswerOutcome.FOUND, AnswerOutcome.PARTIAL})


@dataclass(frozen=True, slots=True)
class Adapter:
    """What reads and writes the messages of one system; it keeps no state and is safe to share between threads.

    ``transport`` is the recipe of the file as written, for whoever talks to the system. ``losses`` is the loss table.
    """

    rules: Rules = field(repr=False)
    digest: str  # SHA-256 of the file as canonical JSON, with a site's tables of codes where it has any, "sha256:…"
    losses: tuple[Loss, ...] = field(repr=False)
    _program: Program = field(repr=False)

    @property
    def id(self) -> str:
        """The id of the system."""
        return self.rules.system.id

    @property
    def transport(self) -> Mapping[str, object]:
        """The recipe of the file, not judged here."""
        return self.rules.transport

    def parse(self, message: bytes) -> Parsed:
        """Read one message.

        A record that cannot be read is kept apart in ``refused``, and the outcome is PARTIAL then; the others are
        there. FOUND without any record is NOT_FOUND, or what the records say that are none of a licence; these are in
        ``refused`` with their outcome. Beside others they make the outcome PARTIAL, unless they say NOT_FOUND.

        Raises:
            AdapterError: the message as a whole cannot be read.

        """
        tree = self.rules.message.form.read(message)
        draft, aside = Draft(), Aside()
        self._program.read_message(tree, draft, aside)
        said = _judge(self.rules.outcomes, OUTCOME, draft)
        records: list[LicenceRecord] = []
        refused: list[RefusedRecord] = []
        if said.outcome in _WITH_RECORDS:
            if self._program.is_one:
                aside = []  # the reader of the record sees the whole message
            # Where the records should be is nothing, and beside it what nobody named: perhaps another kind of answer.
            is_other = RECORDS not in draft.neutral and (bool(aside) or tree is None)
            said = self._read_records(tree, draft, said, records, refused)
            if is_other and said.outcome is AnswerOutcome.NOT_FOUND:
                said = said._replace(outcome=AnswerOutcome.ERROR)
                said.flags.add(AnswerFlag.RECORDS_MISSING)
        if aside:
            said.flags.add(AnswerFlag.FIELDS_ASIDE)
        return Parsed(
            outcome=said.outcome,
            records=tuple(records),
            refused=tuple(refused),
            retry_after_seconds=said.retry,
            raw_outcome=said.raw,
            envelope={
                slot.removeprefix(ENVELOPE): text for slot, text in draft.neutral.items() if slot.startswith(ENVELOPE)
            },
            aside=_spell_aside(aside),
            flags=frozenset(said.flags),
        )

    def read_nodes(self, message: bytes) -> list[object]:
        """Return the records of a message as trees, in the order in which `parse` counts them.

        Raises:
            AdapterError: the message as a whole cannot be read.

        """
        tree = self.rules.message.form.read(message)
        draft = Draft()
        self._program.read_message(tree, draft, Aside())
        return self._nodes(tree, draft)

    def render(
        self,
        records: Sequence[LicenceRecord],
        outcome: AnswerOutcome = AnswerOutcome.FOUND,
        envelope: Mapping[str, str] | None = None,
    ) -> bytes:
        """Write one message; ``envelope`` has the values around the records by the names that the mapping gives them.

        Raises:
            AdapterError: the system has no words for something; nothing is left out that is not in the loss table.

        """
        program = self._program
        if outcome is AnswerOutcome.FOUND and not records:
            outcome = AnswerOutcome.NOT_FOUND
        if len(records) > (MAX_RECORDS if program.is_list else 1):
            raise AdapterError(AdapterFault.SHAPE, self.rules.message.records.text)
        values: dict[str, Any] = {ENVELOPE + name: text for name, text in (envelope or {}).items()}
        trees = self._say(outcome, values, is_empty=not records)
        for record in records:
            self._check(record)
            tree: dict[str, Any] = {}
            program.write_record(record, tree)
            trees.append(tree.get("", {}))
        if program.status_of_message is not None and records and outcome in _WITH_RECORDS:
            said = {program.status_of_message(record) for record in records}
            if len(said) > 1:
                raise AdapterError(AdapterFault.STATUS)
            (values[STATUS],) = said
        message: dict[str, Any] = {}
        if program.is_one:
            message = {"": trees[0]} if trees else {}
        elif program.is_list:
            values[RECORDS] = trees if trees or outcome in _WITH_RECORDS or not program.has_xml_records else None
        elif trees:
            values[RECORDS] = trees[0]
        program.write_message(values, message)
        return self.rules.message.form.write(message.get("") or program.nothing)

    def _read_records(
        self, tree: object, draft: Draft, said: "_Said", records: list[LicenceRecord], refused: list[RefusedRecord]
    ) -> "_Said":
        """Read the records into both lists, and return what message and records say together."""
        told: _Said | None = None
        status = draft.neutral.get(STATUS)
        for index, node in enumerate(self._nodes(tree, draft) or self._bare(status)):
            try:
                records.append(self._record(node, status))
            except _NoLicenceError as error:
                refused.append(RefusedRecord(index=index, error=error, outcome=error.said.outcome))
                said.flags.update(error.said.flags)
                if told is None or told.outcome is AnswerOutcome.NOT_FOUND:  # which says least
                    told = error.said
            except AdapterError as error:
                refused.append(RefusedRecord(index=index, error=error))
        if any(one.outcome is None for one in refused):
            said.flags.add(AnswerFlag.RECORDS_REFUSED)
            return said._replace(outcome=AnswerOutcome.PARTIAL)
        if said.outcome is not AnswerOutcome.FOUND or (records and not refused):
            return said
        if told is None:
            return said._replace(outcome=AnswerOutcome.NOT_FOUND)
        if not records:
            return told._replace(flags=said.flags)
        if told.outcome is AnswerOutcome.NOT_FOUND:
            return said
        return said._replace(outcome=AnswerOutcome.PARTIAL, raw=told.raw)

    def _say(self, outcome: AnswerOutcome, values: dict[str, Any], *, is_empty: bool) -> list[Any]:
        """Write the outcome with the first code that says it; the other codes say FOUND, or the same where they can.

        Returns the records that say it where no code of the message does, and no licence is written (``is_empty``).
        """
        is_said = not self.rules.outcomes and outcome in {AnswerOutcome.FOUND, AnswerOutcome.NOT_FOUND}
        for number, rule in enumerate(self.rules.outcomes):
            code = rule.spellings.get(outcome)
            is_said = is_said or code is not None
            values[f"{OUTCOME}{number}"] = code or rule.spellings[AnswerOutcome.FOUND]
        for number, rule in enumerate(self.rules.record_outcomes if is_empty and not is_said else ()):
            if outcome in rule.spellings:
                tree: dict[str, Any] = {}
                self._program.write_told({f"{RECORD_OUTCOME}{number}": rule.spellings[outcome]}, tree)
                return [tree[""]]
        if not is_said and outcome is not AnswerOutcome.NOT_FOUND:  # which no records say as well
            raise AdapterError(AdapterFault.OUTCOME)
        return []

    def _nodes(self, tree: object, draft: Draft) -> list[object]:
        """Return the trees of the records."""
        program = self._program
        if program.is_one:
            return [tree]
        node = draft.neutral.get(RECORDS)
        for operation in program.operations:
            if node is None or node == "":
                return []
            if operation is Operation.EACH:
                return list_of(node, self.rules.message.records.text, is_xml=program.has_xml_records)
            if not isinstance(node, str):
                raise AdapterError(AdapterFault.SHAPE, self.rules.message.records.text)
            node = read_json_text(node) if operation is Operation.JSON else read_xml_text(node)
        return [] if node is None or node == "" else [node]

    def _bare(self, status: str | None) -> list[object]:
        """Return a record of nothing but its status, where the message says that the licence is no longer in force.

        Some systems answer so for a cancelled licence, and "not found" would be another answer. So it would be of a
        code that nobody named.
        """
        rule = self.rules.status
        if rule is None or status is None or meaning_of(status, rule.meanings) is RecordStatus.ACTIVE:
            return []
        return [{}]

    def _record(self, node: object, status: str | None) -> LicenceRecord:
        """Read one record; ``status`` is the one of the message, where it counts for all of its records."""
        program = self._program
        draft, aside = Draft(), Aside()
        program.read_record(node, draft, aside)
        if self.rules.record_outcomes:
            said = _judge(self.rules.record_outcomes, RECORD_OUTCOME, draft)
            if said.outcome is not AnswerOutcome.FOUND:
                raise _NoLicenceError(self.rules.record_outcomes[said.place].path.text, said)
        if status is not None:
            draft.neutral[STATUS] = status
        for part in program.parts:
            _join(part, draft)
        for choice in program.choices:
            choose(choice, draft)
        for in_surface, slot, value in program.defaults:
            if (in_surface, slot) not in draft.unseen:  # something was said, and nobody knows what
                (draft.surface if in_surface else draft.neutral).setdefault(slot, value)
        if aside:
            draft.flags.add(RecordFlag.FIELDS_ASIDE)
        record = assemble(draft, source=self.id, status=self.rules.status)
        return replace(record, aside=_spell_aside(aside)) if aside else record

    def _check(self, record: LicenceRecord) -> None:
        """Refuse a status that would be lost: a system without one takes only active licences."""
        if self.rules.status is None and record.status is not RecordStatus.ACTIVE:
            raise AdapterError(AdapterFault.STATUS)


class _Said(NamedTuple):
    """What the codes of a message or of a record say together; ``place`` is that of the rule whose code decided."""

    outcome: AnswerOutcome
    raw: str
    retry: int | None
    flags: set[AnswerFlag]
    place: int = 0


class _NoLicenceError(AdapterError):
    """A record whose code says that it is none of a licence."""

    def __init__(self, where: str, said: _Said) -> None:
        super().__init__(AdapterFault.OUTCOME, where)
        self.said = said


def load_adapter(data: bytes, name: str, *, tables: CodeTables | None = None) -> Adapter:
    """Read and compile a mapping file; ``name`` is how faults name it.

    ``tables`` are those that its codecs may name, None: the shipped ones; what a site has beside them is in the digest.
    Losses that the file does not declare are in `Adapter.losses`, and are for `tongban adapter check` to refuse.

    Raises:
        MappingError: with every fault that was found.

    """
    rules, faults = read_rules(data, name, tables)
    program = compile_rules(rules, faults)
    digest = digest_tables(tomllib.loads(data.decode("utf-8")))
    if tables is not None and tables.digest:
        digest = digest_tables({"mapping": digest, "tables": tables.digest})
    return Adapter(rules=rules, digest=digest, losses=find_losses(rules), _program=program)


def bundle_digest(adapters: Iterable[Adapter]) -> str:
    """Return the digest of a set of adapters, "sha256:…": over id and digest of each, in the order of the ids."""
    return digest_tables({one.id: one.digest for one in adapters})


def _judge(rules: Sequence[OutcomeRule], slots: str, draft: Draft) -> _Said:
    """Return what codes say together: the first that is not FOUND decides; a record needs none."""
    said = _Said(AnswerOutcome.FOUND, "", None, set())
    for number, rule in enumerate(rules):
        code = draft.neutral.get(f"{slots}{number}", "")
        if not code and rule.of_record:
            continue
        meaning = meaning_of(code, rule.meanings)
        if meaning is None:
            said.flags.add(AnswerFlag.OUTCOME_UNSEEN if code else AnswerFlag.OUTCOME_MISSING)
            meaning = AnswerOutcome.ERROR
        if said.outcome is AnswerOutcome.FOUND:
            retry = rule.retry_after_seconds.get(code) if meaning is AnswerOutcome.RETRY else None
            said = _Said(meaning, str(code), retry, said.flags, number)
    return said


def _join(part: Part, draft: Draft) -> None:
    """Join a value that stands in several fields: all of them are there, or none of them."""
    texts = [draft.neutral.pop(slot, None) for slot in part.parts]
    if all(text is None for text in texts):
        return
    if None in texts or part.chain.parse is None:
        raise AdapterError(AdapterFault.VALUE, part.path)
    try:
        found = part.chain.parse(tuple(texts))
    except (ValueError, KeyError):  # not chained: the exception carries the value
        raise AdapterError(AdapterFault.VALUE, part.path) from None
    if found is not None:
        (draft.surface if part.in_surface else draft.neutral)[part.slot] = found


def _spell_aside(aside: Aside) -> dict[str, str]:
    """Return what stands aside as texts; what is no text is spelt as JSON."""
    return {path: value if isinstance(value, str) else write_json_text(value) for path, value in aside}
