"""The parameters of a named function: which there are, what each may be, and all that is wrong with a table of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from keys.errors import KeysError
from keys.payload.errors import MalformedRecipeError, RecipeFault, RecipeFlaw

NAME: Final = "name"  # the key of a recipe that names the function
_SHOWN: Final = 60  # characters of a key that a fault repeats

F_co = TypeVar("F_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; ``read`` turns what a recipe says into a value, or raises ValueError or KeysError.

    ``expected`` says what may stand there, free of any language: words with ``|`` between them, or a form.
    """

    name: str
    read: Callable[[object], object]
    expected: str
    is_required: bool = False  # where it is not, leaving it out means the function's own default


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFunction(Generic[F_co]):
    """What a recipe can name: ``make`` takes the values of the parameters by their names."""

    parameters: tuple[Parameter, ...]
    make: Callable[..., F_co]


def parse_function(recipe: Mapping[str, object], functions: Mapping[str, NamedFunction[F_co]]) -> F_co:
    """Make the function that a recipe names, with its parameters.

    Raises:
        MalformedRecipeError: with all that is wrong.

    """
    name = recipe.get(NAME)
    function = functions.get(name) if isinstance(name, str) else None
    if function is None:
        flaw = RecipeFlaw.UNKNOWN_FUNCTION if NAME in recipe else RecipeFlaw.MISSING
        raise MalformedRecipeError([RecipeFault(key=NAME, flaw=flaw, expected=" | ".join(functions))])
    known = {parameter.name: parameter for parameter in function.parameters}
    faults = [
        RecipeFault(key=key[:_SHOWN], flaw=RecipeFlaw.UNKNOWN_PARAMETER, expected=" | ".join(known))
        for key in recipe
        if key != NAME and key not in known
    ]
    values: dict[str, object] = {}
    for parameter in function.parameters:
        if parameter.name in recipe:
            try:
                values[parameter.name] = parameter.read(recipe[parameter.name])
            except (ValueError, KeysError):
                faults.append(RecipeFault(key=parameter.name, flaw=RecipeFlaw.VALUE, expected=parameter.expected))
        elif parameter.is_required:
            faults.append(RecipeFault(key=parameter.name, flaw=RecipeFlaw.MISSING, expected=parameter.expected))
    if faults:
        raise MalformedRecipeError(faults)
    try:
        return function.make(**values)
    except ValueError as error:
        fault = RecipeFault(key=NAME, flaw=RecipeFlaw.CONTRADICTION, expected=str(error))
        raise MalformedRecipeError([fault]) from error


def choice(
    name: str, words: type[StrEnum], *, but: frozenset[StrEnum] = frozenset(), required: bool = False
) -> Parameter:
    """Return a parameter that is one of a few words."""
    allowed = {word.value: word for word in words if word not in but}

    def read(value: object) -> StrEnum:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError("one of the words was expected")
        return allowed[value]

    return Parameter(name=name, read=read, expected=" | ".join(allowed), is_required=required)


def text(name: str, read: Callable[[str], object], expected: str, *, longest: int, required: bool = False) -> Parameter:
    """Return a parameter that is text of 1 to ``longest`` characters and can be read further."""

    def read_text(value: object) -> object:
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            raise ValueError("text was expected")
        return read(value)

    return Parameter(name=name, read=read_text, expected=expected, is_required=required)


def seconds(name: str, longest: int) -> Parameter:
    """Return a parameter that is a whole number of seconds."""

    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= longest:
            raise ValueError("a number of seconds was expected")
        return value

    return Parameter(name=name, read=read, expected=f"1 .. {longest}")
