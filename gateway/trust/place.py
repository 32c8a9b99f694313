"""Which folder holds the trust, and what its site says about reading it, so that commands judge as the gateway does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.settings import TrustSettings, parse_settings
from gateway.site import SETTINGS_FILE, STATE_FOLDER, TRUST_FOLDER, SiteError
from gateway.toml_table import Fault, load_toml
from gateway.trust.lists import TrustReading, read_trust
from gateway.trust.memory import MEMORY_FOLDER, Remembered, TrustMemory, read_remembered_trust
from gateway.trust.publishing import PublishError
from keys.trust_list import TrustList


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPlace:
    """A trust folder, and the site that it is of; None: it stands alone, with the defaults and without a memory."""

    folder: Path
    site: Path | None

    @property
    def memory(self) -> TrustMemory | None:
        """What the site's gateway had in force last."""
        return None if self.site is None else TrustMemory(self.site / STATE_FOLDER / MEMORY_FOLDER)

    def load_max_change(self) -> float:
        """Return ``[trust] max_change`` of the site, or the default.

        Raises:
            SiteError: the settings are wrong.

        """
        if self.site is None or not (self.site / SETTINGS_FILE).exists():
            return TrustSettings().max_change
        faults: list[Fault] = []
        table = load_toml(self.site / SETTINGS_FILE, file=SETTINGS_FILE, faults=faults)
        settings = None if table is None else parse_settings(table)
        if faults or settings is None:
            raise SiteError(faults)
        return settings.trust.max_change

    def load_present(self) -> Mapping[str, TrustList]:
        """Return the lists that the site's gateway had in force last, by name.

        Raises:
            PublishError: they cannot be read.

        """
        lists, findings = Remembered({}, ()) if self.memory is None else self.memory.load()
        if findings:
            raise PublishError(findings[0])
        return lists

    def read(self, at: datetime) -> TrustReading:
        """Read the trust as the gateway of the site would.

        Raises:
            SiteError: the settings are wrong.
            OSError: the folder cannot be read.

        """
        memory, max_change = self.memory, self.load_max_change()
        if memory is None:
            return read_trust(self.folder, at=at, max_change=max_change)
        return read_remembered_trust(self.folder, memory, at=at, max_change=max_change)


def find_trust(directory: Path) -> TrustPlace:
    """Return the trust folder of a site or of anybody: ``directory`` is the site, or the folder itself.

    Raises:
        NotADirectoryError: there is no such folder.

    """
    is_of_site = (directory / TRUST_FOLDER).is_dir() or (directory / SETTINGS_FILE).exists()
    if is_of_site or directory.resolve().name == TRUST_FOLDER:
        return find_site_trust(directory)
    _expect_folder(directory)
    return TrustPlace(folder=directory, site=None)


def find_site_trust(directory: Path) -> TrustPlace:
    """Return the trust folder of a site, which may be still to come: ``directory`` is the site, or that folder.

    Raises:
        NotADirectoryError: there is no such folder.

    """
    _expect_folder(directory)
    whole = directory.resolve()  # "." inside a trust folder is that folder
    is_site = whole.name != TRUST_FOLDER or (whole / TRUST_FOLDER).is_dir() or (whole / SETTINGS_FILE).exists()
    if is_site:
        return TrustPlace(folder=directory / TRUST_FOLDER, site=directory)
    return TrustPlace(folder=directory, site=whole.parent)


def _expect_folder(directory: Path) -> None:
    if not directory.is_dir():
        raise NotADirectoryError(f"there is no such folder: {directory}")
