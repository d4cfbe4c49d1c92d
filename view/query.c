// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * query.c - see query.h. Sums come from the rollups, so that each stays fast over tens of millions of rows:
 * days from sum_day and total_day, the hours and five minutes at both ends from the finer ones. Times are
 * widened to whole five minutes, and the sums are exact for those. Only "last" reads facts, by their id.
 *
 * Values: :from :to widened; :hour_from :day_from :day_to :hour_to where one rollup takes over from the
 * other; :since :until as asked; :argument, :suffix ("/NAME"), :base (its last component), :host (address as
 * the log writes it), :wider (the network around it), :below and :behind (domains reversed), :limit.
 */
#include "view/query.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/schema.h"
#include "view/buffer.h"
#include "view/network.h"

/* clang-format off */
#define BETWEEN(a, b) "s.bucket >= " a " AND s.bucket < " b

/* Rows of the rollups TABLE_5min, _hour and _day that make up the time asked for. */
#define SPAN(table, columns, where) \
	"SELECT " columns " FROM " table "_5min s WHERE " BETWEEN(":from", ":hour_from") where \
	" UNION ALL SELECT " columns " FROM " table "_hour s WHERE " BETWEEN(":hour_from", ":day_from") where \
	" UNION ALL SELECT " columns " FROM " table "_day s WHERE " BETWEEN(":day_from", ":day_to") where \
	" UNION ALL SELECT " columns " FROM " table "_hour s WHERE " BETWEEN(":day_to", ":hour_to") where \
	" UNION ALL SELECT " columns " FROM " table "_5min s WHERE " BETWEEN(":hour_to", ":to") where

#define TOTALS "sum(t.send) AS send, sum(t.recv) AS recv, sum(t.connections) AS connections"
#define PROTOCOL(column) "coalesce(" SCHEMA_PROTOCOL(column) ", CAST(" column " AS TEXT))"
#define PEER_COLUMNS \
	"s.program AS program, s.raddr AS raddr, s.rport AS rport, s.protocol AS protocol," \
	" s.direction AS direction, s.domain AS domain, s.send AS send, s.recv AS recv," \
	" s.connections AS connections"

#define THE_PROGRAMS "(SELECT id FROM program WHERE exe = :argument OR name = :argument OR substr(exe, -length(:suffix)) = :suffix)"
#define THE_ADDRESSES "(SELECT id FROM address WHERE text = :host OR (:host IS NULL AND in_network(text, :argument)))"
/* "com.example." to "com.example/": the domain, and what is below it */
#define THE_DOMAINS "(SELECT id FROM domain WHERE reversed >= :below AND reversed < :behind)"

/* Who came to us did so from any port: one row per port would say nothing. */
#define RPORT "CASE t.direction WHEN 1 THEN NULL ELSE t.rport END"

/* A kernel thread has a name, but no file. */
#define EXE "coalesce(p.exe, p.name)"

static const char top_sql[] =
	"WITH t AS (SELECT program, sum(send) AS send, sum(recv) AS recv, sum(connections) AS connections FROM ("
	SPAN("total", "s.program AS program, s.send AS send, s.recv AS recv, s.connections AS connections", "")
	") GROUP BY program)"
	" SELECT " EXE " AS exe, " TOTALS " FROM t LEFT JOIN program p ON p.id = t.program"
	" GROUP BY 1 ORDER BY sum(t.send) + sum(t.recv) DESC, exe";

static const char new_sql[] =
	"SELECT " SCHEMA_ISO("p.first_network") " AS first_network, " EXE " AS exe, p.name AS name,"
	" " SCHEMA_SEEN_AS("p.seen_as") " AS seen_as, nullif(" SCHEMA_SHA256("p.sha256") ", '') AS sha256,"
	" " SCHEMA_HASH_ERROR("p.hash_error") " AS hash_error"
	" FROM program p WHERE p.first_network >= :since AND p.first_network < :until"
	" ORDER BY p.first_network DESC, p.id DESC";

