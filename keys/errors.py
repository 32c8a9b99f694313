"""What this package raises, split by whose fault it is; every reason is an enum, so that metrics and tests agree.

KeysError
├── LibraryUnusableError             ours: the system's cryptographic library is missing, too old or wrong
├── MalformedCertificateError        theirs: the bytes are no certificate
├── MalformedRevocationListError     theirs: the bytes are no revocation list
├── MalformedKeyError                theirs: the bytes are no private key of ours
├── MalformedTrustListError          theirs: the bytes are no trust list, with its TrustListFlaw
├── MalformedAlgorithmsError         ours: a table of algorithms is wrong, with all its AlgorithmFaults
├── UntrustedListError               not to be relied on: a trust list, with its TrustListFault
├── SignatureVerificationError       not to be relied on: a signature, with its SignatureFault
└── ChainError                       not to be relied on: a certificate, with its ChainFault
"""

from collections.abc import Iterable
from dataclasses import dataclass
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
    DISPUTED = "disputed"  # two implementations disagree, so that nothing is known (keys.second_opinion)


class SignatureVerificationError(KeysError):
    """A signature does not verify, or could not be tried; ``detail`` is for engineers and holds no signed content."""

    def __init__(self, fault: SignatureFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


class ChainFault(StrEnum):
    """Why no path leads from a certificate to an anchor."""

    UNKNOWN_ISSUER = "unknown-issuer"  # nobody whom we know by this name and key signed it
    NOT_AUTHORISED = "not-authorised"  # below a CA that we know, and none of those whom its list names for this
    OUTSIDE_TRUST_PERIOD = "outside-trust-period"  # before the start of our trust, or after its sunset
    EXPIRED_ISSUER = "expired-issuer"
    NOT_YET_VALID_ISSUER = "not-yet-valid-issuer"
    BAD_SIGNATURE = "bad-signature"  # it names an anchor as its issuer, and that anchor's key did not sign it
    NOT_A_CA = "not-a-ca"  # its issuer may not sign certificates (basicConstraints, keyUsage)
    PATH_TOO_LONG = "path-too-long"
    NAME_CONSTRAINTS = "name-constraints"
    UNKNOWN_CRITICAL_EXTENSION = "unknown-critical-extension"
    WEAK_ALGORITHM = "weak-algorithm"  # signed with an algorithm that is not in our table
    ALGORITHM_SUNSET = "algorithm-sunset"  # signed with an algorithm or a key that counts no more (keys.algorithms)
    BUDGET = "budget"  # more candidate issuers than an honest chain needs
    OTHER = "other"


class ChainError(KeysError):
    """No valid path to an anchor; ``detail`` names a certificate by its serial number and says no more."""

    def __init__(self, fault: ChainFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


class TrustListFlaw(StrEnum):
    """Why bytes are not a trust list as docs/trust-list.md has it."""

    TOO_LARGE = "too-large"
    JSON = "json"  # no JSON, or not with these members and types
    NOT_CANONICAL = "not-canonical"  # another spelling of what it says, or out of order, or something twice
    SCHEMA = "schema"  # another version of the format
    TEXT = "text"  # a name, a code or a reason that is empty, too long or has invisible characters
    TIME = "time"  # no such moment, or an end that is not after the beginning
    NUMBER = "number"
    KEY = "key"  # not readable, of no algorithm of ours, or two keys of one id
    THRESHOLD = "threshold"  # asks for more signatures than it has keys that may sign
    CERTIFICATE = "certificate"
    ENTRY = "entry"  # about nobody, or about two at once, or for nothing
    CA_AS_MAKER = "ca-as-maker"  # everything below a CA cannot make seals: name the makers


class MalformedTrustListError(KeysError):
    """The bytes are not a trust list; ``detail`` says where."""

    def __init__(self, flaw: TrustListFlaw, detail: str = "") -> None:
        super().__init__(f"{flaw}: {detail}" if detail else str(flaw))
        self.flaw = flaw
        self.detail = detail


class TrustListFault(StrEnum):
    """Why a trust list is not to be relied on, in the order in which it is found out."""

    OTHER_LIST = "other-list"  # another name than the list in force
    ROLLBACK = "rollback"  # older than the list in force
    EQUIVOCATION = "equivocation"  # the version of the list in force, with other content: its keepers must explain
    GAP = "gap"  # lists between this one and the one in force are missing
    WRONG_PREVIOUS = "wrong-previous"  # the next version, but made for another list than the one in force
    KEY_ID_REUSED = "key-id-reused"  # it gives the id of a key that was known before to another key
    BAD_SIGNATURE = "bad-signature"  # by a key that we know, and it does not verify
    TOO_FEW_SIGNATURES = "too-few-signatures"  # of its own keys
    TOO_FEW_OLD_SIGNATURES = "too-few-old-signatures"  # of the keys of the list in force, or of the root keys
    TOO_LONG_LIVED = "too-long-lived"  # issued to last longer than lists may
    NOT_YET_ISSUED = "not-yet-issued"
    EXPIRED = "expired"


class UntrustedListError(KeysError):
    """A trust list is not to be relied on; ``detail`` holds numbers and key ids."""

    def __init__(self, fault: TrustListFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


class AlgorithmFlaw(StrEnum):
    """What was expected in a table of algorithms (keys.algorithms) and is not there."""

    TOO_LARGE = "too-large"  # fewer bytes
    TOML = "toml"  # TOML in UTF-8
    UNKNOWN_KEY = "unknown-key"  # one of the keys that are known, since a misspelt one must not mean the default
    TABLE = "table"
    ALGORITHM = "algorithm"  # the name of a kind of key or of a digest
    MOMENT = "moment"  # a date and time with an offset from UTC
    SOURCE = "source"  # a text that says who says so


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmFault:
    """One thing that is wrong; ``key`` is the dotted path in the file, "" for the file as a whole."""

    key: str
    flaw: AlgorithmFlaw


class MalformedAlgorithmsError(KeysError):
    """The bytes are not a table of algorithms; ``faults`` are all that is wrong, in the order of the file."""

    def __init__(self, faults: Iterable[AlgorithmFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.key}: {fault.flaw}".removeprefix(": ") for fault in self.faults)[:1000])
