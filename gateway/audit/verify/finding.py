"""What an offline verification finds wrong: a kind, the entry and the file it concerns, in words that quote nothing."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MAX_FINDINGS: Final = 1_000  # kept; beyond, they are counted, for one lost folder makes one for each of its files


class FindingKind(StrEnum):
    """What is wrong."""

    MISSING = "missing"
    SURPLUS = "surplus"
    MALFORMED = "malformed"
    DIGEST = "digest-differs"
    MANIFEST = "manifest-differs"
    CHECKPOINT = "checkpoint-unproven"
    ROOT = "root-differs"
    QUORUM = "too-few-witnesses"
    TILE = "tile-differs"
    ENTRY = "entry-differs"
    LEAF = "leaf-malformed"
    EMPTY = "nothing-to-verify"
    PART = "part-only"
    SEQUENCE = "number-gap"
    TIME = "time-went-back"
    POLICY_CHAIN = "policy-chain"
    TRUST_CHAIN = "trust-chain"
    POLICY_MISSING = "policy-missing"
    SEAL_CHAIN = "seal-chain"
    PACKAGE = "package-malformed"
    SIGNATURE = "signature-missing"
    SEARCH = "search-unproven"
    PROOF = "entry-unproven"
    OPENED = "opened-differs"
    REPLAY = "decision-differs"


SENTENCES: Final = MappingProxyType(
    {
        FindingKind.MISSING: ("缺少文件", "a file is missing"),
        FindingKind.SURPLUS: ("多出文件，不属于本份日志", "a file that does not belong to the log"),
        FindingKind.MALFORMED: ("文件内容不合格式", "a file is not of the form it should have"),
        FindingKind.DIGEST: ("文件与清单所记的杂凑值不符", "a file differs from the digest in the manifest"),
        FindingKind.MANIFEST: ("清单与检查点不一致", "the manifest contradicts the checkpoint"),
        FindingKind.CHECKPOINT: ("检查点未经日志有效签名", "a checkpoint is not validly signed by the log"),
        FindingKind.ROOT: ("检查点的树根与条目不符", "a checkpoint has another root than the entries lead to"),
        FindingKind.QUORUM: ("见证方共签未达规定数量", "no checkpoint is cosigned by enough witnesses"),
        FindingKind.TILE: ("杂凑块与其下层不符", "a tile does not follow from what lies below it"),
        FindingKind.ENTRY: ("条目与树中的杂凑值不符", "an entry does not have the hash that the tree has"),
        FindingKind.LEAF: ("条目内容不合格式", "an entry is no canonical leaf"),
        FindingKind.EMPTY: ("没有任何条目可供核验", "there is no entry to verify"),
        FindingKind.PART: ("并非日志的全部条目", "these are not all entries of the log"),
        FindingKind.SEQUENCE: ("调用方的编号不连续", "the numbers of a caller have a gap"),
        FindingKind.TIME: ("条目时间早于前一条", "an entry is earlier than the one before"),
        FindingKind.POLICY_CHAIN: ("策略启用记录前后不衔接", "a policy entry does not follow the one before"),
        FindingKind.TRUST_CHAIN: ("信任库启用记录前后不衔接", "a trust entry does not follow the one before"),
        FindingKind.POLICY_MISSING: ("缺少条目所依据的策略包", "the policy bundle of an entry is missing"),
        FindingKind.SEAL_CHAIN: ("封存记录前后不衔接", "a seal entry does not follow the one before"),
        FindingKind.PACKAGE: ("结论文件有改动或不合格式", "the file of the finding was changed, or is none"),
        FindingKind.SIGNATURE: ("结论未经日志有效签名", "the finding is not validly signed by the log"),
        FindingKind.SEARCH: ("检索记录未经证明", "the search behind the finding is not proven"),
        FindingKind.PROOF: ("条目不在检查点所指的日志中", "an entry is not in the tree of the checkpoint"),
        FindingKind.OPENED: ("开启的内容与承诺值不符", "what was opened is not what the entry commits to"),
        FindingKind.REPLAY: ("重新计算的共享决定与记录不符", "the decision does not follow from its policy and facts"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault; ``entry`` is the number of the entry concerned, or of the first, where there is one."""

    kind: FindingKind
    entry: int | None = None
    path: str = ""
    detail: str = ""


class Findings:
    """The faults of one verification, in the order they were found, up to `MAX_FINDINGS`."""

    def __init__(self) -> None:
        """Begin with none."""
        self.kept: list[Finding] = []
        self.more = 0

    @property
    def is_full(self) -> bool:
        """Whether no more are kept."""
        return len(self.kept) >= MAX_FINDINGS

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not self.kept

    def add(self, kind: FindingKind, *, entry: int | None = None, path: str = "", detail: str = "") -> None:
        """Note a fault."""
        self.take([Finding(kind=kind, entry=entry, path=path, detail=detail)])

    def take(self, findings: list[Finding], more: int = 0) -> None:
        """Note faults that somebody else found, and how many more there were."""
        room = MAX_FINDINGS - len(self.kept)
        self.kept += findings[:room]
        self.more += max(len(findings) - room, 0) + more
