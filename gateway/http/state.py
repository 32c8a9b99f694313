"""What handlers find in the application and in a request, under typed keys."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.callers import Caller
from gateway.http.buffers import BodyBudget
from gateway.http.verifier import DocumentVerifier
from gateway.metrics import Metrics
from gateway.site import Site

Clock = Callable[[], datetime]

SITE: Final = web.AppKey("site", Site)
CLOCK: Final[web.AppKey[Clock]] = web.AppKey("clock")
METRICS: Final = web.AppKey("metrics", Metrics)
VERIFIER: Final = web.AppKey("verifier", DocumentVerifier)
BUDGET: Final = web.AppKey("budget", BodyBudget)
OPENAPI: Final = web.AppKey("openapi", bytes)

NOW: Final = web.RequestKey("now", datetime)
REQUEST_ID: Final = web.RequestKey("request_id", str)
CALLER: Final = web.RequestKey("caller", Caller)
OUTCOME: Final = web.RequestKey("outcome", str)  # for the request log
FAILURE: Final = web.RequestKey("failure", str)  # the same: why it was refused, one of our own words
