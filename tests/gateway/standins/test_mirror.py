"""Stand-ins of systems that are made up: what a recipe can say, a mirror of it takes and answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer

from adapters.mapping.adapter import load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.transport.recipe import Deadlines, Question
from gateway.adapters.client import AdapterClient
from gateway.adapters.connection import open_session
from gateway.adapters.error import AskError, AskFault
from gateway.standins.fault import Fault
from gateway.standins.registry import reflect
from gateway.standins.samples import FILE
from keys.payload.secret import Secret
from tests.support.stand_ins import FOOD, TRADE, Clock, Talk, ask, ask_holder

_LOSSES = """
[losses]
issuer = "the system names no issuers"
issuer_code = "the same"
area = "the same"
issued_on = "the same"
valid_from = "the same"
trust_level = "the same"
under_objection = "the same"
"""
# A wrapped and rotated secret, SM2 over the request, SM2 to their key at a path of it, pages of one record, a step, GBK
# under SM4-CBC inside of another XML.
LAYERS = (
    """
[system]
id = "layers"
zh = "层层封装的系统"
en = "Layers"

[message]
form = "xml"
charset = "gbk"
records = "/R/L/Z[*]"

[[outcome]]
at = "/R/C"
codes = { Y = "found", N = "not-found", W = "retry", X = "denied", O = "not-provided", E = "error" }
retry_after_seconds = { W = 3 }

[[envelope]]
name = "total"
at = "/R/N"

[[field]]
to = "identifier"
at = "/@bs"

[[field]]
to = "number"
at = "/H"

[[field]]
to = "name"
at = "/M"

[[field]]
to = "type_code"
at = "/T"

[[field]]
to = "holders[].name"
at = "/ZT[*]/M"

[[field]]
to = "holders[].code"
at = "/ZT[*]/D"

[[field]]
to = "holders[].code_type"
at = "/ZT[*]/@lx"

[[field]]
to = "valid_to"
at = "/J"
codec = ["long-term:永久", "date:yyyy年MM月dd日"]

[[field]]
to = "document.link"
at = "/F"

[[field]]
to = "surface.*"
at = "/K"

[status]
at = "/S"
codes = { "1" = "active", "9" = "cancelled", "5" = "revoked", "7" = "superseded", "3" = "expired", "2" = "suspended" }

[transport]
deadline_ms = 9000
settings = ["who"]
secrets = ["wrapping_key", "signing_key", "their_key", "payload_key"]
headers = { "X-Who" = "{setting.who}", "X-Sign" = "{signature}", "X-Once" = "{value.nonce}", "X-At" = "{value.at}" }

[transport.values]
nonce = "n-{nonce}"
at = "{now.epoch-s}"

[transport.sign_in]
method = "GET"
url = "{base}/in"
query = { who = "{setting.who}" }
token = "/In/Secret"
ends_at = { at = "/In/Until", form = "yyyyMMddHHmmss" }

[transport.sign_in.wrapping]
key = "wrapping_key"
name = "aes-cbc"
key_spelling = "base64"
iv_place = "front"
secret_spelling = "hex"

[transport.signature]
key = "signing_key"
name = "sm2-signature"
template = "{nonce}|{at}"
time_field = "at"
time_form = "epoch-s"
nonce_field = "nonce"
key_spelling = "base64"

[[transport.encryption]]
direction = "out"
at = "$.q"
key = "their_key"
name = "sm2"
form = "c1c2c3"
key_spelling = "hex"

[[transport.encryption]]
direction = "in"
key = "payload_key"
name = "sm4-cbc"
charset = "gbk"
iv_place = "front"
key_spelling = "hex"

[transport.outcomes]
renew_on = ["X"]

[[transport.step]]
name = "case"
url = "{base}/case"
json = { q = "{case}", t = "{token}" }
success = { at = "$.ok", is = "yes" }
gives = { key = "$.in.key" }

