"""What the dashboard and the alerts say now: the panels of deploy/grafana, evaluated by the demo's Prometheus.

Where there is none, /readyz and /metrics say the same in other words.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from gateway.demo.prometheus import ASK_SECONDS, DEPLOY, PrometheusError, query, read_alerts

DASHBOARD: Final = DEPLOY / "grafana" / "tongban.json"
# What Grafana puts in place of its variables; a walk asks seldom, so rates are those of a minute.
VARIABLES: Final = {"$__rate_interval": "1m", "$instance": ".*"}
_LABEL: Final = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_LEFT_OUT: Final = ("_bucket", "_created", "_sum", "_count")  # a histogram says nothing without a calculation


class Series(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a panel; ``value`` None: it cannot be calculated (nothing divided by nothing)."""

    legend: str
    value: float | None


class Panel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A panel, or a metric where there is no Prometheus; without series there is nothing to show."""

    title: str
    unit: str
    series: list[Series]


class AlertNow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alert: ``pending`` until its condition has held for long enough, then ``firing``; and since when."""

    name: str
    state: str
    since: str
    severity: str
    zh: str
    en: str


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of /readyz."""

    name: str
    state: str
    zh: str = ""
    en: str = ""


class Board(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is shown; ``source`` is prometheus or gateway, ``why`` why it is not the former.

    ``ready`` is what /readyz says of the parts that may be away: each with a word, and sentences.
    """

    source: str
    why: str = ""
    alerts: list[AlertNow] = []
    ready: list[Part] = []
    panels: list[Panel] = []


async def read_board(gateway: str, prometheus: str | None) -> Board:
    """Return the board: by Prometheus where it is and answers, else by what the gateway says itself."""
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
    async with aiohttp.ClientSession(gateway, timeout=timeout) as session:
        ready = await read_ready(session)
        if prometheus is not None and DASHBOARD.exists():
            try:
                async with aiohttp.ClientSession(prometheus, timeout=timeout) as watching:
                    alerts, panels = await _read_alerts(watching), await read_panels(watching)
                return Board(source="prometheus", alerts=alerts, ready=ready, panels=panels)
            except PrometheusError as error:
                why = str(error)
        else:
            why = ""
        return Board(source="gateway", why=why, ready=ready, panels=await _read_metrics(session))


async def read_panels(session: aiohttp.ClientSession) -> list[Panel]:
    """Return every panel of the dashboard with what its expressions say now.

    Raises:
        PrometheusError: it is away, or does not take an expression.

    """
    panels = []
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        if panel["type"] == "row":
            continue
        series = [
            Series(legend=_spell(target["legendFormat"], one["metric"]), value=_number(one["value"][1]))
            for target in panel["targets"]
            for one in await query(session, fill_in(target["expr"]))
        ]
        panels.append(Panel(title=panel["title"], unit=panel["fieldConfig"]["defaults"]["unit"], series=series))
    return panels


def fill_in(expression: str) -> str:
    """Return an expression of the dashboard with values in place of Grafana's variables."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


async def read_ready(session: aiohttp.ClientSession) -> list[Part]:
    """Return what /readyz says of the whole and of what may be away; one line where it does not answer."""
    try:
        async with session.get("/readyz") as response:
            content = await response.json(content_type=None)
        return list(_parts(content))
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
        return [Part(name="ready", state=type(error).__name__)]


def _parts(content: dict[str, Any]) -> Iterator[Part]:
    yield Part(name="ready", state=str(content["ready"]).lower())
    log, redis = content["log"], content["redis"]
    yield Part(name="log", state=log["stopped"] or "written", zh=log["zh"], en=log["en"])
    fault = f" ({redis['fault']})" if redis["fault"] else ""
    yield Part(name="redis", state=redis["state"] + fault, zh=redis["zh"], en=redis["en"])
    store = content["store"]
    if store is not None:
        yield Part(name="store", state=store["state"], zh=store["zh"], en=store["en"])
    for one in content["systems"]:
        yield Part(name=f"system:{one['system']}", state=f"{one['answered'] or '-'}, breaker {one['breaker']}")


async def _read_alerts(session: aiohttp.ClientSession) -> list[AlertNow]:
    return [
        AlertNow(
            name=one["labels"]["alertname"],
            state=one["state"],
            since=one["activeAt"][:19] + "Z",
            severity=one["labels"].get("severity", ""),
            zh=one["annotations"].get("summary_zh", ""),
            en=one["annotations"].get("summary", ""),
        )
        for one in await read_alerts(session)
    ]


async def _read_metrics(session: aiohttp.ClientSession) -> list[Panel]:
    """Return the metrics that the dashboard names and that are not 0, each as a panel; none where nobody answers."""
    try:
        async with session.get("/metrics") as response:
            text = await response.text()
    except (aiohttp.ClientError, TimeoutError):
        return []
    panels = []
    for family in text_string_to_metric_families(text):
        series = [
            Series(legend=", ".join(f"{name} {value}" for name, value in sorted(one.labels.items())), value=one.value)
            for one in family.samples
            if one.value and not one.name.endswith(_LEFT_OUT) and one.name.startswith(("gateway_", "tongban_"))
        ]
        if series:
            panels.append(Panel(title=family.name, unit="", series=series))
    return panels


def _spell(legend: str, labels: dict[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend).strip()


def _number(text: str) -> float | None:
    value = float(text)
    return None if value != value else value  # noqa: PLR0124 - NaN is no JSON
