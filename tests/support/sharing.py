"""Licences, a policy in force and callers of its kinds, so that what leaves a gateway can be asked for."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from adapters.licence import Holder, Licence
from gateway.app import create_app, server_options
from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import PrivatePart, commit_private
from gateway.audit.leaf import Leaf, LeafKind, parse_leaf
from gateway.budget.store import BudgetStore
from gateway.callers import CallerId
from gateway.consent.record import ConsentId, ConsentRecord
from gateway.consent.store import ConsentStore
from gateway.credential.keys import CredentialKeys
from gateway.demo.numbers import citizen_id, credit_code
from gateway.http.state import LOG
from gateway.pipeline import Verified
from gateway.policy.activation import PolicyInForce
from gateway.settings import PolicySettings
from gateway.sources.errand import Errand
from gateway.sources.source import (
    ByNumber,
    Found,
    LicenceIndex,
    LicenceKey,
    LicenceSource,
    NotFound,
    Registered,
    StoredLicence,
    by_number,
    index_licence,
)
from gateway.verdict import Verdict
from policies.bundle import Bundle, digest_bundle
from policies.dimension import Context, LicenceStatus
from policies.engine import Engine
from policies.loader import load_policy
from tests.support.callers import NOW, Party, make_party, make_site
from tests.support.http import GENUINE, Client, GatewayTestServer, StartClient
from tests.support.policy import BUSINESS, NOTARY, PUBLIC, REAL_ESTATE, small_policy

__all__ = ["BUSINESS", "NOTARY", "PUBLIC", "REAL_ESTATE"]

AREA = "349901"
ADULT = citizen_id(AREA, date(1986, 3, 14), 26)
CHILD = citizen_id(AREA, date(2015, 7, 1), 7)
COMPANY = credit_code("91", AREA, "MADEM341")
TRADER = credit_code("92", AREA, "MADEM341")
ID_CARD_CODE = "11100000000013338W011"
SECRET = b"secret of the tests, 32 bytes ok"


def holder(name: str = "欧阳晓禾", code: str = ADULT, code_type: str = "111") -> Holder:
    """Return a holder."""
    return Holder(name=name, code=code, code_type=code_type)


def make_licence(**changes: Any) -> Licence:
    """Return the identity card of an adult, except for the changes."""
    content: dict[str, Any] = {
        "name": "居民身份证",
        "number": "ID-0001",
        "type_code": ID_CARD_CODE,
        "identifier": None,
        "issuer": "示例公安局",
        "issuer_code": COMPANY,
        "issued_on": date(2020, 5, 1),
        "holders": (holder(),),
        "valid_from": date(2020, 5, 1),
        "valid_to": date(2040, 5, 1),
        "long_term": False,
        "copy": None,
        "elements": {
            "KZ_CSRQ": "19860314",
            "KZ_ZS": "安徽省合肥市蜀山区长江西路1号",
            "KZ_ZP": "QUJD" * 2000,
        },
    }
    return Licence(**content | changes)


def driving_licence(**changes: Any) -> Licence:
    """Return the driving licence of the same adult."""
    elements = {"KZ_LXDH": "13812345678", "KZ_ZJCX": "A2"}
    content: dict[str, Any] = {"name": "机动车驾驶证", "type_code": "", "number": "DL-0001", "elements": elements}
    return make_licence(**content | changes)


def business_licence(**changes: Any) -> Licence:
    """Return the business licence of a company."""
    elements = {"KZ_FDDBR": "林晓禾", "KZ_JYFW": "软件开发；数据处理", "KZ_ZCZB": "伍佰万圆整"}
    company = (holder("云溪市青禾软件有限公司", COMPANY, "001"),)
    content: dict[str, Any] = {"name": "营业执照", "type_code": "", "holders": company, "elements": elements}
    return make_licence(**content | changes)


def in_force(files: Mapping[str, bytes] | Bundle | None = None) -> PolicyInForce:
    """Return a policy in force: that of these files, or the small one."""
    bundle = files if isinstance(files, Bundle) else load_policy(small_policy() if files is None else files).bundle
    return PolicyInForce(bundle=bundle, engine=Engine(bundle), digest=digest_bundle(bundle))


def verified(
    licence: Licence | None, *, verdict: Verdict = GENUINE, status: LicenceStatus = LicenceStatus.ACTIVE
) -> Verified:
    """Return a licence that was verified, with a status of the register."""
    return Verified(verdict=verdict, licence=licence, status=status)


def caller(kind: str = "counter", **changes: Any) -> Party:
    """Return a caller of a kind; one of a partner province when its region says so."""
    return make_party(kind=kind, id=CallerId(f"{kind or 'no-kind'}-1"), **changes)


def asked(item: str = REAL_ESTATE, case: str | None = "BDC20260001", **changes: Any) -> dict[str, Any]:
    """Return a question about a document, bound to a purpose, except for the changes."""
    purpose = {"item": item} | ({} if case is None else {"case": case})
    return {"licence": {"document": "QUJD"}, "purpose": purpose} | changes


class Register(LicenceSource):
    """A source of one licence, found by number and type."""

    name = "store"

    def __init__(self, licence: Licence, status: LicenceStatus = LicenceStatus.ACTIVE) -> None:
        """Know this licence."""
        self._licence = licence
        self._status = status

    async def find(self, key: LicenceKey, errand: Errand) -> Found:  # noqa: ARG002
        """Find it by its number alone; the holder is compared with what is sealed."""
        known = by_number(self._licence.number, self._licence.name)
        if not isinstance(key, ByNumber) or (key.number, key.type) != (known.number, known.type):
            return NotFound(document=b"decoy", source=self.name)
        return StoredLicence(
            document=b"document",
            sha256="0" * 64,
            status=self._status,
            status_since=NOW,
            is_under_objection=False,
            stored_at=NOW,
            source=self.name,
        )

    async def find_status(
        self,
        index: LicenceIndex,
        errand: Errand,  # noqa: ARG002
        *,
        issued_on: date | None,
    ) -> Registered | None:
        """Know the status of it alone; no version of it is older than another."""
        if index != index_licence(self._licence) or issued_on != self._licence.issued_on:
            return None
        return Registered(status=self._status, is_under_objection=False, source=self.name)

    def close(self) -> None:
        """Nothing is held."""


class Consents:
    """An `AsyncConsents` on a store that does not block."""

    def __init__(self, store: ConsentStore) -> None:
        """Use a store in memory."""
        self.store = store

    async def add(self, record: ConsentRecord) -> None:
        """Keep a consent."""
        self.store.add(record)

    async def find(self, consent: ConsentId) -> ConsentRecord | None:
        """Return a consent."""
        return self.store.find(consent)

    async def withdraw(self, consent: ConsentId, *, at: datetime, organisation: str | None = None) -> datetime | None:
        """Withdraw a consent."""
        return self.store.withdraw(consent, at=at, organisation=organisation)

    async def secret(self) -> bytes:
        """Return the tests' key."""
        return SECRET

    def close(self) -> None:
        """Nothing is held."""


