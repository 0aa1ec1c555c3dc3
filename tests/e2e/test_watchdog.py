# SPDX-License-Identifier: BSD-2-Clause
"""Who watches the watchmen: heartbeats that stop, and acknowledgements that Alertmanager hears of.

Alertmanager and Prometheus are the real ones.
"""
import contextlib
import http.client
import os
import signal
import sqlite3
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import NUMBER
from rig import ports, proc, sipp
from rig.phone import Person

LABELS = {"alertname": "DiskFull", "instance": "db1:9100", "severity": "critical"}
BEAT = {"alertname": "Watchdog", "severity": "none"}


def trigger(api=None, **more):
    am = dict({"name": "am", "plugin": "alertmanager", "default_target": NUMBER,
               "template": "{{labels.alertname}}: {{annotations.summary}}"}, **more)
    if api:
        am["api_url"] = api
    return {"triggers": [{"name": "api", "plugin": "http_api"}, am]}


def watchdog(every="4s", **more):
    return trigger(routes=[dict({"name": "deadman", "match": {"alertname": "Watchdog"},
                                 "expect_every": every}, **more)])


def status(d):
    return next(p for p in d.get("/v1/plugins").json["items"] if p["name"] == "am")


def told(d, alert_id, text, what="alert.told"):
    return any(e["what"] == what and text in e["text"] for e in d.alert(alert_id)["timeline"])


def wait_told(d, alert_id, text, what="alert.told", timeout=30.0):
    proc.wait_for("%s '%s'" % (what, text), lambda: told(d, alert_id, text, what), timeout,
                  every=0.1)


def wait_silences(am, alert_id, n, timeout=30.0):
    proc.wait_for("%d silences of alert %s" % (n, alert_id),
                  lambda: len(am.silences(alert_id)) == n, timeout, every=0.1)
    return am.silences(alert_id)


# --- heartbeats ---------------------------------------------------------------------------------

def test_heartbeat_stops_and_comes_back(rig):
    """Prometheus stands still: a person is called. It goes on: the alert is resolved."""
    phone = rig.phone(Person(digits="4@2"))
    d = rig.daemon(phone, over=dict(watchdog(), call={"repeat_message": 5}))
    am = rig.alertmanager(d, repeat="1s")
    prom = rig.prometheus(am, "Watchdog", {"severity": "none"}, {"summary": "all is well"})
    prom.trouble(True)
    proc.wait_for("heartbeats", lambda: status(d)["numbers"]["heartbeats"] >= 2, 60)
    seen = len(d.alerts())
    assert seen <= 1, "at most the one of the time before Prometheus was up"
    for a in d.alerts():
        d.wait_state(a["id"], "resolved")
    prom.proc.signal(signal.SIGSTOP)
    proc.wait_for("an alert", lambda: len(d.alerts()) > seen, 60)
    alert = d.alerts()[0]
    assert alert["message"].startswith("No heartbeat from Alertmanager by route deadman since 20")
    assert alert["source"] == "alertmanager/am" and alert["severity"] == "critical"
    assert "no heartbeat by route deadman" in status(d)["text"]
    d.wait_state(alert["id"], "acknowledged")
    assert phone.of("CALL_INCOMING")
    prom.proc.signal(signal.SIGCONT)
    d.wait_state(alert["id"], "resolved")
    assert "no heartbeat" not in status(d)["text"]
    assert len(d.alerts()) == seen + 1


def test_heartbeat_that_never_came(rig):
    """None comes after the start: that is an alert as well, by the route's own words."""
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over=watchdog("2s", target="+49111", severity="warning",
                                       template="{{route}} is silent"))
    proc.wait_for("an alert", d.alerts, 20)
    alert, = d.alerts()
    assert (alert["message"], alert["target"], alert["severity"]) == (
        "deadman is silent", "+49111", "warning")


def test_heartbeat_over_a_restart(rig):
    """The silence begins anew with each start; what an earlier process has raised is resolved."""
    phone = rig.phone(Person(delay=None))
    d = rig.daemon(phone, over=watchdog("3s"))
    am = rig.alertmanager(d, repeat="1s")
    proc.wait_for("an alert", d.alerts, 20)
    alert, = d.alerts()
    d.kill9()
    d.restart()
    assert len(d.alerts("state=open")) == 1
    am.send(BEAT)
    d.wait_state(alert["id"], "resolved")
    assert len(d.alerts()) == 1 or d.alerts()[0]["id"] != alert["id"]


