"""The demo's TEST authority: a root, an issuing CA for seal makers and one for signers, and their revocation lists.

The two issuing CAs are anchors for their own purpose only.
Otherwise every subscriber's certificate could make a seal in a government's name, and the seal would look genuine.
"""

import base64
import secrets
import textwrap
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.demo.certificates import CertificateContent, Subject, Usage, encode_certificate, encode_revocation_list
from keys.digest import sm3
from keys.sm2 import Sm2PrivateKey

ORGANISATION = "通办演示机构 TEST ONLY"

_YEAR = timedelta(days=365)
_AUTHORITY_AGE = 10 * _YEAR
_AUTHORITY_LIFE_LEFT = 10 * _YEAR
_MAKER_AGE = 6 * _YEAR
_MAKER_LIFE_LEFT = 2 * _YEAR
_LIST_LIFE = timedelta(days=7)
_SERIAL_BYTES = 12  # unpredictable, and well inside the 20 octets of RFC 5280 section 4.1.2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A certificate together with its private key; the key never appears in the representation."""

    subject: Subject
    serial: int
    certificate: bytes
    key: Sm2PrivateKey

    def __repr__(self) -> str:
        """Name the certificate only."""
        return f"Credential({self.subject.common_name!r}, serial={self.serial:x})"


class KeySource:
    """Where private keys and serial numbers come from: the system's randomness, or a seed in tests."""

    def __init__(self, insecure_seed: bytes | None) -> None:
        self._seed = insecure_seed
        self._drawn = 0

    def key(self) -> Sm2PrivateKey:
        """Give the next private key."""
        if self._seed is None:
            return Sm2PrivateKey.generate()
        # Shifted by one bit, a digest lies below the order of the curve; plus one, it is not zero.
        return Sm2PrivateKey.from_scalar((int.from_bytes(self._draw(b"key")) >> 1) + 1)

    def serial(self) -> int:
        """Give the next serial number, positive."""
        octets = secrets.token_bytes(_SERIAL_BYTES) if self._seed is None else self._draw(b"serial")[:_SERIAL_BYTES]
        return (int.from_bytes(octets) >> 1) + 1

    def _draw(self, label: bytes) -> bytes:
        self._drawn += 1
        return sm3(b"|".join((b"tongban demo", label, str(self._drawn).encode(), self._seed or b"")))


