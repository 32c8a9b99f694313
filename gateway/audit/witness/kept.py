"""What a process knows of the witnesses that does not feed them: it reads what the one that does keeps on disk."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.audit.book.place import COSIGNED_FILE, POLICY_FILE
from gateway.audit.errors import AuditError
from gateway.audit.shard import is_shard
from gateway.audit.tlog.quorum import MAX_POLICY, Policy, parse_policy
from gateway.audit.witness.cosigned import Cosigned, CosignedLogs, read_cosigned
from gateway.audit.witness.fork import is_frozen
from gateway.audit.witness.report import WitnessReport, WitnessStanding, describe_standing
from gateway.trust.files import read_file

LOOK_SECONDS: Final = 2.0  # below the shortest interval of rounds
_NANOSECONDS: Final = 1_000_000_000
_LOG: Final = logging.getLogger(__name__)

_Mark = tuple[int, int]  # of a file that is replaced as a whole: its number, and when it was written, in nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What lies beside a shard, as it was when it had these marks."""

    marks: tuple[_Mark, _Mark | None]
    policy: Policy
    cosigned: Cosigned | None

    @property
    def begun_at(self) -> datetime:
        """When its witnesses were named."""
        return datetime.fromtimestamp(self.marks[0][1] // _NANOSECONDS, UTC)


class KeptCosignatures(CosignedLogs):
    """The newest cosigned checkpoints of a site, read again when they change; one event loop, files in threads."""

    def __init__(self, folder: Path, *, interval_seconds: int) -> None:
        """Look into the folders of shards in ``folder``; the interval is that of the rounds."""
        super().__init__()
        self._folder = folder
        self._interval_seconds = interval_seconds
        self._kept: dict[str, _Kept] = {}  # by shard
        self._is_forked = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read what changed; what cannot be read is logged, and looked at again."""
        try:
            await asyncio.to_thread(self._read)
        except (AuditError, OSError) as error:
            _LOG.error("what witnesses cosigned cannot be read: %s", error)

    def report(self, at: datetime) -> WitnessReport:
        """Say how witnessing stands; why a witness gave nothing is known where it is asked."""
        current = self._kept[max(self._kept)] if self._kept else None
        cosigned = None if current is None else current.cosigned
        times = {} if cosigned is None else cosigned.times
        witnesses = () if current is None else current.policy.witnesses
        return describe_standing(
            at=at,
            interval_seconds=self._interval_seconds,
            begun_at=at if current is None else current.begun_at,
            cosigned=cosigned,
            forked_at=at if self._is_forked else None,
            witnesses=tuple(
                WitnessStanding(name=one.name, cosigned=times.get(one.name), fault=None) for one in witnesses
            ),
        )

    def set_gauges(self, at: datetime) -> None:
        """Leave the metrics to the process that feeds the witnesses."""

    def _read(self) -> None:
        shards = [path for path in self._folder.iterdir() if is_shard(path.name)]
        self._is_forked = any(is_frozen(path) for path in shards)
        for path in shards:
            named, kept = _mark(path / POLICY_FILE), self._kept.get(path.name)
            marks = None if named is None else (named, _mark(path / COSIGNED_FILE))
            if marks is not None and (kept is None or kept.marks != marks):
                policy = parse_policy(read_file(path / POLICY_FILE, MAX_POLICY))
                cosigned = read_cosigned(path, policy)
                self._kept[path.name] = _Kept(marks=marks, policy=policy, cosigned=cosigned)
                if cosigned is not None:
                    self._know(cosigned)


def _mark(path: Path) -> _Mark | None:
    """Return the mark of a file; None where there is none."""
    with suppress(FileNotFoundError):
        status = path.stat()
        return status.st_ino, status.st_mtime_ns
    return None
