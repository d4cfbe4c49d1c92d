// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rows.c - see rows.h.
 */
#include "store/rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/stage.h"
#include "store/chain.h"
#include "store/origin.h"
#include "store/rollup.h"
#include "store/schema.h"

struct rows {
	struct sqlite *db;
	struct records *records;
	struct rollup *rollup;
	struct chain *chain;
	struct origin *origin;
	uint64_t late; /* hashes that the chain told late, not yet asked for */
	/* of the flow_range row being extended */
	int64_t range_bucket, range_first, range_last;
};

/* The ids a row refers to. */
struct row {
	const struct batch_entry *entry;
	bool laddr_known, raddr_known;
	int64_t image, program, laddr, raddr, domain, resolved, origin, creator;
};

struct rows *rows_new(struct sqlite *db, struct records *records, struct geoip *geoip)
{
	struct rows *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->db = db;
	r->records = records;
	r->rollup = rollup_new();
	r->chain = chain_new(db);
	r->origin = origin_new(db, geoip);
	if (!r->rollup || !r->chain || !r->origin) {
		rows_free(r);
		return NULL;
	}
	return r;
}

void rows_free(struct rows *r)
{
	if (!r)
		return;
	rollup_free(r->rollup);
	chain_free(r->chain);
	origin_free(r->origin);
	free(r);
}

void rows_begin(struct rows *r)
{
	chain_begin(r->chain);
}

void rows_forget(struct rows *r)
{
	origin_forget(r->origin);
}

uint64_t rows_late(struct rows *r)
{
	uint64_t late = r->late;

	r->late = 0;
	return late;
}

/* 0.0.0.0 is an address, and says that a socket is not bound; of the other families zero is none. */
static bool has_address(int family, const uint8_t addr[WIRE_ADDR_SIZE])
{
	static const uint8_t none[WIRE_ADDR_SIZE];

	return family == AF_INET || family == AF_INET6 ||
	       ((family == AF_VSOCK || family == AF_PACKET || family == AF_XDP) &&
		memcmp(addr, none, sizeof(none)) != 0);
}

static int64_t address_id(struct rows *r, const struct row *row, const uint8_t *addr, bool known)
{
	static const uint8_t none[WIRE_ADDR_SIZE];
	const struct batch_key *key = &row->entry->key;

	if (key->addresses_off)
		return records_address(r->records, AF_UNSPEC, none, row->entry->sums.last_s);
	if (!known || !has_address(key->family, addr))
		return 0;
	return records_address(r->records, key->family, addr, row->entry->sums.last_s);
}

static int resolve_names(struct rows *r, struct row *row)
{
	const struct batch_key *key = &row->entry->key;
	struct name *best = names_best(&key->names), *other = names_other(&key->names);
	int64_t now_s = row->entry->sums.last_s;

	if (key->addresses_off)
		row->domain = row->resolved = records_no_name(r->records, now_s);
	if (best)
		row->domain = records_name(r->records, best, now_s);
	if (other)
		row->resolved = records_name(r->records, other, now_s);
	return (int)(row->domain < 0 ? row->domain : row->resolved < 0 ? row->resolved : 0);
}

static int resolve_row(struct rows *r, const struct settings *settings, struct row *row)
{
	const struct batch_key *key = &row->entry->key;
	int rc;

	if (key->image) {
		row->image = records_image(r->records, key->image, row->entry->sums.last_s,
					   settings->log_commands);
		if (row->image < 0)
			return (int)row->image;
		row->program = key->image->command->program->id;
	}
	row->laddr = address_id(r, row, key->laddr, row->laddr_known);
	row->raddr = address_id(r, row, key->raddr, row->raddr_known);
	if (row->laddr < 0 || row->raddr < 0)
		return (int)(row->laddr < 0 ? row->laddr : row->raddr);
	if (key->creator &&
	    (row->creator = records_place(r->records, key->creator, row->entry->sums.last_s)) < 0)
		return (int)row->creator;
	if ((rc = resolve_names(r, row)) != 0)
		return rc;
	row->origin = key->addresses_off
			      ? SCHEMA_OFF
			      : origin_row(r->origin, key->family, key->raddr, row->entry->sums.last_s);
	if (row->origin < 0 && !key->addresses_off)
		return (int)row->origin;
	return records_account(r->records, key->uid);
}

