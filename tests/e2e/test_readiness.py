# SPDX-License-Identifier: BSD-2-Clause
"""Readiness: who would be reached in the coming days, each problem that there may be, and the story
of an alert."""
import re

from conftest import NUMBER
from rig import ports, proc
from rig.phone import Person
from speech import Voice
from test_cli import FAILED, Cli


def make(d, path, **fields):
    a = d.post("/v1/" + path, fields)
    assert a.status == 201, a
    return a.json["id"]


def contact(d, name, number=None, **fields):
    numbers = [{"number": number}] if number else []
    return make(d, "contacts", name=name, numbers=numbers, **fields)


def policy(d, name, *steps):
    return make(d, "policies", name=name, steps=[{"targets": list(s), "wait": "1m"} for s in steps])


def schedule(d, name, *members, **fields):
    layers = [{"name": "primary", "members": ["contact:" + m for m in members], "rotation": "daily",
               "handover": "09:00", "start": "2026-01-05"}] if members else []
    return make(d, "schedules", **dict({"name": name, "timezone": "Europe/Rome", "layers": layers},
                                       **fields))


def readiness(d, query="unproven=0s"):
    a = d.get("/v1/readiness?" + query)
    assert a.status == 200, a
    return a.json


def problems(d, query="unproven=0s"):
    return {(p["kind"], p["where"]): p for p in readiness(d, query)["problems"]}


def ready_trunk(d):
    proc.wait_for("the trunk to be up", lambda: d.get("/v1/trunks").json["items"][0]["healthy"])


def test_who_is_reached_when(rig):
    phone = rig.phone(Person())
    d = rig.daemon(phone)
    ready_trunk(d)
    cli = Cli(d)
    contact(d, "Alice", "+4911")
    contact(d, "Bob", "+4922")
    schedule(d, "ops", "Alice", "Bob")
    policy(d, "default", ["schedule:ops"], ["contact:Bob", NUMBER])
    seen = readiness(d)
    assert seen["ready"] and seen["problem_count"] == 0 and seen["problems"] == []
    assert [t["name"] for t in seen["trunks"] if t["healthy"]] == ["direct"]
    (p,), (first, second) = seen["policies"], seen["policies"][0]["steps"]
    assert p["name"] == "default" and first["wait"] == "1m"
    periods = first["targets"][0]["periods"]
    assert 7 <= len(periods) <= 8
    names = [[q["name"] for q in period["people"]] for period in periods]
    assert sorted(names[:2]) == [["Alice"], ["Bob"]]
    assert names[2:] == [names[i % 2] for i in range(2, len(names))]
    assert all(a["until"] == b["from"] for a, b in zip(periods, periods[1:]))
    assert periods[0]["from"] == seen["at"] and periods[-1]["until"] == seen["until"]
    assert [t["periods"][0]["people"][0]["numbers"] for t in second["targets"]] == [
        ["+4922"], [NUMBER]]
    text = cli("readiness", "--unproven", "0s")
    assert "policy default" in text and "Alice +4911" in text and "schedule ops" in text
    assert cli.json("readiness", "--unproven", "0s", "--days", "3")["ready"]
    assert d.get("/v1/readiness?days=99").status == 400
    assert d.get("/v1/readiness?unproven=soon").status == 400


def test_what_is_wrong_is_named(rig):
    d = rig.daemon(over={"self_alarms": {"target": NUMBER}}, trunks=[
        {"name": "dead", "uri": "sip:{number}@127.0.0.1:9"}])
    cli = Cli(d)
    contact(d, "Alice", "+4911", pin="471147")
    contact(d, "Bob", "+4922", enabled=False)
    contact(d, "Carol")
    contact(d, "Dave", "+4944")
    schedule(d, "empty")
    policy(d, "nobody", ["contact:Bob"], ["schedule:empty"])
    policy(d, "one", ["contact:Alice"], ["contact:Carol", "contact:Alice"])
    policy(d, "two", ["contact:Dave"], ["contact:Alice"])
    proc.wait_for("the trunk to be down", lambda: ("trunk_down", "trunk dead") in problems(d))
    seen = problems(d, "")
    assert "disabled" in seen["nobody", "policy nobody, step 1"]["text"]
    assert ("nobody", "policy nobody, step 2") in seen
    assert "number" in seen["nobody", "policy one, step 2"]["text"]
    assert seen["no_way_out", "policy nobody"]["severity"] == "error"
    assert "Alice alone" in seen["single_person", "policy one"]["text"]
    assert ("single_person", "policy two") not in seen
    assert "test call" in seen["unproven", "contact Alice"]["text"]
    assert seen["no_pin", "contact Dave"]["severity"] == "note"
    assert seen["trunk_down", "trunk dead"]["severity"] == "error"
    assert ("unproven", "contact Alice") not in problems(d)
    text = cli("readiness", code=FAILED)
    assert "error: policy nobody: none of its steps leads to anybody" in text
    count = readiness(d, "")["problem_count"]

    def metric():
        hit = re.search(r"^tocsin_readiness_problems (\d+)$", d.get("/metrics").body.decode(), re.M)
        return hit and int(hit.group(1))
    assert proc.wait_for("the metric", metric) == count


