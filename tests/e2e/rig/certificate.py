# SPDX-License-Identifier: BSD-2-Clause
"""Certificates for TLS tests, made by openssl: an authority of our own and servers signed by it."""
import os
import subprocess


def _openssl(*args):
    subprocess.run(["openssl"] + list(args), check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class Authority:
    def __init__(self, folder, name="Rig CA"):
        self.dir = str(folder)
        os.makedirs(self.dir, exist_ok=True)
        self.file = self.dir + "/ca.pem"
        self._key = self.dir + "/ca.key"
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                 "/CN=" + name, "-keyout", self._key, "-out", self.file)

    def server(self, name, alt):
        """A certificate with key in one PEM file. alt: subjectAltName, e.g. "DNS:pbx.example"."""
        base = self.dir + "/" + name
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout",
                 base + ".key", "-out", base + ".csr")
        with open(base + ".ext", "w") as f:
            f.write("subjectAltName=%s\n" % alt)
        _openssl("x509", "-req", "-in", base + ".csr", "-CA", self.file, "-CAkey", self._key,
                 "-CAcreateserial", "-days", "2", "-extfile", base + ".ext", "-out", base + ".crt")
        with open(base + ".pem", "w") as out:
            for part in (".key", ".crt"):
                with open(base + part) as f:
                    out.write(f.read())
        return base + ".pem"
