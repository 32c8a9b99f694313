"""A P-256 key in a PKCS#11 device (SoftHSM2): made there, used from there, and never seen here."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.keys import keys_app
from gateway.cli.passphrase import VARIABLE
from gateway.own_keys import pkcs11
from gateway.own_keys.keystore import Keystore
from gateway.own_keys.pkcs11 import OpenedKey, Pkcs11Signer, generate_on_token, open_on_token
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.file import TokenObject
from keys.own.record import KeyAlgorithm
from keys.own.signer import Signer, SoftwareSigner, verify_own_signature

PIN = "98765432"  # of a token that lives for one run
LABEL = "tongban-test"
LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",  # Debian, Ubuntu
    "/usr/lib64/pkcs11/libsofthsm2.so",  # RHEL, openEuler
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


@dataclass(frozen=True, kw_only=True)
class Device:
    """A token that is ready for use."""

    module: Path
    token: str = LABEL
    pin: bytes = PIN.encode()


def missing(what: str) -> None:
    """Skip in words; where CI is set, fail instead."""
    message = f"{what} is not installed (apt-get install softhsm2; pip install python-pkcs11)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """Return a fresh token of SoftHSM2, in a folder of its own."""
    try:
        import pkcs11  # noqa: F401, PLC0415 - whether it is there is the question
    except ImportError:
        missing("python-pkcs11")
    module = next((Path(name) for name in LIBRARIES if Path(name).exists()), None)
    program = shutil.which("softhsm2-util")
    if module is None or program is None:
        missing("SoftHSM2")
        raise AssertionError
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        subprocess.run(  # noqa: S603 - the device's own program
            [program, "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN],
            check=True,
            capture_output=True,
        )
        yield Device(module=module)


@pytest.fixture
def made(device: Device) -> Iterator[tuple[Pkcs11Signer, TokenObject]]:
    """Return a key in the device."""
    signer, place = generate_on_token(device.module, token=device.token, pin=device.pin, label="tongban log")
    yield signer, place
    signer.close()


def verify(signer: Signer, message: bytes, signature: bytes) -> None:
    """Verify with the public half only."""
    verify_own_signature(algorithm=signer.algorithm, public_key=signer.public_key, message=message, signature=signature)


def test_a_device_signs_as_a_file_does(made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """What the device signs verifies like any P-256 signature of ours, in the one spelling, for long messages too."""
    signer, _ = made
    assert signer.algorithm is KeyAlgorithm.P256
    for message in (b"", b"checkpoint", b"x" * 1_000_000):
        verify(signer, message, signer.sign(message))


def test_leading_zeros_are_spelled_minimally(made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """Among many signatures some have a short r or s, and all of them are minimal DER."""
    signer, _ = made
    sizes = set()
    for number in range(300):
        message = b"%d" % number
        signature = signer.sign(message)
        verify(signer, message, signature)
        sizes.add(len(signature))
    assert len(sizes) > 1


def test_the_key_is_found_again(device: Device, made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """A key in the device is opened by exactly the token and the object that its file names."""
    signer, place = made
    again = open_on_token(device.module, place, pin=device.pin)
    assert (again.key_id, again.public_key) == (signer.key_id, signer.public_key)
    verify(signer, b"m", again.sign(b"m"))
    again.close()


def test_the_private_key_does_not_leave(made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """The device was told to keep the key, and keeps it."""
    import pkcs11  # noqa: PLC0415 - optional

    signer, _ = made
    with pytest.raises(pkcs11.PKCS11Error):
        bytes(signer._key[pkcs11.Attribute.VALUE])
    assert signer._key[pkcs11.Attribute.SENSITIVE]
    assert not signer._key[pkcs11.Attribute.EXTRACTABLE]


@pytest.mark.parametrize(
    "change",
    [
        {"pin": b"00000000"},
        {"pin": b"\xff98765432"},
        {"pin": b"\xed\xa0\x80"},
        {"token": "absent"},
        {"module": Path("absent.so")},
        {"module": Path(__file__)},
    ],
    ids=str,
)
def test_a_device_that_refuses_is_said(
    device: Device, made: tuple[Pkcs11Signer, TokenObject], change: dict[str, Any]
) -> None:
    """A wrong PIN, token or library is a fault of the device, and the PIN is not repeated."""
    asked = replace(device, **change)
    with pytest.raises(OwnKeyError) as caught:
        open_on_token(asked.module, replace(made[1], token=asked.token), pin=asked.pin)
    assert caught.value.fault is OwnKeyFault.DEVICE
    assert not isinstance(caught.value.__cause__, UnicodeError)  # it would quote the PIN
    assert repr(asked.pin)[2:-1] not in str(caught.value)


def test_another_object_is_not_tried(device: Device, made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """An object that is not there is not replaced by one that is."""
    with pytest.raises(OwnKeyError):
        open_on_token(device.module, replace(made[1], object_id=b"absent"), pin=device.pin)


def test_a_device_that_errs_is_found_out(made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """A signature that does not verify never leaves."""
    signer, _ = made
    other = SoftwareSigner.generate(KeyAlgorithm.P256)
    opened = OpenedKey(signer._session, signer._key, other.public_key)
    swapped = Pkcs11Signer(opened, reopen=lambda: opened)
    with pytest.raises(OwnKeyError) as caught:
        swapped.sign(b"m")
    assert caught.value.fault is OwnKeyFault.DEVICE


def lose_sessions(*signers: Pkcs11Signer) -> None:
    """End all sessions behind our back, and with them the login, as a device does that was taken out or restarted."""
    for signer in signers:
        signer._session.close()
    for login in pkcs11._logins.values():
        login.session.close()


@pytest.fixture
def alone(device: Device, made: tuple[Pkcs11Signer, TokenObject]) -> Iterator[Pkcs11Signer]:
    """Return a signer of a key, with no other session of the process beside it but that of the login."""
    made[0].close()
    signer = open_on_token(device.module, made[1], pin=device.pin)
    yield signer
    signer.close()


def test_a_device_that_forgot_us_is_signed_in_to_again(
    device: Device, made: tuple[Pkcs11Signer, TokenObject], alone: Pkcs11Signer
) -> None:
    """When the device lost all sessions, a signer that was open signs again, and so does one that is opened later."""
    for _ in range(2):
        lose_sessions(alone)
        verify(alone, b"m", alone.sign(b"m"))
    lose_sessions(alone)
    again = open_on_token(device.module, made[1], pin=device.pin)
    verify(again, b"m", again.sign(b"m"))
    again.close()
    verify(alone, b"m", alone.sign(b"m"))


def test_a_session_that_is_lost_alone_is_opened_again(alone: Pkcs11Signer) -> None:
    """When only the signer's session is gone, the login stays and another session takes its place."""
    logins = dict(pkcs11._logins)
    alone._session.close()
    verify(alone, b"m", alone.sign(b"m"))
    assert pkcs11._logins == logins


