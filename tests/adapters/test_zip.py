"""The strict ZIP reader: what two readers could see differently is refused."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict import bounds
from adapters.strict import zip as strict_zip
from adapters.strict.zip import read_package
from tests.support.ofd import ZipMember, build_zip, deflate

A = ZipMember(name="OFD.xml", content=b"first " * 20)
B = ZipMember(name="Doc_0/Document.xml", content=b"second", method=0)
CONTENT = {"OFD.xml": A.content, "Doc_0/Document.xml": B.content}
LYING_SIZE = 0xFFFF


def _descriptor(content: bytes, packed: bytes, form: str, *, signature: bytes = b"PK\x07\x08") -> bytes:
    return signature + struct.pack(form, zlib.crc32(content), len(packed), len(content))


def _refused(data: bytes) -> Malformed:
    with pytest.raises(MalformedDocumentError) as caught:
        read_package(data)
    return caught.value.malformed


def test_what_was_packed_is_read_in_the_order_of_the_directory() -> None:
    """Members come back byte for byte, stored or deflated."""
    assert list(read_package(build_zip([A, B])).items()) == list(CONTENT.items())


def test_directories_are_no_members() -> None:
    """A directory entry is checked and left out, also one packed as an empty DEFLATE stream."""
    folders = [ZipMember(name="Doc_0/", method=0), ZipMember(name="Doc_0/Res/", method=8, central={"attributes": 0x10})]
    assert read_package(build_zip([*folders, A, B])) == CONTENT


def test_an_empty_archive_has_no_members() -> None:
    """An end record alone is a ZIP of nothing."""
    assert read_package(build_zip([])) == {}


@pytest.mark.parametrize("form", ["<III", "<IQQ"])
@pytest.mark.parametrize("signature", [b"PK\x07\x08", b""])
def test_sizes_in_a_data_descriptor_are_no_difference(form: str, signature: bytes) -> None:
    """A streamed member has zeros in its local header and the sizes behind its bytes, in one of four spellings."""
    packed = deflate(A.content)
    streamed = ZipMember(
        name=A.name,
        content=A.content,
        flags=8,
        local={"crc": 0, "packed": 0, "size": 0},
        after=_descriptor(A.content, packed, form, signature=signature),
    )
    assert read_package(build_zip([streamed, B])) == CONTENT
    assert read_package(build_zip([B, streamed])) == CONTENT


@pytest.mark.parametrize("side", ["local", "central"])
def test_sizes_in_a_zip64_field_are_no_difference(side: str) -> None:
    """Values are compared as resolved, wherever they stand (seals.md section 9)."""
    extra = struct.pack("<HHQQ", 1, 16, len(A.content), len(deflate(A.content)))
    fields: dict[str, int | bytes] = {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "extra": extra}
    local, central = (fields, {}) if side == "local" else ({}, fields)
    member = ZipMember(name=A.name, content=A.content, local=local, central=central)
    assert read_package(build_zip([member, B])) == CONTENT


@pytest.mark.parametrize("flags", [0, 0x800])
def test_a_chinese_name_is_read_with_and_without_its_flag(flags: int) -> None:
    """UTF-8 is tried first, because packers forget the flag."""
    member = ZipMember(name="Doc_0/Res/数据.txt", content=b"1", flags=flags)
    assert read_package(build_zip([member])) == {"Doc_0/Res/数据.txt": b"1"}


def test_a_name_in_the_chinese_national_encoding_is_read() -> None:
    """Without the UTF-8 flag, bytes that are not UTF-8 are GB18030."""
    raw = {"raw_name": "附件.xml".encode("gb18030")}
    assert read_package(build_zip([ZipMember(name="x", content=b"1", local=raw, central=raw)])) == {"附件.xml": b"1"}


def test_a_short_archive_comment_is_accepted() -> None:
    """Producers leave a mark of a few letters."""
    assert read_package(build_zip([A, B], comment=b"KRC")) == CONTENT


def test_the_utf8_flag_of_an_ascii_name_may_differ_between_headers() -> None:
    """It changes nothing about the name."""
    assert read_package(build_zip([ZipMember(name="OFD.xml", content=A.content, local={"flags": 0x800}), B])) == CONTENT


BROKEN = {
    "not a ZIP": (b"this is no archive at all", Malformed.ZIP),
    "nothing": (b"", Malformed.ZIP),
    "truncated in the directory": (build_zip([A, B])[:-30], Malformed.ZIP),
    "truncated by one byte": (build_zip([A, B])[:-1], Malformed.ZIP),
    "a byte behind the end": (build_zip([A, B], suffix=b"\0"), Malformed.ZIP),
    "a byte before the first member": (build_zip([A, B], prefix=b"\0"), Malformed.ZIP_OVERLAP),
    "a byte between members and directory": (build_zip([A, B], before_directory=b"\0"), Malformed.ZIP_OVERLAP),
    "a byte between members": (build_zip([ZipMember(name="a", after=b"\0"), B]), Malformed.ZIP_OVERLAP),
    "a byte between directory and end": (build_zip([A, B], before_end=b"\0"), Malformed.ZIP),
    "a member that the directory hides": (build_zip([A, ZipMember(name="x", hidden=True), B]), Malformed.ZIP_OVERLAP),
    "a hidden member at the end": (build_zip([A, ZipMember(name="x", hidden=True)]), Malformed.ZIP_OVERLAP),
    "a hidden member at the start": (build_zip([ZipMember(name="x", hidden=True), A]), Malformed.ZIP_OVERLAP),
    "two entries for one member": (
        build_zip([A, ZipMember(name="copy", content=A.content, central={"offset": 0})]),
        Malformed.ZIP_OVERLAP,
    ),
    "an offset behind the end": (build_zip([ZipMember(name="a", central={"offset": 10**6})]), Malformed.ZIP_OVERLAP),
    "a member that reaches into the next": (
        build_zip([ZipMember(name="a", content=b"1", local={"extra_length": 200}), B]),
        Malformed.ZIP_OVERLAP,
    ),
    "packed sizes that reach into the next member": (
        build_zip([ZipMember(name="a", content=b"1", local={"packed": 90}, central={"packed": 90}), B]),
        Malformed.ZIP_OVERLAP,
    ),
    "more entries than said": (build_zip([A, B], end={"count": 1, "here": 1}), Malformed.ZIP),
    "fewer entries than said": (build_zip([A, B], end={"count": 3, "here": 3}), Malformed.ZIP),
    "entries on another disk": (build_zip([A, B], end={"here": 1}), Malformed.ZIP),
    "another disk": (build_zip([A, B], end={"disk": 1}), Malformed.ZIP),
    "a directory of another length": (build_zip([A, B], end={"length": 1}), Malformed.ZIP),
    "a directory elsewhere": (build_zip([A, B], end={"offset": 0}), Malformed.ZIP),
    "an entry on another disk": (build_zip([ZipMember(name="a", central={"disk": 1})]), Malformed.ZIP),
    "an entry with another signature": (build_zip([ZipMember(name="a", central={"signature": 1})]), Malformed.ZIP),
    "a header with another signature": (build_zip([ZipMember(name="a", local={"signature": 1})]), Malformed.ZIP),
    "headers with two names": (build_zip([ZipMember(name="a", local={"raw_name": b"b"})]), Malformed.ZIP),
    "headers with two methods": (build_zip([ZipMember(name="a", local={"method": 0})]), Malformed.ZIP),
    "headers with two checksums": (build_zip([ZipMember(name="a", local={"crc": 1})]), Malformed.ZIP),
    "headers with two sizes": (build_zip([ZipMember(name="a", local={"size": 1})]), Malformed.ZIP),
    "headers with two packed sizes": (build_zip([ZipMember(name="a", local={"packed": 1})]), Malformed.ZIP),
    "headers with two encodings of the name": (
        build_zip([ZipMember(name="证", local={"flags": 0x800})]),
        Malformed.ZIP,
    ),
    "headers that disagree about encryption": (build_zip([ZipMember(name="a", local={"flags": 1})]), Malformed.ZIP),
    "a wrong checksum in both headers": (
        build_zip([ZipMember(name="a", content=b"1", local={"crc": 1}, central={"crc": 1})]),
        Malformed.ZIP,
    ),
    "a descriptor that is missing": (build_zip([ZipMember(name="a", flags=8), B]), Malformed.ZIP_OVERLAP),
    "a descriptor with another size": (
        build_zip([ZipMember(name="a", flags=8, after=_descriptor(b"1", b"", "<III")), B]),
        Malformed.ZIP,
    ),
    "an early size that the descriptor takes back": (
        build_zip([ZipMember(name="a", flags=8, local={"size": 7}, after=_descriptor(b"", deflate(b""), "<III"))]),
        Malformed.ZIP,
    ),
    "a ZIP64 field for sizes that are not in it": (
        build_zip([ZipMember(name="a", central={"extra": struct.pack("<HHQ", 1, 8, 0)})]),
        Malformed.ZIP,
    ),
    "a ZIP64 field that is too short": (
        build_zip([ZipMember(name="a", central={"size": 0xFFFFFFFF, "extra": struct.pack("<HHI", 1, 4, 0)})]),
        Malformed.ZIP,
    ),
    "two ZIP64 fields": (
        build_zip([ZipMember(name="a", central={"size": 0xFFFFFFFF, "extra": struct.pack("<HHQ", 1, 8, 0) * 2})]),
        Malformed.ZIP,
    ),
    "an extra field cut short": (build_zip([ZipMember(name="a", central={"extra": b"\x0a\0\x09\0"})]), Malformed.ZIP),
    "an extra field without length": (build_zip([ZipMember(name="a", central={"extra": b"\0\0\0"})]), Malformed.ZIP),
    "a second name in an extra field": (
        build_zip([ZipMember(name="a", central={"extra": struct.pack("<HHBI", 0x7075, 6, 1, 0) + b"b"})]),
        Malformed.ZIP_MEMBER_NAME,
    ),
    "an encrypted member": (build_zip([ZipMember(name="a", flags=1)]), Malformed.ZIP_ENCRYPTED),
    "strong encryption": (build_zip([ZipMember(name="a", flags=0x41)]), Malformed.ZIP_ENCRYPTED),
    "masked headers": (build_zip([ZipMember(name="a", flags=0x2000)]), Malformed.ZIP_ENCRYPTED),
    "patched data": (build_zip([ZipMember(name="a", flags=0x20)]), Malformed.ZIP),
    "another method": (build_zip([ZipMember(name="a", method=12)]), Malformed.ZIP),
    "a symbolic link": (build_zip([ZipMember(name="a", central={"attributes": 0o120777 << 16})]), Malformed.ZIP),
    "a device": (build_zip([ZipMember(name="a", central={"attributes": 0o020666 << 16})]), Malformed.ZIP),
    "a file marked as a folder": (build_zip([ZipMember(name="a", central={"attributes": 0x10})]), Malformed.ZIP),
    "a folder with content": (build_zip([ZipMember(name="a/", content=b"1")]), Malformed.ZIP),
    "a folder marked as a file": (
        build_zip([ZipMember(name="a/", central={"attributes": 0o100644 << 16})]),
        Malformed.ZIP,
    ),
    "a stream that ends early": (
        build_zip([ZipMember(name="a", content=b"1234", packed=deflate(b"12"))]),
        Malformed.ZIP,
    ),
    "a stream that is cut": (
        build_zip([ZipMember(name="a", content=b"1234", packed=deflate(b"1234")[:-1])]),
        Malformed.ZIP,
    ),
    "a stream with more behind it": (
        build_zip([ZipMember(name="a", content=b"12", packed=deflate(b"12") + b"\0")]),
        Malformed.ZIP,
    ),
    "a stream that is none": (build_zip([ZipMember(name="a", content=b"12", packed=b"\xff\xff")]), Malformed.ZIP),
    "a stored member of two sizes": (
        build_zip([ZipMember(name="a", method=0, content=b"12", local={"size": 3}, central={"size": 3})]),
        Malformed.ZIP,
    ),
    "a comment that holds an end record": (
        build_zip([A, B], comment=build_zip([])),
        Malformed.ZIP,
    ),
    "an entry that is cut": (
        build_zip([A, B], end={"count": 2, "here": 2, "length": 0, "offset": len(build_zip([A, B])) - 22}),
        Malformed.ZIP,
    ),
    "a comment of a member that is cut": (
        build_zip([ZipMember(name="a", central={"comment_length": 300})]),
        Malformed.ZIP,
    ),
    "a comment of a member": (
        build_zip([ZipMember(name="a", central={"extra": b" ", "extra_length": 0, "comment_length": 1})]),
        Malformed.ZIP,
    ),
    "a comment with the start of an end record": (build_zip([A, B], comment=b"PK\x05\x06" + bytes(20)), Malformed.ZIP),
    "a ZIP64 locator before the end record": (
        build_zip([A, B], before_end=struct.pack("<IIQI", 0x07064B50, 0, 0, 1)),
        Malformed.ZIP,
    ),
    "a ZIP64 locator in the comment of the last member": (
        build_zip(
            [
                ZipMember(
                    name="a",
                    central={
                        "extra": struct.pack("<IIQI", 0x07064B50, 0, 0, 1),
                        "extra_length": 0,
                        "comment_length": 20,
                    },
                )
            ]
        ),
        Malformed.ZIP,
    ),
    "an unknown extra field": (
        build_zip([ZipMember(name="a", central={"extra": struct.pack("<HH", 0x9999, 4) + b"1234"})]),
        Malformed.ZIP,
    ),
    "an unknown extra field in the local header": (
        build_zip([ZipMember(name="a", local={"extra": struct.pack("<HH", 0x9999, 4) + b"1234"})]),
        Malformed.ZIP,
    ),
    "times that are too long": (
        build_zip([ZipMember(name="a", central={"extra": struct.pack("<HHB", 0x5455, 9, 1) + bytes(8)})]),
        Malformed.ZIP,
    ),
    "times of another system that are too long": (
        build_zip([ZipMember(name="a", central={"extra": struct.pack("<HHIHH", 0x000A, 36, 0, 1, 28) + bytes(28)})]),
        Malformed.ZIP,
    ),
    "an owner with something behind it": (
        build_zip(
            [
                ZipMember(
                    name="a", local={"extra": struct.pack("<HH", 0x7875, 12) + b"\1\4" + bytes(4) + b"\4" + bytes(5)}
                )
            ]
        ),
        Malformed.ZIP,
    ),
    "an owner with a long number": (
        build_zip([ZipMember(name="a", local={"extra": struct.pack("<HH", 0x7875, 43) + b"\1\x28" + bytes(41)})]),
        Malformed.ZIP,
    ),
    "an owner that is cut": (
        build_zip([ZipMember(name="a", local={"extra": struct.pack("<HH", 0x7875, 1) + b"\1"})]),
        Malformed.ZIP,
    ),
    "one extra field twice": (
        build_zip([ZipMember(name="a", central={"extra": struct.pack("<HHBI", 0x5455, 5, 1, 0) * 2})]),
        Malformed.ZIP,
    ),
    "extra fields without an end": (
        build_zip([ZipMember(name="a", central={"extra": struct.pack("<HH", 0x9999, 0) * 300})]),
        Malformed.TOO_LARGE,
    ),
    "a folder with hidden bytes": (
        build_zip([A, ZipMember(name="a/", packed=deflate(b"") + build_zip([B])), B]),
        Malformed.ZIP,
    ),
    "a stored folder with hidden bytes": (
        build_zip([A, ZipMember(name="a/", method=0, packed=build_zip([B])), B]),
        Malformed.ZIP,
    ),
    "a streamed folder with hidden members": (
        build_zip(
            [
                ZipMember(
                    name="a/",
                    flags=8,
                    packed=deflate(b"") + _descriptor(b"", deflate(b""), "<III") + build_zip([B]),
                    local={"packed": 0},
                    after=struct.pack("<4sIII", b"PK\x07\x08", 0, 18 + len(build_zip([B])), 0),
                )
            ]
        ),
        Malformed.ZIP,
    ),
    "a folder with a checksum": (
        build_zip([ZipMember(name="a/", method=0, local={"crc": 1}, central={"crc": 1})]),
        Malformed.ZIP,
    ),
    "stored bytes whose size follows": (
        build_zip(
            [ZipMember(name="a", method=0, flags=8, content=b"12", after=_descriptor(b"12", b"12", "<III"))],
        ),
        Malformed.ZIP,
    ),
    "bytes before an empty directory": (build_zip([], prefix=b"\0"), Malformed.ZIP_OVERLAP),
    "a long comment": (build_zip([A], comment=b" " * 300), Malformed.TOO_LARGE),
}


@pytest.mark.parametrize(("data", "malformed"), BROKEN.values(), ids=BROKEN.keys())
def test_records_that_contradict_each_other_are_refused(data: bytes, malformed: Malformed) -> None:
    """One thing is wrong, and the kind of fault says which."""
    assert _refused(data) is malformed


@pytest.mark.parametrize(
    "name",
    [
        "../OFD.xml", "Doc_0/../OFD.xml", "./OFD.xml", "Doc_0/./x", "Doc_0//x", "/OFD.xml", "//", "/", "Doc_0\\x",
        "C:OFD.xml", "c:/x", "a\0b", "a\nb", "a\x7fb", "a\x85b", "a\u202eb", "a\u200bb", "a\u2028b", "..", ".", "",
        "x" * 600, "a.", "a ", "a./b", "a /b", "Content.xml.", "Content.xml::$DATA", "a*b", "a?b", 'a"b', "a<b", "a>b",
        "a|b", "CON", "con", "a/Nul", "aux.xml", "nul .xml", "COM1", "com\u00b9", "lpt9.tar.gz", "a/CONIN$", "x.../y",
        "/".join("a" * 17), "\ufdfa" * 60,
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_or_do_not_show_are_refused(name: str) -> None:
    """A name is relative, inside the package, and looks like what it is."""
    assert _refused(build_zip([A, ZipMember(name=name)])) is Malformed.ZIP_MEMBER_NAME


@pytest.mark.parametrize(
    "name", ["console.xml", "a/nullen", "com10", "a..b", "a.b-c", "comet", "-a", "/".join("a" * 16)]
)
def test_names_that_only_look_odd_are_read(name: str) -> None:
    """What Windows takes for a file of that name is one."""
    assert read_package(build_zip([ZipMember(name=name, content=b"1")])) == {name: b"1"}


EXTRA_FIELDS = {
    "times": struct.pack("<HHBI", 0x5455, 5, 1, 0),
    "three times": struct.pack("<HHB", 0x5455, 13, 7) + bytes(12),
    "times and owner": struct.pack("<HHB", 0x5455, 5, 3)
    + bytes(4)
    + b"\x75\x78\x0b\0\1\4"
    + bytes(4)
    + b"\4"
    + bytes(4),
    "NTFS times": struct.pack("<HHIHH", 0x000A, 32, 0, 1, 24) + bytes(24),
    "the name again": struct.pack("<HHBI", 0x7075, 6, 1, zlib.crc32(b"a")) + b"a",
}


@pytest.mark.parametrize("extra", EXTRA_FIELDS.values(), ids=EXTRA_FIELDS.keys())
def test_extra_fields_that_packers_write_are_no_difference(extra: bytes) -> None:
    """Times, owners and the same name once more say nothing about the content."""
    for side in ("local", "central"):
        member = ZipMember(name="a", content=b"1", **{side: {"extra": extra}})
        assert read_package(build_zip([member])) == {"a": b"1"}


def test_a_name_that_two_readers_spell_differently_is_said() -> None:
    """UTF-8 without its flag can be Chinese in another encoding; with the flag, or in ASCII, it cannot."""
    doubtful: set[str] = set()
    plain, flagged = ZipMember(name="数据", content=b"1"), ZipMember(name="资源", content=b"1", flags=0x800)
    assert len(read_package(build_zip([plain, flagged, A]), doubtful_names=doubtful)) == 3
    assert doubtful == {"数据"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "a"), ("a", "A"), ("Doc_0/Straße", "Doc_0/STRASSE"), ("A", "\uff21"), ("e\u0301", "\u00e9"),
        ("a", "a/"), ("a/", "A/"), ("a", "a/b"), ("a/B/c", "a/b"),
    ],
)  # fmt: skip
def test_names_that_some_reader_takes_for_one_are_refused(first: str, second: str) -> None:
    """Equal, equal without case or width or composition, or a file where another member needs a folder."""
    for names in ((first, second), (second, first)):
        members = [ZipMember(name=name, method=0) for name in names]
        assert _refused(build_zip(members)) is Malformed.ZIP_MEMBER_NAME


@pytest.mark.parametrize(("raw", "flags"), [(b"\xff\xff", 0), (b"\xd5\xd5", 0x800)])
def test_a_name_in_no_encoding_is_refused(raw: bytes, flags: int) -> None:
    """With the UTF-8 flag only UTF-8 will do, without it GB18030 is the last try."""
    fields = {"raw_name": raw, "flags": flags}
    assert _refused(build_zip([ZipMember(name="x", local=fields, central=fields)])) is Malformed.ZIP_MEMBER_NAME


def test_a_member_that_inflates_a_thousandfold_is_refused_unopened() -> None:
    """The ratio is judged by what the directory declares, above the size where it starts to matter."""
    assert _refused(build_zip([ZipMember(name="a", content=bytes(2 * bounds.RATIO_FREE))])) is Malformed.TOO_LARGE


def test_a_small_member_may_inflate_a_thousandfold() -> None:
    """An empty page is mostly repetition."""
    content = bytes(bounds.RATIO_FREE)
    assert read_package(build_zip([ZipMember(name="a", content=content)])) == {"a": content}


def test_a_bomb_that_declares_a_small_size_is_stopped_there() -> None:
    """Inflating never goes further than one byte beyond the declared size."""
    fields = {"size": 100, "crc": zlib.crc32(bytes(100))}
    bomb = ZipMember(name="a", content=bytes(10_000_000), local=fields, central=fields)
    assert _refused(build_zip([bomb])) is Malformed.ZIP


def test_the_sum_of_sizes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that are fine one by one are refused together."""
    monkeypatch.setattr(strict_zip, "MAX_MEMBERS_TOTAL", 1_000)
    members = [ZipMember(name=str(index), content=bytes(300)) for index in range(4)]
    assert len(read_package(build_zip(members[:3]))) == 3
    assert _refused(build_zip(members)) is Malformed.TOO_LARGE