def test_a_gap_has_its_times(rig):
    phone = rig.phone(Person())
    d = rig.daemon(phone, over={"escalation": {"fallback": NUMBER}})
    ready_trunk(d)
    alice = contact(d, "Alice", "+4911")
    schedule(d, "ops", windows=[{"contact": alice, "start": "2026-01-01T00:00:00Z",
                                 "end": "2050-01-01T00:00:00Z", "priority": 1}])
    assert readiness(d)["ready"]
    schedule(d, "later", windows=[{"contact": alice, "start": "2050-01-01T00:00:00Z",
                                   "end": "2051-01-01T00:00:00Z", "priority": 1}])
    policy(d, "p", ["schedule:later"], ["schedule:ops"])
    seen = problems(d)
    assert list(seen) == [("nobody", "policy p, step 1")]
    assert seen["nobody", "policy p, step 1"]["from"] is None


def test_a_call_that_was_acknowledged_proves_a_number(rig):
    phone = rig.phone(Person(digits="4@0.5"))
    d = rig.daemon(phone)
    ready_trunk(d)
    contact(d, "Alice", NUMBER)
    policy(d, "p", ["contact:Alice"], ["+4999"])
    assert ("unproven", "contact Alice") in problems(d, "")
    alert = d.raise_alert("contact:Alice")
    d.wait_state(alert, "acknowledged")
    d.wait_results(alert, ["acknowledged"])
    seen = readiness(d, "")
    assert [(p["kind"], p["where"]) for p in seen["problems"]] == [("unproven", "number +4999")]
    person = seen["policies"][0]["steps"][0]["targets"][0]["periods"][0]["people"][0]
    assert person["last_reached"] > d.alert(alert)["created_at"]


