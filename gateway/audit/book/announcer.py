"""What a book has to say before its next entry, and the one task that says it, which no request that waits can end.

What is due is asked of what the log says, each time: that what is in force is not what the log says, or that an entry
names what nothing before it announced. So a policy that came into force while the log took nothing is said as soon as
it takes something again, also one that was in force before; and each half-year says what is in force in it.

Behind an announcement of which nobody knows whether it was stored, what the log says is read before the next: none may
be there twice, or every later verification would complain of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, Protocol

from gateway.audit.book.standing import IN_FORCE, Standing
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import ACTIVATE
from gateway.ended import look_at


class Speaker(Protocol):
    """The book, as far as announcements need it."""

    @property
    def standing(self) -> Standing:
        """What the half-year says that is written."""
        ...

    def draft(self, kind: LeafKind, more: dict[str, str | int], *, policy: str = "", trust: str = "") -> EntryDraft:
        """Return an entry of the book's own."""
        ...

    async def write(self, draft: EntryDraft) -> Standing:
        """Write an entry to the half-year that is due; return what that one says."""
        ...

    async def read_standing(self) -> None:
        """Read what the log says, once it takes entries."""
        ...


class Announcer:
    """What is in force, and what else is to be said."""

    def __init__(self, book: Speaker) -> None:
        """Begin without anything that is due."""
        self._book: Final = book
        self._in_force: dict[LeafKind, str] = {}
        self._approvals: dict[str, int] = {}  # of policies
        self._named: dict[tuple[LeafKind, str], None] = {}  # by entries that wait, and announced by nothing
        self._owed: list[EntryDraft] = []
        self._saying: asyncio.Task[None] | None = None
        self._in_doubt = False  # the last one may be stored, though it failed
        self._is_closing = False

    def put_in_force(self, kind: LeafKind, name: str, *, approvals: int = 0) -> None:
        """Have it said that this is in force; raises LeafError for what no log takes."""
        if approvals:
            self._approvals[name] = approvals
        self._announcement(kind, name)  # which fails for what no log takes, or that would be due for ever
        self._in_force[kind] = name

    def owe(self, drafts: Iterable[EntryDraft]) -> None:
        """Have this said first."""
        self._owed += drafts

    async def prepare(self, leaf: LeafDraft) -> bool:
        """Say what is due before this entry; answer whether anything was, for then it may not be the last.

        Raises:
            LogUnavailableError: something was not said, or nobody knows.

        """
        self._named |= dict.fromkeys(self._book.standing.missing(leaf))
        return await self.say_due()

    async def say_due(self) -> bool:
        """Say what is due, with whoever waits for it too; answer whether anything was.

        Raises:
            LogUnavailableError: something was not said, or nobody knows.

        """
        if self._next() is None:
            return False
        if self._saying is None or self._saying.done():
            if self._is_closing:
                raise LogUnavailableError(Unavailable.CLOSED)
            self._saying = asyncio.create_task(self._say_all())
            self._saying.add_done_callback(look_at)
        try:
            await asyncio.shield(self._saying)
        except LogUnavailableError as error:
            raise LogUnavailableError(error.reason, error.detail) from error  # an instance of its own each
        return True

    async def finish(self) -> None:
        """Begin nothing any more, and wait until nothing is being said."""
        self._is_closing = True
        if self._saying is not None:
            await asyncio.wait([self._saying])

    async def _say_all(self) -> None:
        try:
            if self._in_doubt:
                await self._book.read_standing()
            while (say := self._next()) is not None:
                self._in_doubt = True
                await say()
                self._in_doubt = False
        finally:
            self._named.clear()  # whoever still waits names it again

    def _next(self) -> Callable[[], Awaitable[None]] | None:
        """Return what says the first thing that is due; what is in force comes last, so that the log says that last."""
        if self._owed:
            return self._say_owed
        announced = self._book.standing.announced
        for kind, name in self._named:
            if name not in announced[kind].names:
                return partial(self._announce, kind, name)
        for kind in IN_FORCE:
            name = self._in_force.get(kind, "")
            if name not in {"", announced[kind].now}:
                return partial(self._announce, kind, name)
        return None

    async def _say_owed(self) -> None:
        await self._book.write(self._owed[0])
        del self._owed[0]

    async def _announce(self, kind: LeafKind, name: str) -> None:
        (await self._book.write(self._announcement(kind, name))).announced[kind].note(name)

    def _announcement(self, kind: LeafKind, name: str) -> EntryDraft:
        before = self._book.standing.announced[kind].before
        more: dict[str, str | int] = {"action": ACTIVATE}
        if before:
            more["previous"] = before
        if kind is LeafKind.TRUST:
            return self._book.draft(kind, more, trust=name)
        more["approvals"] = self._approvals.get(name, 0)
        return self._book.draft(kind, more, policy=name)
