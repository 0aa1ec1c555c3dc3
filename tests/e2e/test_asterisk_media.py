# SPDX-License-Identifier: BSD-2-Clause
"""The ways of speech to Asterisk: each by itself, and fifty calls at once, each with its own."""
import itertools
import os
import re
import time

import pytest

from conftest import NUMBER
from rig import ports, proc, wavcheck
from rig.room import Habit
from speech import GREETING, MENU, MESSAGE, PROMPTS, Voice

WAYS = ["file", "http", "websocket", "externalmedia"]
QUICK = {"greeting": "Bell.", "menu": "Press four.", "acknowledged": "Yes."}


def trunk(d, name="pbx"):
    return next(t for t in d.get("/v1/trunks").json["items"] if t["name"] == name)


def way_of(d):
    return proc.wait_for("a way of speech", lambda: next(
        (w for w in (trunk(d)["status"]["media"],) if w != "none"), None))


@pytest.mark.parametrize("way", WAYS + ["auto"])
def test_each_way(rig, pbx, way, tmp_path):
    """Heard whole, stopped at once by a key in its repetition, confirmed."""
    yes = "Acknowledged, thank you."
    room = rig.room()
    d = rig.daemon(room, asterisk=pbx, media=way, over={
        "prompts": dict(PROMPTS["prompts"], acknowledged=yes), "call": {"repeat_message": 5}})
    if way == "websocket" and pbx.major < 22:
        proc.wait_for("it to be said",
                      lambda: "chan_websocket" in trunk(d)["status"]["media_text"])
        assert trunk(d)["status"]["media"] == "none"
        return
    used = way_of(d)
    assert used == way if way != "auto" else used in WAYS
    assert trunk(d)["status"]["media_text"]
    voice = Voice(d, tmp_path)
    said = sum(map(voice.seconds, (GREETING, MESSAGE, MENU)))
    alert = d.raise_alert(NUMBER, MESSAGE)
    call = room.wait_call("acked")
    room.wait("the message to be repeated", lambda: len(call.packets) > 50 * (said + 0.6))
    pressed = time.time()
    room.press(call, "4")
    d.wait_state(alert, "acknowledged")
    room.wait_call("ended")
    seen, = d.wait_results(alert, ["acknowledged"])
    recording = call.save(tmp_path / "heard.wav")
    places = [voice.assert_in(recording, text).starts_at for text in (GREETING, MESSAGE, MENU)]
    assert places == sorted(places)
    assert len(voice.places(recording, MESSAGE)) == 1, "the second one was cut short"
    confirmed, = voice.places(recording, yes)
    key_at = pressed - call.packets[0][0]
    assert confirmed - key_at < 0.8, "speech did not stop at once"
    assert abs(seen["spoken_ms"] / 1000 - confirmed - voice.seconds(yes)) < 1.0
    assert call.speech_at() - call.times["acked"] < 1.5
    pbx.wait_no_channels()


def test_a_way_that_does_not_work_is_replaced_by_one_that_does(rig, pbx, tmp_path):
    """auto, with prompts that Asterisk cannot fetch and a folder that cannot be."""
    room = rig.room(Habit(keys="4@4"))
    (tmp_path / "file").write_text("no folder")
    d = rig.daemon(room, asterisk=pbx, media_dir=str(tmp_path / "file" / "media"),
                   over=dict(PROMPTS, http={"public_url": "http://127.0.0.1:%d" % ports.take()}))
    proc.wait_for("one that works", lambda: way_of(d) in ("websocket", "externalmedia"))
    d.wait_state(d.raise_alert(NUMBER, MESSAGE), "acknowledged")
    Voice(d, tmp_path).assert_in(room.wait_call("ended").save(tmp_path / "heard.wav"), MESSAGE)


def test_no_way_at_all_is_seen(rig, pbx):
    """http, and Asterisk cannot fetch: the trunk says so; nobody is called to hear nothing."""
    room = rig.room(Habit(keys="4@0.3"))
    d = rig.daemon(room, asterisk=pbx, media="http", over={
        "http": {"public_url": "http://127.0.0.1:%d" % ports.take()}})

    def said():
        status = trunk(d)["status"]
        return status["media"] == "none" and status["media_text"]
    assert "http" in proc.wait_for("it to be said", said)


