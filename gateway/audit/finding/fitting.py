"""Whether what a finding opens is whole, and is what was searched for.

What the gateway says to be erased is said by the log's signature on the finding and by nothing else, so it is held to
what erasing does: all commitments of one half go together, and none of them is opened any more.
"""

from collections.abc import Iterator

from gateway.audit.committed import OFFICIAL_COMMITMENTS, SUBJECT_COMMITMENTS
from gateway.audit.entry import split_names
from gateway.audit.finding.entry import FindingEntry, Opened
from gateway.audit.finding.replay import is_replayable
from gateway.audit.leaf import Commits, Leaf, LeafDraft
from gateway.audit.lookup import LookupKind, spell_value
from gateway.audit.search.query import Query
from gateway.audit.search.search import fits_leaf


def find_differing(query: Query, entry: FindingEntry, leaf: Leaf) -> Iterator[str]:
    """Yield the terms of a search that an entry contradicts; of what is erased nobody can tell any more."""
    if not fits_leaf(query, leaf):
        yield "caller, kind, time or code"
    opened = entry.opened or Opened()
    terms = (
        (LookupKind.SUBJECT, query.subject, "subj", () if opened.subj is None else opened.subj.value),
        (LookupKind.LICENCE, query.licence, "lic", () if opened.lic is None else split_names(opened.lic.value)),
        (LookupKind.OFFICIAL, query.official, "op", () if opened.op is None else (opened.op.value,)),
        (LookupKind.CASE, query.case, "case", () if opened.case is None else (opened.case.value,)),
    )
    for kind, asked, commitment, values in terms:
        is_found = spell_value(kind, asked) in {spell_value(kind, value) for value in values}
        if asked and not is_found and commitment not in entry.erased:
            yield kind.value


def find_unsettled(entry: FindingEntry, commits: Commits) -> Iterator[str]:
    """Yield what is wrong about the commitments: each is either opened or erased, and a half of them at once."""
    committed, opened, erased = _named(commits), _named(entry.opened or Opened()), set(entry.erased)
    for name in sorted(committed - opened - erased):
        yield f"{name}: neither opened nor erased"
    for name in sorted(opened & erased):
        yield f"{name}: opened and erased"
    if erased - committed or len(erased) != len(entry.erased):
        yield "erased: names of the entry's commitments were expected, each once"
    for half in (SUBJECT_COMMITMENTS, OFFICIAL_COMMITMENTS):
        if erased.intersection(half) not in (set(), committed.intersection(half)):
            yield f"{', '.join(half)}: erased in part"


def is_factless(entry: FindingEntry, content: LeafDraft) -> bool:
    """Answer whether a policy decided, and by which facts is not said, though they are not erased."""
    is_decided = bool(content.plan and content.policy) and not is_replayable(content, entry.context)
    return is_decided and set(SUBJECT_COMMITMENTS).isdisjoint(entry.erased)


def _named(one: Commits | Opened) -> set[str]:
    return {name for name in Opened.__struct_fields__ if getattr(one, name) is not None}
