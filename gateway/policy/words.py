"""What the fixed values of a policy are called, in Chinese and in English, for the tables that officials read."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from policies.catalogue import Sensitivity, ShareClass
from policies.dimension import AgeClass, Consent, HolderType, Home, LicenceStatus, OutcomeClass
from policies.fault import Words
from policies.form import Form, FormKind
from policies.rule import AuditDepth, BudgetSubject, Counted

VALUES: Final[Mapping[StrEnum, Words]] = MappingProxyType(
    {
        Home.OWN: Words("本省", "own province"),
        Home.PARTNER: Words("合作省份", "partner"),
        LicenceStatus.ACTIVE: Words("有效", "active"),
        LicenceStatus.SUSPENDED: Words("暂扣", "suspended"),
        LicenceStatus.EXPIRED: Words("已失效", "expired"),
        LicenceStatus.REVOKED: Words("已吊销", "revoked"),
        LicenceStatus.CANCELLED: Words("已注销", "cancelled"),
        LicenceStatus.SUPERSEDED: Words("已换证", "superseded"),
        LicenceStatus.UNKNOWN: Words("状态不明", "unknown"),
        HolderType.PERSON: Words("自然人", "person"),
        HolderType.SOLE_TRADER: Words("个体工商户", "sole trader"),
        HolderType.ORGANISATION: Words("法人或其他组织", "organisation"),
        AgeClass.UNDER_14: Words("不满 14 周岁", "under 14"),
        AgeClass.MINOR: Words("14 至 17 周岁", "14 to 17"),
        AgeClass.ADULT: Words("成年", "adult"),
        AgeClass.UNDETERMINED: Words("年龄不明", "age not known"),
        AgeClass.NOT_APPLICABLE: Words("不适用", "not applicable"),
        Consent.NONE: Words("无授权同意", "no consent"),
        Consent.GIVEN: Words("本人授权同意", "consent given"),
        Consent.STATUTORY: Words("法定职责", "statutory"),
        OutcomeClass.VALID: Words("核验有效", "valid"),
        OutcomeClass.INVALID: Words("核验无效", "invalid"),
        OutcomeClass.UNKNOWN: Words("核验未知", "not proven"),
        ShareClass.UNCONDITIONAL: Words("无条件共享", "unconditional"),
        ShareClass.CONDITIONAL: Words("有条件共享", "conditional"),
        ShareClass.NONE: Words("不予共享", "not shared"),
        ShareClass.UNCLASSIFIED: Words("未分类", "unclassified"),
        Sensitivity.PUBLIC: Words("公开", "public"),
        Sensitivity.INTERNAL: Words("内部", "internal"),
        Sensitivity.PERSONAL: Words("个人信息", "personal"),
        Sensitivity.SENSITIVE: Words("敏感个人信息", "sensitive"),
        AuditDepth.BRIEF: Words("简要日志", "brief log"),
        AuditDepth.FULL: Words("完整日志", "full log"),
        BudgetSubject.CALLER: Words("调用方", "caller"),
        BudgetSubject.OFFICIAL: Words("经办人", "official"),
        BudgetSubject.SUBJECT: Words("持证主体", "holder"),
        BudgetSubject.CASE: Words("办件", "case"),
        BudgetSubject.ITEM: Words("事项", "item"),
        Counted.QUESTIONS: Words("查询次数", "questions"),
        Counted.MATCHES: Words("比对次数", "comparisons"),
        Counted.MISSES: Words("未命中次数", "misses"),
        Counted.SUBJECTS: Words("不同持证主体数", "different holders"),
        Counted.NEIGHBOURS: Words("相邻号码查询次数", "numbers beside one another"),
    }
)
FORM_WORDS: Final = {  # without a scheme
    FormKind.PLAIN: Words("原值", "as it is"),
    FormKind.MASK: Words("脱敏", "mask"),
    FormKind.GENERAL: Words("概括", "general"),
    FormKind.PSEUDONYM: Words("化名", "pseudonym"),
    FormKind.MATCH: Words("仅比对", "compare"),
    FormKind.ATTEST: Words("证明", "attest"),
    FormKind.EXISTS: Words("仅示有无", "exists"),
    FormKind.WITHHELD: Words("不予提供", "withheld"),
}


def name_form(text: str) -> Words:
    """Return what a form is called; its scheme stays as policies spell it.

    Raises:
        ValueError: it is no form.

    """
    form = Form.parse(text)
    words = FORM_WORDS[form.kind]
    return Words(f"{words.zh}（{form.scheme}）", f"{words.en} ({form.scheme})") if form.scheme else words
