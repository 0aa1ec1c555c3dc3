# SPDX-License-Identifier: BSD-2-Clause
"""Trunks: digest through a real proxy, registration, TCP, TLS, SRTP, and who may talk to us."""
import re
import socket

import pytest

from conftest import NUMBER
from rig import proc, sipp
from rig.phone import Person
from speech import MESSAGE, PROMPTS, Voice

ONE = {"call": {"attempts": 1}}


def via(kamailio, **more):
    """Settings of a trunk at a provider that knows alice."""
    return dict({"uri": "sip:{number}@provider.example",
                 "proxy": "sip:127.0.0.1:%d" % kamailio.port, "domain": "provider.example",
                 "user": "alice", "password": "secret"}, **more)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_digest_through_a_proxy(rig, tmp_path, transport):
    phone = rig.phone(Person(digits="4@5"))
    provider = rig.kamailio(phone)
    d = rig.daemon(over=dict(PROMPTS, call={"repeat_message": 5}),
                   trunks=[via(provider, transport=transport)])
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "acknowledged")
    assert provider.saw("invite refused") == 1 and provider.saw("invite accepted") == 1
    phone.wait_event("CALL_CLOSED")
    Voice(d, tmp_path).assert_in(phone.heard()[0], MESSAGE)
    assert "secret" not in d.output()


def test_wrong_password_is_refused_once_and_said(rig):
    phone = rig.phone()
    provider = rig.kamailio(phone)
    d = rig.daemon(over=ONE, trunks=[via(provider, password="wr0ng-secret")])
    alert = d.raise_alert(NUMBER)
    seen = d.wait_state(alert, "exhausted")
    call, = d.calls(alert)
    assert call["result"] == "failed" and call["cause"]["sip"] in (401, 403, 407)
    assert provider.saw("invite accepted") == 0 and provider.saw("invite refused") <= 3
    assert phone.of("CALL_INCOMING") == []
    assert "wr0ng-secret" not in d.output() and "wr0ng-secret" not in str(seen)


def test_password_from_a_file(rig, tmp_path):
    phone = rig.phone(Person(digits="4@1"))
    provider = rig.kamailio(phone)
    (tmp_path / "password").write_text("secret\n")
    settings = via(provider, password_file=str(tmp_path / "password"))
    del settings["password"]
    d = rig.daemon(trunks=[settings])
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")


def test_registration_and_its_end(rig):
    phone = rig.phone(Person(digits="4@1"))
    provider = rig.kamailio(phone)
    d = rig.daemon(trunks=[via(provider, register=True)])
    proc.wait_for("the registration", lambda: provider.saw("register accepted"))
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")
    d.stop()
    assert re.search(r"register accepted for \S+ expires 0\b", provider.proc.output()), \
        "a trunk that ends takes its registration away"


def test_refused_registration_is_seen(rig):
    phone = rig.phone()
    provider = rig.kamailio(phone)
    d = rig.daemon(trunks=[via(provider, register=True, password="wr0ng")], start=False)
    d.start(ready=False)

    def unhealthy():
        try:
            trunk, = d.get("/v1/trunks").json["items"]
        except OSError:
            return None
        return trunk if not trunk["healthy"] and trunk["text"] else None
    assert re.search(r"40[137]", proc.wait_for("the trunk to be unhealthy", unhealthy)["text"])


@pytest.mark.parametrize("password, result", [("secret", "acknowledged"), ("wrong", "exhausted")])
def test_digest_checked_by_sipp(rig, password, result):
    then = (sipp.ringing() + sipp.answered() + sipp.pause(300) + sipp.info("4", 1) + sipp.ends())
    peer = rig.peer(sipp.challenge("alice", "secret", then))
    d = rig.daemon(peer, over=ONE, user="alice", password=password)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, result)
    refused = [m for m in peer.messages("403", sent=True)]
    assert len(refused) == (0 if password == "secret" else 1)
    assert len(peer.messages("INVITE", sent=False)) == 2


