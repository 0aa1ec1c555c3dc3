# SPDX-License-Identifier: BSD-2-Clause
"""Scripted SIP peers by sipp, called or calling, and what they saw on the wire.

A scenario is a list of steps: recv(), reply(), request(), pause(). Ready ones: final, ring, answer
and so on. sipp keeps every message that it sent or received: Peer.messages().
"""
import collections
import datetime
import os
import re

from rig import ports, proc

PORTS = 20

EVENTS_SDP = """\
m=audio {port} RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
"""
PLAIN_SDP = """\
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
G722_SDP = """\
m=audio {port} RTP/AVP 9
a=rtpmap:9 G722/8000
"""

MARK = "tocsinrig"                          # our tag: [pid]tocsinrig[call_number]
CALLER = "+493099887"                       # who calls, when the peer does

# --- steps --------------------------------------------------------------------------------------


def recv(method, inside="", **attributes):
    """Wait for a request. inside: XML of actions; attributes of sipp's recv."""
    more = "".join(' %s="%s"' % (k, v) for k, v in attributes.items())
    return '<recv request="%s"%s>%s</recv>\n' % (method, more, inside)


def recv_answer(code, **attributes):
    more = "".join(' %s="%s"' % (k, v) for k, v in attributes.items())
    return '<recv response="%d"%s/>\n' % (code, more)


def invite(**attributes):
    """Wait for the INVITE and remember what later steps of ours need of it."""
    return recv("INVITE", """
  <action>
    <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="invite_cseq"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="invite_from"/>
  </action>
""", rrs="true", **attributes)


def reply(code, text, sdp=None, headers=(), cseq="[last_CSeq:]", to_tag=True, again=True):
    """Answer the last request; a final answer to an INVITE is repeated until the ACK comes."""
    lines = ["SIP/2.0 %d %s" % (code, text), "[last_Via:]", "[last_From:]",
             "[last_To:]" + (";tag=[pid]%s[call_number]" % MARK if to_tag else ""),
             "[last_Call-ID:]", cseq, "[last_Record-Route:]",
             "Contact: <sip:[local_ip]:[local_port];transport=[transport]>"]
    lines += headers
    body = ""
    if sdp is not None:
        lines += ["Content-Type: application/sdp", "Content-Length: [len]"]
        body = "v=0\no=rig 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n" + sdp
    else:
        lines += ["Content-Length: 0"]
    retrans = ' retrans="500"' if again and code >= 200 else ""
    return "<send%s><![CDATA[\n\n%s\n\n%s]]></send>\n" % (retrans, "\n".join(lines), body)


def request(method, cseq, body="", content_type=None, headers=()):
    """A request of ours within the call."""
    lines = [method + " [next_url] SIP/2.0",
             "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
             "From: <sip:peer@127.0.0.1>;tag=[pid]%s[call_number]" % MARK, "To: [$invite_from]",
             "Call-ID: [call_id]", "CSeq: %d %s" % (cseq, method), "Max-Forwards: 70"]
    lines += headers
    if content_type:
        lines.append("Content-Type: " + content_type)
    lines.append("Content-Length: [len]" if body else "Content-Length: 0")
    return '<send retrans="500"><![CDATA[\n\n%s\n\n%s]]></send>\n' % ("\n".join(lines), body)


def pause(ms):
    return '<pause milliseconds="%d"/>\n' % ms


def label(name):
    return '<label id="%s"/>\n' % name


def speak(path):
    """Send a headerless mu-law file as RTP, once, on payload type 0."""
    return '<nop><action><exec rtp_stream="%s,1,0"/></action></nop>\n' % path


# --- parts of calls -----------------------------------------------------------------------------

def ringing():
    return reply(180, "Ringing")


def answered(sdp=EVENTS_SDP):
    return reply(200, "OK", sdp.format(port="[media_port]")) + recv("ACK")


def ends(**attributes):
    """Wait for the BYE and answer it."""
    return recv("BYE", **attributes) + reply(200, "OK", to_tag=False, again=False)


def we_hang_up(cseq=50):
    return request("BYE", cseq, headers=['Reason: Q.850;cause=16;text="Normal call clearing"']) \
        + recv_answer(200)


