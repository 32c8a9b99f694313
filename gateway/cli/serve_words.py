"""What ``tongban serve`` says on standard error, from whichever of its processes."""

import sys

from gateway.audit.unavailable import ADVICE, LogUnavailableError
from gateway.cli.console import printable
from gateway.cli.language import say
from gateway.site import SiteError


def complain(sentence: str) -> None:
    """Print one sentence."""
    print(f"tongban: {printable(sentence)}", file=sys.stderr, flush=True)


def complain_of_faults(error: SiteError) -> None:
    """Print every fault of a site."""
    complain(say("站点文件夹有误：", "the site folder has faults:"))
    for fault in error.faults:
        print(f"  {printable(say(fault.sentence_zh, str(fault)))}", file=sys.stderr, flush=True)


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
