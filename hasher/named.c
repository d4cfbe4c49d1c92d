// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * named.c - owns the group, the paths and the crew. A directory is known by what the kernel says of it in
 * events (filesystem and handle; fanotify(7), FAN_REPORT_DFID_NAME), so that no path is looked up when one
 * comes.
 */
#include "hasher/named.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "config/log.h"
#include "config/stage.h"
#include "hasher/crew.h"

#ifndef FAN_REPORT_DFID_NAME
#define FAN_REPORT_DFID_NAME 0x00000c00
#define FAN_EVENT_INFO_TYPE_DFID_NAME 2
#endif
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif

#define BUFFER_BYTES 8192
#define LIMIT_MS 3000
#define PINNED_MAX 4096 /* as in watch.c: directories that are marked before 5.19 stay in memory */

/* An inode's number is soon given to another file: that of the file it replaced, more often than not. */
struct inode {
	__u64 ino;
	struct statx_timestamp born, written; /* born: zero where the filesystem does not say */
};

/* A path that leads to a known program. */
struct name {
	__u64 key; /* of its directory and its last component; 0: free */
	__u64 file_id;
	struct inode inode;
	char *path;
};

enum what {
	MARK, /* its directory, and say the key */
	LOOK  /* does it lead to another file? */
};

struct job {
	struct crew_job crew;
	enum what what;
	struct named *named;
	struct wire_changed changed;
	struct inode inode; /* MARK: its ino is what is wanted, then what was found */
	__u64 key;
	bool found; /* MARK: it is still there, LOOK: another is */
	char path[];
};

struct named {
	int group;
	bool evictable;
	unsigned pinned;
	struct crew *crew;
	unsigned next;
	struct name name[NAMED_MAX];
};

static __u64 mix(__u64 h, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h;
}

static __u64 key_of(const void *fsid, const struct file_handle *handle, const char *name)
{
	__u64 h = mix(0xcbf29ce484222325u, fsid, sizeof(fsid_t));

	h = mix(h, &handle->handle_type, sizeof(handle->handle_type));
	h = mix(h, handle->f_handle, handle->handle_bytes);
	return mix(h, name, strlen(name)) | 1;
}

/* ---- in the thread */

static void mark_directory(struct named *n, int fd)
{
	const unsigned flags = FAN_MARK_ADD | (n->evictable ? FAN_MARK_EVICTABLE : 0);

	if (!n->evictable && ++n->pinned > PINNED_MAX) {
		fanotify_mark(n->group, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
		n->pinned = 1;
	}
	if (fanotify_mark(n->group, flags, FAN_MOVED_TO, fd, NULL) && errno == EINVAL && n->evictable) {
		n->evictable = false;
		mark_directory(n, fd);
	}
}

static __u64 key_at(int dir, const char *name)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle;
	struct statfs fs;
	int mount_id;

	handle.head.handle_bytes = MAX_HANDLE_SZ;
	if (fstatfs(dir, &fs) || name_to_handle_at(dir, "", &handle.head, &mount_id, AT_EMPTY_PATH))
		return 0;
	return key_of(&fs.f_fsid, &handle.head, name);
}

static bool look(int dir, const char *name, struct inode *inode)
{
	struct statx st;

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_MTIME | STATX_BTIME, &st))
		return false;
	*inode = (struct inode){.ino = st.stx_ino, .written = st.stx_mtime};
	if (st.stx_mask & STATX_BTIME)
		inode->born = st.stx_btime;
	return true;
}

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_inode(const struct inode *a, const struct inode *b)
{
	return a->ino == b->ino && same_time(&a->born, &b->born) && same_time(&a->written, &b->written);
}

static void mark(struct job *job)
{
	char *name = strrchr(job->path, '/');
	__u64 ino = job->inode.ino;
	int dir;

	if (!name || !name[1])
		return;
	*name = '\0';
	dir = open(name == job->path ? "/" : job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	*name++ = '/';
	if (dir < 0)
		return;
	mark_directory(job->named, dir);
	job->key = key_at(dir, name);
	job->found = job->key && look(dir, name, &job->inode) && job->inode.ino == ino;
	close(dir);
}

static int step(struct crew_job *crew_job, void *buf)
{
	struct job *job = (struct job *)crew_job;
	struct inode inode;

	(void)buf;
	if (job->what == MARK)
		mark(job);
	else
		job->found = look(AT_FDCWD, job->path, &inode) && !same_inode(&inode, &job->inode);
	return 0;
}

/* ---- between the threads */

static struct crew_job *answer(const struct crew_job *stuck)
{
	(void)stuck;
	return calloc(1, sizeof(struct job) + 1);
}

static void free_job(struct crew_job *job)
{
	free(job);
}

static const struct crew_kind kind = {.name = "watching the names of programs",
				      .step = step,
				      .answer = answer,
				      .free = free_job,
				      .limit_ms = LIMIT_MS,
				      .background = true};

/* ---- in the loop */

struct named *named_new(void)
{
	struct named *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->evictable = true;
	n->group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS |
					 FAN_REPORT_DFID_NAME,
				 O_RDONLY | O_CLOEXEC);
	n->crew = n->group < 0 ? NULL : crew_new(&kind, NAMED_JOBS_MAX);
	if (n->crew)
		return n;
	if (n->group >= 0)
		close(n->group);
	free(n);
	return NULL;
}

