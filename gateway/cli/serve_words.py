"""What ``tongban serve`` says on standard error, from whichever of its processes.

It speaks to people until it serves; from then on in lines, as all processes do, for whoever collects those.
"""

import logging
import select
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from gateway.audit.unavailable import ADVICE, LogUnavailableError
from gateway.cli.console import printable
from gateway.cli.language import say
from gateway.log_lines import LineFormatter, encode_event
from gateway.rendering import encode_time
from gateway.site import SiteError

_LOGGER: Final = logging.getLogger("tongban.serve")
READER_MILLISECONDS: Final = 1000  # for whoever reads standard error to make room; who serves does not wait for ever


class _Lines(logging.Handler):
    """Prints a line at once, and in this thread: there are few."""

    def emit(self, record: logging.LogRecord) -> None:
        _print(self.format(record))


def speak_in_lines() -> None:
    """Say everything in the form of the log of a process from now on, unless a person sits before standard error."""
    if sys.stderr is None or sys.stderr.isatty():
        return
    lines = _Lines()
    lines.setFormatter(LineFormatter())
    _LOGGER.handlers = [lines]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def complain(sentence: str, *, level: int = logging.WARNING) -> None:
    """Print one sentence."""
    if _LOGGER.handlers:
        _LOGGER.log(level, "%s", printable(sentence))
    else:
        _print(f"tongban: {printable(sentence)}")


def complain_of_faults(error: SiteError) -> None:
    """Print every fault of a site."""
    faults = [printable(say(fault.sentence_zh, str(fault))) for fault in error.faults]
    if _LOGGER.handlers:
        _LOGGER.warning("%s", encode_event("site-faults", at=encode_time(datetime.now(UTC)), findings=faults))
        return
    complain(say("站点文件夹有误：", "the site folder has faults:"))
    for fault in faults:
        if not _print(f"  {fault}"):
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
