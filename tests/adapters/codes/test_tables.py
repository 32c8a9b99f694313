"""The tables of issuers, licence types and holder types: what they say, and every fault of a file at once."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes.code import CodeFlag
from adapters.codes.holder_types import (
    holder_code_flags,
    load_holder_types,
    shipped_holder_types,
    shown_holder_type,
)
from adapters.codes.issuers import load_issuers, shipped_issuers
from adapters.codes.licence_types import load_licence_types, shipped_licence_types
from adapters.codes.tables import load_tables, shipped_tables
from adapters.mapping.adapter import load_adapter
from adapters.mapping.fault import MappingError

CREDIT = "91350100M000100Y43"
CITIZEN = "11010519491231002X"

TYPES = """
[[type]]
id = "new"
en = "New"
evidence = "certain"
[[type.code]]
code = "A1"
from = "2020-01-01"
[[type.name]]
zh = "甲证（新）"
[[type.predecessor]]
id = "old"
from = "2020-01-01"
[[type]]
id = "old"
en = "Old"
[[type.code]]
code = "a1"
until = "2020-01-01"
[[type.name]]
zh = "甲证"
"""


def test_two_codes_of_one_issuer_have_one_key() -> None:
    """The two codes met in one Beijing record, and the organisation code of one of them, name one authority."""
    issuers = shipped_issuers()
    keys = {issuers.key_of(code) for code in ("11110000000021135M", "12110000400777687U", "00002113-5")}
    assert len(keys) == 1
    found = issuers.find("12110000400777687u")
    assert found is not None
    assert found.code == "11110000000021135M"


def test_an_issuer_in_no_table_is_its_own() -> None:
    """A credit code and the organisation code in it are one issuer anyway; an area code is a text like any other."""
    issuers = shipped_issuers()
    assert issuers.key_of(CREDIT) == issuers.key_of(CREDIT[8:17]) != issuers.key_of("11430000006122244L")
    assert (issuers.key_of("340100"), issuers.key_of("")) == ("340100", "")
    assert issuers.find("340100") is None


def test_a_code_of_two_issuers_is_a_fault() -> None:
    """An alias that names two authorities would make one of two licences."""
    text = (
        f'[[issuer]]\ncode = "{CREDIT}"\n[[issuer]]\ncode = "340100"\naliases = ["{CREDIT[8:17]}", "?"]\ntitles = "x"\n'
    )
    with pytest.raises(MappingError) as caught:
        load_issuers(text.encode(), "issuers.toml")
    assert [(fault.line, fault.key) for fault in caught.value.faults] == [
        (5, "issuer[2].aliases"),
        (5, "issuer[2].aliases"),
        (6, "issuer[2].titles"),
    ]


def test_a_code_means_a_type_in_its_time() -> None:
    """The same code may mean two types one after the other; without a day it means neither."""
    types = load_licence_types(TYPES.encode(), "types.toml")
    found = [types.find(code="A1", on=day) for day in (date(2019, 12, 31), date(2020, 1, 1), None)]
    assert [one.id if one else None for one in found] == ["old", "new", None]
    assert types.successors("old") == ("new",)
    assert types.successors("new") == ()


def test_a_name_tells_where_the_code_does_not() -> None:
    """Names are compared without width; a type in no table has its own code or name as key."""
    types = load_licence_types(TYPES.encode(), "types.toml")
    assert types.key_of(code="B2", name="甲证(新)") == "new"
    assert types.key_of(code="b2", name="乙证") == "B2"
    assert types.key_of(name="乙　证") == "乙证"
    assert types.key_of() == ""


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "old"\nen', 'id = "new"\nen', "type[2].id"),
        ('id = "old"\nfrom', 'id = "odl"\nfrom', "type[1].predecessor"),
        ('id = "old"\nfrom', 'id = "new"\nfrom', "type[1].predecessor"),
        ('until = "2020-01-01"', 'until = "2020-01-02"', "type[2].code"),
        ('zh = "甲证"', 'zh = "甲证（新）"', "type[2].name"),
        ('[[type.name]]\nzh = "甲证"', "", "type[2].name"),
        ('until = "2020-01-01"', 'until = "2020-02-30"', "type[2].code[1].until"),
        ('until = "2020-01-01"', 'until = "20200101"', "type[2].code[1].until"),
        ('until = "2020-01-01"', 'from = "2020-01-01"\nuntil = "2020-01-01"', "type[2].code[1].until"),
        ('evidence = "certain"', 'evidence = "sure"', "type[1].evidence"),
        ('en = "Old"', "", "type[2].en"),
    ],
)
def test_one_broken_entry_of_the_licence_types_is_named(old: str, new: str, key: str) -> None:
    """Every fault names the key it stands under."""
    assert old in TYPES
    with pytest.raises(MappingError) as caught:
        load_licence_types(TYPES.replace(old, new).encode(), "types.toml")
    assert key in {fault.key for fault in caught.value.faults}


def test_the_shipped_licence_types_hold_the_codes_of_the_domain() -> None:
    """The codes that were seen with a name, and what one certificate took the place of."""
    types = shipped_licence_types()
    constructor = types.find(code="11100000000013338W001")
    assert constructor is not None
    assert constructor.names[0].text == "二级建造师注册证书"
    assert types.successors("tax-registration-certificate") == ("business-licence",)
    merged = types.find(name="营业执照")
    assert merged is not None
    assert {one.id for one in merged.predecessors if one.since == date(2015, 10, 1)} == {
        "organisation-code-certificate",
        "tax-registration-certificate",
    }


def test_the_shipped_holder_types_are_those_of_two_systems() -> None:
    """The sixteen codes of GB/T 36903 that two unrelated systems have."""
    assert sorted(shipped_holder_types().types) == [
        "001", "099", "111", "114", "115", "118", "119", "120", "122",
        "411", "412", "413", "414", "511", "516", "999",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("system", "code", "gb"),
    [("guangdong", "10", "111"), ("guangdong", "70", "001"), ("guangdong", "50", "099"), ("fujian", "SF", "111"),
     ("fujian", "TWTX", "511"), ("fujian", "GATX", "516"), ("fujian", "JGDM", "099")],
)  # fmt: skip
def test_other_systems_codes_are_read(system: str, code: str, gb: str) -> None:
    """Each system's codes for the types that the domain page names."""
    assert shipped_holder_types().systems[system].to_gb[code] == gb


