# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of tocsind: nothing that was accepted is lost, and nobody has two calls at one moment."""
import http.client
import threading
import time

import pytest

from conftest import NUMBER
from rig import proc, sipp
from rig.phone import Person


def test_while_ringing(rig):
    phone = rig.phone(Person(delay=None), Person(digits="4@0.5"))
    d = rig.daemon(phone, over={"call": {"ring_timeout": "60s"}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "ringing")
    d.kill9()
    assert len(phone.live) == 1
    d.restart()
    d.wait_state(alert, "acknowledged")
    d.wait_results(alert, ["lost", "acknowledged"])
    assert phone.max_live == 1 and len(phone.of("CALL_INCOMING")) == 2
    assert phone.of("CALL_CLOSED")[0]["t"] <= phone.of("CALL_INCOMING")[1]["t"]


def test_while_speaking(rig):
    phone = rig.phone(Person(), Person(digits="4@0.5"))
    d = rig.daemon(phone, over={"call": {"repeat_message": 20}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "answered")
    phone.wait_event("CALL_RTPESTAB")
    d.kill9()
    d.restart()
    d.wait_state(alert, "acknowledged")
    d.wait_results(alert, ["lost", "acknowledged"])
    assert phone.max_live == 1 and len(phone.of("CALL_INCOMING")) == 2
    assert phone.of("CALL_CLOSED")[0]["t"] <= phone.of("CALL_INCOMING")[1]["t"]


def kill_and_go_on(d, phone, alert, state):
    """Crash in a state of the first call; the second one acknowledges, and never were there two."""
    d.wait_call(alert, state)
    d.kill9()
    d.restart()
    d.wait_state(alert, "acknowledged")
    d.wait_results(alert, ["lost", "acknowledged"])
    assert phone.max_live == 1 and len(phone.of("CALL_INCOMING")) == 2


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("state", ["ringing", "answered"])
def test_through_a_proxy(rig, transport, state):
    """CANCEL and BYE of the old call find their way by the provider's route."""
    first = Person(delay=None) if state == "ringing" else Person()
    phone = rig.phone(first, Person(digits="4@0.5"))
    provider = rig.kamailio(phone)
    d = rig.daemon(over={"call": {"ring_timeout": "60s", "repeat_message": 20}}, trunks=[{
        "uri": "sip:{number}@provider.example", "proxy": "sip:127.0.0.1:%d" % provider.port,
        "user": "alice", "password": "secret", "transport": transport}])
    kill_and_go_on(d, phone, d.raise_alert(NUMBER), state)


@pytest.mark.parametrize("state", ["ringing", "answered"])
def test_over_tls(rig, state):
    ca = rig.authority()
    first = Person(delay=None) if state == "ringing" else Person()
    phone = rig.phone(first, Person(digits="4@0.5"), srtp=True,
                      certificate=ca.server("pbx", "DNS:pbx.example"))
    d = rig.daemon(over={"call": {"ring_timeout": "60s", "repeat_message": 20}}, trunks=[{
        "uri": "sip:{number}@127.0.0.1:%d" % (phone.port + 1), "transport": "tls",
        "tls_ca": ca.file, "tls_verify_name": "pbx.example", "srtp": "mandatory"}])
    kill_and_go_on(d, phone, d.raise_alert(NUMBER), state)


@pytest.mark.parametrize("after_ms", [0, 5, 20, 60])
def test_right_after_the_202(rig, after_ms):
    phone = rig.phone(Person(delay=0.3, digits="4@0.5"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    time.sleep(after_ms / 1000)
    d.kill9()
    d.restart()
    d.wait_state(alert, "acknowledged")
    proc.wait_for("the last call to be over",
                  lambda: d.results(alert) in (["acknowledged"], ["lost", "acknowledged"]))
    assert phone.max_live == 1


def test_the_old_call_is_ended_on_the_wire_before_the_new_one(rig):
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over={"call": {"ring_timeout": "60s"}})
    alert = d.raise_alert(NUMBER)
    first = peer.wait_message("INVITE")
    d.wait_call(alert, "ringing")
    d.kill9()
    d.restart()
    cancel = peer.wait_message("CANCEL")
    assert cancel.call_id == first.call_id
    second = proc.wait_for("the second call", lambda: peer.calls()[1:], 30)
    assert sipp.overlaps(peer.messages()) == []
    assert second[0] != first.call_id
    d.post("/v1/alerts/%s/cancel" % alert)
    proc.wait_for("the second call to be cancelled",
                  lambda: len({m.call_id for m in peer.messages("CANCEL")}) == 2)


def test_the_phone_died_too(rig):
    """Nobody answers the BYE of the old call: the person is called again all the same."""
    peer = rig.peer(sipp.answer())
    d = rig.daemon(peer, over={"call": {"repeat_message": 20}})
    alert = d.raise_alert(NUMBER)
    d.wait_call(alert, "answered")
    d.kill9()
    peer.proc.kill9()
    d.restart()
    rig.peer(sipp.answer(sipp.pause(300) + sipp.info("4", 1)), port=peer.port)
    d.wait_state(alert, "acknowledged", timeout=90)
    assert d.calls(alert)[0]["result"] == "lost"


def test_acknowledged_stays_acknowledged(rig):
    phone = rig.phone(Person(digits="4@0.5"), Person(hangup=0.2), Person(digits="4@0.5"))
    d = rig.daemon(phone)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    d.kill9()
    d.restart()
    # another alert that takes a redial: in this time the first one would have been called too
    fence = d.raise_alert(NUMBER)
    d.wait_state(fence, "acknowledged")
    d.wait_results(fence, ["unheard", "acknowledged"])
    assert d.alert(alert)["state"] == "acknowledged"
    assert len(d.calls(alert)) == 1 and len(phone.of("CALL_INCOMING")) == 3


def test_attempts_go_on_where_they_were(rig):
    """Three attempts in all, not three after each crash."""
    peer = rig.peer(sipp.final(486, "Busy Here"))
    d = rig.daemon(peer, over={"call": {"redial": {"busy": "3s"}}})
    alert = d.raise_alert(NUMBER)
    d.wait_results(alert, ["busy"])
    d.kill9()
    d.restart()
    d.wait_state(alert, "exhausted")
    assert d.results(alert) == ["busy"] * 3
    assert len(peer.calls()) == 3


# --- five hundred ---------------------------------------------------------------------------------

class Senders:
    """Threads that post one alert a number and retry until there was a 2xx."""

    THREADS, PAUSE = 8, 0.06                  # of all together some 130 alerts a second

    def __init__(self, daemon, numbers):
        self.daemon, self.left, self.accepted, self.refused = daemon, list(numbers), {}, 0
        self.token = daemon.token
        self.threads = [threading.Thread(target=self._send) for _ in range(self.THREADS)]
        for t in self.threads:
            t.start()

    def _send(self):
        while self.left:
            try:
                number = self.left.pop()
            except IndexError:
                return
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and not self._post(number):
                self.refused += 1
                time.sleep(0.1)
            if number.endswith("0"):          # the answer was lost, or there are two senders
                self._post(number)
            time.sleep(self.PAUSE)

    def _post(self, number):
        body = {"target": number, "message": "Fire.", "dedup_key": "fire/" + number}
        try:
            a = self.daemon.post("/v1/alerts", body, token=self.token, timeout=10)
        except (OSError, http.client.HTTPException):
            return False
        if a.status == 202:
            self.accepted[number] = a.json["id"]
        return a.status == 202

    def join(self):
        for t in self.threads:
            t.join()


def test_500_alerts_with_a_crash_in_the_middle(rig):
    most = 50
    numbers = ["+4930%06d" % i for i in range(500)]
    peer = rig.peer(sipp.answer(sipp.pause(100) + sipp.info("4", 1)))
    d = rig.daemon(peer, max_calls=most, calls_per_second=50,
                   over={"call": {"max_concurrent": most, "attempts": 10, "window": "600s"},
                         "prompts": {"greeting": "Bell.", "menu": "Four.", "acknowledged": "Yes."}})
    senders = Senders(d, numbers)
    proc.wait_for("a part to be accepted", lambda: len(senders.accepted) >= 200, 120)
    peer.wait_message("BYE", 20, timeout=60)
    d.kill9()
    assert len(senders.accepted) < 500, "the crash comes in the middle"
    proc.wait_for("senders to find nobody", lambda: senders.refused > 0)
    d.restart()
    senders.join()
    assert sorted(senders.accepted) == numbers, "every sender got its 202 in the end"
    proc.wait_for("all to be acknowledged", lambda: not d.alerts("state=open"), 300, every=1.0)
    alerts = d.alerts()
    assert len(alerts) == 500, "0 doubled"
    assert sorted(a["target"] for a in alerts) == numbers, "0 lost"
    assert {a["state"] for a in alerts} == {"acknowledged"}
    assert {a["target"]: a["id"] for a in alerts} == senders.accepted
    messages = peer.messages()
    called = [number for number, _ in sipp.live_intervals(messages)]
    assert set(called) == set(numbers), "every person was called"
    assert sipp.overlaps(messages) == [], "two calls to one person at one moment"
    twice = {n for n in numbers if called.count(n) > 1}
    lost = {c["number"] for c in d.list("/v1/calls", "result=lost")}
    assert twice <= lost and len(lost) <= most, "called again only where the crash took the call"
