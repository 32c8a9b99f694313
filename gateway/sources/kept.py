"""Answers of other systems that are kept: for a moment, so as not to ask again, or for as long as a system is away.

What is kept is found by a keyed hash of all that was asked and told, so that nobody is given the answer to another
question. It never hides later news of the same licence that came by another question: an answer counts only while none
of the marks of its licence, one for each name that it has, says anything else, or did so in between.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from gateway.cache.cache import Cache
from gateway.sources.source import Registered, StatedLicence

FRESH: Final = "fresh"  # a word about a question that was spared: an answer was young enough
KEPT: Final = "kept"  # likewise: the system could not be asked, and the caller tolerates an older answer
GONE: Final = "gone"  # what the mark says of a licence that its system does not know any more
_FORM: Final = "2"  # of what is kept; another one is not read
_NEWS_BYTES: Final = 16  # nobody's guess, and no two alike
LIFE: Final = timedelta(days=1)  # what a caller may tolerate at most

_Value = TypeVar("_Value")

KeptAnswer = StatedLicence | Registered


class _Entry(Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """An answer in the cache; exactly one of ``stated`` and ``registered`` is there.

    ``marks`` are those of all names that the answer concerns, each with its news at that moment.
    """

    as_of: datetime
    marks: dict[bytes, bytes]
    stated: StatedLicence | None
    registered: Registered | None


class _Mark(Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """What a system last said of a licence, by one of its names; ``news`` is another one whenever that changes."""

    as_of: datetime
    says: str
    news: bytes


_ENTRIES: Final = msgspec.msgpack.Decoder(_Entry)
_MARKS: Final = msgspec.msgpack.Decoder(_Mark)


class KeptAnswers:
    """The kept answers of all systems, in a cache that may lose any of them."""

    def __init__(self, cache: Cache, secret: bytes) -> None:
        """Keep them there, under names that nobody can tell without the secret."""
        self._cache, self._secret = cache, secret

    def name(self, *asked: str) -> bytes:
        """Return the name of an answer by all that was asked."""
        return hmac.digest(self._secret, msgspec.json.encode((_FORM, *asked)), "sha256")

    async def keep(self, name: bytes, answer: KeptAnswer, *, marks: Mapping[bytes, bytes], as_of: datetime) -> None:
        """Keep an answer that has just come, in place of the one before it; ``marks`` are as `mark` returned them.

        An answer about a licence without a name is not kept, for no mark would tell of later news.
        """
        if not marks:
            await self._cache.forget(name)
            return
        entry = _Entry(
            as_of=as_of,
            marks=dict(marks),
            stated=answer if isinstance(answer, StatedLicence) else None,
            registered=answer if isinstance(answer, Registered) else None,
        )
        await self._cache.put(name, msgspec.msgpack.encode(entry), seconds=LIFE.total_seconds())

    async def forget(self, name: bytes) -> None:
        """Keep nothing under a name any more: the system said something else."""
        await self._cache.forget(name)

    async def mark(self, says: Mapping[bytes, str], *, as_of: datetime) -> dict[bytes, bytes]:
        """Note what a system says of a licence by each of its names, and return the marks with their news.

        What is newer and says otherwise goes: a clock was set back, and nobody can tell any more what came last. An
        answer that such a mark is of does not count.
        """
        marks = {}
        for name, said in says.items():
            known = _read(_MARKS, await self._cache.get(name))
            same = known if known is not None and known.says == said else None
            marks[name] = secrets.token_bytes(_NEWS_BYTES) if same is None else same.news
            if known is None or known.as_of <= as_of:
                mark = _Mark(as_of=as_of, says=said, news=marks[name])
                await self._cache.put(name, msgspec.msgpack.encode(mark), seconds=LIFE.total_seconds())
            elif same is None:
                await self._cache.forget(name)
        return marks

    async def recall(self, name: bytes, *, oldest: datetime, now: datetime) -> KeptAnswer | None:
        """Return a kept answer that is as of ``oldest`` or later; None: there is none, or there are other news."""
        entry = _read(_ENTRIES, await self._cache.get(name))
        if entry is None or not oldest <= entry.as_of <= now:
            return None
        for mark_name, news in entry.marks.items():
            mark = _read(_MARKS, await self._cache.get(mark_name))
            if mark is None or mark.news != news:
                return None
        return entry.stated or entry.registered


def _read(decoder: msgspec.msgpack.Decoder[_Value], data: bytes | None) -> _Value | None:
    """Return a value of the cache; None for what is none of ours."""
    if data is None:
        return None
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError:
        return None
