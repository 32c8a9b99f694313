"""The link: entries from other processes, whoever else is connected and however they leave."""

import asyncio
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.audit.book.retaining import RetainedShard
from gateway.audit.book.standing import IN_FORCE
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import LeafDraft, LeafError, LeafKind, parse_leaf
from gateway.audit.link import address, client, desk, server
from gateway.audit.link.address import SOCKET_FILE, bind_socket, connect_socket
from gateway.audit.link.client import connect_link
from gateway.audit.link.frame import GREETING
from gateway.audit.link.message import Append, encode_message
from gateway.audit.link.remote import RemoteLog
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit_drafts import make_draft
from tests.support.link import SHARD, folder_of, place_in, serving_log, until

DIGEST, OTHER_DIGEST = ("sha256:" + letter * 64 for letter in "ab")


def reasons(outcomes: list[object]) -> set[Unavailable]:
    """Return why things failed, all of which did."""
    assert all(isinstance(one, LogUnavailableError) for one in outcomes)
    return {one.reason for one in outcomes if isinstance(one, LogUnavailableError)}


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Leave at once, whatever was under way."""
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_entries_of_two_clients(tmp_path: Path) -> None:
    """Entries of several clients get numbers without gaps, and each its own receipt."""
    async with serving_log(tmp_path) as link:
        one, other = await connect_link(folder_of(tmp_path)), await connect_link(folder_of(tmp_path))
        drafts = [make_draft(number, caller="c") for number in range(40)]
        sent = [(one, other)[number % 2].append(draft) for number, draft in enumerate(drafts)]
        receipts = await asyncio.gather(*sent)
        assert sorted(receipt.seq for receipt in receipts) == list(range(1, 41))
        log = link.desk.book.current
        for draft, receipt in zip(drafts, receipts, strict=True):
            leaf = await asyncio.to_thread(log.leaf, receipt.index)
            assert (parse_leaf(leaf).content, parse_leaf(leaf).seq) == (draft.leaf, receipt.seq)
        await one.close()
        await other.close()


async def test_a_folder_with_a_long_name(tmp_path: Path) -> None:
    """A folder whose name is longer than an address of a socket may be is served, to its own user alone."""
    site = tmp_path / ("x" * 200)
    async with serving_log(site):
        found = await asyncio.to_thread((folder_of(site) / SOCKET_FILE).stat)
        assert stat.S_IMODE(found.st_mode) == 0o600
        link = await connect_link(folder_of(site))
        assert (await link.append(make_draft(1))).seq == 1
        await link.close()
    assert not await asyncio.to_thread((folder_of(site) / SOCKET_FILE).exists)


async def test_what_no_log_takes(tmp_path: Path) -> None:
    """An entry that is too large is refused as it is by the log itself; the connection goes on."""
    async with serving_log(tmp_path):
        link = await connect_link(folder_of(tmp_path))
        reasons_of_it = tuple(f"{number:0>120}" for number in range(32))
        large = EntryDraft(leaf=LeafDraft(kind=LeafKind.ACCESS, req="r", caller="c", reasons=reasons_of_it))
        with pytest.raises(LeafError):
            await link.append(large)
        with pytest.raises(LeafError):
            await link.announce_policy("no digest\n", approvals=2)
        with pytest.raises(LeafError):
            await link.announce_trust("no version\n")
        assert (await link.append(make_draft(1))).seq == 1
        await link.close()


async def test_announcements(tmp_path: Path) -> None:
    """What comes into force is said once, whoever says it, and before the first entry that names it."""
    async with serving_log(tmp_path) as link:
        clients = [await connect_link(folder_of(tmp_path)) for _ in range(2)]
        for one in clients:
            await one.announce_policy("sha256:" + "a" * 64, approvals=2)
            await one.announce_trust("sha256:" + "b" * 64)
        log = link.desk.book.current
        head = await asyncio.to_thread(log.head)
        assert head is not None
        leaves = [parse_leaf(leaf).content for leaf in await asyncio.to_thread(log.store.leaves, 0, head.size)]
        said = [leaf for leaf in leaves if leaf.kind in {LeafKind.POLICY, LeafKind.TRUST}]
        assert [(leaf.kind, leaf.more.get("approvals")) for leaf in said] == [
            (LeafKind.POLICY, 2),
            (LeafKind.TRUST, None),
        ]
        for one in clients:
            await one.close()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", GREETING + b"\0\0\0\3abc", GREETING + b"\xff" * 8])
async def test_garbage_is_cut_off(tmp_path: Path, garbage: bytes) -> None:
    """Who sends what is no request is cut off, and nobody else notices."""
    async with serving_log(tmp_path):
        link = await connect_link(folder_of(tmp_path))
        reader, writer = await asyncio.open_unix_connection(sock=connect_socket(folder_of(tmp_path)))
        writer.write(garbage)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1_000)
        await hang_up(writer)
        assert (await link.append(make_draft(1))).seq == 1
        await link.close()


async def test_who_leaves_in_the_middle(tmp_path: Path) -> None:
    """The entries of a client that leaves are written, and others get their receipts."""
    async with serving_log(tmp_path) as link:
        stays = await connect_link(folder_of(tmp_path))
        _, writer = await asyncio.open_unix_connection(sock=connect_socket(folder_of(tmp_path)))
        requests = [encode_message(Append(number, make_draft(number, caller="gone"))) for number in range(5)]
        writer.write(GREETING + b"".join(requests) + requests[0][:-1])
        await writer.drain()
        await until(lambda: bool(link.tasks))
        await hang_up(writer)
        assert (await stays.append(make_draft(9, caller="stays"))).seq == 1
        await until(lambda: not link.tasks)
        assert (await asyncio.to_thread(link.desk.book.current.store.seqs))["gone"] == 5
        await stays.close()


async def test_who_does_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks without reading is not listened to, however much it sends, and others get their receipts."""
    monkeypatch.setattr(server, "MAX_WAITING", 8)
    async with serving_log(tmp_path) as link:
        _, writer = await asyncio.open_unix_connection(sock=connect_socket(folder_of(tmp_path)))
        writer.write(GREETING)
        request = encode_message(Append(1, make_draft(1, caller="deaf")))
        other = await connect_link(folder_of(tmp_path))
        for turn in range(20):
            writer.write(request * 200)
            await other.append(make_draft(turn, caller="other"))
            assert len(link.tasks) < 1_000
        await hang_up(writer)
        await other.close()


