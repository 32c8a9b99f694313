"""A living PKI of other people's making (certomancer): its lists and its OCSP answers, by several algorithms."""

import ipaddress
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import CertLabel, CertomancerConfig
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.serving import WSGIRequestHandler, make_server

from gateway.status.keeper import StatusKeeper
from gateway.status.shelf import Shelf
from gateway.status.source import SourceKind, StatusSource
from keys.certificate import Certificate, parse_certificate
from keys.chain import build_chain
from keys.revocation import RevocationReason, RevocationState, revocation_status
from keys.trust import Anchor, Purpose, TrustStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REVOKED = datetime(2026, 2, 1, tzinfo=UTC)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)

_KEYS = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def certificate(name: str, *extensions: dict[str, object], **more: object) -> dict[str, object]:
    validity = {"valid-from": "2024-01-01T00:00:00+0000", "valid-to": "2034-01-01T00:00:00+0000"}
    return {"subject": name, "issuer": "ca", "validity": validity, "extensions": list(extensions), **more}


def smart(identifier: str, schema: str, params: object, **more: object) -> dict[str, object]:
    return {"id": identifier, "smart-value": {"schema": schema, "params": params}, **more}


SIGNING = smart("key_usage", "key-usage", ["digital_signature"], critical=True)
ADDRESSES = (
    smart("crl_distribution_points", "crl-dist-url", {"crl-repo-names": ["ca"]}),
    smart("authority_information_access", "aia-urls", {"ocsp-responder-names": ["ca"]}),
)
CONFIGURATION = {
    "keyset": "keys",
    "entity-defaults": {"country-name": "CN", "organization-name": "Tongban tests"},
    "entities": {name: {"common-name": name} for name in ("ca", "responder", "good", "revoked")},
    "certs": {
        "ca": certificate(
            "ca",
            {"id": "basic_constraints", "critical": True, "value": {"ca": True}},
            smart("key_usage", "key-usage", ["key_cert_sign", "crl_sign"], critical=True),
        ),
        "responder": certificate(
            "responder",
            SIGNING,
            {"id": "extended_key_usage", "value": ["ocsp_signing"]},
            {"id": "ocsp_no_check"},
        ),
        "good": certificate("good", SIGNING, *ADDRESSES),
        "revoked": certificate(
            "revoked",
            SIGNING,
            *ADDRESSES,
            revocation={"revoked-since": REVOKED.strftime("%Y-%m-%dT%H:%M:%S+0000"), "reason": "key_compromise"},
        ),
    },
    "services": {
        "ocsp": {"ca": {"for-issuer": "ca", "responder-cert": "responder"}},
        "crl-repo": {"ca": {"for-issuer": "ca", "simulated-update-schedule": "P1D"}},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A PKI that serves itself."""

    host: str
    certificates: dict[str, Certificate]

    def source(self, kind: SourceKind, path: str) -> StatusSource:
        """Return the source of its lists or answers."""
        return StatusSource(
            name=str(kind),
            kind=kind,
            issuer=self.certificates["ca"],
            urls=(f"http://{self.host}/{path}",) if path else (),
            from_certificates=not path,
            hosts=frozenset({self.host}),
            networks=LOOPBACK,
        )


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, *_: object) -> None:
        """Do nothing."""


@pytest.fixture(params=list(_KEYS))
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve a PKI whose keys are all of one algorithm."""
    folder = tmp_path_factory.mktemp("pki")
    names = ("ca", "responder", "good", "revoked")
    for name in names:
        key = _KEYS[request.param]()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
    server = make_server("127.0.0.1", 0, lambda *_: [], request_handler=Quiet)
    host = f"127.0.0.1:{server.server_port}"
    configuration = CertomancerConfig(
        {
            "external-url-prefix": f"http://{host}",
            "keysets": {"keys": {"path-prefix": str(folder), "keys": {n: {"path": f"{n}.pem"} for n in names}}},
            "pki-architectures": {"live": CONFIGURATION},
        },
        key_search_dir=str(folder),
    )
    architecture = next(iter(configuration.pki_archs.values()))
    server.app = Animator(AnimatorArchStore(configuration.pki_archs), at_time=NOW, with_web_ui=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    found = {name: parse_certificate(architecture.get_cert(CertLabel(name)).dump()) for name in names}
    yield Live(host=host, certificates=found)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (SourceKind.LIST, "live/crls/ca/latest.crl"),
        (SourceKind.OCSP, "live/ocsp/ca"),
        (SourceKind.LIST, ""),
        (SourceKind.OCSP, ""),
    ],
)
async def test_a_living_pki(live, tmp_path, kind, path):
    """From its own servers, by configured addresses or by those in its certificates, one is good and one is revoked."""
    base = TrustStore(anchors=(Anchor(certificate=live.certificates["ca"], purposes=frozenset(Purpose)),))
    moment = NOW + timedelta(seconds=1)
    keeper = StatusKeeper(base, [live.source(kind, path)], shelf=Shelf(tmp_path), clock=lambda: moment)
    chains = {
        name: build_chain(live.certificates[name], store=base, purpose=Purpose.SIGNER, at=moment)
        for name in ("good", "revoked")
    }
    for chain in chains.values():
        keeper.watch(chain)
    assert (await keeper.refresh(str(kind))).errors == []
    await keeper.close()

    def ask(name):
        return revocation_status(chains[name], store=keeper.current(), now=moment, trusted_time=None)

    assert ask("good").state is RevocationState.GOOD
    found = ask("revoked")
    assert (found.state, found.revoked_at) == (RevocationState.REVOKED, REVOKED)
    assert found.reason is RevocationReason.KEY_COMPROMISE
