"""A site folder read as a whole: settings, trust and callers, or every fault in it at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.callers import CallerRegistry, load_callers
from gateway.settings import Settings, parse_settings
from gateway.toml_table import Fault, load_toml
from gateway.trust_folder import TrustFinding, read_trust_folder
from keys.trust import TrustStore

SETTINGS_FILE: Final = "tongban.toml"
TRUST_FOLDER: Final = "trust"
CALLERS_FOLDER: Final = "callers"


class SiteError(Exception):
    """The folder cannot be served from; ``faults`` are all that were found, each with file, key and expectation."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that a gateway is told by its operator; ``notices`` are worth saying once at start."""

    settings: Settings
    trust: TrustStore = field(default_factory=TrustStore.empty)
    callers: CallerRegistry = field(default_factory=CallerRegistry)
    notices: tuple[TrustFinding, ...] = ()


def load_site(folder: Path) -> Site:
    """Read a site folder.

    Raises:
        SiteError: anything in it is wrong; nothing of it is used then.

    """
    faults: list[Fault] = []
    if not folder.is_dir():
        raise SiteError([Fault(file=str(folder), key="", expected="a site folder", found="no folder")])
    table = load_toml(folder / SETTINGS_FILE, file=SETTINGS_FILE, faults=faults)
    settings = None if table is None else parse_settings(table)
    store, findings = _load_trust(folder / TRUST_FOLDER, faults)
    callers = load_callers(folder / CALLERS_FOLDER, faults=faults, name=CALLERS_FOLDER)
    if faults or settings is None:
        raise SiteError(faults)
    return Site(
        settings=settings,
        trust=store,
        callers=callers,
        notices=tuple(finding for finding in findings if not finding.is_fault),
    )


def _load_trust(folder: Path, faults: list[Fault]) -> tuple[TrustStore, tuple[TrustFinding, ...]]:
    """Read the trust folder; none at all trusts nobody, one with something unusable in it is a fault."""
    if not folder.exists():
        return TrustStore.empty(), ()
    try:
        store, findings = read_trust_folder(folder)
    except NotADirectoryError:
        faults.append(Fault(file=TRUST_FOLDER, key="", expected="a folder", found="something else"))
        return TrustStore.empty(), ()
    faults.extend(
        Fault(
            file=f"{TRUST_FOLDER}/{finding.file}".rstrip("/"),
            key="",
            expected="certificates and revocation lists that can be used",
            found=f"a file that {finding.sentence}",
        )
        for finding in findings
        if finding.is_fault
    )
    return store, findings
