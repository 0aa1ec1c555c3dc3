# SPDX-License-Identifier: BSD-2-Clause
"""People: schedules, policies and maintenance windows over HTTP, contacts as CSV, calendars, and
the commands for all of these."""
import csv
import datetime
import http.client
import io
import json
import os
import random
import re
import subprocess
import threading
import time

import icalendar
import pytest

from rig.daemon import build_file, environment

POLICY = {"name": "default", "steps": [{"targets": ["schedule:ops"], "wait": "5m"},
                                       {"targets": ["contact:Bob", "+4930999"]}], "repeat": 1}
SCHEDULE = {"name": "ops", "timezone": "Europe/Berlin",
            "layers": [{"name": "primary", "members": ["contact:Alice", "contact:Bob"],
                        "rotation": "daily", "handover": "09:00", "start": "2026-01-05"}]}
WINDOW = {"name": "db move", "matchers": [{"label": "host", "op": "=~", "value": "db.*"}],
          "start": "2026-01-31T18:00:00Z", "end": "2026-01-31T20:00:00Z"}


def add(daemon, path, body):
    a = daemon.post(path, body)
    assert a.status == 201, a
    return a.json


def put(daemon, path, body, match):
    return daemon.request("PUT", path, body, headers={"If-Match": match})


def delete(daemon, path, match="*"):
    return daemon.request("DELETE", path, headers={"If-Match": match})


def people(daemon):
    for i, name in enumerate(("Alice", "Bob")):
        add(daemon, "/v1/contacts", {"name": name, "numbers": [{"number": "+4930%d" % (i + 1)}]})
    return {c["name"]: c["id"] for c in daemon.list("/v1/contacts")}


# --- documents ----------------------------------------------------------------------------------

@pytest.mark.parametrize("path,body,change", [
    ("/v1/schedules", SCHEDULE, {"timezone": "UTC"}),
    ("/v1/policies", {"name": "p", "steps": [{"targets": ["+49301"]}]}, {"repeat": 3}),
    ("/v1/maintenance", WINDOW, {"note": "disks"})])
def test_a_document_from_its_birth_to_its_end(rig, path, body, change):
    d = rig.daemon()
    people(d)
    a = d.post(path, body)
    assert a.status == 201 and a.headers["Location"] == path + "/" + a.json["id"]
    one, etag = a.headers["Location"], a.headers["ETag"]
    assert d.get(one).json == a.json and d.get(one).headers["ETag"] == etag
    b = put(d, one, a.json, etag)                # what was read can be written back
    assert b.status == 200 and b.json == a.json and b.headers["ETag"] != etag
    assert put(d, one, a.json, etag).status == 412
    assert d.request("PUT", one, a.json).status == 428
    c = put(d, one, dict(a.json, **change), b.headers["ETag"])
    assert c.status == 200 and c.json == dict(a.json, **change)
    twin = d.post(path, body)
    assert twin.status == 409 and twin.json["field"] == "name"
    wrong = d.post(path, dict(body, name="other", colour="red"))
    assert wrong.status == 400 and wrong.json["field"] == "colour"
    d.kill9()
    d.start()
    assert d.get(one).json == c.json and d.get(one).headers["ETag"] == c.headers["ETag"]
    assert d.list(path) == [c.json]
    assert delete(d, one, b.headers["ETag"]).status == 412
    assert delete(d, one, c.headers["ETag"]).status == 204
    assert d.get(one).status == 404 and d.list(path) == []