async def test_too_many_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection more than there may be is closed at once, and the others stay."""
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    async with serving_log(tmp_path):
        link = await connect_link(folder_of(tmp_path))
        with pytest.raises(LogUnavailableError):
            await connect_link(folder_of(tmp_path))
        assert (await link.append(make_draft(1))).seq == 1
        await link.close()


async def test_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of another user does not get through, and is not talked to."""
    async with serving_log(tmp_path):
        monkeypatch.setattr(address.os, "getuid", lambda: os.geteuid() + 1)
        with pytest.raises(LogUnavailableError) as refused:
            await connect_link(folder_of(tmp_path))
        assert refused.value.reason is Unavailable.UNREACHABLE
        reader, writer = await asyncio.open_unix_connection(str(folder_of(tmp_path) / SOCKET_FILE))
        assert await reader.read() == b""
        await hang_up(writer)


async def test_a_log_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection on which nothing comes any more is given up, and what was under way is refused."""
    monkeypatch.setattr(client, "CALL_SECONDS", 0.01)
    listener = await asyncio.to_thread(bind_socket, tmp_path)
    with pytest.raises(LogUnavailableError) as refused:
        await connect_link(tmp_path)
    assert refused.value.reason is Unavailable.UNREACHABLE
    listener.close()


async def test_a_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    """A socket file whose process is gone is as none, and whoever holds the log next takes its place."""
    (await asyncio.to_thread(bind_socket, folder_of(tmp_path))).close()
    with pytest.raises(LogUnavailableError):
        await connect_link(folder_of(tmp_path))
    async with serving_log(tmp_path):
        link = await connect_link(folder_of(tmp_path))
        assert (await link.append(make_draft(1))).seq == 1
        await link.close()


async def test_remote_log_connects_again(tmp_path: Path) -> None:
    """What was under way when the link broke is refused; once the log is back, entries go on and their numbers too."""
    remote = RemoteLog(place_in(tmp_path), folder_of(tmp_path), random=lambda: 0.0)
    await remote.open()
    assert remote.stopped is not None
    with pytest.raises(LogUnavailableError):
        await remote.append(make_draft(0))
    for turn in range(2):
        async with serving_log(tmp_path) as link:
            await until(lambda: remote.stopped is None)
            assert (await remote.append(make_draft(turn, caller="c"))).seq == turn + 1
            head = await asyncio.to_thread(lambda: remote.reader().head())
            assert head is not None
            assert await asyncio.to_thread(remote.shards) == (SHARD,)
            under_way = [asyncio.create_task(remote.append(make_draft(9, caller="lost"))) for _ in range(3)]
            await asyncio.sleep(0)
            for connection in list(link.connections):
                connection.close()
            outcomes = await asyncio.gather(*under_way, return_exceptions=True)
            assert reasons(list(outcomes)) == {Unavailable.UNREACHABLE}
    await remote.close()


async def test_approvals_are_not_lost(tmp_path: Path) -> None:
    """A policy that came into force while the log could not be reached is announced with who approved it."""
    remote = RemoteLog(place_in(tmp_path), folder_of(tmp_path), random=lambda: 0.0)
    await remote.open()
    for digest, approvals in ((OTHER_DIGEST, 3), (DIGEST, 2)):
        with pytest.raises(LogUnavailableError):
            await remote.announce_policy(digest, approvals=approvals)
    async with serving_log(tmp_path) as link:
        await until(lambda: remote.stopped is None)
        draft = LeafDraft(kind=LeafKind.ACCESS, req="r", caller="c", policy=DIGEST)
        await asyncio.gather(*(remote.append(EntryDraft(leaf=draft)) for _ in range(3)))
        leaves = await asyncio.to_thread(link.desk.book.current.store.leaves, 0, 100)
        said = [leaf for leaf in (parse_leaf(one).content for one in leaves) if leaf.kind is LeafKind.POLICY]
        assert [(leaf.policy, leaf.more["approvals"]) for leaf in said] == [(DIGEST, 2)]
        await remote.close()


async def test_what_is_in_force_is_said_to_whoever_writes_the_log(tmp_path: Path) -> None:
    """A process that takes over the log hears what is in force before it is handed an entry, also if it was before."""
    remote = RemoteLog(place_in(tmp_path), folder_of(tmp_path), random=lambda: 0.0)
    async with serving_log(tmp_path) as link:
        await remote.open()
        for digest, version in ((DIGEST, "t1"), (OTHER_DIGEST, "t2")):
            await remote.announce_policy(digest, approvals=2)
            await remote.announce_trust(version)
    await until(lambda: remote.stopped is not None)
    for announcing in (remote.announce_policy(DIGEST, approvals=3), remote.announce_trust("t1")):
        with pytest.raises(LogUnavailableError):
            await announcing
    async with serving_log(tmp_path) as link:
        await until(lambda: remote.stopped is None)
        await remote.append(EntryDraft(leaf=LeafDraft(kind=LeafKind.ACCESS, req="r", caller="c")))
        leaves = await asyncio.to_thread(link.desk.book.current.store.leaves, 0, 100)
        said = [leaf for leaf in (parse_leaf(one).content for one in leaves) if leaf.kind in IN_FORCE]
        assert [leaf.policy or leaf.trust for leaf in said] == [DIGEST, "t1", OTHER_DIGEST, "t2", DIGEST, "t1"]
        assert said[-2].more["approvals"] == 3
        await remote.close()


async def test_what_no_log_takes_is_announced_once(tmp_path: Path) -> None:
    """An announcement that is refused for what it says does not keep entries from the log."""
    async with serving_log(tmp_path):
        remote = RemoteLog(place_in(tmp_path), folder_of(tmp_path), random=lambda: 0.0)
        await remote.open()
        with pytest.raises(LeafError):
            await remote.announce_policy("bad\n", approvals=2)
        assert (await remote.append(make_draft(1))).seq == 1
        await remote.close()


async def test_a_deletion_under_way_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that is closed waits for what deletes, however long that takes, and begins nothing new."""
    monkeypatch.setattr(server, "CLOSING_SECONDS", 0.01)
    entered, go = asyncio.Event(), asyncio.Event()

    async def retain(*_: object, **__: object) -> RetainedShard:
        entered.set()
        await go.wait()
        return RetainedShard(shard=SHARD, entry=None, entries=7, words=0, keys=0)

    monkeypatch.setattr(desk, "retain_shard", retain)
    async with serving_log(tmp_path) as link:
        connected = await connect_link(folder_of(tmp_path))
        asked = asyncio.create_task(connected.retain())
        await entered.wait()
        closing = asyncio.create_task(link.close())
        await until(lambda: link.is_closing)
        with pytest.raises(LogUnavailableError) as refused:
            await connected.append(make_draft(1))
        assert refused.value.reason is Unavailable.CLOSED
        await asyncio.sleep(0.05)
        assert not closing.done()
        go.set()
        assert [one.entries for one in await asked] == [7]
        await closing


