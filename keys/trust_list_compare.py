"""Two trust lists compared: who gains what and who loses what, as values with a sentence in Chinese and in English."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from keys.name import render_name
from keys.trust import Anchor, Grant, KeyAnchor
from keys.trust_list import TrustList, encode_moment, fingerprint_of

MAX_NAMED: Final = 5  # codes that a sentence names; the value has all


class Effect(StrEnum):
    """What a difference means for the one it is about."""

    GAINS = "gains"
    LOSES = "loses"
    CHANGES = "changes"  # neither more nor less trust


class Aspect(StrEnum):
    """What is gained, lost or changed."""

    TRUST = "trust"  # all of it
    PURPOSES = "purposes"
    LICENCE_TYPES = "licence-types"
    AUTHORITIES = "authorities"
    START = "start"
    SUNSET = "sunset"
    REGION = "region"
    SOURCE = "source"
    LIST_KEY = "list-key"  # the right to sign the list, or the feed of statuses
    THRESHOLD = "threshold"  # how many must sign the list


EVERY: Final = "*"
NEVER: Final = "-"  # of a start, a sunset, a region or a source: there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that one of them gains or loses.

    ``who`` is the SHA-256 of the certificate or key in hexadecimal (the id, of a key that signs lists; "", of the
    list itself), ``title`` the name for people. ``values`` are what is gained or lost (codes, purposes, "*" for every
    one), or, where something changes from one value to another, the new one, with ``before`` the old one.
    ``grant`` is all that is gained or lost when the aspect is TRUST.
    """

    who: str
    title: str
    effect: Effect
    aspect: Aspect
    values: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    grant: Anchor | KeyAnchor | None = None

    @property
    def sentence(self) -> str:
        """Return the difference in English."""
        verb = _LIMITED[self.aspect][1] if self._is_limited else _ENGLISH[self.aspect][self.effect]
        instead = f", instead of {_list(self.before, _EVERY_ONE)}" if self.before else ""
        what = _list(self.values, _EVERY_ONE) if self.grant is None else _describe(self.grant)
        return f"{self.title} {verb} {what}{instead}."

    @property
    def sentence_zh(self) -> str:
        """Return the difference in Chinese."""
        verb = _LIMITED[self.aspect][0] if self._is_limited else _CHINESE[self.aspect][self.effect]
        instead = f"（原为 {_list(self.before, _ALL_OF_THEM)}）" if self.before else ""
        what = _list(self.values, _ALL_OF_THEM) if self.grant is None else _describe_zh(self.grant)
        return f"{self.title} {verb}：{what}{instead}。"

    @property
    def _is_limited(self) -> bool:
        """Say whether "every one" became some: then ``values`` are what is left, not what is lost."""
        return self.aspect in _LIMITED and self.effect is Effect.LOSES and self.before == (EVERY,)


def compare_trust_lists(old: TrustList, new: TrustList) -> tuple[Difference, ...]:
    """Return what is different, in the order of the certificates' digests; nothing, where they say the same.

    A certificate that was replaced by another one is two differences: one is no longer trusted, one newly is.
    """
    before, after = _by_holder(old), _by_holder(new)
    found: list[Difference] = []
    for holder in sorted(before.keys() | after.keys()):
        found += _compare_grants(before.get(holder, ()), after.get(holder, ()))
    return (*found, *_compare_signers(old, new))


def shrinkage(old: TrustList, new: TrustList) -> float:
    """Return the share of the old entries, 0 to 1, that are gone or not what they were; 0 for an empty old list.

    Region and source decide nothing and are left aside.
    """
    before, after = _decisive(old), _decisive(new)
    return len(before - after) / len(before) if before else 0.0


def growth(old: TrustList, new: TrustList) -> float:
    """Return how many entries are new or not what they were, for each old one; their number, for an empty old list."""
    before, after = _decisive(old), _decisive(new)
    return len(after - before) / max(1, len(before))


def loosens_signing(old: TrustList, new: TrustList) -> bool:
    """Say whether fewer must sign the next version than before, or most of those who could sign no longer can.

    Whoever holds that much of the next version holds all that follow.
    """
    before, after = ({key.public_key for key in one.signers.signers} for one in (old, new))
    return new.signers.threshold < old.signers.threshold or 2 * len(before - after) > len(before)


Holder = tuple[str, bytes]  # the fingerprint of a certificate or key, and the name below that CA; b"": it itself
_Content = tuple[Holder, frozenset[str], object, datetime | None, datetime | None]


def _decisive(trust_list: TrustList) -> set[_Content]:
    return {(holder_of(one), frozenset(one.purposes), one.scope, one.start, one.sunset) for one in trust_list.entries}


