"""The sentences of a comparison: who sees what otherwise, for which item, on which licence."""

from collections.abc import Sequence
from typing import Final

from policies.bundle import Bundle
from policies.difference.line import DiffLine, Topic
from policies.dimension import Home
from policies.fault import Words
from policies.form import WITHHELD

_NAMED: Final = 4  # kinds of callers that a sentence names before it counts
_HOMES: Final = {Home.OWN: Words("本省", "of this province"), Home.PARTNER: Words("合作方", "of partners")}
OBLIGATIONS: Final = {
    "audit": Words("日志详略", "depth of the access log"),
    "keep_days": Words("记录保存天数", "days that records are kept"),
    "per_minute": Words("每分钟次数上限", "questions a minute"),
    "watermark": Words("水印", "watermark"),
}


class Names:
    """What kinds of callers, items, licence types and fields are called, by the newer version that has them."""

    def __init__(self, old: Bundle, new: Bundle) -> None:
        """Collect the names."""
        self.callers = {one.id: Words(one.zh, one.en) for bundle in (old, new) for one in bundle.callers}
        self.items = {one.id: Words(one.zh, one.en) for bundle in (old, new) for one in bundle.items}
        self.licences = {one.id: Words(one.zh, one.en) for bundle in (old, new) for one in bundle.licences}

    def list_callers(self, callers: Sequence[tuple[str, str]]) -> Words:
        """Name the kinds of callers, each with where they belong when only one sort of them is concerned."""
        homes: dict[str, list[str]] = {}
        for kind, home in callers:
            homes.setdefault(kind, []).append(home)
        named = [self._name_caller(kind, where) for kind, where in list(homes.items())[:_NAMED]]
        zh, en = "、".join(one.zh for one in named), ", ".join(one.en for one in named)
        more = len(homes) - len(named)
        return (
            Words(f"{zh}等 {len(homes)} 类调用方", f"{en} and {more} more kinds of callers") if more else Words(zh, en)
        )

    def _name_caller(self, kind: str, homes: list[str]) -> Words:
        name = self.callers[kind]
        if len(homes) == len(Home):
            return name
        where = _HOMES[Home(homes[0])]
        return Words(f"{name.zh}（{where.zh}）", f"{name.en} ({where.en})")

    def describe(self, line: DiffLine) -> Words:
        """Say who sees what otherwise, or is asked for what otherwise."""
        who, what, which = self.list_callers(line.callers), self.items[line.item], self.licences[line.licence]
        words = _describe_field(line) if line.topic is Topic.FIELD else _describe_obligation(line)
        return Words(
            f"{who.zh}在{what.zh}（{line.item}）中对{which.zh}{words.zh}，涉及 {line.contexts} 种情形",
            f"{who.en}, for {what.en} ({line.item}), {words.en} of {which.en}; {line.contexts} contexts",
        )


def _describe_field(line: DiffLine) -> Words:
    old, new, name = line.old, line.new, line.field
    if old == str(WITHHELD):
        return Words(f"可多见 {name}（{new}）", f"can now see {name} ({new})")
    if new == str(WITHHELD):
        return Words(f"不再可见 {name}（原为 {old}）", f"no longer see {name} ({old} before)")
    return Words(f"所见 {name} 由 {old} 变为 {new}", f"see {name} as {new}, no longer as {old}")


def _describe_obligation(line: DiffLine) -> Words:
    called = OBLIGATIONS[line.field]
    return Words(
        f"的{called.zh}由 {line.old or '无限制'} 变为 {line.new or '无限制'}",
        f"have another {called.en}: {line.new or 'no limit'}, {line.old or 'no limit'} before",
    )
