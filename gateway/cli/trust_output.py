"""How trust lists and what becomes of them are shown, to people and as JSON."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from gateway.cli.console import ERR, OUT, print_json, printable
from gateway.cli.language import say
from gateway.cli.verify import STYLE, WORD, sentence
from gateway.trust.keeper import count_anchors
from gateway.trust.lists import TrustReading
from gateway.trust.publishing import Published
from gateway.trust.sentences import ListFinding
from gateway.trust.simulation import Comparison, Judged
from keys.trust import Anchor, KeyAnchor
from keys.trust_forecast import Event
from keys.trust_list import TrustList, encode_moment, fingerprint_of
from keys.trust_list_compare import Difference, title_of

SHORT: Final = 16  # characters of a fingerprint or key id that a table shows


def stamp(moment: datetime | None) -> str | None:
    """Return a moment as JSON has it."""
    return None if moment is None else encode_moment(moment)


def describe_list(one: TrustList) -> dict[str, Any]:
    """Return the JSON object of a list, without its entries."""
    return {
        "name": one.name,
        "version": one.version,
        "issued": stamp(one.issued),
        "expires": stamp(one.expires),
        "previous": one.previous,
        "digest": one.digest,
        "threshold": one.signers.threshold,
        "keys": [{"id": key.id, "algorithm": key.algorithm, "roles": sorted(key.roles)} for key in one.signers.keys],
        "signatures": [signature.key for signature in one.signatures],
        "entries": len(one.entries),
        "removed": len(one.removed),
    }


def describe_entry(one: Anchor | KeyAnchor) -> dict[str, Any]:
    """Return the JSON object of an entry."""
    scope = one.scope
    return {
        "fingerprint": fingerprint_of(one),
        "title": title_of(one),
        "kind": "key" if isinstance(one, KeyAnchor) else "certificate" if one.subject is None else "name",
        "purposes": sorted(one.purposes),
        "licence_types": None if scope.licence_types is None else sorted(scope.licence_types),
        "authorities": None if scope.authorities is None else sorted(scope.authorities),
        "region": one.region,
        "start": stamp(one.start),
        "sunset": stamp(one.sunset),
        "source": one.source,
    }


def show_list(one: TrustList, *, as_json: bool) -> None:
    """Print a list with its entries."""
    if as_json:
        print_json({**describe_list(one), "entries": [describe_entry(entry) for entry in one.entries]})
        return
    _print_head(one, is_verified=False)
    for entry in one.entries:
        every = say("全部", "every one")
        scope = entry.scope
        types = every if scope.licence_types is None else ", ".join(sorted(scope.licence_types))
        authorities = every if scope.authorities is None else ", ".join(sorted(scope.authorities))
        OUT.print(f"  {fingerprint_of(entry)[:SHORT]}  {escape(printable(title_of(entry)))}")
        OUT.print(f"      {say('用途', 'purposes')}: {', '.join(sorted(entry.purposes))}", style="dim", markup=False)
        OUT.print(
            f"      {say('证照类型', 'licence types')}: {types}; {say('颁发机构', 'authorities')}: {authorities}",
            style="dim",
            markup=False,
        )
        begins, ends = stamp(entry.start) or "-", stamp(entry.sunset) or "-"
        about = " · ".join(filter(None, (entry.region, printable(entry.source))))
        OUT.print(f"      {begins} → {ends}  {about}", style="dim", markup=False)
    for removal in one.removed:
        gone = f"{removal.fingerprint[:SHORT]}  {printable(removal.title)}: {printable(removal.reason)}"
        OUT.print(f"  {say('已移出', 'removed')}: {gone}", style="dim", markup=False)


def _print_head(one: TrustList, *, is_verified: bool) -> None:
    OUT.print(f"{one.name}  {say('版本', 'version')} {one.version}", markup=False, style="bold")
    OUT.print(f"  {stamp(one.issued)} → {stamp(one.expires)}   SHA-256 {one.digest}", markup=False)
    signed = {signature.key for signature in one.signatures}
    zh, en = ("已核验", "verified") if is_verified else ("未核验", "not verified here")
    OUT.print(
        say(
            f"  需 {one.signers.threshold} 个签名；已有 {len(signed)} 个（{zh}）",
            f"  {one.signers.threshold} signatures are needed; {len(signed)} are there ({en})",
        ),
        markup=False,
    )
    for key in one.signers.keys:
        mark = say("已签", "signed") if key.id in signed else "-"
        OUT.print(f"  {key.id[:SHORT]}  {key.algorithm}  {', '.join(sorted(key.roles))}  {mark}", markup=False)


def show_folder(reading: TrustReading, *, at: datetime, next_event: Event | None, as_json: bool) -> None:
    """Print what a trust folder says."""
    state = reading.state
    anchors = count_anchors(state.store_at(at), at)
    if as_json:
        print_json(
            {
                "anchors": anchors,
                "revocation_lists": len(state.folder.revocation_lists),
                "lists": [{**describe_list(one), "in_force": one.issued <= at < one.expires} for one in state.lists],
                "held": [
                    {"name": held.candidate.name, "version": held.candidate.version, **held.change._asdict()}
                    for held in state.held
                ],
                "next": None if next_event is None else describe_event(next_event),
                "findings": [
                    {
                        "file": one.file,
                        "problem": one.problem if isinstance(one, ListFinding) else one.kind,
                        "detail": one.detail if isinstance(one, ListFinding) else None,
                        "fault": one.is_fault,
                    }
                    for one in reading.findings
                ],
            }
        )
        return
    table = Table(say("用途", "purpose"), say("受信任者", "trusted"))
    for purpose, count in anchors.items():
        table.add_row(purpose, str(count))
    OUT.print(table)
    for one in state.lists:
        _print_head(one, is_verified=True)
        OUT.print(f"  {say('条目', 'entries')}: {len(one.entries)}", markup=False)
    if next_event is not None:
        ends = say(f"最近到期：{next_event.sentence_zh}", f"Next end: {next_event.sentence}")
        OUT.print(printable(ends), markup=False)
    say_findings(reading)


def say_findings(reading: TrustReading) -> None:
    """Print the findings on standard error."""
    for one in reading.findings:
        line = f"tongban: {one.file or '.'}: {say(one.sentence_zh, one.sentence)}"
        ERR.print(printable(line), markup=False)


def describe_event(event: Event) -> dict[str, Any]:
    """Return the JSON object of something to come."""
    return {"at": stamp(event.at), "turn": event.turn, "who": event.who, "title": event.title}


def describe_difference(one: Difference) -> dict[str, Any]:
    """Return the JSON object of a difference."""
    return {
        "who": one.who,
        "title": one.title,
        "effect": one.effect,
        "aspect": one.aspect,
        "values": list(one.values),
        "before": list(one.before),
    }


def show_differences(found: Iterable[Difference], *, as_json: bool) -> None:
    """Print who gains and who loses what, one a line."""
    for one in found:
        if as_json:
            print_json(describe_difference(one))
        else:
            OUT.print(printable(say(one.sentence_zh, one.sentence)), markup=False)


def show_published(done: Published, differences: tuple[Difference, ...], *, as_json: bool) -> None:
    """Print what became of a list."""
    change = done.change
    if as_json:
        print_json(
            {
                "name": done.published.name,
                "version": done.published.version,
                "published": not done.is_held,
                "held": done.is_held,
                "place": str(done.place),
                "previous": None if done.previous is None else done.previous.version,
                "shrinkage": None if change is None else round(change.shrinkage, 4),
                "growth": None if change is None else round(change.growth, 4),
                "signed_by": sorted(done.endorsement.signed_by),
                "unknown_signers": sorted(done.endorsement.unknown),
                "approvers": [key.id for key in done.approvers],
                "differences": [describe_difference(one) for one in differences],
            }
        )
        return
    show_differences(differences, as_json=False)
    version = f"{done.published.name} {say('版本', 'version')} {done.published.version}"
    if not done.is_held:
        OUT.print(say(f"已发布：{version} → {done.place}", f"published: {version} → {done.place}"), markup=False)
        return
    share = "" if change is None else f"{change.share:.0%}"
    OUT.print(
        say(
            f"变动 {share}，等待批准：{version} → {done.place}",
            f"changes {share}, waits for approval: {version} → {done.place}",
        ),
        style="bold yellow",
        markup=False,
    )
    OUT.print(say("可批准的密钥：", "may be approved by:"))
    for key in done.approvers:
        OUT.print(f"  {key.id}", markup=False)


def describe_comparison(one: Comparison) -> dict[str, Any]:
    """Return the JSON object of a document under both lists."""
    return {"input": one.name, "before": _describe_judged(one.before), "after": _describe_judged(one.after)}


def _describe_judged(judged: Judged | None) -> dict[str, Any] | None:
    return None if judged is None else {"outcome": judged.outcome, "reasons": list(judged.reasons)}


def show_flip(one: Comparison, *, as_json: bool) -> None:
    """Print a verdict that flips, and why."""
    if as_json:
        print_json(describe_comparison(one))
        return
    if one.before is None or one.after is None:
        return
    before, after = (f"[{STYLE[judged.outcome]}]{say(*WORD[judged.outcome])}[/]" for judged in (one.before, one.after))
    OUT.print(f"{before} → {after}  {escape(printable(one.name))}")
    new = [reason for reason in one.after.reasons if reason not in one.before.reasons]
    for reason in new or [reason for reason in one.before.reasons if reason not in one.after.reasons]:
        sign = "+" if new else "-"
        OUT.print(f"    {sign} {reason}: {escape(sentence(reason))}")
