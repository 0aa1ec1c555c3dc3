# SPDX-License-Identifier: BSD-2-Clause
"""Calls that come in over the SIP trunk: who may call, and what the trunk does on the wire."""
import re
import socket

import pytest

from rig import ports, proc, sipp
from rig.wire import SDP, Wire
from speech import MESSAGE, Voice
from test_dtmf import tone_file

PCMA_SDP = """\
m=audio {port} RTP/AVP 8 96
a=rtpmap:8 PCMA/8000
a=rtpmap:96 telephone-event/8000
"""
HOLD = "a=sendonly\n"
TWO_SDP = sipp.PLAIN_SDP + "m=video {port} RTP/AVP 31\n"


def port_of(daemon, i=0):
    return int(daemon.config["trunks"][i]["listen"].split(":")[1])


def status(daemon):
    return daemon.get("/v1/trunks").json["items"][0]["status"]["numbers"]


# Whoever calls is answered, and hears this for longer than any test takes.
LONG = "This is the bell. " + 25 * "Nobody here knows who you are, and yet we go on speaking. "


def answering(rig, peer=None, **trunk):
    """A daemon that answers who calls."""
    return rig.daemon(peer, over={"prompts": {"inbound": {"welcome": LONG}}}, **trunk)


def alarmed(rig):
    """A daemon with an open alert for our number, which is busy; and the alert."""
    busy = rig.peer(sipp.final(486, "Busy Here"))
    d = rig.daemon(busy, over={
        "call": {"attempts": 9, "window": "10m", "redial": {"busy": "5m"}},
        "prompts": {"inbound": {"welcome": "This is the bell.", "alert": "{{message}}",
                                "menu": "Press four."}}})
    alert = d.raise_alert(sipp.CALLER, MESSAGE)
    d.wait_results(alert, ["busy"])
    return d, alert


def idle(daemon):
    proc.wait_for("the trunk to have no call", lambda: status(daemon)["incoming"] == 0)


def call(rig, daemon, *scenario, **kw):
    return rig.peer(*scenario, calls=port_of(daemon), **kw)


def wire(rig, daemon):
    return rig.keep(Wire(port_of(daemon)))


def up(sdp=sipp.EVENTS_SDP, **kw):
    """A call that is answered."""
    return sipp.dial(sdp, **kw) + sipp.hears(200) + sipp.acknowledge()


def over(cseq=9):
    return sipp.asks("BYE", cseq) + sipp.recv_answer(200)


def sdp_of(message):
    return message.text.split("\n\n", 1)[1]


# --- being answered -------------------------------------------------------------------------------

def test_rings_and_is_answered(rig):
    d = answering(rig)
    peer = call(rig, d, up() + sipp.pause(500) + over())
    peer.done()
    idle(d)
    seen = [m.what for m in peer.messages(sent=False) if m.cseq_method == "INVITE"]
    assert seen == ["100", "180", "200"]
    ok, = [m for m in peer.messages("200", sent=False) if m.cseq_method == "INVITE"]
    ringing, = peer.messages("180", sent=False)
    tags = [re.search(r"^To:.*;tag=(\w+)", m.text, re.M).group(1) for m in (ringing, ok)]
    assert tags[0] == tags[1], "one dialog"
    assert re.search(r"^Contact: <sip:tocsin@127.0.0.1:%d>" % port_of(d), ok.text, re.M)
    assert re.search(r"^m=audio \d+ RTP/AVP 0 101$", sdp_of(ok), re.M)
    assert "a=rtpmap:101 telephone-event/8000" in sdp_of(ok)
    assert status(d)["rtp_packets"] > 10


@pytest.mark.parametrize("offer, answer", [
    (PCMA_SDP, "RTP/AVP 8 96"), (sipp.PLAIN_SDP, "RTP/AVP 0"),
    (sipp.G722_SDP.replace(" 9\n", " 9 8 0\n"), "RTP/AVP 8 0"), (TWO_SDP, "RTP/AVP 0"),
], ids=["numbers of the offer", "no telephone-event", "the far end's order", "video besides"])
def test_the_answer_is_made_of_the_offer(rig, offer, answer):
    d = answering(rig)
    peer = call(rig, d, up(offer) + over())
    peer.done()
    ok, = [m for m in peer.messages("200", sent=False) if m.cseq_method == "INVITE"]
    audio, = re.findall(r"^m=audio \d+ (.*)$", sdp_of(ok), re.M)
    assert audio == answer
    assert re.findall(r"^m=video (\d+)", sdp_of(ok), re.M) == (["0"] if offer is TWO_SDP else [])
    if offer is PCMA_SDP:
        assert "a=rtpmap:96 telephone-event/8000" in sdp_of(ok)


