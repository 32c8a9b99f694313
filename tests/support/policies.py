"""Generated policies: bundles that hypothesis makes up, every context of one, and how much one context shares."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from policies.bundle import SCHEMA, Bundle
from policies.catalogue import CallerKind, Field, LicenceType, Sensitivity, ShareClass, ValueType
from policies.dimension import (
    FIXED_VALUES,
    PARTIES,
    AgeClass,
    Consent,
    Context,
    Dimension,
    HolderType,
    Home,
    LicenceStatus,
    OutcomeClass,
)
from policies.form import WITHHELD, Form
from policies.item import Item, possible_consents
from policies.plan import Plan
from policies.rule import AuditDepth, CallerCondition, HolderCondition, LicenceCondition, Obligations, Rule

FIELDS = ("holder_name", "holder_id", "issue_date", "phone")
FORMS = {
    "holder_name": ("plain", "mask:name"),
    "holder_id": ("mask:id-1-1", "plain"),
    "issue_date": ("general:year", "plain"),
    "phone": ("mask:phone-3-4", "exists"),
}
TYPES = {
    "holder_name": ValueType.NAME,
    "holder_id": ValueType.CITIZEN_ID,
    "issue_date": ValueType.DATE,
    "phone": ValueType.PHONE,
}
ITEMS = ("i1", "i2", "i3")
LICENCES = ("l1", "l2")
KINDS = ("counter", "notary")
_FOREVER = {"valid_from": "2026-01-01", "valid_to": "2099-01-01"}


def make_field(name: str, share: ShareClass = ShareClass.CONDITIONAL) -> Field:
    return Field(type=TYPES[name], source=name, zh=name, en=name, share=share, sensitivity=Sensitivity.PERSONAL)


def make_item(name: str, **changes: Any) -> Item:
    """Return an item that allows every form of every field."""
    content: dict[str, Any] = {
        "id": name,
        "zh": f"事项{name}",
        "en": f"item {name}",
        "purpose": "purpose",
        "basis": "to be verified",
        "licences": LICENCES,
        "consent": Consent.STATUTORY,
        "ceiling": {field: (*FORMS[field], "match") for field in FIELDS},
        **_FOREVER,
    }
    return Item(**content | changes)


def make_rule(name: str, grant: dict[str, Any], **conditions: Any) -> Rule:
    return Rule(id=name, why="why", basis="to be verified", grant=grant, **conditions)


def make_bundle(*rules: Rule, **changes: Any) -> Bundle:
    """Return a bundle of two licence types, three items and two kinds of callers with these rules."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "generated",
        "version": "1",
        "forms": "1",
        "callers": (
            CallerKind(id="counter", zh="窗口", en="counter", home=(Home.OWN, Home.PARTNER)),
            CallerKind(id="notary", zh="公证", en="notary", home=(Home.OWN,)),
        ),
        "licences": (
            LicenceType(id="l1", zh="证一", en="licence 1", fields={name: make_field(name) for name in FIELDS}),
            LicenceType(
                id="l2",
                zh="证二",
                en="licence 2",
                fields={name: make_field(name) for name in FIELDS[:2]},
                holders=(HolderType.PERSON,),
            ),
        ),
        "items": (
            make_item("i1"),
            make_item("i2", consent=Consent.GIVEN, licences=("l1",)),
            make_item("i3", consent=Consent.NONE),
        ),
        "rules": tuple(rules),
        "residual": 1,
        **_FOREVER,
    }
    return Bundle(**content | changes)


def some(values: Sequence[Any]) -> st.SearchStrategy[tuple[Any, ...] | None]:
    """Return no condition, or some of the values."""
    return st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=len(values), unique=True).map(tuple)


def grants(field: str) -> st.SearchStrategy[Any]:
    first, second = FORMS[field]
    return st.sampled_from([first, first, second, "match", (first, "match"), "withheld"])


@st.composite
def rules(draw: st.DrawFn, name: str) -> Rule:
    """Make one rule; half of the conditions are absent."""
    fields = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True))
    return Rule(
        id=name,
        why="why",
        basis="basis",
        grant={field: draw(grants(field)) for field in fields},
        item=draw(some(ITEMS)),
        caller=CallerCondition(kind=draw(some(KINDS)), home=draw(some(tuple(Home)))),
        licence=LicenceCondition(type=draw(some(LICENCES)), status=draw(some(tuple(LicenceStatus)))),
        holder=HolderCondition(type=draw(some(tuple(HolderType))), age=draw(some(tuple(AgeClass)))),
        consent=draw(some(tuple(Consent))),
        outcome=draw(some(tuple(OutcomeClass))) or (OutcomeClass.VALID,),
        oblige=Obligations(
            audit=draw(st.sampled_from(AuditDepth)),
            keep_days=draw(st.sampled_from((30, 1095))),
            per_minute=draw(st.sampled_from((None, 5, 60))),
            watermark=draw(st.booleans()),
        ),
    )


