"""What the commands of ``tongban trust`` share: reading files, naming failures, finding the trust folder."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gateway.cli import failure
from gateway.cli.console import ExitCode
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.site import SiteError
from gateway.trust.drafts import DraftError
from gateway.trust.place import TrustPlace, find_site_trust, find_trust
from gateway.trust.publishing import PublishError
from gateway.trust.sentences import SENTENCES, ListFinding, Problem
from keys.errors import MalformedTrustListError, UntrustedListError
from keys.trust_list import TrustList
from keys.trust_list_parse import MAX_BYTES, parse_trust_list


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool, at: str | None = None) -> ExitCode:
    """Guard a command as `gateway.cli.failure.guard` does; a list that is refused is INVALID."""

    def judged(now: datetime) -> ExitCode:
        try:
            return run(now)
        except MalformedTrustListError as error:
            refuse(error.flaw, error.detail, as_json=as_json)
        except UntrustedListError as error:
            refuse(error.fault, error.detail, as_json=as_json)
        except PublishError as error:
            finding = error.finding
            problem = finding.problem if isinstance(finding, ListFinding) else finding.kind
            detail = finding.detail if isinstance(finding, ListFinding) else ""
            fail(problem, say(finding.sentence_zh, finding.sentence), detail, place=finding.file, as_json=as_json)
        except SiteError as error:
            sentence = "; ".join(say(fault.sentence_zh, str(fault)) for fault in error.faults)
            fail("usage", sentence, str(error), as_json=as_json)
            return ExitCode.USAGE
        except DraftError as error:
            fail("usage", say(error.zh, error.en), str(error), as_json=as_json)
            return ExitCode.USAGE
        return ExitCode.INVALID

    return failure.guard(judged, as_json=as_json, at=at)


def refuse(problem: Problem, detail: str, *, as_json: bool, place: str = "") -> None:
    """Say why a list is refused."""
    sentence = say(*SENTENCES[problem]) + (f" ({detail})" if detail else "")
    fail(problem, sentence, detail, place=place, as_json=as_json)


def read_bytes(path: Path) -> bytes:
    """Read a file that holds a list; raises OSError."""
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def load_list(path: Path) -> TrustList:
    """Read a list; raises OSError or MalformedTrustListError."""
    return parse_trust_list(read_bytes(path))


def find_place(directory: Path, *, is_site: bool = False) -> TrustPlace:
    """Return the trust folder that an option names, by its site or itself; ``is_site``: it must be that of a site.

    Raises:
        UsageError: there is no such folder.

    """
    try:
        return find_site_trust(directory) if is_site else find_trust(directory)
    except NotADirectoryError as error:
        raise UsageError(say(f"没有此文件夹：{directory}", str(error))) from error
