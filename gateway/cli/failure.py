"""What a command says when it fails: a sentence on standard error, an object on standard output with ``--json``."""

from collections.abc import Callable
from datetime import UTC, datetime

from rich.markup import escape

from gateway.cli.console import ERR, ExitCode, print_json, printable
from gateway.cli.key_sentences import SENTENCES, KeyFailure
from gateway.cli.language import say
from gateway.cli.passphrase import PassphraseError
from gateway.cli.verify import parse_moment
from gateway.own_keys.journal import JournalError
from gateway.own_keys.keystore import KeystoreError
from keys.own.errors import OwnKeyError


class UsageError(ValueError):
    """The options say something that cannot be; the text is a sentence."""


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool, at: str | None = None) -> ExitCode:
    """Read the clock once (or take ``--at``), run, and turn every expected failure into a sentence.

    Options, files and keys that cannot be used are USAGE.
    """
    try:
        return run(moment_of(at))
    except (OwnKeyError, KeystoreError, JournalError, PassphraseError) as error:
        complain(error, as_json=as_json)
    except UsageError as error:
        fail("usage", str(error), str(error), as_json=as_json)
    except OSError as error:
        why = error.strerror or type(error).__name__
        fail("io", why, why, place=str(error.filename or ""), as_json=as_json)
    return ExitCode.USAGE


def complain(error: KeyFailure, *, as_json: bool, place: str = "") -> None:
    """Say what is wrong with a key, its file, its journal or its passphrase."""
    where = place or getattr(error, "place", "")
    detail = f" ({error.detail})" if error.detail else ""
    fail(error.fault, say(*SENTENCES[error.fault]) + detail, error.detail, place=where, as_json=as_json)


def fail(slug: str, sentence: str, detail: str, *, as_json: bool, place: str = "") -> None:
    """Print a sentence, and with ``--json`` an object."""
    if as_json:
        print_json({"error": slug, "place": place or None, "detail": detail or None})
    where = f"{place}: " if place else ""
    ERR.print(f"tongban: {escape(printable(where + sentence))}")


def moment_of(text: str | None) -> datetime:
    """Return the moment that an option names, to the second; None: now.

    Raises:
        UsageError: it names none.

    """
    try:
        return parse_moment(text).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error)) from error


def optional_moment(text: str | None) -> datetime | None:
    """Return the moment of an option that may be left out; raises UsageError as `moment_of` does."""
    return None if text is None else moment_of(text)
