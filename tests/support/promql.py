"""What a PromQL expression names: metrics with their labels, and whether its brackets and quotes close."""

import re
from dataclasses import dataclass
from typing import Final

_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR: Final = re.compile(r"(?<![0-9.])([a-z_:][a-z0-9_:]*)\s*(?:\{([^}]*)\})?")
_LABEL: Final = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_DURATION: Final = re.compile(r"\[[^\]]*\]")
_WORDS: Final = frozenset({"and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"})
VARIABLES: Final = re.compile(r"\$__rate_interval|\$instance|\$\{?datasource\}?")  # of a dashboard


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric that an expression names, with the labels that it selects by."""

    metric: str
    labels: frozenset[str]


def check_closed(expression: str) -> None:
    """Fail where a bracket or a quote is left open, or closes nothing."""
    bare = _TEXT.sub('""', expression)
    assert bare.count('"') % 2 == 0, expression
    opened: list[str] = []
    for sign in bare:
        if sign in _PAIRS.values():
            opened.append(sign)
        elif sign in _PAIRS:
            assert opened, expression
            assert opened.pop() == _PAIRS[sign], expression
    assert not opened, expression


def read_selectors(expression: str) -> tuple[list[Selector], set[str]]:
    """Return the metrics that an expression names, and the labels that it groups by."""
    bare = _DURATION.sub("", _TEXT.sub('""', VARIABLES.sub("1m", expression)))
    groups = {label.strip() for found in _GROUPING.findall(bare) for label in found.split(",")} - {""}
    bare = _GROUPING.sub("", bare)
    selectors = [
        Selector(metric=found[1], labels=frozenset(_LABEL.findall(found[2] or "")))
        for found in _SELECTOR.finditer(bare)
        if found[1] not in _WORDS and bare[found.end() :].lstrip()[:1] != "("
    ]
    return selectors, groups