def cancelled():
    """Wait for the CANCEL, answer it and the INVITE."""
    return (recv("CANCEL") + reply(200, "OK", again=False)
            + reply(487, "Request Terminated", cseq="CSeq: [$invite_cseq] INVITE") + recv("ACK"))


def info(key, cseq, content_type="application/dtmf-relay"):
    """A key press by SIP INFO; waits until it is answered with 200."""
    body = "Signal=%s\nDuration=160\n" % key if content_type.endswith("relay") else key
    return request("INFO", cseq, body, content_type) + recv_answer(200)


def challenge(accept_user, accept_password, then, refuse=(403, "Forbidden")):
    """Ask for digest credentials by 401 and really check them; `then` follows if they fit.

    By 401 only: of 407 this sipp cannot read the answer.
    """
    first = invite() + reply(401, "Unauthorized", headers=[
        'WWW-Authenticate: Digest realm="rig", nonce="47ebe028cda119c35d4877b383027d28", '
        'algorithm=MD5, qop="auth"']) + recv("ACK")
    verify = """
  <action>
    <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="invite_cseq"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="invite_from"/>
    <verifyauth assign_to="ok" username="%s" password="%s"/>
  </action>
""" % (accept_user, accept_password)
    second = recv("INVITE", verify, rrs="true", next="good", test="ok")
    return (first + second + reply(*refuse) + recv("ACK", next="over") + label("good") + then
            + label("over"))


# --- parts of calls that the peer places ---------------------------------------------------------

def dial(sdp=EVENTS_SDP, headers=(), branch="[branch]", again=True, cseq=1, content_type=None):
    """The INVITE of a call to us. sdp None: the offer is left to us."""
    lines = ["INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
             "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=%s;rport" % branch,
             "From: \"Rig\" <sip:%s@[local_ip]:[local_port]>;tag=[pid]%s[call_number]"
             % (CALLER, MARK), "To: <sip:[service]@[remote_ip]:[remote_port]>",
             "Call-ID: [call_id]", "CSeq: %d INVITE" % cseq, "Max-Forwards: 70",
             "Contact: <sip:%s@[local_ip]:[local_port];transport=[transport]>" % CALLER]
    lines += headers
    body = ""
    if sdp is not None:
        lines.append("Content-Type: " + (content_type or "application/sdp"))
        body = "v=0\no=rig 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n" \
            + sdp.format(port="[media_port]")
    lines.append("Content-Length: [len]" if body else "Content-Length: 0")
    retrans = ' retrans="500"' if again else ""
    return "<send%s><![CDATA[\n\n%s\n\n%s]]></send>\n" % (retrans, "\n".join(lines), body)


def hears(code, **attributes):
    """Wait for an answer to it, with what may come before; 200 tells where later requests go."""
    before = [c for c in (100, 180) if c < code]
    early = "".join('<recv response="%d" optional="true"/>\n' % c for c in before)
    if code == 200:
        attributes["rrs"] = "true"
    return early + recv_answer(code, **attributes)


def _within(method, cseq, via, body="", content_type=None, retrans=False, uri="[next_url]"):
    lines = ["%s %s SIP/2.0" % (method, uri), via,
             "From: \"Rig\" <sip:%s@[local_ip]:[local_port]>;tag=[pid]%s[call_number]"
             % (CALLER, MARK), "[last_To:]", "Call-ID: [call_id]", "CSeq: %d %s" % (cseq, method),
             "Max-Forwards: 70",
             "Contact: <sip:%s@[local_ip]:[local_port];transport=[transport]>" % CALLER]
    if body:
        lines += ["Content-Type: " + content_type, "Content-Length: [len]"]
    else:
        lines.append("Content-Length: 0")
    return "<send%s><![CDATA[\n\n%s\n\n%s]]></send>\n" % (
        ' retrans="500"' if retrans else "", "\n".join(lines), body)


_OWN_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport"


def acknowledge(sdp=None, cseq=1):
    """The ACK to the 200; sdp: our answer, if the offer came from there."""
    body = "" if sdp is None else \
        "v=0\no=rig 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n" \
        + sdp.format(port="[media_port]")
    return _within("ACK", cseq, _OWN_VIA, body, "application/sdp")


