# SPDX-License-Identifier: BSD-2-Clause
"""Asterisk, the way to it, or the daemon dies, hangs or comes back in the middle of a call."""
import random
import time

import pytest

from conftest import NUMBER
from rig import proc
from rig.asterisk import Client
from rig.room import Habit
from speech import MESSAGE, Voice

PROMPTS = {"greeting": "This is the bell.", "menu": "Press four.", "acknowledged": "Yes."}
LONG = {"prompts": PROMPTS, "call": {"repeat_message": 20, "ring_timeout": "60s"}}
# after the menu the daemon waits for a key some seconds: long enough for a fault
WAITS = {"prompts": dict(PROMPTS, greeting="Bell."),
         "call": {"repeat_message": 1, "ring_timeout": "60s"}}
STATES = ["ringing", "speaking", "waiting for a key"]


def trunk(d, name="pbx"):
    return next(t for t in d.get("/v1/trunks").json["items"] if t["name"] == name)


def wait_health(d, healthy, name="pbx", timeout=15.0):
    proc.wait_for("trunk %s to be %s" % (name, "healthy" if healthy else "unhealthy"),
                  lambda: trunk(d, name)["healthy"] == healthy, timeout)


def later_ones_press(first):
    """A plan: the first call as given, all later ones press 4."""
    return lambda number, before: Habit(keys="4@0.6") if before else first


class Case:
    """A call in one of STATES."""

    def __init__(self, rig, asterisk, state, tmp_path, **trunk):
        self.state = state
        over = WAITS if state == "waiting for a key" else LONG
        self.room = rig.room(later_ones_press(Habit(ring=None if state == "ringing" else 0.0)))
        self.d = rig.daemon(self.room, asterisk=asterisk, over=over, **trunk)
        wait_health(self.d, True)
        self.alert = self.d.raise_alert(NUMBER, MESSAGE)
        self.call = self.room.wait_call("ringing" if state == "ringing" else "acked")
        self.d.wait_call(self.alert, "ringing" if state == "ringing" else "answered")
        if state == "speaking":
            self.room.wait("speech", self.call.speech_at)
        elif state != "ringing":
            voice = Voice(self.d, tmp_path)
            said = sum(map(voice.seconds, ("Bell.", MESSAGE, PROMPTS["menu"])))
            self.room.wait("the end of the speech", lambda: len(self.call.samples()) / 8000
                           > said + 0.2 or self.silent_since(0.5), 20)

    def silent_since(self, seconds):
        """No sound, or no packets, for so long, after there was some."""
        last = [p[0] for p in list(self.call.packets) if set(p[2]) - {0xff, 0x7f}]
        return bool(last) and time.time() - last[-1] > seconds

    def answer_and_press(self):
        """The person goes on: the very call that was there must acknowledge."""
        if self.state == "ringing":
            self.room.answer(self.call)
            self.room.wait_call("acked")
        self.d.wait_call(self.alert, "answered")
        self.room.press(self.call, "4", after=0.5)
        self.room.press(self.call, "4", after=2.0)

    def is_acknowledged_in_this_call(self):
        self.d.wait_state(self.alert, "acknowledged", 30)
        self.d.wait_results(self.alert, ["acknowledged"])
        self.room.wait("the end", lambda: self.call.state == "over", 15)
        assert len(self.room.calls) == 1 and self.room.max_live == 1

    def is_lost_and_called_again(self, results=("lost", "acknowledged"), timeout=60):
        self.d.wait_state(self.alert, "acknowledged", timeout)
        self.d.wait_results(self.alert, list(results))
        assert len(self.room.calls) == len(results)


# --- Asterisk ---------------------------------------------------------------------------------

@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("version", ["22", "16"])
def test_asterisk_killed(rig, version, state, tmp_path):
    """The call is gone with it: lost, no attempt used up, called again when Asterisk is back."""
    asterisk = rig.asterisk(version)
    case = Case(rig, asterisk, state, tmp_path)
    asterisk.kill9()
    wait_health(case.d, False)
    assert len(case.room.calls) == 1, "nobody can be called"
    asterisk.start()
    wait_health(case.d, True, timeout=2.0)
    case.is_lost_and_called_again()


@pytest.mark.parametrize("state", STATES)
def test_asterisk_frozen(rig, pbx, state, tmp_path):
    """The trunk is down for so long; then the very same call goes on."""
    case = Case(rig, pbx, state, tmp_path)
    pbx.freeze()
    try:
        wait_health(case.d, False)
        assert case.d.alert(case.alert)["state"] == "open"
        time.sleep(20.0 if state == "speaking" and pbx.major >= 22 else 4.0)
        assert len(case.room.calls) == 1
    finally:
        pbx.thaw()
    wait_health(case.d, True)
    case.answer_and_press()
    case.is_acknowledged_in_this_call()


