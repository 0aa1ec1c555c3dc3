# SPDX-License-Identifier: BSD-2-Clause
"""Contacts: the API with versions, PINs that nobody sees again, scopes, restarts, the command line."""
import json
import os
import subprocess

from rig import proc
from rig.daemon import build_file

ALICE = {"name": "Alice", "numbers": [{"number": "+49301234", "use": ["call", "sms"]}],
         "language": "en", "voice": None, "timezone": "Europe/Berlin", "pin": "471147",
         "enabled": True, "note": ""}


def add(daemon, **fields):
    a = daemon.post("/v1/contacts", fields)
    assert a.status == 201, a
    return a.json


def change(daemon, contact, match, **fields):
    headers = {} if match is None else {"If-Match": match}
    return daemon.request("PUT", "/v1/contacts/" + contact["id"], dict(contact, **fields),
                          headers=headers)


def remove(daemon, contact, match):
    return daemon.request("DELETE", "/v1/contacts/" + contact["id"], headers={"If-Match": match})


def test_a_contact_from_its_birth_to_its_end(rig):
    d = rig.daemon()
    a = d.post("/v1/contacts", ALICE)
    assert a.status == 201 and a.headers["Location"] == "/v1/contacts/" + a.json["id"]
    first = a.headers["ETag"]
    assert a.json == dict(ALICE, id=a.json["id"], pin="****")
    got = d.get(a.headers["Location"])
    assert got.status == 200 and got.json == a.json and got.headers["ETag"] == first
    # what was read can be written back as it is; the PIN stays
    b = change(d, got.json, first)
    assert b.status == 200 and b.json == got.json and b.headers["ETag"] != first
    assert change(d, got.json, first, note="x").status == 412
    assert change(d, got.json, None).status == 428
    c = change(d, got.json, b.headers["ETag"], note="works nights", numbers=[])
    assert c.status == 200 and c.json["note"] == "works nights" and c.json["numbers"] == []
    assert d.get("/v1/contacts/" + got.json["id"]).json == c.json
    assert d.request("DELETE", "/v1/contacts/" + got.json["id"]).status == 428
    assert remove(d, c.json, first).status == 412
    assert remove(d, c.json, c.headers["ETag"]).status == 204
    assert d.get("/v1/contacts/" + got.json["id"]).status == 404
    assert d.list("/v1/contacts") == []


def test_everything_outlives_kill_9(rig):
    d = rig.daemon()
    made = [add(d, name="Person %d" % i, numbers=[{"number": "+49%d" % i}], pin="%06d" % i)
            for i in range(20)]
    etag = change(d, made[0], "*", note="changed").headers["ETag"]
    assert remove(d, made[1], "*").status == 204
    d.kill9()
    d.restart()
    there = d.list("/v1/contacts")
    assert {c["id"] for c in there} == {c["id"] for c in made} - {made[1]["id"]}
    again = d.get("/v1/contacts/" + made[0]["id"])
    assert again.json["note"] == "changed" and again.headers["ETag"] == etag
    # names and PINs are still taken, those of the removed one are free
    assert d.post("/v1/contacts", {"name": "Person 2"}).status == 409
    a = d.post("/v1/contacts", {"name": "Eve", "pin": "000002"})
    assert a.status == 422 and a.json["field"] == "pin" and "Person" not in a.body.decode()
    add(d, name="Person 1", pin="000001")


def test_faults_name_the_field(rig):
    d = rig.daemon()
    for fields, status, field in (
            ({}, 422, "name"),
            ({"name": "x" * 101}, 422, "name"),
            ({"name": "x", "colour": "red"}, 400, "colour"),
            ({"name": "x", "numbers": [{"number": "+49 30"}]}, 422, "numbers[0].number"),
            ({"name": "x", "numbers": [{"number": "1" * 33}]}, 422, "numbers[0].number"),
            ({"name": "x", "numbers": [{"number": "1", "use": ["fax"]}]}, 422, "numbers[0].use[0]"),
            ({"name": "x", "timezone": "Europe/Atlantis"}, 422, "timezone"),
            ({"name": "x", "pin": "12"}, 422, "pin"),
            ({"name": "x", "pin": 1234}, 400, "pin")):
        a = d.post("/v1/contacts", fields)
        assert a.status == status and a.json["field"] == field, (fields, a)
        assert a.headers["Content-Type"] == "application/problem+json" and a.json["detail"]
    both = d.post("/v1/contacts", {"name": " x", "pin": "12"}).json
    assert [e["field"] for e in both["errors"]] == ["name", "pin"]
    assert d.list("/v1/contacts") == []


def test_pages_go_by_name(rig):
    d = rig.daemon()
    names = ["anna", "Berta", "Cäsar", "dora", "Emil", "Zoë"]
    for name in reversed(names):
        add(d, name=name, note="of the night shift" if name < "a" else "")
    seen, cursor = [], ""
    while cursor is not None:
        page = d.get("/v1/contacts?limit=2" + cursor).json
        assert len(page["items"]) <= 2
        seen += [c["name"] for c in page["items"]]
        cursor = page["next"] and "&cursor=" + page["next"]
    assert seen == names
    assert [c["name"] for c in d.list("/v1/contacts", "q=NIGHT")] == ["Berta", "Cäsar", "Emil",
                                                                     "Zoë"]
    assert d.get("/v1/contacts?cursor=zz").status == 400
    assert d.get("/v1/contacts?name=anna").status == 400


