"""What ``tongban serve`` says on standard error, from whichever of its processes."""

import select
import sys
from contextlib import suppress
from typing import Final

from gateway.audit.unavailable import ADVICE, LogUnavailableError
from gateway.cli.console import printable
from gateway.cli.language import say
from gateway.site import SiteError

READER_MILLISECONDS: Final = 1000  # for whoever reads standard error to make room; who serves does not wait for ever


def complain(sentence: str) -> None:
    """Print one sentence."""
    _print(f"tongban: {printable(sentence)}")


def complain_of_faults(error: SiteError) -> None:
    """Print every fault of a site."""
    complain(say("站点文件夹有误：", "the site folder has faults:"))
    for fault in error.faults:
        if not _print(f"  {printable(say(fault.sentence_zh, str(fault)))}"):
            return


def complain_of_log(error: LogUnavailableError) -> None:
    """Say why the access log cannot be opened, and what to do."""
    advice = ADVICE[error.reason]
    zh, en = "访问日志无法打开，网关不启动", "the access log cannot be opened, so nothing was started"
    detail = f" ({error.detail})" if error.detail else ""
    complain(f"{say(zh, en)}: {say(advice.zh, advice.en)} [{error.reason}]{detail}")


def complain_of_no_restart(why: str = "") -> None:
    """Say that those who answer go on."""
    sentence = say("未重启，现有进程继续运行", "nothing was restarted; the processes that answer go on")
    complain(f"{sentence}: {why}" if why else sentence)


def _print(line: str) -> bool:
    """Print a line; False: it is lost, as nobody reads standard error."""
    if not _has_room():
        return False
    with suppress(BrokenPipeError):
        print(line, file=sys.stderr, flush=True)
    return True


def _has_room() -> bool:
    """Answer whether a line can be written without waiting for whoever reads."""
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError):  # none, or no file
        return True
    writable = select.poll()
    writable.register(descriptor, select.POLLOUT)
    return bool(writable.poll(READER_MILLISECONDS))
