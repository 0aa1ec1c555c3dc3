#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demo behind etc/demo/run: starts everything, lets a rule fire, shows what happens."""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "e2e"))

from rig import ports, proc                                         # noqa: E402
from rig.alertmanager import Alertmanager, Prometheus               # noqa: E402
from rig.daemon import Daemon, build_file, environment              # noqa: E402
from rig.phone import Person, Phone                                 # noqa: E402

NAME, SUMMARY = "DiskFull", "The disk of the mail server is full."


def say(text):
    print("\n== " + text, flush=True)


def arguments():
    p = argparse.ArgumentParser(prog="etc/demo/run", add_help=False)
    for name in ("--sip", "--user", "--proxy"):
        p.add_argument(name)
    p.add_argument("--number", default="+4930123456")
    p.add_argument("--keep", action="store_true")
    a = p.parse_args()
    if a.sip and not re.match(r"sip:([^@]+@)?[^@:]+(:\d+)?(;.*)?$", a.sip):
        p.error("--sip: not a SIP URI: %s" % a.sip)
    if a.user and "SIP_PASSWORD" not in os.environ:
        p.error("--user: the password is expected in the environment, SIP_PASSWORD")
    return a


def own_address(uri):
    """Our address on the way to the host of a SIP URI: what the telephone is to answer to."""
    host = re.match(r"sip:(?:[^@]+@)?([^:;]+)", uri).group(1)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((socket.gethostbyname(host), 5060))
            return s.getsockname()[0]
    except OSError as e:
        sys.exit("demo: no way to %s: %s" % (host, e))


class Demo:
    def __init__(self, args):
        self.args = args
        self.dir = tempfile.mkdtemp(prefix="tocsin-demo.")
        self.phone = None if args.sip else Phone(
            self.dir + "/phone", args.number, [Person(delay=2)], verbose=True)
        self.daemon = Daemon(self.dir + "/tocsind", start=False)
        self.daemon.config_text = self._config()
        self.daemon.start()
        self.alertmanager = Alertmanager(self.dir, self.daemon.url + "/v1/alertmanager",
                                         self.daemon.token)
        self.prometheus = Prometheus(self.dir, self.alertmanager.port, NAME,
                                     {"severity": "critical"}, {"summary": SUMMARY})

    def _config(self):
        """The example configuration with everything filled in."""
        a, d = self.args, self.daemon
        uri = a.sip or "sip:{number}@127.0.0.1:%d" % self.phone.port
        more = [("proxy", a.proxy), ("user", a.user), ("password_env", a.user and "SIP_PASSWORD")]
        words = {
            "state_dir": d.state_dir, "http_port": d.port, "socket": d.socket, "sip_uri": uri,
            "sip_listen": "%s:%d" % (own_address(a.proxy or uri), ports.take(2)),
            "number": a.number,
            "trunk_more": "".join('\n    %s: "%s"' % kv for kv in more if kv[1]),
        }
        with open(HERE + "/tocsin.yaml") as f:
            return re.sub(r"@(\w+)@", lambda m: str(words[m.group(1)]), f.read())

    def show_what_runs(self):
        say("everything runs, in " + self.dir)
        rows = [("tocsind", self.daemon.url, self.daemon.config_file),
                ("Alertmanager", self.alertmanager.url, self.alertmanager.dir + "/log"),
                ("Prometheus", self.prometheus.url, self.prometheus.dir + "/log")]
        if self.phone:
            rows.append(("softphone", self.phone.uri, self.phone.dir + "/log"))
        for row in rows:
            print("   %-13s %-34s %s" % row)

    def cli(self, *args):
        """Run our command line and let it print."""
        subprocess.run([build_file("tocsin")] + list(args), env=self.environment())

    def environment(self):
        return dict(os.environ, TOCSIN_URL="unix:" + self.daemon.socket, **environment())

    def run(self):
        self.show_what_runs()
        watch = proc.Proc([build_file("tocsin"), "watch"], None, env=self.environment())
        say("trouble: the rule %s fires; now Prometheus, Alertmanager and tocsind do their work "
            "(10 s or so)" % NAME)
        self.prometheus.trouble(True)
        alert = proc.wait_for("the alert to arrive", self.daemon.alerts, 60)[0]
        if self.phone:
            self._press_when_heard(alert)
        state = proc.wait_for("the alert to be acknowledged", lambda: self._settled(alert["id"]),
                              300, every=0.2)
        proc.wait_for("the last call to end", lambda: all(
            c["state"] == "ended" for c in self.daemon.calls(alert["id"])), 60, every=0.2)
        watch.stop()
        say("what became of the alert: tocsin show " + alert["id"])
        self.cli("show", alert["id"])
        self._show_sound()
        return state == "acknowledged"

    def _press_when_heard(self, alert):
        """The person listens to greeting and message, then presses 4."""
        self.phone.wait_event("CALL_ESTABLISHED", timeout=60)
        said = self.daemon.post("/v1/speech", {"text": alert["message"]}).body
        self.phone.press("4", after=5.0 + len(said) / 16000)

    def _settled(self, ident):
        state = self.daemon.alert(ident)["state"]
        return state if state != "open" else None

    def _show_sound(self):
        if not self.phone:
            return
        heard = self.phone.heard()[-1]
        seconds = (os.path.getsize(heard) - 44) / 16000
        say("what the telephone heard (%.1f s): %s" % (seconds, heard))
        print("   listen:  aplay %s" % heard)
        print("   a real telephone instead:  etc/demo/run --sip sip:me@192.0.2.1")

    def close(self):
        for p in (self.daemon, self.prometheus, self.alertmanager, self.phone):
            if p:
                p.stop()


def main():
    args = arguments()
    proc.end_on_sigterm()
    for program in ("baresip", "prometheus", "prometheus-alertmanager", "sox"):
        if not shutil.which(program):
            sys.exit("demo: %s is missing" % program)
    try:
        demo = Demo(args)
        acknowledged = demo.run()
        if args.keep:
            say("it all runs until Ctrl-C")
            demo.daemon.proc.wait(float("inf"))
        demo.close()
    except KeyboardInterrupt:
        print("\ndemo: stopping", flush=True)
        return 130
    except proc.Failed as e:
        print("demo: %s" % e, file=sys.stderr)
        return 1
    say("acknowledged" if acknowledged else "NOT acknowledged")
    return 0 if acknowledged else 1


if __name__ == "__main__":
    sys.exit(main())
