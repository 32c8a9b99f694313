"""The command line as its users meet it: a process of its own, with what it prints and how it ends."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.demo.authority import encode_pem
from tests.support.sealed import Trust
from tests.support.warm_python import warm_python

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 60
_WARM = ("C.UTF-8", "zh_CN.UTF-8")
AT = "2026-08-31T01:23:45Z"  # tests.support.demo.NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Read standard output as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def object(self) -> dict[str, Any]:
        """Read the one line of JSON."""
        (found,) = self.objects
        return found


def tongban(
    *arguments: str | Path, stdin: bytes = b"", encoding: str = "utf-8", locale: str = "C.UTF-8", **environment: str
) -> Ended:
    """Run ``python -m gateway``; whatever it was given, it must not end with a traceback.

    In UTF-8 and with nothing but the locale in the environment, a process that has loaded everything becomes the
    command; else Python starts anew.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "COLUMNS"))}
    whole = {**inherited, "LC_ALL": locale, **environment}
    words = [str(argument) for argument in arguments]
    if locale in _WARM and not environment:
        code, out, err = warm_python(ROOT, locale).run(words, stdin=stdin, environment=whole, timeout=LONGEST_SECONDS)
    else:
        command = [sys.executable, "-m", "gateway", *words]
        ran = subprocess.run(  # noqa: S603 - our own program, with arguments of the tests
            command, input=stdin, capture_output=True, cwd=ROOT, env=whole, timeout=LONGEST_SECONDS, check=False
        )
        code, out, err = ran.returncode, ran.stdout, ran.stderr
    ended = Ended(code=code, out=out.decode(encoding), err=err.decode(encoding))
    assert "Traceback" not in ended.out + ended.err, ended.err
    return ended


def write_trust(folder: Path, trust: Trust | None = None) -> Path:
    """Write a trust folder in which each anchor lies under its purpose."""
    trust = trust or Trust()
    for purpose, certificates in (
        ("seal-makers", trust.makers),
        ("signers", trust.signers),
        ("timestamps", trust.stampers),
    ):
        (folder / purpose).mkdir(parents=True, exist_ok=True)
        for number, certificate in enumerate(certificates):
            (folder / purpose / f"{number}.pem").write_text(encode_pem(certificate.encoded), encoding="ascii")
    for number, encoded in enumerate(trust.lists):
        (folder / f"{number}.crl").write_bytes(encoded)
    return folder
