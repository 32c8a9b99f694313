"""What a stand-in says, in the words of its mapping."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.error import AdapterError
from adapters.mapping.path import MessagePath
from adapters.mapping.rule import OutcomeRule
from adapters.record.record import LicenceRecord
from gateway.adapters.replying import WrittenReply, write_message, write_texts
from gateway.adapters.tree import put, replace_texts

UNNAMED: Final = "-1"  # what a system says for which the mapping has no code: one that none of ours names


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Writes the messages of one system."""

    adapter: Adapter

    def write_records(self, records: tuple[LicenceRecord, ...], envelope: Mapping[str, str]) -> bytes:
        """Write what was found, or that nothing was."""
        outcome = AnswerOutcome.FOUND if records else AnswerOutcome.NOT_FOUND
        return self.adapter.render(records, outcome, envelope)

    def write_outcome(self, outcome: AnswerOutcome, code: str = "") -> bytes:
        """Write an outcome without records: by this code, else by the mapping's, else by one that it does not name.

        A system without codes says nothing at all.
        """
        if not code:
            try:
                return self.adapter.render((), outcome)
            except AdapterError:
                code = UNNAMED
        message = self.adapter.render((), AnswerOutcome.NOT_FOUND)
        rules = self.adapter.rules
        form = rules.message.form
        for one in rules.record_outcomes:
            if code in one.meanings:
                path = MessagePath(text=one.path.text, steps=(*rules.message.records.steps, *one.path.steps[1:]))
                return form.write(replace_texts(form.read(message), path, lambda _: code))
        if not rules.outcomes:
            return message
        rule = rules.outcomes[0]
        return form.write(put(form.read(message), rule.path, _spell(rule, code)))

    def code_of(self, outcome: AnswerOutcome) -> str:
        """Return the code of an outcome where no message of the mapping is, as in the answer of a sign-in."""
        return next(
            (rule.spellings[outcome] for rule in self.adapter.rules.outcomes if outcome in rule.spellings), UNNAMED
        )

    def add_total(self, message: bytes, path: MessagePath, total: int) -> bytes:
        """Say in a message how many records there are on all pages."""
        form = self.adapter.rules.message.form
        return form.write(put(form.read(message), path, str(total)))

    def answer_file(self, path: MessagePath, file: bytes) -> WrittenReply:
        """Answer with a file in base64 beside the code for what was found, where that can stand beside it."""
        codes = {
            rule.path: rule.spellings[AnswerOutcome.FOUND]
            for rule in self.adapter.rules.outcomes
            if rule.path.text[:1] == path.text[:1]
        }
        return write_texts({**codes, path: b64encode(file).decode()})

    def answer_without_file(self, message: bytes, path: MessagePath) -> WrittenReply:
        """Say why there is no file; what the file would be part of is left out, a list of records or not."""
        form = self.adapter.rules.message.form
        tree = form.read(message)
        if isinstance(tree, dict):
            message = form.write({name: one for name, one in tree.items() if name != path.steps[1].key})
        return write_message(self.adapter, message, answer=None)


def _spell(rule: OutcomeRule, code: str) -> object:
    """Return a code as the system writes it; one that the codecs cannot write stands as it is, and is not read."""
    try:
        return code if rule.chain.render is None else rule.chain.render(code)
    except (ValueError, KeyError):
        return code
