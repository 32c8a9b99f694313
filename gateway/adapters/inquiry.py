"""One question to another system, and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from adapters.mapping.answer import AnswerFlag, AnswerOutcome, RefusedRecord
from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What is asked, why, and by whom, in the words of templates; "" where nothing is known.

    ``link`` is what a record said about its file: an address, or a grant of one use. ``area`` is the region of whoever
    asks. ``question_id`` is the id under which our access log has the question; every request that it needs can carry
    it.
    """

    question: Question
    identifier: str = ""
    number: str = ""
    type_code: str = ""
    name: str = ""
    holder_name: str = ""
    holder_code: str = ""
    holder_code_type: str = ""
    area: str = ""
    code: str = ""
    link: str = ""
    use: str = ""
    item_code: str = ""
    item_name: str = ""
    case: str = ""
    operator_id: str = ""
    operator_name: str = ""
    operator_org: str = ""
    operator_org_code: str = ""
    question_id: str = ""

    @property
    def words(self) -> Mapping[str, str]:
        """The texts by their names in templates."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "question"}

    def __repr__(self) -> str:
        """Show the kind alone: the rest is about a person."""
        return f"Inquiry({self.question})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the system said. ``file`` are bytes that nobody has checked; ``raw_outcome`` is for the operator."""

    outcome: AnswerOutcome
    records: tuple[LicenceRecord, ...] = ()
    refused: tuple[RefusedRecord, ...] = ()
    file: bytes = b""
    retry_after_seconds: int | None = None
    raw_outcome: str = ""
    flags: frozenset[AnswerFlag] = frozenset()
