"""The errors of the package are one family."""

import inspect

from keys import errors
from keys.errors import ChainError, ChainFault, KeysError, SignatureFault, SignatureVerificationError


def test_every_error_has_the_common_root():
    """One except clause catches whatever this package raises on purpose."""
    found = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, Exception)]
    assert len(found) == 10
    assert all(issubclass(error, KeysError) for error in found)


def test_faults_are_fields_and_words():
    """An error carries its fault as an enum, and says it in its text."""
    assert str(SignatureVerificationError(SignatureFault.BAD)) == "bad"
    error = ChainError(ChainFault.NOT_A_CA, "certificate 1F")
    assert (error.fault, error.detail, str(error)) == (
        ChainFault.NOT_A_CA,
        "certificate 1F",
        "not-a-ca: certificate 1F",
    )
