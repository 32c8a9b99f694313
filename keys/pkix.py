"""RFC 5280 section 6 over one given path, by pyhanko-certvalidator, with our algorithms in place of its own.

What a library knows better stays in the library: name constraints, policies, path lengths, critical extensions.
Three things are ours: signatures (it knows no SM2), which algorithms count (one table, in keys.signature), and periods
(judged on every question by keys.chain, while this part is done once per path).
Nothing is fetched and no revocation is looked at here.
"""

from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import keys as asn1_keys
from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import validate
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import DisallowedAlgorithmError, PathValidationError
from pyhanko_certvalidator.name_trees import (
    default_excluded_subtrees,
    default_permitted_subtrees,
    process_general_subtrees,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    AlgorithmUsageConstraint,
    AlgorithmUsagePolicy,
    CertRevTrustPolicy,
    PKIXValidationParams,
)
from pyhanko_certvalidator.sig_validate import SignatureValidator

from keys.certificate import Certificate
from keys.errors import ChainError, ChainFault, SignatureFault, SignatureVerificationError
from keys.memo import Memo
from keys.signature import CERTIFICATE_ALGORITHMS, MAX_SPKI, verify_signature
from keys.spki import SM2_CURVE_OID

# The library insists on comparing periods with a moment; this tolerance around it spans every year that exists.
_ALWAYS: Final = (datetime.max.replace(tzinfo=UTC) - datetime.min.replace(tzinfo=UTC)) // 2
_MOMENT: Final = datetime.min.replace(tzinfo=UTC) + _ALWAYS

_LINKS: Final = 16_384  # remembered pairs of certificate and issuer's key, some 200 bytes each, with RSA up to 1.3 kB

# The critical extensions that the library knows, by their dotted OIDs; kept equal by a test.
_UNDERSTOOD: Final = frozenset(
    {
        "1.3.6.1.5.5.7.1.1",  # authority information access
        "1.3.6.1.5.5.7.1.3",  # qualified certificate statements
        "1.3.6.1.5.5.7.48.1.5",  # OCSP no check
        "1.3.6.1.5.5.7.1.6",  # attribute authority controls
        "2.5.29.14",  # subject key identifier
        "2.5.29.15",  # key usage
        "2.5.29.17",  # subject alternative name
        "2.5.29.19",  # basic constraints
        "2.5.29.30",  # name constraints
        "2.5.29.31",  # distribution points of revocation lists
        "2.5.29.32",  # certificate policies
        "2.5.29.33",  # policy mappings
        "2.5.29.35",  # authority key identifier
        "2.5.29.36",  # policy constraints
        "2.5.29.37",  # extended key usage
        "2.5.29.46",  # freshest revocation list
        "2.5.29.54",  # inhibit any policy
    }
)

# How the library words its refusals; a wording that is not here is still a refusal, by the name of OTHER.
_WORDINGS: Final = (
    ("unsupported critical extension", ChainFault.UNKNOWN_CRITICAL_EXTENSION),
    ("is not a CA", ChainFault.NOT_A_CA),
    ("is not allowed to sign certificates", ChainFault.NOT_A_CA),
    ("maximum path length", ChainFault.PATH_TOO_LONG),
    ("namespace of the issuing authority", ChainFault.NAME_CONSTRAINTS),
    ("signature of", ChainFault.BAD_SIGNATURE),
)


def validate_path(path: Sequence[Certificate]) -> None:
    """Validate ``path``, leaf first and anchor last, at least two certificates; periods and revocation are not judged.

    The anchor's own path length and name constraints are kept too, since operators expect what the certificate says.

    Raises:
        ChainError: the path breaks a rule of RFC 5280 section 6.

    """
    try:
        _run(_validate(path))
    except DisallowedAlgorithmError as error:
        raise ChainError(ChainFault.WEAK_ALGORITHM, _describe(path)) from error
    except PathValidationError as error:
        raise ChainError(_classify(error.failure_msg), _describe(path)) from error
    except NotImplementedError as error:  # constraints on kinds of names that the library cannot compare
        raise ChainError(ChainFault.NAME_CONSTRAINTS, _describe(path)) from error
    except Exception as error:  # whatever a hostile extension provokes in the library is a refusal
        raise ChainError(ChainFault.OTHER, _describe(path)) from error


def find_unknown_extension(certificate: Certificate) -> str | None:
    """Return a critical extension (dotted OID) that paths may not have in any certificate; None: there is none."""
    unknown = certificate.critical_extensions - _UNDERSTOOD
    return min(unknown, default=None)


def find_link_fault(certificate: Certificate, issuer_spki: bytes) -> SignatureFault | None:
    """Return why the key did not sign the certificate, or None when it did; asked again, the answer is remembered."""
    if len(issuer_spki) > MAX_SPKI:  # refused before it is decoded, and not remembered: anybody can send such keys
        return _verify_link(certificate, issuer_spki)
    return _links.get((certificate.fingerprint, issuer_spki), lambda: _verify_link(certificate, issuer_spki))


