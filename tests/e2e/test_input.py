# SPDX-License-Identifier: BSD-2-Clause
"""Bad input: a 4xx with problem+json that names the field, and nothing is stored."""
import json

import pytest

from conftest import NUMBER, Rig

GOOD = {"target": NUMBER, "message": "Fire."}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One daemon for the whole file."""
    rig = Rig(tmp_path_factory.mktemp("input"))
    yield rig.daemon()
    rig.close()


@pytest.fixture
def d(daemon):
    """The daemon; after the test it has stored nothing."""
    before = daemon.alerts(), daemon.get("/v1/tokens").json["items"]
    yield daemon
    assert (daemon.alerts(), daemon.get("/v1/tokens").json["items"]) == before


def problem(answer, statuses=(400, 422)):
    """The answer is a problem (RFC 9457) with one of these statuses; returns its field."""
    assert answer.status in statuses, answer
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json"
    assert answer.json["status"] == answer.status
    assert answer.json["title"] and answer.json["type"] and answer.json["detail"]
    return answer.json.get("field")


def without(key):
    return {k: v for k, v in GOOD.items() if k != key}


@pytest.mark.parametrize("field, body", [
    ("target", without("target")),
    ("message", without("message")),
    ("target", dict(GOOD, target=None)),
    ("message", dict(GOOD, message=None)),
    ("message", dict(GOOD, message="")),
    ("message", dict(GOOD, message=5)),
    ("message", dict(GOOD, message=["Fire."])),
    ("message", dict(GOOD, message="a\u0000b")),
    ("target", dict(GOOD, target=4930)),
    ("target", dict(GOOD, target="")),
    ("target", dict(GOOD, target="alice")),
    ("target", dict(GOOD, target="+49 abc")),
    ("target", dict(GOOD, target="sip:alice@example.com")),
    ("target", dict(GOOD, target="contact:nobody")),
    ("target", dict(GOOD, target="schedule:none")),
    ("target", dict(GOOD, target="policy:none")),
    ("target", dict(GOOD, target="+" + "1" * 200)),
    ("labels", dict(GOOD, labels=[])),
    ("labels", dict(GOOD, labels="a=b")),
    ("labels.a", dict(GOOD, labels={"a": 1})),
    ("strategy", dict(GOOD, strategy="fax")),
    ("strategy", dict(GOOD, strategy=1)),
    ("severity", dict(GOOD, severity={})),
    ("dedup_key", dict(GOOD, dedup_key=7)),
    ("mesage", dict(GOOD, mesage="typo")),
    ("wibble", dict(GOOD, wibble=None)),
], ids=lambda v: v if isinstance(v, str) else json.dumps(v)[:60])
def test_field_is_named(d, field, body):
    assert problem(d.post("/v1/alerts", body)) == field


@pytest.mark.parametrize("body", [
    b"", b"{", b'{"message": "Fire.", "target": ', b"[]", b"null", b'"text"', b"4", b"{} {}",
    b"not json", b"[" * 100000, b'{"a":' * 50000,
    b'{"message": "Fire.", "message": "Twice.", "target": "+4930"}',
    b'{"message": "\xff\xfe", "target": "+4930"}',
    b'{"message": "cut \xe2\x82", "target": "+4930"}',
    b'{"message": "overlong \xc0\xaf", "target": "+4930"}',
    b'{"message": "half a pair \\ud800", "target": "+4930"}',
], ids=lambda b: repr(b[:40]))
def test_no_json_object(d, body):
    problem(d.post("/v1/alerts", body))
    problem(d.post("/v1/alertmanager", body))


@pytest.mark.parametrize("size", [9000, 900000])
def test_a_message_that_nobody_can_listen_to(d, size):
    assert problem(d.post("/v1/alerts", dict(GOOD, message="x" * size))) == "message"


@pytest.mark.parametrize("size", [1 << 20, 20 << 20])
def test_a_body_that_is_too_large(d, size):
    problem(d.post("/v1/alerts", dict(GOOD, message="x" * size)), (413,))
    problem(d.post("/v1/alertmanager", dict(GOOD, message="x" * size)), (413,))


def one(**change):
    alert = {"status": "firing", "labels": {"alertname": "X"}, "annotations": {"summary": "s"},
             "startsAt": "2026-11-22T14:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
             "generatorURL": "", "fingerprint": "0123456789abcdef"}
    alert.update(change)
    return {"version": "4", "receiver": "r", "status": "firing",
            "alerts": [{k: v for k, v in alert.items() if v is not None}],
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
            "groupKey": "{}", "truncatedAlerts": 0}


@pytest.mark.parametrize("field, body", [
    ("alerts", dict(one(), alerts=[])),
    ("alerts", dict(one(), alerts={})),
    ("alerts", {k: v for k, v in one().items() if k != "alerts"}),
    ("version", dict(one(), version="3")),
    ("alerts[0]", dict(one(), alerts=["x"])),
    ("alerts[0].status", one(status="sleeping")),
    ("alerts[0].status", one(status=None)),
    ("alerts[0].labels", one(labels=[])),
    ("alerts[0].labels.a", one(labels={"a": 5})),
    ("alerts[0].startsAt", one(startsAt="yesterday")),
    ("alerts[0].fingerprint", one(fingerprint=5)),
], ids=lambda v: v if isinstance(v, str) else "")
def test_alertmanager_field_is_named(d, field, body):
    assert problem(d.post("/v1/alertmanager", body)) == field


def test_a_bad_one_among_good_ones_stores_none(d):
    body = one()
    body["alerts"].append(dict(body["alerts"][0], status="sleeping", fingerprint="2"))
    assert problem(d.post("/v1/alertmanager", body)) == "alerts[1].status"


@pytest.mark.parametrize("path, field", [
    ("/v1/alerts?limit=501", "limit"), ("/v1/alerts?limit=0", "limit"),
    ("/v1/alerts?limit=x", "limit"), ("/v1/alerts?state=sleeping", "state"),
    ("/v1/alerts?since=yesterday", "since"), ("/v1/alerts?wibble=1", "wibble"),
    ("/v1/calls?limit=-1", "limit"), ("/v1/calls?state=x", "state"),
    ("/v1/alerts?cursor=%00", "cursor"),
])
def test_query_is_checked(d, path, field):
    assert problem(d.get(path)) == field


def test_what_is_not_there(d):
    nobody = "01890000-0000-7000-8000-000000000000"
    for path in ("/v1/alerts/" + nobody, "/v1/alerts/x", "/v1/alerts/%00", "/v1/calls/" + nobody,
                 "/v1/nothing", "/", "/v1/alerts/../../etc/passwd"):
        problem(d.get(path), (400, 404))
    problem(d.post("/v1/alerts/%s/acknowledge" % nobody), (404,))
    a = d.request("DELETE", "/v1/alerts")
    problem(a, (405,))
    assert "POST" in a.headers["Allow"] and "GET" in a.headers["Allow"]


@pytest.mark.parametrize("field, body", [
    ("text", {}), ("text", {"text": ""}), ("text", {"text": 5}),
    ("voice", {"text": "a", "voice": "x"}), ("wibble", {"text": "a", "wibble": 1})])
def test_speech_is_checked(d, field, body):
    assert problem(d.post("/v1/speech", body)) == field


@pytest.mark.parametrize("field, body", [
    ("name", {"scope": "alert"}), ("scope", {"name": "x"}),
    ("scope", {"name": "x", "scope": "god"})])
def test_token_is_checked(d, field, body):
    assert problem(d.post("/v1/tokens", body)) == field
