"""What the commands of ``tongban trust`` share: reading files, naming failures, finding the trust folder."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.markup import escape

from gateway.cli.console import ERR, ExitCode, print_json, printable
from gateway.cli.key_commands import complain
from gateway.cli.language import say
from gateway.cli.passphrase import PassphraseError
from gateway.cli.verify import parse_moment
from gateway.key_journal import JournalError
from gateway.keystore import KeystoreError
from gateway.settings import TrustSettings, parse_settings
from gateway.site import SETTINGS_FILE, TRUST_FOLDER
from gateway.toml_table import Fault, load_toml
from gateway.trust_drafts import DraftError
from gateway.trust_publishing import PublishError
from gateway.trust_sentences import SENTENCES, ListFinding, Problem
from keys.errors import MalformedTrustListError, UntrustedListError
from keys.own.errors import OwnKeyError
from keys.trust_list import TrustList
from keys.trust_list_parse import MAX_BYTES, parse_trust_list

NOBODY: Final = ""


class UsageError(ValueError):
    """The options say something that cannot be; the text is a sentence."""


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool, at: str | None = None) -> ExitCode:
    """Read the clock once (or take ``--at``), run, and turn every expected failure into a sentence and a code.

    A list that is refused is 1; options, files and keys that cannot be used are 2.
    """
    try:
        return run(moment_of(at))
    except MalformedTrustListError as error:
        refuse(error.flaw, error.detail, as_json=as_json)
        return ExitCode.INVALID
    except UntrustedListError as error:
        refuse(error.fault, error.detail, as_json=as_json)
        return ExitCode.INVALID
    except PublishError as error:
        finding = error.finding
        problem = finding.problem if isinstance(finding, ListFinding) else finding.kind
        detail = finding.detail if isinstance(finding, ListFinding) else NOBODY
        fail(problem, say(finding.sentence_zh, finding.sentence), detail, place=finding.file, as_json=as_json)
        return ExitCode.INVALID
    except (OwnKeyError, KeystoreError, JournalError, PassphraseError) as error:
        complain(error, as_json=as_json)
    except DraftError as error:
        fail("usage", say(error.zh, error.en), str(error), as_json=as_json)
    except UsageError as error:
        fail("usage", str(error), str(error), as_json=as_json)
    except OSError as error:
        why = error.strerror or type(error).__name__
        fail("io", why, why, place=str(error.filename or NOBODY), as_json=as_json)
    return ExitCode.USAGE


def refuse(problem: Problem, detail: str, *, as_json: bool, place: str = NOBODY) -> None:
    """Say why a list is refused."""
    sentence = say(*SENTENCES[problem]) + (f" ({detail})" if detail else "")
    fail(problem, sentence, detail, place=place, as_json=as_json)


def fail(slug: str, sentence: str, detail: str, *, as_json: bool, place: str = NOBODY) -> None:
    """Print a sentence on standard error, and with ``--json`` an object on standard output."""
    if as_json:
        print_json({"error": slug, "place": place or None, "detail": detail or None})
    where = f"{place}: " if place else ""
    ERR.print(f"tongban: {escape(printable(where + sentence))}")


def moment_of(text: str | None) -> datetime:
    """Return the moment that an option names, to the second; None: now."""
    try:
        return parse_moment(text).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error)) from error


def optional_moment(text: str | None) -> datetime | None:
    """Return the moment of an option that may be left out."""
    return None if text is None else moment_of(text)


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
