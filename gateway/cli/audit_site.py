"""The access log of a site, open for reading, whoever writes it; and whom its trust policy names."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.audit.book.place import COSIGNED_FILE, POLICY_FILE
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.quorum import MAX_POLICY, Policy, parse_policy
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.log_site import link_folder, open_place
from gateway.policy.in_force import ARCHIVE_FOLDER, POLICY_STATE
from gateway.site import STATE_FOLDER
from gateway.trust.files import read_file
from policies.bundle import MAX_BUNDLE_BYTES

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLog:
    """The log of a site, open for reading."""

    store: LogStore
    policy: Policy
    cosigned: tuple[SignedCheckpoint, ...]
    site: Path

    @property
    def origin(self) -> str:
        """The name that the log signs under."""
        return self.policy.logs[0].key.name

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
def open_site_log(site: Path, shard: str | None) -> Iterator[OpenedLog]:
    """Open the log of a site for reading; the gateway may go on writing it.

    Raises:
        UsageError: there is no such log, or the site has no settings that can be used.
        OSError, LogUnavailableError, MalformedLogDataError: it cannot be read.

    """
    settings = load_settings(site)
    place = open_place(site, settings)
    chosen = [name for name in place.shards() if shard in {None, name}]
    if not chosen:
        folder = link_folder(site, settings)
        where = str(folder) if shard is None else f"{folder}: {shard}"
        raise UsageError(say(f"没有访问日志：{where}", f"there is no access log: {where}"))
    folder = place.folder(chosen[-1])
    policy = parse_policy(read_file(folder / POLICY_FILE, MAX_POLICY))
    cosigned: tuple[SignedCheckpoint, ...] = ()
    with suppress(FileNotFoundError):
        cosigned = (parse_checkpoint(read_file(folder / COSIGNED_FILE, MAX_NOTE)),)
    with closing(place.read(chosen[-1])) as reader:
        yield OpenedLog(store=reader.store, policy=policy, cosigned=cosigned, site=site)
