// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * digest.c - owns the state of one hash in progress.
 *
 * The SHA256_*() functions are deprecated in favour of EVP_*(), and used all the same: they run the same
 * assembler at the same speed, but linked statically they bring 0.5 MB into memory where EVP brings 3.4 MB of
 * providers, and this process lives on every user's machine for ever.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hasher/digest.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/stage.h"
#include "hasher/file.h"

struct digest {
	SHA256_CTX ctx;
	struct wire_file expect;
	struct wire_file before;
	__u64 offset;
	int fd;
	unsigned tries;
	bool started;
	bool young;
};

struct digest *digest_new(int fd, const struct wire_file *expect)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->fd = fd;
	d->expect = *expect;
	return d;
}

void digest_free(struct digest *d)
{
	free(d);
}

__u64 digest_left(const struct digest *d)
{
	__u64 size = d->started ? d->before.size_bytes : d->expect.size_bytes;

	return size > d->offset ? size - d->offset : 0;
}

unsigned digest_error(int err)
{
	switch (err < 0 ? -err : err) {
	case EACCES:
	case EPERM:
		return WIRE_HASH_PERMISSION;
	case ENOENT:
	case ESRCH:
		return WIRE_HASH_GONE;
	case ETIMEDOUT:
		return WIRE_HASH_TIMEOUT;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EBUSY:
		return WIRE_HASH_BUSY;
	default:
		return WIRE_HASH_READ;
	}
}

/* Look at the file and begin at its first byte. 0, or the reason why not. */
static unsigned begin(struct digest *d)
{
	int rc = file_stat(d->fd, &d->before);

	if (rc)
		return digest_error(rc);
	if (!file_same_content(&d->before, &d->expect))
		return WIRE_HASH_CHANGED;
	d->before.generation = file_generation(d->fd);
	d->young = file_young(&d->before, stage_now());
	d->offset = 0;
	d->started = true;
	SHA256_Init(&d->ctx);
	return 0;
}

/* Read to the end of the file or of the slice. 1: more, 0: end of file, -errno. */
static int consume(struct digest *d, void *buf, size_t slice_bytes)
{
	size_t done = 0;

	while (done < slice_bytes) {
		ssize_t n = pread(d->fd, buf, DIGEST_BUFFER, (off_t)d->offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		SHA256_Update(&d->ctx, buf, (size_t)n);
		d->offset += (__u64)n;
		done += (size_t)n;
		/* the end, or grown past it: the look at size and times afterwards decides,
		 * so spare a read */
		if (d->offset >= d->before.size_bytes)
			return 0;
	}
	return 1;
}

/* The whole file was read. 0: the digest holds, 1: read it again, or the reason why not. */
static int verify(struct digest *d, struct digest_result *out)
{
	struct wire_file after;
	int rc = file_stat(d->fd, &after);

	if (rc)
		return (int)digest_error(rc);
	if (!file_unchanged(&after, &d->before) || d->offset != d->before.size_bytes ||
	    file_generation(d->fd) != d->before.generation) {
		d->started = false;
		return ++d->tries < DIGEST_TRIES ? WIRE_HASH_PENDING : WIRE_HASH_CHANGED;
	}
	SHA256_Final(out->sha256, &d->ctx);
	out->as_read = d->before;
	out->young = d->young;
	out->filesystem = file_filesystem(d->fd);
	return WIRE_HASH_OK;
}

static int finish(struct digest_result *out, unsigned hash_error)
{
	out->hash_error = hash_error;
	return 0;
}

int digest_step(struct digest *d, void *buf, size_t slice_bytes, struct digest_result *out)
{
	unsigned error;
	int rc;

	if (!d->started && (error = begin(d)) != 0)
		return finish(out, error);
	rc = consume(d, buf, slice_bytes);
	if (rc > 0)
		return 1;
	if (rc < 0)
		return finish(out, digest_error(rc));
	rc = verify(d, out);
	if (rc == WIRE_HASH_PENDING)
		return 1;
	return finish(out, (unsigned)rc);
}
