"""Residual candidates: the published figures recomputed one by one, and the declared ones by brute force."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from policies.catalogue import About, Field, ShareClass, ValueType
from policies.form import Form
from policies.forms.candidates import COUNTIES_BY_HEAD, SEQUENCES, number_candidates
from policies.forms.citizen import MASKS
from policies.forms.known import COUNTIES, FIRST_BIRTH_YEAR, LAST_BIRTH_YEAR, Known, Mask
from policies.forms.registry import SCHEMES
from policies.forms.residual import UNTOUCHED, name_residual, residual_candidates

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999

# The holder of the published table: born in a leap year, with this remainder of the birth date's digits modulo 11, in a
# band of ten years. The fewest candidates of any holder are a little less.
YEAR = 1988
BAND = range(1981, 1991)
REMAINDER = 5
BEIJING = [f"1101{county:02}" for county in (1, 2, *range(5, 10), *range(11, 20))]
YEARS = range(FIRST_BIRTH_YEAR, LAST_BIRTH_YEAR + 1)


def remainder(digits: str, position: int) -> int:
    return sum(WEIGHTS[position + at] * int(digit) for at, digit in enumerate(digits)) % 11


def births(years: Iterable[int]) -> Counter[int]:
    """Count the remainders of all birth dates of some years."""
    found: Counter[int] = Counter()
    for year in years:
        day = date(year, 1, 1)
        while day.year == year:
            found[remainder(f"{day:%Y%m%d}", 6)] += 1
            day += timedelta(days=1)
    return found


def sequences(last_digit: int | None) -> Counter[int]:
    """Count the remainders of the sequence numbers, or of those with a last digit."""
    return Counter(
        remainder(f"{number:03}", 14) for number in range(1, 1000) if last_digit is None or number % 10 == last_digit
    )


def joined(one: Counter[int], other: Counter[int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for first, count in one.items():
        for second, times in other.items():
            found[(first + second) % 11] += count * times
    return found


EVERY_DAY = births(YEARS)
OF_YEAR = births([YEAR])
DAY = Counter({0: 1})


def test_the_published_figures_of_one_holder() -> None:
    """3,187 for six and four digits, 333 with the age band, 32 with the birth year; 999 for fourteen digits."""
    assert EVERY_DAY[REMAINDER] == 3187
    assert births(BAND)[REMAINDER] == 333
    assert OF_YEAR[REMAINDER] == 32
    assert SEQUENCES == 999
    assert sum(OF_YEAR.values()) * SEQUENCES == 365_634


def test_the_published_figure_of_sixteen_counties() -> None:
    """Of three and four digits 51,005 candidates remain for some holder of Beijing, and about that for every one."""
    assert len(BEIJING) == COUNTIES_BY_HEAD[3] == 16
    areas = Counter(remainder(area, 0) for area in BEIJING)
    counts = joined(areas, EVERY_DAY)
    assert min(counts.values()) <= 51_005 <= max(counts.values())


@pytest.mark.parametrize(
    ("published", "mask", "known", "counts"),
    [
        (3187, Mask(6, 4), Known(), EVERY_DAY),
        (333, Mask(6, 4), Known(birth_months=120), births(BAND)),
        (32, Mask(6, 4), Known(birth_months=12), OF_YEAR),
        (32, Mask(0, 4), Known(birth_months=12, counties=1), OF_YEAR),
        (3327, Mask(1, 2), Known(birth_months=12, counties=1), joined(OF_YEAR, sequences(3))),
        (33240, Mask(1, 1), Known(birth_months=12, counties=1), joined(OF_YEAR, sequences(None))),
        (1, Mask(0, 4), Known(birth_months=0, counties=1), DAY),
        (9, Mask(1, 2), Known(birth_months=0, counties=1), joined(DAY, sequences(3))),
        (90, Mask(1, 1), Known(birth_months=0, counties=1), joined(DAY, sequences(None))),
    ],
)
def test_the_declared_figure_is_that_of_the_worst_off(
    published: int, mask: Mask, known: Known, counts: Counter[int]
) -> None:
    """The published figure is met by some holder; ours is never more than anybody's, and at most an eighth less."""
    assert min(counts.values()) <= published <= max(counts.values())
    ours = number_candidates(mask, known)
    assert ours <= min(counts.values())
    assert published * 7 / 8 <= ours


