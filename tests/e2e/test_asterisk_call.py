# SPDX-License-Identifier: BSD-2-Clause
"""One alert, one person, through a real Asterisk: what is heard, what each key does, and no key."""
import re

import pytest

from conftest import NUMBER
from rig import ports, proc
from rig.phone import Person
from rig.room import Habit
from speech import GREETING, MENU, MESSAGE, PROMPTS, Voice

ONE = {"call": {"attempts": 1}}


def heard(call, tmp_path):
    """The recording of a call to a room that is over."""
    return call.save("%s/%s.wav" % (tmp_path, re.sub(r"\W", "_", call.id)))


def one_call(d, alert, timeout=60):
    d.wait_state(alert, "exhausted", timeout)
    call, = d.calls(alert)
    return call


# --- a person who answers ---------------------------------------------------------------------

def test_key_4_acknowledges_after_all_was_heard(rig, pbx, tmp_path):
    phone = rig.phone(Person(delay=0.5))
    d = rig.daemon(phone, asterisk=pbx, over=dict(PROMPTS, call={"repeat_message": 3}))
    voice = Voice(d, tmp_path)
    said = voice.seconds(GREETING) + voice.seconds(MESSAGE)
    alert = d.raise_alert(NUMBER, MESSAGE, severity="critical", labels={"host": "db1"})
    phone.wait_event("CALL_ESTABLISHED")
    phone.press("4", after=said + 1.0)
    seen = d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED")
    call, = d.wait_results(alert, ["acknowledged"])
    assert seen["acknowledged_by"] and seen["acknowledged_at"]
    assert call["keys"] == "4" and call["number"] == NUMBER and call["trunk"] == "pbx"
    assert call["placed_at"] <= call["ringing_at"] <= call["answered_at"] <= call["ended_at"]
    recording, = phone.heard()
    greeting, message = (voice.assert_in(recording, text) for text in (GREETING, MESSAGE))
    assert greeting.starts_at < message.starts_at
    assert message.correlation > 0.99
    assert call["spoken_ms"] >= 1000 * said
    assert voice.places(recording, "The web server in London is quite well.") == []
    assert phone.max_live == 1 and len(phone.of("CALL_INCOMING")) == 1
    pbx.wait_no_channels()


def test_key_4_is_taken_during_speech_and_confirmed(rig, pbx, tmp_path):
    confirm = "Acknowledged, thank you."
    room = rig.room(Habit(keys="4@1.0"))
    d = rig.daemon(room, asterisk=pbx,
                   over={"prompts": dict(PROMPTS["prompts"], acknowledged=confirm)})
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "acknowledged")
    call = room.wait_call("ended")
    voice = Voice(d, tmp_path)
    recording = heard(call, tmp_path)
    assert voice.places(recording, MESSAGE) == [], "speech goes on after the key"
    voice.assert_in(recording, confirm)
    assert voice.places(recording, confirm)[0] < 2.0, "speech does not stop at once"
    assert d.wait_results(alert, ["acknowledged"])[0]["keys"] == "4"


def test_no_key_is_heard(rig, pbx, tmp_path):
    room = rig.room()
    d = rig.daemon(room, asterisk=pbx, over=dict(ONE, **PROMPTS))
    call = one_call(d, d.raise_alert(NUMBER, MESSAGE))
    assert call["result"] == "heard" and call["keys"] == ""
    voice = Voice(d, tmp_path)
    for text in (GREETING, MESSAGE, MENU):
        voice.assert_in(heard(room.calls[0], tmp_path), text)


@pytest.mark.parametrize("pbx", ["22"], indirect=True)
def test_message_is_repeated_by_itself_and_by_star(rig, pbx, tmp_path):
    room = rig.room()
    d = rig.daemon(room, asterisk=pbx,
                   over=dict(PROMPTS, call={"repeat_message": 2, "attempts": 1}))
    voice = Voice(d, tmp_path)
    once = sum(map(voice.seconds, (GREETING, MESSAGE)))
    alert = d.raise_alert(NUMBER, MESSAGE)
    room.press(room.wait_call("acked"), "*", after=once + 0.6)
    call = one_call(d, alert)
    assert call["result"] == "heard" and call["keys"] == "*"
    recording = heard(room.calls[0], tmp_path)
    assert len(voice.places(recording, MESSAGE)) in (2, 3)
    assert len(voice.places(recording, GREETING)) == 1


@pytest.mark.parametrize("keys, state, result", [
    ("9@0.3,4@1", "acknowledged", "acknowledged"), ("6@0.3", "resolved", "acknowledged"),
    ("5@0.3", "exhausted", "escalated")])
