"""Our answer as a credential over HTTP: what the policy gave as it is, and nothing beyond."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.audit.leaf import LeafKind
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.credential.keys import CredentialKeys
from gateway.credential.settings import CredentialSettings
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.state import LOG
from gateway.own_keys.keystore import Keystore
from gateway.pipeline import KEPT_ANSWER, PASSED_OVER
from keys.own.journal import JournalEntry
from keys.own.record import KeyAlgorithm, KeyPurpose, KeyRecord, KeyState
from keys.own.signer import SoftwareSigner
from keys.sd_jwt.presentation import KeyBinding, present_sd_jwt
from keys.sd_jwt.public_key import encode_jwk, read_public_key
from keys.sd_jwt.verification import IssuerKey, Question, verify_sd_jwt
from policies.dimension import LicenceStatus
from tests.support.callers import NOW, Party
from tests.support.credentials import AUDIENCE, ISSUER, NONCE, read_by_oracle
from tests.support.http import FORGED, GENUINE, URL, Client, StartClient, bearer
from tests.support.own_keys import DAY, PASSPHRASE, make_key_file
from tests.support.sharing import (
    ID_CARD_CODE,
    asked,
    caller,
    holder,
    logged,
    make_licence,
    start_sharing,
    verified,
)

HOLDER = SoftwareSigner.generate(KeyAlgorithm.P256)
JWK = encode_jwk(read_public_key(HOLDER.public_key))
APP = caller(may_receive_credentials=True)
COUNTER = caller()
WANTED = asked(credential={"holder_key": JWK})
TYPE = f"urn:tongban:licence:{ID_CARD_CODE}"


class Issuing:
    """A gateway's keys for credentials, with one key in them."""

    def __init__(self, folder: Path, *, days: int = 30) -> None:
        """Make the key a day before the tests' present."""
        self.store = Keystore(folder / "keys")
        self.store.create_folder()
        _, file = make_key_file(KeyAlgorithm.P256, purpose=KeyPurpose.CREDENTIAL, at=NOW - DAY)
        self.store.add(file)
        self.record: KeyRecord = file.record
        stored = self.store.find(file.record.id)
        signer = self.store.unseal(stored, PASSPHRASE, clock=lambda: NOW)
        self.keys = CredentialKeys(CredentialSettings(issuer=ISSUER, days=days), self.store, {file.record: signer})

    async def count_uses(self) -> int:
        """Return how often it signed, by its journal."""
        found = list[JournalEntry]()
        read = self.store.journal(self.record.id).read
        await asyncio.to_thread(read, NOW - DAY, take=found.append)
        return len(found)

    def lose_state(self) -> None:
        """Remove what says whether the key may sign."""
        for path in self.store.folder.glob("*.state*"):
            path.unlink()


@pytest.fixture
def issuing(tmp_path: Path) -> Issuing:
    """Return the keys."""
    return Issuing(tmp_path)


async def ask(client: Client, party: Party = APP, body: dict[str, Any] = WANTED) -> tuple[int, dict[str, Any]]:
    """Ask, and return status and content, which has the documented shape."""
    response = await client.post(URL, json=body, headers=bearer(party.token()))
    content = await response.json(content_type=response.content_type)
    msgspec.convert(content, VerificationAnswer if response.status == 200 else ProblemDocument)
    return response.status, content


async def test_what_is_plain_becomes_a_claim(aiohttp_client: StartClient, issuing: Issuing) -> None:
    """Plain fields are claims, masked and coarser ones are left out, which is said; all of it is one answer."""
    client = await start_sharing(aiohttp_client, [APP], make_licence(), credentials=issuing.keys)
    status, content = await ask(client)
    assert status == 200
    found = content["credential"]
    assert (found["reason"], found["type"]) == (None, TYPE)
    assert found["claims"] == ["licence_status", "holders"]
    assert found["left_out"] == {"address": "mask:addr-district", "birth_date": "general:year"}
    assert content["fields"]["address"]["value"] == "安徽省合肥市蜀山区***"
    claims = read(found["sd_jwt"], issuing)
    assert {name: claims[name] for name in found["claims"]} == {
        "licence_status": "active",
        "holders": [{"name": "欧阳晓禾"}],
    }
    assert claims["iss"] == ISSUER
    assert claims["cnf"] == {"jwk": JWK}
    (entry,) = await logged(client, LeafKind.ACCESS)
    assert (entry.leaf.content.req, entry.index) == (content["decision"], content["receipt"]["index"])
    assert await issuing.count_uses() == 1


async def test_others_read_it(aiohttp_client: StartClient, issuing: Issuing) -> None:
    """The reference implementation verifies the credential, and the presentation that its holder makes of it."""
    client = await start_sharing(aiohttp_client, [APP], make_licence(), credentials=issuing.keys)
    _, content = await ask(client)
    text = content["credential"]["sd_jwt"]
    binding = KeyBinding(audience=AUDIENCE, nonce=NONCE, at=NOW, signer=HOLDER)
    shown = present_sd_jwt(text, disclose=[("holders", 0, "name")], binding=binding)
    question = Question(audience=AUDIENCE, nonce=NONCE)
    assert read(shown, issuing, question=question)["holders"] == [{"name": "欧阳晓禾"}]
    said = read_by_oracle(shown, issuing.record.public_key, expected_aud=AUDIENCE, expected_nonce=NONCE)
    assert said["holders"] == [{"name": "欧阳晓禾"}]


