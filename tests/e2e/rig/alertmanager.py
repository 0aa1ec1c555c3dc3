# SPDX-License-Identifier: BSD-2-Clause
"""The real Prometheus and Alertmanager: a rule fires while a metric of ours is 1."""
import datetime
import json
import os
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
  group_by: [alertname]
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


def _wait_http(program, url):
    def attempt():
        if not program.alive:
            raise proc.Failed("%s ended at once:\n%s" % (program.name, program.tail()))
        try:
            return urllib.request.urlopen(url, timeout=2).status == 200
        except (OSError, urllib.error.URLError):
            return False
    proc.wait_for(program.name, attempt, 60, every=0.1)


class Alertmanager:
    """Alertmanager alone; send() gives it alerts as Prometheus would."""

    def __init__(self, folder, webhook, token, repeat="1h"):
        self.dir = str(folder) + "/alertmanager"
        os.makedirs(self.dir, exist_ok=True)
        self.port = ports.take()
        self.url = "http://127.0.0.1:%d" % self.port
        path = self.dir + "/alertmanager.yml"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(ALERTMANAGER.format(url=webhook, token=token, repeat=repeat))
        # an empty cluster address: no gossip socket on every address
        self.proc = proc.Proc(
            ["prometheus-alertmanager", "--config.file=" + path, "--storage.path=" + self.dir,
             "--web.listen-address=127.0.0.1:%d" % self.port, "--cluster.listen-address="],
            self.dir + "/log")
        _wait_http(self.proc, self.url + "/-/ready")

    def send(self, labels, annotations=None, ends_at=None):
        """One alert by the API; ends_at in the past resolves it."""
        body = [{"labels": labels, "annotations": annotations or {}}]
        if ends_at:
            body[0]["endsAt"] = ends_at
        r = urllib.request.Request(self.url + "/api/v2/alerts", json.dumps(body).encode(),
                                   {"Content-Type": "application/json"})
        urllib.request.urlopen(r, timeout=10).read()

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