def test_keys(rig, pbx, keys, state, result):
    room = rig.room(Habit(keys=keys))
    d = rig.daemon(room, asterisk=pbx)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, state)
    call, = d.wait_results(alert, [result])
    assert call["keys"] == "".join(k[0] for k in keys.split(","))
    room.wait_call("ended")
    assert len(room.calls) == 1


def test_keys_by_sip_info(rig, pbx):
    room = rig.room(Habit(keys="9@0.3,4@0.8", info=True))
    d = rig.daemon(room, asterisk=pbx, mode="any-info")
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    assert d.wait_results(alert, ["acknowledged"])[0]["keys"] == "94"


@pytest.mark.parametrize("habit", [
    Habit(hangup=0.0), Habit(hangup=0.5), Habit(ring=0.3, hangup=0.2, rings=False)],
    ids=["at once", "early", "without having rung"])
def test_hangs_up_early_is_unheard_and_called_again(rig, pbx, habit):
    room = rig.room(lambda number, before: Habit(keys="4@0.4") if before else habit)
    d = rig.daemon(room, asterisk=pbx)
    alert = d.raise_alert(NUMBER, " ".join([MESSAGE] * 3))
    d.wait_state(alert, "acknowledged")
    first, _ = d.wait_results(alert, ["unheard", "acknowledged"])
    assert first["spoken_ms"] < 1500 and first["answered_at"]
    assert room.max_live == 1


# --- nobody who answers -----------------------------------------------------------------------

@pytest.mark.parametrize("code, q850, result", [
    (486, 17, "busy"), (600, None, "busy"), (603, 21, "rejected"), (480, None, "no_answer"),
    (404, 1, "unreachable"), (503, 34, "congestion")])
def test_final_answer(rig, pbx, code, q850, result):
    room = rig.room(Habit(refuse=(code, "Refused")))
    d = rig.daemon(room, asterisk=pbx, over=ONE)
    call = one_call(d, d.raise_alert(NUMBER))
    assert call["result"] == result
    if pbx.major >= 22:                      # 16 does not tell
        assert call["cause"]["sip"] == code
    assert q850 is None or call["cause"]["q850"] == q850
    assert call["answered_at"] is None and call["spoken_ms"] == 0 and call["keys"] == ""
    assert len(room.calls) == 1
    room.wait_call("acked")


def test_the_red_button_then_answered(rig, pbx):
    phone = rig.phone(Person(delay=None), Person(digits="4@0.5"))
    d = rig.daemon(phone, asterisk=pbx)
    alert = d.raise_alert(NUMBER)
    phone.wait_event("CALL_INCOMING")
    phone.hang_up()
    d.wait_state(alert, "acknowledged")
    first, _ = d.wait_results(alert, ["busy", "acknowledged"])
    assert first["cause"]["q850"] == 17


def test_rings_for_ever_is_cancelled(rig, pbx):
    room = rig.room(Habit(ring=None))
    d = rig.daemon(room, asterisk=pbx, over={"call": {"attempts": 1, "ring_timeout": "2s"}})
    call = one_call(d, d.raise_alert(NUMBER))
    assert call["result"] == "no_answer"
    assert call["ringing_at"] and not call["answered_at"]
    at = room.wait_call("cancelled").times
    assert 1.8 <= at["cancelled"] - at["invite"] <= 3.5
    room.wait_call("over")
    pbx.wait_no_channels()


def test_nobody_at_the_port(rig, pbx):
    """Asterisk itself would try for 32 s; what never rang has not "not answered"."""
    d = rig.daemon(asterisk=pbx, over={"call": {"attempts": 1, "ring_timeout": "2s"}},
                   endpoint="PJSIP/any/sip:{number}@127.0.0.1:%d" % ports.take())
    call = one_call(d, d.raise_alert(NUMBER), 20)
    assert call["result"] in ("unreachable", "failed", "congestion")
    assert call["ringing_at"] is None
    pbx.wait_no_channels()


def test_nobody_at_the_port_and_asterisk_gives_up_first(rig):
    asterisk = rig.asterisk("22", t1=100)
    d = rig.daemon(asterisk=asterisk, over={"call": {"attempts": 1, "ring_timeout": "60s"}},
                   endpoint="PJSIP/any/sip:{number}@127.0.0.1:%d" % ports.take())
    call = one_call(d, d.raise_alert(NUMBER), 25)
    assert call["result"] in ("unreachable", "failed", "congestion")