static const char address_sql[] =
	"WITH wanted AS MATERIALIZED " THE_ADDRESSES ","
	" t AS (" SPAN("sum", PEER_COLUMNS, " AND s.raddr IN wanted") ")"
	" SELECT " EXE " AS exe, a.text AS raddr, " RPORT " AS rport, " PROTOCOL("t.protocol") " AS protocol_name,"
	" " SCHEMA_DIRECTION("t.direction") " AS direction, " TOTALS ", d.text AS domain"
	" FROM t LEFT JOIN program p ON p.id = t.program LEFT JOIN address a ON a.id = t.raddr"
	" LEFT JOIN domain d ON d.id = t.domain GROUP BY 1, 2, 3, 4, 5, d.text"
	" ORDER BY sum(t.send) + sum(t.recv) DESC, exe, raddr, rport";

static const char program_sql[] =
	"WITH wanted AS MATERIALIZED " THE_PROGRAMS ","
	" t AS (" SPAN("sum", PEER_COLUMNS, " AND s.program IN wanted") ")"
	" SELECT a.text AS raddr, d.text AS domain, " RPORT " AS rport, " PROTOCOL("t.protocol") " AS protocol_name,"
	" " SCHEMA_DIRECTION("t.direction") " AS direction, " TOTALS ", " EXE " AS exe"
	" FROM t LEFT JOIN program p ON p.id = t.program LEFT JOIN address a ON a.id = t.raddr"
	" LEFT JOIN domain d ON d.id = t.domain GROUP BY 1, 2, 3, 4, 5, " EXE
	" ORDER BY sum(t.send) + sum(t.recv) DESC, exe, raddr, rport";

/* Each way in which it was started, then who started that, and so on: generation 0 is the program itself. Parents
 * are older images than their children; the bound is for a database that says otherwise. */
static const char parents_sql[] =
	"WITH RECURSIVE wanted AS MATERIALIZED (SELECT id, last_hour FROM image WHERE program IN " THE_PROGRAMS
	" OR (script > 0 AND script IN " THE_PROGRAMS ") ORDER BY last_hour DESC, id DESC LIMIT :limit),"
	" line(start, used, generation, image) AS (SELECT id, last_hour, 0, id FROM wanted"
	" UNION ALL SELECT l.start, l.used, l.generation + 1, i.parent FROM line l JOIN image i ON i.id = l.image"
	" WHERE i.parent > 0 AND l.generation < 64)"
	" SELECT l.generation AS generation, " EXE " AS exe, i.cmdline AS cmdline, s.exe AS script,"
	" " SCHEMA_SHA256("p.sha256") " AS sha256, coalesce(w.container, w.unit, w.cgroup) AS place,"
	" " SCHEMA_ISO("l.used") " AS last_hour FROM line l JOIN image i ON i.id = l.image"
	" LEFT JOIN program p ON p.id = i.program LEFT JOIN program s ON s.id = i.script"
	" LEFT JOIN place w ON w.id = i.place ORDER BY l.used DESC, l.start DESC, l.generation";

static const char domain_sql[] =
	"WITH wanted AS MATERIALIZED " THE_DOMAINS ","
	" t AS (" SPAN("sum", PEER_COLUMNS, " AND s.domain > 0 AND s.domain IN wanted") ")"
	" SELECT " EXE " AS exe, d.text AS domain, " RPORT " AS rport, " PROTOCOL("t.protocol") " AS protocol_name,"
	" " SCHEMA_DIRECTION("t.direction") " AS direction, " TOTALS
	" FROM t LEFT JOIN program p ON p.id = t.program LEFT JOIN domain d ON d.id = t.domain"
	" GROUP BY 1, 2, 3, 4, 5 ORDER BY sum(t.send) + sum(t.recv) DESC, exe, domain, rport";

