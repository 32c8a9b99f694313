"""``[cache]`` of ``tongban.toml``: how much is kept, and with which key what others keep for us is sealed."""

from dataclasses import dataclass
from typing import Final

from gateway.audit.book.settings import STATE_PATTERN
from gateway.cache.sealed import SealCipher
from gateway.toml_table import TomlTable, Words

KEY_FILE: Final = "state/cache.key"  # made at the first start
MIB: Final = 1024 * 1024
MAX_BYTES: Final = 64 * MIB  # some 15,000 verdicts
_KEY: Final = Words("state/ 下的文件，或绝对路径", "a file below state/, or an absolute path")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Whether anything is kept, how much of memory it takes in each process, and how it is sealed elsewhere.

    ``key`` is the file of the secret, below the site folder or absolute: gateways that share a cache share it.
    """

    enabled: bool = True
    max_bytes: int = MAX_BYTES
    key: str = KEY_FILE
    cipher: SealCipher = SealCipher.AES_256_GCM


def parse_cache(table: TomlTable) -> CacheSettings:
    """Read the table; faults are noted in it."""
    usual = CacheSettings()
    cache = CacheSettings(
        enabled=table.flag("enabled", default=usual.enabled),
        max_bytes=table.integer("max_bytes", default=usual.max_bytes, low=MIB, high=64 * 1024 * MIB),
        key=table.text("key", default=usual.key, pattern=STATE_PATTERN, expected=_KEY),
        cipher=(table.choice("cipher", SealCipher) if table.has("cipher") else None) or usual.cipher,
    )
    table.finish()
    return cache
