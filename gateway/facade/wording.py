"""What a façade says, in the words of its system: outcomes by its codes, and by HTTP where it has none for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.error import AdapterError
from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Call, Question, TransportRecipe
from gateway.adapters.replying import Encryptors, WrittenReply, write_message, write_without_file
from keys.payload.errors import PayloadError

OK: Final = 200
# Where a system has no words at all; no recipe explains these, so that a caller takes them for no answer.
_STATUSES: Final = {
    AnswerOutcome.DENIED: 403,
    AnswerOutcome.NOT_PROVIDED: 404,
    AnswerOutcome.RETRY: 503,
    AnswerOutcome.PARTIAL: 503,
}
_FAILED: Final = 500
# A system without a code for an outcome says the next one; none of them says more than what is so.
_INSTEAD: Final = {
    AnswerOutcome.PARTIAL: AnswerOutcome.ERROR,
    AnswerOutcome.NOT_PROVIDED: AnswerOutcome.ERROR,
    AnswerOutcome.DENIED: AnswerOutcome.ERROR,
    AnswerOutcome.RETRY: AnswerOutcome.ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidReply:
    """An answer with its HTTP status; ``reply`` is None where the status says all of it.

    ``outcome`` is the one that the caller will read in it.
    """

    status: int
    outcome: AnswerOutcome
    reply: WrittenReply | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Writes the answers of one system."""

    adapter: Adapter
    recipe: TransportRecipe
    encryptors: Encryptors = field(repr=False)

    @property
    def takes_several(self) -> bool:
        """Whether one message has room for more than one licence."""
        return self.adapter.rules.message.records.lists > 0

    def say_records(
        self, call: Call, choices: Sequence[tuple[LicenceRecord, ...]], words: Mapping[str, str], *, total: int
    ) -> SaidReply:
        """Return an answer with the first of the choices that the system can spell, all of it or none.

        ``total`` is how many licences there are on all pages; where no place for it says that some are missing here,
        the outcome does.
        """
        envelope = self._envelope(call, words, total)
        is_whole = call.paging is not None or total == len(choices[0])
        outcome = AnswerOutcome.FOUND if is_whole else AnswerOutcome.PARTIAL
        for records in choices:
            reply = self._write(call, records, outcome, envelope)
            if reply is not None:
                return SaidReply(status=OK, outcome=outcome, reply=reply)
        return self.say(AnswerOutcome.ERROR, call, words)

    def say(
        self, outcome: AnswerOutcome, call: Call | None, words: Mapping[str, str], *, otherwise: int | None = None
    ) -> SaidReply:
        """Return an answer without any licence; ``call`` is None where none was made out.

        An outcome that the system says by HTTP is said so before another one takes its place; ``otherwise`` is the
        status where it has no words for any.
        """
        envelope = self._envelope(call, words, 0)
        for one in _in_turn(outcome):
            reply = self._write(call, (), one, envelope)
            if reply is not None:
                return SaidReply(status=OK, outcome=one, reply=reply)
            status = next((status for status, meaning in self.recipe.http.items() if meaning is one), None)
            if status is not None:
                return SaidReply(status=status, outcome=one)
        return SaidReply(status=otherwise or _STATUSES.get(outcome, _FAILED), outcome=AnswerOutcome.ERROR)

    def _write(
        self, call: Call | None, records: tuple[LicenceRecord, ...], outcome: AnswerOutcome, envelope: Mapping[str, str]
    ) -> WrittenReply | None:
        """Return a message as it travels; None where the system has no words for it."""
        if not records and not self._spells(outcome):
            return None
        try:
            message = self.adapter.render(records, outcome, envelope)
            if call is None:
                return write_message(self.adapter, message, answer=None)
            if call.question is Question.FILE and call.request.answer is not None:
                return write_without_file(self.adapter, message, call.request.answer)
            return write_message(self.adapter, message, answer=call.request.answer, encryptors=self.encryptors)
        except (AdapterError, PayloadError):
            return None

    def _spells(self, outcome: AnswerOutcome) -> bool:
        """Return whether a code says this outcome, or, where there are no codes, a message without records."""
        rules = (*self.adapter.rules.outcomes, *self.adapter.rules.record_outcomes)
        return outcome is AnswerOutcome.NOT_FOUND or any(outcome in rule.spellings for rule in rules)

    def _envelope(self, call: Call | None, words: Mapping[str, str], total: int) -> dict[str, str]:
        """Return what stands around the records: the number of all of them, and the request's own id again."""
        announced = None if call is None or call.paging is None else call.paging.total
        found: dict[str, str] = {}
        for rule in self.adapter.rules.envelope:
            if announced is not None and rule.path.text == announced.text:
                found[rule.name] = str(total)
            elif rule.name == _ECHO and words.get(_REQUEST_ID):
                found[rule.name] = words[_REQUEST_ID]
        return found


_ECHO: Final = "correlation_id"  # the name under which mappings have the id of the request, said again
_REQUEST_ID: Final = "request_id"


def _in_turn(outcome: AnswerOutcome) -> Iterator[AnswerOutcome]:
    """Yield an outcome, and what is said in its place."""
    yield outcome
    while outcome in _INSTEAD:
        outcome = _INSTEAD[outcome]
        yield outcome
