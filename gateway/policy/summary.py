"""A difference of two policies in short: how much widens for each item, and how much was written otherwise."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from policies.bundle import Bundle
from policies.difference.line import DiffLine, Topic
from policies.fault import Words

_TOPICS: Final = {
    Topic.FIELD: Words("字段", "fields"),
    Topic.OBLIGATION: Words("义务", "obligations"),
    Topic.LICENCE: Words("证照类型", "licence types"),
    Topic.CATALOGUE: Words("证照字段", "fields of licences"),
    Topic.CALLER: Words("调用方类别", "kinds of callers"),
    Topic.ITEM: Words("事项", "items"),
    Topic.RULE: Words("规则", "rules"),
    Topic.CEILING: Words("事项上限", "ceilings of items"),
    Topic.TOGETHER: Words("并提限制", "fields that may not meet"),
    Topic.BUDGET: Words("额度", "budgets"),
    Topic.TEST: Words("测试", "tests"),
    Topic.BUNDLE: Words("策略本身", "the policy itself"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The lines about one item, or, without an item, those of one topic about what is written.

    ``callers`` (kinds), ``licences`` (types) and ``fields`` count those that lines which widen speak of.
    """

    item: str
    topic: Topic | None
    name: Words
    lines: int
    widening: int
    callers: int = 0
    licences: int = 0
    fields: int = 0

    @property
    def sentence(self) -> Words:
        """Say it."""
        other = self.lines - self.widening
        if not self.item:
            return Words(
                f"{self.name.zh}：{self.widening} 处扩大，其他 {other} 处",
                f"{self.name.en}: {self.widening} lines widen, {other} others",
            )
        return Words(
            f"{self.name.zh}（{self.item}）：{self.widening} 处扩大，涉及 {self.callers} 类调用方、"
            f"{self.licences} 种证照、{self.fields} 个字段；其他 {other} 处",
            f"{self.name.en} ({self.item}): {self.widening} lines widen, for kinds of callers: {self.callers}, "
            f"licence types: {self.licences}, fields: {self.fields}; {other} others",
        )


def summarise(lines: Iterable[DiffLine], old: Bundle | None, new: Bundle) -> tuple[Summary, ...]:
    """Sum up the lines of a difference: what is written by topic, then items by code."""
    return tuple(_summarise(lines, old, new))


def _summarise(lines: Iterable[DiffLine], old: Bundle | None, new: Bundle) -> Iterator[Summary]:
    by_item: defaultdict[str, list[DiffLine]] = defaultdict(list)
    by_topic: defaultdict[Topic, list[DiffLine]] = defaultdict(list)
    for line in lines:
        (by_item[line.item] if line.item else by_topic[line.topic]).append(line)
    for topic in Topic:
        if found := by_topic.get(topic):
            widening = sum(one.widens for one in found)
            yield Summary(item="", topic=topic, name=_TOPICS[topic], lines=len(found), widening=widening)
    names = {one.id: Words(one.zh, one.en) for bundle in (old, new) if bundle is not None for one in bundle.items}
    for item, found in sorted(by_item.items()):
        widening_lines = [one for one in found if one.widens]
        yield Summary(
            item=item,
            topic=None,
            name=names.get(item, Words(item, item)),
            lines=len(found),
            widening=len(widening_lines),
            callers=len({kind for one in widening_lines for kind, _ in one.callers}),
            licences=len({one.licence for one in widening_lines}),
            fields=len({(one.licence, one.field) for one in widening_lines if one.field}),
        )
