"""A TLS server on the loopback address, and a client that trusts it and nobody else."""

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@cache
def _loopback_pems() -> tuple[bytes, bytes]:
    """Return the certificate of 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    return certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def loopback_files(folder: Path) -> tuple[Path, Path]:
    """Write the certificate of 127.0.0.1 and its key for a server that reads files, and return where they are."""
    files = folder / "certificate.pem", folder / "key.pem"
    for file, pem in zip(files, _loopback_pems(), strict=True):
        file.write_bytes(pem)
    return files


@cache
def loopback_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server at 127.0.0.1 and of a client."""
    certificate, _ = _loopback_pems()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # a chain is only read from files
        server.load_cert_chain(*loopback_files(Path(folder)))
    return server, ssl.create_default_context(cadata=certificate.decode())
