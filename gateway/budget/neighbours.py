"""Numbers beside a number: what somebody asks about who tries one after another.

A number's neighbours differ from it in one character, or by one in counting: the sequence part, and for citizen numbers
the day of birth. The check character of a citizen number or a credit code follows from the rest, and is left out.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Final

from policies.forms.citizen import LENGTH, birth_date, is_citizen_number, widen
from policies.forms.credit_code import is_credit_code
from policies.forms.normal import UnfitTextError, normalise

FEWEST_DIGITS: Final = 6  # a text with fewer is no number that anybody could count through
MAX_NUMBER: Final = 40  # characters; longer ones have no neighbours, and are too long to be counted through by hand
_DIGITS: Final = "0123456789"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def stem_of(text: str) -> str | None:
    """Return the part of a number in which it differs from its neighbours; None for what is no such number."""
    try:
        number = (normalise(text) or "").upper()
    except UnfitTextError:
        return None
    if is_citizen_number(number):
        return widen(number)[:-1]
    if is_credit_code(number):
        return number[:-1]
    digits = sum(character in _DIGITS for character in number)
    return number if digits >= FEWEST_DIGITS and len(number) <= MAX_NUMBER else None


def neighbours_of(text: str) -> frozenset[str]:
    """Return the stems of all neighbours of a number.

    One character replaced by another of its kind, or left out, or a digit put in; and the numbers before and after.
    """
    stem = stem_of(text)
    if stem is None:
        return frozenset()
    found = {*_replaced(stem), *_left_out(stem), *_put_in(stem), *_counted(stem), *_born_a_day_apart(text, stem)}
    return frozenset(found - {stem})


def _replaced(stem: str) -> Iterator[str]:
    for place, character in enumerate(stem):
        for other in _DIGITS if character in _DIGITS else _LETTERS if character in _LETTERS else "":
            yield stem[:place] + other + stem[place + 1 :]


def _left_out(stem: str) -> Iterator[str]:
    return (stem[:place] + stem[place + 1 :] for place in range(len(stem)))


def _put_in(stem: str) -> Iterator[str]:
    return (stem[:place] + digit + stem[place:] for place in range(len(stem) + 1) for digit in _DIGITS)


def _counted(stem: str) -> Iterator[str]:
    """Count each run of digits one up and one down, its length kept."""
    edges = [
        0,
        *(place for place, (a, b) in enumerate(pairwise(stem), 1) if (a in _DIGITS) != (b in _DIGITS)),
        len(stem),
    ]
    for begin, end in pairwise(edges):
        run = stem[begin:end]
        if run and run[0] in _DIGITS:
            for step in (-1, 1):
                number = int(run) + step
                if 0 <= number < 10 ** len(run):
                    yield stem[:begin] + f"{number:0{len(run)}}" + stem[end:]


def _born_a_day_apart(text: str, stem: str) -> Iterator[str]:
    number = (normalise(text) or "").upper()
    if len(stem) != LENGTH - 1 or not is_citizen_number(number):
        return
    born = birth_date(number)
    for step in (-1, 1):
        yield f"{stem[:6]}{born + timedelta(days=step):%Y%m%d}{stem[14:]}"
