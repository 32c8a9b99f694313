"""Why a field is withheld, in words: the reasons of the policy, and those that only the gateway can have."""

import tomllib
from enum import StrEnum
from importlib import resources
from typing import Final

from gateway.reason import Sentence
from policies.plan import Withheld


class Held(StrEnum):
    """The gateway's own reasons; a reason of the policy (`policies.plan.Withheld`) comes before them."""

    NO_POLICY = "no-policy"
    CONSENT_SCOPE = "consent-scope"
    NOT_KNOWN = "not-known"  # the licence does not state it
    NOT_ASKED = "not-asked"  # a predicate without what it is about
    NOT_COMPARABLE = "not-comparable"
    NO_KEY = "no-key"
    TOO_LONG = "too-long"


WithheldReason = Withheld | Held


def _read_sentences() -> dict[str, Sentence]:
    """Read withheld.toml; a reason without a sentence stops the start, not a request (KeyError)."""
    table = tomllib.loads(resources.files("gateway").joinpath("withheld.toml").read_text(encoding="utf-8"))
    return {reason.value: Sentence(**table[reason.value]) for reason in (*Withheld, *Held)}


WITHHELD_SENTENCES: Final = _read_sentences()
