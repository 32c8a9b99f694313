"""The newest checkpoint of our log that enough witnesses cosigned: kept beside the log, and verified when read."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.audit.book.place import COSIGNED_FILE
from gateway.audit.errors import LogFault, MalformedLogDataError, UnprovenError
from gateway.audit.receipts import WitnessedSize
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, parse_checkpoint
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.quorum import NO_QUORUM, Policy, verify_witnessed
from gateway.trust.files import read_file, replace_file

_LAST_SECOND: Final = 253_402_300_799  # of the year 9999; cosignatures may say later, and calendars cannot


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A checkpoint that reaches the quorum, the times of its cosignatures, and the time at which it reached it."""

    signed: SignedCheckpoint
    times: Mapping[str, int]  # by witness, in seconds since 1970
    at: datetime

    @property
    def size(self) -> int:
        """How many entries its tree has."""
        return self.signed.checkpoint.size


class CosignedLogs:
    """The newest such checkpoint of each shard that is known in this process; nothing here blocks."""

    def __init__(self) -> None:
        """Know of none yet."""
        self._cosigned: dict[str, Cosigned] = {}  # by origin

    def latest_witnessed(self, log: str) -> WitnessedSize | None:
        """Return how much of a log (by its origin) a quorum is known to have seen, and when."""
        cosigned = self._cosigned.get(log)
        return None if cosigned is None else WitnessedSize(size=cosigned.size, at=cosigned.at)

    def select_checkpoint(self, log: str, index: int) -> SignedCheckpoint | None:
        """Return the newest that a quorum cosigned, if its tree has the entry; None where a proof needs a newer one."""
        cosigned = self._cosigned.get(log)
        return None if cosigned is None or index >= cosigned.size else cosigned.signed

    def _know(self, cosigned: Cosigned) -> None:
        self._cosigned[cosigned.signed.checkpoint.origin] = cosigned


def judge_cosigned(signed: SignedCheckpoint, policy: Policy) -> Cosigned:
    """Verify a checkpoint and tell since when it is known that a quorum saw it.

    That is the latest moment at or after which enough of them cosigned: later cosignatures alone would not be enough.

    Raises:
        UnprovenError: as `verify_witnessed`; TOO_FEW_WITNESSES also for a policy that asks for none, and for times
            that no clock has.

    """
    times = verify_witnessed(signed, policy).cosigned
    seconds = quorum_seconds(policy, times)
    if not 0 < seconds <= _LAST_SECOND:
        raise UnprovenError(LogFault.TOO_FEW_WITNESSES, "no time at which there were enough")
    return Cosigned(signed=signed, times=times, at=datetime.fromtimestamp(seconds, UTC))


def quorum_seconds(policy: Policy, times: Mapping[str, int]) -> int:
    """Return the latest time at or after which the witnesses of these times are enough; 0 where they are not."""
    if policy.quorum == NO_QUORUM:
        return 0
    latest_first = sorted(set(times.values()), reverse=True)
    return next(
        (limit for limit in latest_first if policy.is_reached([name for name, at in times.items() if at >= limit])), 0
    )


def read_cosigned(folder: Path, policy: Policy) -> Cosigned | None:
    """Return what the folder of a shard keeps; None where it keeps nothing that the policy accepts.

    It may have been cosigned by witnesses that the policy does not name any more; the next round brings another.

    Raises:
        OSError: it cannot be read.

    """
    with suppress(FileNotFoundError, MalformedLogDataError, UnprovenError):
        return judge_cosigned(parse_checkpoint(read_file(folder / COSIGNED_FILE, MAX_NOTE)), policy)
    return None


def write_cosigned(folder: Path, cosigned: Cosigned) -> None:
    """Keep it, durably and in one step; raises OSError, and then the one before is still there."""
    replace_file(folder / COSIGNED_FILE, encode_checkpoint(cosigned.signed))
