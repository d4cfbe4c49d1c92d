// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * images.c - owns the cache, the candidates and the threads; the one place that decides which bytes an image
 * is.
 *
 * A wrong hash is worse than none: a digest is used only for a file whose inode number, size and mtime are
 * those of the exec record. The path comes from the record, the bytes from the event's fd.
 */
#include "hasher/images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "config/wire_check.h"
#include "hasher/cache.h"
#include "hasher/cover.h"
#include "hasher/far.h"
#include "hasher/file.h"
#include "hasher/hashing.h"
#include "hasher/join.h"
#include "hasher/reach.h"

enum lost {
	LOST_OVERFLOW,
	LOST_UNREAD,
	LOST_CANDIDATE,
	LOST__MAX
};

struct images {
	struct stage *stage;
	struct watch *watch;
	struct cache *cache;
	struct join *join;
	struct cover *cover; /* NULL without fanotify */
	struct crew *near;   /* without fanotify: who looks for files */
	struct hashing *hashing;
	struct far *far;  /* NULL without fanotify */
	bool far_lost;	  /* said that it gave up */
	__u64 crowded_ms; /* when candidates last had reason to wait long */
	__u64 candidates_dropped;
	__u64 refused_said;
	__u64 said[LOST__MAX];
	wire_ns said_ns;
};

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (__u64)ts.tv_sec * 1000 + (__u64)ts.tv_nsec / 1000000;
}

static void put(struct images *im, enum wire_type type, const void *head, size_t len)
{
	if (frame_put(im->stage->out, type, head, len, NULL, 0))
		log_warnx("no room for a frame of type %u", type); /* IMAGES_ROOM was not asked for: a bug */
}

/* ---- what the filesystems say */

static void lost(void *arg, const char *where, int error)
{
	struct images *im = arg;

	if (stage_loss(im->stage, WIRE_LOSS_MOUNT, 0, 0, 1, 0, "programs there are not watched: %s: %s",
		       where, error == ETIMEDOUT ? "no answer" : strerror(error)))
		log_warnx("programs there are not watched: %s: %s", where, strerror(error));
}

static void gone(void *arg, __u32 dev)
{
	struct images *im = arg;

	cache_forget_dev(im->cache, dev);
}

/* ---- digests */

/* The digest of f, or why there is none, is known: tell whoever was promised it. Last use of f. */
static void settle(struct images *im, struct cache_file *f, unsigned hash_error, const __u8 *sha256)
{
	struct wire_digest d = {.file_id = f->file_id, .hash_error = hash_error};

	cache_set_digest(im->cache, f, hash_error, sha256);
	if (!f->promised)
		return;
	f->promised = false;
	if (hash_error == WIRE_HASH_OK)
		memcpy(d.sha256, sha256, sizeof(d.sha256));
	put(im, WIRE_DIGEST, &d, sizeof(d));
}

static void settle_result(struct images *im, struct cache_file *f, const struct digest_result *r)
{
	unsigned error = r->hash_error;

	/* modified after it was executed, and perhaps so soon that its times do not show it */
	if (!error && f->tainted && (r->young || !file_unchanged(&r->as_read, &f->at)))
		error = WIRE_HASH_CHANGED;
	if (!error) {
		f->young = r->young;
		if (f->findable)
			cache_set_stat(im->cache, f, &r->as_read);
	}
	settle(im, f, error, r->sha256);
}

/* Close fd, or have it closed. */
static void let_go(struct images *im, int fd, bool far)
{
	if (far && im->far)
		far_close(im->far, fd);
	else
		close(fd);
}

/* Owns fd. A far file is neither closed here nor marked: the loop reads those events. */
static void hash(struct images *im, struct cache_file *f, int fd, const struct wire_file *st, bool far)
{
	struct digest_result now;

	if (!far && im->watch)
		watch_mark_file(im->watch, fd);
	if (!hashing_submit(im->hashing, fd, f->file_id, st, far, &now))
		return;
	let_go(im, fd, far);
	settle_result(im, f, &now);
}

/* ---- events */

