# SPDX-License-Identifier: BSD-2-Clause
"""The daemon with the trunk ari, against a bare client of the same Asterisk in the same run."""
import itertools
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import time
import wave

from common import BENCH, BOUND, Daemon, Program, check, percentile, say, stamps

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
LOGIN = ("tocsin", "b3ll-ringer")  # what tests/lib/asterisk has
WAYS = ("file", "http", "websocket", "externalmedia")
RATES = (200, 300, 350, 400, 450, 500, 550, 600, 700, 800)  # of the bare client, calls a second
PARTS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)  # of its best rate, for the daemon
STEP_S = 10
QUIET, TRIES = 0.25, 3  # cores that others may use; how often a step is tried when they use more
BOUND_MS = 100  # p95 of a set-up; above that the calls pile up
HOLD_MS = 250   # of a call: as long as PERSON's
PERSON = ("-k", 4, "-d", 0.1, "-b", 0.25)  # presses a key and hangs up: calls without much sound
MANY = "call: {max_concurrent: 3000, attempts: 1}"


def claim_ports(blocks=4):
    """So many thousand ports in a row, below the ephemeral range; e2e tests beside us keep off."""
    for first in range(21 - blocks):
        held = []
        for i in range(blocks):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            held.append(s)
            try:
                s.bind("\0tocsin-rig-ports-%d" % (first + i))
            except OSError:
                break
        else:
            return 12000 + 1000 * first, held
        for s in held:
            s.close()
    raise SystemExit("no %d free blocks of ports" % blocks)


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