def test_one_member_is_bounded() -> None:
    """A declared size above the bound is refused, whatever the stream holds."""
    fields = {"size": bounds.MAX_MEMBER + 1}
    assert _refused(build_zip([ZipMember(name="a", local=fields, central=fields)])) is Malformed.TOO_LARGE


def test_the_number_of_members_is_bounded() -> None:
    """The end record says how many there are before any is read."""
    members = [ZipMember(name=str(index), method=0) for index in range(bounds.MAX_MEMBERS + 1)]
    assert len(read_package(build_zip(members[:-1]))) == bounds.MAX_MEMBERS
    assert _refused(build_zip(members)) is Malformed.TOO_LARGE


def test_the_package_is_bounded() -> None:
    """Its length is looked at before its content."""
    assert _refused(bytes(bounds.MAX_DOCUMENT + 1)) is Malformed.TOO_LARGE


@given(st.binary(max_size=300))
def test_garbage_raises_only_our_error(data: bytes) -> None:
    """Random bytes, and random bytes in front of a valid end record, are refused in words."""
    for candidate in (data, data + build_zip([])):
        try:
            read_package(candidate)
        except MalformedDocumentError:
            pass


@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    """Whatever byte of a package is changed, its members are the same afterwards, or it is refused."""
    original = build_zip([A, B])
    position = data.draw(st.integers(0, len(original) - 1))
    changed = bytearray(original)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        members = read_package(bytes(changed))
    except MalformedDocumentError:
        return
    assert members == CONTENT


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}\.[a-z]{3}", fullmatch=True), st.binary(max_size=200))
)
def test_what_is_written_is_read(members: dict[str, bytes]) -> None:
    """Any set of members with plain names comes back as it was."""
    assert (
        read_package(build_zip([ZipMember(name=name, content=content) for name, content in members.items()])) == members
    )
