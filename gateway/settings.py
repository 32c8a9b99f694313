"""The settings of one gateway, from ``tongban.toml``: frozen values, each with its bounds and unit."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.audit.book.settings import STATE_PATTERN, AuditSettings, parse_audit
from gateway.cache.settings import CacheSettings, parse_cache
from gateway.credential.settings import CredentialSettings, parse_credentials
from gateway.facade.settings import FacadeSettings, parse_facades
from gateway.limits.settings import CallerLimits, SheddingSettings, parse_limits, parse_shedding
from gateway.second_opinion import SecondOpinionSettings, parse_second_opinion
from gateway.shared.settings import RedisSettings, parse_redis
from gateway.telemetry.settings import TelemetrySettings, parse_telemetry
from gateway.toml_table import TomlTable, Words

KIB: Final = 1024
MIB: Final = 1024 * KIB

BODY_SLACK_BYTES: Final = 64 * KIB  # JSON around the document: purpose, operator, field names, white space

REGION_PATTERN: Final = r"[0-9]{6}"  # GB/T 2260, six digits
_STATE_FILE: Final = Words("state/ 下的文件，或绝对路径", "a file below state/, or an absolute path")
_AUDIENCE_PATTERN: Final = r"[!-~]{1,255}"  # a URI in practice; RFC 7519 section 4.1.3 compares it exactly


class ReloadMode(StrEnum):
    """When a site that was changed is read again; on a signal and for ``tongban reload`` it is in any case."""

    WATCH = "watch"  # as soon as a change has come to rest
    SIGNAL = "signal"  # not before somebody says so


def charged_bytes(body_bytes: int) -> int:
    """Return what a body takes of the memory for all bodies: itself, and the document that is decoded from it.

    By sizes that is 1.75 times the body; measured, the process grows by 1.84 times for one of the largest bodies and
    by 2.36 times for each of four at once (docs/performance.md), for buffers grow in steps. So: 2.5 times.
    """
    return -(-body_bytes * 5 // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """How much a caller may send, how slowly, and how much work goes on at once; the defaults fit two cores."""

    max_document_bytes: int = 20 * MIB  # the same bound as the document readers have
    body_timeout_seconds: float = 30.0  # the whole body; 28 MB at 1 MB/s arrive in time
    body_idle_timeout_seconds: float = 10.0  # between two pieces of a body
    request_timeout_seconds: float = 60.0  # everything from the first header to the answer
    batch_timeout_seconds: float = 300.0  # the same for a batch, whose lines have a request's time each
    keepalive_timeout_seconds: float = 75.0  # longer than the 60 s of usual reverse proxies; also bounds slow headers
    lingering_seconds: float = 3.0  # how long the rest of a refused body is read and dropped before closing
    inline_document_bytes: int = 256 * KIB  # larger documents are verified off the event loop (style rule 21)
    verification_threads: int = 2  # how many are verified off the loop at once
    max_waiting_verifications: int = 64  # how many more may wait for a thread before callers are told to come back
    max_buffered_bytes: int = 256 * MIB  # all bodies being received or worked on, each 2.5 times its size

    @property
    def max_body_bytes(self) -> int:
        """Base64 of the largest document, and the JSON around it."""
        return (self.max_document_bytes + 2) // 3 * 4 + BODY_SLACK_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSettings:
    """How much a trust list may change without approval, as a share of its entries, and how often to look."""

    max_change: float = 0.2
    poll_seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where the gateway's own licences are kept; paths are below the site folder, or absolute.

    ``database`` is a secret file with the address of a PostgreSQL database in place of the SQLite file; "": there is
    none.
    """

    file: str = "state/licences.sqlite"
    database: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesSettings:
    """How long other systems may take over one question together, and how many questions one of them gets at once.

    ``waiting`` more wait for their turn; whoever comes then is told that the system cannot be asked. A question is
    asked again ``retries`` times at most. ``kept_mib`` bounds the answers that are kept of all systems; 0: none is.
    """

    deadline_seconds: float = 10.0  # two systems, one after the other, of which one does not answer
    concurrency: int = 8  # limits of a minute are easily reached
    waiting: int = 64  # at half a second for an answer, the last one waits four
    retries: int = 1  # a connection that is refused, or "come later": more is what overloads whoever is overloaded
    kept_mib: int = 32  # some hundred answers with a document


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """How many people approve a policy that widens, how often to look at it.

    Fewer than two approvals cannot be set: what one person can switch off protects nobody.
    ``pseudonym_key`` is the file of the master key of pseudonyms, below the site folder or absolute; "": there is none.
    Another ``pseudonym_epoch`` gives everybody other pseudonyms. No question that compares is answered before
    ``match_floor_milliseconds``, so that "no" and "nobody" take the same time.
    """

    approvals: int = 2
    poll_seconds: float = 1.0
    pseudonym_key: str = ""
    pseudonym_epoch: int = 1
    match_floor_milliseconds: int = 50  # a usual document takes 1 to 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who this gateway is and how it serves; ``audience`` is what callers put into ``aud`` of their tokens."""

    name: str
    name_zh: str
    region: str
    audience: str
    reload: ReloadMode = ReloadMode.WATCH
    http: HttpSettings = field(default_factory=HttpSettings)
    limits: CallerLimits = field(default_factory=CallerLimits)
    shedding: SheddingSettings = field(default_factory=SheddingSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    second_opinion: SecondOpinionSettings = field(default_factory=SecondOpinionSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    sources: SourcesSettings = field(default_factory=SourcesSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    facades: tuple[FacadeSettings, ...] = ()
    credentials: CredentialSettings = field(default_factory=CredentialSettings)


def parse_settings(table: TomlTable) -> Settings:
    """Read the settings; whatever is missing, unknown or out of bounds is noted in the table's faults."""
    gateway = table.table("gateway")
    settings = Settings(
        name=gateway.text("name"),
        name_zh=gateway.text("name_zh"),
        region=gateway.text(
            "region",
            pattern=REGION_PATTERN,
            expected=Words("六位行政区划代码，例如 370000", "the six digits of a region, such as 370000"),
        ),
        audience=gateway.text(
            "audience",
            pattern=_AUDIENCE_PATTERN,
            expected=Words("标识本网关的 URI，不含空格", "a URI that names this gateway, without spaces"),
        ),
        reload=(gateway.choice("reload", ReloadMode) if gateway.has("reload") else None) or ReloadMode.WATCH,
        http=_parse_http(table.table("http")),
        limits=parse_limits(table.table("limits")),
        shedding=parse_shedding(table.table("shedding")),
        trust=_parse_trust(table.table("trust")),
        second_opinion=parse_second_opinion(table.table("second_opinion")),
        store=_parse_store(table.table("store")),
        sources=_parse_sources(table.table("sources")),
        policy=_parse_policy(table.table("policy")),
        audit=parse_audit(table.table("audit")),
        cache=parse_cache(table.table("cache")),
        redis=parse_redis(table.table("redis")),
        telemetry=parse_telemetry(table.table("telemetry")),
        facades=parse_facades(table),
        credentials=parse_credentials(table.table("credentials")),
    )
    gateway.finish()
    table.finish()
    return settings


def _parse_trust(table: TomlTable) -> TrustSettings:
    usual = TrustSettings()
    trust = TrustSettings(
        max_change=table.share("max_change", default=usual.max_change),
        poll_seconds=table.seconds("poll_seconds", default=usual.poll_seconds, low=0.1, high=60),
    )
    table.finish()
    return trust


def _parse_policy(table: TomlTable) -> PolicySettings:
    usual = PolicySettings()
    policy = PolicySettings(
        approvals=table.integer("approvals", default=usual.approvals, low=2, high=10),
        poll_seconds=table.seconds("poll_seconds", default=usual.poll_seconds, low=0.1, high=60),
        pseudonym_key=table.text(
            "pseudonym_key", default=usual.pseudonym_key, pattern=STATE_PATTERN, expected=_STATE_FILE
        ),
        pseudonym_epoch=table.integer("pseudonym_epoch", default=usual.pseudonym_epoch, low=0, high=1_000_000),
        match_floor_milliseconds=table.integer(
            "match_floor_milliseconds", default=usual.match_floor_milliseconds, low=0, high=10_000
        ),
    )
    table.finish()
    return policy


def _parse_store(table: TomlTable) -> StoreSettings:
    store = StoreSettings(
        file=table.text("file", default=StoreSettings().file, pattern=STATE_PATTERN, expected=_STATE_FILE),
        database=table.text("database", default="", pattern=STATE_PATTERN, expected=_STATE_FILE),
    )
    table.finish()
    return store


def _parse_sources(table: TomlTable) -> SourcesSettings:
    usual = SourcesSettings()
    sources = SourcesSettings(
        deadline_seconds=table.seconds("deadline_seconds", default=usual.deadline_seconds, low=0.1, high=60),
        concurrency=table.integer("concurrency", default=usual.concurrency, low=1, high=64),
        waiting=table.integer("waiting", default=usual.waiting, low=0, high=10_000),
        retries=table.integer("retries", default=usual.retries, low=0, high=3),
        kept_mib=table.integer("kept_mib", default=usual.kept_mib, low=0, high=4096),
    )
    table.finish()
    return sources


def _parse_http(table: TomlTable) -> HttpSettings:
    usual = HttpSettings()
    http = HttpSettings(
        max_document_bytes=table.integer(
            "max_document_bytes", default=usual.max_document_bytes, low=KIB, high=20 * MIB
        ),
        body_timeout_seconds=table.seconds(
            "body_timeout_seconds", default=usual.body_timeout_seconds, low=0.1, high=600
        ),
        body_idle_timeout_seconds=table.seconds(
            "body_idle_timeout_seconds", default=usual.body_idle_timeout_seconds, low=0.1, high=60
        ),
        request_timeout_seconds=table.seconds(
            "request_timeout_seconds", default=usual.request_timeout_seconds, low=0.1, high=600
        ),
        batch_timeout_seconds=table.seconds(
            "batch_timeout_seconds", default=usual.batch_timeout_seconds, low=1, high=3600
        ),
        keepalive_timeout_seconds=table.seconds(
            "keepalive_timeout_seconds", default=usual.keepalive_timeout_seconds, low=1, high=3600
        ),
        lingering_seconds=table.seconds("lingering_seconds", default=usual.lingering_seconds, low=0.1, high=30),
        inline_document_bytes=table.integer(
            "inline_document_bytes", default=usual.inline_document_bytes, low=0, high=MIB
        ),
        verification_threads=table.integer("verification_threads", default=usual.verification_threads, low=1, high=256),
        max_waiting_verifications=table.integer(
            "max_waiting_verifications", default=usual.max_waiting_verifications, low=0, high=100_000
        ),
        max_buffered_bytes=table.integer(
            "max_buffered_bytes", default=usual.max_buffered_bytes, low=MIB, high=1024 * 1024 * MIB
        ),
    )
    needed = charged_bytes(http.max_body_bytes)
    if http.max_buffered_bytes < needed:
        zh = f"至少可容纳一个最大请求（{needed} 字节）"
        en = f"room for at least one largest body with its decoded copy ({needed} bytes)"
        table.fault("max_buffered_bytes", expected=Words(zh, en), found=str(http.max_buffered_bytes))
    table.finish()
    return http
