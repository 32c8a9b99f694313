"""An entry in words: who, for what, which fields in which form, and why; in both languages, from the entry alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.form_letters import FORM_LETTERS
from gateway.audit.leaf import LeafKind
from gateway.callers import CallerRegistry
from gateway.holder.line import FORMS, Line, describe_use
from gateway.holder.names import NO_NAMES, PolicyNames, name_bundle
from gateway.toml_table import Words
from policies.form import FormKind
from tests.support.callers import make_party
from tests.support.usage import ID_CARD_FORM, POLICY, facts, make_access, make_refusal, make_use

HALL = make_party(organisation_name="Real estate centre", organisation_name_zh="示例市不动产登记中心")
CALLERS = CallerRegistry([HALL.caller])
NAMES = name_bundle(POLICY.bundle)


def explain(reason: str) -> Words | None:
    """Know one reason."""
    return Words("原因甲。", "Reason A.") if reason == "a" else None


def line_of(
    *, names: PolicyNames = NAMES, callers: CallerRegistry = CALLERS, is_damaged: bool = False, **changes: Any
) -> Line:
    use = make_use(make_access(**changes), is_damaged=is_damaged)
    return describe_use(use, names=names, callers=callers, explain=explain)


def test_an_answer_in_words() -> None:
    """Everything has the name that the policy had for it when it decided."""
    line = line_of()
    assert [field.words.zh for field in line.fields] == [
        "出生日期：概括提供（如年份、区间、区县）",
        "公民身份号码：仅供比对，未提供内容",
        "姓名：部分遮蔽",
        "证照状态：原样提供",
    ]
    assert line.fields[2].words.en == "name: partly hidden"
    assert (
        line.why.zh
        == "示例市不动产登记中心为办理“不动产登记”，通过“政务服务大厅”查询了居民身份证。按共享策略提供了所列信息。"
    )
    assert line.why.en == (
        'Real estate centre asked about resident identity card for "registration of real estate", through '
        '"Service hall". The fields that are listed were given by the sharing policy.'
    )
    assert line.province is None


def test_every_form_has_words() -> None:
    """No form of a field leaves without its words; a withheld one is not listed."""
    assert FORMS.keys() == set(FORM_LETTERS.values()) - {FORM_LETTERS[FormKind.WITHHELD]}


def test_names_that_are_gone() -> None:
    """Without policy and registration the codes and the forms are told."""
    line = line_of(names=NO_NAMES, callers=CallerRegistry())
    assert (line.organisation, line.system, line.item, line.licence) == (None, None, None, None)
    assert [(field.name, field.form, field.count) for field in line.fields] == [
        (None, "c", 1),
        (None, "g", 1),
        (None, "m", 1),
        (None, "p", 1),
    ]
    assert line.why.zh.startswith(
        "统一社会信用代码为 11370000000000000X 的单位为办理“34-001”，通过“service-hall”查询了电子证照。"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"is_damaged": True},
        {"context": ()},
        {"context": facts("passport")},
        {"context": facts("driving-licence")},
        {"form": ID_CARD_FORM + "p"},
    ],
)
def test_forms_of_no_known_licence_are_counted(changes: dict[str, Any]) -> None:
    """Where the type is unknown, or has another number of fields, no field is named by guess."""
    fields = line_of(**changes).fields
    assert all(field.name is None for field in fields)
    assert sum(field.count for field in fields) == len(changes.get("form", ID_CARD_FORM).replace("-", ""))


def test_counts_in_words() -> None:
    """Fields without a name are told together."""
    fields = line_of(form="pp-m", context=()).fields
    assert [field.words.zh for field in fields] == ["1 项信息：部分遮蔽", "2 项信息：原样提供"]
    assert [field.words.en for field in fields] == ["1 field: partly hidden", "2 fields: given as it is"]


def test_a_form_that_was_cut_off() -> None:
    """Of a licence with more fields than an entry takes the first ones are named."""
    fields = line_of(form="-g+").fields
    assert [field.name.zh for field in fields if field.name is not None] == ["出生日期"]


def test_a_form_of_a_later_version() -> None:
    """A character that is not known is told as another form, and never left out."""
    assert line_of(form="-----z").fields[0].words.zh == "证照状态：以其他形式提供"


def test_a_partner_province() -> None:
    """Who asks from another province is told with its name; one that does not exist is not named."""
    assert line_of(partner="340000").why.zh.startswith("安徽省的示例市不动产登记中心为办理")
    assert line_of(partner="990000").province is None


@pytest.mark.parametrize(
    ("changes", "zh", "en"),
    [
        ({"form": "------"}, "未提供证照所载信息。", "Nothing that the licence states was given."),
        (
            {"kind": LeafKind.MATCH, "form": "--cc--"},
            "所提信息与证照是否相符，只答复“是”或“否”。未提供证照所载信息。",
            "What they compared was answered by yes or no. Nothing that the licence states was given.",
        ),
        (
            {"outcome": "invalid", "reasons": ("a", "b"), "form": ""},
            "核验结论为“无效”。原因甲。未提供证照所载信息。",
            'The licence was found "invalid". Reason A. Nothing that the licence states was given.',
        ),
        (
            {"outcome": "unknown", "form": "-----p"},
            "核验结论为“未知”。按共享策略提供了所列信息。",
            'The licence was found "unknown". The fields that are listed were given by the sharing policy.',
        ),
    ],
)
def test_what_came_of_it(changes: dict[str, Any], zh: str, en: str) -> None:
    """What was given, compared or found is said in one sentence each."""
    why = line_of(**changes).why
    assert why.zh.split("。", 1)[1] == zh
    assert why.en.split('". ', 1)[1] == en


def test_a_refusal_in_words() -> None:
    """A question that was not answered is told with the reason, if there are words for it."""
    for reason, more in (("a", "原因甲。"), ("b", "")):
        line = describe_use(make_use(make_refusal(reason=reason)), names=NAMES, callers=CALLERS, explain=explain)
        assert line.why.zh.endswith(f"查询了电子证照。查询未予答复，未提供任何信息。{more}")
        assert line.fields == ()


@given(
    form=st.text(st.sampled_from("pmgycae-+z"), max_size=12),
    outcome=st.sampled_from(["valid", "invalid", "unknown", "refused", ""]),
    kind=st.sampled_from([LeafKind.ACCESS, LeafKind.MATCH, LeafKind.DENY]),
    item=st.sampled_from(["34-001", "gone", ""]),
    context=st.sampled_from([(), facts(), facts("gone"), ("request-1",)]),
)
def test_every_entry_has_words(form: str, outcome: str, kind: LeafKind, item: str, context: tuple[str, ...]) -> None:
    """Whatever an entry says, both languages say whole sentences, and nobody is named."""
    line = line_of(form=form, outcome=outcome, kind=kind, item=item, context=context)
    assert line.why.zh.endswith("。")
    assert line.why.en.endswith(".")
    assert "3701000042" not in repr(line)
