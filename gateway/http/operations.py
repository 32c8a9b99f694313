"""What operators and machines ask: is it up, is it ready, how does it do, what can be asked."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web
from keys.trust import Purpose

from gateway.http.state import METRICS, NOW, OPENAPI, SITE
from gateway.metrics import METRICS_CONTENT_TYPE
from gateway.site import Site


async def get_health(_: web.Request) -> web.Response:
    """Say that the process answers."""
    return _json({"healthy": True})


async def get_readiness(request: web.Request) -> web.Response:
    """Say what the gateway works with; without anchors it works, and every chain is unknown."""
    site = request.app[SITE]
    content = {
        "ready": True,
        "anchors": count_anchors(site),
        "revocation_lists": len(site.trust.revocation_lists),
        "callers": site.callers.count_active(request[NOW]),
    }
    return _json(content)


async def get_metrics(request: web.Request) -> web.Response:
    """Return the metrics as Prometheus reads them."""
    metrics = request.app[METRICS]
    text = await asyncio.to_thread(metrics.expose) if metrics.is_shared else metrics.expose()
    return web.Response(body=text, headers={"Content-Type": METRICS_CONTENT_TYPE})


async def get_openapi(request: web.Request) -> web.Response:
    """Return the description of this interface."""
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


def count_anchors(site: Site) -> dict[str, int]:
    """Return for each purpose how many certificates are trusted for it."""
    return {purpose.value: sum(purpose in anchor.purposes for anchor in site.trust.anchors) for purpose in Purpose}


def _json(content: dict[str, Any]) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
