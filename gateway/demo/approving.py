"""Putting the demo's policy in force as a site does it: two people sign what widens, each with a key of their own."""

from base64 import b64encode
from datetime import datetime
from pathlib import Path

from gateway.policy.activation import approve, propose, settle
from gateway.policy.approvers import APPROVERS_FOLDER
from gateway.policy.draft import read_sound_draft
from gateway.policy.policy_site import PolicySite, Written
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner

_APPROVERS = (
    ("demo-officer", "Demo policy officer", "演示共享管理员", KeyAlgorithm.ED25519),
    ("demo-protection", "Demo data protection officer", "演示数据保护负责人", KeyAlgorithm.SM2),
)
_LINE = 64


def approve_policy(folder: Path, now: datetime) -> str:
    """Approve the policy of a site with two keys that are thrown away, put it in force, and return its digest."""
    site = PolicySite(folder)
    signers = {one[0]: SoftwareSigner.generate(one[3]) for one in _APPROVERS}
    for approver, name, name_zh, algorithm in _APPROVERS:
        path = folder / APPROVERS_FOLDER / f"{approver}.toml"
        path.parent.mkdir(exist_ok=True)
        key = _pem(signers[approver].public_key)
        lines = {"id": approver, "name": name, "name_zh": name_zh, "algorithm": algorithm.value}
        head = "".join(f'{field} = "{value}"\n' for field, value in lines.items())
        path.write_text(f'{head}key = """\n{key}"""\n', encoding="utf-8")
    draft = read_sound_draft(site.policies)
    proposal = propose(site, draft, at=now)
    registry = site.approvers()
    for approver, signer in signers.items():
        person = registry.find(approver)
        if person is None:
            raise LookupError(f"an approver {approver} was expected")
        proposal = approve(site, proposal, person, signer, at=now)
    settle(site, Written(draft=draft, mark=site.mark()), at=now)
    return draft.digest


def _pem(spki: bytes) -> str:
    text = b64encode(spki).decode("ascii")
    lines = "\n".join(text[place : place + _LINE] for place in range(0, len(text), _LINE))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
