"""A system that a site asks: its mapping, its recipe and our access, judged together before anything is asked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.codes.tables import CodeTables, shipped_tables
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.bounds import MAX_FILE
from adapters.mapping.fault import MappingError, MappingFault
from adapters.transport.recipe import Question, TransportRecipe
from gateway.adapters.access import SystemAccess
from gateway.adapters.functions import load_recipe, make_functions
from gateway.adapters.systems import SYSTEMS_FILE
from gateway.toml_table import Fault, Words, describe_os_error
from keys.payload.errors import MalformedRecipeError

_SUFFIX: Final = ".toml"
_RENEWING: Final = Words("“令牌失效”的代码", "the code of a token that the system no longer knows")
_NEVER_RENEWED: Final = Words(
    "没有；对方重启后，在令牌到期之前一律被拒",
    "none: once the system was started anew, it refuses until the token ends",
)
_LICENCES: Final = (Question.IDENTIFIER, Question.NUMBER, Question.HOLDER)  # what leads from a question to a licence


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSystem:
    """One system; repr shows no secret. ``tables`` say which codes in its records mean the same."""

    adapter: Adapter
    recipe: TransportRecipe
    access: SystemAccess
    tables: CodeTables = field(default_factory=shipped_tables)

    @property
    def name(self) -> str:
        """Its id, in the mapping and in the site."""
        return self.adapter.id

    @property
    def says_status(self) -> bool:
        """Whether its records say how a licence stands."""
        return self.adapter.rules.status is not None


def load_asked(
    folder: Path, name: str, access: SystemAccess, *, tables: CodeTables, faults: list[Fault]
) -> AskedSystem | None:
    """Read the mapping file of a system, ``NAME.toml`` in the folder; None after a fault, which is added to ``faults``.

    Faults are everything that would otherwise be met by the first question: the recipe, its functions, and settings
    and secrets that the site does not give.
    """
    place = f"{folder.name}/{name}{_SUFFIX}"
    before = len(faults)
    try:
        with (folder / f"{name}{_SUFFIX}").open("rb") as file:
            adapter = load_adapter(file.read(MAX_FILE + 1), place, tables=tables)
        recipe = load_recipe(adapter)
        make_functions(recipe)
    except OSError as error:
        expected = Words(f"系统 {name} 的映射文件", f"the mapping file of the system {name}")
        faults.append(Fault(file=place, key="", expected=expected, found=describe_os_error(error)))
        return None
    except MappingError as error:
        faults.extend(map(as_fault, error.faults))
        return None
    except MalformedRecipeError as error:
        expected = Words("函数所需的参数", "the parameters that the function has")
        faults.extend(
            Fault(file=place, key=f"transport.{one.key}", expected=one.expected or expected, found=str(one.flaw))
            for one in error.faults
        )
        return None
    faults.extend(_faults_of(adapter, recipe, access, name=name, place=place))
    if len(faults) != before:
        return None
    return AskedSystem(adapter=adapter, recipe=recipe, access=access, tables=tables)


def _faults_of(
    adapter: Adapter, recipe: TransportRecipe, access: SystemAccess, *, name: str, place: str
) -> Iterator[Fault]:
    if adapter.id != name:
        yield Fault(file=place, key="system.id", expected=name, found=adapter.id)
    if recipe.calls.keys().isdisjoint(_LICENCES):
        expected = Words(
            "至少一种查证照的调用：identifier、number 或 holder", "a call for identifier, number or holder"
        )
        yield Fault(file=place, key="transport.call", expected=expected, found=Words("没有", "none"))
    missing = Words("未填写", "nothing")
    for setting in sorted(set(recipe.settings) - access.settings.keys()):
        expected = Words("映射文件所需的设置", "a setting that the mapping needs")
        yield Fault(file=SYSTEMS_FILE, key=f"{name}.settings.{setting}", expected=expected, found=missing)
    for secret in sorted(set(recipe.secrets) - access.secrets.keys()):
        expected = Words("映射文件所需的机密文件", "the file of a secret that the mapping needs")
        yield Fault(file=SYSTEMS_FILE, key=f"{name}.secrets.{secret}", expected=expected, found=missing)


def caution_of(adapter: Adapter, recipe: TransportRecipe) -> Fault | None:
    """Return what works, and is better known before the system is started anew; None: nothing is."""
    if recipe.sign_in is None or recipe.renew_on:
        return None
    place = adapter.rules.file
    return Fault(file=place, key="transport.outcomes.renew_on", expected=_RENEWING, found=_NEVER_RENEWED)


def cautions_of_asked(asked: Iterable[AskedSystem]) -> Iterator[Fault]:
    """Yield the systems that refuse until the end of a token, once they were started anew."""
    yield from filter(None, (caution_of(one.adapter, one.recipe) for one in asked))


def as_fault(fault: MappingFault) -> Fault:
    """Return a fault of a mapping file, or of a table of codes, as one of a site."""
    file = fault.file if fault.line is None else f"{fault.file}:{fault.line}"
    found = Words(*fault.found)
    if fault.meant:
        found = Words(f"{found.zh}（是否应为 {fault.meant}？）", f"{found.en} (did you mean {fault.meant}?)")
    return Fault(file=file, key=fault.key, expected=Words(*fault.expected), found=found)
