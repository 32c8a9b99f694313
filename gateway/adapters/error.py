"""Why another system gave no answer that counts; an answer such as "not found" is none of these."""

from enum import StrEnum
from typing import Final


class AskFault(StrEnum):
    """The kinds, stable words for metrics and the log."""

    NOT_ASKABLE = "not-askable"  # the recipe has no call for this kind of question
    REQUEST = "request"  # the request cannot be written: a character that has no place in it, a field left empty
    HOST_NOT_NAMED = "host-not-named"  # the system returned an address that the table of hosts does not have
    TIMEOUT = "timeout"  # the deadline of the question, or a limit inside it
    UNREACHABLE = "unreachable"
    TLS = "tls"
    PROTOCOL = "protocol"  # no HTTP, or one that we do not speak: compressed answers
    REDIRECT = "redirect"  # never followed
    HTTP_STATUS = "http-status"  # one that the recipe does not explain
    TOO_LARGE = "too-large"
    CHARSET = "charset"
    MALFORMED = "malformed"  # an answer that the mapping, or a path of the recipe, cannot read
    NOT_DECRYPTED = "not-decrypted"  # another key, or changed on the way
    SIGN_IN = "sign-in"  # refused, or without a token
    STEP = "step"  # a step before the call was refused


_OUT_OF_REACH: Final = frozenset({AskFault.TIMEOUT, AskFault.UNREACHABLE, AskFault.TLS})  # nobody answered
_OF_PROXIES: Final = frozenset({"502", "503", "504"})  # statuses of whoever stands before a system that does not answer


class AskError(Exception):
    """Another system could not be asked, or its answer cannot be used.

    ``where`` names a part of the recipe or mapping, a status or a limit: never a value, an address or a secret. No
    cause is chained where the cause could carry one of those. ``is_refused``: the connection was, so nothing was sent.
    """

    def __init__(self, fault: AskFault, where: str = "", *, is_refused: bool = False) -> None:
        super().__init__(f"{fault}: {where}" if where else str(fault))
        self.fault = fault
        self.where = where
        self.is_refused = is_refused

    @property
    def is_out_of_reach(self) -> bool:
        """Whether the system itself did not answer."""
        is_of_proxy = self.fault is AskFault.HTTP_STATUS and self.where in _OF_PROXIES
        return is_of_proxy or self.fault in _OUT_OF_REACH
