"""Several answers of a system as one: those of pages, and those of two places."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Question
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.adapters.reading import Page

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
    """Return what tells a record from another one; not its link, which may be of one use."""
    return (
        *(record.identifier, record.number, record.type_code, record.name, record.holders),
        *(record.issuer, record.issuer_code, record.issued_on, record.valid_from, record.valid_to, record.raw_status),
        "" if record.document is None else record.document.format,
    )


def may_be_elsewhere(inquiry: Inquiry, answer: Answer) -> bool:
    """Say whether a holder is asked for at the other place too: the licence is not among those of this one.

    To ask once too often does no harm, so spellings are not brought together here.
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


def add_elsewhere(here: Answer, elsewhere: Answer) -> Answer:
    """Return the answers of both places; one that is none leaves open whether the licence is there."""
    if here.outcome is AnswerOutcome.NOT_FOUND or elsewhere.outcome not in {*WITH_RECORDS, AnswerOutcome.NOT_FOUND}:
        return elsewhere
    return join_pages(here, elsewhere)


def _is_asked_for(record: LicenceRecord, inquiry: Inquiry) -> bool:
    """Say whether a record states number and type of a question; several licences may have one number."""
    types = ((record.type_code, inquiry.type_code), (record.name, inquiry.name))
    stated = [one == asked for one, asked in types if one and asked]
    return record.number == inquiry.number and (any(stated) or not stated)