def test_the_story_is_explained(rig):
    phone = rig.phone(Person(hangup=0.3), Person(digits="4@0.5"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    d.wait_results(alert, ["unheard", "acknowledged"])
    text = Cli(d)("explain", alert[:13])
    assert re.search(r"call 1: \+493012345\n.*Calling \+493012345 by trunk direct\.\n", text)
    assert re.search(r"Called \+493012345: .*\. Then: ", text), text
    assert re.search(r"call 2: (.|\n)*pressed 4: acknowledge\.\n", text)
    assert "now: acknowledged. Somebody has taken it. Acknowledged by" in text


# --- test calls -------------------------------------------------------------------------------

def test_call(d, target, **fields):
    """A test call to its end."""
    a = d.post("/v1/test-calls", dict(fields, target=target))
    assert a.status == 202, a
    return proc.wait_for("the end of the test call", lambda: (
        lambda c: c if c["result"] else None)(d.get("/v1/test-calls/" + a.json["id"]).json), 30)


test_call.__test__ = False
TEST = {"greeting": "This is only a test, nothing at all has happened.",
        "ask": "Press four please.", "confirmed": "All is well, you can be reached."}


def test_the_right_key_passes_a_test_call(rig, tmp_path):
    phone = rig.phone(Person(delay=0.4, digits="1@6,4@11"))
    d = rig.daemon(phone, over={"prompts": {"test": TEST}})
    ready_trunk(d)
    cli = Cli(d)
    contact(d, "Alice", NUMBER, pin="471147")
    policy(d, "p", ["contact:Alice"], ["contact:Alice"])
    assert ("unproven", "contact Alice") in problems(d, "")
    c = test_call(d, "contact:Alice", trunk="direct")
    assert c["result"] == "passed" and c["by"] == "uid:0" and c["number"] == NUMBER, c
    assert c["ring_ms"] < c["answer_ms"] and 300 < c["answer_ms"] and 10000 < c["key_ms"] < 15000
    assert c["trunk"] == "direct" and c["target"] == "contact:Alice" and c["name"] is None
    voice, (heard,) = Voice(d, tmp_path), phone.heard()
    for text in TEST.values():
        voice.assert_in(heard, text)
    assert d.alerts() == [] and ("unproven", "contact Alice") not in problems(d, "")
    assert d.list("/v1/test-calls") == [c]
    assert "contact:Alice" in cli("test-calls") and "passed" in cli("test-calls")


def test_without_the_key_a_test_call_is_not_passed(rig):
    phone = rig.phone(Person(hangup=0.5), Person(delay=None))
    d = rig.daemon(phone, over={"prompts": {"test": TEST}, "call": {"ring_timeout": "1s"}})
    ready_trunk(d)
    cli = Cli(d)
    contact(d, "Alice", NUMBER)
    contact(d, "Bob", "+4922", enabled=False)
    assert test_call(d, "contact:Alice")["result"] == "no_key"
    assert "no_answer" in cli("test-call", NUMBER, code=FAILED)
    assert [c["result"] for c in d.list("/v1/test-calls")] == ["no_answer", "no_key"]
    assert ("unproven", "contact Alice") not in problems(d)
    for target, says in (("contact:Bob", "disabled"), ("contact:Eve", "no contact"),
                         ("policy:x", "no policy"), ("alice", "telephone number")):
        a = d.post("/v1/test-calls", {"target": target})
        assert a.status == 422 and a.json["field"] == "target" and says in a.json["detail"], a
    assert d.post("/v1/test-calls", {"target": NUMBER, "trunk": "no"}).json["field"] == "trunk"


def test_a_line_is_never_called_twice(rig):
    """Neither by a test call during an alert's call, nor the other way round."""
    phone = rig.phone(Person(delay=None), Person(delay=1.0, digits="4@0.5"), Person(digits="4@0.5"))
    d = rig.daemon(phone, over={"call": {"ring_timeout": "60s"}})
    ready_trunk(d)
    alert = d.raise_alert(NUMBER)
    phone.wait_event("CALL_INCOMING")
    a = d.post("/v1/test-calls", {"target": NUMBER})
    assert a.status == 409, a
    d.post("/v1/alerts/%s/cancel" % alert, {})
    phone.wait_idle()
    proc.wait_for("the end of the call", lambda: d.results(alert))
    assert d.post("/v1/test-calls", {"target": NUMBER}).status == 202
    phone.wait_event("CALL_INCOMING", 2)
    other = d.raise_alert(NUMBER)
    d.wait_state(other, "acknowledged")
    proc.wait_for("both ends", lambda: len(phone.of("CALL_CLOSED")) == 3)
    assert phone.max_live == 1
    assert [c["result"] for c in d.list("/v1/test-calls")] == ["passed"]


def test_the_daemon_dies_in_a_test_call(rig):
    phone = rig.phone(Person(delay=None))
    d = rig.daemon(phone)
    ready_trunk(d)
    assert d.post("/v1/test-calls", {"target": NUMBER}).status == 202
    phone.wait_event("CALL_INCOMING")
    d.kill9()
    d.restart()
    proc.wait_for("the history",
                  lambda: [c["result"] for c in d.list("/v1/test-calls")] == ["lost"])


# --- loop-back tests --------------------------------------------------------------------------

LOOP = "+4930555"


def looped(rig, port, people=None, **over):
    """A daemon whose calls go out by one trunk and come in by another one, or reach that port."""
    back = ports.take(3)
    uri = "sip:{number}@127.0.0.1:%d" % (port or back)
    more = [{"name": "people", "uri": "sip:{number}@127.0.0.1:%d" % people}] if people else []
    return rig.daemon(over=dict({"test_calls": [dict({
        "name": "loop", "trunk": "out", "number": LOOP, "every": "1h", "retry": "1s"})]}, **over),
        trunks=more + [{"name": "out", "uri": uri},
                {"name": "in", "uri": "sip:{number}@127.0.0.1:9",
                 "listen": "127.0.0.1:%d" % back}])


def loops(d, count):
    return proc.wait_for("%d loop-back tests" % count, lambda: (
        lambda items: items if len(items) >= count else None)(
            [c for c in d.list("/v1/test-calls", "name=loop")[::-1] if c["result"]]), 60)


def test_a_call_comes_back_with_keys_and_sound(rig):
    d = looped(rig, None)
    (c,) = loops(d, 1)
    assert c["result"] == "passed", c
    assert c["trunk"] == "out" and c["by"] == "tocsin" and c["number"] == LOOP
    assert c["keys_sent"] == c["keys_heard"] == "159#0"
    assert -40 < c["level_dbov"] < -5, c
    assert 0 <= c["ring_ms"] <= c["answer_ms"] < 5000 and c["key_ms"] < 10000
    assert d.alerts() == [] and 'tocsin_test_call_passed{name="loop"} 1' in d.get(
        "/metrics").body.decode()
    # the next one is an hour away, also for the next process
    d.stop()
    d.restart()
    assert len(loops(d, 1)) == 1


def test_a_loop_that_is_broken_is_told(rig):
    """Somebody else answers: after two of these the person for it is called."""
    phone, person = rig.phone(Person(hangup=20), numbers=LOOP), rig.phone(Person(digits="4@1"))
    d = looped(rig, phone.port, person.port, self_alarms={"target": NUMBER, "after": "1h"})
    phone.wait_event("CALL_ESTABLISHED")
    phone.hang_up()
    phone.wait_event("CALL_ESTABLISHED", 2, 30)
    phone.hang_up()
    failed = loops(d, 2)
    assert {c["result"] for c in failed[:2]} == {"failed"}
    assert "come back" in failed[0]["reason"], failed[0]
    (alert,) = proc.wait_for("the alert", d.alerts)
    assert "test call loop by trunk out has failed" in alert["message"]
    d.wait_state(alert["id"], "acknowledged")