def test_many_want_to_change_the_same_version(rig):
    d = rig.daemon()
    made = add(d, "/v1/policies", {"name": "p", "steps": [{"targets": ["+49301"]}]})
    one, answers = "/v1/policies/" + made["id"], []
    for turn in range(5):
        etag = d.get(one).headers["ETag"]
        threads = [threading.Thread(target=lambda i=i: answers.append(
            put(d, one, dict(made, repeat=i), etag).status)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(30)
        assert sorted(answers) == [200] + [412] * 7, answers
        answers.clear()


def test_what_is_named_stays(rig):
    d = rig.daemon()
    ids = people(d)
    schedule = add(d, "/v1/schedules", SCHEDULE)
    policy = add(d, "/v1/policies", POLICY)
    assert policy["steps"][0]["targets"] == ["schedule:" + schedule["id"]]
    assert policy["steps"][1]["targets"] == ["contact:" + ids["Bob"], "+4930999"]
    a = delete(d, "/v1/schedules/" + schedule["id"])
    assert a.status == 409 and "policy default" in a.json["detail"]
    b = delete(d, "/v1/contacts/" + ids["Bob"])
    assert b.status == 409 and "schedule ops" in b.json["detail"]
    assert "policy default" in b.json["detail"]
    assert delete(d, "/v1/policies/" + policy["id"]).status == 204
    assert delete(d, "/v1/schedules/" + schedule["id"]).status == 204
    assert delete(d, "/v1/contacts/" + ids["Bob"]).status == 204


def test_scopes_over_tcp(rig):
    d = rig.daemon()
    d.make_token("reader", "read")
    add(d, "/v1/policies", {"name": "p", "steps": [{"targets": ["+49301"]}]})
    reader = d.make_token("reader2", "read")
    assert d.get("/v1/policies", tcp=True, token=reader).status == 200
    assert d.get("/v1/contacts.csv", tcp=True, token=reader).status == 200
    assert d.post("/v1/policies", {"name": "q", "steps": [{"targets": ["+49301"]}]}, tcp=True,
                  token=reader).status == 403
    assert d.post("/v1/contacts.csv", b"name\nEve\n", tcp=True, token=reader).status == 403


# --- who is on call -----------------------------------------------------------------------------

def test_who_is_on_call(rig):
    d = rig.daemon(over={"escalation": {"default_schedule": "ops"}})
    ids = people(d)
    one = add(d, "/v1/schedules", SCHEDULE)
    now = d.get("/v1/oncall")
    assert now.status == 200 and len(now.json["people"]) == 1 and now.json["fault"] is None
    on = d.get("/v1/oncall?schedule=ops&at=2026-01-05T08:00:00Z").json
    assert [p["name"] for p in on["people"]] == ["Alice"]
    assert on["people"][0]["contact_id"] == ids["Alice"]
    assert on["people"][0]["number"] == "+49301" and "primary" in on["people"][0]["why"]
    assert on["until"].startswith("2026-01-06T08:00:00")
    assert d.get("/v1/oncall?schedule=ops&at=2026-01-06T08:59").json["people"][0]["name"] == "Alice"
    assert d.get("/v1/oncall?schedule=ops&at=2026-01-06T09:00").json["people"][0]["name"] == "Bob"
    assert d.get("/v1/oncall?schedule=dev").status == 422
    # one who cannot be called is nobody
    alice = d.get("/v1/contacts/" + ids["Alice"])
    assert put(d, "/v1/contacts/" + ids["Alice"], dict(alice.json, enabled=False),
               alice.headers["ETag"]).status == 200
    on = d.get("/v1/oncall?schedule=ops&at=2026-01-05T08:00:00Z").json
    assert on["people"] == [] and "Alice" in on["fault"]
    gaps = d.get("/v1/schedules/%s/gaps?days=10" % one["id"]).json
    assert 5 <= len(gaps["gaps"]) <= 6 and gaps["seconds"] <= 10 * 86400
    override = dict(one, overrides=[{"contact": "Bob", "start": "2026-01-05T10:00",
                                     "end": "2026-01-05T12:00"}])
    assert put(d, "/v1/schedules/" + one["id"], override, "*").status == 200
    on = d.get("/v1/oncall?schedule=ops&at=2026-01-05T11:00").json
    assert [p["name"] for p in on["people"]] == ["Bob"]


def test_calendars(rig):
    d = rig.daemon()
    ids = people(d)
    one = add(d, "/v1/schedules", SCHEDULE)
    a = d.get("/v1/schedules/%s/calendar.ics?days=30" % one["id"])
    assert a.status == 200 and a.headers["Content-Type"].startswith("text/calendar")
    events = [e for e in icalendar.Calendar.from_ical(a.body).walk("VEVENT")]
    assert 30 <= len(events) <= 32
    assert {str(e["SUMMARY"]) for e in events} == {"Alice", "Bob"}
    for e in events:
        at = (e["DTSTART"].dt + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        on = d.get("/v1/oncall?schedule=ops&at=" + at).json
        assert on["people"][0]["name"] == str(e["SUMMARY"])
    mine = d.get("/v1/contacts/%s/calendar.ics?days=30" % ids["Alice"])
    mine = icalendar.Calendar.from_ical(mine.body).walk("VEVENT")
    assert len(mine) == sum(str(e["SUMMARY"]) == "Alice" for e in events)

    calendar = icalendar.Calendar()
    begin = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    for day in range(1, 4):
        event = icalendar.Event()
        event.add("uid", "e%d" % day)
        event.add("summary", "Bob")
        event.add("dtstart", begin + datetime.timedelta(days=day))
        event.add("dtend", begin + datetime.timedelta(days=day, hours=2))
        calendar.add_component(event)
    two = add(d, "/v1/schedules", {"name": "dev", "timezone": "UTC"})
    path = "/v1/schedules/%s/calendar.ics" % two["id"]
    b = d.post(path, calendar.to_ical())
    assert b.status == 200 and b.json["added"] == 3, b
    assert [w["contact"] for w in b.json["schedule"]["windows"]] == [ids["Bob"]] * 3
    at = (begin + datetime.timedelta(days=2, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert d.get("/v1/oncall?schedule=dev&at=" + at).json["people"][0]["name"] == "Bob"
    assert d.post(path, calendar.to_ical()).json["added"] == 0
    assert d.post(path, calendar.to_ical().replace(b"Bob", b"Eve")).status == 422


# --- CSV ----------------------------------------------------------------------------------------

def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_round_trip_of_5000(rig):
    d = rig.daemon(over={"http": {"max_body": "10M"}})
    names = ["Person %d%s" % (i, random.choice(["", ", Dr.", ' "X"', " Ö"])) for i in range(5000)]
    out = io.StringIO()
    w = csv.writer(out)
    w.writerow(["name", "numbers", "language", "timezone", "enabled", "note"])
    for i, name in enumerate(names):
        w.writerow([name, "+4930%d call; +4917%d sms" % (i, i), "de", "Europe/Berlin",
                    "true" if i % 7 else "false", "line one\nline two" if i % 3 else ""])
    lags, stop = [], threading.Event()

    def probe():                                 # what others wait for while it is taken in
        while not stop.is_set():
            began = time.monotonic()
            assert d.get("/healthz").status == 200
            lags.append(time.monotonic() - began)
            time.sleep(0.002)

    prober = threading.Thread(target=probe)
    prober.start()
    began = time.monotonic()
    a = d.post("/v1/contacts.csv", out.getvalue().encode(), timeout=60)
    took = time.monotonic() - began
    stop.set()
    prober.join(30)
    assert a.status == 200 and a.json["added"] == 5000 and a.json["faults"] == [], a
    assert took < 20 and max(lags) < 1, (took, max(lags))
    metrics = d.get("/metrics").body.decode()
    worst = float(re.search(r"^tocsin_loop_lag_worst_seconds (\S+)$", metrics, re.M).group(1))
    print("5000 contacts in %.2f s, others waited %.0f ms at most, lag %.1f ms"
          % (took, max(lags) * 1e3, worst * 1e3))
    exported = d.get("/v1/contacts.csv")
    assert exported.headers["Content-Type"].startswith("text/csv")
    rows = rows_of(exported.body.decode())
    assert {r["name"] for r in rows} == set(names) and len(rows) == 5000
    by_name = {r["name"]: r for r in rows}
    assert by_name[names[1]]["numbers"] == "+49301 call; +49171 sms"
    assert by_name[names[1]]["note"] == "line one\nline two"
    assert by_name[names[7]]["enabled"] == "false"
    same = d.post("/v1/contacts.csv", exported.body, timeout=60).json
    assert same["unchanged"] == 5000 and same["added"] == same["changed"] == 0
    # a restart, another daemon, and back with their ids
    d.kill9()
    d.start()
    assert d.get("/v1/contacts.csv").body == exported.body
    other = rig.daemon(over={"http": {"max_body": "10M"}})
    assert other.post("/v1/contacts.csv", exported.body, timeout=60).json["added"] == 5000
    assert other.get("/v1/contacts.csv").body == exported.body


def test_csv_all_or_nothing(rig):
    d = rig.daemon()
    text = ("\ufeffname;numbers;pin\r\nAlice;+49301 call+sms;4711\r\nBob;not a number;\r\n"
            "Carol;+49303;12\r\n")
    a = d.post("/v1/contacts.csv", text.encode())
    assert a.status == 422 and a.headers["Content-Type"] == "application/problem+json"
    assert [(f["line"], f["field"]) for f in a.json["faults"]] == [
        (3, "numbers[0].number"), (4, "pin")]
    assert d.list("/v1/contacts") == []
    b = d.post("/v1/contacts.csv?partial=true", text.encode())
    assert b.status == 200 and b.json["added"] == 1 and len(b.json["faults"]) == 2
    alice = d.list("/v1/contacts")
    assert [c["name"] for c in alice] == ["Alice"] and alice[0]["pin"] == "****"
    # a missing column leaves the value alone
    c = d.post("/v1/contacts.csv", b"name,language\nAlice,de\n")
    assert c.json["changed"] == 1
    got = d.list("/v1/contacts")[0]
    assert got["language"] == "de" and got["pin"] == "****" and got["numbers"]
    assert b"4711" not in d.get("/v1/contacts.csv").body
    # only a number is the same: another person, or the same one under another name?
    e = d.post("/v1/contacts.csv", b"name,numbers\nAlicia,0049301\n")
    assert e.status == 422 and "Alice" in e.json["faults"][0]["text"]


def test_csv_and_the_end_of_the_daemon(rig):
    """All of a file is there or nothing, however the daemon ends; asked to, it ends cleanly."""
    d = rig.daemon()
    wanted = 0                                   # contacts, if all files so far were taken
    for turn in range(6):
        text = "name,numbers\n" + "".join("P%d-%d,+49%d%d\n" % (turn, i, turn + 1, 10000 + i)
                                          for i in range(2000))

        def post():
            try:
                d.post("/v1/contacts.csv", text.encode())
            except (OSError, http.client.HTTPException):
                pass                             # the daemon is gone

        poster = threading.Thread(target=post)
        poster.start()
        time.sleep(random.uniform(0, 0.2))       # wherever it is: what holds, holds at all times
        if turn % 2:
            d.kill9()
        else:
            d.stop()
        poster.join(30)
        d.restart()
        there = len(d.list("/v1/contacts"))
        assert there in (wanted, wanted + 2000), (turn, there)
        wanted = there


# --- commands -----------------------------------------------------------------------------------

class Cli:
    def __init__(self, daemon):
        self.env = dict(os.environ, **environment(), TOCSIN_URL="unix:" + daemon.socket)

    def __call__(self, *args, code=0, stdin=None):
        r = subprocess.run([build_file("tocsin")] + list(args), capture_output=True, text=True,
                           timeout=60, env=self.env, input=stdin)
        assert r.returncode == code, (args, r)
        return r.stdout + r.stderr

    def json(self, *args, **kw):
        return json.loads(self("--json", *args, **kw))


def test_commands(rig, tmp_path):
    d = rig.daemon()
    cli = Cli(d)
    people_csv = tmp_path / "people.csv"
    people_csv.write_text("name,numbers\nAlice,+49301\nBob,oops\n")
    out = cli("contact", "import", str(people_csv), code=1)
    assert "line 3: numbers[0].number: must be a telephone number" in out
    assert "nothing was imported" in out and d.list("/v1/contacts") == []
    out = cli("contact", "import", "--partial", str(people_csv), code=1)
    assert "1 added, 0 changed, 0 unchanged, 1 not taken" in out
    people_csv.write_text("name,numbers\nAlice,+49301\nBob,+49302\n")
    assert "1 added, 0 changed, 1 unchanged" in cli("contact", "import", str(people_csv))
    cli("contact", "export", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_bytes().decode() == cli("contact", "export").replace(
        "\n", "\r\n")

    assert "schedule ops was added" in cli("schedule", "put", "-", stdin=json.dumps(SCHEDULE))
    assert "schedule ops was changed" in cli("schedule", "put", "-", stdin=json.dumps(SCHEDULE))
    assert "no such time zone" in cli("schedule", "put", "-", code=1,
                                      stdin=json.dumps(dict(SCHEDULE, timezone="Mars/One"))).lower()
    assert "line 1" in cli("schedule", "put", "-", code=2, stdin="{")
    assert "Alice, Bob" in cli("schedule", "show", "ops")
    assert "Europe/Berlin" in cli("schedule", "list")
    assert "no gaps" in cli("schedule", "gaps", "ops")
    assert "Alice" in cli("oncall", "ops", "--at", "2026-01-05T12:00")
    assert "Bob" in cli("schedule", "oncall", "ops", "--at", "2026-01-06T12:00")
    assert "nobody is on call" in cli("oncall", "ops", "--at", "2025-01-06T12:00", code=1)
    cli("schedule", "override", "ops", "Bob", "--start", "2026-01-05T11:00", "--end",
        "2026-01-05T13:00")
    assert "override: Bob from" in cli("schedule", "show", "ops")
    assert "Alice" not in cli("oncall", "ops", "--at", "2026-01-05T12:00")
    ics = cli("schedule", "ics", "ops", "--days", "7")
    assert len(icalendar.Calendar.from_ical(ics).walk("VEVENT")) >= 7
    assert "0 windows" not in cli("schedule", "ics", "ops", "--import", "-", stdin=ics)

    assert "policy default was added" in cli("policy", "put", "-", stdin=json.dumps(POLICY))
    shown = cli("policy", "show", "default")
    assert "schedule ops, for 5m" in shown and "Bob, +4930999" in shown and "1 time more" in shown
    assert "default" in cli("policy", "list")
    assert "still named by policy default" in cli("schedule", "delete", "ops", code=1)
    cli("policy", "delete", "default")
    cli("schedule", "delete", "ops")
    assert d.list("/v1/policies") == d.list("/v1/schedules") == []

    cli("maintenance", "add", "db move", "--match", "host=~db.*", "--match", "severity!=info",
        "--for", "2h", "--note", "disks")
    shown = cli("maintenance", "list")
    assert "active" in shown and "host=~db.*, severity!=info" in shown
    window = cli.json("maintenance", "list")["items"][0]
    assert window["matchers"][1] == {"label": "severity", "op": "!=", "value": "info"}
    cli("maintenance", "end", "db move")
    assert "no maintenance windows" in cli("maintenance", "list")
    assert "over" in cli("maintenance", "list", "--all")
    cli("maintenance", "add", "later", "--match", "a=b", "--start", "1h", "--for", "1h")
    assert "planned" in cli("maintenance", "list")
    cli("maintenance", "end", "later")
    assert [w["name"] for w in d.list("/v1/maintenance")] == ["db move"]
    assert "LABEL=VALUE" in cli("maintenance", "add", "x", "--match", "a", "--for", "1h", code=2)
