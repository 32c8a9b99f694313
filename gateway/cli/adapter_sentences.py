"""The words in which ``tongban adapter`` speaks of losses, outcomes and faults: Chinese, English."""

from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.error import AdapterFault
from adapters.mapping.loss import Verdict
from adapters.mapping.rule import Direction

DIRECTIONS: Final = {
    Direction.BOTH: ("双向", "both"),
    Direction.IN: ("读取", "in"),
    Direction.OUT: ("写出", "out"),
}
VERDICTS: Final = {
    Verdict.DECLARED: ("已声明", "declared"),
    Verdict.UNDECLARED: ("未声明", "not declared"),
    Verdict.STALE: ("声明多余", "declared, yet not lost"),
    Verdict.REFUSED: ("拒绝写出", "refused"),
}
OUTCOMES: Final = {
    AnswerOutcome.FOUND: ("查到", "found"),
    AnswerOutcome.NOT_FOUND: ("未查到", "not found"),
    AnswerOutcome.RETRY: ("须稍后重试", "ask again later"),
    AnswerOutcome.DENIED: ("无权限", "denied"),
    AnswerOutcome.PARTIAL: ("不完整", "partial"),
    AnswerOutcome.NOT_PROVIDED: ("对方不提供", "not provided"),
    AnswerOutcome.ERROR: ("对方出错", "error"),
}
FAULTS: Final = {
    AdapterFault.TOO_LARGE: ("消息或其中一项过大", "the message, or something in it, is too large"),
    AdapterFault.CHARSET: ("字符集不符", "the character set is another one"),
    AdapterFault.SYNTAX: ("格式有误或有歧义", "the syntax is wrong or ambiguous"),
    AdapterFault.SHAPE: ("结构与映射不符", "the structure is not that of the mapping"),
    AdapterFault.TYPE: ("值的类型不符", "a value is of another type"),
    AdapterFault.VALUE: ("值不在编解码的范围内", "a value is outside of what its codecs take"),
    AdapterFault.CODE: ("代码表中没有可写出的代码", "the code table has no code for a value"),
    AdapterFault.STATUS: ("该系统无法表达此状态", "the system cannot say this status"),
    AdapterFault.OUTCOME: ("该系统无法表达此结果", "the system cannot say this outcome"),
    AdapterFault.HOLDERS: ("持证主体的名称、代码与类型不对应", "names, codes and types of the holders do not pair"),
}
