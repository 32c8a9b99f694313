"""A mapping file is read strictly: one thing wrong is one fault, with its line, its key, and what was expected."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.bounds import MAX_FAULTS, MAX_FILE
from adapters.mapping.fault import MappingError, MappingFault
from adapters.mapping.loss import Verdict
from tests.adapters.mapping.dialects import ALL, JSON, XML

BASE = """\
[system]
id = "base"
zh = "基础"
en = "Base"

[message]
form = "json"
records = "$.data[*]"

[[field]]
to = "number"
at = "$.no"

[status]
at = "$.zt"
codes = { "1" = "active", "2" = "cancelled" }
"""


def load(text: str) -> Adapter:
    """Load a mapping file."""
    return load_adapter(text.encode(), "base.toml")


def faults_of(text: str) -> tuple[MappingFault, ...]:
    """Return the faults of a mapping file."""
    with pytest.raises(MappingError) as caught:
        load(text)
    return caught.value.faults


def changed(old: str, new: str) -> str:
    """Return the base file with one thing changed."""
    assert BASE.count(old) == 1
    return BASE.replace(old, new)


def with_field(lines: str) -> str:
    """Return the base file with another field."""
    return BASE.replace("[status]", f"[[field]]\n{lines}\n\n[status]")


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        (changed('id = "base"', 'id = "Base 1"'), "system.id", 2),
        (changed('en = "Base"\n', ""), "system.en", 1),
        (changed('form = "json"', 'form = "yaml"'), "message.form", 7),
        (changed('form = "json"\n', ""), "message.form", 6),
        (changed('form = "json"', 'form = "json"\ncharset = "latin-1"'), "message.charset", 8),
        (changed('records = "$.data[*]"', 'records = "data"'), "message.records", 8),
        (changed('records = "$.data[*]"', 'records = "$.a[*].b[*]"'), "message.records", 8),
        (changed('to = "number"', 'to = "nummer"'), "field[1].to", 11),
        (changed('to = "number"', 'too = "number"'), "field[1].to", 10),
        (changed('at = "$.no"', 'at = "no"'), "field[1].at", 12),
        (changed('at = "$.no"', 'at = "$.no[*]"'), "field[1].at", 12),
        (changed('at = "$.no"', 'at = "$.no"\ncodec = ["dat:x"]'), "field[1].codec", 13),
        (changed('at = "$.no"', 'at = "$.no"\ncodec = ["date:yyyyMMdd"]'), "field[1].codec", 13),
        (changed('at = "$.no"', 'at = "$.no"\ncodec = ["long-term:长期"]'), "field[1].codec", 13),
        (changed('at = "$.no"', 'at = "$.no"\nevidence = "sure"'), "field[1].evidence", 13),
        (changed('at = "$.no"', 'at = "$.no"\nonly = "read"'), "field[1].only", 13),
        (changed('at = "$.no"', 'at = ["$.a", "$.b"]'), "field[1].codec", 10),
        (changed('at = "$.no"', 'at = "$.no"\nconstant = "x"'), "field[1].at", 12),
        (changed('at = "$.no"\n', ""), "field[1].at", 10),
        (changed('at = "$.no"', 'at = "$.no"\nprefix = "x"'), "field[1].prefix", 13),
        (changed('"active"', '"aktive"'), "status.codes", 16),  # codespell:ignore aktive
        (changed('"cancelled"', '"active"'), "status.wins", 14),
        (changed("codes = {", 'written_as = { revoked = "active" }\ncodes = {'), "status.written_as", 16),
        (changed("codes = {", 'written_as = { revoked = "expired" }\ncodes = {'), "status.written_as", 16),
        (BASE + '\n[losses]\nnumbr = "x"\n', "losses.numbr", 19),  # codespell:ignore numbr
        (BASE + "\n[statuses]\n", "statuses", 18),
        (BASE + '\n[[outcome]]\nat = "$.c"\ncodes = { "0" = "error" }\n', "outcome[1].codes", 20),
        (
            BASE + '\n[[outcome]]\nat = "$.c"\ncodes = { "0" = "found" }\nretry_after_seconds = { "1" = 5 }\n',
            "outcome[1].retry_after_seconds",
            21,
        ),
        (BASE + '\n[codes.x]\nwins = ["a"]\n', "codes.x.pairs", 18),
        (with_field('to = "number"\nat = "$.other"'), "field[2].to", 15),
        (with_field('to = "surface.x"\nat = "$.no"'), "field[2].at", 16),
        (with_field('to = "surface.x"\nat = "$.no.part"'), "field[1].at", 12),
        (with_field('to = "surface.x"\nat = "$.no@json.part"'), "field[2].at", 16),
        (
            with_field('to = "surface.x[].a"\nat = "$.l[*].a"\n[[field]]\nto = "surface.y[].b"\nat = "$.l[*].b"'),
            "field[3].to",
            18,
        ),
        (with_field('to = "surface.*"\nat = "$"\n[[field]]\nto = "surface.*"\nat = "$"'), "field[3].to", 18),
        (with_field('to = "surface.x"\nat = "$.a"\nwhen = {at = "$.kind", is = "1"}'), "field[2].when", 17),
        (with_field('to = "surface.x"\nat = "$.a"\nwhen = {at = "$.b.kind", is = "1"}'), "field[2].when.at", 17),
        (with_field('to = "surface.*"\nat = "$"\ncodec = ["date:yyyyMMdd"]'), "field[2].codec", 17),
        (with_field('to = "surface.*"\nat = "$"\ncodec = ["date:yyyyMMdd", "trim"]'), "field[2].codec", 17),
        (with_field('to = "surface.*"\nat = "$"\nwhen = {at = "$.k", is = "1"}'), "field[2].when", 17),
        (with_field('to = "surface.*"\nat = ["$.a", "$.b"]'), "field[2].at", 16),
        (with_field('at = "$.a"\nconstant = "x"\ncodec = ["number-text"]'), "field[2].constant", 16),
        (with_field('at = ["$.a", "$.b"]\nconstant = "x"'), "field[2].at", 15),
        (BASE + '\n[[envelope]]\nat = "$.v"\nconstant = "x"\ncodec = ["number-text"]\n', "envelope[1].constant", 20),
        (
            BASE + '\n[[envelope]]\nat = "$.v"\nname = "x"\n\n[[envelope]]\nat = "$.w"\nname = "x"\n',
            "envelope[2].name",
            24,
        ),
        (with_field('to = "issued_on"\nat = ["$.a", "$.b"]\ncodec = ["day-parts"]'), "field[2].at", 16),
        (with_field('to = "issued_on"\nat = "$.a"\ncodec = ["date:yyyyMMdd"]\ndefault = "x"'), "field[2].default", 18),
    ],
)
def test_one_thing_wrong_is_one_fault(text: str, key: str, line: int) -> None:
    """Each fault names its key and its line, in both languages."""
    fault = next(one for one in faults_of(text) if one.key == key)
    assert fault.line == line
    assert fault.file == "base.toml"
    assert str(fault).startswith(f"base.toml:{line}: {key}: expected ")
    assert "应为" in fault.sentence_zh


def test_all_faults_come_at_once() -> None:
    """Several faults are reported together, in the order of the file."""
    text = BASE.replace('id = "base"', 'id = "?"').replace('"number"', '"nummer"').replace('"active"', '"aktiv"')
    assert [fault.key for fault in faults_of(text)] == ["system.id", "field[1].to", "status.codes"]
    assert [fault.meant for fault in faults_of(text)] == ["", "number", "active"]


def test_reports_are_bounded() -> None:
    """A file of nothing but faults is reported in part."""
    text = BASE + "".join(f'\n[[field]]\nto = "wrong{number}"\nat = "$.x"\n' for number in range(400))
    assert len(faults_of(text)) == MAX_FAULTS


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf[system]",
        b"a = ",
        "id = '名'".encode("gbk"),
        b"a = " + b"[" * 5_000,
        b"a" + b".a" * 300 + b" = 1",
        b"a = " + b"9" * 10_000,
        b"a = [[[[[[[[[[1]]]]]]]]]]",
        b"#" * (MAX_FILE + 1),
    ],
)
def test_what_is_no_file_is_refused(data: bytes) -> None:
    """Bytes that are no TOML of a sane size are refused with one fault."""
    with pytest.raises(MappingError) as caught:
        load_adapter(data, "x.toml")
    assert len(caught.value.faults) == 1


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_broken_file_raises_only_our_error(data: st.DataObject) -> None:
    """A file in which pieces are replaced by others is loaded or refused, and nothing else happens."""
    text = data.draw(st.sampled_from(sorted(ALL.values())))
    words = sorted({*text.split('"')[1::2], "[]", "$", "[*]", "@json", "", "surface.*", "holders[].name"})
    for _ in range(data.draw(st.integers(1, 3))):
        text = text.replace(data.draw(st.sampled_from(words)) or "\n", data.draw(st.sampled_from(words)), 1)
    with suppress(MappingError):
        load(text)


def verdicts(text: str, name: str) -> list[Verdict]:
    """Return the verdicts of the loss table about one field."""
    return [loss.verdict for loss in load(text).losses if loss.name == name]


def test_a_loss_must_be_declared() -> None:
    """Without its declaration a loss is a fault; with it, it is not."""
    lossy = changed('at = "$.no"', 'at = "$.no"\ncodec = ["trim"]')
    assert verdicts(lossy, "number") == [Verdict.UNDECLARED]
    assert verdicts(lossy.replace('codec = ["trim"]', 'codec = ["trim"]\nloses = "x"'), "number") == [Verdict.DECLARED]


def test_a_declaration_must_be_true() -> None:
    """A declaration of something that is not lost is a fault."""
    assert verdicts(changed('at = "$.no"', 'at = "$.no"\nloses = "x"'), "number") == [Verdict.STALE]
    assert verdicts(BASE + '\n[losses]\nnumber = "x"\n', "number") == [Verdict.STALE]


def test_what_the_system_has_no_place_for_is_a_loss() -> None:
    """A field of the record that no rule writes is a loss, declared by its name or by that of its group."""
    assert verdicts(BASE, "holders[].code") == [Verdict.UNDECLARED]
    assert verdicts(BASE + '\n[losses]\nholders = "x"\n', "holders[].code") == [Verdict.DECLARED]


def test_a_status_that_cannot_be_said_is_in_the_table() -> None:
    """The loss table names the statuses that are refused when they are written."""
    refused = [loss for loss in load(BASE).losses if loss.verdict is Verdict.REFUSED]
    assert [loss.what.en for loss in refused] == ["the status suspended, expired, revoked, superseded, unknown"]


@pytest.mark.parametrize("text", [JSON, XML], ids=["json", "xml"])
def test_the_digest_is_of_what_the_file_says(text: str) -> None:
    """Comments and white space do not change the digest; any value does."""
    assert load(text).digest == load("# a comment\n" + text.replace(" = ", "=")).digest
    assert load(text).digest != load(text.replace("town", "village")).digest
    assert load(text).digest != load(text + '\n[transport]\nmethod = "POST"\n').digest


def test_the_transport_is_passed_on() -> None:
    """The recipe is handed to whoever talks to the system, as it was written."""
    assert load(BASE + '\n[transport]\nmethod = "POST"\n').transport == {"method": "POST"}


def test_lines_are_told_beside_texts_of_several_lines() -> None:
    """A text of several lines, whatever it holds, does not hide on which line a fault is."""
    notes = 'notes = """\n[[field]]\nto = "x"\n"""'
    text = with_field('to = "surface.x"\nat = "a"').replace("[message]", f"{notes}\n[message]", 1)
    (before,), (after,) = faults_of(with_field('to = "surface.x"\nat = "a"')), faults_of(text)
    assert before.line is not None
    assert after.line == before.line + 4
