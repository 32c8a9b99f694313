"""Whether a file can be stored as a licence, and what it will be found by."""

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from adapters.errors import Malformed, MalformedDocumentError
from adapters.registry import parse_document
from gateway.sources.source import LicenceIndex, index_licence
from gateway.verdict import CheckName, Outcome, Verdict


class IntakeFault(StrEnum):
    """Why a file is not stored."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    UNRECOGNISED = "unrecognised"
    NO_METADATA = "no-metadata"
    NO_KEY = "no-key"
    ANNOTATED_COPY = "annotated-copy"
    NOT_GENUINE = "not-genuine"
    IDENTIFIER_IN_USE = "identifier-in-use"


# A licence that ended, or whose signer was revoked since, is still the licence of record.
_MAY_FAIL = frozenset({CheckName.VALIDITY_PERIOD, CheckName.REVOCATION})
_OF_MALFORMED = {
    Malformed.TOO_LARGE: IntakeFault.TOO_LARGE,
    Malformed.UNRECOGNISED: IntakeFault.UNRECOGNISED,
}


class IntakeError(Exception):
    """A file cannot be stored; ``detail`` is a kind of fault or a place in the file, never a value."""

    def __init__(self, fault: IntakeFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLicence:
    """A document that can be stored; ``issued_on`` decides which version of a licence is the current one."""

    document: bytes
    sha256: str
    index: LicenceIndex
    issued_on: date | None


def read_new_licence(data: bytes) -> NewLicence:
    """Read a document for the store; its seals are not looked at here, and every answer verifies them anew.

    An annotated copy (加注件) is no licence of record: it was made for one purpose, ends by itself, and must not take
    the place of its original, whose number it carries.

    Raises:
        IntakeError: it cannot be read, is no licence, states neither number and type nor identifier, or is a copy.

    """
    try:
        document = parse_document(data)
    except MalformedDocumentError as error:
        raise IntakeError(_OF_MALFORMED.get(error.malformed, IntakeFault.MALFORMED), str(error)) from error
    licence = document.licence
    if licence is None or document.licence_unreadable:
        raise IntakeError(IntakeFault.NO_METADATA)
    if licence.copy is not None:
        raise IntakeError(IntakeFault.ANNOTATED_COPY)
    index = index_licence(licence)
    if not index.identifier and not (index.number and (index.type_code or index.name)):
        raise IntakeError(IntakeFault.NO_KEY)
    return NewLicence(document=data, sha256=hashlib.sha256(data).hexdigest(), index=index, issued_on=licence.issued_on)


def refuse_forgery(verdict: Verdict) -> None:
    """Let nothing into the store that is known to be forged: as the latest version it would hide the genuine one.

    What could not be checked is no reason to refuse, since answers say so, nor is what may befall a genuine licence.

    Raises:
        IntakeError: NOT_GENUINE, with the first reason.

    """
    for check in verdict.all_checks():
        if check.outcome is Outcome.INVALID and check.check not in _MAY_FAIL:
            raise IntakeError(IntakeFault.NOT_GENUINE, str(check.reason))
