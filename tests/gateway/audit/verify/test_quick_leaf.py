"""The quick reader of leaves: the same verdict as the reader of record, leaf by leaf."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.leaf import Commits, LeafError, LeafKind, encode_leaf, parse_leaf
from gateway.audit.verify.quick_leaf import AnswerLeaf, read_leaves
from keys.canonical_json import encode_canonical
from tests.gateway.audit import exports
from tests.support.audit import START_MS

ANSWER = replace(
    exports.answer(1).leaf, commits=Commits(op=bytes(32), subj=b"\xff" * 32), plan="f66ad1ab369ae150a29774d1"
)
LEAF = encode_leaf(ANSWER, t=START_MS, seq=7)


@given(st.data())
def test_the_quick_reader_and_the_reader_of_record_agree(data: st.DataObject) -> None:
    """Whatever the bytes, the quick reader takes a leaf exactly when `parse_leaf` does, and says the same of it."""
    leaf = bytearray(LEAF)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(leaf) - 1))
        match data.draw(st.sampled_from(["change", "drop", "insert"])):
            case "change":
                leaf[at] = data.draw(st.sampled_from(b' "\\{}[]:,09azAZ_-\n\x7f\xff' + bytes(LEAF[:40])))
            case "drop":
                del leaf[at]
            case _:
                leaf.insert(at, data.draw(st.sampled_from(b' "0a\n')))
    agree(bytes(leaf))


@pytest.mark.parametrize(
    "change",
    [
        (b'"org":"11370000MB284651XL"', b'"org":"11010519491231002X"'),
        (b'"req":"', b'"req":"' + b"R" * 110),
        (b'"obligations":["no-storage","notify-holder"]', b'"obligations":[]'),
        (b'"obligations":["no-storage","notify-holder"]', b'"obligations":[""]'),
        (b'"revocation":1042', b'"revocation":null'),
        (b'"seq":7', b'"seq":0'),
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":1.0'),
        (b'"kind":"access"', b'"kind":"seal"'),
        (b'"kind":"access"', b'"kind":"acce\\u0073s"'),
        (b'"partner":"340000"', b'"partner":""'),
        (b'AAAAAAAA"', b'AAAAAAAB"'),
        (LEAF[LEAF.index(b'"commits":') : LEAF.index(b'"form"')], b'"commits":{},'),
    ],
    ids=str,
)
def test_both_readers_refuse_the_same(change: tuple[bytes, bytes]) -> None:
    """The cases at the border between both readers have one outcome."""
    assert change[0] in LEAF
    agree(LEAF.replace(*change))


@pytest.mark.parametrize(
    "name",
    [
        *("caller", "form", "item", "org", "outcome", "partner", "plan", "policy", "purpose", "req", "trust"),
        *("obligations", "reasons"),
    ],
)
def test_both_readers_know_a_citizen_number_in_every_text(name: str) -> None:
    """Whichever member is a citizen number, or another text of that length or less, has one outcome."""
    for text in ("11010519491231002X", "110105194912310021", "c", "codes-of-18-letter"):
        agree(encode_canonical(json.loads(LEAF) | {name: [text] if name in {"obligations", "reasons"} else text}))
        agree(encode_canonical(json.loads(LEAF) | {name: ["ok", text]}))


def agree(leaf: bytes) -> None:
    (quick,) = read_leaves([leaf])
    beside = read_leaves([LEAF, leaf, LEAF])
    try:
        slow = parse_leaf(leaf)
    except LeafError:
        assert isinstance(quick, LeafError)
        assert isinstance(beside[1], LeafError)
        return
    for read in (quick, beside[1]):
        assert not isinstance(read, LeafError)
        content = slow.content
        said = (content.caller, slow.seq, slow.t, content.policy, content.trust)
        assert (read.caller, read.seq, read.t, read.policy, read.trust) == said


def test_an_entry_over_two_lines_is_none() -> None:
    """Entries whose ends make whole leaves together are none each."""
    first, second = LEAF[:300], LEAF[300:]
    assert all(isinstance(leaf, LeafError) for leaf in read_leaves([first, second]))
    assert isinstance(read_leaves([LEAF + b"\n" + LEAF])[0], LeafError)
    ended, good = read_leaves([LEAF + b"\n", LEAF])
    assert isinstance(ended, LeafError)
    assert not isinstance(good, LeafError)


def test_every_leaf_of_a_full_bundle_is_read_in_its_place() -> None:
    """However many are read at once, each leaf and each fault stands where its entry stood."""
    entries = [LEAF.replace(b'"seq":7', b'"seq":%d' % (number + 1)) for number in range(256)]
    entries[200] = entries[200].replace(b"AAAAAAAA", b"AAAA+AAA", 1)
    entries[60] = b""
    read = read_leaves(entries)
    assert [number for number, leaf in enumerate(read) if isinstance(leaf, LeafError)] == [60, 200]
    assert [leaf.seq for leaf in read if not isinstance(leaf, LeafError)] == [
        *range(1, 61),
        *range(62, 201),
        *range(202, 257),
    ]


def test_a_leaf_of_another_kind_leaves_the_others_quick() -> None:
    """In a bundle of answers with something else among them, only that one is read alone, in its place."""
    policy = encode_leaf(exports.event(LeafKind.POLICY, 0, action="activate", policy=exports.OLD).leaf, t=1, seq=1)
    text = encode_leaf(exports.event(LeafKind.ADMIN, 0, action="x").leaf, t=1, seq=2)
    for entries in ([policy, LEAF, text, LEAF, b"{}", LEAF], [policy], [policy, text], [LEAF, policy]):
        read = read_leaves(entries)
        assert [isinstance(one, AnswerLeaf) for one in read] == [entry == LEAF for entry in entries]
        for one, entry in zip(read, entries, strict=True):
            assert isinstance(one, LeafError) or one.seq == parse_leaf(entry).seq
