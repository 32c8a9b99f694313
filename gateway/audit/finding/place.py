"""Where findings are: in a file, or unpacked in a folder."""

from pathlib import Path

from gateway.audit.finding.manifest import FINDING_FILE


def is_finding(place: Path) -> bool:
    """Answer whether a finding was named, not a log: any file at all, or a folder with the manifest of one."""
    return place.is_file() or (place / FINDING_FILE).is_file()
