/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin say: hear a text as it would be spoken in a call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "client.h"
#include "format.h"

static int save(const char *path, const char *data, size_t len)
{
	bool out = !strcmp(path, "-");
	FILE *file = out ? stdout : fopen(path, "we");
	bool good = file && fwrite(data, 1, len, file) == len && !fflush(file);

	if (!good)
		fprintf(stderr, "tocsin: %s cannot be written: %s\n", path, strerror(errno));
	if (file && !out && fclose(file) && good) {
		fprintf(stderr, "tocsin: %s cannot be written: %s\n", path, strerror(errno));
		good = false;
	}
	return good ? EXIT_OK : EXIT_REFUSED;
}

/* The length of speech in a WAV (RIFF, PCM 16 bit, mono); 0 if it is none. */
static int64_t length_us(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	uint32_t rate;

	if (len < 44 || memcmp(data, "RIFF", 4) != 0)
		return 0;
	rate = p[24] | (uint32_t)p[25] << 8 | (uint32_t)p[26] << 16 | (uint32_t)p[27] << 24;
	return rate ? (int64_t)(len - 44) / 2 * 1000000 / rate : 0;
}

static int run(struct cli *cli, const struct args *args)
{
	const char *path = args_get(args, "output");
	char *data = NULL, span[FORMAT_TIME_SIZE];
	size_t len = 0;
	json_t *body;
	int code;

	if (!strcmp(path, "-") && isatty(STDOUT_FILENO))
		return args_wrong(args, "sound is not written to a terminal");
	body = json_pack("{s:s, s:s*, s:s*}", "text", args->words[0], "voice",
			 args_get(args, "voice"), "language", args_get(args, "language"));
	if (!body)
		return args_wrong(args, "the text is not UTF-8");
	code = client_fetch(cli->client, "POST", "/v1/speech", body, &data, &len);
	if (code)
		return code;
	code = save(path, data ? data : "", len);
	if (!code && strcmp(path, "-") != 0) {
		json_t *answer =
			json_pack("{s:s, s:I, s:I}", "file", path, "bytes", (json_int_t)len, "ms",
				  (json_int_t)(length_us(data, len) / 1000));

		if (cli->json && answer)
			format_json(cli, answer);
		else
			printf("%s: %s\n", path, format_span(span, length_us(data, len)));
		json_decref(answer);
	}
	free(data);
	return code;
}

static const struct cli_option options[] = {
	{"output", 'o', .value = "FILE.wav", .required = true,
	 .help = "where the sound goes; \"-\": the standard output"},
	{"voice", .value = "NAME", .help = "of a configured voice"},
	{"language", .value = "LANG", .help = "of the text, as en or de-AT"},
	CLI_OPTION_END,
};

const struct cli_command cli_say = {
	.name = "say",
	.words = "TEXT",
	.min = 1,
	.max = 1,
	.summary = "Speak a text into a WAV file, as a call would hear it",
	.options = options,
	.run = run,
};
