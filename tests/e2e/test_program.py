# SPDX-License-Identifier: BSD-2-Clause
"""tocsind as a program: --check and the other options, reload, the end."""
import os
import re
import signal
import socket
import sqlite3
import subprocess

import pytest

from conftest import NUMBER
from rig import ports, proc, sipp
from rig.daemon import build_file, environment


def run(*args, **env):
    return subprocess.run([build_file("tocsind")] + list(args), capture_output=True, text=True,
                          timeout=60, env=dict(os.environ, **environment(), **env))


def check(tmp_path, text):
    path = tmp_path / "tocsin.yaml"
    path.write_text(text)
    return run("--check", "-c", str(path)), str(path)


FAULTS = """\
node: pager-1
stat_dir: {dir}
http:
  listen: ["127.0.0.1:{port}"]
trunks:
  - name: direct
    plugin: sip
    listen: "127.0.0.1:5060"
    uri: "sip:{{number}}@127.0.0.1:5061"
    codec: [PCMU]
    max_calls: lots
voices:
  - {{name: local, plugin: espeek}}
triggers:
  - {{name: api, plugin: http_api}}
call:
  ring_timeout: 30 parsecs
  keys: {{"4": acknowlege}}
  attempts: 0
"""


def test_check_reports_all_faults_with_their_places(tmp_path):
    r, path = check(tmp_path, FAULTS.format(dir=tmp_path, port=ports.take()))
    assert r.returncode == 1
    lines = r.stderr.splitlines()
    places = {int(m.group(1)): line for line in lines
              for m in [re.match(re.escape(path) + r":(\d+):\d+: ", line)] if m}
    for number, word in [(2, "stat_dir"), (10, "codec"), (11, "max_calls"), (13, "espeek"),
                         (17, "ring_timeout"), (18, "keys"), (19, "attempts")]:
        assert number in places and word in places[number], (number, word, lines)
    assert "state_dir" in places[2] and "codecs" in places[10], "did you mean"
    assert "acknowledge" in places[18]
    assert sorted(places) == list(places), "sorted by place"


@pytest.mark.parametrize("text, line", [
    ("node: [1\n", 2), ("node: a\nnode: b\n", 2), ("a: b: c\n", 1), ("- just\n- a list\n", 1),
    ("node: \x01\n", 1), ("\tnode: a\n", 1)])
def test_check_of_broken_yaml(tmp_path, text, line):
    r, path = check(tmp_path, text)
    assert r.returncode == 1
    assert re.search("^" + re.escape(path) + r":\d+:\d+: ", r.stderr, re.M), r.stderr


def test_check_of_a_good_file_says_nothing_bad_and_touches_nothing(rig):
    d = rig.daemon(start=False)
    d.write_config()
    r = run("--check", "-c", d.config_file)
    assert r.returncode == 0, r.stderr
    assert os.listdir(d.state_dir) == [] and ports.is_free(d.port)


def test_check_of_a_missing_secret_file(rig, tmp_path):
    d = rig.daemon(start=False, user="alice", password_file=str(tmp_path / "nowhere"))
    d.write_config()
    r = run("--check", "-c", d.config_file)
    assert r.returncode == 1 and "password_file" in r.stderr and "nowhere" in r.stderr


def test_check_of_a_missing_file():
    r = run("--check", "-c", "/nonexistent/tocsin.yaml")
    assert r.returncode == 1 and "/nonexistent/tocsin.yaml" in r.stderr


def test_list_plugins_and_describe():
    r = run("--list-plugins")
    assert r.returncode == 0
    for name in ("pbx/sip", "tts/espeak", "store/sqlite", "triggers/http_api",
                 "triggers/alertmanager"):
        assert re.search("^" + name + r" \S+ \S", r.stdout, re.M), name
        one = run("--describe", name)
        assert one.returncode == 0 and one.stdout.strip(), name
    sip = run("--describe", "pbx/sip").stdout
    for option in ("listen", "uri", "user", "password", "transport", "max_calls", "srtp"):
        assert re.search(r"\b%s\b" % option, sip), option
    assert run("--describe", "pbx/nothing").returncode == 1
    assert run("--version").stdout.strip()
    assert run("--wibble").returncode == 2


def test_sigterm_ends_calls_and_process(rig):
    """A ringing telephone is not left ringing; the alert goes on after the next start."""
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over={"call": {"ring_timeout": "60s"}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "ringing")
    d.stop()
    assert d.proc.exit_code == 0
    peer.wait_message("CANCEL")
    assert not os.path.exists(d.socket)
    d.restart()
    assert d.alert(alert)["state"] == "open"
    proc.wait_for("the next call", lambda: len(peer.calls()) == 2)
    assert sipp.overlaps(peer.messages()) == []


def test_sigint_and_an_open_event_stream(rig):
    d = rig.daemon()
    stream = d.events()
    d.proc.signal(signal.SIGINT)
    assert d.proc.wait(30) == 0
    stream.close()


def test_reload(rig):
    peer = rig.peer(sipp.final(486, "Busy Here"))
    d = rig.daemon(peer, over={"call": {"attempts": 1}})
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    assert len(d.calls(alert)) == 1
    d.config["call"]["attempts"] = 2
    d.write_config()
    d.reload()
    proc.wait_for("the reload in the log", lambda: "reload" in d.output())
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    assert len(d.calls(alert)) == 2
    # a faulty file changes nothing, and says where
    d.config["call"]["attempts"] = "many"
    d.write_config()
    d.reload()
    proc.wait_for("the fault in the log",
                  lambda: re.search(re.escape(d.config_file) + r":\d+:\d+: .*attempts", d.output()))
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    assert len(d.calls(alert)) == 2


def test_two_daemons_on_one_port(rig):
    first = rig.daemon()
    second = rig.daemon(over={"http": {"listen": ["127.0.0.1:%d" % first.port]}}, start=False)
    assert "127.0.0.1:%d" % first.port in second.fails()
    assert first.get("/healthz").status == 200


def test_two_daemons_on_one_state_folder(rig):
    first = rig.daemon()
    second = rig.daemon(over={"state_dir": first.state_dir}, start=False)
    assert first.state_dir in second.fails()
    assert first.get("/healthz").status == 200


def test_a_database_of_a_newer_program_is_refused(rig):
    d = rig.daemon()
    d.stop()
    db = sqlite3.connect(d.state_dir + "/tocsin.db")
    table, column = schema_version(db)
    db.execute("UPDATE {0} SET {1} = 9999 WHERE {1} = (SELECT max({1}) FROM {0})".format(
        table, column))
    db.commit()
    db.close()
    assert "9999" in d.fails()


def schema_version(db):
    """Where the version stands: the one column "version" of the schema."""
    for table, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if "version" in [row[1] for row in db.execute("PRAGMA table_info(%s)" % table)]:
            return table, "version"
    raise AssertionError("no version in the schema")


def test_http_rubbish_does_no_harm(rig):
    d = rig.daemon()
    for raw in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                b"\xff" * 5000 + b"\r\n\r\n",
                b"POST /v1/alerts HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                b"POST /v1/alerts HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                b"POST /v1/alerts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
                b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", d.port), 5) as s:
            s.sendall(raw)
            s.shutdown(socket.SHUT_WR)
            try:
                s.recv(1000)
            except OSError:
                pass
    assert d.get("/healthz").status == 200
