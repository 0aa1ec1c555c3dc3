# SPDX-License-Identifier: BSD-2-Clause
"""The fixture `rig`: makes daemons and peers for a test and ends them all, the daemons cleanly."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import proc, sipp                                          # noqa: E402
from rig.alertmanager import Alertmanager, Prometheus               # noqa: E402
from rig.asterisk import Asterisk                                   # noqa: E402
from rig.certificate import Authority                               # noqa: E402
from rig.daemon import Daemon                                       # noqa: E402
from rig.kamailio import Kamailio                                   # noqa: E402
from rig.phone import Phone                                         # noqa: E402
from rig.proxy import Proxy                                         # noqa: E402
from rig.room import Room                                           # noqa: E402

NUMBER = "+493012345"


class Rig:
    """What a test needs, each made below one folder and ended at the end of the test."""

    def __init__(self, folder):
        self.dir = str(folder)
        self.kept = ()                       # programs that outlive the test
        self._made = []
        self._count = 0

    def _folder(self, name):
        self._count += 1
        return "%s/%s-%d" % (self.dir, name, self._count)

    def _keep(self, thing):
        self._made.append(thing)
        return thing

    def daemon(self, peer=None, over=None, trunks=None, start=True, asterisk=None, **trunk):
        """tocsind with a trunk to a phone or peer (or a list of trunks); **trunk: its settings.

        asterisk: the trunk leads through it.
        """
        if asterisk:
            trunks = [asterisk.trunk(peer and peer.port, **trunk)]
        elif trunks is None:
            uri = "sip:{number}@127.0.0.1:%d" % peer.port if peer else "sip:{number}@127.0.0.1:9"
            trunks = [dict({"uri": uri}, **trunk)]
        d = self._keep(Daemon(self._folder("tocsind"), trunks, over, start=False))
        if start:
            d.start()
        return d

    def phone(self, *plan, numbers=NUMBER, **kw):
        """A baresip; plan: one Person a call."""
        return self._keep(Phone(self._folder("phone"), numbers, list(plan), **kw))

    def peer(self, *scenario, **kw):
        """A sipp."""
        return self._keep(sipp.Peer(self._folder("sipp"), list(scenario), **kw))

    def asterisk(self, version="22", **kw):
        return self._keep(Asterisk(self._folder("asterisk"), version, **kw))

    def proxy(self, to_port, **kw):
        return self._keep(Proxy(to_port, **kw))

    def room(self, *plan, **kw):
        """Telephones in a thread, for many calls at once."""
        return self._keep(Room(*plan, **kw))

    def kamailio(self, phone, **kw):
        return self._keep(Kamailio(self._folder("kamailio"), phone.port, **kw))

    def alertmanager(self, daemon, route="", **kw):
        url = daemon.url + "/v1/alertmanager" + ("/" + route if route else "")
        return self._keep(Alertmanager(self.dir, url, daemon.token, **kw))

    def prometheus(self, alertmanager, name, labels, annotations):
        return self._keep(Prometheus(self.dir, alertmanager.port, name, labels, annotations))

    def authority(self, name="Rig CA"):
        return Authority(self._folder("ca"), name)

    def keep(self, thing):
        """Let something else be stopped with the rest: by its stop()."""
        return self._keep(thing)

    def logs(self):
        """The end of what the daemons said, for the report of a failed test."""
        def end(d):
            return [line for line in d.output().splitlines() if " core: http /" not in line][-60:]
        return "\n".join("--- %s\n%s" % (d.log, "\n".join(end(d)))
                         for d in self._made if isinstance(d, Daemon))

    def close(self):
        """End the daemons first: with their peers still there."""
        faults = []
        for thing in sorted(self._made, key=lambda t: not isinstance(t, Daemon)):
            try:
                thing.stop()
            except proc.Failed as e:
                faults.append(str(e))
        proc.stop_all(keep=self.kept)
        if faults:
            raise proc.Failed("\n".join(faults))


@pytest.fixture
def rig(tmp_path, request):
    r = Rig(tmp_path)
    request.node.rig = r
    r.kept = [a.proc for a in _shared]
    yield r
    r.close()
    for a in _shared:                        # what a daemon left that was stopped in a call
        a.hang_up_all()


_shared = []                                 # Asterisks of a module


@pytest.fixture(scope="module", params=["22", "16"])
def pbx(request, tmp_path_factory):
    """An Asterisk for all tests of a module, each version in turn."""
    a = Asterisk(tmp_path_factory.mktemp("asterisk-" + request.param), request.param)
    _shared.append(a)
    yield a
    _shared.remove(a)
    a.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed and getattr(item, "rig", None):
        report.sections.append(("tocsind", item.rig.logs()))


def pytest_configure(config):
    proc.end_on_sigterm()
    os.umask(0o022)
