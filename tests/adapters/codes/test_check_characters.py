"""Check characters, on the worked examples of the standards and on every way to mistype them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes import (
    CodeFault,
    citizen_id_check_character,
    citizen_id_fault,
    credit_code_check_character,
    credit_code_fault,
    identifier_check_character,
    is_credit_code_form,
    organisation_code_check_character,
    organisation_code_fault,
)

CREDIT_CODES = [
    "91350100M000100Y43", "11100000000013338W", "1131000068735121X0", "11370800MB28559184", "12441500196720244T",
    "11430000006122244L", "11330105002500287C", "11220000013544541J", "11110000000021135M", "12110000400777687U",
    "113700000045046442", "11100000000013661B", "11100000MB03271699", "11100000MB0341032Y", "115300000151003540",
]  # fmt: skip
CITIZEN_IDS = ["11010519491231002X", "440524188001010014", "110101199003070003"]
UPPER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("code", CITIZEN_IDS)
def test_citizen_ids_of_the_standard(code: str) -> None:
    """The check character over 17 digits is the one printed, and a lower-case x is the same."""
    assert citizen_id_check_character(code[:17]) == code[17]
    assert citizen_id_fault(code) is None
    assert citizen_id_fault(code.lower()) is None


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("", CodeFault.FORM),
        ("1101051949123100", CodeFault.FORM),
        ("11010519491231002Y", CodeFault.FORM),
        ("1101051949123100XX", CodeFault.FORM),
        ("１1010519491231002X", CodeFault.FORM),
        ("11010519491331002X", CodeFault.DATE),
        ("110105194902290023", CodeFault.DATE),
        ("110105194912310021", CodeFault.CHECK),
        ("110105491331002", CodeFault.DATE),
    ],
)
def test_a_citizen_id_that_is_none(code: str, fault: CodeFault) -> None:
    """Form comes before date, date before check character."""
    assert citizen_id_fault(code) is fault


def test_an_old_citizen_id_has_no_check_character() -> None:
    """Fifteen digits are judged by their date alone, and unknown areas are not judged at all."""
    assert citizen_id_fault("110105491231002") is None
    assert citizen_id_fault("810000199003070008"[:17] + str(citizen_id_check_character("81000019900307000"))) is None


@pytest.mark.parametrize("first", ["", "1" * 16, "1" * 18, "1101051949123100X"])
def test_no_citizen_check_character_for_other_texts(first: str) -> None:
    """Only 17 digits have one."""
    assert citizen_id_check_character(first) is None


@pytest.mark.parametrize("code", CREDIT_CODES)
def test_credit_codes_of_real_authorities(code: str) -> None:
    """The outer check character and the one of the organisation code inside are those printed."""
    assert credit_code_check_character(code[:17]) == code[17]
    assert organisation_code_check_character(code[8:16]) == code[16]
    assert credit_code_fault(code) is None
    assert is_credit_code_form(code)
    assert organisation_code_fault(code[8:17]) is None
    assert organisation_code_fault(f"{code[8:16]}-{code[16]}") is None


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("", CodeFault.FORM),
        ("9135010OM000100Y43", CodeFault.FORM),  # the letter O for a zero
        ("9I350100M000100Y43", CodeFault.FORM),  # the letter I for a one
        ("91350100m000100y43", CodeFault.FORM),
        ("91350100M000100Y4", CodeFault.FORM),
        ("91350100M000100Y4S", CodeFault.FORM),
        ("91AA0100M000100Y43", CodeFault.FORM),
        ("91350100M000100Y44", CodeFault.CHECK),
        ("91350100M000100Y3" + str(credit_code_check_character("91350100M000100Y3")), CodeFault.INNER_CHECK),
    ],
)
def test_a_credit_code_that_is_none(code: str, fault: CodeFault) -> None:
    """A letter outside the alphabet fails on form, never on the check character, and nothing is repaired."""
    assert credit_code_fault(code) is fault
    assert is_credit_code_form(code) is (fault is not CodeFault.FORM)


@pytest.mark.parametrize(
    ("code", "fault"),
    [("M000100Y5", CodeFault.CHECK), ("M000100Y", CodeFault.FORM), ("M000100Y-", CodeFault.FORM),
     ("M000100YA", CodeFault.FORM), ("m000100Y4", CodeFault.FORM), ("M000100Y-44", CodeFault.FORM)],
)  # fmt: skip
def test_an_organisation_code_that_is_none(code: str, fault: CodeFault) -> None:
    """Its check character is a digit or X."""
    assert organisation_code_fault(code) is fault


# licences.md section 4.2: everything between the root and the check character, then what is computed.
IDENTIFIERS = [
    ("11100000000013338W011.11430000006122244L.20230000403.001", "U"),
    ("11100000000013338W009.11330105002500287C.2025052201.002", "0"),
    ("11100000MB03271699022.340100.000000016.001", "9"),
    ("11100000000013338W032.11220000013544541J.2430599.001", "F"),
    ("11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001", "D"),
]


@pytest.mark.parametrize(("payload", "check"), IDENTIFIERS)
def test_identifier_check_characters(payload: str, check: str) -> None:
    """ISO/IEC 7064 MOD 37,36 over all segments, with the case P = 1 among them; case does not count."""
    assert identifier_check_character(payload) == check
    assert identifier_check_character(payload.lower()) == check


@pytest.mark.parametrize("payload", ["", "...", "A-1", "证", "ı1", "１", "ﬀ"])
def test_no_identifier_check_character_outside_the_alphabet(payload: str) -> None:
    """Letters that merely look or fold like ASCII have no value."""
    assert identifier_check_character(payload) is None


@given(st.text(alphabet=UPPER, min_size=1, max_size=80), st.data())
def test_every_single_typing_error_changes_the_identifier_check_character(payload: str, data: st.DataObject) -> None:
    """A replaced character, and two different neighbours that change places, are always found (MOD 37,36)."""
    check = identifier_check_character(payload)
    position = data.draw(st.integers(0, len(payload) - 1))
    other = data.draw(st.sampled_from(UPPER.replace(payload[position], "")))
    assert identifier_check_character(payload[:position] + other + payload[position + 1 :]) != check


@given(st.sampled_from(CREDIT_CODES), st.data())
def test_every_replaced_character_of_a_credit_code_is_found(code: str, data: st.DataObject) -> None:
    """31 is prime, so no single mistyped character passes."""
    position = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from(UPPER.replace(code[position], "")))
    assert credit_code_fault(code[:position] + other + code[position + 1 :]) is not None


@given(st.text(max_size=20))
def test_garbage_has_a_fault_and_no_error(code: str) -> None:
    """Any text can be asked about."""
    for fault in (citizen_id_fault(code), credit_code_fault(code), organisation_code_fault(code)):
        assert fault is None or fault in CodeFault
