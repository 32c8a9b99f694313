"""The stand-ins that there are: those written by hand, and those made of a mapping file and its recipe alone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from importlib import resources
from types import MappingProxyType
from typing import Final

from aiohttp import web

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Way
from gateway.adapters.access import SystemAccess
from gateway.adapters.functions import load_recipe
from gateway.standins import exchange, fujian_soap, guangdong, mirror, shandong, shanghai
from gateway.standins.accounts import PASSWORD, make_accounts
from gateway.standins.desk import Desk
from gateway.standins.fault import ALWAYS, Fault
from gateway.standins.manner import MANNERS, Manner
from gateway.standins.samples import SAMPLES
from keys.payload.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One stand-in; ``known`` are its accounts, None where they are made up for its recipe."""

    name: str
    make: Callable[[Desk], web.Application]
    load_adapter: Callable[[], Adapter]
    known: SystemAccess | None = None
    own_faults: frozenset[Fault] = frozenset()

    @property
    def access(self) -> SystemAccess:
        """What a caller needs, but for the address."""
        return self.known or make_accounts(load_recipe(self.load_adapter())).access

    @property
    def faults(self) -> frozenset[Fault]:
        """The faults that can be switched on: those of any system, and those for which it has a place."""
        adapter = self.load_adapter()
        decrypts = any(one.way is Way.IN for one in load_recipe(adapter).encryption)
        says_retry = any(AnswerOutcome.RETRY in one.spellings for one in adapter.rules.outcomes)
        return (
            ALWAYS
            | self.own_faults
            | ({Fault.WRONG_KEY} if decrypts else set())
            | ({Fault.KEY_REFRESH} if says_retry else set())
        )

    def open_desk(
        self,
        adapter: Adapter,
        clock: Callable[[], datetime],
        faults: Iterable[Fault] = (),
        records: Iterable[LicenceRecord] = SAMPLES,
        file: bytes = b"",
    ) -> Desk:
        """Return what it works with; ``adapter`` is its own, or a changed one. ``file`` as in `Desk`."""
        return Desk(
            adapter=adapter,
            recipe=load_recipe(adapter),
            access=self.access,
            clock=clock,
            records=tuple(records),
            file=file,
            faults=set(faults),
        )

    def access_at(self, base: str) -> SystemAccess:
        """Return what a caller needs, the address included."""
        return replace(self.access, base=base)


def reflect(adapter: Adapter) -> StandIn:
    """Return the stand-in of any mapping file with a recipe, made of the two alone."""
    return StandIn(name=adapter.id, make=partial(mirror.make, manner=Manner()), load_adapter=lambda: adapter)


@cache
def _load_shipped(name: str) -> Adapter:
    file = f"{name}.toml"
    return load_adapter(resources.files("gateway").joinpath("example_adapters", file).read_bytes(), file)


def _by_hand(
    name: str,
    make: Callable[[Desk], web.Application],
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    own_faults: frozenset[Fault] = frozenset(),
) -> StandIn:
    """Return a stand-in that knows its system independently of the recipe; its accounts stand in this file."""
    found = {key: Secret(text.encode()) for key, text in secrets.items()}
    return StandIn(
        name=name,
        make=make,
        load_adapter=partial(_load_shipped, name),
        known=SystemAccess(base="", settings=settings, secrets=found),
        own_faults=own_faults,
    )


def _mirrored(name: str) -> StandIn:
    manner = MANNERS.get(name, Manner())
    return StandIn(name=name, make=partial(mirror.make, manner=manner), load_adapter=partial(_load_shipped, name))


_GUANGDONG: Final = {
    "app_key": "stand-in",
    "account": "stand-in",
    "operator_role": "窗口人员",
    "division": "某市",
    "division_code": "440100",
}
_EXCHANGE: Final = {"rid": "rid-stand-in", "sid": "sid-stand-in"}
_SM4_KEY: Final = "0123456789abcdef" * 2
_SM2_KEY: Final = "0123456789abcdef" * 4
_MIRRORED: Final = (
    "anhui",
    "fujian-post",
    "gbt36906",
    "jiangsu",
    "jilin",
    "national",
    "police-package",
    "zhejiang",
)

STAND_INS: Final[Mapping[str, StandIn]] = MappingProxyType(
    {
        one.name: one
        for one in (
            _by_hand("exchange", exchange.make, _EXCHANGE, {"app_key": "stand-in-app-key"}, exchange.OWN_FAULTS),
            _by_hand(
                "fujian-soap", fujian_soap.make, {"account": PASSWORD}, {"password": PASSWORD, "sm4_key": _SM4_KEY}
            ),
            _by_hand("guangdong", guangdong.make, _GUANGDONG, {"app_secret": PASSWORD, "password": PASSWORD}),
            _by_hand(
                "shandong",
                shandong.make,
                {"access_id": PASSWORD},
                {"access_token": PASSWORD, "sm2_private_key": _SM2_KEY},
            ),
            _by_hand("shanghai", shanghai.make, {"account": PASSWORD}, {"password": PASSWORD}),
            *(_mirrored(name) for name in _MIRRORED),
        )
    }
)
