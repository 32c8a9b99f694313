"""Why a request at a façade is not answered; what it says stays out of every text."""

from enum import StrEnum


class FacadeFault(StrEnum):
    """The kinds, stable words for metrics and the request log."""

    NO_CALL = "no-call"  # none of the requests that the system takes
    MALFORMED = "malformed"  # a body that cannot be read, or a value that stands in two places and differs
    NOT_DECRYPTED = "not-decrypted"
    ACCOUNT = "account"  # another account, password or token than the one that was agreed
    SIGNATURE = "signature"  # not signed as agreed, or not with the agreed key
    TOO_OLD = "too-old"  # signed too long ago, or too far ahead of our clock
    REPEATED = "repeated"  # a signed request that came before
    NOT_ACTIVE = "not-active"  # a caller that is switched off, or outside of its period
    STEP = "step"  # what a step before the call gave is missing, too old or somebody else's


# What is wrong with who asks, and not with what is asked.
SIGN_IN: frozenset[FacadeFault] = frozenset(
    {
        FacadeFault.ACCOUNT,
        FacadeFault.SIGNATURE,
        FacadeFault.TOO_OLD,
        FacadeFault.REPEATED,
        FacadeFault.NOT_ACTIVE,
    }
)


class FacadeError(Exception):
    """A request is refused; ``fault`` is for the operator."""

    def __init__(self, fault: FacadeFault) -> None:
        super().__init__(str(fault))
        self.fault = fault
