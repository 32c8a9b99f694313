"""Write `vectors.json`: every case of `cases.py` as data, for readers of credentials in any language.

Run as ``python -m tests.keys.sd_jwt.build_vectors``; a test compares the file with what would be written.
"""

import json
from dataclasses import asdict
from pathlib import Path

from keys.sd_jwt.public_key import encode_jwk, read_public_key
from tests.keys.sd_jwt.cases import all_cases
from tests.keys.sd_jwt.credentials import AUDIENCE, ISSUER, NONCE, NOW, TYPE
from tests.keys.sd_jwt.parts import HOLDER_KEY, ISSUER_KEY

FILE = Path(__file__).with_name("vectors.json")
_LONGEST = 20_000  # characters of a text in the file; what is larger than that is large and nothing else


def build() -> str:
    """Return the content of the file."""
    document = {
        "issuer": {
            "iss": ISSUER,
            "kid": ISSUER_KEY.key_id,
            "jwk": encode_jwk(read_public_key(ISSUER_KEY.public_key)),
        },
        "holder": {"jwk": encode_jwk(read_public_key(HOLDER_KEY.public_key))},
        "question": {"at": NOW.isoformat(), "types": [TYPE], "audience": AUDIENCE, "nonce": NONCE},
        "cases": [asdict(case) for case in all_cases() if len(case.text) <= _LONGEST],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(build(), encoding="utf-8")
