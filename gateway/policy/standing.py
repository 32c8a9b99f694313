"""How the policy of a site stands, in words: what decides today, and what the version that is written waits for."""

from datetime import date
from typing import Any, Final

from gateway.policy.activation import Proposal, Settled, Standing, Validity
from gateway.policy.moment import encode_moment
from policies.bundle import DIGEST_PREFIX
from policies.fault import Words

_VALIDITY = {
    Validity.APPLIES: Words("策略 {name} {version} 现行有效。", "Policy {name} {version} is in force."),
    Validity.NOTHING: Words("没有现行策略，任何信息项都不提供。", "No policy is in force; every field is withheld."),
    Validity.NOT_YET: Words(
        "策略 {name} {version} 自 {valid_from} 起有效，此前任何信息项都不提供。",
        "Policy {name} {version} begins on {valid_from}; until then every field is withheld.",
    ),
    Validity.ENDED: Words(
        "策略 {name} {version} 已于 {valid_to} 到期，任何信息项都不提供。",
        "Policy {name} {version} ended on {valid_to}; every field is withheld.",
    ),
    Validity.OTHER_FORMS: Words(
        "策略 {name} {version} 依据另一版本的脱敏方式批准，任何信息项都不提供；请重新批准。",
        "Policy {name} {version} was approved with the masks of another version of this program, so every field is "
        "withheld; have it approved again.",
    ),
}

_SHORT: Final = len(DIGEST_PREFIX) + 12  # characters of a digest: enough to tell it from others by eye


def validity_of(settled: Settled, day: date) -> Validity:
    """Say whether what is in force decides anything on this day in China."""
    return Validity.NOTHING if settled.in_force is None else settled.in_force.validity(day)


def report_policy(settled: Settled, day: date) -> dict[str, Any]:
    """Return how the policy stands, for machines, and in words in both languages; it names nobody."""
    in_force, pointer, proposal = settled.in_force, settled.pointer, settled.proposal
    words = describe_standing(settled, day)
    return {
        "in_force": None
        if in_force is None
        else {
            "bundle": in_force.digest,
            "name": in_force.bundle.name,
            "version": in_force.bundle.version,
            "valid_from": in_force.bundle.valid_from,
            "valid_to": in_force.bundle.valid_to,
            "since": None if pointer is None else encode_moment(pointer.since),
            "approvals": 0 if pointer is None else len(pointer.approvers),
            "validity": validity_of(settled, day),
        },
        "draft": None
        if proposal is None
        else {
            "bundle": proposal.draft.digest,
            "version": proposal.draft.bundle.version,
            "standing": settled.standing,
            "approvals": len(proposal.approvers),
            "needed": proposal.needed if proposal.widens else 0,
        },
        "zh": words.zh,
        "en": words.en,
    }


def describe_standing(settled: Settled, day: date) -> Words:
    """Say both in one or two sentences."""
    words = _VALIDITY[validity_of(settled, day)]
    if settled.in_force is not None:
        bundle = settled.in_force.bundle
        named = {name: getattr(bundle, name) for name in ("name", "version", "valid_from", "valid_to")}
        words = Words(words.zh.format(**named), words.en.format(**named))
    draft = _describe_draft(settled.standing, settled.proposal)
    return words if draft is None else Words(words.zh + draft.zh, f"{words.en} {draft.en}")


def _describe_draft(standing: Standing, proposal: Proposal | None) -> Words | None:
    if proposal is None:
        return None
    bundle = proposal.draft.bundle
    version = f"{bundle.name} {bundle.version}"
    old = proposal.old
    if old is not None and (old.name, old.version) == (bundle.name, bundle.version) and not proposal.is_in_force:
        version = f"{version} ({proposal.draft.digest[:_SHORT]})"  # two versions that have the same number
    match standing:
        case Standing.WAITS_FOR_APPROVAL:
            have, needed = len(proposal.approvers), proposal.needed
            return Words(
                f"{version} 扩大提供范围，待批准：已有 {have} 人批准，需 {needed} 人。",
                f"{version} widens what is shared and waits for approval: {have} of {needed} have approved it.",
            )
        case Standing.WAITS_FOR_DAY:
            return Words(
                f"{version} 将于 {bundle.valid_from} 生效。", f"{version} comes into force on {bundle.valid_from}."
            )
        case Standing.ENDED:
            return Words(
                f"{version} 的有效期已于 {bundle.valid_to} 结束，不能生效。",
                f"{version} ended on {bundle.valid_to} and cannot come into force.",
            )
        case Standing.READY:
            return Words(
                f"{version} 可以生效，运行中的网关下次查看时启用。",
                f"{version} may come into force; a gateway that runs takes it at its next look.",
            )
        case Standing.IN_FORCE | Standing.NO_POLICY:
            return None
