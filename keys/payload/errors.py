"""What goes wrong with payloads and requests of other systems; no text here holds a secret or a part of a payload."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from keys.errors import KeysError


class PayloadFault(StrEnum):
    """Why a payload or a key for payloads cannot be read or written."""

    TOO_LARGE = "too-large"
    EMPTY = "empty"  # SM2 has no ciphertext of nothing
    SPELLING = "spelling"  # not the hexadecimal or base64 that was agreed
    CHARSET = "charset"  # bytes or characters that the agreed charset does not have
    KEY = "key"  # not of the algorithm's length, or no key at all
    IV = "iv"  # missing, superfluous or of another length
    STRUCTURE = "structure"  # not of the form in which this algorithm writes
    NOT_DECRYPTED = "not-decrypted"  # another key, or changed on the way; which one is not told, on purpose


class PayloadError(KeysError):
    """A payload cannot be read or written; ``detail`` holds lengths and names, never content."""

    def __init__(self, fault: PayloadFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


class RequestFault(StrEnum):
    """Why a signed request is not to be answered, in the order in which it is found out."""

    FIELD_MISSING = "field-missing"  # a field that the signature covers
    FIELD_FORM = "field-form"  # empty, too long, or with characters that no header carries
    TIME_FORM = "time-form"  # not spelled as this system spells times
    TOO_OLD = "too-old"
    IN_FUTURE = "in-future"
    MALFORMED = "malformed"  # not of the form in which this function writes signatures
    BAD = "bad"  # not made with this key over these fields


class RequestSignatureError(KeysError):
    """A request is not signed as agreed; ``detail`` names a field and holds no value."""

    def __init__(self, fault: RequestFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


class RecipeFlaw(StrEnum):
    """What is wrong with one key of a recipe."""

    UNKNOWN_FUNCTION = "unknown-function"
    UNKNOWN_PARAMETER = "unknown-parameter"  # a misspelt one must not mean the default
    MISSING = "missing"
    VALUE = "value"  # of another type, or out of range
    CONTRADICTION = "contradiction"  # good alone, but not together with the other parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFault:
    """One thing that is wrong; ``expected`` is language-free: the words to choose from, or a form."""

    key: str
    flaw: RecipeFlaw
    expected: str = ""


class MalformedRecipeError(KeysError):
    """A recipe does not name a function with its parameters; ``faults`` are all that is wrong with it."""

    def __init__(self, faults: Iterable[RecipeFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.key}: {fault.flaw}" for fault in self.faults))
