"""The licence inside an OFD file: in OFD.xml, in an attachment or in custom tags, and readable in one way."""

from datetime import UTC, date, datetime

import pytest

from adapters.document import Note
from adapters.errors import Malformed
from adapters.strict import bounds
from tests.support.ofd import (
    PAGES,
    Members,
    element,
    part,
    read,
    refused,
    unsigned_members,
    with_document,
)

LIST_REFERENCE = element("Attachments", "Attachments.xml")
LICENCE = {"ZZMC": "营业执照", "ZZBH": "1", "CZZT": "示例公司", "ZZYXQJZRQ": "2030-01-01", "KZ_JYFW": "软件"}


def _custom(name: str = "CustomDatas", **elements: str) -> str:
    return element(name, "".join(element("CustomData", text, Name=tag) for tag, text in elements.items()))


def _attached(content: bytes | str, *, name: str = "a.xml", form: str = "xml") -> dict[str, bytes | str]:
    entry = element("Attachment", element("FileLoc", name), ID="1", Name="metadata", Format=form)
    return {
        **with_document(PAGES + LIST_REFERENCE, Attachments=part("Attachments", entry)),
        f"Doc_0/{name}": content,
    }


def _tagged(content: bytes | str) -> dict[str, bytes | str]:
    entry = element("CustomTag", element("FileLoc", "Tag.xml"), TypeID="zz")
    return {
        **with_document(PAGES + element("CustomTags", "Tags/T.xml")),
        "Doc_0/Tags/T.xml": part("CustomTags", entry),
        "Doc_0/Tags/Tag.xml": content,
    }


def _both(content: str) -> dict[str, bytes | str]:
    """Put a licence into OFD.xml, and something into an attachment."""
    return {**_attached(content), "OFD.xml": unsigned_members(info=_custom(**LICENCE))["OFD.xml"]}


def _two_bodies(first: dict[str, str], second: dict[str, str]) -> dict[str, bytes | str]:
    bodies = (
        element("DocBody", element("DocInfo", _custom(**one)) + element("DocRoot", "Doc_0/Document.xml"))
        for one in (first, second)
    )
    return {**unsigned_members(), "OFD.xml": part("OFD", "".join(bodies))}


XML_LICENCE = part("Licence", element("Group", "".join(element(tag, text) for tag, text in LICENCE.items())))
NAMED_LICENCE = "<x>" + "".join(f'<i name="{tag}">{text}</i>' for tag, text in LICENCE.items()) + "</x>"


@pytest.mark.parametrize(
    ("members", "member"),
    [
        (unsigned_members(info=_custom(**LICENCE, producer="x")), "OFD.xml"),
        (unsigned_members(info=_custom("CuslomDatas", **LICENCE)), "OFD.xml"),
        (_attached(XML_LICENCE), "Doc_0/a.xml"),
        (_attached(NAMED_LICENCE), "Doc_0/a.xml"),
        (_attached(XML_LICENCE, name="metadata", form="XML"), "Doc_0/metadata"),
        (_tagged(XML_LICENCE), "Doc_0/Tags/Tag.xml"),
    ],
    ids=["CustomDatas", "CuslomDatas", "attachment", "attachment with names", "attachment by format", "custom tag"],
)
def test_the_licence_is_found_wherever_files_carry_it(members: Members, member: str) -> None:
    """The member that carries it is named, and only tags of the standard and extension fields are taken."""
    document = read(members)
    assert document.licence is not None
    assert document.licence_members == {member}
    assert document.licence.elements == LICENCE
    assert document.licence.valid_to == date(2030, 1, 1)
    assert (Note.MISSPELT_CUSTOM_DATAS in document.notes) is ("CuslomDatas" in str(members["OFD.xml"]))


def test_all_places_together_make_the_licence() -> None:
    """What stands in OFD.xml and what stands in an attachment are one licence, carried by both."""
    document = read(_both("<x><ZZMC>营业执照</ZZMC><JZJZZSY>投标</JZJZZSY><JZJYXQJZSJ>2020-01-01</JZJYXQJZSJ></x>"))
    assert document.licence is not None
    assert document.licence_members == {"OFD.xml", "Doc_0/a.xml"}
    assert document.licence.copy is not None
    assert document.licence.copy.valid_until == datetime(2020, 1, 1, 16, tzinfo=UTC)


