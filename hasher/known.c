// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * known.c - see known.h. The file is a header of one bucket's size and a table of buckets, read and written
 * in place; written without fsync, as an entry that was torn by a crash fails its checksum.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hasher/known.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log.h"
#include "config/stage.h"

#define BUCKET 32	   /* entries: 4 KiB, a page */
#define USED_EVERY_S 86400 /* how exactly the last use is known */

struct entry {
	__u64 filesystem;
	struct wire_file file;
	__u64 boot;
	__s64 hashed_s; /* 0: empty */
	__s64 used_s;
	__u8 sha256[WIRE_SHA256_SIZE];
	__u64 check; /* of all before it */
	__u64 pad;
};

static_assert(sizeof(struct entry) == 128, "no padding, and a bucket is a page");
static_assert(KNOWN_FILES % BUCKET == 0, "whole buckets");

#define BUCKET_BYTES (BUCKET * sizeof(struct entry))
#define BUCKETS (KNOWN_FILES / BUCKET)

static const char magic[] = "femtosnitch hashes 1\n";

struct known {
	int fd;
	__u64 boot;
	__u64 devs; /* a bit for each device that may have entries; all ones: not looked yet */
	struct entry bucket[BUCKET]; /* the one looked at */
};

static __s64 now_s(void)
{
	return (__s64)(stage_now() / 1000000000u);
}

