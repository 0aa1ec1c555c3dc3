# SPDX-License-Identifier: BSD-2-Clause
"""Who calls through Asterisk: the dialplan sends him to our application, the menu answers."""
import pytest

from conftest import NUMBER
from rig import proc
from rig.phone import Person
from speech import MESSAGE, Voice
from test_callers import OVER, SAYS, told, whats


@pytest.fixture
def site(rig, pbx):
    """start(numbers) -> a daemon, and a telephone of the house that does not answer."""
    def start(numbers=NUMBER):
        phone = rig.phone(Person(delay=None), numbers=numbers)
        d = rig.daemon(phone, asterisk=pbx, over=OVER)
        pbx.set_global(APP=d.config["trunks"][0]["app"])
        return d, phone
    return start


def missed(d, phone):
    """An alert whose first call was declined."""
    alert = d.raise_alert(NUMBER, MESSAGE)
    phone.wait_event("CALL_INCOMING")
    phone.hang_up()
    d.wait_results(alert, ["busy"])
    phone.wait_idle()
    return alert


def calls(phone, pbx, count=1):
    phone.dial("sip:100@127.0.0.1:%d" % pbx.sip)
    phone.wait_event("CALL_ESTABLISHED", count)


def hears(d, alert, times=1):
    proc.wait_for("the alert to be heard",
                  lambda: whats(d.alert(alert)).count("inbound.heard") >= times)


def test_calls_back_and_acknowledges(pbx, site, tmp_path):
    d, phone = site()
    alert = missed(d, phone)
    calls(phone, pbx)
    hears(d, alert)
    phone.press("4")
    a = d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED", 2)           # we hang up, after the farewell
    assert a["acknowledged_by"] == NUMBER and "inbound.acknowledged" in whats(a)
    voice, (heard,) = Voice(d, tmp_path), phone.heard()
    for text in (SAYS["welcome"], SAYS["one"], MESSAGE, OVER["prompts"]["acknowledged"],
                 SAYS["end"]):
        voice.assert_in(heard, text)
    assert [c["state"] for c in d.calls(alert)] == ["ended"], "no further call was made"
    pbx.wait_no_channels()


def test_a_contact_is_asked_for_his_pin(pbx, site):
    d, phone = site()
    assert d.post("/v1/contacts", {"name": "Alice", "numbers": [{"number": NUMBER}],
                                   "pin": "471147"}).status == 201
    alert = missed(d, phone)
    calls(phone, pbx)
    phone.press("471148#")
    told(d, "inbound.wrong_pin")
    phone.press("471147#")
    hears(d, alert)
    phone.press("6")
    a = d.wait_state(alert, "resolved")
    assert any("by Alice" in e["text"] for e in a["timeline"] if e["what"] == "alert.resolved")
    assert "471147" not in d.output() and "471148" not in d.output()


def test_a_stranger_is_told_so(pbx, site, tmp_path):
    d, phone = site("+4940999")
    other = d.raise_alert(NUMBER)
    calls(phone, pbx)
    phone.press("4")
    phone.wait_event("CALL_CLOSED")
    voice, heard = Voice(d, tmp_path), phone.heard()
    voice.assert_in(heard[0], SAYS["unknown"])
    assert d.alert(other)["state"] == "open"
    assert "known" in told(d, "inbound.unknown")[0]["text"]


def test_hangs_up_in_the_menu(pbx, site):
    d, phone = site()
    alert = missed(d, phone)
    calls(phone, pbx)
    hears(d, alert)
    phone.hang_up()
    told(d, "inbound.ended")
    assert d.alert(alert)["state"] == "open"
    pbx.wait_no_channels()


def test_the_menu_begins_again_after_a_crash(pbx, site):
    """The PBX keeps the caller: the new process answers him as if he had just come."""
    d, phone = site()
    alert = missed(d, phone)
    calls(phone, pbx)
    hears(d, alert)
    d.kill9()
    d.restart()
    hears(d, alert, times=2)
    phone.press("4")
    d.wait_state(alert, "acknowledged")
    phone.wait_event("CALL_CLOSED", 2)
    pbx.wait_no_channels()
