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
from gateway.cache.verdicts import VerdictCache
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
from gateway.known_tokens import KnownTokens
from gateway.limits.marks import MarkStore
from gateway.limits.one_key import OneKey
from gateway.limits.pressure import Pressure
from gateway.limits.store import LimitStore
from gateway.metrics import Metrics
from gateway.policy.keeper import PolicyKeeper
from gateway.presentations.desk import PresentationDesk
from gateway.pseudonym_keys import PseudonymKeys
from gateway.recording import About
from gateway.reload.keeper import SiteKeeper
from gateway.shared.connection import SharedRedis
from gateway.sharing import Sharing
from gateway.site import Site
from gateway.sources.registry import Sources
from gateway.status.keeper import StatusKeeper
from gateway.status.source_keeper import SourceKeeper
from gateway.telemetry.recorder import Recorder
from gateway.trust.keeper import TrustKeeper
from keys.trust import TrustStore

Clock = Callable[[], datetime]
Refuse = Callable[[ProblemError], web.Response]

SITES: Final = web.AppKey("sites", SiteKeeper)  # the site in force, with its sources and façades
CLOCK: Final[web.AppKey[Clock]] = web.AppKey("clock")
METRICS: Final = web.AppKey("metrics", Metrics)
VERIFIER: Final = web.AppKey("verifier", DocumentVerifier)
VERDICTS: Final[web.AppKey[VerdictCache | None]] = web.AppKey("verdicts")  # None: the site wants none kept
SHARED: Final[web.AppKey[SharedRedis | None]] = web.AppKey("shared")  # None: the site has no Redis
BUDGET: Final = web.AppKey("budget", BodyBudget)
OPENAPI: Final = web.AppKey("openapi", bytes)
DRAINING: Final = web.AppKey("draining", asyncio.Event)  # set when a stop was asked for
LEAVING: Final = web.AppKey("leaving", asyncio.Event)  # set then, and when another process takes the place of this one

TRUST: Final = web.AppKey("trust", TrustKeeper)
STORE: Final[web.AppKey[Callable[[], TrustStore]]] = web.AppKey("store")  # the store in force when a question is asked
STATUS: Final[web.AppKey[StatusKeeper | None]] = web.AppKey("status")  # None: a site without a folder
SOURCES: Final[web.AppKey[SourceKeeper | None]] = web.AppKey("sources")  # likewise
RELOAD: Final[web.AppKey[Callable[[], None]]] = web.AppKey("reload")  # reads what can be read again now, changed or not

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
TOKENS: Final = web.AppKey("tokens", KnownTokens)
LIMITS: Final[web.AppKey[LimitStore]] = web.AppKey("limits")  # how much each caller asks
MARKS: Final[web.AppKey[MarkStore]] = web.AppKey("marks")  # what may be used once
ONE_KEY: Final[web.AppKey[OneKey | None]] = web.AppKey("one_key")  # of what is counted in Redis; None: nothing is
PRESENTATIONS: Final = web.AppKey("presentations", PresentationDesk)  # codes by which holders show licences
PRESSURE: Final = web.AppKey("pressure", Pressure)
RECORDER: Final[web.AppKey[Recorder | None]] = web.AppKey("recorder")  # None: nothing is traced
REPORTS: Final = web.AppKey("reports", LogReports)  # how it stands
LANES: Final = web.AppKey("lanes", Lanes)  # the threads that read it for requests

WITNESS: Final[web.AppKey[WitnessDesk | None]] = web.AppKey("witness")  # None: no log of others is witnessed
# What is known of the witnesses of our log: where they are asked, or where that is read; None: a log in memory alone
WITNESSES: Final[web.AppKey[WitnessRounds | KeptCosignatures | None]] = web.AppKey("witnesses")

# The site that was in force when a request began: it is answered by that, whatever is put in force meanwhile.
SITE: Final = web.RequestKey("site", Site)
LICENCES: Final = web.RequestKey("licences", Sources)  # the gateway's own store, and the systems that it asks
FACADES: Final[web.RequestKey[FacadeDesk | None]] = web.RequestKey("facades")  # None: the site has none
NOW: Final = web.RequestKey("now", datetime)
ENDS_AT: Final = web.RequestKey("ends_at", float)  # when the request must be answered, on the clock of the event loop
REQUEST_ID: Final = web.RequestKey("request_id", str)
CALLER: Final = web.RequestKey("caller", Caller)
HOLDER: Final = web.RequestKey("holder", SignedInHolder)  # whom an identity provider vouches for; never in a log line
ISSUED_AT: Final = web.RequestKey("issued_at", int)  # when the caller's token was issued, in seconds since 1970
DECISION: Final = web.RequestKey("decision", str)  # made when something is to be logged
ABOUT: Final = web.RequestKey("about", About)  # whom and what a question is about, as far as it was read
SPEAKS: Final[web.RequestKey[Refuse]] = web.RequestKey("speaks")  # how this caller is refused, if not in our own form
BEGUN: Final = web.RequestKey("begun", bool)  # a part of the answer has left
LOGGED: Final = web.RequestKey("logged", bool)  # an entry of this request is in the log
# The entry on its way into the log, which arrives whether anybody waits for it or not
APPENDING: Final[web.RequestKey[asyncio.Future[Receipt]]] = web.RequestKey("appending")
OUTCOME: Final = web.RequestKey("outcome", str)  # for the request log
SOURCE: Final = web.RequestKey("source", str)  # the same: whose word on the licence counted
FAILURE: Final = web.RequestKey("failure", str)  # the same: why it was refused, one of our own words
