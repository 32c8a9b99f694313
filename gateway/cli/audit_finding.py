"""``tongban audit verify FINDING``: what it does for a finding, and how it is printed."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.finding.fields import name_forms
from gateway.audit.finding.query import SearchBehind
from gateway.audit.finding.verifier import FindingVerification, open_finding, refuse_package, verify_finding
from gateway.audit.leaf import Leaf
from gateway.audit.tlog.quorum import Policy
from gateway.cli.audit_commands import progress_of
from gateway.cli.audit_output import describe_faults, show_faults, show_verdict, spell_times
from gateway.cli.console import OUT, ExitCode, print_json, printable
from gateway.cli.language import say
from gateway.policy.words import FORM_WORDS
from gateway.rendering import encode_time
from policies.catalogue import LicenceType
from policies.form import FormKind

_SHOWN: Final = 200  # entries for people; JSON and the file have all of them


def verify_file(place: Path, believed: Policy | None, *, as_json: bool) -> ExitCode:
    """Verify a finding and print what it shows; raises as `open_finding` and `verify_finding` do."""
    found = _verify(place, believed)
    if as_json:
        print_json(_describe(found, place))
    else:
        _show(found, place)
    return ExitCode.DONE if found.is_sound else ExitCode.INVALID


def _verify(place: Path, believed: Policy | None) -> FindingVerification:
    try:
        source = open_finding(place)
    except MalformedLogDataError as error:
        return refuse_package(error)
    with closing(source), progress_of(say("正在核验", "verifying")) as progress:
        return verify_finding(source, policy=believed, progress=progress)


def _describe(found: FindingVerification, place: Path) -> dict[str, Any]:
    return {
        "input": str(place),
        "kind": "finding",
        "outcome": "valid" if found.is_sound else "invalid",
        "log": found.log or None,
        "size": found.size,
        "entries": [entry.index for entry, _ in found.entries],
        "fields": [
            {"entry": entry.index, "type": licence_type.id, "forms": name_forms(licence_type, leaf.content.form)}
            for entry, leaf in found.entries
            if (licence_type := found.types.get(entry.index))
        ],
        "opened": found.opened,
        "replayed": found.replayed,
        "policies": found.policies,
        "witnessed": {"by": dict(found.cosigned)} if found.cosigned else None,
        "search": None if found.search is None else _describe_search(found.search),
        "policy": "own" if found.is_own_policy else "given",
        "findings": describe_faults(found.findings),
        "more": found.more,
    }


def _describe_search(search: SearchBehind) -> dict[str, Any]:
    content = search.search.content
    return {
        "by": content.caller,
        "organisation": content.org or None,
        "at": _moment(search.search),
        "found": content.more.get("count"),
        "complete": search.complete,
        "reached": None if search.reached is None else _spell(search.reached),
        "query": None if search.query is None else search.query.members(),
        "log_alone": search.is_log_alone,
        "opening": content.more.get("opening"),
        "approved_by": None if search.approval is None else search.approval.content.caller,
    }


def _show(found: FindingVerification, place: Path) -> None:
    """Print who looked, then the faults, then the verdict."""
    for entry, leaf in found.entries[:_SHOWN]:
        content = leaf.content
        words = [_moment(leaf), content.org, content.caller, content.item, content.form, content.outcome]
        if entry.opened is not None and entry.opened.op is not None:
            words.append(say(f"经办人 {entry.opened.op.value}", f"official {entry.opened.op.value}"))
        _print(f"{entry.index}  " + " · ".join(filter(None, [str(content.kind), *words])))
        if licence_type := found.types.get(entry.index):
            _show_fields(licence_type, content.form)
    rest = len(found.entries) - _SHOWN
    if rest > 0:
        _print(say(f"另有 {rest} 个条目。", f"and {rest} more entries"))
    if found.search is not None:
        _show_search(found.search)
    show_faults(found.findings, found.more, is_own_policy=found.is_own_policy)
    show_verdict(str(place), is_sound=found.is_sound)
    if found.log:
        _print(_summary(found))


def _show_fields(licence_type: LicenceType, form: str) -> None:
    """Print how each field left, and which did not."""
    forms, fields = name_forms(licence_type, form), licence_type.fields
    names = {name: say(f"{fields[name].zh}（{name}）", f"{fields[name].en} ({name})") for name in forms}
    given = [f"{names[name]} {_word(kind)}" for name, kind in forms.items() if kind is not FormKind.WITHHELD]
    withheld = [names[name] for name, kind in forms.items() if kind is FormKind.WITHHELD]
    _print("    " + say(f"{licence_type.zh}：", f"{licence_type.en}: ") + " · ".join(given))
    if withheld:
        _print(f"    {_word(FormKind.WITHHELD)}" + say("：", ": ") + " · ".join(withheld))


def _word(kind: FormKind | None) -> str:
    if kind is None:
        return "?"
    return say(FORM_WORDS[kind].zh, FORM_WORDS[kind].en)


def _show_search(search: SearchBehind) -> None:
    content = search.search.content
    when, who, count = _moment(search.search), content.caller, content.more.get("count")
    _print(say(f"检索：{when}，{who}，所得 {count} 条", f"search: {when}, by {who}, {count} found"))
    if search.reached is not None:
        reached = _spell(search.reached)
        zh = f"提示：本次检索未及全部条目，只查至 {reached}；更早的条目请以 --to 该时间另行检索。"
        en = f"note: not all entries were searched, only those since {reached}; search again with --to for older ones."
        _print(say(zh, en))
    if search.is_log_alone:
        zh = "提示：检索条目本身尚无足够见证方共签，仅由日志签名担保。"
        _print(
            say(zh, "note: too few witnesses have seen the entry of the search itself; the log alone vouches for it.")
        )
    if search.query is not None:
        _print("    " + " · ".join(f"{name} {value}" for name, value in search.query.members().items()))
    if search.request is None:
        return
    if search.approval is None:
        _print(say("非公开部分：未经第二人批准即开启。", "private parts: opened without a second person."))
    else:
        who = search.approval.content.caller
        when = _moment(search.approval)
        _print(say(f"非公开部分：经 {who} 于 {when} 批准开启。", f"private parts: approved by {who} at {when}."))


def _summary(found: FindingVerification) -> str:
    times = spell_times(found.cosigned)
    if not (found.cosigned or found.has_quorum):
        times = say("；本日志没有见证方", "; nobody witnesses this log")
    zh = (
        f"{found.log}：{len(found.entries)} 个条目在 {found.size} 个条目的日志中，开启 {found.opened} 个，"
        f"重新计算决定 {found.replayed} 个{times}"
    )
    en = (
        f"{found.log}: {len(found.entries)} entries of a log of {found.size}, {found.opened} opened, "
        f"{found.replayed} decisions computed again{times}"
    )
    return say(zh, en)


def _moment(leaf: Leaf) -> str:
    return _spell(leaf.t)


def _spell(t: int) -> str:
    try:
        return encode_time(datetime.fromtimestamp(t / 1000, UTC))
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return str(t)


def _print(text: str) -> None:
    OUT.print(escape(printable(text)))
