"""What can be switched to go wrong at a stand-in."""

from enum import StrEnum


class Fault(StrEnum):
    """The faults, by the names of the command line."""

    SLOW = "slow"  # no answer for a long time
    TIME_LIMIT = "time-limit"  # gives up after the system's own limit of 3 seconds
    UNAVAILABLE = "unavailable"  # HTTP 503, with the seconds to wait
    REDIRECT = "redirect"  # sends elsewhere
    OVERSIZED = "oversized"  # more bytes than anybody should read
    COMPRESSED = "compressed"  # although nobody asked for it
    WRONG_CHARSET = "wrong-charset"  # another character set than agreed
    KEY_REFRESH = "key-refresh"  # ask again later, by the system's own code: the exchange platform's -50
    RATE_LIMIT = "rate-limit"  # the exchange platform's 12101: too many in this minute
    WRONG_SIGNATURE = "wrong-signature"  # takes no signature, token or account for a good one
    WRONG_KEY = "wrong-key"  # encrypts to another key than the caller's
    PARTIAL_PAGE = "partial-page"  # fewer records than announced; where nothing is announced, an answer without its end
    NOT_PROVIDED = "not-provided"  # the source does not offer this
    DENIED = "denied"  # the caller has no permission for this type


# What can go wrong with any server, whatever it answers.
COMMON: frozenset[Fault] = frozenset(
    {
        Fault.SLOW,
        Fault.TIME_LIMIT,
        Fault.UNAVAILABLE,
        Fault.REDIRECT,
        Fault.OVERSIZED,
        Fault.COMPRESSED,
        Fault.WRONG_CHARSET,
    }
)

# What can be asked of every stand-in; a system that has no word for one of them says an error.
ALWAYS: frozenset[Fault] = COMMON | {Fault.PARTIAL_PAGE, Fault.WRONG_SIGNATURE, Fault.NOT_PROVIDED, Fault.DENIED}