@pytest.mark.parametrize("state", STATES)
def test_asterisk_stops_gracefully(rig, state, tmp_path):
    """It takes no new call, and ends after this one."""
    asterisk = rig.asterisk("22")
    case = Case(rig, asterisk, state, tmp_path)
    asterisk.stop_gracefully()
    case.answer_and_press()
    case.is_acknowledged_in_this_call()
    assert asterisk.proc.wait(15) == 0
    asterisk.start()
    again = case.d.raise_alert(NUMBER)
    case.d.wait_state(again, "acknowledged", 30)


@pytest.mark.parametrize("state", STATES)
def test_asterisk_restarted(rig, state, tmp_path):
    """SIGTERM: it hangs up and ends; there is a second call once it is back."""
    asterisk = rig.asterisk("22")
    case = Case(rig, asterisk, state, tmp_path)
    asterisk.restart()
    case.d.wait_state(case.alert, "acknowledged", 60)
    proc.wait_for("the end of the last call",
                  lambda: case.d.results(case.alert)[-1] == "acknowledged")
    assert set(case.d.results(case.alert)[:-1]) <= {
        "lost", "unheard", "heard", "failed", "congestion", "no_answer", "unreachable", "rejected"}


def test_back_after_a_crash_within_two_seconds(rig):
    asterisk = rig.asterisk("22")
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(room, asterisk=asterisk)
    for _ in range(3):
        asterisk.kill9()
        wait_health(d, False)
        asterisk.start()
        wait_health(d, True, timeout=2.0)
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")


def test_asterisk_frozen_at_originate(rig, tmp_path):
    """The next trunk takes it; what the frozen one does after the thaw is cancelled at once."""
    frozen, other = rig.asterisk("22"), rig.asterisk("22")
    room = rig.room(lambda number, before: Habit(ring=None) if before else Habit(keys="4@0.4"))
    d = rig.daemon(over={"prompts": PROMPTS}, trunks=[
        frozen.trunk(room.port, name="frozen"), other.trunk(room.port, name="other")])
    for name in ("frozen", "other"):
        wait_health(d, True, name)
    frozen.freeze()
    begun = time.time()
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged", 20)
    assert room.calls[0].times["invite"] - begun < 6.0
    assert d.calls(alert)[-1]["trunk"] == "other"
    room.wait("the end of the call", lambda: not room.live())
    frozen.thaw()
    wait_health(d, True, "frozen")
    frozen.wait_no_channels()
    for call in room.calls[1:]:
        room.wait_call("over", count=2)
        assert call.times["cancelled"] - call.times["invite"] < 1.0, "a stale call rings on"
    assert room.max_live == 1


# --- the way to Asterisk ----------------------------------------------------------------------

@pytest.fixture
def way(rig, pbx):
    """A proxy to the Asterisk, and what a trunk through it needs."""
    proxy = rig.proxy(pbx.http)
    proxy.settings = {"url": "http://127.0.0.1:%d/ari" % proxy.port}
    return proxy


@pytest.mark.parametrize("how", ["cut", "hold"])
@pytest.mark.parametrize("state", STATES)
def test_events_interrupted_while_requests_work(rig, pbx, way, state, how, tmp_path):
    case = Case(rig, pbx, state, tmp_path, **way.settings)
    getattr(way, how)("events")
    wait_health(case.d, False)
    assert len(case.room.calls) == 1
    way.free("events")
    wait_health(case.d, True)
    case.answer_and_press()
    case.is_acknowledged_in_this_call()


@pytest.mark.parametrize("how, results", [
    # Asterisk hangs up a call that is answered while its application is not there
    ("cut", ["lost", "acknowledged"]), ("hold", ["acknowledged"])])
def test_answered_while_nobody_listens(rig, pbx, way, how, results, tmp_path):
    case = Case(rig, pbx, "ringing", tmp_path, **way.settings)
    getattr(way, how)("events")
    wait_health(case.d, False)
    case.room.answer(case.call)
    case.room.wait_call("acked")
    way.free("events")
    wait_health(case.d, True)
    if how == "hold":
        case.room.press(case.call, "4", after=2.0)
    case.is_lost_and_called_again(results)
    assert case.room.max_live == 1


def test_hung_up_while_nobody_listened(rig, pbx, way, tmp_path):
    case = Case(rig, pbx, "speaking", tmp_path, **way.settings)
    way.cut("events")
    wait_health(case.d, False)
    case.room.hang_up(case.call)
    proc.wait_for("the end of its channel",
                  lambda: not any(c.startswith("PJSIP/") for c in pbx.channels()))
    way.free("events")
    case.is_lost_and_called_again()
    assert case.room.max_live == 1
    pbx.wait_no_channels()


