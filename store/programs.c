// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * programs.c - see programs.h. A chained hash table that doubles. A program whose hash is pending is known by
 * its file_id and takes its final place when the digest comes; should the same program already be there, both
 * stay: they share one row.
 */
#include "store/programs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/utf8.h"
#include "config/wire_check.h"
#include "store/mix.h"
#include "store/text.h"

#define FIRST_SIZE 64
#define CONTEXT_SIZE 512

struct programs {
	struct program **chain;
	size_t size, count;
	size_t fresh, pending, news;
};

struct programs *programs_new(void)
{
	struct programs *ps = calloc(1, sizeof(*ps));

	if (ps && !(ps->chain = calloc(FIRST_SIZE, sizeof(struct program *)))) {
		free(ps);
		return NULL;
	}
	if (ps)
		ps->size = FIRST_SIZE;
	return ps;
}

static void program_free(struct program *p)
{
	if (!p)
		return;
	free(p->exe);
	free(p->name);
	free(p->context);
	free(p->peer);
	free(p->child);
	free(p);
}

void programs_free(struct programs *ps)
{
	struct program *p, *next;
	size_t i;

	if (!ps)
		return;
	for (i = 0; i < ps->size; i++)
		for (p = ps->chain[i]; p; p = next) {
			next = p->next;
			program_free(p);
		}
	free(ps->chain);
	free(ps);
}

static uint64_t mix_text(uint64_t h, const char *text)
{
	return text ? mix(h, text, strlen(text) + 1) : h * 31;
}

static bool is_pending(const struct program *p)
{
	return p->hash_error == WIRE_HASH_PENDING;
}

