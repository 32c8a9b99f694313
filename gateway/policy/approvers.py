"""Who may approve a policy that widens: ``approvers/*.toml`` of the site, each with the public half of one key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.callers import TOKEN_ALGORITHMS, encode_public_key, read_key_holders, read_public_key
from gateway.toml_table import Fault, TomlTable, Words
from keys.own.record import KeyAlgorithm

APPROVERS_FOLDER: Final = "approvers"
MAX_APPROVERS: Final = 100  # people of one department; each file is read at every reload

_ID: Final = r"[a-z0-9][a-z0-9._-]{0,63}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """A person who may approve; ``public_key`` is the one spelling of the key (SubjectPublicKeyInfo, DER)."""

    id: str
    name: str
    name_zh: str
    algorithm: KeyAlgorithm
    public_key: bytes


class ApproverRegistry:
    """All approvers of a site; no two of them have the same id, or the same key."""

    def __init__(self, approvers: Iterable[Approver] = ()) -> None:
        """Keep them.

        Raises:
            ValueError: two have the same id or the same key.

        """
        found = tuple(approvers)
        self._by_id: Mapping[str, Approver] = MappingProxyType({one.id: one for one in found})
        self._by_key: Mapping[bytes, Approver] = MappingProxyType({one.public_key: one for one in found})
        if len(self._by_id) != len(found) or len(self._by_key) != len(found):
            raise ValueError("approvers with an id and a key of their own were expected")

    def find(self, approver_id: str) -> Approver | None:
        """Return the approver with exactly this id."""
        return self._by_id.get(approver_id)

    def find_key(self, public_key: bytes) -> Approver | None:
        """Return the approver with exactly this key."""
        return self._by_key.get(public_key)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_id)


def load_approvers(folder: Path, *, faults: list[Fault], name: str = APPROVERS_FOLDER) -> ApproverRegistry:
    """Read every ``*.toml`` of the folder, as `gateway.callers.load_callers` does; no folder is nobody.

    One key under two names would let one person approve twice, and is a fault.
    """
    by_id: dict[str, Approver] = {}
    by_key: dict[bytes, Approver] = {}
    for file, approver in read_key_holders(folder, _parse, most=MAX_APPROVERS, faults=faults, name=name):
        if by_id.setdefault(approver.id, approver) is not approver:
            expected = Words("与其他文件不同的 id", "an id that no other file has")
            faults.append(Fault(file=file, key="id", expected=expected, found=approver.id))
        elif by_key.setdefault(approver.public_key, approver) is not approver:
            expected = Words("与其他审批人不同的公钥", "a key that no other approver has")
            other = by_key[approver.public_key].id
            found = Words(f"{other} 的公钥", f"the key of {other}")
            faults.append(Fault(file=file, key="key", expected=expected, found=found))
    distinct = [one for one in by_id.values() if by_key.get(one.public_key) is one]
    return ApproverRegistry(distinct)


def _parse(table: TomlTable, folder: Path, named: set[str]) -> Approver | None:
    algorithm = table.choice("algorithm", KeyAlgorithm)
    key = read_public_key(table, folder, None if algorithm is None else TOKEN_ALGORITHMS[algorithm], named)
    zh = "1 至 64 个字符：a 至 z、0 至 9、点、下划线、连字符"
    expected = Words(zh, "1 to 64 of: a to z, 0 to 9, '.', '_', '-'")
    approver_id = table.text("id", pattern=_ID, expected=expected)
    name, name_zh = table.text("name"), table.text("name_zh")
    table.finish()
    if algorithm is None or key is None or not approver_id:
        return None
    return Approver(id=approver_id, name=name, name_zh=name_zh, algorithm=algorithm, public_key=encode_public_key(key))
