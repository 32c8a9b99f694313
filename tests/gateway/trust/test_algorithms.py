"""A site's own table of algorithms: read with the trust folder, taken as a whole or not at all, while it runs too."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.site import SiteError, load_site
from gateway.site_template import write_site
from gateway.trust.folder import ALGORITHMS_FILE, TrustFindingKind, read_trust_folder
from gateway.trust.keeper import TrustKeeper
from gateway.trust.lists import read_trust
from gateway.trust.mark import mark_folder
from gateway.trust.simulation import stores_of
from keys.algorithms import DEFAULT_ALGORITHMS, AlgorithmSunsets
from tests.support import pki
from tests.support.trust_folder import put, write_folder
from tests.support.trust_lists import make_list, next_list, signed

SM2 = pki.sm2_key().spki
END = datetime(2029, 1, 1, tzinfo=UTC)
OURS = '[keys.sm2]\nuntil = 2029-01-01T00:00:00Z\nsource = "ours"\n'
WRONG = '[keys.sm2]\nuntil = 2029-01-01\n[keys.sm3]\nsource = "ours"\n'

in_thread = asyncio.to_thread  # a test that blocks the loop fails


def write(folder: Path, text: str) -> None:
    """Write aside and rename, as a careful script does."""
    folder.mkdir(exist_ok=True)
    (folder / ".new").write_text(text, encoding="utf-8")
    (folder / ".new").replace(folder / ALGORITHMS_FILE)


def test_without_a_table_the_shipped_one_counts(tmp_path: Path) -> None:
    """Nobody has to write one."""
    assert read_trust_folder(tmp_path).store.algorithms == DEFAULT_ALGORITHMS


def test_a_site_may_say_otherwise(tmp_path: Path) -> None:
    """What the file says replaces the shipped lines of the same names, and there is nothing else to say about it."""
    before = read_trust_folder(tmp_path).store.version
    write(tmp_path, OURS)
    store, findings = read_trust_folder(tmp_path)
    assert (store.algorithms.key_end(SM2), findings) == (END, ())
    assert store.version != before
    assert len(store.algorithms.lines) == len(DEFAULT_ALGORITHMS.lines)


def test_lists_leave_the_table_as_it_is(tmp_path: Path) -> None:
    """Signed lists add anchors to the folder's table, in force and in a simulation."""
    folder = write_folder(tmp_path / "trust")
    first = signed(make_list())
    put(folder, first)
    write(folder, OURS)
    state = read_trust(folder, at=pki.NOW).state
    assert state.store_at(pki.NOW).anchors
    assert state.store_at(pki.NOW).algorithms.key_end(SM2) == END
    for store in stores_of(state, next_list(first), old=None, at=pki.NOW):
        assert store.algorithms.key_end(SM2) == END


def test_a_wrong_table_is_said_fault_by_fault_and_nothing_is_relied_on(tmp_path: Path) -> None:
    """It may have meant to forbid anything; each fault has its place and what was expected, in both languages."""
    write(tmp_path, WRONG)
    store, findings = read_trust_folder(tmp_path)
    assert store.algorithms == AlgorithmSunsets()
    assert {one.kind for one in findings} == {TrustFindingKind.ALGORITHMS_MALFORMED}
    assert [one.fault and one.fault.key for one in findings] == ["keys.sm2.until", "keys.sm2.source", "keys.sm3"]
    assert all(one.is_fault and one.file == ALGORITHMS_FILE for one in findings)
    assert "keys.sm2.until: expected a date-time with an offset" in findings[0].sentence
    assert "keys.sm2.until：应为带时区的日期时间" in findings[0].sentence_zh
    assert all(one.sentence_zh.endswith("。") for one in findings)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere"), os.mkfifo])
def test_a_table_that_is_no_file_is_no_table(tmp_path: Path, make) -> None:
    """A folder, a link to nothing and a pipe are said, and nothing is relied on."""
    make(tmp_path / ALGORITHMS_FILE)
    store, (finding,) = read_trust_folder(tmp_path)
    assert store.algorithms == AlgorithmSunsets()
    assert (finding.file, finding.is_fault) == (ALGORITHMS_FILE, True)


def test_a_site_does_not_start_with_a_wrong_table(tmp_path: Path) -> None:
    """All faults are named at the start."""
    write_site(tmp_path / "site")
    write(tmp_path / "site" / "trust", WRONG)
    with pytest.raises(SiteError) as caught:
        load_site(tmp_path / "site", at=pki.NOW)
    assert sum(f"trust/{ALGORITHMS_FILE}" in str(fault) for fault in caught.value.faults) == 3


async def test_a_good_table_is_taken_while_the_gateway_runs_and_a_bad_one_is_not(tmp_path: Path) -> None:
    """A good one replaces the old in one step; a bad one leaves it in force and says why."""
    await in_thread(write, tmp_path, "")
    keeper = TrustKeeper(
        (await in_thread(lambda: read_trust(tmp_path, at=pki.NOW))).state,
        clock=lambda: pki.NOW,
        folder=tmp_path,
        mark=await in_thread(mark_folder, tmp_path),
    )
    assert keeper.current().algorithms == DEFAULT_ALGORITHMS
    await in_thread(write, tmp_path, OURS)
    assert await keeper.look()
    good = keeper.current()
    assert good.algorithms.key_end(SM2) == END
    await in_thread(write, tmp_path, WRONG)
    assert await keeper.look()
    assert keeper.current() is good
    failure = keeper.report()["failure"]
    assert [one["file"] for one in failure["findings"]] == [ALGORITHMS_FILE] * 3
    assert all(one["zh"] and one["en"] for one in failure["findings"])
    await in_thread((tmp_path / ALGORITHMS_FILE).unlink)
    assert await keeper.look()
    assert keeper.failure is None
    assert keeper.current().algorithms == DEFAULT_ALGORITHMS
