# SPDX-License-Identifier: BSD-2-Clause
"""A real Asterisk: 22 (or what Debian sid has by now) or 16, by tests/lib/asterisk."""
import base64
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import websocket

from rig import ports, proc

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib")
SUITES = {"22": "sid", "16": "bullseye"}
USER, PASSWORD = "tocsin", "b3ll-ringer"
RTP_PORTS = 300

_trees = {}


def tree(version):
    """The folder of an unpacked Asterisk, which is fetched when it is not there yet."""
    if version not in _trees:
        made = subprocess.run([LIB + "/asterisk-tree", SUITES[version]], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        if made.returncode:
            raise proc.Failed("no Asterisk %s:\n%s" % (version, made.stderr))
        _trees[version] = made.stdout.strip()
    return _trees[version]


class Asterisk:
    """One Asterisk on loopback.

    version     "22.10.1"; major, an int
    url         of its REST interface, without a final slash; user, password
    http, sip   its ports
    """

    def __init__(self, folder, version="22", t1=500, extra=None, start=True):
        """t1: SIP's T1 in ms; a phone that is not there is given up after 64 of them.

        extra: {"pjsip": TEXT}, appended to the files of these names.
        """
        self.dir = os.path.abspath(str(folder))
        self._suite = SUITES[version]
        with open(tree(version) + "/about") as f:
            self.version = re.search("version='(.*)'", f.read()).group(1)
        self.major = int(self.version.split(".")[0])
        self.http, self.sip = ports.take(), ports.take(2)
        self._rtp = ports.take(RTP_PORTS + 1)
        self._rtp += self._rtp % 2
        self._t1 = t1
        self.user, self.password = USER, PASSWORD
        self.url = "http://127.0.0.1:%d/ari" % self.http
        self.proc = None
        self._globals = {}
        os.makedirs(self.dir + "/extra", exist_ok=True)
        for name, text in (extra or {}).items():
            with open("%s/extra/%s.conf" % (self.dir, name), "w") as f:
                f.write(text)
        if start:
            self.start()

    # --- its life ---------------------------------------------------------------------------

    def start(self, ready=True):
        """Also again after kill9() or stop(), with what it had stored, as on a site."""
        env = {"RIG_T1": str(self._t1), "RIG_KEEP": "1"}
        self.proc = proc.Proc(
            [LIB + "/asterisk", self._suite, self.dir, self.http, self.sip,
             "%d-%d" % (self._rtp, self._rtp + RTP_PORTS - 1)], self.dir + "/stdout", env=env)
        if ready:
            self.wait_ready()

    def wait_ready(self, timeout=20):
        r = subprocess.run([LIB + "/asterisk", "--ready", self.dir, str(timeout)],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if r.returncode or not self.proc.alive:
            raise proc.Failed("Asterisk did not start: %s\n%s\n%s" % (
                r.stdout, self.proc.tail(), "\n".join(self.log().splitlines()[-20:])))
        for name, value in self._globals.items():
            self.cli("dialplan set global %s %s" % (name, value))

    def kill9(self):
        self.proc.kill9()

    def freeze(self):
        self.proc.signal(signal.SIGSTOP)

    def thaw(self):
        self.proc.signal(signal.SIGCONT)

    def stop_gracefully(self):
        """It takes no new call and ends when the last one has; returns as soon as it knows."""
        seen = self.log().count("Remote UNIX connection\n")
        proc.Proc([LIB + "/asterisk", "--cli", self.dir, "core stop gracefully"],
                  self.dir + "/stdout")      # the console stays until the end
        proc.wait_for("Asterisk to be told",
                      lambda: self.log().count("Remote UNIX connection\n") > seen, 5)

    def restart(self):
        """As a service manager does: SIGTERM, which hangs up, and start again."""
        self.proc.stop(25)
        self.start()

    def stop(self):
        """It must still run: one that ended by itself has crashed. It has nothing to save."""
        if self.proc is None:
            return
        code = self.proc.exit_code
        self.proc.kill9()
        if code not in (None, 0, -signal.SIGKILL):
            raise proc.Failed("Asterisk ended with %s:\n%s" % (code, self.proc.tail()))

    # --- what it says -----------------------------------------------------------------------

    def cli(self, command):
        r = subprocess.run([LIB + "/asterisk", "--cli", self.dir, command],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
        if r.returncode:
            raise proc.Failed("Asterisk: %s: %s" % (command, r.stdout))
        return r.stdout

    def set_global(self, **names):
        """Variables of the dialplan: APP, PHONE, CALLBACK, SOUNDS. Kept over a restart."""
        for name, value in names.items():
            self._globals[name] = str(value)
            self.cli("dialplan set global %s %s" % (name, value))

    def log(self):
        try:
            with open(self.dir + "/log/full", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def channels(self):
        """Names of all channels, by its console: also when its REST interface is cut off."""
        return [line.split("!")[0] for line in self.cli("core show channels concise").splitlines()
                if "!" in line]

    def hang_up_all(self):
        if self.proc.alive and self.channels():
            self.cli("channel request hangup all")

    def wait_no_channels(self, timeout=15.0):
        try:
            proc.wait_for("Asterisk to have no channel", lambda: not self.channels(), timeout, 0.1)
        except proc.Failed as e:
            raise proc.Failed("%s:\n%s" % (e, self.cli("core show channels concise"))) from None

    # --- for rig.daemon() and telephones ------------------------------------------------------

    def trunk(self, port=None, mode="any", **settings):
        """Settings of a trunk here; port: of the telephone that is called at any number.

        mode: the endpoint, "any" or "any-info".
        """
        out = {"plugin": "ari", "url": self.url, "user": self.user, "password": self.password,
               "plus": "+", "keepalive": "1s", "timeout": "2s"}
        if port:
            out["endpoint"] = "PJSIP/%s/sip:{number}@127.0.0.1:%d" % (mode, port)
        out.update(settings)
        return out

    def uri(self, extension):
        """What a telephone dials to reach the context from-phones here."""
        return "sip:%s@127.0.0.1:%d" % (extension, self.sip)


class Client:
    """A bare client of its REST interface, with an application and its events."""

    def __init__(self, asterisk, app, user=USER, password=PASSWORD):
        self.port, self.app = asterisk.http, app
        self._auth = "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
        self.seen, self.alive, self._changed = [], True, threading.Condition()
        self._socket = websocket.create_connection(
            "ws://127.0.0.1:%d/ari/events?app=%s" % (self.port, app), timeout=20,
            header=["Authorization: " + self._auth])
        self._socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                text = self._socket.recv()
            except (OSError, websocket.WebSocketException):
                text = None
            if not text:
                self.alive = False
                return
            with self._changed:
                self.seen.append(dict(json.loads(text), t=time.time()))
                self._changed.notify_all()

    def request(self, method, path, patience=20.0, **query):
        """(status, parsed answer)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            c.request(method, "/ari%s?%s" % (path, urllib.parse.urlencode(query)), None,
                      {"Authorization": self._auth})
            r = c.getresponse()
            raw = r.read()
        finally:
            c.close()
        return r.status, json.loads(raw) if raw else None

    def wait(self, kind, timeout=15.0, **fields):
        """The first event of this type, so far or to come, whose fields match: a__b is a.b."""
        def fits(event):
            if event["type"] != kind:
                return False
            for name, wanted in fields.items():
                value = event
                for part in name.split("__"):
                    value = value.get(part) if isinstance(value, dict) else None
                if value != wanted:
                    return False
            return True

        def hit():
            return next((e for e in list(self.seen) if fits(e)), None)
        with self._changed:
            self._changed.wait_for(hit, timeout)
        if not hit():
            raise proc.Failed("no %s %s; seen: %s" % (kind, fields, [e["type"] for e in self.seen]))
        return hit()

    def close(self):
        self._socket.close()

    stop = close
