"""Whether what a finding opens is whole, and is what was searched for."""

from collections.abc import Iterator

from gateway.audit.entry import split_names
from gateway.audit.finding.entry import ERASED_WITH_SUBJECT, FindingEntry, Opened
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


def find_closed(entry: FindingEntry, commits: Commits) -> Iterator[str]:
    """Yield the names of the commitments that are neither opened nor said to be erased."""
    opened = entry.opened or Opened()
    for name in Opened.__struct_fields__:
        if getattr(commits, name) is not None and getattr(opened, name) is None and name not in entry.erased:
            yield name


def is_factless(entry: FindingEntry, content: LeafDraft) -> bool:
    """Answer whether a policy decided, and by which facts is not said, though they are not erased."""
    is_decided = bool(content.plan and content.policy) and not is_replayable(content, entry.context)
    return is_decided and ERASED_WITH_SUBJECT.isdisjoint(entry.erased)
