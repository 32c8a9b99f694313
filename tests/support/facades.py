"""A gateway that answers as other systems do, with the demo's licences, and our own clients that ask it so."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp.test_utils import TestServer

from adapters.mapping.adapter import Adapter
from adapters.transport.recipe import Deadlines, Question
from gateway.adapters.access import SystemAccess
from gateway.adapters.client import AdapterClient
from gateway.adapters.connection import open_session
from gateway.adapters.functions import load_recipe
from gateway.adapters.inquiry import Inquiry
from gateway.app import create_app, server_options
from gateway.cli.adapter_files import read_adapter
from gateway.demo.licences import TYPE_CODES
from gateway.site import Site, load_site
from gateway.site_template import write_site
from gateway.sources.intake import read_new_licence
from gateway.sources.store import SqliteLicenceStore
from keys.payload.secret import Secret
from keys.sm2 import Sm2PrivateKey
from policies.dimension import LicenceStatus
from tests.support.callers import AUDIENCE
from tests.support.demo import NOW, demo_stock
from tests.support.http import GatewayTestServer
from tests.support.policy import PUBLIC, REAL_ESTATE
from tests.support.sharing import in_force

LICENCES = [one for one in demo_stock().licences if one.draft.annotation is None]
COMPANY = next(one.draft for one in LICENCES if one.draft.number == "91379901MADEM37146")
OTHER_COMPANY = next(one.draft for one in LICENCES if one.draft.number == "91379901MADEM37221")
PERMIT = next(one.draft for one in LICENCES if one.draft.number == "JY13799010002296")
BUSINESS_NAME = "营业执照"
TYPE_CODE = TYPE_CODES[COMPANY.kind]
CASE = "BDC20260001"
STORE = Path("state") / "licences.sqlite"

_SM2 = Sm2PrivateKey.from_scalar(int("0123456789abcdef" * 4, 16))
_PASSWORD = "a password of the tests"  # noqa: S105 -- of nothing that needs one


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a caller of a system has, and what the gateway has of it, by the names of the recipe."""

    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)  # both sides have them
    pairs: Mapping[str, Sm2PrivateKey] = field(default_factory=dict)  # the caller has the private half
    item: str = PUBLIC
    kind: str = "counter"

    @property
    def access(self) -> SystemAccess:
        """The caller's side."""
        secrets = {name: Secret(text.encode()) for name, text in self.secrets.items()}
        secrets |= {name: Secret(b"0123456789abcdef" * 4) for name in self.pairs}
        return SystemAccess(base="", settings=self.settings, secrets=secrets)


ACCOUNTS = {
    "shandong": Account(
        settings={"access_id": "partner"}, secrets={"access_token": _PASSWORD}, pairs={"sm2_private_key": _SM2}
    ),
    "guangdong": Account(
        settings={
            "app_key": "partner",
            "account": "partner",
            "operator_role": "窗口人员",
            "division": "某市",
            "division_code": "440100",
        },
        secrets={"app_secret": _PASSWORD, "password": _PASSWORD},
        item=REAL_ESTATE,
    ),
    "exchange": Account(settings={"rid": "rid-1", "sid": "sid-1"}, secrets={"app_key": "0123456789abcdef"}),
    "fujian-soap": Account(
        settings={"account": "partner"}, secrets={"password": _PASSWORD, "sm4_key": "0123456789abcdef" * 2}
    ),
    "shanghai": Account(settings={"account": "partner"}, secrets={"password": _PASSWORD}),
    "zhejiang": Account(settings={"app_key": "partner"}, secrets={"app_secret": _PASSWORD}),
    "gbt36906": Account(settings={"access_id": "partner"}, secrets={"access_key": _PASSWORD}),
    "national": Account(settings={"access_id": "partner"}, secrets={"access_token": _PASSWORD}),
    "fujian-post": Account(settings={"app_id": "partner"}),
    "jiangsu": Account(secrets={"sign": _PASSWORD}),
}