static __u64 checksum(const struct entry *e)
{
	__u8 sha256[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;
	__u64 check;

	SHA256_Init(&ctx); /* SHA256() itself would bring all of EVP into memory: 2 MB */
	SHA256_Update(&ctx, e, offsetof(struct entry, check));
	SHA256_Final(sha256, &ctx);
	memcpy(&check, sha256, sizeof(check));
	return check;
}

static __u64 read_boot(const char *path)
{
	__u64 h = 0xcbf29ce484222325u;
	char text[64];
	ssize_t n, i;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (fd >= 0)
		close(fd);
	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	return n > 0 ? h : 0; /* 0: never the same as another */
}

/* Ours alone, and in the form we write; anything else begins anew. 0 or -errno. */
static int prepare(int fd)
{
	char head[sizeof(magic)] = "";
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return -EPERM;
	if (pread(fd, head, sizeof(head), 0) == sizeof(head) && !memcmp(head, magic, sizeof(magic)) &&
	    st.st_size == (off_t)((BUCKETS + 1) * BUCKET_BYTES) && !(st.st_mode & 077))
		return 0;
	if (fchmod(fd, 0600) || ftruncate(fd, 0) || ftruncate(fd, (off_t)((BUCKETS + 1) * BUCKET_BYTES)))
		return -errno;
	return pwrite(fd, magic, sizeof(magic), 0) == sizeof(magic) ? 0 : -EIO;
}

struct known *known_open(const char *dir, const char *boot_id)
{
	struct known *k = calloc(1, sizeof(*k));
	char path[PATH_MAX];
	int rc;

	if (!k)
		return NULL;
	snprintf(path, sizeof(path), "%s/hashes", dir);
	k->boot = read_boot(boot_id);
	k->devs = ~0ull;
	k->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = k->fd < 0 ? -errno : prepare(k->fd);
	if (!rc)
		return k;
	errno = -rc;
	log_warn("%s: every program is hashed again after a restart", path);
	known_close(k);
	return NULL;
}

void known_close(struct known *k)
{
	if (!k)
		return;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

static off_t read_bucket(struct known *k, size_t number)
{
	off_t at = (off_t)((number + 1) * BUCKET_BYTES);

	if (pread(k->fd, k->bucket, BUCKET_BYTES, at) != (ssize_t)BUCKET_BYTES)
		memset(k->bucket, 0, BUCKET_BYTES);
	return at;
}

static off_t bucket_of(struct known *k, __u64 filesystem, __u64 ino)
{
	__u64 h = (filesystem ^ ino * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;

	return read_bucket(k, (size_t)(h >> 32) % BUCKETS);
}

static void write_entry(struct known *k, off_t bucket, struct entry *e)
{
	e->check = checksum(e);
	if (pwrite(k->fd, e, sizeof(*e), bucket + (off_t)((e - k->bucket) * sizeof(*e))) != sizeof(*e))
		log_debug("hashes: write: %s", strerror(errno));
}

/* All that is compared, byte by byte: of the device only what the filesystem's own number says. */
static bool same(const struct entry *e, __u64 filesystem, const struct wire_file *f)
{
	struct wire_file file = *f;

	file.dev = e->file.dev;
	return e->hashed_s && e->filesystem == filesystem && !memcmp(&e->file, &file, sizeof(file));
}

static bool settled(const struct known *k, const struct entry *e)
{
	return (k->boot && e->boot == k->boot) || e->hashed_s - e->file.ctime_s >= KNOWN_SETTLED_S;
}

bool known_find(struct known *k, __u64 filesystem, const struct wire_file *file,
		__u8 sha256[WIRE_SHA256_SIZE])
{
	off_t bucket;
	unsigned i;

	if (!k || !filesystem)
		return false;
	bucket = bucket_of(k, filesystem, file->ino);
	for (i = 0; i < BUCKET; i++) {
		struct entry *e = &k->bucket[i];

		if (!same(e, filesystem, file) || e->check != checksum(e) || !settled(k, e))
			continue;
		memcpy(sha256, e->sha256, sizeof(e->sha256));
		if (now_s() - e->used_s >= USED_EVERY_S || now_s() < e->used_s) {
			e->used_s = now_s();
			write_entry(k, bucket, e);
		}
		return true;
	}
	return false;
}

/* An older version of the file, else an empty place, else the one not used for longest. */
static struct entry *choose_place(struct known *k, __u64 filesystem, const struct wire_file *file)
{
	struct entry *best = &k->bucket[file->ino % BUCKET]; /* of those used at the same time, any */
	unsigned i;

	for (i = 0; i < BUCKET; i++) {
		struct entry *e = &k->bucket[i];

		if (e->hashed_s && e->filesystem == filesystem && e->file.ino == file->ino)
			return e;
		if ((e->hashed_s ? e->used_s : INT64_MIN) < (best->hashed_s ? best->used_s : INT64_MIN))
			best = e;
	}
	return best;
}

static __u64 dev_bit(__u32 dev)
{
	return 1ull << (dev * 0x9e3779b9u >> 26);
}

void known_add(struct known *k, __u64 filesystem, const struct wire_file *file,
	       const __u8 sha256[WIRE_SHA256_SIZE])
{
	struct entry *e;
	off_t bucket;

	if (!k || !filesystem)
		return;
	bucket = bucket_of(k, filesystem, file->ino);
	e = choose_place(k, filesystem, file);
	*e = (struct entry){.filesystem = filesystem,
			    .file = *file,
			    .boot = k->boot,
			    .hashed_s = now_s(),
			    .used_s = now_s()};
	memcpy(e->sha256, sha256, sizeof(e->sha256));
	write_entry(k, bucket, e);
	k->devs |= dev_bit(file->dev);
}

/* Mounts come and go by the hundred where there are containers, and to look is to read it all: so remember
 * which devices there were. */
void known_forget_dev(struct known *k, __u32 dev)
{
	unsigned i, number;
	__u64 devs = 0;
	off_t bucket;

	if (!k || !(k->devs & dev_bit(dev)))
		return;
	for (number = 0; number < BUCKETS; number++) {
		bucket = read_bucket(k, number);
		for (i = 0; i < BUCKET; i++) {
			struct entry *e = &k->bucket[i];

			if (!e->hashed_s)
				continue;
			if (e->file.dev == dev) {
				*e = (struct entry){0};
				write_entry(k, bucket, e);
			} else {
				devs |= dev_bit(e->file.dev);
			}
		}
	}
	k->devs = devs;
}
