"""Forks and rollbacks of our log: caught by witnesses or by what we kept, frozen for good, and how people go on."""

import asyncio
import shutil
from pathlib import Path

import aiohttp
import pytest

from gateway.audit.receipts import WitnessedSize
from gateway.audit.tlog.checkpoint import parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.quorum import Policy
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.witness import rounds as rounds_module
from gateway.audit.witness.client import WitnessFault
from gateway.audit.witness.fork import FORK_FOLDER, OURS_FILE, REPORT_FILE, SEEN_FILE
from gateway.audit.witness.protocol import SIZE_TYPE
from gateway.audit.witness.report import WitnessOutlook
from gateway.secret_file import read_or_make_secret
from tests.support.audit import ORIGIN
from tests.support.province import DEAD, SHARD, Province, served
from tests.support.witness import Liar, StartServer, policy_for


def copy_of(folder: Path, to: Path) -> Path:
    """Copy what an operator backs up: log, data keys and second head."""
    shutil.copytree(folder, to)
    return to


def kept_text(folder: Path) -> str:
    """Return what was cosigned last."""
    return parse_checkpoint((folder / "cosigned").read_bytes()).note.text


def restore(backup: Path, folder: Path) -> None:
    """Put a backup in place of the log."""
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


async def restored(province: Province, backup: Path, *, keeps_cosigned: bool = False) -> None:
    """Restart the province with a backup of its log, which goes on with other entries."""
    cosigned = await province.read("cosigned")
    await province.close()
    await asyncio.to_thread(restore, backup, province.folder)
    if keeps_cosigned:
        await province.write("cosigned", cosigned)
    await province.open()


async def refusal(province: Province) -> Unavailable:
    with pytest.raises(LogUnavailableError) as caught:
        await province.append([99])
    return caught.value.reason


@pytest.mark.parametrize("entries", [0, 30], ids=["rolled back", "forked"])
async def test_a_restored_backup_is_caught_by_a_witness(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession, tmp_path: Path, entries: int
) -> None:
    """Log and second head from one backup agree with each other: the witness shows our own signature on what is gone.

    The log stops for good, the evidence is kept, a restart does not open it, and with the newest log it goes on.
    """
    urls = await served(aiohttp_server, province)
    policy = policy_for(*urls, needed=2)
    await province.append(range(5))
    await province.close()
    backup = await asyncio.to_thread(copy_of, province.folder, tmp_path / "backup")
    await province.open()
    await province.append(range(20))
    await province.rounds(policy).look(session)
    await province.close()
    newest = await asyncio.to_thread(copy_of, province.folder, tmp_path / "newest")
    await restored(province, backup)
    await province.append(range(entries), "other")
    rounds = province.rounds(policy)
    await rounds.look(session)
    assert await refusal(province) is Unavailable.FORK_WITNESSED
    assert rounds.report(province.now).outlook is WitnessOutlook.FORKED
    assert province.metric("tongban_audit_log_forked") == 1
    seen = parse_checkpoint(await province.read(f"{FORK_FOLDER}/{SEEN_FILE}"))
    verify_checkpoint(seen, [log.key for log in (await province.own_policy()).logs])
    assert seen.note.text == (await asyncio.to_thread(kept_text, newest))
    assert await province.read(f"{FORK_FOLDER}/{OURS_FILE}")
    assert b'"w1"' in await province.read(f"{FORK_FOLDER}/{REPORT_FILE}")
    await rounds.look(session)  # nothing is asked any more
    await province.close()
    with pytest.raises(LogUnavailableError) as caught:
        await province.open()
    assert caught.value.reason is Unavailable.FORK_WITNESSED
    await asyncio.to_thread(restore, newest, province.folder)
    await province.open()
    again = province.rounds(policy)
    await again.look(session)
    await province.append([99])
    assert again.report(province.now).outlook is WitnessOutlook.CURRENT


