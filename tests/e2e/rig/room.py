# SPDX-License-Identifier: BSD-2-Clause
"""A room full of telephones in one thread: any number, many calls at once, each recorded.

It is for what baresip is too heavy for. SIP is read as far as a PBX on loopback needs it; there is
no stack. What was heard is put together by the RTP timestamps, so that silence in which nothing
was sent is in the recording.
"""
import collections
import heapq
import random
import re
import selectors
import socket
import threading
import time
import wave

import numpy as np

from rig import ports, proc

EVENTS = 101                                # payload type of keys (RFC 4733)
CODES = {k: i for i, k in enumerate("0123456789*#ABCD")}

# What a person does. ring: seconds until the answer, None: never; keys "4@3,2@6": seconds after the
# answer; hangup: as well, None: waits for the other side; refuse: (486, "Busy Here") in place of an
# answer; rings False: no 180 before the answer; info: keys by SIP INFO; says: a WAV (8 kHz mono 16
# bit) that is played from the answer on, and silence after it.
Habit = collections.namedtuple("Habit", "ring keys hangup refuse rings info says",
                               defaults=(0.0, "", None, None, True, False, None))


def _ulaw_table():
    """ITU-T G.711: code -> sample."""
    code = ~np.arange(256) & 255
    size = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 128, -size, size).astype("<i2")


ULAW = _ulaw_table()
BY_LEVEL = np.argsort(ULAW, kind="stable")      # codes, the lowest sample first


def ulaw(samples):
    """Samples -> codes, each the nearest."""
    levels = ULAW[BY_LEVEL].astype(int)
    right = np.clip(np.searchsorted(levels, samples), 1, 255)
    left = right - 1
    nearer = np.where(samples - levels[left] < levels[right] - samples, left, right)
    return BY_LEVEL[nearer].astype(np.uint8)


