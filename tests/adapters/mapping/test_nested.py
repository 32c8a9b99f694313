"""Records in a text of another form than the message: their paths, their lists, and the names of their elements."""

import json

import pytest

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.fault import MappingError
from adapters.mapping.forms.xml import read_xml_text, write_xml_text
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordStatus

TEXT = """
[system]
id = "town"
zh = "镇"
en = "Town"

[message]
form = "{form}"
records = "{records}"
{namespaces}

[[field]]
to = "number"
at = '{number}'

[[field]]
to = "surface.x[].y"
at = '{column}'

[status]
at = '{status}'
codes = {{ "1" = "active" }}
"""
NAMESPACES = 'namespaces = { p = "urn:p", q = "urn:q" }'


def town(form: str, records: str, *at: str, namespaces: str = "") -> Adapter:
    """Return a system with records in a text, and in a record at these paths: a number, a status, a column."""
    number, status, column = at
    text = TEXT.format(form=form, records=records, number=number, status=status, column=column, namespaces=namespaces)
    return load_adapter(text.encode(), "town.toml")


JSON_IN_XML = town("xml", "/p:m/p:d@json.list[*]", "$.N", "$.S", "$.X[*].Y", namespaces=NAMESPACES)
XML_IN_JSON = town("json", "$.data@xml/p:L/p:R[*]", "/q:N", "/@S", "/X[*]/Y", namespaces=NAMESPACES)
XML_IN_XML = town("xml", "/p:m/d@xml/p:L/p:R[*]", "/q:N", "/@q:S", "/X[*]/Y", namespaces=NAMESPACES)
ALL = {"JSON in XML": JSON_IN_XML, "XML in JSON": XML_IN_JSON, "XML in XML": XML_IN_XML}
EACH = pytest.mark.parametrize("adapter", ALL.values(), ids=ALL)


def record(number: str, rows: tuple[dict[str, str], ...] = ({"y": "a"},)) -> LicenceRecord:
    surface = {"x": rows} if rows else {}
    return LicenceRecord(number=number, status=RecordStatus.ACTIVE, raw_status="1", source="town", surface=surface)


@EACH
@pytest.mark.parametrize("rows", [(), ({"y": "a"},), ({"y": "a"}, {"y": "b"})], ids=["none", "one", "two"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_is_written_is_read(adapter: Adapter, count: int, rows: tuple[dict[str, str], ...]) -> None:
    """No record, one or two come back as they were, with a table of no row, one or two."""
    records = tuple(record(f"N{number}", rows) for number in range(count))
    parsed = adapter.parse(adapter.render(records))
    assert (parsed.records, parsed.refused, parsed.aside) == (records, (), {})
    assert parsed.outcome is (AnswerOutcome.FOUND if records else AnswerOutcome.NOT_FOUND)


def test_one_element_alone_is_a_list() -> None:
    """What could repeat in XML is a list of one, also where the XML stands in a text of JSON."""
    text = '<a:L xmlns:a="urn:p" xmlns="urn:q"><a:R S="1"><N>7</N></a:R></a:L>'
    assert XML_IN_JSON.parse(json.dumps({"data": text}).encode()).records == (record("7", ()),)


def test_an_object_is_no_list() -> None:
    """An object where JSON has a list is refused, also where the JSON stands in a text of XML."""
    message = '<m xmlns="urn:p"><d>{}</d></m>'
    with pytest.raises(AdapterError) as caught:
        JSON_IN_XML.parse(message.format('{"list": {"N": "7"}}').encode())
    assert caught.value.fault is AdapterFault.SHAPE
    (refused,) = JSON_IN_XML.parse(message.format('{"list": [{"X": {"Y": "a"}}]}').encode()).refused
    assert refused.error.fault is AdapterFault.SHAPE


def test_paths_of_records_as_the_message_spells_them() -> None:
    """Paths of records may begin as those of the whole message do; names of such paths have no namespace in JSON."""
    in_xml = town("xml", "/m/d@json.list[*]", "/N", "/S", "/X[*]/Y")
    in_json = town("json", "$.data@xml/L/R[*]", "$.N", '$["@S"]', "$.X[*].Y")
    for adapter in (in_xml, in_json):
        assert adapter.parse(adapter.render([record("7")])).records == (record("7"),)


def test_a_list_of_texts_with_messages_is_refused() -> None:
    """Records are a list or one text: a text for each of them is a fault, and so is a list on the way to them."""
    for records in ("$.list[*]@json", "$.list[*].d@json"):
        with pytest.raises(MappingError) as caught:
            town("json", records, "$.N", "$.S", "$.X[*].Y")
        assert [one.key for one in caught.value.faults] == ["message.records"]


@pytest.mark.parametrize("records", ["/m/r[*]", "/m[*]", "/m/r", "/m"])
def test_nothing_found_without_a_code(records: str) -> None:
    """A system in XML without codes says that nothing was found with an empty root element."""
    adapter = town("xml", records, "/N", "/S", "/X[*]/Y")
    message = adapter.render([])
    assert message.endswith(b"<m></m>")
    assert adapter.parse(message).outcome is AnswerOutcome.NOT_FOUND


def test_only_namespaces_that_are_used_are_declared() -> None:
    """XML in a text has the prefixes of the mapping, for the namespaces that are in it."""
    namespaces = {"": "urn:d", "p": "urn:p", "q": "urn:q"}
    assert write_xml_text({"{urn:p}a": ""}, namespaces) == '<p:a xmlns:p="urn:p"></p:a>'
    assert write_xml_text({"{urn:d}a": ""}, namespaces) == '<a xmlns="urn:d"></a>'


@pytest.mark.parametrize("inside", [{"b": "1"}, {"@{urn:d}b": "1", "": "2"}, {"@b": "1", "{urn:n}c": "2"}])
def test_no_name_changes_its_namespace(inside: dict[str, str]) -> None:
    """An element without a namespace is in none, and an attribute in its own, whatever the default one is."""
    tree = {"{urn:d}a": inside}
    for namespaces in ({"": "urn:d"}, {"n1": "urn:d"}, {"n1": "urn:other"}, {}):
        assert read_xml_text(write_xml_text(tree, namespaces)) == tree