class DemoAuthority:
    """A small certificate authority that keeps its keys in memory and says in every name that it is a test.

    It remembers what it issued and revoked; ``crls`` and ``write_trust_folder`` reflect the moment they are called.
    """

    def __init__(self, now: datetime, source: KeySource) -> None:
        """Build the root, the two issuing CAs and the seal maker, all valid around ``now``."""
        self._source = source
        self._issuer_of: dict[int, Credential] = {}
        self._revoked: dict[int, datetime] = {}
        self._lists = 0
        born, end = now - _AUTHORITY_AGE, now + _AUTHORITY_LIFE_LEFT
        self.root = self._issue(_authority_name("演示根", "Root"), Usage.AUTHORITY, born, end, path_length=1)
        self.maker_issuer = self._issue(
            _authority_name("演示制章", "Seal Maker"), Usage.AUTHORITY, born, end, ca=self.root, path_length=0
        )
        self.signer_issuer = self._issue(
            _authority_name("演示签章", "Signer"), Usage.AUTHORITY, born, end, ca=self.root, path_length=0
        )
        self.maker = self.issue_certificate(
            subject=Subject(common_name="演示印章制作中心 TEST ONLY Seal Maker", organisation=ORGANISATION),
            usage=Usage.SIGNING,
            not_before=now - _MAKER_AGE,
            not_after=now + _MAKER_LIFE_LEFT,
            ca=self.maker_issuer,
        )

    @classmethod
    def create(cls, now: datetime, *, insecure_seed: bytes | None = None) -> "DemoAuthority":
        """Make a new authority; with ``insecure_seed`` its keys and serial numbers are the same every time."""
        return cls(now, KeySource(insecure_seed))

    def issue_certificate(
        self,
        *,
        subject: Subject,
        usage: Usage,
        not_before: datetime,
        not_after: datetime,
        ca: Credential,
        key: Sm2PrivateKey | None = None,
        path_length: int | None = None,
    ) -> Credential:
        """Issue a certificate under one of the authority's CAs, for the given key or for a new one."""
        return self._issue(subject, usage, not_before, not_after, ca=ca, key=key, path_length=path_length)

    def revoke(self, serial: int, at: datetime) -> None:
        """Revoke a certificate that this authority issued; lists written from now on name it.

        Raises:
            KeyError: the serial number is not one of this authority.
        """
        if serial not in self._issuer_of:
            raise KeyError(serial)
        self._revoked[serial] = at

    def crls(self, now: datetime) -> tuple[bytes, ...]:
        """Sign a revocation list for the root and for each issuing CA (DER), current for seven days."""
        return tuple(self._crl(ca, now) for ca in (self.root, self.maker_issuer, self.signer_issuer))

    def write_trust_folder(self, directory: Path, now: datetime) -> None:
        """Write anchors and revocation lists: ``seal-makers/`` and ``signers/``, each for its purpose only.

        Raises:
            OSError: the folder cannot be written.
        """
        root_list, maker_list, signer_list = self.crls(now)
        makers, signers = directory / "seal-makers", directory / "signers"
        for folder in (makers, signers):
            folder.mkdir(parents=True, exist_ok=True)
        (directory / "demo-root.crl").write_bytes(root_list)
        (makers / "demo-seal-maker-ca.pem").write_text(encode_pem(self.maker_issuer.certificate), encoding="ascii")
        (makers / "demo-seal-maker-ca.crl").write_bytes(maker_list)
        (signers / "demo-signer-ca.pem").write_text(encode_pem(self.signer_issuer.certificate), encoding="ascii")
        (signers / "demo-signer-ca.crl").write_bytes(signer_list)

    def _issue(
        self,
        subject: Subject,
        usage: Usage,
        not_before: datetime,
        not_after: datetime,
        *,
        ca: Credential | None = None,
        key: Sm2PrivateKey | None = None,
        path_length: int | None = None,
    ) -> Credential:
        own_key = self._source.key() if key is None else key
        issuer_key = own_key if ca is None else ca.key  # only the root signs itself
        content = CertificateContent(
            serial=self._source.serial(),
            subject=subject,
            spki=own_key.public_key.spki,
            issuer=subject if ca is None else ca.subject,
            issuer_spki=issuer_key.public_key.spki,
            usage=usage,
            not_before=not_before,
            not_after=not_after,
            path_length=path_length,
        )
        certificate = encode_certificate(content, issuer_key.sign)
        credential = Credential(subject=subject, serial=content.serial, certificate=certificate, key=own_key)
        self._issuer_of[content.serial] = credential if ca is None else ca
        return credential

    def _crl(self, ca: Credential, now: datetime) -> bytes:
        self._lists += 1
        revoked = [(serial, at) for serial, at in self._revoked.items() if self._issuer_of[serial] is ca and at <= now]
        return encode_revocation_list(
            issuer=ca.subject,
            issuer_spki=ca.key.public_key.spki,
            number=self._lists,
            revoked=sorted(revoked),
            this_update=now,
            next_update=now + _LIST_LIFE,
            sign=ca.key.sign,
        )


def encode_pem(certificate: bytes) -> str:
    """Write a certificate as PEM."""
    body = "\n".join(textwrap.wrap(base64.b64encode(certificate).decode("ascii"), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def _authority_name(chinese: str, english: str) -> Subject:
    return Subject(common_name=f"{chinese}证书机构 TEST ONLY {english} CA", organisation=ORGANISATION)
