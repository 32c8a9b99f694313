"""Where a site keeps its policy, and what is written there now."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.policy.approvers import APPROVERS_FOLDER, ApproverRegistry, load_approvers
from gateway.policy.draft import Draft, read_sound_draft
from gateway.policy.folder import POLICIES_FOLDER, has_policy
from gateway.policy.in_force import PolicyArchive, StateError
from gateway.settings import PolicySettings
from gateway.site import STATE_FOLDER
from gateway.toml_table import Fault
from gateway.trust.mark import Mark, mark_folder


class SiteFaultsError(Exception):
    """The approvers of the site, or their approvals, cannot be read; with all faults."""

    def __init__(self, faults: list[Fault]) -> None:
        """Keep the faults."""
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, faults)))


@dataclass(frozen=True, slots=True)
class PolicySite:
    """Where a site keeps its policy, who approves it, and what is in force."""

    folder: Path
    needed: int = field(default_factory=lambda: PolicySettings().approvals)

    @property
    def policies(self) -> Path:
        """The folder of the policy."""
        return self.folder / POLICIES_FOLDER

    @property
    def archive(self) -> PolicyArchive:
        """What is in force, and what was."""
        return PolicyArchive(self.folder / STATE_FOLDER)

    def approvers(self) -> ApproverRegistry:
        """Read who may approve.

        Raises:
            SiteFaultsError: with all faults.

        """
        faults: list[Fault] = []
        found = load_approvers(self.folder / APPROVERS_FOLDER, faults=faults)
        if faults:
            raise SiteFaultsError(faults)
        return found

    def mark(self) -> tuple[Mark, Mark]:
        """Return what tells one content of the policy, its approvals and its approvers from another; it blocks."""
        return mark_folder(self.policies), mark_folder(self.folder / APPROVERS_FOLDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is written in a site: its policy, None where there is none, and the mark of the folders before reading."""

    draft: Draft | None
    mark: tuple[Mark, Mark]


def read_written(site: PolicySite) -> Written:
    """Read the policy that is written in a site; it blocks, and takes about a second of Python.

    Where one is in force, its files going away is taken for an accident.

    Raises:
        PolicyError: with every fault.
        OSError: the folder cannot be read.

    """
    mark = site.mark()
    if not has_policy(site.policies):
        with suppress(StateError):
            if site.archive.pointer() is None:
                return Written(draft=None, mark=mark)
    return Written(draft=read_sound_draft(site.policies), mark=mark)
