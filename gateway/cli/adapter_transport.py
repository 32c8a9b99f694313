"""The transport recipe of a mapping, judged whole: its own tables, and the parameters of the functions it names."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.fault import MappingError, MappingFault, Words
from adapters.transport.recipe import FunctionUse, TransportRecipe
from gateway.adapters.functions import load_recipe
from keys.payload.errors import MalformedRecipeError, RecipeFault, RecipeFlaw
from keys.payload.registry import parse_encryption, parse_request_signature, parse_secret_wrapping

_FLAWS: Final = {
    RecipeFlaw.UNKNOWN_FUNCTION: Words("未知的函数", "an unknown function"),
    RecipeFlaw.UNKNOWN_PARAMETER: Words("未知的参数", "an unknown parameter"),
    RecipeFlaw.MISSING: Words("未填写", "nothing"),
    RecipeFlaw.VALUE: Words("其他值", "another value"),
    RecipeFlaw.CONTRADICTION: Words("相互矛盾的参数", "parameters that contradict each other"),
}


def check_transport(adapter: Adapter) -> None:
    """Judge the recipe of a mapping, where it has one.

    Raises:
        MappingError: with every fault of the recipe, or else every fault of the parameters.

    """
    if not adapter.transport:
        return
    recipe = load_recipe(adapter)
    faults = [
        _fault(adapter.rules.file, place, fault)
        for place, use, parse in _uses(recipe)
        for fault in _faults_of(use.table, parse)
    ]
    if faults:
        raise MappingError(faults)


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
