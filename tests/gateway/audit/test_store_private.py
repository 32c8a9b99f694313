"""Private parts, the words of the index and data keys."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.data_keys import AesKeyWrapper, DataKeys
from gateway.audit.entry import EntryDraft, PrivatePart, Salts, fit_subject, make_private
from gateway.audit.leaf import ANSWERS, LeafKind
from gateway.audit.lookup import Epoch, KeyOwner, LookupKeys, LookupKind, make_marks
from gateway.audit.private import (
    DataKey,
    KeyNumber,
    PrivateFlaw,
    PrivatePartError,
    erase_subject,
    open_private,
    seal_private,
    split_private,
)
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.store.store import OwnerRow
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import LOOKUP, START_MS, WRAPPER, make_draft

ONE, TWO, OFFICIAL = (DataKey(number=KeyNumber(at), key=bytes([at]) * 32) for at in (1, 2, 3))
KEYS = {key.number: key.key for key in (ONE, TWO, OFFICIAL)}
PART = make_draft(1).private
OWNERS = [KeyOwner(bytes([at]) * 12) for at in range(3)]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def seal(part: PrivatePart, *, entry: int = 5, subjects: Sequence[DataKey] = (ONE,)) -> bytes:
    return seal_private(part, entry=entry, subjects=subjects, official=OFFICIAL)


def owner_row(owner: KeyOwner, number: KeyNumber, epoch: int = 1) -> OwnerRow:
    return OwnerRow(owner=owner, number=number, epoch=Epoch(epoch), first=0)


parts = st.builds(
    make_private,
    subjects=st.lists(texts.filter(bool).map(fit_subject), max_size=3),
    official=texts,
    case=texts,
    licence=texts,
    context=st.lists(texts, max_size=9),
    response=st.just(b"") | st.binary(min_size=32, max_size=32),
)


@given(part=parts)
def test_what_is_sealed_is_opened(part: PrivatePart) -> None:
    """Every private part comes back from its bytes."""
    opened = open_private(split_private(seal(part, subjects=(ONE, TWO))), entry=5, keys=KEYS)
    assert (opened.part, opened.subject_erased, opened.official_erased) == (part, False, False)


@pytest.mark.parametrize("gone", [ONE.number, TWO.number])
def test_either_subject_takes_the_half_along(gone: KeyNumber) -> None:
    """A licence that names two holders cannot be read once one of them is forgotten; who looked still can."""
    assert PART is not None
    left = {number: key for number, key in KEYS.items() if number != gone}
    opened = open_private(split_private(seal(PART, subjects=(ONE, TWO))), entry=5, keys=left)
    assert (opened.subject_erased, opened.official_erased) == (True, False)
    assert (opened.part.subjects, opened.part.licence, opened.part.official) == ((), "", PART.official)
    assert opened.part.salts.lic == opened.part.salts.subj == opened.part.salts.resp == b""


@given(part=parts)
def test_a_part_without_its_subject(part: PrivatePart) -> None:
    """Without the subject's half all keys open who looked, and nothing else."""
    opened = open_private(split_private(erase_subject(seal(part))), entry=5, keys=KEYS)
    assert (opened.subject_erased, opened.official_erased) == (True, False)
    assert (opened.part.official, opened.part.case) == (part.official, part.case)
    assert (opened.part.subjects, opened.part.licence, opened.part.context, opened.part.response) == ((), "", (), b"")


def test_a_part_of_which_something_is_erased_is_not_sealed_again() -> None:
    """Its seeds are gone, and it would not come back."""
    assert PART is not None
    with pytest.raises(ValueError, match="whole"):
        seal(replace(PART, salts=Salts(subject=b"", official=PART.salts.official)))


def test_a_usual_part_is_small() -> None:
    """What an access of full size takes at rest, all but its own numbers, seeds and digests being usual."""
    assert PART is not None
    assert len(seal(PART)) < 235


def test_a_part_fits_its_entry_only() -> None:
    """A row that changed places is noticed."""
    assert PART is not None
    with pytest.raises(PrivatePartError) as caught:
        open_private(split_private(seal(PART, entry=5)), entry=6, keys=KEYS)
    assert caught.value.flaw is PrivateFlaw.NOT_AUTHENTIC


def test_every_changed_byte_is_noticed() -> None:
    """Whichever byte is changed, the part is refused, or asks for a key that there is not."""
    assert PART is not None
    data = seal(PART)
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 0x40
        try:
            opened = open_private(split_private(bytes(broken)), entry=5, keys=KEYS)
        except PrivatePartError:
            continue
        assert opened.subject_erased or opened.official_erased


@given(data=st.binary(max_size=200))
def test_garbage_raises_only_our_error(data: bytes) -> None:
    """Bytes that are no private part are refused."""
    try:
        open_private(split_private(data), entry=0, keys=KEYS)
    except PrivatePartError:
        pass


def test_words_say_nothing_without_the_key() -> None:
    """Another key, another kind or another value gives another word."""
    other = LookupKeys({Epoch(1): b"b" * 32})
    found = {
        keys.word(kind, value, Epoch(1))
        for keys in (LOOKUP, other)
        for kind in (LookupKind.SUBJECT, LookupKind.OFFICIAL)
        for value in ("x", "y")
    }
    assert len(found) == 8


@given(value=texts)
def test_a_word_is_an_hmac(value: str) -> None:
    """Words are the end of HMAC-SHA256 (RFC 2104) over the kind and the value, and owners are its beginning."""
    digest = hmac.digest(LOOKUP.keys[Epoch(1)], f"subject\0{value}".encode(), "sha256")
    assert LOOKUP.word(LookupKind.SUBJECT, value, Epoch(1)) == int.from_bytes(digest[-8:], signed=True)
    assert LOOKUP.owner(LookupKind.SUBJECT, value, Epoch(1)) == digest[:12]


