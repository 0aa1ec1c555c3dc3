# SPDX-License-Identifier: BSD-2-Clause
"""Until somebody answers: people, schedules and policies, with real softphones at the far end."""
import pytest

from conftest import NUMBER
from rig import proc
from rig.phone import Person
from rig.room import Habit
from speech import MESSAGE, Voice

SECOND = "+4930199"
PIN, WRONG = "471147", "471148"


def people(d, **alice):
    """Alice and Bob; more of Alice."""
    for name, number, more in (("Alice", NUMBER, alice), ("Bob", SECOND, {})):
        assert d.post("/v1/contacts", dict(more, name=name, numbers=[
            {"number": number, "use": ["call"]}])).status == 201


def two_steps(d):
    """First Alice, then Bob."""
    assert d.post("/v1/policies", {"name": "default", "steps": [
        {"targets": ["contact:Alice"], "wait": "10m"}, {"targets": ["contact:Bob"]}]}).status == 201
    return "policy:default"


def rung(calls):
    return [(c["number"], c["result"]) for c in calls]


def events(d, alert, what):
    return [e for e in d.alert(alert)["timeline"] if e["what"] == what]


def test_first_person_busy_second_acknowledges(rig):
    phone = rig.phone(Person(delay=None), Person(delay=None), Person(digits="4@0.5"),
                      numbers=[NUMBER, SECOND])
    d = rig.daemon(phone, over={"call": {"attempts": 2}})
    people(d)
    assert d.post("/v1/schedules", {"name": "ops", "timezone": "Europe/Berlin", "windows": [
        {"contact": "Alice", "start": "2020-01-01T00:00", "end": "2120-01-01T00:00"},
        {"contact": "Bob", "start": "2020-01-01T00:00", "end": "2120-01-01T00:00",
         "priority": 1}]}).status == 201
    alert = d.raise_alert("schedule:ops")
    for n in (1, 2):
        phone.wait_event("CALL_INCOMING", n)
        phone.hang_up()
    seen = d.wait_state(alert, "acknowledged")
    assert seen["acknowledged_by"] == "Bob"
    assert [a["name"] for a in seen["acknowledgements"]] == ["Bob"]
    calls = d.wait_results(alert, ["busy", "busy", "acknowledged"])
    assert sorted(c["number"] for c in calls) == sorted([NUMBER, NUMBER, SECOND])
    following, = events(d, alert, "escalation.next")
    assert "Bob, next in schedule ops" in following["text"]
    assert "Alice was busy (486) twice" in following["reason"]
    assert phone.max_live == 1


def test_all_must_acknowledge(rig):
    phone = rig.phone(Person(digits="4@0.5"), Person(digits="4@3"), numbers=[NUMBER, SECOND])
    d = rig.daemon(phone)
    people(d)
    assert d.post("/v1/policies", {"name": "both", "steps": [
        {"targets": ["contact:Alice", "contact:Bob"], "wait": "2m",
         "all_must_acknowledge": True}]}).status == 201
    alert = d.raise_alert("policy:both")
    seen = d.wait_state(alert, "acknowledged")
    assert sorted(a["name"] for a in seen["acknowledgements"]) == ["Alice", "Bob"]
    part, = events(d, alert, "alert.partly_acknowledged")
    assert "missing: " in part["text"]
    proc.wait_for("both calls to be over", lambda: {NUMBER, SECOND} == {
        c["number"] for c in d.calls(alert) if c["result"] == "acknowledged"})


def test_killed_in_the_second_step(rig):
    """The next process goes on there: who was tried is not called again."""
    phone = rig.phone(Person(delay=None), Person(delay=None), Person(digits="4@0.5"),
                      numbers=[NUMBER, SECOND])
    d = rig.daemon(phone, over={"call": {"attempts": 1, "ring_timeout": "60s"}})
    people(d)
    assert d.post("/v1/policies", {"name": "p", "steps": [
        {"targets": ["contact:Alice"], "wait": "5m"},
        {"targets": ["contact:Bob"], "wait": "5m"}]}).status == 201
    alert = d.raise_alert("policy:p")
    phone.wait_event("CALL_INCOMING", 1)
    phone.hang_up()
    phone.wait_event("CALL_INCOMING", 2)
    seen = d.alert(alert)
    assert seen["step"] == 2 and seen["escalation"]["steps"] == 2
    assert [(p["name"], p["state"]) for p in seen["escalation"]["people"]] == [("Bob", "calling")]
    d.kill9()
    d.restart()
    seen = d.wait_state(alert, "acknowledged")
    assert seen["acknowledged_by"] == "Bob"
    assert len([e for e in seen["timeline"] if e["what"] == "escalation.step"]) == 2
    assert [c["number"] for c in d.calls(alert)].count(NUMBER) == 1
    assert phone.max_live == 1


def test_snoozed_while_it_rings(rig):
    phone = rig.phone(Person(delay=None), Person(digits="4@0.5"), numbers=[NUMBER])
    d = rig.daemon(phone, over={"call": {"attempts": 5, "ring_timeout": "2s"}})
    alert = d.raise_alert(NUMBER)
    phone.wait_event("CALL_INCOMING", 1)
    a = d.post("/v1/alerts/%s/snooze" % alert, {"for": "1h", "by": "Carol"})
    assert a.status == 200 and a.json["held"]["by"] == "snooze by Carol"
    d.wait_results(alert, ["no_answer"])
    assert d.alert(alert)["state"] == "open" and len(phone.of("CALL_INCOMING")) == 1
    assert d.request("DELETE", "/v1/alerts/%s/snooze" % alert).status == 200
    d.wait_state(alert, "acknowledged")


