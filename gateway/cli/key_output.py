"""How keys and drills are shown, to people and as JSON."""

from datetime import datetime
from typing import Any, Final

from rich.table import Column, Table

from gateway.cli.console import OUT, print_json
from gateway.cli.language import say
from gateway.own_keys.drill import DrillReport
from gateway.own_keys.keystore import StoredKey
from keys.own.file import TokenObject
from keys.own.record import KeyPhase
from keys.trust_list import encode_moment

PHASES: Final = {
    KeyPhase.PENDING: ("待启用", "pending"),
    KeyPhase.ACTIVE: ("可签名", "active"),
    KeyPhase.VERIFY_ONLY: ("仅验证", "verify only"),
    KeyPhase.ENDED: ("已失效", "ended"),
    KeyPhase.COMPROMISED: ("已泄露", "compromised"),
}
STEPS: Final = {
    "replace": ("更换密钥", "replace the key"),
    "list": ("列出签过的内容", "list what it signed"),
    "notify": ("写出通知", "write the notices"),
}
_SHORT_ID: Final = 16  # characters of an id that a table shows


def describe(stored: StoredKey, at: datetime) -> dict[str, Any]:
    """Return the JSON object of one key."""
    key, place = stored.key, stored.file.place
    replaced, since = key.state.replaced_by, key.state.compromised_since
    on_token = isinstance(place, TokenObject)
    return {
        "id": stored.id,
        "algorithm": key.record.algorithm,
        "purpose": key.record.purpose,
        "phase": key.phase(at),
        "created": encode_moment(key.record.created),
        "active_from": encode_moment(key.record.active_from),
        "signs_until": encode_moment(key.signs_until),
        "verifies_until": encode_moment(key.verifies_until),
        "replaced_by": replaced,
        "compromised_since": None if since is None else encode_moment(since),
        "protection": "pkcs11" if on_token else "passphrase",
        "cipher": None if isinstance(place, TokenObject) else place.cipher,
        "token": place.token if isinstance(place, TokenObject) else None,
    }


def show_key(stored: StoredKey, at: datetime, *, as_json: bool) -> None:
    """Print one key."""
    if as_json:
        print_json(describe(stored, at))
        return
    key = stored.key
    OUT.print(f"{stored.id}  {key.record.algorithm}  {key.record.purpose}  {say(*PHASES[key.phase(at)])}")
    OUT.print(
        say(
            f"    签名：{encode_moment(key.record.active_from)} 至 {encode_moment(key.signs_until)}；"
            f"验证至 {encode_moment(key.verifies_until)}",
            f"    signs {encode_moment(key.record.active_from)} to {encode_moment(key.signs_until)}; "
            f"counts until {encode_moment(key.verifies_until)}",
        ),
        style="dim",
    )


def key_table(found: tuple[StoredKey, ...], at: datetime) -> Table:
    """Return the keys as a table, by purpose and start."""
    table = Table(
        Column(say("编号", "id"), no_wrap=True, min_width=_SHORT_ID),  # people copy it from here
        say("算法", "algorithm"),
        say("用途", "purpose"),
        say("状态", "state"),
        say("启用", "signs from"),
        say("签名至", "signs until"),
        say("验证至", "counts until"),
    )
    for stored in sorted(found, key=lambda one: (one.key.record.purpose, one.key.record.active_from, one.id)):
        key = stored.key
        times = (key.record.active_from, key.signs_until, key.verifies_until)
        table.add_row(
            stored.id[:_SHORT_ID],
            key.record.algorithm,
            key.record.purpose,
            say(*PHASES[key.phase(at)]),
            *(f"{time:%Y-%m-%d}" for time in times),
        )
    return table


def show_drill(report: DrillReport, *, dry_run: bool, as_json: bool) -> None:
    """Print what a drill did, or would do, and how long each step took."""
    order, reading = report.order, report.reading
    uses = 0 if reading is None else reading.uses
    if as_json:
        print_json(
            {
                "drill": order.is_drill,
                "dry_run": dry_run,
                "old": order.old.id,
                "new": None if report.new is None else report.new.id,
                "since": encode_moment(order.since),
                "uses": uses,
                "unreadable_lines": 0 if reading is None else reading.unreadable_lines,
                "journal_complete": report.journal_complete,
                "files": [str(path) for path in report.files],
                "seconds": {step: round(seconds, 3) for step, seconds in report.seconds.items()},
            }
        )
        return
    if dry_run:
        OUT.print(say("仅说明，未作任何改动。将会：", "Nothing was changed. This would be done:"), markup=False)
        new = say("新密钥", "a new key")
    else:
        new = "" if report.new is None else report.new.id
    OUT.print(f"{say(*STEPS['replace'])}: {order.old.id} → {new}", markup=False)
    OUT.print(f"{say(*STEPS['list'])}: {uses}", markup=False)
    for path in report.files:
        OUT.print(f"    {path}", markup=False)
    if not report.journal_complete:
        OUT.print(
            say(
                "签名记录不完整：不在清单中的签名须逐项核实。",
                "The journal is not complete: signatures that are not on the list must be looked at one by one.",
            ),
            style="bold yellow",
        )
    for step, seconds in report.seconds.items():
        OUT.print(f"    {say(*STEPS[step])}: {seconds:.3f} s", style="dim", markup=False)
