// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ddl.c - see ddl.h. The text may be run again: it makes what is missing, also columns of a newer version.
 */
#include "store/postgres/ddl.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "store/layout.h"
#include "store/postgres/sql.h"
#include "store/postgres/target.h"

#define OWNER "femtosnitch_owner"
#define WRITER "femtosnitch_writer"
#define READER "femtosnitch_reader"

/* A time as the local views show it */
#define ISO_BEGIN "to_char("
#define ISO_END " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

enum engine {
	PLAIN,
	TIMESCALE,
	CITUS
};

static const char usage[] =
	"usage: femtosnitch pg-schema [--table NAME] [--timescale | --citus]\n\n"
	"Prints the SQL that makes the tables of the copy in PostgreSQL (\"DB sql server\"), its view "
	"connections\n"
	"and the roles " OWNER ", " WRITER " (may only insert) and " READER ". Run it as a\n"
	"superuser, again after an update:\n\n"
	"  femtosnitch pg-schema | psql -v ON_ERROR_STOP=1 DATABASE\n\n"
	"--table NAME   instead of " TARGET_TABLE " (or SCHEMA.NAME); the view is NAME_connections then\n"
	"--timescale    hypertables instead of monthly partitions\n"
	"--citus        tables distributed by host\n";

static void print_roles(void)
{
	static const char *const roles[] = {OWNER, WRITER, READER};
	size_t i;

	puts("DO $$ BEGIN");
	for (i = 0; i < 3; i++)
		printf("  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s') THEN\n"
		       "    CREATE ROLE %s NOLOGIN;\n  END IF;\n",
		       roles[i], roles[i]);
	puts("END $$;");
}

static void print_table(const struct target *t, const struct layout *l, enum engine engine)
{
	char table[SQL_TABLE_SIZE];
	size_t i;

	sql_table(table, t->schema, t->table, l->suffix);
	printf("CREATE TABLE IF NOT EXISTS %s (\n", table);
	for (i = 0; i < l->n; i++)
		printf("  \"%s\" %s%s,\n", l->columns[i].name, sql_type(l->columns[i].type),
		       l->columns[i].needed ? " NOT NULL" : "");
	fputs("  received timestamptz NOT NULL DEFAULT now()", stdout);
	if (l->key)
		printf(",\n  PRIMARY KEY (%s)", l->key);
	printf("\n)%s;\n", l->partitioned && engine != TIMESCALE ? " PARTITION BY RANGE (ts)" : "");
	for (i = 0; i < l->n; i++)
		if (!l->columns[i].needed)
			printf("ALTER TABLE %s ADD COLUMN IF NOT EXISTS \"%s\" %s;\n", table,
			       l->columns[i].name, sql_type(l->columns[i].type));
	printf("ALTER TABLE %s OWNER TO " OWNER ";\n"
	       "REVOKE ALL ON %s FROM PUBLIC;\n"
	       "GRANT INSERT ON %s TO " WRITER ";\n"
	       "GRANT SELECT ON %s TO " READER ";\n",
	       table, table, table, table);
	if (engine == TIMESCALE && l->partitioned)
		printf("SELECT create_hypertable('%s', 'ts', chunk_time_interval => INTERVAL '1 month',"
		       " if_not_exists => TRUE);\n",
		       table);
	if (engine == CITUS)
		printf("SELECT create_distributed_table('%s', 'host_id');\n", table);
}

/* Layout 1 had a key on flows, and could leave flows of a window that was not there yet: they are sent again.
 */
static void print_upgrade(const char *flow, const char *window)
{
	printf("DO $$ DECLARE key text; BEGIN\n"
	       "  SELECT conname INTO key FROM pg_constraint WHERE conrelid = '%s'::regclass AND contype = "
	       "'p';\n"
	       "  IF key IS NOT NULL THEN\n"
	       "    EXECUTE format('ALTER TABLE %%s DROP CONSTRAINT %%I', '%s'::regclass, key);\n"
	       "    DELETE FROM %s f WHERE NOT EXISTS (SELECT FROM %s w WHERE w.host_id = f.host_id\n"
	       "      AND w.log_id = f.log_id AND f.seq BETWEEN w.first AND w.first + w.flows - 1);\n"
	       "  END IF;\nEND $$;\n",
	       flow, flow, flow, window);
}

