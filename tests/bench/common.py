# SPDX-License-Identifier: BSD-2-Clause
"""What all measurements share: programs of ours, a daemon, the table of figures."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

BUILD = os.environ.get("TOCSIN_BUILDDIR", ".")
BENCH = os.path.join(BUILD, "tests/bench")
# What is started ends with us, however we end.
BOUND = ["setpriv", "--pdeathsig", "KILL", "--"]
results, faults = [], []


def free_port(kind=socket.SOCK_STREAM):
    for _ in range(200):
        port = random.randrange(10000, 30000)
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    sys.exit("no free port")


def say(name, value, note=""):
    results.append((name, value, note))
    print("  %-58s %-26s %s" % (name, value, note), flush=True)


def check(ok, what):
    if not ok:
        faults.append(what)
        print("  FAULT: " + what, flush=True)


class Program:
    """A program of ours that says 'ready' and, at its end, one line of JSON."""

    def __init__(self, name, *args):
        self.p = subprocess.Popen([*BOUND, os.path.join(BENCH, name), *map(str, args)], stdout=subprocess.PIPE, text=True)
        assert self.p.stdout.readline() == "ready\n", name

    def stop(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
        out = self.p.communicate(timeout=30)[0]
        return json.loads(out) if out.strip() else None


class Daemon:
    """tocsind in a folder of its own; wait() until it answers."""

    def __init__(self, folder, trunk="", extra="", am_target="+4930123"):
        self.folder, self.port = folder, free_port()
        self.sock = os.path.join(folder, "api.sock")
        self.config = os.path.join(folder, "tocsin.yaml")
        with open(self.config, "w") as f:
            f.write("""node: bench
state_dir: %s/state
http: {listen: ["127.0.0.1:%d", "unix:%s"], public_url: "http://127.0.0.1:%d"}
trunks: [%s]
voices: [{name: local, plugin: espeak, language: en, voice: en-gb}]
triggers: [{name: api, plugin: http_api}, {name: am, plugin: alertmanager, default_target: "%s"}]
log: {level: warn}
%s
""" % (folder, self.port, self.sock, self.port, trunk, am_target, extra))
        self.start()
        self.token = self.api("POST", "/v1/tokens", {"name": "bench", "scope": "admin"})["token"]

    def start(self):
        env = dict(os.environ, TOCSIN_PLUGIN_PATH=os.path.join(BUILD, "plugins"))
        t = time.monotonic()
        with open(os.path.join(self.folder, "log"), "a") as log:
            self.p = subprocess.Popen([*BOUND, os.path.join(BUILD, "tocsind"), "-c", self.config], env=env, stderr=log)
        while True:
            try:
                if self.api("GET", "/readyz").get("ready"):
                    break
            except (OSError, ValueError):
                pass
            if self.p.poll() is not None or time.monotonic() - t > 30:
                with open(os.path.join(self.folder, "log")) as log:
                    sys.exit("tocsind does not start:\n" + log.read())
            time.sleep(0.002)
        self.ready_s = time.monotonic() - t

    def api(self, method, path, body=None):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.sock)
            data = json.dumps(body).encode() if body is not None else b""
            s.sendall(b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                      % (method.encode(), path.encode(), len(data), data))
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
        return json.loads(answer.partition(b"\r\n\r\n")[2] or b"{}")

    def post(self, *args):
        out = subprocess.run([os.path.join(BENCH, "post"), "-p", str(self.port), "-t", self.token, *map(str, args)],
                             stdout=subprocess.PIPE, text=True).stdout
        return json.loads(out)

    def memory_mb(self):
        with open("/proc/%d/status" % self.p.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024

    def metric(self, name):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.sock)
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
        m = re.search(r"^%s(?:{.*})? (\S+)$" % name, answer.decode(), re.M)
        return float(m.group(1)) if m else 0.0

    def kill9(self):
        self.p.kill()
        self.p.wait()

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        check(self.p.wait(30) == 0, "tocsind ended with %s" % self.p.returncode)


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))] if values else float("nan")


def stamps(path):
    with open(path) as f:
        return [line.split() for line in f]


def fsync_ms(folder, n=200):
    """What a commit's own fsync takes here: a page written and fdatasync'ed."""
    times = []
    with open(os.path.join(folder, "probe"), "wb") as f:
        for _ in range(n):
            t = time.monotonic()
            f.write(b"x" * 4096)
            f.flush()
            os.fdatasync(f.fileno())
            times.append((time.monotonic() - t) * 1000)
    return percentile(times, 0.5), percentile(times, 0.99)