def test_who_may(rig):
    d = rig.daemon()
    read, alert, admin = (d.make_token(s, s) for s in ("read", "alert", "admin"))
    assert d.get("/v1/contacts", tcp=True).status == 401
    for token in (read, alert):
        assert d.get("/v1/contacts", token=token).status == 200
        assert d.post("/v1/contacts", ALICE, token=token).status == 403
    made = d.post("/v1/contacts", ALICE, token=admin)
    assert made.status == 201
    path = made.headers["Location"]
    assert d.request("DELETE", path, token=alert, headers={"If-Match": "*"}).status == 403
    assert d.request("DELETE", path, token=admin, headers={"If-Match": "*"}).status == 204


def test_a_pin_is_seen_nowhere(rig):
    d = rig.daemon()
    events = d.events()
    alice = add(d, **ALICE)
    assert change(d, alice, "*", pin="60708090").status == 200
    assert d.post("/v1/contacts", dict(ALICE, name="Eve", pin="60708090")).status == 422
    assert d.post("/v1/contacts", dict(ALICE, name="Eve", pin="60708090123")).status == 201
    seen = events.until(lambda e: e.get("event", e["data"]).find("Eve") >= 0
                        or "Eve" in e["data"])
    shown = d.get("/v1/contacts").body.decode() + json.dumps(seen) + d.output()
    d.stop()                             # the log was written with level debug
    files = [os.path.join(d.state_dir, name) for name in os.listdir(d.state_dir)]
    for path in filter(os.path.isfile, files):
        with open(path, "rb") as f:
            shown += f.read().decode("latin-1")
    for pin in ("471147", "60708090"):
        assert pin not in shown


def test_the_description_knows_them(rig):
    d = rig.daemon()
    paths = d.get("/v1/openapi.json").json["paths"]
    assert set(paths["/v1/contacts"]) == {"get", "post"}
    assert set(paths["/v1/contacts/{id}"]) == {"get", "put", "delete"}
    body = paths["/v1/contacts"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["name"] and body["properties"]["pin"]["writeOnly"] is True
    assert body["additionalProperties"] is False


def tocsin(daemon, *words, stdin=None, code=0):
    env = dict(os.environ, TOCSIN_URL="unix:" + daemon.socket)
    r = subprocess.run([build_file("tocsin"), *words], input=stdin, env=env, text=True,
                       capture_output=True, timeout=60)
    if r.returncode != code:
        raise proc.Failed("tocsin %s: %d: %s%s" % (words, r.returncode, r.stdout, r.stderr))
    return r.stdout + r.stderr


def test_by_the_command_line(rig):
    d = rig.daemon()
    assert "no contacts" in tocsin(d, "contact", "list")
    said = tocsin(d, "contact", "add", "Alice", "--number", "+49301", "--sms-number", "+49302",
                  "--pin-file", "-", "--note", "on call", stdin="471147\n")
    assert "contact Alice" in said and "471147" not in said
    contact, = d.list("/v1/contacts")
    assert contact["pin"] == "****" and contact["note"] == "on call"
    assert contact["numbers"] == [{"number": "+49301", "use": ["call", "sms"]},
                                  {"number": "+49302", "use": ["sms"]}]
    assert "+49302 (sms)" in tocsin(d, "contact", "list", "--search", "ali")
    for word in ("Alice", contact["id"]):
        assert "+49301" in tocsin(d, "contact", "show", word)
        assert json.loads(tocsin(d, "--json", "contact", "show", word)) == contact
    assert "name" in tocsin(d, "contact", "add", "Alice", code=1)
    assert "pin" in tocsin(d, "contact", "add", "Bob", "--pin-file", "-", stdin="12", code=1)
    assert "empty" in tocsin(d, "contact", "add", "Bob", "--pin-file", "-", stdin="", code=2)
    assert "cannot be read" in tocsin(d, "contact", "add", "Bob", "--pin-file", "/nowhere", code=2)
    tocsin(d, "contact", "remove", "Alice")
    assert "no such contact" in tocsin(d, "contact", "remove", "Alice", code=1)
    assert d.list("/v1/contacts") == []


def test_reading_needs_no_store(rig):
    d = rig.daemon()
    add(d, **ALICE)
    lock = subprocess.Popen(
        ["/usr/bin/python3", "-c", "import sqlite3, sys\n"
         "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
         "c.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.read()",
         d.state_dir + "/tocsin.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert lock.stdout.readline() == b"locked\n"
        assert [c["name"] for c in d.list("/v1/contacts")] == ["Alice"]
        a = d.post("/v1/contacts", {"name": "Bob"})
        assert a.status == 503 and a.headers["Retry-After"]
    finally:
        lock.stdin.close()
        lock.wait(10)

    def added():
        return d.post("/v1/contacts", {"name": "Bob"}).status in (201, 409)
    proc.wait_for("the store to work again", added, 30)
    assert [c["name"] for c in d.list("/v1/contacts")] == ["Alice", "Bob"]