static void print_indexes(const struct target *t)
{
	char flow[SQL_TABLE_SIZE], window[SQL_TABLE_SIZE], late[SQL_TABLE_SIZE];

	sql_table(flow, t->schema, t->table, "");
	sql_table(window, t->schema, t->table, "_window");
	sql_table(late, t->schema, t->table, "_late");
	print_upgrade(flow, window);
	/* for `verify --remote`; it is what a row costs most */
	printf("CREATE INDEX IF NOT EXISTS \"%s_seq\" ON %s (host_id, log_id, seq);\n", t->table, flow);
	printf("CREATE INDEX IF NOT EXISTS \"%s_late_was\" ON %s (host_id, was);\n", t->table, late);
	printf("COMMENT ON TABLE %s IS '" SQL_COMMENT "%d';\n", flow, LAYOUT_VERSION);
}

/* Months from this one on; what is outside goes to the default partition, so that no row is ever refused. */
static void print_partitions(const struct target *t)
{
	char function[SQL_TABLE_SIZE], flow[SQL_TABLE_SIZE], window[SQL_TABLE_SIZE];
	const char *schema = t->schema;

	sql_table(function, schema, t->table, "_partitions");
	sql_table(flow, schema, t->table, "");
	sql_table(window, schema, t->table, "_window");
	printf("CREATE OR REPLACE FUNCTION %s(months int) RETURNS void LANGUAGE plpgsql AS $$\n"
	       "DECLARE\n"
	       "  parent regclass;\n"
	       "  month timestamptz;\n"
	       "  name text;\n"
	       "BEGIN\n"
	       "  FOREACH parent IN ARRAY ARRAY['%s'::regclass, '%s'::regclass] LOOP\n"
	       "    SELECT relname INTO name FROM pg_class WHERE oid = parent;\n"
	       "    EXECUTE format('CREATE TABLE IF NOT EXISTS %%s PARTITION OF %%s DEFAULT',\n"
	       "      (SELECT format('%%I.%%I', nspname, name || '_rest') FROM pg_class c\n"
	       "       JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = parent), parent);\n"
	       "    FOR i IN 0 .. months LOOP\n"
	       "      month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'\n"
	       "        + make_interval(months => i);\n"
	       "      EXECUTE format('CREATE TABLE IF NOT EXISTS %%s PARTITION OF %%s FOR VALUES FROM (%%L) "
	       "TO (%%L)',\n"
	       "        (SELECT format('%%I.%%I', nspname, name || to_char(month AT TIME ZONE 'UTC', "
	       "'_YYYYMM'))\n"
	       "         FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = parent),\n"
	       "        parent, month, month + INTERVAL '1 month');\n"
	       "    END LOOP;\n"
	       "  END LOOP;\n"
	       "END $$;\n"
	       "SET timezone = 'UTC';\n"
	       "ALTER FUNCTION %s(int) OWNER TO " OWNER ";\n"
	       "REVOKE ALL ON FUNCTION %s(int) FROM PUBLIC;\n"
	       "-- call it once a year (cron, pg_cron), or leave that to pg_partman; DROP TABLE of a month "
	       "is retention\n"
	       "SELECT %s(12);\n",
	       function, flow, window, function, function, function);
}

static void print_column(const char *name, enum layout_name table)
{
	fputs("  ", stdout);
	if (strcmp(name, "contime") == 0)
		fputs("extract(epoch FROM f.ts)::bigint", stdout);
	else if (strcmp(name, "time") == 0)
		fputs(ISO_BEGIN "f.ts" ISO_END, stdout);
	else if (strcmp(name, "protocol_name") == 0)
		fputs(SCHEMA_PROTOCOL_NAME("f.family", "f.protocol"), stdout);
	else if (table != LAYOUT__MAX)
		printf("%c.\"%s\"", table == LAYOUT_IMAGE ? 'i' : 'f', name);
	else
		fputs("NULL", stdout);
	printf(" AS \"%s\",\n", name);
}

