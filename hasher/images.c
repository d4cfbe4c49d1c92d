// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * images.c - owns the candidates, the versions and the threads that look for files; the one place that
 * decides which bytes an image is.
 *
 * A wrong hash is worse than none: a digest is used only for a file whose inode number, size and mtime are
 * those of the exec record. The path comes from the record, the bytes from the event's fd.
 */
#include "hasher/images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/log.h"
#include "config/wire_check.h"
#include "hasher/apps.h"
#include "hasher/cover.h"
#include "hasher/far.h"
#include "hasher/fetch.h"
#include "hasher/file.h"
#include "hasher/join.h"
#include "hasher/libraries.h"
#include "hasher/named.h"
#include "hasher/owners.h"
#include "hasher/preload.h"
#include "hasher/proc.h"
#include "hasher/reach.h"
#include "hasher/scripts.h"
#include "hasher/versions.h"

enum lost {
	LOST_OVERFLOW,
	LOST_UNREAD,
	LOST_CANDIDATE,
	LOST__MAX
};

struct images {
	struct stage *stage;
	struct watch *watch;
	struct places *places;
	struct versions versions;
	struct scripts *scripts;
	struct apps *apps;
	struct libraries *libraries;
	struct named *named; /* NULL: this kernel does not tell */
	struct preload preload;
	struct join *join;
	struct owners owners;
	struct fetch fetch;
	struct cover *cover;		/* NULL without fanotify */
	struct crew *near;		/* without fanotify: who looks for files */
	struct far *far[DISTANCE__MAX]; /* NULL: near, or no fanotify */
	bool far_lost[DISTANCE__MAX];	/* said that it gave up */
	__u64 crowded_ms;		/* when candidates last had reason to wait long */
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

	versions_unmounted(&im->versions, dev);
}

/* ---- events */

/* Will an exec record ask for an event of this version? Not if the record finds it by itself, and not if it
 * is what the kernel loads beside every program (ld.so): in a storm these would fill all places. Should such
 * a file be executed after all, it is looked for at its path. */
static bool is_awaited(struct cache_file *f)
{
	if (!f->findable || f->young)
		return true;
	if (f->record_dev || f->unclaimed == CACHE_UNCLAIMED_MAX)
		return false;
	f->unclaimed++;
	return true;
}

static void executed_at(void *arg, __u32 tgid, int fd, enum distance distance)
{
	struct images *im = arg;
	const char *script;
	struct wire_file st;
	struct cache_file *f;
	__u64 file_id;

	if (file_stat(fd, &st)) {
		versions_let_go(&im->versions, fd, distance);
		return;
	}
	script = distance ? NULL : scripts_path(fd);
	file_id = versions_executed(&im->versions, fd, &st, distance);
	f = cache_by_id(im->versions.cache, file_id);
	if (!f || !tgid)
		return;
	if (script)
		scripts_opened(im->scripts, tgid, file_id, script, now_ms());
	else if (is_awaited(f) && join_add(im->join, tgid, &st, file_id, now_ms()))
		im->candidates_dropped++;
}

static void executed(void *arg, __u32 tgid, int fd)
{
	executed_at(arg, tgid, fd, DISTANCE_NEAR);
}

static void modified(void *arg, __u32 tgid, int fd)
{
	struct images *im = arg;

	versions_modified(&im->versions, tgid, fd);
}

unsigned images_drain(struct images *im, bool has_room)
{
	const struct watch_listener listener = {
		.executed = executed, .modified = has_room ? modified : NULL, .arg = im};
	unsigned i;

	if (!im->watch)
		return 0;
	for (i = DISTANCE_FAR; i < DISTANCE__MAX; i++)
		if (im->far[i])
			far_take(im->far[i], executed_at, im);
	return watch_drain(im->watch, &listener);
}

/* ---- exec records */

/* Append it; the length with its NUL, 0 = there is none. */
static __u16 add_text(char *to, size_t *at, const char *text)
{
	size_t len = text ? strnlen(text, WIRE_PATH_MAX - 1) + 1 : 0;

	if (!len)
		return 0;
	memcpy(to + *at, text, len - 1);
	to[*at + len - 1] = '\0';
	*at += len;
	return (__u16)len;
}

