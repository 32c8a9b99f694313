"""Real samples beside the checkout: read them, or skip in words; with CI set they must be there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"


def vector_path(name: str) -> Path:
    """Return the path of a sample, or skip the test with the reason; fail instead when CI is set."""
    path = VECTORS / name
    if not path.exists():
        message = f"the sample {name} is not beside the checkout (expected in ../shared/vectors)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


def vector(name: str) -> bytes:
    """Return the bytes of a sample."""
    return vector_path(name).read_bytes()


def expected() -> dict[str, Any]:
    """Return what the samples must be read and verified as."""
    loaded: dict[str, Any] = json.loads(vector("ofd/expected.json"))
    return loaded
