// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * content.c - see content.h. The SHA256_*() functions are deprecated in favour of EVP_*(), and used for the
 * reason that hasher/digest.c gives.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/content.h"

#include <string.h>

#define DESCRIBE(since, name, type, sql) {#name, #type, since},

const struct column columns_flow[COLUMNS_N_FLOW] = {COLUMNS_FLOW(DESCRIBE)};
const struct column columns_image[COLUMNS_N_IMAGE] = {COLUMNS_IMAGE(DESCRIBE)};
const struct column columns_loss[COLUMNS_N_LOSS] = {COLUMNS_LOSS(DESCRIBE)};

bool content_is_text(const struct column *c)
{
	return c->type[0] == 't';
}

static void begin(struct content *c)
{
	SHA256_Init(&c->ctx);
	c->used = 0;
}

static void flush(struct content *c)
{
	SHA256_Update(&c->ctx, c->buf, c->used);
	c->used = 0;
}

static void bytes(struct content *c, const void *data, size_t len)
{
	if (len > sizeof(c->buf) - c->used)
		flush(c);
	if (len > sizeof(c->buf)) {
		SHA256_Update(&c->ctx, data, len);
		return;
	}
	memcpy(c->buf + c->used, data, len);
	c->used += len;
}

static void number(struct content *c, int64_t value)
{
	unsigned char b[9] = {'i'};
	int i;

	for (i = 0; i < 8; i++)
		b[i + 1] = (unsigned char)((uint64_t)value >> 8 * i);
	bytes(c, b, sizeof(b));
}

static void text(struct content *c, const char *s, size_t len)
{
	unsigned char b[5] = {'t', (unsigned char)len, (unsigned char)(len >> 8), (unsigned char)(len >> 16),
			      (unsigned char)(len >> 24)};

	bytes(c, b, sizeof(b));
	bytes(c, s, len);
}

static void value(struct content *c, const struct content_value *v)
{
	if (v->is_number)
		number(c, v->number);
	else if (v->text)
		text(c, v->text, v->len);
	else
		bytes(c, "n", 1);
}

static void values(struct content *c, unsigned version, const struct column *columns, size_t n,
		   const struct content_value *v)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (columns[i].since && columns[i].since <= version)
			value(c, &v[i]);
}

void content_image(unsigned version, const struct content_value *v, const char *pending,
		   unsigned char digest[CONTENT_HASH])
{
	struct content c;

	begin(&c);
	bytes(&c, "image", 5);
	number(&c, version);
	values(&c, version, columns_image, COLUMNS_N_IMAGE, v);
	value(&c, &(struct content_value){.text = pending, .len = pending ? strlen(pending) : 0});
	content_end(&c, digest);
}

void content_window(struct content *c, const struct content_window *w)
{
	begin(c);
	bytes(c, "window", 6);
	number(c, w->version);
	bytes(c, w->host, sizeof(w->host));
	bytes(c, w->log, sizeof(w->log));
	number(c, w->seq);
	bytes(c, w->previous, sizeof(w->previous));
	number(c, w->time_s);
	number(c, w->first);
	number(c, w->flows);
	number(c, w->late);
	if (w->version >= 2)
		number(c, w->losses);
}

void content_flow(struct content *c, unsigned version, int64_t id, const struct content_value *v,
		  const unsigned char image[CONTENT_HASH])
{
	number(c, id);
	values(c, version, columns_flow, COLUMNS_N_FLOW, v);
	bytes(c, image, CONTENT_HASH);
}

void content_late(struct content *c, const struct content_late *late)
{
	bytes(c, late->before, sizeof(late->before));
	bytes(c, late->now, sizeof(late->now));
}

void content_loss(struct content *c, unsigned version, int64_t n, const struct content_value *v)
{
	number(c, n);
	values(c, version, columns_loss, COLUMNS_N_LOSS, v);
}

void content_end(struct content *c, unsigned char hash[CONTENT_HASH])
{
	flush(c);
	SHA256_Final(hash, &c->ctx);
}

int content_compare_late(const void *a, const void *b)
{
	return memcmp(((const struct content_late *)a)->before, ((const struct content_late *)b)->before,
		      CONTENT_HASH);
}