def holder_of(grant: Anchor | KeyAnchor) -> Holder:
    """Return who holds a grant: those named below one CA are different holders with one fingerprint."""
    return fingerprint_of(grant), (grant.subject or b"") if isinstance(grant, Anchor) else b""


def _by_holder(trust_list: TrustList) -> dict[Holder, list[Anchor | KeyAnchor]]:
    found: dict[Holder, list[Anchor | KeyAnchor]] = {}
    for grant in trust_list.entries:
        found.setdefault(holder_of(grant), []).append(grant)
    return found


def title_of(grant: Anchor | KeyAnchor) -> str:
    """Return the name of an entry for people."""
    if isinstance(grant, KeyAnchor):
        return f"key {fingerprint_of(grant)[:16]}"
    if grant.subject is None:
        return grant.certificate.subject_text
    return f"{render_name(grant.subject)} @ {grant.certificate.subject_text}"


def _compare_grants(before: Collection[Anchor | KeyAnchor], after: Collection[Anchor | KeyAnchor]) -> list[Difference]:
    """Compare what one holder has; where there are several grants, those that are equal are taken out first."""
    lost = [grant for grant in before if grant not in after]
    gained = [grant for grant in after if grant not in before]
    if len(lost) == len(gained) == 1:
        return list(_compare_grant(lost[0], gained[0]))
    return [*(_whole(grant, Effect.LOSES) for grant in lost), *(_whole(grant, Effect.GAINS) for grant in gained)]


def _whole(grant: Anchor | KeyAnchor, effect: Effect) -> Difference:
    return Difference(
        who=fingerprint_of(grant),
        title=title_of(grant),
        effect=effect,
        aspect=Aspect.TRUST,
        values=tuple(sorted(grant.purposes)),
        grant=grant,
    )


def _compare_grant(old: Anchor | KeyAnchor, new: Anchor | KeyAnchor) -> Iterator[Difference]:
    who, title = fingerprint_of(new), title_of(new)
    for aspect, before, after in (
        (Aspect.PURPOSES, frozenset(map(str, old.purposes)), frozenset(map(str, new.purposes))),
        (Aspect.LICENCE_TYPES, old.scope.licence_types, new.scope.licence_types),
        (Aspect.AUTHORITIES, old.scope.authorities, new.scope.authorities),
    ):
        for effect, values, instead in _compare_sets(before, after):
            yield Difference(who=who, title=title, effect=effect, aspect=aspect, values=values, before=instead)
    for aspect, effect, then, now in _compare_times(old, new):
        yield Difference(
            who=who, title=title, effect=effect, aspect=aspect, values=(_moment(now),), before=(_moment(then),)
        )
    for aspect, was, becomes in ((Aspect.REGION, old.region, new.region), (Aspect.SOURCE, old.source, new.source)):
        if was != becomes:
            yield Difference(
                who=who, title=title, effect=Effect.CHANGES, aspect=aspect, values=(becomes,), before=(was,)
            )


def _compare_sets(
    before: frozenset[str] | None, after: frozenset[str] | None
) -> Iterator[tuple[Effect, tuple[str, ...], tuple[str, ...]]]:
    """Yield gains and losses; to and from "every one" the other side is named too, since no difference can be."""
    if before == after:
        return
    if before is None or after is None:
        # To be trusted for these and no others is a loss; the sentence names what is left.
        effect = Effect.LOSES if before is None else Effect.GAINS
        yield effect, _codes(after), _codes(before)
        return
    if after - before:
        yield Effect.GAINS, tuple(sorted(after - before)), ()
    if before - after:
        yield Effect.LOSES, tuple(sorted(before - after)), ()


def _compare_times(old: Grant, new: Grant) -> Iterator[tuple[Aspect, Effect, datetime | None, datetime | None]]:
    if old.start != new.start:
        earlier = new.start is None or (old.start is not None and new.start < old.start)
        yield Aspect.START, Effect.GAINS if earlier else Effect.LOSES, old.start, new.start
    if old.sunset != new.sunset:
        later = new.sunset is None or (old.sunset is not None and new.sunset > old.sunset)
        yield Aspect.SUNSET, Effect.GAINS if later else Effect.LOSES, old.sunset, new.sunset


def _compare_signers(old: TrustList, new: TrustList) -> Iterator[Difference]:
    before = {(key.id, key.public_key, role) for key in old.signers.keys for role in key.roles}
    after = {(key.id, key.public_key, role) for key in new.signers.keys for role in key.roles}
    for effect, found in ((Effect.LOSES, before - after), (Effect.GAINS, after - before)):
        for key, public_key, role in sorted(found):
            title = f"key {key} (SHA-256 {hashlib.sha256(public_key).hexdigest()[:16]})"
            yield Difference(who=key, title=title, effect=effect, aspect=Aspect.LIST_KEY, values=(str(role),))
    if old.signers.threshold != new.signers.threshold:
        yield Difference(
            who="",
            title=new.name,
            effect=Effect.CHANGES,
            aspect=Aspect.THRESHOLD,
            values=(str(new.signers.threshold),),
            before=(str(old.signers.threshold),),
        )


