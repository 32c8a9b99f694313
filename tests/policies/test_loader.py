"""A policy from its files: one bundle whatever the order, or every fault of every file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.bundle import digest_bundle, parse_bundle
from policies.bundle import encode_bundle as encode
from policies.fault import MAX_FAULTS, Place, PolicyError
from policies.forms.registry import REGISTRY_VERSION
from policies.loader import MAX_FILES, MAX_POLICY_BYTES, load_policy
from policies.validation.validate import MAX_RULES
from tests.support.policy import added, changed, small_policy

SMALL = load_policy(small_policy())


def error_of(files):
    with pytest.raises(PolicyError) as caught:
        load_policy(files)
    return caught.value


def test_the_small_policy_is_loaded():
    """All tables of all files stand in the bundle, by id, with the version of the forms."""
    bundle = SMALL.bundle
    assert (bundle.name, bundle.version, bundle.forms) == ("small", "2026.1", REGISTRY_VERSION)
    assert [len(x) for x in (bundle.callers, bundle.licences, bundle.items, bundle.rules)] == [4, 3, 4, 10]
    assert [len(x) for x in (bundle.together, bundle.budgets, bundle.tests)] == [1, 2, 8]
    for tables in (bundle.callers, bundle.licences, bundle.items, bundle.rules, bundle.budgets):
        assert [table.id for table in tables] == sorted(table.id for table in tables)


def test_places_lead_to_the_header_of_each_table():
    """Rules, items, tests and limits are found in their file, on the line of their header."""
    assert SMALL.place("rule", "R-002") == Place("rules.toml", 10)
    assert SMALL.place("item", "34-002") == Place("items.toml", 20)
    assert SMALL.places["together 1"] == Place("limits.toml", 1)
    assert SMALL.place("test", "own counter, child").file == "limits.toml"
    assert SMALL.place("rule", "R-999") == Place("", None)


def tables_of(files):
    """Cut the files into their tables."""
    return [
        ("\n[[" + table).encode()
        for data in files.values()
        for table in f"\n{data.decode()}".replace("\n[bundle]", "\n[[bundle]").split("\n[[")[1:]
    ]


@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_order_of_files_and_tables_never_matters(rng, count):
    """However the tables are dealt out to files, in any order, the bundle and its digest are the same."""
    tables = [table.replace(b"[[bundle]", b"[bundle]") for table in tables_of(small_policy())]
    rng.shuffle(tables)
    files = {f"{rng.random()}-{place}.toml": b"".join(tables[place::count]) for place in range(count)}
    again = load_policy(files).bundle
    assert again == SMALL.bundle
    assert encode(again) == encode(SMALL.bundle)


SAME = {
    "a list in another order": (
        "rules.toml",
        '["active", "suspended", "expired"]',
        '["expired", "active", "suspended"]',
    ),
    "forms in another order": ("items.toml", '["plain", "mask:name"]', '["mask:name", "plain"]'),
    "a list of one form": ("rules.toml", 'birth_date = "general:year"', 'birth_date = ["general:year"]'),
    "a form in a test as a list": ("limits.toml", 'birth_date = "general:year"', 'birth_date = ["general:year"]'),
    "a default in words": ("catalogue.toml", "residual = 10000\n", ""),
    "all homes": ("catalogue.toml", 'en = "notary office"', 'en = "notary office"\nhome = ["partner", "own"]'),
    "the outcome that is meant": ("rules.toml", 'overrides = ["R-004"]', 'overrides = ["R-004"]\noutcome = ["valid"]'),
    "an empty condition": ("rules.toml", 'id = "R-008"', 'id = "R-008"\ncaller = {}\noverrides = []'),
    "an obligation as it is anyway": ("rules.toml", 'id = "R-008"', 'id = "R-008"\noblige = { keep_days = 1095 }'),
    "a comment": ("rules.toml", 'id = "R-008"', '# this\nid = "R-008"  # and that'),
    "a table in another spelling": ("items.toml", "case = { required = false }", "case.required = false"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_has_the_same_digest(name):
    """Two spellings of one policy are one bundle."""
    again = load_policy(changed(*SAME[name])).bundle
    assert again == SMALL.bundle
    assert digest_bundle(again) == digest_bundle(SMALL.bundle)


def test_what_means_something_else_has_another_digest():
    """A changed reason is a changed policy."""
    other = load_policy(changed("rules.toml", "of age", "of full age")).bundle
    assert digest_bundle(other) != digest_bundle(SMALL.bundle)


def test_all_faults_of_all_files_are_in_one_report():
    """Syntax, shape and meaning are reported together, by file and line."""
    files = changed("rules.toml", 'id = "R-001"\nwhy = "the own counter checks who applies"\n', 'id = "R-001"\n')
    files = changed("rules.toml", 'kind = ["approval"]', 'kind = ["aproval"]', files=files)  # codespell:ignore aproval
    files = changed("items.toml", 'purpose = "notarisation"', "purpose = 7", files=files)
    files = changed("limits.toml", 'counts = "matches"', 'counts = "matchs"', files=files)  # codespell:ignore matchs
    faults = error_of(files).faults
    assert [(fault.file, fault.key, fault.meant) for fault in faults] == [
        ("items.toml", "item 34-002.purpose", ""),
        ("limits.toml", "budget subject-a-day.counts", "matches"),
        ("rules.toml", "rule R-001.why", ""),
        ("rules.toml", "rule R-007.caller.kind", "approval"),
    ]


def test_a_table_that_cannot_be_read_is_a_known_name_all_the_same():
    """One fault in a licence type is one fault, not one more for each rule and item that names it."""
    (fault,) = error_of(changed("catalogue.toml", 'codes = ["11100000000013338W011"]', "codes = [7]")).faults
    assert fault.key == "licence id-card.codes"


@pytest.mark.parametrize("name", ["items.toml", "catalogue.toml", "rules.toml", "limits.toml"])
def test_a_file_that_cannot_be_read_makes_no_other_fault(name):
    """Names that may stand in a broken file are not called unknown."""
    (fault,) = error_of(small_policy() | {name: b"a = ["}).faults
    assert fault.file == name


@pytest.mark.parametrize(
    ("files", "key", "expected", "meant"),
    [
        ({"a.toml": b""}, "bundle", "[bundle] in exactly one file", ""),
        (added("items.toml", "[bundle]\n"), "bundle", "[bundle] in exactly one file", ""),
        (changed("rules.toml", '[[rule]]\nid = "R-009"', '[[ruel]]\nid = "R-009"'), "ruel", "one of bundle", "rule"),
        ({"a.toml": b"rule = 1\n"}, "rule", "[[rule]], as there may be several", ""),
        ({"a.toml": b"[rule]\nid = 1\n"}, "rule", "[[rule]], as there may be several", ""),
        ({"a.toml": b"rule = [1]\n"}, "rule #1", "a table", ""),
        ({"a.toml": b"[[bundle]]\n"}, "bundle", "a table", ""),
    ],
)
def test_tables_are_named_and_counted(files, key, expected, meant):
    """Unknown tables, a missing or second head, and tables in the wrong brackets are faults."""
    fault = next(fault for fault in error_of(files).faults if fault.key == key)
    assert expected in fault.expected.en
    assert fault.meant == meant


def test_too_many_files_and_too_many_bytes_are_refused_unread():
    """The bounds of the whole policy are looked at first."""
    (fault,) = error_of({f"{number}.toml": b"" for number in range(MAX_FILES + 1)}).faults
    assert str(MAX_FILES) in fault.expected.en
    (fault,) = error_of({f"{number}.toml": b"#" * (MAX_POLICY_BYTES // 2) for number in range(3)}).faults
    assert str(MAX_POLICY_BYTES) in fault.expected.en
    assert str(fault).startswith("expected at most")
    assert fault.sentence_zh.startswith("应为")


MANY = 'id = "R-x{}"\nwhy = "x"\nbasis = "x"\nitem = ["34-001"]\ngrant = {{ status = "plain" }}\n'


def test_ten_thousand_rules_are_loaded_and_one_more_is_refused():
    """The bound on rules holds for all files together, and within it a policy is loaded."""
    text = "".join(f"[[rule]]\n{MANY.format(number)}" for number in range(20_000, 20_000 + MAX_RULES - 10))
    assert len(load_policy(added("rules.toml", text)).bundle.rules) == MAX_RULES
    (fault,) = error_of(added("rules.toml", f"{text}[[rule]]\n{MANY.format(1)}")).faults
    assert (fault.key, fault.found.en) == ("rule", str(MAX_RULES + 1))


def test_of_very_many_faults_the_first_are_shown_and_the_others_counted():
    """A file of nothing but mistakes gives a report of bounded length."""
    error = error_of(added("rules.toml", "[[rule]]\nidd = 1\n" * 2_000))
    assert len(error.faults) == MAX_FAULTS
    assert error.more == 2_000 * 5 - MAX_FAULTS


def test_names_of_files_cannot_deceive():
    """A file's name is shown without what turns text round."""
    (fault,) = error_of(small_policy() | {"a\u202e\n.toml": b"a = ["}).faults
    assert fault.file == "a\\u202e\\u000a.toml"


