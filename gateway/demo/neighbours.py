"""Other systems of the demo: stand-ins that keep some of its licences, and what the gateway is asked about those."""

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import web

from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordStatus
from gateway.adapters.access import reveal_text
from gateway.adapters.systems import SYSTEMS_FILE
from gateway.demo.issuer import IssuedLicence
from gateway.demo.licences import TYPE_CODES, Kind
from gateway.demo.offices import ANHUI, SHANDONG, Province
from gateway.reason import Reason
from gateway.sources.licence_store import SOURCE_NAME
from gateway.sources.rules import SOURCES_FILE
from gateway.standins.registry import STAND_INS
from gateway.verdict import Outcome

_HOST: Final = "127.0.0.1"
_SECRETS: Final = "state/systems"  # below the site
NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A system that keeps licences of one kind, and whose word is final for them.

    ``province`` has issued the one that is asked for. ``shape_zh`` and ``shape_en`` say how the system speaks,
    ``status`` is how its register has them, ``outcome`` and ``reason`` are the right answer of the gateway.
    """

    system: str
    kind: Kind
    province: Province
    by_identifier: bool
    shape_zh: str
    shape_en: str
    status: RecordStatus = RecordStatus.ACTIVE
    outcome: Outcome = Outcome.VALID
    reason: Reason | None = None


NEIGHBOURS: Final = (
    Neighbour(
        system="gbt36906",
        kind=Kind.DRIVER,
        province=ANHUI,
        by_identifier=True,
        shape_zh="JSON，GB/T 36906 外层，令牌，文件另取",
        shape_en="JSON in the envelope of GB/T 36906, a token, the file by a second call",
    ),
    Neighbour(
        system="shandong",
        kind=Kind.SOCIAL_CARD,
        province=SHANDONG,
        by_identifier=True,
        shape_zh="JSON，照面以 SM2 加密",
        shape_en="JSON, the face encrypted to our SM2 key",
        status=RecordStatus.CANCELLED,
        outcome=Outcome.INVALID,
        reason=Reason.STATUS_CANCELLED,
    ),
    Neighbour(
        system="guangdong",
        kind=Kind.SOCIAL_CARD,
        province=ANHUI,
        by_identifier=False,
        shape_zh="JSON，登录、分页、一次一授权",
        shape_en="JSON, a login, pages, a grant for each use",
    ),
    Neighbour(
        system="fujian-soap",
        kind=Kind.CONSTRUCTOR,
        province=ANHUI,
        by_identifier=False,
        shape_zh="SOAP，GBK 文本经 SM4 加密，无文件",
        shape_en="SOAP, GBK text under SM4, no file",
        outcome=Outcome.UNKNOWN,
        reason=Reason.FORMAT_NO_DOCUMENT,
    ),
)

LIBRARY: Final = NEIGHBOURS[0]  # the one that a demo which goes on serving runs as a process of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemQuestion:
    """A question about a licence that a neighbour keeps; ``key`` names it as callers do."""

    neighbour: Neighbour
    claim: str
    key: Mapping[str, str]


def ask_neighbours(licences: Iterable[IssuedLicence]) -> tuple[SystemQuestion, ...]:
    """Return one question for each neighbour."""
    known = tuple(licences)
    return tuple(_ask(one, _kept(one, known)) for one in NEIGHBOURS)


@contextmanager
def run_neighbours(
    licences: Iterable[IssuedLicence], *, elsewhere: Mapping[str, str] = NOWHERE
) -> Iterator[Mapping[str, str]]:
    """Serve the stand-ins on free ports of this machine, in a thread of their own; yields the addresses by system.

    ``elsewhere`` are the addresses of those that run already.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stand-ins", daemon=True)
    thread.start()
    runners: dict[str, web.AppRunner] = {}
    try:
        here = [one for one in NEIGHBOURS if one.system not in elsewhere]
        opened = asyncio.run_coroutine_threadsafe(_open(here, tuple(licences), runners), loop).result()
        yield opened | dict(elsewhere)
    finally:
        asyncio.run_coroutine_threadsafe(_close(runners.values()), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def write_neighbours(site: Path, addresses: Mapping[str, str]) -> None:
    """Tell a site of the stand-ins: where they are, our accounts there, and for which licences their word counts."""
    secrets = site / _SECRETS
    secrets.mkdir(mode=0o700, parents=True)
    systems, rules = [], []
    for neighbour in NEIGHBOURS:
        access = STAND_INS[neighbour.system].access
        files = {}
        for name, secret in access.secrets.items():
            file = secrets / f"{neighbour.system}-{name}"
            file.touch(mode=0o600)
            file.write_text(reveal_text(secret), encoding="utf-8")
            files[name] = f"{_SECRETS}/{file.name}"
        systems.append(
            f"[{neighbour.system}]\nbase = {_spell(addresses[neighbour.system])}\n"
            f"settings = {_table(access.settings)}\nsecrets = {_table(files)}\n"
        )
        # A number does not tell where a licence was issued; an identifier does.
        areas = f'areas = ["{neighbour.province.code}"]\n' if neighbour.by_identifier else ""
        rules.append(
            f"[[source]]\nsystem = {_spell(neighbour.system)}\n{areas}types = [{_spell(TYPE_CODES[neighbour.kind])}]\n"
            "authoritative = true\ndocuments = false\n"
        )
    rules.append(f"[[source]]\nsystem = {_spell(SOURCE_NAME)}\n")  # our own store behind them, for all that is left
    (site / SYSTEMS_FILE).write_text("\n".join(systems), encoding="utf-8")
    (site / SOURCES_FILE).write_text("\n".join(rules), encoding="utf-8")


def keep_records(neighbour: Neighbour, licences: Iterable[IssuedLicence]) -> tuple[LicenceRecord, ...]:
    """Return what the neighbour's register says of the licences of its kind."""
    return tuple(_state(one, neighbour) for one in licences if one.draft.kind is neighbour.kind)


async def _open(
    neighbours: Iterable[Neighbour], licences: tuple[IssuedLicence, ...], runners: dict[str, web.AppRunner]
) -> dict[str, str]:
    addresses = {}
    for neighbour in neighbours:
        stand_in = STAND_INS[neighbour.system]
        records = keep_records(neighbour, licences)
        desk = stand_in.open_desk(stand_in.load_adapter(), lambda: datetime.now(UTC), records=records)
        runner = web.AppRunner(stand_in.make(desk), access_log=None)
        await runner.setup()
        runners[neighbour.system] = runner
        await web.TCPSite(runner, _HOST, 0).start()
        ((_, port),) = runner.addresses
        addresses[neighbour.system] = f"http://{_HOST}:{port}"
    return addresses


async def _close(runners: Iterable[web.AppRunner]) -> None:
    for runner in runners:
        await runner.cleanup()


def _state(licence: IssuedLicence, neighbour: Neighbour) -> LicenceRecord:
    """Return what the neighbour's register says of a licence."""
    draft = licence.draft
    _, code_type = draft.holder_type
    return LicenceRecord(
        identifier=draft.identifier,
        number=draft.number,
        type_code=TYPE_CODES[draft.kind],
        name=str(draft.kind),
        holders=tuple(RecordHolder(name=one.name, code=one.code, code_type=code_type) for one in draft.holders),
        issuer=draft.office.name,
        issuer_code=draft.office.code,
        issued_on=draft.issued_on,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
        long_term=draft.valid_to is None,
        status=neighbour.status,
        document=RecordDocument(content=licence.document),
    )


def _kept(neighbour: Neighbour, licences: Iterable[IssuedLicence]) -> IssuedLicence:
    """Return the licence that a neighbour is asked about."""
    return next(
        one for one in licences if one.draft.kind is neighbour.kind and one.draft.office.province is neighbour.province
    )


def _ask(neighbour: Neighbour, licence: IssuedLicence) -> SystemQuestion:
    draft = licence.draft
    parts = {"number": draft.number, "type": TYPE_CODES[draft.kind], "holder": draft.holders[0].code}
    key = {"identifier": draft.identifier} if neighbour.by_identifier else parts
    return SystemQuestion(neighbour=neighbour, claim=licence.claim, key=key)


def _table(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{name} = {_spell(text)}" for name, text in values.items()) + " }"


def _spell(text: str) -> str:
    """Return a text as a TOML string, which JSON's is."""
    return json.dumps(text, ensure_ascii=False)
