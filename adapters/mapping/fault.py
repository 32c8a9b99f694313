"""What is wrong in a mapping file: where, what was expected, what was found; all faults of a file at once."""

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from adapters.mapping.bounds import MAX_FAULTS

Path = tuple[str | int, ...]

_SHOWN: Final = 60  # characters of a wrong value that a fault repeats


class Words(NamedTuple):
    """The same words in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFault:
    """One fault: file, line (1-based; None: not known for certain), key as a dotted path."""

    file: str
    line: int | None
    key: str
    expected: Words
    found: Words
    meant: str = ""  # the nearest known name

    def __str__(self) -> str:
        """Return the line that an integrator reads, in English."""
        hint = f"; did you mean {self.meant}?" if self.meant else ""
        return f"{self._place}: expected {self.expected.en}, found {self.found.en}{hint}"

    @property
    def sentence_zh(self) -> str:
        """Return the same line in Chinese."""
        hint = f"；是否应为 {self.meant}？" if self.meant else ""
        return f"{self._place}：应为{self.expected.zh}，实际为{self.found.zh}{hint}"

    @property
    def _place(self) -> str:
        file = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (file, self.key) if part)


class MappingError(Exception):
    """A mapping file that cannot be used, with its faults by line."""

    def __init__(self, faults: Iterable[MappingFault]) -> None:
        """Keep the faults."""
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line or 0, fault.key)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class FaultList:
    """Collects the faults of one file, at most `MAX_FAULTS`, with the lines they stand on."""

    def __init__(self, file: str, lines: Mapping[Path, int] | None = None) -> None:
        """Begin without faults; ``lines`` has the line of each path that is certain."""
        self.file = file
        self._lines = lines or {}
        self._faults: list[MappingFault] = []

    def __bool__(self) -> bool:
        """Say whether anything is wrong."""
        return bool(self._faults)

    def add(self, path: Path, *, expected: Words, found: Words, meant: str = "") -> None:
        """Note a fault of the key at ``path``."""
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(
                MappingFault(
                    file=self.file,
                    line=self._line(path),
                    key=spell_path(path),
                    expected=expected,
                    found=found,
                    meant=meant,
                )
            )

    def locate(self, fault: MappingFault) -> MappingFault:
        """Return a fault that was found without the file at hand, with the line of its key where it is certain."""
        lines = {spell_path(path): line for path, line in self._lines.items()}
        key = fault.key
        while key and key not in lines:
            key = key.removesuffix("]").rpartition("[" if key.endswith("]") else ".")[0]
        return replace(fault, line=fault.line or lines.get(key))

    def raise_if_any(self) -> None:
        """Raise `MappingError` with what was noted, if anything was."""
        if self._faults:
            raise MappingError(self._faults)

    def _line(self, path: Path) -> int | None:
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return None


def spell_path(path: Path) -> str:
    """Spell a path of a TOML file: ``field[3].at``, counted from 1 as people do."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(name: str, known: Collection[str]) -> str:
    """Return the known name that was probably meant, "" when none is near."""
    found = difflib.get_close_matches(name[:64], list(known), n=1, cutoff=0.7)
    return found[0] if found else ""


def show(value: object) -> Words:
    """Return a wrong value of a mapping file so that it can be shown: short, and without what deceives the eye."""
    match value:
        case None:
            return Words("未填写", "nothing")
        case "":
            return Words("空文本", "an empty text")
        case bool():
            word = "true" if value else "false"
            return Words(word, word)
        case str():
            return quote(value)
        case int() | float():
            return Words("数字", "a number")
        case dict():
            return Words("表", "a table")
        case list():
            return Words(f"{len(value)} 项的列表", f"a list of {len(value)}")
        case _:
            return Words("日期或时间", "a date or a time")


def quote(text: str) -> Words:
    """Return a text of a mapping file in quotes, shortened, with what does not print as code points."""
    shown = "".join(_spell(one) for one in text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
    return Words(f"“{shown}”", f'"{shown}"')


def _spell(one: str) -> str:
    plain = one.isprintable() if one.isascii() else unicodedata.category(one)[0] in "LPS"
    deceiving = unicodedata.bidirectional(one) in {"R", "AL"}
    return one if plain and not deceiving else f"\\u{ord(one):04x}"
