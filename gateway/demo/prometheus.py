"""The demo's Prometheus: it scrapes the gateway each second, and evaluates the rules that are shipped."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from gateway.demo.server import HOST, ProcessServer

NAME: Final = "prometheus"
DEPLOY: Final = (
    Path(__file__).resolve().parents[2] / "deploy"
)  # beside the packages, where the program was not installed
RULES: Final = DEPLOY / "prometheus" / "alerts.yaml"
SCRAPE_SECONDS: Final = 1
ASK_SECONDS: Final = 10.0
_JOB: Final = "tongban"  # the rule about a gateway that is down goes by it


class PrometheusError(Exception):
    """Prometheus gave no answer that can be used; the text says why, in its own words."""


def make_prometheus(folder: Path, port: int, gateway: str) -> ProcessServer | None:
    """Return its server, with all its files in ``folder``; None where it is not installed."""
    program = shutil.which("prometheus")
    if program is None:
        return None
    settings = folder / "prometheus.yml"
    settings.write_text(json.dumps(_describe(urlsplit(gateway).netloc)), encoding="utf-8")  # JSON is YAML
    command = (
        program,
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={HOST}:{port}",
        "--log.level=warn",
    )
    return ProcessServer(NAME, command, port=port, folder=folder)


def _describe(target: str) -> Mapping[str, Any]:
    """Return the settings: scrapes and evaluations each second, as a walk of minutes needs them."""
    every = f"{SCRAPE_SECONDS}s"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(RULES)] if RULES.exists() else [],
        "scrape_configs": [{"job_name": _JOB, "static_configs": [{"targets": [target]}]}],
    }


async def query(session: aiohttp.ClientSession, expression: str) -> list[dict[str, Any]]:
    """Return the series of an expression now: each with its labels (``metric``) and its ``value``.

    Raises:
        PrometheusError: it is away, or does not take the expression.

    """
    data = await _get(session, "/api/v1/query", {"query": expression})
    if data["resultType"] == "scalar":
        return [{"metric": {}, "value": data["result"]}]
    return list(data["result"])


async def read_alerts(session: aiohttp.ClientSession) -> list[dict[str, Any]]:
    """Return the alerts that are pending or firing.

    Raises:
        PrometheusError: it is away.

    """
    return list((await _get(session, "/api/v1/alerts", {}))["alerts"])


async def _get(session: aiohttp.ClientSession, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    try:
        async with session.get(path, params=parameters) as response:
            content = await response.json(content_type=None)
        if content["status"] != "success":
            raise PrometheusError(str(content.get("error", "")))
        return dict(content["data"])
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
        raise PrometheusError(str(error) or type(error).__name__) from error
