"""What the commands of ``tongban credential`` have in common: their files, their keys, and how they fail."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from adapters.credential import CredentialError
from gateway.cli import adapter_commands
from gateway.cli.console import ExitCode
from gateway.cli.credential_sentences import FAULTS, REFUSALS
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.signing_key import KeyChoice
from gateway.credential.judging import REASON_PREFIX
from gateway.own_keys.keystore import StoredKey
from gateway.trust.files import read_file
from keys.own.record import KeyPurpose
from keys.sd_jwt.bounds import MAX_SD_JWT
from keys.sd_jwt.errors import SdJwtError, SdJwtFault

_USES: Final = {KeyPurpose.CREDENTIAL: ("签发凭证", "credentials"), KeyPurpose.HOLDER: ("出示凭证", "presentations")}


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool) -> ExitCode:
    """Guard a command as those of adapters are; what is no credential, or does not become one, is INVALID."""

    def judged(now: datetime) -> ExitCode:
        try:
            return run(now)
        except CredentialError as error:
            _fail(error.fault, REFUSALS[error.fault], error.detail, as_json=as_json)
        except SdJwtError as error:
            _fail(error.fault, FAULTS[error.fault], error.detail, as_json=as_json)
        return ExitCode.INVALID

    return adapter_commands.guard(judged, as_json=as_json)


def _fail(fault: StrEnum, words: tuple[str, str], detail: str, *, as_json: bool) -> None:
    sentence = say(*words) + (f" ({detail})" if detail else "")
    fail(REASON_PREFIX + fault, sentence, detail, as_json=as_json)


def read_credential(path: Path) -> str:
    """Return the text of a credential, without the line end behind it.

    Raises:
        SdJwtError: TOO_LARGE, FORM.
        OSError: it cannot be read.

    """
    data = read_file(path, MAX_SD_JWT + 1)
    if len(data) > MAX_SD_JWT + 1:
        raise SdJwtError(SdJwtFault.TOO_LARGE)
    try:
        return data.removesuffix(b"\n").removesuffix(b"\r").decode("ascii")
    except UnicodeDecodeError as error:
        raise SdJwtError(SdJwtFault.FORM) from error


def find_key(choice: KeyChoice, purpose: KeyPurpose) -> StoredKey:
    """Return a key that is for this purpose; raises UsageError for another one, and as `KeyChoice.find` does."""
    stored = choice.find()
    if stored.key.record.purpose is not purpose:
        zh, en = _USES[purpose]
        raise UsageError(
            say(f"此密钥不用于{zh}（{purpose}）：{stored.id}", f"this key is not for {en} ({purpose}): {stored.id}")
        )
    return stored


def refuse_taken(out: Path) -> None:
    """Raise UsageError where there is something already: a key must not sign what cannot be written."""
    if out.exists() or out.is_symlink():
        raise UsageError(say(f"{out} 已存在，不覆盖。", f"{out} is there already, and is not written over"))
