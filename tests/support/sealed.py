"""One valid sealed licence to start from, in which a test breaks exactly one thing, at whatever stage it likes.

`Recipe()` is valid. Everything that goes into it is a field with a good default: the members, the seal, the signer, the
description of the signature, what happens afterwards, and whom the verifier trusts.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from adapters.ofd.writer import SIGNATURE_LIST, encode_members, encode_package
from adapters.ses.encode import (
    SM2_WITH_SM3,
    encode_seal,
    encode_seal_info,
    encode_seal_signature,
    encode_tbs,
    encode_tbs_2014,
    seal_message,
)
from adapters.strict.der import encode_element, encode_sequence
from gateway.demo.authority import Credential, DemoAuthority
from gateway.demo.catalogue import drafts
from gateway.demo.issuer import compose
from gateway.demo.licences import Kind, LicenceDraft, Placement
from gateway.demo.png import encode_png
from gateway.pipeline import verify_document
from gateway.verdict import Verdict
from keys.algorithms import DEFAULT_ALGORITHMS, AlgorithmSunsets
from keys.certificate import Certificate, parse_certificate
from keys.digest import SHA256_OID, SM3_OID, sm3
from keys.encoding import parse_signature
from keys.revocation_list import parse_revocation_list
from keys.sm2 import CURVE_ORDER
from keys.status_feed import issuer_key
from keys.trust import Anchor, Purpose, TrustStore
from tests.support.demo import NOW
from tests.support.ofd import element, part
from tests.support.pki import Entity, sm2_key
from tests.support.signed_data import (
    GBT_DATA,
    GBT_SIGNED_DATA,
    SIGNING_TIME,
    SM2_SIGNATURE,
    attribute,
    make_signed_data,
    make_signer,
    revocation_info,
    signed_attributes,
)

Edit = Callable[[bytes], bytes]
Members = dict[str, bytes]

DAY = timedelta(days=1)
CHINA = timezone(timedelta(hours=8))
SIGNED_AT = NOW - 30 * DAY
CREATED = NOW - 700 * DAY
SEAL_ENDS = NOW + 365 * DAY

INDEX = "OFD.xml"
PAGE = "Doc_0/Pages/Page_0/Content.xml"
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"
SIGNED_VALUE = "Doc_0/Signs/Sign_0/SignedValue.dat"
SEAL_FILE = "Doc_0/Signs/Sign_0/Seal.esl"


def same(value: Any) -> Any:
    """Change nothing."""
    return value


def swap(old: bytes | str, new: bytes | str) -> Edit:
    """Replace a text that must be there, so that a broken thing cannot silently be a whole one."""
    before, after = (text.encode() if isinstance(text, str) else text for text in (old, new))

    def edit(content: bytes) -> bytes:
        assert before in content
        return content.replace(before, after)

    return edit


def edit_member(path: str, edit: Edit) -> Callable[[Members], Members]:
    """Change one member."""
    return lambda members: {**members, path: edit(members[path])}


def to_raw(signature: bytes) -> bytes:
    """Spell a DER signature value as the 64 bytes r and s."""
    r, s, _ = parse_signature(signature, CURVE_ORDER)
    return r.to_bytes(32) + s.to_bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who acts: the TEST authority's CAs, the seal maker and the signer."""

    root: Entity
    maker_ca: Entity
    signer_ca: Entity
    maker: Entity
    signer: Entity


@cache
def cast() -> Cast:
    """Make the authority once a process, from a fixed seed."""
    authority = DemoAuthority.create(NOW, insecure_seed=b"sealed")
    signer_ca = _entity(authority.signer_issuer)
    return Cast(
        root=_entity(authority.root),
        maker_ca=_entity(authority.maker_issuer),
        signer_ca=signer_ca,
        maker=_entity(authority.maker),
        signer=signer_ca.issue("Signer"),
    )


