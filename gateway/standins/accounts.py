"""Accounts and keys for a recipe, made up: they stand in this file, and are good for nothing but a stand-in."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from adapters.transport.recipe import FunctionUse, TransportRecipe, Way
from gateway.adapters.access import SystemAccess
from keys.payload.encryption import KeySpelling
from keys.payload.registry import ENCRYPTIONS, SECRET_WRAPPINGS
from keys.payload.secret import Secret
from keys.sm2 import Sm2PrivateKey

PASSWORD: Final = "stand-in"  # noqa: S105 -- of nothing that needs one
_BLOCK_KEY: Final = b"stand-in-key-128"  # 16 bytes, which SM4 and AES both take
_OTHER_BLOCK_KEY: Final = b"another-key--128"
_SCALAR: Final = int("0123456789abcdef" * 4, 16)
_SCALAR_BYTES: Final = 32
_SPELLING: Final = "key_spelling"
_SM2: Final = "sm2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What a caller knows, but for the address; and the system's keys, which differ where they come in pairs."""

    access: SystemAccess
    keys: dict[str, Secret]


def make_accounts(recipe: TransportRecipe) -> Accounts:
    """Make up an account for a recipe, with keys of the kinds that its functions take."""
    passwords = dict.fromkeys(recipe.secrets, Secret(PASSWORD.encode()))
    pairs = {use.key: _make_pair(use, way, _BLOCK_KEY, _SCALAR) for use, way in _uses(recipe)}
    pairs = {name: pair for name, pair in pairs.items() if name in passwords}  # the token is none of the site's
    secrets = passwords | {name: pair[0] for name, pair in pairs.items()}
    return Accounts(
        access=SystemAccess(base="", settings=dict.fromkeys(recipe.settings, PASSWORD), secrets=secrets),
        keys=passwords | {name: pair[1] for name, pair in pairs.items()},
    )


def make_other_keys(recipe: TransportRecipe) -> dict[str, Secret]:
    """Return keys of the system that are not those of `make_accounts`, the token among them."""
    return {use.key: _make_pair(use, way, _OTHER_BLOCK_KEY, _SCALAR + 1)[1] for use, way in _uses(recipe)}


def _uses(recipe: TransportRecipe) -> Iterator[tuple[FunctionUse, Way]]:
    """Yield the functions with the way in which the caller needs its own private key, if there is one: IN."""
    if recipe.signature is not None:
        yield recipe.signature, Way.IN
    if recipe.sign_in is not None and recipe.sign_in.wrapping is not None:
        yield recipe.sign_in.wrapping, Way.IN
    for one in recipe.encryption:
        yield one.function, one.way


def _make_pair(use: FunctionUse, way: Way, block_key: bytes, scalar: int) -> tuple[Secret, Secret]:
    """Return the caller's key and the system's."""
    spelling = KeySpelling(str(use.parameters.get(_SPELLING, KeySpelling.TEXT)))
    if use.name.startswith(_SM2):
        private, public = _make_sm2(spelling, scalar)
        return (private, public) if way is Way.IN else (public, private)
    is_cipher = use.name in ENCRYPTIONS or use.name in SECRET_WRAPPINGS
    key = Secret(_spell(block_key if is_cipher else PASSWORD.encode(), spelling))
    return key, key


def _make_sm2(spelling: KeySpelling, scalar: int) -> tuple[Secret, Secret]:
    key = Sm2PrivateKey.from_scalar(scalar)
    if spelling is KeySpelling.BASE64:
        private, public = key.encode_pkcs8(), key.public_key.spki
    else:
        private, public = scalar.to_bytes(_SCALAR_BYTES), key.public_key.point
    return Secret(_spell(private, spelling)), Secret(_spell(public, spelling))


def _spell(key: bytes, spelling: KeySpelling) -> bytes:
    match spelling:
        case KeySpelling.HEX:
            return key.hex().encode()
        case KeySpelling.BASE64:
            return base64.b64encode(key)
        case KeySpelling.TEXT:
            return key
