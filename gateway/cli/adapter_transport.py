"""The transport recipe of a mapping, judged whole: its own tables, and the parameters of the functions it names."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.fault import MappingError, MappingFault, Words
from adapters.mapping.toml import parse_toml
from adapters.transport.asked import missing_fields
from adapters.transport.reader import parse_transport
from adapters.transport.recipe import FunctionUse, TransportRecipe
from gateway.adapters.asked import caution_of
from gateway.adapters.functions import PAYLOAD_FUNCTIONS, load_recipe
from gateway.adapters.request import names_of
from gateway.toml_table import Fault
from keys.payload.errors import MalformedRecipeError, RecipeFault, RecipeFlaw
from keys.payload.registry import parse_encryption, parse_request_signature, parse_secret_wrapping

_SIGNATURE: Final = "signature"  # the place of a template
_FLAWS: Final = {
    RecipeFlaw.UNKNOWN_FUNCTION: Words("未知的函数", "an unknown function"),
    RecipeFlaw.UNKNOWN_PARAMETER: Words("未知的参数", "an unknown parameter"),
    RecipeFlaw.MISSING: Words("未填写", "nothing"),
    RecipeFlaw.VALUE: Words("其他值", "another value"),
    RecipeFlaw.CONTRADICTION: Words("相互矛盾的参数", "parameters that contradict each other"),
}


def check_transport(adapter: Adapter) -> Fault | None:
    """Judge the recipe of a mapping, where it has one; returns what is no fault and better known.

    Raises:
        MappingError: with every fault of the recipe, or else every fault of the parameters.

    """
    if not adapter.transport:
        return None
    recipe = load_recipe(adapter)
    faults = [
        _fault(adapter.rules.file, place, fault)
        for place, use, parse in _uses(recipe)
        for fault in _faults_of(use.table, parse)
    ]
    if not faults:
        faults += _of_fields(adapter.rules.file, recipe)
    if faults:
        raise MappingError(faults)
    return caution_of(adapter, recipe)


def locate_faults(faults: Iterable[MappingFault], data: bytes, file: str) -> tuple[MappingFault, ...]:
    """Return faults with the lines that their keys have in a file, as far as these are certain."""
    try:
        lines = parse_toml(data, file).faults
    except MappingError:  # it is no TOML, which was said
        return tuple(faults)
    return tuple(map(lines.locate, faults))


def find_recipe_faults(data: bytes, file: str) -> tuple[MappingFault, ...]:
    """Return the faults of the recipe of a file whose mapping has faults too, so that all are told at once."""
    try:
        table = parse_toml(data, file).tables.get("transport")
    except MappingError:  # it is no TOML, which was said
        return ()
    if not isinstance(table, dict):
        return ()
    try:
        parse_transport(table, functions=PAYLOAD_FUNCTIONS, file=file)
    except MappingError as error:
        return error.faults
    return ()


def _of_fields(file: str, recipe: TransportRecipe) -> Iterator[MappingFault]:
    """Yield the fields of the signature that nobody who is asked could know: its requests cannot be verified."""
    if recipe.signature is None:
        return
    names = parse_request_signature(recipe.signature.table).template.fields
    requests = [] if recipe.sign_in is None else [(recipe.sign_in.request, True)]
    requests += [(one.request, False) for one in recipe.steps]
    requests += [(one.request, False) for one in recipe.calls.values()]
    used = [names_of(recipe, request, is_sign_in=is_sign_in) for request, is_sign_in in requests]
    key = "transport.signature.template" if "template" in recipe.signature.table else "transport.values"
    missing = {name for one in used if _SIGNATURE in one for name in missing_fields(names, one, recipe.values)}
    for name in sorted(missing):
        expected = Words(
            "请求中载有、或可由其推得的签名字段", "fields that the request carries, or that follow from it"
        )
        yield MappingFault(file=file, line=None, key=key, expected=expected, found=Words(name, name))


def _uses(recipe: TransportRecipe) -> Iterator[tuple[str, FunctionUse, Callable[[Mapping[str, object]], object]]]:
    for number, part in enumerate(recipe.encryption, start=1):
        yield f"transport.encryption[{number}]", part.function, parse_encryption
    if recipe.signature is not None:
        yield "transport.signature", recipe.signature, parse_request_signature
    if recipe.sign_in is not None and recipe.sign_in.wrapping is not None:
        yield "transport.sign_in.wrapping", recipe.sign_in.wrapping, parse_secret_wrapping


def _faults_of(table: Mapping[str, object], parse: Callable[[Mapping[str, object]], object]) -> tuple[RecipeFault, ...]:
    try:
        parse(table)
    except MalformedRecipeError as error:
        return error.faults
    return ()


def _fault(file: str, place: str, fault: RecipeFault) -> MappingFault:
    expected = fault.expected or "—"
    return MappingFault(
        file=file,
        line=None,
        key=f"{place}.{fault.key}",
        expected=Words(f" {expected} ", expected),
        found=_FLAWS[fault.flaw],
    )
