// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * remote.c - see remote.h. Windows are read in the order of their numbers and of their logs; each is computed
 * again from its rows there. What was found good here is looked up there, window by window, from a list that
 * the local check made; so both chains are held against each other without one being in memory.
 */
#include "store/verify/remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "store/verify/question.h"

#define FLOWS_AT_ONCE 5000
#define IMAGES_MAX 4096 /* digests known to be right, direct-mapped */
#define FORKS_MAX 16	/* logs of one host with a window of the same number */

/* What the local chain says of one window. */
struct told {
	int64_t seq;
	unsigned char log[CONTENT_ID], hash[CONTENT_HASH];
	bool found;
};

struct remote {
	struct question q;
	struct told *told;
	size_t n_told, room;
	unsigned char right[IMAGES_MAX][CONTENT_HASH];
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

/* ---- a server */

struct remote *remote_open(const struct reader *reader, const char *where, const char *table)
{
	struct remote *r = calloc(1, sizeof(*r));

	if (!r)
		fatalx("no memory");
	r->q.reader = reader;
	if (!(r->q.link = reader->make()))
		fatalx("no memory");
	if (reader->open(r->q.link, where, table) == 0)
		return r;
	remote_close(r);
	return NULL;
}

void remote_close(struct remote *r)
{
	if (!r)
		return;
	r->q.reader->free(r->q.link);
	free(r->told);
	free(r);
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

struct remote_window {
	struct remote *remote;
	struct history_window w;
	struct content_window head;
	int64_t found, late, losses, last; /* flows, ...; number of the last flow */
	bool images;			   /* all are what their digests say */
};

/* NULL or too short: zeros. */
static void bytes(unsigned char *to, size_t size, const struct content_value *v)
{
	memset(to, 0, size);
	if (v->text)
		memcpy(to, v->text, v->len < size ? v->len : size);
}

struct image {
	unsigned version;
	const unsigned char *digest;
	unsigned rows;
	bool right;
};

/* image, version, pending, columns */
static int take_image(void *arg, const struct content_value *v)
{
	struct image *image = arg;
	unsigned char again[CONTENT_HASH];
	char pending[HISTORY_PENDING_SIZE] = "";

	snprintf(pending, sizeof(pending), "%.*s", (int)v[2].len, v[2].text ? v[2].text : "");
	content_image(image->version, v + 3, v[2].text ? pending : NULL, again);
	image->right = image->rows++ == 0 && strlen(pending) == v[2].len &&
		       memcmp(again, image->digest, CONTENT_HASH) == 0;
	return 0;
}

/* Is that image what its digest says? 1 yes, 0 no, -EIO. */
static int image_is_right(struct remote *r, unsigned version, const unsigned char digest[CONTENT_HASH])
{
	unsigned char *right = r->right[(digest[0] | digest[1] << 8) % IMAGES_MAX];
	struct question_part part = {.image = digest};
	struct image image = {.version = version, .digest = digest};
	int rc;

	if (memcmp(right, digest, CONTENT_HASH) == 0)
		return 1;
	if ((rc = question_rows(&r->q, LAYOUT_IMAGE, &part, take_image, &image)) != 0)
		return rc;
	if (image.right)
		memcpy(right, digest, CONTENT_HASH);
	return image.right;
}

/* seq, image, columns */
static int take_flow(void *arg, const struct content_value *v)
{
	struct remote_window *rw = arg;
	unsigned char digest[CONTENT_HASH];
	int rc;

	rw->last = v[0].number;
	bytes(digest, sizeof(digest), &v[1]);
	if ((rc = image_is_right(rw->remote, rw->head.version, digest)) < 0)
		return rc;
	rw->images &= rc;
	content_flow(&rw->remote->content, rw->head.version, rw->last, v + 2, digest);
	rw->found++;
	return 0;
}

static int hash_flows(struct remote *r, struct remote_window *rw)
{
	struct question_part part = {
		.log = rw->head.log,
		.behind = rw->w.first - 1,
		.last = rw->w.first + rw->w.flows - 1,
		.order = "seq",
		.limit = FLOWS_AT_ONCE,
	};
	int64_t before;
	int rc;

	do {
		before = rw->found;
		rc = question_rows(&r->q, LAYOUT_FLOW, &part, take_flow, rw);
		part.behind = rw->last;
	} while (rc == 0 && rw->found - before == FLOWS_AT_ONCE);
	return rc;
}

/* seq, was, now */
static int take_late(void *arg, const struct content_value *v)
{
	struct remote_window *rw = arg;
	struct content_late late;
	int rc;

	bytes(late.before, sizeof(late.before), &v[1]);
	bytes(late.now, sizeof(late.now), &v[2]);
	content_late(&rw->remote->content, &late);
	rw->late++;
	/* one that is not there was removed from the local log before it was copied: shown as pending */
	rc = image_is_right(rw->remote, rw->head.version, late.now);
	return rc < 0 ? rc : 0;
}

/* seq, n, columns */
static int take_loss(void *arg, const struct content_value *v)
{
	struct remote_window *rw = arg;

	content_loss(&rw->remote->content, rw->head.version, v[1].number, v + 2);
	rw->losses++;
	return 0;
}

/* What only this window has. */
static int hash_others(struct remote *r, struct remote_window *rw)
{
	struct question_part part = {
		.log = rw->head.log,
		.behind = rw->w.seq - 1,
		.last = rw->w.seq,
		.order = "was, now",
	};
	int rc = question_rows(&r->q, LAYOUT_LATE, &part, take_late, rw);

	part.order = "n";
	if (rc == 0 && rw->head.version >= 2)
		rc = question_rows(&r->q, LAYOUT_LOSS, &part, take_loss, rw);
	return rc;
}

static int check_content(struct remote *r, struct remote_window *rw)
{
	unsigned char result[CONTENT_HASH];
	int rc;

	if (rw->head.version > COLUMNS_VERSION) {
		printf("remote: window %" PRId64 " is of a newer femtosnitch: this one cannot check it\n",
		       rw->w.seq);
		return -ENOTSUP;
	}
	content_window(&r->content, &rw->head);
	rw->images = true;
	if ((rc = hash_flows(r, rw)) != 0 || (rc = hash_others(r, rw)) != 0)
		return rc;
	content_end(&r->content, result);
	if (rw->found != rw->w.flows)
		broken(r, &rw->w, "it has %" PRId64 " flows of %" PRId64 ": flows were %s", rw->found,
		       rw->w.flows, rw->found < rw->w.flows ? "removed" : "inserted");
	else if (rw->late != rw->w.late)
		broken(r, &rw->w, "hashes that came late, which it tells, were removed or inserted");
	else if (rw->losses != rw->w.losses)
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

/* The columns of layout.h in their order */
static void read_window(const struct content_value *v, struct remote_window *rw)
{
	bytes(rw->head.host, CONTENT_ID, &v[0]);
	bytes(rw->head.log, CONTENT_ID, &v[1]);
	rw->head.seq = rw->w.seq = v[3].number;
	rw->head.time_s = v[4].number;
	rw->head.version = (unsigned)v[5].number;
	rw->head.first = rw->w.first = v[6].number;
	rw->head.flows = rw->w.flows = v[7].number;
	rw->head.late = rw->w.late = v[8].number;
	bytes(rw->head.previous, CONTENT_HASH, &v[9]);
	bytes(rw->w.hash, CONTENT_HASH, &v[10]);
	rw->head.losses = rw->w.losses = v[11].number;
}

static int take_window(void *arg, const struct content_value *v)
{
	struct remote_window rw = {.remote = arg};

	read_window(v, &rw);
	step(rw.remote, &rw);
	check_place(rw.remote, &rw);
	return check_content(rw.remote, &rw);
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
static int find_strays(struct remote *r, enum layout_name name, const char *what)
{
	int64_t n;
	int rc = question_strays(&r->q, name, r->first_seq, &n);

	if (rc == 0 && n > 0)
		broken(r, NULL, "%" PRId64 " %s belong to no window: they were inserted", n, what);
	return rc;
}

static int count_rows(struct remote *r)
{
	struct question_sums sums;
	int rc = question_sums(&r->q, &sums);

	if (rc == 0 && sums.flows > sums.told)
		printf("remote: %" PRId64 " flows belong to no window, or to one on its way\n",
		       sums.flows - sums.told);
	r->first_seq = sums.oldest;
	return rc;
}

int remote_check(struct remote *r, const unsigned char host[CONTENT_ID], int64_t acked)
{
	int rc;

	memcpy(r->q.host, host, sizeof(r->q.host));
	if ((rc = count_rows(r)) != 0 || (rc = find_strays(r, LAYOUT_LATE, "hashes that came late")) != 0 ||
	    (rc = find_strays(r, LAYOUT_LOSS, "losses")) != 0 ||
	    (rc = question_windows(&r->q, take_window, r)) != 0)
		return rc;
	check_missing(r, acked);
	if (r->broken > 1)
		printf("remote: and %u more\n", r->broken - 1);
	if (r->broken == 0)
		printf("remote: whole: %" PRId64 " windows, %" PRId64 " flows, as here\n", r->windows,
		       r->flows);
	return r->broken > 0;
}