static void event(struct images *im, __u32 tgid, int fd, bool far)
{
	struct cache_file *f;
	struct wire_file st;
	__u64 file_id;

	if (file_stat(fd, &st)) {
		let_go(im, fd, far);
		return;
	}
	f = cache_by_stat(im->cache, &st);
	if (f) {
		file_id = f->file_id;
		let_go(im, fd, far);
	} else if ((f = cache_add(im->cache, &st, NULL)) != NULL) {
		file_id = f->file_id;
		hash(im, f, fd, &st, far);
	} else {
		let_go(im, fd, far);
		return;
	}
	if (tgid && join_add(im->join, tgid, &st, file_id, now_ms()))
		im->candidates_dropped++;
}

static void executed(void *arg, __u32 tgid, int fd)
{
	event(arg, tgid, fd, false);
}

static void executed_far(void *arg, __u32 tgid, int fd)
{
	event(arg, tgid, fd, true);
}

static void modified(void *arg, __u32 tgid, int fd)
{
	struct images *im = arg;
	struct wire_changed changed = {.time_ns = stage_now(), .tgid = tgid};
	struct cache_file *f = NULL;
	struct wire_file st;

	if (!file_stat(fd, &st))
		f = cache_by_inode(im->cache, &st);
	if (f && file_unchanged(&f->at, &st)) {
		close(fd); /* old news: what we know was executed after that */
		return;
	}
	if (f) {
		changed.file_id = f->file_id;
		f->tainted = f->hash_error == WIRE_HASH_PENDING;
		if (f->announced)
			put(im, WIRE_CHANGED, &changed, sizeof(changed));
		cache_forget(im->cache, f);
	}
	watch_unmark_file(im->watch, fd); /* once is enough, until it is executed again */
	close(fd);
}

unsigned images_drain(struct images *im, bool has_room)
{
	const struct watch_listener listener = {
		.executed = executed, .modified = has_room ? modified : NULL, .arg = im};

	if (!im->watch)
		return 0;
	far_take(im->far, executed_far, im);
	return watch_drain(im->watch, &listener);
}

/* ---- exec records */

static void put_image(struct images *im, const struct wire_exec *exec, size_t len, struct cache_file *f,
		      unsigned hash_error, __u32 flags)
{
	struct wire_image image = {.hash_error = hash_error, .flags = flags};

	if (f) {
		image.file_id = f->file_id;
		image.hash_error = f->hash_error;
		f->announced = true;
		if (f->hash_error == WIRE_HASH_PENDING)
			f->promised = true;
		if (f->hash_error == WIRE_HASH_OK)
			memcpy(image.sha256, f->sha256, sizeof(image.sha256));
	}
	if (frame_put(im->stage->out, WIRE_IMAGE, &image, sizeof(image), exec, len))
		log_warnx("no room for an image");
}

/* The version that an event of this process brought. */
static struct cache_file *joined(struct images *im, const struct wire_exec *exec, enum join_result *how,
				 __u64 *file_id)
{
	struct cache_file *f;

	*how = join_find(im->join, exec->image.tgid, &exec->file, file_id);
	if (*how != JOIN_CERTAIN && *how != JOIN_RENAMED)
		return NULL;
	f = cache_by_id(im->cache, *file_id);
	if (!f)
		return NULL;
	/* an inode number with another life: what we know of it is no good */
	if (f->at.generation && exec->file.generation && f->at.generation != exec->file.generation) {
		cache_forget(im->cache, f);
		*how = JOIN_NONE;
		return NULL;
	}
	if (file_unchanged(&f->at, &exec->file))
		cache_set_record(im->cache, f, &exec->file);
	return f;
}

/* Without an event: send somebody to find the file. NULL: nobody can go. */
static struct cache_file *look_for(struct images *im, const struct wire_exec *exec, bool was_changed)
{
	struct cache_file *f = cache_add(im->cache, NULL, &exec->file);
	const char *path =
		exec->flags & (WIRE_EXEC_PATH_CUT | WIRE_EXEC_UNLINKED) ? "" : wire_exec_path(exec);
	struct reach_job *job;
	int rc = -ENOMEM;

	if (!f)
		return NULL;
	job = reach_job_new(REACH_OPEN, path);
	if (job) {
		job->file_id = f->file_id;
		job->record = exec->file;
		job->image = exec->image;
		job->parent_tgid = exec->parent.tgid;
		job->was_changed = was_changed;
		job->at_path = true;
		rc = im->cover ? cover_open(im->cover, job) : reach_submit(im->near, job);
	}
	if (rc)
		cache_set_digest(im->cache, f, WIRE_HASH_BUSY, NULL);
	return f;
}

