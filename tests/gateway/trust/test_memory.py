"""What was in force last, kept over a restart: no way back, no way round, and how a list is given up."""

import asyncio
import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from gateway.site import SiteError, load_site
from gateway.site_template import write_site
from gateway.trust.files import locked
from gateway.trust.keeper import TrustKeeper
from gateway.trust.memory import TrustMemory, read_remembered_trust
from gateway.trust.publishing import publish
from gateway.trust.sentences import ListProblem
from keys.errors import TrustListFault
from keys.trust_list import TrustList, encode_trust_list
from tests.support import pki
from tests.support.trust_folder import NAME, archive, published, put, write_folder
from tests.support.trust_lists import ENTRIES, make_list, next_list, signed

ONE = signed(make_list())
TWO = signed(next_list(ONE))
OTHER = signed(next_list(ONE, anchors=ENTRIES[:1]))  # changes much


def look(keeper: TrustKeeper, *, forced: bool = False) -> None:
    """Let a gateway look at its folder once."""
    asyncio.run(keeper.look(forced=forced))


class Stand:
    """A site's trust folder and state, and gateways that start on it."""

    def __init__(self, folder: Path) -> None:
        self.trust, self.state = write_folder(folder / "trust"), folder / "state" / "trust"
        self.kept = self.state / f"{NAME}.json"

    def start(self) -> TrustKeeper:
        """Start a gateway as a process does, and let it look once."""
        memory = TrustMemory(self.state)
        reading = read_remembered_trust(self.trust, memory, at=pki.NOW)
        assert reading.faults == ()
        keeper = TrustKeeper(reading.state, clock=lambda: pki.NOW, folder=self.trust, memory=memory)
        look(keeper)
        return keeper

    def problems(self) -> list[str]:
        """Return what a start would say."""
        reading = read_remembered_trust(self.trust, TrustMemory(self.state), at=pki.NOW)
        return [one.problem for one in reading.findings]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    stand = Stand(tmp_path)
    put(stand.trust, ONE)
    return stand


def versions(keeper: TrustKeeper) -> list[int]:
    return [one.version for one in keeper.state.lists]


def test_a_held_copy_is_held_over_a_restart(stand: Stand) -> None:
    """A file copied over the list in force waits for approval, whether the gateway was started since or not."""
    running = stand.start()
    put(stand.trust, OTHER)
    look(running)
    assert versions(running) == versions(stand.start()) == [1]
    assert stand.problems() == [ListProblem.HELD]


def test_an_old_file_that_is_put_back_is_refused_by_a_start(stand: Stand) -> None:
    """What a running gateway calls a rollback is one for the next one too, with an empty archive."""
    running = stand.start()
    put(stand.trust, TWO)
    look(running)
    put(stand.trust, ONE)
    assert stand.problems() == [TrustListFault.ROLLBACK]
    put(stand.trust, TWO)
    assert versions(stand.start()) == [2]


def test_what_is_kept_is_the_file_itself(stand: Stand) -> None:
    """The bytes of the list in force are there to be compared, and a process that is behind takes nothing back."""
    behind, ahead = stand.start(), stand.start()
    assert stand.kept.read_bytes() == encode_trust_list(ONE)
    archive(stand.trust, ONE)
    put(stand.trust, TWO)
    look(ahead)
    TrustMemory(stand.state).keep(behind.state.lists)
    assert stand.kept.read_bytes() == encode_trust_list(TWO)


@pytest.mark.parametrize("without", ["roots", "everything", "folder"])
def test_a_folder_that_was_emptied_ends_nothing(stand: Stand, without: str) -> None:
    """A volume that is not mounted is no order to trust nobody: the gateway keeps its trust, and no other starts."""
    running = stand.start()
    (stand.trust / "lists" / f"{NAME}.json").unlink()
    if without == "everything":
        (stand.trust / "roots.json").unlink()
    if without == "folder":
        shutil.rmtree(stand.trust)
    look(running)
    assert len(running.current().anchors) == len(ENTRIES)
    assert running.failure is not None
    assert ListProblem.GONE in stand.problems()


def test_a_list_is_given_up_by_deleting_what_is_remembered_too(stand: Stand) -> None:
    """List, root keys and memory: with all three gone nobody on it is trusted, without a restart."""
    running = stand.start()
    for path in (stand.trust / "lists" / f"{NAME}.json", stand.trust / "roots.json", stand.kept):
        assert len(running.current().anchors) == len(ENTRIES)
        path.unlink()
        look(running, forced=True)
    assert running.failure is None
    assert running.current().anchors == ()
    assert not stand.kept.exists()
    assert stand.problems() == []


@pytest.mark.parametrize(
    "content", [b"", b"{}", encode_trust_list(make_list()), encode_trust_list(signed(make_list(name="other-1")))]
)
def test_a_memory_that_says_nothing_is_a_fault(stand: Stand, content: bytes) -> None:
    """Torn, empty, unsigned or another list: nobody can say any more whether the version in place is an old one."""
    stand.start()
    stand.kept.write_bytes(content)
    assert stand.problems() == [ListProblem.MEMORY_MALFORMED]


