"""Why a request at a façade is not answered; what it says stays out of every text."""

from enum import StrEnum


class FacadeFault(StrEnum):
    """The kinds, stable words for metrics and the request log."""

    NO_CALL = "no-call"  # no address of the system
    UNMATCHED = "unmatched"  # at an address of the system, and none of the requests that it takes there
    MALFORMED = "malformed"  # a body that cannot be read, or a value that stands in two places and differs
    NOT_DECRYPTED = "not-decrypted"
    ACCOUNT = "account"  # another account, password or token than the one that was agreed
    SIGNATURE = "signature"  # not signed as agreed, or not with the agreed key
    TOO_OLD = "too-old"  # signed too long ago, or too far ahead of our clock
    REPEATED = "repeated"  # a signed request that came before
    NOT_ACTIVE = "not-active"  # a caller that is switched off, or outside of its period
    STEP = "step"  # what a step before the call gave is missing, too old or somebody else's


class FacadeError(Exception):
    """A request is refused; ``fault`` is for the operator.

    ``is_known``: it is the caller that was agreed, who may be told what is wrong. Anybody else is told the same
    whatever it is.
    """

    def __init__(self, fault: FacadeFault, *, is_known: bool = False) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.is_known = is_known
