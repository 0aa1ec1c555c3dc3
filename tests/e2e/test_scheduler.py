# SPDX-License-Identifier: BSD-2-Clause
"""Alerts that are raised later: on time, once, also when the daemon dies at that very moment."""
import datetime
import json
import math
import os
import sqlite3
import subprocess
import threading
import time

import pytest

from conftest import NUMBER
from rig import proc
from rig.daemon import build_file, environment
from rig.phone import Person

UTC = datetime.timezone.utc


def daemon(rig, peer=None, over=None, **options):
    return rig.daemon(peer, trunks=None if peer else [], over=dict(over or {}, triggers=[
        {"name": "api", "plugin": "http_api"},
        dict({"name": "clock", "plugin": "scheduler", "min_interval": "1s"}, **options)]))


def moment(seconds):
    """A whole second, this far away at least: the time in seconds since 1970, and as text."""
    at = math.ceil(time.time() + seconds)
    return at, datetime.datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plan(d, **fields):
    a = d.post("/v1/planned", dict({"message": "Fire", "target": NUMBER}, **fields))
    assert a.status == 201, a
    return a.json


def show(d, ident):
    a = d.get("/v1/planned/" + ident)
    assert a.status == 200, a
    return a.json


def change(d, method, ident, body=None, match="*"):
    return d.request(method, "/v1/planned/" + ident, body, headers={"If-Match": match})


def wait_plan(d, ident, state):
    proc.wait_for("the plan to be " + state, lambda: show(d, ident)["state"] == state, 30)
    return show(d, ident)


def until(at):
    """Wait for a moment of the wall clock."""
    while time.time() < at:
        time.sleep(max(0, min(at - time.time(), 0.5)))


# --- on time ----------------------------------------------------------------------------------

def test_rings_when_it_is_due(rig):
    phone = rig.phone(Person(digits="4@0.5"))
    d = daemon(rig, phone)
    at, text = moment(1.5)
    a = d.post("/v1/alerts", {"message": "The cold store is warm.", "target": NUMBER, "at": text})
    assert a.status == 202
    assert a.json == {"id": a.json["id"], "state": "planned", "deduplicated": False, "at": text}
    assert d.get("/v1/alerts/" + a.json["id"]).status == 404 or time.time() >= at
    wait_plan(d, a.json["id"], "raised")
    alert = d.wait_state(a.json["id"], "acknowledged")
    created = datetime.datetime.fromisoformat(alert["created_at"].replace("Z", "+00:00"))
    assert 0 <= created.timestamp() - at < 3.0
    assert len(phone.of("CALL_INCOMING")) == 1 and len(d.alerts()) == 1
    assert show(d, a.json["id"])["last_alert_id"] == a.json["id"]


def test_a_restart_before_it_is_due(rig):
    d = daemon(rig)
    _, text = moment(5)
    made = plan(d, at=text, labels={"a": "ü"})
    d.stop()
    d.restart()
    assert show(d, made["id"]) == made
    d.kill9()
    d.restart()
    assert show(d, made["id"]) == made
    wait_plan(d, made["id"], "raised")
    assert d.alert(made["id"])["labels"] == {"a": "ü"}


@pytest.mark.parametrize("lateness,state", [("1h", "raised"), ("1s", "missed")])
def test_down_when_it_was_due(rig, lateness, state):
    d = daemon(rig, max_lateness=lateness)
    at, text = moment(1)
    made = plan(d, at=text)
    d.kill9()
    until(at + 2.5)
    d.restart()
    seen = wait_plan(d, made["id"], state)
    assert len(d.alerts()) == (state == "raised")
    status = next(p for p in d.get("/v1/plugins").json["items"] if p["name"] == "clock")
    assert status["numbers"][state] == 1 and status["numbers"]["planned"] == 0
    if state == "missed":
        assert seen["missed_at"] == text and "max_lateness is 1s" in seen["reason"]
        assert "was missed" in d.output()
        stream = d.events(last_id=0)
        stream.until(lambda e: "planned.missed" in (e.get("event", ""), json.loads(
            e.get("data", "{}")).get("what")))
        stream.close()