def _entity(credential: Credential) -> Entity:
    return Entity(key=sm2_key(credential.key), certificate=parse_certificate(credential.certificate))


@cache
def draft() -> LicenceDraft:
    """Return a licence with an end of validity, whose metadata stand in OFD.xml."""
    found = next(one for one in drafts(NOW) if one.kind is Kind.FOOD)
    return replace(found, placement=Placement.CUSTOM_DATAS, reviewed=False, annotation=None)


@cache
def unsealed(licence: LicenceDraft) -> Mapping[str, bytes]:
    """Typeset a licence: every member but the signatures."""
    return encode_members(compose(licence, created=SIGNED_AT.date()), signed=True)


def revocation_list(issuer: Entity, *revoked: bytes, **knobs: Any) -> bytes:
    """Make a list of this CA, current at `NOW`; ``revoked`` are made by `tests.support.pki.entry`."""
    return issuer.revocation_list(*revoked, **({"this_update": NOW - DAY / 24, "next_update": NOW + DAY} | knobs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom the verifier trusts for what, and the revocation lists at hand."""

    makers: tuple[Certificate, ...] = field(default_factory=lambda: (cast().maker_ca.certificate,))
    signers: tuple[Certificate, ...] = field(default_factory=lambda: (cast().signer_ca.certificate,))
    stampers: tuple[Certificate, ...] = ()
    lists: tuple[bytes, ...] = field(
        default_factory=lambda: (revocation_list(cast().maker_ca), revocation_list(cast().signer_ca))
    )

    listed: tuple[Anchor, ...] | None = None  # in place of the three: what a signed list says
    keeps_expired: tuple[Certificate, ...] = ()  # CAs that go on stating what was revoked after it has expired
    intermediates: tuple[Certificate, ...] = ()
    algorithms: AlgorithmSunsets = DEFAULT_ALGORITHMS

    def store(self) -> TrustStore:
        """Return the trust store."""
        named = ((Purpose.SEAL_MAKER, self.makers), (Purpose.SIGNER, self.signers), (Purpose.TIMESTAMP, self.stampers))
        anchors = tuple(
            Anchor(certificate=one, purposes=frozenset({purpose})) for purpose, many in named for one in many
        )
        return TrustStore(
            anchors=anchors if self.listed is None else self.listed,
            revocation_lists=tuple(parse_revocation_list(encoded) for encoded in self.lists),
            keeps_expired=frozenset(issuer_key(one.spki) for one in self.keeps_expired),
            intermediates=self.intermediates,
            algorithms=self.algorithms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRecipe:
    """One e-seal; ``info`` replaces arguments of encode_seal_info, None lists the signer.

    ``extend`` changes the seal's information before the maker signs it, ``message`` what the maker signs, ``value`` the
    signature value, ``finish`` the whole seal.
    ``stamp`` makes a time stamp over the signature value (version 5).
    """

    version: int = 4
    info: Mapping[str, Any] = field(default_factory=dict)
    maker: Entity = field(default_factory=lambda: cast().maker)
    certificate: bytes | None = None
    algorithm: str = SM2_WITH_SM3
    extend: Edit = same
    message: Edit = same
    value: Edit = same
    finish: Edit = same
    stamp: Edit | None = None

    def encode(self, signer: bytes) -> bytes:
        """Make the seal."""
        certificate = self.certificate or self.maker.certificate.encoded
        info = self.extend(encode_seal_info(**(_seal_arguments(self.version, signer) | self.info)))
        message = seal_message(seal_info=info, maker_certificate=certificate, algorithm=self.algorithm)
        signature = self.value(self.maker.key.sign(self.message(message)))
        return self.finish(
            encode_seal(
                seal_info=info,
                maker_certificate=certificate,
                algorithm=self.algorithm,
                signature=signature,
                timestamp=None if self.stamp is None else self.stamp(signature),
            )
        )


def _seal_arguments(version: int, signer: bytes) -> dict[str, Any]:
    return {
        "version": version,
        "vendor": "TongbanTest",
        "identifier": "34990100000001",
        "type": 1,
        "name": "安徽省云溪市市场监督管理局",
        "certificates": (signer,),
        "created": CREATED,
        "valid_from": CREATED,
        "valid_to": SEAL_ENDS,
        "picture_format": "png",
        "picture": encode_png(2, 2, bytes(16)),
        "width_mm": 42,
        "height_mm": 42,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """One signature over the document, of type Seal, or of type Sign when ``plain`` makes its value.

    ``method``, ``digest`` and ``omit`` are about the references; ``describe`` changes Signature.xml before it is
    signed. ``extend`` changes the TBS_Sign (from version 4 on) before it is signed, ``message`` what is signed,
    ``value`` the signature value, ``finish`` the whole SignedValue.dat.
    ``time_info`` is what the 2014 form has for a time; None: the text of ``signed_at``.
    """

    seal: SealRecipe = field(default_factory=SealRecipe)
    signer: Entity = field(default_factory=lambda: cast().signer)
    certificate: bytes | None = None
    algorithm: str = SM2_WITH_SM3
    signed_at: datetime = SIGNED_AT
    time_info: bytes | None = None
    data_hash: Edit = sm3
    extend: Edit = same
    message: Edit = same
    value: Edit = same
    finish: Edit = same
    stamp: Edit | None = None
    method: str | None = "SM3"
    digest: Edit = sm3
    omit: frozenset[str] = frozenset()
    describe: Edit = same
    plain: Edit | None = None

    def sign(self, members: Mapping[str, bytes], position: int) -> Members:
        """Add this signature, the ``position``-th (from 0), with the list that names it."""
        folder = f"Doc_0/Signs/Sign_{position}"
        kind = "Seal" if self.plain is None else "Sign"
        signed = {**members, SIGNATURE_LIST: _list_with(members.get(SIGNATURE_LIST), position, kind)}
        certificate = self.certificate or self.signer.certificate.encoded
        seal = self.seal.encode(certificate) if self.plain is None else None
        if seal is not None:
            signed[f"{folder}/Seal.esl"] = seal
        protected = {name: content for name, content in signed.items() if name not in self.omit}
        description = self.describe(self._description(protected, folder, sealed=seal is not None))
        signed[f"{folder}/Signature.xml"] = description
        if seal is None:
            value = self.plain(description) if self.plain is not None else b""
        else:
            value = self._seal_signature(seal, certificate, description, f"/{folder}/Signature.xml")
        signed[f"{folder}/SignedValue.dat"] = self.finish(value)
        return signed

    def _description(self, protected: Mapping[str, bytes], folder: str, *, sealed: bool) -> bytes:
        entries = "".join(
            element(
                "Reference", element("CheckValue", base64.b64encode(self.digest(content)).decode()), FileRef="/" + n
            )
            for n, content in protected.items()
        )
        method = {} if self.method is None else {"CheckMethod": self.method}
        info = element("References", entries, **method)
        if sealed:
            info += element("Seal", element("BaseLoc", f"/{folder}/Seal.esl"))
        value = element("SignedValue", f"/{folder}/SignedValue.dat")
        return part("Signature", element("SignedInfo", info) + value).encode()

    def _seal_signature(self, seal: bytes, certificate: bytes, description: bytes, path: str) -> bytes:
        data_hash, version = self.data_hash(description), self.seal.version
        if version < 4:
            text = f"{self.signed_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}".encode()
            tbs = encode_tbs_2014(
                seal=seal,
                time_info=text if self.time_info is None else self.time_info,
                data_hash=data_hash,
                property_info=path,
                signer_certificate=certificate,
                algorithm=self.algorithm,
                version=version,
            )
        else:
            tbs = self.extend(
                encode_tbs(
                    seal=seal, signed_at=self.signed_at, data_hash=data_hash, property_info=path, version=version
                )
            )
        signature = self.value(self.signer.key.sign(self.message(tbs)))
        return encode_seal_signature(
            tbs=tbs,
            signer_certificate=certificate,
            algorithm=self.algorithm,
            signature=signature,
            timestamp=None if self.stamp is None else self.stamp(signature),
        )


def _list_with(before: bytes | None, position: int, kind: str) -> bytes:
    """Return Signatures.xml with one more entry at its end."""
    location = f"/Doc_0/Signs/Sign_{position}/Signature.xml"
    entry = element("Signature", ID=str(position + 1), Type=kind, BaseLoc=location)
    if before is None:
        return part("Signatures", entry).encode()
    return swap("</ofd:Signatures>", f"{entry}</ofd:Signatures>")(before)


def signed_data(
    data: bytes,
    *,
    signer: Entity | None = None,
    content: bytes | None = None,
    signed_at: datetime | None = SIGNED_AT,
    digest: Edit = sm3,
    digest_algorithm: str = SM3_OID,
    value: Edit = same,
    companions: tuple[bytes, ...] = (),
    answers: tuple[bytes, ...] = (),
) -> bytes:
    """Make a GB/T 35275 SignedData over ``data``, or over ``content``, which is then attached.

    ``signed_at`` None leaves the signed attributes out, and the content is signed directly. ``companions`` are
    certificates that come along, ``answers`` OCSP responses.
    """
    signer = signer or cast().signer
    certificate = signer.certificate
    signed_bytes = data if content is None else content
    attributes = None
    if signed_at is not None:
        time = attribute(SIGNING_TIME, encode_element(0x17, signed_at.strftime("%y%m%d%H%M%SZ").encode()))
        attributes = signed_attributes(GBT_DATA, digest(signed_bytes), time)
    message = signed_bytes if attributes is None else encode_element(0x31, b"".join(attributes))
    serial = encode_element(0x02, certificate.serial.to_bytes(certificate.serial.bit_length() // 8 + 1))
    info = make_signer(
        identifier=encode_sequence((certificate.issuer, serial)),
        digest_algorithm=digest_algorithm,
        signature_algorithm="1.2.840.10045.4.3.2" if digest_algorithm == SHA256_OID else SM2_SIGNATURE,
        signed=attributes,
        signature=value(signer.key.sign(message)),
    )
    return make_signed_data(
        kind=GBT_SIGNED_DATA,
        content=content,
        digest_algorithms=(digest_algorithm,),
        certificates=(certificate.encoded, *companions),
        revocation_lists=tuple(map(revocation_info, answers)),
        signers=(info,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A whole case: the licence, what is done before, while and after sealing, who is trusted, and when it is asked."""

    draft: LicenceDraft = field(default_factory=draft)
    before: Callable[[Members], Members] = same
    signings: tuple[Signing, ...] = field(default_factory=lambda: (Signing(),))
    after: Callable[[Members], Members] = same
    package: Edit = same
    trust: Trust = field(default_factory=Trust)
    at: datetime = NOW

    def members(self) -> Members:
        """Make the members of the package."""
        members = self.before(dict(unsealed(self.draft)))
        for position, signing in enumerate(self.signings):
            members = signing.sign(members, position)
        return self.after(members)

    def document(self) -> bytes:
        """Make the document."""
        return self.package(encode_package(self.members()))

    def verdict(self) -> Verdict:
        """Ask the gateway's pipeline."""
        return verify_document(self.document(), store=self.trust.store(), at=self.at)


def signed(**changes: Any) -> Recipe:
    """Return the valid case with fields of its one `Signing` replaced; ``seal`` may be fields of `SealRecipe`."""
    if isinstance(changes.get("seal"), dict):
        changes["seal"] = SealRecipe(**changes["seal"])
    return Recipe(signings=(Signing(**changes),))
