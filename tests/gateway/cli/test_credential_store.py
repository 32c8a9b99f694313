"""``tongban credential issue`` of a stored licence: verified anew, and in the access log before it is a credential."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import failure
from gateway.cli.credential import credential_app
from gateway.cli.passphrase import VARIABLE
from gateway.site_template import write_site
from keys.own.record import KeyPurpose
from policies.dimension import LicenceStatus
from tests.gateway.cli.test_store_log import ONE, entries
from tests.support.cli import AT, tongban
from tests.support.credentials import ISSUER, make_key, write_issuer
from tests.support.demo import NOW, demo_stock
from tests.support.own_keys import PASSPHRASE

IDENTIFIER = ONE.draft.identifier


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site that trusts the demo's authority and has one of its licences, and an issuer beside it."""
    site = tmp_path / "site"
    write_site(site)
    demo_stock().authority.write_trust_folder(site / "trust", NOW)
    (tmp_path / ONE.name).write_bytes(ONE.document)
    assert tongban("store", "import", tmp_path / ONE.name, "--site", site).code == 0
    make_key(tmp_path, KeyPurpose.HOLDER)
    return site


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue at the time of the demo's authority."""
    monkeypatch.setattr(failure, "moment_of", lambda _: NOW)


def issue(site: Path, reference: str, key: str) -> tuple[int, dict[str, Any]]:
    """Issue a credential, and return the exit code and what was said."""
    folder = site.parent
    who = ("--issuer", ISSUER, "--holder-key", folder / "holder.pem", "--type", "urn:mine")
    what = ("--licence", reference, "--site", site, "--out", folder / "c.sdjwt", "--json")
    how = ("--signing-key", key, "--dir", folder / "credential")
    runner = CliRunner(env={VARIABLE: PASSPHRASE.decode()})
    result = runner.invoke(credential_app, ["issue", *map(str, (*who, *what, *how))])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def test_a_stored_licence(site: Path) -> None:
    """A stored licence that is valid becomes a credential, of which the log has an entry that its holders can find."""
    folder = site.parent
    key = make_key(folder, KeyPurpose.CREDENTIAL)
    assert issue(site, IDENTIFIER, key.id)[0] == 0
    write_issuer(site, key, types='["urn:mine"]')
    verified = tongban("credential", "verify", folder / "c.sdjwt", "--site", site, "--json", "--at", AT)
    assert verified.code == 0, verified.err
    claims = verified.object["claims"]
    assert claims["identifier"] == IDENTIFIER
    assert (claims["name"], claims["holders"][0]["name"]) == (ONE.draft.kind.value, ONE.draft.holders[0].name)
    imported, (more, opened) = entries(site)
    assert (more["action"], opened.part.subjects) == ("credential-issue", imported[1].part.subjects)
    assert opened.part.context == ("type=urn:mine", f"kid={key.id}", f"issuer={ISSUER}")


def test_what_is_not_valid(site: Path) -> None:
    """Of a licence that was suspended, or is not there, there is no credential, and no entry says that there is."""
    key = make_key(site.parent, KeyPurpose.CREDENTIAL)
    why = ("--reason", "decision 7")
    tongban("store", "status", IDENTIFIER, "--site", site, "--set", LicenceStatus.SUSPENDED.value, *why)
    code, said = issue(site, IDENTIFIER, key.id)
    assert (code, said["error"], said["detail"]) == (1, "credential.not-valid", "status.suspended")
    code, said = issue(site, "1.2.3", key.id)
    assert (code, said["error"]) == (1, "unknown-licence")
    assert not (site.parent / "c.sdjwt").exists()
    assert [more["action"] for more, _ in entries(site)] == ["store-import", "store-status"]


def test_no_entry_no_credential(site: Path) -> None:
    """Where the log takes no entry nothing is issued."""
    key = make_key(site.parent, KeyPurpose.CREDENTIAL)
    (head,) = (site / "state" / "audit").glob("*/head")
    head.unlink()
    code, said = issue(site, IDENTIFIER, key.id)
    assert (code, said["error"].partition(".")[0]) == (2, "log")
    assert not (site.parent / "c.sdjwt").exists()
