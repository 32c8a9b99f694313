"""Forgetting a person: what is left, who has to agree, and what happens when it is cut short."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.commitment import SALT_SIZE, is_opened_by, make_commitment
from gateway.audit.data_keys import AesKeyWrapper
from gateway.audit.entry import TYPED_IN, EntryDraft, Receipt, SubjectId
from gateway.audit.forgetting import one_shard
from gateway.audit.forgetting.concerned import digest_entries, find_about_person
from gateway.audit.forgetting.one_shard import ShardShredding, Tally, Warrant
from gateway.audit.forgetting.shred import NotApprovedError, Shredded, shred
from gateway.audit.forgetting.shred_approval import (
    ShredApproval,
    ShredOrder,
    make_approval,
)
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.lookup import Epoch, LookupKeys, LookupKind
from gateway.audit.private import KeyNumber
from gateway.audit.search.entry import decode_digest, draft_query
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.shard import site_origin
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.policy.approvers import Approver, ApproverRegistry
from keys.own.signer import SoftwareSigner
from tests.gateway.audit.forgetting.shards import OneShard
from tests.support.audit import LOOKUP, ORIGIN, START_MS, make_draft, opened, sqlite_setup, verify_log

NOW = datetime.fromtimestamp(START_MS / 1000, UTC)
PERSON, OTHER = SubjectId("11010519491231002X"), SubjectId("110105194912310038")
LICENCE = "1.2.156.3005.2.11370000MB284651.12345678"
SIGNERS = {name: SoftwareSigner(Ed25519PrivateKey.from_private_bytes(name[:1].encode() * 32)) for name in "abc"}
APPROVERS = ApproverRegistry(
    Approver(id=name, name=name, name_zh=name, algorithm=signer.algorithm, public_key=signer.public_key)
    for name, signer in SIGNERS.items()
)
ORDER = ShredOrder(log=site_origin(ORIGIN), subject=PERSON, basis="PIPL-47")


def approve(name: str, order: ShredOrder = ORDER, at: datetime = NOW) -> ShredApproval:
    """Return somebody's approval."""
    approver = APPROVERS.find(name)
    assert approver is not None
    return make_approval(order, approver, SIGNERS[name], at=at)


@pytest.fixture(scope="module")
def approvals() -> Sequence[ShredApproval]:
    return [approve("a"), approve("b")]


def entry(number: int, subjects: Sequence[SubjectId], licence: str) -> EntryDraft:
    """Return an entry about these people and this licence."""
    draft = make_draft(number)
    assert draft.private is not None
    return replace(draft, private=replace(draft.private, subjects=tuple(subjects), licence=licence))


# 0, 1: the person's; 2: shared with another; 3: the licence, asked for by somebody who did not say whose; 4, 5: others'
DRAFTS = [
    entry(0, [PERSON], LICENCE),
    entry(1, [PERSON], ""),
    entry(2, [PERSON, OTHER], "licence of both"),
    entry(3, [], LICENCE),
    entry(4, [OTHER], "another licence"),
    entry(5, [], "a third licence"),
]


def append(log: AccessLog, drafts: Sequence[EntryDraft]) -> None:
    """Append entries, one after the other."""

    async def run() -> None:
        for draft in drafts:
            await log.append(draft)

    asyncio.run(run())


def forget(log: AccessLog, approvals: Sequence[ShredApproval]) -> Shredded:
    return asyncio.run(shred(OneShard(log), ORDER, approvals, APPROVERS, at=NOW))


def entries_of(done: Shredded) -> tuple[int, ...]:
    """Return the entries that were concerned in the one half-year there is."""
    [shard] = done.shards
    return shard.entries


def what_leads_to_the_person(log: AccessLog, size: int) -> list[int]:
    """Return the entries that the index, or an opened private part, still connects with the person or the licence."""
    search = LogSearch.of(log)
    found = {
        one.index for query in (Query(subject=PERSON), Query(licence=LICENCE)) for one in search.find(query).entries
    }
    for index in range(size):
        private = log.private(index)
        if private is not None and (PERSON in private.part.subjects or private.part.licence == LICENCE):
            found.add(index)
    return sorted(found)


