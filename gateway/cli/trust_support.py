"""What the commands of ``tongban trust`` share: reading files, naming failures, finding the trust folder."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gateway.cli import failure
from gateway.cli.console import ExitCode
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.settings import TrustSettings, parse_settings
from gateway.site import SETTINGS_FILE, TRUST_FOLDER
from gateway.toml_table import Fault, load_toml
from gateway.trust_drafts import DraftError
from gateway.trust_publishing import PublishError
from gateway.trust_sentences import SENTENCES, ListFinding, Problem
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


def trust_folder_of(directory: Path) -> Path:
    """Return the trust folder: that of a site folder, or the folder itself.

    Raises:
        UsageError: there is no such folder.

    """
    inside = directory / TRUST_FOLDER
    if inside.is_dir():
        return inside
    if not directory.is_dir():
        raise UsageError(say(f"没有此文件夹：{directory}", f"there is no such folder: {directory}"))
    return directory


def load_max_change(site: Path) -> float:
    """Return ``[trust] max_change`` of a site folder; the default for a folder without settings.

    Raises:
        UsageError: the settings are wrong.

    """
    if not (site / SETTINGS_FILE).exists():
        return TrustSettings().max_change
    faults: list[Fault] = []
    table = load_toml(site / SETTINGS_FILE, file=SETTINGS_FILE, faults=faults)
    settings = None if table is None else parse_settings(table)
    if faults or settings is None:
        raise UsageError("\n".join(say(fault.sentence_zh, str(fault)) for fault in faults))
    return settings.trust.max_change
