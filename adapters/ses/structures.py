"""The ASN.1 of e-seals as declarations; field names follow our words, comments the names of the standards.

GB/T 38540-2020 is version 4, GM/T 0031-2014 versions 1 to 3.
GM/T 0031-2025 is version 5 and differs from version 4 by one optional field of the seal.
``certificate_list`` stays undecoded where the standard leaves its type to another field; the readers slice it.
"""

from typing import Annotated

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

Time2014 = asn1.UTCTime | asn1.GeneralizedTime  # the standard says UTCTime; makers that moved on write the other
Bits2014 = asn1.BitString | bytes  # the standard says BIT STRING; OCTET STRING is met and read with a note


@asn1.sequence
class Header:
    """SES_Header: ``identifier`` is always "ES"."""

    identifier: asn1.IA5String  # ID
    version: int
    vendor: asn1.IA5String  # Vid


@asn1.sequence
class Picture:
    """SES_ESPictrueInfo, spelt so in the standard; width and height in millimetres."""

    format: asn1.IA5String  # type
    data: bytes
    width: int
    height: int


@asn1.sequence
class Extension:
    """ExtData: ``critical`` is DEFAULT FALSE, and OPTIONAL here, because makers write the FALSE out."""

    identifier: ObjectIdentifier  # extnID
    critical: bool | None
    value: bytes  # extnValue


@asn1.sequence
class CertificateDigest:
    """CertDigestObj, an entry of certListType 2; ``type`` is a name that vendors choose freely."""

    type: asn1.PrintableString
    value: bytes


@asn1.sequence
class Property2020:
    """SES_ESPropertyInfo of versions 4 and 5."""

    type: int
    name: str
    list_type: int  # certListType
    certificate_list: asn1.TLV  # certList
    created: asn1.GeneralizedTime  # createDate
    valid_from: asn1.GeneralizedTime  # validStart
    valid_to: asn1.GeneralizedTime  # validEnd


@asn1.sequence
class SealInfo2020:
    """SES_SealInfo of versions 4 and 5: what the seal maker signs."""

    header: Header
    identifier: asn1.IA5String  # esID
    property: Property2020
    picture: Picture
    extensions: list[Extension] | None  # extDatas, without a context tag


@asn1.sequence
class Seal2020:
    """SESeal of versions 4 and 5; only version 5 has the time stamp."""

    info: SealInfo2020  # eSealInfo
    certificate: bytes  # cert, the maker's
    algorithm: ObjectIdentifier  # signAlgID
    signature: asn1.BitString  # signedValue
    timestamp: Annotated[asn1.BitString | None, asn1.Explicit(0)]


@asn1.sequence
class Tbs2020:
    """TBS_Sign of versions 4 and 5: what the signer signs."""

    version: int
    seal: Seal2020  # eseal
    signed_at: asn1.GeneralizedTime  # timeInfo
    data_hash: asn1.BitString
    property_info: asn1.TLV  # an IA5String; a TLV, because paths with Chinese names are put into it all the same
    extensions: Annotated[list[Extension] | None, asn1.Explicit(0)]  # extDatas


@asn1.sequence
class SealSignature2020:
    """SES_Signature of versions 4 and 5."""

    tbs: Tbs2020  # toSign
    certificate: bytes  # cert, the signer's
    algorithm: ObjectIdentifier  # signatureAlgID
    signature: asn1.BitString
    timestamp: Annotated[asn1.BitString | None, asn1.Explicit(0)]  # timeStamp


@asn1.sequence
class Property2014:
    """SES_ESPropertyInfo of versions 1 to 3: no certListType."""

    type: int
    name: str
    certificate_list: asn1.TLV  # certList
    created: Time2014
    valid_from: Time2014
    valid_to: Time2014


@asn1.sequence
class SealInfo2014:
    """SES_SealInfo of versions 1 to 3."""

    header: Header
    identifier: asn1.IA5String
    property: Property2014
    picture: Picture
    extensions: list[Extension] | None


@asn1.sequence
class SignInfo2014:
    """SES_SignInfo: the maker's certificate and signature."""

    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString


@asn1.sequence
class Seal2014:
    """SESeal of versions 1 to 3."""

    info: SealInfo2014
    sign_info: SignInfo2014


@asn1.sequence
class Tbs2014:
    """TBS_Sign of versions 1 to 3: the signer's certificate and algorithm are inside what is signed."""

    version: int
    seal: Seal2014
    time_info: Bits2014  # a time stamp, or whatever a vendor takes for a time
    data_hash: Bits2014
    property_info: asn1.TLV
    certificate: bytes
    algorithm: ObjectIdentifier


@asn1.sequence
class SealSignature2014:
    """SES_Signature of versions 1 to 3."""

    tbs: Tbs2014
    signature: asn1.BitString