void named_free(struct named *n)
{
	unsigned i;

	if (!n)
		return;
	crew_stop(n->crew);
	for (i = 0; i < NAMED_MAX; i++)
		free(n->name[i].path);
	close(n->group);
	/* a thread that is stuck may still look at it: it goes with the process */
}

static void submit(struct named *n, enum what what, const char *path, const struct inode *inode,
		   const struct wire_changed *changed)
{
	size_t len = strlen(path) + 1;
	struct job *job = calloc(1, sizeof(*job) + len);

	if (!job)
		return;
	job->what = what;
	job->named = n;
	job->inode = *inode;
	job->changed = *changed;
	memcpy(job->path, path, len);
	if (crew_submit(n->crew, &job->crew))
		free(job);
}

void named_watch(struct named *n, const char *path, const struct wire_file *file, __u64 file_id)
{
	const struct wire_changed changed = {.file_id = file_id};
	const struct inode wanted = {.ino = file->ino};

	if (path[0] == '/')
		submit(n, MARK, path, &wanted, &changed);
}

/* Something was renamed to a name in a directory that is marked. */
static void renamed(struct named *n, const struct fanotify_event_info_fid *info, __u32 tgid)
{
	const struct file_handle *handle = (const void *)info->handle;
	const struct wire_changed changed = {.time_ns = stage_now(), .tgid = tgid};
	const char *name = (const char *)handle->f_handle + handle->handle_bytes;
	__u64 key = key_of(&info->fsid, handle, name);
	unsigned i;

	for (i = 0; i < NAMED_MAX; i++) {
		struct name *known = &n->name[i];
		struct wire_changed this = changed;

		if (known->key != key)
			continue;
		this.file_id = known->file_id;
		submit(n, LOOK, known->path, &known->inode, &this);
		break;
	}
}

/* With names behind them, events stand at multiples of four bytes only. */
void named_drain(struct named *n)
{
	char buf[BUFFER_BYTES] __attribute__((aligned(8)));
	ssize_t len, at;

	while ((len = read(n->group, buf, sizeof(buf))) > 0) {
		struct fanotify_event_metadata m;

		for (at = 0; at + (ssize_t)sizeof(m) <= len; at += m.event_len) {
			const struct fanotify_event_info_fid *info = (const void *)(buf + at + sizeof(m));

			memcpy(&m, buf + at, sizeof(m));
			if (m.event_len < sizeof(m) || at + (ssize_t)m.event_len > len)
				break;
			if (m.event_len > sizeof(m) + sizeof(*info) && m.metadata_len == sizeof(m) &&
			    info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME)
				renamed(n, info, m.pid > 0 ? (__u32)m.pid : 0);
		}
	}
}

static void keep(struct named *n, const struct job *job)
{
	struct name *name = NULL;
	char *path;
	unsigned i;

	for (i = 0; i < NAMED_MAX && !name; i++)
		if (n->name[i].key == job->key)
			name = &n->name[i];
	path = name ? name->path : strdup(job->path);
	if (!path)
		return;
	if (!name) {
		name = &n->name[n->next++ % NAMED_MAX];
		free(name->path);
	}
	*name = (struct name){
		.key = job->key, .inode = job->inode, .file_id = job->changed.file_id, .path = path};
}

/* Said once: the next version at this path is told when it runs. */
static void forget(struct named *n, __u64 file_id)
{
	unsigned i;

	for (i = 0; i < NAMED_MAX; i++)
		if (n->name[i].file_id == file_id)
			n->name[i].key = 0;
}

bool named_answer(struct named *n, struct wire_changed *changed)
{
	struct job *job;
	bool news = false;

	while (!news && (job = (struct job *)crew_result(n->crew)) != NULL) {
		news = job->what == LOOK && job->found;
		*changed = job->changed;
		if (job->what == MARK && job->found)
			keep(n, job);
		else if (news)
			forget(n, changed->file_id);
		free(job);
	}
	return news;
}

int named_events_fd(const struct named *n)
{
	return n->group;
}

int named_answers_fd(const struct named *n)
{
	return crew_fd(n->crew);
}

void named_check(struct named *n)
{
	crew_check(n->crew);
}

bool named_busy(const struct named *n)
{
	return crew_jobs(n->crew) > 0;
}
