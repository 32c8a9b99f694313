"""The claims of a credential, from the neutral record of a licence.

In the open stands what kind of licence it is, which authority issued it, and that it was in force. Everything by which
a person or a company could be told is the holder's to show, piece by piece: holders, numbers, dates, surface fields.
The licence's file, its own system's words for it and what no mapping names are no claims.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from adapters.china_time import CHINA_STANDARD_TIME
from adapters.record.record import LicenceRecord, RecordHolder, Surface
from adapters.record.status import RecordStatus

TYPE_PREFIX: Final = "urn:tongban:licence:"  # and the code of the licence type (ZZLXDM): the ``vct``

Claim: TypeAlias = "str | bool | list[Claim] | dict[str, Claim]"


class CredentialFault(StrEnum):
    """Why a licence does not become a credential."""

    NOT_VALID = "not-valid"  # its document, or what a register says of it, was not found to be so
    NOT_ACTIVE = "not-active"  # another status, or none that is known
    NOT_YET = "not-yet"  # its validity is still to begin
    ENDED = "ended"
    END_NOT_STATED = "end-not-stated"  # neither a last day nor that there is none
    NO_TYPE = "no-type"  # no code of a licence type, and nobody named one
    NOTHING_TO_SHOW = "nothing-to-show"
    NOT_WRITABLE = "not-writable"  # more than a credential holds, or a name that belongs to its format


class CredentialError(Exception):
    """A licence does not become a credential; ``detail`` is words of ours, and holds no value."""

    def __init__(self, fault: CredentialFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialClaims:
    """What a credential says: ``open`` whenever it is shown, of ``personal`` each member and element by itself."""

    open: Mapping[str, Claim]
    personal: Mapping[str, Claim]


def map_claims(record: LicenceRecord) -> CredentialClaims:
    """Return the claims of a licence that is in force; what the record does not say is no claim.

    Raises:
        CredentialError: NOTHING_TO_SHOW, there is nothing of this licence and no other.

    """
    personal = _said(
        {
            "identifier": record.identifier,
            "number": record.number,
            "holders": [_map_holder(one) for one in record.holders],
            "issued_on": _spell(record.issued_on),
            "valid_from": _spell(record.valid_from),
            "valid_to": _spell(record.valid_to),
            "long_term": record.long_term,
            "surface": _said({name: _map_surface(value) for name, value in record.surface.items()}),
        }
    )
    if not personal:
        raise CredentialError(CredentialFault.NOTHING_TO_SHOW)
    stated = {
        "name": record.name,
        "type_code": record.type_code,
        "issuer": record.issuer,
        "issuer_code": record.issuer_code,
        "area": record.area,
        "licence_status": record.status.value,  # ``status`` is a claim of the format, with another meaning
        "under_objection": record.under_objection,
    }
    return CredentialClaims(open=_said(stated), personal=personal)


def name_type(code: str) -> str:
    """Return the ``vct`` of a licence type; raises CredentialError with NO_TYPE where there is no code."""
    if not code:
        raise CredentialError(CredentialFault.NO_TYPE)
    return TYPE_PREFIX + code


def end_of_validity(record: LicenceRecord, at: datetime) -> datetime | None:
    """Return when the licence ends, the last day being counted in China; None: never.

    Raises:
        CredentialError: NOT_ACTIVE, NOT_YET, ENDED, END_NOT_STATED: at ``at`` nobody can say that it is in force.

    """
    if record.status is not RecordStatus.ACTIVE:
        raise CredentialError(CredentialFault.NOT_ACTIVE)
    if record.valid_from is not None and at < _start_of(record.valid_from):
        raise CredentialError(CredentialFault.NOT_YET)
    if record.valid_to is None and not record.long_term:
        raise CredentialError(CredentialFault.END_NOT_STATED)
    if record.valid_to is None or record.valid_to == date.max:
        return None
    end = _start_of(record.valid_to + timedelta(days=1))
    if at >= end:
        raise CredentialError(CredentialFault.ENDED)
    return end


def _map_holder(holder: RecordHolder) -> Claim:
    return _said({"name": holder.name, "code": holder.code, "code_type": holder.code_type})


def _map_surface(value: Surface) -> Claim:
    if isinstance(value, str):
        return value
    return [one if isinstance(one, str) else dict(one) for one in value]


def _said(claims: Mapping[str, Claim]) -> dict[str, Claim]:
    """Leave out what is empty, and what is not so."""
    return {name: value for name, value in claims.items() if value}


def _spell(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA_STANDARD_TIME)