static int insert_flow(struct rows *r, const struct row *row, int64_t id)
{
	static const char add[] =
		"INSERT INTO flow(contime, lasted, image, send, recv, uid, lport, rport, laddr, raddr, "
		"domain,"
		" family, protocol, netns, events, direction, result, peer, sniffed, creator, creator_uid,"
		" tunnel_send, tunnel_recv, id, name_source, domain_resolved, origin) "
		"VALUES(?1,?2,?3,?4,?5,?6,?7,?8,"
		"?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27)";
	const struct batch_key *key = &row->entry->key;
	const struct batch_sums *sums = &row->entry->sums;
	const struct name *best = names_best(&key->names);
	sqlite3_stmt *stmt = sqlite_statement(r->db, add);

	sqlite3_bind_int64(stmt, 1, sums->first_s);
	sqlite3_bind_int64(stmt, 2, sums->last_s > sums->first_s ? sums->last_s - sums->first_s : 0);
	sqlite3_bind_int64(stmt, 3, row->image);
	sqlite3_bind_int64(stmt, 4, (int64_t)sums->sent_bytes);
	sqlite3_bind_int64(stmt, 5, (int64_t)sums->received_bytes);
	sqlite3_bind_int64(stmt, 6, key->uid);
	sqlite3_bind_int(stmt, 7, key->lport);
	sqlite3_bind_int(stmt, 8, key->rport);
	sqlite3_bind_int64(stmt, 9, row->laddr);
	sqlite3_bind_int64(stmt, 10, row->raddr);
	sqlite3_bind_int64(stmt, 11, row->domain);
	sqlite3_bind_int(stmt, 12, key->family);
	sqlite3_bind_int(stmt, 13, key->protocol);
	sqlite3_bind_int64(stmt, 14, key->netns);
	sqlite3_bind_int64(stmt, 15, sums->events);
	sqlite3_bind_int(stmt, 16, key->direction);
	sqlite3_bind_int(stmt, 17, key->result);
	sqlite3_bind_int(stmt, 18, key->peer);
	sqlite3_bind_int64(stmt, 19, (int64_t)sums->sniffed_bytes);
	sqlite3_bind_int64(stmt, 20, row->creator);
	if (key->creator_uid != key->uid)
		sqlite3_bind_int64(stmt, 21, key->creator_uid);
	else
		sqlite3_bind_null(stmt, 21);
	sqlite3_bind_int64(stmt, 22, (int64_t)sums->tunnel_sent_bytes);
	sqlite3_bind_int64(stmt, 23, (int64_t)sums->tunnel_received_bytes);
	sqlite3_bind_int64(stmt, 24, id);
	sqlite3_bind_int(stmt, 25, key->addresses_off ? SCHEMA_OFF : best ? best->source : WIRE_NAME_NONE);
	sqlite3_bind_int64(stmt, 26, row->resolved);
	sqlite3_bind_int64(stmt, 27, row->origin);
	return sqlite_run(r->db, stmt);
}

static int write_range(struct rows *r)
{
	static const char add[] = "INSERT INTO flow_range(bucket, first_id, last_id) VALUES(?1, ?2, ?3)"
				  " ON CONFLICT(bucket) DO UPDATE SET first_id = min(first_id, ?2),"
				  " last_id = max(last_id, ?3)";
	sqlite3_stmt *stmt;

	if (r->range_last == 0)
		return 0;
	stmt = sqlite_statement(r->db, add);
	sqlite3_bind_int64(stmt, 1, r->range_bucket);
	sqlite3_bind_int64(stmt, 2, r->range_first);
	sqlite3_bind_int64(stmt, 3, r->range_last);
	r->range_last = 0;
	return sqlite_run(r->db, stmt);
}

