# SPDX-License-Identifier: BSD-2-Clause
"""A real SIP provider: Kamailio as registrar and proxy that asks for digest credentials."""
import os

from rig import ports, proc

REALM = "provider.example"

CONFIG = """\
#!KAMAILIO
debug=2
log_stderror=yes
children=1
disable_tcp=no
tcp_children=1
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
alias="{realm}"
dns=no
rev_dns=no
server_signature=no
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("rr", "enable_full_lr", 1)
request_route {{
	if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
	if (has_totag()) {{
		if (loose_route()) {{ t_relay(); exit; }}
		if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
		sl_send_reply("404", "Not here"); exit;
	}}
	if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
	if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
	if (is_method("REGISTER")) {{
		if (!pv_www_authenticate("{realm}", "{password}", "0") || $au != "{user}") {{
			xlog("L_WARN", "rig: register refused for $fu\\n");
			www_challenge("{realm}", "1"); exit;
		}}
		xlog("L_WARN", "rig: register accepted for $fu expires $hdr(Expires)\\n");
		save("location"); exit;
	}}
	if (is_method("INVITE") && $rU == "{user}") {{
		record_route();
		if (!lookup("location")) {{ sl_send_reply("404", "Not registered"); exit; }}
		xlog("L_WARN", "rig: invite to $ru\\n");
		t_relay(); exit;
	}}
	if (is_method("INVITE")) {{
		if (!pv_proxy_authenticate("{realm}", "{password}", "0") || $au != "{user}") {{
			xlog("L_WARN", "rig: invite refused from $fu\\n");
			proxy_challenge("{realm}", "1"); exit;
		}}
		xlog("L_WARN", "rig: invite accepted from $fu to $rU\\n");
		consume_credentials();
		record_route();
		$du = "sip:127.0.0.1:{phone}";
		$rd = "127.0.0.1";
		$rp = {phone};
		t_relay(); exit;
	}}
	sl_send_reply("405", "Method Not Allowed");
}}
"""


class Kamailio:
    """Relays calls to the phone at port `phone` once the caller has proved user and password, and
    calls to the user to where that one is registered."""

    def __init__(self, folder, phone, user="alice", password="secret"):
        self.dir = str(folder)
        os.makedirs(self.dir, exist_ok=True)
        self.port = ports.take()
        with open(self.dir + "/kamailio.cfg", "w") as f:
            f.write(CONFIG.format(port=self.port, phone=phone, user=user, password=password,
                                  realm=REALM))
        # -DD: stays in the foreground and in our process group
        self.proc = proc.Proc(["kamailio", "-DD", "-E", "-f", self.dir + "/kamailio.cfg",
                               "-Y", self.dir, "-m", "16", "-M", "4"], self.dir + "/log")
        proc.wait_for("kamailio at port %d" % self.port, self._bound)

    def _bound(self):
        if not self.proc.alive:
            raise proc.Failed("kamailio ended at once:\n" + self.proc.tail())
        return not ports.is_free(self.port)

    def saw(self, text):
        """How often the log has a line of ours, e.g. "invite accepted"."""
        return self.proc.output().count("rig: " + text)

    def stop(self):
        self.proc.stop(5.0)
