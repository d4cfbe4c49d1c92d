/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmdb.h - makes small databases of MaxMind's format for tests: IPv4 networks with a piece of data each.
 * Format: the search tree, 16 zero bytes, the data, a mark, the metadata (MaxMind DB File Format
 * Specification 2.0).
 */
#ifndef FEMTOSNITCH_TESTS_MMDB_H
#define FEMTOSNITCH_TESTS_MMDB_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MMDB_NODES 1024
#define MMDB_DATA 65536

struct mmdb {
	uint32_t node[MMDB_NODES][2]; /* 0 = nothing, else a node, or MMDB_NODES + 1 + offset of data */
	uint32_t nodes;
	uint8_t data[MMDB_DATA];
	size_t len;
};

static inline void mmdb_head(struct mmdb *m, unsigned type, size_t size)
{
	unsigned first = type > 7 ? 0 : type << 5;

	m->data[m->len++] = (uint8_t)(first | (size < 29 ? size : 29));
	if (type > 7)
		m->data[m->len++] = (uint8_t)(type - 7);
	if (size >= 29)
		m->data[m->len++] = (uint8_t)(size - 29); /* up to 284 bytes */
}

static inline void mmdb_text(struct mmdb *m, const char *text)
{
	mmdb_head(m, 2, strlen(text));
	memcpy(m->data + m->len, text, strlen(text));
	m->len += strlen(text);
}

static inline void mmdb_number(struct mmdb *m, unsigned type, uint64_t value)
{
	size_t size = type == 5 ? 2 : type == 6 ? 4 : 8, i;

	mmdb_head(m, type, size);
	for (i = size; i > 0; i--)
		m->data[m->len++] = (uint8_t)(value >> 8 * (i - 1));
}

static inline void mmdb_map(struct mmdb *m, size_t pairs)
{
	mmdb_head(m, 7, pairs);
}

static inline void mmdb_begin(struct mmdb *m)
{
	memset(m, 0, sizeof(*m));
	m->nodes = 1;
}

/* The data from offset on is that of net/bits. */
static inline void mmdb_net(struct mmdb *m, uint32_t net, unsigned bits, size_t offset)
{
	uint32_t at = 0;
	unsigned i;

	for (i = 0; i + 1 < bits; i++) {
		uint32_t *next = &m->node[at][net >> (31 - i) & 1];

		if (*next == 0)
			*next = m->nodes++;
		at = *next;
	}
	m->node[at][net >> (31 - i) & 1] = (uint32_t)(MMDB_NODES + 1 + offset);
}

static inline int mmdb_write(const struct mmdb *m, const char *path, const char *type, uint64_t made_s)
{
	static const uint8_t zero[16];
	static struct mmdb meta;
	FILE *f = fopen(path, "w");
	uint32_t i, side, value;

	if (!f)
		return -1;
	for (i = 0; i < m->nodes; i++)
		for (side = 0; side < 2; side++) {
			value = m->node[i][side];
			value = value == 0	     ? m->nodes
				: value > MMDB_NODES ? m->nodes + 16 + (value - MMDB_NODES - 1)
						     : value;
			fputc((int)(value >> 16 & 255), f);
			fputc((int)(value >> 8 & 255), f);
			fputc((int)(value & 255), f);
		}
	fwrite(zero, 1, sizeof(zero), f);
	fwrite(m->data, 1, m->len, f);
	fputs("\xab\xcd\xefMaxMind.com", f);
	meta.len = 0;
	mmdb_map(&meta, 9);
	mmdb_text(&meta, "node_count"), mmdb_number(&meta, 6, m->nodes);
	mmdb_text(&meta, "record_size"), mmdb_number(&meta, 5, 24);
	mmdb_text(&meta, "ip_version"), mmdb_number(&meta, 5, 4);
	mmdb_text(&meta, "database_type"), mmdb_text(&meta, type);
	mmdb_text(&meta, "languages"), mmdb_head(&meta, 11, 0);
	mmdb_text(&meta, "binary_format_major_version"), mmdb_number(&meta, 5, 2);
	mmdb_text(&meta, "binary_format_minor_version"), mmdb_number(&meta, 5, 0);
	mmdb_text(&meta, "build_epoch"), mmdb_number(&meta, 9, made_s);
	mmdb_text(&meta, "description"), mmdb_map(&meta, 0);
	fwrite(meta.data, 1, meta.len, f);
	return fclose(f);
}

/* 10.0.0.0/8 of one country and one network, as each of the makers writes it. */
enum mmdb_maker {
	MMDB_MAXMIND_COUNTRY,
	MMDB_MAXMIND_ASN,
	MMDB_IPINFO,	  /* both */
	MMDB_IPINFO_OLDER /* "country" and "name" */
};

static inline int mmdb_make(const char *path, enum mmdb_maker maker, const char *country, uint32_t number,
			    const char *name, uint64_t made_s)
{
	static const char *const types[] = {"DBIP-Country-Lite", "DBIP-ASN-Lite (compat=GeoLite2-ASN)",
					    "ipinfo lite", "ipinfo country_asn"};
	static struct mmdb m;
	char asn[16];

	mmdb_begin(&m);
	snprintf(asn, sizeof(asn), "AS%u", number);
	switch (maker) {
	case MMDB_MAXMIND_COUNTRY:
		mmdb_map(&m, 2);
		mmdb_text(&m, "continent"), mmdb_map(&m, 1), mmdb_text(&m, "code"), mmdb_text(&m, "EU");
		mmdb_text(&m, "country"), mmdb_map(&m, 1), mmdb_text(&m, "iso_code"), mmdb_text(&m, country);
		break;
	case MMDB_MAXMIND_ASN:
		mmdb_map(&m, 2);
		mmdb_text(&m, "autonomous_system_number"), mmdb_number(&m, 6, number);
		mmdb_text(&m, "autonomous_system_organization"), mmdb_text(&m, name);
		break;
	case MMDB_IPINFO:
		mmdb_map(&m, 4);
		mmdb_text(&m, "country_code"), mmdb_text(&m, country);
		mmdb_text(&m, "country"), mmdb_text(&m, "A long name");
		mmdb_text(&m, "asn"), mmdb_text(&m, asn);
		mmdb_text(&m, "as_name"), mmdb_text(&m, name);
		break;
	case MMDB_IPINFO_OLDER:
		mmdb_map(&m, 3);
		mmdb_text(&m, "country"), mmdb_text(&m, country);
		mmdb_text(&m, "asn"), mmdb_text(&m, asn);
		mmdb_text(&m, "name"), mmdb_text(&m, name);
		break;
	}
	mmdb_net(&m, 10u << 24, 8, 0);
	return mmdb_write(&m, path, types[maker], made_s);
}

#endif
