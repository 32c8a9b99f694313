"""Whether the signer is one of those whom the seal allows."""

from adapters.document import Seal
from gateway.checks.answers import invalid, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.digest import sm3


def check_signer_listed(seal: Seal, certificate: bytes | None) -> Check:
    """Decide whether the signer's certificate is in the seal's list: whole, byte for byte, or by its SM3 digest.

    GB/T 38540-2020 certListType 1 and 2. Names and keys are not compared: two certificates may share both.
    """
    if certificate is not None:
        if certificate in seal.signer_certificates:
            return valid(CheckName.SIGNER_LISTED)
        if seal.signer_digests and sm3(certificate) in seal.signer_digests:
            return valid(CheckName.SIGNER_LISTED, "by digest")
    return invalid(CheckName.SIGNER_LISTED, Reason.SIGNER_LISTED_ABSENT)
