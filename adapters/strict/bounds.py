"""Every size that a reader accepts, in one place, each with its reason; beyond it a document is too large.

Sizes are bytes unless the name says otherwise.
The reasons lean on what licences are: a page or two with a picture and a seal, 30 kB to 2 MB in practice.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Documents and packages.
MAX_DOCUMENT: Final = 20 * MIB  # ten times the largest licences with scanned attachments; a caller cannot send more
MAX_MEMBERS: Final = 2_000  # a licence has 20 to 60 members; a bound on what the ZIP directory makes us allocate
MAX_MEMBERS_TOTAL: Final = 100 * MIB  # inflated sum: five full documents; two workers stay inside 1 GiB of memory
MAX_MEMBER: Final = 50 * MIB  # one inflated member; half of the sum, so that one picture cannot use it up alone
MAX_RATIO: Final = 100  # DEFLATE reaches about 1,000 on zeros and 20 on XML; five times what honest XML needs
MAX_MEMBER_NAME: Final = 512  # path of a member in UTF-8; real ones have fewer than 80
MAX_PATH_SEGMENTS: Final = 16  # folders above a member, and the member; OFD has five
MAX_ZIP_COMMENT: Final = 256  # of the archive; a producer's mark has three letters
MAX_ZIP_EXTRA: Final = KIB  # extra fields of one record: times and owners have 60, a second spelling of the name 517
RATIO_FREE: Final = 256 * KIB  # below this size a high ratio is harmless: small empty pages inflate a hundredfold

# XML.
MAX_XML: Final = 2 * MIB  # one XML file; a list of 10,000 pages has 0.7 MB; the worst that is allowed takes 0.3 s
MAX_XML_DEPTH: Final = 64  # OFD pages nest about 12 deep; far below the recursion limits of any consumer
MAX_XML_ELEMENTS: Final = 50_000  # a list of 10,000 pages; comments and instructions count as elements
MAX_XML_ATTRIBUTES: Final = 64  # per element; a TextObject of OFD has at most 20
MAX_XML_ATTRIBUTES_TOTAL: Final = (
    60_000  # six for each of 10,000 pages; with the bounds beside it, no tree takes 100 MiB
)
MAX_XML_NAMESPACES: Final = 16  # declarations in one file; OFD needs one, custom tags another
MAX_XML_NAMESPACE: Final = 256  # bytes of a namespace name, which is kept with every name in it; OFD's has 27
MAX_XML_TEXT: Final = MIB  # characters of one text; where files carry pictures, they are members and not text
MAX_XML_ATTRIBUTE_VALUE: Final = 64 * KIB  # path data of a drawing may stand in an attribute

# OFD packages and the licence in them.
MAX_LOCATION: Final = KIB  # characters of a path inside a file; twice a member name leaves room for "../"
MAX_BODIES: Final = 64  # documents of one package, and versions of one document; a licence has one
MAX_LICENCE_FILES: Final = 100  # attachments and tags that are looked into; a licence has one or two
MAX_LICENCE_FILE: Final = 256 * KIB  # licence data in a file of their own; 80 elements of 100 characters have 25 kB
MAX_LICENCE_ELEMENTS: Final = 500  # metadata and surface fields; GB/T 36903 has 25, a printed form a few dozen
MAX_LICENCE_NAME: Final = 128  # characters of one element name; the longest tag of GB/T 36903 has 10
MAX_LICENCE_TEXT: Final = 16 * KIB  # characters of one element; a scope of business (经营范围) may fill two pages
MAX_HOLDERS: Final = 500  # co-owners of one property, far above any partnership; each costs a value of its own
MAX_IDENTIFIER: Final = 256  # characters; GB/T 36904 with a UUID as serial has 93
MAX_PACKAGE_XML: Final = 4 * MIB  # XML files of one package that we read, together, under 1 s at worst; usually 20 kB

# Signatures in a package.
MAX_SIGNATURES: Final = 64  # per document; the busiest contract seen carries 12 seals
MAX_REFERENCES: Final = MAX_MEMBERS  # a signature cannot protect more members than there may be

# DER.
MAX_DER_DEPTH: Final = 32  # a seal signature is 9 deep, a time stamp token inside a SignedData 18
MAX_DER_ELEMENTS: Final = 10_000  # a SignedData with a long chain has about 500
MAX_CERTIFICATE: Final = 64 * KIB  # national certificates have 0.5 to 2 kB; OpenSSL refuses 100 kB in handshakes
MAX_CERTIFICATES: Final = 128  # in one seal or SignedData; provincial seals list one to five signers
MAX_SEAL: Final = 2 * MIB  # picture plus certificates; real seals have 5 to 60 kB
MAX_SEAL_SIGNATURE: Final = MAX_SEAL + 256 * KIB  # the seal, and beside it a certificate, hash and time stamp
MAX_PICTURE: Final = MIB  # a stamp of 60 mm at 600 dpi as PNG has about 200 kB
MAX_PICTURE_MM: Final = 10_000  # width or height of a stamp; ten metres leave room for makers who count in 0.1 mm
MAX_SIGNED_DATA: Final = MAX_DOCUMENT  # attached content may be the document itself
MAX_SIGNERS: Final = MAX_SIGNATURES  # signers in one SignedData
MAX_ATTRIBUTES: Final = 64  # CMS attributes, and extensions of a seal; real ones have 3 to 8
MAX_SIGNATURE_VALUE: Final = KIB  # RSA 8192 needs 1,024; SM2 needs 72
MAX_TIMESTAMP: Final = 128 * KIB  # an RFC 3161 token with its chain has 2 to 8 kB
MAX_TIMESTAMP_ELEMENTS: Final = 2_000  # DER elements of one; a token with a chain of four has about 500
MAX_OCSP_RESPONSES: Final = 16  # that come along in a SignedData; one for each certificate of a few chains
MAX_OCSP_RESPONSE: Final = 128 * KIB  # with the responder's chain it has 0.5 to 5 kB; larger ones are passed over
MAX_SEAL_TEXT: Final = 512  # characters of a vendor, number, name, or path in a seal
MAX_DIGEST: Final = 64  # SHA-512 and SM3-512 as the longest hashes there are
MAX_SEAL_NUMBER: Final = 2**31 - 1  # version and type of a seal; what every maker's software can hold

# Text formats.
MAX_JSON: Final = 4 * MIB  # metadata or a request body without a document; edges pass their own, smaller or larger
MAX_JSON_DEPTH: Final = 32  # our deepest body nests 5; Python's own reader would go on until the recursion limit
MAX_JSON_INTEGER_DIGITS: Final = 19  # a signed 64-bit number; longer ones cost quadratic time to read
