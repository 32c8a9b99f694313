"""Where the shared Redis is and how long a question waits for it: the table ``[redis]`` of ``tongban.toml``.

```toml
[redis]
urls = ["rediss://redis-1.example.gov.cn:6379", "rediss://redis-2.example.gov.cn:6379"]
cluster = true
username = "tongban"
password_file = "state/redis.password"
ca_file = "/etc/ssl/private-ca.pem"
```
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from gateway.secret_file import SecretError, SecretFault, read_private_file
from gateway.toml_table import Fault, TomlTable, Words, describe_os_error

DEFAULT_PORT: Final = 6379
MAX_URLS: Final = 32  # from any one that answers, a cluster is known
MAX_CONNECTIONS: Final = 512
# A host name or an address and a port; no user and no password, which would end up in logs: there is a file for it.
URL_PATTERN: Final = r"rediss?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?/?"
_TLS_SCHEME: Final = "rediss"
_URLS: Final = Words(
    "redis://主机:端口 或 rediss://主机:端口（不含用户名与口令，口令写入 password_file）",
    "redis://host:port or rediss://host:port, without a user or a password (there is password_file)",
)
_NO_USER: Final = ""
_PREFIX: Final = Words("1 至 64 个字母、数字或 : . _ -", "1 to 64 letters, digits or : . _ -")
_FILE: Final = Words("文件路径：绝对路径，或相对于站点文件夹", "a path: absolute, or from the site folder")
_PASSWORD: Final = Words("仅本用户可读的口令文件", "a file with the password that nobody else may read")
_CA: Final = Words("PEM 格式的 CA 证书", "CA certificates in PEM form")
_SECRET_FAULTS: Final = {
    SecretFault.ABSENT: Words("文件不存在", "no such file"),
    SecretFault.UNREADABLE: Words("无法读取", "an unreadable file"),
    SecretFault.NOT_A_FILE: Words("不是普通文件", "no plain file"),
    SecretFault.OPEN_PERMISSIONS: Words("其他用户可读写的文件", "a file that others may read or write"),
    SecretFault.UNUSABLE: Words("其他内容", "something else"),
}


class Address(NamedTuple):
    """Where a server of Redis listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Which Redis is shared, none without ``addresses``; several are those of one cluster.

    A question waits for one command at most `command_seconds`, and where a connection has to be made first
    `connect_seconds` more. ``prefix`` begins every key; two gateways with one prefix share caches, limits and budgets.
    ``connections`` is how many commands one server gets at once from each process.
    """

    addresses: tuple[Address, ...] = ()
    cluster: bool = False
    tls: bool = False
    username: str = _NO_USER
    password_file: str = ""
    ca_file: str = ""
    prefix: str = "tongban:"
    command_seconds: float = 0.05
    connect_seconds: float = 0.2
    connections: int = 32

    @property
    def is_on(self) -> bool:
        """Whether there is a shared Redis."""
        return bool(self.addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAccess:
    """The settings and what their files hold; repr shows no password."""

    settings: RedisSettings
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


def parse_redis(table: TomlTable) -> RedisSettings:
    """Read the settings; without ``urls`` there is no shared Redis."""
    usual = RedisSettings()
    urls = table.texts("urls", most=MAX_URLS, default=(), pattern=URL_PATTERN, expected=_URLS)
    schemes = {url.partition(":")[0] for url in urls}
    if len(schemes) > 1:
        found = Words("两者并存", "both")
        table.fault(
            "urls", expected=Words("全部 redis:// 或全部 rediss://", "either all with TLS or none"), found=found
        )
    cluster = table.flag("cluster", default=usual.cluster)
    if len(urls) > 1 and not cluster:
        expected = Words("一个地址，或 cluster = true", "one address, or cluster = true")
        table.fault("urls", expected=expected, found=str(len(urls)))
    settings = RedisSettings(
        addresses=tuple(_parse_addresses(table, urls)),
        cluster=cluster,
        tls=schemes == {_TLS_SCHEME},
        username=table.text("username", default=usual.username),
        password_file=table.text("password_file", default=usual.password_file, expected=_FILE),
        ca_file=table.text("ca_file", default=usual.ca_file, expected=_FILE),
        prefix=table.text("prefix", default=usual.prefix, pattern=r"[A-Za-z0-9:._-]{1,64}", expected=_PREFIX),
        command_seconds=table.seconds("command_seconds", default=usual.command_seconds, low=0.005, high=5),
        connect_seconds=table.seconds("connect_seconds", default=usual.connect_seconds, low=0.01, high=5),
        connections=table.integer("connections", default=usual.connections, low=1, high=MAX_CONNECTIONS),
    )
    _check_together(table, settings)
    table.finish()
    return settings


def _parse_addresses(table: TomlTable, urls: tuple[str, ...]) -> list[Address]:
    """Return where the servers are; a port that cannot be is a fault."""
    found = []
    for url in urls:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:  # brackets around no address, a port above 65535
            host, port = None, None
        if not host or port == 0:
            table.fault("urls", expected=_URLS, found=Words("不存在的地址或端口", "a host or a port that cannot be"))
            return []
        found.append(Address(host, DEFAULT_PORT if port is None else port))
    return found


def _check_together(table: TomlTable, settings: RedisSettings) -> None:
    """Note what means nothing without something else."""
    if settings.username and not settings.password_file:
        table.fault("password_file", expected=_FILE, found=Words("仅有 username", "a username alone"))
    if settings.ca_file and settings.is_on and not settings.tls:
        table.fault("ca_file", expected=Words("rediss:// 地址", "rediss:// addresses"), found="redis://")


def open_access(folder: Path, settings: RedisSettings, *, file: str, faults: list[Fault]) -> RedisAccess | None:
    """Read the files that the settings name; None where there is no shared Redis, or after a fault of ``file``.

    Nothing is asked of Redis: a gateway starts without it.
    """
    if not settings.is_on:
        return None
    password, before = None, len(faults)
    if settings.password_file:
        try:
            password = _read_password(folder / settings.password_file)
        except SecretError as error:
            found = _SECRET_FAULTS[error.fault]
            faults.append(Fault(file=file, key="redis.password_file", expected=_PASSWORD, found=found))
    tls = _make_context(folder, settings, file=file, faults=faults) if settings.tls else None
    return RedisAccess(settings=settings, password=password, tls=tls) if len(faults) == before else None


def _read_password(path: Path) -> str:
    """Return the password that a file holds, without the line end of an editor.

    Raises:
        SecretError: there is none, or others may read it.

    """
    content = read_private_file(path).removesuffix(b"\n").removesuffix(b"\r")
    try:
        password = content.decode()
    except UnicodeDecodeError:
        raise SecretError(SecretFault.UNUSABLE, str(path)) from None  # the cause carries the password
    if not password:
        raise SecretError(SecretFault.UNUSABLE, str(path))
    return password


def _make_context(folder: Path, settings: RedisSettings, *, file: str, faults: list[Fault]) -> ssl.SSLContext | None:
    """Return how servers are recognised: by the CAs of the site alone, or where it names none by the machine's."""
    if not settings.ca_file:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody yet, and looks at names
    try:
        context.load_verify_locations(cadata=(folder / settings.ca_file).read_text(encoding="ascii"))
        return context  # noqa: TRY300 — beside what it is made of
    except OSError as error:
        found = Words("其他内容", "something else") if isinstance(error, ssl.SSLError) else describe_os_error(error)
    except ValueError:  # no ASCII, or empty
        found = Words("其他内容", "something else")
    faults.append(Fault(file=file, key="redis.ca_file", expected=_CA, found=found))
    return None