def test_what_is_written_is_read_back() -> None:
    """No system writes a type with a code that would be read as another type."""
    for system in shipped_holder_types().systems.values():
        assert all(system.to_gb[code] == gb for gb, code in system.from_gb.items())
        assert set(system.from_gb.values()) <= set(system.to_gb)


def test_faults_of_the_holder_types_are_named_together() -> None:
    """A code twice, a type that is not there, and two ways to write one meaning."""
    text = (
        '[[type]]\ngb = "111"\nzh = "甲"\nen = "a"\nholder = "person"\n'
        '[[type]]\ngb = "111"\nzh = "甲"\nen = "a"\n'
        '[[system]]\nid = "s"\nzh = "甲"\nen = "s"\n'
        '[[system.code]]\ncode = "1"\ngb = "111"\n'
        '[[system.code]]\ncode = "1"\ngb = "111"\n'
        '[[system.code]]\ncode = "2"\ngb = "112"\n'
        '[[system]]\nid = "s"\nzh = "甲"\nen = "s"\n'
    )
    with pytest.raises(MappingError) as caught:
        load_holder_types(text.encode(), "holder_types.toml")
    assert {fault.key for fault in caught.value.faults} == {
        "type[2].gb", "system[1].code[2].code", "system[1].code[2].reads_only", "system[1].code[3].gb", "system[2].id",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "shown"),
    [(CREDIT, "001"), (CITIZEN, "111"), (CITIZEN.lower(), "111"), ("110105491231002", "111"),
     ("123456789012345678", ""), ("E12345678", ""), ("", "")],
)  # fmt: skip
def test_a_number_shows_its_type_by_its_check_characters(code: str, shown: str) -> None:
    """Length alone shows nothing: both codes have 18 characters."""
    assert shown_holder_type(code) == shown


@pytest.mark.parametrize(
    ("code", "gb", "flags"),
    [
        (CITIZEN, "111", set()),
        (CREDIT, "001", set()),
        (CREDIT, "111", {CodeFlag.HOLDER_CODE_TYPE}),
        (CITIZEN, "001", {CodeFlag.HOLDER_CODE_TYPE}),
        ("E12345678", "414", set()),
        ("E12345678", "111", {CodeFlag.CITIZEN_ID_NON_STANDARD}),
        ("123456789012345678", "001", {CodeFlag.CREDIT_CODE_ORGANISATION}),
    ],
)
def test_a_stated_type_that_the_number_contradicts_is_flagged(code: str, gb: str, flags: set[CodeFlag]) -> None:
    """A received type may be a guess from the length, so the number is asked too."""
    assert holder_code_flags(code, gb) >= flags
    assert bool(flags) == bool(holder_code_flags(code, gb))


