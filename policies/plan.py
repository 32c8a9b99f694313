"""What a decision is: for each field of the licence type its form and the rule that gives it, or why it is withheld."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from enum import StrEnum
from typing import Final

from policies.form import Form, FormKind
from policies.rule import AuditDepth, Obligations

_FULL: Final = AuditDepth.FULL
_ID_BYTES: Final = 12  # 96 bits: among 200,000 plans two equal ids are out of the question


class Withheld(StrEnum):
    """Why a field is withheld; all that a caller is told, so that an answer is no oracle on the rules.

    In the order in which they are tried. Those up to `NO_CONSENT` follow from what was asked, and who hears one of them
    would hear it about any licence and any holder.
    """

    UNCLASSIFIED = "unclassified"  # nobody has classified it, or it is not to be shared at all
    NOT_IN_ITEM = "not-in-item"
    NO_RULE = "no-rule"  # no rule grants it for this item, or rules that match clash
    CALLER = "caller"
    NO_CONSENT = "no-consent"
    PROTECTED = "protected"  # a rule withholds it
    LICENCE_STATUS = "licence-status"
    HOLDER = "holder"
    NOT_VALID = "not-valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDecision:
    """One field: the form in which it is shown, and whether it may be compared.

    ``rule`` is the rule that gives the form, or withholds it explicitly; ``match_rule`` the one that lets it be
    compared. ``reason`` is there exactly when the form is withheld and nothing may be compared.
    """

    field: str
    form: Form
    rule: str | None = None
    match_rule: str | None = None
    reason: Withheld | None = None
    said: str = attribute(init=False, repr=False, compare=False)  # all of it in one line, for the id of a plan

    def __post_init__(self) -> None:
        """Spell it once: plans share their decisions."""
        parts = (self.field, str(self.form), self.rule or "", self.match_rule or "", self.reason or "")
        object.__setattr__(self, "said", "\n".join(parts))

    @property
    def is_withheld(self) -> bool:
        """Say whether nothing of the field leaves, not even the answer to a comparison."""
        return self.reason is not None

    @property
    def shown(self) -> Form:
        """The form as an answer names it: `match` where a field may be compared and nothing else."""
        comparable = self.match_rule is not None and self.form.kind is FormKind.WITHHELD
        return Form(FormKind.MATCH) if comparable else self.form


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The decision for a context; the same contexts have the same plan, and ``id`` is derived from what it says.

    ``fields`` are those of the licence type, by name. ``rules`` are the ids of all rules that matched.
    ``obligations`` is None when nothing is shared.
    """

    id: str
    licence: str
    fields: tuple[FieldDecision, ...]
    rules: tuple[str, ...]
    obligations: Obligations | None

    @property
    def shares(self) -> bool:
        """Say whether anything at all leaves under this plan."""
        return any(not decision.is_withheld for decision in self.fields)


def make_plan(
    licence: str, fields: Sequence[FieldDecision], rules: Sequence[str], obligations: Obligations | None
) -> Plan:
    """Return the plan that says this, with its id; obligations are kept only when something is shared."""
    shares = any(decision.reason is None for decision in fields)
    kept = obligations if shares else None
    said = [licence, *rules, "", *(one.said for one in fields)]
    if kept is not None:
        said += (kept.audit, str(kept.keep_days), str(kept.per_minute), str(kept.watermark))
    digest = hashlib.blake2b("\n".join(said).encode(), digest_size=_ID_BYTES).hexdigest()
    return Plan(id=digest, licence=licence, fields=tuple(fields), rules=tuple(rules), obligations=kept)


def merge_obligations(obligations: Sequence[Obligations]) -> Obligations | None:
    """Return what all of them ask for together: the stricter of each; None of none."""
    if not obligations:
        return None
    limits = [one.per_minute for one in obligations if one.per_minute is not None]
    return Obligations(
        audit=_FULL if any(one.audit is _FULL for one in obligations) else AuditDepth.BRIEF,
        keep_days=max(one.keep_days for one in obligations),
        per_minute=min(limits, default=None),
        watermark=any(one.watermark for one in obligations),
    )