static int print_view(const struct target *t)
{
	bool usual = strcmp(t->table, TARGET_TABLE) == 0;
	char view[SQL_TABLE_SIZE], flow[SQL_TABLE_SIZE], image[SQL_TABLE_SIZE], late[SQL_TABLE_SIZE];
	int rc;

	sql_table(view, t->schema, usual ? "" : t->table, usual ? "connections" : "_connections");
	sql_table(flow, t->schema, t->table, "");
	sql_table(image, t->schema, t->table, "_image");
	sql_table(late, t->schema, t->table, "_late");
	printf("DROP VIEW IF EXISTS %s;\nCREATE VIEW %s AS SELECT\n", view, view);
	rc = layout_connections(print_column);
	printf("  f.host AS host, f.host_id AS host_id, f.log_id AS log_id, f.seq AS seq, f.received AS "
	       "received\n"
	       "FROM %s f LEFT JOIN %s p ON p.host_id = f.host_id AND p.image = f.image\n"
	       "LEFT JOIN %s i ON i.host_id = f.host_id AND i.image = CASE WHEN p.pending IS NULL THEN "
	       "f.image\n"
	       "  ELSE coalesce((SELECT l.now FROM %s l WHERE l.host_id = f.host_id AND l.was = f.image\n"
	       "    ORDER BY l.received, l.seq LIMIT 1), f.image) END;\n"
	       "ALTER VIEW %s OWNER TO " OWNER ";\nGRANT SELECT ON %s TO " READER ";\n",
	       flow, image, image, late, view, view);
	return rc;
}

/* Losses of all hosts; local rows of one grow, here each window has what it added. */
static void print_losses(const struct target *t)
{
	bool usual = strcmp(t->table, TARGET_TABLE) == 0;
	char view[SQL_TABLE_SIZE], loss[SQL_TABLE_SIZE];
	size_t i;

	sql_table(view, t->schema, usual ? "" : t->table, usual ? "losses" : "_losses");
	sql_table(loss, t->schema, t->table, "_loss");
	printf("DROP VIEW IF EXISTS %s;\nCREATE VIEW %s AS SELECT", view, view);
	for (i = 0; i < COLUMNS_N_LOSS; i++) {
		const char *name = columns_loss[i].name;

		if (strncmp(name, "time_", 5) == 0)
			printf(" " ISO_BEGIN "to_timestamp(%s)" ISO_END " AS %s,", name, name);
		else
			printf(" %s,", name);
	}
	printf(" host, host_id, log_id, seq, received FROM %s;\n"
	       "ALTER VIEW %s OWNER TO " OWNER ";\nGRANT SELECT ON %s TO " READER ";\n",
	       loss, view, view);
}

static int print_all(const struct target *t, enum engine engine)
{
	int i, rc;

	puts("-- femtosnitch: the copy of the log. Give your login roles these roles:\n"
	     "--   GRANT " WRITER " TO the_role_in_config_json; GRANT " READER " TO an_auditor;\n"
	     "SET client_min_messages = warning;\nBEGIN;");
	print_roles();
	for (i = 0; i < LAYOUT__MAX; i++)
		print_table(t, layout((enum layout_name)i), engine);
	print_indexes(t);
	if (engine != TIMESCALE)
		print_partitions(t);
	rc = print_view(t);
	print_losses(t);
	puts("COMMIT;");
	return rc;
}

int ddl_command(int argc, char **argv)
{
	static const struct option options[] = {
		{"table", required_argument, NULL, 't'},
		{"timescale", no_argument, NULL, 'T'},
		{"citus", no_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},
		{"state-dir", required_argument, NULL, 's'}, /* every command is told; of no meaning here */
		{NULL, 0, NULL, 0},
	};
	struct target target = {.table = TARGET_TABLE};
	enum engine engine = PLAIN;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (c == 'T' || c == 'C')
			engine = c == 'T' ? TIMESCALE : CITUS;
		else if (c == 't' && !target_set_table(&target, optarg)) {
			log_warnx("--table %s: not a name, or too long", optarg);
			return 2;
		} else if (c == '?')
			return 2;
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	return print_all(&target, engine) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
