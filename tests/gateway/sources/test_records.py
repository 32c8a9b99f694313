"""Records of other systems: which of them is meant, and what they state."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes.tables import load_tables, shipped_tables
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordFlag, RecordStatus
from gateway.sources.records import contradicts, holds, may_be_held, select_meant, state
from gateway.sources.source import LicenceKey, by_identifier, by_number
from gateway.standins.samples import SAMPLES
from policies.dimension import LicenceStatus

FOOD, TRADE, _, PERSONAL = SAMPLES
HOLDER = FOOD.holders[0].code
NOTHING: frozenset[str] = frozenset()
DOCUMENT = RecordDocument(content=b"x")
COPY = replace(
    FOOD, identifier=FOOD.identifier.replace(FOOD.identifier.split(".")[7], "00000000000000000000000000000009")
)


def meant(key: LicenceKey, *records: LicenceRecord, is_list: bool = False, types: frozenset[str] = NOTHING) -> object:
    """Return the number of the record that is meant, unless it is that of another holder."""
    found = select_meant(records, key, types=types, is_list=is_list, tables=shipped_tables())
    return None if found is None or not may_be_held(found, key) else found.record.number


def test_what_a_record_states() -> None:
    """A record becomes a licence with its dates, holders and surface, and the status it has."""
    surface = {"JYXM": "热食类制售", "LIST": ("a", "b"), "TABLE": ({"x": "1"},), "EMPTY": ""}
    stated = state(replace(FOOD, surface=surface, flags=frozenset({RecordFlag.STATUS_UNSEEN})))
    licence = stated.licence
    assert (licence.name, licence.number, licence.valid_to) == (FOOD.name, FOOD.number, FOOD.valid_to)
    assert licence.elements == {"KZ_JYXM": "热食类制售", "KZ_LIST": "a、b"}
    assert (stated.status, stated.is_unseen) == (LicenceStatus.ACTIVE, True)
    assert stated.index.type_code == FOOD.type_code


@pytest.mark.parametrize("code", ["9133**********287C", "3301051949×××××××X", "●●●●"])
def test_a_masked_number_is_none(code: str) -> None:
    """A masked number of a holder is nobody's, and neither fits nor contradicts."""
    masked = replace(FOOD, holders=(RecordHolder(name="某*", code=code, code_type="001"),))
    stated = state(masked)
    assert stated.licence.holders[0].code == ""
    assert not contradicts(stated.index, state(FOOD).index)
    assert not holds(stated.index, HOLDER)
    assert meant(by_number(FOOD.number, FOOD.name, HOLDER), masked) == FOOD.number


def test_an_identifier_means_one() -> None:
    """The record with the identifier is meant, or one that states none, and never another one."""
    key = by_identifier(FOOD.identifier)
    assert meant(key, TRADE, FOOD) == FOOD.number
    assert meant(key, replace(FOOD, identifier="")) == FOOD.number
    assert meant(key, TRADE) is None
    assert meant(by_identifier(""), replace(FOOD, identifier="")) is None


def test_a_number_means_one() -> None:
    """The number must agree, and in a list of a holder's licences it must be stated."""
    key = by_number(FOOD.number, FOOD.type_code)
    assert meant(key, TRADE, FOOD) == FOOD.number
    unnumbered = replace(FOOD, number="")
    assert meant(key, unnumbered) == ""
    assert meant(key, unnumbered, is_list=True) is None
    assert meant(by_number("", FOOD.type_code), unnumbered) is None


@pytest.mark.parametrize(
    ("asked", "types", "changes", "is_meant"),
    [
        (FOOD.type_code, (), {}, True),
        (FOOD.name, (), {}, True),
        (TRADE.type_code, (), {}, False),
        (TRADE.name, (), {}, False),
        (FOOD.name, (), {"name": ""}, True),  # a name and a code cannot be compared
        (FOOD.type_code, (), {"type_code": "", "identifier": ""}, True),
        (TRADE.name, (), {"type_code": "", "identifier": "", "name": ""}, True),
        ("小餐饮", (FOOD.type_code,), {}, True),
        ("小餐饮", (TRADE.type_code,), {"name": "小餐饮证"}, False),
        ("044", (), {"type_code": "044", "identifier": "", "name": "another"}, True),
    ],
)
def test_types(asked: str, types: tuple[str, ...], changes: dict[str, str], *, is_meant: bool) -> None:
    """Types are compared code with code and name with name; what cannot be compared excludes nothing."""
    key = by_number(FOOD.number, asked)
    record = replace(FOOD, **changes)  # type: ignore[arg-type]  # texts of the record
    assert (meant(key, record, types=frozenset(types)) is not None) is is_meant


def test_another_holder_is_not_meant() -> None:
    """A licence of another holder is not the one that is asked for."""
    assert meant(by_number(FOOD.number, FOOD.name, "91349901MADEM3415U"), FOOD) is None
    assert meant(by_number(FOOD.number, FOOD.name, HOLDER), FOOD) == FOOD.number
    (person,) = PERSONAL.holders
    assert meant(by_number(PERSONAL.number, PERSONAL.name, person.code.lower()), PERSONAL) == PERSONAL.number


