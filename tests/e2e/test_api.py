# SPDX-License-Identifier: BSD-2-Clause
"""The reading API, tokens, the Unix socket, the event stream, metrics."""
import io
import json
import os
import shutil
import socket
import subprocess
import tempfile
import wave

import pytest

from conftest import NUMBER, Rig
from rig import ports, proc, sipp


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A daemon and a person (sipp) who acknowledges by INFO; three alerts are through already."""
    rig = Rig(tmp_path_factory.mktemp("api"))
    peer = rig.peer(sipp.answer(sipp.pause(100) + sipp.info("4", 1)))
    d = rig.daemon(peer)
    d.ids = [d.raise_alert("+4930%d" % i, "Alert %d" % i, severity="critical", source="test",
                           labels={"n": str(i)}) for i in range(3)]
    for i in d.ids:
        d.wait_results(i, ["acknowledged"])
    yield d
    rig.close()


def test_alert_has_its_shape_and_story(world):
    a = world.alert(world.ids[0])
    assert set(a) >= {"id", "state", "message", "severity", "labels", "target", "strategy",
                      "source", "dedup_key", "created_at", "updated_at", "acknowledged_by",
                      "acknowledged_at", "step", "timeline"}
    assert a["labels"] == {"n": "0"} and a["strategy"] == "call" and a["source"] == "test"
    whats = [e["what"] for e in a["timeline"]]
    assert whats[0].startswith("alert.") and "call.ended" in whats
    assert [e["at"] for e in a["timeline"]] == sorted(e["at"] for e in a["timeline"])
    assert all(e["text"] for e in a["timeline"])


def test_call_has_its_shape(world):
    call, = world.calls(world.ids[0])
    assert set(call) >= {"id", "alert_id", "contact_id", "number", "trunk", "state", "result",
                         "cause", "placed_at", "ringing_at", "answered_at", "ended_at",
                         "spoken_ms", "keys"}
    assert world.get("/v1/calls/" + call["id"]).json == call


def test_lists_page_and_filter(world):
    first = world.get("/v1/alerts?limit=2").json
    assert [i["id"] for i in first["items"]] == world.ids[:0:-1] and first["next"]
    rest = world.get("/v1/alerts?limit=2&cursor=" + first["next"]).json
    assert [i["id"] for i in rest["items"]] == world.ids[:1] and rest["next"] is None
    assert world.alerts("state=open") == [] and len(world.alerts("state=acknowledged")) == 3
    assert [a["id"] for a in world.alerts("target=%2B49301")] == [world.ids[1]]
    assert len(world.alerts("severity=critical")) == 3 and world.alerts("severity=info") == []
    assert len(world.alerts("source=test")) == 3
    assert [a["id"] for a in world.alerts("q=Alert%202")] == [world.ids[2]]
    middle = world.alert(world.ids[1])["created_at"].replace("+", "%2B")
    assert world.ids[0] not in [a["id"] for a in world.alerts("since=" + middle)]
    assert world.ids[2] not in [a["id"] for a in world.alerts("until=" + middle)]


def test_health_and_lists_of_what_is_loaded(world):
    assert world.get("/healthz", tcp=True).status == 200
    assert world.get("/readyz", tcp=True).status == 200
    plugins = {(p["kind"], p["plugin"]) for p in world.get("/v1/plugins").json["items"]}
    assert plugins >= {("pbx", "sip"), ("tts", "espeak"), ("store", "sqlite"),
                       ("triggers", "http_api"), ("triggers", "alertmanager")}
    trunk, = world.get("/v1/trunks").json["items"]
    assert trunk["name"] == "direct" and trunk["healthy"] and trunk["placed"] == 3
    assert world.get("/v1/voices").json["items"][0]["name"] == "local"


def test_metrics_are_good_prometheus_text(world):
    a = world.get("/metrics")
    assert a.status == 200 and a.headers["Content-Type"].startswith("text/plain")
    lint = subprocess.run(["promtool", "check", "metrics"], input=a.body, capture_output=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    lines = a.body.decode().splitlines()
    calls = [line for line in lines if line.startswith("tocsin_calls_total{")
             and 'result="acknowledged"' in line]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in calls) == 3


def test_openapi_is_true(world):
    doc = world.get("/v1/openapi.json").json
    assert doc["openapi"].startswith("3.")
    for path, methods in {"/v1/alerts": "get post", "/v1/alerts/{id}": "get", "/v1/calls": "get",
                          "/v1/alerts/{id}/acknowledge": "post", "/v1/events": "get",
                          "/v1/tokens": "get post", "/v1/trunks": "get",
                          "/v1/alertmanager": "post", "/v1/speech": "post",
                          "/healthz": "get", "/metrics": "get"}.items():
        assert set(methods.split()) <= set(doc["paths"].get(path, {})), path
    for path, methods in doc["paths"].items():
        if "{" in path or path == "/v1/events":
            continue
        for method in methods:
            if method in ("get", "post", "put", "delete"):
                a = world.request(method.upper(), path, {} if method != "get" else None)
                assert a.status not in (404, 405, 500, 501), (method, path, a)


def test_speech_is_a_wav(world):
    a = world.post("/v1/speech", {"text": "One two three."})
    assert a.status == 200 and a.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(a.body)) as w:
        assert (w.getnchannels(), w.getsampwidth()) == (1, 2) and w.getframerate() in (8000, 16000)
        assert 0.3 < w.getnframes() / w.getframerate() < 5


# --- who may --------------------------------------------------------------------------------------

def test_tokens_and_scopes(rig):
    d = rig.daemon()
    body = {"target": NUMBER, "message": "Fire."}
    for token in (None, "", "wrong", "x" * 5000):
        a = d.post("/v1/alerts", body, token=token, tcp=True)
        assert a.status == 401 and "Bearer" in a.headers["WWW-Authenticate"], a
        assert d.get("/v1/alerts", token=token, tcp=True).status == 401
    read, alert, admin = (d.make_token(s, s) for s in ("read", "alert", "admin"))
    assert d.alerts() == []
    assert d.get("/v1/alerts", token=read).status == 200
    assert d.post("/v1/alerts", body, token=read).status == 403
    taken = d.post("/v1/alerts", body, token=alert)
    assert taken.status == 202
    cancel = "/v1/alerts/%s/cancel" % taken.json["id"]
    assert d.post(cancel, token=read).status == 403
    for path in ("/v1/tokens", "/v1/alerts", "/v1/calls"):
        assert d.get(path, tcp=True).status == 401
    assert d.post("/v1/tokens", {"name": "more", "scope": "read"}, token=alert).status == 403
    assert d.post("/v1/tokens", {"name": "more", "scope": "read"}, token=admin).status == 201
    assert d.post("/v1/tokens", {"name": "more", "scope": "read"}, token=admin).status == 409
    # a list of tokens holds no token, and neither does the disk
    shown = d.get("/v1/tokens", token=admin)
    assert all(t not in shown.body.decode() for t in (read, alert, admin))
    for name in os.listdir(d.state_dir):
        path = os.path.join(d.state_dir, name)
        if os.path.isfile(path):
            with open(path, "rb") as f:
                assert alert.encode() not in f.read(), name
    # taken away, it is known no more; what is left outlives a restart
    ident = next(t["id"] for t in shown.json["items"] if t["name"] == "alert")
    assert d.request("DELETE", "/v1/tokens/" + ident, token=admin).status in (200, 204)
    assert d.post("/v1/alerts", body, token=alert).status == 401
    d.stop()
    d.restart()
    assert d.get("/v1/alerts", token=read).status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_unix_socket_is_for_root_and_the_own_user(rig):
    folder = tempfile.mkdtemp(prefix="tocsin-rig-", dir="/tmp")
    try:
        os.chmod(folder, 0o755)
        path = folder + "/api.sock"
        d = rig.daemon(over={"http": {"listen": ["127.0.0.1:%d" % ports.take(), "unix:" + path]}},
                       start=False)
        d.socket = path
        d.start()
        assert d.get("/v1/alerts").status == 200
        probe = ("import socket; s = socket.socket(socket.AF_UNIX); s.connect(%r); s.sendall("
                 "b'GET /v1/alerts HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'); "
                 "print(s.recv(100).split()[1].decode())" % path)
        r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                            "/usr/bin/python3", "-c", probe], capture_output=True, text=True)
        assert r.stdout.strip() == "401" or "PermissionError" in r.stderr, r
    finally:
        shutil.rmtree(folder)


# --- events ---------------------------------------------------------------------------------------

def test_events_are_live_and_can_be_resumed(rig):
    peer = rig.peer(sipp.answer(sipp.pause(100) + sipp.info("4", 1)))
    d = rig.daemon(peer)
    stream = d.events()
    assert stream.response.status == 200
    assert stream.response.headers["Content-Type"].startswith("text/event-stream")
    alert = d.raise_alert(NUMBER)
    seen = stream.until(lambda e: e.get("event") == "call.ended")
    stream.close()
    assert alert in [json.loads(e["data"]).get("alert_id") for e in seen]
    ids = [int(e["id"]) for e in seen]
    assert ids == sorted(set(ids))
    names = [e["event"] for e in seen]
    assert names.index("call.ringing") < names.index("call.answered") < names.index("call.ended")
    assert any(n.startswith("alert.") for n in names)
    # from the middle: exactly the rest, also after a restart
    for _ in range(2):
        again = d.events(last_id=ids[1])
        rest = again.until(lambda e: int(e["id"]) == ids[-1])
        again.close()
        assert rest == seen[2:]
        d.stop()
        d.restart()


def test_a_reader_that_does_not_read_harms_nobody(rig):
    peer = rig.peer(sipp.final(486, "Busy Here"))
    d = rig.daemon(peer, over={"call": {"attempts": 1, "max_concurrent": 50}})
    lazy = socket.socket(socket.AF_UNIX)
    lazy.connect(d.socket)
    lazy.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    ids = [d.raise_alert("+4930%d" % i, "x" * 2000) for i in range(60)]
    for i in ids:
        d.wait_state(i, "exhausted")
    assert d.get("/healthz").status == 200
    lazy.close()
    proc.wait_for("the daemon to be well", lambda: d.get("/healthz").status == 200)
