# SPDX-License-Identifier: BSD-2-Clause
"""The samples of etc/asterisk, as a user takes them: his provider, his ports, nothing else changed."""
import base64
import http.server
import os
import re
import threading

import pytest

import conftest
from rig import ports, proc, sipp
from rig.asterisk import Asterisk, Client
from rig.kamailio import Kamailio
from rig.phone import Person, Phone

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "etc", "asterisk")
USER, PASSWORD = "tocsin", "change-me"       # of ari.conf
ACCOUNT = "4930555000"                       # of pjsip.conf, at the provider
RTP_PORTS = 100


class Telephone(Phone):
    """A telephone with an account of pjsip.conf, registered."""

    def __init__(self, folder, number, password, port_of_pbx, **kw):
        self._account = "<sip:%s@127.0.0.1:%d>;auth_user=%s;auth_pass=%s;regint=60" % (
            number, port_of_pbx, number, password)
        super().__init__(folder, number, **kw)

    def _write_files(self, *args):
        super()._write_files(*args)
        with open(self.dir + "/accounts", "w") as f:
            f.write(self._account + ";answermode=manual;audio_codecs=pcmu,pcma;ptime=20\n")


class Provider(Kamailio):
    def hang_up_all(self):
        """For the rig, which asks this of what outlives a test: calls end with their phones."""


