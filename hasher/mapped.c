// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mapped.c - see mapped.h. A job lists the files in its first step and reads one of them, or a slice of one,
 * in each that follows.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hasher/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hasher/digest.h"
#include "hasher/file.h"
#include "hasher/proc.h"

#define LIMIT_MS 10000
#define SLICE_BYTES (2 << 20)
#define DELETED " (deleted)"

struct file {
	unsigned long long start, end;
	__u64 ino;
	__u32 dev;
	struct wire_library entry;
	char *path;
};

struct mapped {
	struct crew_job crew;
	struct wire_image_key image;
	__u64 exe_ino;
	bool listed, failed;
	__u32 flags;
	unsigned n, next; /* files, and the one to read next */
	unsigned count;	  /* of them, in text */
	struct file *file;
	int fd; /* of the one being read, -1: none */
	struct digest *digest;
	struct wire_file st;
	size_t len;
	char *text;
};

/* Digests of files met before; threads may be two, after one was given up. */
static struct {
	pthread_mutex_t lock;
	struct known {
		struct wire_file st; /* ino 0: none */
		__u8 sha256[WIRE_SHA256_SIZE];
	} * file;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- maps */

/* 7f0000000000-7f0000001000 r-xp 00001000 fe:00 1234   /path */
int mapped_parse(char *line, struct mapped_line *m)
{
	unsigned major, minor;
	char mode[5];
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%llx-%llx %4s %*x %x:%x %llu %n", &m->start, &m->end, mode, &major, &minor,
		   (unsigned long long *)&m->ino, &at) != 6 ||
	    !at || !strchr(mode, 'x'))
		return 0;
	m->dev = major << 20 | minor;
	m->path = line + at;
	return m->ino || m->path[0] != '['; /* [vdso], [vsyscall], [uprobes] */
}

static bool has(const struct mapped *job, const struct mapped_line *m)
{
	unsigned i;

	for (i = 0; i < job->n; i++)
		if (job->file[i].ino == m->ino && job->file[i].dev == m->dev)
			return true;
	return false;
}

