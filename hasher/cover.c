// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cover.c - owns the table of filesystems and the crews that reach for them.
 *
 * A mark goes away with its filesystem, and a device number comes back with another one (a second USB stick):
 * each change of the mount table therefore marks all local filesystems again, which costs microseconds and
 * changes nothing where the mark is there. A server is asked once.
 */
#include "hasher/cover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log.h"
#include "hasher/mounts.h"
#include "hasher/proc.h"

#define JOBS_MAX 4096	/* marks and look-ups on their way */
#define NAMESPACES 64	/* mount namespaces remembered; a forgotten one is looked through once more */
#define AGAIN_NEW_MS 20 /* pause between attempts to mark a filesystem through its programs */
#define AGAIN_MISSED_MS 1000

struct cover {
	const struct watch *watch;
	struct cover_listener listener;
	struct mounts *mounts;
	struct crew *crew[DISTANCE__MAX];
	int mount_fd;
	__u32 namespace[NAMESPACES];
	unsigned next_namespace;
	/* while a mountinfo is read */
	__u64 now_ms;
	__u32 through; /* process whose mounts these are, 0: ours */
	bool strange;  /* it lives in another user namespace */
};

struct cover *cover_new(const struct watch *watch, const struct cover_listener *listener)
{
	struct cover *c = calloc(1, sizeof(*c));
	struct stat st;

	if (!c)
		return NULL;
	c->watch = watch;
	c->listener = *listener;
	c->mount_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	c->mounts = mounts_new();
	c->crew[DISTANCE_NEAR] = reach_new(JOBS_MAX);
	if (c->mount_fd < 0 || !c->mounts || !c->crew[DISTANCE_NEAR]) {
		cover_free(c);
		return NULL;
	}
	if (!stat("/proc/self/ns/mnt", &st))
		c->namespace[c->next_namespace++] = (__u32)st.st_ino;
	return c;
}

void cover_free(struct cover *c)
{
	int err = errno;
	unsigned i;

	if (!c)
		return;
	if (c->mount_fd >= 0)
		close(c->mount_fd);
	mounts_free(c->mounts);
	for (i = 0; i < DISTANCE__MAX; i++)
		crew_stop(c->crew[i]);
	free(c);
	errno = err;
}

static struct crew *crew_for(struct cover *c, enum distance distance)
{
	struct crew **crew = &c->crew[distance];

	if (!*crew && (*crew = reach_new(JOBS_MAX)) == NULL)
		log_warn("thread for filesystems that may not answer");
	return *crew;
}

static void lost(struct cover *c, struct mounts_fs *fs, const char *where, int error)
{
	if (fs->state == MOUNTS_FAILED)
		return;
	fs->state = MOUNTS_FAILED;
	c->listener.lost(c->listener.arg, where, error);
}

/* Send somebody to mark the filesystem at path. */
static void ask(struct cover *c, struct mounts_fs *fs, const char *path, __u32 mount_id)
{
	struct crew *crew = crew_for(c, (enum distance)fs->distance);
	struct reach_job *job = crew ? reach_job_new(REACH_MARK, path) : NULL;
	int rc = -ENOMEM;

	if (job) {
		job->watch = c->watch;
		job->distance = (enum distance)fs->distance;
		job->dev = fs->dev;
		job->mount_id = mount_id;
		rc = reach_submit(crew, job);
	}
	if (rc) {
		lost(c, fs, path, -rc);
		return;
	}
	fs->asked++;
	fs->asked_ms = c->now_ms;
}

static enum distance distance(const struct cover *c, const struct mounts_fs *fs)
{
	if (fs->class == MOUNTS_USER)
		return DISTANCE_STRANGE;
	if (fs->ours)
		return fs->class == MOUNTS_LOCAL ? DISTANCE_NEAR : DISTANCE_FAR;
	return c->strange ? DISTANCE_STRANGE : DISTANCE_FAR;
}

/* One line of somebody's mountinfo. */
static void found(void *arg, const struct mounts_line *m)
{
	enum mounts_class class = mounts_classify(m->fstype);
	char path[WIRE_PATH_MAX + 32];
	struct cover *c = arg;
	struct mounts_fs *fs;
	enum distance away;
	bool first;

	if (class == MOUNTS_PSEUDO || (fs = mounts_put(c->mounts, m->dev)) == NULL)
		return;
	first = !fs->seen;
	fs->seen = true;
	fs->class = class;
	if (!c->through)
		fs->ours = true;
	away = distance(c, fs);
	if (away < fs->distance)
		fs->distance = away;
	if (class == MOUNTS_USER)
		fs->state = MOUNTS_UNWATCHED;
	if (fs->state == MOUNTS_UNWATCHED || fs->state == MOUNTS_FAILED)
		return;
	/* what is watched: once per scan of ours, to be sure; what is not: at each of its mount points, as
	 * any of them may be covered; a server: once */
	if (fs->state == MOUNTS_WATCHED && (c->through || !first || class == MOUNTS_REMOTE))
		return;
	if (class == MOUNTS_REMOTE && fs->asked)
		return;
	if (c->through)
		snprintf(path, sizeof(path), "/proc/%u/root%s", c->through, m->point);
	ask(c, fs, c->through ? path : m->point, m->mount_id);
}