void images_exec(struct images *im, const struct wire_exec *exec, size_t len)
{
	enum join_result how = JOIN_NONE;
	struct cache_file *f;
	__u64 file_id = 0;

	if (exec->flags & (WIRE_EXEC_KERNEL | WIRE_EXEC_NO_FILE)) {
		put_image(im, exec, len, NULL, WIRE_HASH_NO_FILE, 0);
		return;
	}
	if (im->cover)
		cover_exec(im->cover, exec, now_ms());
	f = cache_by_record(im->cache, &exec->file);
	if (!f && im->cover && cover_is_far(im->cover, exec->file.dev))
		far_take_all(im->far, executed_far, im);
	if (!f)
		f = joined(im, exec, &how, &file_id);
	if (!f && how != JOIN_CERTAIN && how != JOIN_RENAMED) {
		if (im->cover && how == JOIN_NONE && exec->source == WIRE_EXEC_EXECVE)
			cover_missed(im->cover, exec, now_ms());
		f = look_for(im, exec, how == JOIN_CHANGED);
	}
	put_image(im, exec, len, f, WIRE_HASH_BUSY, how == JOIN_RENAMED ? WIRE_IMAGE_RENAMED : 0);
}

void images_exit(struct images *im, __u32 tgid)
{
	join_exit(im->join, tgid);
}

/* ---- results of the threads */

static void opened(struct images *im, struct reach_job *job)
{
	struct cache_file *f = cache_by_id(im->cache, job->file_id);
	struct cache_file *known;

	if (!f)
		return;
	if (job->error) {
		settle(im, f, (unsigned)job->error, NULL);
		return;
	}
	known = cache_by_stat(im->cache, &job->st);
	if (known && known != f && known->hash_error == WIRE_HASH_OK) {
		settle(im, f, WIRE_HASH_OK, known->sha256);
		let_go(im, job->fd, job->far);
	} else {
		if (f->findable)
			cache_set_stat(im->cache, f, &job->st);
		hash(im, f, job->fd, &job->st, job->far);
	}
	job->fd = -1;
}

static bool take_reached(struct images *im, struct crew *crew)
{
	struct reach_job *job = crew ? reach_result(crew) : NULL;

	if (!job)
		return false;
	if (job->what == REACH_MARK)
		cover_marked(im->cover, job);
	else
		opened(im, job);
	reach_job_free(job);
	return true;
}

static struct crew *near(struct images *im)
{
	return im->cover ? cover_near(im->cover) : im->near;
}

static struct crew *far(struct images *im)
{
	return im->cover ? cover_far(im->cover) : NULL;
}

bool images_result(struct images *im)
{
	struct digest_result result;
	struct cache_file *f;
	__u64 file_id;

	if (!hashing_result(im->hashing, &file_id, &result))
		return take_reached(im, near(im)) || take_reached(im, far(im));
	f = cache_by_id(im->cache, file_id);
	if (f)
		settle_result(im, f, &result);
	return true;
}

/* ---- housekeeping */

void images_mounts(struct images *im)
{
	int rc = cover_scan(im->cover);

	if (rc) {
		errno = -rc;
		log_warn("/proc/self/mountinfo");
	}
}

int images_fd(struct images *im, enum images_fd which)
{
	switch (which) {
	case IMAGES_EXECUTED:
		return im->watch ? watch_fd(im->watch, WATCH_NEAR) : -1;
	case IMAGES_EXECUTED_FAR:
		return im->far ? far_events_fd(im->far) : -1;
	case IMAGES_READ_FAR:
		return im->far ? far_results_fd(im->far) : -1;
	case IMAGES_MODIFIED:
		return im->watch ? watch_fd(im->watch, WATCH_MODIFIED) : -1;
	case IMAGES_MOUNTS:
		return im->cover ? cover_mount_fd(im->cover) : -1;
	case IMAGES_HASHED:
	case IMAGES_HASHED_BIG:
	case IMAGES_HASHED_FAR:
		return hashing_fd(im->hashing, (enum hashing_crew)(which - IMAGES_HASHED));
	case IMAGES_NEAR:
		return crew_fd(near(im));
	case IMAGES_FAR:
		return far(im) ? crew_fd(far(im)) : -1;
	default:
		return -1;
	}
}

