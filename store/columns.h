/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * columns.h - the columns of the view connections once more, for whatever must say the same elsewhere: the
 * chain (content.h) hashes them, the copies of the log carry them. Data only. A column that is appended to
 * the view is a line here; a test compares the two.
 *
 * COLUMN(since, name, type, sql): since = the version of the content (chain.version) that first has it, 0 =
 * it is carried, but not hashed, because it may change later; type as PostgreSQL calls it, anything but text
 * is a whole number; sql = an expression over the tables of COLUMNS_*_FROM. The order is part of the content:
 * only append.
 *
 * Two lists, because most flows are of few images: what is known of a flow itself, and what is known of its
 * image. Not here: time and protocol_name, which say contime and protocol in words.
 */
#ifndef FEMTOSNITCH_STORE_COLUMNS_H
#define FEMTOSNITCH_STORE_COLUMNS_H

#include "store/schema.h"

#define COLUMNS_VERSION 2

/* clang-format off */
/* Most ids are 0: no look at the table then, which a join would take. */
#define COLUMNS_TEXT(id, text, table) "CASE WHEN " id " THEN (SELECT " text " FROM " table " WHERE id = " id ") END"

#define COLUMNS_ORIGIN(text) "CASE f.origin WHEN -2 THEN '' ELSE " COLUMNS_TEXT("f.origin", text, "origin") " END"

#define COLUMNS_FLOW(COLUMN) \
	COLUMN(1, contime, bigint, "f.contime") \
	COLUMN(1, last_seen, bigint, "f.contime + f.lasted") \
	COLUMN(1, send, bigint, "f.send") \
	COLUMN(1, recv, bigint, "f.recv") \
	COLUMN(1, uid, bigint, "f.uid") \
	COLUMN(1, lport, int, "f.lport") \
	COLUMN(1, rport, int, "f.rport") \
	COLUMN(1, laddr, text, COLUMNS_TEXT("f.laddr", "text", "address")) \
	COLUMN(1, raddr, text, COLUMNS_TEXT("f.raddr", "text", "address")) \
	COLUMN(1, domain, text, COLUMNS_TEXT("f.domain", "text", "domain")) \
	COLUMN(1, family, int, "f.family") \
	COLUMN(1, protocol, int, "f.protocol") \
	COLUMN(1, netns, bigint, "f.netns") \
	COLUMN(1, events, bigint, "f.events") \
	COLUMN(1, direction, text, SCHEMA_DIRECTION("f.direction")) \
	COLUMN(1, result, text, SCHEMA_RESULT("f.result")) \
	COLUMN(1, raddr_source, text, SCHEMA_PEER("f.peer")) \
	COLUMN(1, sniffed, bigint, "f.sniffed") \
	COLUMN(1, creator, text, COLUMNS_TEXT("f.creator", "coalesce(container, unit, cgroup)", "place")) \
	COLUMN(1, creator_uid, bigint, "f.creator_uid") \
	COLUMN(1, tunnel_send, bigint, "f.tunnel_send") \
	COLUMN(1, tunnel_recv, bigint, "f.tunnel_recv") \
	COLUMN(0, user, text, "(SELECT name FROM account WHERE uid = f.uid)") \
	COLUMN(2, name_source, text, SCHEMA_NAME_SOURCE("f.name_source")) \
	COLUMN(2, domain_resolved, text, COLUMNS_TEXT("f.domain_resolved", "text", "domain")) \
	COLUMN(2, country, text, COLUMNS_ORIGIN("country")) \
	COLUMN(2, asn, bigint, COLUMNS_TEXT("f.origin", "asn", "origin")) \
	COLUMN(2, as_name, text, COLUMNS_ORIGIN("as_name"))

#define COLUMNS_FLOW_FROM " FROM flow f"

/* ?1: the image's id; ?2: the generations (1 = itself, 2 = its parent, 4 = the parent's parent, 8 = its script) whose hash shall be
 * shown as pending, as it was once */
#define COLUMNS_SHA256(generation, table) \
	"CASE WHEN ?2 & " generation " THEN NULL ELSE " SCHEMA_SHA256(table ".sha256") " END"

/* Its path is found together with its hash. */
#define COLUMNS_SCRIPT "CASE WHEN ?2 & 8 THEN NULL ELSE s0.exe END"

