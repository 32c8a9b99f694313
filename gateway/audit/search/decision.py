"""The entries of one decision, found by its id, which tells when it was made."""

from collections.abc import Sequence
from typing import Final

from gateway.audit.leaf import Leaf, parse_leaf
from gateway.audit.lookup import LookupKind
from gateway.audit.reader import LogReader
from gateway.audit.shard import shard_name
from gateway.decision import decision_moment

MAX_ENTRIES: Final = 64  # of one decision; an answer about many people has several


def name_shards(shards: Sequence[str], decision: str) -> Sequence[str]:
    """Return the shards that may hold a decision: that of its moment, and the next, should it have waited for the turn.

    ValueError: this is no id of a decision.
    """
    named = shard_name(decision_moment(decision))
    later = [shard for shard in shards if shard >= named][:2]
    return later or shards[-1:]  # the clock was ahead when the decision was made


def find_decision(reader: LogReader, decision: str) -> Sequence[tuple[int, Leaf]]:
    """Return the entries of a decision in one shard, the first one first; blocks.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    head = reader.head()
    if head is None:
        return ()
    word = reader.lookup.word(LookupKind.REQUEST, decision, reader.lookup.current)
    entries = reader.store.find(word, before=head.size, limit=MAX_ENTRIES)
    leaves = [(entry, parse_leaf(one.leaf)) for entry, one in sorted(reader.store.pick(entries).items())]
    return [(entry, leaf) for entry, leaf in leaves if leaf.content.req == decision]
