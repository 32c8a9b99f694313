"""What handlers find in the application and in a request, under typed keys."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.audit.log import AccessLog
from gateway.callers import Caller
from gateway.consent.store import AsyncConsents
from gateway.http.buffers import BodyBudget
from gateway.http.verifier import DocumentVerifier
from gateway.metrics import Metrics
from gateway.policy.keeper import PolicyKeeper
from gateway.policy.record import DecisionSink
from gateway.pseudonym_keys import PseudonymKeys
from gateway.sharing import Sharing
from gateway.site import Site
from gateway.sources.source import LicenceSource
from gateway.status.keeper import StatusKeeper
from gateway.status.source_keeper import SourceKeeper
from gateway.trust.keeper import TrustKeeper
from keys.trust import TrustStore

Clock = Callable[[], datetime]

SITE: Final = web.AppKey("site", Site)
CLOCK: Final[web.AppKey[Clock]] = web.AppKey("clock")
METRICS: Final = web.AppKey("metrics", Metrics)
VERIFIER: Final = web.AppKey("verifier", DocumentVerifier)
BUDGET: Final = web.AppKey("budget", BodyBudget)
OPENAPI: Final = web.AppKey("openapi", bytes)
DRAINING: Final = web.AppKey("draining", asyncio.Event)  # set when a stop was asked for

TRUST: Final = web.AppKey("trust", TrustKeeper)
STORE: Final[web.AppKey[Callable[[], TrustStore]]] = web.AppKey("store")  # the store in force when a question is asked
LICENCES: Final[web.AppKey[LicenceSource | None]] = web.AppKey("licences")  # None: a site without a folder
STATUS: Final[web.AppKey[StatusKeeper | None]] = web.AppKey("status")  # None: a site without a folder
SOURCES: Final[web.AppKey[SourceKeeper | None]] = web.AppKey("sources")  # likewise
RELOAD: Final[web.AppKey[Callable[[], None]]] = web.AppKey("reload")  # reads trust and sources again, changed or not

POLICY: Final = web.AppKey("policy", PolicyKeeper)
DECISIONS: Final[web.AppKey[DecisionSink]] = web.AppKey("decisions")  # where decisions are recorded before they leave
SHARING: Final = web.AppKey("sharing", Sharing)
CONSENTS: Final[web.AppKey[AsyncConsents | None]] = web.AppKey("consents")  # None: a site without a folder
PSEUDONYMS: Final = web.AppKey("pseudonyms", PseudonymKeys)

LOG: Final[web.AppKey[AccessLog | None]] = web.AppKey("log")  # None: a gateway without an access log

NOW: Final = web.RequestKey("now", datetime)
REQUEST_ID: Final = web.RequestKey("request_id", str)
CALLER: Final = web.RequestKey("caller", Caller)
OUTCOME: Final = web.RequestKey("outcome", str)  # for the request log
FAILURE: Final = web.RequestKey("failure", str)  # the same: why it was refused, one of our own words