/* A record comes after its events, but how long after depends on everyone behind us: candidates age only once
 * the pipe has been empty for as long as they are kept. */
void images_check(struct images *im, bool caught_up)
{
	__u64 now = now_ms();

	hashing_check(im->hashing);
	crew_check(near(im));
	if (far(im))
		crew_check(far(im));
	if (im->far)
		far_check(im->far);
	if (!caught_up)
		im->crowded_ms = now;
	if (now - im->crowded_ms > JOIN_KEEP_MS)
		join_expire(im->join, now);
}

bool images_busy(struct images *im)
{
	return hashing_busy(im->hashing) || join_count(im->join) || crew_jobs(near(im)) ||
	       (far(im) && crew_jobs(far(im))) || (im->far && far_busy(im->far));
}

static void say(struct images *im, enum lost what, __u64 count, enum wire_loss_kind kind, const char *text)
{
	if (count > im->said[what] &&
	    !stage_loss(im->stage, kind, im->said_ns, 0, count - im->said[what], 0, "%s", text))
		im->said[what] = count;
}

void images_losses(struct images *im)
{
	struct watch_losses w = {0};

	if (im->watch)
		w = watch_losses(im->watch);
	say(im, LOST_OVERFLOW, w.overflows, WIRE_LOSS_FANOTIFY_OVERFLOW,
	    "the kernel's queue of exec events was full");
	say(im, LOST_UNREAD, w.unread, WIRE_LOSS_FANOTIFY_READ,
	    "the file of an exec event could not be opened");
	say(im, LOST_CANDIDATE, im->candidates_dropped, WIRE_LOSS_FANOTIFY_READ,
	    "too many exec events waited for their record");
	if (im->far && far_gave_up(im->far) && !im->far_lost)
		im->far_lost =
			!stage_loss(im->stage, WIRE_LOSS_MOUNT, 0, 0, 1, 0,
				    "filesystems of other namespaces or servers: too many did not answer");
	if (hashing_refused(im->hashing) > im->refused_said) { /* each image says so, too */
		im->refused_said = hashing_refused(im->hashing);
		log_warnx("too many files waited: %llu without hash so far",
			  (unsigned long long)im->refused_said);
	}
	im->said_ns = stage_now();
}

bool images_ready(struct images *im)
{
	return !im->cover || cover_settled(im->cover);
}

unsigned images_watched(struct images *im)
{
	return im->cover ? cover_watched(im->cover) : 0;
}

unsigned images_owed(struct images *im)
{
	const struct cache_file *f = NULL;
	unsigned n = 0;

	while ((f = cache_next_pending(im->cache, f ? f->file_id : 0)) != NULL)
		n += f->promised;
	return n;
}

bool images_abandon(struct images *im)
{
	struct cache_file *f = NULL;

	while ((f = cache_next_pending(im->cache, f ? f->file_id : 0)) != NULL) {
		if (f->promised) {
			settle(im, f, WIRE_HASH_ABANDONED, NULL);
			return true;
		}
	}
	return false;
}

struct images *images_new(struct stage *stage, struct watch *watch, unsigned max_files)
{
	struct images *im = calloc(1, sizeof(*im));
	const struct cover_listener listener = {.lost = lost, .gone = gone, .arg = im};

	if (!im)
		return NULL;
	im->stage = stage;
	im->watch = watch;
	im->said_ns = stage_now();
	im->cache = cache_new(CACHE_MAX);
	im->join = join_new(JOIN_MAX);
	im->hashing = hashing_new(max_files);
	if (watch && (im->far = far_new(watch)) != NULL)
		im->cover = cover_new(watch, &listener);
	else if (!watch)
		im->near = reach_new(max_files);
	if (!im->cache || !im->join || !im->hashing || !(im->cover || im->near)) {
		images_free(im);
		return NULL;
	}
	if (im->cover)
		images_mounts(im);
	return im;
}

void images_free(struct images *im)
{
	int err = errno;

	if (!im)
		return;
	cache_free(im->cache);
	join_free(im->join);
	cover_free(im->cover);
	crew_stop(im->near);
	hashing_free(im->hashing);
	far_free(im->far);
	free(im);
	errno = err;
}
