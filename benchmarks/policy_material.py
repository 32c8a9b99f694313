"""Generated policies for the benchmark, the same in every run: 100 rules on one licence type, 1,000 on sixty."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_sort
from datetime import date
from typing import Any, Final

from msgspec.structs import replace

from adapters.licence import Holder, Licence
from policies.bundle import SCHEMA, Bundle
from policies.catalogue import CallerKind, Field, LicenceType, Sensitivity, ShareClass, ValueType
from policies.dimension import AgeClass, Consent, Context, HolderType, Home, LicenceStatus, OutcomeClass
from policies.forms.registry import REGISTRY_VERSION
from policies.item import Item
from policies.rule import CallerCondition, HolderCondition, LicenceCondition, Obligations, Rule

SEED: Final = 20260301
_FIRST_DAY: Final = "2026-01-01"
_END: Final = "2028-01-01"
_CITIZEN_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643
_CITIZEN_CHECKS: Final = "10X98765432"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """A field of the benchmark: its type, the form that the policy gives, a value that is nobody's."""

    type: ValueType
    form: str
    value: str | date


def citizen_number(first: str) -> str:
    """Complete 17 digits by the check character."""
    total = sum(int(digit) * weight for digit, weight in zip(first, _CITIZEN_WEIGHTS, strict=True))
    return first + _CITIZEN_CHECKS[total % 11]


