"""Where a site keeps its access log, and whom its trust policy names: ``state/audit/SHARD/``.

log.sqlite     the log
trust.policy   its keys, its witnesses and their quorum (tlog-policy)
cosigned       the newest checkpoint that enough witnesses cosigned; may be missing
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.quorum import MAX_POLICY, Policy, parse_policy
from gateway.audit.verify.source import POLICY_FILE
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.policy.in_force import ARCHIVE_FOLDER, POLICY_STATE
from gateway.site import STATE_FOLDER
from gateway.trust.files import read_file
from policies.bundle import MAX_BUNDLE_BYTES

AUDIT_STATE: Final = "audit"
LOG_FILE: Final = "log.sqlite"
COSIGNED_FILE: Final = "cosigned"
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLog:
    """The log of a site, open for reading."""

    store: LogStore
    policy: Policy
    cosigned: tuple[SignedCheckpoint, ...]
    site: Path

    def bundle(self, digest: str) -> bytes:
        """Return a policy bundle from the archive of the site; KeyError where there is none."""
        matched = _DIGEST.fullmatch(digest)
        if matched is None:
            raise KeyError(digest)
        folder = self.site / STATE_FOLDER / POLICY_STATE / ARCHIVE_FOLDER
        try:
            return read_file(folder / f"{matched[1]}.json", MAX_BUNDLE_BYTES)
        except FileNotFoundError:
            raise KeyError(digest) from None


@contextmanager
def open_site_log(site: Path, shard: str | None) -> Iterator[SiteLog]:
    """Open the log of a site for reading; the gateway may go on writing it.

    Raises:
        UsageError: there is no such log.
        OSError, LogUnavailableError, MalformedLogDataError: it cannot be read.

    """
    folder = _find(site / STATE_FOLDER / AUDIT_STATE, shard)
    policy = parse_policy(read_file(folder / POLICY_FILE, MAX_POLICY))
    cosigned: tuple[SignedCheckpoint, ...] = ()
    with suppress(FileNotFoundError):
        cosigned = (parse_checkpoint(read_file(folder / COSIGNED_FILE, MAX_NOTE)),)
    with closing(SqliteStore(folder / LOG_FILE, create=False)) as store:
        yield SiteLog(store=store, policy=policy, cosigned=cosigned, site=site)


def _find(folder: Path, shard: str | None) -> Path:
    shards = sorted(path.parent for path in folder.glob(f"*/{LOG_FILE}"))
    chosen = [path for path in shards if shard in {None, path.name}]
    if not chosen:
        where = str(folder) if shard is None else f"{folder}: {shard}"
        raise UsageError(say(f"没有访问日志：{where}", f"there is no access log: {where}"))
    return chosen[-1]
