# SPDX-License-Identifier: BSD-2-Clause
"""One alert, one person at a real softphone: what is heard, what each key does, and no key."""
import pytest

from conftest import NUMBER
from rig.phone import Person
from speech import GREETING, MENU, MESSAGE, PROMPTS, Voice, seconds


def ended(alert):
    """Call ids of the timeline's call.ended entries."""
    return [e["call_id"] for e in alert["timeline"] if e["what"] == "call.ended"]


def test_key_4_acknowledges_after_all_was_heard(rig, tmp_path):
    phone = rig.phone(Person(delay=0.5))
    d = rig.daemon(phone, over=dict(PROMPTS, call={"repeat_message": 3}))
    voice = Voice(d, tmp_path)
    said = voice.seconds(GREETING) + voice.seconds(MESSAGE)
    alert = d.raise_alert(NUMBER, MESSAGE, severity="critical", labels={"host": "db1"})
    phone.wait_event("CALL_ESTABLISHED")
    phone.press("4", after=said + 1.0)
    seen = d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED")
    assert seen["acknowledged_by"] and seen["acknowledged_at"]
    call, = d.wait_results(alert, ["acknowledged"])
    assert call["keys"] == "4" and call["number"] == NUMBER and call["trunk"] == "direct"
    assert call["placed_at"] <= call["ringing_at"] <= call["answered_at"] <= call["ended_at"]
    assert ended(d.alert(alert)) == [call["id"]]
    recording, = phone.heard()
    greeting = voice.assert_in(recording, GREETING)
    message = voice.assert_in(recording, MESSAGE)
    assert greeting.starts_at < message.starts_at
    assert message.correlation > 0.99
    assert call["spoken_ms"] >= 1000 * said
    assert seconds(recording) >= call["spoken_ms"] / 1000 - 0.1
    assert phone.max_live == 1 and len(phone.of("CALL_INCOMING")) == 1


def test_speech_that_was_not_said_is_not_found(rig, tmp_path):
    """That the check above can fail."""
    phone = rig.phone(Person())
    d = rig.daemon(phone, over=PROMPTS)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_results(alert, ["heard"])
    voice = Voice(d, tmp_path)
    assert len(voice.places(phone.heard()[0], MESSAGE)) == 1
    assert voice.places(phone.heard()[0], "The web server in London is quite well.") == []


def test_key_4_is_taken_during_speech_and_confirmed(rig, tmp_path):
    phone = rig.phone(Person(digits="4@0.4"))
    confirm = "Acknowledged, thank you."
    d = rig.daemon(phone, over={"prompts": dict(PROMPTS["prompts"], acknowledged=confirm)})
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED")
    voice = Voice(d, tmp_path)
    recording, = phone.heard()
    assert voice.places(recording, MESSAGE) == [], "speech goes on after the key"
    voice.assert_in(recording, confirm)
    assert d.wait_results(alert, ["acknowledged"])[0]["keys"] == "4"


def test_no_key_is_heard_and_called_again_until_exhausted(rig, tmp_path):
    phone = rig.phone(Person())
    d = rig.daemon(phone, over=dict(PROMPTS, call={"attempts": 2}))
    alert = d.raise_alert(NUMBER, MESSAGE)
    seen = d.wait_state(alert, "exhausted", timeout=90)
    calls = d.calls(alert)
    assert [c["result"] for c in calls] == ["heard"] * 2
    assert ended(seen) == [c["id"] for c in calls]
    assert all(c["keys"] == "" for c in calls)
    assert phone.max_live == 1 and len(phone.of("CALL_INCOMING")) == 2
    starts = [e["t"] for e in phone.of("CALL_INCOMING")]
    ends = [e["t"] for e in phone.of("CALL_CLOSED")]
    assert all(b - a >= 0.9 for a, b in zip(ends, starts[1:])), "redial.heard is 1s"
    voice = Voice(d, tmp_path)
    for recording in phone.heard(2):
        for text in (GREETING, MESSAGE, MENU):
            voice.assert_in(recording, text)


def test_message_is_repeated(rig, tmp_path):
    phone = rig.phone(Person())
    d = rig.daemon(phone, over=dict(PROMPTS, call={"repeat_message": 3, "attempts": 1}))
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "exhausted")
    voice = Voice(d, tmp_path)
    recording, = phone.heard()
    assert len(voice.places(recording, MESSAGE)) == 3
    assert len(voice.places(recording, GREETING)) == 1


