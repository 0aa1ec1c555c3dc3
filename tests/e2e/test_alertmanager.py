# SPDX-License-Identifier: BSD-2-Clause
"""Alertmanager's webhook: the whole chain from a Prometheus rule, and captured payloads."""
import copy
import json
import os

import pytest

from conftest import NUMBER
from rig import sipp
from rig.phone import Person
from speech import PROMPTS, Voice

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
TEMPLATE = "{{labels.alertname}}: {{annotations.summary}}"


def trigger(**more):
    return {"triggers": [
        {"name": "api", "plugin": "http_api"},
        dict({"name": "am", "plugin": "alertmanager", "default_target": NUMBER,
              "template": TEMPLATE}, **more)]}


def payload(name):
    with open("%s/%s.json" % (FIXTURES, name)) as f:
        return json.load(f)


def test_a_rule_fires_a_person_acknowledges(rig, tmp_path):
    """Prometheus -> Alertmanager -> tocsind -> telephone -> key 4; resolved when it is over."""
    phone = rig.phone(Person(delay=0.5))
    d = rig.daemon(phone, over=dict(PROMPTS, call={"repeat_message": 5}, **trigger()))
    am = rig.alertmanager(d)
    prom = rig.prometheus(am, "DiskFull", {"severity": "critical"},
                          {"summary": "The disk of the mail server is full"})
    prom.trouble(True)
    phone.wait_event("CALL_ESTABLISHED", timeout=60)
    alert, = d.alerts()
    assert alert["message"] == "DiskFull: The disk of the mail server is full"
    assert alert["severity"] == "critical" and alert["source"] == "alertmanager/am"
    assert alert["labels"]["alertname"] == "DiskFull" and alert["target"] == NUMBER
    voice = Voice(d, tmp_path)
    phone.press("4", after=voice.seconds(PROMPTS["prompts"]["greeting"])
                + voice.seconds(alert["message"]) + 1.0)
    d.wait_state(alert["id"], "acknowledged")
    phone.wait_event("CALL_CLOSED")
    voice.assert_in(phone.heard()[0], alert["message"])
    prom.trouble(False)
    d.wait_state(alert["id"], "resolved")
    assert len(d.alerts()) == 1 and len(phone.of("CALL_INCOMING")) == 1


def test_resolved_stops_the_ringing(rig):
    phone = rig.phone(Person(delay=None))
    d = rig.daemon(phone, over=dict(trigger(), call={"ring_timeout": "60s"}))
    am = rig.alertmanager(d)
    am.send({"alertname": "LinkDown", "host": "a"}, {"summary": "Link down"})
    phone.wait_event("CALL_INCOMING")
    alert, = d.alerts()
    am.resolve({"alertname": "LinkDown", "host": "a"}, {"summary": "Link down"})
    phone.wait_event("CALL_CLOSED")
    d.wait_state(alert["id"], "resolved")
    assert d.wait_results(alert["id"], ["cancelled"])
    assert len(phone.of("CALL_INCOMING")) == 1


def test_resolved_with_an_earlier_start(rig):
    """Two Prometheus servers see an alert begin at two times; Alertmanager tells the earlier."""
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over=dict(trigger(), call={"ring_timeout": "60s"}))
    body = payload("firing-single")
    assert d.post("/v1/alertmanager", body, token=d.token).status in (200, 202)
    peer.wait_message("INVITE")
    body["alerts"][0].update(status="resolved", startsAt="2026-11-22T14:02:41.632Z",
                             endsAt="2026-11-22T14:05:00Z")
    assert d.post("/v1/alertmanager", body, token=d.token).status in (200, 202)
    alert, = d.alerts()
    d.wait_state(alert["id"], "resolved", timeout=5)
    peer.wait_message("CANCEL")


def test_an_alert_is_taken_once(rig):
    """Repeats, and the second of two Alertmanagers, make no second alert; a new startsAt does."""
    phone = rig.phone(Person(digits="4@0.5"))
    d = rig.daemon(phone, over=trigger())
    body = payload("firing-single")
    for _ in range(3):
        assert d.post("/v1/alertmanager", body, token=d.token).status in (200, 202)
    alert, = d.alerts()
    d.wait_state(alert["id"], "acknowledged")
    again = copy.deepcopy(body)
    again["alerts"][0]["startsAt"] = "2026-11-22T15:00:00Z"
    assert d.post("/v1/alertmanager", again, token=d.token).status in (200, 202)
    assert len(d.alerts()) == 2


def test_each_alert_of_a_group_by_its_own_status(rig):
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over=trigger())
    assert d.post("/v1/alertmanager", payload("mixed-firing-and-resolved"),
                  token=d.token).status in (200, 202)
    alerts = d.alerts()
    assert [a["labels"]["alertname"] for a in alerts if a["state"] == "open"] == ["Slow"]
    assert len(alerts) == 1, "a resolved one that never fired here is nothing to call about"
    assert d.post("/v1/alertmanager", payload("firing-grouped-truncated"),
                  token=d.token).status in (200, 202)
    firing = len(payload("firing-grouped-truncated")["alerts"])
    assert len(d.alerts()) == 1 + firing
    assert d.post("/v1/alertmanager", payload("resolved-grouped"),
                  token=d.token).status in (200, 202)


def test_routes_pick_target_and_text(rig):
    peer = rig.peer(sipp.ring())
    d = rig.daemon(peer, over=trigger(routes=[
        {"name": "net", "match": {"team": "net"}, "target": "+49111",
         "template": "Network: {{labels.alertname}}", "severity": "warning"},
        {"name": "db", "match": {"team": "db", "severity": "critical"}, "target": "+49222"}]))

    def post(path, **labels):
        body = payload("firing-single")
        one = body["alerts"][0]
        one["labels"] = dict(labels, alertname="X")
        one["fingerprint"] = "%016x" % (len(d.alerts()) + 1)
        a = d.post("/v1/alertmanager" + path, body, token=d.token)
        assert a.status in (200, 202), a
        return d.alerts()[0]

    net = post("", team="net", severity="critical")
    assert (net["target"], net["message"], net["severity"]) == ("+49111", "Network: X", "warning")
    db = post("", team="db", severity="critical")
    assert (db["target"], db["message"]) == ("+49222", "X: Always firing")
    other = post("", team="db", severity="info")
    assert other["target"] == NUMBER and other["severity"] == "info"
    named = post("/net", team="whatever")
    assert named["target"] == "+49111"
    a = d.post("/v1/alertmanager/nowhere", payload("firing-single"), token=d.token)
    assert a.status == 404 and len(d.alerts()) == 4


def test_alertmanager_retries_over_a_restart(rig):
    """While the daemon is down Alertmanager gets no answer; nothing is lost."""
    phone = rig.phone(Person(digits="4@0.5"))
    d = rig.daemon(phone, over=trigger())
    am = rig.alertmanager(d)
    d.stop()
    am.send({"alertname": "Late"}, {"summary": "It was down"})
    d.restart()
    phone.wait_event("CALL_INCOMING", timeout=60)
    alert, = d.alerts()
    d.wait_state(alert["id"], "acknowledged")


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_a_token_nothing_is_taken(rig, token):
    d = rig.daemon(over=trigger())
    a = d.post("/v1/alertmanager", payload("firing-single"), token=token, tcp=True)
    assert a.status == 401 and d.alerts() == []
