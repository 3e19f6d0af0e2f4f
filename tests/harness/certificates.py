# SPDX-License-Identifier: Apache-2.0
"""Certificates as openssl makes them: an authority of one's own, servers that it vouches for."""
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


@dataclass
class Pair:
    certificate: Path
    key: Path


@dataclass
class Authority:
    directory: Path
    name: str

    @property
    def certificate(self) -> Path:
        return self.directory / f"{self.name}.pem"

    @property
    def key(self) -> Path:
        return self.directory / f"{self.name}.key"

    def create(self) -> "Authority":
        openssl("req", "-x509", *KEY, "-keyout", str(self.key), "-out", str(self.certificate), "-days", "2", "-subj", f"/CN={self.name}")
        return self

    def issue(self, host: str, name: str = "", days: int = 1) -> Pair:
        """For that host: "IP:127.0.0.1", "DNS:example.org"."""
        path = f"{self.name}-{host.replace(':', '-')}{name}"
        request, key, certificate, extensions = (self.directory / f"{path}.{suffix}" for suffix in ("csr", "key", "pem", "ext"))
        extensions.write_text(f"subjectAltName={host}\n")
        openssl("req", *KEY, "-keyout", str(key), "-out", str(request), "-subj", "/CN=server")
        openssl("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key), "-CAcreateserial",
                "-days", str(days), "-extfile", str(extensions), "-out", str(certificate))
        return Pair(certificate, key)

    def server(self, host: str) -> ssl.SSLContext:
        """A server that is that host."""
        pair = self.issue(host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        return context

    def client(self) -> ssl.SSLContext:
        """A client that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.certificate))
