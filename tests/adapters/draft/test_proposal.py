"""Drafts: what is proposed for samples of each form, how sure it is, and that it reads the samples."""

import base64
import json
from datetime import date
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.crosswalk import shipped_crosswalk
from adapters.draft.guess import Proposal
from adapters.draft.proposal import LEAST, propose
from adapters.draft.sample import DraftError, read_samples
from adapters.draft.writing import reads_samples, write_draft
from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.rule import Evidence
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus

CITIZEN = "11010519491231002X"
RECORD = {
    "license_item_code": "100010601000021135110000",
    "name": "建筑施工特种作业操作资格证书",
    "id_code": "粤（2020）第1号",
    "holder_name": "张三",
    "holder_identity_num": CITIZEN,
    "holder_identity_type": "10",
    "issue_org_name": "某市住房和城乡建设局",
    "issue_org_code": "11110000000021135M",
    "division_code": "440100",
    "issue_date": "2020-01-01",
    "begin_date": "2020-01-01 00:00:00",
    "expiry_date": "长期",
    "license_status": "ISSUED",
    "data_fields": json.dumps({"ZZBS": "1.2.156.3005.2.x", "XB": "男"}, ensure_ascii=False),
    "zy1": "木工",
}
ANSWER = {"ack_code": "SUCCESS", "total_count": 2, "data": [RECORD, {**RECORD, "expiry_date": "2026-01-01",
          "license_status": "ABOLISHED", "name": "null"}]}  # fmt: skip
FAILURE = {"ack_code": "FAILURE", "total_count": 0, "data": []}
XML = f"""<?xml version="1.0" encoding="GBK"?>
<p:PACKAGE xmlns:p="urn:x"><p:HEAD><p:retCode>0</p:retCode></p:HEAD><p:DATA>
<p:RECORD no="7"><p:ZZBH>京1号</p:ZZBH><p:ZZMC>营业执照</p:ZZMC><p:CZZT>张三、李四</p:CZZT>
<p:CZZTDM>{CITIZEN}、440524188001010014</p:CZZTDM><p:ZZBFRQ>2020年01月02日</p:ZZBFRQ><p:ZZYXQJZRQ>9999-12-31</p:ZZYXQJZRQ>
<p:KZ_DZ>某地</p:KZ_DZ><p:ZZZT>1</p:ZZZT></p:RECORD></p:DATA></p:PACKAGE>"""


def encode(tree: object) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode()


def draft(*samples: bytes) -> tuple[Proposal, str, Adapter]:
    """Propose, write, and load what was written."""
    read = read_samples([(f"s{number}", data) for number, data in enumerate(samples)])
    proposal = propose(read, shipped_crosswalk())
    text = write_draft(proposal, "new-system")
    return proposal, text, load_adapter(text.encode(), "draft.toml")


def fields(proposal: Proposal) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {guess.to: (guess.at, guess.codecs) for guess in proposal.fields}


def test_a_json_answer_is_mapped_as_a_person_would() -> None:
    """Names, paths, forms of dates, words for no end, null texts, JSON in texts, holder types, areas."""
    proposal, _, adapter = draft(encode(ANSWER), encode(FAILURE))
    assert proposal.records == "$.data[*]"
    assert fields(proposal) == {
        "type_code": ("$.license_item_code", ()),
        "name": ("$.name", ("null-string",)),
        "number": ("$.id_code", ()),
        "holders[].name": ("$.holder_name", ()),
        "holders[].code": ("$.holder_identity_num", ()),
        "holders[].code_type": ("$.holder_identity_type", ("holder-type:guangdong",)),
        "issuer": ("$.issue_org_name", ()),
        "issuer_code": ("$.issue_org_code", ()),
        "area": ("$.division_code", ("area:6",)),
        "issued_on": ("$.issue_date", ("date:yyyy-MM-dd",)),
        "valid_from": ("$.begin_date", ("date:yyyy-MM-dd HH:mm:ss",)),
        "valid_to": ("$.expiry_date", ("long-term:长期", "date:yyyy-MM-dd")),
        "identifier": ("$.data_fields@json.ZZBS", ()),
        "surface.*": ("$.data_fields@json", ()),
    }
    assert [one.at for one in proposal.unmapped] == ["$.zy1"]
    assert reads_samples(adapter, [encode(ANSWER), encode(FAILURE)]) == (2, 2, 0)
    first = adapter.parse(encode(ANSWER)).records[0]
    assert first.holders == (RecordHolder(name="张三", code=CITIZEN, code_type="111"),)
    assert (first.long_term, first.issued_on) == (True, date(2020, 1, 1))


