"""Putting a trust list in place: verified first, never backwards, in one step, and held back when it changes much."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.trust.approval import make_approval, select_approvers
from gateway.trust.files import locked, replace_file
from gateway.trust.layout import (
    HELD_FOLDER,
    LIST_SUFFIX,
    LISTS_FOLDER,
    ROOTS_FILE,
    approval_place,
    archive_place,
    place_of,
)
from gateway.trust.lists import MAX_CHANGE, Finding, read_trust
from gateway.trust.roots import Roots, encode_roots, load_roots, parse_roots
from gateway.trust.sentences import ListFinding, ListProblem
from gateway.trust.succession import Change, measure_change
from keys.own.signer import Signer
from keys.trust_list import ListKey, ListKeys, TrustList, encode_trust_list
from keys.trust_list_parse import parse_trust_list
from keys.trust_list_verify import Endorsement, verify_trust_list


class PublishError(Exception):
    """The trust folder, as it is, cannot take a list; ``finding`` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a list: put in place, or held; ``previous`` is the one that was in force, None for a first."""

    published: TrustList
    previous: TrustList | None
    endorsement: Endorsement
    change: Change | None
    place: Path
    is_held: bool
    approvers: tuple[ListKey, ...] = ()


def publish(
    data: bytes,
    folder: Path,
    *,
    at: datetime,
    present: Mapping[str, TrustList] | None = None,
    max_change: float = MAX_CHANGE,
    approver: Callable[[tuple[ListKey, ...]], tuple[ListKey, Signer]] | None = None,
) -> Published:
    """Put a list in place in the trust folder ``folder``; or beside it, when it changes much and nobody approves.

    ``present`` and ``max_change`` are those of the gateway (`gateway.trust.lists.read_trust`): what it holds back has
    not been in force here either.
    ``approver`` is asked, with the keys that may approve, for the one that does; it raises where there is none.
    A crash at any point leaves a folder that can be read: each version has an approval of its own, what lies in
    ``lists/`` is followed from the archive, and a version is archived when it is in its place.

    Raises:
        MalformedTrustListError, UntrustedListError: the list is not to be relied on.
        PublishError: what lies in the folder is not in order.
        OSError: the folder cannot be written.

    """
    new = parse_trust_list(data)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        previous = _in_force(folder, new.name, at, present or {}, max_change)
        try:
            roots = load_roots(folder).get(new.name)
        except ValueError as error:
            raise PublishError(
                ListFinding(file=ROOTS_FILE, problem=ListProblem.ROOTS_MALFORMED, detail=str(error))
            ) from error
        if roots is None:
            raise PublishError(ListFinding(file=ROOTS_FILE, problem=ListProblem.NO_ROOTS, detail=new.name))
        endorsement = verify_trust_list(new, previous=previous, root_keys=roots, at=at)
        change = None if previous is None else measure_change(previous, new)
        held = folder / HELD_FOLDER / (new.name + LIST_SUFFIX)
        place = folder / LISTS_FOLDER / (new.name + LIST_SUFFIX)
        if previous is not None and change is not None and change.needs_approval(max_change):
            approvers = select_approvers(previous, new)
            if approver is None:
                replace_file(held, data)
                return Published(
                    published=new,
                    previous=previous,
                    endorsement=endorsement,
                    change=change,
                    place=held,
                    is_held=True,
                    approvers=approvers,
                )
            key, signer = approver(approvers)
            replace_file(folder / approval_place(new.name, new.version), make_approval(new, key, signer))
        if previous is not None and previous.version < new.version:
            replace_file(folder / archive_place(new.name, previous.version), encode_trust_list(previous))
        replace_file(place, data)
        replace_file(folder / archive_place(new.name, new.version), data)
        held.unlink(missing_ok=True)
    return Published(
        published=new, previous=previous, endorsement=endorsement, change=change, place=place, is_held=False
    )


def write_roots(folder: Path, name: str, keys: ListKeys) -> Roots:
    """Set the root keys of one list in ``roots.json`` and leave those of the others.

    Raises:
        OSError: the folder cannot be written.
        ValueError: the file that is there is wrong, or the name or the keys are.

    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        encoded = encode_roots({**load_roots(folder), name: keys})
        roots = parse_roots(encoded)  # what is written is what can be read
        replace_file(folder / ROOTS_FILE, encoded)
    return roots


def _in_force(
    folder: Path, name: str, at: datetime, present: Mapping[str, TrustList], max_change: float
) -> TrustList | None:
    """Return the verified list of this name, also when its time is over or its file is gone; not one that is held.

    Raises:
        PublishError: a list is there and not in order.

    """
    state, findings = read_trust(folder, at=at, present=present, max_change=max_change)
    own = [one for one in findings if one.is_fault and one.file in (place_of(name), ROOTS_FILE)]
    if own == [ListFinding(file=place_of(name), problem=ListProblem.GONE)]:
        return present[name]
    if own:
        raise PublishError(own[0])
    return state.by_name.get(name)
