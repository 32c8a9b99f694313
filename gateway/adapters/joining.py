"""Several answers of a system as one: those of pages, and those of two places."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord, Surface
from adapters.transport.recipe import Question
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.adapters.reading import Page
from gateway.sources.source import key_text

WITH_RECORDS: Final = frozenset({AnswerOutcome.FOUND, AnswerOutcome.PARTIAL})


def answer_of(page: Page) -> Answer:
    """Return what one page says."""
    parsed = page.parsed
    return Answer(
        outcome=parsed.outcome,
        records=parsed.records,
        refused=parsed.refused,
        file=page.file,
        retry_after_seconds=parsed.retry_after_seconds,
        raw_outcome=parsed.raw_outcome,
        flags=parsed.flags,
    )


def join_pages(first: Answer, second: Answer) -> Answer:
    """Join two pages; the worse outcome counts."""
    is_whole = first.outcome is second.outcome is AnswerOutcome.FOUND or second.outcome is AnswerOutcome.NOT_FOUND
    return replace(
        first,
        outcome=first.outcome if is_whole else AnswerOutcome.PARTIAL,
        records=first.records + second.records,
        refused=first.refused + second.refused,
        flags=first.flags | second.flags,
    )


def name_record(record: LicenceRecord) -> Hashable:
    """Return what tells a record from another one; not its link, file and unnamed fields: each answer may make them."""
    return (
        *(record.identifier, record.number, record.type_code, record.name, record.holders),
        *(record.issuer, record.issuer_code, record.issued_on, record.valid_from, record.valid_to, record.raw_status),
        "" if record.document is None else record.document.format,
        _name_value(record.surface),
    )


def may_be_elsewhere(inquiry: Inquiry, answer: Answer) -> bool:
    """Say whether a holder is asked for at the other place too: the licence is not among those of this one.

    To ask once too often does no harm, so names and codes of types are not brought together here.
    """
    if inquiry.question is not Question.HOLDER:
        return False
    if answer.outcome is AnswerOutcome.NOT_FOUND:
        return True
    return (
        answer.outcome in WITH_RECORDS
        and bool(inquiry.number)
        and not any(_is_asked_for(record, inquiry) for record in answer.records)
    )


def add_elsewhere(inquiry: Inquiry, here: Answer, elsewhere: Answer) -> Answer:
    """Return the answers of both places; one that is none leaves open whether the licence is there."""
    if elsewhere.outcome in {*WITH_RECORDS, AnswerOutcome.NOT_FOUND}:
        return elsewhere if here.outcome is AnswerOutcome.NOT_FOUND else join_pages(here, elsewhere)
    return select_part(inquiry, here) or elsewhere


def select_part(inquiry: Inquiry, here: Answer) -> Answer | None:
    """Return what one place says, in part, where the other one says nothing.

    None: no record has the number that is asked for. Then the answer is that of the other place, with its own reason.
    """
    if not any(_is_numbered(record, inquiry) for record in here.records):
        return None
    return replace(here, outcome=AnswerOutcome.PARTIAL)


def _is_asked_for(record: LicenceRecord, inquiry: Inquiry) -> bool:
    """Say whether a record states number and type of a question; several licences may have one number."""
    types = ((record.type_code, inquiry.type_code), (record.name, inquiry.name))
    stated = [key_text(one) == key_text(asked) for one, asked in types if one and asked]
    return _is_numbered(record, inquiry) and (any(stated) or not stated)


def _is_numbered(record: LicenceRecord, inquiry: Inquiry) -> bool:
    number = key_text(inquiry.number)
    return bool(number) and key_text(record.number) == number


def _name_value(value: Surface | Mapping[str, Surface]) -> Hashable:
    """Return what tells surface fields, or one of them, from others; the order of names does not count."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return frozenset((name, _name_value(one)) for name, one in value.items())
    return tuple(_name_value(one) for one in value)
