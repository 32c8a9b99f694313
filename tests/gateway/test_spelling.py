"""The one spelling of officials and cases: whoever writes theirs in another way is nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import MAX_PRIVATE_TEXT, fit_name
from gateway.audit.lookup import Epoch, LookupKeys, LookupKind
from gateway.spelling import spell_name

KEYS = LookupKeys({Epoch(1): b"k" * 32})


@pytest.mark.parametrize(
    "name",
    ["W-3701", "w-3701", "Ｗ－３７０１", "W\u20113701", "W\u22123701", " W - 3701", "W-3701\u200b", "W\x07-\u00ad3701"],
)
def test_names_of_one_official(name: str) -> None:
    """Width, case, spaces, dashes and what nobody sees are no difference, whichever way a name is used."""
    assert spell_name(name) == "W-3701"
    for kind in (LookupKind.OFFICIAL, LookupKind.CASE):
        assert KEYS.words(kind, name) == KEYS.words(kind, "W-3701")
        assert KEYS.owner(kind, name, Epoch(1)) == KEYS.owner(kind, "W-3701", Epoch(1))


@pytest.mark.parametrize("name", ["W-37010", "W3701", "V-3701", "工号3701"])
def test_names_of_others(name: str) -> None:
    """What people see as another number is another one."""
    assert spell_name(name) != "W-3701"
    assert KEYS.words(LookupKind.OFFICIAL, name) != KEYS.words(LookupKind.OFFICIAL, "W-3701")


def test_what_says_nothing_is_one() -> None:
    """Nobody becomes several officials by the many ways to say nothing."""
    assert {spell_name(name) for name in ("", "-", "--", "***", "无", " ", "\u200b", "\x07", "x" * 300)} == {""}


def test_other_words_of_the_index_are_exact() -> None:
    """The ids of requests and callers are the gateway's own, and people's numbers are spelled before."""
    assert KEYS.words(LookupKind.REQUEST, "a") != KEYS.words(LookupKind.REQUEST, "A")
    assert KEYS.words(LookupKind.SUBJECT, "a") != KEYS.words(LookupKind.SUBJECT, "A")


@given(st.text(max_size=300))
def test_one_spelling_is_its_own(name: str) -> None:
    """The spelling of a spelling is the same."""
    spelled = spell_name(name)
    assert spell_name(spelled) == spelled


@given(st.text(max_size=128))
def test_what_is_kept_is_found_by_what_was_typed(name: str) -> None:
    """A name that fits is kept as it was typed in; of another one, what is kept is found in every spelling of it."""
    kept = fit_name(name)
    assert len(kept.encode()) <= MAX_PRIVATE_TEXT
    assert "\0" not in kept
    if "\0" not in name and len(name.encode()) <= MAX_PRIVATE_TEXT:
        assert kept == name


def test_a_name_that_is_too_long_by_what_nobody_sees() -> None:
    """Invisible characters do not turn a name into a hash that no search finds."""
    assert fit_name("W-3701" + "\u200b" * 120) == "W-3701"
    assert fit_name("W-\x003701") == "W-3701"