[[transport.call]]
for = "holder"
after = ["case"]
url = "{base}/q"
json = { q = "{holder_code}", k = "{given.key}", p = "{page}", n = "{page_size}", t = "{token}" }
paging = { first = 0, size = 1, total = "/R/N" }
answer = "/Out/Text"

[[transport.call]]
for = "file"
after = ["case"]
url = "{base}/q"
json = { q = "{link}", k = "{given.key}", t = "{token}" }
answer = "$.file"
"""
    + _LOSSES
)
# Form text in which everything is encrypted both ways, with no codes, no sign-in and one licence alone.
PLAIN = (
    """
[system]
id = "plain"
zh = "朴素的系统"
en = "Plain"

[message]
form = "form"

[[field]]
to = "number"
at = "$.zsh"

[[field]]
to = "name"
at = "$.mc"
codec = ["prefix:《", "suffix:》"]

[[field]]
to = "holders[].code"
at = "$.dm"
codec = ["split:;"]

[[field]]
to = "surface.*"
at = "$"
prefix = "KZ_"

[transport]
deadline_ms = 9000
secrets = ["key", "password"]

[[transport.encryption]]
direction = "out"
key = "key"
name = "sm4-gcm"
iv_place = "front"
key_spelling = "text"

[[transport.encryption]]
direction = "in"
key = "key"
name = "sm4-gcm"
iv_place = "front"
key_spelling = "text"

[[transport.call]]
for = "number"
url = "{base}/one"
form = { zsh = "{number}", mm = "{secret.password}" }
"""
    + _LOSSES
    + """
