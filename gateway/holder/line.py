"""One line of the answer: an entry as its holder reads it, in Chinese and in English."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType
from typing import Final

from gateway.audit.form_letters import COMPARED, CUT_OFF, FORM_LETTERS, WITHHELD
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.search.usage import Usage
from gateway.callers import CallerRegistry
from gateway.holder.names import PROVINCES, LicenceNames, PolicyNames
from gateway.presentations.presentation import PRESENTED
from gateway.toml_table import Words
from gateway.verdict import Outcome
from policies.form import FormKind

# How a field left, by the character that entries have for it.
FORMS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        FORM_LETTERS[kind]: words
        for kind, words in {
            FormKind.PLAIN: Words("原样提供", "given as it is"),
            FormKind.MASK: Words("部分遮蔽", "partly hidden"),
            FormKind.GENERAL: Words("概括提供（如年份、区间、区县）", "given in general terms (year, range, district)"),
            FormKind.PSEUDONYM: Words("以代号提供", "given as a pseudonym"),
            FormKind.MATCH: Words("仅供比对，未提供内容", "compared only, its content not given"),
            FormKind.ATTEST: Words("仅答复是否，未提供内容", "a yes or no about it, its content not given"),
            FormKind.EXISTS: Words("仅告知有无，未提供内容", "only whether there is one, its content not given"),
        }.items()
    }
)
_OTHER_FORM: Final = Words("以其他形式提供", "given in another form")
_OUTCOMES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        Outcome.VALID: Words("有效", "valid"),
        Outcome.INVALID: Words("无效", "invalid"),
        Outcome.UNKNOWN: Words("未知", "unknown"),
    }
)
_A_LICENCE: Final = Words("电子证照", "an e-licence")
_NO_ITEM: Final = Words("未载明的事项", "an item that is not stated")
_NOT_ANSWERED: Final = Words("查询未予答复，未提供任何信息。", "It was not answered, and nothing was given.")
_COMPARED: Final = Words("所提信息与证照是否相符，只答复“是”或“否”。", "What they compared was answered by yes or no.")
_SHOWN: Final = Words("该证照由持证人出示亮证码。", "Its holder showed a code for it.")
_GAVE: Final = Words("按共享策略提供了所列信息。", "The fields that are listed were given by the sharing policy.")
_GAVE_NOTHING: Final = Words("未提供证照所载信息。", "Nothing that the licence states was given.")

ExplainReason = Callable[[str], Words | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """In which form a field left; without a name: ``count`` fields of a licence type that is not known any more."""

    name: Words | None
    form: str
    words: Words
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry in words; None where no name is known."""

    organisation: Words | None
    system: Words | None
    province: Words | None
    item: Words | None
    licence: Words | None
    fields: tuple[FieldLine, ...]
    why: Words = Words("", "")  # noqa: RUF009 - an immutable value


def describe_use(use: Usage, *, names: PolicyNames, callers: CallerRegistry, explain: ExplainReason) -> Line:
    """Return an entry in words; ``explain`` knows the reasons that entries name."""
    content = use.leaf.content
    licence = names.licence(use.facts)
    line = Line(
        organisation=callers.name_organisation(content.org),
        system=callers.name_system(content.caller),
        province=PROVINCES.get(content.partner[:2]),
        item=names.items.get(content.item),
        licence=None if licence is None else licence.name,
        fields=_fields(content.form, licence),
    )
    return replace(line, why=_sentence(content, line, explain))


def _fields(form: str, licence: LicenceNames | None) -> tuple[FieldLine, ...]:
    """Return what left, field by field; by forms alone where the form is of no type that is known."""
    letters = form.removesuffix(CUT_OFF)
    if licence is not None and (len(letters) == len(licence.fields) or letters != form):
        named = zip(licence.fields, letters, strict=False)  # the fields behind a form that was cut off are not recorded
        return tuple(_field(name, letter) for name, letter in named if letter != WITHHELD)
    left = sorted(letters.replace(WITHHELD, ""))
    return tuple(_some_fields(letter, len(list(same))) for letter, same in groupby(left))


def _field(name: Words, letter: str) -> FieldLine:
    words = FORMS.get(letter, _OTHER_FORM)
    return FieldLine(name=name, form=letter, words=Words(f"{name.zh}：{words.zh}", f"{name.en}: {words.en}"))


def _some_fields(letter: str, count: int) -> FieldLine:
    words = FORMS.get(letter, _OTHER_FORM)
    said = Words(f"{count} 项信息：{words.zh}", f"{count} fields: {words.en}" if count > 1 else f"1 field: {words.en}")
    return FieldLine(name=None, form=letter, words=said, count=count)


# --- why --------------------------------------------------------------------------------------------------------------


def _sentence(content: LeafDraft, line: Line, explain: ExplainReason) -> Words:
    """Say who asked, what for, and what came of it."""
    shown = [_SHOWN] if PRESENTED in content.reasons else []
    return _join([_question(content, line), *shown, _result(content, line, explain)])


def _question(content: LeafDraft, line: Line) -> Words:
    who = line.organisation or Words(f"统一社会信用代码为 {content.org} 的单位", f"The organisation {content.org}")
    through = line.system or Words(content.caller, content.caller)
    item = line.item or (Words(content.item, content.item) if content.item else _NO_ITEM)
    licence = line.licence or _A_LICENCE
    if line.province is not None:
        who = Words(f"{line.province.zh}的{who.zh}", f"{who.en} ({line.province.en})")
    return Words(
        f"{who.zh}为办理“{item.zh}”，通过“{through.zh}”查询了{licence.zh}。",
        f'{who.en} asked about {licence.en} for "{item.en}", through "{through.en}".',
    )


def _result(content: LeafDraft, line: Line, explain: ExplainReason) -> Words:
    because = [words for reason in content.reasons if (words := explain(reason)) is not None]
    if content.kind is LeafKind.DENY:
        return _join([_NOT_ANSWERED, *because])
    said: list[Words] = []
    if content.kind is LeafKind.MATCH:
        said.append(_COMPARED)
    outcome = _OUTCOMES.get(content.outcome)
    if outcome is not None and content.outcome != Outcome.VALID:
        said += [Words(f"核验结论为“{outcome.zh}”。", f'The licence was found "{outcome.en}".'), *because]
    is_given = any(one.form != COMPARED for one in line.fields)
    said.append(_GAVE if is_given else _GAVE_NOTHING)
    return _join(said)


def _join(sentences: Sequence[Words]) -> Words:
    return Words("".join(one.zh for one in sentences), " ".join(one.en for one in sentences))