@pytest.fixture(params=["sqlite", "memory"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccessLog]:
    """Return a log that changed the key of its index after the first entry."""
    store, keys = MemoryStore(), MemoryKeys()
    memory = {"open_store": lambda: store, "open_keys": lambda: keys} if request.param == "memory" else {}
    with opened(sqlite_setup(tmp_path, **memory)) as first:
        append(first, DRAFTS[:1])
    both = LookupKeys({**LOOKUP.keys, Epoch(2): b"b" * 32})
    with opened(sqlite_setup(tmp_path, lookup=both, **memory)) as log:
        append(log, DRAFTS[1:])
        yield log


def test_nothing_leads_to_the_person_any_more(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """Index, private parts and keys tell nothing; an entry says that it was done, and every proof still verifies."""
    assert what_leads_to_the_person(log, 6) == [0, 1, 2, 3]
    leaves = list(log.store.leaves(0, 6))
    done = forget(log, approvals)
    [shard] = done.shards
    assert (shard.said, shard.entries, shard.keys, done.left) == ((6,), (0, 1, 2, 3), 2, 0)
    said = parse_leaf(log.leaf(6)).content
    assert (said.kind, said.more["basis"], said.more["approvals"]) == (LeafKind.SHRED, "PIPL-47", 2)
    assert what_leads_to_the_person(log, 7) == []
    assert list(log.store.leaves(0, 6)) == leaves
    assert verify_log(log) == 7


def test_the_leaf_does_not_tell_which_entries_it_was(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """Nobody can try which entries were concerned, nor read how many: that takes the salt, which is erasable."""
    forget(log, approvals)
    said, private = parse_leaf(log.leaf(6)).content, log.private(6)
    assert said.more.keys() == {"basis", "approvals", "digest"}
    commitment, digest = decode_digest(str(said.more["digest"])), digest_entries([0, 1, 2, 3])
    assert private is not None
    assert commitment not in {digest, make_commitment(bytes(SALT_SIZE), digest)}
    assert is_opened_by(commitment, salt=private.part.salts.resp, value=digest)
    assert private.part.context == ("approver=a", "approver=b", "entries=4")


def test_what_is_not_the_persons_stays(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """Who looked can still be read everywhere; entries of others are found and opened as before."""
    forget(log, approvals)
    for index in range(6):
        private, draft = log.private(index), DRAFTS[index].private
        assert private is not None
        assert draft is not None
        assert (private.part.official, private.part.case) == (draft.official, draft.case)
        assert private.subject_erased is (index < 4)
        if index >= 4:
            assert private.part == draft
    search = LogSearch.of(log)
    assert [one.index for one in search.find(Query(subject=OTHER)).entries] == [4, 2]
    assert [
        one.index for one in search.find(Query(case=str(DRAFTS[0].private and DRAFTS[0].private.case))).entries
    ] == [0]


def in_vain(number: int, subjects: Sequence[SubjectId], licence: str) -> EntryDraft:
    """Return an entry about a question in which these people and this licence were named, and nothing was found."""
    draft = entry(number, subjects, licence)
    assert draft.private is not None
    return replace(draft, private=replace(draft.private, context=(TYPED_IN, "iat=0", "request")))


@pytest.mark.parametrize("how", ["in vain", "refused", "searched"])
def test_a_number_beside_the_licence_of_another_takes_nothing_from_it(
    log: AccessLog, approvals: Sequence[ShredApproval], how: str
) -> None:
    """Whoever only named a licence beside a person's number does not make it theirs: nothing of it is forgotten."""
    theirs = "another licence"  # entry 4 found it to be another's
    named = {
        "in vain": in_vain(9, [PERSON, OTHER], theirs),
        "refused": replace(entry(9, [PERSON], theirs), leaf=replace(make_draft(9).leaf, kind=LeafKind.DENY)),
        "searched": draft_query(Query(subject=PERSON, licence=theirs), req="Q", caller="auditor", org="O"),
    }
    append(log, [named[how], entry(10, [], theirs)])
    assert entries_of(forget(log, approvals)) == (0, 1, 2, 3, 6)
    assert what_leads_to_the_person(log, 8) == []
    assert [one.index for one in LogSearch.of(log).find(Query(licence=theirs)).entries] == [7, 6, 4]
    for index in (4, 7):
        private = log.private(index)
        assert private is not None
        assert (private.subject_erased, private.part.licence) == (False, theirs)


def test_what_found_others_to_hold_the_licence_stays(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """A licence that changed hands is still found for its other holder; what named it in vain is forgotten."""
    append(log, [entry(9, [OTHER], LICENCE), in_vain(10, [OTHER], LICENCE)])
    assert entries_of(forget(log, approvals)) == (0, 1, 2, 3, 7)
    kept, gone = log.private(6), log.private(7)
    assert kept is not None
    assert gone is not None
    assert (kept.part.subjects, kept.part.licence, gone.subject_erased) == ((OTHER,), LICENCE, True)
    assert 6 in [one.index for one in LogSearch.of(log).find(Query(licence=LICENCE)).entries]
    assert not forget(log, approvals).shards


def test_searches_for_the_person_are_forgotten_too(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """An auditor's search for the person leads to nobody afterwards."""
    append(log, [draft_query(Query(subject=PERSON, licence=LICENCE), req="Q", caller="auditor", org="O", found=3)])
    assert 6 in entries_of(forget(log, approvals))
    assert what_leads_to_the_person(log, 8) == []


def test_nobody_to_forget(tmp_path: Path, approvals: Sequence[ShredApproval]) -> None:
    """Without entries about the person nothing is written."""
    with opened(sqlite_setup(tmp_path)) as log:
        append(log, DRAFTS[5:])
        done = forget(log, approvals)
        assert (done.shards, done.left, done.purged) == ((), 0, True)
        head = log.head()
        assert head is not None
        assert head.size == 1


def test_the_person_may_come_again(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """Later accesses are logged with other keys, and can be read; forgetting again forgets these."""
    forget(log, approvals)
    append(log, [entry(9, [PERSON], LICENCE)])
    assert what_leads_to_the_person(log, 8) == [7]
    assert entries_of(forget(log, approvals)) == (7,)
    assert what_leads_to_the_person(log, 9) == []


@pytest.mark.parametrize("step", [2, 5])
def test_an_access_while_the_person_is_forgotten(
    tmp_path: Path, approvals: Sequence[ShredApproval], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """No entry is sealed with a key that is destroyed before it is stored: it goes with the others, or can be read."""
    store, keys = MemoryStore(), MemoryKeys()
    with opened(sqlite_setup(tmp_path, open_store=lambda: store, open_keys=lambda: keys)) as log:
        append(log, DRAFTS)
        reached, go_on = Event(), Event()

        def stop_there(at: int) -> None:
            if at == step and not reached.is_set():
                reached.set()
                assert go_on.wait(30)

        async def both() -> Shredded:
            monkeypatch.setattr(log._sequencer, "_reached", stop_there)
            late = asyncio.create_task(log.append(entry(9, [PERSON], "late")))
            assert await asyncio.to_thread(reached.wait, 30)
            warrant = Warrant(subject=PERSON, basis="PIPL-47", approvers=("a", "b"), at=NOW)
            shredding = ShardShredding(log, warrant, Tally())
            named = shredding._name([0, 1, 2])
            erasing = asyncio.create_task(asyncio.to_thread(shredding._erase_person, frozenset({LICENCE}), 6, named))
            await asyncio.sleep(0)
            go_on.set()
            _, unknown = await asyncio.gather(late, erasing)
            await shredding.forget_licences(unknown)
            return await shred(OneShard(log), ORDER, approvals, APPROVERS, at=NOW)

        done = asyncio.run(both())
        private = log.private(6)
        assert private is not None
        assert private.subject_erased
        assert done.left == 0
        assert what_leads_to_the_person(log, 7) == []
        for licence in ("late", LICENCE):
            assert not LogSearch.of(log).find(Query(licence=licence)).entries


def test_what_comes_after_the_search_is_forgotten_too(
    tmp_path: Path, approvals: Sequence[ShredApproval], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry between the search for the person and the end of their keys leaves nothing that leads to it."""
    with opened(sqlite_setup(tmp_path)) as log:
        append(log, DRAFTS)
        reseal = one_shard.reseal_days

        async def come_in_between(*args: object, **more: object) -> object:
            await log.append(entry(9, [PERSON], "late"))
            return await reseal(*args, **more)  # type: ignore[arg-type]  # handed on

        monkeypatch.setattr(one_shard, "reseal_days", come_in_between)
        assert forget(log, approvals).left == 0
        private = log.private(7)
        assert private is not None
        assert private.subject_erased
        assert not LogSearch.of(log).find(Query(licence="late")).entries
        assert what_leads_to_the_person(log, 8) == []


def test_what_names_only_the_licence_meanwhile_is_forgotten_too(
    log: AccessLog, approvals: Sequence[ShredApproval], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry about the licence alone that comes between the search and the end of the keys keeps no half of it."""
    reseal, erase_halves = one_shard.reseal_days, ShardShredding._erase_halves
    late: list[Receipt] = []

    async def come_in_between(*args: object, **more: object) -> object:
        done = await reseal(*args, **more)  # type: ignore[arg-type]  # handed on
        late.append(await log.append(entry(9, [], LICENCE)))
        loop = asyncio.get_running_loop()

        def come_after_step_2(self: ShardShredding, entries: Collection[int]) -> None:
            if set(entries) == {1}:  # the licences are forgotten, the person's own entries not yet
                late.append(asyncio.run_coroutine_threadsafe(log.append(entry(10, [], LICENCE)), loop).result(30))
            erase_halves(self, entries)

        monkeypatch.setattr(ShardShredding, "_erase_halves", come_after_step_2)
        return done

    monkeypatch.setattr(one_shard, "reseal_days", come_in_between)
    assert forget(log, approvals).left == 0
    assert [one.index for one in late] == [7, 8]
    assert what_leads_to_the_person(log, 9) == []
    for one in late:
        private = log.private(one.index)
        assert private is not None
        assert private.subject_erased


def test_old_entries_are_not_rewritten_between_two_batches(
    log: AccessLog, approvals: Sequence[ShredApproval], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much there is about a licence that is first named meanwhile, batches are written while it is erased.

    All that waits for the end is one entry that names each licence, and what came since.
    """
    reseal, erase_halves = one_shard.reseal_days, ShardShredding._erase_halves
    rewritten: list[int] = []

    async def come_in_between(*args: object, **more: object) -> object:
        await log.append(entry(9, [PERSON], "a third licence"))
        return await reseal(*args, **more)  # type: ignore[arg-type]  # handed on

    def note(self: ShardShredding, entries: Collection[int]) -> None:
        if log.keys.between_batches._is_owned():  # type: ignore[attr-defined]  # of RLock, as Condition asks it
            rewritten.extend(sorted(entries))
        erase_halves(self, entries)

    monkeypatch.setattr(one_shard, "reseal_days", come_in_between)
    monkeypatch.setattr(ShardShredding, "_erase_halves", note)
    assert forget(log, approvals).left == 0
    assert rewritten == [0, 2, 7, 9]
    private = log.private(5)
    assert private is not None
    assert private.subject_erased
    assert what_leads_to_the_person(log, 8) == []


def test_files_that_still_hold_something_are_told(tmp_path: Path, approvals: Sequence[ShredApproval]) -> None:
    """Where a store cannot let go yet, or fails at it, everything else is done, and the same command does the rest."""

    class Keeping(MemoryStore):
        error: LogUnavailableError | None = None

        def purge(self) -> bool:
            if self.error is not None:
                raise self.error
            return False

    store, keys = Keeping(), MemoryKeys()
    with opened(sqlite_setup(tmp_path, open_store=lambda: store, open_keys=lambda: keys)) as log:
        append(log, DRAFTS)
        done = forget(log, approvals)
        assert (done.left, done.purged) == (0, False)
        store.error = LogUnavailableError(Unavailable.UNREACHABLE)
        assert not forget(log, approvals).purged
        assert what_leads_to_the_person(log, 7) == []


class Failing(MemoryStore):
    """A store that fails at one of its erasing calls."""

    left = -1

    def _count(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise LogUnavailableError(Unavailable.WRITE_FAILED)

    def erase_words(self, words):
        """Delete rows, or fail."""
        self._count()
        return super().erase_words(words)

    def replace_privates(self, privates):
        """Replace parts, or fail."""
        self._count()
        super().replace_privates(privates)

    def erase_owners(self, owners):
        """Forget owners, or fail."""
        self._count()
        super().erase_owners(owners)


@pytest.mark.parametrize("step", range(5))
def test_cut_short_it_is_done_again(tmp_path: Path, approvals: Sequence[ShredApproval], step: int) -> None:
    """Wherever it fails, the same command finds what is left, and then nothing leads to the person."""
    store, keys = Failing(), MemoryKeys()
    with opened(sqlite_setup(tmp_path, open_store=lambda: store, open_keys=lambda: keys)) as log:
        append(log, DRAFTS)
        store.left = step
        with pytest.raises(LogUnavailableError):
            forget(log, approvals)
        assert forget(log, approvals).left == 0
        assert what_leads_to_the_person(log, 8) == []
        assert not forget(log, approvals).shards


@pytest.mark.parametrize("step", ["_erase_licences", "_erase_halves", "_erase_person", "erase"])
def test_licences_are_known_until_the_end(
    log: AccessLog, approvals: Sequence[ShredApproval], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever it dies before the keys are gone, the same command also finds who asked for a licence in vain since."""
    target: object = log.keys if step == "erase" else ShardShredding
    original = getattr(target, step)

    def die(*args: object) -> None:
        if step in {"_erase_licences", "_erase_halves"}:  # behind it
            original(*args)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(target, step, die)
        with pytest.raises(ZeroDivisionError):
            forget(log, approvals)
    append(log, [entry(9, [], LICENCE)])
    last = log.head()
    assert last is not None
    assert forget(log, approvals).left == 0
    private = log.private(last.size - 1)
    assert private is not None
    assert private.subject_erased
    assert what_leads_to_the_person(log, last.size) == []


def test_the_persons_own_number_is_the_name_of_a_licence(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """Whoever asked in vain for an identity card by its number asked about the person, whom no entry need name else."""
    append(log, [entry(9, [], PERSON)])
    assert entries_of(forget(log, approvals)) == (0, 1, 2, 3, 6)
    assert not LogSearch.of(log).find(Query(licence=PERSON)).entries
    append(log, [entry(9, [], PERSON)])
    assert entries_of(forget(log, approvals)) == (8,)
    for index in (6, 8):
        private = log.private(index)
        assert private is not None
        assert (private.subject_erased, private.part.licence) == (True, "")


class FlawedWrapper(AesKeyWrapper):
    """A key-encryption key under which some data keys cannot be unwrapped any more."""

    damaged: frozenset[KeyNumber] = frozenset()

    def unwrap(self, wrapped: bytes, number: KeyNumber) -> bytes:
        """Decrypt a data key, or refuse it."""
        if number in self.damaged:
            raise LogUnavailableError(Unavailable.CORRUPT, "a wrapped data key")
        return super().unwrap(wrapped, number)


@pytest.mark.parametrize("whose", [LookupKind.OFFICIAL, LookupKind.SUBJECT])
def test_a_damaged_key_keeps_nobody_from_being_forgotten(
    tmp_path: Path, approvals: Sequence[ShredApproval], whose: LookupKind
) -> None:
    """Where a data key was changed, what it sealed is lost and told, and the rest is forgotten."""
    wrapper = FlawedWrapper(b"k" * 32)
    official = DRAFTS[0].private and DRAFTS[0].private.official
    values = {LookupKind.OFFICIAL: str(official), LookupKind.SUBJECT: OTHER}
    with opened(sqlite_setup(tmp_path, wrapper=wrapper)) as log:
        append(log, DRAFTS)
        owner = log.lookup.owner(whose, values[whose], log.lookup.current)
        wrapper.damaged = frozenset({log.store.owners([owner])[owner]})
    with opened(sqlite_setup(tmp_path, wrapper=wrapper)) as log:
        done = forget(log, approvals)
        [shard] = done.shards
        assert (shard.entries, done.left) == ((0, 1, 2, 3), 0)
        assert shard.damaged == ((2,) if whose is LookupKind.SUBJECT else ())
        assert not find_about_person(log, PERSON)
        assert not LogSearch.of(log).find(Query(licence=LICENCE)).entries


@given(
    who=st.lists(
        st.tuples(st.sets(st.sampled_from([PERSON, OTHER, SubjectId("third")])), st.sampled_from(["", LICENCE, "two"])),
        max_size=8,
    )
)
@settings(max_examples=10, deadline=None)
def test_whatever_was_logged_nothing_leads_to_the_person(
    tmp_path_factory: pytest.TempPathFactory,
    approvals: Sequence[ShredApproval],
    who: list[tuple[set[SubjectId], str]],
) -> None:
    """For any mix of people and licences, no entry is led to by the person, or opens to the person."""
    store, keys = MemoryStore(), MemoryKeys()
    folder = tmp_path_factory.mktemp("log")
    with opened(sqlite_setup(folder, open_store=lambda: store, open_keys=lambda: keys)) as log:
        append(log, [entry(at, sorted(subjects), licence) for at, (subjects, licence) in enumerate(who)])
        licences = {licence for subjects, licence in who if PERSON in subjects and licence}
        forget(log, approvals)
        for word in log.lookup.words(LookupKind.SUBJECT, PERSON):
            assert not store._words.get(word)
        for index, (subjects, licence) in enumerate(who):
            private = log.private(index)
            assert private is not None
            assert private.subject_erased is (PERSON in subjects or (licence in licences and not subjects))
        verify_log(log)


def test_two_people_have_to_agree(log: AccessLog, approvals: Sequence[ShredApproval]) -> None:
    """One is not enough, nor the same one twice; nothing is changed then."""
    for given_by in ([], approvals[:1], [approvals[0], approve("a")]):
        with pytest.raises(NotApprovedError):
            forget(log, given_by)
    assert what_leads_to_the_person(log, 6) == [0, 1, 2, 3]
