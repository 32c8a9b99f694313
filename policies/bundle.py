"""A policy bundle: everything that decides about fields, as one immutable value with a digest."""

import hashlib
from collections.abc import Mapping, Sequence
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from policies.catalogue import CallerKind, LicenceType, Residual, Slug
from policies.fault import PolicyFault, Report
from policies.given import select
from policies.item import Day, Item
from policies.reading import Origin
from policies.rule import Budget, Given, PolicyTest, Rule, Together
from policies.toml import PolicyFile
from policies.validation.draft import Draft, Entry, Head, Schema, Version, label_of
from policies.validation.validate import check_count, validate

SCHEMA: Final = "tongban-policy/1"
MAX_BUNDLE_BYTES: Final = 16 * 1024 * 1024  # twice the largest policy that is read from files
DIGEST_PREFIX: Final = "sha256:"

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_Value = TypeVar("_Value", bound=Struct)


class Bundle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole policy. In force from the day ``valid_from`` to before the day ``valid_to``, China Standard Time.

    ``forms`` is the version of the forms with their tables (`policies.forms.registry`), so that the digest covers what
    a mask does. ``residual`` is how many candidates for a holder's number an answer has to leave.
    The order of rules, items and so on has no meaning, and is by id.
    """

    schema: Schema
    name: Slug
    version: Version
    valid_from: Day
    valid_to: Day
    forms: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,63}\Z")]
    callers: tuple[CallerKind, ...]
    licences: tuple[LicenceType, ...]
    items: tuple[Item, ...]
    rules: tuple[Rule, ...]
    together: tuple[Together, ...] = ()
    budgets: tuple[Budget, ...] = ()
    tests: tuple[PolicyTest, ...] = ()
    residual: Residual = 10_000


class BundleFlaw(StrEnum):
    """What is wrong with the bytes of a bundle."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"  # no JSON, or not of this shape
    NOT_CANONICAL = "not-canonical"  # another spelling of what it says: its digest would be another
    INVALID = "invalid"  # what it says is wrong, as it would be in the files of a policy


class MalformedBundleError(Exception):
    """Bytes that are no bundle; ``faults`` are those of a bundle that says something wrong."""

    def __init__(self, flaw: BundleFlaw, detail: str, faults: tuple[PolicyFault, ...] = ()) -> None:
        """Keep what is wrong."""
        self.flaw = flaw
        self.faults = faults
        super().__init__(f"{flaw}: {detail}")


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle in its one spelling, and judge what it says as the files of a policy are judged.

    A bundle that was made with other forms (``forms``) is read, so that it can be compared; only one with the forms of
    this program can be applied.

    Raises:
        MalformedBundleError: it is too large, no bundle, spelled in another way, or wrong in what it says.

    """
    if len(data) > MAX_BUNDLE_BYTES:
        detail = f"at most {MAX_BUNDLE_BYTES} bytes were expected, got {len(data)}"
        raise MalformedBundleError(BundleFlaw.TOO_LARGE, detail)
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBundleError(BundleFlaw.MALFORMED, str(error)) from error
    bundle = canonical(bundle)
    if encode_bundle(bundle) != data:
        raise MalformedBundleError(BundleFlaw.NOT_CANONICAL, "the one spelling of what it says was expected")
    report = Report()
    validate_bundle(bundle, report)
    if report:
        invalid = report.error()
        raise MalformedBundleError(BundleFlaw.INVALID, str(invalid), invalid.faults)
    return bundle


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the one spelling of a bundle: JSON with sorted keys and no white space (RFC 8785 for what it holds)."""
    return _ENCODER.encode(bundle)


def digest_bundle(bundle: Bundle) -> str:
    """Return the bundle's version: `sha256:` and the hash of its one spelling."""
    return DIGEST_PREFIX + hashlib.sha256(encode_bundle(bundle)).hexdigest()


