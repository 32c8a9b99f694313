"""Whose credentials are believed: ``issuers/*.toml``, each with an exact ``iss``, one public key, and its types.

A trust list names bare keys without the name under which they sign, and an issuer must not speak in another's name: so
issuers are named here, in files that the issuer hands over by a way that is trusted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.callers import TOKEN_ALGORITHMS, encode_public_key, read_key_holders, read_public_key
from gateway.credential.settings import URI_PATTERN
from gateway.toml_table import Fault, TomlTable, Words
from keys.own.record import KeyAlgorithm, fingerprint_key
from keys.sd_jwt.public_key import PublicKey
from keys.sd_jwt.verification import IssuerKey

ISSUERS_FOLDER: Final = "issuers"
MAX_ISSUERS: Final = 1_000  # provinces, cities and the authorities beyond the border, each with a key or two
MAX_TYPES: Final = 1_000  # a province has some hundred types of licences

_KEY_ID: Final = r"[!-~]{1,512}"
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialIssuer:
    """One key of an issuer: ``issuer`` and ``key_id`` are the ``iss`` and ``kid`` that it signs with."""

    issuer: str
    key_id: str
    name: str
    name_zh: str
    types: frozenset[str]
    key: IssuerKey


class IssuerRegistry:
    """All issuers that are believed, by ``iss`` and ``kid``."""

    def __init__(self, issuers: Iterable[CredentialIssuer] = ()) -> None:
        """Keep them; the types of an issuer are the same for all its keys."""
        self._by_name = MappingProxyType({(one.issuer, one.key_id): one for one in issuers})
        self._types = MappingProxyType({one.issuer: one.types for one in self._by_name.values()})
        self.types = frozenset[str]().union(*self._types.values())

    def find_key(self, issuer: str, key_id: str) -> IssuerKey | None:
        """Return exactly this key of exactly this issuer."""
        found = self._by_name.get((issuer, key_id))
        return None if found is None else found.key

    def may_issue(self, issuer: str, type_name: str) -> bool:
        """Say whether an issuer is believed for a type."""
        return type_name in self._types.get(issuer, frozenset())

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._by_name)


def load_issuers(folder: Path, *, faults: list[Fault], name: str = ISSUERS_FOLDER) -> IssuerRegistry:
    """Read every ``*.toml`` of the folder, as `gateway.callers.load_callers` does; no folder is nobody.

    An issuer that changes keys has two files for a while, with the same ``issuer`` and ``types``.
    """
    found: dict[tuple[str, str], CredentialIssuer] = {}
    types: dict[str, frozenset[str]] = {}
    for file, one in read_key_holders(folder, _parse, most=MAX_ISSUERS, faults=faults, name=name):
        if found.setdefault((one.issuer, one.key_id), one) is not one:
            expected = Words(
                "与其他文件不同的 issuer 与 kid 组合", "an issuer and a kid that no other file has together"
            )
            faults.append(Fault(file=file, key="kid", expected=expected, found=one.key_id))
        if types.setdefault(one.issuer, one.types) != one.types:
            expected = Words("与同一 issuer 的其他文件相同的 types", "the types of the other files of the same issuer")
            faults.append(Fault(file=file, key="types", expected=expected, found=Words("其他类型", "others")))
    return IssuerRegistry(found.values())


def _parse(table: TomlTable, folder: Path, named: set[str]) -> CredentialIssuer | None:
    algorithm = table.choice("algorithm", KeyAlgorithm)
    key = read_public_key(table, folder, None if algorithm is None else TOKEN_ALGORITHMS[algorithm], named)
    uri = Words("凭证中的 iss，不含空格", "the iss of its credentials, without spaces")
    issuer = table.text("issuer", pattern=URI_PATTERN, expected=uri)
    name, name_zh = table.text("name"), table.text("name_zh")
    spki = b"" if key is None else encode_public_key(key)
    kid = Words("凭证中的 kid；默认为公钥的 SHA-256", "the kid of its credentials; default: SHA-256 of the key")
    key_id = table.text("kid", default=fingerprint_key(spki), pattern=_KEY_ID, expected=kid)
    vct = Words("凭证类型（vct）", "types of credentials (vct)")
    types = table.texts("types", most=MAX_TYPES, pattern=URI_PATTERN, expected=vct)
    valid_from, valid_to = table.moment("valid_from"), table.moment("valid_to")
    table.finish()
    if algorithm is None or key is None or not issuer:
        return None
    return CredentialIssuer(
        issuer=issuer,
        key_id=key_id,
        name=name,
        name_zh=name_zh,
        types=frozenset(types),
        key=IssuerKey(
            key=PublicKey(algorithm=algorithm, spki=spki),
            valid_from=valid_from or _ALWAYS,
            valid_until=valid_to or _NEVER,
        ),
    )
