"""Who witnesses our log, how often it is asked, and how we witness others: ``[audit.witness]`` of the settings."""

from dataclasses import dataclass
from typing import Final

from gateway.toml_table import TomlTable, Words

SHORTEST_INTERVAL_SECONDS: Final = 5  # below it 34 provinces would ask each other faster than batches are signed
LONGEST_INTERVAL_SECONDS: Final = 300  # beyond it a fork would go on unseen for longer than an answer is remembered

_FILE: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}\.policy"
_KEY_NAME: Final = r"[!-*,-~]{1,255}"  # ASCII without space and plus, as signed-note has it


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSettings:
    """``policy`` is a file in ``witness/`` of the site: our witnesses and their quorum; "": nobody witnesses our log.

    ``name`` is the name of the key with which we witness others, ``witness.key`` beside the log's keys; "":
    ``witness.REGION``.
    """

    policy: str = ""
    interval_seconds: int = 15
    name: str = ""


def parse_witness(table: TomlTable) -> WitnessSettings:
    """Read the table; what is unknown or out of bounds is noted in its faults."""
    usual = WitnessSettings()
    settings = WitnessSettings(
        policy=table.text(
            "policy",
            default=usual.policy,
            pattern=_FILE,
            expected=Words("witness/ 中 *.policy 文件的文件名", "the name of a file *.policy in witness/"),
        ),
        interval_seconds=table.integer(
            "interval_seconds",
            default=usual.interval_seconds,
            low=SHORTEST_INTERVAL_SECONDS,
            high=LONGEST_INTERVAL_SECONDS,
        ),
        name=table.text(
            "name",
            default=usual.name,
            pattern=_KEY_NAME,
            expected=Words("密钥名称，不含空格与加号", "the name of a key, without spaces and plus"),
        ),
    )
    table.finish()
    return settings
