"""The third part of ``tongban demo``: licences that other systems keep, asked for through the gateway."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from gateway.cli.console import ERR, OUT, print_json
from gateway.cli.language import say
from gateway.cli.verify import STYLE, WORD
from gateway.demo.asking import SystemAnswer
from gateway.demo.neighbours import LIBRARY, NOWHERE, run_neighbours, write_neighbours
from gateway.demo.stage import Stage
from gateway.reason import SENTENCES, Reason
from gateway.verdict import Outcome


@contextmanager
def run_systems(stage: Stage, site: Path, *, library: str | None = None) -> Iterator[None]:
    """Serve the systems that a stage has questions for, and tell the site of them; without questions nothing.

    ``library`` is the address of the library, where it is a process of its own.
    """
    if not stage.systems:
        yield
        return
    elsewhere = NOWHERE if library is None else {LIBRARY.system: library}
    with run_neighbours(stage.stock, elsewhere=elsewhere) as addresses:
        write_neighbours(site, addresses)
        yield


def show_systems(answers: Sequence[SystemAnswer], *, as_json: bool) -> None:
    """Show every answer, and say whether all were right."""
    wrong = [one for one in answers if not one.is_right]
    if as_json:
        for one in answers:
            print_json(_describe(one))
    else:
        OUT.print(_table(answers))
    total, right = len(answers), len(answers) - len(wrong)
    ERR.print(
        say(
            f"向外部系统 {total} 问：{right} 问结论正确，{len(wrong)} 问不正确。",
            f"{total} questions to other systems: {right} outcomes right, {len(wrong)} wrong.",
        )
    )
    for one in wrong:
        ERR.print(
            f"  {one.question.neighbour.system}: {json.dumps(dict(one.body), ensure_ascii=False)[:500]}", markup=False
        )


def _describe(one: SystemAnswer) -> dict[str, object]:
    neighbour = one.question.neighbour
    return {
        "system": neighbour.system,
        "shape": {"zh": neighbour.shape_zh, "en": neighbour.shape_en},
        "claim": one.question.claim,
        "key": dict(one.question.key),
        "expected": {"outcome": neighbour.outcome, "reason": neighbour.reason},
        "right": one.is_right,
        "answer": dict(one.body),
    }


def _table(answers: Sequence[SystemAnswer]) -> Table:
    table = Table(title=say("证照在外部系统（替身）中", "Licences that other systems (stand-ins) keep"))
    for title in (
        say("系统", "system"),
        say("接口形态", "how it speaks"),
        say("证照", "licence"),
        say("结论", "outcome"),
        say("理由", "why"),
    ):
        table.add_column(title, overflow="fold")
    for one in answers:
        neighbour = one.question.neighbour
        outcome = Outcome(one.body["outcome"]) if "outcome" in one.body else Outcome.UNKNOWN
        mark = "" if one.is_right else f" [reverse]{say('不符', 'WRONG')}[/]"
        table.add_row(
            escape(neighbour.system),
            escape(say(neighbour.shape_zh, neighbour.shape_en)),
            escape(one.question.claim),
            f"[{STYLE[outcome]}]{say(*WORD[outcome])}[/]{mark}",
            _why(one),
        )
    return table


def _why(one: SystemAnswer) -> str:
    reasons = [Reason(reason) for reason in one.body.get("reasons", ())]
    if not reasons:
        return say("文件经本网关核验，登记有效。", "The file was verified here, the register has it in force.")
    return "\n".join(f"{reason}: {escape(say(SENTENCES[reason].zh, SENTENCES[reason].en))}" for reason in reasons)
