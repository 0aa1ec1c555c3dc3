# SPDX-License-Identifier: BSD-2-Clause
"""Who calls: a real telephone calls the daemon, hears its menu, and decides by keys."""
import json

import pytest

from conftest import NUMBER
from rig import proc
from rig.phone import Person
from speech import MESSAGE, Voice

SAYS = {"welcome": "This is the bell.", "pin": "Please key the secret.", "one": "One is open.",
        "count": "Several are open.", "none": "Nothing is open.", "unknown": "Nobody knows you.",
        "wrong_pin": "That was wrong.", "alert": "{{message}}", "menu": "Choose.", "end": "Farewell."}
OVER = {"call": {"attempts": 9, "window": "30m", "ring_timeout": "60s",
                 "redial": {"busy": "5m"}},
        "prompts": {"acknowledged": "So be it.", "resolved": "The trouble is over and gone.",
                    "inbound": SAYS}}


def world(rig, numbers=NUMBER, **over):
    """A daemon, and a telephone that does not answer when it is called."""
    phone = rig.phone(Person(delay=None), numbers=numbers)
    d = rig.daemon(phone, over=dict(OVER, **over))
    return d, phone


def missed(d, phone, message=MESSAGE):
    """An alert whose first call was declined."""
    alert = d.raise_alert(NUMBER, message)
    phone.wait_event("CALL_INCOMING")
    phone.hang_up()
    d.wait_results(alert, ["busy"])
    phone.wait_idle()
    return alert


def calls(phone, d):
    phone.dial("sip:bell@" + d.config["trunks"][0]["listen"])
    phone.wait_event("CALL_ESTABLISHED")


def told(d, what, count=1):
    """The events of a kind, once there are so many."""
    stream, found = d.events(last_id=0), []

    def enough(event):
        data = json.loads(event.get("data", "{}"))
        if data.get("what") == what:
            found.append(data)
        return len(found) >= count
    try:
        stream.until(enough)
    finally:
        stream.close()
    return found


def whats(alert):
    return [e["what"] for e in alert["timeline"]]


def test_calls_back_and_acknowledges(rig, tmp_path):
    d, phone = world(rig)
    alert = missed(d, phone)
    calls(phone, d)
    proc.wait_for("the alert to be heard", lambda: "inbound.heard" in whats(d.alert(alert)))
    phone.press("4")
    a = d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED", 2)           # we hang up, after the farewell
    assert a["acknowledged_by"] == NUMBER
    assert "inbound.acknowledged" in whats(a)
    voice, (heard,) = Voice(d, tmp_path), phone.heard()
    for text in (SAYS["welcome"], SAYS["one"], MESSAGE, OVER["prompts"]["acknowledged"],
                 SAYS["end"]):
        voice.assert_in(heard, text)
    assert [c["state"] for c in d.calls(alert)] == ["ended"], "no further call was made"


def test_a_contact_is_asked_for_his_pin(rig, tmp_path):
    d, phone = world(rig)
    assert d.post("/v1/contacts", {"name": "Alice", "numbers": [{"number": NUMBER}],
                                   "pin": "471147"}).status == 201
    alert = missed(d, phone)
    calls(phone, d)
    phone.press("471148#")
    told(d, "inbound.wrong_pin")
    phone.press("471147#")
    proc.wait_for("the alert to be heard", lambda: "inbound.heard" in whats(d.alert(alert)))
    phone.press("6")
    a = d.wait_state(alert, "resolved")
    assert any("by Alice" in e["text"] for e in a["timeline"] if e["what"] == "alert.resolved")
    phone.wait_event("CALL_CLOSED", 2)
    voice, (heard,) = Voice(d, tmp_path), phone.heard()
    for text in (MESSAGE, OVER["prompts"]["resolved"]):
        voice.assert_in(heard, text)
    assert "471147" not in d.output() and "471148" not in d.output()


def test_a_stranger_is_told_so(rig, tmp_path):
    d, phone = world(rig, numbers="+4940999")
    other = d.raise_alert(NUMBER)
    calls(phone, d)
    phone.press("4")
    phone.wait_event("CALL_CLOSED")
    voice, (heard,) = Voice(d, tmp_path), phone.heard()
    voice.assert_in(heard, SAYS["unknown"])
    assert d.alert(other)["state"] == "open"
    assert "known" in told(d, "inbound.unknown")[0]["text"]


def test_whoever_knows_no_pin_is_refused_at_last(rig):
    d, phone = world(rig, numbers="+4940999")
    assert d.post("/v1/contacts", {"name": "Alice", "pin": "471147"}).status == 201
    for n in range(3):
        phone.dial("sip:bell@" + d.config["trunks"][0]["listen"])
        phone.wait_event("CALL_ESTABLISHED", n + 1)
        phone.press("1#")
        told(d, "inbound.wrong_pin", n + 1)
        phone.hang_up()
        told(d, "inbound.ended", n + 1)
    phone.dial("sip:bell@" + d.config["trunks"][0]["listen"])
    phone.wait_event("CALL_CLOSED", 4)
    assert len(phone.of("CALL_ESTABLISHED")) == 3
    assert "flood" in told(d, "inbound.refused")[0]["reason"]
    metrics = d.get("/metrics").body.decode()
    assert 'tocsin_inbound_calls_total{result="unknown"} 3' in metrics
    assert 'tocsin_inbound_calls_total{result="refused"} 1' in metrics


@pytest.mark.parametrize("how", ["kill9", "stop"])
def test_the_daemon_ends_during_the_call(rig, how):
    """The call ends with it; the alert stays open, and is called for again."""
    d, phone = world(rig)
    alert = missed(d, phone)
    calls(phone, d)
    proc.wait_for("the alert to be heard", lambda: "inbound.heard" in whats(d.alert(alert)))
    getattr(d, how)()
    d.restart()
    assert d.alert(alert)["state"] == "open"
    if how == "stop":
        phone.wait_event("CALL_CLOSED", 2)
