"""The licence store of a site: a SQLite file, or a database of PostgreSQL where the settings name one."""

from pathlib import Path

from gateway.settings import Settings
from gateway.sources.holder_search import HolderSearch
from gateway.sources.leased import OwnSource
from gateway.sources.off_loop import OffLoopSource
from gateway.sources.recording import RecordingStore
from gateway.sources.source import SourceFault, SourceUnavailableError
from gateway.sources.store import SqliteLicenceStore


def open_store(folder: Path, settings: Settings, *, create: bool = False) -> RecordingStore:
    """Open the store for a command.

    Raises:
        SourceUnavailableError: it cannot be used.

    """
    if settings.store.database:
        return _open_database(folder / settings.store.database, create=create)
    return SqliteLicenceStore(folder / settings.store.file, create=create)


def make_source(folder: Path, settings: Settings) -> OwnSource:
    """Return the store as a source of the gateway; nothing is opened before it is asked.

    Raises:
        SourceUnavailableError: a database is named, and the library for it is not installed.

    """
    if not settings.store.database:
        return OffLoopSource(folder / settings.store.file)
    try:
        from gateway.sources.postgres_source import PostgresSource  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _without_library() from error
    return PostgresSource(folder / settings.store.database)


def make_search(folder: Path, settings: Settings) -> HolderSearch:
    """Return the search for a holder's licences; nothing is opened before it is asked."""
    if not settings.store.database:
        return HolderSearch(folder / settings.store.file)
    return HolderSearch(folder / settings.store.database, open_store=_open_database, absent=SourceFault.UNUSABLE)


def _open_database(path: Path, *, create: bool = False) -> RecordingStore:
    try:
        from gateway.sources.postgres_store import PostgresLicenceStore  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _without_library() from error
    return PostgresLicenceStore(path, create=create)


def _without_library() -> SourceUnavailableError:
    return SourceUnavailableError(SourceFault.UNUSABLE, "asyncpg is not installed: pip install 'tongban[postgres]'")