class Pbx:
    """A real Asterisk. None of Pbx.start() when there is none to be had."""

    def __init__(self, folder, suite):
        assert "." not in folder, "of a cached file behind a folder with a point Asterisk takes the part before it"
        self.base, self.claim = claim_ports()
        self.dir, self.http = os.path.join(folder, "asterisk"), self.base
        self.phones, self.tap = self.base + 100, self.base + 200
        self.media = os.path.join(folder, "media")
        os.makedirs(self.dir)
        os.makedirs(self.media)
        with open(os.path.join(folder, "asterisk.out"), "w") as out:
            self.p = subprocess.Popen(
                [*BOUND, LIB + "/asterisk", suite, self.dir, str(self.http),
                 str(self.base + 10), "%d-%d" % (self.base + 1000, self.base + 3999)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(os.environ, RIG_VERBOSE="0"))
        if subprocess.run([LIB + "/asterisk", "--ready", self.dir, "60"], stdout=subprocess.DEVNULL).returncode:
            self.stop()
            raise SystemExit("Asterisk does not start")
        self.version = self.console("core show version").split()[1]

    @staticmethod
    def start(folder):
        suite = os.environ.get("BENCH_ASTERISK", "sid")
        tree = subprocess.run([LIB + "/asterisk-tree", suite], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True)
        if tree.returncode:
            print("  passed over: " + (tree.stderr.strip().splitlines() or ["?"])[-1])
            return None
        return Pbx(folder, suite)

    def console(self, command):
        return subprocess.run([LIB + "/asterisk", "--cli", self.dir, command], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=30).stdout

    def ways(self):
        old = int(self.version.split(".")[0]) < 22
        return [way for way in WAYS if not (old and way == "websocket")]

    def settle(self):
        """Until no call is left of what went before."""
        deadline = time.monotonic() + 60
        while not re.search(r"^0 active channels", self.console("core show channels count"), re.M):
            if time.monotonic() > deadline:
                check(False, "Asterisk still has channels a minute after the last call")
                return
            time.sleep(0.2)

    def bare(self, *args):
        """ari-load's figures."""
        out = subprocess.run([os.path.join(BENCH, "ari-load"), "-p", str(self.http), "-u", "%s:%s" % LOGIN, "-e",
                              "PJSIP/any/sip:{number}@127.0.0.1:%d" % self.phones, *map(str, args)],
                             stdout=subprocess.PIPE, text=True, timeout=120).stdout
        return json.loads(out)

    def trunk(self, way, port=None):
        # requests for a channel beside the call may wait for each other in Asterisk: doc/asterisk.md
        connections = 64 if way in ("websocket", "externalmedia") else 8
        return ('{name: pbx, plugin: ari, url: "http://127.0.0.1:%d/ari", user: %s, password: "%s", endpoint: '
                '"PJSIP/any/sip:{number}@127.0.0.1:%d", plus: "+", media: %s, media_dir: "%s", rtp_ports: '
                '"31000-32700", max_calls: 2500, calls_per_second: 1000, connections: %d}'
                % (port or self.http, *LOGIN, self.phones, way, self.media, connections))

    def stop(self):
        self.p.kill()
        self.p.wait()


class Figures:
    """What was seen of n alerts that were posted: at the phones, and of CPU time."""

    def __init__(self, pbx, folder, daemon, n, rate, *phone, first=3000000, text=None):
        calls, sent = os.path.join(folder, "calls"), os.path.join(folder, "sent")
        phones = Program("phones", "-p", pbx.phones, "-o", calls, *phone)
        before = self.acknowledged(daemon), cpu_s(daemon.p.pid), cpu_s(pbx.p.pid)
        self.post = daemon.post("-u", "/v1/alerts", "-n", n, "-r", rate, "-c", 32, "-s", 60, "-f", first, "-o", sent,
                                *(("-m", text) if text else ()))
        self.finished = self.wait_for_all(daemon)
        self.cpu_ms = (cpu_s(daemon.p.pid) - before[1]) / n * 1000
        self.pbx_cpu_ms = (cpu_s(pbx.p.pid) - before[2]) / n * 1000
        self.acked = self.acknowledged(daemon) - before[0]
        self.phones = phones.stop()
        self.n = n
        at = {c[0]: list(map(int, c[1:])) for c in stamps(calls)}
        posts = [(s[0], int(s[1])) for s in stamps(sent)]
        start = min(t for _, t in posts)
        due = {number: start + (int(number[3:]) - first) / rate * 1e9 for number, _ in posts}
        self.wire_ms = [(at[number][0] - t) / 1e6 for number, t in posts if number in at]
        self.setup_ms = [(c[1] - due[number]) / 1e6 for number, c in at.items() if c[1]]
        self.speech_ms = [(c[2] - c[1]) / 1e6 for c in at.values() if c[1] and c[2]]
        ups = sorted(c[1] for c in at.values() if c[1])
        self.rate = (len(ups) - 1) / ((ups[-1] - ups[0]) / 1e9) if len(ups) > 1 else 0

    @staticmethod
    def acknowledged(daemon):
        return daemon.metric('tocsin_calls_total{[^}]*result="acknowledged"[^}]*}')

    @staticmethod
    def wait_for_all(daemon):
        deadline = time.monotonic() + 60
        while any(map(daemon.metric, ("tocsin_alerts_open", "tocsin_calls_queued", "tocsin_calls_live"))):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.25)
        return True

    def rang(self):
        """Every alert was taken, and rang one telephone, once."""
        return not self.post["failed"] and self.phones["calls"] == self.n and not self.phones["doubled"]

    def whole(self):
        """And was acknowledged."""
        return self.rang() and self.finished and self.acked == self.n

    def cpu(self):
        return "CPU a call: %.2f ms, Asterisk's %.2f; ratio %.2f, want <= 0.33" % (
            self.cpu_ms, self.pbx_cpu_ms, self.cpu_ms / self.pbx_cpu_ms)

    def must_have_rung(self, what):
        check(self.rang(), self.text(what))

    def must_be_whole(self, what):
        check(self.whole(), self.text(what))

    def text(self, what):
        return ("%s: %d alerts, %d refused, %d calls, %d doubled, %d acknowledged"
                % (what, self.n, self.post["failed"], self.phones["calls"], self.phones["doubled"], self.acked))


def p50_p99(values, form="%.2f, %.2f ms"):
    return form % (percentile(values, .5), percentile(values, .99))


def fresh(folder):
    return tempfile.mkdtemp(dir=folder)


# ---- the measurements

def undisturbed(measure, *pids):
    """measure(), again if others have used the machine meanwhile; pids: ours that go on."""
    for _ in range(TRIES):
        wait_for_quiet()
        others = Others(*pids)
        result = measure()
        cores = others.cores()
        if cores < QUIET:
            break
    return result, cores


def bare_wire(pbx, folder):
    """ms from the bare client's request to the INVITE."""
    where = fresh(folder)
    calls, sent = os.path.join(where, "calls"), os.path.join(where, "sent")
    phones = Program("phones", "-p", pbx.phones, "-o", calls)
    pbx.bare("-r", 20, "-n", 300, "-s", 20, "-o", sent)
    check(phones.stop()["calls"] == 300, "a bare client's calls did not reach the telephones")
    at = {c[0]: int(c[1]) for c in stamps(calls)}
    return [(at[s[0]] - int(s[1])) / 1e6 for s in stamps(sent) if s[0] in at]


