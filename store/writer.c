// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * writer.c - see writer.h.
 */
#include "store/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/stage.h"
#include "store/chain.h"
#include "store/identity.h"
#include "store/origin.h"
#include "store/records.h"
#include "store/rollup.h"
#include "store/schema.h"

struct writer {
	struct sqlite *db;
	struct programs *programs;
	struct images *images;
	struct interfaces *interfaces;
	struct tell *tell;
	int64_t event; /* the last, not yet asked for */
	uint64_t late; /* hashes that the chain told late, not yet asked for */
	struct records *records;
	struct rollup *rollup;
	struct chain *chain;
	struct origin *origin;
	/* of the flow_range row being extended */
	int64_t range_bucket, range_first, range_last;
};

/* The ids a row refers to. */
struct row {
	const struct batch_entry *entry;
	bool laddr_known, raddr_known;
	int64_t image, program, laddr, raddr, domain, resolved, origin, creator;
};

struct writer *writer_new(struct sqlite *db, struct programs *programs, struct images *images,
			  struct interfaces *interfaces, struct tell *tell, struct geoip *geoip)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->db = db;
	w->programs = programs;
	w->images = images;
	w->interfaces = interfaces;
	w->tell = tell;
	w->records = records_new(db);
	w->rollup = rollup_new();
	w->chain = chain_new(db);
	w->origin = origin_new(db, geoip);
	if (!w->records || !w->rollup || !w->chain || !w->origin) {
		writer_free(w);
		return NULL;
	}
	return w;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	records_free(w->records);
	rollup_free(w->rollup);
	chain_free(w->chain);
	origin_free(w->origin);
	free(w);
}

void writer_trim(struct writer *w)
{
	records_expect(w->records, 0);
}

void writer_begin(struct writer *w)
{
	chain_begin(w->chain);
	writer_forget(w);
}

void writer_forget(struct writer *w)
{
	records_forget(w->records);
	origin_forget(w->origin);
	images_forget_rows(w->images);
	programs_forget_rows(w->programs);
}

/* 0.0.0.0 is an address, and says that a socket is not bound; of the other families zero is none. */
static bool has_address(int family, const uint8_t addr[WIRE_ADDR_SIZE])
{
	static const uint8_t none[WIRE_ADDR_SIZE];

	return family == AF_INET || family == AF_INET6 ||
	       ((family == AF_VSOCK || family == AF_PACKET || family == AF_XDP) &&
		memcmp(addr, none, sizeof(none)) != 0);
}

static int64_t address_id(struct writer *w, const struct row *row, const uint8_t *addr, bool known)
{
	static const uint8_t none[WIRE_ADDR_SIZE];
	const struct batch_key *key = &row->entry->key;

	if (key->addresses_off)
		return records_address(w->records, AF_UNSPEC, none, row->entry->sums.last_s);
	if (!known || !has_address(key->family, addr))
		return 0;
	return records_address(w->records, key->family, addr, row->entry->sums.last_s);
}

static int resolve_names(struct writer *w, struct row *row)
{
	const struct batch_key *key = &row->entry->key;
	struct name *best = names_best(&key->names), *other = names_other(&key->names);
	int64_t now_s = row->entry->sums.last_s;

	if (key->addresses_off)
		row->domain = row->resolved = records_no_name(w->records, now_s);
	if (best)
		row->domain = records_name(w->records, best, now_s);
	if (other)
		row->resolved = records_name(w->records, other, now_s);
	return (int)(row->domain < 0 ? row->domain : row->resolved < 0 ? row->resolved : 0);
}

static int resolve_row(struct writer *w, const struct settings *settings, struct row *row)
{
	const struct batch_key *key = &row->entry->key;
	int rc;

	if (key->image) {
		row->image = records_image(w->records, key->image, row->entry->sums.last_s,
					   settings->log_commands);
		if (row->image < 0)
			return (int)row->image;
		row->program = key->image->command->program->id;
	}
	row->laddr = address_id(w, row, key->laddr, row->laddr_known);
	row->raddr = address_id(w, row, key->raddr, row->raddr_known);
	if (row->laddr < 0 || row->raddr < 0)
		return (int)(row->laddr < 0 ? row->laddr : row->raddr);
	if (key->creator &&
	    (row->creator = records_place(w->records, key->creator, row->entry->sums.last_s)) < 0)
		return (int)row->creator;
	if ((rc = resolve_names(w, row)) != 0)
		return rc;
	row->origin = key->addresses_off
			      ? SCHEMA_OFF
			      : origin_row(w->origin, key->family, key->raddr, row->entry->sums.last_s);
	if (row->origin < 0 && !key->addresses_off)
		return (int)row->origin;
	return records_account(w->records, key->uid);
}

