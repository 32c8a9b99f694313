"""The files of a policy: what is read, and what is a fault beside it."""

import os
from pathlib import Path

import pytest

from gateway.policy.draft import read_draft, read_sound_draft
from gateway.policy.folder import has_policy, policies_of, read_policy_files
from policies.fault import PolicyError
from policies.loader import MAX_FILES
from policies.toml import MAX_FILE_BYTES
from tests.support.policy import small_policy
from tests.support.policy_site import contradicted_policy, write_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(tmp_path / "policies", small_policy())
    return tmp_path / "policies"


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        read_policy_files(folder)
    return [str(fault) for fault in caught.value.faults]


def test_files_are_read_in_order(folder: Path) -> None:
    """All *.toml are read, sorted by name; hidden files, README.md and approvals are passed over."""
    (folder / ".hidden").write_text("?")
    (folder / "README.md").write_text("?")
    (folder / "approvals").mkdir()
    read = read_policy_files(folder)
    assert list(read) == sorted(f"policies/{name}" for name in small_policy())
    assert {name.removeprefix("policies/"): data for name, data in read.items()} == small_policy()


@pytest.mark.parametrize("name", ["rules.tmol", "rules.toml.bak", "approvals"])
def test_strangers(folder: Path, name: str) -> None:
    """What nothing reads is a fault, so that no rule goes missing by a slip of the pen; so is a file of approvals."""
    (folder / name).write_text("?")
    (fault,) = faults_of(folder)
    assert fault.startswith(f"policies/{name}: expected only *.toml")


def test_a_folder_inside(folder: Path) -> None:
    """A folder inside is a fault, whatever its name."""
    (folder / "more.toml").mkdir()
    (folder / "more").mkdir()
    assert len(faults_of(folder)) == 2


def test_a_pipe_waits_for_nobody(folder: Path) -> None:
    """A pipe in place of a file is a fault, at once."""
    os.mkfifo(folder / "pipe.toml")
    (fault,) = faults_of(folder)
    assert "pipe.toml" in fault


def test_bounds(folder: Path) -> None:
    """Reading stops beyond the bounds, and the loader names them."""
    (folder / "large.toml").write_bytes(b"#" * (MAX_FILE_BYTES + 2))
    assert len(read_policy_files(folder)["policies/large.toml"]) == MAX_FILE_BYTES + 1
    (folder / "large.toml").unlink()
    for number in range(MAX_FILES + 5):
        (folder / f"x{number}.toml").touch()
    assert len(read_policy_files(folder)) == MAX_FILES + 1
    with pytest.raises(PolicyError, match="files"):
        read_draft(folder)


def test_no_folder(tmp_path: Path) -> None:
    """Without a folder there is no policy to be read, and reading it all the same is a fault."""
    assert not has_policy(tmp_path / "policies")
    assert faults_of(tmp_path / "policies")


def test_of_a_site(folder: Path) -> None:
    """A site folder stands for the folder of policies in it."""
    assert policies_of(folder.parent) == folder
    assert policies_of(folder) == folder
    assert has_policy(folder)


def test_a_sound_draft(folder: Path) -> None:
    """The small policy has no fault, and its digest is that of its bundle."""
    draft = read_sound_draft(folder)
    assert draft.faults == () == draft.failed
    assert draft.digest.startswith("sha256:")


def test_a_failed_test_is_a_fault(folder: Path) -> None:
    """A policy that contradicts its own examples cannot come into force; the fault says where and how."""
    write_files(folder, contradicted_policy())
    draft = read_draft(folder)
    assert draft.failed
    with pytest.raises(PolicyError) as caught:
        read_sound_draft(folder)
    (fault, *_) = caught.value.faults
    assert fault.key.startswith("test ")
    assert fault.line is not None
    assert fault.expected.en == "holder_id = withheld"
    assert fault.found.en.startswith("holder_id = match (34-001 / partner-counter / ")
