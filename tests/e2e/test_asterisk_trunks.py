# SPDX-License-Identifier: BSD-2-Clause
"""Several Asterisks: which one a call takes, and what is said of each; the check of a trunk."""
import time

import pytest

from conftest import NUMBER
from rig import ports, proc
from rig.room import Habit

QUICK = {"prompts": {"greeting": "Bell.", "menu": "Four.", "acknowledged": "Yes."}}


@pytest.fixture(scope="module")
def two(request, tmp_path_factory):
    """An Asterisk 22 and a 16, for all tests here."""
    from conftest import _shared
    from rig.asterisk import Asterisk
    made = []
    for version in ("22", "16"):
        made.append(Asterisk(tmp_path_factory.mktemp("asterisk-" + version), version))
        _shared.append(made[-1])
    yield made
    for a in made:
        _shared.remove(a)
        a.stop()


def trunk(d, name):
    return next(t for t in d.get("/v1/trunks").json["items"] if t["name"] == name)


def healthy(d, *names):
    proc.wait_for("%s to be healthy" % (names,),
                  lambda: all(trunk(d, n)["healthy"] for n in names))


def start(rig, two, room, over=None, first=None, second=None):
    d = rig.daemon(over=over and dict(QUICK, **over) or QUICK, trunks=[
        two[0].trunk(room.port, name="first", **(first or {})),
        two[1].trunk(room.port, name="second", **(second or {}))])
    healthy(d, "first", "second")
    return d


def used(d, alerts):
    return [d.calls(a)[-1]["trunk"] for a in alerts]


def test_status(rig, two):
    room = rig.room()
    d = start(rig, two, room)
    for name, asterisk in zip(("first", "second"), two):
        t = trunk(d, name)
        assert t["plugin"] == "ari" and t["live"] == 0 and t["max_calls"] == 10
        assert asterisk.version in t["text"]
        assert t["status"]["version"].startswith(asterisk.version)
        assert t["status"]["media"] in ("file", "http", "websocket", "externalmedia")
    metrics = d.get("/metrics").body.decode()
    for name in ("first", "second"):
        assert any('"%s"' % name in line and "trunk" in line and line.endswith(" 1")
                   for line in metrics.splitlines()), "health of each trunk is a metric"
    assert d.get("/readyz").status == 200


def test_in_order_and_round_robin(rig, two):
    room = rig.room(Habit(keys="4@0.2"))
    d = start(rig, two, room)
    alerts = [d.raise_alert("+4930%d" % i) for i in range(4)]
    for a in alerts:
        d.wait_state(a, "acknowledged")
    assert used(d, alerts) == ["first"] * 4
    d.stop()
    d = start(rig, two, room, {"call": {"trunk_order": "round_robin"}})
    alerts = [d.raise_alert("+4931%d" % i) for i in range(6)]
    for a in alerts:
        d.wait_state(a, "acknowledged")
    assert sorted(used(d, alerts)) == ["first"] * 3 + ["second"] * 3


def test_max_calls(rig, two):
    room = rig.room(Habit(keys="4@2.5"))
    d = start(rig, two, room, first={"max_calls": 2}, second={"max_calls": 1})
    alerts = [d.raise_alert("+4930%d" % i) for i in range(5)]
    room.wait("three calls", lambda: len(room.live()) == 3)
    proc.wait_for("the figures", lambda: (trunk(d, "first")["live"],
                                          trunk(d, "second")["live"]) == (2, 1))
    waiting = [a for a in alerts if any(c["state"] == "queued" for c in d.calls(a))]
    assert len(waiting) == 2, "what waits is a state one can see"
    most = 0
    for a in alerts:
        d.wait_state(a, "acknowledged")
    for c in room.calls:
        at = c.times["invite"]
        most = max(most, sum(1 for o in room.calls
                             if o.times["invite"] <= at < o.times.get("ended", 1e12)))
    assert most == 3


def test_calls_per_second(rig, two):
    room = rig.room(Habit(keys="4@0.2"))
    d = start(rig, two, room, first={"calls_per_second": 2.0}, second={"calls_per_second": 1.0})
    alerts = [d.raise_alert("+4930%d" % i) for i in range(12)]
    for a in alerts:
        d.wait_state(a, "acknowledged")
    times = sorted(c.times["invite"] for c in room.calls)
    # a burst of 2 + 1, then 3 a second
    assert 2.4 <= times[-1] - times[0] <= 6.0
    assert all(sum(1 for t in times if a <= t < a + 1) <= 7 for a in times)


