# SPDX-License-Identifier: BSD-2-Clause
"""The rig around Asterisk itself, without tocsind: the peers do what the tests believe."""
import subprocess

import pytest

from rig import proc, wavcheck
from rig.asterisk import Client
from rig.phone import Person
from rig.room import Habit


def espeak(path, text):
    subprocess.run(["espeak-ng", "-w", path + ".22k", text], check=True)
    subprocess.run(["sox", "-D", path + ".22k", "-r", "8000", "-c", "1", "-b", "16", path,
                    "gain", "-n", "-3"], check=True)
    return path


@pytest.fixture
def client(rig, pbx):
    return rig.keep(Client(pbx, "rig"))


def call(client, port, number="123", mode="any", **more):
    status, channel = client.request("POST", "/channels", app=client.app, callerId="5550100",
                                     endpoint="PJSIP/%s/sip:%s@127.0.0.1:%d" % (mode, number, port),
                                     **dict({"timeout": 20}, **more))
    assert status == 200, channel
    return channel["id"]


def test_every_module_is_there(pbx):
    log = pbx.log()
    assert "declined to load" not in log and "Error loading module" not in log
    assert " ERROR[" not in log and " WARNING[" not in log


@pytest.mark.parametrize("kind", ["phone", "room"])
def test_a_telephone_hears_what_is_played_and_presses(rig, pbx, client, kind, tmp_path):
    said = espeak(str(tmp_path / "said.wav"), "The database server in Berlin is on fire.")
    other = espeak(str(tmp_path / "other.wav"), "All is quiet in the cellar tonight, sleep well.")
    if kind == "phone":
        phone = rig.phone(Person(digits="4@1"), numbers="123")
    else:
        phone = rig.room(Habit(keys="4@1,#@1.5"))
    channel = call(client, phone.port)
    client.wait("StasisStart", channel__id=channel)
    status, play = client.request("POST", "/channels/%s/play" % channel, media="sound:" + said[:-4])
    assert status == 201
    assert client.wait("ChannelDtmfReceived", channel__id=channel)["digit"] == "4"
    done = client.wait("PlaybackFinished", playback__id=play["id"])
    assert done["playback"]["state"] == "done"
    client.request("DELETE", "/channels/" + channel)
    assert client.wait("ChannelDestroyed", channel__id=channel)["cause"] == 16
    if kind == "phone":
        recording, = phone.heard()
    else:
        recording = phone.wait_call("ended").save(tmp_path / "heard.wav")
        assert client.wait("ChannelDtmfReceived", channel__id=channel, digit="#")
    assert wavcheck.is_in(wavcheck.find(said, recording))
    assert not wavcheck.is_in(wavcheck.find(other, recording))
    pbx.wait_no_channels()


def test_keys_by_sip_info(rig, pbx, client):
    room = rig.room(Habit(keys="4@0.2,#@0.4", info=True))
    channel = call(client, room.port, mode="any-info")
    for key in "4#":
        client.wait("ChannelDtmfReceived", channel__id=channel, digit=key)
    room.hang_up(room.calls[0])
    client.wait("ChannelDestroyed", channel__id=channel)
    assert [a[1] for a in room.calls[0].answers if "INFO" in a[0]] == ["200", "200"]


@pytest.mark.parametrize("code, cause", [(486, 17), (603, 21), (404, 1), (503, 34)])
def test_a_telephone_refuses(rig, pbx, client, code, cause):
    room = rig.room(Habit(refuse=(code, "Refused")))
    channel = call(client, room.port)
    end = client.wait("ChannelDestroyed", channel__id=channel)
    assert end["cause"] == cause
    assert pbx.major < 22 or end["tech_cause"] == code
    room.wait_call("over")


def test_a_telephone_rings_on(rig, pbx, client):
    room = rig.room(Habit(ring=None))
    channel = call(client, room.port)
    client.wait("ChannelStateChange", channel__id=channel, channel__state="Ringing")
    client.request("DELETE", "/channels/" + channel)
    room.wait_call("cancelled")
    room.wait_call("over")


def test_by_the_dialplan_and_in(rig, pbx, client):
    room = rig.room()
    pbx.set_global(PHONE=room.port, APP=client.app)
    status, channel = client.request("POST", "/channels", app=client.app, timeout=20,
                                     endpoint="Local/+4930@out")
    assert status == 200
    client.wait("StasisStart", channel__id=channel["id"])
    assert room.wait_call("acked").number == "+4930"
    client.request("DELETE", "/channels/" + channel["id"])
    room.wait_call("over")
    phone = rig.phone(numbers="+49177")
    phone.dial(pbx.uri("5550100"))
    start = client.wait("StasisStart", args=["5550100"])
    assert start["channel"]["caller"]["number"] == "+49177"
    client.request("POST", "/channels/%s/answer" % start["channel"]["id"])
    phone.wait_event("CALL_ESTABLISHED")
    client.request("DELETE", "/channels/" + start["channel"]["id"])
    phone.wait_idle()
    pbx.wait_no_channels()


def test_the_proxy_cuts_holds_and_changes(rig, pbx):
    class Through:
        http = None
    proxy = rig.proxy(pbx.http)
    Through.http = proxy.port
    client = Client(Through, "rig")
    room = rig.room()

    def again():
        channel = call(client, room.port)
        client.wait("ChannelDestroyed", channel__id=channel)
        return channel
    room.plan = lambda number, before: Habit(refuse=(486, "Busy Here"))
    again()
    assert set(proxy.seen) == {"events", "rest"} and proxy.events == [
        {k: v for k, v in e.items() if k != "t"} for e in client.seen]
    proxy.change(lambda e: [(0.2, e), (0, e)] if e["type"] == "ChannelDestroyed" else [])
    channel = again()
    proc.wait_for("the second copy", lambda: sum(
        e.get("channel", {}).get("id") == channel for e in client.seen) == 2)
    proxy.change(None)
    proxy.cut("rest")
    with pytest.raises(OSError):
        client.request("GET", "/asterisk/ping")
    proxy.free("rest")
    proxy.hold("events")
    channel = call(client, room.port)
    room.wait_call("over", count=3)
    assert all(e.get("channel", {}).get("id") != channel for e in client.seen)
    proxy.free("events")
    client.wait("ChannelDestroyed", channel__id=channel)
    proxy.cut("events")
    proc.wait_for("the end of the events", lambda: not client.alive)
    assert client.request("GET", "/asterisk/ping")[0] == 200
    with pytest.raises(Exception):
        Client(Through, "rig")


@pytest.mark.parametrize("version", ["22", "16"])
def test_killed_frozen_stopped_and_started_again(rig, version):
    asterisk = rig.asterisk(version, t1=100)
    asterisk.set_global(APP="elsewhere")
    client = Client(asterisk, "rig")
    asterisk.freeze()
    with pytest.raises(OSError):
        client.request("GET", "/asterisk/ping", patience=0.5)
    asterisk.thaw()
    assert client.request("GET", "/asterisk/ping")[0] == 200
    asterisk.kill9()
    asterisk.start()
    assert "elsewhere" in asterisk.cli("dialplan show globals")
    asterisk.restart()
    asterisk.stop_gracefully()
    assert asterisk.proc.wait(20) == 0
