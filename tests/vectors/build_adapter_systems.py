"""Write sample messages and what they read as: ``python -m tests.vectors.build_adapter_systems``.

For each case of a system there is, in its folder of tests/vectors/adapters, the message, ``<case>.json`` or
``<case>.xml``, and ``<case>.parsed.json``.
"""

import json
from pathlib import Path
from typing import Any

from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import Parsed
from adapters.record.description import describe_record
from tests.support.adapters import shipped
from tests.vectors.adapter_messages import MESSAGES
from tests.vectors.adapter_provinces import MESSAGES as PROVINCES

FOLDER = Path(__file__).parent / "adapters"


def build() -> dict[str, bytes]:
    """Return the bytes of every file by its path under `FOLDER`."""
    files = {}
    for system, cases in {**MESSAGES, **PROVINCES}.items():
        adapter = shipped(system)
        for case, message in cases.items():
            files[f"{system}/{case}.{adapter.rules.message.form_name}"] = message
            files[f"{system}/{case}.parsed.json"] = _describe(adapter, message)
    return files


def _describe(adapter: Adapter, message: bytes) -> bytes:
    text = json.dumps(describe(adapter.parse(message)), ensure_ascii=False, indent=1)
    return (text + "\n").encode()


def describe(parsed: Parsed) -> dict[str, Any]:
    """Return what was read as JSON can spell it."""
    return {
        "outcome": parsed.outcome,
        "raw_outcome": parsed.raw_outcome,
        "retry_after_seconds": parsed.retry_after_seconds,
        "envelope": dict(parsed.envelope),
        "aside": dict(parsed.aside),
        "flags": sorted(parsed.flags),
        "refused": [
            {"index": one.index, "fault": one.error.fault, "where": one.error.where, "outcome": one.outcome}
            for one in parsed.refused
        ],
        "records": [describe_record(record) for record in parsed.records],
    }


def main() -> None:
    """Write the files."""
    for name, data in build().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