def test_codes_of_the_status_are_listed_and_left_to_a_person() -> None:
    """A status is never guessed: every code that was seen is unknown, also one that looks plain."""
    proposal, text, adapter = draft(encode(ANSWER))
    assert proposal.status is not None
    assert (proposal.status.at, proposal.status.codes) == ("$.license_status", ("ISSUED", "ABOLISHED"))
    assert [one.status for one in adapter.parse(encode(ANSWER)).records] == [RecordStatus.UNKNOWN] * 2
    assert '= "active"' not in text


def test_the_code_that_came_with_records_is_taken_for_found() -> None:
    """The outcome is told by which messages hold records."""
    proposal, _, adapter = draft(encode(FAILURE), encode(FAILURE), encode(ANSWER))
    assert proposal.outcome is not None
    assert proposal.outcome.beside_records == ("SUCCESS",)
    assert adapter.parse(encode(ANSWER)).outcome == "found"
    assert adapter.parse(encode(FAILURE)).outcome == "error"


def test_xml_in_gbk_with_a_namespace_is_read() -> None:
    """One record stands for a list, holders are split, extension fields are surface fields, namespaces declared."""
    proposal, _, adapter = draft(XML.encode("gbk"))
    assert proposal.records == "/PACKAGE/DATA/RECORD[*]"
    assert proposal.layout.namespaces == {"": "urn:x"}
    assert fields(proposal)["surface.DZ"] == ("/KZ_DZ", ())
    assert fields(proposal)["holders[].name"] == ("/CZZT", ("split:、",))
    (record,) = adapter.parse(XML.encode("gbk")).records
    assert [one.name for one in record.holders] == ["张三", "李四"]
    assert record.long_term
    assert record.aside == {"$.@no": "7"}


def test_form_text_is_one_record() -> None:
    """Each message is a record, and its own envelope."""
    data = urlencode({"zzbh": "京1", "holderName": "张三", "fzrq": "20200101", "state": "1", "retCode": "00"}).encode()
    proposal, _, adapter = draft(data)
    assert proposal.records == ""
    assert fields(proposal)["issued_on"] == ("$.fzrq", ("date:yyyyMMdd",))
    assert adapter.parse(data).records[0].number == "京1"


def test_delimited_text_is_a_list_of_lines() -> None:
    """Columns are known by their Chinese names."""
    data = (
        "证照编号|持证人|发证日期|状态|有效期至\n京1|张三|2020/01/02|1|2025/01/01\n京2|李四|2020/01/03|2|长期\n".encode(
            "gbk"
        )
    )
    proposal, _, adapter = draft(data)
    assert proposal.records == "$[*]"
    assert [one.number for one in adapter.parse(data).records] == ["京1", "京2"]
    assert proposal.status is not None


