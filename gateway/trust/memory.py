"""Which trust lists were in force last, kept in the site's state, so that a restart is no way back.

``state/trust/NAME.json`` holds the bytes of list NAME, written by the keeper. What is there counts as in force before
anything in the trust folder is read. Who deletes a file there, and the list, and its root keys, gives the list up.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from gateway.trust.files import locked, read_file, replace_file, spell
from gateway.trust.layout import LIST_SUFFIX, names_in, place_of
from gateway.trust.lists import MAX_CHANGE, TrustReading, TrustState, read_trust
from gateway.trust.sentences import ListFinding, ListProblem
from keys.errors import MalformedTrustListError, TrustListFault, UntrustedListError
from keys.trust_list import TrustList, encode_trust_list
from keys.trust_list_parse import MAX_BYTES, parse_trust_list
from keys.trust_list_verify import verify_own_signatures

MEMORY_FOLDER: Final = "trust"  # inside the state folder
_LOCK_TRIES: Final = 20  # a second: all workers of a gateway may write at the same moment, each for milliseconds
_SHOWN: Final = f"../state/{MEMORY_FOLDER}"  # as seen from the trust folder, whose findings say where they are


class Remembered(NamedTuple):
    """The lists that were in force, by name, and what there is to say about files that hold none."""

    lists: Mapping[str, TrustList]
    findings: tuple[ListFinding, ...]


def read_remembered_trust(
    folder: Path, memory: "TrustMemory", *, at: datetime, max_change: float = MAX_CHANGE
) -> TrustReading:
    """Read a trust folder as `read_trust` does, after what was in force last; no folder at all trusts nobody.

    Raises:
        NotADirectoryError: it is no folder.

    """
    lists, findings = memory.load()
    if not folder.exists():
        gone = (ListFinding(file=place_of(name), problem=ListProblem.GONE) for name in lists)
        return TrustReading(TrustState(), (*gone, *findings))
    reading = read_trust(folder, at=at, present=lists, max_change=max_change)
    return TrustReading(reading.state, (*reading.findings, *findings))


class TrustMemory:
    """The folder; several processes may share it. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made on first writing."""
        self._folder = folder
        self._seen: set[str] = set()

    def load(self) -> Remembered:
        """Read what was in force; a file that holds no list is a fault, since what it said is not known."""
        lists: dict[str, TrustList] = {}
        findings: list[ListFinding] = []
        for name in names_in(self._folder):
            try:
                lists[name] = self._read(name)
            except (OSError, MalformedTrustListError, UntrustedListError) as error:
                detail = error.strerror or "" if isinstance(error, OSError) else str(error)
                place = spell(f"{_SHOWN}/{name}{LIST_SUFFIX}")
                findings.append(ListFinding(file=place, problem=ListProblem.MEMORY_MALFORMED, detail=detail))
        self._seen |= lists.keys()
        return Remembered(lists, tuple(findings))

    def keep(self, lists: Iterable[TrustList]) -> None:
        """Keep what is in force now; a process that is behind another takes nothing back.

        Raises:
            OSError: the folder cannot be written, or another process holds its lock for a second.

        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with locked(self._folder, tries=_LOCK_TRIES):
            for one in lists:
                if self._version(one.name) < one.version:
                    replace_file(self._place(one.name), encode_trust_list(one))
                self._seen.add(one.name)

    def has(self, lists: Iterable[TrustList]) -> bool:
        """Say whether there is a file for each of ``lists``."""
        return all(self._place(one.name).exists() for one in lists)

    def without_given_up(self, lists: Mapping[str, TrustList]) -> Mapping[str, TrustList]:
        """Return those of ``lists`` whose file was not deleted after it had been there."""
        return {name: one for name, one in lists.items() if name not in self._seen or self._place(name).exists()}

    def _version(self, name: str) -> int:
        try:
            return self._read(name).version
        except (OSError, MalformedTrustListError, UntrustedListError):
            return 0

    def _read(self, name: str) -> TrustList:
        one = parse_trust_list(read_file(self._place(name), MAX_BYTES))
        if one.name != name:
            raise UntrustedListError(TrustListFault.OTHER_LIST, one.name)
        verify_own_signatures(one)
        return one

    def _place(self, name: str) -> Path:
        return self._folder / (name + LIST_SUFFIX)
