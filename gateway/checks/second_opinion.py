"""A chain whose signatures are disputed is no chain to rely on: its check becomes unknown."""

from types import MappingProxyType
from typing import Final

from gateway.checks.answers import unknown
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.chain import Chain
from keys.second_opinion import SecondOpinion

_REASONS: Final = MappingProxyType(
    {
        CheckName.SIGNER_CHAIN: Reason.SIGNER_CHAIN_DISPUTED,
        CheckName.MAKER_CHAIN: Reason.MAKER_CHAIN_DISPUTED,
    }
)


def confirm_chain(check: Check, chain: Chain | None, opinion: SecondOpinion | None) -> tuple[Check, Chain | None]:
    """Return what `check_chain` found, or unknown and no chain when the second opinion disputes one of its links."""
    disputed = None if opinion is None or chain is None else opinion.find_disputed_link(chain)
    if disputed is None:
        return check, chain
    return unknown(check.check, _REASONS[check.check], f"certificate {disputed.serial:X}"), None
