"""NIST's PKITS: no path that it calls invalid is called good, and each valid one that is not has a reason."""

import pytest

from tests.keys.pkits_expectations import STRICTER
from tests.support import conformance, pkits

CASES = pkits.cases()

# The words under which invalid paths of a section may be refused; another one would be right by accident.
WORDS = {
    # "unknown-issuer": only an anchor's word makes a forgery; PKITS breaks signatures so that some have bits to spare,
    # and then the certificate is no certificate at all.
    "4.1": {"chain: bad-signature", "chain: unknown-issuer", "certificate: malformed"},
    "4.2": {"period", "chain: expired-issuer", "chain: not-yet-valid-issuer"},
    "4.3": {"chain: unknown-issuer"},
    "4.4": {
        "revocation: no-list",
        "revocation: revoked",
        "revocation: bad-signature",
        "revocation: unusable",
        "revocation: stale",
    },
    "4.5": {"revocation: bad-signature", "revocation: unusable", "revocation: revoked", "chain: not-a-ca"},
    "4.6": {"chain: not-a-ca", "chain: path-too-long"},
    "4.7": {"chain: not-a-ca", "revocation: unusable"},
    "4.8": {"chain: other"},
    "4.9": {"chain: other"},
    "4.10": {"chain: other"},
    "4.11": {"chain: other"},
    "4.12": {"chain: other"},
    "4.13": {"chain: name-constraints"},
    "4.14": {"revocation: no-list", "revocation: revoked", "revocation: unusable"},
    "4.15": {"revocation: revoked", "revocation: stale", "revocation: unusable"},
    "4.16": {"chain: unknown-critical-extension"},
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pkits(case):
    """A path is called good exactly when PKITS says so, and never when PKITS says no."""
    outcome = pkits.outcome(case)
    if not case.valid:
        assert outcome in WORDS[case.section.split()[0]]
    elif case.name in STRICTER:
        assert outcome != pkits.GOOD, "it is good now: take it off the list"
    else:
        assert outcome == pkits.GOOD


def test_the_suite_is_whole():
    """All 223 tests with an end certificate of their own are there, and every exception is one of them."""
    assert len(CASES) == 223
    assert set(STRICTER) <= {case.name for case in CASES if case.valid}


def test_the_page_is_true():
    """docs/conformance.md is what the suites say now."""
    written = conformance.PAGE.read_text(encoding="utf-8")
    assert written == conformance.render(), "run python -m tests.support.conformance"
