/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder of media "file": each sound as NAME.wav, 8 kHz, 16 bit; those that nobody has wanted
 * for a week go. All file work is done in a lane. Several trunks and daemons may share a folder.
 */
#ifndef ARI_MEDIA_FOLDER_H
#define ARI_MEDIA_FOLDER_H

#include <tocsin/audio.h>
#include <tocsin/plugin.h>

struct folder;

/* Told on the loop, never inside a call: the file of this name is there (err 0), or cannot be. */
typedef void (*folder_done_fn)(void *arg, const char *name, int err);

/* dir: borrowed */
struct folder *folder_new(struct tc_instance *self, const char *dir, folder_done_fn done,
			  void *arg);
/* done is not called any more. NULL is fine. */
void folder_free(struct folder *folder);

/*
 * Have a sound's file (tc_prompt_name()).
 *
 * result  0 it is there | -EAGAIN done will tell | -EBUSY too much waits
 */
int folder_want(struct folder *folder, struct tc_clip *clip);

/* What is believed to be there may have gone: look again. */
void folder_doubt(struct folder *folder);

/* It is not needed any more. */
void folder_remove(struct folder *folder, const struct tc_clip *clip);

#endif