@st.composite
def catalogues(draw: st.DrawFn) -> dict[str, Any]:
    """Make items and licence types: what `make_bundle` takes as changes."""
    share = st.sampled_from((*[ShareClass.CONDITIONAL] * 5, ShareClass.UNCLASSIFIED))
    licences = tuple(
        LicenceType(
            id=name,
            zh=name,
            en=name,
            fields={
                field: make_field(field, draw(share))
                for field in draw(st.lists(st.sampled_from(FIELDS), min_size=1, unique=True))
            },
            holders=draw(some(tuple(HolderType))) or tuple(HolderType),
        )
        for name in LICENCES
    )
    items = tuple(
        make_item(
            name,
            licences=draw(some(LICENCES)) or LICENCES,
            consent=draw(st.sampled_from(Consent)),
            ceiling={
                field: (*FORMS[field], "match")
                for field in draw(st.lists(st.sampled_from(FIELDS), min_size=2, unique=True))
            },
        )
        for name in ITEMS
    )
    return {"licences": licences, "items": items}


@st.composite
def bundles(draw: st.DrawFn, max_rules: int = 6, *, agreeing: bool = False) -> Bundle:
    """Make a bundle with overrides that go from earlier to later ids.

    With ``agreeing``, of two rules that show a field in different forms the earlier always overrides the later, so
    that the bundle has no conflict.
    """
    count = draw(st.integers(0, max_rules))
    made: list[Rule] = []
    for place in range(count):
        rule = draw(rules(f"R-{place}"))
        made.append(rule)
    for place, rule in enumerate(made):
        later = made[place + 1 :]
        named = {one.id for one in later if draw(st.integers(0, 4)) == 0}
        if agreeing:
            named |= {one.id for one in later if _differ(rule, one)}
        made[place] = msgspec.structs.replace(rule, overrides=tuple(sorted(named)))
    return make_bundle(*made, **draw(catalogues()))


def _differ(first: Rule, second: Rule) -> bool:
    return any(first.grant[field] != second.grant[field] for field in first.grant.keys() & second.grant.keys())


def all_contexts(bundle: Bundle) -> Iterator[Context]:
    """Count off every possible context."""
    for licence in bundle.licences:
        matters = [
            (item, one) for item in bundle.items if licence.id in item.licences for one in possible_consents(item)
        ]
        askers = [(kind.id, home) for kind in bundle.callers for home in kind.home]
        parties = [(holder, age) for holder, age in PARTIES if holder in licence.holders]
        for (item, consent), (caller, home), status, (holder, age), outcome in itertools.product(
            matters, askers, FIXED_VALUES[Dimension.STATUS], parties, FIXED_VALUES[Dimension.OUTCOME]
        ):
            yield Context(
                item=item.id,
                caller=caller,
                home=home,
                licence=licence.id,
                status=status,
                holder=holder,
                age=age,
                consent=consent,
                outcome=outcome,
            )


def any_contexts() -> st.SearchStrategy[Context]:
    """Make a context of any values, possible together or not, known or not."""
    values: list[tuple[str, ...]] = [ITEMS, KINDS, tuple(Home), LICENCES, *(FIXED_VALUES[d] for d in FIXED)]
    return st.tuples(*(st.sampled_from((*one, "unheard-of")) for one in values)).map(Context._make)


@st.composite
def possible_contexts(draw: st.DrawFn, bundle: Bundle) -> Context:
    """Make a context that a bundle of `bundles` knows, and that can be."""
    pairs = [(item, licence) for item in bundle.items for licence in bundle.licences if licence.id in item.licences]
    item, licence = draw(st.sampled_from(pairs))
    kind = draw(st.sampled_from(bundle.callers))
    holder, age = draw(st.sampled_from([one for one in PARTIES if one[0] in licence.holders]))
    return Context(
        item=item.id,
        caller=kind.id,
        home=draw(st.sampled_from(kind.home)).value,
        licence=licence.id,
        status=draw(st.sampled_from(LicenceStatus)).value,
        holder=holder,
        age=age,
        consent=draw(st.sampled_from(possible_consents(item))).value,
        outcome=draw(st.sampled_from(OutcomeClass)).value,
    )


FIXED = (Dimension.STATUS, Dimension.HOLDER, Dimension.AGE, Dimension.CONSENT, Dimension.OUTCOME)


def shown(plan: Plan) -> dict[str, tuple[Form, bool]]:
    """Return what leaves: for each field its form and whether it may be compared."""
    return {one.field: (one.form, one.match_rule is not None) for one in plan.fields if not one.is_withheld}


def is_no_wider(new: Plan, old: Plan) -> bool:
    """Say whether a plan shares certainly no more than another."""
    before = shown(old)
    return all(
        form.is_no_wider_than(before.get(field, (WITHHELD, False))[0])
        and (not match or before.get(field, (WITHHELD, False))[1])
        for field, (form, match) in shown(new).items()
    )


def context(**changes: str) -> Context:
    """Return the context that most tests start from: an adult's active licence, asked for by the own counter."""
    content = {
        "item": "i1",
        "caller": "counter",
        "home": "own",
        "licence": "l1",
        "status": "active",
        "holder": "person",
        "age": "adult",
        "consent": "statutory",
        "outcome": "valid",
    }
    return Context(**content | changes)