def give_in(cseq=1):
    """The ACK to a refusal: it belongs to the INVITE's transaction."""
    return _within("ACK", cseq, "[last_Via:]", uri="sip:[service]@[remote_ip]:[remote_port]")


def cancel(branch):
    """The CANCEL of an INVITE that was sent with this branch."""
    return """<send retrans="500"><![CDATA[

CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=%s;rport
From: "Rig" <sip:%s@[local_ip]:[local_port]>;tag=[pid]%s[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0

]]></send>
""" % (branch, CALLER, MARK)


def asks(method, cseq, sdp=None, body="", content_type=None):
    """Any request in the call that the peer has placed."""
    if sdp is not None:
        content_type = "application/sdp"
        body = "v=0\no=rig 1 2 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n" \
            + sdp.format(port="[media_port]")
    return _within(method, cseq, _OWN_VIA, body, content_type, retrans=True)


def is_hung_up(**attributes):
    """Wait for our BYE and answer it."""
    return recv("BYE", **attributes) + """<send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""


# --- whole scenarios ----------------------------------------------------------------------------

def final(code, text, q850=None):
    """Any final answer, e.g. 486 "Busy Here"."""
    headers = ["Reason: Q.850;cause=%d" % q850] if q850 else ()
    return invite() + reply(100, "Trying") + reply(code, text, headers=headers) + recv("ACK")


def ring():
    """Rings and is never answered; takes the CANCEL."""
    return invite() + ringing() + cancelled()


def answer(inside="", sdp=EVENTS_SDP, before=""):
    """Rings, answers, does what `inside` says, waits for the BYE."""
    return invite() + ringing() + before + answered(sdp) + inside + ends()


def no_sdp():
    return invite() + reply(200, "OK") + recv("ACK") + ends(timeout=8000)


def redirect(uri):
    return invite() + reply(302, "Moved Temporarily", headers=["Contact: <%s>" % uri]) + recv("ACK")


# --- the peer -----------------------------------------------------------------------------------

# t: time.time() of sipp's clock; sent: by sipp; what: "INVITE", "200"; text: the whole message
Message = collections.namedtuple("Message", "t sent what cseq_method call_id number text")

_HEAD = re.compile(r"^-{10,} (\d{4}-\d\d-\d\d[ T\t]\d\d:\d\d:\d\d\.\d+)[^\n]*\n"
                   r"\w+ message (sent|received) ?[\[(]\d+[\])]? ?(?:bytes)?[^\n]*\n\n?", re.M)


def parse_messages(text):
    heads = list(_HEAD.finditer(text))
    out = []
    for i, h in enumerate(heads):
        body = text[h.end():heads[i + 1].start() if i + 1 < len(heads) else len(text)]
        body = body.replace("\r\n", "\n").strip("\n")
        first = body.split("\n", 1)[0].split(" ")
        stamp = datetime.datetime.fromisoformat(h.group(1).replace("\t", " "))
        out.append(Message(stamp.timestamp(), h.group(2) == "sent",
                           first[1] if first[0].startswith("SIP/") else first[0],
                           _find(r"^CSeq: *\d+ +(\w+)", body), _find(r"^Call-ID: *(\S+)", body),
                           _find(r"^To:[^\n]*?sips?:([^@;>]+)@", body), body))
    return out


def _find(pattern, text):
    m = re.search(pattern, text, re.M | re.I)
    return m.group(1) if m else ""


class Peer:
    """sipp as the called side, or as the calling one."""

    def __init__(self, folder, scenario, port=None, transport="u1", options=(), calls=None,
                 address="127.0.0.1", number="4711"):
        """scenario: a list or text of steps; calls: UDP or TCP port on 127.0.0.1 that it calls,
        once, from this address, asking for number."""
        self.address = address
        options = list(options)
        if calls:
            options = ["127.0.0.1:%d" % calls, "-m", 1, "-s", number] + options
        self.dir = str(folder)
        os.makedirs(self.dir, exist_ok=True)
        self.port = port or ports.take(PORTS)
        steps = scenario if isinstance(scenario, str) else "".join(scenario)
        with open(self.dir + "/scenario.xml", "w") as f:
            f.write('<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM '
                    '"sipp.dtd">\n<scenario name="rig">\n%s%s</scenario>\n'
                    % (steps, self._references(steps)))
        # -cp, -mp: control and media ports, which are else 8888 (on every address) and 6000.
        # No -bg: it forks away from the pid we know. -aa answers OPTIONS.
        self.proc = proc.Proc(
            ["sipp", "-sf", "scenario.xml", "-i", address, "-p", self.port, "-t", transport,
             "-ci", "127.0.0.1", "-cp", self.port + 5, "-mi", address, "-mp", self.port + 10,
             "-nostdin", "-skip_rlimit", "-aa", "-trace_msg", "-message_file", "messages",
             "-trace_err", "-error_file", "errors"] + options,
            self.dir + "/log", cwd=self.dir)
        if not calls:
            proc.wait_for("sipp at port %d" % self.port, self._bound)

    @staticmethod
    def _references(steps):
        names = sorted(set(re.findall(r'assign_to="(\w+)"', steps)))
        return '<Reference variables="%s"/>\n' % ",".join(names) if names else ""

    def _bound(self):
        if not self.proc.alive:
            raise proc.Failed("sipp ended at once:\n%s\n%s" % (self.proc.tail(), self.errors()))
        return not ports.is_free(self.port)

    @property
    def uri(self):
        return "sip:{number}@127.0.0.1:%d" % self.port

    def messages(self, what=None, sent=None):
        """What went over the wire, in order: all, or one kind ("INVITE", "CANCEL", "200")."""
        try:
            with open(self.dir + "/messages", errors="replace") as f:
                found = parse_messages(f.read())
        except FileNotFoundError:
            return []
        return [m for m in found if (what is None or m.what == what)
                and (sent is None or m.sent == sent)]

    def calls(self):
        """Call-IDs of the INVITEs received, in order, each once."""
        return list(dict.fromkeys(m.call_id for m in self.messages("INVITE", sent=False)))

    def wait_message(self, what, count=1, timeout=20.0, sent=False):
        """Wait for the count-th message of a kind and return it."""
        def hit():
            found = self.messages(what, sent)
            return found[count - 1] if len(found) >= count else None
        try:
            return proc.wait_for("%s number %d" % (what, count), hit, timeout, every=0.1)
        except proc.Failed as e:
            raise proc.Failed("%s at sipp %d; saw %s; %s" % (
                e, self.port, [m.what for m in self.messages()], self.errors())) from None

    def done(self, timeout=30.0):
        """Of one that calls: wait until its call went as the scenario says."""
        code = self.proc.wait(timeout)
        if code != 0:
            raise proc.Failed("sipp ended with %s; saw %s; %s" % (
                code, [m.what for m in self.messages()], self.errors()))

    def errors(self):
        try:
            with open(self.dir + "/errors", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def stop(self):
        self.proc.stop(3.0)


def live_intervals(messages):
    """When each call rang or was up at the peer: {(number, call_id): (from, to or None)}.

    From the first INVITE to the BYE or CANCEL received, to sipp's final refusal, or to the answer
    to a BYE of its own.
    """
    spans, key = {}, {}
    for m in messages:
        if m.what == "INVITE" and not m.sent and m.call_id not in spans:
            spans[m.call_id], key[m.call_id] = [m.t, None], (m.number, m.call_id)
        span = spans.get(m.call_id)
        if span and span[1] is None and _ends(m):
            span[1] = m.t
    return {key[c]: tuple(span) for c, span in spans.items()}


def _ends(m):
    """Whether this message ends a call, as the peer sees it."""
    if m.sent:
        return m.cseq_method == "INVITE" and m.what.isdigit() and int(m.what) >= 300 \
            and m.what not in ("401", "407")
    return m.what in ("BYE", "CANCEL") or m.what == "200" and m.cseq_method == "BYE"


def overlaps(messages):
    """Pairs of calls to one number that were live at one moment."""
    by_number = collections.defaultdict(list)
    for (number, call), span in live_intervals(messages).items():
        by_number[number].append(span + (call,))
    out = []
    for number, spans in by_number.items():
        spans.sort()
        out += [(number, a, b) for a, b in zip(spans, spans[1:])
                if a[1] is None or a[1] > b[0]]
    return out
