"""Keys in a device through PKCS#11 (python-pkcs11, the optional extra ``pkcs11``): P-256, the digest made outside.

Which library reaches the device is the operator's word; a key file names only the token and the object.
Every signature is verified before it leaves: a device that errs is found out here and not by a partner.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.encoding import RAW_SIZE, encode_signature
from keys.errors import SignatureVerificationError
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.file import MAX_LABEL_CHARACTERS, TokenObject
from keys.own.record import KeyAlgorithm, KeyId, fingerprint_key
from keys.own.signer import verify_own_signature

_OBJECT_ID_BYTES: Final = 16
_POINT_BYTES: Final = 65
_OCTET_STRING_HEADER: Final = bytes((0x04, _POINT_BYTES))  # PKCS#11 2.40 section 2.3.3: CKA_EC_POINT is DER
_FAULTS: Final = (RuntimeError, OSError)  # RuntimeError: the root of the library's errors, and no module there
_INSTALL: Final = "the package python-pkcs11 is not installed: pip install 'tongban[pkcs11]'"


class OpenedKey(NamedTuple):
    """A private key in a session of its own, and its public half (SubjectPublicKeyInfo)."""

    session: Any
    private: Any
    public_key: bytes


class Pkcs11Signer:
    """A P-256 key in a device; one session, used by one thread at a time, since sessions are not for several.

    A session that was lost (a device that was taken out, or started anew) is opened again, once for each use. For that
    the PIN stays in memory, as it does inside the device's library.
    """

    __slots__ = ("_key", "_lock", "_open", "_session", "algorithm", "key_id", "public_key")

    algorithm: KeyAlgorithm
    key_id: KeyId
    public_key: bytes

    def __init__(self, opened: OpenedKey, *, reopen: Callable[[], OpenedKey]) -> None:
        """Take a key that was opened, and how to open it again; that raises OwnKeyError."""
        self._session, self._key = opened.session, opened.private
        self._open: Callable[[], OpenedKey] | None = reopen
        self._lock = Lock()
        self.algorithm = KeyAlgorithm.P256
        self.public_key = opened.public_key
        self.key_id = fingerprint_key(opened.public_key)

    def sign(self, message: bytes) -> bytes:
        """Sign the whole message; DER SEQUENCE{r, s}.

        Raises:
            OwnKeyError: DEVICE.

        """
        raw = self._sign_digest(hashlib.sha256(message).digest())
        if len(raw) != RAW_SIZE:
            raise OwnKeyError(OwnKeyFault.DEVICE, f"a signature of {RAW_SIZE} bytes was expected, got {len(raw)}")
        half = RAW_SIZE // 2
        signature = encode_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
        try:
            verify_own_signature(
                algorithm=self.algorithm, public_key=self.public_key, message=message, signature=signature
            )
        except SignatureVerificationError as error:
            raise OwnKeyError(OwnKeyFault.DEVICE, "its signature does not verify") from error
        return signature

    def _sign_digest(self, digest: bytes) -> bytes:
        mechanism = _load_package().Mechanism.ECDSA
        with self._lock:
            if self._open is None:
                raise OwnKeyError(OwnKeyFault.DEVICE, "the signer was closed")
            try:
                return bytes(self._key.sign(digest, mechanism=mechanism))
            except _FAULTS:
                _close(self._session)
                opened = self._open()
                self._session, self._key = opened.session, opened.private
                with _device_faults():
                    return bytes(self._key.sign(digest, mechanism=mechanism))

    def close(self) -> None:
        """End this session with the device, and forget the PIN; the process stays signed in."""
        with self._lock:
            self._open = None
            _close(self._session)

    def __repr__(self) -> str:
        """Show the public half."""
        return f"Pkcs11Signer({self.key_id})"


def generate_on_token(module: Path, *, token: str, pin: bytes, label: str) -> tuple[Pkcs11Signer, TokenObject]:
    """Make a P-256 key in the device that never leaves it, and sign with it; ``pin`` is UTF-8.

    Raises:
        OwnKeyError: DEVICE.

    """
    library = _load_package()
    place = TokenObject(token=token, object_id=secrets.token_bytes(_OBJECT_ID_BYTES))

    def generate(session: Any) -> OpenedKey:  # noqa: ANN401 - an optional library
        parameters = session.create_domain_parameters(
            library.KeyType.EC,
            {library.Attribute.EC_PARAMS: library.util.ec.encode_named_curve_parameters("secp256r1")},
            local=True,
        )
        secret = {library.Attribute.SENSITIVE: True, library.Attribute.EXTRACTABLE: False}
        public, private = parameters.generate_keypair(
            id=place.object_id,
            label=label[:MAX_LABEL_CHARACTERS],
            store=True,
            capabilities=library.MechanismFlag.SIGN | library.MechanismFlag.VERIFY,
            private_template=secret,
        )
        return OpenedKey(session, private, _read_public_key(library, public))

    opened = _use_session(_Token(module, token, _read_pin(pin)), generate, rw=True)
    return Pkcs11Signer(opened, reopen=lambda: _open_key(module, place, pin)), place


def open_on_token(module: Path, place: TokenObject, *, pin: bytes) -> Pkcs11Signer:
    """Open the key that a key file names; exactly that object, and nothing else is tried. ``pin`` is UTF-8.

    Raises:
        OwnKeyError: DEVICE.

    """
    return Pkcs11Signer(_open_key(module, place, pin), reopen=lambda: _open_key(module, place, pin))


def _open_key(module: Path, place: TokenObject, pin: bytes) -> OpenedKey:
    library = _load_package()

    def find(session: Any) -> OpenedKey:  # noqa: ANN401 - an optional library
        private = session.get_key(object_class=library.ObjectClass.PRIVATE_KEY, id=place.object_id)
        public = session.get_key(object_class=library.ObjectClass.PUBLIC_KEY, id=place.object_id)
        return OpenedKey(session, private, _read_public_key(library, public))

    return _use_session(_Token(module, place.token, _read_pin(pin)), find, rw=False)


class _Token(NamedTuple):
    """Where to sign in."""

    module: Path
    label: str
    pin: str


@dataclass(frozen=True, slots=True)
class _Login:
    """That this process signed in to a token; the session is kept, since with it the login would end for all others."""

    session: Any
    pin_tag: bytes


_logins: Final[dict[tuple[Path, str], _Login]] = {}
_refused: Final[set[tuple[Path, str, bytes]]] = set()  # PINs, as tags: asked again and again, a device locks itself
_logins_lock: Final = Lock()
_PIN_KEY: Final = secrets.token_bytes(32)  # tags of PINs mean nothing outside this process


def _use_session(token: _Token, use: Callable[[Any], OpenedKey], *, rw: bool) -> OpenedKey:
    """Open a session of a process that is signed in and use it; it is closed where that fails.

    The device may have forgotten an earlier login, and only a use tells: where one fails that relied on it, the process
    signs in once more and tries once more.
    """
    with _device_faults():
        login, is_new = _sign_in(token)
        try:
            return _try_session(token, use, rw=rw)
        except _FAULTS:
            if is_new:
                raise
        _sign_in(token, forgotten=login)
        return _try_session(token, use, rw=rw)


def _try_session(token: _Token, use: Callable[[Any], OpenedKey], *, rw: bool) -> OpenedKey:
    session = _find_token(token).open(rw=rw)
    try:
        return use(session)
    except BaseException:
        _close(session)
        raise


def _sign_in(token: _Token, *, forgotten: _Login | None = None) -> tuple[_Login, bool]:
    """Sign in unless the process is, in a login that is not ``forgotten``; return the login, and whether it is new.

    In PKCS#11 a process signs in once and all its sessions are signed in with it (2.40 section 5.6).
    So the PIN of a later session is held against the first one here, where the device no longer would.
    """
    tag = hmac.digest(_PIN_KEY, token.pin.encode(), "sha256")
    place = (token.module, token.label)
    with _logins_lock:
        login = _logins.get(place)
        if login is not None and not hmac.compare_digest(login.pin_tag, tag):
            raise OwnKeyError(OwnKeyFault.DEVICE, "another PIN than the one with which this process signed in")
        if login is not None and login is not forgotten:
            return login, False
        if (*place, tag) in _refused:
            raise OwnKeyError(OwnKeyFault.DEVICE, "a PIN that the device refused before")
        if login is not None:
            _close(login.session)
        _logins[place] = new = _Login(_open_signed_in(token, tag, is_proven=login is not None), tag)
        return new, True


def _open_signed_in(token: _Token, tag: bytes, *, is_proven: bool) -> Any:  # noqa: ANN401 - an optional library
    """Open a session with the PIN; a PIN that the device refuses is not shown to it again, nor is its login kept."""
    faults = _load_package().exceptions
    found = _find_token(token)
    try:
        return found.open(user_pin=token.pin)
    except faults.UserAlreadyLoggedIn:
        if not is_proven:  # by somebody else in this process, and nobody has held this PIN against anything
            raise
        return found.open()  # by sessions of ours that still live
    except (faults.PinIncorrect, faults.PinInvalid, faults.PinLenRange, faults.PinExpired, faults.PinLocked):
        _refused.add((token.module, token.label, tag))
        _logins.pop((token.module, token.label), None)
        raise


def _find_token(token: _Token) -> Any:  # noqa: ANN401 - an optional library
    return _load_package().lib(str(token.module)).get_token(token_label=token.label)


def _read_pin(pin: bytes) -> str:
    """Return the PIN as the library wants it; another one than was meant is never tried."""
    try:
        return pin.decode()
    except UnicodeDecodeError:
        raise OwnKeyError(OwnKeyFault.DEVICE, "a PIN in UTF-8 was expected") from None  # the cause would quote it


def _close(session: Any) -> None:  # noqa: ANN401 - an optional library
    with suppress(*_FAULTS):  # the device may have closed it
        session.close()


def _read_public_key(library: Any, public: Any) -> bytes:  # noqa: ANN401 - an optional library
    """Return the SubjectPublicKeyInfo of a public key object; some devices leave out the OCTET STRING's header."""
    point = bytes(public[library.Attribute.EC_POINT]).removeprefix(_OCTET_STRING_HEADER)
    if len(point) != _POINT_BYTES:
        raise OwnKeyError(OwnKeyFault.DEVICE, "an uncompressed point of P-256 was expected")
    try:
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError as error:
        raise OwnKeyError(OwnKeyFault.DEVICE, "a point of P-256 was expected") from error
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@contextmanager
def _device_faults() -> Iterator[None]:
    """Turn what the library raises into our error; its texts are names of codes and hold no PIN."""
    try:
        yield
    except _FAULTS as error:
        raise OwnKeyError(OwnKeyFault.DEVICE, type(error).__name__) from error


def _load_package() -> ModuleType:
    """Load the optional package when a device is used, and say what to install where it is not there."""
    try:
        import pkcs11  # noqa: PLC0415 - optional: who has no device does not need it
        import pkcs11.util.ec  # noqa: PLC0415 - the same
    except ImportError as error:
        raise OwnKeyError(OwnKeyFault.DEVICE, _INSTALL) from error
    return pkcs11
