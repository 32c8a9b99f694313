"""What rules, limits and tests of a policy may say: break one thing, and find exactly that."""

import pytest

from tests.policies.breakages import (
    ANY,
    LIMITS,
    RULES,
    check_breakage,
    edit,
    rule,
)

BREAKAGES = {
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
    check_breakage(BREAKAGES[name])
