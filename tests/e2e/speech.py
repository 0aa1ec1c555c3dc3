# SPDX-License-Identifier: BSD-2-Clause
"""Speech in tests: rendered by the daemon's own voice, found in what a phone recorded; and what
people and machines say who are called."""
import subprocess
import wave

from rig import wavcheck

MESSAGE = "The database server in Berlin is on fire."

# Short prompts of known text, so that a test knows what comes when. Laid upon a configuration.
PROMPTS = {"prompts": {"greeting": "This is the bell.", "menu": "Press four."}}
GREETING, MENU = PROMPTS["prompts"]["greeting"], PROMPTS["prompts"]["menu"]


def seconds(path):
    with wave.open(str(path)) as w:
        return w.getnframes() / w.getframerate()


def spoken(path, text, beep_hz=None, beep_s=0.4, pause_s=0.6, voice="en-us"):
    """What a person or a machine says when it has answered, as a WAV of 8 kHz; returns its path.

    beep_hz  a tone so long after it; None: none
    """
    path = str(path)
    form = ["-r", "8000", "-c", "1", "-b", "16"]
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", path + ".voice.wav", text],
                   check=True)
    subprocess.run(["sox", "-D", path + ".voice.wav"] + form + [
        path, "gain", "-n", "-6", "pad", "0.4", str(pause_s)], check=True)
    if beep_hz:
        subprocess.run(["sox", "-D", "-n"] + form + [path + ".beep.wav", "synth", str(beep_s),
                        "sine", str(beep_hz), "gain", "-10"], check=True)
        subprocess.run(["sox", "-D", path, path + ".beep.wav", path + ".whole.wav"], check=True)
        return path + ".whole.wav"
    return path


class Voice:
    """The daemon's voice: texts as WAV files in a folder."""

    def __init__(self, daemon, folder):
        self.daemon, self.folder, self._known = daemon, str(folder), {}
        # an Asterisk is no part of the product: what it does to the sound when the machine
        # stands still is not looked at
        self.stalls = any(t["plugin"] == "ari" for t in daemon.config["trunks"])

    def wav(self, text):
        if text not in self._known:
            a = self.daemon.post("/v1/speech", {"text": text})
            assert a.status == 200, a
            assert a.headers["Content-Type"] == "audio/wav"
            path = "%s/say-%d.wav" % (self.folder, len(self._known))
            with open(path, "wb") as f:
                f.write(a.body)
            self._known[text] = path
        return self._known[text]

    def seconds(self, text):
        return seconds(self.wav(text))

    def assert_in(self, recording, text):
        """The recording has the text: whole, at its level, without a hole. Returns the match."""
        match = wavcheck.find(self.wav(text), recording)
        assert wavcheck.is_in(match) or (
            self.stalls and wavcheck.in_pieces(self.wav(text), recording)), (text, match)
        return match

    def places(self, recording, text):
        """Seconds at which the text begins in the recording."""
        return wavcheck.find_all(self.wav(text), recording)
