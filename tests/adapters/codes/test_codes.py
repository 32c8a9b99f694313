"""Codes as they stand in messages: read leniently, flagged strictly, on the examples of the standards."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.codes.area import PROVINCES, AreaLevel, parse_area_code
from adapters.codes.code import Code, CodeFlag
from adapters.codes.licence_identifier import (
    licence_of_identifier,
    parse_licence_identifier,
    version_of_identifier,
)
from adapters.codes.organisation import organisation_of, parse_credit_code, parse_organisation_code
from adapters.codes.person import parse_citizen_id
from tests.adapters.codes.test_check_characters import CITIZEN_IDS, CREDIT_CODES

GOOD = "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F"


def full_width(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


@pytest.mark.parametrize("code", CITIZEN_IDS)
def test_a_citizen_id_of_the_standard_is_read_without_a_flag(code: str) -> None:
    """What is written as the standard has it has one spelling, itself."""
    assert parse_citizen_id(code) == Code(text=code, normal=code, flags=frozenset())


@pytest.mark.parametrize("spelling", ["11010519491231002x", " 11010519491231002X", "110105 19491231 002X",
                                      full_width("11010519491231002X"), "11010519491231002X\u3000"])  # fmt: skip
def test_a_citizen_id_in_another_spelling_is_the_same_number(spelling: str) -> None:
    """Width, case and white space are folded for comparing, said in a flag, and kept as written."""
    read = parse_citizen_id(spelling)
    assert (read.text, read.normal) == (spelling, "11010519491231002X")
    assert read.flags == {CodeFlag.CITIZEN_ID_SPELLING}


def test_an_old_citizen_id_is_compared_by_the_eighteen_it_stands_for() -> None:
    """Fifteen digits get their century and their check character, and the flag that nothing could be checked."""
    assert parse_citizen_id("110105491231002") == Code(
        text="110105491231002", normal="11010519491231002X", flags=frozenset({CodeFlag.CITIZEN_ID_OLD})
    )


@pytest.mark.parametrize("order", ["996", "997", "998", "999"])
def test_an_old_number_of_unstated_century_stays_as_it_is(order: str) -> None:
    """The orders kept for those who were a hundred leave it open whether they were born in the 1800s."""
    assert parse_citizen_id(f"110105491231{order}").normal == f"110105491231{order}"


@pytest.mark.parametrize(
    ("text", "normal", "flag"),
    [
        ("", "", CodeFlag.CITIZEN_ID_NON_STANDARD),
        ("1101051949123100", "", CodeFlag.CITIZEN_ID_NON_STANDARD),
        ("11O10519491231002X", "", CodeFlag.CITIZEN_ID_NON_STANDARD),
        ("11010519491331002X", "11010519491331002X", CodeFlag.CITIZEN_ID_BIRTH_DATE),
        ("110105194902290023", "110105194902290023", CodeFlag.CITIZEN_ID_BIRTH_DATE),
        ("110105194912310021", "110105194912310021", CodeFlag.CITIZEN_ID_CHECK_CHARACTER),
    ],
)
def test_a_citizen_id_that_does_not_hold(text: str, normal: str, flag: CodeFlag) -> None:
    """Nothing is repaired: a wrong character is flagged and left where it is."""
    assert parse_citizen_id(text) == Code(text=text, normal=normal, flags=frozenset({flag}))


@pytest.mark.parametrize("code", CREDIT_CODES)
def test_credit_codes_of_real_authorities_are_read_without_a_flag(code: str) -> None:
    """Every example of the standard holds, and names the organisation inside it."""
    assert parse_credit_code(code) == Code(text=code, normal=code, flags=frozenset())
    assert organisation_of(code) == organisation_of(code[8:17]) == code[8:17]
    assert parse_organisation_code(f"{code[8:16]}-{code[16]}").normal == code[8:17]


@pytest.mark.parametrize(
    ("text", "normal", "flags"),
    [
        ("91350100m000100y43", "91350100M000100Y43", {CodeFlag.CREDIT_CODE_SPELLING}),
        ("9135010OM000100Y43", "", {CodeFlag.CREDIT_CODE_NON_STANDARD}),
        ("91350100M000100Y44", "91350100M000100Y44", {CodeFlag.CREDIT_CODE_CHECK_CHARACTER}),
        ("91350100M000100Y30", "91350100M000100Y30", {CodeFlag.CREDIT_CODE_ORGANISATION}),
        ("91350100m000100y30", "91350100M000100Y30",
         {CodeFlag.CREDIT_CODE_ORGANISATION, CodeFlag.CREDIT_CODE_SPELLING}),
    ],
)  # fmt: skip
def test_a_credit_code_that_does_not_hold(text: str, normal: str, flags: set[CodeFlag]) -> None:
    """A letter outside the alphabet fails on form, and each check character has a flag of its own."""
    assert parse_credit_code(text) == Code(text=text, normal=normal, flags=frozenset(flags))


@pytest.mark.parametrize(
    ("text", "normal", "flag"),
    [
        ("m000100y4", "M000100Y4", CodeFlag.ORGANISATION_CODE_SPELLING),
        ("M000100Y5", "M000100Y5", CodeFlag.ORGANISATION_CODE_CHECK_CHARACTER),
        ("M000100Y", "", CodeFlag.ORGANISATION_CODE_NON_STANDARD),
        ("M000-100Y4", "", CodeFlag.ORGANISATION_CODE_NON_STANDARD),
    ],
)
def test_an_organisation_code_that_is_odd(text: str, normal: str, flag: CodeFlag) -> None:
    """The hyphen stands before the check character and nowhere else."""
    assert parse_organisation_code(text) == Code(text=text, normal=normal, flags=frozenset({flag}))


@pytest.mark.parametrize("text", ["", "91350100M000100Y44", "M000100Y5", "440301"])
def test_a_code_whose_check_does_not_hold_names_no_organisation(text: str) -> None:
    """An organisation is concluded from a credit code only when its check characters hold."""
    assert organisation_of(text) == ""


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (GOOD, set()),
        ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U", set()),
        ("1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0", set()),
        (
            "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
            {CodeFlag.IDENTIFIER_NON_STANDARD, CodeFlag.IDENTIFIER_ISSUER_CODE},
        ),
        (
            "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M",
            {CodeFlag.IDENTIFIER_CHECK_CHARACTER},
        ),
        (
            GOOD.replace("11100000000013338W", "111000000000133381"),
            {CodeFlag.IDENTIFIER_CHECK_CHARACTER, CodeFlag.IDENTIFIER_TYPE_CODE},
        ),
        ("20230000403A1B2C3D4E5F60718", {CodeFlag.IDENTIFIER_NON_STANDARD}),
        ("", {CodeFlag.IDENTIFIER_NON_STANDARD}),
        ("1" * 257, {CodeFlag.IDENTIFIER_NON_STANDARD}),
    ],
)
def test_identifiers_are_flagged_and_never_refused(text: str, flags: set[CodeFlag]) -> None:
    """Form, check character and the codes inside are flags of their own; a vendor's own number has only the first."""
    assert parse_licence_identifier(text).flags == flags


