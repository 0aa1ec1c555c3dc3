# SPDX-License-Identifier: BSD-2-Clause
"""SIP over UDP by hand, for what no stack does by itself: requests sent twice, out of order, or not
at all."""
import os
import re
import socket
import time

from rig import proc

SDP = ("v=0\r\no=wire 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio 9 RTP/AVP 0\r\n")


class Wire:
    """One call to a port of 127.0.0.1. seen: what came, as (time.monotonic(), text)."""

    def __init__(self, port, number="4711", caller="+493099887"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.uri = "sip:%s@127.0.0.1:%d" % (number, port)
        self.to, self.caller = "<%s>" % self.uri, caller
        self.call_id = "wire-" + os.urandom(8).hex()
        self.seen = []

    def send(self, method, cseq=1, branch=None, body="", to=None):
        """A request; with the same cseq and branch it is the same one again."""
        lines = ["%s %s SIP/2.0" % (method, self.uri),
                 "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s%s" % (
                     self.port, self.call_id, branch or method + str(cseq)),
                 "From: <sip:%s@127.0.0.1:%d>;tag=wire" % (self.caller, self.port),
                 "To: " + (to or self.to), "Call-ID: " + self.call_id,
                 "CSeq: %d %s" % (cseq, method), "Max-Forwards: 70",
                 "Contact: <sip:wire@127.0.0.1:%d>" % self.port]
        if body:
            lines.append("Content-Type: application/sdp")
        lines += ["Content-Length: %d" % len(body), "", body]
        self.socket.send("\r\n".join(lines).encode())

    def answer(self, text, status="200 OK"):
        """Answer a request that came."""
        kept = [line for line in text.split("\r\n")
                if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
        self.socket.send("\r\n".join(["SIP/2.0 " + status] + kept + [
            "Content-Length: 0", "", ""]).encode())

    def wait(self, first, cseq=r"\d+ \w+", timeout=10.0):
        """Read until a message comes that begins so and has such a CSeq; returns its text. A To tag
        is learned from it."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise proc.Failed("waited in vain for %s; saw %s" % (first, self.heads()))
            self.socket.settimeout(left)
            try:
                text = self.socket.recv(65536).decode()
            except (socket.timeout, ConnectionRefusedError):
                continue
            self.seen.append((time.monotonic(), text))
            if text.startswith(first) and re.search(r"^CSeq: *%s\r$" % cseq, text, re.M):
                if text.startswith("SIP/2.0 2"):
                    self.to = re.search(r"^To: *(.*)\r$", text, re.M).group(1)
                return text

    def final(self, timeout=10.0):
        """The final answer to the INVITE, which may have come already."""
        for _, text in self.seen:
            if re.match(r"SIP/2.0 [2-6]", text) and "CSeq: 1 INVITE\r" in text:
                return text
        deadline = time.monotonic() + timeout
        while True:
            text = self.wait("SIP/2.0", "1 INVITE", deadline - time.monotonic())
            if not text.startswith("SIP/2.0 1"):
                return text

    def heads(self):
        return [text.split("\r\n", 1)[0] for _, text in self.seen]

    def times(self, first, cseq=r"\d+ \w+"):
        """When such messages came."""
        return [t for t, text in self.seen if text.startswith(first)
                and re.search(r"^CSeq: *%s\r$" % cseq, text, re.M)]

    def stop(self):
        self.socket.close()
