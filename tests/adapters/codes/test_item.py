"""Item codes: the shape is tagged, what is inside is checked, and nothing is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes.code import CodeFlag
from adapters.codes.item import ItemScheme, parse_item_code

SHANDONG = "11370800MB285591843370117002011"


@pytest.mark.parametrize(
    ("text", "scheme", "parts", "flags"),
    [
        (
            "1131000068735121X0231010032700001",
            ItemScheme.TRANSACTION,
            ("1131000068735121X0", "2", "310100327000"),
            set(),
        ),
        (SHANDONG, ItemScheme.IMPLEMENTATION, ("11370800MB28559184", "3", "370117002011"), set()),
        (
            "12441500196720244T3442199806003",
            ItemScheme.IMPLEMENTATION,
            ("12441500196720244T", "3", "442199806003"),
            {CodeFlag.ITEM_CODE_TYPE},
        ),
        ("310750019000", ItemScheme.BASIC, ("", "", "310750019000"), set()),
        ("000101001000", ItemScheme.BASIC, ("", "", "000101001000"), set()),
        (f"{SHANDONG}202405010001", ItemScheme.CASE, ("11370800MB28559184", "3", "370117002011"), set()),
    ],
)
def test_item_codes_of_the_standard(
    text: str, scheme: ItemScheme, parts: tuple[str, str, str], flags: set[CodeFlag]
) -> None:
    """Each published example falls into its parts; a kind of matter that no list names is a flag."""
    read = parse_item_code(text)
    assert (read.scheme, (read.authority, read.level, read.basic), read.flags) == (scheme, parts, flags)
    assert read.normal == text


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("py146103001", ItemScheme.GUANGDONG_TOWN),
        ("11350000JK000018", ItemScheme.FUJIAN),
        ("XK12345678", ItemScheme.GUIZHOU),
        ("511A00123000-510100000000-000-11370800MB28559184-1-0001", ItemScheme.SICHUAN),
        ("1" * 34, ItemScheme.BEIJING),
        ("1" * 29, ItemScheme.BEIJING),
        ("1" * 27, ItemScheme.BEIJING),
        ("1" * 32, ItemScheme.OTHER),
        ("事项一", ItemScheme.OTHER),
        ("", ItemScheme.OTHER),
    ],
)
def test_local_forms_are_tagged_and_flagged(text: str, scheme: ItemScheme) -> None:
    """A local form is no form of the standard, and is kept as it is."""
    read = parse_item_code(text)
    assert read.scheme is scheme
    assert CodeFlag.ITEM_CODE_NON_STANDARD in read.flags
    assert read.text == text


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (SHANDONG.replace("9184", "9185"), CodeFlag.ITEM_CODE_CREDIT_CODE),
        (f"{SHANDONG[:18]}7{SHANDONG[19:]}", CodeFlag.ITEM_CODE_LEVEL),
        (f"{SHANDONG[:19]}99{SHANDONG[21:]}", CodeFlag.ITEM_CODE_PROVINCE),
        (f"{SHANDONG[:21]}11{SHANDONG[23:]}", CodeFlag.ITEM_CODE_TYPE),
        (SHANDONG.lower(), CodeFlag.ITEM_CODE_SPELLING),
    ],
)
def test_one_broken_part_has_one_flag(text: str, flag: CodeFlag) -> None:
    """The parts of an item code are judged one by one."""
    read = parse_item_code(text)
    assert read.scheme is ItemScheme.IMPLEMENTATION
    assert read.flags == {flag}


@given(st.text(max_size=300))
def test_any_text_is_an_item_code_of_some_kind(text: str) -> None:
    """Garbage is of the scheme "other", and what is compared reads as itself."""
    read = parse_item_code(text)
    assert read.text == text
    assert parse_item_code(read.normal).normal == read.normal
