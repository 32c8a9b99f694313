"""That a shard is opened with the secrets that it was begun with: its store and its key table say by what they know.

With another index key nobody would be found who was found before, and with another wrapping key nothing be opened; and
what was written meanwhile would be lost to the right one.
"""

import hmac
from pathlib import Path
from typing import Final

from gateway.audit.data_keys import KeyStore, KeyWrapper
from gateway.audit.private import KeyNumber
from gateway.audit.store.store import LogStore
from gateway.audit.unavailable import LogUnavailableError, Unavailable

_INDEX_LABEL: Final = b"tongban access log: check of an index key"  # no kind of a value begins so
_WRAPPED: Final = b"tongban: check of a wrapping key"
_NUMBER: Final = KeyNumber(0)  # of no data key


def make_index_check(key: bytes) -> bytes:
    """Return what a store keeps of the key of its index."""
    return hmac.digest(key, _INDEX_LABEL, "sha256")


def make_wrapping_check(wrapper: KeyWrapper) -> bytes:
    """Return what a key table keeps of the key that its keys are wrapped with; raises as the wrapper does."""
    return wrapper.wrap(_WRAPPED, _NUMBER)


def verify_index_key(store: LogStore, key: bytes, path: Path, *, writes: bool) -> None:
    """Verify that the index of a log was begun with this key from a file; a log that is empty begins with it.

    Raises:
        LogUnavailableError: UNUSABLE, it was another one; and what the store raises.

    """
    check = make_index_check(key)
    kept = store.key_check()
    if kept is None and writes and store.head() is None:
        store.set_key_check(check)
    elif kept is None or not hmac.compare_digest(kept, check):
        raise _another_key(path)


def verify_wrapping_key(keys: KeyStore, wrapper: KeyWrapper, path: Path, *, writes: bool) -> None:
    """Verify that the data keys of a table are wrapped with this key; raises as `verify_index_key` does."""
    kept = keys.key_check()
    if kept is None and writes and not keys.last():
        keys.set_key_check(make_wrapping_check(wrapper))
    elif kept is None or not _opens(wrapper, kept):
        raise _another_key(path)


def _opens(wrapper: KeyWrapper, kept: bytes) -> bool:
    try:
        return wrapper.unwrap(kept, _NUMBER) == _WRAPPED
    except LogUnavailableError as error:
        if error.reason is Unavailable.CORRUPT:
            return False
        raise


def _another_key(path: Path) -> LogUnavailableError:
    return LogUnavailableError(Unavailable.UNUSABLE, f"{path}: another key than the one that the log was begun with")
