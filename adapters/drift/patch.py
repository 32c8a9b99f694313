"""A patch for a mapping file, from what differs: proposed as a unified diff, for a person to judge and apply.

No meaning is guessed: a code that was never seen becomes a comment, and a field gets the lowest evidence there is.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from adapters.drift.finding import Drift, DriftKind
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.fault import MappingError
from adapters.mapping.forms.form import FormName

_HEADER: Final = re.compile(r"\s*\[")
_DATE: Final = re.compile(r'"date:([^"]*)"')
_DAY_LOST: Final = "日期的写法"
_Block = tuple[int, int]  # from the line of a table's header to the one behind its last line


def propose_patch(data: bytes, adapter: Adapter, findings: Sequence[Drift]) -> str:
    """Return the unified diff of a mapping file; "" where there is nothing that a patch could say.

    An edit that the file cannot be read with any more is left out.
    """
    before = data.decode("utf-8").splitlines(keepends=True)
    after = edit_mapping(data, adapter, findings).splitlines(keepends=True)
    file = adapter.rules.file
    return "".join(difflib.unified_diff(before, after, file, file))


def edit_mapping(data: bytes, adapter: Adapter, findings: Sequence[Drift]) -> str:
    """Return a mapping file with every edit that is proposed."""
    lines = data.decode("utf-8").splitlines(keepends=True)
    for one in findings:
        edited = _edit(lines, adapter, one)
        if edited is not None and _is_sound("".join(edited), adapter):
            lines = edited
    return "".join(lines)


def _is_sound(text: str, adapter: Adapter) -> bool:
    try:
        load_adapter(text.encode("utf-8"), adapter.rules.file)
    except MappingError:
        return False
    return True


def _edit(lines: Sequence[str], adapter: Adapter, one: Drift) -> list[str] | None:
    """Return the lines with one edit; None where there is none to propose."""
    match one.kind:
        case DriftKind.UNKNOWN_FIELD if one.to:
            return _add_field(lines, one, is_xml=adapter.rules.message.form_name is FormName.XML)
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
            return None


def _add_field(lines: Sequence[str], one: Drift, *, is_xml: bool) -> list[str]:
    """Add a rule behind the last one."""
    head, _, name = one.at.rpartition(".")
    path = f"{head.rstrip('/')}/{name}" if is_xml and name and "@json" not in one.at else one.at
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
    """Add a comment above the table that has the path."""
    block = _find(lines, adapter, one.at)
    if block is None:
        return None
    return [*lines[: block[0]], f"# drift: {what} ({_tell(one)})\n", *lines[block[0] :]]


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