def test_heartbeats_need_no_store(rig):
    """A group of heartbeats only is answered; one with an alert in it raises that."""
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over=watchdog("60s"))
    one = {"status": "firing", "labels": BEAT, "annotations": {},
           "startsAt": "2026-01-01T00:00:00Z"}
    a = d.post("/v1/alertmanager", {"version": "4", "alerts": [one]}, token=d.token)
    assert a.status == 200 and a.json == {
        "alerts": [{"id": None, "state": "heartbeat", "deduplicated": False}]}
    other = dict(one, labels=LABELS)
    a = d.post("/v1/alertmanager", {"version": "4", "alerts": [one, other, one]}, token=d.token)
    assert [r["state"] for r in a.json["alerts"]] == ["heartbeat", "open", "heartbeat"]
    alert, = d.alerts()
    assert a.json["alerts"][1]["id"] == alert["id"]
    a = d.post("/v1/alertmanager", {"version": "4", "alerts": [dict(one, status="resolved")]},
               token=d.token)
    assert a.status == 200 and status(d)["numbers"]["heartbeats"] == 3


# --- silences -----------------------------------------------------------------------------------

def test_silence_while_acknowledged(rig):
    """Acknowledged by key: silenced in Alertmanager; resolved: the silence goes with it."""
    phone = rig.phone(Person(digits="4@0.5"))
    port = ports.take()
    d = rig.daemon(phone, over=trigger("http://127.0.0.1:%d" % port, silence="always",
                                       silence_for="1h"))
    am = rig.alertmanager(d, port=port)
    am.send(LABELS, {"summary": "full"})
    proc.wait_for("an alert", d.alerts, 20)
    alert, = d.alerts()
    d.wait_state(alert["id"], "acknowledged")
    silence, = wait_silences(am, alert["id"], 1)
    assert {m["name"]: m["value"] for m in silence["matchers"]} == LABELS
    assert not any(m["isRegex"] for m in silence["matchers"])
    assert silence["createdBy"] == NUMBER + " (Tocsin)"
    assert "acknowledged by " + NUMBER in silence["comment"]
    proc.wait_for("it to be suppressed", lambda: am.state(**LABELS) == "suppressed", 20)
    wait_told(d, alert["id"], "silenced in Alertmanager until")
    assert d.post("/v1/alerts/%s/resolve" % alert["id"]).status == 200
    wait_silences(am, alert["id"], 0)
    wait_told(d, alert["id"], "the silence in Alertmanager was removed")
    proc.wait_for("it to be active again", lambda: am.state(**LABELS) == "active", 20)


def test_alertmanager_away_then_back(rig):
    phone = rig.phone(Person(digits="4@0.5"))
    port = ports.take()
    d = rig.daemon(phone, over=trigger("http://127.0.0.1:%d" % port, silence="always"))
    am = rig.alertmanager(d, port=port)
    am.send(LABELS)
    phone.wait_event("CALL_ESTABLISHED")
    am.stop()
    alert, = d.alerts()
    d.wait_state(alert["id"], "acknowledged")
    wait_told(d, alert["id"], "could not be made: connection refused", "alert.untold")
    am.start()
    silence, = wait_silences(am, alert["id"], 1, timeout=70)
    wait_told(d, alert["id"], silence["id"])
    assert sum(e["what"] == "alert.untold" for e in d.alert(alert["id"])["timeline"]) == 1


def test_daemon_dies_before_the_silence(rig):
    """Killed between the acknowledgement and the silence: the next process makes it, once."""
    phone = rig.phone(Person(digits="4@0.5"))
    port = ports.take()
    d = rig.daemon(phone, over=trigger("http://127.0.0.1:%d" % port, silence="always"))
    am = rig.alertmanager(d, port=port)
    am.send(LABELS)
    phone.wait_event("CALL_ESTABLISHED")
    am.proc.signal(signal.SIGSTOP)           # it takes the question, and does not answer
    alert, = d.alerts()
    d.wait_state(alert["id"], "acknowledged")
    d.kill9()
    am.proc.signal(signal.SIGCONT)
    d.restart()
    wait_silences(am, alert["id"], 1)
    wait_told(d, alert["id"], "silenced in Alertmanager")
    d.kill9()
    d.restart()
    assert len(am.silences(alert["id"])) == 1


def test_key_7_and_an_acknowledgement_that_expires(rig):
    """The key asks for silence; when the alert is open again the silence goes, and he is called."""
    phone = rig.phone(Person(digits="7@0.5"), Person(delay=None))
    port = ports.take()
    d = rig.daemon(phone, over=dict(trigger("http://127.0.0.1:%d" % port),
                                    escalation={"ack_timeout": "5s"}))
    am = rig.alertmanager(d, port=port)
    am.send(LABELS)
    proc.wait_for("an alert", d.alerts, 20)
    alert, = d.alerts()
    d.wait_state(alert["id"], "acknowledged")
    wait_silences(am, alert["id"], 1, timeout=4)
    d.wait_state(alert["id"], "open")
    wait_silences(am, alert["id"], 0)
    phone.wait_event("CALL_INCOMING", count=2)
    wait_told(d, alert["id"], "the silence in Alertmanager was removed")
    whats = [e["what"] for e in d.alert(alert["id"])["timeline"]]
    assert whats.count("alert.told") == 2 and "alert.reopened" in whats


