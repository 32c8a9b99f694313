"""A record as plain data, for whoever prints or compares records; nothing is left out, so it holds personal data."""

import base64
from collections.abc import Mapping

from adapters.record.record import LicenceRecord, RecordDocument, Surface

# What is said about the licence, in the order of a reader; the rest is about the message it came in.
FACTS = (
    "identifier",
    "number",
    "type_code",
    "name",
    "holders",
    "issuer",
    "issuer_code",
    "area",
    "issued_on",
    "valid_from",
    "valid_to",
    "long_term",
    "status",
    "under_objection",
    "trust_level",
    "surface",
    "document",
)


def describe_record(record: LicenceRecord) -> dict[str, object]:
    """Return a record as JSON can spell it; dates as yyyy-MM-dd, bytes as base64, flags in order."""
    return {
        **{name: _spell(getattr(record, name)) for name in FACTS},
        "source": record.source,
        "raw_status": record.raw_status,
        "aside": dict(record.aside),
        "flags": sorted(record.flags),
    }


def differing_facts(first: LicenceRecord, second: LicenceRecord) -> tuple[str, ...]:
    """Return the names of the facts about the licence in which two records differ."""
    return tuple(name for name in FACTS if getattr(first, name) != getattr(second, name))


def _spell(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case RecordDocument():
            content = base64.b64encode(value.content).decode("ascii")
            return {"format": value.format, "content": content, "link": value.link}
        case Mapping():
            return {name: _spell_surface(one) for name, one in value.items()}
        case tuple():
            return [{"name": one.name, "code": one.code, "code_type": one.code_type} for one in value]
        case _:
            return str(value)


def _spell_surface(value: Surface) -> object:
    return value if isinstance(value, str) else [one if isinstance(one, str) else dict(one) for one in value]
