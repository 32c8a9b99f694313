"""The SM2 implementations that are at hand, each asked the same question in its own way."""

from typing import Any

import pytest
from cffi import FFI

from keys.errors import SignatureVerificationError
from keys.signature import SM2_WITH_SM3, verify_signature
from tests.support import sm2_arithmetic

_DECLARATIONS = """
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
EVP_PKEY *d2i_PUBKEY(EVP_PKEY **key, const unsigned char **data, long length);
void EVP_PKEY_free(EVP_PKEY *key);
EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *key, void *engine);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *context);
int EVP_PKEY_verify_init(EVP_PKEY_CTX *context);
int EVP_PKEY_verify(EVP_PKEY_CTX *context, const unsigned char *signature, size_t signature_length,
                    const unsigned char *digest, size_t digest_length);
void ERR_clear_error(void);
"""
_ffi = FFI()
_ffi.cdef(_DECLARATIONS)


def product_says(spki: bytes, message: bytes, signature: bytes, user_id: bytes) -> bool:
    """Ask the product's one door; a user id that it takes for a mistake of the caller is a refusal."""
    try:
        verify_signature(message=message, signature=signature, algorithm=SM2_WITH_SM3, spki=spki, user_id=user_id)
    except (SignatureVerificationError, ValueError):
        return False
    return True


def openssl_says_of_digest(spki: bytes, digest: bytes, signature: bytes) -> bool:
    """Ask the system's libcrypto about a digest e."""
    library: Any = _ffi.dlopen("libcrypto.so.3")
    start = _ffi.new("unsigned char[]", spki)
    key = library.d2i_PUBKEY(_ffi.NULL, _ffi.new("const unsigned char **", start), len(spki))
    assert key != _ffi.NULL
    context = library.EVP_PKEY_CTX_new(key, _ffi.NULL)
    try:
        assert library.EVP_PKEY_verify_init(context) == 1
        return bool(library.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest)) == 1)
    finally:
        library.EVP_PKEY_CTX_free(context)
        library.EVP_PKEY_free(key)
        library.ERR_clear_error()


class Tongsuo:
    """Tongsuo by tongsuopy, as a stranger would use it: whole keys and signatures as they come."""

    def __init__(self) -> None:
        reason = "tongsuopy has no wheel for this machine"
        self.ec: Any = pytest.importorskip("tongsuopy.crypto.asymciphers.ec", reason=reason)
        hashes: Any = pytest.importorskip("tongsuopy.crypto.hashes", reason=reason)
        self.errors: Any = pytest.importorskip("tongsuopy.crypto.exceptions", reason=reason)
        serialization: Any = pytest.importorskip("tongsuopy.crypto.serialization", reason=reason)
        backend: Any = pytest.importorskip("tongsuopy.backends.tongsuo", reason=reason)
        self.load = serialization.load_der_public_key
        self.algorithm = self.ec.ECDSA(hashes.SM3())
        self.backend = backend.backend

    def says(self, spki: bytes, message: bytes, signature: bytes) -> bool:
        """Ask for a message under the usual user id; no key and no readable signature are refusals."""
        try:
            self.load(spki).verify(signature, message, self.algorithm)
        except (ValueError, TypeError, self.errors.UnsupportedAlgorithm):
            return False  # no key
        except (self.errors.InvalidSignature, self.errors.InternalError):
            return False  # InternalError: no readable signature
        return True

    def says_of_digest(self, point: bytes, digest: bytes, signature: bytes) -> bool:
        """Ask about a digest e, below the package's public interface, which has no such question."""
        library = self.backend._lib
        key = self.ec.EllipticCurvePublicKey.from_encoded_point(self.ec.SM2(), point)
        context = library.EVP_PKEY_CTX_new(key._evp_pkey, self.backend._ffi.NULL)
        try:
            assert library.EVP_PKEY_verify_init(context) == 1
            answer = library.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest))
        finally:
            library.EVP_PKEY_CTX_free(context)
            self.backend._consume_errors()
        return bool(answer == 1)


def gmssl_says_of_digest(point: bytes, digest: bytes, r: int, s: int) -> bool:
    """Ask PyPI's pure Python gmssl, 10 ms each; it takes 64 hexadecimal digits a number and checks no bounds."""
    from gmssl import sm2 as gmssl_sm2  # noqa: PLC0415 - half a second, and few tests need it

    key = gmssl_sm2.CryptSM2(private_key="", public_key=point[1:].hex(), asn1=False)
    return bool(key.verify(f"{r:064x}{s:064x}", digest))


def arithmetic_says_of_digest(point: bytes, digest: bytes, r: int, s: int) -> bool:
    """Ask the text of the standard."""
    key = int.from_bytes(point[1:33]), int.from_bytes(point[33:])
    return sm2_arithmetic.verify(key, int.from_bytes(digest), r, s)