def test_first_step_busy_second_acknowledges(rig, tmp_path):
    phone = rig.phone(Person(delay=None), Person(digits="4@5"), numbers=[NUMBER, SECOND])
    d = rig.daemon(phone, over={"call": {"attempts": 1}})
    people(d)
    alert = d.raise_alert(two_steps(d), MESSAGE)
    phone.wait_event("CALL_INCOMING")
    phone.hang_up()                              # with 486
    seen = d.wait_state(alert, "acknowledged")
    assert rung(d.wait_results(alert, ["busy", "acknowledged"])) == [
        (NUMBER, "busy"), (SECOND, "acknowledged")]
    assert seen["acknowledged_by"] == "Bob"
    assert [e["text"] for e in events(d, alert, "escalation.step")] == [
        "step 1 of 2 of policy default, round 1: calls Alice",
        "step 2 of 2 of policy default, round 1: calls Bob"]
    assert [e["reason"] for e in events(d, alert, "escalation.step")] == [
        None, "Alice was busy (486); all were tried"]
    Voice(d, tmp_path).assert_in(phone.heard()[0], MESSAGE)


def test_key_5_begins_the_next_step(rig):
    phone = rig.phone(Person(digits="5@1"), Person(digits="4@1"), numbers=[NUMBER, SECOND])
    d = rig.daemon(phone)
    people(d)
    alert = d.raise_alert(two_steps(d))
    seen = d.wait_state(alert, "acknowledged")
    assert rung(d.wait_results(alert, ["escalated", "acknowledged"])) == [
        (NUMBER, "escalated"), (SECOND, "acknowledged")]
    assert events(d, alert, "escalation.step")[1]["reason"] == "escalated by Alice"
    assert seen["acknowledged_by"] == "Bob"


def test_right_pin(rig):
    """The first try is wrong; key 4 counts with the right one, and the PIN is seen nowhere."""
    phone = rig.phone(Person())
    d = rig.daemon(phone)
    people(d, pin=PIN)
    alert = d.raise_alert("contact:Alice")
    phone.wait_event("CALL_ESTABLISHED")
    d.wait_call(alert, "answered")
    phone.press("4" + WRONG)
    proc.wait_for("the wrong PIN to be noticed", lambda: events(d, alert, "call.pin"))
    assert d.alert(alert)["state"] == "open"
    phone.press(PIN)
    seen = d.wait_state(alert, "acknowledged")
    call, = d.wait_results(alert, ["acknowledged"])
    assert seen["acknowledged_by"] == "Alice"
    assert call["keys"].startswith("4*")
    said = d.output() + d.get("/v1/alerts/" + alert).body.decode() + str(call)
    assert PIN not in said and WRONG not in said


def test_wrong_pin(rig):
    """Whoever has Alice's telephone does not know it: that call decides nothing, Bob is called."""
    phone = rig.phone(Person(), Person(digits="4@1"), numbers=[NUMBER, SECOND])
    d = rig.daemon(phone, over={"call": {"attempts": 1}})
    people(d, pin=PIN)
    alert = d.raise_alert(two_steps(d))
    phone.wait_event("CALL_ESTABLISHED")
    d.wait_call(alert, "answered")
    phone.press("4")
    for n in range(3):
        phone.press(WRONG)
        proc.wait_for("try %d" % (n + 1), lambda: len(events(d, alert, "call.pin")) > n)
    seen = d.wait_state(alert, "acknowledged")
    assert rung(d.wait_results(alert, ["heard", "acknowledged"])) == [
        (NUMBER, "heard"), (SECOND, "acknowledged")]
    assert seen["acknowledged_by"] == "Bob"


@pytest.mark.parametrize("state", ["ringing", "answered"])
@pytest.mark.parametrize("where", [1, 2])
def test_killed_in_a_step(rig, where, state):
    """Ringing or speaking: that step goes on, and who was tried before is not called again."""
    whom = (NUMBER, SECOND)[where - 1]

    def plan(number, before):
        if number != whom:
            return Habit(refuse=(486, "Busy Here"))
        return Habit(ring=None if state == "ringing" else 0.0) if before == 0 else Habit(keys="4@1")
    room = rig.room(plan)
    d = rig.daemon(room, over={"call": {"attempts": 2, "repeat_message": 20,
                                        "ring_timeout": "60s"}})
    people(d)
    alert = d.raise_alert(two_steps(d))
    proc.wait_for("the call of step %d" % where, lambda: any(
        c["number"] == whom and c["state"] == state for c in d.calls(alert)), 30)
    d.kill9()
    d.restart()
    seen = d.wait_state(alert, "acknowledged")
    before = [(NUMBER, "busy")] * 2 if where == 2 else []
    d.wait_results(alert, [r for _, r in before] + ["lost", "acknowledged"])
    assert rung(d.calls(alert)) == before + [(whom, "lost"), (whom, "acknowledged")]
    assert seen["acknowledged_by"] == ("Alice", "Bob")[where - 1]
    assert len(events(d, alert, "escalation.step")) == where and room.max_live == 1
