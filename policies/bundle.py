"""A policy bundle: everything that decides about fields, as one immutable value with a digest."""

import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from policies.catalogue import CallerKind, LicenceType, Slug
from policies.item import Day, Item
from policies.rule import Budget, PolicyTest, Rule, Together

SCHEMA: Final = "tongban-policy/1"
DIGEST_PREFIX: Final = "sha256:"

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


class Bundle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole policy. In force from the day ``valid_from`` to before the day ``valid_to``, China Standard Time.

    ``forms`` is the version of the forms with their tables (`policies.forms.registry`), so that the digest covers what
    a mask does. ``residual`` is how many candidates for a holder's number an answer has to leave.
    The order of rules, items and so on has no meaning, and is by id.
    """

    schema: str
    name: Slug
    version: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,31}$")]
    valid_from: Day
    valid_to: Day
    forms: str
    callers: tuple[CallerKind, ...]
    licences: tuple[LicenceType, ...]
    items: tuple[Item, ...]
    rules: tuple[Rule, ...]
    together: tuple[Together, ...] = ()
    budgets: tuple[Budget, ...] = ()
    tests: tuple[PolicyTest, ...] = ()
    residual: Annotated[int, Meta(ge=1)] = 10_000


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the one spelling of a bundle: JSON with sorted keys and no white space (RFC 8785 for what it holds)."""
    return _ENCODER.encode(bundle)


def digest_bundle(bundle: Bundle) -> str:
    """Return the bundle's version: `sha256:` and the hash of its one spelling."""
    return DIGEST_PREFIX + hashlib.sha256(encode_bundle(bundle)).hexdigest()
