"""The codes on a licence, read leniently and flagged strictly; tables of issuers, licence types and holder types.

A code is judged as typed: nothing is repaired, because a letter O for a zero is somebody's typing error and may be
somebody else's code.
"""

from adapters.codes.citizen import citizen_id_check_character, citizen_id_fault, widen_citizen_id
from adapters.codes.credit import (
    credit_code_check_character,
    credit_code_fault,
    is_credit_code_form,
    organisation_code_check_character,
    organisation_code_fault,
)
from adapters.codes.fault import CodeFault
from adapters.codes.identifier_character import identifier_check_character

__all__ = [
    "CodeFault",
    "citizen_id_check_character",
    "citizen_id_fault",
    "credit_code_check_character",
    "credit_code_fault",
    "identifier_check_character",
    "is_credit_code_form",
    "organisation_code_check_character",
    "organisation_code_fault",
    "widen_citizen_id",
]
