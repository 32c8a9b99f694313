"""Whether bytes were signed by the certificate that claims it; the same for signer, seal maker and time stamp."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from adapters.document import SignedPart
from gateway.checks.answers import invalid, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.certificate import Certificate, is_signing_certificate, parse_certificate
from keys.chain import MAX_EXTRA
from keys.errors import MalformedCertificateError, SignatureFault, SignatureVerificationError
from keys.second_opinion import SecondOpinion
from keys.signature import verify_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The reasons under which one role reports the faults of its signature."""

    check: CheckName
    bad: Reason
    malformed: Reason
    unsupported: Reason
    unusable: Reason
    wrong_usage: Reason
    disputed: Reason


SIGNER = Wording(
    check=CheckName.SIGNATURE,
    bad=Reason.SIGNATURE_BAD,
    malformed=Reason.SIGNATURE_MALFORMED,
    unsupported=Reason.SIGNATURE_UNSUPPORTED_ALGORITHM,
    unusable=Reason.SIGNATURE_UNUSABLE_CERTIFICATE,
    wrong_usage=Reason.SIGNATURE_WRONG_KEY_USAGE,
    disputed=Reason.SIGNATURE_DISPUTED,
)
MAKER = Wording(
    check=CheckName.SEAL_SIGNATURE,
    bad=Reason.SEAL_SIGNATURE_BAD,
    malformed=Reason.SEAL_SIGNATURE_MALFORMED,
    unsupported=Reason.SEAL_SIGNATURE_UNSUPPORTED_ALGORITHM,
    unusable=Reason.SEAL_SIGNATURE_UNUSABLE_CERTIFICATE,
    wrong_usage=Reason.SEAL_SIGNATURE_WRONG_KEY_USAGE,
    disputed=Reason.SEAL_SIGNATURE_DISPUTED,
)


def read_certificate(part: SignedPart) -> Certificate | None:
    """Return the certificate that claims to have signed, or None when it is absent or not readable."""
    if part.certificate is None:
        return None
    try:
        return parse_certificate(part.certificate)
    except MalformedCertificateError:
        return None


def read_companions(certificates: Iterable[bytes], leaf: Certificate) -> tuple[Certificate, ...]:
    """Return the certificates that came along beside ``leaf``, for the middle of its chain; unreadable ones are none.

    Whatever is beyond `keys.chain.MAX_EXTRA` is left out: no honest chain needs it.
    """
    found: dict[bytes, Certificate] = {}
    for encoded in islice(certificates, MAX_EXTRA):
        if encoded == leaf.encoded or encoded in found:
            continue
        with suppress(MalformedCertificateError):
            found[encoded] = parse_certificate(encoded)
    return tuple(found.values())


def check_signed_part(
    part: SignedPart, certificate: Certificate | None, wording: Wording, *, opinion: SecondOpinion | None = None
) -> Check:
    """Decide whether ``certificate`` is one for signatures and its key signed exactly ``part.message``."""
    if part.certificate is None:
        return unknown(wording.check, Reason.SIGNATURE_SIGNER_UNKNOWN)
    if certificate is None:
        return invalid(wording.check, wording.unusable)
    if not is_signing_certificate(certificate):
        return invalid(wording.check, wording.wrong_usage)
    verify = verify_signature if opinion is None else opinion.verify_signature
    try:
        verify(message=part.message, signature=part.signature, algorithm=part.algorithm, spki=certificate.spki)
    except SignatureVerificationError as error:
        match error.fault:
            case SignatureFault.BAD | SignatureFault.WRONG_KEY_TYPE:
                return invalid(wording.check, wording.bad, str(error.fault))
            case SignatureFault.MALFORMED:
                return invalid(wording.check, wording.malformed)
            case SignatureFault.UNUSABLE_KEY:
                return invalid(wording.check, wording.unusable, str(error.fault))
            case SignatureFault.UNSUPPORTED_ALGORITHM:
                return unknown(wording.check, wording.unsupported, part.algorithm[:60])
            case SignatureFault.DISPUTED:
                return unknown(wording.check, wording.disputed)
    return valid(wording.check)