@pytest.mark.parametrize(
    ("published", "mask", "known"),
    [
        (999, Mask(14, 0), Known()),
        (999, Mask(6, 0), Known(birth_months=0)),
        (51_005, Mask(3, 4), Known()),
        (9.1e6, Mask(0, 4), Known()),
        (35e6, Mask(6, 0), Known()),
        (1.1e8, Mask(1, 2), Known()),
        (1e9, Mask(1, 1), Known()),
        (365_634, Mask(6, 0), Known(birth_months=12)),
        (500, Mask(14, 0), Known(sex=True)),
    ],
)
def test_the_rough_figures(published: float, mask: Mask, known: Known) -> None:
    """The published figures that are rounded are met within an eighth."""
    assert published * 7 / 8 <= number_candidates(mask, known) <= published * 8 / 7


def test_the_fewest_over_every_holder_by_brute_force() -> None:
    """The declared figures are those of the worst-off holder of all years, and of all last digits."""
    assert number_candidates(Mask(6, 4), Known()) == min(EVERY_DAY.values())
    assert number_candidates(Mask(6, 4), Known(birth_months=12)) == min(min(births([year]).values()) for year in YEARS)
    by_digit = [joined(DAY, sequences(digit)) for digit in range(10)]
    least = min(min(counts.values()) for counts in by_digit)
    assert number_candidates(Mask(1, 2), Known(birth_months=0, counties=1)) == least


def test_more_knowledge_never_leaves_more() -> None:
    """Each thing known besides lowers the candidates or leaves them, for every mask."""
    for mask in MASKS.values():
        for months in (1152, 120, 12, 1, 0):
            known = Known(birth_months=months)
            assert number_candidates(mask, known) <= number_candidates(mask, Known())
            for narrower in (Known(birth_months=months, counties=1), Known(birth_months=months, sex=True)):
                assert number_candidates(mask, narrower) <= number_candidates(mask, known)


def test_the_registry_declares_what_is_computed() -> None:
    """The residual of each mask of a number is that of a plan which shows nothing else."""
    for name, mask in MASKS.items():
        assert SCHEMES[f"mask:{name}"].residual == number_candidates(mask, Known())


def field(value_type: ValueType, about: About | None = None) -> Field:
    return Field(type=value_type, source="KZ_X", zh="某某", en="x", share=ShareClass.CONDITIONAL, about=about)


FIELDS = {
    "holder_id": field(ValueType.CITIZEN_ID),
    "holder_code": field(ValueType.HOLDER_CODE),
    "holder_name": field(ValueType.NAME),
    "born": field(ValueType.DATE, About.BIRTH),
    "csrq": field(ValueType.TERM, About.BIRTH),
    "birth_of_the_company": field(ValueType.DATE),
    "issue_date": field(ValueType.DATE),
    "address": field(ValueType.ADDRESS),
    "area": field(ValueType.AREA),
    "native_place": field(ValueType.TERM, About.PLACE),
    "xb": field(ValueType.TERM, About.SEX),
    "status": field(ValueType.TERM),
}


