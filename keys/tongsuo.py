"""SM2 by Tongsuo, through the package tongsuopy: the second stack, a branch of OpenSSL 1.1.1 with its own SM2 code.

The package is optional (extra "second-opinion") and is loaded when somebody asks for it, never by an import of ours.
Its interface knows the usual user id only.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from keys.errors import LibraryUnusableError
from keys.memo import Memo
from keys.second_opinion import SecondStackError

_INSTALL: Final = "install it with the extra second-opinion (pip install 'tongban[second-opinion]')"
_KEYS: Final = 1_024  # keys inside the library; a share of the signers and makers that a province sees in an hour


class TongsuoStack:
    """Tongsuo as a second stack; it may be used by several threads at once."""

    def __init__(self) -> None:
        """Load the package.

        Raises:
            LibraryUnusableError: it is not installed, or its library does not load; the text says what to install.

        """
        try:
            self._ec: Any = import_module("tongsuopy.crypto.asymciphers.ec")
            hashes: Any = import_module("tongsuopy.crypto.hashes")
            errors: Any = import_module("tongsuopy.crypto.exceptions")
            self._bad: type[Exception] = errors.InvalidSignature
            self._curve: Any = self._ec.SM2()
            self._algorithm: Any = self._ec.ECDSA(hashes.SM3())
            self.name = f"Tongsuo by tongsuopy {version('tongsuopy')}"
        except (ImportError, PackageNotFoundError, AttributeError) as error:
            raise LibraryUnusableError(f"the second SM2 stack, tongsuopy, cannot be loaded: {_INSTALL}") from error
        self._keys: Memo[bytes, Any] = Memo(_KEYS)

    def is_signed(self, point: bytes, message: bytes, signature: bytes) -> bool:
        """Return whether the key 04‖x‖y made ``signature``, minimal DER, over ``message`` under the usual user id.

        A key that the library refuses has signed nothing.

        Raises:
            SecondStackError: the library failed; that is no answer.

        """
        try:
            key = self._keys.get(point, lambda: self._ec.EllipticCurvePublicKey.from_encoded_point(self._curve, point))
        except ValueError:
            return False
        except Exception as error:
            raise SecondStackError(f"loading a key: {type(error).__name__}") from error
        try:
            key.verify(signature, message, self._algorithm)
        except self._bad:
            return False
        except Exception as error:
            raise SecondStackError(f"verifying: {type(error).__name__}") from error
        return True
