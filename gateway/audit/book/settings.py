"""Where a site keeps its access log, and for how long: ``[audit]`` of the settings."""

from dataclasses import dataclass, field
from typing import Final

from gateway.audit.book.auditing import Auditing, parse_auditing
from gateway.audit.forgetting.retention_terms import Retention, parse_retention
from gateway.audit.witness.settings import WitnessSettings, parse_witness
from gateway.toml_table import TomlTable, Words

# Inside the site only its state folder takes files that the gateway writes; elsewhere the path is absolute.
STATE_PATTERN: Final = r"(?:/|state/)(?!(?:.*/)?\.\.?(?:/|$))[^\x00]*[^\x00/]"
_STATE_FOLDER: Final = Words("state/ 下的文件夹，或绝对路径", "a folder below state/, or an absolute path")
_STATE_FILE: Final = Words("state/ 下的文件，或绝对路径", "a file below state/, or an absolute path")
_HALF_YEAR: Final = Words("半年，如 2026h2", "a half-year, such as 2026h2")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Folders below the site, or absolute paths; "" where the default is said.

    ``heads`` is where the second heads lie, best on another disk; "": beside each log. ``database`` is a secret file
    with the address of a PostgreSQL database in place of SQLite, ``key_database`` one for the data keys, so that its
    backups can expire sooner; "": the same. ``begin`` names a half-year that may begin although the last one was not
    the one before it: the gateway was not used for so long.
    """

    folder: str = "state/audit"
    keys: str = "state/audit/keys"
    heads: str = ""
    database: str = ""
    key_database: str = ""
    begin: str = ""
    retention: Retention = field(default_factory=Retention)
    auditing: Auditing = field(default_factory=Auditing)
    witness: WitnessSettings = field(default_factory=WitnessSettings)


def parse_audit(table: TomlTable) -> AuditSettings:
    """Read the table; what is unknown or out of bounds is noted in its faults."""
    usual = AuditSettings()
    settings = AuditSettings(
        folder=table.text("folder", default=usual.folder, pattern=STATE_PATTERN, expected=_STATE_FOLDER),
        keys=table.text("keys", default=usual.keys, pattern=STATE_PATTERN, expected=_STATE_FOLDER),
        heads=table.text("heads", default=usual.heads, pattern=STATE_PATTERN, expected=_STATE_FOLDER),
        database=table.text("database", default=usual.database, pattern=STATE_PATTERN, expected=_STATE_FILE),
        key_database=table.text(
            "key_database", default=usual.key_database, pattern=STATE_PATTERN, expected=_STATE_FILE
        ),
        begin=table.text("begin", default=usual.begin, pattern=r"[0-9]{4}h[12]", expected=_HALF_YEAR),
        retention=parse_retention(table.table("retention_days")),
        auditing=parse_auditing(table),
        witness=parse_witness(table.table("witness")),
    )
    table.finish()
    return settings
