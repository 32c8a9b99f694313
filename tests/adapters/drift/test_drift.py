"""Recorded messages against a mapping: what differs is found, and the patch that is proposed can be read."""

import json

import pytest

from adapters.crosswalk import shipped_crosswalk
from adapters.drift.comparing import Comparison
from adapters.drift.finding import CERTAIN_MISSING, Drift, DriftKind, confidence_missing, show_code
from adapters.drift.patch import Patch, propose_patch
from adapters.mapping.adapter import Adapter, load_adapter

MAPPING = """
[system]
id = "example"
zh = "示例"
en = "Example"
[message]
form = "json"
records = "$.data[*]"
[[outcome]]
at = "$.code"
codes = { "0" = "found" }
[[field]]
to = "number"
at = "$.no"
[[field]]
to = "issued_on"  # as printed
at = "$.day"
codec = ["null-string", "date:yyyy-MM-dd"]
[[field]]
to = "holders[].code_type"
at = "$.kind"
codec = ["table:kind"]
# a comment of the status
[status]
at = "$.status"
codes = { "1" = "active" }
[codes.kind]
pairs = { "1" = "111" }
""".encode()


def message(**more: object) -> dict[str, object]:
    """Return a record that is as the mapping says; None takes a field away."""
    values = {"no": "N", "day": "2024-02-29", "kind": "1", "status": "1", **more}
    return {name: value for name, value in values.items() if value is not None}


def compare(*records: dict[str, object], code: str = "0", mapping: bytes = MAPPING) -> tuple[Adapter, list[Drift]]:
    """Compare a message for each record."""
    return read(mapping, [json.dumps({"code": code, "data": [one]}).encode() for one in records])


def read(mapping: bytes, messages: list[bytes]) -> tuple[Adapter, list[Drift]]:
    """Compare messages."""
    adapter = load_adapter(mapping, "example.toml")
    comparison = Comparison(adapter, shipped_crosswalk())
    for one in messages:
        comparison.add(one)
    return adapter, list(comparison.findings())


def patched(patch: Patch) -> list[str]:
    """Return the lines that a patch adds."""
    return [line[1:] for line in patch.diff.splitlines() if line.startswith("+") and not line.startswith("+++")]


def test_messages_as_the_mapping_says() -> None:
    """There is no drift, and no patch."""
    adapter, found = compare(*[message()] * 30)
    assert found == []
    assert propose_patch(MAPPING, adapter, found).diff == ""


def test_a_field_that_no_rule_names() -> None:
    """It is proposed by the dictionary, or as a surface field with half of the confidence; an object is not."""
    adapter, found = compare(message(certificateName="x", zzz="y", more={"a": 1}))
    by_path = {one.at: one for one in found}
    assert {one.kind for one in found} == {DriftKind.UNKNOWN_FIELD}
    assert by_path["$.zzz"].to == "surface.zzz"
    assert by_path["$.zzz"].confidence == 0.5
    assert by_path["$.certificateName"].to == "name"
    assert by_path["$.more"].to == ""
    lines = patched(propose_patch(MAPPING, adapter, found))
    assert 'at = "$.zzz"' in lines
    assert 'evidence = "inferred"' in lines
    assert not any("$.more" in line for line in lines)


def test_an_edit_that_cannot_be_made_is_told() -> None:
    """Of two names for one field the second is left out, and so is what has no place in the file; both are said."""
    adapter, found = compare(message(certificateName="x", zzmc="y"))
    assert [one.to for one in found] == ["name", "name"]
    patch = propose_patch(MAPPING, adapter, found)
    assert patched(patch).count('to = "name"') == 1
    assert patch.left_out == (found[1],)
    spelt = MAPPING.replace(b'at = "$.day"', b'"at" = "$.day"')
    adapter, found = compare(message(day="soon"), mapping=spelt)
    patch = propose_patch(spelt, adapter, found)
    assert (patch.diff, [one.at for one in patch.left_out]) == ("", ["$.day"])


