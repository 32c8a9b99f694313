"""A patch for a mapping file, from what differs: proposed as a unified diff, for a person to judge and apply.

No meaning is guessed: a code that was never seen becomes a comment, and a field gets the lowest evidence there is.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.codes.tables import CodeTables
from adapters.drift.finding import Drift, DriftKind
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.fault import MappingError

_HEADER: Final = re.compile(r"\s*\[")
_DATE: Final = re.compile(r'"date:([^"]*)"')
_DAY_LOST: Final = "日期的写法"
_Block = tuple[int, int]  # from the line of a table's header to the one behind its last line


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A proposal: the mapping file with every edit. ``left_out`` are the findings whose edit could not be made."""

    before: str
    after: str
    file: str
    left_out: tuple[Drift, ...]

    @property
    def diff(self) -> str:
        """The unified diff; "" where there is nothing that a patch could say."""
        before, after = (text.splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(before, after, self.file, self.file))


def propose_patch(
    data: bytes, adapter: Adapter, findings: Sequence[Drift], *, tables: CodeTables | None = None
) -> Patch:
    """Return the edits of a mapping file; ``tables`` are those that it was read with.

    An edit is left out where its place in the file was not found, or where the file could not be read with it: two
    names may be guesses for one field.
    """
    before = data.decode("utf-8")
    lines = before.splitlines(keepends=True)
    left_out = []
    for one in findings:
        edited = _edit(lines, adapter, one)
        if edited is None or not _is_sound("".join(edited), adapter, tables):
            left_out.append(one)
        else:
            lines = edited
    return Patch(before=before, after="".join(lines), file=adapter.rules.file, left_out=tuple(left_out))


def _is_sound(text: str, adapter: Adapter, tables: CodeTables | None) -> bool:
    try:
        load_adapter(text.encode("utf-8"), adapter.rules.file, tables=tables)
    except MappingError:
        return False
    return True


def _edit(lines: list[str], adapter: Adapter, one: Drift) -> list[str] | None:
    """Return the lines with one edit, as they are where there is none to propose; None where it has no place."""
    match one.kind:
        case DriftKind.UNKNOWN_FIELD if one.to:
            return _add_field(lines, one)
        case DriftKind.UNSEEN_CODE:
            words = ", ".join(f'"{word}"' for word in one.words)
            return _note(lines, adapter, one, f"codes without a meaning here: {words}; ask the operator")
        case DriftKind.MISSING_FIELD if one.is_drift:
            return _note(lines, adapter, one, "no record has it")
        case DriftKind.OTHER_VALUE:
            return _note(lines, adapter, one, "values that these codecs do not read")
        case DriftKind.DATE_FORM:
            return _add_forms(lines, adapter, one)
        case _:
            return lines


def _add_field(lines: Sequence[str], one: Drift) -> list[str]:
    """Add a rule behind the last one."""
    path = one.at
    last = max((end for _, end in _blocks(lines, "[[field]]")), default=len(lines))
    rule = [
        "\n",
        f"[[field]]  # drift: {_tell(one)}\n",
        f'to = "{one.to}"\n',
        f'at = "{path}"\n' if '"' not in path else f"at = '{path}'\n",
        'evidence = "inferred"\n',
    ]
    while last and not lines[last - 1].strip():
        last -= 1
    return [*lines[:last], *rule, *lines[last:]]


def _note(lines: Sequence[str], adapter: Adapter, one: Drift, what: str) -> list[str] | None:
    """Add a comment above the table that has the path, where it does not stand there already."""
    block = _find(lines, adapter, one.at)
    if block is None:
        return None
    comment = f"# drift: {what} ("
    begin = block[0]
    while begin and lines[begin - 1].startswith("#"):
        begin -= 1
    if any(line.startswith(comment) for line in lines[begin : block[0]]):
        return list(lines)
    return [*lines[: block[0]], f"{comment}{_tell(one)})\n", *lines[block[0] :]]


def _add_forms(lines: Sequence[str], adapter: Adapter, one: Drift) -> list[str] | None:
    """Let a field read more forms of days; the form that is written stays."""
    block = _find(lines, adapter, one.at)
    if block is None:
        return None
    edited = list(lines)
    for place in range(*block):
        found = _DATE.search(lines[place])
        if found is None:
            continue
        forms = dict.fromkeys([*found[1].split("|"), *one.words])
        text = lines[place][: found.start()] + f'"date:{"|".join(forms)}"' + lines[place][found.end() :]
        edited[place] = f"{text.rstrip()}  # drift: {_tell(one)}\n"
        if not any(line.lstrip().startswith("loses") for line in lines[slice(*block)]):
            edited.insert(place + 1, f'loses = "{_DAY_LOST}"\n')
        return edited
    return None


def _tell(one: Drift) -> str:
    return f"{one.count} of {one.of}, confidence {one.confidence:.2f}"


def _find(lines: Sequence[str], adapter: Adapter, path: str) -> _Block | None:
    """Return the block of the table that has a path: of a field, of the status, or of an outcome."""
    rules = adapter.rules
    for header, paths in (
        ("[[field]]", [[one.text for one in (*rule.paths, *rule.also)] for rule in rules.fields]),
        ("[status]", [] if rules.status is None else [[rules.status.path.text]]),
        ("[[outcome]]", [[rule.path.text] for rule in (*rules.outcomes, *rules.record_outcomes)]),
    ):
        blocks = list(_blocks(lines, header))
        for block in blocks:
            if any(_says(line, path) for line in lines[slice(*block)]) and any(path in texts for texts in paths):
                return block
    return None


def _says(line: str, path: str) -> bool:
    key = line.partition("=")[0].strip()
    return key in {"at", "also"} and (f'"{path}"' in line or f"'{path}'" in line)


def _blocks(lines: Sequence[str], header: str) -> Iterable[_Block]:
    """Return the tables with a header, each to the next header; comments above that belong to the next one."""
    starts = [place for place, line in enumerate(lines) if _HEADER.match(line)]
    for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if lines[begin].strip().startswith(header):
            last = end
            while last > begin + 1 and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
                last -= 1
            yield begin, last
