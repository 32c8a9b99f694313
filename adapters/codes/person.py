"""Citizen IDs as they stand in messages: 18 or 15 characters, any width, a small x."""

from typing import Final

from adapters.codes.citizen import OLD_LENGTH, citizen_id_fault, widen_citizen_id
from adapters.codes.code import Code, CodeFlag, fold_code, spelling_flags
from adapters.codes.fault import CodeFault

_FLAGS: Final = {
    CodeFault.DATE: CodeFlag.CITIZEN_ID_BIRTH_DATE,
    CodeFault.CHECK: CodeFlag.CITIZEN_ID_CHECK_CHARACTER,
}


def parse_citizen_id(text: str) -> Code:
    """Read a citizen ID (公民身份号码, GB 11643); an old number of 15 digits is compared by the 18 it stands for."""
    folded = fold_code(text)
    fault = citizen_id_fault(folded)
    if fault is CodeFault.FORM:
        return Code(text=text, normal="", flags=frozenset({CodeFlag.CITIZEN_ID_NON_STANDARD}))
    flags = spelling_flags(text, folded, CodeFlag.CITIZEN_ID_SPELLING)
    if fault is not None:
        flags.add(_FLAGS[fault])
    if len(folded) == OLD_LENGTH:
        flags.add(CodeFlag.CITIZEN_ID_OLD)
    return Code(text=text, normal=widen_citizen_id(folded), flags=frozenset(flags))
