"""What a list would change, judged with everything that the gateway judges with."""

from pathlib import Path

from gateway.trust.lists import read_trust
from gateway.trust.simulation import stores_of
from keys.chain import build_chain
from keys.trust import Anchor, Purpose
from tests.support import pki
from tests.support.trust_folder import put, write_folder
from tests.support.trust_lists import make_list, next_list, signed


def test_both_sides_have_the_intermediates_of_the_folder(tmp_path: Path) -> None:
    """A path over a certificate that only the folder has is found before and after."""
    root = pki.make_root("Root")
    middle = root.issue_ca("Middle")
    leaf = middle.issue("Signer")
    folder = write_folder(tmp_path / "trust")
    (folder / "intermediates").mkdir()
    (folder / "intermediates" / "middle.der").write_bytes(middle.certificate.encoded)
    one = signed(make_list(Anchor(certificate=root.certificate, purposes=frozenset({Purpose.SIGNER}))))
    put(folder, one)
    for store in stores_of(read_trust(folder, at=pki.NOW).state, next_list(one), old=None, at=pki.NOW):
        assert len(build_chain(leaf.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW).certificates) == 3