def _codes(codes: frozenset[str] | None) -> tuple[str, ...]:
    return (EVERY,) if codes is None else tuple(sorted(codes))


def _moment(moment: datetime | None) -> str:
    return NEVER if moment is None else encode_moment(moment)


def _list(values: Iterable[str], every: str) -> str:
    """Write values for a sentence: the first few, then how many more there are."""
    found = [every if value == EVERY else value or NEVER for value in values]
    rest = len(found) - MAX_NAMED
    return ", ".join(found[:MAX_NAMED]) + (f" (+{rest})" if rest > 0 else "")


def _describe(grant: Grant) -> str:
    scope = grant.scope
    return (
        f"{_list(sorted(grant.purposes), _EVERY_ONE)}; licence types: {_list(_codes(scope.licence_types), _EVERY_ONE)};"
        f" authorities: {_list(_codes(scope.authorities), _EVERY_ONE)};"
        f" from {_moment(grant.start)} until {_moment(grant.sunset)}"
    )


def _describe_zh(grant: Grant) -> str:
    scope = grant.scope
    return (
        f"用途 {_list(sorted(grant.purposes), _ALL_OF_THEM)}；"
        f"证照类型 {_list(_codes(scope.licence_types), _ALL_OF_THEM)}；"
        f"颁发机构 {_list(_codes(scope.authorities), _ALL_OF_THEM)}；"
        f"起 {_moment(grant.start)}，止 {_moment(grant.sunset)}"
    )


_EVERY_ONE: Final = "every one"
_ALL_OF_THEM: Final = "全部"

_LIMITED: Final[Mapping[Aspect, tuple[str, str]]] = MappingProxyType(
    {
        Aspect.LICENCE_TYPES: ("证照类型限定为", "is now limited to licence types:"),
        Aspect.AUTHORITIES: ("颁发机构限定为", "is now limited to authorities:"),
    }
)
_ENGLISH: Final[Mapping[Aspect, Mapping[Effect, str]]] = MappingProxyType(
    {
        Aspect.TRUST: {Effect.GAINS: "is newly trusted:", Effect.LOSES: "is no longer trusted:"},
        Aspect.PURPOSES: {Effect.GAINS: "gains the purpose", Effect.LOSES: "loses the purpose"},
        Aspect.LICENCE_TYPES: {Effect.GAINS: "gains licence types:", Effect.LOSES: "loses licence types:"},
        Aspect.AUTHORITIES: {Effect.GAINS: "gains authorities:", Effect.LOSES: "loses authorities:"},
        Aspect.START: {Effect.GAINS: "is trusted earlier, from", Effect.LOSES: "is trusted only later, from"},
        Aspect.SUNSET: {Effect.GAINS: "is trusted longer, until", Effect.LOSES: "is trusted no longer than until"},
        Aspect.REGION: {Effect.CHANGES: "changes its region:"},
        Aspect.SOURCE: {Effect.CHANGES: "changes its source:"},
        Aspect.LIST_KEY: {Effect.GAINS: "may now sign:", Effect.LOSES: "may no longer sign:"},
        Aspect.THRESHOLD: {Effect.CHANGES: "changes how many must sign it:"},
    }
)
_CHINESE: Final[Mapping[Aspect, Mapping[Effect, str]]] = MappingProxyType(
    {
        Aspect.TRUST: {Effect.GAINS: "列入信任名单", Effect.LOSES: "移出信任名单"},
        Aspect.PURPOSES: {Effect.GAINS: "增加用途", Effect.LOSES: "失去用途"},
        Aspect.LICENCE_TYPES: {Effect.GAINS: "增加证照类型", Effect.LOSES: "失去证照类型"},
        Aspect.AUTHORITIES: {Effect.GAINS: "增加颁发机构", Effect.LOSES: "失去颁发机构"},
        Aspect.START: {Effect.GAINS: "信任起始时间提前为", Effect.LOSES: "信任起始时间推迟为"},
        Aspect.SUNSET: {Effect.GAINS: "信任终止时间推迟为", Effect.LOSES: "信任终止时间提前为"},
        Aspect.REGION: {Effect.CHANGES: "行政区划变更为"},
        Aspect.SOURCE: {Effect.CHANGES: "信任依据变更为"},
        Aspect.LIST_KEY: {Effect.GAINS: "获得签名权", Effect.LOSES: "失去签名权"},
        Aspect.THRESHOLD: {Effect.CHANGES: "所需签名数变更为"},
    }
)
