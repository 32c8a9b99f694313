"""Who may approve: their files, and that no key stands under two names."""

import base64
from pathlib import Path

import pytest

from gateway.policy.approvers import Approver, ApproverRegistry, load_approvers
from gateway.toml_table import Fault
from keys.own.public import encode_public_pem
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from keys.spki import parse_spki
from tests.support.own_keys import make_record
from tests.support.policy_site import write_approver


def load(folder: Path) -> tuple[ApproverRegistry, list[str]]:
    faults = list[Fault]()
    found = load_approvers(folder, faults=faults)
    return found, [str(fault) for fault in faults]


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_an_approver(tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    """An approver is found by id and by key, for each algorithm of our keys."""
    signer = SoftwareSigner.generate(algorithm)
    write_approver(tmp_path, "chen", signer)
    found, faults = load(tmp_path)
    assert not faults
    chen = found.find("chen")
    assert chen is not None
    assert chen == found.find_key(signer.public_key)
    assert (chen.public_key, chen.algorithm, len(found)) == (signer.public_key, algorithm, 1)


def test_a_key_in_a_file(tmp_path: Path) -> None:
    """The key may stand in a file beside, as `tongban keys export-public --form pem` writes it."""
    signer = SoftwareSigner.generate(KeyAlgorithm.SM2)
    (tmp_path / "chen.pem").write_text(encode_public_pem(make_record(signer)))
    write_approver(tmp_path, "chen", signer, key="chen.pem")
    found, faults = load(tmp_path)
    assert (len(found), faults) == (1, [])


def test_one_key_under_two_names(tmp_path: Path) -> None:
    """One key under two names would be one person approving twice: a fault, and it counts once."""
    signer = SoftwareSigner.generate(KeyAlgorithm.SM2)
    write_approver(tmp_path, "chen", signer)
    write_approver(tmp_path, "li", signer)
    found, (fault,) = load(tmp_path)
    assert "approvers/li.toml: key: expected a key that no other approver has, found the key of chen" in fault
    assert len(found) == 1


def test_one_key_in_two_spellings(tmp_path: Path) -> None:
    """A key is the same however its file spells the algorithm."""
    signer = SoftwareSigner.generate(KeyAlgorithm.SM2)
    _, bits = parse_spki(signer.public_key)
    old = bytes.fromhex("305a301406082a811ccf5501822d06082a811ccf5501822d034200") + bits  # as OpenSSL 1.1.1 wrote it
    write_approver(tmp_path, "chen", signer)
    body = encode_public_pem(make_record(signer))
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(old).decode()}\n-----END PUBLIC KEY-----\n"
    assert pem != body
    write_approver(tmp_path, "li", signer, key="\n" + pem)
    found, (fault,) = load(tmp_path)
    assert "found the key of chen" in fault
    assert len(found) == 1


def test_one_name_twice(tmp_path: Path) -> None:
    """Two files with the same id are a fault."""
    for name in ("chen", "li"):
        write_approver(tmp_path, name, SoftwareSigner.generate(KeyAlgorithm.ED25519))
    path = tmp_path / "li.toml"
    path.write_text(path.read_text().replace('id = "li"', 'id = "chen"'))
    found, (fault,) = load(tmp_path)
    assert "expected an id that no other file has" in fault
    assert len(found) == 1


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({"algorithm": "rsa"}, "algorithm: expected sm2, p-256, ed25519"),
        ({"algorithm": "sm2"}, "key: expected a public key for SM2"),
        ({"id": "Chen"}, "id: expected 1 to 64 of"),
        ({"colour": "red"}, "colour: expected one of"),
        ({"key": "none.pem"}, "key: expected a public key in PEM"),
    ],
)
def test_faults(tmp_path: Path, broken: dict[str, str], expected: str) -> None:
    """A file that is wrong in one thing says which."""
    write_approver(tmp_path, "chen", SoftwareSigner.generate(KeyAlgorithm.ED25519), **broken)
    _, faults = load(tmp_path)
    assert expected in faults[0]


def test_strangers_and_nobody(tmp_path: Path) -> None:
    """No folder is nobody; what nothing reads is a fault."""
    nobody, faults = load(tmp_path / "none")
    assert (len(nobody), faults) == (0, [])
    (tmp_path / "chen.tmol").touch()
    found, (fault,) = load(tmp_path)
    assert "approvers/chen.tmol" in fault
    assert len(found) == 0


def test_a_registry_has_no_doubles() -> None:
    """A registry refuses one key under two names, wherever it comes from."""
    signer = SoftwareSigner.generate(KeyAlgorithm.SM2)
    people = [
        Approver(id=name, name=name, name_zh=name, algorithm=signer.algorithm, public_key=signer.public_key)
        for name in ("chen", "li")
    ]
    with pytest.raises(ValueError, match="a key of their own"):
        ApproverRegistry(people)