async def test_a_restored_backup_is_caught_without_any_witness(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The cosigned checkpoint that we kept ourselves is evidence enough, while no witness can be reached."""
    await province.append(range(5))
    await province.close()
    backup = await asyncio.to_thread(copy_of, province.folder, tmp_path / "backup")
    await province.open()
    await province.append(range(20))
    await province.rounds(policy_for(*await served(aiohttp_server, province), needed=2)).look(session)
    await restored(province, backup, keeps_cosigned=True)
    rounds = province.rounds(policy_for(DEAD, DEAD, needed=2))
    await rounds.look(session)
    assert await refusal(province) is Unavailable.FORK_WITNESSED
    assert rounds.latest_witnessed(ORIGIN) is None


async def test_the_log_is_frozen_before_its_evidence_is_kept(
    aiohttp_server: StartServer,
    province: Province,
    session: aiohttp.ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that takes no evidence changes nothing about the stop, and has it in a later round."""
    policy = policy_for(*await served(aiohttp_server, province), needed=2)
    await province.close()
    backup = await asyncio.to_thread(copy_of, province.folder, tmp_path / "backup")
    await province.open()
    await province.append(range(20))
    await province.rounds(policy).look(session)
    await restored(province, backup)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    rounds = province.rounds(policy)
    with monkeypatch.context() as patched:
        patched.setattr(rounds_module, "write_fork", fail)
        await rounds.look(session)
    assert await refusal(province) is Unavailable.FORK_WITNESSED
    assert not await province.read(f"{FORK_FOLDER}/{REPORT_FILE}")
    await rounds.look(session)
    assert await province.read(f"{FORK_FOLDER}/{SEEN_FILE}")


@pytest.mark.parametrize(
    "liar",
    [
        Liar(status=409, answer=b"999999\n", content_type=SIZE_TYPE),
        Liar(status=422),
        Liar(status=409, answer=b"1\n", content_type=SIZE_TYPE),
        Liar(answer=b"nothing"),
    ],
    ids=["claims more", "refuses proofs", "says one size always", "says nothing"],
)
async def test_a_lying_witness_stops_nothing_alone(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession, liar: Liar
) -> None:
    """Whatever one witness claims without evidence, also where one is enough for the quorum, entries are taken."""
    (url,) = await served(aiohttp_server, province, [2])
    policy = policy_for(await liar.start(aiohttp_server), url, needed=1)
    rounds = province.rounds(policy)
    for number in range(4):
        await province.append([number])
        await rounds.look(session)
    report = rounds.report(province.now)
    assert report.outlook is WitnessOutlook.CURRENT
    assert report.witnesses[0].fault in {WitnessFault.CLAIMS_FORK, WitnessFault.MALFORMED}
    assert not await province.read(f"{FORK_FOLDER}/{REPORT_FILE}")


async def test_evidence_from_before_a_start_freezes(province: Province, session: aiohttp.ClientSession) -> None:
    """Evidence that lies beside any shard freezes the log, also where it came there while the log was open."""
    await asyncio.to_thread((province.folder / FORK_FOLDER).mkdir)
    rounds = province.rounds(Policy())
    await rounds.look(session)
    await province.append([1])  # an empty folder is no evidence
    await province.write(f"{FORK_FOLDER}/{SEEN_FILE}", b"")
    rounds = province.rounds(Policy())
    await rounds.look(session)
    assert await refusal(province) is Unavailable.FORK_WITNESSED
    assert rounds.report(province.now).outlook is WitnessOutlook.FORKED


async def test_a_half_year_that_was_lost_begins_anew_with_another_key(
    aiohttp_server: StartServer, province: Province, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Under the old name with a new key nobody takes one log for the other: witnesses refuse it until they agree."""
    policy = policy_for(*await served(aiohttp_server, province), needed=2)
    await province.append(range(20))
    await province.rounds(policy).look(session)
    await province.close()

    def make_keys() -> None:
        province.folder.rename(tmp_path / "archive")
        keys = province.site / "state/audit/keys"
        (keys / f"index-{SHARD}.key").rename(tmp_path / "index.key")
        for name in ("signing", "signing-sm2"):
            read_or_make_secret(keys / f"{name}-{SHARD}.key")

    await asyncio.to_thread(make_keys)
    await province.open()
    await province.append(range(30), "anew")
    rounds = province.rounds(policy)
    await rounds.look(session)
    report = rounds.report(province.now)
    assert [one.fault for one in report.witnesses] == [WitnessFault.STATUS] * 2
    assert report.outlook is WitnessOutlook.CURRENT  # for a few rounds
    agreed = province.rounds(policy_for(*await served(aiohttp_server, province), needed=2))
    await agreed.look(session)
    assert agreed.latest_witnessed(ORIGIN) == WitnessedSize(size=await province.size(), at=province.now)
