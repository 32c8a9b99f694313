"""How many people it takes to open private parts, and whether the files of the log are public: of ``[audit]``."""

from dataclasses import dataclass
from typing import Final

from gateway.toml_table import TomlTable

MOST_OPENERS: Final = 2  # one asks, another approves; a third would have to be found by no rule that we know


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditing:
    """``openers``: 2, one auditor asks and another approves; 1, for a small site, who asks may open at once.

    ``public``: the files below ``/log`` are served without a token. They name no person, and show how much traffic
    each system has.
    """

    openers: int = MOST_OPENERS
    public: bool = False


def parse_auditing(table: TomlTable) -> Auditing:
    """Read these of the table's keys; what is out of bounds is noted in its faults."""
    usual = Auditing()
    return Auditing(
        openers=table.integer("openers", default=usual.openers, low=1, high=MOST_OPENERS),
        public=table.flag("public", default=usual.public),
    )