/* The first time that a version is told: hear of it when another file takes its path. */
static void watch_name(struct images *im, const struct wire_exec *exec, bool elsewhere, __u64 file_id)
{
	if (im->named && !elsewhere && !(exec->flags & (WIRE_EXEC_UNLINKED | WIRE_EXEC_PATH_CUT)) &&
	    cover_distance(im->cover, exec->file.dev) == DISTANCE_NEAR)
		named_watch(im->named, wire_exec_path(exec), &exec->file, file_id);
}

static void put_image(struct images *im, const struct wire_exec *exec, size_t len, struct cache_file *f,
		      unsigned hash_error, __u32 flags)
{
	struct wire_image image = {
		.hash_error = hash_error, .flags = flags, .place_id = places_image(im->places, exec)};
	static char tail[WIRE_FRAME_MAX];
	const char *script = NULL, *app = NULL;
	bool first = f && !f->announced;

	if (f) {
		image.file_id = f->file_id;
		image.hash_error = f->hash_error;
		f->announced = true;
		if (f->hash_error == WIRE_HASH_PENDING)
			f->promised = true;
		if (f->hash_error == WIRE_HASH_OK)
			memcpy(image.sha256, f->sha256, sizeof(image.sha256));
	}
	if (!(exec->flags & WIRE_EXEC_KERNEL)) {
		script = scripts_image(im->scripts, exec, &image);
		app = apps_image(im->apps, exec, places_cgroup(im->places, exec), now_ms());
		image.flags |= preload_image(&im->preload, exec, now_ms()) ? WIRE_IMAGE_LD_SO_PRELOAD : 0;
		image.flags |= proc_elsewhere(exec) ? WIRE_IMAGE_ELSEWHERE : 0;
	}
	if (first)
		watch_name(im, exec, image.flags & WIRE_IMAGE_ELSEWHERE, f->file_id);
	memcpy(tail, exec, len);
	image.script_len = add_text(tail, &len, script);
	image.app_len = add_text(tail, &len, app);
	if (frame_put(im->stage->out, WIRE_IMAGE, &image, sizeof(image), tail, len))
		log_warnx("no room for an image");
	if (f)
		owners_ask(&im->owners, exec, f, image.flags & WIRE_IMAGE_ELSEWHERE);
}

/* The version that an event of this process brought. */
static struct cache_file *joined(struct images *im, const struct wire_exec *exec, enum join_result *how,
				 __u64 *file_id)
{
	struct cache_file *f;

	*how = join_find(im->join, exec->image.tgid, &exec->file, file_id);
	if (*how != JOIN_CERTAIN && *how != JOIN_RENAMED)
		return NULL;
	f = cache_by_id(im->versions.cache, *file_id);
	if (!f)
		return NULL;
	/* an inode number with another life: what we know of it is no good */
	if (f->at.generation && exec->file.generation && f->at.generation != exec->file.generation) {
		cache_forget(im->versions.cache, f);
		*how = JOIN_NONE;
		return NULL;
	}
	if (file_unchanged(&f->at, &exec->file))
		cache_set_record(im->versions.cache, f, &exec->file);
	return f;
}

/* Without an event: send somebody to find the file. NULL: nobody can go. */
static struct cache_file *look_for(struct images *im, const struct wire_exec *exec, bool was_changed)
{
	struct cache_file *f = cache_add(im->versions.cache, NULL, &exec->file);
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
		cache_set_digest(im->versions.cache, f, WIRE_HASH_BUSY, NULL);
	return f;
}

void images_exec(struct images *im, const struct wire_exec *exec, size_t len)
{
	enum join_result how = JOIN_NONE;
	struct cache_file *f;
	__u64 file_id = 0;
	struct far *far;

	if (exec->source == WIRE_EXEC_NETWORK)
		libraries_image(im->libraries, exec);
	if (exec->flags & (WIRE_EXEC_KERNEL | WIRE_EXEC_NO_FILE)) {
		put_image(im, exec, len, NULL, WIRE_HASH_NO_FILE, 0);
		return;
	}
	if (im->cover)
		cover_exec(im->cover, exec, now_ms());
	f = cache_by_record(im->versions.cache, &exec->file);
	if (!f && im->cover && (far = im->far[cover_distance(im->cover, exec->file.dev)]) != NULL)
		far_take_all(far, executed_at, im);
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
	scripts_exit(im->scripts, tgid);
}

void images_fetch(struct images *im, const struct wire_fetch *wanted)
{
	fetch_order(&im->fetch, wanted);
}