static bool ends(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

/* False: no memory. */
static bool add(struct mapped *job, const struct mapped_line *m)
{
	struct file *f;
	char *path = strdup(m->path);

	if (!path)
		return false;
	if (job->n % 64 == 0) {
		f = realloc(job->file, (job->n + 64) * sizeof(*f));
		if (!f) {
			free(path);
			return false;
		}
		job->file = f;
	}
	if (strncmp(path, "/memfd:", 7) == 0)
		job->flags |= WIRE_LIBRARIES_MEMFD;
	else if (ends(path, DELETED))
		job->flags |= WIRE_LIBRARIES_DELETED;
	if (ends(path, DELETED))
		path[strlen(path) - strlen(DELETED)] = '\0';
	f = &job->file[job->n++];
	*f = (struct file){.start = m->start, .end = m->end, .ino = m->ino, .dev = m->dev, .path = path};
	return true;
}

/* Shared memory without a name looks like a file, but is none that anybody could open. */
static bool is_anonymous(const struct mapped_line *m)
{
	return !m->ino || strcmp(m->path, "/dev/zero" DELETED) == 0 || strncmp(m->path, "/SYSV", 5) == 0 ||
	       strncmp(m->path, "/anon_hugepage", 14) == 0;
}

static bool take_line(struct mapped *job, char *line)
{
	struct mapped_line m;

	if (!mapped_parse(line, &m) || (m.ino && m.ino == job->exe_ino))
		return true;
	if (is_anonymous(&m))
		job->flags |= WIRE_LIBRARIES_ANONYMOUS;
	else if (job->n == MAPPED_FILES)
		job->flags |= WIRE_LIBRARIES_CUT;
	else if (!has(job, &m))
		return add(job, &m);
	return true;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

/* False: the process is gone, or there is no memory. */
static bool list(struct mapped *job)
{
	char name[32], *line = NULL;
	bool good = true;
	size_t size = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/maps", job->image.tgid);
	f = fopen(name, "re");
	if (!f)
		return false;
	while (good && getline(&line, &size, f) > 0)
		good = take_line(job, line);
	free(line);
	fclose(f);
	if (job->n)
		qsort(job->file, job->n, sizeof(*job->file), by_path);
	return good && proc_same(&job->image);
}

/* ---- files */

static struct known *known_at(const struct wire_file *st)
{
	return &known.file[(st->ino * 0x9e3779b97f4a7c15ull ^ st->dev) % MAPPED_KNOWN];
}

static bool recall(const struct wire_file *st, __u8 *sha256)
{
	bool found = false;

	pthread_mutex_lock(&known.lock);
	if (known.file) {
		const struct known *k = known_at(st);

		found = k->st.ino && k->st.dev == st->dev && file_unchanged(&k->st, st);
		if (found)
			memcpy(sha256, k->sha256, sizeof(k->sha256));
	}
	pthread_mutex_unlock(&known.lock);
	return found;
}

static void remember(const struct digest_result *r)
{
	pthread_mutex_lock(&known.lock);
	if (!known.file)
		known.file = calloc(MAPPED_KNOWN, sizeof(*known.file));
	if (known.file && !r->young) {
		struct known *k = known_at(&r->as_read);

		k->st = r->as_read;
		memcpy(k->sha256, r->sha256, sizeof(k->sha256));
	}
	pthread_mutex_unlock(&known.lock);
}

/* Open what is mapped there. 0: it is to be read, else its entry is complete. */
static int open_file(struct mapped *job, struct file *f)
{
	char name[80];
	int rc;

	snprintf(name, sizeof(name), "/proc/%u/map_files/%llx-%llx", job->image.tgid, f->start, f->end);
	job->fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	rc = job->fd < 0 ? -errno : file_stat(job->fd, &job->st);
	if (!rc && job->st.ino != f->ino)
		rc = -ESRCH; /* another file is mapped there by now, or by whoever has the number */
	if (!rc && recall(&job->st, f->entry.sha256))
		return 1;
	if (!rc && (job->digest = digest_new(job->fd, &job->st)))
		return 0;
	f->entry.hash_error = (__u8)digest_error(rc ? rc : -ENOMEM);
	if (f->entry.hash_error == WIRE_HASH_GONE)
		job->failed = true; /* half a set says less than none */
	return 1;
}

static void close_file(struct mapped *job)
{
	digest_free(job->digest);
	job->digest = NULL;
	if (job->fd >= 0)
		close(job->fd);
	job->fd = -1;
}

/* The next file, or the next slice of it. */
static void read_some(struct mapped *job, void *buf)
{
	struct file *f = &job->file[job->next];
	struct digest_result result;

	if (job->fd < 0 && open_file(job, f)) {
		close_file(job);
		job->next++;
		return;
	}
	if (digest_step(job->digest, buf, SLICE_BYTES, &result))
		return;
	f->entry.hash_error = (__u8)result.hash_error;
	if (result.hash_error == WIRE_HASH_OK) {
		memcpy(f->entry.sha256, result.sha256, sizeof(f->entry.sha256));
		result.as_read.dev = job->st.dev;
		remember(&result);
	}
	close_file(job);
	job->next++;
}

/* ---- the answer */

static void write_text(struct mapped *job)
{
	unsigned i;

	job->text = malloc(MAPPED_TEXT);
	job->failed = !job->text;
	for (i = 0; i < job->n && job->text; i++) {
		struct file *f = &job->file[i];
		size_t path_len = strlen(f->path) + 1;

		if (path_len > WIRE_PATH_MAX || job->len + sizeof(f->entry) + path_len > MAPPED_TEXT) {
			job->flags |= WIRE_LIBRARIES_CUT;
			break;
		}
		f->entry.path_len = (__u16)path_len;
		memcpy(job->text + job->len, &f->entry, sizeof(f->entry));
		memcpy(job->text + job->len + sizeof(f->entry), f->path, path_len);
		job->len += sizeof(f->entry) + path_len;
		job->count++;
	}
}

bool mapped_answer(const struct mapped *job, struct wire_libraries *head, const char **text)
{
	SHA256_CTX ctx;

	if (job->failed)
		return false;
	*head = (struct wire_libraries){
		.image = job->image, .flags = job->flags, .count = job->count, .text_len = (__u32)job->len};
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, &job->flags, sizeof(job->flags));
	SHA256_Update(&ctx, job->text, job->len);
	SHA256_Final(head->set, &ctx);
	*text = job->text;
	return true;
}

static int step(struct crew_job *crew_job, void *buf)
{
	struct mapped *job = (struct mapped *)crew_job;

	if (!job->listed) {
		job->listed = true;
		job->failed = !list(job);
		return !job->failed;
	}
	if (job->failed)
		return 0;
	if (job->next < job->n) {
		read_some(job, buf);
		return 1;
	}
	write_text(job);
	return 0;
}

static struct crew_job *answer(const struct crew_job *stuck)
{
	struct mapped *job = calloc(1, sizeof(*job));

	(void)stuck;
	if (!job)
		return NULL;
	job->fd = -1;
	job->failed = true;
	return &job->crew;
}

void mapped_free(struct mapped *job)
{
	unsigned i;

	if (!job)
		return;
	close_file(job);
	for (i = 0; job->file && i < job->n; i++)
		free(job->file[i].path);
	free(job->file);
	free(job->text);
	free(job);
}

static void free_job(struct crew_job *job)
{
	mapped_free((struct mapped *)job);
}

static const struct crew_kind mapping = {
	.name = "reading a mapped file",
	.step = step,
	.answer = answer,
	.free = free_job,
	.buffer_bytes = DIGEST_BUFFER,
	.limit_ms = LIMIT_MS,
	.background = true,
};

struct crew *mapped_crew(unsigned max_jobs)
{
	return crew_new(&mapping, max_jobs);
}

int mapped_submit(struct crew *c, const struct wire_exec *exec)
{
	struct mapped *job = calloc(1, sizeof(*job));
	int rc;

	if (!job)
		return -ENOMEM;
	job->fd = -1;
	job->image = exec->image;
	job->exe_ino = exec->file.ino;
	rc = crew_submit(c, &job->crew);
	if (rc)
		mapped_free(job);
	return rc;
}

struct mapped *mapped_result(struct crew *c)
{
	return (struct mapped *)crew_result(c);
}
