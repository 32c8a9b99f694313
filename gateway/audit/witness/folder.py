"""The folder ``witness/`` of a site: the logs that we witness, and the policy that names the witnesses of our log.

One file ``*.toml`` for each log, and the file ``*.policy`` that ``[audit.witness] policy`` names. Its logs are not
named: the gateway adds the keys of each shard itself, since every half-year has an origin of its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.tlog.note_key import MAX_VKEY, NoteKey, parse_vkey
from gateway.audit.tlog.quorum import MAX_POLICY, NO_QUORUM, Policy, parse_policy
from gateway.audit.witness.witnessed import WitnessedLog, WitnessedLogs
from gateway.toml_table import Fault, TomlTable, Wording, Words, describe_entry, describe_os_error, load_toml
from gateway.trust.files import read_file

WITNESS_FOLDER: Final = "witness"
MAX_LOGS: Final = 256  # files; there are 34 provinces, and central bodies
MAX_KEYS: Final = 8  # of one log: two algorithms, and the keys before them

_README: Final = "README.md"
_ORIGIN: Final = r"[^\s\x00-\x1f\x7f+]{1,240}"  # what a key can be named, and behind a prefix a half-year
_A_FOLDER: Final = Words("可读取的文件夹", "a readable folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessing:
    """Whom we witness, and who witnesses us; a policy without witnesses: nobody does."""

    logs: WitnessedLogs
    policy: Policy


NOBODY: Final = Witnessing(logs=WitnessedLogs(), policy=Policy())


def load_witnessing(site: Path, *, policy: str, faults: list[Fault]) -> Witnessing:
    """Read the folder of a site; ``policy`` is the name of the file that the settings name, "" for none.

    An absent folder witnesses nobody. What nothing reads is a fault, so that no misspelling passes for an absent file.
    """
    folder = site / WITNESS_FOLDER
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        paths = []
    except OSError as error:
        faults.append(Fault(file=WITNESS_FOLDER, key="", expected=_A_FOLDER, found=describe_os_error(error)))
        return NOBODY
    known = {_README, policy}
    for path in paths:
        if path.suffix != ".toml" and path.name not in known:
            expected = Words(
                "*.toml，或 [audit.witness] policy 所指的文件", "*.toml, or what [audit.witness] policy names"
            )
            faults.append(_fault(path.name, expected, describe_entry(path)))
    logs = _load_logs([path for path in paths if path.suffix == ".toml"], faults)
    return Witnessing(logs=logs, policy=_load_policy(folder / policy, faults) if policy else Policy())


def _load_logs(paths: list[Path], faults: list[Fault]) -> WitnessedLogs:
    if len(paths) > MAX_LOGS:
        found = Words(f"{len(paths)} 个文件", f"{len(paths)} files")
        expected = Words(f"至多 {MAX_LOGS} 个文件", f"at most {MAX_LOGS} files")
        faults.append(Fault(file=WITNESS_FOLDER, key="", expected=expected, found=found))
        return WitnessedLogs()
    logs: dict[tuple[bool, str], WitnessedLog] = {}
    for path in paths:
        file = f"{WITNESS_FOLDER}/{path.name}"
        table = load_toml(path, file=file, faults=faults)
        log = None if table is None else _parse_log(table)
        if log is not None and logs.setdefault((log.is_prefix, log.origin), log) is not log:
            expected = Words("其他文件未写的日志", "a log that no other file names")
            key = "origin_prefix" if log.is_prefix else "origin"
            faults.append(Fault(file=file, key=key, expected=expected, found=log.origin))
    return WitnessedLogs(logs.values())


def _parse_log(table: TomlTable) -> WitnessedLog | None:
    """Read one log; None after a fault in the parts without which there is none."""
    is_prefix = table.has("origin_prefix")
    name = "origin_prefix" if is_prefix else "origin"
    expected = Words("日志名称，如 gw.340000/access/2026h2", "the origin of a log, such as gw.340000/access/2026h2")
    origin = table.text(name, pattern=_ORIGIN, expected=expected)
    if is_prefix and table.has("origin"):
        one = Words("origin 与 origin_prefix 只写其一", "either origin or origin_prefix")
        table.fault("origin", expected=one, found=Words("两者皆有", "both"))
    vkeys = table.texts(
        "keys",
        most=MAX_KEYS,
        pattern=rf".{{1,{MAX_VKEY}}}",
        expected=Words("日志的核验公钥（vkey）", "verifier keys of the log"),
    )
    keys = tuple(key for vkey in vkeys if (key := _parse_key(table, vkey, origin, is_prefix=is_prefix)) is not None)
    since, until = table.moment("since"), table.moment("until")
    if not table.has("since"):
        expected = Words("自何时起见证", "from when on it is witnessed")
        table.fault("since", expected=expected, found=Words("未填写", "nothing"))
    if since is not None and until is not None and until <= since:
        table.fault("until", expected=Words("晚于 since 的时刻", "a moment after since"), found=until.isoformat())
    table.finish()
    if not origin or since is None or not keys or len(keys) < len(vkeys):
        return None
    return WitnessedLog(origin=origin, is_prefix=is_prefix, keys=keys, since=since, until=until)


def _parse_key(table: TomlTable, vkey: str, origin: str, *, is_prefix: bool) -> NoteKey | None:
    """Read one key of a log, named as its origin, or as one that begins so; None after a fault."""
    expected: Wording
    try:
        key = parse_vkey(vkey)
    except MalformedLogDataError as error:
        expected = Words("日志的核验公钥（名称+标识+公钥）", "a verifier key NAME+ID+KEY")
        table.fault("keys", expected=expected, found=Words(f"不合格式（{error.flaw}）", f"another text ({error.flaw})"))
        return None
    if not key.is_of_log:
        expected = Words("日志的公钥", "the key of a log")
        table.fault("keys", expected=expected, found=Words("见证方的公钥", "that of a witness"))
        return None
    if not key.name.startswith(origin) if is_prefix else key.name != origin:
        shown = f"{origin}…" if is_prefix else origin
        expected = Words(f"名称为 {shown} 的公钥", f"a key named {shown}")
        table.fault("keys", expected=expected, found=key.name)
        return None
    return key


def _load_policy(path: Path, faults: list[Fault]) -> Policy:
    """Read who witnesses our log: witnesses with addresses, and a quorum; an empty one after a fault."""
    expected: Wording = Words("可读取的见证策略（tlog-policy）", "a readable policy (tlog-policy)")
    try:
        policy = parse_policy(read_file(path, MAX_POLICY))
    except OSError as error:
        faults.append(_fault(path.name, expected, describe_os_error(error)))
        return Policy()
    except MalformedLogDataError as error:
        found = Words(f"不合格式的内容（{error.flaw}）", f"something else ({error})")
        faults.append(_fault(path.name, expected, found))
        return Policy()
    if policy.logs:
        expected = Words("不含 log 行：各分段的公钥由网关自行加入", "no line log: the gateway adds its own keys")
        faults.append(_fault(path.name, expected, policy.logs[0].key.name))
    if not policy.witnesses or policy.quorum == NO_QUORUM:
        expected = Words("至少一个见证方及规定数量（quorum）", "a witness and a quorum at least")
        faults.append(_fault(path.name, expected, f"quorum {policy.quorum}"))
    for witness in policy.witnesses:
        if not _is_address(witness.url):
            expected = Words(f"{witness.name} 的 http(s) 地址", f"an http(s) address for {witness.name}")
            faults.append(_fault(path.name, expected, witness.url or Words("未填写", "nothing")))
    return policy


def _is_address(url: str | None) -> bool:
    try:
        parts = urlsplit(url or "")
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        return False


def _fault(name: str, expected: Wording, found: Wording) -> Fault:
    return Fault(file=f"{WITNESS_FOLDER}/{name}", key="", expected=expected, found=found)