def test_two_spellings_of_one_day_are_one_statement() -> None:
    """Places may differ in how they write a date, and in nothing else."""
    document = read(_both("<x><ZZYXQJZRQ>2030年1月1日</ZZYXQJZRQ></x>"))
    assert document.licence is not None
    assert document.licence.valid_to == date(2030, 1, 1)


def test_a_second_body_with_the_same_licence_is_read() -> None:
    """Two documents of one licence say the same."""
    document = read(_two_bodies(LICENCE, LICENCE))
    assert document.licence is not None
    assert document.licence_members == {"OFD.xml"}


@pytest.mark.parametrize(
    "content",
    [
        "<x><e Name='&#90;ZMC'>营业执照</e></x>",
        "<x><e name=' ZZMC '>营业执照</e></x>",
        "<x><ZZMC>营业执照</ZZMC>" + "<y/>" * 5_000 + "</x>",
    ],
)
def test_a_tag_is_one_however_it_is_spelt(content: str) -> None:
    """What counts is the name that a parser sees."""
    document = read(_attached(content))
    assert document.licence is not None
    assert document.licence.name == "营业执照"


def test_an_attachment_that_begins_like_xml_is_read_under_any_name() -> None:
    """Neither the stated format nor the name of the file hides a licence."""
    assert read(_attached(XML_LICENCE, name="a.bin", form="")).licence is not None


@pytest.mark.parametrize(
    "content",
    [
        "<x><ZZMC>营业执照</ZZMC></x>".encode("gbk"),
        "<x><ZZMC>营业执照</ZZMC></x>".encode("utf-16"),
        "<!DOCTYPE x><x><ZZMC>a</ZZMC></x>",
        "<x><ZZMC>a</x>",
        f"<x><ZZMC>a</ZZMC><y>{' '.join(map(str, range(60_000)))}</y></x>",
        "<x><e Name='ZZMC' Value='a'/></x>",
        "<x><ZZMC><ObjectRef PageRef='1'>59</ObjectRef></ZZMC></x>",
    ],
    ids=["GBK", "UTF-16", "document type", "not XML", "large", "values", "pointers"],
)
def test_a_file_that_speaks_of_a_licence_and_cannot_be_used_is_said(content: bytes | str) -> None:
    """It is neither believed nor overlooked."""
    document = read(_attached(content))
    assert (document.licence, document.licence_unreadable) == (None, True)


def test_tags_that_point_at_a_page_are_no_fault_beside_a_licence() -> None:
    """An index into the pages says nothing that the metadata do not."""
    document = read(_both("<x><ZZMC><ObjectRef PageRef='1'>59</ObjectRef></ZZMC></x>"))
    assert document.licence is not None
    assert not document.licence_unreadable


