"""The settings of a site folder, for commands that need no more of it."""

from pathlib import Path

from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.settings import Settings, parse_settings
from gateway.site import SETTINGS_FILE
from gateway.toml_table import Fault, load_toml


def load_settings(site: Path) -> Settings:
    """Return the settings of a site folder.

    Raises:
        UsageError: there are none, or they are wrong.

    """
    faults: list[Fault] = []
    table = load_toml(site / SETTINGS_FILE, file=SETTINGS_FILE, faults=faults)
    settings = None if table is None else parse_settings(table)
    if faults or settings is None:
        raise UsageError("\n".join(say(fault.sentence_zh, str(fault)) for fault in faults))
    return settings
