"""``tongban policy explain|replay``: why a field left as it did, or did not, and whether it would again."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.policy_record import find_record
from gateway.cli.policy_support import describe_context, guard, open_site, read_one, read_source, spell_context, tell
from gateway.policy.moment import encode_moment
from gateway.policy.record import (
    MAX_RECORD_BYTES,
    DecisionRecord,
    RecordError,
    encode_record,
    parse_record,
    spell_forms,
)
from gateway.trust.files import read_file
from policies.bundle import Bundle, digest_bundle
from policies.dimension import AgeClass, Consent, Context, HolderType, Home, LicenceStatus, OutcomeClass
from policies.explain import Explanation, RuleStanding, Standing, explain
from policies.fault import nearest
from policies.form import WITHHELD
from policies.plan import Withheld
from policies.reference import decide
from policies.rule import Obligations
from policies.testing import spell_decision

_STANDARD_INPUT: Final = "-"
_REGARDLESS: Final = frozenset({Withheld.UNCLASSIFIED, Withheld.NOT_IN_ITEM})  # whatever rules say


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A context as options say it; ``item``, ``caller`` and ``licence`` are required."""

    item: str
    caller: str
    licence: str
    home: Home
    status: LicenceStatus
    holder: HolderType
    age: AgeClass | None
    consent: Consent | None
    outcome: OutcomeClass