def test_marks_are_the_words_that_are_searched_for() -> None:
    """What an entry is filed under is what a search computes, in the epoch that is written."""
    keys = LookupKeys({Epoch(1): b"a" * 32, Epoch(2): b"b" * 32})
    draft = make_draft(1)
    assert draft.private is not None
    marks = make_marks(draft, t=START_MS, keys=keys)
    for kind, value in (
        (LookupKind.REQUEST, draft.leaf.req),
        (LookupKind.SUBJECT, draft.private.subjects[0]),
        (LookupKind.OFFICIAL, draft.private.official),
        (LookupKind.CASE, draft.private.case),
        (LookupKind.LICENCE, draft.private.licence),
    ):
        assert keys.words(kind, value)[0] in marks.words
        assert keys.words(kind, value)[1] not in marks.words
    assert marks.subjects == (keys.owner(LookupKind.SUBJECT, draft.private.subjects[0], Epoch(2)),)
    assert len(make_marks(EntryDraft(leaf=draft.leaf), t=START_MS, keys=keys).words) == 2


@pytest.mark.parametrize("kind", LeafKind)
def test_entries_that_are_no_answers_are_found_by_their_kind(kind: LeafKind) -> None:
    """Answers are most of a log, and have no word for their kind; everything else has."""
    marks = make_marks(make_draft(7, kind=kind), t=START_MS, keys=LOOKUP)
    assert (LOOKUP.words(LookupKind.KIND, kind)[0] in marks.words) == (kind not in ANSWERS)


def test_an_owner_keeps_the_key() -> None:
    """Once stored, an owner's key is found again; until then nobody else gets it."""
    owners, keys = MemoryStore(), MemoryKeys()
    data_keys = DataKeys(keys, owners, WRAPPER)
    first = data_keys.ensure(OWNERS)
    assert set(first.new) == set(OWNERS)
    assert data_keys.ensure(OWNERS).new == {}
    owners._owners |= {owner: owner_row(owner, number) for owner, number in first.new.items()}
    data_keys.reconnect()
    again = data_keys.ensure(OWNERS)
    assert (again.new, again.keys) == ({}, first.keys)
    data_keys.close()


def test_keys_that_the_table_does_not_have_are_given_to_nobody() -> None:
    """Where another table is in place, with all that owners have, what was made ahead in the one before is dropped."""
    owners, keys = MemoryStore(), MemoryKeys()
    data_keys = DataKeys(keys, owners, WRAPPER)
    data_keys.ensure(OWNERS[:1])
    data_keys.reconnect()
    kept = dict(keys._keys)
    keys._keys, keys._last = {}, 0
    data_keys.settle()
    other = data_keys.ensure(OWNERS[:1])
    assert data_keys.read(list(other.new.values())) == {key.number: key.key for key in other.keys.values()}
    assert keys._keys != kept
    data_keys.close()


def test_an_owner_whose_key_was_destroyed_gets_another() -> None:
    """Nothing new is sealed with a key that was erased."""
    owners, keys = MemoryStore(), MemoryKeys()
    data_keys = DataKeys(keys, owners, WRAPPER)
    first = data_keys.ensure(OWNERS[:1])
    owners._owners[OWNERS[0]] = owner_row(OWNERS[0], first.new[OWNERS[0]])
    assert data_keys.erase(OWNERS) == 1
    second = data_keys.ensure(OWNERS[:1])
    assert second.new[OWNERS[0]] > first.new[OWNERS[0]]
    assert data_keys.read([first.new[OWNERS[0]]]) == {}
    data_keys.close()


def test_an_epoch_is_erased_as_a_whole() -> None:
    """The keys of earlier epochs go, those of the others stay."""
    owners, keys = MemoryStore(), MemoryKeys()
    data_keys = DataKeys(keys, owners, WRAPPER)
    new = data_keys.ensure(OWNERS).new
    owners._owners |= {owner: owner_row(owner, number, at) for at, (owner, number) in enumerate(new.items())}
    pages: list[int] = []
    read = owners.owners_before

    def read_little(epoch: Epoch, *, after: KeyOwner | None = None) -> Mapping[KeyOwner, KeyNumber]:
        page = read(epoch, after=after, limit=1)
        pages.append(len(page))
        return page

    owners.owners_before = read_little  # type: ignore[method-assign,assignment]  # a page of one
    assert data_keys.erase_before(Epoch(2)) == 2
    assert pages == [1, 1, 0]
    assert set(data_keys.read(list(new.values()))) == {new[OWNERS[2]]}
    data_keys.close()


def test_a_changed_wrapped_key_is_noticed() -> None:
    """Neither a changed byte nor another number nor another wrapper opens it."""
    wrapped = WRAPPER.wrap(b"d" * 32, KeyNumber(7))
    assert WRAPPER.unwrap(wrapped, KeyNumber(7)) == b"d" * 32
    for other, number, data in (
        (WRAPPER, 8, wrapped),
        (AesKeyWrapper(b"x" * 32), 7, wrapped),
        (WRAPPER, 7, wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
        (WRAPPER, 7, b""),
    ):
        with pytest.raises(LogUnavailableError) as caught:
            other.unwrap(data, KeyNumber(number))
        assert caught.value.reason is Unavailable.CORRUPT


@pytest.mark.parametrize("keys", [{}, {Epoch(1): b"short"}, {Epoch(-1): b"a" * 32}, {Epoch(2**16): b"a" * 32}])
def test_index_keys_have_bounds(keys: dict[Epoch, bytes]) -> None:
    """No epoch without a key of 32 bytes."""
    with pytest.raises(ValueError, match="expected"):
        LookupKeys(keys)
