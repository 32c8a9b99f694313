"""The files of a site's policy: ``policies/*.toml``, read in one bounded pass; whatever else lies there is a fault."""

from pathlib import Path
from typing import Final

from gateway.trust.files import read_file, spell
from policies.fault import Place, Report, Words, same
from policies.loader import MAX_FILES, MAX_POLICY_BYTES
from policies.toml import MAX_FILE_BYTES

POLICIES_FOLDER: Final = "policies"
APPROVALS_FOLDER: Final = "approvals"  # inside it
POLICY_SUFFIX: Final = ".toml"
_README: Final = "README.md"  # for people

_FOLDER: Final = Words("可读取的文件夹", "a readable folder")
_FILE: Final = Words("可读取的文件", "a readable file")


def policies_of(directory: Path) -> Path:
    """Return the folder of the policy: that of a site folder, or the folder itself."""
    inside = directory / POLICIES_FOLDER
    return inside if inside.is_dir() else directory


def has_policy(folder: Path) -> bool:
    """Say whether there is anything in the folder to be read as a policy; raises OSError."""
    try:
        return any(path.suffix == POLICY_SUFFIX and not path.name.startswith(".") for path in folder.iterdir())
    except FileNotFoundError:
        return False


def read_policy_files(folder: Path, *, name: str = POLICIES_FOLDER) -> dict[str, bytes]:
    """Return the contents of the files by name, in order; they are not judged yet. ``name`` is said for the folder.

    Hidden files, ``README.md`` and the folder of approvals may lie beside them; anything else is a fault, since a
    misspelt suffix must not silently take rules away.

    Raises:
        PolicyError: with all faults of the folder.

    """
    report = Report()
    contents: dict[str, bytes] = {}
    size = 0
    for path in _list(folder, name, report):
        file = f"{name}/{spell(path.name)}"
        if path.suffix != POLICY_SUFFIX:
            if not (path.name == _README or (path.name == APPROVALS_FOLDER and path.is_dir())):
                found = Words("文件夹", "a folder") if path.is_dir() else Words("其他文件", "another file")
                zh = f"只有 *.toml、{APPROVALS_FOLDER}/ 与 {_README}"
                expected = Words(zh, f"only *.toml, {APPROVALS_FOLDER}/ and {_README}")
                report.add(Place(file, None), "", expected=expected, found=found)
            continue
        if len(contents) > MAX_FILES or size > MAX_POLICY_BYTES:
            break  # the loader names the bound that is passed; what lies beyond it need not be read
        try:
            contents[file] = read_file(path, MAX_FILE_BYTES)
            size += len(contents[file])
        except OSError as error:
            report.add(Place(file, None), "", expected=_FILE, found=same(error.strerror or type(error).__name__))
    if report:
        raise report.error()
    return contents


def _list(folder: Path, name: str, report: Report) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        why = same(error.strerror or type(error).__name__)
        report.add(Place(f"{name}/", None), "", expected=_FOLDER, found=why)
        return []
