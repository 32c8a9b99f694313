"""How witnessing stands, for ``/readyz`` and the metrics: current, stale since when, or frozen by a fork."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.audit.unavailable import ADVICE, Unavailable
from gateway.audit.witness.client import WITNESS_SECONDS, WitnessFault
from gateway.audit.witness.cosigned import Cosigned

STALE_ROUNDS: Final = 4  # a round that fails, and one that is spent waiting, are no news yet


class WitnessOutlook(StrEnum):
    """In one word."""

    NONE = "none"  # nobody is asked
    CURRENT = "current"
    STALE = "stale"
    FORKED = "forked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What a word means and what to do, in both languages."""

    zh: str
    en: str


SENTENCES: Final = MappingProxyType(
    {
        WitnessOutlook.NONE: Sentence(
            zh="未设见证方（[audit.witness] policy），日志是否分叉无人可以证明。",
            en="Nobody witnesses the log ([audit.witness] policy): that it was not forked is not proven.",
        ),
        WitnessOutlook.CURRENT: Sentence(zh="日志已获规定数量的见证方共签。", en="Enough witnesses cosign the log."),
        WitnessOutlook.STALE: Sentence(
            zh="日志近期未获规定数量的见证方共签；答复不受影响，请与未共签的见证方联系。",
            en="Too few witnesses have cosigned the log lately; answers go on, so ask those that did not.",
        ),
        WitnessOutlook.FORKED: Sentence(
            zh=f"{ADVICE[Unavailable.FORK_WITNESSED].zh}。", en=f"{ADVICE[Unavailable.FORK_WITNESSED].en}."
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessStanding:
    """One witness: when it cosigned last, in seconds since 1970, and why it did not the last time."""

    name: str
    cosigned: int | None
    fault: WitnessFault | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessReport:
    """All of them, since ``begun_at``; ``reference`` is when a quorum last saw the log, or else that moment."""

    outlook: WitnessOutlook
    size: int | None  # of the newest tree that a quorum saw
    as_of: datetime | None
    since: datetime | None  # of a fork, or since when it is stale
    begun_at: datetime
    reference: datetime
    witnesses: tuple[WitnessStanding, ...]


def describe_standing(
    *,
    at: datetime,
    interval_seconds: int,
    begun_at: datetime,
    cosigned: Cosigned | None,
    forked_at: datetime | None,
    witnesses: tuple[WitnessStanding, ...],
) -> WitnessReport:
    """Put it together, as of ``at``."""
    reference = begun_at if cosigned is None else cosigned.at
    longest = STALE_ROUNDS * interval_seconds + WITNESS_SECONDS
    since: datetime | None = None
    if forked_at is not None:
        outlook, since = WitnessOutlook.FORKED, forked_at
    elif not witnesses:
        outlook = WitnessOutlook.NONE
    elif (at - reference).total_seconds() > longest:
        outlook, since = WitnessOutlook.STALE, reference
    else:
        outlook = WitnessOutlook.CURRENT
    return WitnessReport(
        outlook=outlook,
        size=None if cosigned is None else cosigned.size,
        as_of=None if cosigned is None else cosigned.at.astimezone(UTC),
        since=since,
        begun_at=begun_at,
        reference=reference,
        witnesses=witnesses,
    )