/* The facts written last: the ids of the time asked for, backwards. Executions (lport -1) are not traffic. */
static const char last_sql[] =
	"SELECT " SCHEMA_ISO("f.contime") " AS time, " EXE " AS exe, a.text AS raddr, d.text AS domain,"
	" f.rport AS rport, coalesce(" SCHEMA_PROTOCOL_NAME("f.family", "f.protocol") ", CAST(f.protocol AS TEXT))"
	" AS protocol_name, "
	SCHEMA_DIRECTION("f.direction") " AS direction, "
	SCHEMA_RESULT("f.result") " AS result, f.send AS send, f.recv AS recv"
	" FROM (SELECT * FROM flow WHERE id >= (SELECT min(first_id) FROM flow_range WHERE bucket >= :from AND"
	" bucket < :to) AND id <= (SELECT max(last_id) FROM flow_range WHERE bucket >= :from AND bucket < :to)"
	" AND contime >= :since AND contime < :until AND lport <> -1 ORDER BY id DESC LIMIT :limit) f"
	" LEFT JOIN image i ON i.id = f.image LEFT JOIN program p ON p.id = i.program"
	" LEFT JOIN address a ON a.id = f.raddr LEFT JOIN domain d ON d.id = f.domain ORDER BY f.contime DESC, f.id DESC";

static const char losses_sql[] =
	"SELECT time_from, time_to, kind, stage, records, bytes, detail, meaning, advice FROM losses"
	" WHERE unix_to >= :since AND unix_from < :until ORDER BY unix_to DESC, unix_from DESC";

/* The starts whose time reaches into the time asked for: the first of them may be older. */
static const char coverage_sql[] =
	"SELECT " SCHEMA_ISO("start") " AS time, kernel, item, state, reason FROM proof WHERE start < :until AND start >="
	" coalesce((SELECT max(start) FROM proof WHERE start <= :since), 0) ORDER BY start DESC, id";

static const char notices_sql[] =
	"SELECT time, kind, coalesce(exe, name) AS exe, user, outcome, text FROM notices"
	" WHERE unix_time >= :since AND unix_time < :until ORDER BY id DESC LIMIT :limit";

/* A few that it talked to on the last day on which it talked */
#define DOMAINS \
	"(SELECT group_concat(text, ', ') FROM (SELECT DISTINCT d.text AS text FROM sum_day s JOIN domain d ON d.id = s.domain" \
	" WHERE s.program = p.id AND s.bucket = (SELECT max(bucket) FROM sum_day WHERE program = p.id)" \
	" AND d.text <> '' ORDER BY 1 LIMIT 3)) AS domains"

static const char unacknowledged_sql[] =
	"SELECT " SCHEMA_ISO("p.first_network") " AS first_network, " EXE " AS exe, p.name AS name,"
	" " SCHEMA_SEEN_AS("p.seen_as") " AS seen_as, " SCHEMA_SHA256("p.sha256") " AS sha256, p.verdict AS verdict, " DOMAINS
	" FROM program p WHERE p.first_network >= :since AND p.first_network < :until AND p.acknowledged = 0"
	" ORDER BY p.first_network DESC, p.id DESC";

#define FOR_WHOM "CASE a.uid WHEN -1 THEN 'everybody' ELSE coalesce(u.name, a.uid) END"

static const char muted_sql[] =
	"SELECT a.exe AS exe, " FOR_WHOM " AS whom, " SCHEMA_ISO("a.time") " AS since,"
	" coalesce(" SCHEMA_ISO("a.until") ", 'for ever') AS until FROM acknowledged a"
	" LEFT JOIN account u ON u.uid = a.uid WHERE a.muted = 1 AND coalesce(a.until > CAST(strftime('%s', 'now') AS INTEGER), 1)"
	" ORDER BY a.time DESC, a.exe";

