"""What our own writer composes, our own reader reads."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from adapters.metadata import TAGS
from adapters.ofd.page import Page, Text
from adapters.ofd.reader import parse_ofd
from adapters.ofd.writer import (
    Attachment,
    CustomTag,
    DocumentInfo,
    PackageContent,
    encode_elements,
    encode_members,
    encode_package,
)

# Each means the same as another tag, and must not contradict it.
SECOND_TAGS = {"ZZYXQQSSJ", "ZZYXQJZSJ", "ZZBFSJ", "JZJZZRQ", "JZJYXQJZRQ"}

# Text that XML can hold; white space around it is not part of an element (the reader says so).
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=30).map(str.strip)
ELEMENTS = st.dictionaries(
    st.sampled_from(sorted(TAGS - {"ZZBS", "CZZT", "CZZTDM"} - SECOND_TAGS)), TEXTS, max_size=8
).map(lambda elements: {"ZZMC": "营业执照", **elements})


def _content(elements: dict[str, str], place: str) -> PackageContent:
    file = encode_elements(elements, name="Licence")
    created = date(2026, 8, 31)
    return PackageContent(
        info=DocumentInfo(
            identifier="0" * 32,
            title="许可证",
            author="某局",
            creator="test",
            creator_version="1",
            created=created,
            custom=elements if place == "OFD.xml" else {},
        ),
        pages=(Page(width=210, height=297, items=(Text(x=20, y=30, size=5, content="第一页"),)),),
        attachments=(Attachment(name="a", file_name="a.xml", format="xml", content=file, created=created),)
        if place == "Doc_0/Attachs/a.xml"
        else (),
        tags=(CustomTag(type_id="t", file_name="t.xml", content=file),) if place == "Doc_0/Tags/t.xml" else (),
    )


@given(ELEMENTS, st.sampled_from(["OFD.xml", "Doc_0/Attachs/a.xml", "Doc_0/Tags/t.xml"]))
def test_licence_elements_survive_in_every_place(elements: dict[str, str], place: str) -> None:
    """Members and licence elements come back as they were written, from the member that they were written into."""
    members = encode_members(_content(elements, place), signed=False)
    document = parse_ofd(encode_package(members))
    assert document.members == members
    assert document.notes == frozenset()
    assert document.licence is not None
    assert document.licence.elements == elements
    assert document.licence_members == {place}