_links: Final[Memo[tuple[bytes, bytes], SignatureFault | None]] = Memo(_LINKS)


def _verify_link(certificate: Certificate, issuer_spki: bytes) -> SignatureFault | None:
    if certificate.signature_algorithm not in CERTIFICATE_ALGORITHMS:
        return SignatureFault.UNSUPPORTED_ALGORITHM
    try:
        verify_signature(
            message=certificate.tbs,
            signature=certificate.signature,
            algorithm=certificate.signature_algorithm,
            spki=issuer_spki,
        )
    except SignatureVerificationError as error:
        return error.fault
    return None


def _run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never waits, without an event loop; one that does wait wants the network and is refused."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    finally:
        coroutine.close()
    raise RuntimeError("path validation wanted to wait")


async def _validate(path: Sequence[Certificate]) -> None:
    load: Any = x509.Certificate.load  # the library has no types
    certificates = [load(certificate.encoded, strict=True) for certificate in path]
    anchor = CertTrustAnchor(certificates[-1], quals=_qualify(certificates[-1]))
    context = ValidationContext(
        trust_roots=[],
        moment=_MOMENT,
        time_tolerance=_ALWAYS,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        algorithm_usage_policy=_Algorithms(),
        signature_validator=_Signatures(path),
    )
    await validate.async_validate_path(context, ValidationPath(anchor, certificates[-2:0:-1], certificates[0]))


def _qualify(anchor: Any) -> TrustQualifiers:  # noqa: ANN401 - the library has no types
    """Turn what the anchor's certificate says of paths into conditions; RFC 5280 itself leaves that aside."""
    permitted, excluded = default_permitted_subtrees(), default_excluded_subtrees()
    constraints = anchor.name_constraints_value
    if constraints is not None:
        # A kind of name that is not mentioned stays unlimited.
        for field, subtrees in (("permitted_subtrees", permitted), ("excluded_subtrees", excluded)):
            if isinstance(constraints[field], x509.GeneralSubtrees):
                subtrees.update(process_general_subtrees(constraints[field]))
    return TrustQualifiers(
        standard_parameters=PKIXValidationParams(
            initial_permitted_subtrees=permitted, initial_excluded_subtrees=excluded
        ),
        max_path_length=anchor.max_path_length,
        max_aa_path_length=anchor.max_path_length,  # the library expects both or neither
    )


class _Signatures(SignatureValidator):
    """Signatures by our table; only of the certificates of the path, over exactly the bytes that we read."""

    def __init__(self, path: Sequence[Certificate]) -> None:
        self._by_tbs = {certificate.tbs: certificate for certificate in path}

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: Any,  # noqa: ANN401 - the library has no types
        signature_algorithm: Any,  # noqa: ANN401, ARG002 - the same; the algorithm is the one that we read
        context: Any = None,  # noqa: ANN401, ARG002 - the same
    ) -> None:
        certificate = self._by_tbs.get(signed_data)
        if (
            certificate is None
            or certificate.signature != signature
            or find_link_fault(certificate, public_key_info.dump()) is not None
        ):
            raise InvalidSignature


class _Algorithms(AlgorithmUsagePolicy):
    """The algorithms of our table, at any time."""

    def digest_algorithm_allowed(self, algo: Any, moment: datetime | None) -> AlgorithmUsageConstraint:  # noqa: ANN401, ARG002 - the library has no types
        return AlgorithmUsageConstraint(allowed=False, failure_reason="no digest stands alone here")

    def signature_algorithm_allowed(
        self,
        algo: Any,  # noqa: ANN401 - the library has no types
        moment: datetime | None,  # noqa: ARG002 - an algorithm counts or does not
        public_key: Any,  # noqa: ANN401, ARG002 - the key is judged when the signature is verified
    ) -> AlgorithmUsageConstraint:
        return AlgorithmUsageConstraint(allowed=algo["algorithm"].dotted in CERTIFICATE_ALGORITHMS)


def _classify(wording: str) -> ChainFault:
    return next((fault for words, fault in _WORDINGS if words in wording), ChainFault.OTHER)


def _describe(path: Sequence[Certificate]) -> str:
    return f"path of certificate {path[0].serial:X}, {len(path)} long"


def _register_sm2() -> None:
    """Make asn1crypto read the second spelling of SM2 keys (see keys.spki), which it would refuse as unknown.

    Only reading is taught: the reverse table, from which it writes, stays as it was.
    """
    identifiers: Any = asn1_keys.PublicKeyAlgorithmId
    identifiers.unmap("ec")  # builds the reverse table before the entry exists
    identifiers._map[SM2_CURVE_OID] = "ec"  # noqa: SLF001 - there is no public way to add an algorithm
    named: Any = asn1_keys.NamedCurve
    named.register("sm2p256v1", SM2_CURVE_OID, 32)


_register_sm2()