@given(st.text(max_size=300))
def test_a_file_of_garbage_is_refused_with_faults(text: str) -> None:
    """A table that is none is a MappingError, and never an error of another kind."""
    for load in (load_issuers, load_licence_types, load_holder_types):
        with suppress(MappingError):
            load(text.encode("utf-8", "surrogatepass"), "table.toml")


SITE = {
    "issuers.toml": b'[[issuer]]\ncode = "11110000000021135M"\naliases = ["110000"]\nevidence = "certain"\n',
    "licence_types.toml": """
[[type]]
id = "river-permit"
en = "River permit"
[[type.code]]
code = "HD-7"
[[type.code]]
code = "7"
from = "2020-01-01"
[[type.name]]
zh = "河道许可证"
[[type.predecessor]]
id = "business-licence"
""".encode(),
    "holder_types.toml": """
[[system]]
id = "river"
zh = "河省"
en = "River"
[[system.code]]
code = "P"
gb = "111"
""".encode(),
}
MAPPING = """
[system]
id = "river"
zh = "河省"
en = "River"
[message]
form = "json"
[[field]]
to = "type_code"
at = "$.type"
codec = ["licence-type"]
[[field]]
to = "issuer_code"
at = "$.office"
codec = ["issuer"]
[[field]]
to = "holders[].code_type"
at = "$.kind"
codec = ["holder-type:river"]
""".encode()


def test_a_site_adds_to_the_shipped_tables_and_overrides_them() -> None:
    """What the site has counts, what it has again is the site's, and everything else stays."""
    tables, shipped = load_tables(SITE), shipped_tables()
    assert tables.issuers.key_of("110000") == tables.issuers.key_of("11110000000021135M")
    assert tables.issuers.find("12110000400777687U") is None  # an alias of the shipped entry, which is replaced
    assert tables.types.key_of(code="7", on=date(2021, 1, 1)) == "river-permit"
    assert set(tables.types.types) == {*shipped.types.types, "river-permit"}
    assert set(tables.holder_types.systems) == {*shipped.holder_types.systems, "river"}
    assert (tables.digest.partition(":")[0], shipped.digest, load_tables({}).digest) == ("sha256", "", "")


def test_a_mapping_names_the_tables_of_its_site() -> None:
    """Aliases read as what they stand for; without the site's tables the mapping is refused, and the digest tells."""
    adapter = load_adapter(MAPPING, "river.toml", tables=load_tables(SITE))
    (record,) = adapter.parse(b'{"type": "7", "office": "110000", "kind": "P"}').records
    assert (record.type_code, record.issuer_code) == ("HD-7", "11110000000021135M")
    assert record.holders[0].code_type == "111"
    with pytest.raises(MappingError) as caught:
        load_adapter(MAPPING, "river.toml")
    assert [fault.key for fault in caught.value.faults] == ["field[3].codec"]
    more = SITE | {"issuers.toml": SITE["issuers.toml"].replace(b"110000", b"120000")}
    assert load_adapter(MAPPING, "river.toml", tables=load_tables(more)).digest != adapter.digest


def test_what_contradicts_a_shipped_entry_is_a_fault() -> None:
    """A code that the shipped table gives to another issuer or type, and faults of several files, are named at once."""
    taken = next(one for one in shipped_licence_types().types.values() if one.codes)
    with pytest.raises(MappingError) as caught:
        load_tables(
            {
                "issuers.toml": f'[[issuer]]\ncode = "{CREDIT}"\naliases = ["12110000400777687U"]\n'.encode(),
                "licence_types.toml": f"""
[[type]]
id = "mine"
en = "Mine"
[[type.code]]
code = "{taken.codes[0].text}"
[[type.name]]
zh = "甲证"
""".encode(),
                "holder_types.toml": b"[[systems]]",
            },
            place="adapters/codes/",
        )
    assert sorted((fault.file, fault.key) for fault in caught.value.faults) == [
        ("adapters/codes/holder_types.toml", "systems"),
        ("adapters/codes/issuers.toml", "issuer[1].aliases"),
        ("adapters/codes/licence_types.toml", "type[1].code"),
    ]
