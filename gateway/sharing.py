"""What a question is given of a licence: facts, consent, plan, budgets and disclosure put together.

A question keeps the policy that it began with. Nothing is shared before it is counted, and nothing leaves
before the access log has it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from msgspec import UNSET, Struct

from adapters.licence import Licence
from gateway.budget.charging import Charging, Subject, Use
from gateway.budget.store import BudgetStore, Exceeded
from gateway.callers import Caller
from gateway.consent.record import ConsentId, ConsentRecord, hash_holder
from gateway.consent.store import AsyncConsents
from gateway.disclosure import BoundPlan, FieldShown, Limits, bind_plan, compare, disclose, hold
from gateway.facts import LicenceTypes, make_context
from gateway.pipeline import Verified, is_not_found
from gateway.policy.activation import PolicyInForce
from gateway.policy.moment import china_day
from gateway.pseudonym_keys import PseudonymKeys
from gateway.reason import Reason
from gateway.remembered import Remembered
from gateway.sources.source import ByIdentifier, ByNumber, LicenceKey, holder_codes, index_licence, normal_code
from gateway.verdict import Outcome
from gateway.withheld import Held
from policies.catalogue import LicenceType
from policies.dimension import Consent, Context
from policies.forms.citizen import is_citizen_number
from policies.forms.scheme import Surroundings
from policies.item import Item
from policies.plan import Plan, Withheld
from policies.rule import Obligations

MAX_BOUND: Final = 10_000  # bound plans, some 10 kB each at worst; further ones are bound anew in some 50 µs

MAX_COUNTED_HOLDERS: Final = 64  # of one licence: as many as are compared

# Why a source has no answer, today as tomorrow; the other reasons for that pass.
_LASTING: Final = frozenset({Reason.STATUS_DENIED, Reason.STATUS_NOT_PROVIDED, Reason.STATUS_RECORD_DIFFERS})


class BudgetExceededError(Exception):
    """A budget of the policy has no room for the question; which one, and for how long."""

    def __init__(self, exceeded: Exceeded) -> None:
        """Keep which."""
        self.exceeded = exceeded
        super().__init__(exceeded.budget)


class Asked(Struct, frozen=True, kw_only=True):
    """What a question asks beside the verdict; ``key`` names a licence that was to be found, None: it came along."""

    caller: Caller
    item: Item
    case: str | None = None
    official: str = ""
    key: LicenceKey | None = None
    match: Mapping[str, str] | None = None
    fields: Sequence[str] | None = None
    attest: Mapping[str, str] | None = None
    consent: str | None = None

    @property
    def compares(self) -> bool:
        """Whether it asks yes or no about a holder."""
        return self.match is not None or (self.key is not None and self.key.asks_holder)


class Shared(Struct, frozen=True, kw_only=True):
    """What is given: each field in its form or withheld, the answer to a comparison, by which bundle and plan.

    ``obligations`` are those of everything that is given; None: nothing is. ``compared`` are the fields that the answer
    to a comparison speaks of. With ``context`` the plan can be computed again.
    """

    fields: Mapping[str, FieldShown]
    match: Mapping[str, bool | str | None] | None
    obligations: Obligations | None
    bundle: str
    plan: str
    context: Context
    licence_type: LicenceType | None
    compared: frozenset[str] = frozenset()


class PolicyView:
    """A bundle in force as questions use it: items by id, types by code and name, plans bound to their transforms."""

    def __init__(self, in_force: PolicyInForce) -> None:
        """Index the bundle."""
        bundle = in_force.bundle
        self.in_force = in_force
        self.items: Mapping[str, Item] = {item.id: item for item in bundle.items}
        self.types = LicenceTypes(bundle)
        self._bound: dict[str, BoundPlan] = {}

    def bind(self, plan: Plan, licence_type: LicenceType | None) -> BoundPlan:
        """Return a plan with its transforms, bound once."""
        bound = self._bound.get(plan.id)
        if bound is None:
            if len(self._bound) >= MAX_BOUND:
                self._bound.clear()
            bound = self._bound[plan.id] = bind_plan(plan, licence_type)
        return bound


class Sharing:
    """Decides and discloses, with what the site has for it: keys of pseudonyms, consents, counters, the record."""

    def __init__(
        self,
        *,
        region: str,
        pseudonyms: PseudonymKeys,
        budgets: BudgetStore,
        charging: Charging,
        consents: AsyncConsents | None = None,
    ) -> None:
        """Share by these; ``region`` is that of this site. Without ``consents`` nobody ever consented."""
        self._region = region
        self._pseudonyms = pseudonyms
        self._budgets = budgets
        self._charging = charging
        self._consents = consents
        self._view: PolicyView | None = None

    def view(self, in_force: PolicyInForce) -> PolicyView:
        """Return the policy in force, indexed; anew when it is another one than for the question before."""
        if self._view is None or self._view.in_force is not in_force:
            self._view = PolicyView(in_force)
        return self._view

    async def share(self, view: PolicyView, asked: Asked, verified: Verified, *, now: datetime) -> Shared:
        """Return what a question is given; it must not leave before the access log has it.

        1. the facts, with the consent that it names; 2. the plan; 3. the comparison; 4. what it costs; 5. the fields.

        Raises:
            BudgetExceededError: there is no room in a budget; nothing is said, and nothing was counted.
            CountersUnavailableError: the question cannot be counted as it has to be, so it is not answered.
            SourceUnavailableError: whether the holder consented cannot be told.

        """
        today = china_day(now)
        licence = verified.licence
        # 1. facts and consent
        licence_type = None if licence is None else view.types.select(licence)
        consent = await self._consent(asked, licence, licence_type, now)
        context = make_context(
            verified,
            licence_type,
            item=asked.item.id,
            caller=asked.caller,
            region=self._region,
            consent=_consent_class(asked.item, consent),
            today=today,
        )
        # 2. plan
        plan = view.in_force.engine.decide(context)
        bound = view.bind(plan, licence_type)
        limits = Limits(
            is_valid=verified.verdict.outcome is Outcome.VALID, scope=None if consent is None else consent.fields
        )
        # 3. comparison
        found = compare(bound, asked.match or {}, licence, status=verified.status, limits=limits)
        # 4. cost
        use = _use(asked, verified, plan, is_valid=limits.is_valid, misses=found is False and asked.match is not None)
        charges = self._charging.charges(view.in_force.bundle.budgets, use)
        exceeded = await self._budgets.spend(charges, at=now, asks_yes_or_no=_asks_yes_or_no(asked))
        if exceeded is not None:
            raise BudgetExceededError(exceeded)
        # 5. fields
        fields = _disclose(bound, asked, verified, limits, self._around(asked, licence, today))
        match = None if asked.match is None else _answer_match(found)
        gives = any(one.value is not UNSET for one in fields.values()) or (match or {}).get("outcome") is not None
        return Shared(
            fields=fields,
            match=match,
            obligations=plan.obligations if gives else None,
            bundle=view.in_force.digest,
            plan=plan.id,
            context=context,
            licence_type=licence_type,
            compared=frozenset() if found is None else frozenset(asked.match or ()),
        )

    async def _consent(
        self, asked: Asked, licence: Licence | None, licence_type: LicenceType | None, now: datetime
    ) -> ConsentRecord | None:
        """Return the consent that a question rests on; one that is unknown, foreign, ended or narrower is none.

        It is looked up whether there is a licence or not, so that a failure to do so tells nothing about that.
        """
        if self._consents is None or asked.consent is None or asked.item.consent is not Consent.GIVEN:
            return None
        record = await self._consents.find(ConsentId(asked.consent))
        if record is None:
            return None
        secret = await self._consents.secret()
        if licence is None or licence_type is None:
            return None
        holders = [hash_holder(holder.code, secret) for holder in licence.holders]
        covers = None not in holders and record.covers(
            at=now,
            item=asked.item.id,
            licence=licence_type.id,
            organisation=asked.caller.organisation,
            holders=[holder for holder in holders if holder is not None],
        )
        return record if covers else None

    def _around(self, asked: Asked, licence: Licence | None, today: date) -> Surroundings:
        return Surroundings(
            today=today,
            pseudonyms=self._pseudonyms.of(asked.caller.organisation, asked.item.purpose),
            asked=asked.attest or {},
            valid_from=None if licence is None else licence.valid_from,
        )


def _consent_class(item: Item, consent: ConsentRecord | None) -> Consent:
    if item.consent is not Consent.GIVEN:
        return item.consent
    return Consent.NONE if consent is None else Consent.GIVEN


def _disclose(
    bound: BoundPlan, asked: Asked, verified: Verified, limits: Limits, around: Surroundings
) -> Mapping[str, FieldShown]:
    """Return the fields; where there is no licence, those that were asked for are withheld for that."""
    if verified.licence is None:
        reason = Held.NOT_KNOWN if limits.is_valid else Withheld.NOT_VALID
        return {name: hold(reason) for name in asked.fields or ()}
    return disclose(bound, verified.licence, status=verified.status, around=around, limits=limits, names=asked.fields)


def _answer_match(found: bool | None) -> Mapping[str, bool | str | None]:  # noqa: FBT001 -- the answer
    if found is None:
        return {"outcome": None, "reason": Held.NOT_COMPARABLE.value}
    return {"outcome": found}


def _use(asked: Asked, verified: Verified, plan: Plan, *, is_valid: bool, misses: bool) -> Use:
    """Return the question as budgets see it.

    A look-up misses where the answer is "not found", which that of another holder's licence is too. Where it asks for a
    holder it also misses where a source never says more (`_LASTING`): another source may have the licence, and guesses
    would be free for as long as that lasts. The answer alone decides, so what is counted says no more than that. What
    could not be asked for a while is no miss, or an outage would spend the budget of who asks again. Whoever asks for a
    holder in that while learns by "unavailable" that the others do not have his guess; the budgets of comparisons and
    of neighbouring numbers bound it.

    What it is about is taken from the question first, so that a person who does not exist is counted like one who does;
    a licence says more about that only when it is genuine, or anybody could spend what belongs to somebody else.
    """
    key, licence = asked.key, verified.licence
    number = _number_of(key)
    holder = "" if key is None else normal_code(key.holder or "")
    values = () if asked.match is None else tuple(asked.match.values())
    return Use(
        caller=asked.caller.id,
        kind=asked.caller.kind,
        official=asked.official,
        item=asked.item.id,
        case=asked.case,
        asked=Subject(licence=number, holders=_distinct([holder])),
        found=_subject_of(licence) if licence is not None and is_valid else _NOTHING_FOUND,
        persons=_distinct([code for code in map(normal_code, values) if is_citizen_number(code)]),
        numbers=_distinct((number, holder, *values)),
        compares=asked.compares,
        looks_up=key is not None,
        misses=misses or (key is not None and _is_missed(key, verified)),
        per_minute=None if plan.obligations is None else plan.obligations.per_minute,
    )


def _asks_yes_or_no(asked: Asked) -> bool:
    """Say whether a person can be guessed by a question, also by a licence whose number is that of its holder."""
    return asked.compares or bool(asked.attest) or is_citizen_number(normal_code(_number_of(asked.key)))


def _is_missed(key: LicenceKey, verified: Verified) -> bool:
    """Say whether a look-up told nothing of a licence, and not because of an outage."""
    if not verified.verdict.reasons:
        return False
    is_lasting = verified.licence is None and not _LASTING.isdisjoint(verified.verdict.reasons)
    return is_not_found(verified) or (key.asks_holder and is_lasting)


def _number_of(key: LicenceKey | None) -> str:
    """Return what a licence is named by: its number, however its type is spelled, or the serial in its identifier."""
    match key:
        case None:
            return ""
        case ByNumber():
            return key.number
        case ByIdentifier():
            return key.stated[2] or key.identifier


def _find_subject(licence: Licence) -> Subject:
    """Return what a genuine licence is about; its type is part of its name, as it is sealed with the number."""
    index = index_licence(licence)
    return Subject(
        licence="\n".join((index.number, index.type_code or index.name)) if index.number else index.identifier,
        holders=_distinct(holder_codes(licence)[:MAX_COUNTED_HOLDERS]),
    )


_subject_of: Final = Remembered(_find_subject)
_NOTHING_FOUND: Final = Subject()


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))
