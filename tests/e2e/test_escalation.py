# SPDX-License-Identifier: BSD-2-Clause
"""Until somebody answers: people, schedules and policies, with real softphones at the far end."""
from conftest import NUMBER
from rig import proc
from rig.phone import Person

SECOND = "+4930199"


def people(d):
    for name, number in (("Alice", NUMBER), ("Bob", SECOND)):
        assert d.post("/v1/contacts", {"name": name, "numbers": [
            {"number": number, "use": ["call"]}]}).status == 201


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
