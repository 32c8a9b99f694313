"""Where mappings are: a file of somebody's own with the tables of codes beside it, one of a site, or a shipped one."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from adapters.mapping.adapter import Adapter
from adapters.mapping.bounds import MAX_FILE
from gateway.adapters.mapping_file import MappingFile, read_table_files
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.site import ADAPTERS_FOLDER
from gateway.trust.files import read_file

_SUFFIX = ".toml"
_SHIPPED = "example_adapters"


def find_adapter(name: str, *, site: Path | None = None) -> Adapter:
    """Return the adapter of a mapping file, or by its id that of the site, where it has one, or a shipped one.

    Raises:
        UsageError, MappingError, OSError: there is none of that name, or it cannot be read.

    """
    return read_adapter(name, site=site)[1]


def read_adapter(name: str, *, site: Path | None = None) -> tuple[MappingFile, Adapter]:
    """Return a mapping file with its adapter, found as `find_adapter` does, which says what is raised."""
    path = Path(name)
    own = None if site is None else site / ADAPTERS_FOLDER / f"{name}{_SUFFIX}"
    if path.suffix == _SUFFIX or path.exists():
        found = read_mapping(path)
    elif own is not None and own.exists():
        found = read_mapping(own)
    else:
        shipped = resources.files("gateway").joinpath(_SHIPPED)
        known = sorted(one.name.removesuffix(_SUFFIX) for one in shipped.iterdir() if one.name.endswith(_SUFFIX))
        if name not in known:
            listed = ", ".join(known)
            raise UsageError(
                say(
                    f"没有映射 {name}；请给出文件、--site 站点中的标识，或内置映射：{listed}",
                    f"there is no mapping {name}; name a file, one of the site with --site, or a shipped one: {listed}",
                )
            )
        file = name + _SUFFIX
        found = MappingFile(shipped.joinpath(file).read_bytes(), file)
    return found, found.load()


def read_mapping(path: Path) -> MappingFile:
    """Return a mapping file as it is; raises OSError."""
    return MappingFile(read_file(path, MAX_FILE), str(path), read_table_files(path.parent))


def expand_mappings(files: Sequence[Path]) -> list[Path]:
    """Return files, and those inside of folders; raises UsageError where a folder has none."""
    found: list[Path] = []
    for path in files:
        inside = sorted(path.glob(f"*{_SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(say(f"没有映射文件：{path}", f"there are no mapping files in {path}"))
        found += inside
    return found
