"""A small log with everything that belongs to it, written by hand: its keys, checkpoint, witnesses, proof, policy.

Nothing here comes from the code that is tested; signatures are the same in every run.
"""

import base64
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.sm2_arithmetic import SM2, digest
from tests.support.sm2_arithmetic import sign as sm2_sign
from tests.vectors.sm2_form import der, uncompressed
from tests.vectors.tlog_tree import mth, path

ORIGIN = "gw.example/access/2026h2"
SIZE = 9
INDEX = 5
COSIGNED_AT = 1_790_000_000
SM2_TYPE = b"\xfftongban/sm2-with-sm3/v1\n"
ENTRIES = [f"entry {number}".encode() for number in range(65_537)]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass(frozen=True)
class Key:
    """A name, the type with the public key behind it, and how it signs a message."""

    name: str
    typed_key: bytes
    seed: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash over name, type and key."""
        return sha256(self.name.encode() + b"\n" + self.typed_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as text."""
        return f"{self.name}+{self.key_id.hex()}+{b64(self.typed_key)}"

    def line(self, value: bytes) -> str:
        """Return a signature line."""
        return f"— {self.name} {b64(self.key_id + value)}\n"

    def ed25519(self, message: bytes) -> bytes:
        """Sign with Ed25519."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


def ed25519_key(name: str, type_byte: bytes, label: str) -> Key:
    seed = sha256(f"tlog vectors: {label}".encode()).digest()
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Key(name, type_byte + public, seed)


LOG = ed25519_key(ORIGIN, b"\x01", "log")
OTHER_LOG = ed25519_key("gw.example/access/2027h1", b"\x01", "other log")
WITNESSES = [ed25519_key(f"witness{number}.example", b"\x04", f"witness {number}") for number in (1, 2, 3)]

_SM2_PRIVATE = int.from_bytes(sha256(b"tlog vectors: sm2").digest()) % SM2.n
_SM2_POINT = SM2.multiply(_SM2_PRIVATE, SM2.generator)
if _SM2_POINT is None:
    raise ValueError("another private key is needed")
SM2_POINT = _SM2_POINT
LOG_SM2 = Key(ORIGIN, SM2_TYPE + uncompressed(SM2_POINT), b"")


def sm2(text: str) -> bytes:
    nonce = int.from_bytes(sha256(b"nonce" + text.encode()).digest()) % SM2.n
    return der(*sm2_sign(_SM2_PRIVATE, digest(SM2_POINT, text.encode()), nonce))


def text_of(size: int = SIZE, origin: str = ORIGIN) -> str:
    return f"{origin}\n{size}\n{b64(mth(ENTRIES[:size]))}\n"


def cosignature(key: Key, text: str, seconds: int = COSIGNED_AT) -> str:
    message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
    return key.line(seconds.to_bytes(8) + key.ed25519(message))


TEXT = text_of()
LOG_LINE = LOG.line(LOG.ed25519(TEXT.encode()))
SM2_LINE = LOG_SM2.line(sm2(TEXT))
COSIGNATURES = [cosignature(key, TEXT) for key in WITNESSES]

NOTE = f"{TEXT}\n{LOG_LINE}"
CHECKPOINT = f"{TEXT}\n{LOG_LINE}{SM2_LINE}{COSIGNATURES[0]}{COSIGNATURES[1]}"
PROOF_LINES = "".join(f"{b64(hashed)}\n" for hashed in path(INDEX, ENTRIES[:SIZE]))
PROOF = f"c2sp.org/tlog-proof@v1\nindex {INDEX}\n{PROOF_LINES}\n{CHECKPOINT}"
POLICY = "".join(
    (
        f"log {LOG.vkey}\n",
        *(f"witness w{number} {key.vkey}\n" for number, key in enumerate(WITNESSES, start=1)),
        "group partners 2 w1 w2 w3\n",
        "quorum partners\n",
    )
)
