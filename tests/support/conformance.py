"""Write docs/conformance.md: what suites of others say about the product; ``python -m tests.support.conformance``."""

import json
from collections import Counter
from pathlib import Path

from tests.keys.pkits_expectations import NOT_RUN, STRICTER
from tests.support import pkits
from tests.vectors.build_sm2 import FOLDER

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


def render() -> str:
    """Return the whole page, from the results as they are now."""
    return "\n".join([*_head(), *_pkits(), "", *_sm2(), ""])


def _head() -> list[str]:
    return [
        "# Conformance",
        "",
        "What test suites of others, and our SM2 vectors for others, say about this version.",
        "Written by `python -m tests.support.conformance`; a test keeps it true.",
        "",
    ]


def _pkits() -> list[str]:
    lines = [
        "## Certificate paths: NIST PKITS",
        "",
        "The [Public Key Interoperability Test Suite](https://csrc.nist.gov/projects/pki-testing), edition 2011.",
        "PyPI's `cryptography-vectors` carries it; it goes through `keys.chain.build_chain` and `keys.revocation`.",
        "The product finds each path itself from all certificates that the names lead to.",
        "",
        "| Section | Tests | As PKITS says | Stricter | Laxer |",
        "|---|---|---|---|---|",
    ]
    rows: dict[str, Counter[str]] = {}
    for case in pkits.cases():
        good = pkits.outcome(case) == pkits.GOOD
        word = "as" if good is case.valid else "stricter" if case.valid else "laxer"
        rows.setdefault(case.section, Counter())[word] += 1
    total: Counter[str] = Counter()
    for section, counts in rows.items():
        total += counts
        lines.append(_row(section, counts))
    lines += [
        _row("**All**", total),
        "",
        "Stricter means that a valid path is not called good. Each has its reason:",
        "",
    ]
    for reason in dict.fromkeys(STRICTER.values()):
        names = ", ".join(name for name, why in STRICTER.items() if why == reason)
        lines.append(f"* {reason}. ({names})")
    lines += ["", "Not run:", ""]
    return lines + [f"* {what}: {why}" for what, why in NOT_RUN]


def _row(title: str, counts: Counter[str]) -> str:
    return f"| {title} | {counts.total()} | {counts['as']} | {counts['stricter']} | {counts['laxer']} |"


def _sm2() -> list[str]:
    lines = [
        "## SM2 signatures: vectors in Wycheproof's form",
        "",
        "C2SP's Wycheproof has no SM2; the files in [tests/vectors/sm2](../tests/vectors/sm2) have its form.",
        "",
        "| File | Valid | Invalid | Acceptable |",
        "|---|---|---|---|",
    ]
    for path in sorted(FOLDER.glob("*_test.json")):
        groups = json.loads(path.read_text(encoding="utf-8"))["testGroups"]
        counts = Counter(case["result"] for group in groups for case in group["tests"])
        lines.append(f"| `{path.name}` | {counts['valid']} | {counts['invalid']} | {counts['acceptable']} |")
    return [
        *lines,
        "",
        "| Implementation | Asked | Deviates |",
        "|---|---|---|",
        "| the product, on the system's OpenSSL 3 | all messages and keys | a user id of 8191 bytes |",
        "| OpenSSL 3 itself | all digests | nowhere |",
        "| Tongsuo, by `tongsuopy` | all digests; the rest under the usual user id | keys in BER |",
        "| PyPI `gmssl` | all digests | sG + tP is a doubling |",
        "",
        "The product and OpenSSL refuse the one valid user id of 8191 bytes, one byte before the standard's bound.",
        "Tongsuo's package takes no other user id; it reads keys with bytes behind them or unused bits, too.",
        "`gmssl` refuses a correct signature where sG = tP; it checks no bounds, so it is asked about digests.",
        "",
        "No message reaches some numbers: x1 not below n, a digest of zero or beyond n, t = 0 with an R that fits,",
        "a sum that is a doubling or at infinity.",
        "The file of digests has them, for interfaces that take e.",
    ]


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
