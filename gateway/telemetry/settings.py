"""Whether requests are traced, how many, and where the spans go: the table ``[telemetry]`` of ``tongban.toml``.

```toml
[telemetry]
endpoint = "http://127.0.0.1:4318/v1/traces"
sample = 0.01
service = "tongban"
```
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from gateway.toml_table import TomlTable, Words

# Without a user and a password, which would end up in logs: a collector is on this machine, or behind a proxy that is.
URL_PATTERN: Final = (
    r"https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,255})?"
)
_URL: Final = Words(
    "OTLP/HTTP 地址，如 http://127.0.0.1:4318/v1/traces（不含用户名与口令）",
    "an address for OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces, without a user or a password",
)
_SERVICE_PATTERN: Final = r"[A-Za-z0-9._-]{1,64}"
_SERVICE: Final = Words("1 至 64 个字母、数字或 . _ -", "1 to 64 letters, digits or . _ -")
_INSTALLED: Final = Words("已安装 tongban[telemetry]", "tongban[telemetry] to be installed")
_LIBRARY: Final = "opentelemetry"


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """Where spans go, none without an ``endpoint``; ``sample`` is the share of the requests that are traced."""

    endpoint: str = ""
    sample: float = 0.01
    service: str = "tongban"

    @property
    def is_on(self) -> bool:
        """Whether anything is traced."""
        return bool(self.endpoint) and self.sample > 0


def parse_telemetry(table: TomlTable) -> TelemetrySettings:
    """Read the settings; without ``endpoint`` nothing is traced, and no library is needed."""
    usual = TelemetrySettings()
    settings = TelemetrySettings(
        endpoint=table.text("endpoint", default=usual.endpoint, pattern=URL_PATTERN, expected=_URL),
        sample=table.share("sample", default=usual.sample),
        service=table.text("service", default=usual.service, pattern=_SERVICE_PATTERN, expected=_SERVICE),
    )
    if settings.endpoint and not _is_installed():
        table.fault("endpoint", expected=_INSTALLED, found=Words("缺少 opentelemetry", "no library opentelemetry"))
    table.finish()
    return settings


def _is_installed() -> bool:
    return all(find_spec(name) is not None for name in (_LIBRARY, f"{_LIBRARY}.sdk", f"{_LIBRARY}.exporter"))
