"""Who may ask at all: secrets, tokens, signatures, encryption, and what is said twice."""

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest

from adapters.mapping.answer import AnswerOutcome
from gateway.adapters.error import AskError, AskFault
from gateway.audit.leaf import LeafKind
from gateway.http.state import PRESSURE
from gateway.limits import pressure
from gateway.limits.settings import SheddingSettings
from keys.payload.registry import parse_encryption
from keys.payload.secret import Secret
from tests.gateway.facade.asking import (
    BY_HOLDER,
    BY_IDENTIFIER,
    HOLDER,
    WriteSite,
    entries,
)
from tests.support.facades import (
    ACCOUNTS,
    BUSINESS_NAME,
    COMPANY,
    TYPE_CODE,
    serve_facade,
)
from tests.support.redis_servers import until

NO_CODE = {"jiangsu", "national", "zhejiang"}  # of a refusal: their mappings know none


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("shandong", {"access_token": "other"}),
        ("zhejiang", {"app_secret": "other"}),
        ("jiangsu", {"sign": ""}),
        ("national", {"access_token": "other"}),
    ],
)
async def test_a_wrong_secret(write_site: WriteSite, name: str, change: dict[str, str]) -> None:
    """Who does not have what was agreed is refused in the system's words; nobody's requests have no entry."""
    known = ACCOUNTS[name].access
    wrong = {key: Secret((text or "-").encode()) for key, text in change.items()}
    access = replace(known, secrets={**known.secrets, **wrong})
    async with serve_facade(await write_site(name), name, access=access) as served:
        if name in NO_CODE:
            with pytest.raises(AskError) as caught:
                await served.client.ask(BY_HOLDER)
            assert (caught.value.fault, caught.value.where) == (AskFault.HTTP_STATUS, "401")
        else:
            answer = await served.client.ask(BY_HOLDER)
            assert answer.outcome in {AnswerOutcome.DENIED, AnswerOutcome.ERROR}
        assert await entries(served) == []


@pytest.mark.parametrize(
    ("name", "secret"), [("guangdong", "password"), ("exchange", "app_key"), ("fujian-soap", "password")]
)
async def test_a_sign_in_that_is_refused(write_site: WriteSite, name: str, secret: str) -> None:
    """A wrong password gives no token, or one that cannot be used; a question without one is refused."""
    known = ACCOUNTS[name].access
    access = replace(known, secrets={**known.secrets, secret: Secret(b"another-app-key.")})
    changes = {"type": BUSINESS_NAME} if name == "fujian-soap" else {}
    async with serve_facade(await write_site(name, **changes), name, access=access) as served:
        with pytest.raises(AskError):
            await served.client.ask(BY_HOLDER)
        assert await entries(served) == []


async def test_a_token_of_nobody(write_site: WriteSite) -> None:
    """A token that was made elsewhere is no token."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served, aiohttp.ClientSession() as session:
        for token in ("", "0" * 32, "某"):
            address = f"{served.base}/license/auth"
            async with session.post(address, params={"access_token": token}, json={}) as response:
                assert json.loads(await response.text())["ack_code"] == "FAILURE"
        assert await entries(served) == []


ENCRYPTED = """[[transport.encryption]]
direction = "out"
at = "$.holderCode"
key = "sm4_key"
name = "sm4-cbc"
iv_place = "front"
spelling = "hex"
key_spelling = "hex"

