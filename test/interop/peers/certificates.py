"""Make the certificates of the interoperability tests: certificates.py FOLDER.

ca.pem issues server.pem and client.pem; other-ca.pem is a stranger who issues stranger.pem; chain9.pem is a server
certificate with eight intermediates, more than fits into three times a client's first datagram.
All keys are ECDSA P-256, NAME-key.pem, PKCS#8.
"""

import datetime
import ipaddress
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = datetime.timedelta(days=3650)
# loopback, then the server's side of the emulated link
ADDRESSES = ["127.0.0.1", "::1", "10.99.100.2", "10.99.101.2", "fd99:100::2", "fd99:101::2"]
INTERMEDIATES = 8


class Issued:
    """A certificate, its key and the chain above it."""

    def __init__(self, name: str, issuer: "Issued | None", *, ca: bool = False, server: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.chain: list[x509.Certificate] = [issuer.certificate, *issuer.chain] if issuer else []
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        signer = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + VALIDITY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
        )
        if not ca:
            usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            names = [x509.DNSName("localhost" if server else name)]
            if server:
                names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self.certificate = builder.sign(signer.key, hashes.SHA256())

    def save(self, folder: Path, name: str, with_chain: bool = False) -> None:
        # the root itself is never sent
        sent = [self.certificate, *(self.chain[:-1] if with_chain else [])]
        pem = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in sent)
        (folder / f"{name}.pem").write_bytes(pem)
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(folder / f"{name}-key.pem", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ca = Issued("skein interop CA", None, ca=True)
    ca.save(folder, "ca")
    Issued("localhost", ca).save(folder, "server")
    Issued("skein-test-client", ca, server=False).save(folder, "client")
    other = Issued("somebody else's CA", None, ca=True)
    other.save(folder, "other-ca")
    Issued("stranger", other, server=False).save(folder, "stranger")
    issuer = ca
    for number in range(INTERMEDIATES):
        issuer = Issued(f"skein interop intermediate {number + 1}", issuer, ca=True)
    Issued("localhost", issuer).save(folder, "chain9", with_chain=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