@pytest.mark.parametrize("how", ["cut", "hold"])
def test_requests_interrupted_while_events_work(rig, pbx, way, how, tmp_path):
    """A key counts all the same; and the call is hung up when that is possible again."""
    case = Case(rig, pbx, "speaking", tmp_path, **way.settings)
    getattr(way, how)("rest")
    case.room.press(case.call, "4")
    case.d.wait_state(case.alert, "acknowledged")
    wait_health(case.d, False)
    way.free("rest")
    wait_health(case.d, True)
    case.is_acknowledged_in_this_call()


def test_answered_while_no_request_works(rig, pbx, way, tmp_path):
    """Nothing can be said at first; then it is, and the key counts."""
    case = Case(rig, pbx, "ringing", tmp_path, **way.settings)
    way.cut("rest")
    case.room.answer(case.call)
    case.d.wait_call(case.alert, "answered")
    wait_health(case.d, False)
    way.free("rest")
    wait_health(case.d, True)
    case.room.wait("speech", case.call.speech_at)
    case.state = "speaking"
    case.answer_and_press()
    case.is_acknowledged_in_this_call()


@pytest.mark.parametrize("pbx", ["22"], indirect=True)
def test_slow_answers(rig, pbx, way):
    way.delay("rest", 0.3)
    way.delay("events", 0.2)
    room = rig.room(lambda number, before: Habit(keys="4@2.5") if before else Habit(hangup=0.1))
    d = rig.daemon(room, asterisk=pbx, over={"prompts": PROMPTS}, **way.settings)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    d.wait_results(alert, ["unheard", "acknowledged"])
    assert room.max_live == 1


def disturb(seed):
    """Each event twice, each copy up to 60 ms late, so that they overtake each other; now and then
    one of long ago once more."""
    dice, old = random.Random(seed), []

    def changer(event):
        out = [(dice.random() * 0.06, event), (dice.random() * 0.06, event)]
        if event["type"] == "ChannelDtmfReceived":     # a person presses as he presses
            out = [(0, event)]
        if old and dice.random() < 0.2:
            out.append((0, dice.choice(old)))
        if event["type"] in ("ChannelDestroyed", "StasisStart", "StasisEnd", "ChannelStateChange",
                             "PlaybackFinished"):
            old.append(event)
        return out
    return changer


@pytest.mark.parametrize("seed", [1])
def test_events_doubled_and_out_of_order(rig, pbx, way, seed, tmp_path):
    way.change(disturb(seed))
    habits = [Habit(refuse=(486, "Busy Here")), Habit(hangup=0.4), Habit(ring=0.2, keys="4@2.5")]
    room = rig.room(lambda number, before: habits[min(before, 2)])
    d = rig.daemon(room, asterisk=pbx, over={
        "prompts": PROMPTS, "call": {"attempts": 5, "repeat_message": 5}}, **way.settings)
    alerts = [d.raise_alert("+4930%d" % i, MESSAGE) for i in range(4)]
    for alert in alerts:
        seen = d.wait_state(alert, "acknowledged", 90)
        calls = d.wait_results(alert, ["busy", "unheard", "acknowledged"])
        assert [c["keys"] for c in calls] == ["", "", "4"]
        over = [e["call_id"] for e in d.alert(alert)["timeline"] if e["what"] == "call.ended"]
        assert over == [c["id"] for c in calls], seen
    assert len(room.calls) == 12 and room.max_live == 1
    way.change(None)
    proc.wait_for("the trunk to be idle", lambda: trunk(d)["live"] == 0)


# --- who we are -------------------------------------------------------------------------------

def test_wrong_password(rig, pbx):
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(trunks=[pbx.trunk(room.port, name="wrong", password="wr0ng-secret"),
                           pbx.trunk(room.port, name="right", app="tocsin-right")])
    wait_health(d, True, "right")
    proc.wait_for("the reason", lambda: "401" in trunk(d, "wrong")["text"])
    assert not trunk(d, "wrong")["healthy"]
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    assert [c["trunk"] for c in d.calls(alert)] == ["right"]
    assert "wr0ng-secret" not in d.output()
    assert "wr0ng-secret" not in str(d.get("/v1/trunks").json) + str(d.get("/v1/plugins").json)


def test_password_changed_meanwhile(rig):
    """It is refused from now on, and taken again when it is right again."""
    asterisk = rig.asterisk("22")
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(room, asterisk=asterisk)
    wait_health(d, True)
    config = asterisk.dir + "/etc/ari.conf"
    with open(config) as f:
        text = f.read()
    for password, healthy in (("other", False), (asterisk.password, True)):
        with open(config, "w") as f:
            f.write(text.replace(asterisk.password, password))
        asterisk.cli("module reload res_ari.so")
        wait_health(d, healthy)
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")


