"""What handlers find in the application and in a request, under typed keys."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from gateway.audit.alarms.watch import AlarmWatch
from gateway.audit.book.report import LogReports
from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import Receipt
from gateway.audit.witness.desk import WitnessDesk
from gateway.audit.witness.kept import KeptCosignatures
from gateway.audit.witness.rounds import WitnessRounds
from gateway.callers import Caller
from gateway.consent.store import AsyncConsents
from gateway.facade.desk import FacadeDesk
from gateway.holder.names import BundleNames
from gateway.holder.sign_in import SignedInHolder
from gateway.http.buffers import BodyBudget
from gateway.http.problems import ProblemError
from gateway.http.reading import Lanes
from gateway.http.refusal_limit import RefusalLimit
from gateway.http.verifier import DocumentVerifier
from gateway.metrics import Metrics
from gateway.policy.keeper import PolicyKeeper
from gateway.pseudonym_keys import PseudonymKeys
from gateway.recording import About
from gateway.sharing import Sharing
from gateway.site import Site
from gateway.sources.registry import Sources
from gateway.status.keeper import StatusKeeper
from gateway.status.source_keeper import SourceKeeper
from gateway.trust.keeper import TrustKeeper
from keys.trust import TrustStore

Clock = Callable[[], datetime]
Refuse = Callable[[ProblemError], web.Response]

SITE: Final = web.AppKey("site", Site)
CLOCK: Final[web.AppKey[Clock]] = web.AppKey("clock")
METRICS: Final = web.AppKey("metrics", Metrics)
VERIFIER: Final = web.AppKey("verifier", DocumentVerifier)
BUDGET: Final = web.AppKey("budget", BodyBudget)
OPENAPI: Final = web.AppKey("openapi", bytes)
DRAINING: Final = web.AppKey("draining", asyncio.Event)  # set when a stop was asked for

TRUST: Final = web.AppKey("trust", TrustKeeper)
STORE: Final[web.AppKey[Callable[[], TrustStore]]] = web.AppKey("store")  # the store in force when a question is asked
LICENCES: Final = web.AppKey("licences", Sources)  # the gateway's own store, and the systems that it asks
STATUS: Final[web.AppKey[StatusKeeper | None]] = web.AppKey("status")  # None: a site without a folder
SOURCES: Final[web.AppKey[SourceKeeper | None]] = web.AppKey("sources")  # likewise
RELOAD: Final[web.AppKey[Callable[[], None]]] = web.AppKey("reload")  # reads trust and sources again, changed or not

POLICY: Final = web.AppKey("policy", PolicyKeeper)
SHARING: Final = web.AppKey("sharing", Sharing)
CONSENTS: Final[web.AppKey[AsyncConsents | None]] = web.AppKey("consents")  # None: a site without a folder
CHANGES: Final[web.AppKey[set[asyncio.Task[Any]]]] = web.AppKey("changes")  # of consents, those under way
PSEUDONYMS: Final = web.AppKey("pseudonyms", PseudonymKeys)
NAMES: Final = web.AppKey("names", BundleNames)  # what policies call things, those before the one in force too

# Returns the watch over it, None: there are no rules, or another process watches
ALARMS: Final[web.AppKey[Callable[[], AlarmWatch | None]]] = web.AppKey("alarms")
LOG: Final[web.AppKey[SiteLog]] = web.AppKey("log")  # every answer is in it before it leaves
REFUSALS: Final = web.AppKey("refusals", RefusalLimit)
REPORTS: Final = web.AppKey("reports", LogReports)  # how it stands
LANES: Final = web.AppKey("lanes", Lanes)  # the threads that read it for requests

FACADES: Final[web.AppKey[FacadeDesk | None]] = web.AppKey("facades")  # None: the site has none

WITNESS: Final[web.AppKey[WitnessDesk | None]] = web.AppKey("witness")  # None: no log of others is witnessed
# What is known of the witnesses of our log: where they are asked, or where that is read; None: a log in memory alone
WITNESSES: Final[web.AppKey[WitnessRounds | KeptCosignatures | None]] = web.AppKey("witnesses")

NOW: Final = web.RequestKey("now", datetime)
ENDS_AT: Final = web.RequestKey("ends_at", float)  # when the request must be answered, on the clock of the event loop
REQUEST_ID: Final = web.RequestKey("request_id", str)
CALLER: Final = web.RequestKey("caller", Caller)
HOLDER: Final = web.RequestKey("holder", SignedInHolder)  # whom an identity provider vouches for; never in a log line
ISSUED_AT: Final = web.RequestKey("issued_at", int)  # when the caller's token was issued, in seconds since 1970
DECISION: Final = web.RequestKey("decision", str)  # made when something is to be logged
ABOUT: Final = web.RequestKey("about", About)  # whom and what a question is about, as far as it was read
SPEAKS: Final[web.RequestKey[Refuse]] = web.RequestKey("speaks")  # how this caller is refused, if not in our own form
LOGGED: Final = web.RequestKey("logged", bool)  # an entry of this request is in the log
# The entry on its way into the log, which arrives whether anybody waits for it or not
APPENDING: Final[web.RequestKey[asyncio.Future[Receipt]]] = web.RequestKey("appending")
OUTCOME: Final = web.RequestKey("outcome", str)  # for the request log
FAILURE: Final = web.RequestKey("failure", str)  # the same: why it was refused, one of our own words
