"""The trust list as a file: one spelling, everything bounded, nothing half loaded."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import trust_list_parse
from keys.errors import KeysError, MalformedTrustListError, TrustListFlaw, UntrustedListError
from keys.trust import Anchor, Purpose
from keys.trust_list import KeyRole, ListKeys, TrustList, encode_trust_list, trust_store
from keys.trust_list_parse import parse_trust_list
from keys.trust_list_verify import verify_trust_list
from tests.support import pki
from tests.support.trust_lists import (
    CALLER,
    ENTRIES,
    KEEPERS,
    MAKER,
    REMOVAL,
    SIGNER_CA,
    canonical,
    keeper,
    listed_anchors,
    make_list,
    signed,
)

LIST = signed(make_list())
DATA = encode_trust_list(LIST)


def changed(**members) -> bytes:
    return canonical(json.loads(DATA) | members)


def with_entry(place=0, **members) -> bytes:
    """Change members of one entry and put the entries in order again."""
    content = json.loads(DATA)
    content["entries"][place] |= members
    content["entries"].sort(key=canonical)
    return canonical(content)


def with_key(**members) -> bytes:
    content = json.loads(DATA)
    content["keys"][0] |= members
    return canonical(content)


def place_of(member):
    """Return the place of the first entry that states this member."""
    return next(place for place, entry in enumerate(json.loads(DATA)["entries"]) if entry[member] not in (None, "*"))


def flaw_of(data):
    with pytest.raises(MalformedTrustListError) as caught:
        parse_trust_list(data)
    assert len(caught.value.detail) <= 250
    return caught.value.flaw


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_what_was_written_is_read():
    """Reading gives what was written, in the order of the file, and writing gives the same bytes again."""
    full = signed(make_list(keys=(CALLER,), removed=(REMOVAL,), previous="ab" * 32, version=7))
    data = encode_trust_list(full)
    read = parse_trust_list(data)
    assert encode_trust_list(read) == data
    assert (set(read.anchors), read.keys, read.removed) == (set(ENTRIES), (CALLER,), (REMOVAL,))
    assert (read.version, read.previous, read.issued, read.expires) == (7, "ab" * 32, full.issued, full.expires)
    assert read.signers == full.signers
    assert read.signed_bytes == replace(read).signed_bytes == full.signed_bytes
    assert read.digest == full.digest


def test_the_file_is_canonical_json():
    """Any other program that sorts members and leaves spaces out writes the same bytes."""
    assert canonical(json.loads(DATA)) == DATA


@given(st.lists(listed_anchors(), max_size=5, unique=True), st.randoms(use_true_random=False))
def test_order_makes_no_difference(entries, random):
    """Entries, keys and signatures in any order are the same bytes, the same digest and the same store."""
    first = replace(make_list(removed=(REMOVAL,)), anchors=tuple(entries))
    first = signed(first, *KEEPERS)
    shuffled = {
        name: tuple(random.sample(values, len(values)))
        for name, values in (("anchors", first.anchors), ("signatures", first.signatures), ("keys", first.signers.keys))
    }
    second = replace(
        first,
        anchors=shuffled["anchors"],
        signatures=shuffled["signatures"],
        signers=ListKeys(keys=shuffled["keys"], threshold=2),
    )
    data = encode_trust_list(first)
    assert encode_trust_list(second) == data
    assert second.digest == first.digest
    read = parse_trust_list(data)
    assert set(read.anchors) == set(entries)
    assert trust_store([read]).version == trust_store([second]).version == trust_store([first]).version


@settings(max_examples=150)
@given(st.data())
def test_any_changed_byte_is_refused(data):
    """No byte of a list that has just as many signatures as it needs can be another one."""
    place = data.draw(st.integers(0, len(DATA) - 1))
    other = bytearray(DATA)
    other[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((MalformedTrustListError, UntrustedListError)):
        verify_trust_list(parse_trust_list(bytes(other)), previous=None, root_keys=LIST.signers, at=pki.NOW)


@given(
    st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.integers(0, len(DATA)).map(lambda n: DATA[:n])
)
def test_garbage(data):
    """Garbage raises only our error."""
    if data != DATA:
        with pytest.raises(MalformedTrustListError):
            parse_trust_list(data)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", TrustListFlaw.JSON),
        (b"[" * 100_000, TrustListFlaw.JSON),
        (DATA + b"\n", TrustListFlaw.NOT_CANONICAL),
        (b" " + DATA, TrustListFlaw.NOT_CANONICAL),
        (DATA.replace(b'"version":1', b'"version":1.0'), TrustListFlaw.JSON),
        (DATA.replace(b'"version":1', b'"version":1,"version":1'), TrustListFlaw.NOT_CANONICAL),
        (DATA.replace(b'"version":1', b'"version":true'), TrustListFlaw.JSON),
        (DATA.replace("公告".encode(), b"\\u516c\\u544a"), TrustListFlaw.NOT_CANONICAL),
        (changed(more=1), TrustListFlaw.JSON),
        (changed(schema="tongban-trust-list/2"), TrustListFlaw.SCHEMA),
        (changed(version=0), TrustListFlaw.NUMBER),
        (changed(version=2**53), TrustListFlaw.NUMBER),
        (changed(name="Province"), TrustListFlaw.TEXT),
        (changed(previous="AB" * 32), TrustListFlaw.TEXT),
        (changed(issued="2026-02-30T00:00:00Z"), TrustListFlaw.TIME),
        (changed(issued="2026-03-01T00:00:00+00:00"), TrustListFlaw.TIME),
        (changed(expires="2020-01-01T00:00:00Z"), TrustListFlaw.TIME),
        (changed(threshold=0), TrustListFlaw.THRESHOLD),
        (changed(threshold=4), TrustListFlaw.THRESHOLD),
        (changed(entries=json.loads(DATA)["entries"][::-1]), TrustListFlaw.NOT_CANONICAL),
        (changed(entries=json.loads(DATA)["entries"] * 2), TrustListFlaw.NOT_CANONICAL),
        (changed(keys=json.loads(DATA)["keys"] * 2), TrustListFlaw.NOT_CANONICAL),
        (changed(signatures=json.loads(DATA)["signatures"] * 2), TrustListFlaw.NOT_CANONICAL),
        (with_key(algorithm="rsa"), TrustListFlaw.KEY),
        (with_key(algorithm="p-256"), TrustListFlaw.KEY),
        (with_key(public_key=b64(b"\x30\x00")), TrustListFlaw.KEY),
        (
            with_key(public_key=b64(KEEPERS[0].entry.public_key[:-1] + bytes((KEEPERS[0].entry.public_key[-1] ^ 1,)))),
            TrustListFlaw.KEY,
        ),
        (with_key(public_key="A"), TrustListFlaw.TEXT),
        (with_key(roles=[]), TrustListFlaw.ENTRY),
        (with_key(roles=["king"]), TrustListFlaw.ENTRY),
        (with_entry(certificate=b64(b"\x30\x00")), TrustListFlaw.CERTIFICATE),
        (with_entry(certificate=None), TrustListFlaw.ENTRY),
        (with_entry(public_key=b64(KEEPERS[0].entry.public_key)), TrustListFlaw.ENTRY),
        (with_entry(purposes=[]), TrustListFlaw.ENTRY),
        (with_entry(purposes=["signer", "seal-maker"]), TrustListFlaw.NOT_CANONICAL),
        (with_entry(purposes=["everything"]), TrustListFlaw.ENTRY),
        (with_entry(licence_types="all"), TrustListFlaw.TEXT),
        (with_entry(licence_types=[]), TrustListFlaw.ENTRY),
        (with_entry(licence_types=["a b"]), TrustListFlaw.TEXT),
        (with_entry(authorities=["B", "A"]), TrustListFlaw.NOT_CANONICAL),
        (with_entry(authorities=[f"{n:05}" for n in range(1001)]), TrustListFlaw.TOO_LARGE),
        (with_entry(region="37"), TrustListFlaw.TEXT),
        (with_entry(source="a\u202eb"), TrustListFlaw.TEXT),
        (with_entry(source="x" * 501), TrustListFlaw.TEXT),
        (with_entry(start="2026-01-01T00:00:00Z", sunset="2026-01-01T00:00:00Z"), TrustListFlaw.TIME),
        (with_entry(place_of("subject"), subject=None), TrustListFlaw.CA_AS_MAKER),
        (with_entry(place_of("subject"), subject=b64(b"\x30\x00")), TrustListFlaw.ENTRY),
        (with_entry(place_of("subject"), subject=b64(b"\x31\x01x")), TrustListFlaw.ENTRY),
        (with_entry(place_of("licence_types"), subject=b64(MAKER.certificate.subject)), TrustListFlaw.ENTRY),
    ],
)
def test_what_is_no_trust_list(data, flaw):
    """Each rule of the format has its own flaw, and one bad entry refuses the whole list."""
    assert flaw_of(data) is flaw


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (changed(entries=[json.loads(DATA)["entries"][0] | {"region": "37"}]), "entries[0]: region"),
        (changed(entries=[json.loads(DATA)["entries"][0] | {"certificate": b64(b"\x30\x00")}]), "entries[0]"),
        (with_key(algorithm="rsa"), "keys: a: algorithm"),
    ],
)
def test_a_flaw_is_said_with_its_place(data, detail):
    """Whoever made the list is told which entry is wrong, and what in it."""
    with pytest.raises(MalformedTrustListError) as caught:
        parse_trust_list(data)
    assert caught.value.detail == detail


def test_two_spellings_of_a_key_are_refused():
    """A key in another spelling could count as another signer."""
    spki = KEEPERS[0].entry.public_key
    compressed = bytes((2 + (spki[-1] & 1),)) + spki[-64:-32]
    short = pki.sequence(spki[2 : 2 + 21], pki.bits(compressed))
    assert flaw_of(with_key(public_key=b64(short))) is TrustListFlaw.KEY


def test_bounds(monkeypatch):
    """Too many bytes, entries, keys and signatures are refused before they are looked at."""
    for name, limit in (("MAX_BYTES", len(DATA) - 1), ("MAX_ENTRIES", 2), ("MAX_KEYS", 2), ("MAX_SIGNATURES", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(trust_list_parse, name, limit)
            assert flaw_of(DATA) is TrustListFlaw.TOO_LARGE


def test_a_key_with_another_role_signs_no_lists():
    """Keys of the status feed stand in the list and do not count towards its threshold."""
    feed = replace(KEEPERS[2].entry, roles=frozenset({KeyRole.STATUS_FEED}))
    keys = ListKeys(keys=(KEEPERS[0].entry, feed), threshold=2)
    assert flaw_of(encode_trust_list(make_list(signers=keys))) is TrustListFlaw.THRESHOLD


def test_one_key_under_two_ids_is_one_key():
    """A threshold that needs the same key twice can never be met."""
    twice = ListKeys(keys=(KEEPERS[0].entry, keeper("z", key=KEEPERS[0].key).entry), threshold=2)
    assert not twice.can_be_met
    assert flaw_of(encode_trust_list(make_list(signers=twice))) is TrustListFlaw.THRESHOLD


def test_a_store_adds_up_lists_and_folder():
    """The store holds what lists and folder say, each once."""
    folder = Anchor(certificate=SIGNER_CA.certificate, purposes=frozenset({Purpose.TIMESTAMP}))
    store = trust_store([LIST, LIST], [folder])
    assert store.anchors == (folder, *LIST.anchors)
    assert trust_store([replace(LIST, keys=(CALLER,))]).select_keys(Purpose.CALLER, pki.NOW) == (CALLER,)


def test_errors_belong_to_the_family():
    """Whoever catches the errors of this package catches these."""
    assert issubclass(MalformedTrustListError, KeysError)
    assert issubclass(UntrustedListError, KeysError)


def test_a_signature_replaces_that_of_the_same_key():
    """Who signs again has signed once."""
    again = signed(LIST, KEEPERS[0])
    assert [one.key for one in sorted(again.signatures, key=lambda one: one.key)] == ["a", "b"]
    assert isinstance(again, TrustList)
    assert again.expires - again.issued == timedelta(days=91)