#define WHY \
	"CASE WHEN e.quiet = 0 AND e.kind = 2 THEN 'Told, because it started a program that uses the network.'" \
	" WHEN e.quiet = 0 THEN 'Told: on every desktop that may know, at the latest when somebody logs in.'" \
	" WHEN e.quiet = 1 THEN 'Not told: \"Notify kinds\" in config.json was without \"' || " SCHEMA_KIND("e.kind") " || '\".'" \
	" WHEN e.quiet = 2 THEN 'Not told: \"Desktop notifications\" in config.json was false.'" \
	" WHEN e.quiet = 3 THEN 'Not told: it was muted for everybody.'" \
	" WHEN e.quiet = 4 THEN 'Not told: it had been acknowledged, or ran already when femtosnitch was first started.'" \
	" WHEN p.first_network IS NULL THEN 'Not told: it has not used the network itself.'" \
	" WHEN p.hash_error = 1 THEN 'Not told yet: its SHA-256 is awaited.'" \
	" WHEN p.seen_as = 0 OR p.seen_as IS NULL THEN 'Not told: this path was known, and without its SHA-256 nobody can say whether it changed.'" \
	" WHEN p.acknowledged THEN 'Not told: it belongs to femtosnitch, or is acknowledged.'" \
	" ELSE 'Not told: it was in the log before femtosnitch kept notices.' END" \
	" || coalesce((SELECT ' Muted now for ' || group_concat(" FOR_WHOM " || coalesce(' until ' || " SCHEMA_ISO("a.until") ", ''), ', ') || '.'" \
	" FROM acknowledged a LEFT JOIN account u ON u.uid = a.uid WHERE a.exe = p.exe AND a.muted = 1" \
	" AND coalesce(a.until > CAST(strftime('%s', 'now') AS INTEGER), 1)), '')" \
	" || CASE WHEN p.acknowledged THEN ' Acknowledged.' ELSE '' END"

static const char why_sql[] =
	"SELECT coalesce(" SCHEMA_ISO("e.time") ", " SCHEMA_ISO("p.first_seen") ") AS time, " EXE " AS exe, p.name AS name,"
	" " SCHEMA_SHA256("p.sha256") " AS sha256, " SCHEMA_KIND("e.kind") " AS kind, " WHY " AS why, e.text AS text, " DOMAINS
	" FROM program p LEFT JOIN event e ON e.program = p.id WHERE p.id IN " THE_PROGRAMS
	" ORDER BY coalesce(e.id, 0) DESC, p.id DESC";

#define DAY 86400
const struct question query_questions[] = {
	{"top", "", "programs by bytes", QUERY_NO_ARGUMENT, true, true, 0, top_sql},
	{"new", "", "programs that used the network for the first time (default: --since 24h)",
	 QUERY_NO_ARGUMENT, true, false, DAY, new_sql},
	{"last", "", "the newest connections and attempts", QUERY_NO_ARGUMENT, true, true, 0, last_sql},
	{"program", "PROGRAM", "whom a program (path or name) talked to", QUERY_PROGRAM, true, true, 0, program_sql},
	{"parents", "PROGRAM", "who started a program or a script, and who that, up to the first", QUERY_PROGRAM, false,
	 true, 0, parents_sql},
	{"address", "ADDRESS", "who talked to an address or a network (192.0.2.0/24)", QUERY_ADDRESS, true, true, 0,
	 address_sql},
	{"domain", "NAME", "who talked to a domain and what is below it", QUERY_DOMAIN, true, true, 0, domain_sql},
	{"notices", "", "what the desktop was told, or why it was not", QUERY_NO_ARGUMENT, true, true, 0, notices_sql},
	{"why", "PROGRAM", "why a program was told to the desktop, or was not", QUERY_PROGRAM, false, false, 0, why_sql},
	{"unacknowledged", "", "programs on the network that nobody acknowledged", QUERY_NO_ARGUMENT, true, false, 0,
	 unacknowledged_sql},
	{"muted", "", "programs that nothing is said about", QUERY_NO_ARGUMENT, false, false, 0, muted_sql},
	{"losses", "", "what could not be seen or kept, and when nobody watched", QUERY_NO_ARGUMENT, true, false, 0,
	 losses_sql},
	{"coverage", "", "what is watched, and what is not (default: since the last start)", QUERY_NO_ARGUMENT, true,
	 false, 1, coverage_sql},
	{"sql", "STATEMENT", "any SELECT; 'sql' itself may be left out", QUERY_SQL, false, false, 0, NULL},
	{NULL, NULL, NULL, QUERY_NO_ARGUMENT, false, false, 0, NULL},
};

const char query_first_time[] = "SELECT contime FROM flow ORDER BY id LIMIT 1";
const char query_last_time[] = "SELECT contime + lasted FROM flow ORDER BY id DESC LIMIT 1";
const char query_started[] = "SELECT value FROM meta WHERE key = 'started'";

