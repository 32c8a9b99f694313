"""What is odd about a system, beyond its recipe and its mapping: what it demands, and how it looks for licences."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Question
from gateway.standins.desk import Desk
from gateway.standins.gate import Refusal, RefusedError

Words = Mapping[str, str]
Find = Callable[[Desk, Question, Words], tuple[LicenceRecord, ...]]

# Which licences a word of a question means; the other words say why and who asks.
_MEANT: Final[Mapping[str, Callable[[LicenceRecord, str], bool]]] = {
    "identifier": lambda record, text: record.identifier == text,
    "number": lambda record, text: record.number == text,
    "type_code": lambda record, text: record.type_code == text,
    "name": lambda record, text: record.name == text,
    "holder_name": lambda record, text: any(one.name == text for one in record.holders),
    "holder_code": lambda record, text: any(one.code == text for one in record.holders),
    "holder_code_type": lambda record, text: any(one.code_type == text for one in record.holders),
    "code": lambda record, text: show_code(record) == text,
    "link": lambda record, text: text.endswith(make_grant(record)),
}


def show_code(record: LicenceRecord) -> str:
    """Return the code of ten digits that the holder's application shows for a licence."""
    return f"{int.from_bytes(record.identifier.encode()) % 10**10:010d}"


def make_grant(record: LicenceRecord) -> str:
    """Return the grant of one use: a time stamp and letters, 28 characters."""
    return "20260102030405" + hashlib.sha256(record.identifier.encode()).hexdigest()[:14]


def find_meant(desk: Desk, question: Question, words: Words) -> tuple[LicenceRecord, ...]:  # noqa: ARG001 -- a Find
    """Return the licences that every word of the question means; a question that names nothing means none."""
    asked = [(is_meant, words[name]) for name, is_meant in _MEANT.items() if words.get(name)]
    return desk.find(lambda record: bool(asked) and all(is_meant(record, text) for is_meant, text in asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One system's; ``needs`` are the words that must say something. ``find`` may raise RefusedError."""

    needs: frozenset[str] = frozenset()
    find: Find = find_meant


def _find_in_jiangsu(desk: Desk, question: Question, words: Words) -> tuple[LicenceRecord, ...]:
    """Return all licences of a holder, whatever names were asked for; those of persons are in the Delta's store."""
    found = find_meant(desk, question, {**words, "name": ""})
    if question is Question.CODE:
        return found
    is_elsewhere = question is Question.HOLDER_ELSEWHERE
    return tuple(record for record in found if is_elsewhere == (record.holders[0].code_type == _CITIZEN))


def _find_at_the_police(desk: Desk, question: Question, words: Words) -> tuple[LicenceRecord, ...]:
    """Return the permit; raises RefusedError with the code of what is missing, which stands in a record."""
    for name, code in _POLICE_MISSING.items():
        if not words.get(name):
            raise RefusedError(AnswerOutcome.ERROR, code, why=Refusal.NEEDS)
    return find_meant(desk, question, words)


_CITIZEN: Final = "111"
_POLICE_MISSING: Final = {"case": "-901", "holder_code": "-903"}
_FIVE: Final = frozenset({"operator_org", "operator_name", "item_name", "item_code", "case"})

MANNERS: Final[Mapping[str, Manner]] = {
    "national": Manner(needs=_FIVE | {"use"}),  # the five elements of the caller, and UseFor
    "fujian-post": Manner(needs=frozenset({"use", "item_name"})),  # queryCause and queryResume
    "jiangsu": Manner(find=_find_in_jiangsu),
    "police-package": Manner(find=_find_at_the_police),
}
