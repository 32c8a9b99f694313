"""The seals of the demo's offices (GB/T 38540-2020): made by the TEST authority's seal maker, used by officials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.ofd.sealing import Sealer
from adapters.ses.encode import encode_seal, encode_seal_info, encode_seal_signature, encode_tbs, seal_message
from gateway.demo.authority import Credential, DemoAuthority
from gateway.demo.certificates import Subject, Usage
from gateway.demo.layout import SEAL_MM
from gateway.demo.offices import Office
from gateway.demo.png import draw_seal
from keys.digest import sm3

SEAL_VENDOR = "TongbanDemo"
OFFICIAL_SEAL = 1  # seal type of an organ's official seal (单位公章)

_OFFICE_AGE = timedelta(days=4 * 365)
_OFFICE_LIFE_LEFT = timedelta(days=365)
_SEALED_AFTER = timedelta(days=2)  # a seal is made once its official has a certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeSeal:
    """A seal with the official who may use it; ``encryption`` is the other half of the dual certificate (双证书)."""

    office: Office
    name: str
    encoded: bytes
    signer: Credential
    encryption: Credential


def open_office(authority: DemoAuthority, office: Office, now: datetime, *, desk: str = "") -> OfficeSeal:
    """Give an office its dual certificate and a seal; ``desk`` names a seal for one task, such as 审核专用章."""
    since, until = now - _OFFICE_AGE, now + _OFFICE_LIFE_LEFT
    signer, encryption = (
        authority.issue_certificate(
            subject=official(office, desk), usage=usage, not_before=since, not_after=until, ca=authority.signer_issuer
        )
        for usage in (Usage.SIGNING, Usage.ENCRYPTION)
    )
    encoded = make_seal(
        maker=authority.maker,
        signers=(signer.certificate,),
        identifier=seal_number(office, desk),
        name=f"{office.name}{desk}",
        created=since + _SEALED_AFTER,
        valid_to=until,
    )
    return OfficeSeal(office=office, name=f"{office.name}{desk}", encoded=encoded, signer=signer, encryption=encryption)


def official(office: Office, desk: str = "") -> Subject:
    """Name the official of an office the way provincial CAs do: credit code and name joined in O."""
    return Subject(
        common_name=f"{office.name}{desk or '电子签章'}", organisation=f"{office.code}{office.name}", unit="TEST ONLY"
    )


def seal_number(office: Office, desk: str = "") -> str:
    """Give the seal's number: area 6 digits, then 7 that come from the office's code and desk."""
    return f"{office.province.area}{int.from_bytes(sm3((office.code + desk).encode())[:4]) % 10_000_000:07d}"


def make_seal(
    *, maker: Credential, signers: Sequence[bytes], identifier: str, name: str, created: datetime, valid_to: datetime
) -> bytes:
    """Make a seal (SESeal, version 4) that lists the signers' certificates and is in force from its creation."""
    info = encode_seal_info(
        version=4,
        vendor=SEAL_VENDOR,
        identifier=identifier,
        type=OFFICIAL_SEAL,
        name=name,
        certificates=signers,
        created=created,
        valid_from=created,
        valid_to=valid_to,
        picture_format="PNG",
        picture=draw_seal(),
        width_mm=SEAL_MM,
        height_mm=SEAL_MM,
    )
    message = seal_message(seal_info=info, maker_certificate=maker.certificate)
    return encode_seal(
        seal_info=info,
        maker_certificate=maker.certificate,
        signature=maker.key.sign(message),
    )


def sealer(*, seal: bytes, signer: Credential, signed_at: datetime) -> Sealer:
    """Bind seal, official and moment into the function that turns a Signature.xml into a SignedValue.dat."""

    def sign(description: bytes, path: str) -> bytes:
        tbs = encode_tbs(seal=seal, signed_at=signed_at, data_hash=sm3(description), property_info=path, version=4)
        return encode_seal_signature(tbs=tbs, signer_certificate=signer.certificate, signature=signer.key.sign(tbs))

    return sign
