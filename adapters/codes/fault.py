"""What is wrong with a code that was typed as it should be spelt."""

from enum import StrEnum


class CodeFault(StrEnum):
    """What is wrong with a code; the form is judged before the date, the date before the check character."""

    FORM = "form"  # length, or a character that its alphabet does not have
    DATE = "date"  # the birth date in it does not exist
    CHECK = "check-character"
    INNER_CHECK = "inner-check-character"  # the organisation code inside a credit code