class Between:
    """Stands before Alertmanager: notes what comes, and can keep an answer back."""

    def __init__(self, port, to_port):
        self.seen, self.keep, self.kept = [], None, threading.Event()
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                between.seen.append((self.command, self.path, dict(self.headers)))
                c = http.client.HTTPConnection("127.0.0.1", to_port, timeout=10)
                c.request(self.command, self.path, body or None,
                          {k: v for k, v in self.headers.items() if k == "Content-Type"})
                r = c.getresponse()
                data = r.read()
                c.close()
                if self.command == between.keep:
                    between.kept.set()
                    self.close_connection = True
                    between.gone.wait(30)
                    return
                self.send_response(r.status)
                self.send_header("Content-Type", r.headers.get("Content-Type") or "text/plain")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.gone = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self.gone.set()
        self._server.shutdown()
        self._server.server_close()


def untold(d):
    """How many decisions the trigger has yet to be told."""
    with contextlib.closing(sqlite3.connect(d.state_dir + "/tocsin.db")) as db:
        return db.execute("SELECT COUNT(*) FROM notices").fetchone()[0]


def test_no_silence_unless_it_is_wanted(rig):
    """By default key 4 makes none, and Alertmanager is not even asked."""
    phone = rig.phone(Person(digits="4@0.5"))
    port, front = ports.take(), ports.take()
    d = rig.daemon(phone, over=trigger("http://127.0.0.1:%d" % front))
    am = rig.alertmanager(d, port=port)
    between = rig.keep(Between(front, port))
    am.send(LABELS)
    proc.wait_for("an alert", d.alerts, 20)
    alert, = d.alerts()
    d.wait_state(alert["id"], "acknowledged")
    assert d.post("/v1/alerts/%s/resolve" % alert["id"]).status == 200
    proc.wait_for("all to be told", lambda: untold(d) == 0, 10)
    assert between.seen == [] and not told(d, alert["id"], "")


def test_daemon_dies_while_the_silence_is_made(rig):
    """Alertmanager has made it, and nobody heard so: it is found again, there is no second one."""
    phone = rig.phone(Person(digits="4@0.5"))
    port, front = ports.take(), ports.take()
    d = rig.daemon(phone, over=trigger("http://127.0.0.1:%d" % front, silence="always",
                                       token="Sekret-7"))
    am = rig.alertmanager(d, port=port)
    between = rig.keep(Between(front, port))
    between.keep = "POST"
    am.send(LABELS)
    assert between.kept.wait(30)
    alert, = d.alerts()
    d.kill9()
    between.keep = None
    between.gone.set()
    d.restart()
    wait_told(d, alert["id"], "silenced in Alertmanager")
    assert len(am.silences(alert["id"])) == 1
    assert [s[0] for s in between.seen].count("POST") == 1
    assert {s[2].get("Authorization") for s in between.seen} == {"Bearer Sekret-7"}
    assert "Sekret-7" not in d.output()
    assert d.post("/v1/alerts/%s/cancel" % alert["id"]).status == 200
    wait_silences(am, alert["id"], 0)


def test_alertmanager_by_tls(rig):
    """Its certificate is checked: by ours it is good, by the system's it is not."""
    phone = rig.phone(Person(digits="4@0.5"))
    port = ports.take()
    authority = rig.authority()
    pem = authority.server("am", "IP:127.0.0.1")
    web = os.path.join(rig.dir, "web.yml")
    with open(web, "w") as f:
        f.write("tls_server_config: {cert_file: %s, key_file: %s}\n" % (pem, pem))
    d = rig.daemon(phone, over=trigger("https://127.0.0.1:%d" % port, silence="always"))
    am = rig.alertmanager(d, port=port, tls=web)
    am.send(LABELS)
    proc.wait_for("an alert", d.alerts, 20)
    alert, = d.alerts()
    wait_told(d, alert["id"], "could not be made", "alert.untold")
    assert am.silences() == []
    d.stop()
    d.config["triggers"][1]["ca_file"] = authority.file
    d.restart()
    wait_silences(am, alert["id"], 1)


# --- the samples --------------------------------------------------------------------------------

@pytest.mark.parametrize("check", [
    ["promtool", "check", "rules", "watchdog-rules.yml"],
    ["amtool", "check-config", "alertmanager.yml"]])
def test_samples_are_good(check):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../etc/prometheus")
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
