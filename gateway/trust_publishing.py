"""Putting a trust list in place: verified first, never backwards, in one step, and held back when it changes much."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.trust_approval import make_approval, select_approvers
from gateway.trust_layout import (
    APPROVAL_SUFFIX,
    ARCHIVE_FOLDER,
    HELD_FOLDER,
    LIST_SUFFIX,
    LISTS_FOLDER,
    ROOTS_FILE,
    place_of,
)
from gateway.trust_lists import MAX_CHANGE, Change, Finding, measure_change, read_trust
from gateway.trust_roots import Roots, encode_roots, load_roots, parse_roots
from gateway.trust_sentences import ListFinding, ListProblem
from keys.own.signer import Signer
from keys.trust_list import ListKey, ListKeys, TrustList
from keys.trust_list_parse import parse_trust_list
from keys.trust_list_verify import Endorsement, verify_trust_list

_LOCK: Final = ".lock"
_MODE: Final = 0o644  # lists are public


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
    max_change: float = MAX_CHANGE,
    approver: Callable[[tuple[ListKey, ...]], tuple[ListKey, Signer]] | None = None,
) -> Published:
    """Put a list in place in the trust folder ``folder``; or beside it, when it changes much and nobody approves.

    ``approver`` is asked, with the keys that may approve, for the one that does; it raises where there is none.
    The version before goes to the archive first, so that a crash at any point leaves a folder that can be read.

    Raises:
        MalformedTrustListError, UntrustedListError: the list is not to be relied on.
        PublishError: what lies in the folder is not in order.
        OSError: the folder cannot be written.

    """
    new = parse_trust_list(data)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        previous = _in_force(folder, new.name, at)
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
        if previous is not None and change is not None and change.share > max_change:
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
            replace_file(place.with_name(new.name + APPROVAL_SUFFIX), make_approval(new, key, signer))
        if previous is not None and previous.version < new.version:
            archived = folder / ARCHIVE_FOLDER / f"{new.name}.{previous.version}{LIST_SUFFIX}"
            replace_file(archived, place.read_bytes())
        replace_file(place, data)
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
    with _locked(folder):
        encoded = encode_roots({**load_roots(folder), name: keys})
        roots = parse_roots(encoded)  # what is written is what can be read
        replace_file(folder / ROOTS_FILE, encoded)
    return roots


def _in_force(folder: Path, name: str, at: datetime) -> TrustList | None:
    """Return the verified list of this name, also when its time is over.

    Raises:
        PublishError: a list is there and not in order.

    """
    state, findings = read_trust(folder, at=at, max_change=float("inf"))
    own = [one for one in findings if one.is_fault and one.file in (place_of(name), ROOTS_FILE)]
    if own:
        raise PublishError(own[0])
    return state.by_name.get(name)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one publisher at a time change the folder; its readers need no lock."""
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def replace_file(path: Path, data: bytes) -> None:
    """Put a file in place in one step: written aside, durable, renamed, and the folder durable.

    Raises:
        OSError: it cannot be written; the old file, if there was one, is still there.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), _MODE)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(aside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(aside).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