def test_the_latest_counts_and_of_copies_the_worst() -> None:
    """An older licence of the same number says nothing; of copies the worst status and any document count."""
    key = by_number(FOOD.number, FOOD.name)
    old = replace(COPY, issued_on=date(2019, 1, 1), status=RecordStatus.REVOKED)
    copy = replace(FOOD, status=RecordStatus.SUSPENDED, document=DOCUMENT, under_objection=True)
    undated = replace(FOOD, issued_on=None, status=RecordStatus.UNKNOWN)
    found = select_meant([old, FOOD, copy, undated], key, types=NOTHING, is_list=True, tables=shipped_tables())
    assert found is not None
    assert (found.status, found.record.document, found.record.under_objection) == (
        LicenceStatus.SUSPENDED,
        DOCUMENT,
        True,
    )


@given(st.permutations([FOOD, replace(FOOD, status=RecordStatus.CANCELLED), replace(FOOD, document=DOCUMENT)]))
def test_the_order_of_copies_does_not_count(records: list[LicenceRecord]) -> None:
    """Whatever order copies come in, status and document are the same."""
    found = select_meant(records, by_identifier(FOOD.identifier), types=NOTHING, is_list=False, tables=shipped_tables())
    assert found is not None
    assert (found.status, found.record.document) == (LicenceStatus.CANCELLED, DOCUMENT)


@pytest.mark.parametrize(
    ("copy", "status"),
    [
        (COPY, LicenceStatus.CANCELLED),
        (replace(COPY, issued_on=None), LicenceStatus.CANCELLED),
        (replace(COPY, number=FOOD.number + "0"), LicenceStatus.ACTIVE),
        (replace(COPY, issuer_code=""), LicenceStatus.ACTIVE),
        (replace(COPY, issued_on=date(2001, 1, 1)), LicenceStatus.ACTIVE),
        (replace(COPY, issued_on=date(2099, 1, 1)), LicenceStatus.ACTIVE),
    ],
    ids=["copy", "undated", "another number", "no issuer", "before", "after"],
)
def test_a_copy_under_an_identifier_of_its_own(copy: LicenceRecord, status: LicenceStatus) -> None:
    """What agrees in number, type and issuer counts as a copy of the licence that an identifier means; no document."""
    copy = replace(copy, status=RecordStatus.CANCELLED, document=DOCUMENT)
    for records in ([FOOD, copy], [copy, FOOD]):
        found = select_meant(
            records, by_identifier(FOOD.identifier), types=NOTHING, is_list=False, tables=shipped_tables()
        )
        assert found is not None
        assert (found.record.identifier, found.record.document, found.status) == (FOOD.identifier, None, status)
        assert (RecordFlag.COPIES_DIFFER in found.record.flags) == (status is LicenceStatus.CANCELLED)


@pytest.mark.parametrize(
    ("changes", "is_contradiction"),
    [
        ({}, False),
        ({"number": "another"}, True),
        ({"identifier": TRADE.identifier}, True),
        ({"holders": (RecordHolder(name="x", code="91349901MADEM3415U"),)}, True),
        ({"number": "", "identifier": "", "holders": ()}, False),
    ],
)
def test_contradictions(changes: dict[str, object], *, is_contradiction: bool) -> None:
    """Record and document contradict each other where both state something, and state different things."""
    record = replace(FOOD, **changes)  # type: ignore[arg-type]  # fields of the record
    assert contradicts(state(record).index, state(FOOD).index) is is_contradiction


@pytest.mark.parametrize(
    ("changes", "is_contradiction"),
    [
        ({"identifier": "", "type_code": ""}, False),
        ({"identifier": "", "type_code": "", "name": TRADE.name}, True),
        ({"identifier": "", "type_code": TRADE.type_code, "name": TRADE.name}, True),
        ({"identifier": "", "type_code": "", "name": ""}, False),
        ({"name": "食品经营许可证（副本）", "type_code": ""}, False),  # the identifier says the type
    ],
)
def test_types_contradict_each_other(changes: dict[str, str], *, is_contradiction: bool) -> None:
    """A record of another type is of another licence, whatever number they have in common."""
    index = state(replace(FOOD, **changes)).index  # type: ignore[arg-type]  # texts of the record
    assert contradicts(index, state(FOOD).index, types=shipped_tables().types) is is_contradiction
    assert not contradicts(index, state(FOOD).index)


def test_a_holder_beside_another_one_whose_number_is_not_masked() -> None:
    """Who may be the holder that is masked is not taken for a stranger because another holder is named."""
    first = RecordHolder(name="x", code="91349901MADEM3415U")
    for code, is_meant in ((f"{HOLDER[:4]}***{HOLDER[-3:]}", True), ("0000***", False)):
        both = replace(FOOD, holders=(first, RecordHolder(name="某*", code=code)))
        found = meant(by_number(FOOD.number, FOOD.name, HOLDER), both)
        assert (found is not None) is is_meant


def test_codes_of_one_type_in_the_table_are_one_type() -> None:
    """Where a site says that two codes mean one type, a record with the other code is the licence that is asked for."""
    table = f'[[type]]\nid = "food"\nen = "Food"\ncode = [{{ code = "{FOOD.type_code}" }}, {{ code = "SPJY-01" }}]\n'
    tables = load_tables({"licence_types.toml": f'{table}name = [{{ zh = "食品经营证" }}]\n'.encode()})
    record = replace(FOOD, type_code="SPJY-01", identifier="", name="")
    key = by_number(FOOD.number, FOOD.type_code)
    for known, is_meant in ((tables, True), (shipped_tables(), False)):
        found = select_meant([record], key, types=NOTHING, is_list=True, tables=known)
        assert (found is not None) is is_meant