#define COLUMNS_IMAGE(COLUMN) \
	COLUMN(1, exe, text, "p0.exe") \
	COLUMN(1, name, text, "p0.name") \
	COLUMN(1, cmdline, text, "i0.cmdline") \
	COLUMN(1, sha256, text, COLUMNS_SHA256("1", "p0")) \
	COLUMN(1, pexe, text, "p1.exe") \
	COLUMN(1, pname, text, "p1.name") \
	COLUMN(1, pcmdline, text, "i1.cmdline") \
	COLUMN(1, psha256, text, COLUMNS_SHA256("2", "p1")) \
	COLUMN(1, gpexe, text, "p2.exe") \
	COLUMN(1, gpname, text, "p2.name") \
	COLUMN(1, gpcmdline, text, "i2.cmdline") \
	COLUMN(1, gpsha256, text, COLUMNS_SHA256("4", "p2")) \
	COLUMN(1, hash_error, text, "CASE WHEN ?2 & 1 THEN 'pending' WHEN p0.id IS NULL THEN '" SCHEMA_NO_IMAGE \
		"' ELSE " SCHEMA_HASH_ERROR("p0.hash_error") " END") \
	COLUMN(1, container, text, "w0.container") \
	COLUMN(1, unit, text, "w0.unit") \
	COLUMN(1, runtime, text, "w0.runtime") \
	COLUMN(1, cgroup, text, "w0.cgroup") \
	COLUMN(1, script, text, COLUMNS_SCRIPT) \
	COLUMN(1, script_sha256, text, COLUMNS_SHA256("8", "s0")) \
	COLUMN(1, script_source, text, SCHEMA_SCRIPT("i0.script_source")) \
	COLUMN(1, script_hash_error, text, "CASE WHEN ?2 & 8 THEN 'pending' ELSE " \
		SCHEMA_HASH_ERROR("s0.hash_error") " END") \
	COLUMN(1, app, text, "coalesce(i0.app, " COLUMNS_SCRIPT ", p0.exe)") \
	COLUMN(1, flags, text, SCHEMA_FLAGS("i0.flags"))

#define COLUMNS_IMAGE_FROM \
	" FROM (SELECT ?1 AS id) x LEFT JOIN image i0 ON i0.id = x.id" \
	" LEFT JOIN program p0 ON p0.id = i0.program" \
	" LEFT JOIN image i1 ON i1.id = i0.parent LEFT JOIN program p1 ON p1.id = i1.program" \
	" LEFT JOIN image i2 ON i2.id = i1.parent LEFT JOIN program p2 ON p2.id = i2.program" \
	" LEFT JOIN place w0 ON w0.id = i0.place LEFT JOIN program s0 ON s0.id = i0.script"

/* A loss, as a window tells it */
#define COLUMNS_LOSS(COLUMN) \
	COLUMN(2, time_from, bigint, "l.time_from") \
	COLUMN(2, time_to, bigint, "l.time_to") \
	COLUMN(2, kind, text, SCHEMA_LOSS_KIND("l.kind")) \
	COLUMN(2, stage, text, SCHEMA_STAGE("l.stage")) \
	COLUMN(2, records, bigint, "l.records") \
	COLUMN(2, bytes, bigint, "l.bytes") \
	COLUMN(2, detail, text, "l.detail")

#define COLUMNS_LOSS_FROM " FROM loss_part l"

/* Generations whose hash is pending now, as a number for ?2 */
#define COLUMNS_IMAGE_PENDING \
	"(p0.hash_error IS 1) + 2 * (p1.hash_error IS 1) + 4 * (p2.hash_error IS 1) + 8 * (s0.hash_error IS 1)"
/* clang-format on */

/* For a list of columns in SQL: ", sql" and ", name" */
#define COLUMNS_SELECT(since, name, type, sql) ", " sql
/* ...and the same without those that are not hashed */
#define COLUMNS_HASHED(since, name, type, sql) COLUMNS_HASHED_##since(sql)
#define COLUMNS_HASHED_0(sql) ", NULL"
#define COLUMNS_HASHED_1(sql) ", " sql
#define COLUMNS_HASHED_2(sql) ", " sql
#define COLUMNS_NAME(since, name, type, sql) ", " #name
#define COLUMNS_ONE(since, name, type, sql) +1

enum {
	COLUMNS_N_FLOW = 0 COLUMNS_FLOW(COLUMNS_ONE),
	COLUMNS_N_IMAGE = 0 COLUMNS_IMAGE(COLUMNS_ONE),
	COLUMNS_N_LOSS = 0 COLUMNS_LOSS(COLUMNS_ONE)
};

struct column {
	const char *name, *type;
	unsigned since;
};

extern const struct column columns_flow[COLUMNS_N_FLOW], columns_image[COLUMNS_N_IMAGE],
	columns_loss[COLUMNS_N_LOSS]; /* content.c */

#endif