async def start_sharing(
    aiohttp_client: StartClient,
    parties: Sequence[Party],
    what: Verified | Licence,
    *,
    policy: PolicyInForce | None = None,
    settings: PolicySettings | None = None,
    master: bytes | None = None,
    source: LicenceSource | None = None,
    consents: ConsentStore | None = None,
    budgets: BudgetStore | None = None,
    decoy: Licence | None = None,
    credentials: CredentialKeys | None = None,
    now: datetime = NOW,
) -> Client:
    """Start a gateway in which every document is this licence; a ``decoy`` is what the document of that name is."""
    site = make_site(parties)
    site = replace(
        site,
        settings=replace(site.settings, policy=settings or PolicySettings(match_floor_milliseconds=0)),
        pseudonym_master=master,
        credentials=credentials,
    )
    found = verified(what) if isinstance(what, Licence) else what

    def verify(data: bytes, **_: Any) -> Verified:
        return verified(decoy) if data == b"decoy" else found

    app = create_app(
        site,
        clock=lambda: now,
        verify=verify,
        licences=source,
        policy=policy or in_force(),
        consents=None if consents is None else Consents(consents),
        budgets=budgets,
    )
    server = GatewayTestServer(app)
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An entry of the log: its leaf, and its private part."""

    index: int
    leaf: Leaf
    part: PrivatePart

    @property
    def context(self) -> Context:
        """What the policy decided by."""
        return Context(*self.part.context[: len(Context._fields)])


async def logged(client: Client, *kinds: LeafKind) -> list[Logged]:
    """Return the entries of these kinds that the gateway has written, of all that callers cause without any."""
    return await asyncio.to_thread(_read, client.server.app[LOG], kinds or _OF_CALLERS)  # type: ignore[attr-defined]


_OF_CALLERS = (LeafKind.ACCESS, LeafKind.MATCH, LeafKind.DENY, LeafKind.CONSENT)


def _read(log: SiteLog, kinds: Sequence[LeafKind]) -> list[Logged]:
    reader = log.reader()
    found = []
    for index in range(reader.head().size):  # type: ignore[union-attr]  # a gateway that runs has said so
        leaf = parse_leaf(reader.leaf(index))
        if leaf.content.kind in kinds:
            opened = reader.private(index)
            assert opened is not None
            assert leaf.content.commits == commit_private(opened.part)
            found.append(Logged(index=index, leaf=leaf, part=opened.part))
    return found


def withheld(reason: str) -> dict[str, str]:
    """Return the answer about a field that is withheld."""
    return {"form": "withheld", "reason": reason}


def at(year: int, month: int = 1, day: int = 1) -> datetime:
    """Return noon of a day in China."""
    return datetime(year, month, day, 4, tzinfo=UTC)
