"""Pseudonyms: stable for one partner and purpose, unrelated for everybody else."""

import base64
import hashlib
import hmac
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.catalogue import ValueType
from policies.forms.pseudonym import SHORTEST_MASTER, Pseudonyms, _in_base_32
from policies.forms.scheme import Surroundings, Value
from tests.policies.forms.support import TODAY, applied, citizen_number

MASTER = bytes(range(32))
ID = ValueType.CITIZEN_ID
ALIKE = {
    ValueType.PASSPORT: ("e12345678", "E12345678", "Ｅ12345678"),
    ValueType.PHONE: ("138-0013-8000", "13800138000", "+86 138 0013 8000", "8613800138000"),
    ValueType.DATE: ("2024/03/01", "2024-03-01", "2024年3月1日", "2024-03-01 00:00:00", "2024-03-01T00:00"),
    ValueType.NAME: ("john smith", "JOHN  SMITH"),
    ValueType.AMOUNT: ("120万元", "1,200,000.00"),
    ValueType.BANK_CARD: ("6200 0000 0000 0005", "6200-0000-0000-0005", "6200000000000005"),
    ValueType.EMAIL: ("Someone@Example.org", "someone@example.org"),
}
PARTS = st.text(max_size=12)


def pseudonyms(partner: str = "34", purpose: str = "change", epoch: int = 1, master: bytes = MASTER) -> Pseudonyms:
    return Pseudonyms(master=master, partner=partner, purpose=purpose, epoch=epoch)


def test_a_pseudonym_is_what_the_standards_say() -> None:
    """HKDF over partner, purpose and epoch (RFC 5869), then keyed BLAKE2b with the domain (RFC 7693), 120 bits."""
    info = b"\0\0\0\x0234" + b"\0\0\0\x06change" + b"\0\0\0\x011"
    extracted = hmac.digest(b"tongban pseudonym 1", MASTER, "sha256")
    first = hmac.digest(extracted, info + b"\x01", "sha256")
    key = first + hmac.digest(extracted, first + info + b"\x02", "sha256")
    person = hashlib.blake2b(b"holder", digest_size=16).digest()
    digest = hashlib.blake2b("某某".encode(), digest_size=15, key=key, person=person).digest()
    assert pseudonyms().of("holder", "某某", ValueType.NAME) == base64.b32encode(digest).decode()


@given(st.binary(min_size=15, max_size=15))
@example(bytes(15))
@example(b"\xff" * 15)
def test_base_32_is_that_of_the_standard(digest: bytes) -> None:
    """All 120 bits are spelled as RFC 4648 spells them."""
    assert _in_base_32(digest) == base64.b32encode(digest).decode()


@pytest.mark.parametrize("bit", range(120))
def test_no_bit_of_base_32_is_lost_or_touches_another(bit: int) -> None:
    """A bit that is alone, or alone missing, is spelled as RFC 4648 spells it."""
    for number in (1 << bit, (1 << 120) - 1 - (1 << bit)):
        digest = number.to_bytes(15, "big")
        assert _in_base_32(digest) == base64.b32encode(digest).decode()


def test_one_person_has_one_pseudonym() -> None:
    """Spelling does not matter, nor whether a citizen number is old or new."""
    number = citizen_number(sequence="010")
    maker = pseudonyms()
    assert maker.of("holder", number, ID) == maker.of("holder", f" {number.lower()}\u200b", ID)
    assert maker.of("holder", number, ID) == maker.of("holder", number[:6] + number[8:17], ID)


@pytest.mark.parametrize("value", ["", "null", "无", "-", "张\u0378", "张\x00"])
def test_nothing_has_no_pseudonym(value: str) -> None:
    """A value that says nothing or cannot be read is not known, rather than the same person for everybody."""
    assert pseudonyms().of("holder", value, ID) is None


ASKERS = st.tuples(PARTS, PARTS, st.integers(0, 9))


@given(ASKERS, ASKERS)
def test_two_partners_never_join(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    """Different partner, purpose or epoch gives a different pseudonym, also where the parts run together alike."""
    assert (
        pseudonyms(*one).of("holder", "某某", ValueType.NAME) == pseudonyms(*other).of("holder", "某某", ValueType.NAME)
    ) == (one == other)


@given(st.text(), st.text())
def test_domains_and_values_do_not_meet(value: str, other: str) -> None:
    """Two domains share no pseudonym, and what two values share is their normal spelling alone."""
    maker = pseudonyms()
    first = maker.of("holder", value, ID)
    assert first is None or first != maker.of("partner", value, ID)
    assert first is None or len(first) == 24
    if value == other:
        assert first == maker.of("holder", other, ID)


def test_a_short_master_key_is_refused() -> None:
    """A key that could be guessed, or an epoch before the first, makes no pseudonyms."""
    with pytest.raises(ValueError, match="32 bytes or more was expected, got 31"):
        pseudonyms(master=bytes(SHORTEST_MASTER - 1))
    with pytest.raises(ValueError, match="epoch"):
        pseudonyms(epoch=-1)


def test_without_a_key_nothing_is_known() -> None:
    """The form gives a pseudonym where the request has a key, and None where it has none."""
    assert applied("pseudonym:holder", "某某") is None
    around = Surroundings(today=TODAY, pseudonyms=pseudonyms())
    assert applied("pseudonym:holder", "某某", around, ValueType.NAME) == pseudonyms().of(
        "holder", "某某", ValueType.NAME
    )
    assert applied("pseudonym:holder", date(2020, 1, 2), around, ValueType.DATE) == pseudonyms().of(
        "holder", "2020-01-02", ValueType.DATE
    )


@given(st.sampled_from(sorted(ALIKE)), st.data())
def test_what_a_comparison_calls_equal_has_one_pseudonym(value_type: ValueType, data: st.DataObject) -> None:
    """Two spellings of one value have one pseudonym, and values that are not equal have two."""
    one, other = data.draw(st.sampled_from(ALIKE[value_type])), data.draw(st.sampled_from(ALIKE[value_type]))
    maker = pseudonyms()
    assert maker.of("x", one, value_type) == maker.of("x", other, value_type)
    assert maker.of("x", one, value_type) != maker.of("x", "甲乙丙", value_type)


@pytest.mark.parametrize("other", ["2024/03/01", "20240301", "2024-03-01 00:00:00", date(2024, 3, 1)])
def test_one_day_has_one_pseudonym(other: Value) -> None:
    """A date as a text, with a time of day or without, and as a date are the same day."""
    around = Surroundings(today=TODAY, pseudonyms=pseudonyms())
    made = [applied("pseudonym:x", value, around, ValueType.DATE) for value in ("2024-03-01", other)]
    assert made[0] == made[1] is not None
