#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A real softphone (baresip) with a person at it: answers, presses keys, speaks, hangs up, records.

    phone.py NUMBER PORT [key=value...]      runs until it is stopped; prints what happens
        digits=4@3,2@6   press 4 three seconds after the answer, 2 three seconds later
        delay=2          ring this long before the answer (default 0; "never": let it ring)
        hangup=20        hang up this long after the answer (default: never)
        say=FILE.wav     what the person says (8 kHz mono 16 bit; default: silence)
        dir=FOLDER       where recordings and logs lie (default: a folder in the working directory)

PORT is SIP; PORT+1 TLS (baresip takes it unasked), PORT+5 control, PORT+10..49 sound.
"""
import collections
import glob
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time

if __name__ == "__main__":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from rig import ports, proc  # noqa: E402

PORTS = 50
MODULES = "/usr/lib/baresip/modules"

# What the person does in one call. delay, hangup in seconds (delay None: never answers);
# digits "4@3,2@6" as above.
Person = collections.namedtuple("Person", "delay digits hangup", defaults=(0.0, "", None))

# What a verbose phone says of baresip's events.
WORDS = {"CALL_INCOMING": "rings", "CALL_ESTABLISHED": "is answered", "CALL_CLOSED": "is quiet"}

CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
call_local_timeout 300
call_max_calls 4
audio_source aufile,{dir}/say.wav
ausrc_srate 8000
rtp_ports {rtp_first}-{rtp_last}
rtcp_mux no
rtp_stats yes
jitter_buffer_delay 1-5
module_path {modules}
module g711.so
module sndfile.so
module aufile.so
module srtp.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {dir}/rec
menu_bell no
statmode_default off
ringback_disabled yes
{extra}
"""


