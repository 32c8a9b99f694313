"""Consents that no question could ever rest on."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.consent.fitting import Wanted, find_misfits
from policies.catalogue import Field, LicenceType, ValueType
from policies.dimension import Consent
from policies.item import Item

CARD = LicenceType(
    id="card", zh="证", en="card", fields={"name": Field(type=ValueType.NAME, source="name", zh="名", en="name")}
)
OTHER = replace(CARD, id="other", fields={"number": CARD.fields["name"]})
ITEM = Item(
    id="I-1",
    zh="事项",
    en="item",
    purpose="purpose",
    basis="basis",
    licences=("card",),
    consent=Consent.GIVEN,
    ceiling={"name": ("plain",)},
    valid_from="2026-01-01",
    valid_to="2027-01-01",
)
CODE = "11370000000000000X"


def misfits(item: Item = ITEM, **changes: Any) -> list[tuple[str, int]]:
    content: dict[str, Any] = {
        "items": ["I-1"],
        "licences": ["card"],
        "fields": ["name"],
        "organisations": [CODE],
        "given_at": datetime(2026, 3, 1, tzinfo=UTC),
        "expires_at": datetime(2026, 4, 1, tzinfo=UTC),
    }
    items, licences = {item.id: item}, {one.id: one for one in (CARD, OTHER)}
    return list(find_misfits(Wanted(**content | changes), items=items, licences=licences))


def test_what_fits() -> None:
    """A consent whose every part could be asked for fits; without fields it is to all of them."""
    assert misfits() == misfits(fields=None) == []


@pytest.mark.parametrize("consent", [Consent.NONE, Consent.STATUTORY])
def test_an_item_that_asks_for_no_consent(consent: Consent) -> None:
    """A consent to an item that rests on something else never counts, and nothing hangs on it."""
    assert misfits(replace(ITEM, consent=consent)) == [("items", 0), ("licences", 0), ("fields", 0)]


@pytest.mark.parametrize(
    ("given_at", "expires_at", "fits"),
    [
        (datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 12, 31, 16, tzinfo=UTC), False),
        (datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 12, 31, 16, 0, 1, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 16, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC), False),
    ],
)
def test_an_item_that_is_not_in_force_meanwhile(given_at: datetime, expires_at: datetime, *, fits: bool) -> None:
    """The item is in force, by days in China, at some moment at which the consent counts."""
    assert (misfits(given_at=given_at, expires_at=expires_at) == []) is fits


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"items": ["I-9", "I-1"]}, [("items", 0)]),
        ({"licences": ["card", "other"]}, [("licences", 1)]),
        ({"licences": ["other"], "fields": None}, [("items", 0), ("licences", 0)]),
        ({"fields": ["number", "name"]}, [("fields", 0)]),
        ({"organisations": [CODE, CODE.lower(), "", f"{CODE}\n"]}, [("organisations", n) for n in (1, 2, 3)]),
    ],
)
def test_places(changes: dict[str, Any], found: list[tuple[str, int]]) -> None:
    """Each part that could never count is named by its place."""
    assert misfits(**changes) == found
