/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of dialogs that nobody wanted.
 */
#include "stray.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

/* A dialog for one BYE; it frees itself with the answer. */
struct stray {
	struct dialog dialog;
	struct sip_request *bye;
};

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
	struct stray *stray = arg;

	if (!err && msg->scode < 200)
		return;
	dialog_fini(&stray->dialog);
	free(stray);
}

void stray_end(struct agent *agent, const struct dialog *dialog, const struct sip_msg *msg)
{
	struct stray *stray = tc_alloc(sizeof(*stray));
	struct dialog *d = &stray->dialog;

	dialog_init(d, agent, dialog->call_id, "", dialog->ruri);
	free(d->from);
	d->from = tc_strdup(dialog->from);
	d->cseq = msg->cseq.num;
	dialog_learn(d, msg);
	dialog_ack(d, msg->cseq.num);
	if (dialog_request(d, "BYE", "", NULL, &stray->bye, on_response, stray)) {
		dialog_fini(d);
		free(stray);
	}
}
