"""``tongban audit witness-key|trust-policy``: what a site publishes for those who witness and believe its log."""

import asyncio
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.tlog.note_key import parse_vkey
from gateway.audit.tlog.quorum import parse_policy
from gateway.site_template import write_site
from tests.support.callers import NOW
from tests.support.cli import tongban


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_site(tmp_path / "site")
    return tmp_path / "site"


def begin_log(site: Path) -> None:
    async def run() -> None:
        book = LogBook(FolderPlace(site, AuditSettings(), region="370000"), clock=lambda: NOW)
        await book.open()
        await book.close()

    asyncio.run(run())


def test_the_key_of_a_witness_is_made_once(site: Path) -> None:
    """The first call makes the key, every later one shows the same; nobody else may read the file."""
    first = tongban("audit", "witness-key", "--site", site)
    assert (first.code, first.err) == (0, "")
    key = parse_vkey(first.out.removesuffix("\n"))
    assert (key.name, key.is_of_log) == ("witness.370000", False)
    again = tongban("audit", "witness-key", "--site", site, "--json")
    assert again.object == {"witness": "witness.370000", "key": first.out.removesuffix("\n")}
    assert (site / "state/audit/keys/witness.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("locale", "words"), [("C.UTF-8", "cannot be used"), ("zh_CN.UTF-8", "见证密钥不可用")])
def test_a_key_that_others_may_read_is_not_used(site: Path, locale: str, words: str) -> None:
    """It is named with its fault, in the language of the locale, and nothing of it is shown."""
    tongban("audit", "witness-key", "--site", site)
    path = site / "state/audit/keys/witness.key"
    path.chmod(0o644)
    ended = tongban("audit", "witness-key", "--site", site, "--json", locale=locale)
    assert (ended.code, ended.object["error"]) == (2, "witness-key.open-permissions")
    assert words in ended.err
    assert path.read_text().strip() not in ended.err + ended.out


@pytest.mark.slow
def test_the_trust_policy_is_that_of_the_latest_shard(site: Path) -> None:
    """The policy that others believe the log by, as it lies beside the log."""
    assert tongban("audit", "trust-policy", "--site", site).code == 2
    begin_log(site)
    shown = tongban("audit", "trust-policy", "--site", site)
    assert shown.code == 0
    policy = parse_policy(shown.out.encode())
    assert {log.key.name for log in policy.logs} == {"gw.370000/access/2026h1"}
    named = tongban("audit", "trust-policy", "--site", site, "--log", "2026h1", "--json")
    assert named.object == {"log": "gw.370000/access/2026h1", "policy": shown.out}
    absent = tongban("audit", "trust-policy", "--site", site, "--log", "2025h1", locale="zh_CN.UTF-8")
    assert (absent.code, "没有访问日志" in absent.err) == (2, True)


def test_a_site_without_settings_publishes_nothing(tmp_path: Path) -> None:
    """A folder that is no site is an error of usage, not a place for keys."""
    assert tongban("audit", "witness-key", "--site", tmp_path).code == 2
    assert not list(tmp_path.iterdir())
