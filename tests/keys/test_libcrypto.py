"""The door to libcrypto: which library it takes, and what it does with what is no key."""

import pytest

from keys import libcrypto
from keys.errors import LibraryUnusableError
from keys.libcrypto import KeyHandle, library_version, load_library
from tests.support import pki


def test_the_library_is_openssl_3_or_later():
    """The library that was taken names itself and its version."""
    name, version = library_version().split()[:2]
    assert name
    assert int(version.split(".")[0]) >= 3


def test_a_missing_library_is_explained():
    """Without OpenSSL 3 the error says what to install; a library that is something else is passed over."""
    with pytest.raises(LibraryUnusableError, match="apt-get install libssl3"):
        load_library(["libno-such-crypto.so.3", "libm.so.6"])
    with pytest.raises(LibraryUnusableError, match="it was not found"):
        load_library([])


def test_an_old_library_is_refused_by_its_version(monkeypatch):
    """A libcrypto below 3.0 is refused, and the text says which version was found."""
    monkeypatch.setattr(libcrypto, "_MINIMUM_MAJOR", 1000)
    with pytest.raises(LibraryUnusableError, match=r"version \d+ was found"):
        load_library(libcrypto._find_names())


def test_the_system_is_asked_when_the_usual_name_is_missing(monkeypatch):
    """Where the library has another name, the system's search names it."""
    monkeypatch.setattr(libcrypto.ctypes.util, "find_library", lambda _: "elsewhere")
    assert list(libcrypto._find_names()) == ["libcrypto.so.3", "elsewhere"]
    monkeypatch.setattr(libcrypto.ctypes.util, "find_library", lambda _: None)
    assert list(libcrypto._find_names()) == ["libcrypto.so.3"]


@pytest.mark.parametrize(
    "encoded",
    [b"", b"\0", pki.sm2_key().spki + b"\0", pki.p256_key().spki, pki.rsa_key().spki],
    ids=["empty", "zero", "trailing", "p256", "rsa"],
)
def test_what_is_no_sm2_key(encoded):
    """Bytes that are no SM2 key, hold more than one, or a key of another algorithm, are refused."""
    with pytest.raises(ValueError, match="libcrypto found"):
        KeyHandle.from_spki(encoded)
    with pytest.raises(ValueError, match="libcrypto found"):
        KeyHandle.from_pkcs8(encoded)


def test_a_public_key_does_not_sign():
    """Signing with a public half is refused, and leaves the library usable."""
    key = pki.sm2_key()
    handle = KeyHandle.from_spki(key.spki)
    with pytest.raises(ValueError, match="did not sign"):
        handle.sign(b"x", b"1234567812345678")
    assert handle.is_signed(b"x", key.sign(b"x"), b"1234567812345678")
    assert handle.encode_spki() == key.spki
