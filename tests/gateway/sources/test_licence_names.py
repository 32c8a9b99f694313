"""Under which names it is noted what a system says of a licence."""

from adapters.codes.licence_types import shipped_licence_types
from gateway.sources.licence_names import LicenceNames
from gateway.sources.source import LicenceIndex, by_identifier, by_number

NAMES = LicenceNames(shipped_licence_types())
INDEX = LicenceIndex(identifier="1.2", number="N", type_code="T", name="某证", holders=("A",))


def test_names() -> None:
    """A number is a name with its type, whoever states that; a key for a holder has names of its own."""
    by_numbers = [("number", "N", "T"), ("number", "N", "某证")]
    assert NAMES.of_licence(INDEX, ["别的证"]) == [("identifier", "1.2"), *by_numbers]
    untyped = LicenceIndex(identifier="", number="N", type_code="", name="", holders=())
    assert NAMES.of_licence(untyped, ["T", "某证", ""]) == by_numbers
    assert NAMES.of_licence(untyped) == []
    assert NAMES.of_key(by_number("N", "T"), ["T", "某证"]) == by_numbers
    assert NAMES.of_key(by_number("N", "T", "A"), ["T"]) == [("number", "N", "T", "A")]
    assert NAMES.of_key(by_identifier("1.2", "A"), ["T"]) == [("identifier", "1.2", "A")]


def test_spellings_of_a_type() -> None:
    """Code and name of a type that the table has are one name."""
    known = next(one for one in shipped_licence_types().types.values() if one.codes)
    code, name = known.codes[0].text, known.names[0].text
    assert len(NAMES.of_key(by_number("N", code), [code, name])) == 1