"""


async def test_what_cannot_be_decrypted(write_site: WriteSite) -> None:
    """Nobody without the account learns whether something could be decrypted; the caller is told, with an entry."""
    key = "0123456789abcdef" * 2
    known = ACCOUNTS["shandong"]
    account = replace(known, secrets={**known.secrets, "sm4_key": key})
    folder = await write_site("shandong", account=account)
    mapping = folder / "adapters" / "shandong.toml"
    text = await asyncio.to_thread(mapping.read_text)
    text = text.replace('"sm2_private_key"]', '"sm2_private_key", "sm4_key"]', 1)
    text = text.replace("[[transport.call]]", ENCRYPTED + "[[transport.call]]", 1)
    await asyncio.to_thread(mapping.write_text, text)
    recipe = {"name": "sm4-cbc", "iv_place": "front", "spelling": "hex", "key_spelling": "hex"}
    good = parse_encryption(recipe).make_encryptor(Secret(key.encode())).encrypt_text(HOLDER.code).text
    changed = good[:-2] + f"{int(good[-2:], 16) ^ 0x55:02x}"
    right = {"accessId": "partner", "accessToken": known.secrets["access_token"]}
    said = []
    async with serve_facade(folder, "shandong", access=known.access) as served, aiohttp.ClientSession() as session:
        for headers in (right | {"accessToken": "none"}, right):
            for code in (good, changed):
                body = {"certTypeCode": TYPE_CODE, "holderCode": code, "holderTypeCode": "001", "useCause": "x"}
                address = f"{served.base}/CertShare/queryCertInfoByHolderCode"
                async with session.post(address, json=body, headers=headers) as response:
                    said.append(json.loads(await response.text())["code"])
        assert [one.leaf.content.kind for one in await entries(served)] == [LeafKind.ACCESS, LeafKind.DENY]
    assert said == ["100", "100", "0", "101"]


async def test_a_token_ends_with_the_account(write_site: WriteSite) -> None:
    """When the password is another one, or the façade another caller's, the tokens of before are good no more."""
    folder = await write_site("guangdong")
    async with serve_facade(folder, "guangdong") as served:
        assert (await served.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND
        token = served.client._keeper._token
    await asyncio.to_thread((folder / "state" / "guangdong-password").write_text, "another password of the tests\n")
    async with serve_facade(folder, "guangdong") as served:
        served.client._keeper._token = token
        assert (await served.client.ask(BY_HOLDER)).outcome is not AnswerOutcome.FOUND
        assert len(await entries(served)) == 1  # that of before


async def test_what_is_said_again(write_site: WriteSite) -> None:
    """Of what a question names beside the identifier nothing was compared, and nothing is said again."""
    folder = await write_site("shandong")
    mapping = folder / "adapters" / "shandong.toml"
    text = await asyncio.to_thread(mapping.read_text)
    old = 'json = { certIdentifier = "{identifier}", useCause = "{use}" }'
    new = 'json = { certIdentifier = "{identifier}", holder = "{holder_code}", no = "{number}", useCause = "{use}" }'
    await asyncio.to_thread(mapping.write_text, text.replace(old, new, 1))
    token = ACCOUNTS["shandong"].secrets["access_token"]
    headers = {"accessId": "partner", "accessToken": token}
    body = {"certIdentifier": COMPANY.identifier, "holder": "91110000000000000X", "no": "N-1", "useCause": "x"}
    async with (
        serve_facade(folder, "shandong") as served,
        aiohttp.ClientSession() as session,
        session.post(f"{served.base}/CertShare/queryCertInfo", json=body, headers=headers) as response,
    ):
        text = await response.text()
    assert json.loads(text)["code"] == "0"
    assert "91110000000000000X" not in text
    assert "N-1" not in text


@pytest.mark.parametrize("name", ["zhejiang", "exchange"])
async def test_a_signed_question_comes_once(write_site: WriteSite, name: str) -> None:
    """Where a signature has nothing that is fresh each time, the same question under it is refused all the same."""
    async with serve_facade(await write_site(name), name) as served:
        assert (await served.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND
        if name in NO_CODE:
            with pytest.raises(AskError):
                await served.client.ask(BY_HOLDER)
        else:
            assert (await served.client.ask(BY_HOLDER)).outcome is AnswerOutcome.DENIED
        assert len(await entries(served)) == 1


async def test_strangers_shed_nobody(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has not signed in yet, and sends slowly, keeps out others like him at most, and no caller of ours."""
    monkeypatch.setattr(pressure, "UNSIGNED_SHARE", 2 / SheddingSettings().requests)
    async with (
        serve_facade(await write_site("shandong"), "shandong") as served,
        aiohttp.ClientSession(base_url=served.server.make_url("/")) as session,
    ):
        load, path = served.server.app[PRESSURE], "/facades/shandong/CertShare/queryCertInfo"
        slow = [await asyncio.open_connection(served.server.host, served.server.port) for _ in range(2)]
        for _, writer in slow:
            writer.write(f"POST {path} HTTP/1.1\r\nHost: g\r\nContent-Length: 99\r\n\r\n{{".encode())
        await until(lambda: load.is_full_of_unsigned)
        assert load._requests == 0
        async with session.post(path) as busy, session.post("/v1/verifications", json={}) as ours:
            assert (busy.headers["Retry-After"], ours.status) == ("1", 401)
        for _, writer in slow:
            writer.close()
        await until(lambda: not load.is_full_of_unsigned)
        assert (await served.client.ask(BY_IDENTIFIER)).outcome is AnswerOutcome.FOUND


async def test_every_process_takes_the_tokens_of_the_others(write_site: WriteSite) -> None:
    """A token of one process of the site is good in another: its key is the site's."""
    folder = await write_site("guangdong")
    async with serve_facade(folder, "guangdong") as one:
        assert (await one.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND
        token = one.client._keeper._token
    async with serve_facade(folder, "guangdong") as other:
        other.client._keeper._token = token
        assert (await other.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND
