"""The system's OpenSSL 3 libcrypto, reached through cffi: SM2 keys, signatures, encryption, and nothing else.

Only the EVP interface is used, and the user id is set on every operation: without it OpenSSL refuses correct
signatures (GB/T 32918.2 has no signature without an id).
A key handle belongs to a Python object and is freed when the last user lets go of it, so an operation in one thread
never loses its key to another.
"""

import ctypes.util
from collections.abc import Iterable, Iterator
from typing import Any, Final

from cffi import FFI

from keys.errors import LibraryUnusableError

_MINIMUM_MAJOR: Final = 3  # SM2 through EVP with a settable id came with OpenSSL 3.0
_INSTALL: Final = (
    "install OpenSSL 3 (Debian and Ubuntu: apt-get install libssl3; RHEL, openEuler: dnf install openssl-libs)"
)

_DECLARATIONS: Final = """
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_md_st EVP_MD;
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;

unsigned int OPENSSL_version_major(void);
const char *OpenSSL_version(int kind);
void ERR_clear_error(void);

EVP_PKEY *d2i_PUBKEY(EVP_PKEY **key, const unsigned char **data, long length);
EVP_PKEY *d2i_AutoPrivateKey(EVP_PKEY **key, const unsigned char **data, long length);
int i2d_PUBKEY(EVP_PKEY *key, unsigned char **data);
int EVP_PKEY_is_a(const EVP_PKEY *key, const char *name);
void EVP_PKEY_free(EVP_PKEY *key);

EVP_MD *EVP_MD_fetch(OSSL_LIB_CTX *context, const char *name, const char *properties);
void EVP_MD_free(EVP_MD *digest);

EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *key, void *engine);
int EVP_PKEY_CTX_set1_id(EVP_PKEY_CTX *context, const void *id, int length);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *context);

EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_set_pkey_ctx(EVP_MD_CTX *context, EVP_PKEY_CTX *key_context);
void EVP_MD_CTX_free(EVP_MD_CTX *context);
int EVP_DigestVerifyInit(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const EVP_MD *digest, void *engine,
                         EVP_PKEY *key);
int EVP_DigestVerify(EVP_MD_CTX *context, const unsigned char *signature, size_t signature_length,
                     const unsigned char *message, size_t message_length);
int EVP_DigestSignInit(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const EVP_MD *digest, void *engine,
                       EVP_PKEY *key);
int EVP_DigestSign(EVP_MD_CTX *context, unsigned char *signature, size_t *signature_length,
                   const unsigned char *message, size_t message_length);

int EVP_PKEY_encrypt_init(EVP_PKEY_CTX *context);
int EVP_PKEY_encrypt(EVP_PKEY_CTX *context, unsigned char *ciphertext, size_t *ciphertext_length,
                     const unsigned char *plaintext, size_t plaintext_length);
int EVP_PKEY_decrypt_init(EVP_PKEY_CTX *context);
int EVP_PKEY_decrypt(EVP_PKEY_CTX *context, unsigned char *plaintext, size_t *plaintext_length,
                     const unsigned char *ciphertext, size_t ciphertext_length);
"""

# ENTL counts bits in two bytes (GB/T 32918.2 section 5.5), which makes 8191; OpenSSL 3 stops one short of that, and
# calls correct signatures bad there.
MAX_USER_ID: Final = 8190
_MAX_DER_SIGNATURE: Final = 72  # two INTEGERs of 33 bytes, their headers and the SEQUENCE
# What the DER of a ciphertext adds to its text: point 70, hash 34, headers of at most 6 bytes around text and whole.
_CIPHERTEXT_FRAME: Final = 128

_ffi: Final = FFI()
_ffi.cdef(_DECLARATIONS)


def _find_names() -> Iterator[str]:
    """Name the library as Linux does, and only when that is not there, ask the system, which starts processes."""
    yield "libcrypto.so.3"
    found = ctypes.util.find_library("crypto")
    if found is not None:
        yield found


def load_library(names: Iterable[str]) -> Any:  # noqa: ANN401 - a cffi library has no type
    """Open the first of ``names`` that is OpenSSL 3 or later.

    Raises:
        LibraryUnusableError: there is none; the text says what to install.

    """
    refused = "it was not found"
    for name in names:
        try:
            library: Any = _ffi.dlopen(name)
            major = library.OPENSSL_version_major()
        except (OSError, AttributeError):  # AttributeError: OpenSSL 1.1 has no such function
            continue
        if major >= _MINIMUM_MAJOR:
            return library
        refused = f"version {major} was found"
    raise LibraryUnusableError(f"SM2 needs the library libcrypto of OpenSSL 3.0 or later, and {refused}: {_INSTALL}")


_lib: Final = load_library(_find_names())


def library_version() -> str:
    """Return how the library names itself, for reports: "OpenSSL 3.0.19 27 Jan 2026"."""
    name = _ffi.string(_lib.OpenSSL_version(0))
    return name if isinstance(name, str) else name.decode("ascii", "replace")


def _fetch_sm3() -> Any:  # noqa: ANN401 - a cffi pointer has no type
    """Fetch SM3 once for the life of the process; a fetch for each signature costs more than a short digest."""
    digest = _lib.EVP_MD_fetch(_ffi.NULL, b"SM3", _ffi.NULL)
    if digest == _ffi.NULL:
        _lib.ERR_clear_error()
        raise LibraryUnusableError(f"this libcrypto was built without SM3: {_INSTALL}")
    return _ffi.gc(digest, _lib.EVP_MD_free)


_SM3: Final = _fetch_sm3()


class KeyHandle:
    """One SM2 key inside libcrypto, public or private; it may be used by several threads at once."""

    __slots__ = ("_key",)

    def __init__(self, key: Any) -> None:  # noqa: ANN401 - a cffi pointer has no type
        self._key = key

    @classmethod
    def from_spki(cls, spki: bytes) -> "KeyHandle":
        """Read a SubjectPublicKeyInfo; raises ValueError when libcrypto finds no SM2 key in it."""
        return cls(_decode(_lib.d2i_PUBKEY, spki))

    @classmethod
    def from_pkcs8(cls, encoded: bytes) -> "KeyHandle":
        """Read a PrivateKeyInfo; raises ValueError when libcrypto finds no SM2 key in it."""
        return cls(_decode(_lib.d2i_AutoPrivateKey, encoded))

    def encode_spki(self) -> bytes:
        """Encode the public half as SubjectPublicKeyInfo; raises ValueError when libcrypto cannot."""
        size = _lib.i2d_PUBKEY(self._key, _ffi.NULL)
        if size <= 0:
            _lib.ERR_clear_error()
            raise ValueError("the key has no public half")
        buffer = _ffi.new("unsigned char[]", size)
        cursor = _ffi.new("unsigned char **", buffer)
        _lib.i2d_PUBKEY(self._key, cursor)
        return bytes(_ffi.buffer(buffer, size))

    def is_signed(self, message: bytes, signature: bytes, user_id: bytes) -> bool:
        """Return whether ``signature`` (minimal DER) is this key's over ``message`` under ``user_id``."""
        context, key_context = self._prepare(user_id)
        try:
            # A failure of the initialisation is no: nothing is ever called signed that was not verified.
            return bool(
                _lib.EVP_DigestVerifyInit(context, _ffi.NULL, _SM3, _ffi.NULL, self._key) == 1
                and _lib.EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1
            )
        finally:
            _release(context, key_context)

    def sign(self, message: bytes, user_id: bytes) -> bytes:
        """Sign ``message`` under ``user_id``; DER SEQUENCE{r, s}. Raises ValueError unless the key is a private one."""
        context, key_context = self._prepare(user_id)
        try:
            signature = _ffi.new("unsigned char[]", _MAX_DER_SIGNATURE)
            size = _ffi.new("size_t *", _MAX_DER_SIGNATURE)
            if (
                _lib.EVP_DigestSignInit(context, _ffi.NULL, _SM3, _ffi.NULL, self._key) != 1
                or _lib.EVP_DigestSign(context, signature, size, message, len(message)) != 1
            ):
                raise ValueError("libcrypto did not sign")
            return bytes(_ffi.buffer(signature, size[0]))
        finally:
            _release(context, key_context)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt to this key with SM3; DER SEQUENCE{x, y, hash, text}. Raises ValueError for an empty plaintext."""
        return self._transform(
            _lib.EVP_PKEY_encrypt_init, _lib.EVP_PKEY_encrypt, plaintext, len(plaintext) + _CIPHERTEXT_FRAME
        )

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt what `encrypt` made; raises ValueError unless it is a ciphertext to this private key, unchanged."""
        return self._transform(_lib.EVP_PKEY_decrypt_init, _lib.EVP_PKEY_decrypt, ciphertext, len(ciphertext))

    def _transform(self, initialise: Any, transform: Any, data: bytes, room: int) -> bytes:  # noqa: ANN401 - cffi functions have no type
        context = _lib.EVP_PKEY_CTX_new(self._key, _ffi.NULL)
        try:
            if context == _ffi.NULL:
                raise MemoryError("libcrypto gave no context")
            size = _ffi.new("size_t *", room)
            result = _ffi.new("unsigned char[]", room)
            if initialise(context) != 1 or transform(context, result, size, data, len(data)) != 1:
                raise ValueError("libcrypto did not encrypt or decrypt")
            return bytes(_ffi.buffer(result, size[0]))
        finally:
            _release(_ffi.NULL, context)

    def _prepare(self, user_id: bytes) -> tuple[Any, Any]:
        """Make a digest context that carries the id already when the digest starts, since Z goes in first."""
        if not 0 < len(user_id) <= MAX_USER_ID:
            raise ValueError(f"a user id of 1 to {MAX_USER_ID} bytes was expected, got {len(user_id)}")
        key_context = _lib.EVP_PKEY_CTX_new(self._key, _ffi.NULL)
        context = _lib.EVP_MD_CTX_new()
        if _ffi.NULL in (key_context, context) or _lib.EVP_PKEY_CTX_set1_id(key_context, user_id, len(user_id)) <= 0:
            _release(context, key_context)
            raise MemoryError("libcrypto gave no context")
        _lib.EVP_MD_CTX_set_pkey_ctx(context, key_context)
        return context, key_context


def _decode(function: Any, encoded: bytes) -> Any:  # noqa: ANN401 - cffi functions and pointers have no type
    buffer = _ffi.from_buffer("unsigned char[]", encoded)
    cursor = _ffi.new("const unsigned char **", buffer)
    key = function(_ffi.NULL, cursor, len(encoded))
    if key == _ffi.NULL:
        _lib.ERR_clear_error()
        raise ValueError("libcrypto found no key")
    key = _ffi.gc(key, _lib.EVP_PKEY_free)
    if cursor[0] - buffer != len(encoded) or _lib.EVP_PKEY_is_a(key, b"SM2") != 1:
        raise ValueError("libcrypto found another key than SM2")
    return key


def _release(context: Any, key_context: Any) -> None:  # noqa: ANN401 - cffi pointers have no type
    """Free both contexts and empty this thread's error queue, which would otherwise mislead the next caller."""
    _lib.EVP_MD_CTX_free(context)
    _lib.EVP_PKEY_CTX_free(key_context)
    _lib.ERR_clear_error()
