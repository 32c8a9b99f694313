"""The check character of an e-licence identifier (电子证照标识): GB/T 36904, GB/T 17710."""

from adapters.codes.alphabet import ALPHABET_36, VALUES_36


def identifier_check_character(payload: str) -> str | None:
    """Return the ISO/IEC 7064 MOD 37,36 character over type, issuer, serial and version of an e-licence identifier.

    Dots are left out, lower case counts as upper case (GB/T 36904, GB/T 17710).
    None when another character than letters and digits occurs, or nothing at all: there is no check character then.
    """
    characters = payload.replace(".", "")
    if not characters or not characters.isascii():  # some letters outside ASCII have ASCII capitals
        return None
    product = 36
    for character in characters.upper():
        value = VALUES_36.get(character)
        if value is None:
            return None
        product = 2 * ((product + value) % 36 or 36) % 37
    return ALPHABET_36[(37 - product) % 36]
