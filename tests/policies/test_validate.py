"""What a catalogue and items may say: start from the small policy, break one thing, and find exactly that."""

import pytest

from policies.fault import PolicyError
from policies.loader import load_policy
from tests.policies.breakages import (
    CATALOGUE,
    HEAD,
    ITEMS,
    LIMITS,
    RULE,
    RULES,
    check_breakage,
    edit,
    faults_of,
    more,
    rule,
)
from tests.support.policy import added, changed

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
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_each_breakage_is_one_fault_at_its_place(name):
    """One thing that is wrong is one fault, with file, line, key, expectation, what was found and what was meant."""
    check_breakage(BREAKAGES[name])


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