async def test_nothing_changes_for_who_does_not_ask(aiohttp_client: StartClient, issuing: Issuing) -> None:
    """An answer to a question without it has no such member, and no key signs."""
    client = await start_sharing(aiohttp_client, [APP], make_licence(), credentials=issuing.keys)
    status, content = await ask(client, body=asked())
    assert status == 200
    assert "credential" not in content
    assert await issuing.count_uses() == 0


async def test_where_none_are_issued(aiohttp_client: StartClient) -> None:
    """A gateway without a key for it refuses, and the refusal is an entry."""
    client = await start_sharing(aiohttp_client, [APP], make_licence())
    status, content = await ask(client)
    assert (status, content["reason"]) == (422, "credential.not-offered")
    (entry,) = await logged(client)
    assert entry.leaf.content.kind is LeafKind.DENY


async def test_who_may_not(aiohttp_client: StartClient, issuing: Issuing) -> None:
    """A caller whom the operator did not let receive credentials is refused, and no key signs."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence(), credentials=issuing.keys)
    status, content = await ask(client, COUNTER)
    assert (status, content["reason"]) == (403, "credential.not-allowed")
    assert await issuing.count_uses() == 0


@pytest.mark.parametrize(
    ("what", "body", "reason"),
    [
        (verified(make_licence(), verdict=FORGED), WANTED, "not-valid"),
        (verified(None), WANTED, "not-valid"),
        (verified(make_licence(), status=LicenceStatus.UNKNOWN), WANTED, "not-active"),
        (verified(make_licence(), verdict=replace(GENUINE, notes=(PASSED_OVER,))), WANTED, "not-active"),
        (verified(make_licence(), verdict=replace(GENUINE, notes=(KEPT_ANSWER,))), WANTED, "not-active"),
        (make_licence(type_code=""), WANTED, "no-type"),
        (make_licence(), WANTED | {"fields": ["status"]}, "nothing-to-show"),
        (make_licence(), WANTED | {"fields": ["address"]}, "nothing-to-show"),
        (make_licence(), WANTED | {"fields": []}, "nothing-to-show"),
        (make_licence(holders=(holder("甲", ""), holder("乙", ""))), WANTED | {"fields": ["photo"]}, "nothing-to-show"),
        (make_licence(valid_to=None), WANTED, "end-not-stated"),
    ],
)
async def test_where_there_is_none(
    aiohttp_client: StartClient, issuing: Issuing, what: Any, body: dict[str, Any], reason: str
) -> None:
    """What is not valid, not in force, of no type or not given is answered as ever, and the credential is null."""
    client = await start_sharing(aiohttp_client, [APP], what, credentials=issuing.keys)
    status, content = await ask(client, body=body)
    assert status == 200
    assert content["credential"]["sd_jwt"] is None
    assert content["credential"]["reason"] == reason
    assert await issuing.count_uses() == 0


async def test_a_key_that_signs_no_more(aiohttp_client: StartClient, issuing: Issuing) -> None:
    """A key that was retired meanwhile signs no more; the answer leaves without a credential."""
    await asyncio.to_thread(issuing.store.update, issuing.record.id, lambda _: KeyState(signs_until=NOW))
    client = await start_sharing(aiohttp_client, [APP], make_licence(), credentials=issuing.keys)
    _, content = await ask(client)
    assert (content["outcome"], content["credential"]["reason"]) == ("valid", "key-unavailable")
    await asyncio.to_thread(issuing.lose_state)
    _, content = await ask(client)
    assert (content["outcome"], content["credential"]["reason"]) == ("valid", "key-unavailable")


async def test_log_before_release(
    aiohttp_client: StartClient, issuing: Issuing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the log takes no entry nothing leaves, and no key signs."""
    client = await start_sharing(aiohttp_client, [APP], make_licence(), credentials=issuing.keys)

    async def fail(_: object) -> None:
        await asyncio.sleep(0)
        raise LogUnavailableError(Unavailable.DISK_FULL)

    monkeypatch.setattr(client.server.app[LOG], "append", fail)  # type: ignore[attr-defined]
    status, content = await ask(client)
    assert (status, content["reason"]) == (503, "log.unavailable")
    assert await issuing.count_uses() == 0


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (JWK | {"d": "A" * 43}, "$.credential.holder_key.d"),
        (JWK | {"x": "A"}, "$.credential.holder_key.x"),
        (JWK | {"x": "A" * 42 + "B"}, "$.credential.holder_key"),
        (JWK | {"y": None}, "$.credential.holder_key"),
        (JWK | {"crv": "P-521"}, "$.credential.holder_key"),
        (JWK | {"kty": 7}, "$.credential.holder_key.kty"),
        ({"kty": "EC"}, "$.credential.holder_key.crv"),
        ("key", "$.credential.holder_key"),
    ],
)
async def test_keys_that_are_none(aiohttp_client: StartClient, issuing: Issuing, key: Any, place: str) -> None:
    """A key that is none, or a private one, is refused with its place and without its value."""
    client = await start_sharing(aiohttp_client, [APP], make_licence(), credentials=issuing.keys)
    status, content = await ask(client, body=asked(credential={"holder_key": key}))
    assert (status, content["reason"]) == (422, "body.invalid")
    assert place in [one["path"] for one in content["errors"]]
    assert await issuing.count_uses() == 0


def read(text: str, issuing: Issuing, question: Question | None = None) -> dict[str, Any]:
    """Return what our own verifier reads."""
    key = IssuerKey(key=read_public_key(issuing.record.public_key), valid_from=NOW - DAY, valid_until=NOW + DAY)
    found = verify_sd_jwt(
        text,
        issuers=lambda issuer, kid: key if (issuer, kid) == (ISSUER, issuing.record.id) else None,
        types={TYPE},
        at=NOW,
        question=question,
    )
    return dict(found.claims)
