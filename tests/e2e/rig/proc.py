# SPDX-License-Identifier: BSD-2-Clause
"""Programs started and stopped by pid: own process group, output kept, nothing left behind.

Whatever ends this process ends the programs: the normal end and Ctrl-C through atexit, SIGTERM
through a handler (`end_on_sigterm`), SIGKILL through the kernel (parent death signal).
"""
import atexit
import os
import signal
import subprocess
import sys
import time

_running = {}


class Failed(Exception):
    """A peer or the daemon did not do what the rig needs; the text holds the end of its output."""


def wait_for(what, condition, timeout=15.0, every=0.03):
    """Wait until condition() is true, return its value; Failed names `what` after `timeout` s."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed("waited %.0f s in vain for %s" % (timeout, what))
        time.sleep(every)


class Proc:
    """One running program."""

    def __init__(self, argv, log, cwd=None, env=None):
        """Start argv; its output is appended to the file `log`, or goes where ours goes if None."""
        self.argv = [str(a) for a in argv]
        self.name = os.path.basename(self.argv[0])
        self.log = str(log) if log else os.devnull
        environ = dict(os.environ)
        environ.update(env or {})
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--"] + self.argv, stdin=subprocess.DEVNULL,
                stdout=out if log else None, stderr=subprocess.STDOUT if log else None, cwd=cwd,
                env=environ, start_new_session=True)
        self.pid = self.popen.pid
        _running[self.pid] = self

    @property
    def alive(self):
        return self.exit_code is None

    @property
    def exit_code(self):
        """The exit code, negative for a signal, None while it runs."""
        self._reap(os.WNOHANG)
        return self.popen.returncode

    def output(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def tail(self, lines=25):
        return "\n".join(self.output().splitlines()[-lines:])

    def wait(self, timeout):
        """Wait for its own end; returns the exit code."""
        deadline = time.monotonic() + timeout
        while self.alive:
            if time.monotonic() > deadline:
                raise Failed("%s (pid %d) still runs after %.0f s:\n%s"
                             % (self.name, self.pid, timeout, self.tail()))
            time.sleep(0.02)
        return self.exit_code

    def signal(self, number):
        if self.alive:
            os.kill(self.pid, number)

    def stop(self, timeout=10.0):
        """SIGTERM, then SIGKILL after `timeout` s; returns the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except Failed:
            self.kill9()
            return self.exit_code

    def kill9(self):
        """SIGKILL, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self._reap(0)

    def _reap(self, flags):
        """Take the exit status; first, while its pid is still its own, kill what it left."""
        if self.popen.returncode is not None:
            return
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | flags) is None:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.popen.wait()
        _running.pop(self.pid, None)


def stop_all(keep=()):
    """Stop whatever was started and still runs, the newest first."""
    for p in sorted((p for p in _running.values() if p not in keep), key=lambda p: -p.pid):
        try:
            p.stop(5.0)
        except OSError as e:
            print("rig: %s (pid %d): %s" % (p.name, p.pid, e), file=sys.stderr)


def end_on_sigterm():
    """Let SIGTERM unwind like Ctrl-C does, so that atexit runs."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


atexit.register(stop_all)