static int insert_flow(struct writer *w, const struct row *row, int64_t id)
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
	sqlite3_stmt *stmt = sqlite_statement(w->db, add);

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
	return sqlite_run(w->db, stmt);
}

static int write_range(struct writer *w)
{
	static const char add[] = "INSERT INTO flow_range(bucket, first_id, last_id) VALUES(?1, ?2, ?3)"
				  " ON CONFLICT(bucket) DO UPDATE SET first_id = min(first_id, ?2),"
				  " last_id = max(last_id, ?3)";
	sqlite3_stmt *stmt;

	if (w->range_last == 0)
		return 0;
	stmt = sqlite_statement(w->db, add);
	sqlite3_bind_int64(stmt, 1, w->range_bucket);
	sqlite3_bind_int64(stmt, 2, w->range_first);
	sqlite3_bind_int64(stmt, 3, w->range_last);
	w->range_last = 0;
	return sqlite_run(w->db, stmt);
}

/* Rows of one 5 minutes follow each other almost always: one update for all of them. */
static int extend_range(struct writer *w, int64_t contime, int64_t id)
{
	int64_t bucket = contime - contime % ROLLUP_5MIN_S;
	int rc;

	if (w->range_last && w->range_bucket != bucket && (rc = write_range(w)) != 0)
		return rc;
	if (w->range_last == 0)
		w->range_first = id;
	w->range_bucket = bucket;
	w->range_last = id;
	return 0;
}

static int add_to_rollup(struct writer *w, const struct row *row)
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

	return key->lport < 0 ? 0 : rollup_add(w->rollup, &item); /* an execution is no traffic */
}

static int64_t now_s(void)
{
	return (int64_t)(stage_now() / 1000000000u);
}

static int seal(struct writer *w, int64_t first, int64_t flows)
{
	int64_t late = chain_seal(w->chain, first, flows, now_s());

	w->late += late > 0 ? (uint64_t)late : 0;
	return late < 0 ? (int)late : 0;
}

/* Expect count rows; the id of the first one, or -errno. */
static int64_t begin_rows(struct writer *w, size_t count)
{
	w->range_last = 0;
	records_expect(w->records, count * 2);
	return chain_next_flow(w->chain);
}

static int write_row(struct writer *w, const struct settings *settings, struct row *row, int64_t id)
{
	int rc;

	if ((rc = resolve_row(w, settings, row)) != 0 || (rc = insert_flow(w, row, id)) != 0 ||
	    (settings->sql_log && (rc = add_to_rollup(w, row)) != 0))
		return rc;
	return extend_range(w, row->entry->sums.first_s, id);
}

/* rc: how the rows went. */
static int end_rows(struct writer *w, int64_t first, size_t count, int rc)
{
	if (rc == 0 && (rc = write_range(w)) == 0)
		rc = rollup_write(w->rollup, w->db);
	if (rc == 0)
		rc = seal(w, first, (int64_t)count);
	rollup_clear(w->rollup);
	return rc;
}

static int write_rows(struct writer *w, const struct settings *settings, const struct batch *b)
{
	const struct batch_entry *e = batch_entries(b);
	size_t count = batch_count(b), i;
	int64_t first = begin_rows(w, count);
	int rc = first < 0 ? (int)first : 0;

	for (i = 0; i < count && rc == 0; i++) {
		struct row row = {
			.entry = &e[i],
			.laddr_known = true,
			.raddr_known = e[i].key.peer >= 0 && e[i].key.peer != WIRE_PEER_UNKNOWN,
		};

		rc = write_row(w, settings, &row, first + (int64_t)i);
	}
	return end_rows(w, first, count, rc);
}

