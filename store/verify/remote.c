// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * remote.c - see remote.h. Windows are read in the order of their numbers and of their logs; each is computed
 * again from its rows there. What was found good here is looked up there, window by window, from a list that
 * the local check made; so both chains are held against each other without one being in memory.
 */
#include "store/verify/remote.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "store/postgres/sql.h"
#include "store/postgres/target.h"

#define WINDOWS_AT_ONCE 500
#define FLOWS_AT_ONCE 5000
#define IMAGES_MAX 4096 /* digests known to be right, direct-mapped */
#define FORKS_MAX 16	/* logs of one host with a window of the same number */

/* A number's digits, for SQL. */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* What the local chain says of one window. */
struct told {
	int64_t seq;
	unsigned char log[CONTENT_ID], hash[CONTENT_HASH];
	bool found;
};

struct remote {
	PGconn *conn;
	struct target target;
	char flow[SQL_TABLE_SIZE], image[SQL_TABLE_SIZE], late[SQL_TABLE_SIZE], loss[SQL_TABLE_SIZE],
		window[SQL_TABLE_SIZE];
	struct told *told;
	size_t n_told, room;
	unsigned char right[IMAGES_MAX][CONTENT_HASH];
	char host[37];
	struct content content;
	unsigned char before[FORKS_MAX][CONTENT_HASH], now[FORKS_MAX][CONTENT_HASH];
	size_t n_before, n_now;
	int64_t before_seq, now_seq, first_seq;
	unsigned broken;
	int64_t windows, flows;
};

/* ---- what both chains have */

void remote_local_window(struct remote *r, const struct history_run *run, const struct history_window *w)
{
	struct told *grown;

	if (r->n_told == r->room) {
		grown = realloc(r->told, (r->room ? 2 * r->room : 1024) * sizeof(*grown));
		if (!grown)
			fatalx("no memory");
		r->told = grown;
		r->room = r->room ? 2 * r->room : 1024;
	}
	r->told[r->n_told].seq = w->seq;
	r->told[r->n_told].found = false;
	memcpy(r->told[r->n_told].log, run->log, CONTENT_ID);
	memcpy(r->told[r->n_told++].hash, w->hash, CONTENT_HASH);
}