def test_where_nothing_can_be_said_another_trunk_does(rig, pbx):
    """The trunk that cannot speak is not even asked: it is unhealthy, and says why."""
    room = rig.room(Habit(keys="4@0.5"))
    d = rig.daemon(trunks=[
        pbx.trunk(room.port, name="mute", media="http"),
        {"name": "direct", "uri": "sip:{number}@127.0.0.1:%d" % room.port}], over={
            "http": {"public_url": "http://127.0.0.1:%d" % ports.take()}})
    proc.wait_for("it to be unhealthy", lambda: not trunk(d, "mute")["healthy"])
    proc.wait_for("the reason", lambda: "speech: http" in trunk(d, "mute")["text"])
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    d.wait_results(alert, ["acknowledged"])
    assert [c["trunk"] for c in d.calls(alert)] == ["direct"]


def test_speech_that_works_again_is_noticed(rig, pbx, tmp_path):
    """A folder that Asterisk did not see is there after all: the trunk is healthy by itself."""
    room = rig.room(Habit(keys="4@0.5"))
    seen = tmp_path / "as-asterisk-names-it"
    ours = tmp_path / "as-we-name-it"
    ours.mkdir()
    d = rig.daemon(room, asterisk=pbx, media="file", media_dir=str(ours), media_path=str(seen))
    proc.wait_for("it to be unhealthy", lambda: "speech: file" in trunk(d)["text"])
    os.symlink(ours, seen)
    proc.wait_for("it to be healthy", lambda: trunk(d)["healthy"], 30)
    assert trunk(d)["status"]["media"] == "file"
    d.wait_state(d.raise_alert(NUMBER), "acknowledged")


# --- fifty ------------------------------------------------------------------------------------

PLACES = ("the cellar", "rack seven", "the roof", "Hamburg", "the north gate", "hall twelve",
          "the old mill")
THINGS = ("a pump", "the main switch", "the database", "one fan", "the water tank",
          "a backup tape", "the lift", "door nine", "the mail server", "a transformer")
FAULTS = ("has burst", "is on fire", "does not answer", "is under water", "makes strange noises",
          "was stolen", "is out of order", "runs backwards")


def messages(count):
    """Sentences of which no two have more than one part in common."""
    some = ["%s in %s %s." % (t.capitalize(), p, f) for i, (t, p, f) in enumerate(
        itertools.product(THINGS, PLACES, FAULTS))
        if (THINGS.index(t) + 3 * PLACES.index(p)) % len(FAULTS) == FAULTS.index(f)]
    assert len(some) >= count
    return some[:count]


@pytest.mark.parametrize("pbx, way", [
    ("22", "auto"), ("22", "websocket"), ("22", "externalmedia"), ("16", "http")], indirect=["pbx"])
def test_fifty_calls_at_once_each_with_its_own_message(rig, pbx, way, tmp_path):
    numbers = ["+4930%02d" % i for i in range(50)]
    said = dict(zip(numbers, messages(50)))
    room = rig.room(Habit(ring=0.2))
    d = rig.daemon(room, asterisk=pbx, media=way, max_calls=50, calls_per_second=50.0,
                   over={"prompts": dict(QUICK), "call": {"repeat_message": 20}})
    voice = Voice(d, tmp_path)
    longest = max(voice.seconds(text) for text in said.values()) + voice.seconds(QUICK["greeting"])
    alerts = {n: d.raise_alert(n, said[n]) for n in numbers}
    room.wait("fifty live calls", lambda: len(room.live()) == 50 and all(
        c.state == "up" for c in room.calls), 40)
    # the message in full, and a part of its repetition
    room.wait("all to have heard", lambda: all(
        len(c.packets) > 50 * (2 * longest + 1) for c in room.calls), 40)
    assert len(room.live()) == 50
    for call in room.calls:
        room.press(call, "4")
    for alert in alerts.values():
        d.wait_state(alert, "acknowledged", 30)
    room.wait("the end of all", lambda: not room.live())
    assert sorted(c.number for c in room.calls) == sorted(numbers)
    for i, number in enumerate(numbers):
        call, = room.of(number)
        recording = call.save("%s/%s.wav" % (tmp_path, re.sub(r"\W", "", number)))
        voice.assert_in(recording, said[number])
        for other in (numbers[(i + 1) % 50], numbers[(i + 17) % 50]):
            assert wavcheck.find_all(voice.wav(said[other]), recording, 0.6) == [], (number, other)
    pbx.wait_no_channels()
    assert room.max_live == 1
