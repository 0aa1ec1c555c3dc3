# SPDX-License-Identifier: BSD-2-Clause
"""The rig itself, without tocsind: its peers do what the tests believe, and end when told."""
import os
import signal
import subprocess
import sys

from rig import ports, proc, sipp, wavcheck
from rig.phone import Person

HERE = os.path.dirname(os.path.abspath(__file__))


def espeak(path, text):
    subprocess.run(["espeak-ng", "-w", path + ".22k", text], check=True)
    subprocess.run(["sox", "-D", path + ".22k", "-r", "8000", "-c", "1", "-b", "16", path],
                   check=True)
    return path


def test_a_phone_hears_a_phone_and_presses_keys(rig, tmp_path):
    said = espeak(str(tmp_path / "said.wav"), "The database server in Berlin is on fire.")
    other = espeak(str(tmp_path / "other.wav"), "All is quiet in the cellar tonight, sleep well.")
    phone = rig.phone(Person(delay=0.3, digits="4@0.5,#@1"), Person(hangup=0.3))
    caller = rig.phone(numbers="caller", say=said)
    caller.dial(phone.uri)
    phone.wait_event("CALL_ESTABLISHED")
    assert [caller.wait_event("CALL_DTMF_START", n)["param"] for n in (1, 2)] == ["4", "#"]
    proc.wait_for("the speech to be over",
                  lambda: os.path.getsize(phone.recordings()[0]) > 8000 * 2 * 3.2)
    assert phone.live and phone.max_live == 1
    caller.hang_up()
    phone.wait_event("CALL_CLOSED")
    assert wavcheck.is_in(wavcheck.find(said, phone.heard()[0]))
    assert not wavcheck.is_in(wavcheck.find(other, phone.heard()[0]))
    assert len(wavcheck.find_all(said, phone.heard()[0])) == 1
    caller.dial(phone.uri)
    phone.wait_event("CALL_CLOSED", 2)
    assert phone.live == [] and phone.refused == [] and caller.refused == []


def test_what_sipp_saw(rig):
    peer = rig.peer(sipp.ring())
    caller = rig.phone(numbers="caller")
    caller.dial(peer.uri.format(number="+49123"))
    caller.wait_event("CALL_RINGING")
    caller.hang_up()
    peer.wait_message("ACK")
    seen = [("<" if m.sent else ">") + m.what for m in peer.messages()]
    assert seen == [">INVITE", "<180", ">CANCEL", "<200", "<487", ">ACK"]
    (number, call), (start, end) = sipp.live_intervals(peer.messages()).popitem()
    assert number == "+49123" and call == peer.calls()[0] and start < end
    assert sipp.overlaps(peer.messages()) == []


def test_overlapping_calls_are_seen():
    def message(t, what, call, sent=False):
        return sipp.Message(t, sent, what, what, call, "1", "")
    one = [message(1, "INVITE", "a"), message(2, "INVITE", "b"), message(3, "BYE", "a"),
           message(4, "BYE", "b")]
    assert len(sipp.overlaps(one)) == 1
    assert sipp.overlaps(sorted(one, key=lambda m: (m.call_id, m.t))) != []
    assert sipp.overlaps([one[0], one[2]._replace(t=1.5), one[1], one[3]]) == []
    assert len(sipp.overlaps([one[0], one[1], one[3]])) == 1, "a call without an end"


def test_nothing_is_left_behind(tmp_path):
    """However the run ends, SIGKILL included, its programs end too."""
    code = ("import sys, time; sys.path.insert(0, %r)\n"
            "from rig import proc\nproc.end_on_sigterm()\n"
            "p = proc.Proc(['sh', '-c', 'sleep 600 & echo $!; exec sleep 600'], %r)\n"
            "proc.wait_for('it', lambda: p.output().strip())\n"
            "print(p.pid, p.output().strip(), flush=True)\ntime.sleep(600)\n")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        log = str(tmp_path / ("log%d" % number))
        run = subprocess.Popen([sys.executable, "-c", code % (HERE, log)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        pids = [int(p) for p in run.stdout.readline().split()]
        run.send_signal(number)
        run.wait(20)
        # what a killed run's program had started itself is out of its reach
        mine = pids[:1] if number == signal.SIGKILL else pids
        proc.wait_for("the programs to end", lambda: not any(runs(p) for p in mine), 10)
        if number == signal.SIGKILL:
            os.kill(pids[1], signal.SIGKILL)


def runs(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_ports_are_free_and_not_given_twice():
    taken = [ports.take(3) for _ in range(20)]
    every = [p + i for p in taken for i in range(3)]
    assert len(set(every)) == 60 and all(ports.is_free(p) for p in every)
    assert max(every) < 32768, "below the ephemeral range"
