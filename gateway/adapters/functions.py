"""The named functions of a recipe, made once with their parameters; a key is bound to one when it is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.path import MessagePath
from adapters.transport.reader import TOKEN, PayloadFunctions, parse_transport
from adapters.transport.recipe import TransportRecipe, Way
from keys.payload.encryption import Encryption
from keys.payload.errors import MalformedRecipeError, RecipeFault, RecipeFlaw
from keys.payload.registry import (
    ENCRYPTIONS,
    REQUEST_SIGNATURES,
    SECRET_WRAPPINGS,
    parse_encryption,
    parse_request_signature,
    parse_secret_wrapping,
)
from keys.payload.request_signature import RequestSignature
from keys.payload.secret import Secret
from keys.payload.secret_wrapping import SecretWrapping
from keys.payload.symmetric import IvPlace, SymmetricEncryption

PAYLOAD_FUNCTIONS: Final = PayloadFunctions(
    encryptions=frozenset(ENCRYPTIONS),
    signatures=frozenset(REQUEST_SIGNATURES),
    wrappings=frozenset(SECRET_WRAPPINGS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    """The name of a key: a secret of the site, or what the sign-in gave."""

    name: str

    @property
    def is_token(self) -> bool:
        """Whether the sign-in gives it."""
        return self.name == TOKEN

    def find(self, secrets: Mapping[str, Secret], token: Secret | None) -> Secret:
        """Return the key; raises KeyError where the sign-in has not given it yet."""
        if self.is_token and token is not None:
            return token
        return secrets[self.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A text that travels encrypted; without ``path`` the whole message."""

    path: MessagePath | None
    encryption: Encryption
    key: KeyName


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """All functions of one recipe."""

    signature: tuple[RequestSignature, KeyName] | None
    wrapping: tuple[SecretWrapping, KeyName] | None
    received: tuple[Part, ...]
    sent: tuple[Part, ...]


def load_recipe(adapter: Adapter) -> TransportRecipe:
    """Read the recipe of a mapping file with the functions that there are.

    Raises:
        MappingError: with every fault of the table.

    """
    return parse_transport(adapter.transport, functions=PAYLOAD_FUNCTIONS, file=adapter.rules.file)


def make_functions(recipe: TransportRecipe) -> Functions:
    """Make the functions that a recipe names.

    Raises:
        MalformedRecipeError: parameters that the functions do not have, fields of a signature that are not among the
            recipe's values, or an IV beside its text, for which a recipe has no place.

    """
    parts: dict[Way, list[Part]] = {Way.IN: [], Way.OUT: []}
    for one in recipe.encryption:
        encryption = parse_encryption(one.function.table)
        if isinstance(encryption, SymmetricEncryption) and encryption.iv_place is IvPlace.BESIDE:
            raise MalformedRecipeError([RecipeFault(key="iv_place", flaw=RecipeFlaw.VALUE, expected="front | fixed")])
        parts[one.way].append(Part(path=one.path, encryption=encryption, key=KeyName(name=one.function.key)))
    return Functions(
        signature=_make_signature(recipe),
        wrapping=_make_wrapping(recipe),
        received=tuple(parts[Way.IN]),
        sent=tuple(parts[Way.OUT]),
    )


def _make_signature(recipe: TransportRecipe) -> tuple[RequestSignature, KeyName] | None:
    if recipe.signature is None:
        return None
    signature = parse_request_signature(recipe.signature.table)
    missing = sorted(signature.template.fields - recipe.values.keys())
    if missing:
        raise MalformedRecipeError(RecipeFault(key=f"values.{name}", flaw=RecipeFlaw.MISSING) for name in missing)
    return signature, KeyName(name=recipe.signature.key)


def _make_wrapping(recipe: TransportRecipe) -> tuple[SecretWrapping, KeyName] | None:
    wrapping = None if recipe.sign_in is None else recipe.sign_in.wrapping
    return None if wrapping is None else (parse_secret_wrapping(wrapping.table), KeyName(name=wrapping.key))
