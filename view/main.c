// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-view: questions to snitch.db, for whoever may read it. Needs no privileges, changes
 * nothing. The command line is read here; what is asked stands in query.c. Exit: 0 good (an empty answer
 * too), 1 failed, 2 wrong usage.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "store/schema.h"
#include "view/ask.h"
#include "view/control.h"
#include "view/db.h"
#include "view/empty.h"
#include "view/paths.h"
#include "view/text.h"
#include "view/when.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2
};

struct arguments {
	char state_dir[PATH_MAX];
	char db[PATH_MAX];
	const struct format *format;
	bool bytes;
	bool now;
	bool limit_given;
	bool since_given;
	bool until_given;
	int64_t time; /* at the start */
	struct query query;
	struct buffer words; /* a statement that came in several words */
};

enum option_id {
	OPTION_JSON,
	OPTION_CSV,
	OPTION_BYTES,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_LIMIT,
	OPTION_NOW,
	OPTION_STATE_DIR,
	OPTION_DB,
	OPTION_HELP,
	OPTION__MAX
};

/* The one table of options: parsing and help come from it. */
static const struct {
	const char *name;
	const char *value; /* NULL: takes none */
	const char *help;
} options[OPTION__MAX] = {
	[OPTION_JSON] = {"json", NULL, "one JSON array, an object per line"},
	[OPTION_CSV] = {"csv", NULL, "comma-separated values with a header line"},
	[OPTION_BYTES] = {"bytes", NULL, "bytes to the byte in tables, not 1.23 MB"},
	[OPTION_SINCE] = {"since", "TIME",
			  "from then on: 10m, 3h, 2d, 1w, 2026-11-20, 2026-11-20T18:15 (UTC)"},
	[OPTION_UNTIL] = {"until", "TIME", "up to then"},
	[OPTION_LIMIT] = {"limit", "N", "so many rows, 0 = all (default: 20; new, losses and SQL: all)"},
	[OPTION_NOW] = {"now", NULL, "first have written what the daemon still holds"},
	[OPTION_STATE_DIR] = {"state-dir", "DIR", "the log is DIR/snitch.db (default: " PATHS_STATE_DIR ")"},
	[OPTION_DB] = {"db", "FILE", "the log is FILE"},
	[OPTION_HELP] = {"help", NULL, "this text"},
};

static const char examples[] =
	"  femtosnitch query top\n"
	"  femtosnitch query top --since 24h --limit 5\n"
	"  femtosnitch query new --since 7d\n"
	"  femtosnitch query last --now\n"
	"  femtosnitch query program curl\n"
	"  femtosnitch query --csv program /usr/bin/curl --since 2026-11-01 --until 2026-12-01\n"
	"  femtosnitch query parents curl\n"
	"  femtosnitch query address 192.0.2.1\n"
	"  femtosnitch query --json address 2001:db8::/32 --limit 0\n"
	"  femtosnitch query domain example.com\n"
	"  femtosnitch query losses --since 1w\n"
	"  femtosnitch query coverage\n"
	"  femtosnitch query \"SELECT time, exe, raddr, rport, send, recv FROM connections LIMIT 10\"\n"
	"  femtosnitch query --json \"SELECT exe, result, count(*) FROM connections WHERE send + recv = 0 "
	"GROUP BY 1, 2\"\n"
	"  femtosnitch query \"PRAGMA table_info(connections)\"\n";

static void print_help(FILE *to)
{
	const struct question *q;
	size_t i;
	int used;

	fputs("usage: femtosnitch query [OPTION...] QUESTION [ARGUMENT]\n"
	      "       femtosnitch query [OPTION...] \"SELECT ...\"\n\nQuestions:\n",
	      to);
	for (q = query_questions; q->name; q++) {
		used = fprintf(to, "  %s %s", q->name, q->usage);
		fprintf(to, "%*s%s\n", used < 20 ? 20 - used : 1, "", q->help);
	}
	fputs("\nOptions:\n", to);
	for (i = 0; i < OPTION__MAX; i++) {
		used = fprintf(to, "  --%s%s%s", options[i].name, options[i].value ? " " : "",
			       options[i].value ? options[i].value : "");
		fprintf(to, "%*s%s\n", used < 20 ? 20 - used : 1, "", options[i].help);
	}
	fputs("\nSums of traffic are kept per five minutes: for top, program, address and domain, --since "
	      "and\n"
	      "--until are widened to those.\n"
	      "Views for SELECT: connections, programs, notices, losses, coverage, traffic_5min, "
	      "traffic_hour,\n"
	      "traffic_day, totals_5min, totals_hour, totals_day.\n"
	      "\nExamples:\n",
	      to);
	fputs(examples, to);
}