@pytest.mark.parametrize("lateness,state", [("15m", "raised"), ("3s", "missed")])
def test_the_store_is_away_when_it_is_due(rig, lateness, state):
    """Another process holds the database: it is tried again, until it is there or too late."""
    d = daemon(rig, over={"store": {"plugin": "sqlite", "path": "tocsin.db",
                                    "busy_timeout": "100ms"}})
    at, text = moment(1.5)
    made = plan(d, at=text, max_lateness=lateness)
    db = sqlite3.connect(d.state_dir + "/tocsin.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    until(at + 5)
    assert show(d, made["id"])["state"] == "planned" and d.alerts() == []
    db.execute("ROLLBACK")
    db.close()
    seen = wait_plan(d, made["id"], state)
    assert (seen["raised"], seen["missed"]) == ((1, 0) if state == "raised" else (0, 1))
    assert len(d.alerts()) == seen["raised"]


# --- the target is gone ------------------------------------------------------------------------

def plan_for_somebody_who_goes(d):
    a = d.post("/v1/contacts", {"name": "Alice", "numbers": [{"number": "+49301234"}]})
    assert a.status == 201
    _, text = moment(2)
    made = plan(d, at=text, target="contact:Alice")
    assert d.request("DELETE", "/v1/contacts/" + a.json["id"],
                     headers={"If-Match": "*"}).status == 204
    return made


def test_a_contact_that_is_gone(rig):
    """It is tried as long as it may be late, which is seen; then it is missed, with the reason."""
    d = daemon(rig, max_lateness="4s")
    nobody = {"message": "x", "target": "contact:Bob", "at": "2099-01-01T00:00:00Z"}
    assert d.post("/v1/planned", nobody).json["field"] == "target"
    made = plan_for_somebody_who_goes(d)

    def health():
        return next(p for p in d.get("/v1/plugins").json["items"] if p["name"] == "clock")
    proc.wait_for("the trigger to say so", lambda: "target" in health()["text"])
    assert health()["healthy"] is False and show(d, made["id"])["state"] == "planned"
    seen = wait_plan(d, made["id"], "missed")
    assert "target" in seen["reason"] and d.alerts() == [] and health()["healthy"] is True


def test_a_contact_that_is_gone_and_somebody_else(rig):
    phone = rig.phone(Person(digits="4@0.5"))
    d = daemon(rig, phone, over={"escalation": {"fallback": NUMBER}})
    made = plan_for_somebody_who_goes(d)
    wait_plan(d, made["id"], "raised")
    d.wait_state(made["id"], "acknowledged")


# --- the daemon dies at that very moment -------------------------------------------------------

@pytest.mark.parametrize("offset", [-0.2, -0.02, 0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.1])
def test_kill_9_when_it_is_due(rig, offset):
    """Twenty at the same second, each with another number: each is there once."""
    d = daemon(rig)
    at, text = moment(1.5)
    made = [plan(d, at=text, target="+4930%d" % i) for i in range(20)]
    until(at + offset)
    d.kill9()
    d.restart()
    for p in made:
        wait_plan(d, p["id"], "raised")
    assert sorted(a["id"] for a in d.alerts()) == sorted(p["id"] for p in made)
    assert [show(d, p["id"])["raised"] for p in made] == [1] * len(made)


def test_kill_9_and_somebody_is_called_once(rig):
    phone = rig.phone(Person(delay=0.5, digits="4@0.5"), Person(digits="4@0.5"))
    d = daemon(rig, phone)
    at, text = moment(1.5)
    made = plan(d, at=text)
    until(at + 0.01)
    d.kill9()
    d.restart()
    d.wait_state(made["id"], "acknowledged")
    assert phone.max_live == 1 and len(d.alerts()) == 1


def rule(first, seconds):
    """Each second from first on, as a rule of this day and the next hour."""
    times = [datetime.datetime.fromtimestamp(first + s, UTC) for s in range(seconds)]
    return "FREQ=DAILY;BYHOUR=%s;BYMINUTE=%s;BYSECOND=%s" % tuple(
        ",".join(str(n) for n in sorted(s)) for s in (
            {t.hour for t in times}, {t.minute for t in times}, set(range(60))))


def test_a_rule_each_second_through_crashes(rig):
    """Killed again and again: each second has its alert, and has it once."""
    d = daemon(rig)
    first, _ = moment(1)
    start = datetime.datetime.fromtimestamp(first - 60, UTC).strftime("%Y-%m-%dT%H:%M")
    made = plan(d, rrule=rule(first - 60, 180), start=start, timezone="UTC")
    begin = made["next_at"]
    for i in range(6):
        until(first + 1 + i + 0.003 * i)
        d.kill9()
        d.restart()
    proc.wait_for("ten of them", lambda: show(d, made["id"])["raised"] >= 10, 30)
    assert change(d, "DELETE", made["id"]).status == 204
    done = show(d, made["id"])
    keys = sorted(a["dedup_key"] for a in d.alerts())
    assert done["missed"] == 0 and done["raised"] == len(keys)
    t = datetime.datetime.fromisoformat(begin.replace("Z", "+00:00"))
    want = [(t + datetime.timedelta(seconds=i)).strftime(
        "planned/" + made["id"] + "/%Y-%m-%dT%H:%M:%SZ") for i in range(len(keys))]
    assert keys == want


# --- changing what becomes due ----------------------------------------------------------------

@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_a_race_with_being_due(rig, method):
    """Whoever changes it at that moment is told what became of it, and that is what happens."""
    d = daemon(rig)
    at, text = moment(1.5)
    later = datetime.datetime.fromtimestamp(at + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = [plan(d, at=text, target="+4930%d" % i) for i in range(40)]
    answers = {}

    def hurry(part):
        for p in part:
            body = None if method == "DELETE" else dict(p, at=later)
            answers[p["id"]] = change(d, method, p["id"], body).status

    threads = [threading.Thread(target=hurry, args=(made[i::4],)) for i in range(4)]
    until(at - 0.03)
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    until(at + 1)
    proc.wait_for("all that were not changed to be raised", lambda: all(
        show(d, i)["state"] == "raised" for i, status in answers.items() if status == 409))
    raised = {a["id"] for a in d.alerts()}
    good = 204 if method == "DELETE" else 200
    assert set(answers.values()) <= {good, 409} and len(answers) == len(made)
    assert raised == {i for i, status in answers.items() if status == 409}
    for i, status in answers.items():
        assert show(d, i)["state"] == ("raised" if status == 409 else
                                       "cancelled" if method == "DELETE" else "planned")


def test_versions(rig):
    d = daemon(rig)
    a = d.post("/v1/planned", {"message": "x", "target": NUMBER, "at": "2099-01-01T00:00:00Z"})
    path, first = a.headers["Location"], a.headers["ETag"]
    assert path == "/v1/planned/" + a.json["id"]
    b = d.get(path)
    assert b.json == a.json and b.headers["ETag"] == first
    c = change(d, "PUT", a.json["id"], dict(a.json, message="y"), first)
    assert c.status == 200 and c.json["message"] == "y" and c.headers["ETag"] != first
    assert change(d, "PUT", a.json["id"], a.json, first).status == 412
    assert d.request("PUT", path, a.json).status == 428
    assert d.request("DELETE", path).status == 428
    assert change(d, "DELETE", a.json["id"], match=c.headers["ETag"]).status == 204
    assert change(d, "PUT", a.json["id"], a.json).status == 409
    d.kill9()
    d.restart()
    assert show(d, a.json["id"])["state"] == "cancelled"


# --- times ------------------------------------------------------------------------------------

@pytest.mark.parametrize("zone,gap,twice,meant", [
    ("Europe/Rome", "2030-03-31T02:30", "2030-10-27T02:30",
     ["2030-10-27T02:30:00+02:00", "2030-10-27T02:30:00+01:00"]),
    ("America/New_York", "2030-03-10T02:30", "2030-11-03T01:30",
     ["2030-11-03T01:30:00-04:00", "2030-11-03T01:30:00-05:00"]),
    ("Australia/Lord_Howe", "2030-10-06T02:15", "2030-04-07T01:45",
     ["2030-04-07T01:45:00+11:00", "2030-04-07T01:45:00+10:30"]),
])
def test_times_that_do_not_exist_or_exist_twice(rig, zone, gap, twice, meant):
    d = daemon(rig)
    for path in ("/v1/alerts", "/v1/planned"):
        for at, word in ((gap, "does not exist"), (twice, "exists twice")):
            a = d.post(path, {"message": "x", "target": NUMBER, "at": at, "timezone": zone})
            assert a.status == 422 and a.json["field"] == "at", a
            assert word in a.json["detail"] and zone in a.json["detail"]
            if at == twice:
                assert all(m in a.json["detail"] for m in meant), a.json["detail"]
    assert d.list("/v1/planned") == []
    for at in meant:
        assert plan(d, at=at, timezone=zone)["at"] == at


def test_without_a_scheduler(rig):
    d = rig.daemon(over={"triggers": [{"name": "api", "plugin": "http_api"}]})
    a = d.post("/v1/alerts", {"message": "x", "target": NUMBER, "at": "2099-01-01T00:00:00Z"})
    assert a.status == 422 and a.json["field"] == "at"
    assert "plugin: scheduler" in a.json["detail"]
    assert d.alerts() == []


# --- the command line -------------------------------------------------------------------------

def test_the_command_line(rig):
    d = daemon(rig)
    env = dict(os.environ, **environment(), TOCSIN_URL="unix:" + d.socket)

    def cli(*args, code=0):
        r = subprocess.run([build_file("tocsin")] + list(args), capture_output=True, text=True,
                           timeout=60, env=env)
        assert r.returncode == code, (args, r)
        return r.stdout if code == 0 else r.stderr

    assert cli("plan", "list") == "nothing is planned\n"
    made = json.loads(cli("--json", "plan", "add", "--to", NUMBER, "--rrule",
                          "FREQ=WEEKLY;BYDAY=MO", "--start", "2030-01-07T09:00", "--timezone",
                          "Europe/Rome", "--label", "kind=test", "Weekly test"))
    assert made["next_at"] == "2030-01-07T08:00:00Z"
    assert "FREQ=WEEKLY" in cli("plan", "list") and "Weekly test" in cli("plan", "list")
    assert "exists twice" in cli("plan", "edit", made["id"], "--at", "2030-10-27T02:30", code=1)
    out = cli("plan", "edit", made["id"][:24], "--at", "2030-01-08T09:00", "--message", "Once")
    assert "Once" in out and "kind=test" in out and "FREQ" not in out
    assert show(d, made["id"])["next_at"] == "2030-01-08T08:00:00Z"
    cli("plan", "cancel", made["id"])
    assert cli("plan", "list") == "nothing is planned\n"
    assert "cancelled" in cli("plan", "list", "--all")
    assert "cancelled" in cli("plan", "show", made["id"])
    assert "cancelled" in cli("plan", "edit", made["id"], "--message", "y", code=1)
    out = cli("alert", "--to", NUMBER, "--at", "2030-01-01T07:00", "--timezone", "Asia/Tokyo", "x")
    assert "planned for 2029-12-31T22:00:00Z" in out