class Phone:
    """One softphone for one or more numbers.

    plan         list of Person, one a call; the last one also takes all later calls
    events       what happened: dicts with t (time.time()), type, id
    live         ids of the calls that ring or are up now
    max_live     the most of them there ever were at one moment
    """

    def __init__(self, folder, numbers, plan=None, say=None, port=None, certificate=None,
                 srtp=False, codecs="pcmu,pcma", verbose=False):
        self.dir = str(folder)
        self.numbers = [numbers] if isinstance(numbers, str) else list(numbers)
        self.plan = plan or [Person()]
        self.port = port or ports.take(PORTS)
        self.events, self.live, self.max_live, self.refused = [], [], 0, []
        self.verbose = verbose
        self._calls = {}                     # id -> Person
        self._changed = threading.Condition()
        self._todo = queue.PriorityQueue()
        self._order = 0
        self._write_files(say, certificate, srtp, codecs)
        self.proc = proc.Proc(["baresip", "-4", "-f", self.dir], self.dir + "/log")
        self._control = self._connect()
        for target in (self._read_events, self._act):
            threading.Thread(target=target, daemon=True).start()

    @property
    def uri(self):
        """Of the first number."""
        return "sip:%s@127.0.0.1:%d" % (self.numbers[0], self.port)

    # --- what a test asks -------------------------------------------------------------------

    def wait_event(self, kind, count=1, timeout=20.0):
        """Wait for the count-th event of a type (e.g. CALL_ESTABLISHED) and return it."""
        def found():
            hits = self.of(kind)
            return hits[count - 1] if len(hits) >= count else None
        with self._changed:
            self._changed.wait_for(found, timeout)
        hit = found()
        if hit is None:
            raise proc.Failed("%s: no %s number %d in %.0f s; saw %s\n%s" % (
                self.numbers[0], kind, count, timeout, [e["type"] for e in self.events],
                self.proc.tail()))
        return hit

    def of(self, kind):
        return [e for e in list(self.events) if e["type"] == kind]

    def wait_idle(self, timeout=20.0):
        proc.wait_for("%s to have no call" % self.numbers[0], lambda: not self.live, timeout)

    def heard(self, calls=1):
        """Recordings of what was heard, oldest first, once so many answered calls are over.

        Silence in which no RTP came is not in them. Two calls in one second share one name.
        """
        answered = [self.wait_event("CALL_ESTABLISHED", n + 1)["id"] for n in range(calls)]
        proc.wait_for("the calls to be over",
                      lambda: {e["id"] for e in self.of("CALL_CLOSED")} >= set(answered))
        return self.recordings()

    def recordings(self):
        """The files as they are; one is whole when its call is over."""
        return sorted(glob.glob(self.dir + "/rec/*-dec.wav"), key=os.path.getmtime)

    # --- what the person does ---------------------------------------------------------------

    def press(self, keys, after=0.0):
        """Press keys, 0.3 s apart: baresip 1.0 starts all digits of one command at once."""
        for i, key in enumerate(keys):
            self._later(after + 0.3 * i, "sndcode", key)

    def answer(self):
        self._later(0, "accept")

    def hang_up(self):
        """Also refuses a call that rings (486: this baresip can give no other code)."""
        self._later(0, "hangup")

    def dial(self, uri):
        self._later(0, "dial", uri)

    def stop(self):
        self.proc.stop(5.0)

    # --- inside -----------------------------------------------------------------------------

    def _write_files(self, say, certificate, srtp, codecs):
        os.makedirs(self.dir + "/rec", exist_ok=True)
        # baresip sends DTMF only while its audio source runs, and a file that ends stops the
        # source: so it is padded with silence to more than five minutes.
        form = ["-r", "8000", "-c", "1", "-b", "16", self.dir + "/say.wav"]
        source = [say] + form + ["pad", "0", "300"] if say else ["-n"] + form + ["trim", "0", "300"]
        subprocess.run(["sox", "-D"] + source, check=True)
        extra = "sip_certificate %s\n" % certificate if certificate else ""
        with open(self.dir + "/config", "w") as f:
            f.write(CONFIG.format(dir=self.dir, port=self.port, control=self.port + 5,
                                  rtp_first=self.port + 10, rtp_last=self.port + PORTS - 1,
                                  modules=MODULES, extra=extra))
        with open(self.dir + "/accounts", "w") as f:
            for n in self.numbers:
                f.write("<sip:%s@127.0.0.1:%d>;regint=0;answermode=manual;audio_codecs=%s;ptime=20"
                        % (n, self.port, codecs))
                f.write(";mediaenc=srtp-mand\n" if srtp else "\n")
        open(self.dir + "/contacts", "w").close()

    def _connect(self):
        def attempt():
            if not self.proc.alive:
                raise proc.Failed("baresip ended at once:\n" + self.proc.tail())
            try:
                return socket.create_connection(("127.0.0.1", self.port + 5), 1)
            except OSError:
                return None
        s = proc.wait_for("baresip's control port", attempt, 10)
        s.settimeout(None)
        return s

    def _later(self, after, command, params=None, call=None):
        self._order += 1
        self._todo.put((time.monotonic() + after, self._order, command, params, call))

    def _act(self):
        """Thread: sends commands when their time has come."""
        waiting = []
        while True:
            wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            try:
                waiting.append(self._todo.get(timeout=wait))
                waiting.sort()
                continue
            except queue.Empty:
                pass
            _, _, command, params, call = waiting.pop(0)
            if call is not None and call not in self.live:
                continue                     # planned for a call that is over
            message = {"command": command, "token": "t"}
            if params is not None:
                message["params"] = params
            raw = json.dumps(message).encode()
            try:
                self._control.sendall(b"%d:%s," % (len(raw), raw))   # a netstring
            except OSError:
                return

    def _read_events(self):
        """Thread: reads baresip's events (JSON in netstrings)."""
        data = b""
        while True:
            try:
                more = self._control.recv(65536)
            except OSError:
                return
            if not more:
                return
            data += more
            while b":" in data:
                size, rest = data.split(b":", 1)
                if len(rest) < int(size) + 1:
                    break
                self._took(json.loads(rest[:int(size)]))
                data = rest[int(size) + 1:]

    def _took(self, message):
        if message.get("response"):
            if not message.get("ok"):
                self.refused.append(message.get("data"))
            return
        message["t"] = time.time()
        kind, call = message.get("type"), message.get("id")
        with self._changed:
            if kind == "CALL_INCOMING":
                self.live.append(call)
                self.max_live = max(self.max_live, len(self.live))
            elif kind == "CALL_CLOSED" and call in self.live:
                self.live.remove(call)
            self.events.append(message)
            self._changed.notify_all()
        if self.verbose and kind in WORDS:
            print("%s  telephone %s %s" % (time.strftime("%H:%M:%S"), self.numbers[0], WORDS[kind]),
                  flush=True)
        if kind == "CALL_INCOMING":
            person = self.plan[min(len(self._calls), len(self.plan) - 1)]
            self._calls[call] = person
            if person.delay is not None:
                self._later(person.delay, "accept", None, call)
        elif kind == "CALL_ESTABLISHED" and call in self._calls:
            self._person_acts(self._calls[call], call)

    def _person_acts(self, person, call):
        for part in person.digits.split(",") if person.digits else []:
            key, at = part.split("@")
            self._later(float(at), "sndcode", key, call)
        if person.hangup is not None:
            self._later(person.hangup, "hangup", None, call)


def main(argv):
    if len(argv) < 3 or argv[1].startswith("-"):
        print(__doc__)
        return 2
    given = dict(a.split("=", 1) for a in argv[3:])
    unknown = set(given) - {"digits", "delay", "hangup", "say", "dir"}
    if unknown:
        print("phone: what is %s?" % ", ".join(sorted(unknown)), file=sys.stderr)
        return 2
    delay = given.get("delay", "0")
    person = Person(None if delay == "never" else float(delay), given.get("digits", ""),
                    float(given["hangup"]) if "hangup" in given else None)
    proc.end_on_sigterm()
    folder = os.path.abspath(given.get("dir", "phone-" + argv[1]))
    phone = Phone(folder, argv[1], [person], given.get("say"), int(argv[2]), verbose=True)
    try:
        phone.proc.wait(float("inf"))
    except KeyboardInterrupt:
        pass
    phone.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
