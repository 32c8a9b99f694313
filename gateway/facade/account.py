"""How a caller signs in at a façade: with what the recipe of the system names, as the system itself would have it.

```toml
[facade]
settings = { access_id = "…" }
secrets = { access_token = "/run/secrets/partner-token" }
public_keys = { sm2_private_key = "04…" }
```
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.secret_file import SecretError, read_private_file
from gateway.toml_table import TomlTable, Words
from keys.payload.errors import PayloadError
from keys.payload.secret import Secret

_MAX_NAMES: Final = 32  # settings or secrets of one account, as recipes have them
_LEAST_SECRET: Final = 16  # bytes: they are checked as often as somebody asks, and it is for us to give them out
_SECRET: Final = Words(
    f"仅本人可读的机密文件，至少 {_LEAST_SECRET} 字节",
    f"a file with a secret that nobody else may read, {_LEAST_SECRET} bytes or more",
)
_SHORT: Final = Words("过短的机密", "a short one")
_PUBLIC_KEY: Final = Words("SM2 公钥（十六进制或 Base64）", "an SM2 public key in hexadecimal or base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class FacadeAccount:
    """What a caller and we agreed on, by the names of the recipe; repr shows no secret.

    Where the recipe names a private key of the caller, ``public_keys`` has its public half: the other one is not ours
    to have. Where it names a public key of the system, ``secrets`` has the private half.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    public_keys: Mapping[str, Secret] = field(default_factory=dict, repr=False)

    @property
    def keys(self) -> Mapping[str, Secret]:
        """Every key that our side uses, secret or not."""
        return {**self.secrets, **self.public_keys}


def parse_account(table: TomlTable, folder: Path) -> FacadeAccount:
    """Read the table of an account; a relative path of a secret is one in ``folder``."""
    secrets: dict[str, Secret] = {}
    for name, file in _texts_by_name(table.table("secrets")).items():
        try:
            secrets[name] = Secret(read_private_file(folder / file).strip(b"\r\n"))
        except (SecretError, PayloadError) as error:
            table.fault(f"secrets.{name}", expected=_SECRET, found=str(error.fault))
        else:
            if len(secrets[name].reveal()) < _LEAST_SECRET:
                table.fault(f"secrets.{name}", expected=_SECRET, found=_SHORT)
    public_keys: dict[str, Secret] = {}
    for name, text in _texts_by_name(table.table("public_keys")).items():
        try:
            public_keys[name] = Secret(text.encode())
        except PayloadError:
            table.fault(f"public_keys.{name}", expected=_PUBLIC_KEY, found=Words("空文本", "an empty text"))
    twice = sorted(secrets.keys() & public_keys.keys())
    if twice:
        expected = Words("secrets 与 public_keys 之一", "either secrets or public_keys")
        table.fault(f"public_keys.{twice[0]}", expected=expected, found=Words("两者皆有", "both"))
    settings = _texts_by_name(table.table("settings"))
    table.finish()
    return FacadeAccount(settings=settings, secrets=secrets, public_keys=public_keys)


def _texts_by_name(table: TomlTable) -> Mapping[str, str]:
    return {name: table.text(name) for name in sorted(table.names)[:_MAX_NAMES]}
