"""Defaults and bounds of the options, beside the commands so that ``--help`` need not load them."""

from typing import Final

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8440
MAX_WORKERS: Final = 256
