"""Credit codes and organisation codes as they stand in messages: any width and case, with hyphens and spaces."""

from typing import Final

from adapters.codes.code import Code, CodeFlag, fold_code, spelling_flags
from adapters.codes.credit import (
    CREDIT_ORGANISATION,
    ORGANISATION_LENGTH,
    credit_code_fault,
    organisation_code_fault,
    without_hyphen,
)
from adapters.codes.fault import CodeFault

_CREDIT_FLAGS: Final = {
    CodeFault.CHECK: CodeFlag.CREDIT_CODE_CHECK_CHARACTER,
    CodeFault.INNER_CHECK: CodeFlag.CREDIT_CODE_ORGANISATION,
}


def parse_credit_code(text: str) -> Code:
    """Read a unified social credit code (统一社会信用代码, GB 32100)."""
    folded = fold_code(text)
    fault = credit_code_fault(folded)
    if fault is CodeFault.FORM:
        return Code(text=text, normal="", flags=frozenset({CodeFlag.CREDIT_CODE_NON_STANDARD}))
    flags = spelling_flags(text, folded, CodeFlag.CREDIT_CODE_SPELLING)
    if fault is not None:
        flags.add(_CREDIT_FLAGS[fault])
    return Code(text=text, normal=folded, flags=frozenset(flags))


def parse_organisation_code(text: str) -> Code:
    """Read an organisation code (组织机构代码, GB 11714); with or without its hyphen, both are in use."""
    folded = fold_code(text)
    plain = without_hyphen(folded)
    fault = organisation_code_fault(plain) if len(plain) == ORGANISATION_LENGTH else CodeFault.FORM
    if fault is CodeFault.FORM:
        return Code(text=text, normal="", flags=frozenset({CodeFlag.ORGANISATION_CODE_NON_STANDARD}))
    flags = spelling_flags(text, folded, CodeFlag.ORGANISATION_CODE_SPELLING)
    if fault is not None:
        flags.add(CodeFlag.ORGANISATION_CODE_CHECK_CHARACTER)
    return Code(text=text, normal=plain, flags=frozenset(flags))


def organisation_of(text: str) -> str:
    """Return the organisation code that a text is, or that the credit code in it contains; "" when neither holds.

    An organisation that had a code before 2015 kept it inside its credit code, so that both name the same one.
    """
    for code in (parse_credit_code(text), parse_organisation_code(text)):
        if code.normal and not code.flags & _NOT_HELD:
            return code.normal if len(code.normal) == ORGANISATION_LENGTH else code.normal[CREDIT_ORGANISATION]
    return ""


_NOT_HELD: Final = frozenset({*_CREDIT_FLAGS.values(), CodeFlag.ORGANISATION_CODE_CHECK_CHARACTER})
