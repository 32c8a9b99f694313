"""``tongban policy check|test|build|table``: what a policy is worth, and its other forms."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable, progress_bar
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.policy_support import (
    describe_context,
    describe_fault,
    guard,
    read_source,
    show_faults,
    spell_context,
    tell,
)
from gateway.policy.draft import Draft
from gateway.policy.table import make_table
from gateway.policy.table_files import encode_html, encode_xlsx
from gateway.trust.files import replace_file
from policies.analysis.finding import Finding, Severity
from policies.bundle import Bundle, digest_bundle, encode_bundle
from policies.engine import Engine
from policies.fault import PolicyError
from policies.mutate import Mutant, mutants
from policies.survivors import Bench
from policies.testing import TestResult, run_tests

_SEVERITIES: Final = {
    Severity.FAULT: ("错误", "fault", "red"),
    Severity.WARNING: ("警告", "warning", "yellow"),
    Severity.NOTE: ("提示", "note", "dim"),
}
_WRITERS: Final = {".html": encode_html, ".xlsx": encode_xlsx}
_EXAMPLES: Final = 3  # of plans that no test reaches


def check(source: Path, *, with_mutants: bool, as_json: bool) -> ExitCode:
    """Print everything there is to say about a policy."""

    def run(_: object) -> ExitCode:
        draft = read_source(source).draft()
        survivors = _find_survivors(draft.bundle) if with_mutants and not draft.faults else None
        if as_json:
            print_json(_describe_check(draft, survivors))
        else:
            _show_check(draft, survivors)
        return ExitCode.INVALID if draft.faults or survivors else ExitCode.DONE

    return guard(run, as_json=as_json)


def run_all_tests(source: Path, *, as_json: bool) -> ExitCode:
    """Run the tests of a policy."""

    def run(_: object) -> ExitCode:
        results = run_tests(Engine(read_source(source).bundle))
        failed = sum(not one.passed for one in results)
        for one in results:
            if as_json:
                print_json(_describe_test(one))
            else:
                OUT.print(printable(tell(one.sentence)), style="" if one.passed else "red", markup=False)
        if not as_json:
            zh, en = f"{len(results)} 项测试，{failed} 项未通过。", f"{len(results)} tests, {failed} failed."
            ERR.print(say(zh, en))
        return ExitCode.INVALID if failed else ExitCode.DONE

    return guard(run, as_json=as_json)


def build(source: Path, *, out: Path, as_json: bool) -> ExitCode:
    """Write the bundle of a policy without faults."""

    def run(_: object) -> ExitCode:
        bundle = _sound(source)
        replace_file(out, encode_bundle(bundle))
        _say_written(bundle, out, as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def table(source: Path, *, out: Path, as_json: bool) -> ExitCode:
    """Write the tables of a policy; faults that only an analysis finds do not keep officials from reading it."""

    def run(_: object) -> ExitCode:
        write = _WRITERS.get(out.suffix.lower())
        if write is None:
            text = ", ".join(_WRITERS)
            raise UsageError(
                say(f"文件名应以 {text} 结尾。", f"--out: a name that ends with one of {text} was expected")
            )
        bundle = read_source(source).bundle
        replace_file(out, write(make_table(bundle)))
        _say_written(bundle, out, as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _sound(source: Path) -> Bundle:
    draft = read_source(source).draft()
    if draft.faults:
        raise PolicyError(draft.faults)
    return draft.bundle


def _say_written(bundle: Bundle, out: Path, *, as_json: bool) -> None:
    digest = digest_bundle(bundle)
    if as_json:
        print_json({"file": str(out), "name": bundle.name, "version": bundle.version, "bundle": digest})
    else:
        OUT.print(f"{out}  {bundle.name} {bundle.version}  {digest}", markup=False)


def _find_survivors(bundle: Bundle) -> list[Mutant]:
    """Return the mutants that change something and that no test notices."""
    bench = Bench(bundle)
    with progress_bar() as progress:
        every = list(mutants(bundle))
        return list(bench.survivors(progress.track(every, description=say("正在逐一改错", "breaking rules"))))


def _show_check(draft: Draft, survivors: list[Mutant] | None) -> None:
    bundle, analysis = draft.bundle, draft.analysis
    OUT.print(f"{bundle.name} {bundle.version}  {draft.digest}", markup=False, style="bold")
    counts = (len(bundle.licences), len(bundle.items), len(bundle.callers), len(bundle.rules))
    zh = "  {} 种证照，{} 个事项，{} 类调用方，{} 条规则".format(*counts)
    en = "  {} licence types, {} items, {} kinds of callers, {} rules".format(*counts)
    OUT.print(say(zh, en), markup=False)
    _show_findings(one for one in analysis.findings if one.severity is not Severity.FAULT)
    plans, tested = analysis.plans, analysis.tested
    OUT.print(
        say(
            f"{analysis.contexts} 种情形，{plans} 种方案；测试覆盖 {tested} 种方案（{analysis.coverage:.0%}）",
            f"{analysis.contexts} contexts, {plans} plans; tests reach {tested} of them ({analysis.coverage:.0%})",
        ),
        markup=False,
    )
    for one in analysis.untested[:_EXAMPLES]:
        text = f"{one.contexts}: {spell_context(one.witness)}"
        OUT.print(f"  {say('未测试', 'not tested')}  {text}", markup=False, style="dim")
    zh, en = (
        f"{len(draft.tests)} 项测试，{len(draft.failed)} 项未通过",
        f"{len(draft.tests)} tests, {len(draft.failed)} failed",
    )
    OUT.print(say(zh, en), markup=False)
    for mutant in survivors or ():
        text = printable(tell(mutant.description))
        OUT.print(say(f"测试未发现改错：{text}", f"no test notices: {text}"), markup=False, style="yellow")
    if survivors is not None and not survivors:
        OUT.print(say("测试能发现每一处改错", "tests notice every mutant"), markup=False)
    show_faults(draft.faults, as_json=False)
    if draft.faults:
        zh, en = f"{len(draft.faults)} 处错误，不能生效。", f"{len(draft.faults)} faults; it cannot come into force."
        ERR.print(say(zh, en), style="red")


def _show_findings(findings: Iterable[Finding]) -> None:
    for one in findings:
        zh, en, style = _SEVERITIES[one.severity]
        OUT.print(f"[{style}]{say(zh, en)}[/]  {escape(printable(tell(one.sentence)))}")
        if one.witness is not None:
            OUT.print(f"    {say('例如', 'such as')} {spell_context(one.witness)}", markup=False, style="dim")


def _describe_check(draft: Draft, survivors: list[Mutant] | None) -> dict[str, Any]:
    bundle, analysis = draft.bundle, draft.analysis
    return {
        "name": bundle.name,
        "version": bundle.version,
        "bundle": draft.digest,
        "ok": not draft.faults and not survivors,
        "faults": [describe_fault(one) for one in draft.faults],
        "findings": [_describe_finding(one) for one in analysis.findings],
        "contexts": analysis.contexts,
        "plans": analysis.plans,
        "tested": analysis.tested,
        "coverage": round(analysis.coverage, 4),
        "untested": [{"contexts": one.contexts, "witness": describe_context(one.witness)} for one in analysis.untested],
        "tests": [_describe_test(one) for one in draft.tests],
        "survivors": None
        if survivors is None
        else [{"rule": one.rule, "zh": one.description.zh, "en": one.description.en} for one in survivors],
    }


def _describe_finding(one: Finding) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "severity": one.severity,
        "subject": one.subject,
        "key": one.key,
        "contexts": one.contexts,
        "witness": describe_context(one.witness),
        "zh": one.sentence.zh,
        "en": one.sentence.en,
    }


def _describe_test(one: TestResult) -> dict[str, Any]:
    return {
        "test": one.name,
        "passed": one.passed,
        "contexts": one.contexts,
        "failures": one.failures,
        "context": describe_context(one.context),
        "differences": [{"field": each.field, "expected": each.expected, "got": each.got} for each in one.differences],
    }
