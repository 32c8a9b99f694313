"""A mapping file as it was read, with the tables of codes that stand beside it in ``codes/``."""

from pathlib import Path
from typing import Final, NamedTuple

from adapters.codes.tables import TABLE_FILES, CodeTables, load_tables
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.bounds import MAX_FILE

CODES_FOLDER: Final = "codes"  # inside the folder of mapping files


class MappingFile(NamedTuple):
    """A file by the name that faults give it, and its tables by the names of theirs; nothing is judged yet."""

    data: bytes
    name: str
    tables: tuple[tuple[str, bytes], ...] = ()

    def load_tables(self) -> CodeTables:
        """Return the tables that its codecs may name; raises MappingError."""
        place = Path(self.name).parent / CODES_FOLDER
        return load_tables(dict(self.tables), place=f"{place}/")

    def load(self) -> Adapter:
        """Return its adapter; raises MappingError."""
        return load_adapter(self.data, self.name, tables=self.load_tables())


def read_table_files(folder: Path) -> tuple[tuple[str, bytes], ...]:
    """Return the tables beside the mapping files of a folder; none where it has none.

    Raises:
        OSError: one cannot be read.

    """
    found = []
    for name in TABLE_FILES:
        path = folder / CODES_FOLDER / name
        if path.exists():
            with path.open("rb") as file:
                found.append((name, file.read(MAX_FILE + 1)))
    return tuple(found)
