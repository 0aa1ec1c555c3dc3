# SPDX-License-Identifier: BSD-2-Clause
"""The command line: what each command prints, --json, and exit codes that scripts can use."""
import json
import os
import re
import subprocess

import pytest

from conftest import NUMBER
from rig import proc, sipp
from rig.daemon import build_file, environment

OK, FAILED, USAGE, AWAY = 0, 1, 2, 3


class Cli:
    """The program tocsin, talking to one daemon by its Unix socket."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.env = dict(os.environ, **environment(), TOCSIN_URL="unix:" + daemon.socket)

    def __call__(self, *args, code=OK):
        r = subprocess.run([build_file("tocsin")] + [str(a) for a in args], capture_output=True,
                           text=True, timeout=60, env=self.env)
        assert r.returncode == code, (args, r)
        if code == OK:
            assert r.stderr == "", r
        else:
            assert r.stderr.strip(), "a failure says why"
        return r.stdout

    def json(self, *args, **kw):
        return json.loads(self("--json", *args, **kw))


def test_the_life_of_an_alert(rig):
    peer = rig.peer(sipp.answer(sipp.pause(100) + sipp.info("4", 1)))
    d = rig.daemon(peer)
    cli = Cli(d)
    alert = cli("alert", "--to", NUMBER, "The disk is full").strip()
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-", alert)
    ident = re.search(r"[0-9a-f-]{36}", alert).group()
    d.wait_state(ident, "acknowledged")
    assert ident in cli("alerts") and "The disk is full" in cli("alerts")
    shown = cli("show", ident)
    assert "acknowledged" in shown and "The disk is full" in shown
    assert len(shown.splitlines()) > len(d.alert(ident)["timeline"])
    assert cli.json("show", ident) == d.alert(ident)
    assert [a["id"] for a in cli.json("alerts")["items"]] == [ident]
    created = cli.json("alert", "--to", NUMBER, "Again")
    assert created["state"] == "open" and created["deduplicated"] is False


def test_ack_by_command(rig):
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over={"call": {"ring_timeout": "60s"}})
    cli = Cli(d)
    ident = cli.json("alert", "--to", NUMBER, "Fire")["id"]
    d.wait_call(ident, "ringing")
    cli("ack", ident)
    assert d.alert(ident)["state"] == "acknowledged"
    peer.wait_message("CANCEL")
    cli("ack", ident, code=FAILED)


def test_what_holds_an_alert_back_is_shown(rig):
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over={"call": {"ring_timeout": "60s"}})
    cli = Cli(d)
    assert "no policy" in cli("readiness")
    cli("contact", "add", "Alice", "--number", NUMBER)
    cli("maintenance", "add", "move", "--match", "host=db1", "--for", "2x", code=USAGE)
    cli("maintenance", "add", "move", "--match", "host=db1", "--for", "2h")
    held = cli.json("alert", "--to", NUMBER, "--label", "host=db1", "Fire")["id"]
    assert re.search(r"open, held\s", cli("alerts"))
    assert "by maintenance move, until" in cli("show", held)
    assert re.search(r"until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: nobody", cli("explain", held))
    other = cli.json("alert", "--to", "contact:Alice", "Flood")["id"]
    d.wait_call(other, "ringing")
    assert re.search(r"escalation +Alice \(calling\)", cli("show", other))
    rides = cli.json("alert", "--to", "contact:Alice", "Storm")["id"]
    proc.wait_for("the same call", lambda: any(
        e["what"] == "call.bundled" for e in d.alert(rides)["timeline"]))
    assert "call 1: Alice (%s)\n" % NUMBER in cli("explain", rides)
    assert "held back by snooze" in cli("alert", "snooze", other, "--for", "1h")


def test_watch_shows_what_happens(rig, tmp_path):
    peer = rig.peer(sipp.answer(sipp.pause(100) + sipp.info("4", 1)))
    d = rig.daemon(peer)
    cli = Cli(d)
    watch = proc.Proc([build_file("tocsin"), "watch"], tmp_path / "watch", env=cli.env)
    proc.wait_for("watch to be connected", lambda: "/v1/events" in d.output() or watch.output())
    ident = cli.json("alert", "--to", NUMBER, "Fire")["id"]
    d.wait_state(ident, "acknowledged")
    proc.wait_for("watch to show it", lambda: "acknowledged" in watch.output())
    assert watch.stop() in (0, -15)


def test_token_add(rig):
    d = rig.daemon()
    cli = Cli(d)
    token = cli("token", "add", "monitor", "--scope", "alert").strip().splitlines()[-1].split()[-1]
    assert d.post("/v1/alerts", {"target": NUMBER, "message": "x"}, token=token).status == 202
    assert cli.json("token", "add", "reader", "--scope", "read")["token"]
    cli("token", "add", "monitor", "--scope", "alert", code=FAILED)
    cli("token", "add", "x", "--scope", "god", code=FAILED)


def test_trunks(rig):
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer)
    cli = Cli(d)
    assert cli("trunk", "list") == cli("trunks")
    assert re.search(r"^direct +sip +yes ", cli("trunk", "list"), re.M)
    trunk, = cli.json("trunk", "list")["items"]
    assert trunk["healthy"] and trunk["up"] and not trunk["held"] and trunk["failed_share"] == 0
    assert re.search(r"^health +ok ", cli("trunk", "check", "direct"), re.M)
    report = cli.json("trunk", "check", "direct", "--number", NUMBER)
    assert report["ok"] and report["steps"] and all(s["ok"] is not False for s in report["steps"])
    cli("trunk", "check", "nowhere", code=FAILED)
    cli("trunk", "check", "direct", "--number", "x", code=FAILED)


@pytest.mark.parametrize("args", [
    (), ("wibble",), ("alert",), ("alert", "text"), ("alert", "--to"), ("show",), ("ack",),
    ("alerts", "--wibble"), ("token",), ("token", "add"), ("--wibble",), ("trunk",),
    ("trunk", "check")])
def test_usage(rig, args):
    d = rig.daemon(start=False)
    Cli(d)(*args, code=USAGE)


def test_refused_and_not_found(rig):
    d = rig.daemon()
    cli = Cli(d)
    cli("show", "01890000-0000-7000-8000-000000000000", code=FAILED)
    cli("ack", "01890000-0000-7000-8000-000000000000", code=FAILED)
    cli("alert", "--to", "contact:nobody", "x", code=FAILED)
    cli.env["TOCSIN_URL"], cli.env["TOCSIN_TOKEN"] = d.url, "wrong"
    cli("alerts", code=FAILED)
    cli.env["TOCSIN_TOKEN"] = d.token
    assert cli.json("alerts")["items"] == []


def test_daemon_away(rig):
    d = rig.daemon(start=False)
    cli = Cli(d)
    for args in (("alerts",), ("alert", "--to", NUMBER, "x"), ("watch",), ("show", "x")):
        cli(*args, code=AWAY)
    cli.env["TOCSIN_URL"] = d.url
    cli("alerts", code=AWAY)


def test_help():
    for args in (("--help",), ("--version",)):
        r = subprocess.run([build_file("tocsin")] + list(args), capture_output=True, text=True)
        assert r.returncode == 0 and r.stdout.strip()
