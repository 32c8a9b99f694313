"""What a policy may say: start from the small one, break one thing, and find exactly that."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.fault import PolicyError
from policies.loader import load_policy
from policies.validation.pattern import find_pattern_fault
from tests.support.policy import added, changed

RULE = '[[rule]]\nid = "R-0{}"\nwhy = "x"\nbasis = "x"\n'
HEAD = 'id = "R-010"\n'


def faults_of(files):
    with pytest.raises(PolicyError) as caught:
        load_policy(files)
    assert caught.value.more == 0
    return caught.value.faults


def edit(file, old, new):
    return lambda: changed(file, old, new)


def rule(text, number=11):
    return lambda: added("rules.toml", RULE.format(number) + text)


def more(file, text):
    return lambda: added(file, text)


CATALOGUE, ITEMS, RULES, LIMITS = "catalogue.toml", "items.toml", "rules.toml", "limits.toml"
ANY = 'item = ["34-001"]\nlicence = { type = ["id-card"] }\n'

# What is broken: (files, file, key, expected, found, meant).
BREAKAGES = {
    # the head
    "another format": (
        edit(CATALOGUE, "tongban-policy/1", "tongban-policy/2"),
        CATALOGUE,
        "bundle.schema",
        "tongban-policy/1",
        "/2",
        "",
    ),
    "a policy that ends first": (
        edit(CATALOGUE, 'valid_to = "2028-01-01"', 'valid_to = "2026-01-01"'),
        CATALOGUE,
        "bundle.valid_to",
        "after 2026-01-01",
        "2026",
        "",
    ),
    "a day that is none": (
        edit(CATALOGUE, '"2026-01-01"', '"2026-02-30"'),
        CATALOGUE,
        "bundle.valid_from",
        "a day that exists",
        "02-30",
        "",
    ),
    # what a field holds
    "a status that is something else": (
        edit(
            CATALOGUE,
            'fields.status = { type = "term", share = "unconditional", sensitivity = "public", source = "status", '
            'zh = "证照状态", en = "status" }\n\n[[licence]]\nid = "driving-licence"',
            'fields.status = { type = "term", share = "unconditional", sensitivity = "public", source = "KZ_CSRQ", '
            'zh = "证照状态", en = "status" }\n\n[[licence]]\nid = "driving-licence"',
        ),
        CATALOGUE,
        "licence id-card.fields.status.source",
        "the source status",
        "KZ_CSRQ",
        "",
    ),
    "a status under another name": (
        edit(CATALOGUE, 'source = "KZ_ZJCX"', 'source = "status"'),
        CATALOGUE,
        "licence driving-licence.fields.vehicle_class.source",
        "another source",
        "status",
        "",
    ),
    "a holder's number under another type": (
        edit(
            CATALOGUE,
            'fields.licence_no = { type = "code", share = "conditional", sensitivity = "internal", source = "number"',
            'fields.licence_no = { type = "code", share = "conditional", sensitivity = "internal", '
            'source = "holder-code"',
        ),
        CATALOGUE,
        "licence driving-licence.fields.licence_no.type",
        "citizen-id",
        '"code"',
        "",
    ),
    "a form that tells of another value": (
        lambda: changed(
            CATALOGUE,
            'fields.holder_phone = { type = "phone", source = "KZ_LXDH", zh = "联系电话", en = "telephone" }',
            'fields.valid_from = { type = "date", source = "valid-from", zh = "有效期起", en = "valid from" }',
            files=changed(
                ITEMS, 'valid_to = ["plain", "general:year"]', 'valid_to = ["plain", "general:year", "attest:valid-on"]'
            ),
        ),
        ITEMS,
        "item 34-002.ceiling.valid_to",
        "valid_from in the ceiling",
        "attest:valid-on",
        "",
    ),
    "a limit twice": (
        more(
            LIMITS,
            '[[together]]\nfields = ["address", "holder_id", "birth_date"]\nforms = ["plain", "mask"]\nwhy = "again"\n',
        ),
        LIMITS,
        "together #2.fields",
        "each limit once",
        "together #1",
        "",
    ),
    # names
    "a rule twice": (
        rule('grant = { status = "plain" }\nitem = ["34-001"]\n', 10),
        RULES,
        "rule R-010.id",
        "a name of its own",
        "stands in rules.toml:101",
        "",
    ),
    "rules that look alike": (
        edit(RULES, HEAD, 'id = "R-0O9"\n'),
        RULES,
        "rule R-0O9.id",
        "not mistaken",
        "looks like R-009",
        "",
    ),
    "fields that look alike": (
        edit(
            CATALOGUE,
            "fields.photo",
            'fields.hoider_id = { type = "code", source = "X", zh = "x", en = "x" }\nfields.photo',
        ),
        CATALOGUE,
        "licence id-card.fields.hoider_id",
        "not mistaken",
        "looks like holder_id",
        "",
    ),
    "a test twice": (
        edit(LIMITS, '"own counter, child"', '"own counter, adult"'),
        LIMITS,
        "test own counter, adult.name",
        "of its own",
        "limits.toml:26",
        "",
    ),
    "a kind twice": (
        more(CATALOGUE, '[[caller_kind]]\nid = "approval"\nzh = "x"\nen = "x"\n'),
        CATALOGUE,
        "caller_kind approval.id",
        "of its own",
        "approval",
        "",
    ),
    "a value twice": (
        edit(RULES, '["minor", "adult"]', '["adult", "adult"]'),
        RULES,
        "rule R-002.holder.age",
        "each once",
        "adult twice",
        "",
    ),
    "a form twice": (
        edit(RULES, 'holder_id = "match"\nlicence_no', 'holder_id = ["match", "match"]\nlicence_no'),
        RULES,
        "rule R-004.grant.holder_id",
        "each once",
        "match twice",
        "",
    ),
    "a licence twice in an item": (
        edit(ITEMS, '["id-card", "business-licence"]', '["id-card", "id-card", "business-licence"]'),
        ITEMS,
        "item 34-001.licences",
        "each once",
        "id-card twice",
        "",
    ),
    # licence types
    "class none without a basis": (
        edit(CATALOGUE, 'basis = "to be verified", ', ""),
        CATALOGUE,
        "licence id-card.fields.photo.basis",
        "legal basis",
        "nothing",
        "",
    ),
    "a type code of two types": (
        edit(CATALOGUE, 'holders = ["organisation"', 'codes = ["11100000000013338W011"]\nholders = ["organisation"'),
        CATALOGUE,
        "licence business-licence.codes",
        "this licence type only",
        "which id-card has",
        "",
    ),
    # items
    "an unknown licence type": (
        edit(ITEMS, '["id-card", "driving-licence"]', '["id-card", "driving-licence", "driving-license"]'),
        ITEMS,
        "item 34-002.licences",
        "one of id-card",
        "license",
        "driving-licence",
    ),
    "an item never in force": (
        edit(ITEMS, 'valid_to = "2027-01-01"', 'valid_to = "2025-01-01"'),
        ITEMS,
        "item 34-001.valid_to",
        "a day after 2026-01-01",
        "2025",
        "",
    ),
    "an unknown field in a ceiling": (
        edit(ITEMS, 'birth_date = ["general:year"]', 'birth_date = ["general:year"]\nbirthdate = ["plain"]'),
        ITEMS,
        "item 34-001.ceiling.birthdate",
        "a field of the item's",
        "birthdate",
        "birth_date",
    ),
    "an unknown form in a ceiling": (
        edit(ITEMS, '["plain", "mask:name"]', '["plain", "mask:name", "mask:nam"]'),  # codespell:ignore nam
        ITEMS,
        "item 34-001.ceiling.holder_name",
        "a form that exists",
        "mask:nam",  # codespell:ignore nam
        "mask:name",
    ),
    "a form that no value can take": (
        edit(ITEMS, '["plain", "mask:name"]', '["plain", "mask:name", "general:year"]'),
        ITEMS,
        "item 34-001.ceiling.holder_name",
        "for the value type name",
        "general:year",
        "",
    ),
    "withheld in a ceiling": (
        edit(ITEMS, 'scope = ["plain"]', 'scope = ["plain", "withheld"]'),
        ITEMS,
        "item 34-003.ceiling.scope",
        "forms that may leave",
        "withheld",
        "",
    ),
    "a threshold without reason": (
        edit(ITEMS, 'purpose = "notarisation"', 'purpose = "notarisation"\nresidual = 10'),
        ITEMS,
        "item 34-002.why_residual",
        "why",
        "nothing",
        "",
    ),
    "a case pattern with a group": (
        edit(ITEMS, "BDC[0-9]{8}", "(BDC)[0-9]{8}"),
        ITEMS,
        "item 34-001.case.pattern",
        "bounded repetitions",
        "(BDC)[0-9]{8 at character 1",
        "",
    ),
    # rules
    "an unknown item": (
        edit(RULES, '"34-001", "34-002", "34-003"', '"34-001", "34-002", "34-003", "34-03"'),
        RULES,
        "rule R-009.item",
        "one of 34-001",
        "34-03",
        "34-003",
    ),
    "an unknown kind": (
        edit(RULES, '["counter", "partner-counter"]', '["counter", "partner-countr"]'),
        RULES,
        "rule R-003.caller.kind",
        "one of counter",
        "partner-countr",
        "partner-counter",
    ),
    "an unknown type": (
        rule('item = ["34-001"]\nlicence = { type = ["id-card", "idcard"] }\ngrant = { status = "plain" }\n'),
        RULES,
        "rule R-011.licence.type",
        "one of id-card",
        "idcard",
        "id-card",
    ),
    "an unknown field": (
        rule(ANY + 'grant = { holder_nam = "plain" }'),
        RULES,
        "rule R-011.grant.holder_nam",
        "a field of the licence types",
        "holder_nam",
        "holder_name",
    ),
    "a field of another type": (
        rule(ANY + 'grant = { credit_code = "plain" }'),
        RULES,
        "rule R-011.grant.credit_code",
        "a field of the licence types",
        "credit_code",
        "",
    ),
    "an unknown form": (
        rule(ANY + 'grant = { holder_name = "mask:nmae" }'),  # codespell:ignore nmae
        RULES,
        "rule R-011.grant.holder_name",
        "a form that exists",
        "mask:nmae",  # codespell:ignore nmae
        "mask:name",
    ),
    "a form of another value": (
        edit(
            RULES,
            'consent = ["given"]\ngrant = { holder_name = "plain"',
            'consent = ["given"]\ngrant = { holder_name = "attest:age>=18"',
        ),
        RULES,
        "rule R-006.grant.holder_name",
        "for the value type name (in id-card)",
        "attest:age>=18",
        "",
    ),
    "two shown forms": (
        edit(RULES, 'grant = { holder_name = "mask:name",', 'grant = { holder_name = ["plain", "mask:name"],'),
        RULES,
        "rule R-002.grant.holder_name",
        "at most one form that shows",
        "mask:name, plain",
        "",
    ),
    "withheld beside a form": (
        edit(RULES, 'birth_date = "withheld"', 'birth_date = ["general:year", "withheld"]'),
        RULES,
        "rule R-010.grant.birth_date",
        "withheld alone",
        "general:year, withheld",
        "",
    ),
    "a misspelt field": (
        edit(RULES, 'licence_no = "plain"', 'licence_no = "plain"\nholder_phone = "withheld"\nstatus_ = "plain"'),
        RULES,
        "rule R-004.grant.status_",
        "a field of the licence types",
        "status_",
        "status",
    ),
    "above the ceiling": (
        edit(RULES, 'birth_date = "general:year"', 'birth_date = "plain"'),
        RULES,
        "rule R-001.grant.birth_date",
        "the ceiling of item 34-001 allows (general:year)",
        "plain",
        "",
    ),
    "not in the ceiling": (
        edit(
            RULES, 'issued_on = "general:year", status', 'capital = "general:band", issued_on = "general:year", status'
        ),
        RULES,
        "rule R-008.grant.capital",
        "34-004 allows (nothing of this field)",
        "general:band",
        "",
    ),
    "above the ceilings of two items": (
        rule('licence = { type = ["business-licence"] }\ngrant = { issued_on = "plain" }'),
        RULES,
        "rule R-011.grant.issued_on",
        "item 34-001 allows (nothing",
        "of 1 other items too",
        "",
    ),
    "too much of what is not valid": (
        edit(RULES, 'grant = { status = "plain" }', 'grant = { status = "plain", holder_name = "plain" }'),
        RULES,
        "rule R-009.grant",
        "status only",
        "holder_name",
        "",
    ),
    "an unknown rule": (
        edit(RULES, 'overrides = ["R-004"]', 'overrides = ["R-004", "R-04"]'),
        RULES,
        "rule R-005.overrides",
        "one of R-001",
        "R-04",
        "R-004",
    ),
    "an override of itself": (
        edit(RULES, 'overrides = ["R-004"]', 'overrides = ["R-004", "R-005"]'),
        RULES,
        "rule R-005.overrides",
        "other rules",
        "the rule itself",
        "",
    ),
    "an override in a circle": (
        edit(RULES, 'id = "R-004"', 'id = "R-004"\noverrides = ["R-005"]'),
        RULES,
        "rule R-005.overrides",
        "in a circle",
        "R-004 → R-005 → R-004",
        "",
    ),
    "an override that never bites": (
        edit(RULES, 'overrides = ["R-004"]', 'overrides = ["R-004", "R-006"]'),
        RULES,
        "rule R-005.overrides",
        "at the same time",
        "R-006, which has no licence.type",
        "",
    ),
    # limits
    "an unknown field together": (
        edit(LIMITS, '"birth_date", "address"]', '"birth_date", "adress"]'),  # codespell:ignore adress
        LIMITS,
        "together #1.fields",
        "a field of a licence type",
        "adress",  # codespell:ignore adress
        "address",
    ),
    "fields never together": (
        edit(LIMITS, '"birth_date", "address"]', '"birth_date", "scope"]'),
        LIMITS,
        "together #1.fields",
        "one licence type has together",
        "different licence types",
        "",
    ),
    "an unknown kind of form": (
        edit(LIMITS, '["mask", "plain"]', '["mask:name", "plain"]'),
        LIMITS,
        "together #1.forms",
        "one of plain, mask",
        "mask:name",
        "mask",
    ),
    "an unknown item in a budget": (
        edit(LIMITS, 'item = ["34-002"]', 'item = ["34-02"]'),
        LIMITS,
        "budget notary-cases.item",
        "one of 34-001",
        "34-02",
        "34-002",
    ),
    "an unknown kind in a budget": (
        edit(LIMITS, 'caller = ["notary"]', 'caller = ["notry"]'),
        LIMITS,
        "budget notary-cases.caller",
        "one of counter",
        "notry",
        "notary",
    ),
    # tests
    "a test of an unknown item": (
        edit(LIMITS, 'item = "34-004"', 'item = "34-04"'),
        LIMITS,
        "test everyone, public look-up.given.item",
        "one of 34-001",
        "34-04",
        "34-004",
    ),
    "a test of an unknown kind": (
        edit(LIMITS, 'caller = "approval"', 'caller = "aproval"'),  # codespell:ignore aproval
        LIMITS,
        "test a licence that is not valid.given.caller",
        "one of counter",
        "aproval",  # codespell:ignore aproval
        "approval",
    ),
    "a test of an unknown type": (
        edit(
            LIMITS,
            '"34-003", caller = "approval", home = "own", licence = "business-licence"',
            '"34-003", caller = "approval", home = "own", licence = "business-license"',
        ),
        LIMITS,
        "test a licence that is not valid.given.licence",
        "one of id-card",
        "license",
        "business-licence",
    ),
    "a test of a home that cannot be": (
        edit(LIMITS, 'caller = "approval", home = "own"', 'caller = "approval", home = "partner"'),
        LIMITS,
        "test a licence that is not valid.given.home",
        "one of own",
        "partner",
        "",
    ),
    "a test of consent that cannot be": (
        edit(LIMITS, 'consent = "statutory"', 'consent = "given"'),
        LIMITS,
        "test partner counter, adult.given.consent",
        "one of statutory",
        "given",
        "",
    ),
    "a test of a type that is not the item's": (
        edit(
            LIMITS,
            'item = "34-004", caller = "counter", home = "own", licence = "business-licence", holder = "sole-trader"',
            'item = "34-002", caller = "notary", home = "own", licence = "business-licence", holder = "sole-trader"',
        ),
        LIMITS,
        "test everyone, public look-up.given.licence",
        "one of driving-licence, id-card",
        "business-licence",
        "",
    ),
    "a test of an organisation with an age": (
        edit(LIMITS, 'holder = "organisation", outcome', 'holder = "organisation", age = "adult", outcome'),
        LIMITS,
        "test a licence that is not valid.given.age",
        "that a holder of type organisation",
        "adult",
        "",
    ),
    "a test of a person without age": (
        edit(LIMITS, 'age = "adult", consent', 'age = "not-applicable", consent'),
        LIMITS,
        "test partner counter, adult.given.age",
        "that a holder of type person",
        "not-applicable",
        "",
    ),
    "a test of an unknown item that it excepts": (
        edit(LIMITS, 'item = "34-004"', 'item = { except = ["34-01"] }'),
        LIMITS,
        "test everyone, public look-up.given.item",
        "one of 34-001",
        "34-01",
        "34-001",
    ),
    "a test of a value that occurs in no combination": (
        edit(
            LIMITS,
            'caller = "notary", home = "own", licence = "driving-licence", age',
            'caller = ["counter", "notary"], home = "partner", licence = "driving-licence", age',
        ),
        LIMITS,
        "test own notary, the exact day.given.caller",
        "can occur beside the others",
        "counter",
        "",
    ),
    "a test of no context": (
        edit(LIMITS, 'holder = "sole-trader"', 'holder = { except = ["sole-trader", "organisation"] }'),
        LIMITS,
        "test everyone, public look-up.given",
        "at least one context",
        "none",
        "",
    ),
    "a test that owes for nothing": (
        edit(LIMITS, "expect = {}", "expect = {}\nobligations = { watermark = true }"),
        LIMITS,
        "test notary without consent.obligations",
        "nothing leaves",
        "a table",
        "",
    ),
    "a test of a field that one of its types has not": (
        edit(LIMITS, 'home = "own", licence = "id-card", age = "under-14" }', 'age = "under-14" }'),
        LIMITS,
        "test own counter, child.expect.holder_id",
        "a field of business-licence",
        "holder_id",
        "",
    ),
    "a test of a holder that cannot be": (
        edit(LIMITS, 'holder = "sole-trader"', 'holder = "person"'),
        LIMITS,
        "test everyone, public look-up.given.holder",
        "one of sole-trader, organisation",
        "person",
        "",
    ),
    "a test of an unknown field": (
        edit(LIMITS, 'birth_date = "general:year"', 'birth_dat = "general:year"'),
        LIMITS,
        "test own counter, adult.expect.birth_dat",
        "a field of id-card",
        "birth_dat",
        "birth_date",
    ),
    "a test of an unknown form": (
        edit(LIMITS, 'birth_date = "general:year"', 'birth_date = "general:yaer"'),  # codespell:ignore yaer
        LIMITS,
        "test own counter, adult.expect.birth_date",
        "a form that exists",
        "general:yaer",  # codespell:ignore yaer
        "general:year",
    ),
    "a test that expects withheld": (
        edit(LIMITS, "expect = {}", 'expect = { status = "withheld" }'),
        LIMITS,
        "test notary without consent.expect.status",
        "a form that leaves",
        "withheld",
        "",
    ),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_each_breakage_is_one_fault_at_its_place(name):
    """One thing that is wrong is one fault, with file, line, key, expectation, what was found and what was meant."""
    files, file, key, expected, found, meant = BREAKAGES[name]
    (fault,) = faults_of(files())
    assert (fault.file, fault.key) == (file, key)
    assert fault.line is not None
    assert expected in fault.expected.en
    assert found in fault.found.en
    assert fault.meant == meant
    assert re.search("[\u4e00-\u9fff]", fault.sentence_zh)


ESCAPE = "\\u001b[2J"


@pytest.mark.parametrize(
    "files",
    [
        changed(
            RULES, 'birth_date = "attest:age>=18", status', f'birth_date = ["plain", "mask:name", "{ESCAPE}"], status'
        ),
        changed(RULES, 'birth_date = "attest:age>=18", status', f'birth_date = ["withheld", "{ESCAPE}"], status'),
        changed(ITEMS, 'birth_date = ["attest:age>=18"]', f'birth_date = ["{ESCAPE}", "{ESCAPE}"]'),
        changed(ITEMS, 'birth_date = ["attest:age>=18"]', f'birth_date = ["exists", "{ESCAPE}"]'),
    ],
)
def test_no_fault_repeats_what_a_terminal_would_obey(files):
    """Forms are shown like all that comes from a file: with control characters as their numbers."""
    faults = faults_of(files)
    assert faults
    assert all("\x1b" not in str(fault) + fault.sentence_zh for fault in faults)


UNCLASSIFIED = 'item = ["34-002"]\nlicence = { type = ["driving-licence"] }\ngrant = { holder_phone = "plain" }\n'
NOT_SHARED = 'item = ["34-001"]\nlicence = { type = ["id-card"] }\ngrant = { photo = "plain" }\n'


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [(UNCLASSIFIED, "holder_phone", "unclassified in driving-licence"), (NOT_SHARED, "photo", "none in id-card")],
)
def test_what_may_not_be_shared_is_granted_by_no_rule(text, key, found):
    """A field of class none, or that nobody has classified, cannot be granted, whatever the ceilings say."""
    (fault,) = faults_of(added("rules.toml", RULE.format(11) + text))
    assert fault.key == f"rule R-011.grant.{key}"
    assert found in fault.found.en
    assert load_policy(added("rules.toml", RULE.format(11) + text.replace('"plain"', '"withheld"')))


def test_an_item_that_a_rule_cannot_reach_has_no_say():
    """A rule is held against the ceilings of those items only whose licence types, consent and holders it accepts."""
    base = RULE.format(11) + 'grant = { birth_date = "general:year" }\n'
    licence = 'licence = { type = ["id-card"] }\n'
    (fault,) = faults_of(added("rules.toml", base + licence))
    assert "item 34-002" in fault.expected.en
    assert load_policy(added("rules.toml", base + licence + 'consent = ["statutory"]\n'))
    (fault,) = faults_of(added("rules.toml", base + licence + 'consent = ["none", "statutory"]\n'))
    assert "item 34-002" in fault.expected.en
    assert load_policy(added("rules.toml", base + licence + 'item = ["34-001"]\n'))
    organisations = 'item = ["34-001"]\nholder = { type = ["organisation"] }\n'
    (fault,) = faults_of(added("rules.toml", base + organisations))
    assert "a field of the licence types" in fault.expected.en


ITEM = """
[[item]]
id = "34-004"
zh = "x"
en = "x"
purpose = "x"
basis = "x"
licences = ["business-licence"]
consent = "none"
valid_from = "{}"
valid_to = "{}"
ceiling = {{ status = ["plain"], holder_name = ["plain"], credit_code = ["plain"], issued_on = ["general:year"] }}
"""


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [("2027-01-01", "2029-01-01", "at any time"), ("2028-01-01", "2029-01-01", "belongs into a later bundle")],
)
def test_an_item_code_stands_once_in_a_bundle(first, last, expected):
    """Two items with one code are refused, whether their times in force overlap or not."""
    (fault,) = faults_of(added("items.toml", ITEM.format(first, last)))
    assert fault.key == "item 34-004.id"
    assert expected in fault.expected.en


def test_long_circles_and_long_chains_of_overrides_are_judged_without_recursion():
    """A chain of thousands of overrides is right, and closed to a circle it is one fault."""

    def chain(last):
        count = 3000
        return "".join(
            RULE.replace("0{}", f"1{number:05}")
            + 'item = ["34-001"]\ngrant = { status = "plain" }\n'
            + (f'overrides = ["R-1{number + 1:05}"]\n' if number < count - 1 else last)
            for number in range(count)
        )

    assert load_policy(added("rules.toml", chain("")))
    (fault,) = faults_of(added("rules.toml", chain('overrides = ["R-100000"]\n')))
    assert "circle" in fault.expected.en


def test_two_circles_are_two_faults():
    """Each circle of overrides is named."""
    text = "".join(
        RULE.format(number) + f'item = ["34-001"]\ngrant = {{ status = "plain" }}\noverrides = ["R-0{other}"]\n'
        for number, other in ((11, 12), (12, 11), (13, 14), (14, 13))
    )
    assert [fault.found.en for fault in faults_of(added("rules.toml", text))] == [
        "R-011 → R-012 → R-011",
        "R-013 → R-014 → R-013",
    ]


def test_a_thicket_of_circles_is_counted():
    """Where each of many rules overrides all others, every closing override is counted once."""
    count = 60
    names = [f"R-1{number:05}" for number in range(count)]
    text = "".join(
        RULE.replace("R-0{}", name)
        + 'item = ["34-001"]\ngrant = { status = "plain" }\n'
        + f"overrides = {[other for other in names if other != name]}\n"
        for name in names
    )
    with pytest.raises(PolicyError) as caught:
        load_policy(added("rules.toml", text))
    assert len(caught.value.faults) + caught.value.more == count * (count - 1) // 2


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
