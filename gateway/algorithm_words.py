"""What was expected in a table of algorithms, in Chinese and English."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keys.errors import AlgorithmFlaw

EXPECTED: Final[Mapping[AlgorithmFlaw, tuple[str, str]]] = MappingProxyType(
    {
        AlgorithmFlaw.TOO_LARGE: ("较小的文件", "a smaller file"),
        AlgorithmFlaw.TOML: ("UTF-8 编码的 TOML", "TOML in UTF-8"),
        AlgorithmFlaw.UNKNOWN_KEY: ("keys、digests 及其中的 until、source", "keys and digests, with until and source"),
        AlgorithmFlaw.TABLE: ("一个表（[…]）", "a table"),
        AlgorithmFlaw.ALGORITHM: (
            "sm2、p-256、ed25519、rsa-2048 等密钥，或 SM3、SHA256 等摘要算法",
            "a key such as sm2, p-256, ed25519, rsa-2048, or a digest such as SM3, SHA256",
        ),
        AlgorithmFlaw.MOMENT: (
            "带时区的日期时间，例如 2031-01-01T00:00:00+08:00",
            "a date-time with an offset, such as 2031-01-01T00:00:00+08:00",
        ),
        AlgorithmFlaw.SOURCE: ("说明依据的文本", "a text that says by whose word"),
    }
)
