"""``tongban audit token``: a token of a few minutes, signed with the auditor's own key."""

import uuid
from datetime import datetime
from pathlib import Path

from gateway.cli.audit_commands import guard
from gateway.cli.audit_find import write_private
from gateway.cli.console import OUT, ExitCode, print_json
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.signing_key import KeyChoice
from gateway.tokens import MAX_LIFETIME, sign_token
from keys.own.record import KeyPurpose


def make_token(
    choice: KeyChoice, *, caller: str, key_id: str | None, audience: str, out: Path, as_json: bool
) -> ExitCode:
    """Sign a token and write it to a file that nobody else may read, in place of an older one."""

    def run(now: datetime) -> ExitCode:
        stored = choice.find()
        if stored.key.record.purpose is not KeyPurpose.CALLER:
            zh, en = "此密钥不是用于签发令牌的（caller）", "this key is not for tokens (caller)"
            raise UsageError(f"{say(zh, en)}: {stored.id}")
        token = sign_token(
            choice.open(stored),
            caller_id=caller,
            key_id=key_id or stored.id,
            audience=audience,
            issued_at=now,
            token_id=str(uuid.uuid4()),
        )
        write_private(out, token.encode(), replaces=True)
        ends = (now + MAX_LIFETIME).isoformat()
        if as_json:
            print_json({"file": str(out), "caller": caller, "kid": key_id or stored.id, "ends": ends})
        else:
            OUT.print(say(f"已写入 {out}，有效期至 {ends}", f"wrote {out}, good until {ends}"), markup=False)
        return ExitCode.DONE

    return guard(run, as_json=as_json)
