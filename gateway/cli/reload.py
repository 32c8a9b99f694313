"""``tongban reload``: what is written in a site folder comes into force in the gateway that runs, or nothing of it."""

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.cli.console import ExitCode, print_json, printable
from gateway.cli.language import say
from gateway.cli.serve_words import complain
from gateway.reload.keeper import ReloadResult
from gateway.reload.roster import Faults, Standing, ask_to_reload, describe_faults, read_standings
from gateway.site import STATE_FOLDER, SiteError, load_site

WAITING_SECONDS: Final = 60.0  # a process looks once a second, and reads a large site within some
_LOOK_SECONDS: Final = 0.1


class Told(StrEnum):
    """How it went; a word for programs."""

    OK = "ok"
    NEEDS_RESTART = "needs-restart"
    FAILED = "failed"  # the folder has faults, or a process could not take it
    NOT_SERVED = "not-served"
    NO_ANSWER = "no-answer"


_CODES: Final = {
    Told.OK: ExitCode.DONE,
    Told.NEEDS_RESTART: ExitCode.INVALID,
    Told.FAILED: ExitCode.INVALID,
    Told.NOT_SERVED: ExitCode.USAGE,
    Told.NO_ANSWER: ExitCode.INVALID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """The worst of all processes, and what they say together."""

    told: Told
    processes: int = 0
    applied: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    faults: Faults = ()


def reload(folder: Path, *, as_json: bool) -> ExitCode:
    """Have every process read the site, and say what changed or what is wrong; `_CODES` says how it ends."""
    try:
        load_site(folder)
    except SiteError as error:
        outcome = _Outcome(told=Told.FAILED, faults=describe_faults(error.faults))
    else:
        try:
            outcome = _ask(folder / STATE_FOLDER)
        except OSError as error:
            why = error.strerror or type(error).__name__
            complain(say(f"无法读写 {folder / STATE_FOLDER}：{why}", f"{folder / STATE_FOLDER}: {why}"))
            return ExitCode.USAGE
    if as_json:
        _print_object(outcome)
    else:
        _print_sentences(outcome)
    return _CODES[outcome.told]


def _ask(state: Path) -> _Outcome:
    """Ask the processes that serve, and wait until each of them has answered or ended; raises OSError."""
    if not read_standings(state):
        return _Outcome(told=Told.NOT_SERVED)
    word = ask_to_reload(state)
    until = time.monotonic() + WAITING_SECONDS
    while True:
        standings = read_standings(state)
        answered = [one for one in standings.values() if one is not None and one.asked == word]
        if not standings:
            return _Outcome(told=Told.NOT_SERVED)
        if len(answered) == len(standings):
            return _judge(answered)
        if time.monotonic() > until:
            return _Outcome(told=Told.NO_ANSWER, processes=len(standings))
        time.sleep(_LOOK_SECONDS)


def _judge(standings: list[Standing]) -> _Outcome:
    """Return the worst of all, with everything that any of them said."""
    results = {one.result for one in standings}
    told = Told.OK
    if ReloadResult.NEEDS_RESTART in results:
        told = Told.NEEDS_RESTART
    if ReloadResult.FAILED in results:
        told = Told.FAILED
    return _Outcome(
        told=told,
        processes=len(standings),
        applied=tuple(dict.fromkeys(name for one in standings for name in one.applied)),
        restart=tuple(dict.fromkeys(name for one in standings for name in one.restart)),
        faults=tuple(dict.fromkeys(fault for one in standings for fault in one.faults)),
    )


def _print_object(outcome: _Outcome) -> None:
    faults = [{"file": file, "zh": zh, "en": en} for file, zh, en in outcome.faults]
    print_json(
        {
            "result": outcome.told,
            "processes": outcome.processes,
            "changed": outcome.applied,
            "needs_restart": outcome.restart,
            "faults": faults,
        }
    )


def _print_sentences(outcome: _Outcome) -> None:
    count = outcome.processes
    match outcome.told:
        case Told.NOT_SERVED:
            complain(say("没有网关正在为此站点运行。", "no gateway runs for this site"))
        case Told.NO_ANSWER:
            zh = f"{WAITING_SECONDS:.0f} 秒内未得到全部进程的答复，见进程日志。"
            en = f"not every process answered within {WAITING_SECONDS:.0f} seconds; see their logs"
            complain(say(zh, en))
        case Told.FAILED:
            complain(say("站点文件夹有误，原有配置继续有效：", "faults were found, and what was in force stays so:"))
            for _, zh, en in outcome.faults:
                complain(f"  {say(zh, en)}")
        case Told.OK | Told.NEEDS_RESTART:
            print(say(f"新配置已在 {count} 个进程生效。", f"in force in {count} process(es)"))
            for name in outcome.applied:
                print(printable(f"  {name}"))
            if outcome.restart:
                complain(say("以下改动须重新启动后生效：", "these take a restart:"))
                for name in outcome.restart:
                    complain(f"  {name}")
