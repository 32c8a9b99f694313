"""Whether the signer is one who may sign: by the list of the seal, or without a seal."""

from adapters.document import Document, DocumentSignature, Seal
from gateway.checks.answers import invalid, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.chain import Chain
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


def check_signer_without_seal(signature: DocumentSignature, document: Document, chain: Chain | None) -> Check | None:
    """Decide whether a plain certificate may sign a document that carries no e-seal at all; None where that is moot.

    Every subscriber of a trusted CA has such a certificate, so a chain says who signed and not that he may. Only a
    certificate that is trusted itself (``chain`` of one) needs no seal to say so.
    """
    if signature.references is None or any(one.seal is not None for one in document.signatures):
        return None
    if chain is not None and len(chain.certificates) == 1:
        return valid(CheckName.SIGNER_LISTED, "directly trusted")
    return unknown(CheckName.SIGNER_LISTED, Reason.SIGNER_LISTED_NO_SEAL)
