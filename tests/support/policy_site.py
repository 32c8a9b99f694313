"""A site folder with the small policy in it, and people with keys who may approve it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.policy.activation import Proposal, Settled, approve, propose, settle
from gateway.policy.draft import read_sound_draft
from gateway.policy.policy_site import PolicySite, read_written
from keys.own.public import encode_public_pem
from keys.own.record import KeyAlgorithm, KeyPurpose
from keys.own.signer import SoftwareSigner
from tests.support.own_keys import make_record
from tests.support.policy import changed, small_policy

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
PEOPLE = {"chen": KeyAlgorithm.SM2, "li": KeyAlgorithm.P256, "zhao": KeyAlgorithm.ED25519}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a policy in place of those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.toml"):
        path.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def wide_policy() -> dict[str, bytes]:
    """Return the small policy with more in it: the notary sees revoked driving licences too."""
    old = 'status = ["active", "suspended", "expired"]'
    return changed("rules.toml", old, old.replace("]", ', "revoked"]'))


def contradicted_policy() -> dict[str, bytes]:
    """Return the small policy with a test that expects less than its rules give: no comparison at a partner's."""
    return changed("limits.toml", 'holder_name = "mask:name", holder_id = "match"', 'holder_name = "mask:name"')


def narrow_policy() -> dict[str, bytes]:
    """Return the small policy with less in it: nobody sees the capital of a business."""
    return changed("rules.toml", 'capital = "general:band"\n', "")


def write_approver(folder: Path, name: str, signer: SoftwareSigner, **otherwise: str) -> Path:
    """Write the file of one approver."""
    record = make_record(signer, purpose=KeyPurpose.POLICY)
    values = {"id": name, "name": name, "name_zh": name, "algorithm": str(signer.algorithm), **otherwise}
    lines = [f'{key} = "{value}"' for key, value in values.items() if key != "key"]
    key = otherwise.get("key", f"\n{encode_public_pem(record)}")
    path = folder / f"{name}.toml"
    folder.mkdir(exist_ok=True)
    path.write_text("\n".join([*lines, f'key = """{key}"""', ""]), encoding="utf-8")
    return path


class Bureau:
    """The site with everybody's keys; ``now`` moves on with each approval, as it does for people."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.site = PolicySite(folder)
        self.write(small_policy())
        self.signers = {name: SoftwareSigner.generate(algorithm) for name, algorithm in PEOPLE.items()}
        for name, signer in self.signers.items():
            write_approver(folder / "approvers", name, signer)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write another policy."""
        write_files(self.site.policies, files)

    def propose(self) -> Proposal:
        """Compare what is written with what is in force."""
        return propose(self.site, read_sound_draft(self.site.policies), at=self.now)

    def settle(self) -> Settled:
        """Put in force what is written, if it may be, as a gateway does."""
        return settle(self.site, read_written(self.site), at=self.now)

    def approve(self, *names: str) -> Proposal:
        """Have these people approve what is written now."""
        proposal = self.propose()
        for name in names:
            self.now += timedelta(seconds=1)
            approver = self.site.approvers().find(name)
            assert approver is not None
            proposal = approve(self.site, proposal, approver, self.signers[name], at=self.now)
        return proposal