/* ---- results of the threads */

static void opened(struct images *im, struct reach_job *job)
{
	struct cache_file *f = cache_by_id(im->versions.cache, job->file_id);

	if (!f)
		return;
	if (job->error) {
		versions_failed(&im->versions, f, (unsigned)job->error);
		return;
	}
	versions_found(&im->versions, f, job->fd, &job->st, job->distance);
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

/* Who goes to files at that distance; NULL: nobody yet. */
static struct crew *who_goes(struct images *im, enum distance distance)
{
	if (im->cover)
		return cover_crew(im->cover, distance);
	return distance == DISTANCE_NEAR ? im->near : NULL;
}

void images_renamed(struct images *im)
{
	named_drain(im->named);
}

static bool take_replaced(struct images *im)
{
	struct wire_changed changed;

	if (!im->named || !named_answer(im->named, &changed))
		return false;
	if (frame_put(im->stage->out, WIRE_CHANGED, &changed, sizeof(changed), NULL, 0))
		log_warnx("no room for a change");
	return true;
}

bool images_result(struct images *im)
{
	if (versions_result(&im->versions)) {
		scripts_hashed(im->scripts);
		return true;
	}
	return scripts_result(im->scripts) || libraries_result(im->libraries, now_ms()) ||
	       take_reached(im, who_goes(im, DISTANCE_NEAR)) ||
	       take_reached(im, who_goes(im, DISTANCE_FAR)) ||
	       take_reached(im, who_goes(im, DISTANCE_STRANGE)) || owners_answer(&im->owners) ||
	       take_replaced(im) || fetch_result(&im->fetch);
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

static int far_fd(struct images *im, enum distance distance, int (*fd)(const struct far *))
{
	return im->far[distance] ? fd(im->far[distance]) : -1;
}

static int who_goes_fd(struct images *im, enum distance distance)
{
	struct crew *crew = who_goes(im, distance);

	return crew ? crew_fd(crew) : -1;
}

int images_fd(struct images *im, enum images_fd which)
{
	switch (which) {
	case IMAGES_EXECUTED:
		return im->watch ? watch_fd(im->watch, WATCH_NEAR) : -1;
	case IMAGES_EXECUTED_FAR:
		return far_fd(im, DISTANCE_FAR, far_events_fd);
	case IMAGES_EXECUTED_STRANGE:
		return far_fd(im, DISTANCE_STRANGE, far_events_fd);
	case IMAGES_READ_FAR:
		return far_fd(im, DISTANCE_FAR, far_results_fd);
	case IMAGES_READ_STRANGE:
		return far_fd(im, DISTANCE_STRANGE, far_results_fd);
	case IMAGES_MODIFIED:
		return im->watch ? watch_fd(im->watch, WATCH_MODIFIED) : -1;
	case IMAGES_RENAMED:
		return im->named ? named_events_fd(im->named) : -1;
	case IMAGES_NAMED:
		return im->named ? named_answers_fd(im->named) : -1;
	case IMAGES_MOUNTS:
		return im->cover ? cover_mount_fd(im->cover) : -1;
	case IMAGES_HASHED:
	case IMAGES_HASHED_BIG:
	case IMAGES_HASHED_FAR:
	case IMAGES_HASHED_STRANGE:
		return hashing_fd(im->versions.hashing, (enum hashing_crew)(which - IMAGES_HASHED));
	case IMAGES_LIBRARIES:
		return libraries_fd(im->libraries);
	case IMAGES_SCRIPTS:
		return scripts_fd(im->scripts);
	case IMAGES_NEAR:
	case IMAGES_FAR:
	case IMAGES_STRANGE:
		return who_goes_fd(im, (enum distance)(which - IMAGES_NEAR));
	case IMAGES_PACKAGES:
		return owners_fd(&im->owners);
	case IMAGES_FETCHED:
		return fetch_fd(&im->fetch);
	default:
		return -1;
	}
}

/* A record comes after its events, but how long after depends on everyone behind us: candidates age only once
 * the pipe has been empty for as long as they are kept. */
void images_check(struct images *im, bool caught_up)
{
	__u64 now = now_ms();
	unsigned i;

	hashing_check(im->versions.hashing);
	scripts_check(im->scripts);
	libraries_check(im->libraries);
	for (i = 0; i < DISTANCE__MAX; i++) {
		if (who_goes(im, (enum distance)i))
			crew_check(who_goes(im, (enum distance)i));
		if (im->far[i])
			far_check(im->far[i]);
	}
	owners_check(&im->owners);
	if (im->named)
		named_check(im->named);
	fetch_check(&im->fetch);
	if (!caught_up)
		im->crowded_ms = now;
	if (now - im->crowded_ms > JOIN_KEEP_MS) {
		join_expire(im->join, now);
		scripts_expire(im->scripts, now);
	}
}

bool images_busy(struct images *im)
{
	unsigned i;

	for (i = 0; i < DISTANCE__MAX; i++) {
		struct crew *crew = who_goes(im, (enum distance)i);

		if ((crew && crew_jobs(crew)) || (im->far[i] && far_busy(im->far[i])))
			return true;
	}
	return hashing_busy(im->versions.hashing) || owners_busy(&im->owners) || join_count(im->join) ||
	       scripts_busy(im->scripts) || libraries_busy(im->libraries) || fetch_busy(&im->fetch) ||
	       (im->named && named_busy(im->named));
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
	unsigned i;

	if (im->watch)
		w = watch_losses(im->watch);
	say(im, LOST_OVERFLOW, w.overflows, WIRE_LOSS_FANOTIFY_OVERFLOW,
	    "the kernel's queue of exec events was full");
	say(im, LOST_UNREAD, w.unread, WIRE_LOSS_FANOTIFY_READ,
	    "the file of an exec event could not be opened");
	say(im, LOST_CANDIDATE, im->candidates_dropped, WIRE_LOSS_FANOTIFY_READ,
	    "too many exec events waited for their record");
	for (i = DISTANCE_FAR; i < DISTANCE__MAX; i++)
		if (im->far[i] && far_gave_up(im->far[i]) && !im->far_lost[i])
			im->far_lost[i] = !stage_loss(im->stage, WIRE_LOSS_MOUNT, 0, 0, 1, 0,
						      "filesystems of %s: too many did not answer",
						      i == DISTANCE_FAR ? "other namespaces or servers"
									: "other users");
	if (hashing_refused(im->versions.hashing) > im->refused_said) { /* each image says so, too */
		im->refused_said = hashing_refused(im->versions.hashing);
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
	return versions_owed(&im->versions) + scripts_owed(im->scripts);
}

bool images_abandon(struct images *im)
{
	return versions_abandon(&im->versions) || scripts_abandon(im->scripts);
}

static bool open_far(struct images *im)
{
	unsigned i;

	for (i = DISTANCE_FAR; i < DISTANCE__MAX; i++)
		if ((im->far[i] = far_new(im->watch, (enum distance)i)) == NULL)
			return false;
	return true;
}

struct images *images_new(struct stage *stage, struct watch *watch, struct places *places, unsigned max_files)
{
	struct images *im = calloc(1, sizeof(*im));
	const struct cover_listener listener = {.lost = lost, .gone = gone, .arg = im};

	if (!im)
		return NULL;
	im->stage = stage;
	im->watch = watch;
	im->places = places;
	im->said_ns = stage_now();
	im->join = join_new(JOIN_MAX);
	im->scripts = scripts_new(stage, &im->versions);
	im->apps = apps_new();
	owners_open(&im->owners, stage);
	fetch_open(&im->fetch, stage, &im->versions);
	im->libraries = libraries_new(stage);
	if (watch && (im->named = named_new()) == NULL)
		log_warn("a program that another file takes the place of is noticed only when that runs");
	if (!watch)
		im->near = reach_new(max_files);
	else if (open_far(im))
		im->cover = cover_new(watch, &listener);
	if (versions_open(&im->versions, stage, watch, im->far, max_files) || !im->join || !im->scripts ||
	    !im->apps || !im->libraries || !(im->cover || im->near)) {
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
	unsigned i;

	if (!im)
		return;
	join_free(im->join);
	scripts_free(im->scripts);
	apps_free(im->apps);
	owners_close(&im->owners);
	fetch_close(&im->fetch);
	libraries_free(im->libraries);
	named_free(im->named);
	cover_free(im->cover);
	crew_stop(im->near);
	versions_close(&im->versions);
	for (i = 0; i < DISTANCE__MAX; i++)
		far_free(im->far[i]);
	free(im);
	errno = err;
}
