"""Digests: the vectors of GB/T 32905, and which digests anything may rely on."""

import hashlib

import pytest

from keys import digest
from keys.digest import DIGESTS, sm3

# Domain page on SM2, section 3.1.
VECTORS = [
    (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    (b"", "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"),
]


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_sm3_vectors(data, expected):
    """Both ways to compute SM3 give the digests of the standard."""
    assert sm3(data).hex() == expected
    assert digest._sm3_by_cryptography(data).hex() == expected
    if "sm3" in hashlib.algorithms_available:
        assert digest._sm3_by_hashlib(data).hex() == expected


def test_sm3_falls_back_when_hashlib_lacks_it(monkeypatch):
    """A Python that was built without SM3 still has it, through cryptography."""

    def refuse(name, data=b""):
        raise ValueError(f"unsupported hash type {name} {len(data)}")

    monkeypatch.setattr(hashlib, "new", refuse)
    assert digest._select_sm3() is digest._sm3_by_cryptography


def test_sm3_that_is_wrong_stops_the_import(monkeypatch):
    """A library that computes SM3 wrongly is refused at the start, in words."""

    class Wrong:
        def digest(self):
            return bytes(32)

    monkeypatch.setattr(hashlib, "new", lambda *_: Wrong())
    with pytest.raises(digest.LibraryUnusableError, match="GB/T 32905"):
        digest._select_sm3()


@pytest.mark.parametrize(
    ("name", "length", "acceptable"),
    [
        ("1.2.156.10197.1.401", 32, True),
        ("2.16.840.1.101.3.4.2.1", 32, True),
        ("2.16.840.1.101.3.4.2.2", 48, False),
        ("2.16.840.1.101.3.4.2.3", 64, False),
        ("1.3.14.3.2.26", 20, False),
        ("1.2.840.113549.2.5", 16, False),
    ],
)
def test_digests_by_identifier(name, length, acceptable):
    """Weak digests are known, and never acceptable."""
    found = DIGESTS[name]
    assert len(found.compute(b"abc")) == length
    assert found.acceptable is acceptable


def test_hmac_is_no_digest():
    """The identifier of HMAC-SM3, which one seal vendor writes for SM3 in OFD, means no digest in CMS."""
    assert "1.2.156.10197.1.401.2" not in DIGESTS
