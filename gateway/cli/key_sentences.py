"""A sentence with the next step for everything that can go wrong with our own keys, in Chinese and English."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.cli.passphrase import PassphraseError, PassphraseFault
from gateway.own_keys.journal import JournalError, JournalFault
from gateway.own_keys.keystore import KeystoreError, KeystoreFault
from keys.own.errors import OwnKeyError, OwnKeyFault

KeyFailure = OwnKeyError | KeystoreError | JournalError | PassphraseError

SENTENCES: Final[Mapping[StrEnum, tuple[str, str]]] = MappingProxyType(
    {
        OwnKeyFault.MALFORMED: (
            "密钥文件不完整或已被改动。请从备份恢复该文件。",
            "the key file is cut off or was changed; restore it from a backup.",
        ),
        OwnKeyFault.UNKNOWN_FIELD: (
            "密钥文件含有本版本不认识的字段。请用写入该文件的版本打开，或从备份恢复。",
            (
                "the key file has a field that this version does not know; "
                "use the version that wrote it, or restore a backup."
            ),
        ),
        OwnKeyFault.TOO_LARGE: (
            "内容超过允许的长度，不是密钥文件或口令。请检查文件。",
            "this is longer than any key file or passphrase; check that it is the right file.",
        ),
        OwnKeyFault.KDF_OUT_OF_BOUNDS: (
            "scrypt 参数过弱或过大，已拒绝。请从备份恢复该文件，或使用允许范围内的参数。",
            (
                "the scrypt parameters are too weak or too large and were refused; "
                "restore the file from a backup, or choose parameters within the bounds."
            ),
        ),
        OwnKeyFault.NO_MEMORY: (
            "内存不足，无法由口令计算密钥。请释放内存后重试。",
            "there is not enough memory to derive the key from the passphrase; free some and try again.",
        ),
        OwnKeyFault.WRONG_PASSPHRASE: (
            "口令不对，或密钥文件已被改动。请核对口令；确认口令无误时，从备份恢复该文件。",
            (
                "the passphrase is wrong, or the key file was changed; "
                "check the passphrase, and if it is right restore the file from a backup."
            ),
        ),
        OwnKeyFault.WEAK_PASSPHRASE: (
            "口令过短。请使用至少 12 字节的口令。",
            "the passphrase is too short; choose one of at least 12 bytes.",
        ),
        OwnKeyFault.KEY_MISMATCH: (
            "文件内容与其名称所指的密钥不符。请从备份恢复该文件，并查明是谁改动的。",
            "the content belongs to another key than the file names; restore a backup, and find out who did this.",
        ),
        OwnKeyFault.ON_A_TOKEN: (
            "该密钥在密码设备中。请用 --pkcs11-module 指定设备的库。",
            "this key is in a device; name the device's library with --pkcs11-module.",
        ),
        OwnKeyFault.NOT_ACTIVE: (
            "该密钥现在不可签名。请用 tongban keys list 查看当前可用的密钥。",
            "this key may not sign now; see which one may with: tongban keys list.",
        ),
        OwnKeyFault.DEVICE: (
            "密码设备没有完成操作。请检查设备、令牌名称、PIN 以及设备的库。",
            "the device did not do it; check the device, the token's label, the PIN and the library.",
        ),
        KeystoreFault.NO_FOLDER: (
            "密钥文件夹不存在，或是符号链接。请用 --dir 指定文件夹本身；首个密钥由 tongban keys new 创建。",
            (
                "there is no such folder of keys, or it is a link; name the folder itself with --dir "
                "(tongban keys new makes it)."
            ),
        ),
        KeystoreFault.NOT_A_PLAIN_FILE: (
            "这不是普通文件（符号链接、硬链接、管道或设备），已拒绝。请换成文件本身。",
            "this is no plain file (a link, a pipe, a device) and was refused; put the file itself there.",
        ),
        KeystoreFault.OPEN_PERMISSIONS: (
            "其他用户可以读写。请先查明是否有人读过，再执行 chmod 600（文件夹为 chmod 700）。",
            "other users can read or write it; find out whether anybody did, then chmod 600 (a folder: chmod 700).",
        ),
        KeystoreFault.FOREIGN_OWNER: (
            "文件属于其他用户。请用 chown 改为运行网关的用户。",
            "it belongs to another user; chown it to the user that runs the gateway.",
        ),
        KeystoreFault.UNREADABLE: (
            "无法读取。请检查权限和磁盘。",
            "it cannot be read; check permissions and disk.",
        ),
        KeystoreFault.UNWRITABLE: (
            "无法写入。请检查权限和磁盘空间。",
            "it cannot be written; check permissions and space on the disk.",
        ),
        KeystoreFault.NO_SUCH_KEY: (
            "没有这样的密钥。请用 tongban keys list 查看。",
            "there is no such key; see them with: tongban keys list.",
        ),
        KeystoreFault.AMBIGUOUS: (
            "有多个密钥以此开头。请多写几位。",
            "several keys begin so; write more of the id.",
        ),
        KeystoreFault.TOO_SHORT: (
            "编号过短。请至少写出密钥编号的前 8 位。",
            "this names no key; write at least the first 8 characters of an id.",
        ),
        KeystoreFault.EXISTS: (
            "该密钥已在文件夹中。无需再次加入。",
            "this key is in the folder already; there is nothing to do.",
        ),
        KeystoreFault.STATE_MISSING: (
            "密钥的状态文件缺失，无法确定它是否已停用。请从备份恢复。",
            "the state of this key is missing, so nobody knows whether it was retired; restore it from a backup.",
        ),
        KeystoreFault.WRONG_NAME: (
            "文件名与其中的密钥不符。请从备份恢复，或移出文件夹。",
            "the file's name is not the id of the key in it; restore it from a backup, or move it away.",
        ),
        KeystoreFault.TOO_MANY: (
            "文件夹中密钥过多。请将早已失效的密钥移入归档。",
            "there are too many keys in the folder; move those that ended long ago to an archive.",
        ),
        KeystoreFault.RETIRED: (
            "该密钥已被更换。请更换接替它的密钥。",
            "this key was replaced already; rotate the one that replaced it.",
        ),
        JournalFault.UNWRITABLE: (
            "签名记录无法写入，因此未签名。请检查磁盘空间和权限。",
            "the signing journal cannot be written, so nothing was signed; check space and permissions.",
        ),
        JournalFault.UNREADABLE: (
            "签名记录无法读取。请检查权限和磁盘。",
            "the signing journal cannot be read; check permissions and disk.",
        ),
        JournalFault.NOT_A_PLAIN_FILE: (
            "签名记录不是普通文件，已拒绝。请换成文件本身，并查明原因。",
            "the signing journal is no plain file and was refused; put the file itself there, and find out why.",
        ),
        JournalFault.OPEN_PERMISSIONS: (
            "其他用户可以读写签名记录。请先与备份核对内容，再执行 chmod 600。",
            "other users can read or write the signing journal; compare it with a backup, then chmod 600.",
        ),
        JournalFault.LOST: (
            "签名记录丢失或缺少内容，因此未签名。请从备份恢复；无法恢复时，请更换该密钥。",
            (
                "the signing journal, or a part of it, is lost, so nothing was signed; "
                "restore it from a backup, and where there is none rotate the key."
            ),
        ),
        PassphraseFault.NONE_GIVEN: (
            "没有口令。请用 --passphrase-file，或环境变量 TONGBAN_KEY_PASSPHRASE，或在终端中输入。",
            "there is no passphrase; use --passphrase-file, the variable TONGBAN_KEY_PASSPHRASE, or a terminal.",
        ),
        PassphraseFault.UNREADABLE: (
            "口令文件无法读取。请检查路径和权限。",
            "the passphrase file cannot be read; check its path and permissions.",
        ),
        PassphraseFault.OPEN_PERMISSIONS: (
            "其他用户可以读取或改写口令文件。请更换口令，并执行 chmod 600。",
            "other users can read or write the passphrase file; change the passphrase, and chmod 600 the file.",
        ),
        PassphraseFault.NOT_A_FILE: (
            "口令文件不是普通文件或管道。请指定文件。",
            "the passphrase file is neither a file nor a pipe; name a file.",
        ),
        PassphraseFault.UNUSABLE: (
            "口令文件为空、过长或不止一行。请只写入口令一行。",
            "the passphrase file is empty, too long or of several lines; write one line with the passphrase into it.",
        ),
        PassphraseFault.REPEATED_DIFFERENTLY: (
            "两次输入的口令不同。请重试。",
            "the two passphrases differ; try again.",
        ),
    }
)
