// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * packages.c - owns the questions and the thread. A batch is one job of a crew; what a job says of a file
 * holds only for the version that was executed: the file at the path is opened, and must be that one before
 * and after it was read.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hasher/packages.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hasher/apk.h"
#include "hasher/crew.h"
#include "hasher/dpkg.h"
#include "hasher/file.h"
#include "hasher/pacman.h"
#include "hasher/rpm.h"
#include "hasher/wanted.h"

#define BATCH_MAX WANTED_MAX
#define BUFFER_BYTES 65536
#define LIMIT_MS 120000 /* a huge executable on a slow disk */
#define REST 20	   /* times as long as a look took: 5 % of a CPU at most, however many programs are new */
#define RETRIES 20 /* seconds that the package manager may take from the files to the database */

struct job {
	struct crew_job crew;
	struct package_file *file;
	unsigned n, tries;
	__u64 took_ms; /* the last look */
};

struct packages {
	struct crew *crew;
	struct package_file *waiting, **end;
	struct package_file *answered;
	unsigned waits;
	__u64 rest_until_ms;
};

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * 1000 + (__u64)ts.tv_nsec / 1000000;
}

/* ---- in the thread */

union context {
	MD5_CTX md5;
	SHA_CTX sha1;
	SHA256_CTX sha256;
};

static void digest_init(union context *ctx, unsigned kind)
{
	if (kind == PACKAGE_DIGEST_MD5)
		MD5_Init(&ctx->md5);
	else if (kind == PACKAGE_DIGEST_SHA1)
		SHA1_Init(&ctx->sha1);
	else
		SHA256_Init(&ctx->sha256);
}

static void digest_update(union context *ctx, unsigned kind, const void *buf, size_t len)
{
	if (kind == PACKAGE_DIGEST_MD5)
		MD5_Update(&ctx->md5, buf, len);
	else if (kind == PACKAGE_DIGEST_SHA1)
		SHA1_Update(&ctx->sha1, buf, len);
	else
		SHA256_Update(&ctx->sha256, buf, len);
}

static void digest_final(union context *ctx, unsigned kind, __u8 out[SHA256_DIGEST_LENGTH])
{
	if (kind == PACKAGE_DIGEST_MD5)
		MD5_Final(out, &ctx->md5);
	else if (kind == PACKAGE_DIGEST_SHA1)
		SHA1_Final(out, &ctx->sha1);
	else
		SHA256_Final(out, &ctx->sha256);
}

/* 0, or -errno; the file was not read to its end, or is another one. */
static int digest(int fd, unsigned kind, const struct wire_file *expect, void *buf, __u8 *out)
{
	struct wire_file st;
	union context ctx;
	ssize_t n;

	if (file_stat(fd, &st) || !file_unchanged(&st, expect))
		return -ESTALE;
	digest_init(&ctx, kind);
	while ((n = read(fd, buf, BUFFER_BYTES)) > 0)
		digest_update(&ctx, kind, buf, (size_t)n);
	if (n < 0)
		return -errno;
	digest_final(&ctx, kind, out);
	return file_stat(fd, &st) || !file_unchanged(&st, expect) ? -ESTALE : 0;
}

static unsigned explain(const struct package_file *f, void *buf)
{
	__u8 is[SHA256_DIGEST_LENGTH];
	int fd, rc;

	if (f->digest_kind == PACKAGE_DIGEST_NONE)
		return WIRE_EXPLAINED_UNKNOWN;
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return WIRE_EXPLAINED_UNKNOWN;
	rc = digest(fd, f->digest_kind, &f->file, buf, is);
	close(fd);
	if (rc)
		return WIRE_EXPLAINED_UNKNOWN;
	return memcmp(is, f->digest, f->digest_size) ? WIRE_EXPLAINED_NO : WIRE_EXPLAINED_YES;
}

/* In the order in which they are asked; each about those that nobody owned so far. */
static const struct manager {
	void (*find)(const char *root, struct package_file *);
	bool (*works)(const char *root);
} managers[] = {
	{dpkg_find, dpkg_works},
	{rpm_find, rpm_works},
	{pacman_find, pacman_works},
	{apk_find, apk_works},
};

#define MANAGERS (sizeof(managers) / sizeof(managers[0]))

static void find(struct package_file *files)
{
	struct package_file *f;
	size_t i;

	for (f = files; f; f = f->next) {
		f->manager = NULL;
		f->name[0] = f->version[0] = '\0';
		f->digest_kind = PACKAGE_DIGEST_NONE;
	}
	for (i = 0; i < MANAGERS; i++)
		managers[i].find("", files);
}

static bool anybody_works(void)
{
	size_t i;

	for (i = 0; i < MANAGERS; i++)
		if (managers[i].works(""))
			return true;
	return false;
}

