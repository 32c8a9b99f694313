"""``tongban policy diff|approve|status``: what another version changes, who approves it, and what is in force."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.policy_support import (
    describe_context,
    guard,
    open_site,
    read_in_force,
    read_source,
    spell_context,
    tell,
    working,
)
from gateway.cli.signing_key import KeyChoice
from gateway.own_keys.keystore import StoredKey
from gateway.policy.activation import Proposal, Settled, Standing, approve, nothing_like, propose, settled_by
from gateway.policy.approval import describe_refusal
from gateway.policy.draft import read_sound_draft
from gateway.policy.folder import has_policy
from gateway.policy.moment import china_day, encode_moment
from gateway.policy.policy_site import PolicySite
from gateway.policy.standing import report_policy
from gateway.policy.summary import Summary, summarise
from keys.own.record import KeyPurpose
from policies.bundle import Bundle, digest_bundle
from policies.difference.diff import Diff, diff
from policies.difference.line import DiffLine

__all__ = ["KeyChoice", "approve_policy", "compare", "show_status"]

MANY: Final = 40  # lines that somebody reads one by one; of more a summary comes first
_YES: Final = frozenset({"yes", "y", "是"})


def compare(first: Path | None, second: Path | None, *, site: Path | None, as_json: bool) -> ExitCode:
    """Print what changes from one version to another; INVALID when anything widens."""

    def run(_: object) -> ExitCode:
        old, new = _two(first, second, site)
        with working(say("正在比较", "comparing")):
            found = diff(old or nothing_like(new), new)
        _show_difference(found, old, new, most=None, as_json=as_json)
        if as_json:
            before = None if old is None else digest_bundle(old)
            print_json({**_describe_sums(found, old, new), "old": before, "new": digest_bundle(new)})
        return ExitCode.INVALID if found.widens else ExitCode.DONE

    return guard(run, as_json=as_json)


def _two(first: Path | None, second: Path | None, site: Path | None) -> tuple[Bundle | None, Bundle]:
    """Return the old and the new policy; None: nothing was in force."""
    if site is None:
        if first is None or second is None:
            raise UsageError(say("需要 OLD 与 NEW，或 --site。", "OLD and NEW are needed, or --site"))
        return read_source(first).bundle, read_source(second).bundle
    if second is not None:
        raise UsageError(say("用 --site 时只能再指定一个策略。", "beside --site there is room for one policy"))
    opened = open_site(site)
    return read_in_force(opened), read_source(first or opened.policies).bundle


def _show_difference(found: Diff, old: Bundle | None, new: Bundle, *, most: int | None, as_json: bool) -> None:
    """Print the lines, those that widen first; for people a summary before them where they are many, and the sum.

    ``most`` bounds the lines that people are shown; None: all.
    """
    lines = sorted(found.lines, key=lambda one: not one.widens)
    if as_json:
        _show_lines(lines, as_json=True)
        return
    if len(lines) > MANY:
        for one in summarise(lines, old, new):
            OUT.print(printable(tell(one.sentence)), markup=False)
    _show_lines(lines[:most], as_json=False)
    hidden = 0 if most is None else len(lines[most:])
    if hidden:
        zh, en = f"另有 {hidden} 处未列出，--lines 列出全部。", f"{hidden} more are not shown; --lines shows all."
        OUT.print(say(zh, en), markup=False)
    widening = sum(line.widens for line in lines)
    zh = f"共 {len(lines)} 处不同，{widening} 处扩大提供范围。"
    ERR.print(say(zh, f"{len(lines)} differences, {widening} of them widen what is shared."))


def _show_lines(lines: Iterable[DiffLine], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            print_json(_describe_line(line))
            continue
        mark = f"[red]{say('扩大', 'widens')}[/]" if line.widens else f"[dim]{say('其他', 'other')}[/]"
        OUT.print(f"{mark}  {escape(printable(tell(line.sentence)))}")
        if line.witness is not None:
            OUT.print(f"      {say('例如', 'such as')} {spell_context(line.witness)}", markup=False, style="dim")


def _describe_sums(found: Diff, old: Bundle | None, new: Bundle) -> dict[str, Any]:
    return {
        "lines": len(found.lines),
        "widening": sum(line.widens for line in found.lines),
        "widens": found.widens,
        "summary": [_describe_summary(one) for one in summarise(found.lines, old, new)],
    }


def _describe_summary(one: Summary) -> dict[str, Any]:
    return {
        "item": one.item or None,
        "topic": one.topic,
        "lines": one.lines,
        "widening": one.widening,
        "callers": one.callers,
        "licences": one.licences,
        "fields": one.fields,
        "zh": one.sentence.zh,
        "en": one.sentence.en,
    }


def _describe_line(line: DiffLine) -> dict[str, Any]:
    return {
        "topic": line.topic,
        "subject": line.subject or None,
        "callers": [{"kind": kind, "home": home} for kind, home in line.callers],
        "item": line.item or None,
        "licence": line.licence or None,
        "field": line.field or None,
        "old": line.old,
        "new": line.new,
        "widens": line.widens,
        "contexts": line.contexts,
        "witness": describe_context(line.witness),
    }


def approve_policy(site: Path, choice: KeyChoice, *, is_sure: bool, every_line: bool, as_json: bool) -> ExitCode:
    """Show what the policy of a site changes, ask, and sign it with one person's key."""

    def run(_: object) -> ExitCode:
        opened = open_site(site)
        if not (is_sure or sys.stdin.isatty()):
            raise UsageError(say("请在终端确认，或用 --yes。", "confirm it at a terminal, or use --yes"))
        with working(say("正在比较", "comparing")):
            proposal = propose(opened, read_sound_draft(opened.policies), at=_now())
        stored = choice.find()
        approver = opened.approvers().find_key(stored.key.record.public_key)
        _check_key(stored)
        if approver is None:
            zh = f"此密钥不属于本站点的任何审批人：{stored.id}"
            raise UsageError(say(zh, f"no approver of this site has this key: {stored.id}"))
        if not proposal.widens:
            zh, en = "该版本未扩大提供范围，无需批准。", "this version widens nothing; nobody has to approve it"
            return _refuse("widens-nothing", zh, en, as_json=as_json)
        if approver.id in proposal.approvers:
            zh, en = f"{approver.id} 已批准过该版本。", f"{approver.id} has approved this version already"
            return _refuse("already-approved", zh, en, as_json=as_json)
        most = None if every_line else MANY
        _show_difference(proposal.diff, proposal.old, proposal.draft.bundle, most=most, as_json=as_json)
        if not (is_sure or _ask(proposal)):
            return _refuse("not-approved", "未批准，没有签名。", "not approved; nothing was signed", as_json=as_json)
        signed = approve(opened, proposal, approver, choice.open(stored), at=_now())
        _show_approved(signed, approver.id, as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _check_key(stored: StoredKey) -> None:
    purpose = stored.key.record.purpose
    if purpose is not KeyPurpose.POLICY:
        text = f"{stored.id}: {purpose}"
        raise UsageError(say(f"此密钥不用于批准策略：{text}", f"this key is not one for approving policies: {text}"))


def _refuse(slug: str, zh: str, en: str, *, as_json: bool) -> ExitCode:
    fail(slug, say(zh, en), "", as_json=as_json)
    return ExitCode.INVALID


def _ask(proposal: Proposal) -> bool:
    bundle = proposal.draft.bundle
    zh = f"批准 {bundle.name} {bundle.version}（{proposal.draft.digest}）？输入“是”或 yes："
    ERR.print(say(zh, f"Approve {bundle.name} {bundle.version} ({proposal.draft.digest})? Type yes: "), end="")
    return sys.stdin.readline().strip().lower() in _YES


def _show_approved(signed: Proposal, approver: str, *, as_json: bool) -> None:
    have, needed = signed.approvers, signed.needed
    if as_json:
        print_json(
            {
                **_describe_sums(signed.diff, signed.old, signed.draft.bundle),
                "bundle": signed.draft.digest,
                "approver": approver,
                "approvers": list(have),
                "needed": needed,
                "complete": signed.is_approved,
            }
        )
        return
    zh, en = (
        f"{approver} 已批准；共 {len(have)} 人，需 {needed} 人。",
        f"approved by {approver}; {len(have)} of {needed}.",
    )
    OUT.print(say(zh, en), markup=False)
    if signed.is_approved:
        zh, en = "运行中的网关将在数秒内启用。", "A gateway that runs takes it within seconds."
        OUT.print(say(zh, en), markup=False)


def show_status(site: Path, *, as_json: bool) -> ExitCode:
    """Print what is in force and what waits; nothing is changed."""

    def run(_: object) -> ExitCode:
        opened, now = open_site(site), _now()
        settled, day = _settled(opened, now), china_day(now)
        report = report_policy(settled, day)
        if as_json:
            print_json(_describe_status(report, settled))
        else:
            OUT.print(say(report["zh"], report["en"]), markup=False)
            _show_details(settled)
            people = len(opened.approvers())
            if people < opened.needed:
                zh = f"  审批人仅 {people} 名（approvers/），需 {opened.needed} 名。"
                OUT.print(
                    say(zh, f"  {people} approvers are known (approvers/), {opened.needed} are needed"), markup=False
                )
        is_done = settled.standing is Standing.IN_FORCE and report["in_force"]["validity"] == "applies"
        return ExitCode.DONE if is_done else ExitCode.UNKNOWN

    return guard(run, as_json=as_json)


def _describe_status(report: dict[str, Any], settled: Settled) -> dict[str, Any]:
    """Return the report with the names of those who approved, which only who may read the site is told."""
    pointer, proposal = settled.pointer, settled.proposal
    if report["in_force"] is not None and pointer is not None:
        report["in_force"]["approvers"] = list(pointer.approvers)
    if proposal is not None:
        report["draft"]["approvers"] = list(proposal.approvers)
    counted = () if proposal is None else proposal.counted
    return {
        **report,
        "approvals": [
            {"approver": one.approver, "made_at": encode_moment(one.made_at), "refusal": one.refusal} for one in counted
        ],
    }


def _settled(site: PolicySite, now: datetime) -> Settled:
    if not has_policy(site.policies):
        return settled_by(site, None, at=now)
    return settled_by(site, propose(site, read_sound_draft(site.policies), at=now), at=now)


def _show_details(settled: Settled) -> None:
    if settled.in_force is not None and settled.pointer is not None:
        by = ", ".join(settled.pointer.approvers) or say("无需批准", "nobody had to approve it")
        since = encode_moment(settled.pointer.since)
        zh, en = f"  自 {since} 起；批准人：{by}", f"  since {since}; approved by: {by}"
        OUT.print(say(zh, en), markup=False)
        OUT.print(f"  {settled.in_force.digest}", markup=False, style="dim")
    proposal = settled.proposal
    if proposal is None or proposal.is_in_force:
        return
    OUT.print(f"  {say('草稿', 'draft')}  {proposal.draft.digest}", markup=False, style="dim")
    for one in proposal.counted:
        why = say("已批准", "approved") if one.refusal is None else tell(describe_refusal(one.refusal, proposal.change))
        OUT.print(f"  {one.approver}  {encode_moment(one.made_at)}  {why}", markup=False)


def _now() -> datetime:
    """Return the moment with its milliseconds: an approval has to be younger than what is in force."""
    return datetime.now(UTC)
