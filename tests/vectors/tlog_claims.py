"""Proof files that can be read, and what a verifier must say about them: each starts from a claim that holds."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.vectors.tlog_artefacts import (
    CHECKPOINT,
    COSIGNATURES,
    ENTRIES,
    LOG,
    LOG_LINE,
    LOG_SM2,
    OTHER_LOG,
    POLICY,
    PROOF,
    PROOF_LINES,
    SIZE,
    SM2_LINE,
    TEXT,
    WITNESSES,
    cosignature,
)

NOTE_SPEC = "C2SP signed-note"
CHECKPOINT_SPEC = "C2SP tlog-checkpoint"
PROOF_SPEC = "C2SP tlog-proof"
POLICY_SPEC = "C2SP tlog-policy"
COSIGNATURE_SPEC = "C2SP tlog-cosignature"
OURS = "docs/audit-format.md"

W1, W2, W3 = COSIGNATURES


class Claim(NamedTuple):
    """A proof that can be read, and the fault that a verifier must find in it under a policy (None: it holds)."""

    why: str
    source: str
    fault: str | None
    data: str
    policy: str
    entry: bytes


def claims() -> Iterator[Claim]:
    """Return all claims that a verifier decides."""

    def claim(why: str, source: str, fault: str | None, data: str, *, policy: str = POLICY) -> Claim:
        return Claim(why, source, fault, data, policy, ENTRIES[5])

    def with_lines(*lines: str) -> str:
        return PROOF.removesuffix(CHECKPOINT) + f"{TEXT}\n{''.join(lines)}"

    first, second, *_ = PROOF_LINES.split("\n")
    sm2_policy = POLICY.replace(LOG.vkey, LOG_SM2.vkey)
    unknown = OTHER_LOG.line(OTHER_LOG.ed25519(TEXT.encode()))
    yield claim("two of three witnesses cosigned", PROOF_SPEC, None, PROOF)
    yield claim("only the SM2 key is known", OURS, None, PROOF, policy=sm2_policy)
    yield claim("lines by unknown keys are ignored", NOTE_SPEC, None, with_lines(unknown, LOG_LINE, W1, W2))
    yield claim("the order of lines does not matter", NOTE_SPEC, None, with_lines(W2, SM2_LINE, W3, LOG_LINE))
    yield claim(
        "cosignatures of other times",
        COSIGNATURE_SPEC,
        None,
        with_lines(LOG_LINE, W1, cosignature(WITNESSES[1], TEXT, 0)),
    )
    yield claim("one witness", POLICY_SPEC, "too-few-witnesses", with_lines(LOG_LINE, W1))
    yield claim(
        "one witness twice",
        POLICY_SPEC,
        "too-few-witnesses",
        with_lines(LOG_LINE, W1, cosignature(WITNESSES[0], TEXT, 7)),
    )
    yield claim("no line of the log", CHECKPOINT_SPEC, "unsigned", with_lines(W1, W2))
    yield claim("no line of anybody known", NOTE_SPEC, "unsigned", with_lines(unknown))
    yield claim(
        "signed by the key of another known log",
        CHECKPOINT_SPEC,
        "other-origin",
        with_lines(unknown, W1, W2),
        policy=f"log {OTHER_LOG.vkey}\n{POLICY}",
    )
    yield claim("a signature over another text", NOTE_SPEC, "bad-signature", PROOF.replace(f"\n{SIZE}\n", "\n10\n"))
    yield claim(
        "an SM2 signature over another text",
        OURS,
        "bad-signature",
        PROOF.replace(f"\n{SIZE}\n", "\n10\n"),
        policy=sm2_policy,
    )
    yield claim(
        "a good line, and a bad one by the same key",
        NOTE_SPEC,
        "bad-signature",
        with_lines(LOG_LINE, LOG.line(bytes(64)), W1, W2),
    )
    yield claim("a signature of 63 bytes", NOTE_SPEC, "bad-signature", with_lines(LOG.line(bytes(63)), W1, W2))
    yield claim(
        "an SM2 signature as 64 raw bytes",
        OURS,
        "bad-signature",
        with_lines(LOG_SM2.line(bytes(31) + b"\x01" + bytes(31) + b"\x01"), W1, W2),
        policy=sm2_policy,
    )
    yield claim(
        "a witness that signed as a log does, without a time",
        COSIGNATURE_SPEC,
        "bad-signature",
        with_lines(LOG_LINE, W1, WITNESSES[1].line(WITNESSES[1].ed25519(TEXT.encode()))),
    )
    late = (2**63).to_bytes(8)
    yield claim(
        "a time beyond 63 bits",
        COSIGNATURE_SPEC,
        "bad-signature",
        with_lines(
            LOG_LINE,
            W1,
            WITNESSES[1].line(late + WITNESSES[1].ed25519(f"cosignature/v1\ntime {2**63}\n{TEXT}".encode())),
        ),
    )
    moved = WITNESSES[1].line((8).to_bytes(8) + WITNESSES[1].ed25519(f"cosignature/v1\ntime 7\n{TEXT}".encode()))
    yield claim(
        "a cosignature with another time than it signs",
        COSIGNATURE_SPEC,
        "bad-signature",
        with_lines(LOG_LINE, W1, moved),
    )
    yield claim("another entry", PROOF_SPEC, "root-mismatch", PROOF)._replace(entry=ENTRIES[4])
    yield claim("the neighbour's index", PROOF_SPEC, "root-mismatch", PROOF.replace("index 5", "index 4"))
    yield claim("an index at the size", PROOF_SPEC, "outside-tree", PROOF.replace("index 5", f"index {SIZE}"))
    yield claim(
        "an index whose proof has another length", PROOF_SPEC, "proof-length", PROOF.replace("index 5", "index 8")
    )
    yield claim("a hash is missing", PROOF_SPEC, "proof-length", PROOF.replace(f"{first}\n", ""))
    yield claim("a hash too many", PROOF_SPEC, "proof-length", PROOF.replace(f"{first}\n", f"{first}\n{first}\n"))
    yield claim(
        "two hashes changed places",
        PROOF_SPEC,
        "root-mismatch",
        PROOF.replace(f"{first}\n{second}\n", f"{second}\n{first}\n"),
    )
