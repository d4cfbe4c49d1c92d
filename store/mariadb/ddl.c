// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ddl.c - see ddl.h. The text may be run again: it makes what is missing; columns of a newer version where
 * the server can (MariaDB: other servers pass over what stands between M! and the end of a comment).
 */
#include "store/mariadb/ddl.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/log.h"
#include "store/layout.h"
#include "store/mariadb/insert.h"
#include "store/mariadb/link.h"
#include "store/mariadb/target.h"

#define WRITER "femtosnitch_writer"
#define READER "femtosnitch_reader"
#define FROM_UNIX "TIMESTAMPADD(SECOND, "
#define TO_ISO ", '1970-01-01'), '%Y-%m-%dT%H:%i:%sZ')"

static const char usage[] =
	"usage: femtosnitch mysql-schema [--table NAME]\n\n"
	"Prints the SQL that makes the tables of the copy in MariaDB or MySQL (\"DB sql server\" with "
	"\"client\":\n"
	"\"mariadb\"), its view connections and the roles " WRITER " (may only insert) and\n" READER ". "
	"Run it as an administrator, again after an update:\n\n"
	"  femtosnitch mysql-schema | mariadb DATABASE\n\n"
	"--table NAME   instead of " TARGET_TABLE "; the view is NAME_connections then\n";

static const char *type_of(const struct layout_column *c)
{
	static const char *const names[] = {
		[LAYOUT_UUID] = "BINARY(16)", [LAYOUT_BYTES] = "BINARY(32)",
		[LAYOUT_TEXT] = "MEDIUMTEXT", [LAYOUT_INT] = "INT",
		[LAYOUT_BIGINT] = "BIGINT",   [LAYOUT_TIME] = "BIGINT", /* unix seconds */
	};

	return names[c->type];
}

/* What is looked for beside the key: a window's flows by `verify --remote`, late hashes by the view. NULL:
 * nothing. */
static const char *index_of(enum layout_name name)
{
	return name == LAYOUT_FLOW ? "host_id, log_id, seq" : name == LAYOUT_LATE ? "host_id, was" : NULL;
}

static void print_table(const char *name, enum layout_name which)
{
	const struct layout *l = layout(which);
	const char *index = index_of(which);
	char table[INSERT_TABLE_SIZE];
	size_t i;

	insert_table(table, name, l->suffix);
	printf("CREATE TABLE IF NOT EXISTS %s (\n", table);
	for (i = 0; i < l->n; i++)
		printf("  `%s` %s%s,\n", l->columns[i].name, type_of(&l->columns[i]),
		       l->columns[i].needed ? " NOT NULL" : "");
	if (index)
		printf("  KEY looked_for (%s),\n", index);
	printf("  received DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),\n  %s (%s)\n"
	       ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='" LINK_COMMENT "%d';\n",
	       l->key ? "PRIMARY KEY" : "KEY", l->key ? l->key : "ts", LAYOUT_VERSION);
	for (i = 0; i < l->n; i++)
		if (!l->columns[i].needed)
			printf("/*M! ALTER TABLE %s ADD COLUMN IF NOT EXISTS `%s` %s */;\n", table,
			       l->columns[i].name, type_of(&l->columns[i]));
	if (index)
		printf("/*M! CREATE INDEX IF NOT EXISTS looked_for ON %s (%s) */;\n", table, index);
	printf("GRANT INSERT ON %s TO " WRITER ";\nGRANT SELECT ON %s TO " READER ";\n", table, table);
}

static void print_column(const char *name, enum layout_name table)
{
	fputs("  ", stdout);
	if (strcmp(name, "contime") == 0)
		fputs("f.ts", stdout);
	else if (strcmp(name, "time") == 0)
		fputs("DATE_FORMAT(" FROM_UNIX "f.ts" TO_ISO, stdout);
	else if (strcmp(name, "protocol_name") == 0)
		fputs(SCHEMA_PROTOCOL_NAME("f.family", "f.protocol"), stdout);
	else if (table != LAYOUT__MAX)
		printf("%c.`%s`", table == LAYOUT_IMAGE ? 'i' : 'f', name);
	else
		fputs("NULL", stdout);
	printf(" AS `%s`,\n", name);
}

static void print_from(const char *name)
{
	char flow[INSERT_TABLE_SIZE], image[INSERT_TABLE_SIZE], late[INSERT_TABLE_SIZE];

	insert_table(flow, name, "");
	insert_table(image, name, "_image");
	insert_table(late, name, "_late");
	printf("  f.host AS host, LOWER(HEX(f.host_id)) AS host_id, LOWER(HEX(f.log_id)) AS log_id, f.seq AS "
	       "seq,"
	       " f.received AS received\n"
	       "FROM %s f LEFT JOIN %s p ON p.host_id = f.host_id AND p.image = f.image\n"
	       "LEFT JOIN %s i ON i.host_id = f.host_id AND i.image = CASE WHEN p.pending IS NULL THEN "
	       "f.image\n"
	       "  ELSE coalesce((SELECT l.now FROM %s l WHERE l.host_id = f.host_id AND l.was = f.image\n"
	       "    ORDER BY l.received, l.seq LIMIT 1), f.image) END;\n",
	       flow, image, image, late);
}

static int print_view(const char *name)
{
	char view[INSERT_TABLE_SIZE];
	int rc;

	if (strcmp(name, TARGET_TABLE) == 0)
		insert_table(view, "connections", "");
	else
		insert_table(view, name, "_connections");
	printf("CREATE OR REPLACE VIEW %s AS SELECT\n", view);
	rc = layout_connections(print_column);
	print_from(name);
	printf("GRANT SELECT ON %s TO " READER ";\n", view);
	return rc;
}

static int print_all(const char *name)
{
	int i;

	puts("-- femtosnitch: the copy of the log. Give your users these roles, as default roles:\n"
	     "--   GRANT " WRITER " TO user; SET DEFAULT ROLE " WRITER " FOR user; (MySQL: TO user)\n"
	     "CREATE ROLE IF NOT EXISTS " WRITER ";\nCREATE ROLE IF NOT EXISTS " READER ";");
	for (i = 0; i < LAYOUT__MAX; i++)
		print_table(name, (enum layout_name)i);
	return print_view(name);
}

int ddl_command(int argc, char **argv)
{
	static const struct option options[] = {
		{"table", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"state-dir", required_argument, NULL, 's'}, /* every command is told; of no meaning here */
		{NULL, 0, NULL, 0},
	};
	struct target target = {.table = TARGET_TABLE};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (c == 't' && !target_set_table(&target, optarg)) {
			log_warnx("--table %s: not a name, or too long", optarg);
			return 2;
		} else if (c == '?')
			return 2;
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	return print_all(target.table) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
