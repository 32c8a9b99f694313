"""Why Redis did not do what it was asked."""

from enum import StrEnum

from gateway.shared.settings import Address


class SharedFault(StrEnum):
    """A word of the metrics; nothing here says whether the command was carried out."""

    AWAY = "away"  # no connection, or not asked at all because it did not answer lately
    SLOW = "slow"  # no answer in time
    FULL = "full"  # it has no memory left for the command
    REFUSED = "refused"  # it answered with another error: rights, a script, a replica that takes no writes
    ODD = "odd"  # what it answered is no Redis, or not of the type that was asked for


class SharedError(Exception):
    """Redis did not do what it was asked; the text holds no key, no value and no address."""

    def __init__(self, fault: SharedFault) -> None:
        """Keep why."""
        self.fault = fault
        super().__init__(fault)


class ElsewhereError(Exception):
    """Another server of the cluster has the key: from now on, or (``slot`` is None) while its slot moves."""

    def __init__(self, owner: Address, slot: int | None) -> None:
        """Keep who has it."""
        self.owner = owner
        self.slot = slot
        super().__init__()


class UnknownScriptError(Exception):
    """The server does not know a script by this name; nothing was carried out."""