def test_a_memory_that_cannot_be_written_is_tried_again(stand: Stand) -> None:
    """Trust goes on without it, and what is in force is kept as soon as that works."""
    stand.state.parent.mkdir(exist_ok=True)
    stand.state.write_bytes(b"in the way")
    reading = read_remembered_trust(stand.trust, TrustMemory(stand.state), at=pki.NOW)
    running = TrustKeeper(reading.state, clock=lambda: pki.NOW, folder=stand.trust, memory=TrustMemory(stand.state))
    look(running)
    assert versions(running) == [1]
    stand.state.unlink()
    look(running)
    assert stand.kept.exists()


def test_a_site_starts_after_what_was_in_force(tmp_path: Path) -> None:
    """A site folder is read with its memory; a fault in that is named by the file that it is in."""
    site = tmp_path / "site"
    write_site(site)
    write_folder(site / "trust")
    put(site / "trust", TWO)
    TrustMemory(site / "state" / "trust").keep([TWO])
    assert [one.version for one in load_site(site, at=pki.NOW).trust_state.lists] == [2]
    put(site / "trust", ONE)
    with pytest.raises(SiteError) as caught:
        load_site(site, at=pki.NOW)
    assert [fault.file for fault in caught.value.faults] == [f"trust/lists/{NAME}.json"]
    put(site / "trust", TWO)
    kept = site / "state" / "trust" / f"{NAME}.json"
    kept.write_bytes(json.dumps({}).encode())
    with pytest.raises(SiteError) as caught:
        load_site(site, at=pki.NOW)
    assert [fault.file for fault in caught.value.faults] == [f"state/trust/{NAME}.json"]


def test_a_restart_is_as_short_as_the_last_step(stand: Stand) -> None:
    """With a memory no archived version is read again, however many there are since the root keys changed."""
    lists: list[TrustList] = [ONE]
    for _ in range(4):
        lists.append(signed(next_list(lists[-1])))
        archive(stand.trust, lists[-1])
    put(stand.trust, lists[-1])
    TrustMemory(stand.state).keep([lists[-1]])
    for path in (stand.trust / "archive").iterdir():
        path.write_bytes(os.urandom(8))
    assert stand.problems() == []


def test_a_lock_that_somebody_holds_stalls_nothing(stand: Stand) -> None:
    """The folder is watched while the memory is locked, which is said, and what is in force is kept afterwards."""
    running = stand.start()
    with locked(stand.state):
        archive(stand.trust, ONE)
        put(stand.trust, TWO)
        look(running)
        assert versions(running) == [2]
        put(stand.trust, OTHER)
        look(running)
        assert running.failure is not None
    assert stand.kept.read_bytes() == encode_trust_list(ONE)
    look(running)
    assert stand.kept.read_bytes() == encode_trust_list(TWO)


def test_a_lock_is_for_its_owner_alone(stand: Stand) -> None:
    """Whoever may read lists cannot hold the lock: neither file may be opened by others."""
    stand.start()
    published(stand.trust, TWO)
    for folder in (stand.trust, stand.state):
        assert stat.S_IMODE((folder / ".lock").stat().st_mode) == 0o600


def test_a_writer_waits_for_another_one_and_not_for_ever(stand: Stand) -> None:
    """A lock that is held is refused after the last try."""
    with locked(stand.trust), pytest.raises(OSError, match="somebody else"), locked(stand.trust, tries=2):
        pytest.fail("two hold the lock")


def test_a_memory_that_somebody_deleted_is_written_again(stand: Stand) -> None:
    """While the list is in its place, its memory is back at the next look."""
    running = stand.start()
    shutil.rmtree(stand.state)
    look(running)
    assert stand.kept.read_bytes() == encode_trust_list(ONE)


def test_a_list_that_is_gone_is_published_again(stand: Stand) -> None:
    """Publishing the version in force, or the next one, mends a folder whose list was deleted."""
    for again in (ONE, TWO):
        stand.start()
        (stand.trust / "lists" / f"{NAME}.json").unlink()
        assert ListProblem.GONE in stand.problems()
        publish(encode_trust_list(again), stand.trust, at=pki.NOW, present=TrustMemory(stand.state).load().lists)
        assert stand.problems() == []
    assert versions(stand.start()) == [2]


def test_a_memory_on_its_way_out_is_not_written_again(stand: Stand) -> None:
    """Whoever deletes list, root keys and memory need not be quicker than the gateway looks."""
    running = stand.start()
    for path in (stand.trust / "lists" / f"{NAME}.json", stand.trust / "roots.json", stand.kept):
        path.unlink()
        look(running)
    assert not stand.kept.exists()