identifier = "the same"
type_code = "the same"
"holders[].name" = "the same"
"holders[].code_type" = "the same"
valid_to = "the same"
document = "the same"
status = "the same"
"""
)


@asynccontextmanager
async def talk_to(mapping: str, wrong: dict[str, Secret] | None = None) -> AsyncIterator[Talk]:
    """Start the stand-in of a mapping, and a client; ``wrong`` are secrets that only the client has so."""
    adapter = load_adapter(mapping.encode(), "made-up.toml")
    stand_in, clock = reflect(adapter), Clock()
    desk = stand_in.open_desk(adapter, clock.read)
    access = replace(stand_in.access, secrets={**stand_in.access.secrets, **(wrong or {})})
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with TestServer(stand_in.make(desk)) as server, open_session(Deadlines(total_ms=9000)) as session:
        access = replace(access, base=str(server.make_url("/")).rstrip("/"))
        client = AdapterClient(adapter, desk.recipe, access, session, clock.read, sleep=sleep)
        try:
            yield Talk(client=client, desk=desk, clock=clock, waits=waits)
        finally:
            await client.close()


async def test_layers() -> None:
    """Every layer comes off again: two pages of licences, and the file of one by the grant that it says."""
    async with talk_to(LAYERS) as here:
        answer = await here.client.ask(ask_holder())
        assert (answer.outcome, answer.refused, answer.flags) == (AnswerOutcome.FOUND, (), frozenset())
        assert [one.number for one in answer.records] == [FOOD.number, TRADE.number]
        assert [one.holders for one in answer.records] == [FOOD.holders, TRADE.holders]
        assert [(one.valid_to, one.long_term) for one in answer.records] == [(FOOD.valid_to, False), (None, True)]
        document = answer.records[0].document
        assert document is not None
        assert (await here.client.ask(ask(Question.FILE, link=document.link))).file == FILE
        assert here.desk.asked == ["/in", "/case", "/q", "/q", "/case", "/q"]


async def test_a_secret_that_ends() -> None:
    """At the end that the answer named, the next question fetches another secret."""
    async with talk_to(LAYERS) as here:
        await here.client.ask(ask_holder())
        here.clock.go_on(timedelta(hours=1))
        assert (await here.client.ask(ask_holder())).outcome is AnswerOutcome.FOUND
        assert here.desk.asked.count("/in") == 2


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.PARTIAL_PAGE, AnswerOutcome.PARTIAL),
        (Fault.WRONG_KEY, AskFault.NOT_DECRYPTED),
        (Fault.WRONG_CHARSET, AskFault.NOT_DECRYPTED),
        (Fault.WRONG_SIGNATURE, AskFault.STEP),
        (Fault.NOT_PROVIDED, AnswerOutcome.NOT_PROVIDED),
        (Fault.KEY_REFRESH, AnswerOutcome.RETRY),
    ],
)
async def test_faults_of_layers(fault: Fault, outcome: AnswerOutcome | AskFault) -> None:
    """A mirror has the faults that its recipe and its mapping have a place for."""
    async with talk_to(LAYERS) as here:
        assert fault in reflect(here.desk.adapter).faults
        here.desk.faults.add(fault)
        try:
            assert (await here.client.ask(ask_holder())).outcome is outcome
        except AskError as error:
            assert error.fault is outcome  # noqa: PT017 -- one of the two


async def test_a_wrong_signing_key() -> None:
    """A signature by another key is refused at the first request that carries one."""
    other = reflect(load_adapter(LAYERS.replace('"base64"', '"hex"').encode(), "x")).access.secrets["signing_key"]
    wrong = Secret(bytes(reversed(other.reveal())))
    mapping = LAYERS.replace(
        'nonce_field = "nonce"\nkey_spelling = "base64"', 'nonce_field = "nonce"\nkey_spelling = "hex"'
    )
    async with talk_to(mapping, {"signing_key": wrong}) as here:
        with pytest.raises(AskError) as caught:
            await here.client.ask(ask_holder())
        assert (caught.value.fault, caught.value.where) == (AskFault.STEP, "case")


async def test_plain() -> None:
    """A system without codes, a list or a sign-in is asked and answered too, for what it has."""
    async with talk_to(PLAIN) as here:
        answer = await here.client.ask(ask(Question.NUMBER, number=FOOD.number))
        (record,) = answer.records
        assert (record.number, record.name, record.surface) == (FOOD.number, FOOD.name, FOOD.surface)


async def test_a_wrong_password() -> None:
    """Without codes there is no word for a refusal: the message is one of nothing, which is no licence."""
    async with talk_to(PLAIN, {"password": Secret(b"wrong")}) as here:
        answer = await here.client.ask(ask(Question.NUMBER, number=FOOD.number))
        assert [one.number for one in answer.records] in ([], [""])


@pytest.mark.parametrize(("path", "body", "status"), [("/q", b"{", 400), ("/else", b"{}", 404), ("/q", b"{}", 200)])
async def test_requests_of_nobody(path: str, body: bytes, status: int) -> None:
    """A request that the recipe does not have is an HTTP status; one that says nothing is refused in a message."""
    async with talk_to(LAYERS) as here:
        address = here.client._access.base + path
        async with here.client._session.post(address, data=body) as answer:
            assert answer.status == status


FILED = """
[system]
id = "filed"
zh = "文件另取的系统"
en = "Filed"

[message]
form = "json"

[[field]]
to = "number"
at = "$.n"

[[field]]
to = "document.content"
at = "$.w"
codec = ["base64"]

[transport]
deadline_ms = 9000

[[transport.call]]
for = "number"
url = "{base}/one"
json = { n = "{number}" }

[[transport.call]]
for = "file"
url = "{base}/file"
json = { n = "{number}" }
"""


async def test_a_file_that_was_given() -> None:
    """Where a record answers the call for the file, it alone has the file that the stand-in was given."""
    async with talk_to(FILED) as here:
        here.desk.file = b"given"
        for question, found in ((Question.NUMBER, None), (Question.FILE, b"given")):
            (record,) = (await here.client.ask(ask(question, number=FOOD.number))).records
            assert (None if record.document is None else record.document.content) == found
