"""What a façade is made of: its settings, the caller, the mapping, and the functions of the recipe with our keys.

The recipe is used the other way round: what its caller signs is verified here, what its caller decrypts is encrypted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from adapters.mapping.adapter import Adapter
from adapters.mapping.error import AdapterError
from adapters.transport.asked import is_readable, missing_fields
from adapters.transport.recipe import Call, Request, SignIn, Step, TransportRecipe
from adapters.transport.template import Kind, Template
from gateway.adapters.functions import Functions, KeyName, make_functions
from gateway.adapters.incoming import Decryptors, RequestPattern
from gateway.adapters.replying import Encryptors, write_texts
from gateway.callers import Caller
from gateway.facade.account import FacadeAccount
from gateway.facade.settings import FacadeSettings
from keys.payload.errors import MalformedRecipeError, PayloadError
from keys.payload.request_signature import RequestSignature
from keys.payload.secret import Secret
from keys.payload.secret_wrapping import SecretWrapping

_Made = TypeVar("_Made")


class PlanFault(StrEnum):
    """Why there can be no façade of a system."""

    SETTING = "setting"  # the account does not have a setting of the recipe
    KEY = "key"  # the account does not have a key of the recipe, or not one that the function takes
    UNREADABLE = "unreadable"  # two places of a template side by side, or a body that is no XML
    UNANSWERABLE = "unanswerable"  # a path of the recipe at which nothing can be written
    UNGUARDED = "unguarded"  # a request in which nothing proves who asks
    FUNCTIONS = "functions"  # parameters that the recipe's functions do not have


class PlanError(Exception):
    """There can be no façade; ``where`` names a part of the recipe."""

    def __init__(self, fault: PlanFault, where: str) -> None:
        super().__init__(f"{fault}: {where}")
        self.fault = fault
        self.where = where


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """How requests of this system are signed, and with which key; None: with the token of the sign-in."""

    function: RequestSignature
    key: Secret | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacadePlan:
    """One façade as the site has it; repr shows no key."""

    settings: FacadeSettings
    caller: Caller
    account: FacadeAccount
    adapter: Adapter = field(repr=False)
    recipe: TransportRecipe = field(repr=False)
    patterns: Sequence[tuple[RequestPattern, SignIn | Step | Call]] = field(repr=False)
    signed: Signed | None = field(repr=False)
    wrapping: tuple[SecretWrapping, Secret] | None = field(repr=False)
    decryptors: Decryptors = field(repr=False)
    encryptors: Encryptors = field(repr=False)


def make_plan(
    settings: FacadeSettings, caller: Caller, account: FacadeAccount, adapter: Adapter, recipe: TransportRecipe
) -> FacadePlan:
    """Return what a façade works with.

    Raises:
        PlanError: the recipe cannot be served so, or the account does not have what it names.

    """
    for name in recipe.settings:
        if name not in account.settings:
            raise PlanError(PlanFault.SETTING, name)
    for name in recipe.secrets:
        if name not in account.keys:
            raise PlanError(PlanFault.KEY, name)
    try:
        functions = make_functions(recipe)
    except MalformedRecipeError as error:
        raise PlanError(PlanFault.FUNCTIONS, str(error)) from error
    requests = _requests(recipe)
    for request, what in requests:
        _check_request(recipe, account, functions, request, what)
    _check_answers(recipe)
    return FacadePlan(
        settings=settings,
        caller=caller,
        account=account,
        adapter=adapter,
        recipe=recipe,
        patterns=tuple((_pattern(recipe, request, what), what) for request, what in requests),
        signed=_signed(functions, account),
        wrapping=_wrapping(functions, account),
        decryptors=[(part.path, _made(part.encryption.make_decryptor, part.key, account)) for part in functions.sent],
        encryptors=[
            (part.path, _made(part.encryption.make_encryptor, part.key, account)) for part in functions.received
        ],
    )


def _requests(recipe: TransportRecipe) -> list[tuple[Request, SignIn | Step | Call]]:
    sign_in = [] if recipe.sign_in is None else [recipe.sign_in]
    exchanges: list[SignIn | Step | Call] = [*sign_in, *recipe.steps, *recipe.calls.values()]
    return [(what.request, what) for what in exchanges]


def _pattern(recipe: TransportRecipe, request: Request, what: SignIn | Step | Call) -> RequestPattern:
    try:
        return RequestPattern(recipe, request, is_sign_in=isinstance(what, SignIn))
    except AdapterError as error:
        raise PlanError(PlanFault.UNREADABLE, name_request(what)) from error


def name_request(what: SignIn | Step | Call) -> str:
    """Return what a request of a recipe is called in a fault or a metric."""
    match what:
        case SignIn():
            return "sign_in"
        case Step():
            return f"step.{what.name}"
        case Call():
            return f"call.{what.question}"


def _check_request(
    recipe: TransportRecipe,
    account: FacadeAccount,
    functions: Functions,
    request: Request,
    what: SignIn | Step | Call,
) -> None:
    """Refuse a request that cannot be read back, and one that anybody could send."""
    is_sign_in = isinstance(what, SignIn)
    headers = request.headers if is_sign_in else {**recipe.headers, **request.headers}
    templates = [
        Template(parts=request.url.parts[1:]),
        *request.query.values(),
        *headers.values(),
        *_templates(None if request.body is None else request.body.content),
        *([] if request.message is None else [request.message]),
    ]
    templates += [recipe.values[place.name] for one in templates for place in one.places if place.kind is Kind.VALUE]
    if not all(map(is_readable, templates)):
        raise PlanError(PlanFault.UNREADABLE, name_request(what))
    places = {str(place) for one in templates for place in one.places}
    proofs = {f"{Kind.SECRET}.{name}" for name in account.secrets} | {"token"}
    is_signed = "signature" in places and functions.signature is not None
    is_wrapped = is_sign_in and functions.wrapping is not None  # only who has the key can use what is given
    if functions.signature is not None and is_signed:
        missing = missing_fields(functions.signature[0].template.fields, places, recipe.values)
        if missing:
            raise PlanError(PlanFault.UNREADABLE, f"{name_request(what)}: {missing[0]}")
    if not (places & proofs or is_signed or is_wrapped):
        raise PlanError(PlanFault.UNGUARDED, name_request(what))
    for name in sorted(_named(places, Kind.SECRET)):
        if name not in account.secrets:
            raise PlanError(PlanFault.KEY, name)


def _named(places: set[str], kind: Kind) -> set[str]:
    prefix = f"{kind}."
    return {place.removeprefix(prefix) for place in places if place.startswith(prefix)}


def _templates(tree: object) -> list[Template]:
    match tree:
        case Template():
            return [tree]
        case Mapping():
            return [found for one in tree.values() for found in _templates(one)]
        case tuple():
            return [found for one in tree for found in _templates(one)]
        case _:
            return []


def _check_answers(recipe: TransportRecipe) -> None:
    """Refuse paths at which no answer can be written."""
    try:
        if recipe.sign_in is not None:
            success = [] if recipe.sign_in.success is None else [recipe.sign_in.success.path]
            ends_at = [] if recipe.sign_in.ends_at is None else [recipe.sign_in.ends_at]
            write_texts(dict.fromkeys([recipe.sign_in.token, *success, *ends_at], "1"))
        for step in recipe.steps:
            success = [] if step.success is None else [step.success.path]
            write_texts(dict.fromkeys([*step.gives.values(), *success], "1"))
        for call in recipe.calls.values():
            if call.request.answer is not None:
                write_texts({call.request.answer: "1"})
    except AdapterError as error:
        raise PlanError(PlanFault.UNANSWERABLE, error.where) from error


def _made(make: Callable[[Secret], _Made], key: KeyName, account: FacadeAccount) -> _Made:
    """Return a function with its key; a token, which changes, is the key of nothing but signatures."""
    if key.is_token:
        raise PlanError(PlanFault.KEY, key.name)
    try:
        return make(account.keys[key.name])
    except PayloadError as error:
        raise PlanError(PlanFault.KEY, key.name) from error


def _signed(functions: Functions, account: FacadeAccount) -> Signed | None:
    if functions.signature is None:
        return None
    function, key = functions.signature
    if key.is_token:
        return Signed(function=function, key=None)
    found = account.keys[key.name]
    _made(function.make_verifier, key, account)
    return Signed(function=function, key=found)


def _wrapping(functions: Functions, account: FacadeAccount) -> tuple[SecretWrapping, Secret] | None:
    if functions.wrapping is None:
        return None
    wrapping, key = functions.wrapping
    _made(wrapping.cipher.make_encryptor, key, account)
    return wrapping, account.keys[key.name]