def test_the_application_is_taken_by_another_program(rig, pbx):
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(room, asterisk=pbx)
    wait_health(d, True)
    app = d.config["trunks"][0]["app"]
    rivals = []
    for _ in range(8):                       # it takes the app back, but not for ever
        rivals.append(rig.keep(Client(pbx, app)))
        try:
            wait_health(d, False, timeout=2.0)
            wait_health(d, True, timeout=2.5)
        except proc.Failed:
            if not trunk(d)["healthy"]:
                break
    else:
        pytest.fail("two programs take the application from each other again and again")
    assert "another program has taken" in trunk(d)["text"]
    assert not trunk(d)["healthy"] and app in d.output()
    rivals[-1].close()
    wait_health(d, True, timeout=30)
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")


# --- the daemon -------------------------------------------------------------------------------

@pytest.mark.parametrize("state", STATES)
def test_the_daemon_is_killed(rig, pbx, state, tmp_path):
    """The call goes on, is adopted, and its key counts."""
    case = Case(rig, pbx, state, tmp_path)
    case.d.kill9()
    assert case.call.state in ("ringing", "up")
    case.d.restart()
    case.answer_and_press()
    case.is_acknowledged_in_this_call()


@pytest.mark.parametrize("pbx", ["22"], indirect=True)
def test_the_daemon_is_killed_and_the_message_is_heard_after_all(rig, pbx, tmp_path):
    case = Case(rig, pbx, "speaking", tmp_path)
    case.d.kill9()
    case.d.restart()
    begun = len(case.call.samples())
    case.room.wait("the whole message", lambda: len(case.call.samples()) - begun > 8000 * 9)
    voice = Voice(case.d, tmp_path)
    assert voice.places(case.call.save(tmp_path / "heard.wav"), MESSAGE)[-1] > begun / 8000
    case.answer_and_press()
    case.is_acknowledged_in_this_call()


def test_the_daemon_is_killed_and_the_person_hangs_up(rig, pbx, tmp_path):
    case = Case(rig, pbx, "speaking", tmp_path)
    case.d.kill9()
    case.room.hang_up(case.call)
    proc.wait_for("the end of its channel",
                  lambda: not any(c.startswith("PJSIP/") for c in pbx.channels()))
    case.d.restart()
    case.is_lost_and_called_again()
    assert case.room.max_live == 1


def test_the_daemon_is_killed_and_the_alert_is_resolved(rig, pbx, tmp_path):
    """What nobody wants any more is hung up."""
    case = Case(rig, pbx, "speaking", tmp_path)
    case.d.kill9()
    case.d.restart()
    case.d.post("/v1/alerts/%s/resolve" % case.alert, {"by": "alice"})
    case.room.wait_call("over")
    pbx.wait_no_channels()
    assert len(case.room.calls) == 1


@pytest.mark.parametrize("pbx", ["22"], indirect=True)
@pytest.mark.parametrize("after_ms", [0, 5, 20, 60])
def test_the_daemon_is_killed_right_after_the_202(rig, pbx, after_ms):
    room = rig.room(Habit(ring=0.3, keys="4@3.0,4@4.0,4@5.0"))
    d = rig.daemon(room, asterisk=pbx, over={"prompts": PROMPTS, "call": {"repeat_message": 9}})
    wait_health(d, True)
    alert = d.raise_alert(NUMBER)
    time.sleep(after_ms / 1000)
    d.kill9()
    d.restart()
    d.wait_state(alert, "acknowledged")
    assert room.max_live == 1
    room.wait("the last call to be over", lambda: not room.live())


def test_both_are_killed(rig, tmp_path):
    asterisk = rig.asterisk("22")
    case = Case(rig, asterisk, "speaking", tmp_path)
    case.d.kill9()
    asterisk.kill9()
    case.d.restart(ready=False)
    asterisk.start()
    case.d.wait_ready()
    case.is_lost_and_called_again()


def test_a_call_of_nobody_is_hung_up(rig, pbx):
    """Left by a daemon whose state is gone."""
    room = rig.room(Habit())
    d = rig.daemon(room, asterisk=pbx, over=LONG)
    d.raise_alert(NUMBER)
    room.wait_call("acked")
    d.kill9()
    fresh = rig.daemon(room, asterisk=pbx, app=d.config["trunks"][0]["app"])
    room.wait_call("over")
    pbx.wait_no_channels()
    assert fresh.alerts() == [] and len(room.calls) == 1
