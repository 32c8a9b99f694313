"""China Standard Time: what the dates and times of licences and seals mean when they state no zone."""

from datetime import timedelta, timezone
from typing import Final

CHINA_STANDARD_TIME: Final = timezone(timedelta(hours=8))
