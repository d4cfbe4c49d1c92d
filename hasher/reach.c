// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reach.c - owns nothing but its jobs. Everything here may sleep in the kernel for ever and is therefore
 * called from a crew only.
 */
#include "hasher/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "hasher/digest.h"
#include "hasher/file.h"
#include "hasher/proc.h"

/* The path of a mount point may be covered by another mount, and behind a dead server's or an automounter's.
 * An O_PATH open of the last component triggers nothing; the mount id tells whether we are where we wanted to
 * be. Without one (a program's own file) the filesystem is a stranger, and FUSE must not be watched. */
static int mark(const struct reach_job *job)
{
	char by_fd[32];
	struct statx sx;
	struct statfs fs;
	int fd, rc = 0;

	fd = open(job->path, O_PATH | O_CLOEXEC | (job->mount_id ? O_NOFOLLOW : 0));
	if (fd < 0)
		return -errno;
	if (!job->mount_id && (fstatfs(fd, &fs) || fs.f_type == FUSE_SUPER_MAGIC))
		rc = -EOPNOTSUPP;
	if (job->mount_id && !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &sx) &&
	    sx.stx_mask & STATX_MNT_ID && sx.stx_mnt_id != job->mount_id)
		rc = -ENOENT;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	if (!rc)
		rc = watch_mark_filesystem(job->watch, job->distance, by_fd);
	close(fd); /* or the mount stays busy */
	return rc;
}

/* Is fd the file of the record? The times decide; where only mtime is left,
 * device or process must agree too. */
static bool is_it(const struct reach_job *job, const struct wire_file *st, bool by_process)
{
	if (file_unchanged(st, &job->record))
		return true;
	if (!file_same_content(st, &job->record))
		return false;
	return by_process ? proc_same(&job->image) : st->dev == job->record.dev;
}

/* Open path and keep it if it is the file. 0, or why not (enum wire_hash_error). */
static unsigned try(struct reach_job *job, const char *path, bool by_process)
{
	int fd = by_process ? open(path, O_RDONLY | O_CLOEXEC) : file_open(path);

	if (fd < 0)
		return digest_error(by_process ? errno : fd);
	if (file_stat(fd, &job->st) || !is_it(job, &job->st, by_process)) {
		close(fd);
		return WIRE_HASH_CHANGED;
	}
	job->fd = fd;
	return WIRE_HASH_OK;
}

/* First through the process, then by name where it ran, then by name here. Of the reasons why not, the one
 * that says most is kept: "gone" is what every exited process says. */
static unsigned find(struct reach_job *job)
{
	unsigned why = job->was_changed ? WIRE_HASH_CHANGED : WIRE_HASH_GONE;
	char path[WIRE_PATH_MAX + 32];
	unsigned error, way;

	for (way = 0; way < 3; way++) {
		if (way == 0)
			snprintf(path, sizeof(path), "/proc/%u/exe", job->image.tgid);
		else if (way == 1 && job->path[0] == '/' && job->at_path)
			snprintf(path, sizeof(path), "%s", job->path);
		else if (way == 2 && job->path[0] == '/' && job->parent_tgid && !job->at_path)
			snprintf(path, sizeof(path), "/proc/%u/root%s", job->parent_tgid, job->path);
		else
			continue;
		error = try(job, path, way == 0);
		if (!error)
			return 0;
		/* a name taken over by another file says nothing about this one, but a refused open does */
		if (error != WIRE_HASH_GONE && (way == 0 || error != WIRE_HASH_CHANGED))
			why = error;
	}
	/* The process went on to another image: then /proc/PID/exe "changed", and the file is merely out of
	 * reach. */
	if (why == WIRE_HASH_CHANGED && !job->was_changed && job->st.ino != job->record.ino)
		why = WIRE_HASH_GONE;
	return why;
}

void reach_now(struct reach_job *job)
{
	job->error = job->what == REACH_MARK ? mark(job) : (int)find(job);
}

static int step(struct crew_job *job, void *buf)
{
	(void)buf;
	reach_now((struct reach_job *)job);
	return 0;
}

static struct crew_job *answer(const struct crew_job *crew_job)
{
	const struct reach_job *stuck = (const struct reach_job *)crew_job;
	struct reach_job *job = reach_job_new(stuck->what, stuck->path);

	if (!job)
		return NULL;
	job->distance = stuck->distance;
	job->dev = stuck->dev;
	job->mount_id = stuck->mount_id;
	job->file_id = stuck->file_id;
	job->error = stuck->what == REACH_MARK ? -ETIMEDOUT : (int)WIRE_HASH_TIMEOUT;
	return &job->crew;
}

struct reach_job *reach_job_new(enum reach_what what, const char *path)
{
	size_t len = strlen(path) + 1;
	struct reach_job *job = calloc(1, sizeof(*job) + len);

	if (!job)
		return NULL;
	job->what = what;
	job->fd = -1;
	memcpy(job->path, path, len);
	return job;
}

void reach_job_free(struct reach_job *job)
{
	if (!job)
		return;
	if (job->fd >= 0)
		close(job->fd);
	free(job);
}

static void free_job(struct crew_job *job)
{
	reach_job_free((struct reach_job *)job);
}

static const struct crew_kind reaching = {
	.name = "reaching a file or mount",
	.step = step,
	.answer = answer,
	.free = free_job,
	.limit_ms = REACH_LIMIT_MS,
};

struct crew *reach_new(unsigned max_jobs)
{
	return crew_new(&reaching, max_jobs);
}

int reach_submit(struct crew *c, struct reach_job *job)
{
	int rc = crew_submit(c, &job->crew);

	if (rc)
		reach_job_free(job);
	return rc;
}

struct reach_job *reach_result(struct crew *c)
{
	return (struct reach_job *)crew_result(c);
}
