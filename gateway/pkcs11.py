"""Keys in a device through PKCS#11 (python-pkcs11, the optional extra ``pkcs11``): P-256, the digest made outside.

Which library reaches the device is the operator's word; a key file names only the token and the object.
Every signature is verified before it leaves: a device that errs is found out here and not by a partner.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final

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
_INSTALL: Final = "the package python-pkcs11 is not installed: pip install 'tongban[pkcs11]'"


class Pkcs11Signer:
    """A P-256 key in a device; one session, used by one thread at a time, since sessions are not for several."""

    __slots__ = ("_key", "_lock", "_session", "algorithm", "key_id", "public_key")

    algorithm: KeyAlgorithm
    key_id: KeyId
    public_key: bytes

    def __init__(self, session: Any, private_key: Any, public_key: bytes) -> None:  # noqa: ANN401 - an optional library
        self._session = session
        self._key = private_key
        self._lock = Lock()
        self.algorithm = KeyAlgorithm.P256
        self.public_key = public_key
        self.key_id = fingerprint_key(public_key)

    def sign(self, message: bytes) -> bytes:
        """Sign the whole message; DER SEQUENCE{r, s}.

        Raises:
            OwnKeyError: DEVICE.

        """
        library = _load_package()
        digest = hashlib.sha256(message).digest()
        with _device_faults(), self._lock:
            raw = bytes(self._key.sign(digest, mechanism=library.Mechanism.ECDSA))
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

    def close(self) -> None:
        """End this session with the device; the process stays signed in."""
        with self._lock:
            self._session.close()

    def __repr__(self) -> str:
        """Show the public half."""
        return f"Pkcs11Signer({self.key_id})"


def generate_on_token(module: Path, *, token: str, pin: str, label: str) -> tuple[Pkcs11Signer, TokenObject]:
    """Make a P-256 key in the device that never leaves it, and sign with it.

    Raises:
        OwnKeyError: DEVICE.

    """
    library = _load_package()
    place = TokenObject(token=token, object_id=secrets.token_bytes(_OBJECT_ID_BYTES))
    with _device_faults():
        session = _open_session(library, module, token, pin, rw=True)
        try:
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
            return Pkcs11Signer(session, private, _read_public_key(library, public)), place
        except BaseException:
            session.close()
            raise


def open_on_token(module: Path, place: TokenObject, *, pin: str) -> Pkcs11Signer:
    """Open the key that a key file names; exactly that object, and nothing else is tried.

    Raises:
        OwnKeyError: DEVICE.

    """
    library = _load_package()
    with _device_faults():
        session = _open_session(library, module, place.token, pin, rw=False)
        try:
            private = session.get_key(object_class=library.ObjectClass.PRIVATE_KEY, id=place.object_id)
            public = session.get_key(object_class=library.ObjectClass.PUBLIC_KEY, id=place.object_id)
            return Pkcs11Signer(session, private, _read_public_key(library, public))
        except BaseException:
            session.close()
            raise


@dataclass(frozen=True, slots=True)
class _Login:
    """That this process signed in to a token; the session is kept, since with it the login would end for all others."""

    session: Any
    pin_tag: bytes


_logins: Final[dict[tuple[Path, str], _Login]] = {}
_logins_lock: Final = Lock()
_PIN_KEY: Final = secrets.token_bytes(32)  # tags of PINs mean nothing outside this process


def _open_session(library: Any, module: Path, token: str, pin: str, *, rw: bool) -> Any:  # noqa: ANN401 - an optional library
    """Open a session of a process that is signed in.

    In PKCS#11 a process signs in once and all its sessions are signed in with it (2.40 section 5.6).
    So the PIN of a later session is held against the first one here, where the device no longer would.
    """
    tag = hmac.digest(_PIN_KEY, pin.encode(), "sha256")
    found = library.lib(str(module)).get_token(token_label=token)
    with _logins_lock:
        login = _logins.get((module, token))
        if login is None:
            _logins[module, token] = _Login(found.open(user_pin=pin), tag)
        elif not hmac.compare_digest(login.pin_tag, tag):
            raise OwnKeyError(OwnKeyFault.DEVICE, "another PIN than the one with which this process signed in")
    return found.open(rw=rw)


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
    except (RuntimeError, OSError) as error:  # RuntimeError: the root of the library's errors, and no module there
        raise OwnKeyError(OwnKeyFault.DEVICE, type(error).__name__) from error


def _load_package() -> ModuleType:
    """Load the optional package when a device is used, and say what to install where it is not there."""
    try:
        import pkcs11  # noqa: PLC0415 - optional: who has no device does not need it
        import pkcs11.util.ec  # noqa: PLC0415 - the same
    except ImportError as error:
        raise OwnKeyError(OwnKeyFault.DEVICE, _INSTALL) from error
    return pkcs11