def test_the_offer_may_be_left_to_us(rig):
    d = answering(rig)
    peer = call(rig, d, sipp.dial(None) + sipp.hears(200) + sipp.acknowledge(sipp.EVENTS_SDP)
                + sipp.pause(500) + over())
    peer.done()
    ok, = [m for m in peer.messages("200", sent=False) if m.cseq_method == "INVITE"]
    assert re.search(r"^m=audio \d+ RTP/AVP 0 8 101$", sdp_of(ok), re.M)
    assert status(d)["rtp_packets"] > 10
    idle(d)


@pytest.mark.parametrize("sdp", [None, sipp.G722_SDP], ids=["no answer", "no codec in common"])
def test_our_offer_is_answered_badly(rig, sdp):
    d = answering(rig)
    peer = call(rig, d, sipp.dial(None) + sipp.hears(200) + sipp.acknowledge(sdp)
                + sipp.is_hung_up())
    peer.done()
    idle(d)
    assert status(d)["rtp_packets"] == 0


def test_requests_within_the_call(rig):
    """INFO, UPDATE with and without an offer, OPTIONS, what nobody knows, an old re-INVITE."""
    d = answering(rig)
    peer = call(rig, d, up()
                + sipp.asks("INFO", 2, body="Signal=5\nDuration=160\n",
                            content_type="application/dtmf-relay") + sipp.recv_answer(200)
                + sipp.asks("UPDATE", 3) + sipp.recv_answer(200)
                + sipp.asks("UPDATE", 4, sipp.EVENTS_SDP + HOLD) + sipp.recv_answer(200)
                + sipp.asks("OPTIONS", 5) + sipp.recv_answer(200)
                + sipp.asks("REFER", 6) + sipp.recv_answer(405)
                + sipp.asks("INVITE", 1, sipp.EVENTS_SDP) + sipp.recv_answer(500)
                + sipp.give_in(1) + over())
    peer.done()
    plain, held = [m for m in peer.messages("200", sent=False) if m.cseq_method == "UPDATE"]
    assert "m=audio" not in plain.text
    assert "a=recvonly" in held.text
    refused, = peer.messages("405", sent=False)
    assert re.search(r"^Allow: .*UPDATE", refused.text, re.M)
    idle(d)


def test_on_hold_nothing_is_sent(rig):
    d = answering(rig)

    def offers(cseq, sdp):
        return (sipp.asks("INVITE", cseq, sdp) + sipp.hears(200, rrs="true")
                + sipp.acknowledge(cseq=cseq))
    peer = call(rig, d, up() + sipp.pause(300) + offers(2, sipp.EVENTS_SDP + HOLD)
                + sipp.pause(1500) + offers(3, sipp.EVENTS_SDP) + sipp.pause(300) + over())
    held = peer.wait_message("ACK", 2, sent=True)
    proc.wait_for("silence", lambda: status(d)["rtp_packets"])
    before = status(d)["rtp_packets"]
    assert before < (held.t - peer.messages("ACK", sent=True)[0].t) * 50 + 20
    peer.wait_message("ACK", 3, sent=True)
    assert status(d)["rtp_packets"] - before < 40, "1.5 s are 75 packets"
    peer.done()
    oks = [m for m in peer.messages("200", sent=False) if m.cseq_method == "INVITE"]
    assert ["recvonly" in m.text for m in oks] == [False, True, False]


def test_record_routes_are_kept(rig):
    d = answering(rig)
    route = "<sip:127.0.0.1:[local_port];lr>"
    peer = call(rig, d, sipp.dial(headers=["Record-Route: " + route]) + sipp.hears(200)
                + sipp.acknowledge() + sipp.is_hung_up(timeout=20000))
    peer.wait_message("ACK", sent=True)
    ok, = [m for m in peer.messages("200", sent=False) if m.cseq_method == "INVITE"]
    assert re.search(r"^Record-Route: <sip:127.0.0.1:%d;lr>" % peer.port, ok.text, re.M)
    d.stop()                                 # and so the call is hung up
    peer.done()
    bye, = peer.messages("BYE", sent=False)
    assert re.search(r"^Route: <sip:127.0.0.1:%d;lr>" % peer.port, bye.text, re.M)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_both_transports(rig, transport):
    d = answering(rig, transport=transport)
    peer = call(rig, d, up() + over(), transport=transport[0] + "1")
    peer.done()
    idle(d)


