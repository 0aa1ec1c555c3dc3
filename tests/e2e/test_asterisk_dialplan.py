# SPDX-License-Identifier: BSD-2-Clause
"""py-phone-caller's dialplan, unchanged: its words before and after the message, its callbacks."""
import subprocess

import pytest

from conftest import NUMBER
from rig import proc, wavcheck
from rig.room import Habit
from speech import GREETING, MENU, MESSAGE, PROMPTS, Voice

WORDS = {"greeting": "Good evening, this is the alarm system of the works.",
         "press-4": "To confirm the message that you have heard, please press four now.",
         "goodbye": "Thank you very much, and have a quiet night."}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """What the site's dialplan plays, as 8 kHz WAV files; NAME.said.wav without the silence."""
    folder = str(tmp_path_factory.mktemp("sounds"))
    for name, text in WORDS.items():
        raw, said, path = ("%s/%s.%s" % (folder, name, end) for end in ("22k.wav", "said.wav",
                                                                        "wav"))
        subprocess.run(["espeak-ng", "-w", raw, text], check=True)
        subprocess.run(["sox", "-D", raw, "-r", "8000", "-c", "1", "-b", "16", said, "gain", "-n",
                        "-3"], check=True)
        subprocess.run(["sox", "-D", said, path, "pad", "0", "0.3"], check=True)
    return folder


@pytest.fixture
def site(rig, pbx, sounds):
    """start(room) -> a daemon whose calls go through that dialplan."""
    def start(room, **over):
        d = rig.daemon(room, asterisk=pbx, context="py-phone-caller", extension="3216",
                       over=dict(PROMPTS, call=dict({"attempts": 1}, **over), triggers=[
                           {"name": "api", "plugin": "http_api", "dialplan_callbacks": True}]))
        pbx.set_global(APP=d.config["trunks"][0]["app"], CALLBACK=d.url, SOUNDS=sounds)
        return d
    return start


def until_heard(room, call, wav):
    """Wait until the call has heard the end of a WAV."""
    def there():
        recording = call.save(wav + ".heard")
        found = wavcheck.find_all(wav, recording, 0.8) if len(call.packets) > 20 else []
        return bool(found)
    proc.wait_for("%s to be heard" % wav, there, 30, every=0.3)


def test_acknowledged_by_the_dialplan(rig, pbx, site, sounds, tmp_path):
    room = rig.room()
    d = site(room)
    alert = d.raise_alert(NUMBER, MESSAGE)
    call = room.wait_call("acked")
    until_heard(room, call, sounds + "/press-4.said.wav")
    room.press(call, "4", after=0.7)
    d.wait_state(alert, "acknowledged")
    room.wait_call("ended")
    seen, = d.wait_results(alert, ["acknowledged"])
    recording, voice = call.save(tmp_path / "heard.wav"), Voice(d, tmp_path)
    site_said = {name: wavcheck.find_all("%s/%s.said.wav" % (sounds, name), recording, 0.8)
                 for name in WORDS}
    order = [site_said["greeting"], voice.places(recording, MESSAGE), site_said["press-4"],
             site_said["goodbye"]]
    assert [len(p) for p in order] == [1, 1, 1, 1] and order == sorted(order), order
    for ours in (GREETING, MENU):
        assert voice.places(recording, ours) == [], "the dialplan greets, not we"
    assert seen["spoken_ms"] / 1000 == pytest.approx(voice.seconds(MESSAGE), abs=0.5)
    pbx.wait_no_channels()


@pytest.mark.parametrize("pbx", ["22"], indirect=True)
def test_heard_and_no_key(rig, pbx, site):
    room = rig.room(lambda number, before: Habit(hangup=0.8) if before else Habit())
    d = site(room, attempts=2)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "exhausted", 60)
    assert d.results(alert) == ["heard", "unheard"], "the second hung up in the dialplan's greeting"
    assert room.max_live == 1


def test_callbacks_name_a_call_of_ours(rig, pbx, site):
    room = rig.room(Habit(refuse=(486, "Busy Here")))
    d = site(room)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "exhausted")
    for path in ("/heard", "/ack"):
        assert d.get(path, tcp=True).status >= 400
        for who in ("", "nobody", "0" * 300):
            assert d.get("%s?asterisk_chan=%s" % (path, who), tcp=True).status >= 400
    assert d.alert(alert)["state"] == "exhausted"


def test_busy_before_the_dialplan(rig, pbx, site):
    room = rig.room(lambda number, before: Habit(hangup=0.5) if before
                    else Habit(refuse=(486, "Busy Here")))
    d = site(room, attempts=2)
    alert = d.raise_alert(NUMBER, MESSAGE)
    d.wait_state(alert, "exhausted", 60)
    assert d.results(alert) == ["busy", "unheard"]


@pytest.mark.parametrize("pbx", ["22"], indirect=True)
def test_the_daemon_is_killed_while_the_dialplan_speaks(rig, pbx, site, sounds):
    """The call goes on; the callback of the key reaches the new process and counts."""
    room = rig.room()
    d = site(room)
    alert = d.raise_alert(NUMBER, MESSAGE)
    call = room.wait_call("acked")
    proc.wait_for("the dialplan to go on", lambda: "released" in str(d.alert(alert)["timeline"]))
    d.kill9()
    d.restart()
    until_heard(room, call, sounds + "/press-4.said.wav")
    room.press(call, "4", after=0.7)
    d.wait_state(alert, "acknowledged")
    room.wait_call("ended")
    d.wait_results(alert, ["acknowledged"])
    assert len(room.calls) == 1