static struct told *find_told(struct remote *r, int64_t seq)
{
	size_t low = 0, high = r->n_told, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (r->told[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n_told && r->told[low].seq == seq ? &r->told[low] : NULL;
}

/* ---- questions */

struct remote *remote_open(const char *conninfo, const char *table)
{
	struct remote *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		fatalx("no memory");
	rc = target_conninfo(&r->target, conninfo);
	if (rc == 0 && table && !target_set_table(&r->target, table)) {
		snprintf(r->target.why, sizeof(r->target.why), "--table: not a name");
		rc = -EINVAL;
	}
	if (r->target.why[0])
		log_warnx("remote: %s", r->target.why);
	if (rc == 0) {
		r->conn = PQconnectdbParams((const char *const *)r->target.keywords,
					    (const char *const *)r->target.values, 1);
		if (PQstatus(r->conn) == CONNECTION_OK) {
			sql_table(r->flow, r->target.schema, r->target.table, "");
			sql_table(r->image, r->target.schema, r->target.table, "_image");
			sql_table(r->late, r->target.schema, r->target.table, "_late");
			sql_table(r->loss, r->target.schema, r->target.table, "_loss");
			sql_table(r->window, r->target.schema, r->target.table, "_window");
			/* as of now, which is before the local log is opened: that knows all there is here */
			PQclear(PQexec(r->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
			PQclear(PQexec(r->conn, "SELECT 1"));
			return r;
		}
		log_warnx("remote: %s", PQerrorMessage(r->conn));
	}
	remote_close(r);
	return NULL;
}

void remote_close(struct remote *r)
{
	if (!r)
		return;
	PQfinish(r->conn);
	target_free(&r->target);
	free(r->told);
	free(r);
}

/* NULL after a message. */
static PGresult *ask(struct remote *r, const char *sql, int n, const char *const *values)
{
	PGresult *res = PQexecParams(r->conn, sql, n, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK)
		return res;
	log_warnx("remote: %s", PQresultErrorMessage(res));
	PQclear(res);
	return NULL;
}

static int64_t number(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

/* Hexadecimal digits as encode(..., 'hex') gives them; what is too short is zero. */
static void bytes(const PGresult *res, int row, int column, unsigned char *to, size_t size)
{
	const char *hex = PQgetvalue(res, row, column);
	unsigned value;
	size_t i;

	memset(to, 0, size);
	for (i = 0; i < size && hex[0] && hex[1] && sscanf(hex, "%2x", &value) == 1; i++, hex += 2)
		to[i] = (unsigned char)value;
}

static void values(const PGresult *res, int row, int at, const struct column *columns, size_t n,
		   struct content_value *v)
{
	size_t i;

	for (i = 0; i < n; i++, at++) {
		memset(&v[i], 0, sizeof(v[i]));
		if (PQgetisnull(res, row, at))
			continue;
		v[i].is_number = !content_is_text(&columns[i]);
		if (v[i].is_number) {
			v[i].number = number(res, row, at);
		} else {
			v[i].text = PQgetvalue(res, row, at);
			v[i].len = (size_t)PQgetlength(res, row, at);
		}
	}
}

__attribute__((format(printf, 3, 4))) static void broken(struct remote *r, const struct history_window *w,
							 const char *fmt, ...)
{
	va_list ap;

	if (r->broken++ > 0)
		return;
	printf("remote: broken: ");
	if (w)
		printf("window %" PRId64 ": ", w->seq);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- a window */

#define LIST(since, name, type, sql) ", \"" #name "\""

/* Is that image what its digest says? 1 yes, 0 no, -EIO. */
static int image_is_right(struct remote *r, unsigned version, const unsigned char digest[CONTENT_HASH])
{
	unsigned char *right = r->right[(digest[0] | digest[1] << 8) % IMAGES_MAX], again[CONTENT_HASH];
	char hex[2 * CONTENT_HASH + 1], sql[4096];
	const char *parameters[] = {r->host, hex};
	struct content_value v[COLUMNS_N_IMAGE];
	PGresult *res;
	int i, good = 0;

	if (memcmp(right, digest, CONTENT_HASH) == 0)
		return 1;
	for (i = 0; i < CONTENT_HASH; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	snprintf(sql, sizeof(sql),
		 "SELECT pending" COLUMNS_IMAGE(LIST) " FROM %s WHERE host_id = $1::uuid AND"
						      " image = decode($2, 'hex')",
		 r->image);
	if (!(res = ask(r, sql, 2, parameters)))
		return -EIO;
	if (PQntuples(res) == 1) {
		values(res, 0, 1, columns_image, COLUMNS_N_IMAGE, v);
		content_image(version, v, PQgetisnull(res, 0, 0) ? NULL : PQgetvalue(res, 0, 0), again);
		good = memcmp(again, digest, CONTENT_HASH) == 0;
	}
	PQclear(res);
	if (good)
		memcpy(right, digest, CONTENT_HASH);
	return good;
}

/* "SELECT seq, image, columns ..." of the flows of a window, behind one. */
static void flows_sql(struct remote *r, char *sql, size_t size)
{
	size_t at = (size_t)snprintf(sql, size, "SELECT seq, encode(image, 'hex')"), i;

	for (i = 0; i < COLUMNS_N_FLOW; i++)
		at += strcmp(columns_flow[i].name, "contime") == 0
			      ? (size_t)snprintf(sql + at, size - at, ", extract(epoch FROM ts)::bigint")
			      : (size_t)snprintf(sql + at, size - at, ", \"%s\"", columns_flow[i].name);
	snprintf(sql + at, size - at,
		 " FROM %s WHERE host_id = $1::uuid AND log_id = $2::uuid AND seq > $3::bigint AND seq <= "
		 "$4::bigint"
		 " ORDER BY seq LIMIT %d",
		 r->flow, FLOWS_AT_ONCE);
}

struct remote_window {
	struct history_window w;
	struct content_window head;
	char log[37];
	int64_t found;
	bool images; /* all are what their digests say */
};

static int add_flows(struct remote *r, struct remote_window *rw, const PGresult *res, int64_t *last)
{
	struct content_value v[COLUMNS_N_FLOW];
	unsigned char digest[CONTENT_HASH];
	int i, rc;

	for (i = 0; i < PQntuples(res); i++) {
		*last = number(res, i, 0);
		bytes(res, i, 1, digest, sizeof(digest));
		if ((rc = image_is_right(r, rw->head.version, digest)) < 0)
			return rc;
		rw->images &= rc;
		values(res, i, 2, columns_flow, COLUMNS_N_FLOW, v);
		content_flow(&r->content, rw->head.version, *last, v, digest);
		rw->found++;
	}
	return i;
}

static int hash_flows(struct remote *r, struct remote_window *rw)
{
	int64_t last = rw->w.first - 1, end = rw->w.first + rw->w.flows - 1;
	char sql[4096], from[24], to[24];
	const char *parameters[] = {r->host, rw->log, from, to};
	PGresult *res;
	int n;

	flows_sql(r, sql, sizeof(sql));
	snprintf(to, sizeof(to), "%" PRId64, end);
	do {
		snprintf(from, sizeof(from), "%" PRId64, last);
		if (!(res = ask(r, sql, 4, parameters)))
			return -EIO;
		n = add_flows(r, rw, res, &last);
		PQclear(res);
	} while (n == FLOWS_AT_ONCE);
	return n < 0 ? n : 0;
}

static int hash_late(struct remote *r, struct remote_window *rw, int64_t *found)
{
	char sql[1024], seq[24];
	const char *parameters[] = {r->host, rw->log, seq};
	struct content_late late;
	PGresult *res;
	int i, rc;

	snprintf(seq, sizeof(seq), "%" PRId64, rw->w.seq);
	snprintf(sql, sizeof(sql),
		 "SELECT encode(was, 'hex'), encode(now, 'hex') FROM %s WHERE host_id = $1::uuid AND"
		 " log_id = $2::uuid AND seq = $3::bigint ORDER BY was, now",
		 r->late);
	if (!(res = ask(r, sql, 3, parameters)))
		return -EIO;
	*found = PQntuples(res);
	for (i = 0; i < PQntuples(res); i++) {
		bytes(res, i, 0, late.before, sizeof(late.before));
		bytes(res, i, 1, late.now, sizeof(late.now));
		content_late(&r->content, &late);
		/* one that is not there was removed from the local log before it was copied: shown as pending
		 */
		if ((rc = image_is_right(r, rw->head.version, late.now)) < 0)
			break;
	}
	PQclear(res);
	return 0;
}

static int hash_losses(struct remote *r, struct remote_window *rw, int64_t *found)
{
	char sql[1024], seq[24];
	const char *parameters[] = {r->host, rw->log, seq};
	struct content_value v[COLUMNS_N_LOSS];
	PGresult *res;
	int i;

	*found = 0;
	if (rw->head.version < 2)
		return 0;
	snprintf(seq, sizeof(seq), "%" PRId64, rw->w.seq);
	snprintf(sql, sizeof(sql),
		 "SELECT n" COLUMNS_LOSS(LIST) " FROM %s WHERE host_id = $1::uuid AND log_id = $2::uuid AND"
					       " seq = $3::bigint ORDER BY n",
		 r->loss);
	if (!(res = ask(r, sql, 3, parameters)))
		return -EIO;
	*found = PQntuples(res);
	for (i = 0; i < PQntuples(res); i++) {
		values(res, i, 1, columns_loss, COLUMNS_N_LOSS, v);
		content_loss(&r->content, rw->head.version, number(res, i, 0), v);
	}
	PQclear(res);
	return 0;
}

static int check_content(struct remote *r, struct remote_window *rw)
{
	unsigned char result[CONTENT_HASH];
	int64_t late = 0, losses = 0;
	int rc;

	if (rw->head.version > COLUMNS_VERSION) {
		printf("remote: window %" PRId64 " is of a newer femtosnitch: this one cannot check it\n",
		       rw->w.seq);
		return -ENOTSUP;
	}
	content_window(&r->content, &rw->head);
	rw->images = true;
	if ((rc = hash_flows(r, rw)) != 0 || (rc = hash_late(r, rw, &late)) != 0 ||
	    (rc = hash_losses(r, rw, &losses)) != 0)
		return rc;
	content_end(&r->content, result);
	if (rw->found != rw->w.flows)
		broken(r, &rw->w, "it has %" PRId64 " flows of %" PRId64 ": flows were %s", rw->found,
		       rw->w.flows, rw->found < rw->w.flows ? "removed" : "inserted");
	else if (late != rw->w.late)
		broken(r, &rw->w, "hashes that came late, which it tells, were removed or inserted");
	else if (losses != rw->w.losses)
		broken(r, &rw->w, "losses that it tells were removed or inserted");
	else if (!rw->images)
		broken(r, &rw->w, "what is known of a program of it was changed or removed");
	else if (memcmp(result, rw->w.hash, CONTENT_HASH) != 0)
		broken(r, &rw->w, "it was changed or inserted");
	r->windows++;
	r->flows += rw->found;
	return 0;
}

/* Does it stand on the one before, and does the local log say the same? */
static void check_place(struct remote *r, const struct remote_window *rw)
{
	static const unsigned char none[CONTENT_HASH];
	struct told *told = find_told(r, rw->w.seq);
	bool follows = false;
	size_t i;

	if (r->before_seq && rw->w.seq > r->before_seq + 1)
		broken(r, &rw->w, "windows %" PRId64 " to %" PRId64 " before it are missing",
		       r->before_seq + 1, rw->w.seq - 1);
	for (i = 0; i < r->n_before && !follows; i++)
		follows = memcmp(r->before[i], rw->head.previous, CONTENT_HASH) == 0;
	if (r->n_before == 0) /* the oldest that is there */
		follows = rw->w.seq > 1 || memcmp(rw->head.previous, none, CONTENT_HASH) == 0;
	if (!follows)
		broken(r, &rw->w,
		       "it does not stand on a window before it: one was changed, removed or inserted");
	if (told && memcmp(told->log, rw->head.log, CONTENT_ID) == 0) {
		told->found = true;
		if (memcmp(told->hash, rw->w.hash, CONTENT_HASH) != 0)
			broken(r, &rw->w, "the local log says something else");
	} else if (r->n_told > 0 && rw->w.seq >= r->told[0].seq) {
		broken(r, &rw->w,
		       "the local log does not have it: it was removed or rewritten here, or inserted there, "
		       "or"
		       " snitch.db is an older copy");
	}
}

/* Windows with one number are of logs that went apart; the next number may stand on any of them. */
static void step(struct remote *r, const struct remote_window *rw)
{
	if (rw->w.seq != r->now_seq) {
		memcpy(r->before, r->now, sizeof(r->before));
		r->n_before = r->n_now;
		r->before_seq = r->now_seq;
		r->now_seq = rw->w.seq;
		r->n_now = 0;
	}
	if (r->n_now < FORKS_MAX)
		memcpy(r->now[r->n_now++], rw->w.hash, CONTENT_HASH);
}

static void read_window(const PGresult *res, int row, struct remote_window *rw)
{
	memset(rw, 0, sizeof(*rw));
	snprintf(rw->log, sizeof(rw->log), "%s", PQgetvalue(res, row, 0));
	rw->head.seq = rw->w.seq = number(res, row, 1);
	rw->head.time_s = number(res, row, 2);
	rw->head.version = (unsigned)number(res, row, 3);
	rw->head.first = rw->w.first = number(res, row, 4);
	rw->head.flows = rw->w.flows = number(res, row, 5);
	rw->head.late = rw->w.late = number(res, row, 6);
	rw->head.losses = rw->w.losses = number(res, row, 11);
	bytes(res, row, 7, rw->head.previous, CONTENT_HASH);
	bytes(res, row, 8, rw->w.hash, CONTENT_HASH);
	bytes(res, row, 9, rw->head.log, CONTENT_ID);
	bytes(res, row, 10, rw->head.host, CONTENT_ID);
}

static int check_windows(struct remote *r)
{
	const char *parameters[] = {r->host};
	struct remote_window rw;
	char sql[1024];
	PGresult *res;
	int i, n, rc = 0;

	snprintf(sql, sizeof(sql),
		 "DECLARE windows NO SCROLL CURSOR FOR SELECT log_id, seq, extract(epoch FROM ts)::bigint, "
		 "version,"
		 " first, flows, late, encode(previous, 'hex'), encode(hash, 'hex'), replace(log_id::text, "
		 "'-', ''),"
		 " replace(host_id::text, '-', ''), coalesce(losses, 0) FROM %s WHERE host_id = $1::uuid "
		 "ORDER BY seq, log_id",
		 r->window);
	if (!(res = ask(r, sql, 1, parameters)))
		return -EIO;
	do {
		PQclear(res);
		if (!(res = ask(r, "FETCH " TEXT(WINDOWS_AT_ONCE) " FROM windows", 0, NULL)))
			return -EIO;
		n = PQntuples(res);
		for (i = 0; i < n && rc == 0; i++) {
			read_window(res, i, &rw);
			step(r, &rw);
			check_place(r, &rw);
			rc = check_content(r, &rw);
		}
	} while (n > 0 && rc == 0);
	PQclear(res);
	return rc;
}

/* What the local log has and the copy should: all but the newest, which may be on their way. */
static void check_missing(struct remote *r, int64_t acked)
{
	int64_t last = r->now_seq > acked ? r->now_seq : acked;
	struct history_window w = {0};
	size_t i;

	for (i = 0; i < r->n_told && r->told[i].seq <= last; i++)
		if (!r->told[i].found && r->told[i].seq >= r->first_seq) {
			w.seq = r->told[i].seq;
			broken(r, &w, "the local log has it, the copy does not: it was removed there");
		}
	if (i < r->n_told)
		printf("remote: %zu windows are not copied yet\n", r->n_told - i);
}

/* What belongs to windows older than the oldest that is there went with them, by retention there. */
static int find_strays(struct remote *r, const char *table, const char *what)
{
	const char *parameters[] = {r->host};
	char sql[2048];
	PGresult *res;

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM %s l WHERE l.host_id = $1::uuid AND l.seq >= %" PRId64
		 " AND NOT EXISTS (SELECT 1 FROM %s w WHERE w.host_id = l.host_id AND w.log_id = l.log_id"
		 " AND w.seq = l.seq)",
		 table, r->first_seq, r->window);
	if (!(res = ask(r, sql, 1, parameters)))
		return -EIO;
	if (number(res, 0, 0) > 0)
		broken(r, NULL, "%" PRId64 " %s belong to no window: they were inserted", number(res, 0, 0),
		       what);
	PQclear(res);
	return 0;
}

static int count_rows(struct remote *r)
{
	const char *parameters[] = {r->host};
	char sql[2048];
	PGresult *res;

	snprintf(sql, sizeof(sql),
		 "SELECT (SELECT count(*) FROM %s WHERE host_id = $1::uuid), coalesce(sum(flows), 0), "
		 "coalesce(min(seq), 0)"
		 " FROM %s WHERE host_id = $1::uuid",
		 r->flow, r->window);
	if (!(res = ask(r, sql, 1, parameters)))
		return -EIO;
	if (number(res, 0, 0) > number(res, 0, 1))
		printf("remote: %" PRId64 " flows belong to no window, or to one on its way\n",
		       number(res, 0, 0) - number(res, 0, 1));
	r->first_seq = number(res, 0, 2);
	PQclear(res);
	return 0;
}

int remote_check(struct remote *r, const unsigned char host[CONTENT_ID], int64_t acked)
{
	char *at = r->host;
	int i, rc;

	for (i = 0; i < CONTENT_ID; i++)
		at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", host[i]);
	if ((rc = count_rows(r)) != 0 || (rc = find_strays(r, r->late, "hashes that came late")) != 0 ||
	    (rc = find_strays(r, r->loss, "losses")) != 0 || (rc = check_windows(r)) != 0)
		return rc;
	check_missing(r, acked);
	if (r->broken > 1)
		printf("remote: and %u more\n", r->broken - 1);
	if (r->broken == 0)
		printf("remote: whole: %" PRId64 " windows, %" PRId64 " flows, as here\n", r->windows,
		       r->flows);
	return r->broken > 0;
}
