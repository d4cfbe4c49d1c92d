// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * versions.c - see versions.h. A digest settles a version once: into the cache for whoever runs it next, and
 * downstream if an image went there before it with the promise of one.
 */
#include "hasher/versions.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "hasher/file.h"

int versions_open(struct versions *v, struct stage *stage, struct watch *watch, struct far *const *far,
		  unsigned max_files)
{
	*v = (struct versions){.stage = stage, .watch = watch, .far = far};
	v->cache = cache_new(CACHE_MAX);
	v->hashing = hashing_new(max_files);
	v->known = stage->state_dir ? known_open(stage->state_dir, KNOWN_BOOT_ID) : NULL;
	return v->cache && v->hashing ? 0 : -ENOMEM;
}

void versions_close(struct versions *v)
{
	cache_free(v->cache);
	hashing_free(v->hashing);
	known_close(v->known);
	v->known = NULL;
	v->cache = NULL;
	v->hashing = NULL;
}

static void put(struct versions *v, enum wire_type type, const void *record, size_t len)
{
	if (frame_put(v->stage->out, type, record, len, NULL, 0))
		log_warnx("no room for a frame of type %u", type); /* IMAGES_ROOM was not asked for: a bug */
}

/* The digest of f, or why there is none, is known: tell whoever was promised it. Last use of f. */
static void settle(struct versions *v, struct cache_file *f, unsigned hash_error, const __u8 *sha256)
{
	struct wire_digest d = {.file_id = f->file_id, .hash_error = hash_error};

	cache_set_digest(v->cache, f, hash_error, sha256);
	if (!f->promised)
		return;
	f->promised = false;
	if (hash_error == WIRE_HASH_OK)
		memcpy(d.sha256, sha256, sizeof(d.sha256));
	put(v, WIRE_DIGEST, &d, sizeof(d));
}

static void settle_result(struct versions *v, struct cache_file *f, const struct digest_result *r)
{
	unsigned error = r->hash_error;

	/* modified after it was executed, and perhaps so soon that its times do not show it */
	if (!error && f->tainted && (r->young || !file_unchanged(&r->as_read, &f->at)))
		error = WIRE_HASH_CHANGED;
	if (!error) {
		f->young = r->young;
		if (!r->young && !f->tainted)
			known_add(v->known, r->filesystem, &r->as_read, r->sha256);
		if (f->findable)
			cache_set_stat(v->cache, f, &r->as_read);
	}
	settle(v, f, error, r->sha256);
}

void versions_failed(struct versions *v, struct cache_file *f, unsigned hash_error)
{
	settle(v, f, hash_error, NULL);
}

void versions_let_go(struct versions *v, int fd, enum distance distance)
{
	if (v->far && v->far[distance])
		far_close(v->far[distance], fd);
	else
		close(fd);
}

/* Was this version hashed in an earlier run? It is marked already, so that a later change is heard of. */
static bool recall(struct versions *v, struct cache_file *f, int fd, const struct wire_file *st)
{
	struct wire_file file = *st;
	__u8 sha256[WIRE_SHA256_SIZE];

	if (!v->known)
		return false;
	file.generation = file_generation(fd);
	if (!known_find(v->known, file_filesystem(fd), &file, sha256))
		return false;
	if (f->findable)
		cache_set_stat(v->cache, f, &file);
	settle(v, f, WIRE_HASH_OK, sha256);
	return true;
}

/* Owns fd. A file that is not near is neither closed here nor marked: the loop reads those events. */
static void hash(struct versions *v, struct cache_file *f, int fd, const struct wire_file *st,
		 enum distance distance)
{
	struct digest_result now;

	if (!distance && v->watch)
		watch_mark_file(v->watch, fd);
	if (!distance && recall(v, f, fd, st)) {
		versions_let_go(v, fd, distance);
		return;
	}
	if (!hashing_submit(v->hashing, fd, f->file_id, st, distance, &now))
		return;
	versions_let_go(v, fd, distance);
	settle_result(v, f, &now);
}

__u64 versions_executed(struct versions *v, int fd, const struct wire_file *st, enum distance distance)
{
	struct cache_file *f = cache_by_stat(v->cache, st);
	__u64 file_id;

	if (!f && (f = cache_add(v->cache, st, NULL)) != NULL) {
		file_id = f->file_id;
		hash(v, f, fd, st, distance);
		return file_id;
	}
	versions_let_go(v, fd, distance);
	return f ? f->file_id : 0;
}

void versions_found(struct versions *v, struct cache_file *f, int fd, const struct wire_file *st,
		    enum distance distance)
{
	const struct cache_file *known = cache_by_stat(v->cache, st);

	if (known && known != f && known->hash_error == WIRE_HASH_OK) {
		settle(v, f, WIRE_HASH_OK, known->sha256);
		versions_let_go(v, fd, distance);
		return;
	}
	if (f->findable)
		cache_set_stat(v->cache, f, st);
	hash(v, f, fd, st, distance);
}

void versions_modified(struct versions *v, __u32 tgid, int fd)
{
	struct wire_changed changed = {.time_ns = stage_now(), .tgid = tgid};
	struct cache_file *f = NULL;
	struct wire_file st;

	if (!file_stat(fd, &st))
		f = cache_by_inode(v->cache, &st);
	if (f && file_unchanged(&f->at, &st)) {
		close(fd); /* old news: what we know was executed after that */
		return;
	}
	if (f) {
		changed.file_id = f->file_id;
		f->tainted = f->hash_error == WIRE_HASH_PENDING;
		if (f->announced)
			put(v, WIRE_CHANGED, &changed, sizeof(changed));
		cache_forget(v->cache, f);
	}
	watch_unmark_file(v->watch, fd); /* once is enough, until it is executed again */
	close(fd);
}

void versions_unmounted(struct versions *v, __u32 dev)
{
	cache_forget_dev(v->cache, dev);
	known_forget_dev(v->known, dev);
}

bool versions_result(struct versions *v)
{
	struct digest_result result;
	struct cache_file *f;
	__u64 file_id;

	if (!hashing_result(v->hashing, &file_id, &result))
		return false;
	f = cache_by_id(v->cache, file_id);
	if (f)
		settle_result(v, f, &result);
	return true;
}

unsigned versions_owed(struct versions *v)
{
	const struct cache_file *f = NULL;
	unsigned n = 0;

	while ((f = cache_next_pending(v->cache, f ? f->file_id : 0)) != NULL)
		n += f->promised;
	return n;
}

bool versions_abandon(struct versions *v)
{
	struct cache_file *f = NULL;

	while ((f = cache_next_pending(v->cache, f ? f->file_id : 0)) != NULL) {
		if (f->promised) {
			settle(v, f, WIRE_HASH_ABANDONED, NULL);
			return true;
		}
	}
	return false;
}