def card_number(first: str) -> str:
    """Complete a card number by Luhn's digit."""
    total = 0
    for place, digit in enumerate(reversed(first)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 -- the sum of its two digits
    return first + str(-total % 10)


SORTS: Final = {
    "holder_name": Sort(type=ValueType.NAME, form="mask:name", value="欧阳某某"),
    "holder_id": Sort(type=ValueType.CITIZEN_ID, form="mask:id-1-1", value=citizen_number("34010419900101123")),
    "holder_ref": Sort(type=ValueType.CODE, form="pseudonym:holder", value="A-20260301-0001"),
    "phone": Sort(type=ValueType.PHONE, form="mask:phone-3-4", value="13800001234"),
    "office_phone": Sort(type=ValueType.PHONE, form="mask:landline", value="0551-62345678"),
    "passport": Sort(type=ValueType.PASSPORT, form="mask:passport-1-1", value="E12345678"),
    "address": Sort(type=ValueType.ADDRESS, form="mask:addr-district", value="安徽省合肥市蜀山区某某路1号2幢301室"),
    "plate": Sort(type=ValueType.PLATE, form="mask:plate-2-1", value="皖A12347"),
    "bank_card": Sort(type=ValueType.BANK_CARD, form="mask:card-0-4", value=card_number("622202123456789")),
    "email": Sort(type=ValueType.EMAIL, form="mask:email", value="someone@example.org"),
    "birth_date": Sort(type=ValueType.DATE, form="general:age-band", value=date(1990, 1, 1)),
    "issued_on": Sort(type=ValueType.DATE, form="general:year-month", value=date(2024, 5, 6)),
    "valid_from": Sort(type=ValueType.DATE, form="general:year", value=date(2024, 5, 6)),
    "valid_to": Sort(type=ValueType.DATE, form="plain", value=date(2029, 5, 6)),
    "amount": Sort(type=ValueType.AMOUNT, form="general:band", value="3000000"),
    "place": Sort(type=ValueType.ADDRESS, form="general:city", value="安徽省合肥市蜀山区某某路1号"),
    "licence_no": Sort(type=ValueType.CODE, form="plain", value="JY13401040000001"),
    "status": Sort(type=ValueType.TERM, form="plain", value="active"),
    "photo": Sort(type=ValueType.IMAGE, form="exists", value="photo"),
    "authority": Sort(type=ValueType.TEXT, form="plain", value="某某市市场监督管理局"),
}
FIELDS: Final = tuple(SORTS)

# The same fields as policies are written: in the plan of the example site that changes most fields, those are four of
# seven; so here twelve of twenty, among them one pseudonym. (Over all its plans, sixteen of twenty forms are plain.)
_PLAIN_AS_WRITTEN: Final = ("passport", "office_phone", "email", "place")
# Where a licence states them; the others are elements whose tags are their names.
SOURCES: Final = {
    "holder_name": "holder-name",
    "holder_id": "holder-code",
    "issued_on": "issued-on",
    "valid_from": "valid-from",
    "valid_to": "valid-to",
    "licence_no": "number",
    "authority": "issuer",
}
SORTS_AS_WRITTEN: Final = SORTS | {name: replace_sort(SORTS[name], form="plain") for name in _PLAIN_AS_WRITTEN}


def make_hundred(sorts: Mapping[str, Sort] = SORTS) -> Bundle:
    """Return 100 rules on one licence type with 20 fields; the first rule gives its caller all of them."""
    source = random.Random(SEED)
    items = tuple(_item(number, ("licence-0",), sorts) for number in range(12))
    callers = tuple(_kind(number) for number in range(8))
    everything = Rule(
        id="R-0000",
        why="benchmark",
        basis="benchmark",
        grant={name: sort.form for name, sort in sorts.items()},
        item=(items[0].id,),
        caller=CallerCondition(kind=(callers[0].id,)),
    )
    rules = [_rule(source, number, items, callers, ("licence-0",), sorts=sorts) for number in range(1, 100)]
    return _bundle(callers, (_licence(0),), items, (everything, *rules))


def full_context() -> Context:
    """Return the context in which all 20 fields leave."""
    return Context(
        item="item-0",
        caller="kind-0",
        home="own",
        licence="licence-0",
        status="active",
        holder="person",
        age="adult",
        consent="statutory",
        outcome="valid",
    )


def make_licence() -> Licence:
    """Return a licence that states all 20 values; its elements are text, days too."""
    stated: dict[str, Any] = {SOURCES.get(name, name): sort.value for name, sort in SORTS.items()}
    holder = Holder(name=stated["holder-name"], code=stated["holder-code"], code_type="111")
    return Licence(
        name="证照",
        number=stated["number"],
        type_code="",
        identifier=None,
        issuer=stated["issuer"],
        issuer_code="",
        issued_on=stated["issued-on"],
        holders=(holder,),
        valid_from=stated["valid-from"],
        valid_to=stated["valid-to"],
        long_term=False,
        copy=None,
        elements={name: str(sort.value) for name, sort in SORTS.items() if name not in SOURCES},
    )


def make_thousand(rules: int = 1_000, licences: int = 60, items: int = 450, kinds: int = 403) -> Bundle:
    """Return 1,000 rules: 31 provinces with 13 kinds of callers each, 450 items, 60 licence types."""
    source = random.Random(SEED)
    types = tuple(_licence(number) for number in range(licences))
    listed = tuple(licence.id for licence in types)
    all_items = tuple(_item(number, listed) for number in range(items))
    callers = tuple(_kind(number) for number in range(kinds))
    made = [
        _rule(source, number, all_items, callers, tuple(source.sample(listed, min(licences, source.randint(1, 3)))))
        for number in range(rules)
    ]
    return _bundle(callers, types, all_items, tuple(made))


def next_version(bundle: Bundle, changes: int = 10) -> Bundle:
    """Return a version in which some rules grant another field, one has gone, and one status is accepted besides."""
    source = random.Random(SEED + 1)
    rules = list(bundle.rules)
    for place in source.sample(range(1, len(rules)), min(changes, len(rules) - 1)):
        name = source.choice(FIELDS)
        rules[place] = replace(rules[place], grant=rules[place].grant | {name: SORTS[name].form})
    wider = replace(rules[1].licence, status=(LicenceStatus.ACTIVE, LicenceStatus.EXPIRED))
    rules[1] = replace(rules[1], licence=wider)
    return replace(bundle, version="2", rules=tuple(rules[:-1]))


def _bundle(
    callers: tuple[CallerKind, ...], licences: tuple[LicenceType, ...], items: tuple[Item, ...], rules: tuple[Rule, ...]
) -> Bundle:
    return Bundle(
        schema=SCHEMA,
        name="benchmark",
        version="1",
        forms=REGISTRY_VERSION,
        callers=callers,
        licences=licences,
        items=items,
        rules=rules,
        residual=1,
        valid_from=_FIRST_DAY,
        valid_to=_END,
    )


def _licence(number: int) -> LicenceType:
    fields = {
        name: Field(
            type=sort.type,
            source=SOURCES.get(name, name),
            zh=name,
            en=name,
            share=ShareClass.CONDITIONAL,
            sensitivity=Sensitivity.PERSONAL,
        )
        for name, sort in SORTS.items()
    }
    return LicenceType(id=f"licence-{number}", zh=f"证照{number}", en=f"licence {number}", fields=fields)


def _item(number: int, licences: tuple[str, ...], sorts: Mapping[str, Sort] = SORTS) -> Item:
    return Item(
        id=f"item-{number}",
        zh=f"事项{number}",
        en=f"item {number}",
        purpose="benchmark",
        basis="benchmark",
        licences=licences,
        consent=Consent.GIVEN if number % 3 == 1 else Consent.STATUTORY,
        ceiling={name: (sort.form,) for name, sort in sorts.items()},
        valid_from=_FIRST_DAY,
        valid_to=_END,
    )


def _kind(number: int) -> CallerKind:
    return CallerKind(id=f"kind-{number}", zh=f"类别{number}", en=f"kind {number}")


def _rule(
    source: random.Random,
    number: int,
    items: tuple[Item, ...],
    callers: tuple[CallerKind, ...],
    licences: tuple[str, ...],
    *,
    sorts: Mapping[str, Sort] = SORTS,
) -> Rule:
    """Make a rule with conditions as officials write them: a few items, a few kinds of callers, the usual cases."""
    person = (HolderType.PERSON, HolderType.SOLE_TRADER)
    holders: list[Any] = [None, None, person, (HolderType.PERSON,), (HolderType.ORGANISATION,)]
    ages: list[Any] = [None, None, (AgeClass.ADULT,), (AgeClass.ADULT, AgeClass.UNDETERMINED)]
    statuses: list[Any] = [None, (LicenceStatus.ACTIVE,), (LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED)]
    holder = source.choice(holders)
    is_organisation = holder == (HolderType.ORGANISATION,)
    consents: list[Any] = [None, (Consent.GIVEN, Consent.STATUTORY)]
    return Rule(
        id=f"R-{number:04}",
        why="benchmark",
        basis="benchmark",
        grant={name: sorts[name].form for name in source.sample(FIELDS, source.randint(2, 6))},
        item=tuple(item.id for item in source.sample(items, source.randint(1, 4))),
        caller=CallerCondition(
            kind=tuple(kind.id for kind in source.sample(callers, source.randint(1, 3))),
            home=source.choice([None, None, (Home.OWN,), (Home.PARTNER,)]),
        ),
        licence=LicenceCondition(type=licences, status=source.choice(statuses)),
        holder=HolderCondition(type=holder, age=None if is_organisation else source.choice(ages)),
        consent=source.choice(consents),
        outcome=(OutcomeClass.VALID,),
        oblige=Obligations(per_minute=source.choice([None, 60])),
    )
