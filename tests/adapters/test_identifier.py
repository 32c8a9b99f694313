"""The identifier of GB/T 36904: read leniently, flagged strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes import identifier_check_character
from adapters.errors import Malformed, MalformedDocumentError
from adapters.identifier import ROOT, parse_identifier
from adapters.strict.bounds import MAX_IDENTIFIER

GOOD = "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F"


@pytest.mark.parametrize(
    ("text", "standard_form", "matches"),
    [
        ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U", True, True),
        ("1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0", True, True),
        ("1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9", False, True),  # the issuer is an area code
        (GOOD, True, True),
        # A published example that does not match: D would be right.
        (
            "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M",
            True,
            False,
        ),
        (
            "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.D",
            True,
            True,
        ),
    ],
)
def test_published_identifiers(text: str, *, standard_form: bool, matches: bool) -> None:
    """Form and check character are two flags, and each example has the ones that were computed for it."""
    identifier = parse_identifier(text)
    assert (identifier.standard_form, identifier.check_character_matches) == (standard_form, matches)
    segments = (
        identifier.type_code,
        identifier.issuer_code,
        identifier.serial,
        identifier.version,
        identifier.check,
    )
    assert ".".join((ROOT, *segments)) == identifier.text == text


def test_segments_are_kept_as_written() -> None:
    """Type, issuer, serial, version and check character, without the root."""
    identifier = parse_identifier(f" {GOOD}\n")
    assert identifier.text == GOOD
    assert identifier.type_code == "11100000000013338W032"
    assert identifier.issuer_code == "11220000013544541J"
    assert (identifier.serial, identifier.version, identifier.check) == ("2430599", "001", "F")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("W032", "W03"),
        GOOD.replace("W032", "W03A"),
        GOOD.replace("11100000000013338W", "1110000000001333OW"),
        GOOD.replace("11220000013544541J", "11220000013544541"),
        GOOD.replace("2430599", "2430599-1"),
        GOOD.replace("2430599", ""),
        GOOD.replace(".001.", ".1."),
        GOOD.replace(".001.", ".00A."),
        GOOD.replace("2430599", "２430599"),
        f"{GOOD}F",
        GOOD[:-1],
    ],
)
def test_another_form_is_flagged(text: str) -> None:
    """Each segment has its own shape; the text stays as it was."""
    identifier = parse_identifier(text)
    assert not identifier.standard_form
    assert identifier.text == text


def test_lower_case_is_another_form_with_the_same_check_character() -> None:
    """UUID serials arrive in lower case, and the check character is computed in upper case."""
    identifier = parse_identifier(GOOD.lower())
    assert (identifier.standard_form, identifier.check_character_matches) == (False, True)


@pytest.mark.parametrize(
    "text",
    ["", "20230000403A1B2C3D4E5F60718", GOOD.removeprefix("1.2.156.3005.2."), f"{GOOD}.1", "1.2.156.3005.2", "....."],
)
def test_a_text_without_root_and_five_segments_stays_whole(text: str) -> None:
    """Nothing is guessed from a vendor's own number."""
    identifier = parse_identifier(text)
    assert identifier.text == text
    assert not identifier.standard_form
    assert not identifier.check_character_matches
    assert identifier.type_code == identifier.serial == identifier.check == ""


def test_a_long_text_is_refused() -> None:
    """The only refusal there is."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_identifier("1" * (MAX_IDENTIFIER + 1))
    assert caught.value.malformed is Malformed.TOO_LARGE


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=32))
def test_what_is_computed_matches(serial: str) -> None:
    """An identifier with the check character that is computed for it is in standard form and matches."""
    payload = f"11100000000013338W032.11220000013544541J.{serial}.001"
    identifier = parse_identifier(f"{ROOT}.{payload}.{identifier_check_character(payload)}")
    assert identifier.standard_form
    assert identifier.check_character_matches


@given(st.text(max_size=MAX_IDENTIFIER))
def test_any_text_has_flags_and_no_error(text: str) -> None:
    """Garbage is an identifier in another form."""
    assert parse_identifier(text).text == text.strip(" \t\r\n")