def wire(pbx, folder):
    """From the request to the INVITE: a bare client's, and an alert's."""
    bare, others = undisturbed(lambda: bare_wire(pbx, folder), pbx.p.pid)
    say("bare client: POST /channels -> INVITE: p50, p99", p50_p99(bare), remark(True, others))
    d = Daemon(fresh(folder), pbx.trunk("auto"), "call: {repeat_message: 1}")
    firsts = itertools.count(3000000, 100000)
    f, others = undisturbed(lambda: Figures(pbx, folder, d, 300, 20, "-k", 4, "-d", 1, first=next(firsts)),
                            pbx.p.pid, d.p.pid)
    f.must_be_whole("wire")
    d.stop()
    say("alert POST -> INVITE: p50, p99", p50_p99(f.wire_ms), remark(True, others))
    say("  more than the bare client", "%.2f, %.2f ms" % tuple(percentile(f.wire_ms, p) - percentile(bare, p)
                                                                for p in (.5, .99)), "want <= 5, <= 20")


def speech(pbx, folder, way):
    """Figures of calls that are spoken to, and what the tap has seen, or None."""
    request = way in ("file", "http")
    tap = Program("tap", "-p", pbx.tap, "-t", pbx.http) if request else None
    d = Daemon(fresh(folder), pbx.trunk(way, pbx.tap if request else None), "call: {repeat_message: 1}")
    f = Figures(pbx, folder, d, 200, 20, "-k", 4, "-d", 1.5)
    f.must_be_whole("media " + way)
    check(len(f.speech_ms) == 200, "media %s: speech in %d calls of 200" % (way, len(f.speech_ms)))
    d.stop()
    pbx.settle()
    seen = tap.stop() if tap else None
    check(not tap or seen["played"] == 200, "media %s: %s play requests seen in 200 calls" % (way, seen))
    return f, seen


def soon(pbx, folder):
    """How soon each way speaks; the play request is seen where there is one."""
    for way in pbx.ways():
        (f, seen), others = undisturbed(lambda: speech(pbx, folder, way), pbx.p.pid)
        say("media %s: answer -> first RTP with speech: p50, p99, max" % way,
            p50_p99(f.speech_ms, "%.1f, %.1f, ") + "%.1f ms" % max(f.speech_ms, default=0),
            ("" if seen else "want <= 60") + remark(True, others))
        if seen:
            say("  StasisStart -> play request: p50, p99, max", "%.2f, %.2f, %.2f ms"
                % (seen["p50_ms"], seen["p99_ms"], seen["max_ms"]), "want p99 <= 5")


