/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * places.h - where programs run and sockets were made, by the numbers that images and flows bring. No I/O.
 *
 * Bound: PLACES_MAX known ones, as many as the hasher keeps; the one that was not used for longest goes
 * first. Whoever holds a reference keeps it: at most the images and the traffic that wait.
 */
#ifndef FEMTOSNITCH_STORE_PLACES_H
#define FEMTOSNITCH_STORE_PLACES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bpf/wire.h"

#define PLACES_MAX 4096

struct place {
	struct place *next; /* of the same bucket, while known */
	TAILQ_ENTRY(place) queue;
	LIST_ENTRY(place) all;
	uint64_t id;
	uint64_t cgroup_id;
	char *runtime, *container, *unit, *path; /* valid UTF-8; NULL = none */
	uint32_t refs;
	/* The row: owned by records.c */
	int64_t row; /* 0 = none known */
	int64_t last_hour_s;
};

struct places;
struct places *places_new(size_t max); /* NULL: no memory */
void places_free(struct places *);     /* references must have been given back; NULL is fine */

int places_add(struct places *, const struct wire_place *); /* one that was checked; 0 or -ENOMEM */

/* Borrowed until the next places_add(); NULL = unknown. */
struct place *places_find(struct places *, uint64_t id);
struct place *place_ref(struct place *); /* NULL is fine, here and below */
void place_unref(struct place *);

/* The one word for it: the container, else the unit, else the path of the cgroup. */
const char *place_name(const struct place *);

size_t places_count(const struct places *);
void places_forget_rows(struct places *); /* the transaction that gave them ids was undone */

#endif
