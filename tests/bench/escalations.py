# SPDX-License-Identifier: BSD-2-Clause
"""Steps that are due: 6,000 in the same second, and how late one is when only some are."""
import calendar
import json
import os
import socket
import sqlite3
import threading
import time

from common import Daemon, Program, check, free_port, percentile, say

WAIT_S = 20
HELD_S = 20
ALERTS = 6000


def rfc3339(wall):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall)) + ".%06dZ" % (wall % 1 * 1e6)


def wall_of(text):
    whole, _, rest = text.partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + rest.rstrip("Z"))


class Stream(threading.Thread):
    """Listens to /v1/events: when each step of each alert was committed, and when it came in."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.first, self.second = {}, {}
        self.path, self.last = daemon.sock, b""
        self.connect()
        self.start()

    def connect(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(self.path)
        self.s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n%s\r\n"
                       % (b"Last-Event-ID: %s\r\n" % self.last if self.last else b""))

    def run(self):
        rest = b""
        while True:
            try:
                chunk = self.s.recv(1 << 20)
            except ConnectionResetError:
                chunk = b""
            if not chunk:  # too slow a listener is let go; it comes again and gets the rest
                try:
                    self.connect()
                except OSError:
                    return
                rest = b""
                continue
            came = time.time()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"id: "):
                    self.last = line[4:].strip()
                elif b'"escalation.step"' in line and line.startswith(b"data: "):
                    self.step(json.loads(line[6:]), came)

    def step(self, e, came):
        steps = self.first if "step 1 of" in e["text"] else self.second
        steps[e["alert_id"]] = (wall_of(e["at"]), came)

    def wait(self, steps, n, seconds):
        end = time.monotonic() + seconds
        while len(steps) < n and time.monotonic() < end:
            time.sleep(0.05)


def bare_commit_s(folder, n):
    """What a step writes, by SQLite alone and in one transaction: the state, the alert, one event."""
    db = sqlite3.connect(os.path.join(folder, "bare.db"), isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE states (id TEXT PRIMARY KEY, version INT, body TEXT)")
    db.execute("CREATE TABLE alerts (id TEXT PRIMARY KEY, step INT)")
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, at INT, alert TEXT, what TEXT, text TEXT, reason TEXT)")
    ids = ["01890000-0000-7000-8000-%012d" % i for i in range(n)]
    db.execute("BEGIN")
    db.executemany("INSERT INTO states VALUES (?, 1, ?)", [(i, "x" * 600) for i in ids])
    db.executemany("INSERT INTO alerts VALUES (?, 0)", [(i,) for i in ids])
    db.execute("COMMIT")
    t = time.monotonic()
    db.execute("BEGIN")
    for i in ids:
        db.execute("UPDATE states SET version = 2, body = ? WHERE id = ? AND version = 1", ("y" * 600, i))
        db.execute("SELECT step FROM alerts WHERE id = ?", (i,)).fetchone()
        db.execute("UPDATE alerts SET step = 1 WHERE id = ?", (i,))
        db.execute("INSERT INTO events (at, alert, what, text, reason) VALUES (1, ?, 'escalation.step', ?, ?)",
                   (i, "step 2 of 2 of policy p, round 1: calls +4930002", "nobody has acknowledged within 20s"))
    db.execute("COMMIT")
    return time.monotonic() - t


def world(folder):
    port = free_port(socket.SOCK_DGRAM)
    phones = Program("phones", "-p", port)
    trunk = ('{name: direct, plugin: sip, listen: "127.0.0.1:%d", uri: "sip:{number}@127.0.0.1:%d", '
             'rtp_ports: "30000-60000", max_calls: 50, keepalive: 0s}' % (free_port(socket.SOCK_DGRAM), port))
    # the alerts come in by "am" of the common configuration, whose target is a number: so a route of its own
    d = Daemon(folder, trunk, "call: {repeat_message: 10}", am_target="policy:p")
    d.api("POST", "/v1/policies", {"name": "p", "steps": [{"targets": ["+4930001"], "wait": "%ds" % WAIT_S},
                                                          {"targets": ["+4930002"], "wait": "10m"}]})
    return d, phones


def bench_escalations(folder):
    d, phones = world(folder)
    # held back by a window until an instant at which all of them begin
    end = time.time() + HELD_S
    d.api("POST", "/v1/maintenance", {"name": "w", "matchers": [{"label": "target", "value": "policy:p"}],
                                      "start": rfc3339(end - 3600), "end": rfc3339(end)})
    stream = Stream(d)
    r = d.post("-u", "/v1/alertmanager", "-a", "-c", 64, "-n", ALERTS, "-s", HELD_S)
    check(r["failed"] == 0 and r["ok"] == ALERTS, "escalations: %d of %d were taken in" % (r["ok"], ALERTS))
    check(time.time() < end and not stream.first, "escalations: the window is too short")
    stream.wait(stream.first, ALERTS, HELD_S + 30)
    check(len(stream.first) == ALERTS, "escalations: %d of %d steps" % (len(stream.first), ALERTS))
    over = max(came for _, came in stream.first.values())
    say("%d escalations due at one instant: decided and committed" % ALERTS, "%.2f s" % (over - end), "want < 5")
    say("  bare SQLite writes as much, in one transaction", "%.2f s" % bare_commit_s(folder, ALERTS))
    d.kill9()
    phones.stop()
    folder = os.path.join(folder, "some")
    os.mkdir(folder)
    d, phones = world(folder)
    stream = Stream(d)
    n = 500
    r = d.post("-u", "/v1/alertmanager", "-a", "-c", 4, "-n", n, "-r", 50, "-s", 30)
    check(r["failed"] == 0, "escalations at 50/s: %d answers were not 2xx" % r["failed"])
    stream.wait(stream.second, n, WAIT_S + 30)
    check(len(stream.second) == n, "escalations at 50/s: %d of %d steps" % (len(stream.second), n))
    late = [(came - stream.first[a][0] - WAIT_S) * 1000 for a, (_, came) in stream.second.items()]
    say("a step that is due, 50/s: committed after, p50, p99", "%.1f, %.1f ms" % (percentile(late, .5), percentile(late, .99)),
        "want p99 < 100")
    d.kill9()
    phones.stop()
