"""A gateway with a province behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.demo.issuer import IssuedLicence
from gateway.http.messages.answers import VerificationAnswer
from gateway.sources.intake import read_new_licence
from gateway.sources.store import SqliteLicenceStore
from tests.support.callers import make_party
from tests.support.demo import NOW, demo_stock
from tests.support.http import URL, Client, bearer
from tests.support.river import NAME, River, licence_of

PARTY = make_party()
LICENCES = [one for one in demo_stock().licences if one.draft.annotation is None]
ONE, OTHER = LICENCES[0], LICENCES[1]
SOURCE = f"system:{NAME}"
STRANGER = "91349901MADEM3415U"


def key_of(licence: IssuedLicence = ONE, **changes: str) -> dict[str, str]:
    """Return the question for a licence by number, type and holder."""
    sealed = licence_of(licence.document)
    return {"number": sealed.number, "type": sealed.type_code, "holder": sealed.holders[0].code} | changes


def identifier_of(licence: IssuedLicence = ONE) -> dict[str, str]:
    return {"identifier": licence.draft.identifier}


@dataclass(slots=True, kw_only=True)
class Stage:
    """A gateway with a province behind it."""

    client: Client
    river: River
    folder: Path

    async def answer(self, licence: object, **more: object) -> dict[str, Any]:
        """Ask a question that is answered."""
        body = {"licence": licence} | more
        response = await self.client.post(URL, json=body, headers=bearer(PARTY.token(NOW)))
        content = await response.json(content_type=response.content_type)
        assert response.status == 200, content
        msgspec.convert(content, VerificationAnswer)
        return content

    async def refusal(self, licence: object, **more: object) -> tuple[int, str]:
        """Ask a question that is refused."""
        body = {"licence": licence} | more
        response = await self.client.post(URL, json=body, headers=bearer(PARTY.token(NOW)))
        return response.status, (await response.json(content_type=response.content_type))["reason"]

    async def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric, 0 where nothing was counted."""
        text = await (await self.client.get("/metrics")).text()
        wanted = name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(wanted)), 0.0)


Start = Callable[..., Any]


def keep(folder: Path, licences: tuple[IssuedLicence, ...]) -> None:
    """Put licences into the gateway's own store."""
    store = SqliteLicenceStore(folder / "state" / "licences.sqlite", create=True)
    store.add([read_new_licence(one.document) for one in licences], at=NOW)
    store.close()


def check_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the check of a name in an answer."""
    (check,) = [one for one in content["checks"] if one["check"] == name]
    return dict(check)
