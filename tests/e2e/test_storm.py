# SPDX-License-Identifier: BSD-2-Clause
"""A storm: many alerts at once, by the real Alertmanager, are one call and not hundreds."""
from conftest import NUMBER
from rig import proc
from rig.phone import Person

ALERTS = 200


def over():
    return {"triggers": [{"name": "api", "plugin": "http_api"},
                         {"name": "am", "plugin": "alertmanager", "default_target": NUMBER}]}


def storm():
    """Ten rules fire on twenty machines each; every tenth machine is worse."""
    return [{"labels": {"alertname": "Rule%d" % (i % 10), "instance": "host%03d" % (i // 10),
                        "severity": "critical" if i // 10 % 10 == 0 else "warning"},
             "annotations": {"summary": "Number %d" % i}} for i in range(ALERTS)]


def test_two_hundred_alerts_are_one_call(rig):
    """He answers once all are there, and acknowledges all by pressing 4 twice."""
    phone = rig.phone(Person(delay=4, digits="4@6,4@6.6"))
    d = rig.daemon(phone, over=dict(over(), call={"ring_timeout": "60s"}))
    am = rig.alertmanager(d)
    am.send_all(storm())
    proc.wait_for("all alerts", lambda: len(d.alerts()) == ALERTS, 30)
    proc.wait_for("all to be acknowledged",
                  lambda: len(d.alerts("state=acknowledged")) == ALERTS, 60, every=0.3)
    phone.wait_event("CALL_CLOSED")
    proc.wait_for("the call's end", lambda: all(
        c["state"] == "ended" for c in d.list("/v1/calls", "")), 20)
    call, = d.list("/v1/calls", "")
    assert call["result"] == "acknowledged"
    for alert in d.alerts()[::33]:           # each tells that it was one of many
        assert any(e["what"] == "call.bundled" for e in d.alert(alert["id"])["timeline"])
    assert len(phone.of("CALL_INCOMING")) == 1 and phone.max_live == 1
    assert {a["acknowledged_by"] for a in d.alerts()} == {NUMBER}


def test_a_storm_that_goes_on_while_he_listens(rig):
    """More of them come in during the call: there is never a second call at the same time."""
    phone = rig.phone(Person(delay=1, digits="4@20,4@20.6"), Person(delay=1, digits="4@6,4@6.6"))
    d = rig.daemon(phone, over=dict(over(), call={"ring_timeout": "60s"}))
    am = rig.alertmanager(d)
    alerts = storm()
    for i in range(0, ALERTS, 40):
        am.send_all(alerts[i:i + 40])
        proc.wait_for("these alerts", lambda: len(d.alerts()) >= i + 40, 30)
    proc.wait_for("all to be acknowledged",
                  lambda: len(d.alerts("state=acknowledged")) == ALERTS, 100, every=0.3)
    assert phone.max_live == 1 and len(phone.of("CALL_INCOMING")) <= 2
