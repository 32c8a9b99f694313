"""What ends when: sunsets, ends of certificates, of algorithms and of lists, and what begins, within a horizon."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from keys.algorithms import DEFAULT_ALGORITHMS, AlgorithmSunsets
from keys.trust import Anchor, KeyAnchor, TrustStore
from keys.trust_list import TrustList, encode_moment, fingerprint_of
from keys.trust_list_compare import title_of

_NOT_AFTER_BELONGS: Final = timedelta(seconds=1)  # X.509's last second still belongs to the period
_LATEST: Final = datetime.max.replace(tzinfo=UTC) - _NOT_AFTER_BELONGS  # "no end", as some CAs write it


class Turn(StrEnum):
    """What happens at a moment."""

    START = "start"  # trust begins
    SUNSET = "sunset"  # trust ends: what is not proven to be older can no longer be verified
    CERTIFICATE_END = "certificate-end"  # nothing that is signed or issued later can be verified
    ALGORITHM_SUNSET = "algorithm-sunset"  # what its key signed and is not proven to be older can no longer be verified
    LIST_EXPIRY = "list-expiry"  # without a newer list, nobody on it is trusted any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing to come; ``grant`` is None where it is about the list as a whole, ``who`` then its name."""

    at: datetime
    turn: Turn
    who: str
    title: str
    grant: Anchor | KeyAnchor | None = None

    @property
    def sentence(self) -> str:
        """Return the event in English."""
        return f"{encode_moment(self.at)}: {self.title}: {_SENTENCES[self.turn][1]}."

    @property
    def sentence_zh(self) -> str:
        """Return the event in Chinese."""
        return f"{encode_moment(self.at)}：{self.title}：{_SENTENCES[self.turn][0]}。"


_SENTENCES: Final = MappingProxyType(
    {
        Turn.START: ("信任开始", "trust begins"),
        Turn.SUNSET: ("信任终止，此后无法验证", "trust ends, and what relies on it becomes unverifiable"),
        Turn.CERTIFICATE_END: (
            "证书到期，此后的签章无法验证",
            "the certificate ends, and what is signed later cannot be verified",
        ),
        Turn.ALGORITHM_SUNSET: (
            "密钥算法的使用期限届满，其签发的内容除经可信时间戳证明早于此时的外，将无法验证",
            "the algorithm of its key ends, and what it signed becomes unverifiable, unless proven to be older",
        ),
        Turn.LIST_EXPIRY: (
            "信任名单到期，须在此之前发布新版本",
            "the trust list expires; a newer version must be in force by then",
        ),
    }
)


def forecast(
    trust: TrustStore | TrustList,
    at: datetime,
    horizon: timedelta,
    *,
    algorithms: AlgorithmSunsets = DEFAULT_ALGORITHMS,
) -> tuple[Event, ...]:
    """Return what begins and ends at ``at`` or later and before ``at + horizon``, in order of time.

    A store has its own table of algorithms, and ``algorithms`` are for a list alone. Of algorithms, the keys of those
    who are trusted are known here; what they have signed, and with which digests, is not.
    """
    end = at + horizon
    table = trust.algorithms if isinstance(trust, TrustStore) else algorithms
    found = [event for event in _events(trust, table) if at <= event.at < end]
    return tuple(sorted(found, key=lambda event: (event.at, event.who, event.turn)))


def _events(trust: TrustStore | TrustList, algorithms: AlgorithmSunsets) -> Iterator[Event]:
    if isinstance(trust, TrustList):
        yield Event(at=trust.expires, turn=Turn.LIST_EXPIRY, who=trust.name, title=trust.name)
    grants: tuple[Anchor | KeyAnchor, ...] = (*trust.anchors, *trust.keys)
    for grant in grants:
        key = grant.certificate.spki if isinstance(grant, Anchor) else grant.public_key
        moments = [
            (Turn.START, grant.start),
            (Turn.SUNSET, grant.sunset),
            (Turn.ALGORITHM_SUNSET, algorithms.key_end(key)),
        ]
        if isinstance(grant, Anchor):
            moments.append((Turn.CERTIFICATE_END, min(grant.certificate.not_after, _LATEST) + _NOT_AFTER_BELONGS))
        for turn, moment in moments:
            if moment is not None:
                yield Event(at=moment, turn=turn, who=fingerprint_of(grant), title=title_of(grant), grant=grant)
