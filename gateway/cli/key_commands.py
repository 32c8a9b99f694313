"""What the commands of ``tongban keys`` do; no secret is ever printed, not even after an error."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from gateway.cli.console import OUT, ExitCode, print_json, progress_bar
from gateway.cli.failure import UsageError, complain, guard, moment_of, optional_moment
from gateway.cli.key_output import STEPS, describe, key_table, show_drill, show_key
from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_CIPHER, DEFAULT_SCRYPT_MIB, DEFAULT_SIGNING_DAYS, DEFAULT_VERIFYING_DAYS
from gateway.cli.passphrase import read_passphrase
from gateway.own_keys.drill import DrillOrder, rehearse, rehearse_dry
from gateway.own_keys.keystore import Keystore, StoredKey
from gateway.own_keys.pkcs11 import generate_on_token
from keys.own.file import KeyFile, TokenObject, seal_key
from keys.own.protection import KeyCipher, ScryptParameters
from keys.own.public import encode_public_jwk, encode_public_pem, encode_trust_list_key
from keys.own.record import KeyAlgorithm, KeyPurpose, KeyRecord, OwnKey, plan_record, retire
from keys.own.signer import SoftwareSigner
from keys.trust_list import encode_moment

FORMS: Final[dict[str, Callable[[KeyRecord], Any]]] = {
    "pem": encode_public_pem,
    "jwk": encode_public_jwk,
    "trust-list": encode_trust_list_key,
}
_N_PER_MIB: Final = 1024  # scrypt with r = 8 takes 128 * 8 bytes for each n


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How a new key is to be made, as the options say."""

    algorithm: KeyAlgorithm | None = None
    cipher: str = DEFAULT_CIPHER
    scrypt_mib: int = DEFAULT_SCRYPT_MIB
    active_from: str | None = None
    days: int = DEFAULT_SIGNING_DAYS
    verify_days: int = DEFAULT_VERIFYING_DAYS
    passphrase_file: Path | None = None
    token: str | None = None
    module: Path | None = None


