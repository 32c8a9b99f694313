"""A sentence with the next step for everything that can be wrong with the lists of a trust folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from keys.errors import TrustListFault, TrustListFlaw


class ListProblem(StrEnum):
    """What is wrong with a file beside what it says itself."""

    UNREADABLE = "unreadable"
    WRONG_NAME = "wrong-name"  # a file that holds another list than its name says
    NO_ROOTS = "no-roots"  # nobody said by hand who may sign the first version
    ROOTS_MALFORMED = "roots-malformed"
    MISSING = "missing"  # root keys without a list: the first version is still to come
    GONE = "gone"  # the same, after a list was in force
    TOO_MANY = "too-many"
    OLDER_THAN_ARCHIVE = "older-than-archive"  # an old file was put back
    NOT_IN_FORCE = "not-in-force"  # verified, and not within issued and expires
    HELD = "held"  # it changes so much that somebody has to approve it
    APPROVAL_REFUSED = "approval-refused"
    MEMORY_MALFORMED = "memory-malformed"  # what was in force last can no longer be read


Problem = ListProblem | TrustListFlaw | TrustListFault

# A verified version whose time is over or not yet come: it does not take the place of the list in force.
UNTIMELY: Final = frozenset({TrustListFault.NOT_YET_ISSUED, TrustListFault.EXPIRED})
# What is worth saying and refuses nothing.
_NOTICES: Final = UNTIMELY | {
    ListProblem.MISSING,
    ListProblem.NOT_IN_FORCE,
    ListProblem.HELD,
    ListProblem.APPROVAL_REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFinding:
    """Something to say about ``file``, a path inside the trust folder; ``detail`` holds numbers, places, key ids."""

    file: str
    problem: Problem
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        """Say whether it refuses the folder as a whole."""
        return self.problem not in _NOTICES

    @property
    def sentence(self) -> str:
        """Return the finding in English, with the next step."""
        return _with_detail(SENTENCES[self.problem][1], self.detail)

    @property
    def sentence_zh(self) -> str:
        """Return the finding in Chinese, with the next step."""
        return _with_detail(SENTENCES[self.problem][0], self.detail)

    def __str__(self) -> str:
        """Return the line for people."""
        return f"{self.file}: {self.sentence}"


def _with_detail(sentence: str, detail: str) -> str:
    return f"{sentence} ({detail})" if detail else sentence


_MALFORMED_ZH: Final = "不是有效的信任名单文件。请向发布者重新获取。"

SENTENCES: Final[Mapping[Problem, tuple[str, str]]] = MappingProxyType(
    {
        ListProblem.UNREADABLE: ("无法读取。请检查权限和磁盘。", "cannot be read; check permissions and disk"),
        ListProblem.WRONG_NAME: (
            "文件名与其中名单的名称不符。请改用 tongban trust publish 发布。",
            "the file is not named like the list in it; put lists in place with: tongban trust publish",
        ),
        ListProblem.NO_ROOTS: (
            "roots.json 中没有此名单的根密钥。请向名单的管理方当面核对公钥，再用 tongban trust roots 写入。",
            (
                "roots.json has no root keys for this list; "
                "get them from its keepers by a way that you trust, then: tongban trust roots"
            ),
        ),
        ListProblem.ROOTS_MALFORMED: (
            "根密钥文件有误。请用 tongban trust roots 重新写入。",
            "the file of root keys is wrong; write it anew with: tongban trust roots",
        ),
        ListProblem.MISSING: (
            "有根密钥，尚无名单。请用 tongban trust publish 发布第一个版本。",
            "has root keys and no list yet; put the first version in place with: tongban trust publish",
        ),
        ListProblem.GONE: (
            (
                "名单文件不见了。请恢复文件，或重新发布该版本或下一版本；"
                "若确要停用，请同时删除 roots.json 中的根密钥和 state/trust/ 中的同名文件。"
            ),
            (
                "the list is gone; restore the file, or publish this version again or the next one; "
                "to give the list up delete its root keys in roots.json and its file in state/trust/ too"
            ),
        ),
        ListProblem.TOO_MANY: ("名单过多。", "holds more lists than are read"),
        ListProblem.OLDER_THAN_ARCHIVE: (
            "版本低于已归档的版本，可能是旧文件被放回。请从 archive/ 恢复最新版本。",
            "is older than one in the archive: perhaps an old file was put back; restore the newest from archive/",
        ),
        ListProblem.NOT_IN_FORCE: (
            "名单不在有效期内，其中的信任暂不生效。请发布新版本，并核对本机时钟。",
            "is not within its period, so nobody on it is trusted now; publish a newer version, and check the clock",
        ),
        ListProblem.HELD: (
            (
                "名单变动过大，等待批准，原名单继续有效。"
                "请用 tongban trust diff 查看，再用 tongban trust publish --approved-by 批准。"
            ),
            (
                "changes so much that it waits for approval, and the old one stays in force; "
                "look at it with: tongban trust diff, approve it with: tongban trust publish --approved-by"
            ),
        ),
        ListProblem.APPROVAL_REFUSED: (
            (
                "批准文件无效：须由有权签名而未签过此版本的另一把密钥签署。"
                "请用 tongban trust publish --approved-by 重新批准。"
            ),
            (
                "the approval does not count: it takes another key that may sign and has not signed this version; "
                "approve again with: tongban trust publish --approved-by"
            ),
        ),
        ListProblem.MEMORY_MALFORMED: (
            (
                "记录现行名单的文件已损坏，无法判断名单是否被退回旧版。"
                "请核对 lists/ 中的版本确为最新，再删除该损坏文件。"
            ),
            (
                "no longer says which list was in force, so that an old one could pass for new; "
                "make sure that the version in lists/ is the newest, then delete this file"
            ),
        ),
        TrustListFlaw.TOO_LARGE: ("超出信任名单的大小上限。", "is larger than a trust list may be"),
        TrustListFlaw.JSON: (_MALFORMED_ZH, "is no trust list: not JSON with the members of one; get it again"),
        TrustListFlaw.NOT_CANONICAL: (
            "不是规范写法，可能被编辑器改动过。请向发布者重新获取原文件。",
            "has another spelling than the canonical one: perhaps an editor changed it; get the file again as it was",
        ),
        TrustListFlaw.SCHEMA: ("版本不受支持。请升级，或向发布者询问。", "is in another version of the format"),
        TrustListFlaw.TEXT: (_MALFORMED_ZH, "has a text that is empty, too long or not printable"),
        TrustListFlaw.TIME: (_MALFORMED_ZH, "has a moment that is none, or ends before it begins"),
        TrustListFlaw.NUMBER: (_MALFORMED_ZH, "has a number out of bounds"),
        TrustListFlaw.KEY: ("其中有无法使用的密钥。", "has a key that cannot be used, or one id twice"),
        TrustListFlaw.THRESHOLD: (
            "所需签名数多于可签名的密钥数。",
            "asks for more signatures than it has keys that may sign",
        ),
        TrustListFlaw.CERTIFICATE: (
            "其中有无法解析的证书，整份名单不予采用。",
            "has a certificate that cannot be read",
        ),
        TrustListFlaw.ENTRY: ("其中有无效的条目。", "has an entry about nobody, about two at once, or for nothing"),
        TrustListFlaw.CA_AS_MAKER: (
            "把整个 CA 列为制章人。请逐一列出制章人的证书或名称。",
            "names a CA as a seal maker; name the makers one by one",
        ),
        TrustListFault.OTHER_LIST: ("是另一份名单。", "is another list than the one in force"),
        TrustListFault.ROLLBACK: (
            "比现行版本旧，已拒绝。请查明来源。",
            "is older than the list in force; find out who delivered it",
        ),
        TrustListFault.EQUIVOCATION: (
            "与现行名单版本号相同而内容不同。请要求管理方说明，在此之前不要采用。",
            "says that it is the version in force and has other content; its keepers must explain this first",
        ),
        TrustListFault.GAP: (
            "中间缺少版本。请按顺序取得并发布缺少的版本。",
            "versions in between are missing; get them and publish them in order",
        ),
        TrustListFault.WRONG_PREVIOUS: (
            "不是接在现行版本之后制作的。请以现行版本为基础重新制作。",
            "was not made from the list in force; make it anew from that one",
        ),
        TrustListFault.KEY_ID_REUSED: (
            "把已有的密钥编号给了另一把密钥。请管理方为新密钥另取编号。",
            "gives the id of a known key to another key; its keepers must give the new key an id of its own",
        ),
        TrustListFault.BAD_SIGNATURE: (
            "签名不成立，内容已被改动或签名有误。",
            "has a signature that does not verify: it was changed after it was signed",
        ),
        TrustListFault.TOO_FEW_SIGNATURES: (
            "签名数不足。请由更多有权者用 tongban trust sign 签名。",
            "has too few signatures of its own keys; more of them have to sign: tongban trust sign",
        ),
        TrustListFault.TOO_FEW_OLD_SIGNATURES: (
            "缺少现行名单（首个版本为根密钥）的足够签名。",
            "has too few signatures of the keys of the list in force, or of the root keys for a first version",
        ),
        TrustListFault.TOO_LONG_LIVED: ("有效期过长。", "lasts longer than a list may"),
        TrustListFault.NOT_YET_ISSUED: (
            "签发时间在将来。请核对本机时钟。",
            "is issued in the future; check the clock of this machine",
        ),
        TrustListFault.EXPIRED: ("已过期。请取得新版本。", "has expired; get a newer version"),
    }
)