/* The newest row of a rollup: days where they are many, else five minutes. */
static const char last_of_program[] =
	"SELECT max(last_seen) FROM program WHERE first_network IS NOT NULL AND id IN " THE_PROGRAMS;
static const char last_of_address[] = "SELECT max(bucket) FROM sum_day WHERE raddr IN " THE_ADDRESSES;
static const char last_of_domain[] = "SELECT max(bucket) FROM sum_day WHERE domain > 0 AND domain IN " THE_DOMAINS;

static const char known_program[] = "SELECT count(*) FROM program WHERE id IN " THE_PROGRAMS " HAVING count(*)";

static const char near_program[] =
	"SELECT DISTINCT coalesce(exe, name) FROM program WHERE first_network IS NOT NULL AND"
	" (instr(lower(exe), lower(:base)) OR instr(lower(name), lower(:base))) ORDER BY last_seen DESC LIMIT 5";
static const char near_address[] =
	"SELECT text FROM address WHERE in_network(text, :wider) ORDER BY last_hour DESC LIMIT 5";
static const char near_domain[] =
	"SELECT text FROM domain WHERE instr(text, lower(:argument)) ORDER BY last_hour DESC LIMIT 5";
/* clang-format on */

const struct question *query_find(const char *name)
{
	const struct question *q;

	for (q = query_questions; q->name; q++)
		if (!strcmp(q->name, name))
			return q;
	return NULL;
}

/* What writes counts too: it is refused later, and why is said. */
bool query_is_sql(const char *text)
{
	static const char *const words[] = {
		"select", "with",    "values", "explain", "pragma",  "insert",	  "update",
		"delete", "replace", "create", "drop",	  "alter",   "attach",	  "detach",
		"vacuum", "begin",   "commit", "reindex", "analyze", "savepoint",
	};
	size_t i, len;

	text += strspn(text, " \t\r\n(");
	if (!strncmp(text, "--", 2) || !strncmp(text, "/*", 2))
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		len = strlen(words[i]);
		if (!strncasecmp(text, words[i], len) && strchr(" \t\r\n(*'\"", text[len]))
			return true;
	}
	return false;
}

const char *query_check(const struct query *q)
{
	struct network net;

	if (q->question->argument == QUERY_NO_ARGUMENT)
		return q->argument ? "takes no argument" : NULL;
	if (!q->argument || !*q->argument)
		return "wants an argument";
	if (q->question->argument == QUERY_ADDRESS && network_parse(q->argument, &net))
		return "wants an address such as 192.0.2.1, or a network such as 2001:db8::/32";
	return NULL;
}

const char *query_last_match(const struct question *question)
{
	switch (question->argument) {
	case QUERY_PROGRAM:
		return last_of_program;
	case QUERY_ADDRESS:
		return last_of_address;
	case QUERY_DOMAIN:
		return last_of_domain;
	default:
		return NULL;
	}
}

const char *query_known(const struct question *question)
{
	return question->argument == QUERY_PROGRAM ? known_program : NULL;
}

const char *query_near(const struct question *question)
{
	switch (question->argument) {
	case QUERY_PROGRAM:
		return near_program;
	case QUERY_ADDRESS:
		return near_address;
	case QUERY_DOMAIN:
		return near_domain;
	default:
		return NULL;
	}
}

static int bind_integer(sqlite3_stmt *stmt, const char *name, int64_t value)
{
	int i = sqlite3_bind_parameter_index(stmt, name);

	return !i || sqlite3_bind_int64(stmt, i, value) == SQLITE_OK ? 0 : -ENOMEM;
}

static int bind_text(sqlite3_stmt *stmt, const char *name, const char *text, size_t len)
{
	int i = sqlite3_bind_parameter_index(stmt, name);

	return !i || sqlite3_bind_text(stmt, i, text, (int)len, SQLITE_TRANSIENT) == SQLITE_OK ? 0 : -ENOMEM;
}

static int64_t lower_step(int64_t t, int64_t step)
{
	return t / step * step;
}

