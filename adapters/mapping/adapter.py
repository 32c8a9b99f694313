"""An adapter: one mapping file, compiled; messages of its system in, neutral records out, and back."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.mapping.answer import AnswerFlag, AnswerOutcome, Parsed, RefusedRecord
from adapters.mapping.assembly import assemble
from adapters.mapping.bounds import MAX_RECORDS
from adapters.mapping.choice import choose
from adapters.mapping.compiling import ENVELOPE, OUTCOME, RECORDS, Part, Program, compile_rules
from adapters.mapping.draft import Aside, Draft, list_of
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.json import read_json_text, write_json_text
from adapters.mapping.forms.xml import read_xml_text
from adapters.mapping.loss import Loss, find_losses
from adapters.mapping.path import Operation
from adapters.mapping.reader import read_rules
from adapters.mapping.rule import Rules
from adapters.mapping.target import STATUS
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordFlag, RecordStatus

_WITH_RECORDS = frozenset({AnswerOutcome.FOUND, AnswerOutcome.PARTIAL})


@dataclass(frozen=True, slots=True)
class Adapter:
    """What reads and writes the messages of one system; it keeps no state and is safe to share between threads.

    ``transport`` is the recipe of the file as written, for whoever talks to the system. ``losses`` is the loss table.
    """

    rules: Rules = field(repr=False)
    digest: str  # SHA-256 of the file as canonical JSON, "sha256:…"
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
        there. FOUND without any record is NOT_FOUND.

        Raises:
            AdapterError: the message as a whole cannot be read.

        """
        tree = self.rules.message.form.read(message)
        draft, aside = Draft(), Aside()
        self._program.read_message(tree, draft, aside)
        outcome, raw, retry, flags = self._outcome(draft)
        records: list[LicenceRecord] = []
        refused: list[RefusedRecord] = []
        if outcome in _WITH_RECORDS:
            if self._program.is_one:
                aside = []  # the reader of the record sees the whole message
            status = draft.neutral.get(STATUS)
            for index, node in enumerate(self._nodes(tree, draft) or self._bare(status)):
                try:
                    records.append(self._record(node, status))
                except AdapterError as error:
                    refused.append(RefusedRecord(index=index, error=error))
        if refused:
            outcome = AnswerOutcome.PARTIAL
            flags.add(AnswerFlag.RECORDS_REFUSED)
        elif outcome is AnswerOutcome.FOUND and not records:
            outcome = AnswerOutcome.NOT_FOUND
        if aside:
            flags.add(AnswerFlag.FIELDS_ASIDE)
        return Parsed(
            outcome=outcome,
            records=tuple(records),
            refused=tuple(refused),
            retry_after_seconds=retry,
            raw_outcome=raw,
            envelope={
                slot.removeprefix(ENVELOPE): text for slot, text in draft.neutral.items() if slot.startswith(ENVELOPE)
            },
            aside=_spell_aside(aside),
            flags=frozenset(flags),
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
        self._say(outcome, values)
        trees = []
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
            values[RECORDS] = trees if trees or outcome in _WITH_RECORDS or not program.is_xml else None
        elif trees:
            values[RECORDS] = trees[0]
        program.write_message(values, message)
        return self.rules.message.form.write(message.get("", {}))

    def _outcome(self, draft: Draft) -> tuple[AnswerOutcome, str, int | None, set[AnswerFlag]]:
        """Return what the codes say together: the first that is not FOUND decides."""
        outcome, raw, retry = AnswerOutcome.FOUND, "", None
        flags: set[AnswerFlag] = set()
        for number, rule in enumerate(self.rules.outcomes):
            code = draft.neutral.get(f"{OUTCOME}{number}", "")
            meaning = rule.meanings.get(code)
            if meaning is None:
                flags.add(AnswerFlag.OUTCOME_UNSEEN if code else AnswerFlag.OUTCOME_MISSING)
                meaning = AnswerOutcome.ERROR
            if outcome is AnswerOutcome.FOUND:
                outcome, raw, retry = meaning, code, rule.retry_after_seconds.get(code)
        return outcome, raw, retry, flags

    def _say(self, outcome: AnswerOutcome, values: dict[str, Any]) -> None:
        """Write the outcome with the first code that says it; the other codes say FOUND, or the same where they can."""
        is_said = not self.rules.outcomes and outcome in {AnswerOutcome.FOUND, AnswerOutcome.NOT_FOUND}
        for number, rule in enumerate(self.rules.outcomes):
            code = rule.spellings.get(outcome)
            is_said = is_said or code is not None
            values[f"{OUTCOME}{number}"] = code or rule.spellings[AnswerOutcome.FOUND]
        if not is_said and outcome is not AnswerOutcome.NOT_FOUND:  # which no records say as well
            raise AdapterError(AdapterFault.OUTCOME)

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
                return list_of(node, self.rules.message.records.text, is_xml=program.is_xml)
            if not isinstance(node, str):
                raise AdapterError(AdapterFault.SHAPE, self.rules.message.records.text)
            node = read_json_text(node) if operation is Operation.JSON else read_xml_text(node)
        return [] if node is None or node == "" else [node]

    def _bare(self, status: str | None) -> list[object]:
        """Return a record of nothing but its status, where the message says that the licence is no longer in force.

        Some systems answer so for a cancelled licence, and "not found" would be another answer.
        """
        rule = self.rules.status
        meaning = None if rule is None or status is None else rule.meanings.get(status)
        return [] if meaning in {None, RecordStatus.ACTIVE} else [{}]

    def _record(self, node: object, status: str | None) -> LicenceRecord:
        """Read one record; ``status`` is the one of the message, where it counts for all of its records."""
        program = self._program
        draft, aside = Draft(), Aside()
        program.read_record(node, draft, aside)
        if status is not None:
            draft.neutral[STATUS] = status
        for part in program.parts:
            _join(part, draft)
        for choice in program.choices:
            choose(choice, draft)
        for in_surface, slot, value in program.defaults:
            (draft.surface if in_surface else draft.neutral).setdefault(slot, value)
        if aside:
            draft.flags.add(RecordFlag.FIELDS_ASIDE)
        record = assemble(draft, source=self.id, status=self.rules.status)
        return replace(record, aside=_spell_aside(aside)) if aside else record

    def _check(self, record: LicenceRecord) -> None:
        """Refuse a status that would be lost: a system without one takes only active licences."""
        if self.rules.status is None and record.status is not RecordStatus.ACTIVE:
            raise AdapterError(AdapterFault.STATUS)


def load_adapter(data: bytes, name: str) -> Adapter:
    """Read and compile a mapping file; ``name`` is how faults name it.

    Losses that the file does not declare are in `Adapter.losses`, and are for `tongban adapter check` to refuse.

    Raises:
        MappingError: with every fault that was found.

    """
    rules, faults = read_rules(data, name)
    program = compile_rules(rules, faults)
    return Adapter(
        rules=rules, digest=_digest(tomllib.loads(data.decode("utf-8"))), losses=find_losses(rules), _program=program
    )


def bundle_digest(adapters: Iterable[Adapter]) -> str:
    """Return the digest of a set of adapters, "sha256:…": over id and digest of each, in the order of the ids."""
    return _digest({one.id: one.digest for one in adapters})


def _digest(tables: Mapping[str, object]) -> str:
    """Return the SHA-256 of tables as canonical JSON: sorted keys, no white space, UTF-8; comments do not count."""
    text = json.dumps(tables, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


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
