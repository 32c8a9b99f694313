"""Write the SM2 vectors in tests/vectors/sm2: positive and negative, in the JSON form of C2SP's Wycheproof.

Everything is derived from fixed labels, so that every run writes the same bytes: ``python -m tests.vectors.build_sm2``.
Three files, one for each question that an interface may be able to ask:
``sm2_verify_test.json`` a message under a key and a user id; ``sm2_key_test.json`` the same, for keys of all kinds;
``sm2_digest_verify_test.json`` the digest e in place of the message, which reaches numbers that no message reaches.
"""

import json
from pathlib import Path

from tests.support.sm2_arithmetic import digest, verify
from tests.vectors.sm2_digests import digest_groups
from tests.vectors.sm2_encodings import encodings
from tests.vectors.sm2_form import HEADER, NOTES, VERSION, Group, der, spki, uncompressed
from tests.vectors.sm2_keys import key_groups
from tests.vectors.sm2_messages import bounds, edge_keys, leading_zeros, messages, standard, user_ids, wrong_z

FOLDER = Path(__file__).parent / "sm2"


def _check(groups: list[Group]) -> None:
    """Raise where the arithmetic contradicts a result; what it cannot read must not be called valid."""
    for group in groups:
        key = (
            (int.from_bytes(group.point[1:33]), int.from_bytes(group.point[33:])) if len(group.point) == 65 else (0, 0)
        )
        for comment, content, signature, result, flags in group.cases:
            e = int.from_bytes(content) if group.user_id is None else digest(key, content, group.user_id)
            numbers = _read(signature)
            plain = group.encoded == spki(uncompressed(key)) and "UserIdTooLong" not in flags
            good = numbers is not None and plain and verify(key, e, *numbers)
            if good is not (result == "valid") and result != "acceptable":
                raise ValueError(f"{comment}: the arithmetic says {good}")
            if unknown := set(flags) - set(NOTES):
                raise ValueError(f"{comment}: flags without a note: {unknown}")


def _read(signature: bytes) -> tuple[int, int] | None:
    """Read strict DER by writing again what was read loosely."""
    try:
        first = 4 + signature[3]
        r = int.from_bytes(signature[4:first], signed=True)
        s = int.from_bytes(signature[first + 2 :], signed=True)
        return (r, s) if der(r, s) == signature else None
    except (IndexError, ValueError):
        return None


def build() -> dict[str, str]:
    """Return the text of every file by its name."""
    files = {
        "sm2_verify_test.json": [
            standard(),
            messages(),
            leading_zeros(),
            bounds(),
            wrong_z(),
            encodings(),
            *user_ids(),
            *edge_keys(),
        ],
        "sm2_key_test.json": list(key_groups()),
        "sm2_digest_verify_test.json": list(digest_groups()),
    }
    return {name: _render(groups) for name, groups in files.items()}


def _render(groups: list[Group]) -> str:
    _check(groups)
    rendered, first = [], 1
    for group in groups:
        rendered.append(group.render(first))
        first += len(group.cases)
    used = {flag for group in groups for case in group.cases for flag in case[4]}
    document = {
        "algorithm": "SM2",
        "schema": "sm2_verify_schema_v1.json",
        "generatorVersion": VERSION,
        "numberOfTests": first - 1,
        "header": HEADER,
        "notes": {
            flag: {"bugType": kind, "description": text} for flag, (kind, text) in sorted(NOTES.items()) if flag in used
        },
        "testGroups": rendered,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in build().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
