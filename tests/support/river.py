"""A province that does not exist: its mapping, and a server that answers by it with the demo's sealed licences."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree as ET

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.licence import Licence
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordStatus
from adapters.registry import parse_document
from gateway.site_template import write_site
from tests.support.callers import AUDIENCE
from tests.support.demo import NOW, demo_stock

NAME = "river"
TOKEN = "the river's token"  # noqa: S105 -- of nothing that needs one
RULES = f'[[source]]\nsystem = "{NAME}"\n'
MAPPING = """
[system]
id = "river"
zh = "河省"
en = "River Province"
evidence = "certain"

[message]
form = "xml"
charset = "gb18030"
records = "/reply/list/licence[*]"
absent = "empty"

[[outcome]]
at = "/reply/result"
codes = { OK = "found", NONE = "not-found", LATER = "retry", STOP = "denied", PART = "partial", NO = "not-provided" }

[[field]]
to = "identifier"
at = "/oid"

[[field]]
to = "number"
at = "/no"

[[field]]
to = "type_code"
at = "/kind"

[[field]]
to = "name"
at = "/title"

[[field]]
to = "holders[].name"
at = "/owners/owner[*]/name"

[[field]]
to = "holders[].code"
at = "/owners/owner[*]/code"

[[field]]
to = "holders[].code_type"
at = "/owners/owner[*]/@type"

[[field]]
to = "issuer"
at = "/office"

[[field]]
to = "issuer_code"
at = "/office_code"

[[field]]
to = "issued_on"
at = "/on"
codec = ["date:yyyy年MM月dd日"]

[[field]]
to = "valid_from"
at = "/from"
codec = ["date:yyyy年MM月dd日"]

[[field]]
to = "valid_to"
at = "/to"
codec = ["long-term:永久", "date:yyyy年MM月dd日"]

[[field]]
to = "document.content"
at = "/file"
codec = ["base64"]

[[field]]
to = "surface.*"
at = "/face"

[status]
at = "/state"
codes = { "在用" = "active", "停用" = "suspended", "过期" = "expired", "吊销" = "revoked", "注销" = "cancelled" }
written_as = { superseded = "cancelled" }
loses = "被替换写作注销"

[losses]
area = "the system has no areas"
trust_level = "the system has no levels"
under_objection = "the system has no objections"
"document.format" = "the system has OFD alone"
"document.link" = "the system sends the file with the record"

[transport]
evidence = "certain"
deadline_ms = 5000
settings = ["desk"]
secrets = ["desk_token"]
headers = { X-Token = "{secret.desk_token}", X-Question = "{question_id}" }

[[transport.call]]
for = "identifier"
url = "{base}/by-oid"
xml = "<q><oid>{identifier}</oid><why>{use}</why><who>{operator_id}</who><desk>{setting.desk}</desk></q>"

[[transport.call]]
for = "number"
url = "{base}/by-number"
xml = "<q><no>{number}</no><kind>{type_code}</kind><case>{case}</case><org>{operator_org_code}</org>\
<area>{area}</area></q>"
"""


@dataclass(slots=True, kw_only=True)
class River:
    """The province at work: what it answers with, and what it was asked, as it arrived.

    ``change`` is what happens to an answer on its way; ``result`` an outcome other than that of the records; ``hold``
    what it waits for before it answers.
    """

    adapter: Adapter
    records: tuple[LicenceRecord, ...] = ()
    asked: list[dict[str, str]] = field(default_factory=list)
    change: Callable[[bytes], bytes] = bytes
    result: str = ""
    hold: asyncio.Event | None = None
    address: str = ""

    async def asked_often(self, count: int) -> None:
        """Wait until it was asked so often."""
        for _ in range(5_000):
            if len(self.asked) >= count:
                return
            await asyncio.sleep(0.001)
        raise AssertionError(len(self.asked))

    def application(self) -> web.Application:
        """Return its server."""
        app = web.Application()
        app.add_routes([web.post("/by-oid", self._by_oid), web.post("/by-number", self._by_number)])
        return app

    async def _by_oid(self, request: web.Request) -> web.Response:
        asked = await self._read(request)
        return self._answer([one for one in self.records if one.identifier == asked["oid"]])

    async def _by_number(self, request: web.Request) -> web.Response:
        asked = await self._read(request)
        wanted = (asked["no"], asked["kind"])
        return self._answer([one for one in self.records if (one.number, one.type_code) == wanted])

    async def _read(self, request: web.Request) -> dict[str, str]:
        if request.headers["X-Token"] != TOKEN:
            raise web.HTTPForbidden
        words = {one.tag: one.text or "" for one in ET.fromstring(await request.read())}  # noqa: S314 -- our own
        self.asked.append(words | {"question": request.headers["X-Question"]})
        if self.hold is not None:
            await self.hold.wait()
        return words

    def _answer(self, found: Sequence[LicenceRecord]) -> web.Response:
        if self.result:
            body = f"<reply><result>{self.result}</result></reply>".encode()
        else:
            body = self.adapter.render(tuple(found)) if found else b"<reply><result>NONE</result></reply>"
        return web.Response(body=self.change(body), headers={"Content-Type": "application/xml"})


@asynccontextmanager
async def flowing(*records: LicenceRecord) -> AsyncIterator[River]:
    """Start the province with some licences."""
    river = River(adapter=load_adapter(MAPPING.encode(), f"{NAME}.toml"), records=records)
    async with TestServer(river.application()) as server:
        river.address = str(server.make_url("/")).rstrip("/")
        yield river


def record_of(sealed: bytes, status: RecordStatus = RecordStatus.ACTIVE, **changes: object) -> LicenceRecord:
    """Return what a register says of a licence whose document it has, except for the changes."""
    licence = licence_of(sealed)
    identifier = licence.identifier
    record = LicenceRecord(
        identifier="" if identifier is None else identifier.text,
        number=licence.number,
        type_code=licence.type_code,
        name=licence.name,
        holders=tuple(RecordHolder(name=one.name, code=one.code, code_type=one.code_type) for one in licence.holders),
        issuer=licence.issuer,
        issuer_code=licence.issuer_code,
        issued_on=licence.issued_on,
        valid_from=licence.valid_from,
        valid_to=licence.valid_to,
        long_term=licence.long_term,
        status=status,
        document=RecordDocument(content=sealed),
    )
    return replace(record, **changes)  # type: ignore[arg-type]  # fields of the record


def licence_of(document: bytes) -> Licence:
    """Return the licence in a document that has one."""
    licence = parse_document(document).licence
    assert licence is not None
    return licence


def write_trusting_site(folder: Path) -> None:
    """Write a site that trusts the demo's authority."""
    write_site(folder)
    settings = folder / "tongban.toml"
    settings.write_text(settings.read_text().replace("https://tongban.example.gov.cn", AUDIENCE))
    demo_stock().authority.write_trust_folder(folder / "trust", NOW)


def write_river(folder: Path, address: str, rules: str = RULES) -> None:
    """Add the province to a site: its mapping, our access there, the file of a secret, and when it is asked."""
    (folder / "adapters" / f"{NAME}.toml").write_text(MAPPING, "utf-8")
    secret = folder / ".river-token"  # hidden, so that it is no stranger in the folder
    secret.write_text(TOKEN)
    secret.chmod(0o600)
    (folder / "systems.toml").write_text(
        f'[{NAME}]\nbase = "{address}"\nsettings = {{ desk = "7" }}\nsecrets = {{ desk_token = ".river-token" }}\n'
    )
    (folder / "sources.toml").write_text(rules, "utf-8")
