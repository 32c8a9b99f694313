"""What operators and machines are told: the bodies of ``/healthz`` and ``/readyz``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.audit.unavailable import Unavailable
from gateway.audit.witness.client import WitnessFault
from gateway.audit.witness.report import WitnessOutlook
from gateway.limits.one_key import KeyState
from gateway.policy.activation import Standing, Validity
from gateway.reload.keeper import ReloadResult
from gateway.shared.fault import SharedFault
from gateway.shared.report import SharedState
from gateway.sources.store_watch import StoreState


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process answers."""

    healthy: bool


class ListReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trust list that was verified; its anchors count while it is in force."""

    name: str
    version: int
    issued: str
    expires: str
    in_force: bool


class HeldReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a trust list that changes so much that it waits for approval; shares of the one before it.

    ``loosens_signing``: fewer must sign the versions after it, or most of those who could sign are replaced.
    """

    name: str
    version: int
    in_force: int
    shrinkage: float
    growth: float
    loosens_signing: bool


class FindingReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wrong with one file of the trust folder, in Chinese and in English."""

    file: str
    zh: str
    en: str


class FailureReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the trust folder as it is now is not in force."""

    at: str
    findings: list[FindingReadiness]


class TrustReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The trust in force: its digest, since when, when the next part of it ends."""

    version: str
    loaded: str
    next_end: str | None
    lists: list[ListReadiness]
    held: list[HeldReadiness]
    failure: FailureReadiness | None


class StatusReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of revocation status: as of when it speaks, until when that may be used, and its last failure.

    Of several workers the one that asks the sources knows of failures; ``asks`` says whether it is this one.
    """

    source: str
    kind: str
    as_of: str | None
    usable_until: str | None
    asks: bool
    failures: int
    failure: str | None
    zh: str
    en: str


class InForceReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy that was put in force last; ``validity`` says whether it decides anything today.

    ``approvals``: how many people approved it; 0 where nobody had to.
    """

    bundle: str
    name: str
    version: str
    valid_from: str
    valid_to: str
    since: str | None
    approvals: int
    validity: Validity


class DraftReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy that is written in the site; ``needed`` is how many must approve it, 0 where nobody has to.

    ``approvals``: how many have.
    """

    bundle: str
    version: str
    standing: Standing
    approvals: int
    needed: int


class PolicyReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the sharing policy stands, and in words; without one in force every field is withheld."""

    in_force: InForceReadiness | None
    draft: DraftReadiness | None
    zh: str
    en: str
    failure: Annotated[
        FailureReadiness | None, Meta(description="Why the policy, as it is written now, cannot be used.")
    ]


class PseudonymReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether there is a key for pseudonyms; without one they are withheld."""

    configured: bool
    zh: str
    en: str


class OneWitnessReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A witness of our log: when it cosigned last, and why it did not the last time that it was asked."""

    name: str
    cosigned: str | None
    fault: WitnessFault | None


class WitnessReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether enough witnesses cosign the log, in a word and in sentences; answers do not wait for them.

    ``size`` is how many entries a quorum has seen, as of ``as_of``; ``since`` when it is stale, or the log frozen.
    """

    outlook: WitnessOutlook
    size: int | None
    as_of: str | None
    since: str | None
    witnesses: list[OneWitnessReadiness]
    zh: str
    en: str


class LogReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The access log: the shard that is written and its entries; ``stopped``: why it takes nothing, null while it does.

    While it takes nothing, nothing is answered, and the gateway is not ready.
    """

    shard: str | None
    size: int
    stopped: Unavailable | None
    zh: str
    en: str


class NotJudged(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What rules of alarms lack: a year of the working ``calendar``, or a bundle of the ``policy`` archive."""

    what: str
    which: str


class AlarmReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the rules of alarms keep up with the log; nothing here follows from what they find.

    ``evaluated``: when the last entry was written that they saw; ``waiting``: entries that were handed over and not
    seen; ``behind``: others wait in the log; ``failing``: the last attempt to read or write the log did not work.
    """

    evaluated: str | None
    waiting: int
    behind: bool
    failing: bool
    not_judged: list[NotJudged]
    zh: str
    en: str


class OutageReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which a system is not asked, as its operator announced it, and why."""

    since: str
    until: str
    zh: str
    en: str


class SystemReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another system that is asked for licences: how it answered last in this process, and when; null: not asked yet.

    ``under_way``: questions that wait for it. ``unseen_at``: when a status code last came that the mapping does not
    name; null: none did since the start. Nothing here makes the gateway unready.
    """

    system: str
    mapping: Annotated[str, Meta(description="The digest of the mapping file that reads its answers.")]
    answered: Annotated[str | None, Meta(description="A word of the metric tongban_system_questions_total.")]
    at: str | None
    under_way: int
    unseen_at: str | None
    breaker: Annotated[
        Literal["closed", "half-open", "open"],
        Meta(description="open: it is left alone, for it did not answer; half-open: one question tries it."),
    ]
    outage: Annotated[OutageReadiness | None, Meta(description="The announced one of now, or else the next one.")]


class StoreReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the gateway's own store of licences answered last in this process, and since when; it makes nothing unready.

    Whatever cannot be answered without it is refused, or unknown.
    """

    state: Annotated[
        StoreState,
        Meta(description="answers; not-asked: nobody needed it yet; absent: there is none; else why it cannot say."),
    ]
    since: Annotated[str | None, Meta(description="Since when it says so; null: it was not asked.")]
    zh: str
    en: str


class RedisReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the shared Redis stands in this process, since when, and how many of its servers answer.

    While it is away every process does without: nothing here makes the gateway unready.
    """

    state: SharedState
    since: Annotated[str | None, Meta(description="Null before it was asked, and where there is none.")]
    nodes: int
    up: int
    fault: Annotated[
        SharedFault | None, Meta(description="Why one that is away did not answer the last time that it was asked.")
    ]
    key: Annotated[
        KeyState | None,
        Meta(
            description="Whether others count there under the key of this gateway; if not, or while that is unknown, "
            "nothing that works once is used. Null where there is no Redis."
        ),
    ]
    zh: str
    en: str


class SiteReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the site folder, as it is now, is in force in this process.

    ``since``: from when on what is in force is. ``failed_at``: since when the folder has faults, which are counted and
    not shown; ``tongban reload`` shows them.
    """

    state: Annotated[
        ReloadResult, Meta(description="needs-restart: all but what is built into the process; failed: nothing new.")
    ]
    since: str
    failed_at: str | None
    faults: int
    zh: str
    en: str


class Readiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gateway works with; ``anchors`` by purpose."""

    ready: bool
    anchors: dict[str, int]
    revocation_lists: int
    callers: int
    trust: TrustReadiness
    status: list[StatusReadiness]
    status_failure: Annotated[
        FailureReadiness | None, Meta(description="Why the folder of sources, as it is now, is not in force.")
    ]
    policy: PolicyReadiness
    pseudonyms: PseudonymReadiness
    site: SiteReadiness
    log: LogReadiness
    store: Annotated[StoreReadiness | None, Meta(description="Null for a gateway without a store of its own.")]
    systems: list[SystemReadiness]
    redis: RedisReadiness
    witnesses: Annotated[
        WitnessReadiness | None, Meta(description="Of the access log; null where the log is in memory alone.")
    ]
    alarms: Annotated[
        AlarmReadiness | None,
        Meta(description="Null without rules, and in processes that do not write the log: another one watches it."),
    ]