class Callbacks:
    """Where the dialplan reports. paths: what was asked for."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):                                    # noqa: N805
                self.paths.append(handler.path)
                handler.send_response(200)
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            def log_message(self, *args):
                pass
        self.paths = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", ports.take()), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def changed(name, text, pbx, provider, callbacks):
    """The changes to a sample that a user makes, or that several Asterisks beside each other need."""
    for old, new in {
            "bindport = 8088": "bindport = %d" % pbx.http,
            "bind = 0.0.0.0:5060": "bind = 127.0.0.1:%d" % pbx.sip,
            "bind = 0.0.0.0:5061": "bind = 127.0.0.1:%d" % (pbx.sip + 1),
            "match = sip.example.com": "match = 127.0.0.1",
            "sip.example.com": "127.0.0.1:%d" % provider,
            "rtpstart = 10000": "rtpstart = %d" % pbx.rtp,
            "rtpend = 20000": "rtpend = %d" % (pbx.rtp + RTP_PORTS - 1),
            "http://127.0.0.1:8086/": "http://127.0.0.1:%d/" % callbacks.port}.items():
        text = text.replace(old, new)
    if name == "modules.conf" and pbx.major < 20:
        for module in ("res_websocket_client", "chan_websocket"):
            text = text.replace("load = %s.so\n" % module, "")
    return text


def with_options(text):
    """What a sample has as a comment, and a user may want: lines that begin with ";NAME = "."""
    return re.sub(r"^;(\[.*\]$|[a-z_]+ = )", r"\1", text, flags=re.M)


class Site:
    """An Asterisk with the samples, its provider, and what the dialplan reports."""

    def __init__(self, folder, version, options=False):
        self.callbacks = Callbacks()
        self.outside = ports.take(50)        # where the provider sends our calls
        self.provider = Provider(folder + "/provider", self.outside, ACCOUNT, "change-me")
        self.pbx = Asterisk(folder + "/asterisk", version, start=False)
        self.pbx.rtp = ports.take(RTP_PORTS + 1)
        self.pbx.rtp += self.pbx.rtp % 2
        self.pbx.user, self.pbx.password = USER, PASSWORD
        os.makedirs(self.pbx.dir + "/own")
        for name in os.listdir(SAMPLES):
            with open(SAMPLES + "/" + name) as f:
                text = f.read()
            if options and name == "pjsip.conf":
                text = with_options(text)
            text = changed(name, text, self.pbx, self.provider.port, self.callbacks)
            with open("%s/own/%s" % (self.pbx.dir, name), "w") as f:
                f.write(text)
        self.pbx.start()

    def stop(self):
        self.pbx.stop()
        self.provider.stop()
        self.callbacks.stop()


@pytest.fixture(scope="module", params=["22", "16"])
def site(request, tmp_path_factory):
    s = Site(str(tmp_path_factory.mktemp("samples-" + request.param)), request.param)
    conftest._shared.extend((s.pbx, s.provider))
    yield s
    conftest._shared[-2:] = []
    s.stop()


@pytest.fixture
def client(rig, site):
    """What stands for the daemon: the application tocsin, with the login of ari.conf."""
    return rig.keep(Client(site.pbx, "tocsin", USER, PASSWORD))


def originate(client, endpoint, **more):
    status, channel = client.request("POST", "/channels", app="tocsin", endpoint=endpoint,
                                     callerId="Tocsin", timeout=20, **more)
    assert status == 200, channel
    return channel["id"]


def hang_up(client, channel):
    client.request("DELETE", "/channels/" + channel)


def complaints(pbx):
    """What the log has of warnings and errors."""
    return [line for line in pbx.log().splitlines() if "] WARNING[" in line or "] ERROR[" in line]


def test_asterisk_has_nothing_to_complain_of(site):
    site.pbx.wait_ready()
    assert complaints(site.pbx) == []
    assert "declined to load" not in site.pbx.log()
    proc.wait_for("the registration",
                  lambda: "Registered" in site.pbx.cli("pjsip show registrations"))
    assert site.provider.saw("register accepted")
    endpoints = site.pbx.cli("pjsip show endpoints")
    for name in ("provider", "201", "202"):
        assert "Endpoint:  %s" % name in endpoints


def test_the_login_of_the_sample(site, client):
    status, info = client.request("GET", "/asterisk/info")
    assert status == 200 and info["system"]["version"].startswith(site.pbx.version)
    # what a user is who may place calls: there is no such channel, which is another answer than 403
    assert client.request("POST", "/channels/nobody/ring")[0] == 404
    client._auth = "Basic " + base64.b64encode(b"tocsin:guessed").decode()
    assert client.request("GET", "/asterisk/info")[0] == 401


@pytest.mark.parametrize("way", ["PJSIP/{number}@provider", "Local/{number}@tocsin-out"])
def test_a_call_out_by_the_provider(rig, site, client, way):
    phone = rig.phone(Person(delay=0.5, digits="4@1"), numbers="004930123", port=site.outside)
    channel = originate(client, way.format(number="004930123"))
    assert client.wait("ChannelStateChange", channel__id=channel)["channel"]["state"] == "Ringing"
    client.wait("StasisStart", channel__id=channel)
    assert client.wait("ChannelDtmfReceived", channel__id=channel)["digit"] == "4"
    hang_up(client, channel)
    phone.wait_event("CALL_CLOSED")
    client.wait("ChannelDestroyed", channel__id=channel)
    assert site.provider.saw("invite accepted from sip:%s@" % ACCOUNT)


@pytest.mark.parametrize("way", ["PJSIP/{number}@provider", "Local/{number}@tocsin-out"])
def test_why_a_call_failed_is_told(rig, site, client, way):
    rig.peer(sipp.final(486, "Busy Here"), port=site.outside)
    channel = originate(client, way.format(number="004930124"))
    assert client.wait("ChannelDestroyed", channel__id=channel)["cause"] == 17


@pytest.mark.parametrize("way", ["PJSIP/{number}", "Local/{number}@tocsin-out"])
def test_a_call_to_a_telephone_here(rig, site, client, way, tmp_path):
    alice = rig.keep(Telephone(str(tmp_path / "alice"), "201", "change-me-201", site.pbx.sip,
                               plan=[Person(hangup=1)]))
    proc.wait_for("Alice's telephone to register",
                  lambda: "201/sip:201" in site.pbx.cli("pjsip show contacts"))
    channel = originate(client, way.format(number="201"))
    client.wait("StasisStart", channel__id=channel)
    client.wait("ChannelDestroyed", channel__id=channel)
    assert len(alice.of("CALL_ESTABLISHED")) == 1


def test_the_provider_s_calls_come_to_us(rig, site, client):
    proc.wait_for("the registration", lambda: site.provider.saw("register accepted"))
    caller = rig.phone(numbers="+4930777")
    caller.dial("sip:%s@127.0.0.1:%d" % (ACCOUNT, site.provider.port))
    start = client.wait("StasisStart")
    assert start["channel"]["caller"]["number"] == "+4930777"
    assert start["channel"]["dialplan"]["exten"] == ACCOUNT
    assert start["channel"]["state"] == "Ring", "it was answered before us"
    client.request("POST", "/channels/%s/answer" % start["channel"]["id"])
    caller.wait_event("CALL_ESTABLISHED")
    caller.hang_up()
    client.wait("StasisEnd", channel__id=start["channel"]["id"])


def test_people_here_reach_us(rig, site, client, tmp_path):
    bob = rig.keep(Telephone(str(tmp_path / "bob"), "202", "change-me-202", site.pbx.sip))
    bob.dial("sip:299@127.0.0.1:%d" % site.pbx.sip)
    channel = client.wait("StasisStart")["channel"]
    assert channel["caller"] == {"name": "Bob", "number": "202"}
    hang_up(client, channel["id"])
    bob.wait_event("CALL_CLOSED")


def test_a_wrong_password_gets_nowhere(rig, site, client, tmp_path):
    thief = rig.keep(Telephone(str(tmp_path / "thief"), "202", "guessed", site.pbx.sip))
    thief.dial("sip:299@127.0.0.1:%d" % site.pbx.sip)
    thief.wait_event("CALL_CLOSED")
    assert [e for e in client.seen if e["type"] == "StasisStart"] == []


@pytest.mark.parametrize("key, reports", [("4", ["heard", "ack"]), ("5", ["heard"])])
def test_the_dialplan_that_asks_by_itself(rig, site, client, key, reports):
    """As the trunk does in dialplan mode: into the dialplan, speak at its Stasis(), give back."""
    phone = rig.phone(numbers="004930125", port=site.outside)
    site.callbacks.paths.clear()
    channel = originate(client, "PJSIP/004930125@provider", channelId="ch-" + key)
    assert channel == "ch-" + key
    client.wait("StasisStart", channel__id=channel)
    client.seen.clear()
    client.request("POST", "/channels/%s/continue" % channel, context="tocsin-alarm",
                   extension="alarm", priority=1)
    client.wait("StasisStart", channel__id=channel)
    client.request("POST", "/channels/%s/continue" % channel)
    proc.wait_for("the callback", lambda: site.callbacks.paths)
    phone.press(key)
    phone.wait_event("CALL_CLOSED")
    assert site.callbacks.paths == ["/%s?asterisk_chan=%s" % (r, channel) for r in reports]


def test_nothing_of_all_that_was_complained_of(site):
    assert complaints(site.pbx) == []


@pytest.mark.parametrize("version", ["22", "16"])
def test_what_is_only_a_comment_is_right_as_well(rig, tmp_path, version):
    """TLS, encrypted sound, NAT: Asterisk takes them, though nobody is called by them here."""
    site = rig.keep(Site(str(tmp_path), version, options=True))
    assert complaints(site.pbx) == []
    assert "transport-tls" in site.pbx.cli("pjsip show transports")
    assert re.search("media_encryption +: sdes", site.pbx.cli("pjsip show endpoint provider"))
