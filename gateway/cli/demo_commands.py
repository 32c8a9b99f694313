"""``tongban demo stop|start|…|revoke|ask|board``: leave a wish at the desk of the demo that runs, show the answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from rich.markup import escape

from gateway.cli.console import ERR, ExitCode, print_json
from gateway.cli.demo_output import name_folder, show_answers, show_board, show_revocation, show_servers
from gateway.cli.language import say
from gateway.demo.board import Board
from gateway.demo.desk import (
    ANSWER_SECONDS,
    DemoBusyError,
    DemoFailedError,
    DemoNotRunningError,
    Request,
    SeveralDemosError,
    Wish,
    find_demo,
    request,
)
from gateway.demo.revoking import RevocationAnswer
from gateway.demo.serving import LICENCE, ServersNow
from gateway.demo.standing import StandingAnswers
from gateway.reason import Reason

_T = TypeVar("_T", bound=Struct)
_REVOKED = frozenset({Reason.REVOCATION_REVOKED, Reason.STATUS_REVOKED})


def act(name: str, how: str, *, folder: Path | None, as_json: bool) -> ExitCode:
    """Have something done to a server, and show how all stand then; INVALID when it was not done."""

    def end(answer: ServersNow) -> ExitCode:
        return ExitCode.INVALID if answer.error else ExitCode.DONE

    def show(answer: ServersNow) -> None:
        show_servers(answer, name_folder(folder))

    return _leave(Request(Wish.SERVERS, name, how), ServersNow, show, end, folder=folder, as_json=as_json)


def revoke(file: Path, *, licence: bool, folder: Path | None, as_json: bool) -> ExitCode:
    """Have the signer of a document revoked, or the licence in it; INVALID when the gateway does not say so."""

    def end(answer: RevocationAnswer) -> ExitCode:
        return ExitCode.INVALID if _REVOKED.isdisjoint(answer.reasons) else ExitCode.DONE

    wanted = Request(Wish.REVOKE, file.name, LICENCE if licence else "")
    return _leave(wanted, RevocationAnswer, show_revocation, end, folder=folder, as_json=as_json)


def ask(*, folder: Path | None, as_json: bool) -> ExitCode:
    """Show what the gateway answers now."""
    return _leave(Request(Wish.ASK), StandingAnswers, show_answers, _done, folder=folder, as_json=as_json)


def board(*, folder: Path | None, as_json: bool) -> ExitCode:
    """Show what the dashboard and the alerts say now."""
    return _leave(Request(Wish.BOARD), Board, show_board, _done, folder=folder, as_json=as_json)


def _leave(
    wanted: Request,
    kind: type[_T],
    show: Callable[[_T], None],
    end: Callable[[_T], ExitCode],
    *,
    folder: Path | None,
    as_json: bool,
) -> ExitCode:
    try:
        answer = request(find_demo(folder), wanted, kind)
    except DemoNotRunningError as error:
        place = f": {error}" if str(error) else ""
        zh, en = f"没有正在运行的演示{place}", f"no demo is running{place}"
        ERR.print(f"tongban: {escape(say(zh, en))}")
        return ExitCode.USAGE
    except DemoBusyError as error:
        limit = f"{ANSWER_SECONDS:.0f}"
        zh, en = f"演示正在运行，但 {limit} 秒内未答复", f"the demo runs, and has not answered within {limit} s"
        ERR.print(f"tongban: {escape(say(zh, en))}: {escape(str(error))}")
        return ExitCode.INVALID
    except DemoFailedError as error:
        if as_json:
            print_json({"error": str(error)})
        else:
            ERR.print(f"tongban: {escape(say(f'演示未能完成：{error}', f'the demo could not do it: {error}'))}")
        return ExitCode.INVALID
    except SeveralDemosError as error:
        zh, en = f"有多个演示正在运行，请以 --folder 指定：{error}", f"several demos run, name one by --folder: {error}"
        ERR.print(f"tongban: {escape(say(zh, en))}")
        return ExitCode.USAGE
    except OSError as error:
        ERR.print(f"tongban: {escape(str(folder))}: {escape(error.strerror or type(error).__name__)}")
        return ExitCode.USAGE
    if as_json:
        print_json(_describe(answer))
    else:
        show(answer)
    return end(answer)


def _describe(answer: Struct) -> dict[str, Any]:
    """Return the JSON object of an answer."""
    found: dict[str, Any] = json.loads(msgspec.json.encode(answer))
    return found


def _done(_: Struct) -> ExitCode:
    return ExitCode.DONE
