"""What one shard has said so far: which keys sign it, which policy and trust are in force, which were announced."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.lookup import LookupKind
from gateway.audit.reader import LogReader
from gateway.audit.verify.chains import ACTIVATE, KEY_BEGIN

MAX_ANNOUNCED: Final = 1_000  # of one half-year; what was announced before is announced again when it is named


@dataclass(slots=True, kw_only=True)
class Standing:
    """In force by what this shard says, "" for nothing said; ``…_before`` is what an announcement says was before.

    ``keys`` are the fingerprints of those that it says sign it.
    """

    keys: set[str] = field(default_factory=set)
    policy: str = ""
    policy_before: str = ""
    policies: set[str] = field(default_factory=set)
    trust: str = ""
    trust_before: str = ""
    trusts: set[str] = field(default_factory=set)

    def note_policy(self, digest: str) -> None:
        """Note that this policy was announced."""
        self.policy = self.policy_before = digest
        self.policies.add(digest)

    def note_trust(self, version: str) -> None:
        """Note that this trust store was announced."""
        self.trust = self.trust_before = version
        self.trusts.add(version)

    def missing(self, leaf: LeafDraft) -> str | None:
        """Return what a leaf names and nothing has announced yet: the policy first, then the trust store."""
        if leaf.policy and leaf.policy not in self.policies:
            return leaf.policy
        return leaf.trust if leaf.trust and leaf.trust not in self.trusts else None

    def follow(self, before: "Standing") -> None:
        """Take from the shard before what this one has not said: what was in force before it."""
        self.policy_before = self.policy_before or before.policy_before
        self.trust_before = self.trust_before or before.trust_before


def read_standing(log: LogReader) -> Standing:
    """Read what a shard says; blocks.

    Raises:
        LogUnavailableError: it cannot be read.

    """
    standing = Standing()
    for leaf in _said(log, LeafKind.KEY, KEY_BEGIN):
        standing.keys.add(str(leaf.more.get("key", "")))
    for leaf in reversed(_said(log, LeafKind.POLICY, ACTIVATE)):
        standing.note_policy(leaf.policy)
    for leaf in reversed(_said(log, LeafKind.TRUST, ACTIVATE)):
        standing.note_trust(leaf.trust)
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
