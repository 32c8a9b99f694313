"""What reading or writing a message may raise: one error, with the kind of fault as an enum and its path."""

from enum import StrEnum


class AdapterFault(StrEnum):
    """Why a message cannot be read, or a record cannot be written; the word is stable."""

    TOO_LARGE = "too-large"  # a bound of adapters.mapping.bounds, or of adapters.strict.bounds
    CHARSET = "charset"  # bytes that are not text in the system's character set, or text that it cannot spell
    SYNTAX = "syntax"  # no JSON, XML, form or delimited text, or one that two readers would read differently
    SHAPE = "shape"  # a list where an object was expected, or the other way round; more than the system has room for
    TYPE = "type"  # a value of another kind: a number where a text was expected
    VALUE = "value"  # outside the domain of the field's codecs: a date that does not exist, a wrong prefix
    CODE = "code"  # the code table has no entry to write this value with
    STATUS = "status"  # the system cannot say this status, and must not be told another one
    OUTCOME = "outcome"  # the system cannot say this outcome; or the record says that it is none of a licence
    HOLDERS = "holders"  # names, codes and code types of the holders do not pair


class AdapterError(Exception):
    """A message that cannot be read, or a record that cannot be written.

    ``where`` is a path of the mapping file, never a value or a name from the message.
    """

    def __init__(self, fault: AdapterFault, where: str = "") -> None:
        super().__init__(f"{fault}: {where}" if where else str(fault))
        self.fault = fault
        self.where = where
