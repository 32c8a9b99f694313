"""Item codes (政务服务事项编码), GB/T 39554.1, and the local forms in use beside it.

The structure is inferred from real codes and confirmed by the credit code in them; of most local forms only the shape
is known. A shape tags a code and never refuses it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from adapters.codes.area import PROVINCES
from adapters.codes.code import Code, CodeFlag, fold_code, spelling_flags
from adapters.codes.credit import credit_code_fault

_NATIONAL: Final = "00"
_LEVELS: Final = frozenset("123456")  # state, province, city, county, township, village

# Kinds of matter: licence, penalty, coercion, levy, payment, inspection, confirmation, reward, adjudication, other,
# public service (C 0109, GB/T 39554.1). Others are in use, such as 21 in Guangdong.
_TYPES: Final = frozenset({f"{number:02}" for number in range(1, 11)} | {"20"})


class ItemScheme(StrEnum):
    """The shape of an item code."""

    BASIC = "basic"  # 基本编码, 12
    IMPLEMENTATION = "implementation"  # 实施编码, 31
    TRANSACTION = "transaction"  # 业务办理项编码, 33
    CASE = "case"  # 办件编号, 43, seen in Guangdong
    SICHUAN = "sichuan"  # matter, area, 000, credit code, flag, sequence, with hyphens
    FUJIAN = "fujian"  # two letters before the last six digits
    GUIZHOU = "guizhou"  # DB52/T 1264-2018: XK, 5, 3
    GUANGDONG_TOWN = "guangdong-town"  # py and nine digits
    BEIJING = "beijing"  # 34, 29 or 27 characters; more is not known of them
    OTHER = "other"


# In this order; each shape as narrow as the codes that were seen. Sichuan's last two parts were seen without lengths.
_SHAPES: Final = (
    (ItemScheme.BASIC, r"(?P<basic>[0-9]{12})"),
    (ItemScheme.IMPLEMENTATION, r"(?P<authority>[0-9A-Z]{18})(?P<level>[0-9])(?P<basic>[0-9]{12})"),
    (ItemScheme.TRANSACTION, r"(?P<authority>[0-9A-Z]{18})(?P<level>[0-9])(?P<basic>[0-9]{12})[0-9]{2}"),
    (ItemScheme.CASE, r"(?P<authority>[0-9A-Z]{18})(?P<level>[0-9])(?P<basic>[0-9]{12})[0-9]{8}[0-9A-Z]{4}"),
    (ItemScheme.SICHUAN, r"[0-9A-Z]{12}-[0-9]{12}-000-(?P<authority>[0-9A-Z]{18})-[0-9A-Z]{1,4}-[0-9A-Z]{1,8}"),
    (ItemScheme.FUJIAN, r"[0-9A-Z]{0,40}[A-Z]{2}[0-9]{6}"),
    (ItemScheme.GUIZHOU, r"XK[0-9A-Z]{8}"),
    (ItemScheme.GUANGDONG_TOWN, r"PY[0-9]{9}"),
    (ItemScheme.BEIJING, r"[0-9A-Z]{34}|[0-9A-Z]{29}|[0-9A-Z]{27}"),
)
_READERS: Final = tuple((scheme, re.compile(shape)) for scheme, shape in _SHAPES)
_STANDARD: Final = frozenset({ItemScheme.BASIC, ItemScheme.IMPLEMENTATION, ItemScheme.TRANSACTION, ItemScheme.CASE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCode(Code):
    """An item code; its parts are "" where its shape does not have them.

    ``authority`` is the credit code of who implements it, ``level`` 1 (state) to 6 (village), ``basic`` the basic code.
    """

    scheme: ItemScheme
    authority: str
    level: str
    basic: str


def parse_item_code(text: str) -> ItemCode:
    """Read an item code and say which shape it has; ``normal`` is "" for no text, and for one that is too long."""
    folded = fold_code(text)
    scheme, parts = _match(folded)
    authority, level, basic = (parts.get(name) or "" for name in ("authority", "level", "basic"))
    flags = spelling_flags(text, folded, CodeFlag.ITEM_CODE_SPELLING) if folded else set()
    if scheme not in _STANDARD:
        flags.add(CodeFlag.ITEM_CODE_NON_STANDARD)
    if authority and credit_code_fault(authority) is not None:
        flags.add(CodeFlag.ITEM_CODE_CREDIT_CODE)
    if level and level not in _LEVELS:
        flags.add(CodeFlag.ITEM_CODE_LEVEL)
    if basic and basic[:2] != _NATIONAL and basic[:2] not in PROVINCES:
        flags.add(CodeFlag.ITEM_CODE_PROVINCE)
    if basic and basic[2:4] not in _TYPES:
        flags.add(CodeFlag.ITEM_CODE_TYPE)
    return ItemCode(
        text=text, normal=folded, flags=frozenset(flags), scheme=scheme, authority=authority, level=level, basic=basic
    )


def _match(folded: str) -> tuple[ItemScheme, dict[str, str | None]]:
    for scheme, shape in _READERS:
        found = shape.fullmatch(folded)
        if found is not None:
            return scheme, found.groupdict()
    return ItemScheme.OTHER, {}
