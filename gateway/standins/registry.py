"""The stand-ins that there are, each with its mapping, its faults, and accounts and keys that everybody knows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import resources
from types import MappingProxyType
from typing import Final

from aiohttp import web

from adapters.mapping.adapter import Adapter, load_adapter
from gateway.adapters.access import SystemAccess
from gateway.adapters.functions import load_recipe
from gateway.standins import exchange, fujian_soap, guangdong, shandong, shanghai
from gateway.standins.desk import Desk
from gateway.standins.fault import Fault
from keys.payload.secret import Secret

_PASSWORD: Final = "stand-in"  # noqa: S105 -- of nothing that needs one


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One stand-in; ``access`` is what a caller needs, but for the address."""

    name: str
    faults: frozenset[Fault]
    make: Callable[[Desk], web.Application]
    access: SystemAccess

    def load_adapter(self) -> Adapter:
        """Return the shipped mapping that it speaks."""
        file = f"{self.name}.toml"
        return load_adapter(resources.files("gateway").joinpath("example_adapters", file).read_bytes(), file)

    def open_desk(self, adapter: Adapter, clock: Callable[[], datetime], faults: Iterable[Fault] = ()) -> Desk:
        """Return what it works with; ``adapter`` is its own, or a changed one."""
        return Desk(adapter=adapter, recipe=load_recipe(adapter), access=self.access, clock=clock, faults=set(faults))

    def access_at(self, base: str) -> SystemAccess:
        """Return what a caller needs, the address included."""
        return replace(self.access, base=base)


def _known(settings: Mapping[str, str], secrets: Mapping[str, str]) -> SystemAccess:
    """Return accounts and keys that are none: they stand in this file."""
    found = {name: Secret(text.encode()) for name, text in secrets.items()}
    return SystemAccess(base="", settings=settings, secrets=found)


STAND_INS: Final[Mapping[str, StandIn]] = MappingProxyType(
    {
        one.name: one
        for one in (
            StandIn(
                name="exchange",
                faults=exchange.FAULTS,
                make=exchange.make,
                access=_known({"rid": "rid-stand-in", "sid": "sid-stand-in"}, {"app_key": "stand-in-app-key"}),
            ),
            StandIn(
                name="fujian-soap",
                faults=fujian_soap.FAULTS,
                make=fujian_soap.make,
                access=_known({"account": "stand-in"}, {"password": _PASSWORD, "sm4_key": "0123456789abcdef" * 2}),
            ),
            StandIn(
                name="guangdong",
                faults=guangdong.FAULTS,
                make=guangdong.make,
                access=_known(
                    {
                        "app_key": "stand-in",
                        "account": "stand-in",
                        "operator_role": "窗口人员",
                        "division": "某市",
                        "division_code": "440100",
                    },
                    {"app_secret": _PASSWORD, "password": _PASSWORD},
                ),
            ),
            StandIn(
                name="shandong",
                faults=shandong.FAULTS,
                make=shandong.make,
                access=_known(
                    {"access_id": "stand-in"}, {"access_token": _PASSWORD, "sm2_private_key": "0123456789abcdef" * 4}
                ),
            ),
            StandIn(
                name="shanghai",
                faults=shanghai.FAULTS,
                make=shanghai.make,
                access=_known({"account": "stand-in"}, {"password": _PASSWORD}),
            ),
        )
    }
)
