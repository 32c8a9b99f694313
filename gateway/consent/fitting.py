"""Whether a consent fits the policy in force: what could never count is refused before anybody relies on it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.callers import CREDIT_CODE_PATTERN
from gateway.policy.moment import china_day
from policies.catalogue import LicenceType
from policies.dimension import Consent
from policies.item import Item

_IS_ORGANISATION: Final = re.compile(CREDIT_CODE_PATTERN).fullmatch
_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A consent that is to be registered, as far as a policy has a say in it; it ends before ``expires_at``."""

    items: Sequence[str]
    licences: Sequence[str]
    fields: Sequence[str] | None
    organisations: Sequence[str]
    given_at: datetime
    expires_at: datetime


def find_misfits(
    wanted: Wanted, *, items: Mapping[str, Item], licences: Mapping[str, LicenceType]
) -> Iterator[tuple[str, int]]:
    """Yield what of a consent no question could ever rest on: the name of a list, and the place in it.

    * Items that the policy does not have, that do not ask for consent, that are not in force while the consent counts,
      or that list none of the licence types.
    * Licence types that the policy does not have, or that no such item lists.
    * Fields that none of these types has.
    * Organisations that are named by something else than a unified social credit code.
    """
    first, last = china_day(wanted.given_at), china_day(wanted.expires_at - _MOMENT)

    def is_open(item: Item | None) -> bool:
        return (
            item is not None
            and item.consent is Consent.GIVEN
            and first.isoformat() < item.valid_to
            and item.valid_from <= last.isoformat()
        )

    asking = {name: item for name in wanted.items if is_open(item := items.get(name)) and item is not None}
    listed = {one for item in asking.values() for one in item.licences} & licences.keys()
    counting = listed.intersection(wanted.licences)
    known = {name for one in counting for name in licences[one].fields}
    for place, name in enumerate(wanted.items):
        if name not in asking or counting.isdisjoint(asking[name].licences):
            yield "items", place
    for place, name in enumerate(wanted.licences):
        if name not in counting:
            yield "licences", place
    for place, name in enumerate(wanted.fields or ()):
        if name not in known:
            yield "fields", place
    for place, name in enumerate(wanted.organisations):
        if _IS_ORGANISATION(name) is None:
            yield "organisations", place
