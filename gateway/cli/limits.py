"""Defaults and bounds of the options, beside the commands so that ``--help`` need not load them."""

from typing import Final

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8440
MAX_WORKERS: Final = 256
DEFAULT_CIPHER: Final = "aes-256-gcm"
DEFAULT_SCRYPT_MIB: Final = 128
DEFAULT_SIGNING_DAYS: Final = 365
DEFAULT_VERIFYING_DAYS: Final = 3_650
DEFAULT_LIST_DAYS: Final = 90
DEFAULT_CREDENTIAL_DAYS: Final = 30
MAX_CREDENTIAL_DAYS: Final = 366  # what was revoked can be shown until then, where nobody asks again
DEFAULT_TOLERANCE_HOURS: Final = 24  # as of questions: older knowledge is no answer to "is it in force"
MAX_LICENCES: Final = 10_000_000  # that are generated: a province has some hundred million, a city ten
MAX_DOCUMENTS: Final = 100_000  # of them with a document, each 40 kB and 20 ms
MAX_SEED: Final = 9

# Modules of `benchmarks`.
BENCHMARKS: Final = (
    "verify",
    "trust",
    "policy",
    "adapter",
    "audit",
    "audit_search",
    "audit_verify",
    "audit_alarms",
    "audit_link",
    "growth",
    "http",
)
FULL_BENCHMARKS: Final = ("growth",)  # those that have a larger size beside their usual ones
SOAK_BENCHMARKS: Final = ("http",)  # those that can go on for as long as it takes to see memory come to rest
MAX_SOAK_MINUTES: Final = 10_080  # a week; the access log in the folder of temporary files grows meanwhile
