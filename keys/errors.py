"""What this package raises, split by whose fault it is; every reason is an enum, so that metrics and tests agree.

KeysError
├── LibraryUnusableError             ours: the system's cryptographic library is missing, too old or wrong
├── MalformedCertificateError        theirs: the bytes are no certificate
├── MalformedRevocationListError     theirs: the bytes are no revocation list
├── MalformedKeyError                theirs: the bytes are no private key of ours
├── SignatureVerificationError       not to be relied on: a signature, with its SignatureFault
└── ChainError                       not to be relied on: a certificate, with its ChainFault
"""

from enum import StrEnum


class KeysError(Exception):
    """The root of all errors of this package."""


class LibraryUnusableError(KeysError):
    """The cryptographic library of this machine cannot be used; the text says what to install."""


class MalformedCertificateError(KeysError):
    """The bytes are not a certificate as RFC 5280 section 4.1 has it."""


class MalformedRevocationListError(KeysError):
    """The bytes are not a certificate revocation list as RFC 5280 section 5.1 has it."""


class MalformedKeyError(KeysError):
    """The bytes or the number are not an SM2 private key."""


class SignatureFault(StrEnum):
    """Why a signature is not to be relied on."""

    BAD = "bad"  # well formed, but not made with this key over these bytes
    MALFORMED = "malformed"  # the value is not of a form in which this algorithm writes signatures
    UNSUPPORTED_ALGORITHM = "unsupported-algorithm"  # not in our table, or known and too weak
    UNUSABLE_KEY = "unusable-key"  # the key is not readable, not on its curve, or too short
    WRONG_KEY_TYPE = "wrong-key-type"  # the key is of another algorithm than the signature


class SignatureVerificationError(KeysError):
    """A signature does not verify, or could not be tried; ``detail`` is for engineers and holds no signed content."""

    def __init__(self, fault: SignatureFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


class ChainFault(StrEnum):
    """Why no path leads from a certificate to an anchor."""

    UNKNOWN_ISSUER = "unknown-issuer"  # nobody whom we know by this name and key signed it
    EXPIRED_ISSUER = "expired-issuer"
    NOT_YET_VALID_ISSUER = "not-yet-valid-issuer"
    BAD_SIGNATURE = "bad-signature"  # it names an anchor as its issuer, and that anchor's key did not sign it
    NOT_A_CA = "not-a-ca"  # its issuer may not sign certificates (basicConstraints, keyUsage)
    PATH_TOO_LONG = "path-too-long"
    NAME_CONSTRAINTS = "name-constraints"
    UNKNOWN_CRITICAL_EXTENSION = "unknown-critical-extension"
    WEAK_ALGORITHM = "weak-algorithm"  # signed with an algorithm that is not in our table
    BUDGET = "budget"  # more candidate issuers than an honest chain needs
    OTHER = "other"


class ChainError(KeysError):
    """No valid path to an anchor; ``detail`` names a certificate by its serial number and says no more."""

    def __init__(self, fault: ChainFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail
