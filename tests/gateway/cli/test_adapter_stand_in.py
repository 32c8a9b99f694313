"""``tongban adapter stand-in`` as a tester uses it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from gateway.cli.adapter import adapter_app


def test_it_serves_until_it_is_told_to_stop() -> None:
    """It says where it is and with which accounts, answers there, and ends with 0 at a signal."""
    command = [sys.executable, "-m", "gateway", "adapter", "stand-in", "shandong", "--fault", "not-provided", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "en_GB"}) as process:  # noqa: S603 - our own command
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            request = urllib.request.Request(  # noqa: S310 - an http address of this machine
                said["listening"] + "/CertShare/queryCertInfo",
                data=json.dumps({"certIdentifier": "x", "useCause": "y"}).encode(),
                headers={"accessId": said["settings"]["access_id"], "accessToken": said["secrets"]["access_token"]},
            )
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
                assert json.load(answer)["code"] == "2"
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(30)
        assert code == 0


@pytest.mark.parametrize(
    ("arguments", "known"), [(["nowhere"], "shandong"), (["shandong", "--fault", "key-refresh"], "wrong-key")]
)
def test_an_unknown_name(arguments: list[str], known: str) -> None:
    """A name or a fault that there is none of ends with 2, and those that there are are named."""
    result = CliRunner(env={"LC_ALL": "en_GB", "COLUMNS": "300"}).invoke(adapter_app, ["stand-in", *arguments])
    assert result.exit_code == 2
    assert known in result.stderr
