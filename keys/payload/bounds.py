"""Every size that this package accepts, each with its reason."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

MAX_PAYLOAD: Final = 32 * MIB  # bytes: a licence file of 20 MiB in base64 with the fields around it
MAX_SPELLED: Final = 2 * MAX_PAYLOAD + KIB  # characters: hexadecimal doubles; base64 with line ends takes less
MAX_SECRET: Final = KIB  # bytes: shared secrets have 16 to 64
MAX_WRAPPED_SECRET: Final = 4 * KIB  # characters of a wrapped secret, three times what the longest one needs
MAX_ASSOCIATED: Final = KIB  # bytes of data that a cipher binds: an application id
MAX_TEMPLATE: Final = 512  # characters: the longest that is known names four fields
MAX_FIELDS: Final = 32  # of one request under a signature; the most that is known is four
MAX_FIELD: Final = 4 * KIB  # characters of one of them: what HTTP servers take as a header is about twice that
