"""Which façades a gateway has, ``[[facade]]`` in ``tongban.toml``; without any there is none.

```toml
[[facade]]
system = "shandong"
caller = "province-34-platform"
item = "34-001"
```
"""

from dataclasses import dataclass
from typing import Final

from gateway.toml_table import TomlTable, Words

MAX_FACADES: Final = 64  # one for each province, and some for ministries

_NAME: Final = r"[a-z0-9][a-z0-9-]{0,63}"
_NAME_EXPECTED: Final = Words("小写字母、数字与连字符", "small letters, digits and hyphens")
_CALLER: Final = Words("callers/ 中已登记的调用方 id", "the id of a caller in callers/")
_SYSTEM: Final = Words("adapters/ 中映射文件的 id", "the id of a mapping file in adapters/")


@dataclass(frozen=True, slots=True, kw_only=True)
class FacadeSettings:
    """One façade: as which system, for which caller.

    ``name`` is part of its address, ``/facades/NAME``; usually that of the system. ``item`` is what every question is
    asked for, "" where each question says so itself; ``type`` the type of licence, where the system has only one.
    """

    name: str
    system: str
    caller: str
    item: str = ""
    type: str = ""


def parse_facades(root: TomlTable) -> tuple[FacadeSettings, ...]:
    """Read every ``[[facade]]``; a name that two of them have is a fault."""
    found: dict[str, FacadeSettings] = {}
    for table in root.tables("facade", most=MAX_FACADES):
        system = table.text("system", pattern=_NAME, expected=_SYSTEM)
        facade = FacadeSettings(
            name=table.text("name", default=system, pattern=_NAME, expected=_NAME_EXPECTED),
            system=system,
            caller=table.text("caller", expected=_CALLER),
            item=table.text("item", default=""),
            type=table.text("type", default=""),
        )
        table.finish()
        if found.setdefault(facade.name, facade) is not facade:
            expected = Words("各不相同的 name", "a name that no other façade has")
            table.fault("name", expected=expected, found=facade.name)
    return tuple(found.values())
