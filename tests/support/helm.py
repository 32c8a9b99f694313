"""Charts rendered: by helm where it is installed, else by the few actions of its templates that ours use.

Those are ``if``, ``else``, ``with``, ``define``, ``end``, ``include``, ``toYaml``, ``default``, ``quote``, ``nindent``,
``not`` and ``.Files.Get``. Whatever else a template says fails, so that no template says what nobody here can render.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

RELEASE: Final = {"Name": "demo", "Service": "Helm"}
_KUBE_VERSION: Final = "1.31.0"  # what is rendered for; else it is whatever this helm was built with
_ACTION: Final = re.compile(r"(\{\{-?)\s*(.*?)\s*(-?\}\})", re.DOTALL)
_TERM: Final = re.compile(r'"[^"]*"|[^\s"]+')

Tokens = list[tuple[bool, str]]


def find_helm() -> str | None:
    """Return the program, where there is one."""
    return shutil.which("helm")


def render(chart: Path, changes: Mapping[str, Any]) -> str:
    """Return all manifests of a chart with some values changed."""
    program = find_helm()
    if program is not None:
        changed = yaml.safe_dump(dict(changes))
        command = [program, "template", RELEASE["Name"], str(chart), "--values", "-", "--kube-version", _KUBE_VERSION]
        return subprocess.run(command, input=changed, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return "\n---\n".join(_Chart(chart, changes).render(one) for one in sorted(chart.glob("templates/*.yaml")))


def render_notes(chart: Path, changes: Mapping[str, Any]) -> str:
    """Return what is told after an installation, by our own renderer."""
    return _Chart(chart, changes).render(chart / "templates" / "NOTES.txt")


def merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with some changed, table by table."""
    merged = dict(values)
    for key, change in changes.items():
        is_table = isinstance(change, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], change) if is_table else change
    return merged


class _Chart:
    def __init__(self, folder: Path, changes: Mapping[str, Any]) -> None:
        about = yaml.safe_load((folder / "Chart.yaml").read_text("utf-8"))
        values = merge(yaml.safe_load((folder / "values.yaml").read_text("utf-8")), changes)
        chart = {key[0].upper() + key[1:]: value for key, value in about.items()}
        self._folder, self._root = folder, {"Values": values, "Release": RELEASE, "Chart": chart}
        self._defined: dict[str, Tokens] = {}
        for helpers in folder.glob("templates/*.tpl"):
            self.render(helpers)

    def render(self, template: Path) -> str:
        tokens = _split(template.read_text("utf-8"))
        text = "".join(self._run(tokens, self._root))
        assert not tokens, f"{template.name}: an end too many"
        return text

    def _run(self, tokens: Tokens, dot: Any) -> Iterator[str]:
        """Render up to the end of the block that is open, or of all."""
        while tokens:
            is_action, text = tokens.pop(0)
            word, _, rest = text.partition(" ") if is_action else ("", "", "")
            if not is_action:
                yield text
            elif word == "end":
                return
            elif word == "define":
                self._defined[rest.strip('"')] = _take(tokens)[0]
            elif word in {"if", "with"}:
                value = self._value(rest, dot)
                block, otherwise = _take(tokens)
                yield from self._run(block if value else otherwise, value if word == "with" and value else dot)
            else:
                yield str(self._value(text, dot))

    def _value(self, pipeline: str, dot: Any) -> Any:
        value: Any = None
        for place, stage in enumerate(pipeline.split(" | ")):
            value = self._call(_TERM.findall(stage), dot, [value] if place else [])
        return value

    def _call(self, terms: list[str], dot: Any, piped: list[Any]) -> Any:
        name = terms[0]
        arguments = [self._term(one, dot) for one in terms[1:]] + piped
        match name:
            case "include":
                return "".join(self._run(list(self._defined[arguments[0]]), arguments[1])).strip("\n")
            case "toYaml":
                return yaml.safe_dump(arguments[0], allow_unicode=True, sort_keys=True).rstrip("\n")
            case "default":
                return arguments[1] or arguments[0]
            case "quote":
                return '"' + str(arguments[0]).replace("\\", "\\\\").replace('"', '\\"') + '"'
            case "nindent":
                return "\n" + "\n".join(" " * arguments[0] + line for line in arguments[1].split("\n"))
            case "not":
                return not arguments[0]
            case ".Files.Get":
                return (self._folder / arguments[0]).read_text("utf-8")
        assert not arguments, f"{name}: no function that is known here"
        return self._term(name, dot)

    def _term(self, term: str, dot: Any) -> Any:
        if term.startswith('"'):
            return term.strip('"')
        if term.isdecimal():
            return int(term)
        assert term.startswith("."), f"{term}: no term that is known here"
        for name in filter(None, term.split(".")):
            dot = dot[name]  # a name that values.yaml has not is a fault of the template
        return dot


def _split(text: str) -> Tokens:
    """Return texts and actions, in turn, trimmed as their hyphens say."""
    pieces = _ACTION.split(text)
    tokens: Tokens = [(False, pieces[0])]
    for opening, action, closing, after in zip(pieces[1::4], pieces[2::4], pieces[3::4], pieces[4::4], strict=True):
        if opening.endswith("-"):
            tokens[-1] = (False, tokens[-1][1].rstrip())
        tokens += [(True, action), (False, after.lstrip() if closing.startswith("-") else after)]
    return tokens


def _take(tokens: Tokens) -> tuple[Tokens, Tokens]:
    """Take the block that was opened, with its ``else``, out of the tokens."""
    blocks: tuple[Tokens, Tokens] = ([], [])
    depth, part = 1, 0
    while tokens:
        token = tokens.pop(0)
        word = token[1].partition(" ")[0] if token[0] else ""
        depth += (word in {"if", "with", "define"}) - (word == "end")
        if depth == 0:
            return blocks
        if word == "else" and depth == 1:
            part = 1
        else:
            blocks[part].append(token)
    raise AssertionError("a block does not end")