@pytest.mark.parametrize(
    ("tree", "to", "at", "codecs"),
    [
        ({"certNo": "1", "holder": {"name": "张三"}}, "holders[].name", "$.holder.name", ()),
        ({"certNo": "1", "holders": [{"holderName": "张三"}]}, "holders[].name", "$.holders[*].holderName", ()),
        ({"certNo": "1", "issueDate": 1577808000000}, "issued_on", "$.issueDate", ("number-text", "date:epoch-ms")),
        ({"certNo": 12}, "number", "$.certNo", ("number-text",)),
        ({"certNo": "1", "odd.name": f"1.2.156.3005.2.{'1' * 18}"}, "identifier", '$["odd.name"]', ()),
        ({"certNo": "1", "x": CITIZEN}, "holders[].code", "$.x", ()),
        ({"certNo": " 1 "}, "number", "$.certNo", ("trim",)),
        ({"certNo": "京１２３"}, "number", "$.certNo", ("width:half",)),
        ({"certNo": "1", "areaCode": "440100000000"}, "area", "$.areaCode", ("area:12",)),
        ({"certNo": "1", "file_data": "QUJD" * 200}, "document.content", "$.file_data", ("base64",)),
        ({"certNo": "1", "xzdz": "https://licence.example/1"}, "document.link", "$.xzdz", ()),
        ({"certNo": "1", "surface": [{"name": "性别", "value": "男"}]}, "surface.*", "$.surface[*]", ()),
    ],
)
def test_one_odd_place_is_found(tree: object, to: str, at: str, codecs: tuple[str, ...]) -> None:
    """Objects, lists of holders, numbers, odd names, telling values, white space, width, files, links, pairs."""
    proposal, _, adapter = draft(encode(tree))
    assert fields(proposal)[to] == (at, codecs)
    assert adapter.parse(encode(tree)).records[0].aside == {}


def test_records_in_a_text_are_found() -> None:
    """A list of records may be JSON in a text of JSON."""
    data = encode({"code": "0", "data": json.dumps([{"certNo": "1", "certName": "甲证"}])})
    proposal, _, adapter = draft(data)
    assert proposal.records == "$.data@json[*]"
    assert adapter.parse(data).records[0] == LicenceRecord(number="1", name="甲证", source="new-system")


def test_a_date_that_cannot_be_read_is_not_mapped() -> None:
    """A field of a day needs a form of date that reads every value."""
    proposal, _, _ = draft(encode({"certNo": "1", "issueDate": "元年"}))
    assert "issued_on" not in fields(proposal)
    assert [one.at for one in proposal.unmapped] == ["$.issueDate"]


def test_every_guess_carries_its_confidence() -> None:
    """No guess is certain, none is weaker than the least, and the file has each beside its line."""
    proposal, text, adapter = draft(encode(ANSWER))
    assert all(LEAST <= guess.confidence < 1 for guess in proposal.fields)
    assert {guess.evidence for guess in proposal.fields} <= {Evidence.PROBABLE, Evidence.INFERRED}
    assert all(rule.evidence is not Evidence.CERTAIN for rule in adapter.rules.fields)
    assert text.count("置信度 / confidence") >= len(proposal.fields)


def test_no_loss_is_declared_by_the_draft() -> None:
    """What is lost is listed for a person to declare, so that the check does not pass by itself."""
    _, text, adapter = draft(encode(ANSWER))
    assert any(loss.is_fault for loss in adapter.losses)
    assert '#   out "trust_level"' in text
    assert "\nloses" not in text


def test_the_draft_holds_no_value_of_a_sample_but_codes() -> None:
    """Names, numbers and addresses of people stay in the samples; a number in place of a name of a field does too."""
    tree = {**ANSWER, CITIZEN: {"phone": "13800138000", "status": "13800138000"}}
    _, text, _ = draft(encode(tree), encode(FAILURE))
    for value in ("张三", CITIZEN, "粤（2020）第1号", "某市住房和城乡建设局", "13800138000", "木工", "男"):
        assert value not in text


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**62), 2**62), st.text(max_size=12),
    st.sampled_from(["2020-01-01", "长期", "null", CITIZEN, "1", "{}", '{"a":1}', "[1]", "<a/>"]),
)  # fmt: skip
KEYS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["certNo", "status", "code", "holders", "name", "issueDate", "data", "surface", "KZ_x", "*"]),
)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(KEYS, TREES, max_size=5), min_size=1, max_size=3))
def test_every_draft_is_a_mapping_file(trees: list[object]) -> None:
    """Whatever the samples hold, what is written loads, and reading them with it is no error of another kind."""
    samples = [encode(tree) for tree in trees]
    try:
        _, _, adapter = draft(*samples)
    except DraftError:
        return
    reads_samples(adapter, samples)