def test_key_star_repeats(rig, tmp_path):
    phone = rig.phone(Person())
    d = rig.daemon(phone, over=dict(PROMPTS, call={"attempts": 1}))
    voice = Voice(d, tmp_path)
    said = voice.seconds(GREETING) + voice.seconds(MESSAGE)
    alert = d.raise_alert(NUMBER, MESSAGE)
    phone.wait_event("CALL_ESTABLISHED")
    phone.press("*", after=said + 0.5)
    d.wait_state(alert, "exhausted")
    call, = d.calls(alert)
    assert call["result"] == "heard" and call["keys"] == "*"
    assert len(voice.places(phone.heard()[0], MESSAGE)) == 2


def test_key_6_resolves(rig):
    phone = rig.phone(Person(digits="6@0.5"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "resolved")
    phone.wait_event("CALL_CLOSED")
    call, = d.wait_results(alert, ["acknowledged"])
    assert call["keys"] == "6"


def test_key_5_escalates(rig):
    """There is no next person: so everyone was tried, and the alert says why."""
    phone = rig.phone(Person(digits="5@0.5"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    seen = d.wait_state(alert, "exhausted")
    call, = d.wait_results(alert, ["escalated"])
    assert call["keys"] == "5"
    assert len(phone.of("CALL_INCOMING")) == 1
    assert any("escalat" in e["text"] for e in seen["timeline"])


def test_unknown_key_does_nothing(rig):
    phone = rig.phone(Person(digits="9@0.5,4@2"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    call, = d.wait_results(alert, ["acknowledged"])
    assert call["keys"] == "94"


def test_hangs_up_at_once_is_unheard_and_called_again(rig):
    phone = rig.phone(Person(hangup=0.2), Person(digits="4@0.5"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    first, second = d.wait_results(alert, ["unheard", "acknowledged"])
    assert first["spoken_ms"] < 1500
    assert phone.max_live == 1


def test_refuses_by_the_red_button_and_answers_later(rig):
    phone = rig.phone(Person(delay=None), Person(digits="4@0.5"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    phone.wait_event("CALL_INCOMING")
    phone.hang_up()
    d.wait_state(alert, "acknowledged")
    first, second = d.wait_results(alert, ["busy", "acknowledged"])
    assert first["cause"]["sip"] == 486


@pytest.mark.parametrize("verb, state", [
    ("acknowledge", "acknowledged"), ("resolve", "resolved"), ("cancel", "cancelled")])
def test_api_stops_a_ringing_phone(rig, verb, state):
    phone = rig.phone(Person(delay=None))
    d = rig.daemon(phone, over={"call": {"ring_timeout": "60s"}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "ringing")
    a = d.post("/v1/alerts/%s/%s" % (alert, verb), {"by": "alice", "note": "on it"})
    assert a.status == 200 and a.json["state"] == state and a.json["id"] == alert
    phone.wait_event("CALL_CLOSED")
    d.wait_results(alert, ["cancelled"])
    seen = d.alert(alert)
    assert any("alice" in e["text"] and "on it" in (e["text"] + str(e.get("reason")))
               for e in seen["timeline"])
    again = d.post("/v1/alerts/%s/acknowledge" % alert, {"by": "bob"})
    assert again.status == 409, again
    assert again.headers["Content-Type"] == "application/problem+json"


def test_api_stops_speech(rig):
    phone = rig.phone(Person())
    d = rig.daemon(phone, over={"call": {"repeat_message": 20}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "answered")
    assert d.post("/v1/alerts/%s/acknowledge" % alert, {"by": "alice"}).status == 200
    phone.wait_event("CALL_CLOSED", timeout=20)
    assert d.alert(alert)["acknowledged_by"] == "alice"
    assert len(d.calls(alert)) == 1


def test_dedup_key_makes_one_alert_of_two(rig):
    phone = rig.phone(Person(digits="4@0.5"))
    d = rig.daemon(phone)
    body = {"target": NUMBER, "message": "Twice.", "dedup_key": "disk/db1"}
    first, second = d.post("/v1/alerts", body), d.post("/v1/alerts", body)
    assert (first.status, second.status) == (202, 202)
    assert first.json["deduplicated"] is False and second.json["deduplicated"] is True
    assert first.json["id"] == second.json["id"]
    d.wait_state(first.json["id"], "acknowledged")
    assert len(d.alerts()) == 1 and len(phone.of("CALL_INCOMING")) == 1


def test_no_secret_and_no_number_in_the_log(rig):
    phone = rig.phone(Person(digits="4@0.5"))
    d = rig.daemon(phone, over={"log": {"level": "info"}}, user="alice", password="s3cr3t-w0rd")
    alert = d.raise_alert(NUMBER)
    d.wait_results(alert, ["acknowledged"])
    d.get("/v1/alerts", token=d.token)
    d.stop()
    log = d.output()
    assert "s3cr3t-w0rd" not in log and d.token not in log
    assert NUMBER not in log and NUMBER[1:] not in log
    assert "acknowledged" in log
