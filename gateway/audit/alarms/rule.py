"""Rules: which kinds there are, what each can be told, and one rule as a site writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.audit.alarms.words import Severity
from gateway.toml_table import Words

MAX_RULES: Final = 64  # of one site; each is a label of a metric
MAX_NAMED: Final = 200  # callers or items that one rule is held to
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000


class RuleKind(StrEnum):
    """What a rule looks for."""

    BURST = "burst"
    NEW_OFFICIALS = "new-officials"
    OFF_HOURS = "off-hours"
    NO_CASE = "no-case"
    CASE_MANY_SUBJECTS = "case-many-subjects"
    SAME_OFFICIAL_SUBJECT = "same-official-subject"
    ENUMERATION = "enumeration"
    NO_MATCH = "no-match"
    PLAIN_WHERE_MASKED = "plain-where-masked"
    WIDENING_THEN_TRAFFIC = "widening-then-traffic"
    DORMANT_ACCOUNT = "dormant-account"
    DUPLICATE_REQUEST = "duplicate-request"
    CLOCK_SKEW = "clock-skew"
    VOLUME = "volume"
    PROTECTED_PERSON = "protected-person"
    DECOY_LICENCE = "decoy-licence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A whole number that a rule of some kind can be told: its bounds, and what stands for silence."""

    low: int
    high: int
    default: int


# Every window ends within a quarter of a year: so much of the log is read again at the start, at most.
_MINUTES: Final = Parameter(low=1, high=1_440, default=10)
_DAYS: Final = Parameter(low=1, high=92, default=30)

MOST_SKEW: Final = 30  # seconds; a token from further ahead is refused, and so in no entry (`gateway.tokens.LEEWAY`)

# What a rule of each kind can be told. Counts have bounds because a window keeps that many entries for each key.
PARAMETERS: Final[Mapping[RuleKind, Mapping[str, Parameter]]] = MappingProxyType(
    {
        RuleKind.BURST: {"subjects": Parameter(low=1, high=200, default=30), "minutes": _MINUTES},
        RuleKind.NEW_OFFICIALS: {
            "officials": Parameter(low=1, high=200, default=20),
            "minutes": Parameter(low=1, high=1_440, default=60),
            "days": _DAYS,
        },
        RuleKind.OFF_HOURS: {"entries": Parameter(low=1, high=200, default=3)},
        RuleKind.NO_CASE: {},
        RuleKind.CASE_MANY_SUBJECTS: {"subjects": Parameter(low=1, high=200, default=10), "days": _DAYS},
        RuleKind.SAME_OFFICIAL_SUBJECT: {"times": Parameter(low=2, high=100, default=5), "days": _DAYS},
        RuleKind.ENUMERATION: {
            "numbers": Parameter(low=3, high=100, default=8),
            "step": Parameter(low=1, high=1_000, default=3),
            "minutes": Parameter(low=1, high=1_440, default=60),
        },
        RuleKind.NO_MATCH: {
            "misses": Parameter(low=2, high=200, default=12),
            "questions": Parameter(low=2, high=200, default=20),
            "total": Parameter(low=2, high=200, default=60),
            "minutes": Parameter(low=1, high=1_440, default=60),
        },
        RuleKind.PLAIN_WHERE_MASKED: {},
        RuleKind.WIDENING_THEN_TRAFFIC: {"days": Parameter(low=1, high=92, default=7)},
        RuleKind.DORMANT_ACCOUNT: {"days": _DAYS},
        RuleKind.DUPLICATE_REQUEST: {"minutes": Parameter(low=1, high=1_440, default=60)},
        RuleKind.CLOCK_SKEW: {"seconds": Parameter(low=1, high=MOST_SKEW, default=20)},
        RuleKind.VOLUME: {
            "weeks": Parameter(low=2, high=8, default=4),
            "times": Parameter(low=2, high=100, default=3),
            "least": Parameter(low=1, high=1_000_000, default=200),
            "ceiling": Parameter(low=1, high=1_000_000, default=1_000),
        },
        RuleKind.PROTECTED_PERSON: {},
        RuleKind.DECOY_LICENCE: {},
    }
)
QUIET_DAYS: Final = Parameter(low=1, high=92, default=1)
LISTED: Final = frozenset({RuleKind.PROTECTED_PERSON, RuleKind.DECOY_LICENCE})  # kinds that go by a list of marks

