"""The table of docs/metrics.md from the program; ``python -m tests.support.metrics_page`` writes it anew.

Chinese is written by hand, in the page, and stays with its metric; a new one has none yet, and a test says so.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.metrics import MetricWrapperBase

from gateway.metrics import Metrics
from tests.support.cli import ROOT

PAGE: Final = ROOT / "docs" / "metrics.md"
_ROW: Final = re.compile(r"^\| `([a-z_]+)(?:\{[a-z,]+\})?` \| [a-z]+ \| .+ \| (.*) \|\n", re.MULTILINE)


def render(page: str) -> str:
    """Return the page with a row for each metric, in the order of the program."""
    first = _ROW.search(page)
    assert first is not None
    chinese = dict(_ROW.findall(page))
    return page[: first.start()] + "".join(_rows(chinese)) + _ROW.sub("", page[first.start() :])


def without_chinese(page: str) -> list[str]:
    """Return the metrics about which the page says nothing in Chinese."""
    return [name for name, text in _ROW.findall(page) if not re.search(r"[\u4e00-\u9fff]", text)]


def _rows(chinese: Mapping[str, str]) -> Iterator[str]:
    for one in Metrics()._registry._collector_to_names:
        assert isinstance(one, MetricWrapperBase)
        name = f"{one._name}_total" if one._type == "counter" else one._name
        labels = "{" + ",".join(one._labelnames) + "}" if one._labelnames else ""
        yield f"| `{name}{labels}` | {one._type} | {one._documentation} | {chinese.get(name, '')} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text("utf-8")), "utf-8")
