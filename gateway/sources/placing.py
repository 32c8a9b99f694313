"""To which licence of a store a document belongs that is added, and an announcement."""

from typing import TypeVar

from gateway.sources.licence_store import Added
from gateway.sources.source import LicenceIndex

T = TypeVar("T")


def place_document(index: LicenceIndex, *, same: T | None, named: T | None) -> tuple[Added, T | None]:
    """Return what becomes of a document that is not there yet, and the licence whose version it is, if it is known.

    ``same`` is the licence with its number and type, ``named`` the one that has its identifier in any version: a
    licence without a number is known by its identifier alone.
    """
    known = named if same is None and not index.number else same
    if named is not None and named != known:
        return Added.IDENTIFIER_IN_USE, None
    return (Added.NEW if known is None else Added.NEW_VERSION), known


def place_announcement(index: LicenceIndex, *, same: T | None, named: T | None) -> Added:
    """Return what becomes of a licence that is announced, of which the same is known."""
    if same is not None:
        return Added.ALREADY_THERE
    if named is not None:
        return Added.IDENTIFIER_IN_USE if index.number else Added.ALREADY_THERE
    return Added.NEW
