"""The secrets of a log, files that nobody else may read (`gateway.secret_file`).

They are made when the log begins, and the key of an index when its shard does, once its store is there; no other time,
for what vanished is to be put back.

signing.key        its Ed25519 key
signing-sm2.key    its SM2 key
wrapping.key       the key-encryption key of the data keys
index-SHARD.key    the key of the index of one shard

``signing-SHARD.key`` and ``signing-sm2-SHARD.key``, where they exist, sign that shard and later ones do not: so a key
is changed at the turn of a half-year, before the new shard begins.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.data_keys import AesKeyWrapper
from gateway.audit.lookup import INDEX_KEY_SIZE
from gateway.audit.private import DATA_KEY_SIZE
from gateway.audit.shard import is_shard
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.secret_file import read_or_make_secret, read_secret
from keys.own.signer import SoftwareSigner
from keys.sm2 import CURVE_ORDER, Sm2PrivateKey

SIGNING: Final = "signing"
SIGNING_SM2: Final = "signing-sm2"
WRAPPING: Final = "wrapping"
INDEX: Final = "index"
_SUFFIX: Final = ".key"
_ED25519_SIZE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SharedSecrets:
    """What a log signs and wraps its data keys with, in every shard unless a shard has keys of its own."""

    signers: tuple[NoteSigner, ...]  # Ed25519 first
    wrapper: AesKeyWrapper


def read_shared(folder: Path, *, origin: str, shard: str, make: bool) -> SharedSecrets:
    """Read what a shard signs and wraps with; ``make``: where it is missing it is made.

    Raises:
        SecretError: one is missing or unusable, or others may read it.

    """
    read = read_or_make_secret if make else read_secret

    def of_shard(name: str) -> bytes:
        own = folder / f"{name}-{shard}{_SUFFIX}"
        return read(own if own.exists() else folder / f"{name}{_SUFFIX}")

    ed25519 = Ed25519PrivateKey.from_private_bytes(of_shard(SIGNING)[:_ED25519_SIZE])
    return SharedSecrets(
        signers=(
            NoteSigner(origin, SoftwareSigner(ed25519)),
            NoteSigner(origin, SoftwareSigner(_sm2_key(of_shard(SIGNING_SM2)))),
        ),
        wrapper=AesKeyWrapper(read(wrapping_file(folder))[:DATA_KEY_SIZE]),
    )


def read_index_key(folder: Path, shard: str, *, make: bool) -> bytes:
    """Read the key of the index of a shard; raises as `read_shared` does."""
    read = read_or_make_secret if make else read_secret
    return read(index_file(folder, shard))[:INDEX_KEY_SIZE]


def find_index_keys(folder: Path) -> tuple[str, ...]:
    """Return the shards that have a key of their index, and so were begun; raises OSError."""
    names = (path.name for path in folder.glob(f"{INDEX}-*{_SUFFIX}"))
    return tuple(sorted(filter(is_shard, (name[len(INDEX) + 1 : -len(_SUFFIX)] for name in names))))


def wrapping_file(folder: Path) -> Path:
    """Return the file of the wrapping key."""
    return folder / f"{WRAPPING}{_SUFFIX}"


def index_file(folder: Path, shard: str) -> Path:
    """Return the file of the index key of a shard."""
    return folder / f"{INDEX}-{shard}{_SUFFIX}"


def _sm2_key(secret: bytes) -> Sm2PrivateKey:
    """Return the key d = 1 + secret mod (n - 2), as GB/T 32918.1 section 6.1 bounds it; the bias is below 2^-32."""
    return Sm2PrivateKey.from_scalar(1 + int.from_bytes(secret) % (CURVE_ORDER - 2))