def test_a_key_is_made_after_the_device_forgot_us(device: Device, alone: Pkcs11Signer) -> None:
    """Making a key signs in once more as well."""
    lose_sessions(alone)
    signer, _ = generate_on_token(device.module, token=device.token, pin=device.pin, label="again")
    verify(signer, b"m", signer.sign(b"m"))
    signer.close()


def test_a_device_that_is_away_is_found_again(alone: Pkcs11Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the device is away each use is refused, and once it is back the next one is signed."""
    lose_sessions(alone)

    def absent(_token: object) -> None:
        raise OSError(19, "No such device")

    with monkeypatch.context() as patch:
        patch.setattr(pkcs11, "_find_token", absent)
        for _ in range(3):
            with pytest.raises(OwnKeyError) as caught:
                alone.sign(b"m")
            assert caught.value.fault is OwnKeyFault.DEVICE
    verify(alone, b"m", alone.sign(b"m"))


def test_a_refused_pin_is_shown_to_the_device_once(alone: Pkcs11Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the PIN was changed on the device, it is tried once and not until the device locks itself."""
    import pkcs11 as library  # noqa: PLC0415 - optional

    lose_sessions(alone)
    tried = []

    class Changed:
        """A token whose PIN is another one now."""

        def open(self, *, user_pin: str | None = None, rw: bool = False) -> None:
            """Refuse the PIN, and everything without it."""
            if user_pin is not None:
                tried.append(user_pin)
                raise library.PinIncorrect
            raise library.UserNotLoggedIn(rw)

    with monkeypatch.context() as patch:
        patch.setattr(pkcs11, "_find_token", lambda _token: Changed())
        patch.setattr(pkcs11, "_refused", set())
        for _ in range(5):
            with pytest.raises(OwnKeyError):
                alone.sign(b"m")
    assert tried == [PIN]
    verify(alone, b"m", alone.sign(b"m"))


def test_a_signer_that_was_closed_is_a_fault(device: Device, made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """A signer that was closed signs no more, though the device would."""
    signer = open_on_token(device.module, made[1], pin=device.pin)
    signer.close()
    with pytest.raises(OwnKeyError) as caught:
        signer.sign(b"m")
    assert caught.value.fault is OwnKeyFault.DEVICE


def test_a_key_in_a_device_lives_in_the_folder(device: Device, tmp_path: Path) -> None:
    """From the command line: made in the device, listed, used with its journal, and rotated in the same device."""

    def run(*words: str) -> list[dict[str, Any]]:
        result = CliRunner().invoke(
            keys_app,
            [*words, "--json"],
            env={
                "TONGBAN_KEYS_DIR": str(tmp_path / "keys"),
                "TONGBAN_PKCS11_MODULE": str(device.module),
                VARIABLE: PIN,
            },
        )
        assert result.exit_code == 0, result.output
        assert PIN not in result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    (made,) = run("new", "--purpose", "log", "--token", LABEL)
    assert (made["protection"], made["token"], made["algorithm"]) == ("pkcs11", LABEL, "p-256")
    assert run("list") == [made]
    store = Keystore(tmp_path / "keys")
    stored = store.find(made["id"])
    assert isinstance(stored.file.place, TokenObject)
    opened = open_on_token(device.module, stored.file.place, pin=PIN.encode())
    signer = store.journalled(stored, opened, clock=lambda: datetime.now(UTC))
    verify(signer, b"m", signer.sign(b"m"))
    opened.close()
    old, new = run("rotate", made["id"])
    assert (old["replaced_by"], new["token"]) == (new["id"], LABEL)
    (report,) = run("drill", new["id"], "--since", "2026-01-01", "--out", str(tmp_path / "out"))
    assert report["journal_complete"]
