"""Valid seals and seal signatures to start from; their certificates and signature values are placeholders."""

from datetime import UTC, datetime
from typing import Any

from adapters.ses.encode import (
    SM2_WITH_SM3,
    encode_seal,
    encode_seal_info,
    encode_seal_signature,
    encode_tbs,
    encode_tbs_2014,
)
from adapters.strict.der import encode_element

CREATED = datetime(2024, 1, 1, 0, 0, 0, tzinfo=UTC)
VALID_TO = datetime(2029, 1, 1, 0, 0, 0, tzinfo=UTC)
SIGNED_AT = datetime(2025, 6, 30, 16, 30, 0, tzinfo=UTC)
MAKER = encode_element(0x30, b"\x02\x01\x01")  # has the shape of DER, and nobody reads more of it here
SIGNER = encode_element(0x30, b"\x02\x01\x02")
SIGNATURE = bytes.fromhex("3006020101020102")
DATA_HASH = bytes(range(32))
LOCATION = "Doc_0/Signs/Sign_0/Signature.xml"
TEXT_TIME = b"2025-07-01 00:30:00"  # SIGNED_AT in China Standard Time

MADE: dict[str, Any] = {
    "version": 4,
    "vendor": "TongbanTest",
    "identifier": "37000000000001",
    "type": 1,
    "name": "某某市市场监督管理局电子证照专用章",
    "certificates": (SIGNER,),
    "created": CREATED,
    "valid_from": CREATED,
    "valid_to": VALID_TO,
    "picture_format": "png",
    "picture": b"\x89PNG",
    "width_mm": 42,
    "height_mm": 42,
}


def make_seal_info(**changes: Any) -> bytes:
    """Return a valid SES_SealInfo with some arguments of encode_seal_info changed."""
    return encode_seal_info(**(MADE | changes))


def make_seal(*, signature: bytes = SIGNATURE, timestamp: bytes | None = None, **changes: Any) -> bytes:
    """Return a valid seal of version 4, or as changed."""
    return encode_seal(
        seal_info=make_seal_info(**changes),
        maker_certificate=MAKER,
        algorithm=SM2_WITH_SM3,
        signature=signature,
        timestamp=timestamp,
    )


def make_seal_signature(
    *,
    version: int = 4,
    seal: bytes | None = None,
    signed_at: datetime = SIGNED_AT,
    time_info: bytes = TEXT_TIME,
    property_info: str = "/" + LOCATION,
    signature: bytes = SIGNATURE,
    timestamp: bytes | None = None,
) -> bytes:
    """Return a valid seal signature; ``time_info`` is for versions 1 to 3, ``signed_at`` for the later ones."""
    seal = make_seal(version=version) if seal is None else seal
    if version < 4:
        tbs = encode_tbs_2014(
            seal=seal,
            time_info=time_info,
            data_hash=DATA_HASH,
            property_info=property_info,
            signer_certificate=SIGNER,
            version=version,
        )
    else:
        tbs = encode_tbs(
            seal=seal, signed_at=signed_at, data_hash=DATA_HASH, property_info=property_info, version=version
        )
    return encode_seal_signature(tbs=tbs, signer_certificate=SIGNER, signature=signature, timestamp=timestamp)