static uint64_t program_hash(const struct program *p)
{
	uint64_t h = mix_text(mix_text(FNV1A_BASIS, p->exe), p->name);

	if (is_pending(p))
		return mix(h, &p->file_id, sizeof(p->file_id));
	h = mix(h, &p->hash_error, sizeof(p->hash_error));
	return mix(h, p->sha256, sizeof(p->sha256));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same(const struct program *a, const struct program *b)
{
	if (a->hash != b->hash || a->hash_error != b->hash_error || a->self != b->self)
		return false;
	if (is_pending(a) ? a->file_id != b->file_id : memcmp(a->sha256, b->sha256, sizeof(a->sha256)) != 0)
		return false;
	return same_text(a->exe, b->exe) && same_text(a->name, b->name);
}

static void insert(struct programs *ps, struct program *p)
{
	struct program **chain = &ps->chain[p->hash & (ps->size - 1)];

	p->next = *chain;
	*chain = p;
	ps->count++;
}

static void take_out(struct programs *ps, struct program *p)
{
	struct program **at = &ps->chain[p->hash & (ps->size - 1)];

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	ps->count--;
}

/* Longer chains are the worst that happens when there is no memory. */
static void grow(struct programs *ps)
{
	struct programs bigger = *ps;
	struct program *p, *next;
	size_t i;

	bigger.size *= 2;
	bigger.count = 0;
	bigger.chain = calloc(bigger.size, sizeof(struct program *));
	if (!bigger.chain)
		return;
	for (i = 0; i < ps->size; i++)
		for (p = ps->chain[i]; p; p = next) {
			next = p->next;
			insert(&bigger, p);
		}
	free(ps->chain);
	*ps = bigger;
}

/* The kernel's own threads have no file: their name says so. */
static char *exe_text(const struct wire_exec *exec)
{
	char kernel[sizeof("kernel: ") + WIRE_COMM_SIZE];

	if (exec->flags & WIRE_EXEC_KERNEL) {
		snprintf(kernel, sizeof(kernel), "kernel: %s", exec->comm);
		return text_clean(kernel, strlen(kernel));
	}
	return text_clean(wire_exec_path(exec), exec->path_len ? exec->path_len - 1u : 0);
}

/* Unknown text is NULL, not empty. */
static char *known(char *text)
{
	if (text[0] != '\0')
		return text;
	free(text);
	return NULL;
}

static struct program *program_new(const struct wire_image *image, const struct wire_exec *exec)
{
	struct program *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->exe = exe_text(exec);
	p->name = text_clean(exec->comm, strnlen(exec->comm, sizeof(exec->comm)));
	if (!p->exe || !p->name) {
		program_free(p);
		return NULL;
	}
	p->exe = known(p->exe);
	p->name = known(p->name);
	/* the supervisor's children are marked on the way, ours are not */
	p->self = exec->flags & WIRE_EXEC_SELF || exec->parent.tgid == (uint32_t)getpid();
	p->running = exec->source == WIRE_EXEC_RUNNING;
	p->file_id = image->file_id;
	p->hash_error = (uint8_t)image->hash_error;
	if (p->hash_error == WIRE_HASH_OK)
		memcpy(p->sha256, image->sha256, sizeof(p->sha256));
	p->hash = program_hash(p);
	return p;
}

static struct program *script_new(const struct wire_image *image)
{
	struct program *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->exe = text_clean(wire_image_script(image), image->script_len - 1u);
	if (!p->exe) {
		program_free(p);
		return NULL;
	}
	p->file_id = image->script_id;
	p->hash_error = image->script_error;
	if (p->hash_error == WIRE_HASH_OK)
		memcpy(p->sha256, image->script_sha256, sizeof(p->sha256));
	p->hash = program_hash(p);
	return p;
}

/* Takes fresh, which may be NULL. */
static struct program *intern(struct programs *ps, struct program *fresh)
{
	struct program *p;

	if (!fresh)
		return NULL;
	for (p = ps->chain[fresh->hash & (ps->size - 1)]; p; p = p->next)
		if (same(p, fresh)) {
			p->file_id = fresh->file_id;
			p->running |= fresh->running;
			program_free(fresh);
			return program_ref(p);
		}
	if (ps->count >= ps->size)
		grow(ps);
	insert(ps, fresh);
	ps->pending += is_pending(fresh);
	return program_ref(fresh);
}

struct program *programs_intern(struct programs *ps, const struct wire_image *image,
				const struct wire_exec *exec)
{
	return intern(ps, program_new(image, exec));
}

struct program *programs_intern_script(struct programs *ps, const struct wire_image *image)
{
	return intern(ps, script_new(image));
}

struct program *programs_intern_told(struct programs *ps, const char *exe, const char *name,
				     const uint8_t sha256[WIRE_SHA256_SIZE], enum wire_hash_error hash_error)
{
	struct program *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->exe = exe ? strdup(exe) : NULL;
	p->name = name ? strdup(name) : NULL;
	if ((exe && !p->exe) || (name && !p->name)) {
		program_free(p);
		return NULL;
	}
	p->uid = WIRE_EVERYBODY;
	p->hash_error = sha256 ? WIRE_HASH_OK : (uint8_t)hash_error;
	if (sha256)
		memcpy(p->sha256, sha256, sizeof(p->sha256));
	p->hash = program_hash(p);
	return intern(ps, p);
}

struct program *program_ref(struct program *p)
{
	p->refs++;
	return p;
}

void program_unref(struct program *p)
{
	if (p)
		p->refs--;
}

static void has_news(struct programs *ps, struct program *p)
{
	ps->news += !p->news;
	p->news = true;
}

/* A script is known by what stood on a command line until it is found. */
static void rename_to(struct program *p, const char *path, size_t len)
{
	char *exe = text_clean(path, len);

	if (!exe)
		return;
	free(p->exe);
	p->exe = exe;
}

static void resolve(struct programs *ps, struct program *p, const struct wire_digest *digest)
{
	take_out(ps, p);
	p->hash_error = (uint8_t)digest->hash_error;
	if (p->hash_error == WIRE_HASH_OK)
		memcpy(p->sha256, digest->sha256, sizeof(p->sha256));
	if (digest->path_len > 0)
		rename_to(p, (const char *)(digest + 1), digest->path_len - 1u);
	p->hash = program_hash(p);
	insert(ps, p);
	ps->pending--;
	if (p->id) { /* its row was written as pending */
		has_news(ps, p);
		p->fresh = true;
	}
	ps->fresh += p->fresh;
}

size_t programs_digest(struct programs *ps, const struct wire_digest *digest)
{
	struct program *p, *next;
	size_t i, found = 0;

	for (i = 0; i < ps->size && ps->pending > 0; i++)
		for (p = ps->chain[i]; p; p = next) {
			next = p->next;
			if (is_pending(p) && p->file_id == digest->file_id) {
				resolve(ps, p, digest);
				found++;
			}
		}
	return found;
}

void programs_changed(struct programs *ps, const struct wire_changed *changed)
{
	struct program *p;
	size_t i;

	for (i = 0; i < ps->size; i++)
		for (p = ps->chain[i]; p; p = p->next)
			if (p->file_id == changed->file_id && p->file_id != 0) {
				p->modified_s = (int64_t)(changed->time_ns / 1000000000u);
				has_news(ps, p);
			}
}

void programs_used(struct programs *ps, struct program *p, int64_t now_s, bool network)
{
	if (now_s > p->last_seen_s)
		p->last_seen_s = now_s;
	if (network && p->first_network_s == 0) {
		p->first_network_s = now_s;
		ps->fresh += !p->fresh && !is_pending(p); /* it may be news as somebody's parent already */
		p->fresh = true;
	}
}

/* What a person is told; only for what is news, so that nothing is kept of all the rest. */
static void replace_text(char **text, const char *fmt, ...)
{
	char buf[CONTEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	free(*text);
	*text = strndup(buf, utf8_valid_until(buf, strlen(buf)));
}

void programs_network(struct programs *ps, struct program *p, struct program *parent, uint32_t uid,
		      const char *cmdline, int64_t now_s)
{
	const char *by = parent && parent->exe ? parent->exe : parent && parent->name ? parent->name : NULL;

	if (p->first_network_s == 0) {
		p->uid = uid;
		replace_text(&p->context, "%s%s%s%s", by ? "started by " : "", by ? by : "",
			     by && cmdline && *cmdline ? ": " : "", cmdline ? cmdline : "");
	}
	programs_used(ps, p, now_s, true);
	if (!parent || parent->first_parent_s != 0)
		return;
	parent->first_parent_s = now_s;
	if (!parent->fresh) {
		parent->fresh = true;
		parent->uid = uid;
		ps->fresh += !is_pending(parent);
	}
	replace_text(&parent->child, "it started %s", p->exe ? p->exe : p->name ? p->name : "a program");
}

void programs_named(struct program *p, const char *domain, bool claimed)
{
	if (!p->fresh || p->peer_claimed || (p->peer && !claimed))
		return;
	p->peer_claimed = claimed;
	replace_text(&p->peer, claimed ? "says it talks to %s" : "asked for %s", domain);
}

void programs_ignored(struct programs *ps, struct program *p, uint64_t bytes)
{
	p->ignored_bytes += bytes;
	has_news(ps, p);
}

size_t programs_fresh(const struct programs *ps)
{
	return ps->fresh;
}

bool program_waits(const struct program *p)
{
	return p->fresh && !is_pending(p);
}

void programs_looked_up(struct programs *ps, struct program *p)
{
	p->looked = false;
	if (!p->fresh)
		return;
	p->fresh = false;
	ps->fresh -= !is_pending(p);
	free(p->context);
	free(p->peer);
	free(p->child);
	p->context = p->peer = p->child = NULL;
	p->peer_claimed = false;
}

bool programs_have_news(const struct programs *ps)
{
	return ps->news > 0;
}

void programs_written(struct programs *ps, struct program *p)
{
	ps->news -= p->news;
	p->news = false;
	p->last_seen_s = 0;
	p->modified_s = 0;
	p->ignored_bytes = 0;
}

int programs_each(struct programs *ps, int (*fn)(void *arg, struct program *), void *arg)
{
	struct program *p;
	size_t i;
	int rc;

	for (i = 0; i < ps->size; i++)
		for (p = ps->chain[i]; p; p = p->next)
			if ((rc = fn(arg, p)) != 0)
				return rc;
	return 0;
}

void programs_sweep(struct programs *ps)
{
	struct program *p, *next;
	size_t i;

	for (i = 0; i < ps->size; i++)
		for (p = ps->chain[i]; p; p = next) {
			next = p->next;
			/* the hasher always answers: what is pending, and was written so, is kept until it
			 * does */
			if (p->refs > 0 || p->news || p->fresh || (is_pending(p) && p->id))
				continue;
			take_out(ps, p);
			ps->pending -= is_pending(p);
			program_free(p);
		}
}

void programs_forget_rows(struct programs *ps)
{
	struct program *p;
	size_t i;

	for (i = 0; i < ps->size; i++)
		for (p = ps->chain[i]; p; p = p->next) {
			p->id = 0;
			p->row_error = 0;
			p->row_network = false;
			p->row_last_seen_s = 0;
		}
}
