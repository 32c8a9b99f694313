"""A site's own entries of the tables of codes: ``adapters/codes/``, beside the mapping files."""

from pathlib import Path
from typing import Final

from adapters.codes.tables import TABLE_FILES, CodeTables, load_tables, shipped_tables
from adapters.mapping.fault import MappingError
from gateway.adapters.asked import as_fault
from gateway.adapters.mapping_file import CODES_FOLDER, read_table_files
from gateway.toml_table import Fault, Words, describe_entry, describe_os_error

_README: Final = "README.md"


def load_code_tables(folder: Path, *, faults: list[Fault]) -> CodeTables:
    """Return the tables of a site, with all faults added to ``faults``; ``folder`` is that of its mapping files."""
    codes = folder / CODES_FOLDER
    place = f"{folder.name}/{CODES_FOLDER}"
    try:
        entries = sorted(codes.iterdir()) if codes.exists() else []
        files = read_table_files(folder)
    except OSError as error:
        found = describe_os_error(error)
        faults.append(Fault(file=place, key="", expected=Words("文件夹", "a folder"), found=found))
        return shipped_tables()
    known = ", ".join(TABLE_FILES)
    faults.extend(
        Fault(
            file=f"{place}/{path.name}",
            key="",
            expected=Words(f"只有 {known}", f"only {known}"),
            found=describe_entry(path),
        )
        for path in entries
        if path.name not in {*TABLE_FILES, _README} and not path.name.startswith(".")
    )
    try:
        return load_tables(dict(files), place=f"{place}/")
    except MappingError as error:
        faults.extend(map(as_fault, error.faults))
        return shipped_tables()
