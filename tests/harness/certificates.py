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

    def server(self, host: str) -> ssl.SSLContext:
        """A server that is that host: "IP:127.0.0.1", "DNS:example.org"."""
        path = self.directory / f"{self.name}-{host.replace(':', '-')}"
        request, key, certificate = (path.with_suffix(suffix) for suffix in (".csr", ".key", ".pem"))
        extensions = path.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={host}\n")
        openssl("req", *KEY, "-keyout", str(key), "-out", str(request), "-subj", "/CN=server")
        openssl("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key), "-CAcreateserial",
                "-days", "1", "-extfile", str(extensions), "-out", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
