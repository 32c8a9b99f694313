"""Whether, and as whom, a gateway issues credentials: the table ``[credentials]`` of ``tongban.toml``."""

from dataclasses import dataclass
from typing import Final

from gateway.toml_table import TomlTable, Words

URI_PATTERN: Final = r"[!-~]{1,512}"  # printable ASCII without spaces; RFC 7519 section 2 compares it exactly
LONGEST_DAYS: Final = 366  # what was revoked can be shown until then, where nobody asks again
_PLACE: Final = Words("文件路径：绝对路径，或相对于站点文件夹", "a path: absolute, or from the site folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSettings:
    """``issuer`` is the ``iss``, "": none are issued.

    ``keys`` is the folder of own keys, of which those of purpose ``credential`` sign; ``passphrase`` the file with
    their passphrase; ``days`` how long a credential lives at most.
    """

    issuer: str = ""
    keys: str = ""
    passphrase: str = ""
    days: int = 30

    @property
    def is_on(self) -> bool:
        """Whether any are issued."""
        return bool(self.issuer)


def parse_credentials(table: TomlTable) -> CredentialSettings:
    """Read the settings; with an issuer, keys and passphrase are needed too."""
    usual = CredentialSettings()
    uri = Words("不含空格的 URI", "a URI without spaces")
    issuer = table.text("issuer", default=usual.issuer, pattern=URI_PATTERN, expected=uri)
    places = {
        name: table.text(name, default=None if issuer else "", expected=_PLACE) for name in ("keys", "passphrase")
    }
    days = table.integer("days", default=usual.days, low=1, high=LONGEST_DAYS)
    table.finish()
    return CredentialSettings(issuer=issuer, days=days, **places)