def canonical(value: _Value) -> _Value:
    """Return the same value as it is encoded, so that one meaning has one digest.

    1. Lists, which all are sets, in order; one alone where it may stand alone. 2. A condition that accepts all values
    is none. 3. What equals its default becomes the default itself, because msgspec leaves out what *is* the default.
    4. A test that names the consent that its items ask for anyhow does not say so.
    """
    changed: dict[str, object] = {}
    for name, default in _defaults(type(value)):
        before = getattr(value, name)
        if before is default:
            continue
        after = _ordered(before)
        if default is None and name != "consent" and _is_everything(after):  # of consent, silence means something else
            after = None
        if name == "tests":
            after = _without_usual_consent(value, after)
        if after == default:
            changed[name] = default
            continue
        if name in _GRANTS and isinstance(after, dict):
            after = {key: _single(one) for key, one in after.items()}
        elif isinstance(value, Given):
            after = _single(after)
        if after is not before:
            changed[name] = after
    return replace(value, **changed) if changed else value


_GRANTS: Final = frozenset({"grant", "expect"})


def _is_everything(value: object) -> bool:
    """Say whether a list names all members of an enumeration."""
    return isinstance(value, tuple) and isinstance(value[0], Enum) and set(value) == set(type(value[0]))


def _without_usual_consent(bundle: Struct, tests: object) -> object:
    if not isinstance(bundle, Bundle) or not isinstance(tests, tuple):
        return tests
    asked: dict[str, str] = {item.id: item.consent for item in bundle.items}
    return tuple(replace(one, given=_as_asked(one.given, asked)) for one in tests)


def _as_asked(given: Given, asked: Mapping[str, str]) -> Given:
    is_usual = given.consent is not None and {asked[item] for item in select(given.item, asked)} == {given.consent}
    return replace(given, consent=None) if is_usual else given


def _single(value: object) -> object:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


@lru_cache
def _defaults(shape: type[Struct]) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in msgspec.structs.fields(shape))


def _ordered(value: object) -> object:
    match value:
        case Struct():
            return canonical(value)
        case dict():
            return {key: _ordered(one) for key, one in value.items()}
        case tuple():
            return tuple(sorted((_ordered(one) for one in value), key=_place_in_list))
        case _:
            return value


@lru_cache(maxsize=1024)
def _members(shape: type[Enum]) -> dict[Enum, int]:
    return {member: place for place, member in enumerate(shape)}


def _place_in_list(one: object) -> tuple[int, str]:
    """Order members of an enum as they are defined, text by its characters, tables by their ids."""
    match one:
        case Enum():
            return (_members(type(one))[one], "")
        case str():
            return (0, one)
        case PolicyTest():
            return (0, one.name)
        case Together():
            return (0, "\n".join((*one.fields, "", *one.forms, "", one.why)))
        case CallerKind() | LicenceType() | Item() | Rule() | Budget():
            return (0, one.id)
        case _:
            raise TypeError(f"a list of a policy was expected to hold texts or tables, got {type(one).__name__}")


def validate_bundle(bundle: Bundle, report: Report) -> None:
    """Note all that is wrong with what a bundle says."""
    file = PolicyFile(file=f"{bundle.name} {bundle.version}", tables={})

    def entries(table: str, values: Sequence[_Value]) -> list[Entry[_Value]]:
        return [
            Entry(value, Origin(file=file, path=(), label=label_of(table, value, place)))
            for place, value in enumerate(values)
        ]

    counts = {
        "caller_kind": bundle.callers,
        "licence": bundle.licences,
        "item": bundle.items,
        "rule": bundle.rules,
        "together": bundle.together,
        "budget": bundle.budgets,
        "test": bundle.tests,
    }
    are_bounded = [check_count(table, len(values), report) for table, values in counts.items()]
    if not all(are_bounded):
        return
    head = Head(
        schema=bundle.schema,
        name=bundle.name,
        version=bundle.version,
        valid_from=bundle.valid_from,
        valid_to=bundle.valid_to,
    )
    validate(
        Draft(
            head=Entry(head, Origin(file=file, path=(), label="bundle")),
            callers=entries("caller_kind", bundle.callers),
            licences=entries("licence", bundle.licences),
            items=entries("item", bundle.items),
            rules=entries("rule", bundle.rules),
            together=entries("together", bundle.together),
            budgets=entries("budget", bundle.budgets),
            tests=entries("test", bundle.tests),
        ),
        report,
    )
