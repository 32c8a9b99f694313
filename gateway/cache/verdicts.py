"""What documents came to, kept while nothing that it rests on has changed.

A verdict of a document is a function of its bytes, of the anchors and algorithms that are trusted, of the evidence
about revocation of the certificates that it was asked about, of this program, and of the clock. So an entry is found by
the first two and the version of the program, and counts

1. before the first moment at which the clock alone may change it (`Verdict.ends_at`), and not before it was made: a
   clock that was set back makes it a miss;
2. while the store in force has the very same evidence about the certificates that were consulted: a new list of a CA
   ends the verdicts that rest on it, and no others;
3. for `MAX_LIFE_SECONDS` at most, so that whoever is asked about all day stays watched (`gateway.status.keeper`), and
   the second opinion, which sees only what is verified, gets its share.

Only ``valid`` is kept: whatever else there is may be mended the next moment, and nobody has to wait for it. What is
said of the licence beside its document, its status above all, is asked each time and stands in no entry; so is what is
shared, and a policy needs no entry to end. A question with OCSP answers beside the document goes past all this.
"""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.cache.cache import NO_TALLY, Cache, CacheFault, CacheTally
from gateway.cache.local import LocalCache
from gateway.cache.verified_codec import FORMAT_VERSION, EntryError, KeptVerdict, encode_kept, parse_kept
from gateway.metrics import PACKAGE_VERSION
from gateway.pipeline import Verified
from gateway.remembered import Remembered
from gateway.verdict import Outcome
from keys.trust import Consulted, TrustStore

MAX_LIFE_SECONDS: Final = 900.0
KIND: Final = "verdict"  # of what is sealed for others
MAX_WRITING: Final = 256  # entries on their way to the shared cache; more are not written, which costs a verification
MAX_READ: Final = 512  # entries that are at hand as they were read
MAX_READ_BYTES: Final = 16 * 1024  # of one of them, which takes up to five times as much then; 4 KiB are usual
_ENGINE: Final = f"{PACKAGE_VERSION} {FORMAT_VERSION}"


class VerdictCache:
    """Verdicts in this process, and behind them those of a cache that several processes share; for one event loop."""

    def __init__(
        self, local: LocalCache, *, shared: Cache | None = None, tally: CacheTally = NO_TALLY, engine: str = _ENGINE
    ) -> None:
        """Keep verdicts in ``local``; ``shared`` is sealed (`gateway.cache.sealed`), for it lies with others.

        ``engine`` names the version of what makes verdicts.
        """
        self._local = local
        self.shared = shared
        self._tally = tally
        self._engine = engine
        self._writing: set[asyncio.Task[Any]] = set()
        self._read_lately: OrderedDict[bytes, tuple[bytes, KeptVerdict]] = OrderedDict()  # the last one is at the end

    async def get(self, sha256: str, *, store: TrustStore, at: datetime) -> Verified | None:
        """Return what the document with this digest comes to, by ``store`` as of ``at``; None: it must be verified."""
        name = self._name(sha256, store)
        verified = self._accept(name, self._local.get_now(name), store, at)
        if verified is not None:
            self._tally.hit()
            return verified
        self._tally.miss()
        if self.shared is None:
            return None
        entry = await self.shared.get(name)
        verified = self._accept(name, entry, store, at)
        if entry is not None and verified is not None:
            self._local.put_now(name, entry, seconds=MAX_LIFE_SECONDS)
        return verified

    def put(self, sha256: str, verified: Verified, *, store: TrustStore, consulted: Consulted, at: datetime) -> None:
        """Keep what a document came to as of ``at``, if it is worth it; nobody waits for the shared cache."""
        ends_at = verified.verdict.ends_at
        if ends_at is None or verified.verdict.outcome is not Outcome.VALID:
            return
        seconds = min(MAX_LIFE_SECONDS, (ends_at - at).total_seconds())
        evidence = store.evidence_of(consulted)
        kept = KeptVerdict(verified=verified, made_at=at, consulted=consulted, evidence=evidence)
        try:
            entry = encode_kept(kept)
        except EntryError:
            self._tally.fault(CacheFault.ODD)
            return
        name = self._name(sha256, store)
        self._local.put_now(name, entry, seconds=seconds)
        if self.shared is None:
            return
        if len(self._writing) >= MAX_WRITING:
            self._tally.fault(CacheFault.FULL)
            return
        task = asyncio.get_running_loop().create_task(self.shared.put(name, entry, seconds=seconds))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Let what is on its way to the shared cache arrive, which takes no longer than one of its deadlines."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _name(self, sha256: str, store: TrustStore) -> bytes:
        return f"{sha256} {store.anchors_version} {self._engine}".encode()

    def _accept(self, name: bytes, entry: bytes | None, store: TrustStore, at: datetime) -> Verified | None:
        """Return the verdict of an entry if it counts now."""
        kept = None if entry is None else self._read(name, entry)
        if kept is None:
            return None
        counts = kept.made_at <= at < _counts_until(kept) and store.evidence_of(kept.consulted) == kept.evidence
        return kept.verified if counts else None

    def _read(self, name: bytes, entry: bytes) -> KeptVerdict | None:
        """Return what an entry says; that of those which are asked for again and again is remembered."""
        read = self._read_lately.get(name)
        if read is not None and read[0] is entry:
            self._read_lately.move_to_end(name)
            return read[1]
        try:
            kept = parse_kept(entry)
        except EntryError:
            self._tally.fault(CacheFault.ODD)
            return None
        if len(entry) <= MAX_READ_BYTES:
            self._read_lately[name] = entry, kept
            if len(self._read_lately) > MAX_READ:
                self._read_lately.popitem(last=False)
        return kept


def _end(kept: KeptVerdict) -> datetime:
    """Return until when an entry counts at most: no moment at all if it should not be here."""
    verdict = kept.verified.verdict
    ends_at = verdict.ends_at
    if verdict.outcome is not Outcome.VALID or ends_at is None:
        return kept.made_at
    return min(ends_at, kept.made_at + timedelta(seconds=MAX_LIFE_SECONDS))


_counts_until: Final = Remembered(_end)
