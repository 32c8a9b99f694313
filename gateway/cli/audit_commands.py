"""``tongban audit export|verify|check-receipt|prove|reconcile``: what they do."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.errors import AuditError, LogFault, MalformedLogDataError, UnprovenError
from gateway.audit.finding.place import is_finding
from gateway.audit.receipts import (
    MAX_RECEIPT,
    ReceiptError,
    parse_receipt,
    prove_entry,
    verify_receipt,
)
from gateway.audit.reconcile import Progress
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.note_key import parse_vkey
from gateway.audit.tlog.proof import encode_proof, verify_proof
from gateway.audit.tlog.quorum import MAX_POLICY, Policy, PolicyLog, parse_policy
from gateway.audit.tlog.tile import ENTRIES, TILE_WIDTH, TileAddress, parse_bundle
from gateway.audit.unavailable import ADVICE, LogUnavailableError
from gateway.audit.verify.source import (
    CHECKPOINT_FILE,
    POLICY_FILE,
    Source,
    SourceError,
    is_address,
    open_source,
    read_tile,
)
from gateway.audit.verify.verifier import NoPolicyError, verify_log
from gateway.cli import failure
from gateway.cli.audit_output import (
    describe_receipt,
    describe_verification,
    show_receipt,
    show_verification,
)
from gateway.cli.console import ExitCode, print_json, progress_bar
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.trust.files import read_file

_MILLISECONDS: Final = 1000


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool) -> ExitCode:
    """Guard a command as `gateway.cli.failure.guard` does; what cannot be read is USAGE."""

    def told(now: datetime) -> ExitCode:
        try:
            return run(now)
        except NoPolicyError as error:
            zh = "请用 --policy 指明所信任的日志与见证方"
            fail("no-policy", say(zh, "name whom you believe with --policy"), str(error), as_json=as_json)
        except LogUnavailableError as error:
            advice = ADVICE[error.reason]
            detail = f" ({error.detail})" if error.detail else ""
            fail(f"log.{error.reason}", say(advice.zh, advice.en) + detail, error.detail, as_json=as_json)
        except SourceError as error:
            sentence = say("日志无法读取", "the log cannot be read") + f": {error}"
            fail(f"source.{error.fault}", sentence, error.detail, as_json=as_json)
        except AuditError as error:
            fail(
                "malformed",
                say("内容不合格式", "not of the form it should have") + f": {error}",
                str(error),
                as_json=as_json,
            )
        return ExitCode.USAGE

    return failure.guard(told, as_json=as_json)


def verify(
    place: str, *, policy: Path | None, whole: bool = False, token_file: Path | None = None, as_json: bool
) -> ExitCode:
    """Verify a log, an export or a finding; ``whole``: a part of a log is a fault."""

    def run(_now: datetime) -> ExitCode:
        believed = None if policy is None else read_policy(policy)
        if not is_address(place) and is_finding(Path(place)):
            if whole:
                raise UsageError(say("--whole 不适用于结论文件。", "--whole is not for findings"))
            from gateway.cli.audit_finding import verify_file  # noqa: PLC0415 - it needs policies, and a log does not

            return verify_file(Path(place), believed, as_json=as_json)
        with closing(open_source(place, token_file)) as source, progress_of(say("正在核验", "verifying")) as progress:
            found = verify_log(source, policy=believed, whole=whole, workers=cores(), progress=progress)
        if as_json:
            print_json(describe_verification(found, place))
        else:
            show_verification(found, place)
        return ExitCode.DONE if found.is_sound else ExitCode.INVALID

    return guard(run, as_json=as_json)


def check_receipt(path: Path, *, key: str | None, policy: Path | None, as_json: bool) -> ExitCode:
    """Check one receipt."""

    def run(_now: datetime) -> ExitCode:
        believed = _believed(key, policy)
        try:
            receipt = parse_receipt(read_file(path, MAX_RECEIPT))
            checked = verify_receipt(receipt, believed)
        except (ReceiptError, UnprovenError) as error:
            slug = f"receipt.{error.flaw if isinstance(error, ReceiptError) else error.fault}"
            sentence = say("回执不成立", "the receipt proves nothing") + f": {error}"
            fail(slug, sentence, error.detail, place=str(path), as_json=as_json)
            return ExitCode.INVALID
        if as_json:
            print_json(describe_receipt(receipt, checked, path))
        else:
            show_receipt(receipt, checked, path)
        return ExitCode.DONE if checked.is_proven else ExitCode.UNKNOWN

    return guard(run, as_json=as_json)


def prove(
    place: str, entry: int, *, out: Path, policy: Path | None, token_file: Path | None = None, as_json: bool
) -> ExitCode:
    """Write the proof of an entry, after verifying it."""

    def run(_now: datetime) -> ExitCode:
        with closing(open_source(place, token_file)) as source:
            return written(source)

    def written(source: Source) -> ExitCode:
        believed = policy_of(source, policy)
        try:
            signed = _read_head(source, believed)
            size = signed.checkpoint.size
            leaf = _read_entry(source, entry, size)
            proof = prove_entry(lambda address: read_tile(source, address), signed, entry)
            # Witnesses may have seen an earlier tree only; whoever checks the proof asks for them by a policy.
            verify_proof(proof, leaf=leaf_hash(leaf), policy=Policy(logs=believed.logs))
        except UnprovenError as error:
            fail(f"proof.{error.fault}", say("无法证明", "no proof") + f": {error}", error.detail, as_json=as_json)
            return ExitCode.INVALID
        out.write_bytes(encode_proof(proof))
        if as_json:
            print_json({"entry": entry, "log": signed.checkpoint.origin, "size": size, "leaf": leaf.decode()})
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _believed(key: str | None, policy: Path | None) -> Policy:
    if (key is None) == (policy is None):
        raise UsageError(say("请指定 --key 或 --policy 之一。", "name either --key or --policy"))
    if policy is not None:
        return read_policy(policy)
    found = parse_vkey(key or "")
    if not found.is_of_log:
        raise UsageError(say("--key 应为日志的公钥。", "--key takes the key of a log"))
    return Policy(logs=(PolicyLog(key=found),))


def read_policy(path: Path) -> Policy:
    """Read whom the option ``--policy`` names."""
    return parse_policy(read_file(path, MAX_POLICY))


def policy_of(source: Source, policy: Path | None) -> Policy:
    """Return whom to believe: as the option says, or else as the log itself says."""
    if policy is not None:
        return read_policy(policy)
    data = source.read(POLICY_FILE, MAX_POLICY)
    try:
        return parse_policy(data or b"")
    except MalformedLogDataError as error:
        raise NoPolicyError(error.flaw, error.detail) from error


def _read_head(source: Source, policy: Policy) -> SignedCheckpoint:
    signed = parse_checkpoint(source.read(CHECKPOINT_FILE, MAX_NOTE) or b"")
    verify_checkpoint(signed, [log.key for log in policy.logs])
    return signed


def _read_entry(source: Source, entry: int, size: int) -> bytes:
    if not 0 <= entry < size:
        raise UnprovenError(LogFault.OUTSIDE_TREE, f"{entry} of {size}")
    index = entry // TILE_WIDTH
    width = min(size - index * TILE_WIDTH, TILE_WIDTH)
    bundle = read_tile(source, TileAddress(ENTRIES, index, width)) or b""
    return parse_bundle(bundle, width)[entry % TILE_WIDTH]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def progress_of(description: str) -> Iterator[Progress]:
    """Show how many entries are done, on a terminal."""
    with progress_bar() as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
