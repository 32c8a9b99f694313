"""SignedData as GB/T 35275 and RFC 5652 (PKCS #7) have it: who signed what, in original bytes; nothing is verified.

Both standards share one structure and differ in object identifiers.
BER that is not DER (indefinite lengths, strings in pieces) is refused, although some CMS producers write it: two
readers may cut such bytes differently, and what is signed must be one thing.
Revocation lists inside are passed over; OCSP responses are carried along, for others to judge.
Nothing protects what stands beside the signed bytes, so where a SignedData is part of a document it must be bare: no
lists, no certificates that are none, no attributes that nobody reads, nothing that could be changed unseen.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from adapters.cms_certificate import index_certificates
from adapters.cms_ocsp import read_listed_responses
from adapters.cms_signer import SignerInfo, algorithm_of, read_signer
from adapters.document import Document, DocumentSignature, Format, Note, References, SignatureKind, SignedPart, Standard
from adapters.errors import Malformed, MalformedDocumentError
from adapters.signature_value import is_signature_value, notes_of_signature
from adapters.strict.bounds import (
    MAX_CERTIFICATE,
    MAX_CERTIFICATES,
    MAX_DER_ELEMENTS,
    MAX_MEMBERS_TOTAL,
    MAX_OCSP_RESPONSES,
    MAX_SIGNED_DATA,
    MAX_SIGNERS,
)
from adapters.strict.der import CONTEXT_0, OBJECT_IDENTIFIER, SEQUENCE, SET, Element, decode, parse_element, peek_header

SIGNED_DATA_STANDARDS: Final = {
    "1.2.156.10197.6.1.4.2.2": Standard.GBT_35275_2017,
    "1.2.840.113549.1.7.2": Standard.RFC_5652,  # also around SM2 certificates
}
# Content octets of the two, for recognising the format without decoding it.
_MARKS: Final = (bytes.fromhex("2a811ccf550601040202"), bytes.fromhex("2a864886f70d010702"))

# CMSVersion: GB/T 35275 section 8.1 and PKCS #7 know 1, RFC 5652 section 5.1 computes one of four.
_VERSIONS: Final = {Standard.GBT_35275_2017: frozenset({1}), Standard.RFC_5652: frozenset({1, 3, 4, 5})}

SM3: Final = "1.2.156.10197.1.401"
SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
_SM3_LENGTH: Final = 32  # bytes
_FEWEST_FIELDS: Final = 4  # of a SignedData: version, digest algorithms, content, signers
_RSA: Final = "1.2.840.113549.1.1.1"
_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_SHA384: Final = "2.16.840.1.101.3.4.2.2"
_SHA512: Final = "2.16.840.1.101.3.4.2.3"
_RSA_WITH_SM3: Final = "1.2.156.10197.1.504"
_RSA_WITH_SHA256: Final = "1.2.840.113549.1.1.11"
_RSA_WITH_SHA384: Final = "1.2.840.113549.1.1.12"
_RSA_WITH_SHA512: Final = "1.2.840.113549.1.1.13"
_ECDSA_WITH_SHA256: Final = "1.2.840.10045.4.3.2"
_ED25519: Final = "1.3.101.112"

# CMS may name the digest and the key apart (GB/T 35275: SM3 and 1.2.156.10197.1.301.1; RFC 3370 and 5753 likewise);
# together they mean the algorithm that certificates and seals name by one identifier.
_COMBINED: Final = {
    (SM3, SM2_WITH_SM3): SM2_WITH_SM3,
    (SM3, "1.2.156.10197.1.301.1"): SM2_WITH_SM3,
    (SM3, "1.2.156.10197.1.301"): SM2_WITH_SM3,
    (SM3, _RSA): _RSA_WITH_SM3,
    (SM3, _RSA_WITH_SM3): _RSA_WITH_SM3,
    (_SHA256, _RSA): _RSA_WITH_SHA256,
    (_SHA256, _RSA_WITH_SHA256): _RSA_WITH_SHA256,
    (_SHA384, _RSA): _RSA_WITH_SHA384,
    (_SHA384, _RSA_WITH_SHA384): _RSA_WITH_SHA384,
    (_SHA512, _RSA): _RSA_WITH_SHA512,
    (_SHA512, _RSA_WITH_SHA512): _RSA_WITH_SHA512,
    (_SHA256, _EC_PUBLIC_KEY): _ECDSA_WITH_SHA256,
    (_SHA256, _ECDSA_WITH_SHA256): _ECDSA_WITH_SHA256,
    (_SHA512, _ED25519): _ED25519,  # RFC 8419 section 3.1
}


@asn1.sequence
class _EncapsulatedContent:
    content_type: ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class _SignedData:
    version: int
    digest_algorithms: asn1.TLV
    content: _EncapsulatedContent
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    revocation_lists: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signers: asn1.TLV


@asn1.sequence
class _ContentInfo:
    content_type: ObjectIdentifier
    content: Annotated[_SignedData, asn1.Explicit(0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """A SignedData as read; ``content`` None: detached. ``certificates`` are DER slices in the order found."""

    standard: Standard
    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    ocsp_responses: tuple[bytes, ...] = ()  # beside the signers; those in their attributes are with them


def looks_like_signed_data(data: bytes) -> bool:
    """Say whether the bytes begin like a ContentInfo with a SignedData, well-formed or not."""
    outer = peek_header(data, 0)
    inner = peek_header(data, outer[1]) if outer is not None and outer[0] == SEQUENCE else None
    return inner is not None and inner[0] == OBJECT_IDENTIFIER and data[inner[1] : inner[2]] in _MARKS


def parse_signed_data(
    data: bytes, *, max_signers: int = MAX_SIGNERS, max_elements: int = MAX_DER_ELEMENTS, bare: bool = False
) -> SignedData:
    """Read a SignedData of either standard.

    The signers are counted before any is read. ``bare`` refuses whatever is neither signed nor needed.

    Raises:
        MalformedDocumentError: ``DER``, ``STRUCTURE`` or ``TOO_LARGE``.
    """
    root = parse_element(data, limit=MAX_SIGNED_DATA, max_elements=max_elements)
    signers = _signers_of(root, max_signers)
    decoded = decode(_ContentInfo, data, "ContentInfo")
    standard = SIGNED_DATA_STANDARDS.get(decoded.content_type.dotted_string)
    if standard is None:
        raise MalformedDocumentError(Malformed.STRUCTURE, "ContentInfo.contentType")
    if decoded.content.version not in _VERSIONS[standard]:
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignedData.version")
    fields = root.child(1).child(0).children()
    content_type = decoded.content.content.content_type.dotted_string
    choices = [element for field in fields[3:-1] if field.tag == CONTEXT_0 for element in field.children()]
    # Attribute certificates and other choices have context tags and are of no use here.
    certificates = tuple(element for element in choices if element.tag == SEQUENCE)
    if len(certificates) > MAX_CERTIFICATES or any(one.end - one.start > MAX_CERTIFICATE for one in certificates):
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignedData.certificates")
    indexed = index_certificates(certificates)
    read = tuple(read_signer(element, content_type, indexed, bare=bare) for element in signers)
    digests = [algorithm_of(element) for element in fields[1].children()]
    used = {signer.digest_algorithm for signer in read}
    if not used.issubset(digests) or (bare and len(used) != len(digests)):
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignedData.digestAlgorithms")
    if bare and (
        decoded.content.revocation_lists is not None
        or len(choices) != len(certificates)
        or not all(one.is_whole for one in indexed)
    ):
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignedData has more than a signature needs")
    return SignedData(
        standard=standard,
        content_type=content_type,
        content=decoded.content.content.content,
        certificates=tuple(element.encoded for element in certificates),
        signers=read,
        ocsp_responses=read_listed_responses(fields[3:-1]),
    )


def _signers_of(root: Element, most: int) -> tuple[Element, ...]:
    """Return the SignerInfos, once they are few enough; whatever else is wrong is for the decoder to say."""
    try:
        fields = root.child(1).child(0).children()
    except IndexError as error:
        raise MalformedDocumentError(Malformed.DER, "ContentInfo") from error
    if len(fields) < _FEWEST_FIELDS or fields[-1].tag != SET or fields[1].tag != SET:
        raise MalformedDocumentError(Malformed.DER, "SignedData")
    signers = fields[-1].children()
    if len(signers) > most:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignedData.signerInfos")
    return signers


def signed_part(signer: SignerInfo, content: bytes) -> SignedPart:
    """Return what a signer signed: the signed attributes if there are any, else the content octets.

    ``algorithm`` is one identifier also where the SignerInfo names digest and key apart. Two that contradict each
    other, or are not known together, are given as they stand, which is the name of no algorithm.
    """
    stated = (signer.digest_algorithm, signer.signature_algorithm)
    return SignedPart(
        message=content if signer.signed_attributes is None else signer.signed_attributes,
        signature=signer.signature,
        algorithm=_COMBINED.get(stated) or " with ".join(stated),
        certificate=signer.certificate,
    )


def cms_document(data: bytes) -> Document:
    """Read a bare SignedData as a document with one signature for each signer, numbered from "1".

    The signed data are the attached content. When it is detached they are not at hand: ``data`` is None, and where
    there are no signed attributes either, ``signed.message`` is empty and the note CONTENT_NOT_AT_HAND says so.

    Raises:
        MalformedDocumentError: as :func:`parse_signed_data`.
    """
    signed_data = parse_signed_data(data)
    whole = sum(signer.signed_attributes is None for signer in signed_data.signers)
    if whole * len(signed_data.content or b"") > MAX_MEMBERS_TOTAL:  # each of them signs all of the content anew
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignedData.signerInfos")
    signatures = []
    for number, signer in enumerate(signed_data.signers, start=1):
        notes = notes_of_signature(signer.signature)
        if signed_data.content is None and signer.signed_attributes is None:
            notes |= {Note.CONTENT_NOT_AT_HAND}
        signatures.append(
            DocumentSignature(
                id=str(number),
                kind=SignatureKind.SIGN,
                standard=signed_data.standard,
                signed=signed_part(signer, signed_data.content or b""),
                signed_at=signer.signing_time,
                data=signed_data.content,
                data_hash=signer.message_digest,
                data_hash_algorithm=signer.digest_algorithm,
                timestamp=signer.timestamp,
                certificates=signed_data.certificates,
                ocsp_responses=(*signer.ocsp_responses, *signed_data.ocsp_responses)[:MAX_OCSP_RESPONSES],
                notes=notes,
            )
        )
    return Document(format=Format.SIGNED_DATA, signatures=tuple(signatures))


def sign_signature(
    signed_value: bytes,
    *,
    data: bytes,
    id: str,  # noqa: A002 - the field of DocumentSignature
    references: References | None,
    own_files: frozenset[str],
    location: str,
    algorithm: str = SM2_WITH_SM3,
) -> DocumentSignature:
    """Read the SignedValue of an OFD signature of type Sign over ``data``, the bytes of its Signature.xml.

    Three forms are in use. A SignedData without content signs ``data``. A SignedData with content signs that content,
    which should be ``data`` or its SM3 digest, and becomes ``attached``, for comparison.
    A bare {r, s}, DER or raw, names neither signer nor algorithm: ``algorithm`` is what the standard means then.

    Raises:
        MalformedDocumentError: none of these forms, ``STRUCTURE`` when there is not exactly one signer.
    """
    if not looks_like_signed_data(signed_value):
        if not is_signature_value(signed_value):
            raise MalformedDocumentError(Malformed.DER, "SignedValue")
        return DocumentSignature(
            id=id,
            kind=SignatureKind.SIGN,
            standard=Standard.BARE,
            signed=SignedPart(message=data, signature=signed_value, algorithm=algorithm, certificate=None),
            signed_at=None,
            data=data,
            data_hash=None,
            references=references,
            own_files=own_files,
            location=location,
            notes=notes_of_signature(signed_value),
        )
    signed_data = parse_signed_data(signed_value, bare=True)
    if len(signed_data.signers) != 1:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"one signer was expected, got {len(signed_data.signers)}")
    signer = signed_data.signers[0]
    attached = signed_data.content
    notes = notes_of_signature(signer.signature)
    if attached is not None and attached != data and len(attached) == _SM3_LENGTH:
        notes |= {Note.DIGEST_AS_CONTENT}
    return DocumentSignature(
        id=id,
        kind=SignatureKind.SIGN,
        standard=signed_data.standard,
        signed=signed_part(signer, data if attached is None else attached),
        signed_at=signer.signing_time,
        data=data,
        data_hash=signer.message_digest,
        data_hash_algorithm=signer.digest_algorithm,
        attached=attached,
        references=references,
        own_files=own_files,
        location=location,
        timestamp=signer.timestamp,
        certificates=signed_data.certificates,
        ocsp_responses=signer.ocsp_responses,
        notes=notes,
    )
