// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lookup.c - see lookup.h. Owns nothing but its jobs. openat2() with RESOLVE_IN_ROOT (Linux 5.6) takes links
 * and
 * .. as the process would have; no link of /proc is followed, and nothing but a regular file is opened.
 */
#include "hasher/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "hasher/digest.h"
#include "hasher/file.h"
#include "hasher/proc.h"

#define LIMIT_MS 3000
#define NS 1000000000ull
/* Both the time of an execution and the ctime of a file are a jiffy coarse, at most 10 ms: what was changed
 * so shortly before may have been changed just after. */
#define COARSE_NS 20000000

static bool is_inode(int fd, __u64 ino)
{
	struct statx sx;

	return !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &sx) && sx.stx_ino == ino;
}

static bool same_mounts(__u32 tgid, __u32 mntns)
{
	char path[40], link[40], want[40];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", tgid);
	snprintf(want, sizeof(want), "mnt:[%u]", mntns);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	return strcmp(link, want) == 0;
}

/* /proc/TGID/WHAT, if it is that inode. fd or -errno. */
static int open_place(__u32 tgid, const char *what, __u64 ino)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", tgid, what);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (is_inode(fd, ino))
		return fd;
	close(fd);
	return -ESTALE;
}

static int link_of(int fd, char *to)
{
	char by_fd[32];
	ssize_t n;

	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	n = readlink(by_fd, to, WIRE_PATH_MAX - 1);
	to[n > 0 ? n : 0] = '\0';
	return n > 0 && to[0] == '/' ? 0 : -ENOENT;
}

/* The directory's path as seen from root: what root's own path is the beginning of. */
static int below_root(int root, int cwd, char *to)
{
	char top[WIRE_PATH_MAX];
	size_t len;

	if (link_of(root, top) || link_of(cwd, to))
		return -ENOENT;
	len = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(to, top, len) != 0 || (to[len] != '/' && to[len] != '\0'))
		return -ENOENT;
	memmove(to, to + len, strlen(to + len) + 1);
	return 0;
}

/* An O_PATH descriptor of what the argument named. fd or -errno. */
static int find_below(const struct lookup *job, __u32 tgid, int root)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	char path[2 * WIRE_PATH_MAX + 2] = "";
	int cwd, fd, rc = 0;

	if (job->argument[0] != '/') {
		cwd = open_place(tgid, "cwd", job->cwd_ino);
		if (cwd < 0)
			return cwd;
		rc = below_root(root, cwd, path);
		close(cwd);
		strcat(path, "/");
	}
	if (rc)
		return rc;
	strcat(path, job->argument);
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/* Of a file as that process sees it. An overlay answers when those below it do, and in a user namespace they
 * are anybody's. */
static enum distance distance_of(int fd, __u32 tgid)
{
	static const __u32 servers[] = {NFS_SUPER_MAGIC,  CIFS_SUPER_MAGIC, SMB_SUPER_MAGIC,
					SMB2_SUPER_MAGIC, V9FS_MAGIC,	    AFS_SUPER_MAGIC,
					CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) || (__u32)fs.f_type == FUSE_SUPER_MAGIC)
		return DISTANCE_STRANGE;
	if ((__u32)fs.f_type == OVERLAYFS_SUPER_MAGIC && !proc_our_users(tgid))
		return DISTANCE_STRANGE;
	for (i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if ((__u32)fs.f_type == servers[i])
			return DISTANCE_FAR;
	return DISTANCE_NEAR;
}

/* Take what was found, if it can be what was executed. 0, or why not (enum wire_hash_error). */
static unsigned take(struct lookup *job, int place)
{
	char by_fd[32];
	__u64 changed;

	if (file_stat(place, &job->st))
		return WIRE_HASH_NO_FILE;
	changed = job->st.ctime_s < 0 ? 0 : (__u64)job->st.ctime_s * NS + job->st.ctime_ns;
	if (changed + COARSE_NS > job->before_ns)
		return WIRE_HASH_CHANGED;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", place);
	job->fd = open(by_fd, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return job->fd < 0 ? digest_error(errno) : WIRE_HASH_OK;
}

static unsigned look(struct lookup *job, __u32 tgid)
{
	int root, place;
	unsigned error;

	if (!tgid || !same_mounts(tgid, job->mntns))
		return WIRE_HASH_GONE;
	root = open_place(tgid, "root", job->root_ino);
	if (root < 0)
		return WIRE_HASH_GONE;
	place = find_below(job, tgid, root);
	close(root);
	if (place == -ESTALE) /* it went to another directory */
		return WIRE_HASH_GONE;
	if (place < 0)
		return place == -ELOOP ? WIRE_HASH_NO_FILE : digest_error(place);
	if (link_of(place, job->path))
		job->path[0] = '\0';
	error = take(job, place);
	job->distance = distance_of(place, tgid);
	close(place);
	return error;
}

void lookup_now(struct lookup *job)
{
	job->error = look(job, job->tgid);
	if (job->error == WIRE_HASH_GONE)
		job->error = look(job, job->parent_tgid);
	if (job->error)
		job->fd = -1;
}

struct lookup *lookup_new(const struct wire_exec *exec, const char *argument)
{
	size_t len = strnlen(argument, WIRE_PATH_MAX - 1);
	struct lookup *job = calloc(1, sizeof(*job) + len + 1);

	if (!job)
		return NULL;
	job->fd = -1;
	job->error = WIRE_HASH_GONE;
	memcpy(job->argument, argument, len);
	job->tgid = exec->image.tgid;
	job->parent_tgid = exec->parent.tgid;
	job->mntns = exec->mntns;
	job->cwd_ino = exec->cwd_ino;
	job->root_ino = exec->root_ino;
	return job;
}

void lookup_free(struct lookup *job)
{
	if (!job)
		return;
	if (job->fd >= 0)
		close(job->fd);
	free(job);
}

static int step(struct crew_job *job, void *buf)
{
	(void)buf;
	lookup_now((struct lookup *)job);
	return 0;
}

static struct crew_job *answer(const struct crew_job *stuck)
{
	struct lookup *job = calloc(1, sizeof(*job) + 1);

	if (!job)
		return NULL;
	job->id = ((const struct lookup *)stuck)->id;
	job->error = WIRE_HASH_TIMEOUT;
	job->fd = -1;
	return &job->crew;
}

static void free_job(struct crew_job *job)
{
	lookup_free((struct lookup *)job);
}

static const struct crew_kind looking = {
	.name = "looking for a script",
	.step = step,
	.answer = answer,
	.free = free_job,
	.limit_ms = LIMIT_MS,
};

struct crew *lookup_crew(unsigned max_jobs)
{
	return crew_new(&looking, max_jobs);
}

int lookup_submit(struct crew *c, struct lookup *job)
{
	int rc = crew_submit(c, &job->crew);

	if (rc)
		lookup_free(job);
	return rc;
}

struct lookup *lookup_result(struct crew *c)
{
	return (struct lookup *)crew_result(c);
}
