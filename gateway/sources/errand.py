"""Why a question is asked, for whom, and how long it may take: what a source outside has to be told."""

from msgspec import Struct
from msgspec.structs import replace


class Errand(Struct, frozen=True, kw_only=True):
    """The occasion of one question; a text is "" where nothing is known.

    ``question_id`` is the id of the decision, under which the access log has the question. ``type_code`` and
    ``type_name`` are the licence type that is asked for, as far as the policy in force knows it. ``area`` is the region
    of whoever asks, six digits.
    ``until`` is when every source must have answered, on the clock of the event loop. ``tolerance_seconds`` is how old
    an answer may be that is kept of a system, while that cannot be asked.
    """

    until: float
    question_id: str = ""
    use: str = ""
    item_code: str = ""
    item_name: str = ""
    case: str = ""
    operator_id: str = ""
    operator_name: str = ""
    operator_org: str = ""
    operator_org_code: str = ""
    type_code: str = ""
    type_name: str = ""
    area: str = ""
    tolerance_seconds: int = 0

    def __repr__(self) -> str:
        """Name the question, and nobody whom it concerns."""
        return f"Errand(question_id={self.question_id!r}, until={self.until!r})"

    def of_document(self) -> "Errand":
        """Return the errand for a licence whose document is at hand: that says its type, and nobody else does."""
        return replace(self, type_code="", type_name="")

    def share(self, now: float, *, among: int) -> "Errand":
        """Return the errand for the first of so many that are asked one after the other: what is left, in equal parts.

        What one does not use is there for the next.
        """
        return replace(self, until=now + max(0.0, self.until - now) / among)
