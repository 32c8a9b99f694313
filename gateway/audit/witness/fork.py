"""Evidence that our log was forked or rolled back: kept beside the log, which stays frozen as long as it lies there.

    fork/report.json   when, which witnesses, how large our log was
    fork/ours          the newest checkpoint of the log as we have it
    fork/seen          a checkpoint by our own key that the log does not contain; missing where it was only claimed

Nothing in these files names a person. People move the folder away when they have decided how to go on.
"""

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.witness.client import ForkDetectedError
from gateway.rendering import encode_time
from gateway.trust.files import replace_file

FORK_FOLDER: Final = "fork"  # in the folder of a shard
REPORT_FILE: Final = "report.json"
OURS_FILE: Final = "ours"
SEEN_FILE: Final = "seen"


def write_fork(folder: Path, error: ForkDetectedError, ours: SignedCheckpoint, *, at: datetime) -> None:
    """Keep the evidence in the folder of a shard; raises OSError, and whatever was written freezes the log already."""
    fork = folder / FORK_FOLDER
    if error.evidence is not None:
        replace_file(fork / SEEN_FILE, encode_checkpoint(error.evidence))
    replace_file(fork / OURS_FILE, encode_checkpoint(ours))
    report = {
        "at": encode_time(at),
        "log": ours.checkpoint.origin,
        "size": error.size,
        "witnesses": list(error.witnesses),
        "seen": None if error.evidence is None else error.evidence.checkpoint.size,
    }
    replace_file(fork / REPORT_FILE, json.dumps(report, indent=2).encode() + b"\n")


def is_frozen(folder: Path) -> bool:
    """Answer whether there is any evidence in the folder of a shard; raises OSError where nobody can tell."""
    with suppress(FileNotFoundError):
        return any(not path.name.startswith(".") for path in (folder / FORK_FOLDER).iterdir())
    return False


def verify_not_forked(folder: Path) -> None:
    """Let nobody open the log of a shard beside which evidence lies.

    Raises:
        LogUnavailableError: FORK_WITNESSED; UNUSABLE, where nobody can tell.

    """
    try:
        frozen = is_frozen(folder)
    except OSError as error:
        raise LogUnavailableError(Unavailable.UNUSABLE, error.strerror or type(error).__name__) from error
    if frozen:
        raise forked_error(folder)


def forked_error(folder: Path) -> LogUnavailableError:
    """Return why a log is frozen, with the place of the evidence."""
    return LogUnavailableError(Unavailable.FORK_WITNESSED, str(folder / FORK_FOLDER))