int writer_rows(struct writer *w, const struct settings *settings, const struct writer_row *rows,
		size_t count)
{
	int64_t first = begin_rows(w, count);
	int rc = first < 0 ? (int)first : 0;
	size_t i;

	for (i = 0; i < count && rc == 0; i++) {
		struct row row = {
			.entry = &rows[i].entry,
			.laddr_known = rows[i].laddr_known,
			.raddr_known = rows[i].raddr_known,
		};

		rc = write_row(w, settings, &row, first + (int64_t)i);
	}
	return end_rows(w, first, count, rc);
}

int writer_program(struct writer *w, struct program *p, int64_t now)
{
	int64_t id = records_program(w->records, p, now);

	return id < 0 ? (int)id : tell_old(w->db, p);
}

/* Hashes that came late change which row a program has: before the rows that refer to it. */
static int write_late_hash(void *arg, struct program *p)
{
	struct writer *w = arg;
	int64_t id;

	if (!p->news || !p->id || p->row_error == p->hash_error)
		return 0;
	id = records_program(w->records, p, p->row_last_seen_s);
	return id < 0 ? (int)id : 0;
}

/* Of windows without a flow only hashes that came late are told. */
static int write_late(struct writer *w)
{
	int64_t id = chain_next_flow(w->chain);

	return id < 0 ? (int)id : seal(w, id, 0);
}

static int write_program(void *arg, struct program *p)
{
	struct writer *w = arg;
	int64_t id = p->id;

	/* A row is made for what used the network or was ignored; others get theirs from an image. */
	if (p->last_seen_s > p->row_last_seen_s && (p->id || p->first_network_s))
		id = records_program(w->records, p, p->last_seen_s);
	else if (!p->id && p->ignored_bytes > 0)
		id = records_program(w->records, p, p->last_seen_s);
	if (id <= 0 || !p->news)
		return id < 0 ? (int)id : 0;
	return identity_news(w->db, p);
}

static int written(void *arg, struct program *p)
{
	struct writer *w = arg;

	programs_written(w->programs, p);
	if (p->looked)
		programs_looked_up(w->programs, p);
	return 0;
}

static int set_meta(struct writer *w, const char *key, uint64_t value)
{
	static const char set[] = "INSERT INTO meta(key, value) VALUES(?1, ?2)"
				  " ON CONFLICT(key) DO UPDATE SET value = excluded.value";
	sqlite3_stmt *stmt = sqlite_statement(w->db, set);

	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (int64_t)value);
	return sqlite_run(w->db, stmt);
}

static int write_mark(struct writer *w, const struct writer_mark *mark)
{
	int rc = 0;

	if (mark->window_to)
		rc = set_meta(w, "window_to", mark->window_to);
	if (mark->journal && rc == 0 && (rc = set_meta(w, "journal", mark->journal)) == 0)
		rc = set_meta(w, "facts", mark->facts);
	return rc;
}

static void told(struct writer *w)
{
	int64_t last = tell_committed(w->tell, w->db);

	w->event = last ? last : w->event;
}

uint64_t writer_late(struct writer *w)
{
	uint64_t late = w->late;

	w->late = 0;
	return late;
}

int64_t writer_event(struct writer *w)
{
	int64_t last = w->event;

	w->event = 0;
	return last;
}

/* ---- programs that are news */

struct sighting {
	struct writer *writer;
	unsigned left;
	bool in_transaction;
};

static int begin(struct sighting *s)
{
	int rc = s->in_transaction ? 0 : sqlite_begin(s->writer->db);

	s->in_transaction |= rc == 0;
	return rc;
}

/* A row for it, first of all in one that is known as nothing else. */
static int sight(struct sighting *s, struct program *p)
{
	int64_t id = p->first_network_s > p->first_parent_s ? p->first_network_s : p->first_parent_s;
	int rc = begin(s);

	if (rc != 0)
		return rc;
	id = records_program(s->writer->records, p, id);
	return id < 0 ? (int)id : tell_program(s->writer->tell, s->writer->db, p);
}

static int look_up(void *arg, struct program *p)
{
	struct sighting *s = arg;
	int rc;

	if (!program_waits(p) || s->left == 0)
		return 0;
	s->left--;
	p->looked = true;
	rc = p->self ? 1 : identity_known(s->writer->db, p);
	return rc == 0 ? sight(s, p) : rc < 0 ? rc : 0;
}

static int looked_up(void *arg, struct program *p)
{
	if (p->looked)
		programs_looked_up(arg, p);
	return 0;
}

