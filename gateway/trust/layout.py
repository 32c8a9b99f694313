"""Where what lies in a trust folder of signed lists.

| File in the trust folder | Holds |
|---|---|
| ``roots.json`` | for each list the keys that stand in the place of those of a version before the first |
| ``lists/NAME.json`` | the version of list NAME that is to be in force |
| ``lists/NAME.VERSION.approval`` | the second signature for a version that changed much |
| ``archive/NAME.VERSION.json`` | every version that was put in force here, the present one too |
| ``held/NAME.json`` | a version that waits for approval |

What lies beside them is read by `gateway.trust.folder`.
"""

from pathlib import Path
from typing import Final

from gateway.trust.files import spell

ROOTS_FILE: Final = "roots.json"
LISTS_FOLDER: Final = "lists"
ARCHIVE_FOLDER: Final = "archive"
HELD_FOLDER: Final = "held"
LIST_SUFFIX: Final = ".json"
APPROVAL_SUFFIX: Final = ".approval"


def list_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the lists in ``lists/``, sorted."""
    return names_in(folder / LISTS_FOLDER)


def held_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the lists that wait for approval, sorted."""
    return names_in(folder / HELD_FOLDER)


def names_in(folder: Path) -> tuple[str, ...]:
    """Return the names of the lists in a folder, which need not be there, sorted."""
    if not folder.is_dir():
        return ()
    found = (path.name for path in folder.iterdir() if path.suffix == LIST_SUFFIX and not path.name.startswith("."))
    return tuple(sorted(name.removesuffix(LIST_SUFFIX) for name in found))


def archived_versions(folder: Path, name: str) -> dict[int, Path]:
    """Return the archived versions of a list with their files."""
    archive = folder / ARCHIVE_FOLDER
    if not archive.is_dir():
        return {}
    found = {}
    for path in archive.iterdir():
        beginning, _, version = path.name.removesuffix(LIST_SUFFIX).rpartition(".")
        if beginning == name and version.isascii() and version.isdigit() and path.suffix == LIST_SUFFIX:
            found[int(version)] = path
    return found


def place_of(name: str, folder: str = LISTS_FOLDER) -> str:
    """Return where a list lies inside the trust folder, as people are told."""
    return spell(f"{folder}/{name}{LIST_SUFFIX}")


def archive_place(name: str, version: int) -> str:
    """Return where a version is archived, inside the trust folder."""
    return f"{ARCHIVE_FOLDER}/{name}.{version}{LIST_SUFFIX}"


def approval_place(name: str, version: int) -> str:
    """Return where the approval of a version lies, inside the trust folder."""
    return f"{LISTS_FOLDER}/{name}.{version}{APPROVAL_SUFFIX}"
