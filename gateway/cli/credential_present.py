"""``tongban credential show|present``: what a holder has, and what of it a verifier is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.markup import escape

from gateway.cli.audit_find import write_private
from gateway.cli.console import OUT, ExitCode, print_json, printable
from gateway.cli.credential_files import find_key, guard, read_credential, refuse_taken
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.signing_key import KeyChoice
from gateway.credential.pointers import list_pointers, select_paths
from keys.own.record import KeyPurpose
from keys.sd_jwt.compact_form import parse_sd_jwt
from keys.sd_jwt.presentation import KeyBinding, present_sd_jwt
from keys.sd_jwt.unfolding import unfold

__all__ = ["Answer", "KeyChoice", "present", "show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the holder answers: to whom and to which question, with which key; all of them, or none."""

    choice: KeyChoice | None
    audience: str | None
    nonce: str | None


def show(file: Path, *, as_json: bool) -> ExitCode:
    """Print what a credential holds; nothing of it is verified."""

    def run(_: datetime) -> ExitCode:
        sd_jwt = parse_sd_jwt(read_credential(file))
        unfolded = unfold(sd_jwt.issued.payload, sd_jwt.disclosures)
        pointers = dict(list_pointers(unfolded))
        stated = {name: value for name, value in unfolded.claims.items() if (name,) not in unfolded.places}
        if as_json:
            print_json({"open": stated, "disclosable": pointers})
        else:
            _print(say("出示时总是可见：", "seen whenever it is shown:"), stated)
            _print(say("由持证人选择出示：", "shown as its holder chooses:"), pointers)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def present(file: Path, disclose: Sequence[str], answer: Answer, *, out: Path, as_json: bool) -> ExitCode:
    """Write a presentation that shows what is at these paths, and all that is below."""

    def run(now: datetime) -> ExitCode:
        text = read_credential(file)
        sd_jwt = parse_sd_jwt(text)
        chosen = select_paths(unfold(sd_jwt.issued.payload, sd_jwt.disclosures), disclose)
        refuse_taken(out)
        presentation = present_sd_jwt(text, disclose=chosen, binding=_bind(answer, now))
        write_private(out, presentation.encode() + b"\n")
        if as_json:
            print_json({"out": str(out), "disclosed": len(chosen), "bound": answer.choice is not None})
        else:
            zh, en = f"出示 {len(chosen)} 项，写入 {out}", f"{len(chosen)} claims shown, written to {out}"
            OUT.print(say(zh, en), markup=False)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _bind(answer: Answer, now: datetime) -> KeyBinding | None:
    """Open the holder's key; raises UsageError where a part of the answer is missing."""
    if answer.choice is None and answer.audience is None and answer.nonce is None:
        return None
    if answer.choice is None or not answer.audience or not answer.nonce:
        zh = "--signing-key、--audience 与 --nonce 须同时给出。"
        raise UsageError(say(zh, "--signing-key, --audience and --nonce go together"))
    stored = find_key(answer.choice, KeyPurpose.HOLDER)
    return KeyBinding(audience=answer.audience, nonce=answer.nonce, at=now, signer=answer.choice.open(stored))


def _print(title: str, claims: Mapping[str, object]) -> None:
    OUT.print(title, markup=False)
    for name, value in claims.items():
        OUT.print(f"  {escape(printable(name))}  {escape(printable(str(value)))}")