def new(folder: Path, purpose: KeyPurpose, making: Making, *, as_json: bool) -> ExitCode:
    """Make a key and write it into the folder."""

    def run(now: datetime) -> ExitCode:
        store = Keystore(folder)
        store.create_folder()
        store.read()  # a folder that cannot be used is found out before a key is made
        file = make_key(purpose, making, now)
        store.add(file)
        show_key(StoredKey(key=OwnKey(record=file.record), file=file), now, as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def list_keys(folder: Path, *, at: str | None, as_json: bool) -> ExitCode:
    """Print one line for each key; what is broken is named, and makes the exit code 1."""

    def run(moment: datetime) -> ExitCode:
        found, broken = Keystore(folder).read()
        if as_json:
            for stored in found:
                print_json(describe(stored, moment))
        else:
            OUT.print(key_table(found, moment))
        for one in broken:
            complain(one.error, as_json=as_json, place=one.place)
        return ExitCode.INVALID if broken else ExitCode.DONE

    return guard(run, as_json=as_json, at=at)


def rotate(folder: Path, key: str, making: Making, *, overlap_days: int, as_json: bool) -> ExitCode:
    """Replace a key: the new one signs from its start, the old one until the overlap is over; there is no gap."""

    def run(now: datetime) -> ExitCode:
        store = Keystore(folder)
        old = store.find(key)
        _refuse_gap(old, optional_moment(making.active_from), now)
        file = make_key(old.key.record.purpose, _like(old, making), now)
        end = file.record.active_from + timedelta(days=overlap_days)
        store.add(
            file,
            replacing=old.id,
            change=lambda present: retire(present, replaced_by=file.record.id, signs_until=end),
        )
        for stored in (store.find(old.id), store.find(file.record.id)):
            show_key(stored, now, as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _refuse_gap(old: StoredKey, active_from: datetime | None, now: datetime) -> None:
    """Raise UsageError when nobody would sign between the end of the old key and the start of the new one."""
    end = max(old.key.signs_until, now)  # of one that has ended, what is past cannot be helped
    if active_from is not None and active_from > end:
        moment = encode_moment(end)
        raise UsageError(
            say(
                f"旧密钥签名至 {moment}，新密钥启用前将无密钥可用。--active-from 不应晚于该时刻。",
                f"nobody would sign from {moment} until the new key starts: choose --active-from no later than that",
            )
        )


def export_public(folder: Path, key: str, *, form: str, as_json: bool) -> ExitCode:
    """Print the public half in one of three forms."""

    def run(_now: datetime) -> ExitCode:
        if form not in FORMS:
            names = ", ".join(FORMS)
            raise UsageError(say(f"格式应为 {names} 之一。", f"one of these forms was expected: {names}"))
        record = Keystore(folder).find(key).key.record
        value = FORMS[form](record)
        if as_json:
            print_json({"id": record.id, "form": form, "value": value})
        else:
            print(value.rstrip() if isinstance(value, str) else json.dumps(value, indent=2))
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def drill(
    folder: Path,
    key: str,
    *,
    since: str,
    out: Path,
    compromised: bool,
    dry_run: bool,
    making: Making,
    as_json: bool,
) -> ExitCode:
    """Rehearse a compromise; UNKNOWN when the journal does not hold everything that was signed."""

    def run(now: datetime) -> ExitCode:
        store = Keystore(folder)
        old = store.find(key)
        moment = moment_of(since)
        if moment > now:
            raise UsageError(say("--since 不应晚于现在。", "--since must not be in the future"))
        order = DrillOrder(old=old, since=moment, at=now, is_drill=not compromised)
        purpose, how = old.key.record.purpose, making
        if not dry_run and old.key.state.replaced_by is None:
            how = _like(old, making)
        with progress_bar() as bar:
            tasks: dict[str, Any] = {}

            def progress(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bar.add_task(say(*STEPS[step]), total=total)
                bar.update(tasks[step], completed=done, total=total)

            if dry_run:
                report = rehearse_dry(store, order, folder=out, progress=progress)
            else:
                passphrase = None if old.key.state.replaced_by else _passphrase(how)  # asked before the clock runs
                report = rehearse(
                    store,
                    order,
                    make_key=lambda: make_key(purpose, how, now, passphrase=passphrase),
                    folder=out,
                    progress=progress,
                )
        show_drill(report, dry_run=dry_run, as_json=as_json)
        return ExitCode.DONE if report.journal_complete else ExitCode.UNKNOWN

    return guard(run, as_json=as_json)


def make_key(purpose: KeyPurpose, making: Making, now: datetime, *, passphrase: bytes | None = None) -> KeyFile:
    """Make a key in memory or in a device, and the file that keeps or names it.

    Raises:
        UsageError: the options contradict each other.
        OwnKeyError, PassphraseError: it cannot be made.

    """
    times: dict[str, Any] = {
        "at": now,
        "active_from": optional_moment(making.active_from),
        "signs_for": timedelta(days=making.days),
        "verifies_for": timedelta(days=making.verify_days),
    }
    if making.token is not None:
        return _make_on_token(purpose, making, times, passphrase or _passphrase(making))
    try:
        cipher = KeyCipher(making.cipher)
    except ValueError:
        names = ", ".join(KeyCipher)
        raise UsageError(say(f"--cipher 应为 {names} 之一。", f"--cipher: one of {names} was expected")) from None
    scrypt = ScryptParameters(n=making.scrypt_mib * _N_PER_MIB)
    signer = SoftwareSigner.generate(making.algorithm or KeyAlgorithm.SM2)
    record = _plan(signer.algorithm, purpose, signer.public_key, times)
    return seal_key(signer, record, passphrase=passphrase or _passphrase(making), cipher=cipher, scrypt=scrypt)


def _make_on_token(purpose: KeyPurpose, making: Making, times: dict[str, Any], pin: bytes) -> KeyFile:
    if making.algorithm not in (None, KeyAlgorithm.P256):
        raise UsageError(say("设备中的密钥只支持 p-256。", "a key in a device is p-256"))
    if making.module is None or making.token is None:
        raise UsageError(say("请用 --pkcs11-module 指定设备的库。", "name the device's library with --pkcs11-module"))
    label = f"tongban {purpose}"
    signer, place = generate_on_token(making.module, token=making.token, pin=pin, label=label)
    try:
        return KeyFile(record=_plan(signer.algorithm, purpose, signer.public_key, times), place=place)
    finally:
        signer.close()


def _plan(algorithm: KeyAlgorithm, purpose: KeyPurpose, public_key: bytes, times: dict[str, Any]) -> KeyRecord:
    try:
        return plan_record(algorithm=algorithm, purpose=purpose, public_key=public_key, **times)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _like(old: StoredKey, making: Making) -> Making:
    """Complete the options by what the old key was; one in a device is followed by one in the same device."""
    if isinstance(old.file.place, TokenObject) and making.token is None:
        making = replace(making, token=old.file.place.token)
    if making.algorithm is None:
        making = replace(making, algorithm=KeyAlgorithm.P256 if making.token else old.key.record.algorithm)
    return making


def _passphrase(making: Making) -> bytes:
    return read_passphrase(making.passphrase_file, new=making.token is None)
