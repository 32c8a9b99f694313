"""Whether bytes were signed by the certificate that claims it; the same for signer, seal maker and time stamp."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from adapters.document import DocumentSignature, SignedPart
from gateway.checks.answers import invalid, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.algorithms import NEVER, AlgorithmSunsets
from keys.certificate import Certificate, is_signing_certificate, parse_certificate
from keys.chain import MAX_EXTRA
from keys.digest import DIGESTS, SM3_OID
from keys.errors import MalformedCertificateError, SignatureFault, SignatureVerificationError
from keys.second_opinion import SecondOpinion
from keys.signature import verify_recurring, verify_signature


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
    algorithm_sunset: Reason
    recurs: bool = False  # made once, and met in many documents


SIGNER = Wording(
    check=CheckName.SIGNATURE,
    bad=Reason.SIGNATURE_BAD,
    malformed=Reason.SIGNATURE_MALFORMED,
    unsupported=Reason.SIGNATURE_UNSUPPORTED_ALGORITHM,
    unusable=Reason.SIGNATURE_UNUSABLE_CERTIFICATE,
    wrong_usage=Reason.SIGNATURE_WRONG_KEY_USAGE,
    disputed=Reason.SIGNATURE_DISPUTED,
    algorithm_sunset=Reason.SIGNATURE_ALGORITHM_SUNSET,
)
MAKER = Wording(
    check=CheckName.SEAL_SIGNATURE,
    bad=Reason.SEAL_SIGNATURE_BAD,
    malformed=Reason.SEAL_SIGNATURE_MALFORMED,
    unsupported=Reason.SEAL_SIGNATURE_UNSUPPORTED_ALGORITHM,
    unusable=Reason.SEAL_SIGNATURE_UNUSABLE_CERTIFICATE,
    wrong_usage=Reason.SEAL_SIGNATURE_WRONG_KEY_USAGE,
    disputed=Reason.SEAL_SIGNATURE_DISPUTED,
    algorithm_sunset=Reason.SEAL_SIGNATURE_ALGORITHM_SUNSET,
    recurs=True,
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


def stated_digests(signature: DocumentSignature) -> tuple[str, ...]:
    """Return the dotted OIDs of the digests between signature and content; weak ones have checks of their own."""
    stated = set()
    if signature.data_hash is not None:
        stated.add(signature.data_hash_algorithm)
    if signature.references is not None:
        stated.add(SM3_OID)  # no other is taken (gateway.checks.content)
    return tuple(one for one in stated if one in DIGESTS and DIGESTS[one].acceptable)


def check_signed_part(
    part: SignedPart,
    certificate: Certificate | None,
    wording: Wording,
    *,
    algorithms: AlgorithmSunsets,
    trusted_at: datetime,
    digests: Iterable[str] = (),
    opinion: SecondOpinion | None = None,
) -> Check:
    """Decide whether ``certificate`` is one for signatures and its key signed exactly ``part.message``.

    Key, signature algorithm and ``digests`` (dotted OIDs) must count at ``trusted_at``: the proven time of the
    signature or the present. The signer's own claim proves nothing against whoever can forge what has ended, as it
    proves nothing against whoever stole a key (`gateway.checks.trust.check_revocation`).
    """
    if part.certificate is None:
        return unknown(wording.check, Reason.SIGNATURE_SIGNER_UNKNOWN)
    if certificate is None:
        return invalid(wording.check, wording.unusable)
    if not is_signing_certificate(certificate):
        return invalid(wording.check, wording.wrong_usage)
    alone = verify_recurring if wording.recurs else verify_signature
    verify = alone if opinion is None else opinion.verify_signature
    try:
        verify(message=part.message, signature=part.signature, algorithm=part.algorithm, spki=certificate.spki)
    except SignatureVerificationError as error:
        return _refuse(error.fault, part, wording)
    until = min([algorithms.signature_end(part.algorithm, certificate.spki), *map(algorithms.digest_end, digests)])
    if trusted_at >= until:
        detail = "at no time" if until == NEVER else f"until {until:%Y-%m-%dT%H:%M:%SZ}"
        return unknown(wording.check, wording.algorithm_sunset, detail)
    return replace(valid(wording.check), ends_at=until)


def _refuse(fault: SignatureFault, part: SignedPart, wording: Wording) -> Check:
    match fault:
        case SignatureFault.BAD | SignatureFault.WRONG_KEY_TYPE:
            return invalid(wording.check, wording.bad, str(fault))
        case SignatureFault.MALFORMED:
            return invalid(wording.check, wording.malformed)
        case SignatureFault.UNUSABLE_KEY:
            return invalid(wording.check, wording.unusable, str(fault))
        case SignatureFault.UNSUPPORTED_ALGORITHM:
            return unknown(wording.check, wording.unsupported, part.algorithm[:60])
        case SignatureFault.DISPUTED:
            return unknown(wording.check, wording.disputed)