def sound(path):
    """A WAV as the payloads of its packets."""
    with wave.open(str(path)) as w:
        assert (w.getnchannels(), w.getsampwidth(), w.getframerate()) == (1, 2, 8000), path
        samples = np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(int)
    whole = np.zeros(-(-len(samples) // 160) * 160, int)
    whole[:len(samples)] = samples
    codes = ulaw(whole).tobytes()
    return [codes[i:i + 160] for i in range(0, len(codes), 160)]


class Call:
    """One call to the room. times: time.time() of invite, ringing, answered, acked, ended."""

    def __init__(self, text, source):
        self.number = re.match(r"INVITE sips?:([^@;> ]*)", text).group(1)
        self.id = _header(text, "Call-ID")
        self.invite, self.peer = text, source
        self.tag = "%08x" % random.getrandbits(32)
        self.state = "invited"              # ringing, up, refused, over
        self.times = {"invite": time.time()}
        self.packets = []                   # (arrival, timestamp, payload)
        self.info_sent = 0
        self.seq, self.cseq, self.answers = random.getrandbits(15), 1, []
        self.pressing_until = 0.0           # time.monotonic()
        at = re.search(r"^c=IN IP4 (\S+)", text, re.M), re.search(r"^m=audio (\d+)", text, re.M)
        self.media = (at[0].group(1), int(at[1].group(1))) if all(at) else None
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.setblocking(False)
        self.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 19)

    def samples(self):
        """All that was heard since the first packet, at 8 kHz."""
        packets = list(self.packets)
        if not packets:
            return np.zeros(0, "<i2")
        first, base, start = packets[0][0], packets[0][1], 0
        places = []
        for arrival, stamp, payload in packets:
            at = start + ((stamp - base) & 0xffffffff)
            by_clock = int((arrival - first) * 8000)
            if abs(at - by_clock) > 16000:  # a new stream: its timestamps begin somewhere else
                base, start = stamp, by_clock
                at = by_clock
            places.append((at, payload))
        out = np.zeros(max(at + len(p) for at, p in places), "<i2")
        for at, payload in places:
            out[at:at + len(payload)] = ULAW[np.frombuffer(payload, np.uint8)]
        return out

    def speech_at(self):
        """time.time() of the first packet that was not silent, or None."""
        for arrival, _, payload in list(self.packets):
            if np.abs(ULAW[np.frombuffer(payload, np.uint8)].astype(int)).max() > 64:
                return arrival
        return None

    def save(self, path):
        with wave.open(str(path), "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(8000)
            w.writeframes(self.samples().tobytes())
        return str(path)


def _header(text, name):
    m = re.search(r"^%s *: *(.*?) *$" % name, text, re.M | re.I)
    return m.group(1) if m else ""


class Room:
    """plan: Habit, or a function that gives one for a number and how often it was called before.

    calls       all calls, in order
    max_live    the most that rang or were up at one moment, of one number
    """

    def __init__(self, plan=Habit(), port=None):
        self.plan = plan if callable(plan) else lambda number, before: plan
        self.calls, self.max_live = [], 0
        self._by_id = {}
        self._changed = threading.Condition()
        self._timers, self._count = [], 0
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.setblocking(False)
        self.port = port or ports.take()
        self.sip.bind(("127.0.0.1", self.port))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.sip, selectors.EVENT_READ, None)
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # --- what a test asks -------------------------------------------------------------------

    def of(self, number):
        return [c for c in list(self.calls) if c.number == number]

    def live(self, number=None):
        return [c for c in list(self.calls) if c.state in ("ringing", "up")
                and number in (None, c.number)]

    def wait(self, what, condition, timeout=20.0):
        """Wait for condition(); it is looked at after whatever happens here."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                if time.monotonic() > deadline:
                    raise proc.Failed("%s: waited %.0f s in vain; the room saw %s" % (
                        what, timeout, [(c.number, c.state) for c in self.calls]))
                self._changed.wait(0.1)

    def wait_call(self, state, number=None, count=1, timeout=20.0):
        """Wait for the count-th call (of a number) to come to a state, and return it."""
        def there():
            found = [c for c in list(self.calls) if number in (None, c.number)]
            return len(found) >= count and state in (found[count - 1].state,
                                                     *found[count - 1].times)
        self.wait("call %d to be %s" % (count, state), there, timeout)
        return [c for c in self.calls if number in (None, c.number)][count - 1]

    def stop(self):
        self._stop = True
        self._thread.join(5)
        for call in self.calls:
            call.rtp.close()
        self.sip.close()

    # --- what the persons do ----------------------------------------------------------------

    def press(self, call, keys, after=0.0, info=False):
        for i, key in enumerate(keys):
            self._later(after + 0.3 * i, self._press_info if info else self._press, call, key)

    def hang_up(self, call, after=0.0):
        self._later(after, self._hang_up, call)

    def answer(self, call):
        self._later(0, self._answer, call)

    # --- inside: the thread -----------------------------------------------------------------

    def _later(self, seconds, what, *args):
        self._count += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._count, what, args))

    def _run(self):
        while not self._stop:
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                _, _, what, args = heapq.heappop(self._timers)
                what(*args)
            wait = self._timers[0][0] - now if self._timers else 0.05
            for key, _ in self._selector.select(max(0.0, min(wait, 0.05))):
                self._read(key.fileobj, key.data)

    def _read(self, sock, call):
        for _ in range(50):
            try:
                data, source = sock.recvfrom(65536)
            except OSError:
                return
            if call is None:
                self._on_sip(data.decode("utf-8", "replace").replace("\r\n", "\n"), source)
                with self._changed:
                    self._changed.notify_all()
            elif len(data) > 12 and data[1] & 127 == 0:
                skip = 12 + 4 * (data[0] & 15)
                call.packets.append((time.time(), int.from_bytes(data[4:8], "big"), data[skip:]))

    def _enter(self, call, state):
        call.state = state
        call.times.setdefault({"up": "answered", "over": "ended"}.get(state, state), time.time())
        self.max_live = max(self.max_live, len(self.live(call.number)))

    def _on_sip(self, text, source):
        method = text.split(" ", 1)[0]
        call = self._by_id.get(_header(text, "Call-ID"))
        if method == "INVITE":
            if call is None:
                self._on_call(text, source)
        elif method == "ACK":
            if call and call.state in ("up", "refused"):
                call.times.setdefault("acked", time.time())
                if call.state == "refused":
                    self._enter(call, "over")
        elif method == "CANCEL" and call and call.state in ("invited", "ringing"):
            call.times["cancelled"] = time.time()
            self._reply(text, source, "200 OK")
            self._refuse(call, "487 Request Terminated")
        elif method == "BYE" and call and call.state == "up":
            self._reply(text, source, "200 OK")
            self._enter(call, "over")
        elif method == "OPTIONS":
            self._reply(text, source, "200 OK")
        elif method.startswith("SIP/2.0"):
            if call:
                call.answers.append((_header(text, "CSeq"), text.split(" ", 2)[1]))
        else:
            self._reply(text, source, "481 Call Does Not Exist")

    def _on_call(self, text, source):
        call = Call(text, source)
        call.rtp.bind(("127.0.0.1", ports.take()))
        self._selector.register(call.rtp, selectors.EVENT_READ, call)
        habit = self.plan(call.number, len(self.of(call.number)))
        call.habit = habit
        self._by_id[call.id] = call
        self.calls.append(call)
        if habit.refuse:
            self._refuse(call, "%d %s" % habit.refuse)
            return
        if habit.rings:
            self._reply(text, source, "180 Ringing", tag=call.tag)
        self._enter(call, "ringing")
        if habit.ring is not None:
            self._later(habit.ring, self._answer, call)

    def _answer(self, call):
        if call.state != "ringing":
            return
        self._send_answer(call)
        self._enter(call, "up")
        for part in call.habit.keys.split(",") if call.habit.keys else []:
            key, at = part.split("@")
            self.press(call, key, float(at), call.habit.info)
        if call.habit.hangup is not None:
            self.hang_up(call, call.habit.hangup)
        if call.habit.says is not None:
            self._say(call, sound(call.habit.says), time.monotonic(), 0,
                      random.getrandbits(31))

    def _say(self, call, packets, began, said, stamp):
        """What is due of it; said: packets so far. While a key is pressed there is no sound."""
        if call.state != "up" or call.media is None:
            return
        while said <= (time.monotonic() - began) / 0.02:
            payload = packets[said] if said < len(packets) else b"\xff" * 160
            if time.monotonic() > call.pressing_until:
                call.seq = call.seq + 1 & 0xffff
                packet = (bytes((0x80, 0x80 if said == 0 else 0)) + call.seq.to_bytes(2, "big")
                          + (stamp + 160 * said & 0xffffffff).to_bytes(4, "big") + b"ROOM")
                call.rtp.sendto(packet + payload, call.media)
            said += 1
        self._later(max(0.0, began + 0.02 * said - time.monotonic()), self._say, call, packets,
                    began, said, stamp)

    def _send_answer(self, call):
        if "acked" in call.times or call.state not in ("ringing", "up"):
            return
        sdp = ("v=0\r\no=room 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
               "m=audio %d RTP/AVP 0 %d\r\na=rtpmap:0 PCMU/8000\r\n"
               "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-16\r\na=ptime:20\r\n"
               % (call.rtp.getsockname()[1], EVENTS, EVENTS, EVENTS))
        self._reply(call.invite, call.peer, "200 OK", "application/sdp", sdp, call.tag)
        self._later(0.5, self._send_answer, call)

    def _refuse(self, call, status):
        self._reply(call.invite, call.peer, status, tag=call.tag)
        self._enter(call, "refused")

    def _reply(self, request, to, status, kind=None, body="", tag=None):
        lines = ["SIP/2.0 " + status]
        lines += ["Via: " + v for v in re.findall(r"^Via *: *(.*)$", request, re.M | re.I)]
        lines.append("From: " + _header(request, "From"))
        whom = _header(request, "To")
        lines.append("To: " + whom + (";tag=" + tag if tag and ";tag=" not in whom else ""))
        lines += ["Call-ID: " + _header(request, "Call-ID"), "CSeq: " + _header(request, "CSeq"),
                  "Contact: <sip:room@127.0.0.1:%d>" % self.port]
        self._send(lines, kind, body, to)

    def _request(self, call, method, kind=None, body="", more=()):
        """A request of ours in the dialog; repeated until it is answered."""
        call.cseq += 1
        target = re.search(r"<([^>]*)>", _header(call.invite, "Contact")).group(1)
        lines = ["%s %s SIP/2.0" % (method, target),
                 "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%016x;rport"
                 % (self.port, random.getrandbits(64)),
                 "From: %s;tag=%s" % (_header(call.invite, "To"), call.tag),
                 "To: " + _header(call.invite, "From"), "Call-ID: " + call.id,
                 "CSeq: %d %s" % (call.cseq, method), "Max-Forwards: 70",
                 "Contact: <sip:room@127.0.0.1:%d>" % self.port] + list(more)
        self._send_until_answered(call, "%d %s" % (call.cseq, method), lines, kind, body)

    def _send_until_answered(self, call, cseq, lines, kind, body, times=8):
        if times and cseq not in [a[0] for a in call.answers]:
            self._send(list(lines), kind, body, call.peer)
            self._later(0.5, self._send_until_answered, call, cseq, lines, kind, body, times - 1)

    def _send(self, lines, kind, body, to):
        if kind:
            lines.append("Content-Type: " + kind)
        lines += ["Content-Length: %d" % len(body), "", body]
        self.sip.sendto("\r\n".join(lines).encode(), to)

    def _hang_up(self, call):
        if call.state == "up" and "acked" not in call.times:
            self._later(0.005, self._hang_up, call)     # RFC 3261 15: not before the ACK
        elif call.state == "up":
            self._request(call, "BYE", more=['Reason: Q.850;cause=16'])
            self._enter(call, "over")
        elif call.state == "ringing":
            self._refuse(call, "486 Busy Here")

    def _press_info(self, call, key):
        if call.state == "up":
            self._request(call, "INFO", "application/dtmf-relay",
                          "Signal=%s\r\nDuration=160\r\n" % key)

    def _press(self, call, key, step=0, stamp=None):
        """RFC 4733: eight packets, 20 ms apart, the last three with the end bit."""
        if call.state != "up" or call.media is None:
            return
        stamp = stamp or int(time.monotonic() * 8000) & 0x7fffffff
        call.pressing_until = time.monotonic() + 0.1
        end = step >= 5
        call.seq = call.seq + 1 & 0xffff
        packet = (bytes((0x80, EVENTS | (0x80 if step == 0 else 0)))
                  + call.seq.to_bytes(2, "big") + stamp.to_bytes(4, "big") + b"ROOM"
                  + bytes((CODES[key], 0x8a if end else 0x0a))
                  + (160 * (min(step, 5) + 1)).to_bytes(2, "big"))
        call.rtp.sendto(packet, call.media)
        if step < 7:
            self._later(0.02, self._press, call, key, step + 1, stamp)