static void gone(void *arg, __u32 dev)
{
	struct cover *c = arg;

	c->listener.gone(c->listener.arg, dev);
}

int cover_scan(struct cover *c)
{
	int rc;

	c->through = 0;
	c->strange = false;
	mounts_scan_begin(c->mounts);
	rc = mounts_read("/proc/self/mountinfo", found, c);
	if (!rc)
		mounts_scan_end(c->mounts, gone, c);
	return rc;
}

int cover_mount_fd(const struct cover *c)
{
	return c->mount_fd;
}

/* Mark all that a process sees. */
static int scan_through(struct cover *c, __u32 tgid)
{
	char path[32];

	if (!tgid)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%u/mountinfo", tgid);
	c->through = tgid;
	c->strange = !proc_our_users(tgid);
	return mounts_read(path, found, c);
}

static bool namespace_known(struct cover *c, __u32 mntns)
{
	unsigned i;

	for (i = 0; i < NAMESPACES; i++) {
		if (c->namespace[i] == mntns)
			return true;
	}
	return false;
}

/* The process may be gone in 40 us; its parent mostly is not, and mostly sees the same. What neither shows (a
 * filesystem unmounted lazily, a memfd) is tried through the program itself, by the crew that may hang:
 * nobody knows what it is. */
void cover_exec(struct cover *c, const struct wire_exec *exec, __u64 now_ms)
{
	bool new_namespace = exec->mntns && !namespace_known(c, exec->mntns);
	struct mounts_fs *fs = mounts_get(c->mounts, exec->file.dev);
	char path[32];

	if (fs && !new_namespace &&
	    (fs->state != MOUNTS_NEW || fs->asked || now_ms - fs->asked_ms < AGAIN_NEW_MS))
		return;
	c->now_ms = now_ms;
	if (scan_through(c, exec->image.tgid))
		scan_through(c, exec->parent.tgid);
	else if (new_namespace)
		c->namespace[c->next_namespace++ % NAMESPACES] = exec->mntns;
	fs = mounts_put(c->mounts, exec->file.dev);
	if (!fs || fs->state != MOUNTS_NEW || fs->asked)
		return;
	fs->class = MOUNTS_REMOTE;
	snprintf(path, sizeof(path), "/proc/%u/exe", exec->image.tgid);
	ask(c, fs, path, 0);
}

void cover_missed(struct cover *c, const struct wire_exec *exec, __u64 now_ms)
{
	struct mounts_fs *fs = mounts_get(c->mounts, exec->file.dev);

	if (!fs || fs->state != MOUNTS_WATCHED || now_ms - fs->asked_ms < AGAIN_MISSED_MS)
		return;
	c->now_ms = now_ms;
	fs->state = MOUNTS_NEW;
	cover_exec(c, exec, now_ms);
}

struct crew *cover_crew(struct cover *c, enum distance distance)
{
	return c->crew[distance];
}

void cover_marked(struct cover *c, const struct reach_job *job)
{
	struct mounts_fs *fs = mounts_get(c->mounts, job->dev);

	if (!fs)
		return; /* unmounted meanwhile */
	if (fs->asked)
		fs->asked--;
	if (!job->error) {
		fs->state = MOUNTS_WATCHED;
		fs->error = 0;
		return;
	}
	/* covered, unmounted, or the process is gone: says nothing about the filesystem */
	if (job->error != -ENOENT && job->error != -ESRCH && job->error != -ENOTDIR)
		fs->error = -job->error;
	if (fs->asked || fs->state != MOUNTS_NEW || !fs->error)
		return;
	if (job->mount_id)
		lost(c, fs, job->path, fs->error);
	else /* memfd and the like: the kernel refuses to watch what is mounted nowhere. Container runtimes
	      * run from there all day, so it is no loss of the machine's: such a program is hashed through
	      * /proc while it lives, and has a hash_error of its own if it did not live long enough. */
		fs->state = MOUNTS_FAILED;
}

int cover_open(struct cover *c, struct reach_job *job)
{
	const struct mounts_fs *fs = mounts_get(c->mounts, job->record.dev);
	struct crew *crew;

	job->at_path = fs && fs->ours;
	job->distance = cover_distance(c, job->record.dev);
	crew = crew_for(c, job->distance);
	if (crew)
		return reach_submit(crew, job);
	reach_job_free(job);
	return -ENOMEM;
}

enum distance cover_distance(struct cover *c, __u32 dev)
{
	const struct mounts_fs *fs = mounts_get(c->mounts, dev);

	return fs ? (enum distance)fs->distance : DISTANCE_STRANGE;
}

bool cover_settled(struct cover *c)
{
	return !crew_jobs(c->crew[DISTANCE_NEAR]);
}

unsigned cover_watched(struct cover *c)
{
	return mounts_watched(c->mounts);
}
