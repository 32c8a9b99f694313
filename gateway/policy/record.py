"""A decision as it is handed around: enough to explain it and to compute it again, and nothing about the holder.

It is taken from the access log, which has it in the leaf and in the private part of an entry.

The values of the dimensions say `adult` or `under-14`, never who. The licence, the case and the clerk are not here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.callers import CallerId
from gateway.decision import DECISION_ID_PATTERN, DecisionId
from gateway.policy.moment import encode_moment, parse_moment
from keys.canonical_json import encode_canonical
from policies.dimension import Context
from policies.plan import Plan
from policies.testing import spell_decision

MAX_RECORD_BYTES: Final = 64 * 1024  # 200 fields with the longest names and forms take half of it

_Word = Annotated[str, Meta(max_length=128)]


class RecordError(ValueError):
    """Bytes that are no record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision: when, for which caller, in which context, by which bundle, with which plan.

    ``bundle`` is the digest of the bundle, ``plan`` the id of the plan, ``forms`` what it lets leave (`spell_forms`).
    What really left may be less: a caller may ask for fewer fields, and the licence may not state them.
    """

    decision: DecisionId
    at: datetime
    caller: CallerId
    context: Context
    bundle: str
    plan: str
    forms: str


def spell_forms(plan: Plan) -> str:
    """Spell what a plan lets leave, by field: `holder_id=match,holder_name=mask:name`; "" for nothing."""
    return ",".join(f"{one.field}={spell_decision(one)}" for one in plan.fields if not one.is_withheld)


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON of a record."""

    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    at: _Word
    caller: _Word
    context: dict[_Word, _Word]
    bundle: _Word
    plan: _Word
    forms: str


def encode_record(record: DecisionRecord) -> bytes:
    """Return the record as one line of JSON, without the end of the line."""
    return encode_canonical(
        _Line(
            decision=record.decision,
            at=encode_moment(record.at),
            caller=record.caller,
            context=record.context._asdict(),
            bundle=record.bundle,
            plan=record.plan,
            forms=record.forms,
        )
    )


def parse_record(data: bytes) -> DecisionRecord:
    """Read a record.

    Raises:
        RecordError: it is none.

    """
    if len(data) > MAX_RECORD_BYTES:
        raise RecordError(f"at most {MAX_RECORD_BYTES} bytes were expected")
    try:
        line = msgspec.json.decode(data, type=_Line)
        if line.context.keys() != set(Context._fields):
            raise RecordError("a value for each dimension was expected")
        return DecisionRecord(
            decision=DecisionId(line.decision),
            at=parse_moment(line.at),
            caller=CallerId(line.caller),
            context=Context(**line.context),
            bundle=line.bundle,
            plan=line.plan,
            forms=line.forms,
        )
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        raise RecordError("the record of a decision was expected") from error