def test_unknown_endpoint_is_said_and_the_next_trunk_tried(rig, pbx):
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(trunks=[
        pbx.trunk(name="wrong", endpoint="PJSIP/{number}@no-such-provider"),
        pbx.trunk(room.port, name="right", app="tocsin-second")])
    both_healthy(d)
    alert = d.raise_alert(NUMBER)
    seen = d.wait_state(alert, "acknowledged")
    assert d.calls(alert)[-1]["trunk"] == "right"
    assert room.calls[0].times["invite"] and len(room.calls) == 1
    said = [str(e) for e in seen["timeline"] if "wrong" in str(e)]
    wrong = [c for c in d.calls(alert) if c["trunk"] == "wrong"]
    assert any("Allocation failed" in s for s in said + [str(wrong)])


def both_healthy(d):
    proc.wait_for("all trunks to be healthy",
                  lambda: all(t["healthy"] for t in d.get("/v1/trunks").json["items"]))


def test_a_number_of_300_characters(rig, pbx):
    """Refused where it comes in, with the name of the field, and no harm is done."""
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(room, asterisk=pbx)
    for target in ("+" + "4" * 300, "4" * 33, "+" + "4" * 33):
        a = d.post("/v1/alerts", {"target": target, "message": "Fire."})
        assert a.status == 422 and a.json["field"] == "target", a
        assert a.json["detail"] and a.headers["Content-Type"] == "application/problem+json"
    assert d.alerts() == [] and room.calls == []
    d.wait_state(d.raise_alert("4" * 32), "acknowledged")
    assert [c.number for c in room.calls] == ["4" * 32]


# --- others who decide ------------------------------------------------------------------------

@pytest.mark.parametrize("verb, state", [
    ("acknowledge", "acknowledged"), ("resolve", "resolved"), ("cancel", "cancelled")])
def test_api_stops_a_ringing_phone(rig, pbx, verb, state):
    room = rig.room(Habit(ring=None))
    d = rig.daemon(room, asterisk=pbx, over={"call": {"ring_timeout": "60s"}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "ringing")
    a = d.post("/v1/alerts/%s/%s" % (alert, verb), {"by": "alice", "note": "on it"})
    assert a.status == 200 and a.json["state"] == state
    room.wait_call("cancelled")
    d.wait_results(alert, ["cancelled"])
    pbx.wait_no_channels()


def test_api_stops_speech(rig, pbx):
    room = rig.room()
    d = rig.daemon(room, asterisk=pbx, over={"call": {"repeat_message": 20}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "answered")
    assert d.post("/v1/alerts/%s/acknowledge" % alert, {"by": "alice"}).status == 200
    room.wait_call("ended")
    assert d.alert(alert)["acknowledged_by"] == "alice" and len(d.calls(alert)) == 1


# --- what Asterisk is told --------------------------------------------------------------------

def test_who_calls_and_how_the_number_is_written(rig, pbx):
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(room, asterisk=pbx, plus="00", caller_id="Night Watch <030555>",
                   variables={"PJSIP_HEADER(add,X-Site)": "Berlin"})
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")
    call, = room.calls
    assert call.number == "00" + NUMBER[1:]
    who = re.search(r"^From: *(.*)$", call.invite, re.M).group(1)
    assert "Night Watch" in who and "sip:030555@" in who


@pytest.mark.parametrize("keys", ["4@0.5", ""])
def test_through_the_dialplan_of_the_site(rig, pbx, keys, tmp_path):
    """Local/NUMBER@CONTEXT: what the dialplan dials counts, not that it was entered."""
    room = rig.room(Habit(ring=0.7, keys=keys) if keys else Habit(refuse=(486, "Busy Here")))
    pbx.set_global(PHONE=room.port)
    d = rig.daemon(asterisk=pbx, endpoint="Local/{number}@out", over=dict(ONE, **PROMPTS))
    alert = d.raise_alert(NUMBER, MESSAGE)
    if not keys:
        assert one_call(d, alert)["result"] == "busy"
        return
    d.wait_state(alert, "acknowledged")
    call, = d.wait_results(alert, ["acknowledged"])
    assert room.calls[0].number == NUMBER and call["answered_at"]
    assert room.calls[0].times["acked"] - room.calls[0].times["invite"] > 0.6
    room.wait_call("over")
    pbx.wait_no_channels()


def test_no_secret_and_no_number_in_the_log(rig, pbx):
    room = rig.room(Habit(keys="4@0.5"))
    d = rig.daemon(room, asterisk=pbx, over={"log": {"level": "info"}})
    d.wait_results(d.raise_alert(NUMBER), ["acknowledged"])
    assert pbx.password not in str(d.get("/v1/plugins").json) + str(d.get("/v1/trunks").json)
    d.stop()
    assert pbx.password not in d.output()
    assert NUMBER not in d.output() and NUMBER[1:] not in d.output()