@pytest.mark.parametrize(
    ("forms", "count"),
    [
        ({"holder_id": "mask:id-6-4"}, 3181),
        ({"holder_id": "mask:id-6-4", "issue_date": "plain"}, 3181),
        ({"holder_id": "mask:id-6-4", "born": "general:age-band"}, 328),
        ({"holder_id": "mask:id-6-4", "born": "general:year"}, 32),
        ({"holder_id": "mask:id-0-4", "address": "mask:addr-district", "born": "general:year"}, 32),
        ({"holder_id": "mask:id-0-4", "area": "general:district", "born": "general:year"}, 32),
        ({"holder_id": "mask:id-1-1", "address": "plain", "born": "plain"}, 90),
        ({"holder_id": "mask:id-14-0", "xb": "plain"}, 499),
        ({"holder_id": "mask:id-6-0", "holder_code": "mask:id-0-4"}, 3181),
        ({"holder_id": "plain", "born": "plain", "address": "plain"}, UNTOUCHED.count),
        ({"holder_id": "mask:id-6-4", "born": "mask:date-year"}, 32),
        ({"holder_id": "mask:id-6-4", "born": "attest:valid-on"}, 1),
        ({"holder_id": "mask:id-6-4", "born": "exists"}, 3181),
        ({"holder_id": "mask:id-6-4", "csrq": "plain"}, 1),
        ({"holder_id": "mask:id-6-4", "birth_of_the_company": "plain"}, 3181),
        ({"holder_id": "mask:id-1-1", "native_place": "plain", "born": "plain"}, 90),
        ({"holder_id": "mask:id-14-0", "status": "plain"}, 999),
        ({"holder_id": "match"}, UNTOUCHED.count),
        ({"holder_id": "match", "born": "plain"}, 2850 * 999),
        ({"holder_id": "match", "born": "plain", "address": "general:district", "xb": "plain"}, 499),
        ({"holder_id": "exists", "born": "plain"}, UNTOUCHED.count),
        ({"holder_id": "withheld", "born": "plain"}, UNTOUCHED.count),
        ({"born": "plain", "address": "plain"}, UNTOUCHED.count),
        ({}, UNTOUCHED.count),
        ({"gone": "mask:id-6-4"}, UNTOUCHED.count),
    ],
)
def test_a_plan_is_judged_by_all_its_fields(forms: dict[str, str], count: int) -> None:
    """Birth, place and sex narrow a number that is masked or may be compared; what is not about the holder does not."""
    assert residual_candidates({name: Form.parse(form) for name, form in forms.items()}, FIELDS).count == count


def test_a_finding_names_the_fields_that_cause_it() -> None:
    """The masked number comes first, then the fields that narrow it; what the mask tells by itself is not blamed."""
    forms = {
        "issue_date": "plain",
        "born": "general:year",
        "holder_id": "mask:id-6-4",
        "address": "plain",
        "xb": "plain",
    }
    found = residual_candidates({name: Form.parse(form) for name, form in forms.items()}, FIELDS)
    assert found.because == ("holder_id=mask:id-6-4", "born=general:year")


def test_an_attested_age_narrows() -> None:
    """Whether somebody is of age leaves the fewer of those who are and those who are not."""
    plain = residual_candidates({"holder_id": Form.parse("mask:id-6-4")}, FIELDS).count
    forms = {"holder_id": Form.parse("mask:id-6-4"), "born": Form.parse("attest:age>=18")}
    assert plain * 17 / 96 <= residual_candidates(forms, FIELDS).count <= plain * 18 / 96


def test_a_rare_name_in_a_county() -> None:
    """In a county of 500,000 fifty people share a rare surname, with the birth year one; `name-rare` leaves more."""
    found = [
        name_residual({name: Form.parse(form) for name, form in forms.items()}, FIELDS)
        for forms in (
            {"holder_name": "mask:name"},
            {"holder_name": "mask:name", "address": "mask:addr-district"},
            {"holder_name": "mask:name", "address": "mask:addr-district", "born": "general:year"},
            {"holder_name": "mask:name", "address": "mask:addr-district", "born": "plain"},
            {"holder_name": "mask:name-rare", "address": "mask:addr-district"},
            {"holder_name": "plain", "address": "plain"},
        )
    ]
    assert [residual and residual.count for residual in found] == [118_000, 50, 1, 1, 500, None]


def test_the_spaces_are_those_of_the_design() -> None:
    """2,850 counties, birth dates of 96 years, 999 sequence numbers."""
    assert sum(EVERY_DAY.values()) * COUNTIES * SEQUENCES == UNTOUCHED.count
