"""What one shard has said so far: which keys sign it, which policy and trust are in force, which were announced."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.lookup import LookupKind
from gateway.audit.reader import LogReader
from gateway.audit.verify.chains import ACTIVATE, KEY_BEGIN

MAX_ANNOUNCED: Final = 1_000  # of one half-year; what was announced before is announced again when it is named
IN_FORCE: Final = (LeafKind.POLICY, LeafKind.TRUST)  # of what announcements say that it is, in this order


def name_of(leaf: LeafDraft, kind: LeafKind) -> str:
    """Return the policy or the trust store that a leaf names; "" for none."""
    return leaf.policy if kind is LeafKind.POLICY else leaf.trust


@dataclass(slots=True, kw_only=True)
class Announced:
    """What of one kind is in force by what a shard says, and all of which it said so; "" for nothing said.

    ``before`` is what the next announcement says was before.
    """

    now: str = ""
    before: str = ""
    names: set[str] = field(default_factory=set)

    def note(self, name: str) -> None:
        """Note that this was announced."""
        self.now = self.before = name
        self.names.add(name)


@dataclass(slots=True, kw_only=True)
class Standing:
    """What a shard says: the fingerprints of the keys that sign it, and what is in force."""

    keys: set[str] = field(default_factory=set)
    announced: dict[LeafKind, Announced] = field(default_factory=lambda: {kind: Announced() for kind in IN_FORCE})

    @property
    def is_complete(self) -> bool:
        """Whether it says of every kind what is in force."""
        return all(one.now for one in self.announced.values())

    def missing(self, leaf: LeafDraft) -> list[tuple[LeafKind, str]]:
        """Return what a leaf names and nothing has announced yet."""
        named = [(kind, name_of(leaf, kind)) for kind in IN_FORCE]
        return [(kind, name) for kind, name in named if name and name not in self.announced[kind].names]

    def follow(self, before: "Standing") -> None:
        """Take from the shard before what this one has not said: what was in force before it."""
        for kind, one in self.announced.items():
            one.before = one.before or before.announced[kind].before


def read_standing(log: LogReader) -> Standing:
    """Read what a shard says; blocks.

    Raises:
        LogUnavailableError: it cannot be read.

    """
    standing = Standing()
    for leaf in _said(log, LeafKind.KEY, KEY_BEGIN):
        standing.keys.add(str(leaf.more.get("key", "")))
    for kind, announced in standing.announced.items():
        for leaf in reversed(_said(log, kind, ACTIVATE)):
            announced.note(name_of(leaf, kind))
    return standing


def _said(log: LogReader, kind: LeafKind, action: str) -> Sequence[LeafDraft]:
    """Return the latest entries of a kind with an action, the newest first."""
    head = log.head()
    if head is None:
        return ()
    word = log.lookup.word(LookupKind.KIND, kind, log.lookup.current)
    entries = log.store.find(word, before=head.size, limit=MAX_ANNOUNCED)
    leaves = (parse_leaf(one.leaf).content for _, one in sorted(log.store.pick(entries).items(), reverse=True))
    return [leaf for leaf in leaves if leaf.kind is kind and leaf.more.get("action") == action]
