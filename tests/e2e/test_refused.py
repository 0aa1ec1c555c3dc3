# SPDX-License-Identifier: BSD-2-Clause
"""Calls that nobody takes: what the SIP peer (sipp) does, and what the call's result is."""
import pytest

from conftest import NUMBER
from rig import ports, proc, sipp

ONE = {"call": {"attempts": 1}}


def one_call(d, alert):
    d.wait_state(alert, "exhausted", timeout=60)
    call, = d.calls(alert)
    return call


@pytest.mark.parametrize("code, text, q850, result", [
    (486, "Busy Here", 17, "busy"),
    (600, "Busy Everywhere", None, "busy"),
    (603, "Decline", 21, "rejected"),
    (480, "Temporarily Unavailable", 19, "no_answer"),
    (404, "Not Found", 1, "unreachable"),
    (503, "Service Unavailable", 34, "congestion"),
])
def test_final_answer(rig, code, text, q850, result):
    peer = rig.peer(sipp.final(code, text, q850))
    d = rig.daemon(peer, over=ONE)
    call = one_call(d, d.raise_alert(NUMBER))
    assert call["result"] == result
    assert call["cause"]["sip"] == code
    assert q850 is None or call["cause"]["q850"] == q850
    assert call["answered_at"] is None and call["spoken_ms"] == 0 and call["keys"] == ""
    assert len(peer.calls()) == 1
    assert peer.messages("ACK", sent=False)


def test_busy_is_called_again_until_exhausted(rig):
    peer = rig.peer(sipp.final(486, "Busy Here"))
    d = rig.daemon(peer)
    alert = d.raise_alert(NUMBER)
    seen = d.wait_state(alert, "exhausted")
    assert d.results(alert) == ["busy"] * 3
    assert len(peer.calls()) == 3
    said = [e["text"] for e in seen["timeline"] if e["what"] == "call.ended"]
    assert len(said) == 3 and all("busy" in t and "486" in t for t in said)


def test_window_ends_the_redials(rig):
    peer = rig.peer(sipp.final(486, "Busy Here"))
    d = rig.daemon(peer, over={"call": {"attempts": 50, "window": "3s"}})
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted", timeout=30)
    assert 2 <= len(d.calls(alert)) <= 5


def test_rings_for_ever_is_cancelled(rig):
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over={"call": {"attempts": 1, "ring_timeout": "2s"}})
    alert = d.raise_alert(NUMBER)
    call = one_call(d, alert)
    assert call["result"] == "no_answer"
    assert call["ringing_at"] and not call["answered_at"]
    cancel = peer.wait_message("CANCEL")
    peer.wait_message("ACK")
    invite = peer.messages("INVITE")[0]
    assert cancel.call_id == invite.call_id
    assert 1.5 <= cancel.t - invite.t, "it rings for ring_timeout"
    assert peer.messages("487", sent=True)


def test_nobody_at_the_port_is_given_up(rig):
    """No answer to the INVITE at all: an own time-out, not the 32 s of the protocol."""
    d = rig.daemon(over={"call": {"attempts": 1, "ring_timeout": "60s"}},
                   trunks=[{"uri": "sip:{number}@127.0.0.1:%d" % ports.take()}])
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted", timeout=25)
    assert set(d.results(alert)) <= {"unreachable", "failed", "congestion"}
    assert d.results(alert)


@pytest.mark.parametrize("ring", ["4s", "30s"], ids=["before the trunk gives up", "after"])
def test_the_next_trunk_is_tried(rig, ring):
    """A trunk that never answered the INVITE let no phone ring, whatever came first."""
    peer = rig.peer(sipp.answer(sipp.pause(300) + sipp.info("4", 1)))
    d = rig.daemon(over={"call": {"ring_timeout": ring}}, trunks=[
        {"name": "dead", "uri": "sip:{number}@127.0.0.1:%d" % ports.take()},
        {"name": "alive", "uri": peer.uri}])
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    assert d.calls(alert)[-1]["trunk"] == "alive"
    assert len(peer.calls()) == 1


@pytest.mark.parametrize("scenario", [
    sipp.no_sdp(),
    sipp.invite() + sipp.answered(sipp.G722_SDP) + sipp.ends(timeout=8000),
], ids=["no SDP", "no common codec"])
def test_answer_without_sound_is_failed_and_hung_up(rig, scenario):
    peer = rig.peer(scenario)
    d = rig.daemon(peer, over=ONE, codecs=["PCMU", "PCMA"])
    call = one_call(d, d.raise_alert(NUMBER))
    assert call["result"] == "failed"
    peer.wait_message("BYE")
    assert peer.messages("ACK", sent=False)


def test_early_media_is_no_answer(rig):
    early = sipp.reply(183, "Session Progress", sipp.EVENTS_SDP.format(port="[media_port]"))
    peer = rig.peer(sipp.invite() + early + sipp.pause(1500)
                    + sipp.reply(480, "Temporarily Unavailable", headers=["Reason: Q.850;cause=19"])
                    + sipp.recv("ACK"))
    d = rig.daemon(peer, over=ONE)
    call = one_call(d, d.raise_alert(NUMBER))
    assert call["result"] == "no_answer"
    assert call["answered_at"] is None and call["spoken_ms"] == 0


def test_redirect_is_not_followed(rig):
    """302 to another place: toll fraud. Nothing may arrive there, and the call has failed."""
    trap = rig.peer(sipp.answer())
    peer = rig.peer(sipp.redirect("sip:+1900@127.0.0.1:%d" % trap.port))
    d = rig.daemon(peer, over={"call": {"attempts": 2}})
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    assert trap.messages("INVITE") == []
    assert all(c["result"] in ("failed", "rejected", "unreachable") for c in d.calls(alert))
    assert all(c["cause"]["sip"] == 302 for c in d.calls(alert))
    assert len(peer.calls()) == 2


def test_the_far_end_hangs_up_with_a_reason(rig):
    peer = rig.peer(sipp.invite() + sipp.ringing() + sipp.answered() + sipp.pause(300)
                    + sipp.we_hang_up())
    d = rig.daemon(peer, over=ONE)
    call = one_call(d, d.raise_alert(NUMBER))
    assert call["result"] == "unheard"
    assert call["cause"]["q850"] == 16


def test_calls_above_the_limit_wait_and_are_seen(rig):
    peer = rig.peer(sipp.answer(sipp.pause(1500) + sipp.info("4", 1)))
    d = rig.daemon(peer, max_calls=2, over={"call": {"ring_timeout": "30s"}})
    alerts = [d.raise_alert("+4930%d" % i) for i in range(6)]
    d.wait_call(alerts[0], "answered")
    waiting = [a for a in alerts if any(c["state"] == "queued" for c in d.calls(a))]
    trunk, = d.get("/v1/trunks").json["items"]
    assert trunk["max_calls"] == 2 and trunk["live"] <= 2
    assert waiting, "what waits for the trunk is a state one can see"
    for a in alerts:
        d.wait_state(a, "acknowledged")
    spans = sorted(sipp.live_intervals(peer.messages()).values())
    for start, _ in spans:
        assert sum(1 for s, e in spans if s <= start < (e or float("inf"))) <= 2
    proc.wait_for("the trunk to be idle",
                  lambda: d.get("/v1/trunks").json["items"][0]["live"] == 0)