def test_a_telephone_calls(rig):
    d = answering(rig)
    phone = rig.phone(numbers="+493099887")
    phone.dial("sip:alarm@127.0.0.1:%d" % port_of(d))
    phone.wait_event("CALL_ESTABLISHED")
    proc.wait_for("sound", lambda: status(d)["rtp_packets"] > 20)
    phone.hang_up()
    phone.wait_event("CALL_CLOSED")
    idle(d)
    assert "comes in from '+493099887' for 'alarm'" in d.output()


def test_a_telephone_calls_encrypted(rig):
    """TLS by a connection of its own, SRTP with the keys of offer and answer."""
    ca = rig.authority()
    phone = rig.phone(numbers="+493099887", srtp=True, certificate=ca.server("desk", "DNS:desk"))
    d = answering(rig, phone, transport="tls", srtp="mandatory", tls_ca=ca.file,
                  tls_cert=ca.server("bell", "DNS:bell"), tls_verify_name="desk")
    phone.dial("sip:alarm@127.0.0.1:%d;transport=tls" % port_of(d))
    phone.wait_event("CALL_ESTABLISHED")
    proc.wait_for("sound", lambda: status(d)["rtp_packets"] > 20)
    phone.hang_up()
    phone.wait_event("CALL_CLOSED")
    assert "SRTP is Enabled" in phone.proc.output()
    idle(d)


def test_called_by_the_registrar(rig):
    """The provider calls the Contact; what was dialled is then in To, who calls in From."""
    phone = rig.phone(numbers="+493099887")
    provider = rig.kamailio(phone)
    d = answering(rig, uri="sip:{number}@provider.example", user="alice", password="secret",
                  proxy="sip:127.0.0.1:%d" % provider.port, domain="provider.example",
                  register=True)
    proc.wait_for("the registration", lambda: provider.saw("register accepted"))
    phone.dial("sip:alice@127.0.0.1:%d" % provider.port)
    phone.wait_event("CALL_ESTABLISHED")
    assert provider.saw("invite to sip:alice@127.0.0.1:%d" % port_of(d)) == 1
    assert "comes in from '+493099887' for 'alice'" in d.output()
    proc.wait_for("sound", lambda: status(d)["rtp_packets"] > 20)
    phone.hang_up()
    phone.wait_event("CALL_CLOSED")
    idle(d)


