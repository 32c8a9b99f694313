"""What the commitments of a leaf say about a private part: which go with which half, and whether it is the leaf's."""

from typing import Final

from gateway.audit.entry import commit_private
from gateway.audit.leaf import Commits
from gateway.audit.private import OpenedPart

# By the names that they have in a leaf; the salts of one half are erased together.
SUBJECT_COMMITMENTS: Final = ("lic", "subj", "resp")
OFFICIAL_COMMITMENTS: Final = ("op", "case")


def erased_commitments(opened: OpenedPart) -> tuple[str, ...]:
    """Return the names of the commitments that cannot be opened any more, whether a leaf has them or not."""
    subject = SUBJECT_COMMITMENTS if opened.subject_erased else ()
    return subject + (OFFICIAL_COMMITMENTS if opened.official_erased else ())


def is_committed(opened: OpenedPart, commits: Commits) -> bool:
    """Answer whether a leaf commits to exactly what is opened, as far as it is not erased.

    The context is committed to by no leaf.
    """
    made, erased = commit_private(opened.part), erased_commitments(opened)
    names = (name for name in (*SUBJECT_COMMITMENTS, *OFFICIAL_COMMITMENTS) if name not in erased)
    return all(getattr(made, name) == getattr(commits, name) for name in names)
