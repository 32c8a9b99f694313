"""A site's own entries of the tables of codes: read with the site, with every fault, and given to its systems."""

from pathlib import Path

import pytest

from adapters.codes.tables import shipped_tables
from gateway.adapters.code_tables import load_code_tables
from gateway.site import SiteError, load_site
from tests.support.river import NAME, write_river, write_trusting_site

ISSUERS = '[[issuer]]\ncode = "11110000000021135M"\naliases = ["110000"]\n'


def test_a_site_without_any(tmp_path: Path) -> None:
    """The shipped tables count, and nothing is missing."""
    assert load_code_tables(tmp_path, faults=[]).digest == shipped_tables().digest


def test_they_are_read_with_the_site(tmp_path: Path) -> None:
    """A system of the site has them, in the digest of its mapping too; faults are listed with all others."""
    folder = tmp_path / "site"
    write_trusting_site(folder)
    write_river(folder, "http://127.0.0.1:9")
    (plain,) = load_site(folder).asked
    codes = folder / "adapters" / "codes"
    codes.mkdir()
    (codes / "issuers.toml").write_text(ISSUERS)
    (asked,) = load_site(folder).asked
    assert (asked.name, asked.tables.issuers.key_of("110000")) == (NAME, plain.tables.issuers.key_of("000021135"))
    assert asked.adapter.digest != plain.adapter.digest
    (codes / "issuers.toml").write_text(ISSUERS.replace("code", "kode"))
    (codes / "issuer.toml").write_text(ISSUERS)
    with pytest.raises(SiteError) as caught:
        load_site(folder)
    assert {one.file.partition(":")[0] for one in caught.value.faults} == {
        "adapters/codes/issuers.toml",
        "adapters/codes/issuer.toml",
    }