static int64_t upper_step(int64_t t, int64_t step)
{
	return t > QUERY_FOREVER - step ? t : lower_step(t + step - 1, step);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Five minutes up to the first whole hour, hours up to the first whole day, days, hours, five minutes. */
static int bind_times(const struct query *q, sqlite3_stmt *stmt)
{
	int64_t from = lower_step(q->from, 300), to = larger(upper_step(q->to, 300), from);
	int64_t hour_from = smaller(upper_step(from, 3600), to),
		hour_to = larger(lower_step(to, 3600), hour_from);
	int64_t day_from = smaller(upper_step(hour_from, DAY), hour_to);
	int64_t day_to = larger(lower_step(hour_to, DAY), day_from);
	int rc = 0;

	rc |= bind_integer(stmt, ":from", from);
	rc |= bind_integer(stmt, ":hour_from", hour_from);
	rc |= bind_integer(stmt, ":day_from", day_from);
	rc |= bind_integer(stmt, ":day_to", day_to);
	rc |= bind_integer(stmt, ":hour_to", hour_to);
	rc |= bind_integer(stmt, ":to", to);
	rc |= bind_integer(stmt, ":since", q->from);
	rc |= bind_integer(stmt, ":until", q->to);
	return rc ? -ENOMEM : 0;
}

/* "/NAME": how the path of a program's file may end. */
static int bind_suffix(const struct query *q, sqlite3_stmt *stmt)
{
	struct buffer b = {0};
	int rc;

	buffer_text(&b, "/");
	buffer_text(&b, q->argument);
	rc = b.failed ? -ENOMEM : bind_text(stmt, ":suffix", b.data, b.len);
	buffer_free(&b);
	return rc;
}

/* "WWW.example.com" and ".www.example.com." as "com.example.www.", and the same with the byte behind the dot.
 */
static int bind_domain(const struct query *q, sqlite3_stmt *stmt)
{
	const char *text = q->argument + strspn(q->argument, "."), *end = text + strlen(text), *at;
	struct buffer b = {0};
	size_t i;
	int rc;

	while (end > text && end[-1] == '.')
		end--;
	for (; end >= text; end = at - 1) {
		for (at = end; at > text && at[-1] != '.'; at--)
			;
		buffer_add(&b, at, (size_t)(end - at));
		buffer_text(&b, ".");
	}
	for (i = 0; i < b.len && !b.failed; i++)
		b.data[i] = (char)tolower((unsigned char)b.data[i]);
	rc = b.failed ? -ENOMEM : bind_text(stmt, ":below", b.data, b.len);
	if (!rc) {
		b.data[b.len - 1]++;
		rc = bind_text(stmt, ":behind", b.data, b.len);
	}
	buffer_free(&b);
	return rc;
}

static int bind_address(const struct query *q, sqlite3_stmt *stmt)
{
	char text[NETWORK_TEXT_SIZE + 4];
	struct network net;
	int rc = 0;

	if (network_parse(q->argument, &net))
		return -EINVAL;
	network_text(&net, text);
	if (net.is_host) /* else :host stays NULL, and every address is compared */
		rc = bind_text(stmt, ":host", text, strlen(text));
	strcat(text, net.family == AF_INET ? "/24" : "/64");
	return rc ? rc : bind_text(stmt, ":wider", text, strlen(text));
}

int query_bind(const struct query *q, sqlite3_stmt *stmt)
{
	const char *base = q->argument ? strrchr(q->argument, '/') : NULL;
	int rc = bind_times(q, stmt);

	rc = rc ? rc : bind_integer(stmt, ":limit", q->limit ? q->limit : -1);
	if (rc || !q->argument || q->question->argument == QUERY_SQL)
		return rc;
	base = base && base[1] ? base + 1 : q->argument;
	rc = bind_text(stmt, ":argument", q->argument, strlen(q->argument));
	rc = rc ? rc : bind_text(stmt, ":base", base, strlen(base));
	if (!rc && q->question->argument == QUERY_ADDRESS)
		return bind_address(q, stmt);
	if (!rc && q->question->argument == QUERY_DOMAIN)
		return bind_domain(q, stmt);
	return rc ? rc : bind_suffix(q, stmt);
}