@given(
    st.dictionaries(st.text(max_size=5), st.binary(max_size=200) | st.text(max_size=200).map(str.encode), max_size=3)
)
def test_garbage_raises_only_the_typed_error(files):
    """Whatever the files hold, the only error is that of the policy, with at least one fault."""
    assert error_of(files).faults


@given(st.randoms(use_true_random=False))
def test_a_damaged_policy_is_loaded_or_refused_with_faults(rng):
    """With any few bytes changed, a policy is loaded as one that can be read back, or refused with the typed error."""
    files = small_policy()
    name = rng.choice(sorted(files))
    data = bytearray(files[name])
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        data[at : at + rng.randint(0, 4)] = rng.choice(
            [b"", b"x", b'"', b"\n", b"[[rule]]\n", b"NO", b"0", b"=", b"\xff"]
        )
    try:
        bundle = load_policy(files | {name: bytes(data)}).bundle
    except PolicyError as error:
        bundle = None
        refused = error.faults
    if bundle is None:
        assert refused
    else:
        assert parse_bundle(encode(bundle)) == bundle


def test_a_table_with_a_wrong_name_hides_nothing_elsewhere():
    """Only what was probably meant by it may stand there; all else is known, and unknown names are faults."""
    files = changed("rules.toml", 'item = ["34-003"]\ncaller', 'item = ["34-999"]\ncaller')
    with pytest.raises(PolicyError) as caught:
        load_policy(files | {"more.toml": b"[weather]\nfine = true\n"})
    assert {fault.key for fault in caught.value.faults} == {"weather", "rule R-007.item"}
    with pytest.raises(PolicyError) as caught:
        load_policy(files | {"more.toml": b"[[items]]\nid = '34-999'\n"})
    assert {fault.key for fault in caught.value.faults} == {"items"}
