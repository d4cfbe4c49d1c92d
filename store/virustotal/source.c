// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * source.c - see source.h. The SHA256_*() functions for the reason given in hasher/digest.c.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/virustotal/source.h"

#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536

struct source {
	int fd;
	struct stat was;
	uint8_t sha256[WIRE_SHA256_SIZE];
	SHA256_CTX sum;
	uint64_t at;
};

static bool unchanged(const struct source *s)
{
	struct stat now;

	return fstat(s->fd, &now) == 0 && now.st_size == s->was.st_size &&
	       now.st_ctim.tv_sec == s->was.st_ctim.tv_sec && now.st_ctim.tv_nsec == s->was.st_ctim.tv_nsec;
}

static bool is_it(struct source *s)
{
	uint8_t sum[WIRE_SHA256_SIZE];

	SHA256_Final(sum, &s->sum);
	return memcmp(sum, s->sha256, sizeof(sum)) == 0;
}

uint64_t source_size(const struct source *s)
{
	return (uint64_t)s->was.st_size;
}

ssize_t source_read(struct source *s, void *buf, size_t size)
{
	uint64_t left = source_size(s) - s->at;
	ssize_t n;

	if (left == 0)
		return 0;
	n = pread(s->fd, buf, left < size ? (size_t)left : size, (off_t)s->at);
	if (n <= 0 || !unchanged(s))
		return -1;
	SHA256_Update(&s->sum, buf, (size_t)n);
	s->at += (uint64_t)n;
	return s->at < source_size(s) || is_it(s) ? n : -1;
}

static const char *look(struct source *s)
{
	static char piece[PIECE];
	ssize_t n;

	if (fstat(s->fd, &s->was) < 0 || !S_ISREG(s->was.st_mode))
		return "it is no file";
	if (s->was.st_size <= 0)
		return "it is empty";
	if (source_size(s) > SOURCE_MAX)
		return "it is larger than VirusTotal takes";
	SHA256_Init(&s->sum);
	while ((n = source_read(s, piece, sizeof(piece))) > 0)
		;
	SHA256_Init(&s->sum);
	s->at = 0;
	return n < 0 ? "the file there is not the one that ran" : NULL;
}

struct source *source_open(int fd, const uint8_t sha256[WIRE_SHA256_SIZE], const char **why)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s) {
		*why = "no memory";
		close(fd);
		return NULL;
	}
	s->fd = fd;
	memcpy(s->sha256, sha256, sizeof(s->sha256));
	if (!(*why = look(s)))
		return s;
	source_close(s);
	return NULL;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}
