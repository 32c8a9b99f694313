"""Why no draft can be made from samples: one error, with the kind of fault as an enum and the sample's name."""

from enum import StrEnum


class DraftFault(StrEnum):
    """The kinds; the word is stable."""

    NO_SAMPLES = "no-samples"
    TOO_MANY = "too-many"  # samples
    TOO_LARGE = "too-large"  # a bound of adapters.draft.sample, or of the readers
    CHARSET = "charset"  # neither UTF-8 nor GB 18030
    FORM = "form"  # no JSON, XML, form or delimited text that the strict readers accept
    MIXED = "mixed"  # the samples have different forms, separators or columns
    EMPTY = "empty"  # nothing in them


class DraftError(Exception):
    """Samples of which no draft can be made; ``sample`` is the name of one, never anything from inside it."""

    def __init__(self, fault: DraftFault, sample: str = "") -> None:
        super().__init__(f"{fault}: {sample}" if sample else str(fault))
        self.fault = fault
        self.sample = sample
