// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * told.c - see told.h.
 */
#include "store/import/told.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "store/schema.h"

#define DELETED " (deleted)" /* what the kernel puts behind the path of a file that is gone */
#define DOMAIN_MAX 253

static bool is(const struct rows_text *t, const char *text)
{
	return t->len == strlen(text) && memcmp(t->bytes, text, t->len) == 0;
}

/* ---- programs */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool told_sha256(const char *text, size_t len, uint8_t sha256[WIRE_SHA256_SIZE])
{
	int high, low;
	size_t i;

	if (len != 2 * WIRE_SHA256_SIZE)
		return false;
	for (i = 0; i < WIRE_SHA256_SIZE; i++) {
		high = hex_digit(text[2 * i]);
		low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		sha256[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Unknown text is NULL. False: no memory. */
static bool clean(const struct rows_text *t, char **out)
{
	*out = t->len > 0 ? text_clean(t->bytes, t->len) : NULL;
	return *out || t->len == 0;
}

/* An unreadable command line is stored as a pair of quotes, one that was switched off as an empty text. */
static bool clean_command(const struct rows_text *t, bool keep, char **out)
{
	if (keep && (!t->bytes || is(t, "''")))
		return true;
	*out = keep && t->len > 0 ? text_clean(t->bytes, t->len) : strdup("");
	return *out;
}

static bool tell_program(struct told_program *p, const struct rows_program *row, bool commands)
{
	struct rows_text exe = row->exe;
	size_t tail = strlen(DELETED);

	p->known = exe.len > 0 || row->name.len > 0 || row->sha256.len > 0 ||
		   (row->cmdline.len > 0 && !is(&row->cmdline, "''"));
	if (!p->known)
		return true;
	if (exe.len > tail && memcmp(exe.bytes + exe.len - tail, DELETED, tail) == 0) {
		exe.len -= tail;
		p->flags = SCHEMA_FLAG_DELETED;
	}
	p->has_sha256 = told_sha256(row->sha256.bytes, row->sha256.len, p->sha256);
	/* three exclamation marks and which ways of reading failed */
	p->hash_error = p->has_sha256	      ? WIRE_HASH_OK
			: row->sha256.len > 0 ? WIRE_HASH_READ
			: exe.len > 0	      ? WIRE_HASH_GONE
					      : WIRE_HASH_NO_FILE;
	return clean(&exe, &p->exe) && clean(&row->name, &p->name) &&
	       clean_command(&row->cmdline, commands, &p->cmdline);
}

static bool tell_programs(struct told *t, const struct rows_row *row, bool commands)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (!tell_program(&t->who[i], &row->who[i], commands))
			return false;
		if (!t->who[i].known) /* who started nobody knows whom is nobody's ancestor */
			break;
	}
	return true;
}

/* ---- addresses */

/* The family, AF_UNSPEC: it is none. */
static int parse(const struct rows_text *t, uint8_t addr[WIRE_ADDR_SIZE])
{
	char text[INET6_ADDRSTRLEN];

	memset(addr, 0, WIRE_ADDR_SIZE);
	if (t->len == 0 || t->len >= sizeof(text) || memchr(t->bytes, '\0', t->len))
		return AF_UNSPEC;
	memcpy(text, t->bytes, t->len);
	text[t->len] = '\0';
	if (inet_pton(AF_INET, text, addr) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, addr) == 1 ? AF_INET6 : AF_UNSPEC;
}

static void tell_addresses(struct told *t, const struct rows_row *row)
{
	int local = parse(&row->laddr, t->laddr), remote = parse(&row->raddr, t->raddr);

	t->family = remote ? remote : local ? local : row->family > 0 ? row->family : AF_UNSPEC;
	t->laddr_known = local && local == t->family;
	t->raddr_known = remote;
	if (!t->laddr_known)
		memset(t->laddr, 0, sizeof(t->laddr));
	if (t->laddr_known)
		text_address(t->laddr_text, local, t->laddr);
	if (t->raddr_known)
		text_address(t->raddr_text, remote, t->raddr);
}

/* What may stand in a name: the rest would be written as \DDD, which picosnitch did not. */
static int domain_character(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 'a';
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.", c) ? c : 0;
}

/* "com.example.www" as www.example.com; false: it is no domain. */
static bool reverse(const struct rows_text *d, char natural[DOMAIN_MAX + 1])
{
	size_t from, to = d->len, len, i;

	for (i = 0; i < d->len; i++)
		if (d->bytes[i] == '\0' || !domain_character(d->bytes[i]))
			return false;
	natural[d->len] = '\0';
	for (from = 0; from <= d->len; from += len + 1) {
		for (len = 0; from + len < d->len && d->bytes[from + len] != '.'; len++)
			;
		to -= len;
		for (i = 0; i < len; i++)
			natural[to + i] = (char)domain_character(d->bytes[from + i]);
		if (to > 0)
			natural[--to] = '.';
	}
	return natural[0] != '.' && natural[d->len - 1] != '.';
}

/* Where no name was known it is the address, which is no name. */
static bool tell_domain(struct told *t, const struct rows_text *d)
{
	char natural[DOMAIN_MAX + 1];
	uint8_t addr[WIRE_ADDR_SIZE];

	if (d->len == 0 || parse(d, addr) != AF_UNSPEC)
		return true;
	t->bad_domain = d->len > DOMAIN_MAX || !reverse(d, natural);
	if (!t->bad_domain)
		t->domain = strdup(natural);
	return t->bad_domain || t->domain;
}

static bool tell_peer(struct told *t, const struct rows_row *row, bool addresses)
{
	if (addresses) {
		tell_addresses(t, row);
		return tell_domain(t, &row->domain);
	}
	t->addresses_off = true;
	t->family = row->family > 0 ? row->family : AF_UNSPEC;
	return true;
}

struct told *told_new(const struct rows_row *row, const struct settings *settings)
{
	struct told *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->contime_s = row->contime_s;
	t->send = row->send;
	t->recv = row->recv;
	t->events = row->events;
	t->uid = row->uid;
	t->protocol = row->protocol;
	t->netns = row->netns;
	t->lport = settings->log_ports || row->lport < 0 ? row->lport : 0;
	t->rport = settings->log_ports || row->rport < 0 ? row->rport : 0;
	if (tell_programs(t, row, settings->log_commands) && tell_peer(t, row, settings->log_addresses))
		return t;
	told_free(t);
	return NULL;
}

void told_free(struct told *t)
{
	int i;

	if (!t)
		return;
	for (i = 0; i < 3; i++) {
		free(t->who[i].exe);
		free(t->who[i].name);
		free(t->who[i].cmdline);
	}
	free(t->domain);
	free(t);
}

/* Not by name: which of the names a resolver gave, and which a reverse lookup, is not told. */
bool told_ignored(const struct told *t, const struct settings *settings)
{
	if (settings->n_ignore == 0)
		return false;
	return settings_ignored(settings, (int)t->family, t->laddr, t->raddr,
				(uint16_t)(t->lport < 0 ? 0 : t->lport),
				(uint16_t)(t->rport < 0 ? 0 : t->rport),
				t->who[0].has_sha256 ? t->who[0].sha256 : NULL, NULL);
}

void told_row(const struct told *t, struct already_row *row)
{
	const int64_t numbers[] = {t->contime_s, t->send,     t->recv,	t->events, t->uid,
				   t->family,	 t->protocol, t->netns, t->lport,  t->rport};
	const char *const texts[] = {t->laddr_text, t->raddr_text, t->domain};
	int i;

	memset(row, 0, sizeof(*row));
	memcpy(row->number, numbers, sizeof(numbers));
	memcpy(row->text, texts, sizeof(texts));
	for (i = 0; i < 3 && t->who[i].known; i++) {
		row->number[10 + i] = t->who[i].hash_error;
		row->number[13 + i] = t->who[i].flags;
		row->text[3 + 3 * i] = t->who[i].exe;
		row->text[4 + 3 * i] = t->who[i].name;
		row->text[5 + 3 * i] = t->who[i].cmdline;
		row->sha256[i] = t->who[i].has_sha256 ? t->who[i].sha256 : NULL;
	}
}
