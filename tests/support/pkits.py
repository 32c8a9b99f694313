"""NIST's PKITS (2011 edition) as PyPI's cryptography-vectors carries it, put to the product's chains and revocation.

Each test is one end certificate; the path is found by the product from the certificates whose names lead to the anchor.
The outcome is what a signer's certificate would get: its own period, its chain, and revocation by the lists at hand.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from keys.certificate import Certificate, parse_certificate
from keys.chain import build_chain
from keys.errors import ChainError, MalformedCertificateError, MalformedRevocationListError
from keys.name import name_key
from keys.revocation import RevocationList, RevocationState, parse_revocation_list, revocation_status
from keys.revocation_update import RevocationUpdateError, apply_delta
from keys.trust import Anchor, Purpose, TrustStore

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)  # most of PKITS lives from 2010 to 2030
GOOD = "good"

# The sections of the PKITS document, and how the names of their end certificates are told.
SECTIONS = (
    ("4.1 Signature verification", r"CertificatePath|CASignature|EESignature|DSA"),
    ("4.2 Validity periods", r"notBeforeDate|notAfterDate"),
    ("4.3 Name chaining", r"NameChaining|NameUIDs|RFC3280|UTF8String"),
    ("4.5 Self-issued certificates", r"BasicSelfIssued"),
    ("4.14 Distribution points", r"istributionPoint|IDP|onlyContains|onlySomeReasons|cRLIssuer"),
    ("4.4 Basic revocation", r"CRLTest|CRLsTest|Revoked|BadCRL|CRLEntryExt|CRLExt|nextUpdate|SerialNumber|CRLKeys"),
    ("4.6 Basic constraints", r"basicConstraints|cAFalse|pathLenConstraint"),
    ("4.7 Key usage", r"keyUsage"),
    ("4.9 Require explicit policy", r"requireExplicitPolicy"),
    ("4.11 Inhibit policy mapping", r"inhibitPolicyMapping"),
    ("4.10 Policy mappings", r"PolicyMapping|Mapping(From|To)anyPolicy"),
    ("4.12 Inhibit any policy", r"inhibitAnyPolicy"),
    ("4.8 Certificate policies", r"Policies|anyPolicy|AnyPolicy|Qualifier"),
    ("4.13 Name constraints", r"nameConstraints"),
    ("4.16 Private certificate extensions", r"CriticalCertificateExtension"),
)
_DELTA = ("4.15 Delta-CRLs", r"deltaCRL")

# Section 4.8 and one test of 4.12 do not say the outcome in the name; this is it under the settings of a new verifier:
# any policy will do, none is demanded, mapping and any-policy are not inhibited.
_UNNAMED_INVALID = frozenset(f"DifferentPoliciesTest{number}" for number in (4, 5, 7, 8, 9, 12))


@dataclass(frozen=True, slots=True, kw_only=True)
class PkitsCase:
    """One test of PKITS: its name without "EE", its section, and whether the path is valid."""

    name: str
    section: str
    valid: bool


@cache
def folder() -> Path:
    """Return where the vectors are, or skip in words."""
    vectors = pytest.importorskip("cryptography_vectors", reason="cryptography-vectors is not installed")
    return Path(vectors.__file__).parent / "x509" / "PKITS_data"


def cases() -> list[PkitsCase]:
    """Return all tests that have an end certificate of their own, in the order of sections and numbers."""
    found = []
    for path in (folder() / "certs").glob("*Test*EE.crt"):
        name = path.stem.removesuffix("EE")
        valid = not name.startswith("Invalid") and name not in _UNNAMED_INVALID
        found.append(PkitsCase(name=name, section=_section(name), valid=valid))
    return sorted(found, key=_order)


def _section(name: str) -> str:
    return next(title for title, words in (_DELTA, *SECTIONS) if re.search(words, name))


def _order(case: PkitsCase) -> tuple[int, int, str]:
    number = re.search(r"Test(\d+)$", case.name)
    return int(case.section.split()[0].split(".")[1]), int(number[1]) if number else 0, case.name


@cache
def _certificates() -> dict[str | bytes, list[Certificate]]:
    by_subject: dict[str | bytes, list[Certificate]] = {}
    for path in sorted((folder() / "certs").glob("*.crt")):
        try:
            certificate = parse_certificate(path.read_bytes())
        except MalformedCertificateError:
            continue
        by_subject.setdefault(name_key(certificate.subject), []).append(certificate)
    return by_subject


@cache
def _store() -> TrustStore:
    root = parse_certificate((folder() / "certs" / "TrustAnchorRootCertificate.crt").read_bytes())
    lists: list[RevocationList] = []
    for path in sorted((folder() / "crls").glob("*.crl")):
        try:
            lists.append(parse_revocation_list(path.read_bytes()))
        except MalformedRevocationListError:
            continue
    anchor = Anchor(certificate=root, purposes=frozenset(Purpose))
    intermediates = tuple(one for certificates in _certificates().values() for one in certificates)
    store = TrustStore(anchors=(anchor,), intermediates=intermediates)
    return store.with_lists([*lists, *_with_deltas(lists)])


def _with_deltas(lists: list[RevocationList]) -> list[RevocationList]:
    """Lay each delta list over the complete ones that it goes with, as whoever fetches them does."""
    found = []
    for delta in lists:
        for base in lists:
            if name_key(base.issuer) == name_key(delta.issuer):
                with suppress(RevocationUpdateError):
                    found.append(apply_delta(base, delta))
    return found


def _issuers(certificate: Certificate) -> list[Certificate]:
    """Return every certificate that the names lead to, as a document would bring them along."""
    found: dict[Certificate, None] = {}
    waiting = [certificate]
    while waiting:
        for issuer in _certificates().get(name_key(waiting.pop().issuer), ()):
            if issuer not in found:
                found[issuer] = None
                waiting.append(issuer)
    return list(found)


def outcome(case: PkitsCase) -> str:
    """Return "good", or which part of the product refuses and by which word."""
    try:
        certificate = parse_certificate((folder() / "certs" / f"{case.name}EE.crt").read_bytes())
    except MalformedCertificateError:
        return "certificate: malformed"
    if not certificate.not_before <= AT <= certificate.not_after:
        return "period"
    try:
        chain = build_chain(certificate, store=_store(), purpose=Purpose.SIGNER, at=AT, extra=_issuers(certificate))
    except ChainError as error:
        return f"chain: {error.fault}"
    status = revocation_status(chain, store=_store(), now=AT, trusted_time=None)
    if status.state is RevocationState.GOOD:
        return GOOD
    return f"revocation: {status.why or status.state}"
