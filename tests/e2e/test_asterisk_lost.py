# SPDX-License-Identifier: BSD-2-Clause
"""Asterisk is away for long; and a dialplan that has the call when something happens."""
import wave

import pytest

from conftest import NUMBER
from rig import proc
from rig.asterisk import Client
from rig.room import Habit
from speech import MESSAGE, Voice

PROMPTS = {"greeting": "This is the bell.", "menu": "Press four.", "acknowledged": "Yes."}
LONG = {"prompts": PROMPTS, "call": {"repeat_message": 20, "ring_timeout": "60s"}}

DIALPLAN = """
[loop]
exten => plan,1,Wait(0.5)
 same => n(say),Stasis(${APP})
 same => n,Read(KEY,,1,,1,10)
 same => n,GotoIf($["${KEY}" = "1"]?say)
 same => n,Wait(30)
"""


def wait_health(d, healthy, name):
    proc.wait_for("trunk %s to be %s" % (name, "healthy" if healthy else "unhealthy"), lambda: next(
        t for t in d.get("/v1/trunks").json["items"] if t["name"] == name)["healthy"] == healthy)


@pytest.fixture
def two(rig):
    """start(away, **first) -> room, daemon: with the trunks "away" and "near"."""
    def start(away, **first):
        near = rig.asterisk("22")
        room = rig.room(lambda number, before: Habit(keys="4@0.6") if before else Habit())
        d = rig.daemon(over=LONG, trunks=[
            away.trunk(room.port, name="away", lost_after="3s", **first),
            near.trunk(room.port, name="near", app="tocsin-near")])
        for name in ("away", "near"):
            wait_health(d, True, name)
        return room, d
    return start


def is_called_by_the_other_trunk(room, d, alert):
    d.wait_state(alert, "acknowledged", 20)
    assert [c["trunk"] for c in d.wait_results(alert, ["lost", "acknowledged"])] == ["away", "near"]
    assert len(room.calls) == 2


def test_asterisk_stays_away(rig, two):
    """Its call is not waited for: the person is called by the other trunk."""
    asterisk = rig.asterisk("22")
    room, d = two(asterisk)
    alert = d.raise_alert(NUMBER, MESSAGE)
    room.wait("speech", room.wait_call("acked").speech_at)
    asterisk.kill9()
    is_called_by_the_other_trunk(room, d, alert)


def test_asterisk_is_out_of_reach_for_long(rig, two):
    """What is left of its call is hung up when it can be reached again."""
    asterisk = rig.asterisk("22")
    way = rig.proxy(asterisk.http)
    room, d = two(asterisk, url="http://127.0.0.1:%d/ari" % way.port)
    alert = d.raise_alert(NUMBER, MESSAGE)
    first = room.wait_call("acked")
    room.wait("speech", first.speech_at)
    way.hold("events")
    way.hold("rest")
    is_called_by_the_other_trunk(room, d, alert)
    assert first.state != "over"
    way.free("events")
    way.free("rest")
    room.wait("the end of the first call", lambda: first.state == "over")
    asterisk.wait_no_channels()
    assert len(room.calls) == 2


@pytest.fixture
def loop(rig):
    """start(room) -> a daemon whose calls go through the dialplan above."""
    def start(room, version="22"):
        asterisk = rig.asterisk(version, extra={"extensions": DIALPLAN})
        d = rig.daemon(room, asterisk=asterisk, context="loop", extension="plan",
                       over={"prompts": PROMPTS, "call": {"attempts": 1}})
        asterisk.set_global(APP=d.config["trunks"][0]["app"])
        return d, asterisk
    return start


def released(d, alert):
    return sum(e["what"] == "call.released" for e in d.alert(alert)["timeline"])


def recorded(call, path):
    """What was heard, and 0.1 s of silence: Asterisk leaves out a last frame that is not full."""
    call.save(path)
    with wave.open(str(path)) as f:
        settings, sound = f.getparams(), f.readframes(f.getnframes())
    with wave.open(str(path), "wb") as f:
        f.setparams(settings)
        f.writeframes(sound + bytes(1600))
    return path


def wait_released(d, alert, count):
    proc.wait_for("the dialplan to go on", lambda: released(d, alert) >= count, 30)


@pytest.mark.parametrize("version", ["22", "16"])
def test_the_dialplan_lets_it_be_heard_again(rig, loop, version, tmp_path):
    room = rig.room()
    d, asterisk = loop(room, version)
    alert = d.raise_alert(NUMBER, MESSAGE)
    call = room.wait_call("acked")
    wait_released(d, alert, 1)
    room.press(call, "1", after=0.5)
    voice = Voice(d, tmp_path)
    proc.wait_for("the message to be heard twice", lambda: len(
        voice.places(recorded(call, tmp_path / "heard.wav"), MESSAGE)) == 2, 20, every=0.3)
    wait_released(d, alert, 2)
    room.hang_up(call)
    d.wait_results(alert, ["heard"])
    asterisk.wait_no_channels()


def test_resolved_while_the_dialplan_has_the_call(rig, loop):
    room = rig.room()
    d, asterisk = loop(room)
    alert = d.raise_alert(NUMBER, MESSAGE)
    call = room.wait_call("acked")
    wait_released(d, alert, 1)
    d.post("/v1/alerts/%s/resolve" % alert, {"by": "alice"})
    room.wait("the end of the call", lambda: call.state == "over", 5)
    d.wait_results(alert, ["heard"])
    asterisk.wait_no_channels()


@pytest.mark.parametrize("version", ["22", "16"])
def test_the_daemon_is_killed_before_the_dialplan(rig, loop, version):
    """It is answered after the restart: the dialplan comes first all the same."""
    room = rig.room(Habit(ring=None))
    d, asterisk = loop(room, version)
    alert = d.raise_alert(NUMBER, MESSAGE)
    call = room.wait_call("ringing")
    d.wait_call(alert, "ringing")
    d.kill9()
    d.restart()
    room.answer(call)
    wait_released(d, alert, 1)
    room.hang_up(call)
    d.wait_results(alert, ["heard"])
    assert "plan@loop" in asterisk.log()


@pytest.mark.parametrize("version", ["22", "16"])
def test_the_daemon_is_killed_after_the_message(rig, loop, version):
    """The next one knows that it was heard."""
    room = rig.room()
    d, asterisk = loop(room, version)
    alert = d.raise_alert(NUMBER, MESSAGE)
    call = room.wait_call("acked")
    wait_released(d, alert, 1)
    d.kill9()
    d.restart()
    wait_released(d, alert, 2)
    room.hang_up(call)
    d.wait_results(alert, ["heard"])
    asterisk.wait_no_channels()


def test_events_stop_without_a_word(rig, pbx):
    """Asterisk gives them to another connection that has ended: that is noticed, and ours made anew."""
    way = rig.proxy(pbx.http)
    way.change(lambda event: [] if event["type"] == "ApplicationReplaced" else [(0, event)])
    room = rig.room(Habit(keys="4@0.6"))
    d = rig.daemon(room, asterisk=pbx, over={"prompts": PROMPTS},
                   url="http://127.0.0.1:%d/ari" % way.port)
    wait_health(d, True, "pbx")
    Client(pbx, d.config["trunks"][0]["app"]).close()
    # 16 forgets the application, 22 goes on as if somebody heard it
    proc.wait_for("the silence to be noticed", lambda: any(
        why in d.output() for why in ("do not arrive", "forgotten our application")), 15)
    wait_health(d, True, "pbx")
    d.wait_state(d.raise_alert(NUMBER, MESSAGE), "acknowledged")
    assert len(room.calls) == 1