SENTENCES: Final[Mapping[RuleKind, Words]] = MappingProxyType(
    {
        RuleKind.BURST: Words(
            "同一经办人（未填经办人的，同一调用方）短时间内查询的当事人数量超过限值",
            "one official, or a caller that names none, asked about more people in a short time than the rule allows",
        ),
        RuleKind.NEW_OFFICIALS: Words(
            "调用方短时间内使用的新经办人编号过多，疑似虚构经办人",
            "a caller named too many new officials in a short time, as if it invented them",
        ),
        RuleKind.OFF_HOURS: Words(
            "在非工作时间或法定节假日查询",
            "somebody asked outside working hours or on a day off",
        ),
        RuleKind.NO_CASE: Words(
            "事项要求填写办件编号，条目中没有办件编号",
            "the item demands a case number, and the entry has none",
        ),
        RuleKind.CASE_MANY_SUBJECTS: Words(
            "同一办件涉及的当事人数量超过限值",
            "one case was given for more people than the rule allows",
        ),
        RuleKind.SAME_OFFICIAL_SUBJECT: Words(
            "同一经办人（未填经办人的，同一调用方）反复查询同一当事人",
            "one official, or a caller that names none, asked about the same person again and again",
        ),
        RuleKind.ENUMERATION: Words(
            "依次查询相邻号码，疑似批量试探",
            "numbers next to each other were asked for, as if somebody counted through them",
        ),
        RuleKind.NO_MATCH: Words(
            "短时间内查无结果的次数过多，疑似试探",
            "too many questions in a short time met nothing, as if somebody guessed",
        ),
        RuleKind.PLAIN_WHERE_MASKED: Words(
            "事项允许以遮蔽等形式提供的字段，以原值提供",
            "a field left in plain although the item allows a masked form of it",
        ),
        RuleKind.WIDENING_THEN_TRAFFIC: Words(
            "共享策略扩大提供范围后，随即出现使用扩大部分的查询",
            "a policy was widened, and what it newly gives was then asked for",
        ),
        RuleKind.DORMANT_ACCOUNT: Words(
            "长期未使用的调用方或经办人重新出现查询",
            "a caller or an official who had long been silent asked again",
        ),
        RuleKind.DUPLICATE_REQUEST: Words(
            "调用方的同一请求编号出现两次",
            "a caller used the same request id twice",
        ),
        RuleKind.CLOCK_SKEW: Words(
            "调用方或网关的时钟与日志时间相差超过限值",
            "the clock of a caller or of the gateway is further from the log's than the rule allows",
        ),
        RuleKind.VOLUME: Words(
            "调用量明显高于该调用方往周同一时段的水平，或新调用方的调用量超过限值",
            "a caller asked far more often than in the same hour of past weeks, or than a new one may",
        ),
        RuleKind.PROTECTED_PERSON: Words(
            "查询了列入重点保护名单的人员",
            "somebody on the list of protected persons was asked about",
        ),
        RuleKind.DECOY_LICENCE: Words(
            "查询了仅用于监测的诱饵证照",
            "a decoy licence was asked for, which nobody has a reason to know",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. No ``callers`` or no ``items`` means all of them; ``told`` has a number for each parameter.

    For one official, case, caller … a rule raises an alarm at most once in ``quiet_days`` days of China, counted in
    blocks from 1970 on: so when an alarm is raised does not depend on when the gateway was started.
    """

    id: str
    kind: RuleKind
    severity: Severity
    told: Mapping[str, int] = field(default_factory=dict)
    callers: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    quiet_days: int = QUIET_DAYS.default
    marks: frozenset[bytes] = frozenset()  # of the list that it goes by
    words: Words | None = None  # in place of the kind's own sentence

    @property
    def sentence(self) -> Words:
        """Say what it found."""
        return self.words or SENTENCES[self.kind]

    @property
    def span_ms(self) -> int:
        """Return for how long an entry can matter to it."""
        told = self.told
        weeks = told.get("weeks", 0) * 7
        return told.get("minutes", 0) * MINUTE_MS + (told.get("days", 0) + weeks) * DAY_MS


def make_rule(
    kind: RuleKind,
    *,
    id: str = "",  # noqa: A002 - what a rule is called in its file
    severity: Severity = Severity.MEDIUM,
    quiet_days: int = QUIET_DAYS.default,
    callers: frozenset[str] = frozenset(),
    items: frozenset[str] = frozenset(),
    marks: frozenset[bytes] = frozenset(),
    **told: int,
) -> Rule:
    """Return a rule with the usual parameters but for those that are told; ValueError for a parameter it has not."""
    parameters = PARAMETERS[kind]
    if not told.keys() <= parameters.keys():
        raise ValueError(f"parameters among {', '.join(parameters)} were expected")
    usual = {name: parameter.default for name, parameter in parameters.items()}
    return Rule(
        id=id or kind.value,
        kind=kind,
        severity=severity,
        told=MappingProxyType(usual | told),
        callers=callers,
        items=items,
        quiet_days=quiet_days,
        marks=marks,
    )
