"""Refusals: the body of every answer that is none."""

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.http.problems import ProblemKind

LineNumber = Annotated[
    int,
    Meta(ge=1, description="Of a line of a batch: the number of its question, from 1; lines without one do not count."),
]


class PlaceError(StrEnum):
    """What is wrong at one place of a request."""

    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    WRONG_VALUE = "wrong-value"


class ProblemPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place of the request that is wrong: a path such as ``$.licence.document``, and what belongs there."""

    path: str
    error: PlaceError
    expected: str
    expected_en: str


class ProblemDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A refusal (RFC 9457), in Chinese and in English."""

    type: str
    title: str
    title_en: str
    status: int
    reason: ProblemKind
    next: str
    next_en: str
    request_id: str
    line: LineNumber | UnsetType = UNSET
    retry_after: (
        Annotated[
            int, Meta(ge=0, description="Of a line of a batch: what would be the header Retry-After, in seconds.")
        ]
        | UnsetType
    ) = UNSET
    decision: Annotated[str, Meta(description="Under which the refusal stands in the access log.")] | UnsetType = UNSET
    errors: list[ProblemPlace] = []
    budget: Annotated[str, Meta(description="Of budget.exceeded: the id of the budget.")] | UnsetType = UNSET