async def test_a_log_that_stopped(tmp_path: Path) -> None:
    """A log that takes nothing says why, to whoever asks and to whoever connects."""
    async with serving_log(tmp_path) as link:
        link.desk.book.freeze(LogUnavailableError(Unavailable.FORKED, "here"))
        connected = await connect_link(folder_of(tmp_path))
        assert connected.stopped is not None
        assert (connected.stopped.reason, connected.stopped.detail) == (Unavailable.FORKED, "here")
        with pytest.raises(LogUnavailableError) as refused:
            await connected.append(make_draft(1))
        assert refused.value.reason is Unavailable.FORKED
        await connected.close()


async def test_more_than_a_log_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More entries at once than a log takes are refused as overload, before they are sent."""
    monkeypatch.setattr(client, "MAX_WAITING", 10)
    async with serving_log(tmp_path):
        link = await connect_link(folder_of(tmp_path))
        sent = [link.append(make_draft(number)) for number in range(12)]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        refused = [one for one in outcomes if isinstance(one, LogUnavailableError)]
        assert reasons(list(refused)) == {Unavailable.OVERLOADED}
        assert len(outcomes) - len(refused) >= 9  # a call may be under way too
        await link.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Nothing listens in a folder that does not exist."""
    with pytest.raises(FileNotFoundError):
        connect_socket(tmp_path / "none")
