# SPDX-License-Identifier: BSD-2-Clause
"""The real Prometheus and Alertmanager: a rule fires while a metric of ours is 1."""
import datetime
import json
import os
import ssl
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from rig import ports, proc

ALERTMANAGER = """\
global:
  resolve_timeout: 5m
route:
  receiver: tocsin
  group_by: {group_by}
  group_wait: 0s
  group_interval: 1s
  repeat_interval: {repeat}
receivers:
  - name: tocsin
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          authorization: {{credentials: "{token}"}}
"""

PROMETHEUS = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
alerting:
  alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]
rule_files: [rules.yml]
scrape_configs:
  - {{job_name: rig, static_configs: [{{targets: ["127.0.0.1:{metric}"]}}]}}
"""

RULES = """\
groups:
  - name: rig
    rules:
      - alert: {name}
        expr: rig_trouble == 1
        labels: {labels}
        annotations: {annotations}
"""


# Our own certificates are not what is tested from here.
_UNCHECKED = ssl.create_default_context()
_UNCHECKED.check_hostname = False
_UNCHECKED.verify_mode = ssl.CERT_NONE


def _wait_http(program, url):
    def attempt():
        if not program.alive:
            raise proc.Failed("%s ended at once:\n%s" % (program.name, program.tail()))
        try:
            return urllib.request.urlopen(url, timeout=2, context=_UNCHECKED).status == 200
        except (OSError, urllib.error.URLError):
            return False
    proc.wait_for(program.name, attempt, 60, every=0.1)


class Alertmanager:
    """Alertmanager alone; send() gives it alerts as Prometheus would."""

    def __init__(self, folder, webhook, token, repeat="1h", port=None, group_by="[alertname]",
                 tls=None):
        """port: one that was taken before, for those who must know it; tls: a web.yml."""
        self.dir = str(folder) + "/alertmanager"
        os.makedirs(self.dir, exist_ok=True)
        self.port = port or ports.take()
        self.url = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.port)
        self.tls = tls
        path = self.dir + "/alertmanager.yml"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(ALERTMANAGER.format(url=webhook, token=token, repeat=repeat,
                                        group_by=group_by))
        self.start()

    def start(self):
        """Also again, after stop(): over the same folder."""
        # an empty cluster address: no gossip socket on every address
        self.proc = proc.Proc(
            ["prometheus-alertmanager", "--config.file=" + self.dir + "/alertmanager.yml",
             "--storage.path=" + self.dir, "--web.listen-address=127.0.0.1:%d" % self.port,
             "--cluster.listen-address="] + (
                 ["--web.config.file=" + self.tls] if self.tls else []),
            self.dir + "/log")
        _wait_http(self.proc, self.url + "/-/ready")

    def send(self, labels, annotations=None, ends_at=None):
        """One alert by the API; ends_at in the past resolves it."""
        self.send_all([{"labels": labels, "annotations": annotations or {}}], ends_at)

    def send_all(self, alerts, ends_at=None):
        body = [dict(a, endsAt=ends_at) if ends_at else a for a in alerts]
        r = urllib.request.Request(self.url + "/api/v2/alerts", json.dumps(body).encode(),
                                   {"Content-Type": "application/json"})
        urllib.request.urlopen(r, timeout=10, context=_UNCHECKED).read()

    def _get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10, context=_UNCHECKED) as r:
            return json.load(r)

    def silences(self, text=""):
        """Those that hold now and have this in their comment."""
        return [s for s in self._get("/api/v2/silences")
                if s["status"]["state"] == "active" and text in s["comment"]]

    def state(self, **labels):
        """What Alertmanager itself says of an alert: "active", "suppressed"; None: unknown."""
        return next((a["status"]["state"] for a in self._get("/api/v2/alerts")
                     if a["labels"] == labels), None)

    def resolve(self, labels, annotations=None):
        # to the microsecond: an end before the start would move the start
        self.send(labels, annotations, datetime.datetime.now(datetime.timezone.utc).isoformat())

    def stop(self):
        self.proc.stop(10.0)


class Prometheus:
    """Prometheus with one rule, and the metric it looks at: trouble(True) makes it fire."""

    def __init__(self, folder, alertmanager, name, labels, annotations):
        """alertmanager: its port."""
        self.dir = str(folder) + "/prometheus"
        os.makedirs(self.dir, exist_ok=True)
        self.port, metric = ports.take(), ports.take()
        self.value = 0
        self._serve_metric(metric)
        with open(self.dir + "/prometheus.yml", "w") as f:
            f.write(PROMETHEUS.format(alertmanager=alertmanager, metric=metric))
        with open(self.dir + "/rules.yml", "w") as f:      # JSON is YAML
            f.write(RULES.format(name=name, labels=json.dumps(labels),
                                 annotations=json.dumps(annotations)))
        self.url = "http://127.0.0.1:%d" % self.port
        self.proc = proc.Proc(
            ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
             "--web.listen-address=127.0.0.1:%d" % self.port, "--rules.alert.resend-delay=1s",
             "--log.level=warn"], self.dir + "/log", cwd=self.dir)
        _wait_http(self.proc, self.url + "/-/ready")

    def trouble(self, on):
        self.value = 1 if on else 0

    def _serve_metric(self, port):
        rig = self

        class Metric(BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"# TYPE rig_trouble gauge\nrig_trouble %d\n" % rig.value
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", port), Metric)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self.proc.stop(10.0)
        self._server.shutdown()
        self._server.server_close()