# --- TLS and SRTP ---------------------------------------------------------------------------------

def tls(phone, **more):
    return dict({"uri": "sip:{number}@127.0.0.1:%d" % (phone.port + 1), "transport": "tls"}, **more)


def test_tls_and_srtp(rig, tmp_path):
    ca = rig.authority()
    phone = rig.phone(Person(digits="4@5"), srtp=True,
                      certificate=ca.server("pbx", "DNS:pbx.example"))
    d = rig.daemon(over=dict(PROMPTS, call={"repeat_message": 5}), trunks=[tls(
        phone, tls_ca=ca.file, tls_verify_name="pbx.example", srtp="mandatory")])
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED")
    assert "SRTP is Enabled" in phone.proc.output()
    Voice(d, tmp_path).assert_in(phone.heard()[0], MESSAGE)


@pytest.mark.parametrize("fault", ["wrong name", "unknown authority"])
def test_wrong_certificate_is_refused(rig, fault):
    ca, other = rig.authority(), rig.authority("Somebody Else")
    phone = rig.phone(Person(digits="4@1"), certificate=ca.server("pbx", "DNS:pbx.example"))
    d = rig.daemon(over=ONE, trunks=[tls(
        phone, tls_ca=other.file if fault == "unknown authority" else ca.file,
        tls_verify_name="other.example" if fault == "wrong name" else "pbx.example")])
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    assert phone.of("CALL_INCOMING") == [], "not even the number may be told to a stranger"
    assert {c["result"] for c in d.calls(alert)} <= {"failed", "unreachable", "congestion"}


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_far_end_that_says_nothing_is_the_trunks_failure(rig, transport):
    """It takes the connection, and no phone rings: the person has missed nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        uri = "sip:{number}@127.0.0.1:%d" % mute.getsockname()[1]
        phone = rig.phone(Person(digits="4@1"))
        d = rig.daemon(over={"call": {"attempts": 1, "ring_timeout": "1s"}}, trunks=[
            {"name": "mute", "uri": uri, "transport": transport},
            {"name": "good", "uri": "sip:{number}@127.0.0.1:%d" % phone.port}])
        alert = d.raise_alert(NUMBER)
        d.wait_state(alert, "acknowledged")
        assert set(d.results(alert)[:-1]) <= {"unreachable"}, "no answer would use up the attempt"


def test_tls_name_may_be_an_address(rig):
    ca = rig.authority()
    phone = rig.phone(Person(digits="4@1"), certificate=ca.server("pbx", "IP:127.0.0.1"))
    d = rig.daemon(trunks=[tls(phone, tls_ca=ca.file, tls_verify_name="127.0.0.1")])
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")


def test_no_srtp_no_call(rig):
    """srtp mandatory at a phone that has none: no call in the clear."""
    phone = rig.phone(Person(digits="4@1"))
    d = rig.daemon(phone, over=ONE, srtp="mandatory")
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    assert phone.of("CALL_ESTABLISHED") == []
    assert d.results(alert) == ["failed"]


# --- strangers ------------------------------------------------------------------------------------

class Stranger:
    """A socket that sends SIP requests by hand from an address of its own."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.address, self.port = self.socket.getsockname()
        self.count = 0

    def ask(self, to_port, method, call_id=None, wait=1.5, **head):
        """Send a request; returns the final answer's code, or None."""
        self.count += 1
        head = {k.replace("_", "-"): v for k, v in head.items()}
        lines = ["%s sip:x@127.0.0.1:%d SIP/2.0" % (method, to_port),
                 "Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%d%d;rport"
                 % (self.address, self.port, self.port, self.count),
                 "From: " + head.pop("From", "<sip:stranger@%s>;tag=%d"
                                     % (self.address, self.port)),
                 "To: " + head.pop("To", "<sip:x@127.0.0.1>"),
                 "Call-ID: " + (call_id or "s%d-%d" % (self.port, self.count)),
                 "CSeq: %s %s" % (head.pop("CSeq", 1), method), "Max-Forwards: 70",
                 "Contact: <sip:x@%s:%d>" % (self.address, self.port)]
        lines += ["%s: %s" % kv for kv in head.items()] + ["Content-Length: 0", "", ""]
        self.socket.settimeout(wait)
        self.socket.sendto("\r\n".join(lines).encode(), ("127.0.0.1", to_port))
        try:
            while True:
                code = int(self.socket.recv(4000).split(b" ")[1])
                if code >= 200:
                    return code
        except socket.timeout:
            return None