def test_sound_to_a_telephone_behind_nat(rig):
    """Its SDP tells an address that leads nowhere: sound goes to where sound comes from."""
    d = answering(rig)
    w = wire(rig, d)
    w.send("INVITE", 1, "x", SDP.replace("127.0.0.1", "127.0.0.9"))
    ok = w.wait("SIP/2.0 200", "1 INVITE")
    w.send("ACK", 1)
    ours = int(re.search(r"^m=audio (\d+)", ok, re.M).group(1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
        rtp.bind(("127.0.0.1", 0))
        rtp.settimeout(0.2)

        def heard():
            rtp.sendto(b"\x80\0" + 10 * b"\1" + 160 * b"\xff", ("127.0.0.1", ours))
            try:
                return len(rtp.recv(2000)) == 172
            except socket.timeout:
                return False
        proc.wait_for("sound", heard)
    w.send("BYE", 2)
    w.wait("SIP/2.0 200", "2 BYE")


# --- what it is for -------------------------------------------------------------------------------

def test_an_alert_is_heard_and_acknowledged(rig, tmp_path):
    d, alert = alarmed(rig)
    phone = rig.phone(numbers=sipp.CALLER)
    phone.dial("sip:alarm@127.0.0.1:%d" % port_of(d))
    phone.wait_event("CALL_ESTABLISHED")
    spoken = Voice(d, tmp_path).seconds(MESSAGE)
    phone.press("4", after=spoken + 6)
    d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED")          # the bell says goodbye and hangs up
    recording, = phone.recordings()
    Voice(d, tmp_path).assert_in(recording, MESSAGE)


@pytest.mark.parametrize("how", ["INFO", "tones"])
def test_other_ways_of_pressing_a_key(rig, tmp_path, how):
    d, alert = alarmed(rig)
    if how == "INFO":
        calling = (up() + sipp.pause(5000)
                   + sipp.asks("INFO", 2, body="Signal=4\nDuration=160\n",
                               content_type="application/dtmf-relay") + sipp.recv_answer(200))
    else:
        tones = tone_file(str(tmp_path / "tones.ul"), "4")
        calling = up(sipp.PLAIN_SDP) + sipp.pause(5000) + sipp.speak(tones)
    call(rig, d, calling + sipp.is_hung_up())
    d.wait_state(alert, "acknowledged")


# --- being refused --------------------------------------------------------------------------------

@pytest.mark.parametrize("sdp, more, code", [
    (sipp.G722_SDP, {}, 488),
    (sipp.EVENTS_SDP.replace("RTP/AVP", "RTP/SAVP"), {}, 488),
    ("m=audio 0 RTP/AVP 0\n", {}, 488),
    (sipp.EVENTS_SDP, {"content_type": "multipart/mixed;boundary=x"}, 415),
    (sipp.EVENTS_SDP, {"headers": ["Require: timer, 100rel", "Session-Expires: 90"]}, 420),
], ids=["unknown codec", "encryption unasked", "no sound", "not SDP", "extensions"])
def test_what_cannot_be_taken(rig, sdp, more, code):
    d = answering(rig)
    peer = call(rig, d, sipp.dial(sdp, **more) + sipp.hears(code) + sipp.give_in())
    peer.done()
    assert peer.messages("180", sent=False) == []
    refused, = peer.messages(str(code), sent=False)
    if code == 420:
        assert re.search(r"^Unsupported: timer, 100rel$", refused.text, re.M)
    if code == 415:
        assert re.search(r"^Accept: application/sdp$", refused.text, re.M)
    assert status(d)["incoming"] == 0


def test_session_timers_are_ignored(rig):
    """A far end that could do without them gets its answer without; it refreshes by itself."""
    d = answering(rig)
    peer = call(rig, d, sipp.dial(headers=["Supported: timer", "Session-Expires: 90"])
                + sipp.hears(200) + sipp.acknowledge()
                + sipp.asks("UPDATE", 2) + sipp.recv_answer(200) + over())
    peer.done()
    assert "Session-Expires" not in "".join(m.text for m in peer.messages("200", sent=False))


def test_encryption_is_wanted(rig):
    d = answering(rig, srtp="mandatory")
    peer = call(rig, d, sipp.dial() + sipp.hears(488) + sipp.give_in())
    peer.done()


def test_too_many_hear_that_it_is_busy(rig):
    d = answering(rig, max_incoming=1)
    first = call(rig, d, up() + sipp.pause(1500) + over())
    first.wait_message("ACK", sent=True)
    second = call(rig, d, sipp.dial() + sipp.hears(486) + sipp.give_in())
    second.done()
    first.done()
    idle(d)
    call(rig, d, up() + over()).done()


def test_nobody_may_call(rig):
    d = rig.daemon(max_incoming=0)
    call(rig, d, sipp.dial() + sipp.hears(603) + sipp.give_in()).done()
    assert "comes in" not in d.output()


def test_our_own_call_comes_back(rig):
    """A trunk that calls itself: 482, and not a call that waits for itself."""
    port = ports.take(3)
    d = rig.daemon(over={"call": {"attempts": 1}}, uri="sip:{number}@127.0.0.1:%d" % port,
                   listen="127.0.0.1:%d" % port)
    alert = d.raise_alert("+4930")
    d.wait_state(alert, "exhausted")
    assert d.calls(alert)[0]["cause"]["sip"] == 482
    assert "comes in" not in d.output()


def test_strangers_are_not_heard(rig):
    """127.0.0.2 is nobody whom the trunk knows; as one of its peers it is."""
    d = answering(rig)
    peer = call(rig, d, sipp.dial() + sipp.hears(200), address="127.0.0.2")
    proc.wait_for("requests to be dropped", lambda: status(d)["requests_dropped"] >= 3)
    assert peer.messages(sent=False) == []
    assert "comes in" not in d.output()
    d = answering(rig, peers=["127.0.0.2"])
    call(rig, d, up() + over(), address="127.0.0.2").done()


# --- what goes wrong ------------------------------------------------------------------------------

def test_given_up_at_once(rig):
    """The CANCEL wins, and the INVITE is answered with 487; or it comes too late, for it was
    answered."""
    d = answering(rig)
    w = wire(rig, d)
    w.send("INVITE", 1, "x", SDP)
    w.send("CANCEL", 1, "x")
    w.wait("SIP/2.0 200", "1 CANCEL")
    final = w.final()
    if final.startswith("SIP/2.0 487"):
        w.send("ACK", 1, "x", to=re.search(r"^To: (.*)\r$", final, re.M).group(1))
    else:
        w.send("ACK", 1)
        w.send("BYE", 2)
        w.wait("SIP/2.0 200", "2 BYE")
    idle(d)
    assert d.output().count("comes in") == 1


def test_an_invite_that_comes_twice_is_one_call(rig):
    d = answering(rig)
    w = wire(rig, d)
    for _ in range(3):
        w.send("INVITE", 1, "x", SDP)
    w.wait("SIP/2.0 200", "1 INVITE")
    w.send("INVITE", 1, "x", SDP)            # it was on its way for long
    w.send("ACK", 1)
    proc.wait_for("the call to be up", lambda: "accepted -> answered" in d.output())
    w.send("INVITE", 1, "x", SDP)
    w.send("BYE", 2)
    w.wait("SIP/2.0 200", "2 BYE")
    assert not [h for h in w.heads() if not re.match(r"SIP/2.0 (100|180|200) ", h)]
    assert d.output().count("comes in") == 1
    idle(d)


def test_an_invite_that_comes_by_two_ways_is_one_call(rig):
    """RFC 3261 8.2.2.2: forked by a proxy, and merged here."""
    d = answering(rig)
    w = wire(rig, d)
    w.send("INVITE", 1, "x", SDP)
    first = w.to
    w.wait("SIP/2.0 200", "1 INVITE")
    w.send("ACK", 1)
    w.send("INVITE", 1, "y", SDP, to=first)
    refused = w.wait("SIP/2.0 482", "1 INVITE")
    w.send("ACK", 1, "y", to=re.search(r"^To: (.*)\r$", refused, re.M).group(1))
    w.send("BYE", 2)
    w.wait("SIP/2.0 200", "2 BYE")
    assert d.output().count("comes in") == 1


def test_an_answer_that_is_not_acknowledged(rig):
    """The 200 is repeated for 64 * T1 = 32 s, then the call is hung up (RFC 3261 13.3.1.4)."""
    d = answering(rig)
    w = wire(rig, d)
    w.send("INVITE", 1, "x", SDP)
    bye = w.wait("BYE", timeout=45)
    w.answer(bye)
    idle(d)
    oks, bye = w.times("SIP/2.0 200", "1 INVITE"), w.times("BYE")[0]
    gaps = [b - a for a, b in zip(oks, oks[1:])]
    assert 31.5 < bye - oks[0] < 34
    assert len(gaps) >= 9 and gaps[0] < 1 and max(gaps) < 5
    assert "accepted -> answered" not in d.output()


def test_the_trunk_ends(rig):
    d = answering(rig)
    peer = call(rig, d, up() + sipp.is_hung_up(timeout=20000))
    peer.wait_message("ACK", sent=True)
    d.stop()
    peer.done()


def test_after_a_crash_the_far_end_learns_that_the_call_is_gone(rig):
    d = answering(rig)
    w = wire(rig, d)
    w.send("INVITE", 1, "x", SDP)
    w.wait("SIP/2.0 200", "1 INVITE")
    w.send("ACK", 1)
    proc.wait_for("the call to be up", lambda: "accepted -> answered" in d.output())
    d.kill9()
    d.restart()
    for cseq, method in enumerate(("INFO", "INVITE", "UPDATE", "OPTIONS", "BYE"), 2):
        w.send(method, cseq, body=SDP if method == "INVITE" else "")
        gone = w.wait("SIP/2.0", "%d %s" % (cseq, method))
        assert gone.startswith("SIP/2.0 481"), method
    assert d.output().count("comes in") == 1


# --- who calls ------------------------------------------------------------------------------------

@pytest.mark.parametrize("headers, number", [
    ([], sipp.CALLER),
    (['P-Asserted-Identity: "Desk" <sip:+4930555@127.0.0.1>'], "+4930555"),
    (["P-Asserted-Identity: <sip:desk@127.0.0.1>, <tel:+49-30-666>"], "+4930666"),
    (["P-Asserted-Identity: <sip:desk@127.0.0.1>"], ""),
    (["P-Asserted-Identity: <tel:+4930666>", "Privacy: id"], ""),
    (["Privacy: none"], sipp.CALLER),
], ids=["From", "asserted", "asserted as tel", "no number asserted", "withheld", "not withheld"])
def test_who_calls(rig, headers, number):
    d = answering(rig)
    call(rig, d, up(headers=headers) + over(), number="112").done()
    assert "comes in from '%s' for '112'" % number in d.output()
