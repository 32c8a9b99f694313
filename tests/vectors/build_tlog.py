"""Write the vectors of the access log's formats in tests/vectors/tlog: ``python -m tests.vectors.build_tlog``.

``trees.json``: roots, proofs and tiles by the recursive definitions of RFC 6962; entry number i is the text "entry i".
``formats.json``: keys, notes, checkpoints, proofs, policies, paths and bundles, good ones and each way to be wrong.
``claims.json``: proof files that can be read, with a policy and an entry, and what a verifier must say.
Everything is derived from fixed labels, so that every run writes the same bytes.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.vectors.tlog_artefacts import ENTRIES, b64
from tests.vectors.tlog_cases import cases
from tests.vectors.tlog_claims import claims
from tests.vectors.tlog_tree import mth, path, proof, tile

FOLDER = Path(__file__).parent / "tlog"

_SIZES = (*range(17), 255, 256, 257, 513, 65_535, 65_536, 65_537)
_INCLUSION = (
    *((index, size) for size in range(1, 10) for index in range(size)),
    (255, 257),
    (256, 257),
    (4_711, 65_537),
)
_CONSISTENCY = (*((old, new) for new in range(10) for old in range(new + 1)), (255, 257), (256, 513), (4_711, 65_537))
_TILES = ((0, 0, 1), (0, 0, 255), (0, 0, 256), (1, 0, 256), (0, 1, 257), (1, 0, 513), (1, 0, 65_537), (2, 0, 65_537))


def build() -> dict[str, str]:
    """Return the text of every file by its name."""
    files = {
        "trees.json": _trees(),
        "formats.json": [{**case._asdict(), **_written(case.data)} for case in cases()],
        "claims.json": [{**claim._asdict(), "entry": claim.entry.decode()} for claim in claims()],
    }
    return {name: json.dumps(content, ensure_ascii=False, indent=1) + "\n" for name, content in files.items()}


def _written(data: bytes) -> dict[str, str | None]:
    """Write text as it is, and bytes that are no UTF-8 in base64."""
    try:
        return {"data": data.decode(), "base64": None}
    except UnicodeDecodeError:
        return {"data": None, "base64": b64(data)}


def _trees() -> dict[str, Any]:
    return {
        "roots": [{"size": size, "root": mth(ENTRIES[:size]).hex()} for size in _SIZES],
        "inclusion": [
            {"index": index, "size": size, "proof": [hashed.hex() for hashed in path(index, ENTRIES[:size])]}
            for index, size in _INCLUSION
        ],
        "consistency": [
            {"old": old, "new": new, "proof": [hashed.hex() for hashed in proof(old, ENTRIES[:new])]}
            for old, new in _CONSISTENCY
        ],
        "tiles": [
            {
                "level": level,
                "index": index,
                "size": size,
                "sha256": sha256(tile(level, index, ENTRIES[:size])).hexdigest(),
            }
            for level, index, size in _TILES
        ],
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in build().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