/* Rows of one 5 minutes follow each other almost always: one update for all of them. */
static int extend_range(struct rows *r, int64_t contime, int64_t id)
{
	int64_t bucket = contime - contime % ROLLUP_5MIN_S;
	int rc;

	if (r->range_last && r->range_bucket != bucket && (rc = write_range(r)) != 0)
		return rc;
	if (r->range_last == 0)
		r->range_first = id;
	r->range_bucket = bucket;
	r->range_last = id;
	return 0;
}

static int add_to_rollup(struct rows *r, const struct row *row)
{
	const struct batch_key *key = &row->entry->key;
	const struct batch_sums *sums = &row->entry->sums;
	struct rollup_item item = {
		.time_s = sums->first_s,
		.program = row->program,
		.raddr = row->raddr,
		.domain = row->domain,
		.rport = key->rport,
		.protocol = key->protocol,
		.direction = key->direction,
		.send = (int64_t)sums->sent_bytes,
		.recv = (int64_t)sums->received_bytes,
		.connections = sums->connections,
	};

	return key->lport < 0 ? 0 : rollup_add(r->rollup, &item); /* an execution is no traffic */
}

static int64_t now_s(void)
{
	return (int64_t)(stage_now() / 1000000000u);
}

static int seal(struct rows *r, int64_t first, int64_t flows)
{
	int64_t late = chain_seal(r->chain, first, flows, now_s());

	r->late += late > 0 ? (uint64_t)late : 0;
	return late < 0 ? (int)late : 0;
}

/* Expect count rows; the id of the first one, or -errno. */
static int64_t begin_rows(struct rows *r, size_t count)
{
	r->range_last = 0;
	records_expect(r->records, count * 2);
	return chain_next_flow(r->chain);
}

static int write_row(struct rows *r, const struct settings *settings, struct row *row, int64_t id)
{
	int rc;

	if ((rc = resolve_row(r, settings, row)) != 0 || (rc = insert_flow(r, row, id)) != 0 ||
	    (settings->sql_log && (rc = add_to_rollup(r, row)) != 0))
		return rc;
	return extend_range(r, row->entry->sums.first_s, id);
}

/* rc: how the rows went. */
static int end_rows(struct rows *r, int64_t first, size_t count, int rc)
{
	if (rc == 0 && (rc = write_range(r)) == 0)
		rc = rollup_write(r->rollup, r->db);
	if (rc == 0)
		rc = seal(r, first, (int64_t)count);
	rollup_clear(r->rollup);
	return rc;
}

int rows_batch(struct rows *r, const struct settings *settings, const struct batch *b)
{
	const struct batch_entry *e = batch_entries(b);
	size_t count = batch_count(b), i;
	int64_t first = begin_rows(r, count);
	int rc = first < 0 ? (int)first : 0;

	for (i = 0; i < count && rc == 0; i++) {
		struct row row = {
			.entry = &e[i],
			.laddr_known = true,
			.raddr_known = e[i].key.peer >= 0 && e[i].key.peer != WIRE_PEER_UNKNOWN,
		};

		rc = write_row(r, settings, &row, first + (int64_t)i);
	}
	return end_rows(r, first, count, rc);
}

int rows_foreign(struct rows *r, const struct settings *settings, const struct foreign_row *rows,
		 size_t count)
{
	int64_t first = begin_rows(r, count);
	int rc = first < 0 ? (int)first : 0;
	size_t i;

	for (i = 0; i < count && rc == 0; i++) {
		struct row row = {
			.entry = &rows[i].entry,
			.laddr_known = rows[i].laddr_known,
			.raddr_known = rows[i].raddr_known,
		};

		rc = write_row(r, settings, &row, first + (int64_t)i);
	}
	return end_rows(r, first, count, rc);
}

int rows_none(struct rows *r)
{
	int64_t id = chain_next_flow(r->chain);

	return id < 0 ? (int)id : seal(r, id, 0);
}