def tone(path, ms):
    """Something to be heard for so long."""
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        w.writeframes(b"".join(struct.pack("<h", 8000 if i // 8 % 2 else -8000) for i in range(8 * ms)))
    return "sound:" + path[:-4]


def busy_s():
    """CPU seconds that the whole machine has spent."""
    with open("/proc/stat") as f:
        v = list(map(int, f.readline().split()[1:8]))
    return (v[0] + v[1] + v[2] + v[5] + v[6]) / os.sysconf("SC_CLK_TCK")


class Others:
    """How many cores all programs but ours are using."""

    def __init__(self, *pids):
        self.pids = pids
        self.start, self.before = time.monotonic(), self.now()

    def now(self):
        ended = os.times()  # of ourselves and of those that have ended
        return busy_s() - sum(map(cpu_s, self.pids)) - sum(ended[:4])

    def cores(self):
        return (self.now() - self.before) / (time.monotonic() - self.start)


def wait_for_quiet(seconds=20):
    """Until nothing else runs, or for so long at most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        others = Others()
        time.sleep(1)
        if others.cores() < QUIET:
            return


def limit(rates, measure):
    """The last rate that measure() finds clean before one that is not; of rates that fall, the first.

    measure() says whether it was clean, and how many cores others used meanwhile: what they have spoilt
    is tried again.
    """
    best = None
    for rate in rates:
        for _ in range(TRIES):
            wait_for_quiet()
            clean, others = measure(rate)
            if clean or others < QUIET:
                break
        if clean:
            best = rate
        if clean == (rates[0] > rates[-1]):
            break
    return best


def remark(clean, others):
    return ("" if clean else "; too much") + ("; others used %.1f cores" % others if others >= QUIET else "")


def bare_limit(pbx, what, *how):
    """The highest rate at which all calls come up and do not pile up."""
    def measure(rate):
        phones = Program("phones", "-p", pbx.phones)
        before, others = cpu_s(pbx.p.pid), Others(pbx.p.pid)
        r = pbx.bare("-r", rate, "-s", STEP_S, *how)
        used = (cpu_s(pbx.p.pid) - before) / r["offered"] * 1000
        phones.stop()
        cores = others.cores()
        pbx.settle()
        p95 = r["setup_ms"]["p95"] if "setup_ms" in r else float("inf")
        clean = not (r["not_up"] or r["rejected"] or r["http_errors"] or r["play_failed"]) and p95 <= BOUND_MS
        say("bare client, %s, %d/s offered: set up, p95" % (what, rate), "%.0f/s, %.1f ms" % (r["up_per_second"], p95),
            "Asterisk's CPU a call: %.1f ms%s" % (used, remark(clean, cores)))
        return clean, cores
    return limit(RATES, measure) or RATES[0] / 2


def daemon_limit(pbx, folder, way, silent, speaking):
    """The same for alerts through the daemon, as a part of the bare client's rates."""
    d = Daemon(fresh(folder), pbx.trunk(way), MANY)
    first = [3000000]

    def next_numbers():
        first[0] += 100000
        return first[0]

    def measure(rate):
        others = Others(pbx.p.pid, d.p.pid)
        f = Figures(pbx, folder, d, int(rate * STEP_S), rate, *PERSON, first=next_numbers(), text="Test")
        cores = others.cores()
        f.must_have_rung("set-ups at %d/s, media %s" % (rate, way))
        pbx.settle()
        p95 = percentile(f.setup_ms, .95)
        clean = f.whole() and p95 <= BOUND_MS
        say("media %s, %d alerts/s offered: set up, p95" % (way, rate), "%.0f/s, %.1f ms" % (f.rate, p95),
            f.cpu() + remark(clean, cores))
        return clean, cores
    measure(100)
    rate = limit([silent * part for part in PARTS], measure) or 0
    say("  ratio to the bare client: silent, speaking", "%.2f, %.2f" % (rate / silent, rate / speaking), "want >= 0.80")
    d.stop()


class Watch(threading.Thread):
    """Looks at /v1/trunks while something goes on."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.daemon_process, self.over, self.why, self.looks, self.held = daemon, threading.Event(), "", 0, 0
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            trunk = self.daemon_process.api("GET", "/v1/trunks")["items"][0]
            self.looks += 1
            self.held += trunk["held"]
            self.why = trunk["held_why"] or self.why

    def stop(self):
        self.over.set()
        self.join()


def overload(pbx, folder, way, bare):
    """Twice what Asterisk can do: it must be held back visibly, and all calls come through."""
    d = Daemon(fresh(folder), pbx.trunk(way), MANY)
    watch = Watch(d)
    f = Figures(pbx, folder, d, int(bare * STEP_S), bare * 2, *PERSON, text="Test")
    watch.stop()
    f.must_have_rung("overload")
    pbx.settle()
    holds = d.metric("tocsin_trunk_holds_total")
    check(holds > 0, "overload: the trunk was never held back")
    say("overload, %d/s offered, media %s: set up" % (bare * 2, way), "%.0f/s" % f.rate,
        "%.2f of the bare client's best; %d live at most" % (f.rate / bare, f.phones["live_max"]))
    say("  held back", "%d times" % holds, "seen in %d of %d looks at /v1/trunks: %s"
        % (watch.held, watch.looks, watch.why))
    d.stop()


def bench_ari(folder):
    pbx = Pbx.start(folder)
    if not pbx:
        return
    try:
        say("Asterisk", pbx.version)
        wire(pbx, folder)
        pbx.settle()
        soon(pbx, folder)
        silent = bare_limit(pbx, "silent", "-t", HOLD_MS)
        speaking = bare_limit(pbx, "speaking", "-m", tone(os.path.join(pbx.media, "tone.wav"), HOLD_MS))
        for way in pbx.ways():
            daemon_limit(pbx, folder, way, silent, speaking)
        overload(pbx, folder, "file", silent)
    finally:
        pbx.stop()