def sip_port(d):
    return int(d.config["trunks"][0]["listen"].rsplit(":", 1)[1])


def test_requests_of_strangers_are_dropped(rig):
    peer = rig.peer(sipp.answer())
    d = rig.daemon(peer, max_incoming=0)
    known, stranger = Stranger("127.0.0.1"), Stranger("127.0.0.2")
    assert known.ask(sip_port(d), "OPTIONS") == 200
    for method in ("OPTIONS", "INVITE", "REGISTER", "MESSAGE", "BYE"):
        assert stranger.ask(sip_port(d), method, wait=0.7) in (None, 403), method
    assert known.ask(sip_port(d), "INVITE") == 603, "whoever is known hears that nobody may call"


def test_more_peers_may_be_allowed(rig):
    peer = rig.peer(sipp.answer())
    d = rig.daemon(peer, peers=["127.0.0.2"])
    assert Stranger("127.0.0.2").ask(sip_port(d), "OPTIONS") == 200
    assert Stranger("127.0.0.3").ask(sip_port(d), "OPTIONS", wait=0.7) in (None, 403)


def test_a_stranger_cannot_end_a_call(rig):
    """BYE with everything right but the address."""
    peer = rig.peer(sipp.answer(sipp.pause(4000) + sipp.info("4", 1)))
    d = rig.daemon(peer, over={"call": {"repeat_message": 10}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "answered")
    ok = [m for m in peer.messages("200", sent=True) if m.cseq_method == "INVITE"][0]
    ours = re.search(r"^To: *(.*)$", ok.text, re.M).group(1)
    theirs = re.search(r"^From: *(.*)$", ok.text, re.M).group(1)
    code = Stranger("127.0.0.2").ask(sip_port(d), "BYE", ok.call_id, From=ours, To=theirs, CSeq=77)
    assert code in (None, 403)
    assert d.calls(alert)[0]["state"] == "answered"
    d.wait_state(alert, "acknowledged")


def test_rubbish_does_no_harm(rig):
    peer = rig.peer(sipp.answer(sipp.pause(300) + sipp.info("4", 1)))
    d = rig.daemon(peer)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    for raw in (b"", b"\0", b"INVITE", b"\xff" * 1400, b"SIP/2.0 200 OK\r\n\r\n",
                b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n"
                b"Content-Length: 99999999\r\n\r\n",
                b"OPTIONS sip:x SIP/2.0\r\n" + b"X: " + b"a" * 8000 + b"\r\n\r\n"):
        s.sendto(raw, ("127.0.0.1", sip_port(d)))
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")


def test_health_follows_options(rig):
    """A trunk whose peer goes away becomes unhealthy, and healthy again when it is back."""
    peer = rig.peer(sipp.answer())
    d = rig.daemon(peer, keepalive="1s")

    def healthy():
        return d.get("/v1/trunks").json["items"][0]["healthy"]
    proc.wait_for("the trunk to be healthy", healthy)
    port = peer.port
    peer.stop()
    proc.wait_for("the trunk to be unhealthy", lambda: not healthy(), 60)
    rig.peer(sipp.answer(), port=port)
    proc.wait_for("the trunk to be healthy again", healthy, 60)
