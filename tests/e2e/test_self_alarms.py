# SPDX-License-Identifier: BSD-2-Clause
"""Tocsin about itself: a trunk, or the store, does not work, and a person is called for that."""
import contextlib
import sqlite3

from conftest import NUMBER
from rig import proc
from rig.phone import Person

SELF = {"self_alarms": {"target": NUMBER, "after": "2s"}}


def trunks(*phones):
    names = ("direct", "backup")
    return [{"name": n, "uri": "sip:{number}@127.0.0.1:%d" % p.port, "keepalive": "1s",
             "max_calls": 2} for n, p in zip(names, phones)]


def trunk(d, name):
    return next(t for t in d.get("/v1/trunks").json["items"] if t["name"] == name)


def test_a_trunk_goes_and_comes_back(rig):
    """The far end of one trunk is gone: he is called by the other one, until it is there again."""
    gone = rig.phone(Person(delay=None), numbers="+4999")
    phone = rig.phone(Person(digits="4@1"))
    d = rig.daemon(over=SELF, trunks=trunks(gone, phone))
    proc.wait_for("both to be up", lambda: trunk(d, "direct")["healthy"], 20)
    gone.stop()
    phone.wait_event("CALL_ESTABLISHED", timeout=40)
    alert, = d.alerts()
    assert alert["source"] == "tocsin" and alert["dedup_key"] == "self/trunk/direct"
    assert alert["labels"] == {"alertname": "TocsinDown", "kind": "trunk", "instance": "direct"}
    assert alert["message"].startswith("Tocsin: the trunk direct has not been working since ")
    d.wait_state(alert["id"], "acknowledged")
    rig.phone(Person(delay=None), numbers="+4999", port=gone.port)
    d.wait_state(alert["id"], "resolved")
    assert len(d.alerts()) == 1 and len(phone.of("CALL_INCOMING")) == 1


def test_the_last_trunk_goes(rig):
    """Nobody can be called: that is said in the log and by /readyz, and the alert waits."""
    phone = rig.phone(Person(delay=None))
    d = rig.daemon(over=SELF, trunks=trunks(phone))
    proc.wait_for("it to be up", lambda: trunk(d, "direct")["healthy"], 20)
    phone.stop()
    proc.wait_for("an alert", d.alerts, 40)
    proc.wait_for("the log", lambda: "no trunk works: nobody can be called" in d.output(), 10)
    ready = d.get("/readyz")
    assert ready.status == 200 and ready.json["trunks"] == [{"name": "direct", "healthy": False}]
    phone = rig.phone(Person(digits="4@1"), port=phone.port)
    proc.wait_for("it to be up", lambda: trunk(d, "direct")["healthy"], 40)
    d.wait_state(d.alerts()[0]["id"], "resolved")


@contextlib.contextmanager
def locked(d):
    """Another process holds the database."""
    db = sqlite3.connect(d.state_dir + "/tocsin.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("ROLLBACK")
    db.close()


STORE = dict(SELF, store={"plugin": "sqlite", "path": "tocsin.db", "busy_timeout": "200ms"})


def test_the_store_is_locked(rig):
    """He is called without a record; his key stops it; then all is written down."""
    phone = rig.phone(Person(digits="4@2"))
    d = rig.daemon(phone, over=dict(STORE, call={"repeat_message": 5}))
    with locked(d):
        phone.wait_event("CALL_ESTABLISHED", timeout=40)
        phone.wait_event("CALL_CLOSED", timeout=40)
        assert d.get("/readyz").status == 503
        proc.wait_for("the key", lambda: "alert.acknowledged: acknowledged by" in d.output(), 10)
    proc.wait_for("the record", lambda: d.get("/readyz").status == 200 and d.alerts(), 40)
    alert = d.alert(d.alerts()[0]["id"])
    assert len(d.alerts()) == 1
    assert alert["state"] == "resolved" and alert["acknowledged_by"] == NUMBER
    assert alert["source"] == "tocsin" and alert["dedup_key"] == "self/store"
    assert [e["what"] for e in alert["timeline"]] == [
        "alert.raised", "escalation.next", "alert.acknowledged", "alert.resolved"]
    assert len(phone.of("CALL_INCOMING")) == 1 and phone.max_live == 1
    assert "could not be stored" not in d.output()


def test_the_store_is_back_while_it_rings(rig):
    phone = rig.phone(Person(delay=None))
    d = rig.daemon(phone, over=dict(STORE, call={"ring_timeout": "60s"}))
    with locked(d):
        phone.wait_event("CALL_INCOMING", timeout=40)
    phone.wait_event("CALL_CLOSED", timeout=40)
    proc.wait_for("the record", lambda: d.get("/readyz").status == 200 and d.alerts(), 40)
    alert, = d.alerts()
    assert alert["state"] == "resolved" and alert["acknowledged_by"] is None
    assert len(phone.of("CALL_INCOMING")) == 1
