// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * origin.c - see origin.h. Most addresses share their answer with thousands of others: rows are remembered by
 * where in the databases the answer is, and only a new place is read and asked for.
 */
#include "store/origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/text.h"

#define CACHED 256 /* direct-mapped, 24 bytes each */

struct cached {
	struct geoip_place place;
	int64_t id; /* 0 = empty, or nothing is known */
	int64_t hour;
};

struct origin {
	struct sqlite *db;
	struct geoip *geoip;
	uint64_t generation;
	struct cached cached[CACHED];
};

struct origin *origin_new(struct sqlite *db, struct geoip *geoip)
{
	struct origin *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->db = db;
	o->geoip = geoip;
	return o;
}

void origin_free(struct origin *o)
{
	free(o);
}

void origin_forget(struct origin *o)
{
	memset(o->cached, 0, sizeof(o->cached));
}

static void bind_answer(sqlite3_stmt *stmt, const struct geoip_answer *a, const char *name)
{
	if (a->number)
		sqlite3_bind_int64(stmt, 1, a->number);
	else
		sqlite3_bind_null(stmt, 1);
	if (a->country[0])
		sqlite3_bind_text(stmt, 2, a->country, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, 2);
	if (name[0])
		sqlite3_bind_text(stmt, 3, name, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, 3);
	sqlite3_bind_int64(stmt, 4, a->dated_s);
}

static int64_t add(struct sqlite *s, const struct geoip_answer *a, const char *name, int64_t hour)
{
	static const char sql[] = "INSERT INTO origin(asn, country, as_name, dated, last_hour)"
				  " VALUES(?1, ?2, ?3, ?4, ?5)";
	sqlite3_stmt *stmt = sqlite_statement(s, sql);
	int rc;

	bind_answer(stmt, a, name);
	sqlite3_bind_int64(stmt, 5, hour);
	rc = sqlite_run(s, stmt);
	return rc < 0 ? rc : sqlite3_last_insert_rowid(s->db);
}

static int64_t find(struct sqlite *s, const struct geoip_answer *a, const char *name, int64_t hour)
{
	static const char sql[] = "SELECT id, last_hour FROM origin WHERE asn IS ?1 AND country IS ?2"
				  " AND as_name IS ?3 AND dated = ?4";
	sqlite3_stmt *stmt = sqlite_statement(s, sql);
	int64_t id, known;
	int rc;

	bind_answer(stmt, a, name);
	if ((rc = sqlite_step(s, stmt)) != 1)
		return rc;
	id = sqlite3_column_int64(stmt, 0);
	known = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	if (known < hour)
		rc = sqlite_run2(s, "UPDATE origin SET last_hour = ?2 WHERE id = ?1", id, hour);
	return rc < 0 ? rc : id;
}

static int64_t row_of(struct origin *o, const struct geoip_place *place, int64_t hour)
{
	struct geoip_answer answer;
	char *name;
	int64_t id;

	geoip_read(o->geoip, place, &answer);
	if (!answer.country[0] && !answer.number)
		return 0;
	if (!(name = text_clean(answer.name, strlen(answer.name))))
		return -ENOMEM;
	id = find(o->db, &answer, name, hour);
	if (id == 0)
		id = add(o->db, &answer, name, hour);
	free(name);
	return id;
}

int64_t origin_row(struct origin *o, int family, const uint8_t addr[16], int64_t now_s)
{
	int64_t hour = now_s - now_s % 3600, id;
	struct geoip_place place;
	struct cached *c;

	if (!o->geoip)
		return 0;
	if (o->generation != geoip_generation(o->geoip))
		origin_forget(o);
	o->generation = geoip_generation(o->geoip);
	if (!geoip_find(o->geoip, family, addr, &place))
		return 0;
	c = &o->cached[(place.country * 31 + place.network) * 2654435761u >> 24];
	if (c->hour == hour && c->place.country == place.country && c->place.network == place.network)
		return c->id;
	id = row_of(o, &place, hour);
	if (id >= 0)
		*c = (struct cached){.place = place, .id = id, .hour = hour};
	return id;
}