def test_versions_of_a_licence_share_what_identifies_it() -> None:
    """Type, issuer and serial are the licence; the version is the file."""
    second = GOOD.replace(".001.F", ".002.0")
    assert licence_of_identifier(GOOD) == licence_of_identifier(second) == licence_of_identifier(GOOD.lower()) != ""
    assert [version_of_identifier(text) for text in (GOOD, second, "20230000403", "")] == ["001", "002", "", ""]
    assert licence_of_identifier("20230000403A1B2C3D4E5F60718") == ""


@pytest.mark.parametrize(
    ("text", "normal", "level"),
    [
        ("44", "440000000000", AreaLevel.PROVINCE),
        ("440300", "440300000000", AreaLevel.CITY),
        ("440305", "440305000000", AreaLevel.COUNTY),
        ("441900003", "441900003000", AreaLevel.TOWN),
        ("35010200100", "350102001000", AreaLevel.TOWN),
        ("350102001001", "350102001001", AreaLevel.VILLAGE),
    ],
)
def test_area_codes_of_every_length_are_compared_by_twelve_digits(text: str, normal: str, level: AreaLevel) -> None:
    """Short codes are filled with zeros from the right, and say how far down they go."""
    read = parse_area_code(text)
    assert (read.normal, read.level, read.province) == (normal, level, text[:2])
    assert read.flags == (set() if len(text) in {6, 12} else {CodeFlag.AREA_CODE_LENGTH})


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("４４０３０５", {CodeFlag.AREA_CODE_SPELLING}),
        ("990000", {CodeFlag.AREA_CODE_PROVINCE}),
        ("440001", {CodeFlag.AREA_CODE_LEVELS}),
        ("000000", {CodeFlag.AREA_CODE_PROVINCE, CodeFlag.AREA_CODE_LEVELS}),
        ("4403051", {CodeFlag.AREA_CODE_NON_STANDARD}),
        ("44030A", {CodeFlag.AREA_CODE_NON_STANDARD}),
        ("４４०३०५", {CodeFlag.AREA_CODE_NON_STANDARD}),  # Devanagari digits are digits to Python
        ("", {CodeFlag.AREA_CODE_NON_STANDARD}),
    ],
)
def test_an_area_code_that_is_odd(text: str, flags: set[CodeFlag]) -> None:
    """Unknown provinces and gaps between the levels are flags; a place that does not exist is not judged."""
    assert parse_area_code(text).flags == flags


def test_the_production_corps_counts_as_a_province() -> None:
    """Some platforms use 66."""
    assert parse_area_code("660000").flags == set()
    assert len(PROVINCES) == 35


@given(st.text(max_size=300))
@example("ı" * 18)
@example("１" * 15)
@example("\x00" * 18)
@example("-" * 9)
def test_any_text_is_read_without_an_error_and_kept(text: str) -> None:
    """Garbage has flags, its own text, and a comparing form that reads as itself."""
    for parse in (
        parse_citizen_id,
        parse_credit_code,
        parse_organisation_code,
        parse_licence_identifier,
        parse_area_code,
    ):
        read = parse(text)
        assert read.text == text
        if read.normal:
            assert parse(read.normal).normal == read.normal
        else:
            assert read.flags
