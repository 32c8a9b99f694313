"""``tongban bench``: measure, and hold each figure against its goal."""

import importlib
import json

from rich.table import Table

from gateway.cli.console import ERR, OUT, ExitCode, print_json
from gateway.cli.language import say
from gateway.cli.limits import BENCHMARKS, FULL_BENCHMARKS, SOAK_BENCHMARKS


def bench(name: str, *, rounds: int, full: bool, soak: int | None, as_json: bool) -> ExitCode:
    """Run one benchmark; 0 when every goal is reached, 1 when one is missed."""
    if name not in BENCHMARKS:
        ERR.print(f"tongban: {say('没有此测试', 'no such benchmark')}: {name} ({', '.join(BENCHMARKS)})", markup=False)
        return ExitCode.USAGE
    for option, is_given, those in (("--full", full, FULL_BENCHMARKS), ("--soak", soak is not None, SOAK_BENCHMARKS)):
        if is_given and name not in those:
            zh, en = f"仅下列测试可用 {option}", f"{option} is for these only"
            ERR.print(f"tongban: {say(zh, en)}: {', '.join(those)}", markup=False)
            return ExitCode.USAGE
    more = ({"full": True} if full else {}) | ({} if soak is None else {"soak": soak})
    # Loaded by name, so that the gateway imports no benchmark (benchmarks import everything, nothing imports them).
    result = importlib.import_module(f"benchmarks.{name}").run(rounds=rounds, **more)
    if as_json:
        print_json(result)
    else:
        rounds_zh, rounds_en = f"性能测试 {name} · {result['rounds']} 轮", f"bench {name} · {result['rounds']} rounds"
        titles = (say("指标", "measure"), say("实测", "value"), say("目标", "goal"), say("达标", "ok"))
        table = Table(*titles, title=say(rounds_zh, rounds_en))
        for figure in result["reach"]:
            sign = "≥" if figure["better"] == "higher" else "≤"
            table.add_row(
                figure["measure"],
                f"{figure['value']} {figure['unit']}",
                f"{sign} {figure['goal']} {figure['unit']}",
                say("是", "yes") if figure["ok"] else say("否", "NO"),
            )
        OUT.print(table)
        OUT.print_json(json.dumps(result["detail"], ensure_ascii=False))
    return ExitCode.DONE if all(figure["ok"] for figure in result["reach"]) else ExitCode.INVALID
