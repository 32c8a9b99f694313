"""Revoking while the demo runs: what cannot be revoked is said; what can be is asked about in test_demo.py."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.demo import revoking as module
from gateway.demo.revoking import RevocationAnswer, Revoker
from gateway.demo.stage import set_stage, write_stage

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def revoker(tmp_path_factory: pytest.TempPathFactory) -> Revoker:
    """Return one that has a demo's folder, and no gateway: nobody is asked where nothing was revoked."""
    stage = set_stage(NOW)
    folder = tmp_path_factory.mktemp("demo") / "demo"
    stage = replace(stage, questions=stage.questions[:1])
    places = write_stage(stage, folder, NOW)
    (places["documents"] / "garbage.ofd").write_bytes(b"garbage")
    return Revoker(stage=stage, folder=folder, address="http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nothing.ofd", "no-such-document"),
        ("../site/tongban.toml", "no-such-document"),
        ("garbage.ofd", "no-signer"),
    ],
)
def test_a_signer_that_cannot_be_revoked(revoker: Revoker, name: str, error: str) -> None:
    """A file that is none of the demo's, or that nobody signed, is answered in a word."""
    file = "garbage.ofd" if error == "no-signer" else ""
    assert revoker.revoke_signer(name, NOW) == RevocationAnswer(error=error, file=file)


def test_a_licence_that_cannot_be_revoked(revoker: Revoker) -> None:
    """A document that the store does not keep has no status there; one that cannot be asked is left as it is."""
    annotated = revoker.stage.questions[0].name
    assert revoker.revoke_licence(annotated).error == "not-in-the-store"
    kept = revoker.stage.stock[0]
    elsewhere = Revoker(stage=revoker.stage, folder=Path("/nonexistent"), address=revoker.address)
    assert elsewhere.revoke_licence(kept.name).error == "store-unavailable"


def test_a_store_that_does_not_answer(revoker: Revoker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the status was changed is not known then, and that is what is said."""

    def wait(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 0)

    monkeypatch.setattr(module.subprocess, "run", wait)
    assert revoker.revoke_licence(revoker.stage.stock[0].name).error == "store-silent"


def test_a_gateway_that_is_away(revoker: Revoker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signer is revoked all the same; there is no outcome."""
    monkeypatch.setattr(module, "ASK_SECONDS", 0.0)
    answer = revoker.revoke_signer(revoker.stage.questions[0].name, NOW)
    assert (answer.error, len(answer.serials), answer.outcome, answer.reasons) == ("", 1, "", [])
