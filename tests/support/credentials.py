"""Licences and keys for credentials: one record, whom it is issued to, who issues it, and how others read it."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier

from adapters.record.description import describe_record
from adapters.record.record import LicenceRecord
from gateway.own_keys.keystore import Keystore
from gateway.standins.samples import SAMPLES
from keys.own.public import encode_public_pem
from keys.own.record import KeyAlgorithm, KeyPurpose, KeyRecord
from tests.support.own_keys import make_key_file

ISSUER = "https://licences.example.gov.cn"
AUDIENCE = "https://counter.example.gov.hk"
NONCE = "n-0S6_WzA2Mj"
RECORD = replace(
    SAMPLES[0],
    valid_to=SAMPLES[0].issued_on.replace(year=2099, day=1),
    surface={"JYXM": "热食类制售", "分支": ("甲店", "乙店"), "表": ({"列": "1"}, {"列": "2"})},
)
TYPE = f"urn:tongban:licence:{RECORD.type_code}"


def encode_record(record: LicenceRecord) -> bytes:
    """Write a record as a file of `tongban credential issue` has it."""
    return json.dumps(describe_record(record), ensure_ascii=False).encode()


def make_key(folder: Path, purpose: KeyPurpose, algorithm: KeyAlgorithm = KeyAlgorithm.P256) -> KeyRecord:
    """Make a key since yesterday in a folder of its own, and beside it the file of its public half."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    _, file = make_key_file(algorithm, purpose=purpose, at=at)
    store = Keystore(folder / purpose)
    store.create_folder()
    store.add(file)
    (folder / f"{purpose}.pem").write_text(encode_public_pem(file.record))
    return file.record


def write_issuer(folder: Path, record: KeyRecord, name: str = "province", **changes: str) -> Path:
    """Write the file of an issuer into ``issuers``; ``changes`` are TOML, "" leaves a key out."""
    (folder / "issuers").mkdir(exist_ok=True)
    values = {
        "issuer": f'"{ISSUER}"',
        "name": '"Example province"',
        "name_zh": '"示例省"',
        "algorithm": f'"{record.algorithm}"',
        "key": f"'''\n{encode_public_pem(record)}'''",
        "types": f'["{TYPE}"]',
        **changes,
    }
    path = folder / "issuers" / f"{name}.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in values.items() if value) + "\n", encoding="utf-8")
    return folder / "issuers"


def read_by_oracle(text: str, issuing: bytes, **binding: str) -> dict[str, Any]:
    """Return what the reference implementation (PyPI sd-jwt) verifies, with the issuer's SubjectPublicKeyInfo."""
    load_der_public_key(issuing)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(issuing) + b"-----END PUBLIC KEY-----\n"
    verifier = SDJWTVerifier(text, lambda *_: JWK.from_pem(pem), **binding)
    payload: dict[str, Any] = verifier.get_verified_payload()
    return payload
