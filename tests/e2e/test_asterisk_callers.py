# SPDX-License-Identifier: BSD-2-Clause
"""Who calls through Asterisk, when something is amiss; the menu is in test_asterisk_inbound."""
import pytest

from conftest import NUMBER
from rig import proc
from rig.phone import Person
from test_callers import OVER, missed, whats


@pytest.fixture
def site(rig, pbx):
    """start(**trunk) -> a daemon, and a telephone that does not answer when it is called."""
    def start(**trunk):
        phone = rig.phone(Person(delay=None), numbers=NUMBER)
        d = rig.daemon(phone, asterisk=pbx, over=OVER, **trunk)
        pbx.set_global(APP=d.config["trunks"][0]["app"])
        proc.wait_for("the trunk", lambda: healthy(d))
        return d, phone
    return start


def healthy(d):
    return d.get("/v1/trunks").json["items"][0]["healthy"]


def test_events_interrupted_during_the_call(rig, pbx, site):
    proxy = rig.proxy(pbx.http)
    d, phone = site(url="http://127.0.0.1:%d/ari" % proxy.port)
    alert = missed(d, phone)
    phone.dial(pbx.uri("5550100"))
    proc.wait_for("the alert to be heard", lambda: "inbound.heard" in whats(d.alert(alert)))
    proxy.cut("events")
    proc.wait_for("the trunk to be down", lambda: not healthy(d))
    proxy.free("events")
    proc.wait_for("the trunk to be up", lambda: healthy(d))
    phone.press("4", after=0.5)
    d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED", 2)
    pbx.wait_no_channels()


@pytest.mark.parametrize("why", ["not wanted", "nobody there"])
def test_the_dialplan_goes_on(pbx, site, why):
    """It hangs up here; a site may send the caller to somebody else."""
    d, phone = site(**({"inbound": False} if why == "not wanted" else {}))
    pbx.wait_no_channels()                       # what the trunk tries at first
    if why == "nobody there":
        d.stop()
    phone.dial(pbx.uri("5550100"))
    phone.wait_event("CALL_CLOSED")
    assert phone.of("CALL_ESTABLISHED") == []
    pbx.wait_no_channels()
