"""``tongban audit witness-key|trust-policy``: what a site publishes, so that others can witness and believe its log."""

from datetime import datetime
from pathlib import Path

from gateway.audit.book.place import POLICY_FILE
from gateway.audit.shard import is_shard
from gateway.audit.tlog.note_key import encode_vkey
from gateway.audit.tlog.quorum import MAX_POLICY, encode_policy, parse_policy
from gateway.audit.witness.own import read_witness_key
from gateway.cli.audit_commands import guard
from gateway.cli.console import ExitCode, print_json
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.secret_file import SecretError
from gateway.trust.files import read_file


def witness_key(site: Path, *, as_json: bool) -> ExitCode:
    """Print the key with which this site witnesses others; it is made where there is none yet."""

    def run(_: datetime) -> ExitCode:
        settings = load_settings(site)
        try:
            key = read_witness_key(site, settings.audit, region=settings.region).key
        except SecretError as error:
            sentence = say("见证密钥不可用", "the key of the witness cannot be used")
            fail(f"witness-key.{error.fault}", f"{sentence}: {error.fault}", "", place=error.place, as_json=as_json)
            return ExitCode.USAGE
        if as_json:
            print_json({"witness": key.name, "key": encode_vkey(key)})
        else:
            print(encode_vkey(key))
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def trust_policy(site: Path, *, shard: str | None, as_json: bool) -> ExitCode:
    """Print the trust policy of a shard, the latest if none is named: its keys, its witnesses, their quorum."""

    def run(_: datetime) -> ExitCode:
        folder = site / load_settings(site).audit.folder
        begun = sorted(path.parent for path in folder.glob(f"*/{POLICY_FILE}") if is_shard(path.parent.name))
        chosen = [path for path in begun if shard in {None, path.name}]
        if not chosen:
            where = f"{folder}: {shard}" if shard else str(folder)
            raise UsageError(say(f"没有访问日志：{where}", f"there is no access log: {where}"))
        policy = parse_policy(read_file(chosen[-1] / POLICY_FILE, MAX_POLICY))
        text = encode_policy(policy).decode()
        if as_json:
            print_json({"log": policy.logs[0].key.name if policy.logs else None, "policy": text})
        else:
            print(text, end="")
        return ExitCode.DONE

    return guard(run, as_json=as_json)
