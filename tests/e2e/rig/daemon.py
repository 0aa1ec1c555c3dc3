# SPDX-License-Identifier: BSD-2-Clause
"""tocsind under test: its configuration, start and end, its API over TCP and Unix socket."""
import collections
import http.client
import json
import os
import re
import signal
import socket
import time

from rig import ports, proc

BUILD = os.environ.get("TOCSIN_BUILDDIR", "")
SANITIZER = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:")

# What an answer was; json is None when the body is not JSON.
Answer = collections.namedtuple("Answer", "status json headers body")


def build_file(name):
    """A built program or plugin folder."""
    if not BUILD:
        raise proc.Failed("TOCSIN_BUILDDIR is not set: run the tests by 'make e2e'")
    return os.path.join(BUILD, name)


def environment():
    """For every program of ours: where the plugins are."""
    return {"TOCSIN_PLUGIN_PATH": build_file("plugins")}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def merge(base, over):
    """A copy of base with over laid upon it, dictionaries merged. None in over takes a key away."""
    out = dict(base)
    for k, v in (over or {}).items():
        if v is None:
            out.pop(k, None)
        elif isinstance(v, dict) and isinstance(out.get(k), dict):
            out[k] = merge(out[k], v)
        else:
            out[k] = v
    return out


class Daemon:
    """One tocsind with a state folder of its own. start=False leaves it to start()."""

    def __init__(self, folder, trunks=(), over=None, start=True):
        """trunks: list of dicts, as in tocsin.yaml; over: laid upon the configuration."""
        self.dir = str(folder)
        os.makedirs(self.dir, exist_ok=True)
        self.state_dir = self.dir + "/state"
        self.config_file = self.dir + "/tocsin.yaml"
        self.log = self.dir + "/tocsind.log"
        self.port = ports.take()
        self.socket = self._socket_path()
        self.url = "http://127.0.0.1:%d" % self.port
        self.config = merge({
            "node": "rig",
            "state_dir": self.state_dir,
            "log": {"level": "debug"},
            "http": {"listen": ["127.0.0.1:%d" % self.port, "unix:" + self.socket],
                     "public_url": self.url},
            "store": {"plugin": "sqlite", "path": "tocsin.db"},
            "trunks": [self._trunk(t) for t in trunks],
            "voices": [{"name": "local", "plugin": "espeak", "language": "en", "voice": "en-gb",
                        "rate": 240}],
            "triggers": [{"name": "api", "plugin": "http_api"},
                         {"name": "am", "plugin": "alertmanager", "default_target": "+4930"}],
            "call": {"ring_timeout": "4s", "repeat_message": 1, "attempts": 3, "window": "180s",
                     "redial": {k: "1s" for k in (
                         "busy", "no_answer", "rejected", "unreachable", "congestion", "machine",
                         "heard", "unheard", "failed")}},
        }, over)
        self.config_text = None              # a file as it is to stand there, in place of config
        self.proc = None
        self._token = None
        if start:
            self.start()

    def _socket_path(self):
        path = self.dir + "/api.sock"
        return path if len(path) < 100 else "/tmp/tocsin-rig-%d.sock" % self.port

    def _trunk(self, settings):
        """A trunk with what every test needs: a name, ports of its own for SIP and for sound.

        Through an Asterisk: an application of its own, and a folder that both can read.
        """
        if settings.get("plugin") == "ari":
            count = 4 * settings.get("max_calls", 10)
            media = ports.take(count + 1)
            media += media % 2
            os.makedirs(self.dir + "/media", exist_ok=True)
            return merge({"name": "pbx", "app": "tocsin-%d" % self.port, "max_calls": 10,
                          "media_dir": self.dir + "/media",
                          "rtp_ports": "%d-%d" % (media, media + count - 1)}, settings)
        calls = settings.get("max_calls", 10)
        count = 8 * calls                    # two a call, and room to find free ones
        media = ports.take(count + 1)
        media += media % 2
        return merge({"name": "direct", "plugin": "sip", "listen": "127.0.0.1:%d" % ports.take(3),
                      "max_calls": calls, "rtp_ports": "%d-%d" % (media, media + count - 1)},
                     settings)

    # --- its life ---------------------------------------------------------------------------

    def write_config(self):
        os.makedirs(self.state_dir, exist_ok=True)
        text = self.config_text or json.dumps(self.config, indent=2, ensure_ascii=False) + "\n"
        with open(self.config_file, "w") as f:      # JSON is YAML
            f.write(text)

    def start(self, ready=True):
        self.write_config()
        self.proc = proc.Proc([build_file("tocsind"), "-c", self.config_file], self.log,
                              env=environment())
        if ready:
            self.wait_ready()

    def wait_ready(self, timeout=30.0):
        def up():
            if not self.proc.alive:
                raise proc.Failed("tocsind ended with %s:\n%s"
                                  % (self.proc.exit_code, self.proc.tail(60)))
            try:
                return self.get("/readyz").status == 200
            except OSError:
                return False
        proc.wait_for("tocsind to be ready", up, timeout)

    def fails(self, timeout=30.0):
        """Start it and wait until it has refused to run (exit 1); returns what it said."""
        self.start(ready=False)
        code = self.proc.wait(timeout)
        self.proc = None
        self.check_log()
        if code != 1:
            raise proc.Failed("tocsind ended with %s, not with 1:\n%s" % (code, self.output()))
        return self.output()

    def kill9(self):
        self.proc.kill9()

    def restart(self, ready=True):
        """Start again after kill9() or stop()."""
        self.start(ready)

    def reload(self):
        self.proc.signal(signal.SIGHUP)

    def stop(self, timeout=30.0):
        """SIGTERM; it must end by itself, with 0 and without a sanitizer's complaint."""
        if self.proc is None:
            return
        running = self.proc.alive
        code = self.proc.exit_code
        if running:
            self.proc.signal(signal.SIGTERM)
            try:
                code = self.proc.wait(timeout)
            except proc.Failed:
                self.proc.kill9()
                raise
        self.check_log()
        if code not in (0, -signal.SIGKILL) or running and code != 0:
            raise proc.Failed("tocsind ended with %s:\n%s" % (code, self.proc.tail(40)))
        if self.socket.startswith("/tmp/tocsin-rig-") and os.path.exists(self.socket):
            os.unlink(self.socket)

    def check_log(self):
        hit = SANITIZER.search(self.output())
        if hit:
            raise proc.Failed("tocsind: " + self.output()[max(0, hit.start() - 200):][:8000])

    def output(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # --- its API ----------------------------------------------------------------------------

    def request(self, method, path, body=None, token=None, tcp=False, headers=None, timeout=30.0):
        """One request. body: bytes as they are, else as JSON. With a token, or tcp: by TCP."""
        if token or tcp:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        else:
            c = _UnixConnection(self.socket, timeout)
        send = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            send.setdefault("Content-Type", "application/json")
        if token:
            send["Authorization"] = "Bearer " + token
        try:
            c.request(method, path, body, send)
            r = c.getresponse()
            raw = r.read()
        finally:
            c.close()
        try:
            parsed = json.loads(raw)
        except ValueError:
            parsed = None
        return Answer(r.status, parsed, r.headers, raw)

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, {} if body is None else body, **kw)

    def make_token(self, name, scope):
        a = self.post("/v1/tokens", {"name": name, "scope": scope})
        if a.status != 201:
            raise proc.Failed("no token: %s" % (a,))
        return a.json["token"]

    @property
    def token(self):
        """A token with scope alert, made when it is first asked for."""
        if self._token is None:
            self._token = self.make_token("rig", "alert")
        return self._token

    def events(self, last_id=None, timeout=30.0):
        """The event stream; last_id as in Last-Event-ID."""
        return Events(self, last_id, timeout)

    # --- alerts and calls -------------------------------------------------------------------

    def raise_alert(self, target, message="The database server in Berlin is on fire.", **fields):
        """POST /v1/alerts; returns the id."""
        a = self.post("/v1/alerts", dict(fields, target=target, message=message))
        if a.status != 202:
            raise proc.Failed("alert refused: %s" % (a,))
        return a.json["id"]

    def alert(self, alert_id):
        a = self.get("/v1/alerts/" + alert_id)
        if a.status != 200:
            raise proc.Failed("no alert: %s" % (a,))
        return a.json

    def alerts(self, query=""):
        """All alerts that fit, newest first, over all pages."""
        return self.list("/v1/alerts", query)

    def calls(self, alert_id):
        """The calls of an alert, oldest first."""
        return self.list("/v1/calls", "alert_id=" + alert_id)[::-1]

    def list(self, path, query=""):
        """All items of a list, over all pages."""
        items, cursor = [], None
        while True:
            q = "&".join(p for p in (query, "limit=500", cursor and "cursor=" + cursor) if p)
            a = self.get(path + "?" + q)
            if a.status != 200:
                raise proc.Failed("%s: %s" % (path, a))
            items += a.json["items"]
            cursor = a.json["next"]
            if not cursor:
                return items

    def results(self, alert_id):
        """Results of the calls of an alert that have ended, oldest first."""
        return [c["result"] for c in self.calls(alert_id) if c["state"] == "ended"]

    def wait_state(self, alert_id, state, timeout=60.0):
        """Wait until the alert is in a state and return it; the timeline is in the complaint."""
        seen = {}

        def there():
            seen.update(self.alert(alert_id))
            return seen["state"] == state
        try:
            proc.wait_for("alert to be " + state, there, timeout, every=0.1)
        except proc.Failed as e:
            raise proc.Failed("%s; it is %s:\n%s" % (e, seen.get("state"), story(seen))) from None
        return seen

    def wait_results(self, alert_id, results, timeout=60.0):
        """Wait until the alert's first calls have ended with these results, in order."""
        def there():
            return self.results(alert_id)[:len(results)] == results
        try:
            proc.wait_for("results %s" % results, there, timeout, every=0.1)
        except proc.Failed as e:
            raise proc.Failed("%s; they are %s:\n%s" % (
                e, self.results(alert_id), story(self.alert(alert_id)))) from None
        return self.calls(alert_id)

    def wait_call(self, alert_id, state, timeout=30.0):
        """Wait until a call of the alert is in a state and return it."""
        def there():
            return next((c for c in self.calls(alert_id) if c["state"] == state), None)
        return proc.wait_for("a call that is " + state, there, timeout, every=0.05)


def story(alert):
    return "\n".join("  %s %s: %s" % (e.get("at"), e.get("what"), e.get("text"))
                     for e in alert.get("timeline", []))


class Events:
    """Server-sent events (WHATWG HTML, 9.2), read by hand: next() gives {"id","event","data"}."""

    def __init__(self, daemon, last_id, timeout):
        self._connection = _UnixConnection(daemon.socket, timeout)
        headers = {"Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = str(last_id)
        self._connection.request("GET", "/v1/events", headers=headers)
        self.response = self._connection.getresponse()
        self.timeout = timeout

    def next(self):
        event = {}
        while True:
            line = self.response.readline()
            if not line:
                raise proc.Failed("the event stream ended")
            line = line.decode().rstrip("\r\n")
            if not line:
                if event:
                    return event
                continue
            if line.startswith(":"):
                continue
            key, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            event[key] = event[key] + "\n" + value if key == "data" and key in event else value

    def until(self, wanted):
        """Read until wanted(event) is true; returns all that was read."""
        seen, deadline = [], time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            seen.append(self.next())
            if wanted(seen[-1]):
                return seen
        raise proc.Failed("waited in vain for an event; saw %s" % seen)

    def close(self):
        self._connection.close()