def test_one_whose_calls_fail_is_no_longer_first(rig, two):
    room = rig.room(Habit(keys="4@0.2"))
    d = start(rig, two, room, first={"endpoint": "PJSIP/{number}@nobody"})
    alerts = []
    for i in range(8):
        alerts.append(d.raise_alert("+4930%d" % i))
        d.wait_state(alerts[-1], "acknowledged")
    t = trunk(d, "first")
    assert not t["healthy"] and t["up"] and "failed" in t["text"]
    firsts = [d.calls(a)[0]["trunk"] for a in alerts]
    assert firsts[:5] == ["first"] * 5 and firsts[-1] == "second", firsts


def test_down_at_originate_the_next_one_at_once(rig, two):
    """And no attempt is used up. Up again, it is healthy within 2 s and has the next call."""
    room = rig.room(Habit(keys="4@0.3"))
    gone = rig.asterisk("22")
    d = rig.daemon(over=dict(QUICK, call={"attempts": 1}), trunks=[
        gone.trunk(room.port, name="first"), two[1].trunk(room.port, name="second")])
    healthy(d, "first", "second")
    gone.kill9()
    begun = time.time()
    alert = d.raise_alert(NUMBER)
    room.wait_call("invite")
    assert room.calls[0].times["invite"] - begun < 1.0
    d.wait_state(alert, "acknowledged")
    assert d.calls(alert)[-1]["trunk"] == "second"
    proc.wait_for("it to be unhealthy", lambda: not trunk(d, "first")["healthy"])
    assert trunk(d, "first")["text"] and d.get("/readyz").status == 200
    gone.start()
    begun = time.monotonic()
    proc.wait_for("it to be healthy", lambda: trunk(d, "first")["healthy"], 10)
    assert time.monotonic() - begun <= 2.0
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    assert used(d, [alert]) == ["first"]


def test_all_down_waits_and_calls_when_one_is_back(rig):
    room = rig.room(Habit(keys="4@0.3"))
    asterisk = rig.asterisk("22", start=False)
    d = rig.daemon(room, asterisk=asterisk, over=QUICK)
    alert = d.raise_alert(NUMBER)
    proc.wait_for("the trunk to say why", lambda: "refused" in trunk(d, "pbx")["text"])
    asterisk.start()
    d.wait_state(alert, "acknowledged", timeout=30)
    assert len(room.calls) == 1


# --- tocsin trunk check -----------------------------------------------------------------------

def check(d, name="pbx", number=None):
    a = d.post("/v1/trunks/%s/check" % name, {"number": number} if number else {}, timeout=60)
    assert a.status == 200, a
    return a.json["ok"], {s["step"]: s for s in a.json["steps"]}


def test_check_of_a_good_one(rig, two):
    room = rig.room()
    for asterisk in two:
        d = rig.daemon(room, asterisk=asterisk)
        ok, steps = check(d, number=NUMBER)
        assert ok, steps
        assert all(s["ok"] for s in steps.values()), steps
        assert room.calls == [], "nobody's telephone rings"
        asterisk.wait_no_channels()


@pytest.mark.parametrize("fault, step, says", [
    ({"url": "http://127.0.0.1:9/ari"}, "connect", "refused"),
    ({"password": "wr0ng-secret"}, "login", "refused"),
    ({"endpoint": "PJSIP/{number}@nobody"}, "endpoint", "no endpoint"),
    ({"media": "http"}, "speech", "http"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_check_says_what_is_wrong(rig, two, fault, step, says):
    room = rig.room()
    over = {}
    if "media" in fault:                     # Asterisk cannot reach us there
        over = {"http": {"public_url": "http://127.0.0.1:%d" % ports.take()}}
    d = rig.daemon(room, asterisk=two[0], over=over, **fault)
    ok, steps = check(d, number=NUMBER)
    assert not ok
    assert steps[step]["ok"] is False and says in steps[step]["text"], steps
    assert "wr0ng-secret" not in str(steps) + d.output()
    others = [s for name, s in steps.items() if name != step and s["ok"] is False]
    assert others == [], others
