"""A list of licences, read page by page in the order in which they came, in SQLite as in PostgreSQL."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from gateway.sources.licence_store import Selection

T = TypeVar("T")

PAGE: Final = 500  # licences read at a stretch, so that no reader holds up the checkpoints of a writer


def page_query(
    query: str, selection: Selection, *, after: int, sign: str, of_holder: str
) -> tuple[str, list[str | int]]:
    """Return the statement that reads a page behind one licence, and its arguments.

    ``query`` selects from licences l, ``sign`` stands before the number of an argument; ``of_holder`` is the condition
    that a licence is that of the holder {0}.
    """
    arguments: list[str | int] = [after]
    conditions = [f"l.id > {sign}1"]
    for condition, value in (
        ("(l.type_code = {0} OR l.name = {0})", selection.licence_type),
        ("l.status = {0}", selection.status),
        (of_holder, selection.holder),
    ):
        if value:
            arguments.append(str(value))
            conditions.append(condition.format(f"{sign}{len(arguments)}"))
    return f"{query} WHERE {' AND '.join(conditions)} ORDER BY l.id LIMIT {PAGE}", arguments


def last_of(rows: Sequence[Any]) -> int:
    """Return the number of the last licence of a page, where the next begins; 0: there are no more."""
    return int(rows[-1][0]) if len(rows) == PAGE else 0


def read_pages(read: Callable[[int], tuple[list[T], int]]) -> Iterator[T]:
    """Read page after page, each when it is wanted; ``read`` returns a page and what `last_of` says of it."""
    last: int | None = None
    while last != 0:
        page, last = read(last or 0)
        yield from page
