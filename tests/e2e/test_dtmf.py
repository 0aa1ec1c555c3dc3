# SPDX-License-Identifier: BSD-2-Clause
"""Keys by SIP INFO, by tones in the sound, and too early; by RFC 4733 they are in test_call."""
import subprocess

import pytest

from conftest import NUMBER
from rig import sipp

TONES = {"4": (770, 1209), "*": (941, 1209), "6": (770, 1477)}


def tone_file(path, keys, gap=0.4, length=0.12):
    """DTMF tones as headerless mu-law at 8 kHz, made by sox."""
    parts = []
    for i, key in enumerate(keys):
        part = "%s-%d.wav" % (path, i)
        low, high = TONES[key]
        subprocess.run(["sox", "-D", "-n", "-r", "8000", "-c", "1", "-b", "16", part, "synth",
                        str(length), "sin", str(low), "sin", str(high), "channels", "1", "vol",
                        "0.5", "pad", str(gap), str(gap)], check=True)
        parts.append(part)
    subprocess.run(["sox", "-D"] + parts + ["-t", "ul", path], check=True)
    return path


@pytest.mark.parametrize("content_type", ["application/dtmf-relay", "application/dtmf"])
def test_sip_info(rig, content_type):
    peer = rig.peer(sipp.answer(sipp.pause(500) + sipp.info("9", 1, content_type)
                                + sipp.info("4", 2, content_type)))
    d = rig.daemon(peer)
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    call, = d.wait_results(alert, ["acknowledged"])
    assert call["keys"] == "94"
    assert peer.wait_message("BYE")
    assert len([m for m in peer.messages("200", sent=False) if m.cseq_method == "INFO"]) == 2


def test_tones_in_the_sound_when_no_telephone_event_is_offered(rig, tmp_path):
    tones = tone_file(str(tmp_path / "tones.ul"), "*4")
    peer = rig.peer(sipp.answer(sipp.pause(1000) + sipp.speak(tones), sdp=sipp.PLAIN_SDP))
    d = rig.daemon(peer, over={"call": {"repeat_message": 5}})
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "acknowledged")
    assert d.wait_results(alert, ["acknowledged"])[0]["keys"] == "*4"


def test_tones_are_not_taken_when_telephone_event_is_agreed(rig, tmp_path):
    """Else a phone that sends both would press each key twice."""
    tones = tone_file(str(tmp_path / "tones.ul"), "4")
    peer = rig.peer(sipp.answer(sipp.pause(1000) + sipp.speak(tones)))
    d = rig.daemon(peer, over={"call": {"attempts": 1}})
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    call, = d.calls(alert)
    assert call["result"] == "heard" and call["keys"] == ""


def test_early_keys_are_ignored(rig):
    """INFO before the answer presses nothing: nobody has heard anything yet."""
    peer = rig.peer(sipp.invite() + sipp.ringing() + sipp.pause(300)
                    + sipp.request("INFO", 1, "Signal=4\nDuration=160\n", "application/dtmf-relay")
                    + sipp.pause(500)
                    + sipp.reply(486, "Busy Here", cseq="CSeq: [$invite_cseq] INVITE")
                    + sipp.recv("ACK"))
    d = rig.daemon(peer, over={"call": {"attempts": 1}})
    alert = d.raise_alert(NUMBER)
    d.wait_state(alert, "exhausted")
    assert d.calls(alert)[0]["keys"] == ""