def test_a_field_that_no_record_has() -> None:
    """Few records say little; many make it drift."""
    _, few = compare(message(no=None))
    assert [(one.kind, one.at, one.is_drift) for one in few] == [(DriftKind.MISSING_FIELD, "$.no", False)]
    adapter, many = compare(*[message(no=None)] * 20)
    assert [one.is_drift for one in many] == [True]
    assert patched(propose_patch(MAPPING, adapter, many)) == ["# drift: no record has it (20 of 20, confidence 0.50)"]
    assert confidence_missing(19) < CERTAIN_MISSING


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (compare(message(status="9")), "$.status"),
        (compare(message(kind="9")), "$.kind"),
        (compare(message(), code="9"), "$.code"),
    ],
)
def test_a_code_never_seen_gets_no_meaning(found: tuple[Adapter, list[Drift]], path: str) -> None:
    """Of status, of outcome or of a table: the patch is a comment, and no confidence is claimed."""
    adapter, drifts = found
    (one,) = [one for one in drifts if one.kind is DriftKind.UNSEEN_CODE]
    assert (one.at, one.words, one.confidence) == (path, ("9",), 0.0)
    added = patched(propose_patch(MAPPING, adapter, drifts))
    assert all(line.startswith("#") for line in added)
    assert any('"9"' in line for line in added)


def test_days_in_another_form() -> None:
    """The form is added behind the one that is written, with the loss declared; what is no day is only noted."""
    adapter, found = compare(message(), message(day="2024/03/01"))
    assert [(one.kind, one.at, one.words) for one in found] == [(DriftKind.DATE_FORM, "$.day", ("yyyy/MM/dd",))]
    patch = propose_patch(MAPPING, adapter, found)
    assert 'codec = ["null-string", "date:yyyy-MM-dd|yyyy/MM/dd"]  # drift: 1 of 2, confidence 0.50' in patched(patch)
    assert any(line.startswith("loses") for line in patched(patch))
    _, other = compare(message(day="soon"))
    assert [one.kind for one in other] == [DriftKind.OTHER_VALUE]


def test_a_patched_file_reads_what_it_did_not() -> None:
    """Applied by hand, the patch makes the drift go away."""
    records = [message(day="2024/03/01"), message(zzz="y")]
    adapter, found = compare(*records)
    mended = propose_patch(MAPPING, adapter, found).after.encode()
    assert [one.at for one in compare(*records, mapping=mended)[1] if one.is_drift] == []


def test_garbage_is_counted() -> None:
    """A message that cannot be read is drift by itself."""
    adapter = load_adapter(MAPPING, "example.toml")
    comparison = Comparison(adapter, shipped_crosswalk())
    comparison.add(b"{")
    comparison.add(b'{"code":"0","data":{}}')
    kinds = [(one.kind, one.at, one.is_drift) for one in comparison.findings()]
    assert kinds == [(DriftKind.UNREADABLE, "syntax", True), (DriftKind.UNREADABLE, "shape: $.data[*]", True)]


@pytest.mark.parametrize("code", ["440101199001011234567", "110105491231002", "张三", 'a"b', "a\nb", "a\\"])
def test_what_is_no_code_is_not_shown(code: str) -> None:
    """A value of a licence that stands where a code was expected is not repeated, nor what would break a file."""
    assert show_code(code) == f"…({len(code)})"


NESTED = b"""
[system]
id = "nested"
zh = "x"
en = "x"

[message]
form = "json"
records = "$.data@xml/L/R[*]"

[[field]]
to = "number"
at = "/N"

[[field]]
to = "surface.a"
at = "/X@json.a"

[status]
at = "/S"
codes = { "1" = "active" }
"""


def test_paths_are_spelt_as_in_the_file() -> None:
    """What is proposed for records in a text has the spelling of their form, and comments are not said twice."""
    text = "<L><R><N>7</N><S>9</S><Q>q</Q><X>{&quot;a&quot;: &quot;1&quot;, &quot;b&quot;: &quot;2&quot;}</X></R></L>"
    messages = [json.dumps({"data": text}).encode()]
    adapter, found = read(NESTED, messages)
    patch = propose_patch(NESTED, adapter, found)
    assert [one for one in patched(patch) if one.startswith("at")] == ['at = "/Q"', 'at = "/X@json.b"']
    assert patch.left_out == ()
    again = propose_patch(patch.after.encode(), *read(patch.after.encode(), messages))
    assert (again.diff, again.left_out) == ("", ())
