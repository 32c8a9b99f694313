"""The other systems of a site, ``systems.toml``: their addresses, our accounts there, and the files of our secrets.

```toml
[shandong]
base = "https://share.example.org"
settings = { access_id = "…" }
secrets = { access_token = "/run/secrets/shandong-token", sm2_private_key = "/run/secrets/shandong-sm2" }
```
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.adapters.access import SystemAccess
from gateway.secret_file import SecretError, read_private_file
from gateway.toml_table import Fault, TomlTable, Words, load_toml
from keys.payload.errors import PayloadError
from keys.payload.secret import Secret

SYSTEMS_FILE: Final = "systems.toml"

_MAX_SYSTEMS: Final = 64  # twice as many as there are provinces
_MAX_NAMES: Final = 32  # settings or secrets of one system, as recipes have them
_BASE: Final = Words("http 或 https 地址，末尾无斜杠", "an http or https address without a slash at its end")
_SECRET: Final = Words("仅本人可读的机密文件", "a file with a secret that nobody else may read")


def load_systems(folder: Path, *, faults: list[Fault]) -> dict[str, SystemAccess]:
    """Read the file of a site, which need not be there; what is wrong is added to ``faults``.

    A relative path of a secret is one in the site folder.
    """
    path = folder / SYSTEMS_FILE
    if not path.exists():
        return {}
    root = load_toml(path, file=SYSTEMS_FILE, faults=faults)
    if root is None:
        return {}
    names = sorted(root.names)
    if len(names) > _MAX_SYSTEMS:
        expected = Words(f"至多 {_MAX_SYSTEMS} 个系统", f"at most {_MAX_SYSTEMS} systems")
        faults.append(Fault(file=SYSTEMS_FILE, key="", expected=expected, found=str(len(names))))
        return {}
    return {name: _read_system(root.table(name), folder) for name in names}


def cautions_of_systems(systems: Mapping[str, SystemAccess]) -> Iterator[Fault]:
    """Yield the systems to which our secrets, and what is asked, travel in the open."""
    for name, access in systems.items():
        parts = urlsplit(access.base)
        if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
            expected = Words("https 地址，或仅经加密网络可达", "an https address, or one inside an encrypted network")
            yield Fault(file=SYSTEMS_FILE, key=f"{name}.base", expected=expected, found="http")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_system(table: TomlTable, folder: Path) -> SystemAccess:
    base = table.text("base")
    if base and not _is_address(base):
        table.fault("base", expected=_BASE, found=Words("其他文本", "another text"))
    secrets: dict[str, Secret] = {}
    files = _texts_by_name(table.table("secrets"))
    for name, file in files.items():
        try:
            secrets[name] = Secret(read_private_file(folder / file).strip(b"\r\n"))
        except (SecretError, PayloadError) as error:
            found = str(error.fault)
            table.fault(f"secrets.{name}", expected=_SECRET, found=found)
    settings = _texts_by_name(table.table("settings"))
    table.finish()
    return SystemAccess(base=base, settings=settings, secrets=secrets)


def _is_address(text: str) -> bool:
    """Return whether a text can be ``{base}``: without an account, for that would be a secret in the open."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_bare = not (parts.query or parts.fragment or text.endswith(("/", "?", "#")) or "@" in parts.netloc)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_bare


def _texts_by_name(table: TomlTable) -> Mapping[str, str]:
    return {name: table.text(name) for name in sorted(table.names)[:_MAX_NAMES]}