def write_facade_site(folder: Path, system: str, /, account: Account | None = None, **changes: str) -> Path:
    """Write a site with the demo's licences and one façade; ``changes`` are keys of its table, "" takes one away."""
    account = account or ACCOUNTS[system]
    write_site(folder)
    shutil.rmtree(folder / "policies")  # the small one is in force, and this one takes long to read
    settings = folder / "tongban.toml"
    text = settings.read_text().replace("https://tongban.example.gov.cn", AUDIENCE)
    text = text.replace("match_floor_milliseconds = 50", "match_floor_milliseconds = 0")
    table = {"system": system, "caller": f"{system}-caller", "item": account.item} | changes
    settings.write_text(text + "\n[[facade]]\n" + "".join(f'{key} = "{one}"\n' for key, one in table.items() if one))
    (folder / "callers" / f"{system}.toml").write_text(write_caller(folder, system, account))
    demo_stock().authority.write_trust_folder(folder / "trust", NOW)
    (folder / STORE).write_bytes(_stored())
    return folder


@cache
def _stored() -> bytes:
    """Return the file of a store with the demo's licences, made once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / STORE.name
        store = SqliteLicenceStore(path, create=True)
        store.add([read_new_licence(one.document) for one in LICENCES], at=NOW)
        store.close()
        return path.read_bytes()


def write_caller(folder: Path, name: str, account: Account) -> str:
    """Return the file of a caller, having written the files of its secrets."""
    secrets = folder / "state"
    secrets.mkdir(exist_ok=True)
    lines = [
        f'id = "{name}-caller"',
        'name = "Partner platform"',
        'name_zh = "合作平台"',
        'organisation = "11370000000000000X"',
        'region = "370000"',
        f'kind = "{account.kind}"',
        "[facade.settings]",
        *(f'{key} = "{text}"' for key, text in account.settings.items()),
        "[facade.secrets]",
    ]
    for key, text in account.secrets.items():
        path = secrets / f"{name}-{key}"
        path.write_text(text + "\n")
        path.chmod(0o600)
        lines.append(f'{key} = "../state/{path.name}"')
    lines.append("[facade.public_keys]")
    lines += [f'{key} = "{pair.public_key.point.hex()}"' for key, pair in account.pairs.items()]
    return "\n".join([*lines, ""])


def set_status(folder: Path, identifier: str, status: LicenceStatus) -> None:
    """Change the status of a licence in the store."""
    store = SqliteLicenceStore(folder / STORE)
    store.set_status(identifier, status, is_under_objection=False, reason="a test", at=NOW)
    store.close()


@dataclass(slots=True, kw_only=True)
class Served:
    """A gateway with a façade, and a client of the system that asks it."""

    client: AdapterClient
    server: TestServer
    adapter: Adapter
    base: str
    now: datetime


@asynccontextmanager
async def serve_facade(
    folder: Path,
    name: str,
    *,
    access: SystemAccess | None = None,
) -> AsyncIterator[Served]:
    """Serve the site with the small policy in force, and open a client with the shipped recipe."""
    site: Site = await asyncio.to_thread(load_site, folder, at=NOW)
    app = create_app(site, clock=lambda: NOW, policy=in_force())
    server = GatewayTestServer(app)
    await server.start_server(**server_options(site.settings.http))
    adapter = (await asyncio.to_thread(read_adapter, name))[1]
    recipe = load_recipe(adapter)
    recipe = replace(recipe, deadlines=Deadlines(total_ms=20_000))
    base = str(server.make_url(f"/facades/{name}"))
    known = access or ACCOUNTS[name].access
    try:
        async with open_session(recipe.deadlines) as session:
            client = AdapterClient(adapter, recipe, replace(known, base=base), session, lambda: NOW)
            try:
                yield Served(client=client, server=server, adapter=adapter, base=base, now=NOW)
            finally:
                await client.close()
    finally:
        await server.close()


def ask(question: Question, **words: str) -> Inquiry:
    """Return a question with everything that the systems demand."""
    usual = {
        "use": "办理不动产登记",
        "item_code": REAL_ESTATE,
        "item_name": "不动产登记",
        "case": CASE,
        "operator_id": "operator-1",
        "operator_name": "经办人",
        "operator_org": "某市政务服务中心",
        "operator_org_code": "12430000006122244L",
    }
    return Inquiry(question=question, **(usual | words))