def explain_context(source: Path | None, asked: Asked, *, site: Path | None, field: str, as_json: bool) -> ExitCode:
    """Explain the fields of a licence type in a context."""

    def run(_: object) -> ExitCode:
        bundle = read_one(source, site)
        context = _context(asked, bundle)
        _show(bundle, context, field, as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def explain_decision(decision: str, *, source: Path | None, site: Path | None, field: str, as_json: bool) -> ExitCode:
    """Explain an answer of the past by the bundle that decided then; by another one when that is named."""

    def run(_: object) -> ExitCode:
        if site is None:
            raise UsageError(say("--decision 需要 --site。", "--decision needs --site"))
        opened = open_site(site)
        record = find_record(opened, decision)
        if record is None:
            _complain_unknown(decision, as_json=as_json)
            return ExitCode.INVALID
        bundle = opened.archive.bundle(record.bundle) if source is None else read_source(source).bundle
        if not as_json:
            when = encode_moment(record.at)
            zh = f"{when}，调用方 {record.caller}，策略 {bundle.name} {bundle.version}"
            OUT.print(say(zh, f"{when}, caller {record.caller}, policy {bundle.name} {bundle.version}"), markup=False)
        _show(bundle, record.context, field, as_json=as_json)
        return _compare(record, bundle, as_json=as_json)

    return guard(run, as_json=as_json)


def print_record(decision: str, *, site: Path, as_json: bool) -> ExitCode:
    """Print what the log says of a decision, as `replay` takes it."""

    def run(_: object) -> ExitCode:
        record = find_record(open_site(site), decision)
        if record is None:
            _complain_unknown(decision, as_json=as_json)
            return ExitCode.INVALID
        sys.stdout.write(encode_record(record).decode() + "\n")
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _complain_unknown(decision: str, *, as_json: bool) -> None:
    zh, en = "日志中没有此决定。", "the log has no such decision"
    fail("no-such-decision", say(zh, en), "", place=decision, as_json=as_json)


def replay(file: Path, *, bundle: Path | None, site: Path | None, as_json: bool) -> ExitCode:
    """Compute a recorded decision again by its own bundle, or by the one that is named."""

    def run(_: object) -> ExitCode:
        record = _read_record(file)
        if bundle is not None:
            return _compare(record, read_source(bundle).bundle, as_json=as_json)
        if site is None:
            raise UsageError(say("请指定 --bundle 或 --site。", "name --bundle or --site"))
        return _compare(record, open_site(site).archive.bundle(record.bundle), as_json=as_json)

    return guard(run, as_json=as_json)


def _context(asked: Asked, bundle: Bundle) -> Context:
    """Complete the context; what the policy does not know is most likely a slip of the pen."""
    known = {
        "item": [one.id for one in bundle.items],
        "caller": [one.id for one in bundle.callers],
        "licence": [one.id for one in bundle.licences],
    }
    for name, names in known.items():
        value = getattr(asked, name)
        if value not in names:
            meant = nearest(value, names) or ", ".join(names)
            zh, en = f"--{name} 未知：{value}；可用：{meant}", f"--{name}: not known: {value}; there is {meant}"
            raise UsageError(say(zh, en))
    age, consent = asked.age, asked.consent
    if age is None:
        age = AgeClass.NOT_APPLICABLE if asked.holder is HolderType.ORGANISATION else AgeClass.ADULT
    if consent is None:
        consent = next(one.consent for one in bundle.items if one.id == asked.item)
    return Context(
        item=asked.item,
        caller=asked.caller,
        home=asked.home.value,
        licence=asked.licence,
        status=asked.status.value,
        holder=asked.holder.value,
        age=age.value,
        consent=consent.value,
        outcome=asked.outcome.value,
    )


def _read_record(file: Path) -> DecisionRecord:
    is_input = str(file) == _STANDARD_INPUT
    data = sys.stdin.buffer.read(MAX_RECORD_BYTES + 1) if is_input else read_file(file, MAX_RECORD_BYTES)
    try:
        return parse_record(data.strip())
    except RecordError as error:
        raise UsageError(say(f"不是决定记录：{file}", f"this is no record of a decision: {file}")) from error


def _show(bundle: Bundle, context: Context, field: str, *, as_json: bool) -> None:
    licence = next((one for one in bundle.licences if one.id == context.licence), None)
    names = [] if licence is None else sorted(licence.fields)
    if field and field not in names:
        meant = nearest(field, names) or ", ".join(names)
        raise UsageError(say(f"--field 未知：{field}；可用：{meant}", f"--field: not known: {field}; there is {meant}"))
    found = [explain(bundle, context, name) for name in ([field] if field else names)]
    if as_json:
        for one in found:
            print_json(_describe(one))
        return
    OUT.print(spell_context(context), markup=False, style="dim")
    for one in found:
        _show_field(one, is_alone=bool(field))
    obligations = found[0].obligations if found else None
    if obligations is not None:
        OUT.print(_spell_obligations(obligations), markup=False)


def _show_field(one: Explanation, *, is_alone: bool) -> None:
    """Print a field with its rules: all of them when it is asked about alone, else those that tell the most."""
    OUT.print(printable(tell(one.sentence)), markup=False, style="yellow" if one.decision.is_withheld else "green")
    rules = sorted(one.rules, key=lambda rule: len(rule.blocked_by)) if is_alone else _telling(one)
    for rule in rules:
        OUT.print(f"    {printable(tell(rule.sentence))}", markup=False, style="dim")


def _telling(one: Explanation) -> list[RuleStanding]:
    """Return the rules that match; where none does, those that would give the field if least were otherwise."""
    matching = [rule for rule in one.rules if rule.standing is not Standing.BLOCKED]
    if matching or one.decision.reason in _REGARDLESS:
        return matching
    giving = [rule for rule in one.rules if rule.grant != str(WITHHELD)]
    fewest = min((len(rule.blocked_by) for rule in giving), default=0)
    return [rule for rule in giving if len(rule.blocked_by) == fewest]


def _spell_obligations(one: Obligations) -> str:
    limit = say("不限", "no limit") if one.per_minute is None else str(one.per_minute)
    mark = say("是", "yes") if one.watermark else say("否", "no")
    return say(
        f"义务：日志 {one.audit}，记录保存 {one.keep_days} 天，每分钟次数 {limit}，水印 {mark}",
        f"obligations: log {one.audit}, kept {one.keep_days} days, questions a minute {limit}, watermark {mark}",
    )


def _describe(one: Explanation) -> dict[str, Any]:
    return {
        "field": one.decision.field,
        "form": spell_decision(one.decision),
        "reason": one.decision.reason,
        "rule": one.decision.rule,
        "match_rule": one.decision.match_rule,
        "context": describe_context(one.context),
        "impossible": list(one.impossible),
        "rules": [_describe_rule(rule) for rule in one.rules],
    }


def _describe_rule(one: RuleStanding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "grant": one.grant,
        "standing": one.standing,
        "by": list(one.by),
        "blocked_by": list(one.blocked_by),
    }


def _compare(record: DecisionRecord, bundle: Bundle, *, as_json: bool) -> ExitCode:
    """Decide again by the readable reference, and say whether plan and forms are the same."""
    plan = decide(bundle, record.context)
    forms, digest = spell_forms(plan), digest_bundle(bundle)
    same = (plan.id, forms) == (record.plan, record.forms)
    if as_json:
        print_json(
            {
                "decision": record.decision,
                "same": same,
                "bundle": {"recorded": record.bundle, "used": digest},
                "plan": {"recorded": record.plan, "again": plan.id},
                "forms": {"recorded": record.forms, "again": forms},
            }
        )
        return ExitCode.DONE if same else ExitCode.INVALID
    if digest != record.bundle:
        zh, en = f"注意：当时的策略是 {record.bundle}。", f"note: the policy then was {record.bundle}"
        ERR.print(say(zh, en), markup=False)
    if same:
        OUT.print(say("重算结果与记录一致。", "Computed again, plan and forms are the same."), style="green")
        return ExitCode.DONE
    OUT.print(say("重算结果与记录不一致：", "Computed again, it is not the same:"), style="red")
    OUT.print(f"    {say('记录', 'recorded')}  {record.plan}  {record.forms}", markup=False)
    OUT.print(f"    {say('重算', 'again')}  {plan.id}  {forms}", markup=False)
    return ExitCode.INVALID
