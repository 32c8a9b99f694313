"""A licence as a credential, for tests: who issues, who holds, who asks."""

from datetime import UTC, datetime, timedelta

from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from keys.sd_jwt.issuance import CredentialTerms, Disclosable, issue_sd_jwt
from keys.sd_jwt.presentation import KeyBinding
from keys.sd_jwt.public_key import read_public_key
from keys.sd_jwt.verification import IssuerKey, Question, VerifiedCredential, verify_sd_jwt

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ISSUER = "https://licences.example.gov.cn"
TYPE = "urn:example:licence:business:1"
AUDIENCE = "https://counter.example.gov.hk"
NONCE = "n-0S6_WzA2Mj"
ISSUING = {algorithm: SoftwareSigner.generate(algorithm) for algorithm in KeyAlgorithm}
HOLDING = {algorithm: SoftwareSigner.generate(algorithm) for algorithm in KeyAlgorithm}
QUESTION = Question(audience=AUDIENCE, nonce=NONCE)
FIELDS = {
    "name": "营业执照",
    "holder_name": "某某有限公司",
    "registered_capital": 1_000_000,
    "holders": [
        Disclosable(value={"name": "张三", "code": Disclosable(value="A123")}),
        Disclosable(value={"name": "李四", "code": "B456"}),
    ],
}


def terms(holder: SoftwareSigner | None = None, **changed: object) -> CredentialTerms:
    values = {
        "issuer": ISSUER,
        "type_name": TYPE,
        "issued_at": NOW - DAY,
        "expires": NOW + DAY,
        "holder_key": None if holder is None else read_public_key(holder.public_key),
        **changed,
    }
    return CredentialTerms(**values)


def issue(algorithm: KeyAlgorithm = KeyAlgorithm.P256, *, holder: KeyAlgorithm | None = None, **named: object) -> str:
    holding = None if holder is None else HOLDING[holder]
    return issue_sd_jwt(terms(holding), FIELDS, signer=ISSUING[algorithm], visible=frozenset({"name"}), **named)


def binding(holder: KeyAlgorithm, **changed: object) -> KeyBinding:
    values = {"audience": AUDIENCE, "nonce": NONCE, "at": NOW, "signer": HOLDING[holder], **changed}
    return KeyBinding(**values)


def find_key(issuer: str, key_id: str) -> IssuerKey | None:
    for signer in ISSUING.values():
        if issuer == ISSUER and key_id == signer.key_id:
            return IssuerKey(key=read_public_key(signer.public_key), valid_from=NOW - DAY, valid_until=NOW + 9 * DAY)
    return None


def verify(text: str, **changed: object) -> VerifiedCredential:
    values = {"issuers": find_key, "types": {TYPE}, "at": NOW, "question": None, **changed}
    return verify_sd_jwt(text, **values)
