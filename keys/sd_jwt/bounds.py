"""Every size that a reader of credentials accepts, each with its reason."""

from datetime import timedelta
from typing import Final

KIB: Final = 1024

MAX_SD_JWT: Final = 256 * KIB  # characters: a licence with a portrait as data URI has about 60,000
MAX_DISCLOSURES: Final = 1_000  # the surface of a licence has at most some hundred fields and rows
MAX_DIGESTS: Final = 4_000  # embedded ones, of which decoys and what is not disclosed have no disclosure
MAX_DEPTH: Final = 16  # of the claims when all is unfolded; a table in a licence is 4 deep
MAX_DECOYS: Final = 100
MAX_TEXT: Final = 1_024  # characters of an issuer, a type, an audience or a nonce
MAX_SECONDS: Final = 253_402_300_799  # the last second of the year 9999
LEEWAY: Final = timedelta(seconds=30)  # how far two clocks may differ, as for tokens of callers
MAX_BINDING_AGE: Final = timedelta(minutes=5)  # between the holder's signature and its arrival, as for those tokens
