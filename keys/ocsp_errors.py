"""Why an OCSP answer is not relied on."""

from enum import StrEnum

from keys.errors import KeysError


class OcspFault(StrEnum):
    """The one reason; the first that is found counts."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    NOT_SUCCESSFUL = "not-successful"  # the responder says malformedRequest, internalError, tryLater …
    OTHER_CERTIFICATE = "other-certificate"  # it answers, but not about the certificate that was asked about
    NONCE_MISMATCH = "nonce-mismatch"  # an answer to another question, perhaps recorded
    NONCE_MISSING = "nonce-missing"  # only where the nonce is required
    RESPONDER_NOT_AUTHORISED = "responder-not-authorised"  # neither the issuer nor a delegate that it signed
    RESPONDER_EXPIRED = "responder-expired"
    RESPONDER_REVOKED = "responder-revoked"
    BAD_SIGNATURE = "bad-signature"
    NOT_YET = "not-yet"
    STALE = "stale"  # its next update was due, or it never said when


class OcspError(KeysError):
    """An OCSP answer that is not relied on; ``detail`` is for engineers and names no subject."""

    def __init__(self, fault: OcspFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail
