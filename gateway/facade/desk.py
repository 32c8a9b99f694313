"""The façades of one gateway at work."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from gateway.facade.facade import Facade
from gateway.facade.plan import FacadePlan
from gateway.facade.tickets import DEFAULT_LIFETIME_SECONDS, Tickets
from gateway.limits.marks import MarkStore
from gateway.sources.holder_search import HolderSearch

FACADE_PATH: Final = "/facades/{name}{path}"  # as the router spells it
FACADE_PATTERN: Final = "/facades/{name:[a-z0-9-]+}{path:(?:/.*)?}"
KEY_FILE: Final = "facades.key"  # in the state folder: what tokens are made with


class FacadeDesk:
    """Finds a façade by its name; ``search`` is None in a gateway that has no store."""

    def __init__(self, plans: Iterable[FacadePlan], *, marks: MarkStore, search: HolderSearch | None) -> None:
        """Serve these, from `open` on; ``marks`` remember the requests that were let in."""
        self._plans = tuple(plans)
        self._marks = marks
        self._facades: Mapping[str, Facade] = {}
        self.search = search

    def open(self, key: bytes) -> None:
        """Begin to serve, with a key that every process of the gateway has."""
        self._facades = {plan.settings.name: _open(plan, key, self._marks) for plan in self._plans}

    def find(self, name: str) -> Facade | None:
        """Return the façade with exactly this name."""
        return self._facades.get(name)

    def close(self) -> None:
        """Let go of the store."""
        if self.search is not None:
            self.search.close()


def _open(plan: FacadePlan, key: bytes, marks: MarkStore) -> Facade:
    sign_in = plan.recipe.sign_in
    stated = None if sign_in is None else sign_in.lifetime_seconds
    lifetime_seconds = stated or DEFAULT_LIFETIME_SECONDS
    own_key = _derive_key(key, plan)
    tickets = Tickets(name=plan.settings.name, key=own_key, lifetime_seconds=lifetime_seconds)
    return Facade(plan=plan, tickets=tickets, marks=marks)


def _derive_key(key: bytes, plan: FacadePlan) -> bytes:
    """Return the key of one façade: another one, with all tokens, once caller, password or key are another."""
    account = plan.account
    agreed = {
        "caller": plan.caller.id,
        "settings": dict(account.settings),
        "keys": {name: one.reveal().hex() for name, one in account.keys.items()},
    }
    return hmac.digest(key, msgspec.json.encode(agreed, order="sorted"), hashlib.sha256)
