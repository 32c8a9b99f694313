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
from gateway.keystore import Keystore
from gateway.pkcs11 import Pkcs11Signer, generate_on_token, open_on_token
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.file import TokenObject
from keys.own.record import KeyAlgorithm
from keys.own.signer import Signer, SoftwareSigner, verify_own_signature

PIN = "98765432"
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
    pin: str = PIN


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
    [{"pin": "00000000"}, {"token": "absent"}, {"module": Path("absent.so")}, {"module": Path(__file__)}],
    ids=lambda change: next(iter(change)),
)
def test_a_device_that_refuses_is_said(
    device: Device, made: tuple[Pkcs11Signer, TokenObject], change: dict[str, Any]
) -> None:
    """A wrong PIN, token or library is a fault of the device, and the PIN is not repeated."""
    asked = replace(device, **change)
    with pytest.raises(OwnKeyError) as caught:
        open_on_token(asked.module, replace(made[1], token=asked.token), pin=asked.pin)
    assert caught.value.fault is OwnKeyFault.DEVICE
    assert asked.pin not in str(caught.value)


def test_another_object_is_not_tried(device: Device, made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """An object that is not there is not replaced by one that is."""
    with pytest.raises(OwnKeyError):
        open_on_token(device.module, replace(made[1], object_id=b"absent"), pin=device.pin)


def test_a_device_that_errs_is_found_out(made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """A signature that does not verify never leaves."""
    signer, _ = made
    other = SoftwareSigner.generate(KeyAlgorithm.P256)
    swapped = Pkcs11Signer(signer._session, signer._key, other.public_key)
    with pytest.raises(OwnKeyError) as caught:
        swapped.sign(b"m")
    assert caught.value.fault is OwnKeyFault.DEVICE


def test_a_session_that_ended_is_a_fault(device: Device, made: tuple[Pkcs11Signer, TokenObject]) -> None:
    """Signing after the end of the session is refused in our words."""
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
    opened = open_on_token(device.module, stored.file.place, pin=PIN)
    signer = store.journalled(stored, opened, clock=lambda: datetime.now(UTC))
    verify(signer, b"m", signer.sign(b"m"))
    opened.close()
    old, new = run("rotate", made["id"])
    assert (old["replaced_by"], new["token"]) == (new["id"], LABEL)
    (report,) = run("drill", new["id"], "--since", "2026-01-01", "--out", str(tmp_path / "out"))
    assert report["journal_complete"]
