"""The neutral values that every document format is read into; nothing here judges anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from adapters.licence import Licence


class Format(StrEnum):
    """The formats that are recognised by their content, never by a file name."""

    OFD = "ofd"  # GB/T 33190 package
    SEAL = "seal"  # a bare e-seal, usually *.esl
    SEAL_SIGNATURE = "seal-signature"  # a bare SES_Signature, usually SignedValue.dat
    SIGNED_DATA = "signed-data"  # GB/T 35275 or RFC 5652 SignedData


class SignatureKind(StrEnum):
    """Whether an e-seal signed, or a plain certificate (OFD @Type Seal or Sign)."""

    SEAL = "seal"
    SIGN = "sign"


class Standard(StrEnum):
    """The standard whose structure was found; decided by structure, not by a version number."""

    GMT_0031_2014 = "GM/T 0031-2014"
    GBT_38540_2020 = "GB/T 38540-2020"
    GMT_0031_2025 = "GM/T 0031-2025"
    GBT_35275_2017 = "GB/T 35275-2017"
    RFC_5652 = "RFC 5652"
    BARE = "bare"  # type Sign with nothing but r and s


class Note(StrEnum):
    """Something unusual that was read leniently and is reported, so that leniency is never silent."""

    RAW_SIGNATURE = "signature.raw-64-bytes"
    NON_CANONICAL_INTEGER = "signature.non-canonical-integer"
    VERSION_CONTRADICTION = "seal.version-contradiction"
    IA5_CERTIFICATE_LIST = "seal.certificate-list-as-ia5string"
    DEFAULT_WRITTEN_OUT = "der.default-written-out"
    TEXT_TIME = "seal.time-info-as-text"  # a bare time, text or DER, in the 2014 timeInfo instead of a time stamp
    TIMESTAMP_IN_TIME_INFO = "seal.time-info-as-time-stamp"  # 2014: ``timestamp`` is not over the signature value
    MIXED_ENCODING = "seal.mixed-encoding"  # 2014: GeneralizedTime or OCTET STRING for UTCTime or BIT STRING
    NON_ASCII_TEXT = "der.ia5string-not-ascii"  # a Chinese path in propertyInfo
    DIGEST_AS_CONTENT = "signature.digest-as-content"  # SignedData has the digest of the data as its content
    CONTENT_NOT_AT_HAND = "signature.content-not-at-hand"  # detached and alone: ``signed.message`` is empty
    NON_STANDARD_CHECK_METHOD = "references.non-standard-method-name"  # 1.2.156.10197.1.401.2
    SEAL_FILE_DIFFERS = "seal.file-differs-from-embedded"
    PROPERTY_INFO_DIFFERS = "signature.property-info-names-another-file"
    NAMESPACE_WITHOUT_YEAR = "ofd.namespace-without-year"
    MISSPELT_CUSTOM_DATAS = "ofd.custom-datas-misspelt"
    RELATIVE_REFERENCES = "references.relative-to-signature"  # from the folder of Signature.xml, not from the root
    NAME_IN_TWO_ENCODINGS = "zip.name-in-two-encodings"  # a member's name does not say its encoding, and fits two
    LOCATION_DIFFERS_IN_CASE = "ofd.location-differs-in-case"  # a page or template is named Tpls, stored as TPLS
    RESOURCES_MISSING = "ofd.resources-missing"  # a list of resources is named and absent, so viewers use their own
    ANNOTATIONS_MISSING = "ofd.annotations-missing"  # the list of annotations is named and absent, so none show


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPart:
    """Bytes that somebody claims to have signed.

    ``message`` is sliced from the input (or, for the 2014 maker signature, put under one new SEQUENCE header as the
    standard demands); it is never re-encoded.
    ``signature`` is the content of the BIT or OCTET STRING: DER SEQUENCE{r, s} or 64 raw bytes, as found.
    ``algorithm`` is the dotted OID as found. ``certificate`` is DER, or None when the signer is not named.
    """

    message: bytes
    signature: bytes
    algorithm: str
    certificate: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPicture:
    """The visible stamp: ``format`` in lower case ("png"), size in millimetres."""

    format: str
    data: bytes
    width_mm: int
    height_mm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """An e-seal (SESeal) as its maker sealed it; times are UTC, the window is valid_from <= at < valid_to.

    ``critical_extensions`` are the dotted OIDs of extensions that must be understood, and that nobody here does.
    """

    encoded: bytes
    standard: Standard
    header_version: int
    vendor: str
    identifier: str
    name: str
    type: int
    created: datetime
    valid_from: datetime
    valid_to: datetime
    signer_certificates: tuple[bytes, ...]  # certListType 1: whole certificates, DER
    signer_digests: tuple[bytes, ...]  # certListType 2: digests of certificates (SM3)
    picture: SealPicture
    maker: SignedPart
    timestamp: bytes | None = None  # version 5 only; may be no time stamp token at all
    critical_extensions: frozenset[str] = frozenset()
    notes: frozenset[Note] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One member that a signature protects; ``expected`` None: no usable CheckValue; ``content`` None: absent."""

    path: str
    expected: bytes | None
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What a Signature.xml protects: ``method`` is @CheckMethod as written, "" when missing (GB/T 33190: MD5)."""

    method: str
    entries: tuple[Reference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSignature:
    """One signature over a document, or a bare one.

    ``data`` are the bytes that the data hash is taken of (Signature.xml as stored); None: not at hand.
    ``data_hash`` is what the signature claims they hash to; None: this kind of signature has no such field.
    ``data_hash_algorithm`` is the dotted OID of that digest; e-seals name none and mean SM3.
    ``attached`` is content that a SignedData carries although ``data`` stands outside it: it must equal ``data`` or be
    its SM3 digest, and ``data_hash``, if there is one, is then the digest of ``attached``.
    ``references`` is None where the format has none (bare signatures).
    ``own_files`` are the members that belong to this signature and may stay outside its references.
    ``signed_at`` is the signer's own claim in UTC; None: not stated.
    ``critical_extensions`` are those of what the signer signed; those of the seal are in ``seal``.
    ``certificates`` are all that came along in a SignedData, DER, the signer's among them; nobody vouches for them.
    ``ocsp_responses`` came along likewise (RFC 6960, whole responses, DER), as far as they look like some.
    """

    id: str
    kind: SignatureKind
    standard: Standard
    signed: SignedPart
    signed_at: datetime | None
    data: bytes | None
    data_hash: bytes | None
    data_hash_algorithm: str = "1.2.156.10197.1.401"
    attached: bytes | None = None
    references: References | None = None
    own_files: frozenset[str] = frozenset()
    location: str = ""
    seal: Seal | None = None
    timestamp: bytes | None = None  # a time stamp token over the signature value, or anything else that stands there
    critical_extensions: frozenset[str] = frozenset()
    certificates: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    notes: frozenset[Note] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as read.

    ``members`` are all files of the package (no directories); empty for bare seals and signatures.
    ``signature_lists`` are the paths of those Signatures.xml that list a signature, and hold nothing else.
    ``package_index`` is the path of OFD.xml.
    ``document_roots`` are the paths that OFD.xml's DocRoot elements name, and those of the versions that it names.
    ``licence`` is the metadata found in all places together, with ``licence_members`` saying which files carry them;
    ``licence_unreadable`` says that some file speaks of a licence, and cannot be used.
    ``index_has_custom_data`` says whether OFD.xml holds more than a producer's marks, of a licence or of anything.
    ``bare_seal`` is set when the input is a seal and nothing else.
    """

    format: Format
    signatures: tuple[DocumentSignature, ...] = ()
    members: Mapping[str, bytes] = field(default_factory=dict)
    signature_lists: frozenset[str] = frozenset()
    package_index: str | None = None
    document_roots: tuple[str, ...] = ()
    licence: Licence | None = None
    licence_members: frozenset[str] = frozenset()
    licence_unreadable: bool = False
    index_has_custom_data: bool = False
    bare_seal: Seal | None = None
    notes: frozenset[Note] = frozenset()
