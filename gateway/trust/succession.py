"""How a list that was delivered follows what was in force: over which versions, and how much each of them changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gateway.trust.files import read_file
from gateway.trust.layout import archived_versions
from gateway.trust.sentences import ListProblem
from keys.errors import MalformedTrustListError, TrustListFault, UntrustedListError
from keys.trust_list import ListKeys, TrustList
from keys.trust_list_compare import growth, loosens_signing, shrinkage
from keys.trust_list_parse import MAX_BYTES, parse_trust_list
from keys.trust_list_verify import verify_content, verify_own_signatures


class Change(NamedTuple):
    """How much of a list is gone or not what it was, and how much is new, both for each old entry.

    ``loosens``: fewer must sign the version after, or most of those who could sign it no longer can.
    """

    shrinkage: float
    growth: float
    loosens: bool = False

    @property
    def share(self) -> float:
        """The larger of the two."""
        return max(self.shrinkage, self.growth)

    def needs_approval(self, max_change: float) -> bool:
        """Say whether a second person is to approve it."""
        return self.loosens or self.share > max_change


def measure_change(old: TrustList, new: TrustList) -> Change:
    """Compare two versions."""
    return Change(shrinkage=shrinkage(old, new), growth=growth(old, new), loosens=loosens_signing(old, new))


class ListProblemError(Exception):
    """Something beside what a list says itself is wrong with it."""

    def __init__(self, problem: ListProblem, detail: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.detail = detail


class Way(NamedTuple):
    """``start`` has been in force (None: nothing has); ``steps`` follow it one by one, and end with what was delivered.

    All of them were verified. No steps: what was delivered is what has been in force.
    """

    start: TrustList | None
    steps: tuple[TrustList, ...]


def find_way(folder: Path, candidate: TrustList, *, present: TrustList | None, roots: ListKeys) -> Way:
    """Verify what leads to ``candidate``, but not that it is its time.

    1. Its own signatures come first, so that whoever cannot sign cannot make us work.
    2. After the present list, every version between is taken from the archive; one that is not there is a gap.
    3. Without a present list, the archive says what has been in force, from the newest version that the root keys
       signed to the newest of all, without a hole; with nothing in it, they must have signed the candidate.

    Raises:
        UntrustedListError, MalformedTrustListError, ListProblemError: it does not follow.
        OSError: the archive cannot be read.

    """
    verify_own_signatures(candidate)
    archived = archived_versions(folder, candidate.name)
    if present is not None:
        return Way(present, _follow(candidate, present, archived))
    newest = max(archived, default=candidate.version)
    if newest > candidate.version:
        detail = f"version {candidate.version}, {newest} is archived"
        raise ListProblemError(ListProblem.OLDER_THAN_ARCHIVE, detail)
    if newest + 1 < candidate.version:
        raise _gap(newest, candidate)
    path = _find_path(newest, archived, roots) if archived else []
    before = [one for one in path if one.version < candidate.version]
    last = None
    for one in (*before, candidate):
        verify_content(one, previous=last, root_keys=roots)
        last = one
    if candidate.version not in archived:
        return Way(before[-1] if before else None, (candidate,))
    if path[-1].digest != candidate.digest:
        detail = f"two lists say that they are version {candidate.version}"
        raise UntrustedListError(TrustListFault.EQUIVOCATION, detail)
    return Way(candidate, ())


def _follow(candidate: TrustList, present: TrustList, archived: Mapping[int, Path]) -> tuple[TrustList, ...]:
    """Return the versions after the present one, each verified by the one before."""
    between = [archived[version] for version in sorted(archived) if present.version < version < candidate.version]
    if present.version + len(between) + 1 < candidate.version:
        raise _gap(present.version, candidate)
    last, steps = present, []
    for path in between:
        one = _load(path)
        verify_content(one, previous=last, root_keys=None)
        steps.append(one)
        last = one
    verify_content(candidate, previous=last, root_keys=None)
    return (*steps, candidate) if candidate.version > present.version else ()


def _find_path(newest: int, archived: Mapping[int, Path], roots: ListKeys) -> list[TrustList]:
    """Return the archived versions from the newest that the root keys signed to the newest of all.

    It is as long as the time since the keys changed; what was in force last is kept elsewhere (`gateway.trust.memory`),
    so that it is gone once. Where it breaks off, nobody knows who may sign now: root keys that have been replaced since
    do not count again.

    Raises:
        UntrustedListError: there is a hole in the archive, or the root keys signed none of it.

    """
    path: list[TrustList] = []
    version = newest
    while version in archived:
        path.insert(0, _load(archived[version]))
        try:
            verify_content(path[0], previous=None, root_keys=roots)
        except UntrustedListError:
            if version == 1:
                raise
            version -= 1
        else:
            return path
    raise UntrustedListError(TrustListFault.GAP, f"version {version} is missing in the archive")


def _gap(before: int, candidate: TrustList) -> UntrustedListError:
    return UntrustedListError(TrustListFault.GAP, f"version {before + 1} was expected, got {candidate.version}")


def _load(path: Path) -> TrustList:
    try:
        return parse_trust_list(read_file(path, MAX_BYTES))
    except MalformedTrustListError as error:
        raise MalformedTrustListError(error.flaw, f"{path.parent.name}/{path.name}") from error