NAMES = st.sampled_from(["ZZBH", "ZZMC", "CZZT", "ZZBFRQ", "RECORD", "code", "status", "KZ_x", "data", "p:x"])
ELEMENTS = st.recursive(
    st.tuples(NAMES, st.sampled_from(["", "1", "2020-01-01", CITIZEN, '{"a":1}', "&lt;a/&gt;"]), st.booleans()),
    lambda inner: st.tuples(NAMES, st.lists(inner, min_size=1, max_size=4), st.booleans()),
    max_leaves=12,
)


def spell_xml(element: tuple[str, object, bool], outermost: str = "") -> str:
    name, content, has_attribute = element
    inner = content if isinstance(content, str) else "".join(map(spell_xml, content))  # type: ignore[call-overload]
    attribute = ' id="1"' if has_attribute else ""
    return f"<{name}{outermost}{attribute}>{inner}</{name}>"


@settings(max_examples=150, deadline=None)
@given(st.lists(ELEMENTS, min_size=1, max_size=2))
def test_every_draft_of_xml_is_a_mapping_file(elements: list[tuple[str, object, bool]]) -> None:
    """The same for XML, with attributes, prefixes, and elements that come once or often."""
    samples = [spell_xml(one, ' xmlns:p="urn:p"').encode() for one in elements]
    try:
        _, _, adapter = draft(*samples)
    except DraftError:
        return
    reads_samples(adapter, samples)


@pytest.mark.parametrize(
    ("text", "codecs"), [("贺知行；陶星若", ["split:；"]), ("贺Ａ；陶星若", ["width:half", "split:;"])]
)
def test_two_holders_in_one_text_are_two(text: str, codecs: list[str]) -> None:
    """Whatever stands between holders, the draft cuts there."""
    sample = encode({"data": [{"ZZBH": "N-1", "CZZT": text}]})
    proposal, _, adapter = draft(sample)
    (guess,) = (one for one in proposal.fields if one.to == "holders[].name")
    assert list(guess.codecs) == codecs
    assert len(adapter.parse(sample).records[0].holders) == 2


def test_holders_come_from_one_list() -> None:
    """Of two lists that look like holders, one is taken: a mapping has no place for both."""
    draft(encode([{"0": [{"holders": "a"}], "1": [{"0": CITIZEN}]}]))


@pytest.mark.parametrize(
    "entries",
    [
        '<f n="XB">男</f><f n="DZ">某地</f>',
        "<f><name>XB</name><value>男</value></f><f><name>DZ</name><value>某地</value></f>",
    ],
    ids=["attribute and text", "children"],
)
def test_names_and_values_in_xml(entries: str) -> None:
    """A list of elements with names and values is read as surface fields, however it spells them."""
    message = f"<r><code>0</code><d><ZZBH>京1号</ZZBH><ZZMC>执照</ZZMC><face>{entries}</face></d></r>".encode()
    _, _, adapter = draft(message)
    (record,) = adapter.parse(message).records
    assert record.surface == {"XB": "男", "DZ": "某地"}


def test_what_may_be_encrypted_is_no_file() -> None:
    """Base64 under a name that says nothing is a file only where it begins as one."""
    for begin, found in ((b"PK\x03\x04", "document.content"), (b"\x9d\x02\xe1\x77", None)):
        data = base64.b64encode(begin + bytes(400)).decode()
        proposal, _, _ = draft(encode({"ZZHM": "1", "MW": data}))
        assert {one.at: one.to for one in proposal.fields}.get("$.MW") == found


def test_records_in_a_text_of_another_form() -> None:
    """A draft reads its samples, whatever form of message the records are in, and whatever namespaces."""
    rows = [{"zzhm": one, "zzmc": "营业执照", "czzt": "甲", "fzrq": "20200101"} for one in ("1", "2")]
    texts = "".join(f"<a:R>{''.join(f'<{name}>{text}</{name}>' for name, text in row.items())}</a:R>" for row in rows)
    in_json = json.dumps({"data": f'<a:L xmlns:a="urn:a" xmlns="urn:b">{texts}</a:L>'})
    in_xml = f'<m xmlns="urn:m"><d>{json.dumps({"rows": rows})}</d></m>'
    for data in (in_json, in_xml):
        _, _, adapter = draft(data.encode())
        assert [one.number for one in adapter.parse(data.encode()).records] == ["1", "2"]
