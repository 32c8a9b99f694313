"""The second part of ``tongban demo``: what each caller saw of a licence, in which form, and why not more."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from gateway.cli.console import ERR, OUT, print_json
from gateway.cli.language import say
from gateway.demo.asking import SharingAnswer
from gateway.http.problems import PROBLEMS, ProblemKind


def show_sharing(answers: Sequence[SharingAnswer], *, as_json: bool) -> None:
    """Show every answer, and say whether all were right."""
    wrong = [answer for answer in answers if not answer.is_right]
    if as_json:
        for answer in answers:
            print_json(_describe(answer))
    else:
        OUT.print(_table(answers))
    total, right = len(answers), len(answers) - len(wrong)
    ERR.print(
        say(
            f"共享 {total} 问：{right} 问所见正确，{len(wrong)} 问不正确。",
            f"{total} questions of callers: {right} saw what they must, {len(wrong)} did not.",
        )
    )
    for answer in wrong:
        ERR.print(
            f"  {answer.question.caller.id}: {json.dumps(dict(answer.body), ensure_ascii=False)[:500]}", markup=False
        )


def _describe(answer: SharingAnswer) -> dict[str, object]:
    question = answer.question
    return {
        "caller": question.caller.id,
        "kind": question.caller.kind,
        "region": question.caller.region,
        "claim": question.claim,
        "item": question.item,
        "consent": question.consents is not None,
        "expected": {"fields": dict(question.expected), "match": question.matches, "refused": question.refused},
        "right": answer.is_right,
        "answer": dict(answer.body),
    }


def _table(answers: Sequence[SharingAnswer]) -> Table:
    table = Table(title=say("同一证照，不同调用方所见", "One licence, and what each caller sees of it"))
    for title in (
        say("调用方", "caller"),
        say("证照", "licence"),
        say("事项", "for"),
        say("所见", "sees"),
        say("不提供，理由", "withheld, and why"),
    ):
        table.add_column(title, overflow="fold")
    for answer in answers:
        question = answer.question
        caller = say(question.caller.name_zh, question.caller.name)
        consent = say("（附持证人同意）", " (with the holder's consent)") if question.consents is not None else ""
        item = say(question.item_zh, question.item_en) + consent
        mark = "" if answer.is_right else f" [reverse]{say('不符', 'WRONG')}[/]"
        sees, withheld = _words(answer.body)
        table.add_row(escape(caller), escape(question.claim), escape(item), sees + mark, withheld)
    return table


def _words(body: Mapping[str, Any]) -> tuple[str, str]:
    if "fields" not in body:
        text = PROBLEMS[ProblemKind(body["reason"])]
        return "-", escape(f"{body['reason']}: {say(text.title, text.title_en)}")
    sees: list[str] = []
    withheld: defaultdict[str, list[str]] = defaultdict(list)
    for name, answer in body["fields"].items():
        if answer["form"] == "withheld":
            withheld[answer["reason"]].append(name)
        elif "value" in answer:
            sees.append(f"{escape(name)} [dim]{escape(answer['form'])}[/] {escape(str(answer['value']))}")
        else:
            sees.append(f"{escape(name)} [dim]{escape(answer['form'])}[/]")
    match = body.get("match")
    if match is not None:
        words = {True: say("一致", "yes"), False: say("不一致", "no"), None: say("不予回答", "not answered")}
        sees.insert(0, f"[bold]{say('比对', 'match')}: {words[match['outcome']]}[/]")
    return "\n".join(sees), "\n".join(f"{reason}: {escape(', '.join(names))}" for reason, names in withheld.items())