static int step(struct crew_job *crew_job, void *buf)
{
	const struct timespec second = {.tv_sec = 1};
	struct job *job = (struct job *)crew_job;
	struct package_file *f;
	bool doubtful = false;

	if (job->tries)
		nanosleep(&second, NULL);
	job->took_ms = now_ms();
	find(job->file);
	job->took_ms = now_ms() - job->took_ms;
	for (f = job->file; f; f = f->next) {
		if (f->explained != WIRE_EXPLAINED_YES)
			f->explained = (__u8)explain(f, buf);
		doubtful |= f->explained == WIRE_EXPLAINED_NO;
	}
	return doubtful && anybody_works() && ++job->tries < RETRIES;
}

/* ---- between the threads */

static void free_files(struct package_file *f)
{
	struct package_file *next;

	for (; f; f = next) {
		next = f->next;
		free(f);
	}
}

static void free_job(struct crew_job *crew_job)
{
	free_files(((struct job *)crew_job)->file);
	free(crew_job);
}

/* Stuck in a filesystem that does not answer: everything it was asked is unknown. */
static struct crew_job *answer(const struct crew_job *crew_job)
{
	const struct job *stuck = (const struct job *)crew_job;
	struct job *job = calloc(1, sizeof(*job));
	const struct package_file *f;
	struct package_file *copy, **end;

	if (!job)
		return NULL;
	end = &job->file;
	for (f = stuck->file; f; f = f->next) {
		copy = calloc(1, sizeof(*copy) + 1);
		if (!copy)
			break;
		copy->file_id = f->file_id;
		*end = copy;
		end = &copy->next;
	}
	return &job->crew;
}

static const struct crew_kind kind = {.name = "reading the package database",
				      .step = step,
				      .answer = answer,
				      .free = free_job,
				      .buffer_bytes = BUFFER_BYTES,
				      .limit_ms = LIMIT_MS,
				      .background = true};

/* ---- in the loop */

struct packages *packages_new(void)
{
	struct packages *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->end = &p->waiting;
	p->crew = crew_new(&kind, 1);
	if (p->crew)
		return p;
	free(p);
	return NULL;
}

void packages_free(struct packages *p)
{
	if (!p)
		return;
	crew_stop(p->crew);
	free_files(p->waiting);
	free_files(p->answered);
	free(p);
}

bool packages_foreign(const char *path)
{
	static const char *const tops[] = {"/proc/", "/dev/", "/run/",	   "/home/", "/root/",
					   "/tmp/",  "/mnt/", "/var/tmp/", "/media/"};
	size_t i;

	if (path[0] != '/')
		return true;
	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (!strncmp(path, tops[i], strlen(tops[i])))
			return true;
	return false;
}

int packages_ask(struct packages *p, __u64 file_id, const struct wire_file *file, const char *path)
{
	size_t len = strlen(path) + 1;
	struct package_file *f;

	if (p->waits >= PACKAGES_WAIT_MAX)
		return -EBUSY;
	f = calloc(1, sizeof(*f) + len);
	if (!f)
		return -ENOMEM;
	f->file_id = file_id;
	f->file = *file;
	memcpy(f->path, path, len);
	*p->end = f;
	p->end = &f->next;
	p->waits++;
	return 0;
}

/* The oldest questions, as many as one look takes. */
static struct job *gather(struct packages *p)
{
	struct job *job = calloc(1, sizeof(*job));
	struct package_file **end;

	if (!job)
		return NULL;
	job->file = p->waiting;
	for (end = &job->file; *end && job->n < BATCH_MAX; end = &(*end)->next)
		job->n++;
	p->waiting = *end;
	*end = NULL;
	if (!p->waiting)
		p->end = &p->waiting;
	p->waits -= job->n;
	return job;
}

void packages_check(struct packages *p)
{
	struct job *job;

	crew_check(p->crew);
	if (!p->waiting || now_ms() < p->rest_until_ms || crew_jobs(p->crew) || crew_exhausted(p->crew))
		return;
	job = gather(p);
	if (job && crew_submit(p->crew, &job->crew))
		free_job(&job->crew);
}

struct package_file *packages_answer(struct packages *p)
{
	struct package_file *f;
	struct job *job;

	if (!p->answered && (job = (struct job *)crew_result(p->crew)) != NULL) {
		p->answered = job->file;
		p->rest_until_ms = now_ms() + REST * job->took_ms;
		job->file = NULL;
		free_job(&job->crew);
		packages_check(p);
	}
	f = p->answered;
	if (f)
		p->answered = f->next;
	return f;
}

int packages_fd(const struct packages *p)
{
	return crew_fd(p->crew);
}

bool packages_busy(const struct packages *p)
{
	return p->waiting || p->answered || crew_jobs(p->crew);
}
