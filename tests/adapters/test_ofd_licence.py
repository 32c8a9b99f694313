"""The licence inside an OFD file: in OFD.xml, in an attachment or in custom tags, and readable in one way."""

from datetime import date

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
    assert document.licence_member == member
    assert document.licence.elements == LICENCE
    assert document.licence.valid_to == date(2030, 1, 1)
    assert (Note.MISSPELT_CUSTOM_DATAS in document.notes) is ("CuslomDatas" in str(members["OFD.xml"]))


def test_the_first_place_wins() -> None:
    """OFD.xml before attachments, whatever they say."""
    members = {**_attached(XML_LICENCE), "OFD.xml": unsigned_members(info=_custom(ZZMC="另一证照"))["OFD.xml"]}
    document = read(members)
    assert document.licence is not None
    assert (document.licence.name, document.licence_member) == ("另一证照", "OFD.xml")


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
        _attached(f"<x><ZZMC>a</ZZMC><y>{' '.join(map(str, range(60_000)))}</y></x>"),
        _attached("<x><ZZMC><ObjectRef PageRef='1'>59</ObjectRef></ZZMC></x>"),
    ],
)
def test_other_data_are_no_licence(members: Members) -> None:
    """Marks of a producer, invoices in any encoding, pictures, large files, tags that only point at text on a page."""
    document = read(members)
    assert document.licence is None
    assert document.licence_member is None


@pytest.mark.parametrize(
    ("members", "malformed"),
    [
        (unsigned_members(info=_custom(ZZMC="a") + _custom("CuslomDatas", ZZMC="a")), Malformed.STRUCTURE),
        (unsigned_members(info=_custom(ZZMC="a") * 2), Malformed.STRUCTURE),
        (unsigned_members(info=_custom(ZZMC="a").replace("a<", "a<!-- -->b<")), Malformed.STRUCTURE),
        (_attached("<x><ZZMC>a</ZZMC><ZZMC>b</ZZMC></x>"), Malformed.STRUCTURE),
        (_attached("<x><ZZMC>a<!-- -->b</ZZMC></x>"), Malformed.STRUCTURE),
        (_attached("<x><ZZMC>营业执照</ZZMC></x>".encode("gbk")), Malformed.XML_ENCODING),
        (_attached("<!DOCTYPE x><x><ZZMC>a</ZZMC></x>"), Malformed.XML_DTD),
        (_attached("<x><ZZMC>a</x>"), Malformed.XML),
        (_attached("<x><ZZMC>a</ZZMC>" + "<y/>" * 5 * bounds.MAX_LICENCE_ELEMENTS + "</x>"), Malformed.TOO_LARGE),
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
