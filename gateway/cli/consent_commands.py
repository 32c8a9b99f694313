"""``tongban consent add|withdraw|show``: what they do."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from gateway.cli import failure
from gateway.cli.console import OUT, ExitCode, print_json
from gateway.cli.failure import UsageError, fail, moment_of
from gateway.cli.language import say
from gateway.consent.off_loop import CONSENTS_FILE, KEY_FILE
from gateway.consent.record import (
    MAX_FIELDS,
    MAX_HOLDERS,
    MAX_LIFE,
    MAX_NAMES,
    ConsentId,
    ConsentRecord,
    hash_holder,
    make_consent_id,
)
from gateway.consent.sqlite import SqliteConsentStore
from gateway.rendering import encode_time
from gateway.secret_file import SecretError, read_or_make_secret
from gateway.site import SETTINGS_FILE, STATE_FOLDER
from gateway.sources.source import SourceFault, SourceUnavailableError

_MAX_LINE: Final = 1024  # characters of a holder's number on standard input
_MAX_WORD: Final = 128  # characters of a code, as over HTTP
_FAULTS: Final[Mapping[SourceFault, tuple[str, str]]] = {
    SourceFault.ABSENT: ("尚未登记任何同意。", "no consent was ever registered"),
    SourceFault.BUSY: ("同意登记簿正被占用，请稍后重试。", "the register is locked by somebody else; try again"),
    SourceFault.CORRUPT: (
        "同意登记簿已损坏或不是登记簿，请从备份恢复。",
        "the register is damaged, or no register of consents; restore it from a backup",
    ),
    SourceFault.UNUSABLE: ("同意登记簿无法打开或读写。", "the register cannot be opened, read or written"),
    SourceFault.NEWER: ("同意登记簿由更新版本的程序写入。", "the register was written by a later version"),
}


def add(
    *,
    site: Path,
    items: Sequence[str],
    licences: Sequence[str],
    organisations: Sequence[str],
    fields: Sequence[str] | None,
    expires: str,
    as_json: bool,
) -> ExitCode:
    """Register a consent for the operator and print its id."""

    def run(now: datetime) -> ExitCode:
        state = _state(site)
        end = moment_of(expires)
        if not timedelta(0) < end - now <= MAX_LIFE:
            zh, en = f"截止须晚于现在，至多 {MAX_LIFE.days} 日", f"an end after now by at most {MAX_LIFE.days} days"
            raise UsageError(say(zh, f"{en} was expected"))
        codes = [line for line in (line.strip() for line in _lines()) if line]
        record = ConsentRecord(
            id=make_consent_id(),
            holders=_hash(codes, read_or_make_secret(state / KEY_FILE)),
            items=_bounded("--item", items, MAX_NAMES),
            licences=_bounded("--licence", licences, MAX_NAMES),
            fields=_bounded("--field", fields, MAX_FIELDS) if fields else None,
            organisations=_bounded("--organisation", organisations, MAX_NAMES),
            registered_by="",
            given_at=now,
            expires_at=end,
        )
        with closing(SqliteConsentStore(state / CONSENTS_FILE, create=True)) as store:
            store.add(record)
        if as_json:
            print_json(_describe(record))
        else:
            OUT.print(say(f"已登记：{record.id}", f"registered: {record.id}"), markup=False)
        return ExitCode.DONE

    return _guard(run, as_json=as_json)


def withdraw(consent: str, *, site: Path, as_json: bool) -> ExitCode:
    """Withdraw a consent, whoever registered it."""

    def run(now: datetime) -> ExitCode:
        with closing(SqliteConsentStore(_state(site) / CONSENTS_FILE)) as store:
            since = store.withdraw(ConsentId(consent), at=now)
        if since is None:
            return _unknown(as_json=as_json)
        if as_json:
            print_json({"consent": consent, "withdrawn": encode_time(since)})
        else:
            moment = encode_time(since)
            OUT.print(say(f"自 {moment} 起已撤回。", f"withdrawn since {moment}"), markup=False)
        return ExitCode.DONE

    return _guard(run, as_json=as_json)


def show(consent: str, *, site: Path, as_json: bool) -> ExitCode:
    """Show what a consent covers; whose it is nobody can read from it."""

    def run(_: datetime) -> ExitCode:
        with closing(SqliteConsentStore(_state(site) / CONSENTS_FILE)) as store:
            record = store.find(ConsentId(consent))
        if record is None:
            return _unknown(as_json=as_json)
        if as_json:
            print_json(_describe(record))
            return ExitCode.DONE
        for (zh, en), value in _rows(record):
            OUT.print(f"{say(zh, en)}: {value}", markup=False)
        return ExitCode.DONE

    return _guard(run, as_json=as_json)


def _guard(run: Callable[[datetime], ExitCode], *, as_json: bool) -> ExitCode:
    def told(now: datetime) -> ExitCode:
        try:
            return run(now)
        except SourceUnavailableError as error:
            if error.fault is SourceFault.ABSENT:
                return _unknown(as_json=as_json)
            sentence = say(*_FAULTS[error.fault]) + (f" ({error.detail})" if error.detail else "")
            fail(f"consents.{error.fault}", sentence, error.detail, as_json=as_json)
        except SecretError as error:
            zh, en = "登记簿的密钥无法使用", "the key of the register cannot be used"
            fail("consents.key", f"{say(zh, en)} ({error.fault})", error.fault, place=error.place, as_json=as_json)
        return ExitCode.USAGE

    return failure.guard(told, as_json=as_json)


def _state(site: Path) -> Path:
    """Return the state folder of a site; a folder without settings is none, and nothing is made in it."""
    if not (site / SETTINGS_FILE).is_file():
        raise UsageError(say(f"不是站点文件夹：{site}", f"not a site folder: {site}"))
    return site / STATE_FOLDER


def _lines() -> Iterable[str]:
    """Read the numbers of holders; a command line would be seen by every process of the machine."""
    while line := sys.stdin.readline(_MAX_LINE):
        yield line


def _hash(codes: Sequence[str], secret: bytes) -> frozenset[bytes]:
    holders = [hash_holder(code, secret) for code in codes[: MAX_HOLDERS + 1]]
    if None in holders or not 1 <= len(holders) <= MAX_HOLDERS:
        zh = f"标准输入应有 1 至 {MAX_HOLDERS} 个持证人号码，每行一个"
        en = f"1 to {MAX_HOLDERS} numbers of holders, a line each, were expected on standard input"
        raise UsageError(say(zh, en))
    return frozenset(holder for holder in holders if holder is not None)


def _bounded(name: str, words: Sequence[str], most: int) -> frozenset[str]:
    if not 1 <= len(words) <= most or not all(1 <= len(word) <= _MAX_WORD for word in words):
        zh, en = f"{name} 应为 1 至 {most} 项", f"{name} was expected 1 to {most} times"
        raise UsageError(say(zh, f"{en}, of at most {_MAX_WORD} characters"))
    return frozenset(words)


def _unknown(*, as_json: bool) -> ExitCode:
    fail("unknown-consent", say("没有此项同意。", "there is no such consent"), "", as_json=as_json)
    return ExitCode.INVALID


def _describe(record: ConsentRecord) -> dict[str, Any]:
    return {
        "consent": record.id,
        "holders": len(record.holders),
        "items": sorted(record.items),
        "licences": sorted(record.licences),
        "fields": None if record.fields is None else sorted(record.fields),
        "organisations": sorted(record.organisations),
        "registered_by": record.registered_by or None,
        "given": encode_time(record.given_at),
        "expires": encode_time(record.expires_at),
        "withdrawn": None if record.withdrawn_at is None else encode_time(record.withdrawn_at),
    }


def _rows(record: ConsentRecord) -> Iterable[tuple[tuple[str, str], str]]:
    every = say("全部", "all")
    yield ("同意编号", "consent"), record.id
    yield ("持证人数", "holders"), str(len(record.holders))
    yield ("事项", "items"), ", ".join(sorted(record.items))
    yield ("证照类型", "licence types"), ", ".join(sorted(record.licences))
    yield ("信息项", "fields"), every if record.fields is None else ", ".join(sorted(record.fields))
    yield ("可使用的单位", "organisations"), ", ".join(sorted(record.organisations))
    yield ("登记单位", "registered by"), record.registered_by or say("运维人员", "the operator")
    yield ("给予时间", "given"), encode_time(record.given_at)
    yield ("失效时间", "expires"), encode_time(record.expires_at)
    if record.withdrawn_at is not None:
        yield ("撤回时间", "withdrawn"), encode_time(record.withdrawn_at)
