# SPDX-License-Identifier: BSD-2-Clause
"""Several trunks: in order, in turn, one that fails all its calls; and what is shown of them."""
import pytest

from rig import proc, sipp

BUSY = sipp.final(486, "Busy Here")
FULL = sipp.final(503, "Service Unavailable")
CALL = {"attempts": 1, "ring_timeout": "20s"}


def call_all(d, count, first=0):
    """Raise alerts one after the other; the trunks that had the last call of each."""
    used = []
    for i in range(count):
        alert = d.raise_alert("+4930%d" % (first + i))
        d.wait_state(alert, "exhausted")
        used.append(d.calls(alert)[-1]["trunk"])
    return used


def trunk(d, name):
    found, = [t for t in d.get("/v1/trunks").json["items"] if t["name"] == name]
    return found


def metric(d, name, which):
    series = '%s{trunk="%s"} ' % (name, which)
    line, = [x for x in d.get("/metrics").body.decode().splitlines() if x.startswith(series)]
    return float(line.split()[-1])


def test_in_turn_and_after_a_reload_in_order(rig):
    peers = [rig.peer(BUSY) for _ in range(3)]
    d = rig.daemon(over={"call": dict(CALL, trunk_order="round_robin")},
                   trunks=[{"name": "t%d" % i, "uri": p.uri} for i, p in enumerate(peers)])
    assert call_all(d, 6) == ["t0", "t1", "t2"] * 2
    assert [len(p.calls()) for p in peers] == [2, 2, 2]
    d.config["call"]["trunk_order"] = "in_order"
    d.write_config()
    d.reload()
    proc.wait_for("the reload in the log", lambda: "was reloaded" in d.output())
    assert call_all(d, 3, 6) == ["t0"] * 3


@pytest.mark.parametrize("scenario", [FULL, sipp.final(500, "Server Internal Error")],
                         ids=["503", "500"])
def test_a_trunk_that_answers_and_fails_each_call(rig, scenario):
    """Its OPTIONS are answered, so its plugin finds nothing wrong: its calls tell."""
    bad, good = rig.peer(scenario), rig.peer(BUSY)
    d = rig.daemon(over={"call": CALL}, trunks=[
        {"name": "bad", "uri": bad.uri, "keepalive": "0s"}, {"name": "good", "uri": good.uri}])
    assert call_all(d, 5) == ["good"] * 5
    seen = trunk(d, "bad")
    assert not seen["healthy"] and seen["up"] and "5 of 5 calls failed" in seen["text"]
    assert seen["failed"] == 5 and seen["placed"] == 5 and seen["failed_share"] == 1
    assert trunk(d, "good")["healthy"] and trunk(d, "good")["failed"] == 0
    assert metric(d, "tocsin_trunk_healthy", "bad") == 0
    assert metric(d, "tocsin_trunk_up", "bad") == 1
    assert metric(d, "tocsin_trunk_failed_total", "bad") == 5
    assert metric(d, "tocsin_trunk_failed_share", "bad") == 1
    events = d.events(last_id=0)
    down = events.until(lambda e: e["event"] == "trunk.down")[-1]
    assert "trunk bad is down: 5 of 5 calls failed" in down["data"]
    events.close()
    assert call_all(d, 3, 5) == ["good"] * 3
    assert len(bad.calls()) == 5, "it is spared"
    assert len(good.calls()) == 8
