"""What was forgotten leaves the files of the stores too; what backups and archives hold of it is beyond them."""

import asyncio
import logging

from gateway.audit.reader import LogReader
from gateway.audit.unavailable import LogUnavailableError

_LOG = logging.getLogger(__name__)


async def purge(log: LogReader) -> bool:
    """Have what was erased leave the files; False: some may still be in them, so do it again later."""
    try:
        is_gone = await asyncio.to_thread(_purge, log)
    except LogUnavailableError as error:
        _LOG.warning("the access log: what was erased of %s may still be in its files: %s", log.origin, error)
        return False
    if not is_gone:
        _LOG.warning("the access log: what was erased of %s may still be in its files: a backup reads it", log.origin)
    return is_gone


def _purge(log: LogReader) -> bool:
    are_gone = [log.store.purge(), log.keys.purge()]
    return all(are_gone)
