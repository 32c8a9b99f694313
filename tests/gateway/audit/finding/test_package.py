"""The file of a finding: one spelling, read by others too, and no byte of it can be changed unnoticed."""

import io
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.finding.package import MAX_MEMBERS, MAX_PACKAGE, encode_package, parse_package

FILES = {"finding.json": b"{}", "checkpoint": b"origin\n", "policies/0a.json": b"[]", "empty": b""}
names = st.from_regex(r"(?:[a-z][a-z0-9-]{0,6}/)?[a-z0-9][a-z0-9-]{0,6}(?:\.[a-z]{1,4})?", fullmatch=True)


def flaw(data: bytes) -> LogFlaw:
    """Return why it is no package."""
    with pytest.raises(MalformedLogDataError) as caught:
        parse_package(data)
    return caught.value.flaw


@given(st.dictionaries(names, st.binary(max_size=200), min_size=1, max_size=6))
def test_what_is_written_is_read(files: dict[str, bytes]) -> None:
    """A package holds its files, and the same files are always the same bytes."""
    data = encode_package(files)
    assert parse_package(data) == files
    assert encode_package(dict(reversed(files.items()))) == data


def test_others_read_it_too() -> None:
    """A usual reader of ZIP files finds the same names and contents, and nothing wrong."""
    with zipfile.ZipFile(io.BytesIO(encode_package(FILES))) as package:
        assert package.testzip() is None
        assert {name: package.read(name) for name in package.namelist()} == FILES


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_every_changed_byte_is_refused(bit: int) -> None:
    """Whatever byte is changed, in headers, contents or directory, it is no package any more."""
    data = encode_package(FILES)
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 1 << bit
        assert flaw(bytes(broken)) is LogFlaw.PACKAGE, at


def test_every_end_that_is_cut_off_is_refused() -> None:
    """A file that breaks off anywhere is refused."""
    data = encode_package(FILES)
    assert {flaw(data[:end]) for end in range(len(data))} == {LogFlaw.PACKAGE}


def zipped(write: Callable[[zipfile.ZipFile], object], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a ZIP as a usual writer makes it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as package:
        write(package)
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x05\x06" + bytes(18),
        b"PK\x03\x04",
        encode_package(FILES) + b"\0",
        encode_package(FILES) + encode_package(FILES),
        b"\0" + encode_package(FILES),
        encode_package(FILES).replace(b"policies/0a.json", b"policies/../.json"[:16]),
        encode_package(FILES).replace(b"empty", b"/mpty"),
        encode_package(FILES).replace(b"empty", b".mpty"),
        zipped(lambda package: package.writestr("empty", b"")),
        zipped(lambda package: package.writestr("zeros", bytes(10**7)), zipfile.ZIP_DEFLATED),
        zipped(lambda package: package.writestr("../outside", b"x")),
    ],
    ids=lambda data: f"{len(data)}-bytes",
)
def test_what_is_no_package(data: bytes) -> None:
    """Another ZIP, a bomb, a name that leads elsewhere, or bytes before and behind: refused before anything is read."""
    assert flaw(data) is LogFlaw.PACKAGE


def test_a_name_twice_is_refused() -> None:
    """Two members of one name are never one of them, whichever directory says so."""
    one = encode_package({"a": b"1"})
    end = one.index(b"PK\x01\x02")
    assert flaw(one[:end] + one) is LogFlaw.PACKAGE


def test_bounds() -> None:
    """More files, or more bytes, than a finding has are refused, in reading and in writing."""
    many = {f"f{number}": b"" for number in range(MAX_MEMBERS)}
    assert len(parse_package(encode_package(many))) == MAX_MEMBERS
    with pytest.raises(ValueError, match="plain names"):
        encode_package(many | {"one-more": b""})
    for files in ({}, {"A": b""}, {"a/b/c": b""}):
        with pytest.raises(ValueError, match="plain names"):
            encode_package(files)
    members = [encode_package({f"f{number}": b""}) for number in range(MAX_MEMBERS + 1)]
    assert flaw(b"".join(one[: one.index(b"PK\x01\x02")] for one in members)) is LogFlaw.TOO_LARGE
    assert flaw(bytes(MAX_PACKAGE + 1)) is LogFlaw.TOO_LARGE
    with pytest.raises(ValueError, match="bytes were expected"):
        encode_package({"a": bytes(MAX_PACKAGE)})


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda end: encode_package(FILES)[:-30] + end))
def test_garbage_raises_only_our_error(data: bytes) -> None:
    """Whatever comes, it is refused with our own error, or it is exactly what we would have written."""
    try:
        files = parse_package(data)
    except MalformedLogDataError:
        return
    assert encode_package(files) == data
