"""Which patterns a policy may have: those that never go back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.validation.pattern import find_pattern_fault

GOOD_PATTERNS = [
    r"[0-9A-Za-z-]{1,64}", r"BDC[0-9]{8}", r"[A-Z]{2,4}-[0-9]{6,10}",
    r"A?[0-9]{3}", r"皖[0-9]{4}号", r"\(a\)\.[a-f]{2}",
    r"[0-9]{2}[0-9]{3}", r"[a-z]?[0-9]?-", r"[-]", r"[\-\]]{2}", "（[0-9]{4}）皖01号", r"[A-Z]{0,3}", "a", r"a{128}",
]  # fmt: skip
BAD_PATTERNS = [
    "", "(a)", "a|b", "a*", "a+", ".", "^a", "a$", r"\d", r"\1", r"\w{3}", "a{2,}", "a{3,2}", "[z-a]", "[^a]", "[]",
    "[[a]", "[a&&b]", "[a||b]", "[a--b]", "(?i)a", "a??", "a{2}{3}", "a{1000}", "[0-9]{1,64}[0-9]{1,64}", "a?a",
    "[a-c]{1,2}-?c", "a{129}", "a{100}b{29}", "a{0}", "[A-z]", "a b", "[ab", "a{",
    r"\\d+", "а+", "\u202ea", "[0-9]{,3}",
]  # fmt: skip


@pytest.mark.parametrize("pattern", GOOD_PATTERNS)
def test_patterns_of_the_subset_are_accepted(pattern):
    """What is in the subset is accepted, and Python reads it without a warning."""
    assert find_pattern_fault(pattern) is None
    assert re.compile(pattern)


@pytest.mark.parametrize("pattern", BAD_PATTERNS)
def test_patterns_outside_of_the_subset_are_refused(pattern):
    """Groups, alternatives, references, unbounded, nested and ambiguous repetitions are refused."""
    assert find_pattern_fault(pattern) is not None


ATOMS = st.sampled_from(["a", "b", "0", "[ab]", "[a-c]", "[0-9]", "[0-9A-Z]", "-", "[a-]", "皖", r"\."])
TIMES = st.sampled_from(["", "", "?", "{2}", "{0,2}", "{1,3}", "{0}", "{3,2}"])


@given(
    st.text(alphabet="ab01AZ-_[]{}(),?*+.\\|^$&~:皖", max_size=20)
    | st.lists(st.tuples(ATOMS, TIMES).map("".join), max_size=4).map("".join)
)
def test_every_accepted_pattern_is_a_regular_expression_that_never_goes_back(pattern):
    """What is accepted compiles without a warning, and making its repetitions possessive changes nothing it matches."""
    if find_pattern_fault(pattern) is None:
        greedy = re.compile(pattern)
        possessive = re.compile(re.sub(r"(?<!\\)(\{[0-9,]+\}|\?)", r"\1+", pattern))
        for text in ("", "a", "a0", "0a", "aa", "00", "A-0", "ab", "皖0", "-", "aab01"):
            assert bool(greedy.fullmatch(text)) == bool(possessive.fullmatch(text))