/* Say what is wrong with the command line; detail may be NULL. Returns -EINVAL. */
static int usage(const char *what, const char *detail)
{
	log_warnx("%s%s%s (femtosnitch query --help)", what, detail ? ": " : "", detail ? detail : "");
	return -EINVAL;
}

static int parse_limit(const char *text, int64_t *limit)
{
	char *end;

	errno = 0;
	*limit = strtoll(text, &end, 10);
	return errno || end == text || *end || *limit < 0 || *text == ' '
		       ? usage("--limit wants a number", text)
		       : 0;
}

static int parse_time(struct arguments *a, const char *name, const char *text, int64_t *seconds)
{
	if (when_parse(text, a->time, seconds) == 0)
		return 0;
	log_warnx("%s: not a time: \"%s\" (%s)", name, text, WHEN_FORMS);
	return -EINVAL;
}

static int copy_path(char *to, const char *text)
{
	return snprintf(to, PATH_MAX, "%s", text) < PATH_MAX ? 0 : usage("path too long", NULL);
}

static int take_option(struct arguments *a, enum option_id id, const char *value)
{
	switch (id) {
	case OPTION_JSON:
	case OPTION_CSV:
		if (a->format != &out_table && a->format != (id == OPTION_JSON ? &out_json : &out_csv))
			return usage("--json and --csv exclude each other", NULL);
		a->format = id == OPTION_JSON ? &out_json : &out_csv;
		return 0;
	case OPTION_BYTES:
		a->bytes = true;
		return 0;
	case OPTION_SINCE:
		a->since_given = true;
		return parse_time(a, "--since", value, &a->query.from);
	case OPTION_UNTIL:
		a->until_given = true;
		return parse_time(a, "--until", value, &a->query.to);
	case OPTION_LIMIT:
		a->limit_given = true;
		return parse_limit(value, &a->query.limit);
	case OPTION_NOW:
		a->now = true;
		return 0;
	case OPTION_STATE_DIR:
		return copy_path(a->state_dir, value);
	case OPTION_DB:
		return copy_path(a->db, value);
	default:
		print_help(stdout);
		exit(fflush(stdout) ? EXIT_FAILED : 0);
	}
}

static int take_options(struct arguments *a, int argc, char **argv)
{
	struct option table[OPTION__MAX + 1] = {0};
	int id, rc;

	for (id = 0; id < OPTION__MAX; id++)
		table[id] =
			(struct option){options[id].name, options[id].value ? required_argument : no_argument,
					NULL, 1000 + id};
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (id == 'h')
			id = 1000 + OPTION_HELP;
		if (id == ':')
			return usage("this option wants a value", argv[optind - 1]);
		if (id < 1000)
			return usage("unknown option", argv[optind - 1]);
		rc = take_option(a, (enum option_id)(id - 1000), optarg);
		if (rc)
			return rc;
	}
	return 0;
}

/* A statement may come in one word or, from a shell that was not quoted at, in several. */
static int join_words(struct arguments *a, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (i)
			buffer_text(&a->words, " ");
		buffer_text(&a->words, argv[i]);
	}
	buffer_add(&a->words, "", 1);
	if (a->words.failed)
		return -ENOMEM;
	a->query.argument = a->words.data;
	return 0;
}

static int take_question(struct arguments *a, int argc, char **argv)
{
	struct query *q = &a->query;

	if (query_is_sql(argv[0])) {
		q->question = query_find("sql");
		return join_words(a, argc, argv);
	}
	q->question = query_find(argv[0]);
	if (!q->question) {
		log_warnx("no such question: %s", argv[0]);
		return usage("questions are top, new, last, program, parents, address, domain, notices, why, "
			     "unacknowledged, muted, losses, coverage and sql",
			     NULL);
	}
	if (q->question->argument == QUERY_SQL && argc > 1)
		return join_words(a, argc - 1, argv + 1);
	if (argc > 2)
		return usage("too many words", argv[2]);
	q->argument = argc > 1 ? argv[1] : NULL;
	return 0;
}

