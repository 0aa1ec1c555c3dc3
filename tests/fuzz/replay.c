/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds files to a fuzz target without libFuzzer: the main() of its replay program in
 * 'make check'. Arguments are files and folders; each file is one input.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void die(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

static unsigned int replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	/* Exactly as large as the input, so that the sanitizer sees a read beyond it. */
	uint8_t *data = malloc(size ? size : 1);

	if (!f || !data || fread(data, 1, size, f) != size)
		die(path);
	fclose(f);
	printf("%s\n", path);
	fflush(stdout); /* names the culprit should the next line crash */
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

static unsigned int replay(const char *path);

static unsigned int replay_folder(const char *path)
{
	struct dirent **entries;
	unsigned int count = 0;
	int n = scandir(path, &entries, NULL, alphasort);

	if (n < 0)
		die(path);
	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			count += replay(file);
		free(entries[i]);
	}
	free(entries);
	return count;
}

static unsigned int replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		die(path);
	return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	unsigned int count = 0;

	for (int i = 1; i < argc; i++)
		count += replay(argv[i]);
	printf("%u passed, 0 failed\n", count);
	return count == 0;
}
