# SPDX-License-Identifier: BSD-2-Clause
"""Answering machines: an estimate, never a success; and humans, who must not notice it.

Through the own SIP leg, and through Asterisk by each of what it can be heard by: its TALK_DETECT
(media file), and the sound that comes back (externalmedia, websocket).
"""
import pytest

from conftest import NUMBER
from rig.room import Habit
from speech import MESSAGE, PROMPTS, Voice, seconds, spoken

GREETING = ("You have reached the voice mail of Alice. I cannot take your call right now. "
            "Please leave a message after the tone.")

# (version of Asterisk or None, media way)
TRUNKS = [(None, None), ("22", "file"), ("22", "websocket"), ("22", "externalmedia"), ("16", "file")]
TWO = TRUNKS[:2]


def name(trunk):
    return "-".join(str(t) for t in trunk if t) or "sip"


@pytest.fixture(params=TRUNKS, ids=name)
def case(request, rig):
    """case(room, over): a daemon whose trunk guesses who has answered."""
    version, way = request.param

    def make(room, over):
        over = dict(PROMPTS, **over)
        if version:
            return rig.daemon(room, over, asterisk=rig.asterisk(version), media=way,
                              detect_machine=True)
        return rig.daemon(room, over, detect_machine=True)
    make.hears = way != "file"          # the beep, too
    return make


ONCE = {"call": {"attempts": 1, "repeat_message": 3}}
TWICE = {"call": {"attempts": 2, "repeat_message": 3, "redial": {"machine": "1s", "heard": "1s"}}}


def on_tape(call, voice, mailbox, folder):
    """Seconds after the end of what the machine says at which the message was begun.

    What is said before nobody hears: who has answered is not yet known.
    """
    recording = call.save(folder / ("%s.wav" % call.id[:8]))
    voice.assert_in(recording, MESSAGE)
    began = call.packets[0][0] - call.times["answered"] - seconds(mailbox)
    return [began + at for at in voice.places(recording, MESSAGE) if began + at > -0.3]


def test_voicemail_is_no_success(rig, case, tmp_path):
    """The message is left after the beep, once; the person is called again all the same."""
    mailbox = spoken(tmp_path / "mailbox.wav", GREETING, beep_hz=1000)
    room = rig.room(Habit(says=mailbox))
    d = case(room, TWICE)
    voice = Voice(d, tmp_path)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "exhausted")
    d.wait_results(alert, ["machine", "machine"])
    assert len(room.calls) == 2 and room.max_live == 1
    for call in room.calls:
        at, = on_tape(call, voice, mailbox, tmp_path)
        assert at < (3.0 if case.hears else 5.0)


@pytest.mark.parametrize("case", TWO, indirect=True, ids=name)
def test_a_greeting_without_a_beep(rig, case, tmp_path):
    """Silence is taken for it."""
    mailbox = spoken(tmp_path / "mailbox.wav", GREETING, pause_s=0)
    room = rig.room(Habit(says=mailbox))
    d = case(room, ONCE)
    voice = Voice(d, tmp_path)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "exhausted")
    d.wait_results(alert, ["machine"])
    at, = on_tape(room.calls[0], voice, mailbox, tmp_path)
    assert 1.5 < at < 5.0


def test_a_human_is_not_disturbed(rig, case, tmp_path):
    """Who says hello hears everything, whole and without a break."""
    room = rig.room(Habit(says=spoken(tmp_path / "hello.wav", "Hello?"), keys="4@8"))
    d = case(room, ONCE)
    voice = Voice(d, tmp_path)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "acknowledged", 30)
    d.wait_results(alert, ["acknowledged"])
    call = room.wait_call("ended")
    recording = call.save(tmp_path / "heard.wav")
    places = [voice.assert_in(recording, text).starts_at
              for text in (PROMPTS["prompts"]["greeting"], MESSAGE, PROMPTS["prompts"]["menu"])]
    assert places == sorted(places)
    assert places[1] - places[0] < voice.seconds(PROMPTS["prompts"]["greeting"]) + 1.5


@pytest.mark.parametrize("case", TWO, indirect=True, ids=name)
def test_a_key_while_the_greeting_plays_counts(rig, case, tmp_path):
    """It was a human after all, or one who has picked up meanwhile."""
    mailbox = spoken(tmp_path / "mailbox.wav", GREETING, beep_hz=850)
    room = rig.room(Habit(says=mailbox, keys="4@4.5"))
    d = case(room, ONCE)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "acknowledged", 20)
    assert d.wait_results(alert, ["acknowledged"])[0]["keys"] == "4"


def test_off_by_default(rig, tmp_path):
    room = rig.room(Habit(says=spoken(tmp_path / "mailbox.wav", GREETING, beep_hz=1000)))
    d = rig.daemon(room, dict(PROMPTS, **ONCE))
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "exhausted", 40)
    d.wait_results(alert, ["heard"])