/* What the question does not understand is refused: an option that did nothing would mislead. */
static int check_query(struct arguments *a)
{
	struct query *q = &a->query;
	const char *wrong = query_check(q);

	if (wrong)
		return usage(q->question->name, wrong);
	if (!q->question->times && (a->since_given || a->until_given))
		return usage("--since and --until belong to the named questions; use WHERE contime >= ...",
			     NULL);
	if (q->from >= q->to)
		return usage("--until is not after --since", NULL);
	if (!a->limit_given && q->question->limited)
		q->limit = QUERY_LIMIT;
	if (!a->since_given && q->question->since)
		q->from = (q->to < a->time ? q->to : a->time) - q->question->since;
	if (q->from < 0)
		q->from = 0;
	return 0;
}

/* The database, and the directory whose daemon writes it. */
static int place_files(struct arguments *a)
{
	char dir[PATH_MAX];

	if (!a->db[0]) {
		if (snprintf(a->db, sizeof(a->db), "%s/%s", a->state_dir, SCHEMA_FILE) >= (int)sizeof(a->db))
			return usage("path too long", NULL);
		return 0;
	}
	memcpy(dir, a->db, sizeof(dir));
	return copy_path(a->state_dir, dirname(dir));
}

/* 0: what the log holds is all there is (no daemon, nothing in flight). Else the answer may lack something,
 * and it was said why. */
static int flush_daemon(const struct arguments *a)
{
	char answer[256];
	int rc = control_flush(a->state_dir, CONTROL_FLUSH_TIMEOUT_MS, answer, sizeof(answer));

	switch (rc) {
	case 0:
		return 0;
	case -ENOENT:
	case -ECONNREFUSED:
		log_warnx("--now: the daemon is not running; this is what the log holds");
		return 0;
	case -EACCES:
	case -EPERM:
		log_warnx("--now: you may not ask the daemon; this is what the log holds");
		break;
	case -EREMOTEIO:
		log_warnx("--now: the daemon could not write: %s; this is what the log holds", answer);
		break;
	case -ETIMEDOUT:
		log_warnx("--now: no answer from the daemon in %d seconds; this is what the log holds",
			  CONTROL_FLUSH_TIMEOUT_MS / 1000);
		break;
	case -EPIPE:
		log_warnx("--now: the daemon hung up; this is what the log holds");
		break;
	case -EINTR:
		break;
	default:
		errno = -rc;
		log_warn("--now: %s/control.sock", a->state_dir);
	}
	return rc;
}

/* 0 = not a terminal. */
static size_t terminal_columns(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? (size_t)atoi(columns) : 80;
}

static int answer(struct arguments *a)
{
	struct output out = {.to = stdout, .terminal_columns = terminal_columns(), .exact = a->bytes};
	struct answer got = {0};
	sqlite3 *db = NULL;
	int rc, flushed = 0;

	if (a->now)
		flushed = flush_daemon(a);
	rc = flushed == -EINTR ? flushed : db_open(&db, a->db);
	if (rc)
		return rc;
	ask_interrupted_by_sigint(db);
	rc = ask_rows(db, &a->query, a->format, &out, &got);
	if (!rc && got.rows == 0)
		empty_explain(db, &a->query, a->state_dir, a->time);
	if (!rc && got.more)
		log_warnx("there are more: --limit N shows N rows, --limit 0 all");
	ask_interrupted_by_sigint(NULL);
	sqlite3_close(db);
	return rc ? rc : flushed;
}

static int ask(struct arguments *a, int argc, char **argv)
{
	int rc;

	if (take_options(a, argc, argv) || place_files(a))
		return EXIT_USAGE;
	if (optind == argc) {
		print_help(stdout);
		return fflush(stdout) ? EXIT_FAILED : 0;
	}
	if (take_question(a, argc - optind, argv + optind) || check_query(a))
		return EXIT_USAGE;
	rc = answer(a);
	if (rc == -EINTR)
		raise(SIGINT); /* so that a shell script stops too */
	return rc ? EXIT_FAILED : 0;
}

int main(int argc, char **argv)
{
	struct arguments a = {.state_dir = PATHS_STATE_DIR, .format = &out_table, .time = time(NULL)};
	int status;

	log_open("femtosnitch", 0);
	setlocale(LC_CTYPE, "C.UTF-8"); /* widths; what is no UTF-8 is escaped in any locale */
	signal(SIGPIPE, SIG_DFL);	/* "| head" ends us, whatever our parent ignored */
	a.query.to = QUERY_FOREVER;
	if (argc > 1 && !strcmp(argv[1], "query")) {
		argv[1] = argv[0];
		argc--;
		argv++;
	}
	status = ask(&a, argc, argv);
	buffer_free(&a.words);
	return status;
}
