"""The dictionary of field names: every name of the domain is found, and guesses know how sure they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.crosswalk import EXACT, GENERIC, load_crosswalk, shipped_crosswalk, split_words, suggest
from adapters.mapping.fault import MappingError
from adapters.mapping.target import CARRIED

GOOD = """
[system]
one = ["甲系统", "System one"]
[synonym]
number = ["no"]
[word]
suffix = ["str"]
generic = ["code"]
[[concept]]
to = "number"
zh = ["编号"]
en = ["licence number"]
pinyin = ["bian hao"]
[concept.names]
one = ["licNo"]
"""


@pytest.mark.parametrize(
    ("name", "concept"),
    [(name, one.concept) for one in shipped_crosswalk().concepts for name, _ in one.names],
)
def test_every_name_of_a_system_is_found(name: str, concept: str) -> None:
    """A name that a system spells so is the surest guess, or shares its place with another that is spelt so too."""
    found = suggest(name)
    assert concept in {one.concept for one in found if one.confidence == found[0].confidence}


@pytest.mark.parametrize(
    ("name", "concept", "least"),
    [
        ("ZZBH", "number", 0.95),
        ("zzbh", "number", 0.9),
        ("CertNo", "number", 0.9),
        ("cert-no", "number", 0.9),
        ("ＣＥＲＴ＿ＮＯ", "number", 0.9),
        ("licenceNumber", "number", 0.9),
        ("permit_no", "number", 0.7),
        ("许可证编号", "number", 0.9),
        ("zhengzhaobianhao", "number", 0.9),
        ("zhèngzhàobiānhào", "number", 0.9),
        ("zheng4zhao4bian1hao4", "number", 0.9),
        ("ZSBH", "number", 0.7),
        ("企业统一社会信用代码", "holders[].code", 0.6),
        ("ownr_name", "holders[].name", 0.5),
        ("holderName1", "holders[].name", 0.9),
        ("expireDate", "valid_to", 0.7),
        ("expiryDateStr", "valid_to", 0.7),
        ("dqzt", "status", 0.7),
        ("licenseStatus", "status", 0.7),
        ("retCode", "outcome", 0.7),
    ],
)
def test_other_spellings_of_a_name_are_found(name: str, concept: str, least: float) -> None:
    """Case, width, separators, synonyms, pinyin with and without tones, initials, typing errors and suffixes."""
    found = suggest(name)
    assert found[0].concept == concept
    assert found[0].confidence >= least
    assert found[0].why.zh
    assert found[0].why.en


@pytest.mark.parametrize("name", ["", "x", "法定代表人", "foo", "KZ_x", "1", "@", "住所", "x" * 129])
def test_a_name_that_nothing_is_like_has_no_guess(name: str) -> None:
    """Nothing is guessed from nothing."""
    assert suggest(name) == []


def test_a_word_that_says_little_is_never_sure() -> None:
    """One system's "name" or "code" is any system's."""
    assert suggest("name")[0].confidence <= GENERIC
    assert suggest("code")[0].confidence <= GENERIC


def test_a_name_of_two_concepts_shares_its_confidence() -> None:
    """What is the identifier in Anhui is the outcome elsewhere."""
    found = suggest("code")
    assert {one.concept for one in found[:2]} == {"identifier", "outcome"}


def test_the_dictionary_has_every_field_of_the_record() -> None:
    """Whatever a mapping can carry has names, but for what no system was seen to send."""
    known = {one.concept for one in shipped_crosswalk().concepts}
    assert set(CARRIED) - known == {"under_objection", "trust_level", "surface"}
    assert "surface.*" in known


def test_words_are_split_at_every_border() -> None:
    """Camel, snake and kebab case, digits and Han."""
    assert split_words("certNO_of-Holder2证照") == ("cert", "no", "of", "holder", "证照")
    assert split_words("eCertID") == ("e", "cert", "id")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('to = "number"', 'to = "numbers"', "concept[1].to"),
        ('to = "number"', 'to = "number"\nrole = "count"', "concept[1].to"),
        ('to = "number"', 'role = "counts"', "concept[1].role"),
        ('one = ["licNo"]', 'two = ["licNo"]', "concept[1].names.two"),
        ('one = ["甲系统", "System one"]', 'one = ["甲系统"]', "system.one"),
        ('number = ["no"]', 'number = ["no"]\ncount = ["no"]', "synonym.count"),
        ('zh = ["编号"]', 'cn = ["编号"]', "concept[1].cn"),
        ('suffix = ["str"]', 'suffixes = ["str"]', "word.suffixes"),
    ],
)
def test_one_broken_entry_is_named(old: str, new: str, key: str) -> None:
    """The dictionary is read strictly, and a fault names its key."""
    assert old in GOOD
    assert load_crosswalk(GOOD.encode(), "crosswalk.toml").suggest("licNo")[0].confidence == EXACT
    with pytest.raises(MappingError) as caught:
        load_crosswalk(GOOD.replace(old, new).encode(), "crosswalk.toml")
    assert key in {fault.key for fault in caught.value.faults}


@given(st.text(max_size=60))
def test_guesses_are_sorted_and_within_bounds(name: str) -> None:
    """Whatever the name: each concept once, the surest first, never certain."""
    found = suggest(name)
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)
    assert len({one.concept for one in found}) == len(found)
    assert all(0 < one.confidence <= EXACT for one in found)
