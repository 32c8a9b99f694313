"""A bundle as bytes: one spelling, bounded, judged like the files that it came from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import bundle as module
from policies.bundle import (
    MAX_BUNDLE_BYTES,
    BundleFlaw,
    MalformedBundleError,
    digest_bundle,
    encode_bundle,
    parse_bundle,
)
from policies.loader import load_policy
from tests.support.policy import changed, small_policy

BUNDLE = load_policy(small_policy()).bundle
DATA = encode_bundle(BUNDLE)


def spelled(content) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def error_of(data):
    with pytest.raises(MalformedBundleError) as caught:
        parse_bundle(data)
    return caught.value


def with_changes(change) -> bytes:
    content = json.loads(DATA)
    change(content)
    return spelled(content)


def test_what_was_written_is_read():
    """Reading gives what was written, and writing gives the same bytes again."""
    assert parse_bundle(DATA) == BUNDLE
    assert encode_bundle(parse_bundle(DATA)) == DATA == spelled(json.loads(DATA))
    assert digest_bundle(BUNDLE) == digest_bundle(parse_bundle(DATA))


OTHER_SPELLINGS = {
    "white space": lambda: DATA.replace(b",", b", ", 1),
    "a line break at the end": lambda: DATA + b"\n",
    "an escaped character": lambda: DATA.replace(b"small", b"sm\\u0061ll", 1),
    "a key twice": lambda: DATA.replace(b'{"budgets"', b'{"name":"small","budgets"', 1),
    "keys in another order": lambda: json.dumps(
        dict(reversed(json.loads(DATA).items())), ensure_ascii=False, separators=(",", ":")
    ).encode(),
    "rules in another order": lambda: with_changes(lambda content: content["rules"].reverse()),
    "values in another order": lambda: with_changes(lambda content: content["rules"][3]["licence"]["status"].reverse()),
    "a default in words": lambda: with_changes(lambda content: content.update(residual=10_000)),
    "a default list in words": lambda: with_changes(
        lambda content: content["callers"][0].update(home=["own", "partner"])
    ),
    "a list of one form": lambda: with_changes(lambda content: content["rules"][0]["grant"].update(status=["plain"])),
    "an empty table": lambda: with_changes(lambda content: content["rules"][0].update(holder={})),
    "a condition that accepts everything": lambda: with_changes(
        lambda content: content["rules"][0]["caller"].update(home=["own", "partner"])
    ),
    "the consent of a test that is asked anyhow": lambda: with_changes(
        lambda content: content["tests"][0]["given"].update(consent="statutory")
    ),
    "nothing in words": lambda: with_changes(lambda content: content["rules"][0].update(consent=None)),
}


@pytest.mark.parametrize("name", OTHER_SPELLINGS)
def test_any_other_spelling_is_refused(name):
    """What says the same in other bytes would have another digest, and is no bundle."""
    data = OTHER_SPELLINGS[name]()
    assert data != DATA
    assert error_of(data).flaw is BundleFlaw.NOT_CANONICAL


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, DATA[:-1],
        DATA.replace(b"tongban-policy/1", b"tongban-policy/2"),
        DATA.replace(b'"rules":', b'"rulez":'), DATA.replace(b'"grant":{', b'"grant":{"\xd0\xbe":"plain",', 1),
    ],
)  # fmt: skip
def test_what_is_no_bundle_is_malformed(data):
    """Bytes that are no JSON, or not of the shape of a bundle, are refused with the typed error."""
    assert error_of(data).flaw is BundleFlaw.MALFORMED


def test_a_bundle_that_is_too_large_is_refused_unread():
    """The bound on bytes is looked at first."""
    assert error_of(b" " * (MAX_BUNDLE_BYTES + 1)).flaw is BundleFlaw.TOO_LARGE


INVALID = {
    "an unknown item": (lambda content: content["rules"][0].update(item=["34-999"]), "rule R-001.item"),
    "above the ceiling": (lambda content: content["rules"][0]["grant"].update(birth_date="plain"), "grant.birth_date"),
    "a rule twice": (lambda content: content["rules"].insert(0, content["rules"][0]), "rule R-001.id"),
    "a value twice": (lambda content: content["rules"][0].update(item=["34-001", "34-001"]), "rule R-001.item"),
    "an inverted time": (lambda content: content.update(valid_to="2020-01-01"), "bundle.valid_to"),
    "a test of nobody": (lambda content: content["tests"][0]["given"].update(caller="nobody"), "given.caller"),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_bundle_is_judged_like_the_files_of_a_policy(name):
    """What would be a fault in the files is one in the bundle."""
    change, key = INVALID[name]
    error = error_of(with_changes(change))
    assert error.flaw is BundleFlaw.INVALID
    assert any(key in fault.key for fault in error.faults)


def test_too_many_rules_are_refused(monkeypatch):
    """The bounds on tables hold for bundles too."""
    monkeypatch.setattr(
        "policies.validation.validate.LIMITS",
        dict.fromkeys(("caller_kind", "licence", "item", "together", "budget", "test"), 100) | {"rule": 9},
    )
    error = error_of(DATA)
    assert error.flaw is BundleFlaw.INVALID
    assert [fault.key for fault in error.faults] == ["rule"]


def test_a_bundle_made_with_other_forms_can_be_read():
    """An old bundle stays readable, so that it can be compared with a new one; its digest is its own."""
    other = parse_bundle(with_changes(lambda content: content.update(forms="forms-0-x")))
    assert other.forms == "forms-0-x"
    assert digest_bundle(other) != digest_bundle(BUNDLE)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_raises_only_the_typed_error(data):
    """Whatever the bytes are, the only error is that of the bundle."""
    assert error_of(data).flaw in BundleFlaw


@given(st.randoms(use_true_random=False))
def test_a_damaged_bundle_is_refused_or_says_something_else(rng):
    """With a byte changed, a bundle is refused, or another one with another digest."""
    data = bytearray(DATA)
    data[rng.randrange(len(data))] = rng.randrange(256)
    try:
        read = parse_bundle(bytes(data))
    except MalformedBundleError:
        return
    assert encode_bundle(read) == bytes(data)


def test_the_schema_is_named_once():
    """The name of the format that readers accept is the one that is published."""
    assert BUNDLE.schema == module.SCHEMA


CHILD = 'licence = "id-card", age = "under-14"'
SAME = {
    "all values of a condition": (
        "rules.toml",
        'age = ["minor", "adult"]',
        'age = ["minor", "adult"], type = ["organisation", "sole-trader", "person"]',
    ),
    "the usual values of a test": (
        "limits.toml",
        CHILD,
        f'{CHILD}, status = "active", consent = "statutory", outcome = ["valid"]',
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_one_meaning_has_one_digest(name):
    """What is spelled out and what is left to its default is the same."""
    file, short, long = SAME[name]
    assert digest_bundle(load_policy(changed(file, short, long)).bundle) == digest_bundle(BUNDLE)


def test_silence_on_consent_is_not_every_consent():
    """A rule that names all three accepts what a silent one does not."""
    short = 'licence = { type = ["business-licence"] }\n'
    said = changed(
        "rules.toml", f"{short}[rule.grant]", f'{short}consent = ["none", "given", "statutory"]\n[rule.grant]'
    )
    assert digest_bundle(load_policy(said).bundle) != digest_bundle(BUNDLE)
