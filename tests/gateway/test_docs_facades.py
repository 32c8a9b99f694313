"""The section of docs/adapters.md on façades is true: a site that is written by it has one."""

import re
from pathlib import Path

import pytest

from gateway.kit.manifest import MANIFEST_FILE, MAPPING_FILE, SIGNATURE_FILE
from gateway.site import load_site
from gateway.site_template import write_site
from keys.sm2 import Sm2PrivateKey
from tests.support.demo import NOW

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
SECTION = TEXT.partition("## Façades")[2].partition("\n## ")[0]


@pytest.fixture
def blocks() -> list[str]:
    """Return the TOML of the section, in order."""
    return re.findall(r"^```toml\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)


def test_the_files_of_the_section(tmp_path: Path, blocks: list[str]) -> None:
    """Copied as they stand, but for the key and the place of the secret, they are a façade of the site."""
    write_site(tmp_path)
    (tmp_path / "state").mkdir()
    secret = tmp_path / "state" / "token"
    secret.write_text("a password of the tests\n")
    secret.chmod(0o600)
    settings, caller = blocks
    with (tmp_path / "tongban.toml").open("a") as stream:
        stream.write(settings)
    point = Sm2PrivateKey.generate().public_key.point.hex()
    caller = caller.replace("/run/secrets/province-34-token", str(secret)).replace("04…", point)
    (tmp_path / "callers" / "partner.toml").write_text(caller)
    (plan,) = load_site(tmp_path, at=NOW).facades
    assert (plan.settings.name, plan.settings.item, plan.caller.kind) == ("shandong", "EX-SC-01", "partner-counter")


def test_the_files_of_a_kit() -> None:
    """The page names the files that a kit has."""
    kits = TEXT.partition("## Compatibility kits")[2].partition("\n## ")[0]
    assert all(f"`{name}`" in kits for name in (MANIFEST_FILE, SIGNATURE_FILE, MAPPING_FILE))