static int not_looked(void *arg, struct program *p)
{
	(void)arg;
	p->looked = false;
	return 0;
}

/* In memory everything is as before, but for the row ids, which are asked for again. */
static int undo(struct writer *w, int rc)
{
	sqlite_rollback(w->db);
	rollup_clear(w->rollup);
	writer_forget(w);
	tell_undone(w->tell);
	programs_each(w->programs, not_looked, NULL);
	return rc;
}

int64_t writer_commit(struct writer *w, const struct settings *settings, const struct batch *b,
		      struct losses *losses, const struct writer_mark *mark)
{
	bool rows = (settings->sql_log || settings_copied(settings)) && batch_count(b) > 0;
	/* lines of the text log must not come again either */
	bool lines = settings->text_log && batch_count(b) > 0 && mark->journal;
	/* all of them: a program that gets its row with what follows is known from then on */
	struct sighting s = {.writer = w, .left = UINT_MAX, .in_transaction = true};
	int rc;

	if (!rows && !lines && losses_count(losses) == 0 && !programs_have_news(w->programs) &&
	    programs_fresh(w->programs) == 0 && !interfaces_due(w->interfaces) && !tell_waits(w->tell))
		return 0;
	if ((rc = sqlite_begin(w->db)) != 0)
		return rc;
	if ((rc = losses_write(losses, w->db)) != 0 || (rc = programs_each(w->programs, look_up, &s)) != 0 ||
	    (rc = tell_write(w->tell, w->db)) != 0 ||
	    (rc = programs_each(w->programs, write_late_hash, w)) != 0 ||
	    (rows && (rc = write_rows(w, settings, b)) != 0) || (!rows && (rc = write_late(w)) != 0) ||
	    (rc = programs_each(w->programs, write_program, w)) != 0 || (rc = write_mark(w, mark)) != 0 ||
	    (rc = interfaces_write(w->interfaces, w->db)) != 0 ||
	    (rc = copied_keep(mark->copied, w->db)) != 0)
		return undo(w, rc);
	if ((rc = sqlite_commit(w->db)) != 0)
		return undo(w, rc);
	programs_each(w->programs, written, w);
	told(w);
	interfaces_written(w->interfaces);
	copied_kept(mark->copied);
	return rows ? (int64_t)batch_count(b) : 0;
}

int writer_first_sightings(struct writer *w)
{
	struct sighting s = {.writer = w, .left = WRITER_SIGHTINGS};
	int rc = programs_each(w->programs, look_up, &s);

	if (rc == 0 && tell_waits(w->tell) && (rc = begin(&s)) == 0)
		rc = tell_write(w->tell, w->db);
	if (s.in_transaction && rc == 0)
		rc = sqlite_commit(w->db);
	if (rc != 0)
		return undo(w, rc);
	programs_each(w->programs, looked_up, w->programs);
	told(w);
	return 0;
}

/* ---- the first start of all */

struct introduction {
	struct writer *writer;
	int64_t now_s;
	uint64_t programs;
};

static int introduce(void *arg, struct program *p)
{
	struct introduction *i = arg;
	int64_t id;

	if (!p->running || p->self)
		return 0;
	i->programs++;
	id = records_program(i->writer->records, p, i->now_s);
	return id < 0 ? (int)id : tell_known(i->writer->db, id);
}

int writer_introduce(struct writer *w, int64_t now_s)
{
	static const char network[] = "SELECT count(*) FROM program WHERE acknowledged = 1 AND told & 1";
	struct introduction i = {.writer = w, .now_s = now_s};
	int rc = sqlite_begin(w->db);

	if (rc != 0)
		return rc;
	if ((rc = programs_each(w->programs, introduce, &i)) != 0 ||
	    (rc = tell_introduce(w->tell, w->db, now_s, i.programs,
				 (uint64_t)sqlite_number(w->db, network, 0))) != 0 ||
	    (rc = sqlite_commit(w->db)) != 0)
		return undo(w, rc);
	told(w);
	return 0;
}

int writer_verdict(struct writer *w, const struct wire_verdict *verdict)
{
	int rc = sqlite_begin(w->db);

	if (rc != 0)
		return rc;
	if ((rc = tell_verdict(w->tell, w->db, verdict)) != 0 || (rc = sqlite_commit(w->db)) != 0)
		return undo(w, rc);
	told(w);
	return 0;
}