def test_all_licence_files_together_are_bounded() -> None:
    """They count with every other XML file of the package."""
    big = f"<x><ZZMC>a</ZZMC><y>{'x' * (bounds.MAX_LICENCE_FILE - 100)}</y></x>"
    numbers = range(bounds.MAX_PACKAGE_XML // bounds.MAX_LICENCE_FILE + 1)
    entries = "".join(element("Attachment", element("FileLoc", f"{number}.xml")) for number in numbers)
    members = {**with_document(PAGES + LIST_REFERENCE), **{f"Doc_0/{number}.xml": big for number in numbers}}
    refusal = refused({**members, "Doc_0/Attachments.xml": part("Attachments", entries)})
    assert refusal.malformed is Malformed.TOO_LARGE


@pytest.mark.parametrize(
    ("info", "custom"),
    [
        ("", False),
        (_custom(**{"native-producer": "x", "producer-version": "1", "template-version": "2"}), False),
        (element("Title", "a") + element("Author", "b"), False),
        (_custom(certificateNumber="1"), True),
        (_custom(KZ_JYFW="a"), True),
        (_custom("CuslomDatas", anything="a"), True),
        (element("CustomDatas", element("CustomData", "a")), True),
        (element("CustomDatas", '<ofd:CustomData name="ZZMC">a</ofd:CustomData>'), True),
        (element("CustomDatas", element("Other", "a")), True),
        (element("CustomData", "a", Name="b"), True),
        (element("ZZMC", "a"), True),
        (element("x", "a", Name="ZZYXQJZRQ"), True),
    ],
)
def test_an_index_with_custom_data_is_told_from_one_with_marks(info: str, *, custom: bool) -> None:
    """Which program wrote a file is no statement that anybody relies on; anything else may be."""
    assert read(unsigned_members(info=info)).index_has_custom_data is custom


@pytest.mark.parametrize(
    "members",
    [
        unsigned_members(info=_custom(**{"native-producer": "x", "producer-version": "1"})),
        unsigned_members(info=_custom(KZ_JYFW="软件")),
        _attached("<发票><号码>1</号码></发票>"),
        _attached("<a>发票</a>".encode("gbk")),
        _attached(b"\x89PNG <ZZMC>", name="a.png", form="png"),
        _attached("<a>ZZMC</a>".encode("utf-16")),
        _attached("<picture>ZZMCZZBHCZZTABCD</picture>"),
        _attached(f"<x><y>{' '.join(map(str, range(60_000)))}</y></x>"),
        _attached("<x>ZZMC &#90;ZMC</x>"),
        _attached("<x>&#90;</x>".encode("gbk") + b"\xff"),
    ],
)
def test_other_data_are_no_licence(members: Members) -> None:
    """Marks of a producer, invoices in any encoding, pictures, large files, texts that only mention a tag."""
    document = read(members)
    assert (document.licence, document.licence_members) == (None, frozenset())
    assert not document.licence_unreadable


@pytest.mark.parametrize(
    ("members", "malformed"),
    [
        (unsigned_members(info=_custom(ZZMC="a") + _custom("CuslomDatas", ZZMC="a")), Malformed.STRUCTURE),
        (unsigned_members(info=_custom(ZZMC="a") * 2), Malformed.STRUCTURE),
        (unsigned_members(info=_custom(ZZMC="a").replace("a<", "a<!-- -->b<")), Malformed.STRUCTURE),
        (_attached("<x><ZZMC>a</ZZMC><ZZMC>b</ZZMC></x>"), Malformed.STRUCTURE),
        (_attached("<x><ZZMC>a<!-- -->b</ZZMC></x>"), Malformed.STRUCTURE),
        (_both("<x><ZZMC>另一证照</ZZMC></x>"), Malformed.STRUCTURE),
        (_both("<x><ZZYXQJZRQ>2029-01-01</ZZYXQJZRQ></x>"), Malformed.STRUCTURE),
        (_both("<x><ZZYXQJZSJ>2029-01-01 00:00:00</ZZYXQJZSJ></x>"), Malformed.STRUCTURE),
        (_both("<x><l><ZZMC>营业执照</ZZMC></l><l><ZZMC>另一证照</ZZMC></l></x>"), Malformed.STRUCTURE),
        (_two_bodies(LICENCE, {**LICENCE, "ZZYXQJZRQ": "2001-01-01"}), Malformed.STRUCTURE),
        (
            _attached("<x>" + "".join(f"<KZ_{n}>1</KZ_{n}>" for n in range(501)) + "<ZZMC>a</ZZMC></x>"),
            Malformed.TOO_LARGE,
        ),
        (unsigned_members(info=_custom(ZZMC="x" * (bounds.MAX_LICENCE_TEXT + 1))), Malformed.TOO_LARGE),
    ],
)
def test_a_licence_that_says_two_things_is_refused(members: Members, malformed: Malformed) -> None:
    """A file that speaks of a licence must be readable in one way."""
    assert refused(members).malformed is malformed


def test_attachments_that_may_hold_a_licence_are_bounded() -> None:
    """Each of them is looked into, so there is an end to them."""
    numbers = range(bounds.MAX_LICENCE_FILES + 1)
    entries = [element("Attachment", element("FileLoc", f"{number}.xml")) for number in numbers]
    members = {**with_document(PAGES + LIST_REFERENCE), **{f"Doc_0/{number}.xml": "" for number in numbers}}
    assert read({**members, "Doc_0/Attachments.xml": part("Attachments", "".join(entries[1:]))}).licence is None
    refusal = refused({**members, "Doc_0/Attachments.xml": part("Attachments", "".join(entries))})
    assert refusal.malformed is Malformed.TOO_LARGE


def test_an_element_that_is_repeated_word_for_word_is_read() -> None:
    """Nobody can disagree about it; comments and instructions beside it change nothing."""
    document = read(_attached("<x><!-- ZZMC --><?ZZMC b?><ZZMC>a</ZZMC><y><ZZMC> a </ZZMC></y></x>"))
    assert document.licence is not None
    assert document.licence.name == "a"
