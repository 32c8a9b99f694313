"""Why a credential is not to be relied on; no text here holds a claim's value."""

from enum import StrEnum

from keys.errors import KeysError


class SdJwtFault(StrEnum):
    """What is wrong, in the order in which it is found out."""

    TOO_LARGE = "too-large"
    FORM = "form"  # not the compact form of RFC 9901 section 4
    BASE64 = "base64"  # not base64url in its one spelling
    JSON = "json"  # no JSON, or JSON that two readers may read differently
    HEADER = "header"  # another type, no key id, or an extension that must be understood
    CLAIMS = "claims"  # a registered claim that is missing or of another type
    UNKNOWN_ISSUER = "unknown-issuer"  # no key of this issuer with this id, or not now
    ALGORITHM = "algorithm"  # another one than the key is registered with; "none" is one of them
    SIGNATURE = "signature"  # not made with this key, or the key cannot be used
    DIGEST_ALGORITHM = "digest-algorithm"
    DISCLOSURE = "disclosure"  # not a salt, a name and a value, or not a salt and a value
    DIGEST_TWICE = "digest-twice"
    NOT_REFERENCED = "not-referenced"  # a disclosure whose digest stands nowhere
    RESERVED_NAME = "reserved-name"  # a name that belongs to the format
    NAME_TWICE = "name-twice"  # a disclosed claim that is there already
    NOT_DISCLOSABLE = "not-disclosable"  # a claim that must stand in the open, such as the end of validity
    TYPE = "type"  # a credential of another type than was asked for
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    BINDING_MISSING = "binding-missing"
    BINDING_UNEXPECTED = "binding-unexpected"  # made for a question that we did not ask
    HOLDER_KEY = "holder-key"  # none, or one that cannot be used
    BINDING_SIGNATURE = "binding-signature"
    BINDING_CLAIMS = "binding-claims"
    AUDIENCE = "audience"  # presented to somebody else
    NONCE = "nonce"  # presented for another question: a replay
    BINDING_TIME = "binding-time"  # too long ago, or in the future
    BINDING_DIGEST = "binding-digest"  # made for another selection of disclosures, or another credential
    NO_SUCH_CLAIM = "no-such-claim"  # the holder has nothing of this name to disclose


class SdJwtError(KeysError):
    """A credential is not to be relied on, or cannot be presented; ``detail`` names claims and holds no value."""

    def __init__(self, fault: SdJwtFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail
