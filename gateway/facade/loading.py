"""The façades of a site, put together from its settings, its callers and its mapping files; faults with the rest."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from adapters.codes.tables import CodeTables
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.bounds import MAX_FILE
from adapters.mapping.fault import MappingError
from adapters.transport.recipe import TransportRecipe
from gateway.adapters.functions import load_recipe
from gateway.callers import CallerRegistry
from gateway.facade.plan import FacadePlan, PlanError, PlanFault, make_plan
from gateway.facade.settings import FacadeSettings
from gateway.toml_table import Fault, Words, describe_os_error

ADAPTERS_FOLDER: Final = "adapters"

_EXPECTED: Final = {
    PlanFault.SETTING: Words("调用方 [facade.settings] 中的账号", "a setting in [facade.settings] of the caller"),
    PlanFault.KEY: Words(
        "调用方 [facade.secrets] 或 [facade.public_keys] 中可用的密钥",
        "a key that can be used in [facade.secrets] or [facade.public_keys] of the caller",
    ),
    PlanFault.UNREADABLE: Words("可由应答方读回的请求模板", "a request whose templates can be read back"),
    PlanFault.UNANSWERABLE: Words("应答方可写入的路径", "a path at which an answer can be written"),
    PlanFault.UNGUARDED: Words(
        "含有机密、令牌或签名的请求，否则无从确认提问方",
        "a request with a secret, a token or a signature, for nothing else proves who asks",
    ),
    PlanFault.FUNCTIONS: Words("具名函数的参数", "parameters of the named functions"),
}

_CLOSED_NETWORK: Final = Words("仅经双向 TLS 可达的仿真接口", "a façade that is reached by mutual TLS alone")
_SIGNS_MOMENT: Final = Words(
    "签名不含随机数、不涵盖查询内容的系统", "a system whose signature has no nonce and does not cover the question"
)


def load_facades(
    settings: Sequence[FacadeSettings],
    folder: Path,
    callers: CallerRegistry,
    *,
    tables: CodeTables,
    file: str,
    faults: list[Fault],
) -> tuple[FacadePlan, ...]:
    """Return the façades; what is wrong is added to ``faults`` under ``file``, the one that the settings are from."""
    plans = []
    for number, one in enumerate(settings, 1):
        place = f"facade[{number}]"
        caller = callers.find_facade(one.caller)
        if caller is None or caller.account is None:
            expected = Words("callers/ 中含 [facade] 的调用方", "a caller in callers/ that has a table [facade]")
            faults.append(Fault(file=file, key=f"{place}.caller", expected=expected, found=one.caller))
            continue
        loaded = _load(folder / ADAPTERS_FOLDER / f"{one.system}.toml", tables, f"{place}.system", file, faults)
        if loaded is None:
            continue
        try:
            plans.append(make_plan(one, caller, caller.account, *loaded))
        except PlanError as error:
            faults.append(Fault(file=file, key=place, expected=_EXPECTED[error.fault], found=error.where))
    return tuple(plans)


def cautions_of_facades(plans: Iterable[FacadePlan], *, file: str) -> Iterator[Fault]:
    """Yield the façades at which a captured request lets somebody ask something else while its window lasts."""
    for number, plan in enumerate(plans, 1):
        if plan.signed is not None and not plan.signed.function.nonce_field:
            yield Fault(file=file, key=f"facade[{number}]", expected=_CLOSED_NETWORK, found=_SIGNS_MOMENT)


def _load(
    path: Path, tables: CodeTables, key: str, file: str, faults: list[Fault]
) -> tuple[Adapter, TransportRecipe] | None:
    """Return a mapping file with its recipe; None after a fault."""
    name = f"{ADAPTERS_FOLDER}/{path.name}"
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
        adapter = load_adapter(data, name, tables=tables)
        recipe = load_recipe(adapter)
    except OSError as error:
        expected = Words(f"映射文件 {name}", f"the mapping file {name}")
        faults.append(Fault(file=file, key=key, expected=expected, found=describe_os_error(error)))
        return None
    except MappingError as error:
        for one in error.faults:
            where = one.file if one.line is None else f"{one.file}:{one.line}"
            expected, found = Words(one.expected.zh, one.expected.en), Words(one.found.zh, one.found.en)
            faults.append(Fault(file=where, key=one.key, expected=expected, found=found))
        return None
    if adapter.id != path.stem:
        faults.append(Fault(file=name, key="system.id", expected=path.stem, found=adapter.id))
        return None
    if any(loss.is_fault for loss in adapter.losses):
        expected = Words("tongban adapter check 通过的映射", "a mapping that passes `tongban adapter check`")
        faults.append(Fault(file=name, key="", expected=expected, found=Words("未声明的损失", "an undeclared loss")))
        return None
    return adapter, recipe
