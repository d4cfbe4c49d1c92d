// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-import: what picosnitch knew comes into snitch.db, or its settings are translated.
 * Files are opened and the lock is taken with the rights of whoever asks; before the first byte is looked at,
 * there are none left but to write where the store writes. Exit: 0 all was done, 1 not all, 2 wrong usage.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/instance.h"
#include "config/log.h"
#include "config/sandbox.h"
#include "store/import/record.h"
#include "store/import/translate.h"

#define FILES_MAX 16
#define NOBODY 65534

static const char usage[] =
	"usage: femtosnitch import [--timezone ZONE] FILE|DIR...\n\n"
	"Takes over what picosnitch knew. Of a directory, those of these files that are there:\n\n"
	"  snitch.db, picosnitch.db  connections, of version 1 and 2, as rows of snitch.db\n"
	"  record.json, state.json   programs that are known: nobody is told of them again\n"
	"  config.toml               settings of version 2, printed as a config.json for here\n\n"
	"A config.json of version 1 is good here as it is. femtosnitch must not run meanwhile (femtosnitch "
	"stop);\n"
	"each row is taken once, however often you import. The files are only read.\n\n"
	"  --timezone ZONE  where version 1 ran: it kept local time; default: the one of this machine\n\n"
	"  femtosnitch import /home/me/.config/picosnitch\n"
	"  femtosnitch import /etc/picosnitch/config.toml > config.json\n\n"
	"Exit codes: 0 all was done, 1 not all, 2 wrong usage.\n";

struct files {
	struct foreign file[FILES_MAX];
	size_t count;
	bool failed, writes;
};

/* ---- which files */

static void add_file(struct files *f, const char *path)
{
	struct foreign *file = &f->file[f->count];

	if (f->count == FILES_MAX)
		fatalx("more than %d files: import them one after the other", FILES_MAX);
	if (foreign_open(file, path) != 0) {
		f->failed = true;
		return;
	}
	f->writes |= file->kind != FOREIGN_TOML;
	f->count++;
}

static void add_directory(struct files *f, const char *dir)
{
	static const char *const names[] = {"snitch.db", "picosnitch.db", "record.json", "state.json",
					    "config.toml"};
	char path[PATH_MAX];
	size_t i, found = 0;
	struct stat st;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", dir, names[i]) < (int)sizeof(path) &&
		    lstat(path, &st) == 0) {
			add_file(f, path);
			found++;
		}
	if (found == 0) {
		log_warnx("%s: no file of picosnitch is there", dir);
		f->failed = true;
	}
}

static void add(struct files *f, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		add_directory(f, path);
	else
		add_file(f, path);
}

/* ---- what is in them */

static void say_rows(const char *path, int version, const struct take_counts *c)
{
	log_info("%s (picosnitch %d): %llu rows: %llu imported, %llu were here already", path, version,
		 (unsigned long long)c->rows, (unsigned long long)c->imported,
		 (unsigned long long)c->already);
	if (c->old)
		log_info("  %llu are older than \"DB retention (days)\": not imported",
			 (unsigned long long)c->old);
	if (c->future)
		log_info("  %llu are of the future: not imported", (unsigned long long)c->future);
	if (c->ignored)
		log_info("  %llu are left out by \"Log ignore\"", (unsigned long long)c->ignored);
	if (c->bad)
		log_info("  %llu cannot be understood (%s): not imported", (unsigned long long)c->bad,
			 c->why_bad);
	if (c->no_domain)
		log_info("  %llu domains are none: left out", (unsigned long long)c->no_domain);
	if (c->cut)
		log_info("  %llu texts were cut to %d bytes", (unsigned long long)c->cut, ROWS_TEXT_MAX);
}

static int import_rows(struct take *t, struct foreign *file)
{
	struct rows *rows = rows_open(file);
	struct take_counts counts;
	struct rows_row row;
	int rc = 0, more;

	if (!rows)
		return -EINVAL;
	while ((more = rows_next(rows, &row)) == 1 && (rc = take_row(t, &row)) == 0)
		;
	if (rc == 0)
		rc = take_flush(t);
	counts = take_count(t);
	say_rows(file->path, rows_version(rows), &counts);
	rows_say_rest(rows);
	rows_close(rows);
	return rc != 0 ? rc : more;
}

static void say_line(void *arg, const char *line)
{
	(void)arg;
	log_info("%s", line);
}

static int print_settings(const struct foreign *file)
{
	char *json = translate(file->path, file->bytes, file->size, say_line, NULL);

	if (!json)
		return -EINVAL;
	printf("%s\n", json);
	free(json);
	return fflush(stdout) == 0 ? 0 : -EIO;
}

static bool is_kept(const struct settings *settings)
{
	if (settings->sql_log || settings_copied(settings))
		return true;
	log_warnx("\"DB sql log\" is false and there is no \"DB sql server\": rows would go nowhere");
	return false;
}

static int import_file(struct take *t, struct foreign *file, const struct settings *settings)
{
	switch (file->kind) {
	case FOREIGN_DATABASE:
		return is_kept(settings) ? import_rows(t, file) : -EINVAL;
	case FOREIGN_JSON:
		return record_take(t, file);
	default:
		return print_settings(file);
	}
}

static void import_all(struct files *f, const char *state_dir, const struct settings *settings)
{
	struct take *t = NULL;
	size_t i;

	if (f->writes && !(t = take_open(state_dir, settings))) {
		f->failed = true;
		return;
	}
	for (i = 0; i < f->count; i++)
		f->failed |= import_file(t, &f->file[i], settings) != 0;
	take_close(t);
}

/* ---- the start */

static void load_settings(struct settings *settings, const struct options *o)
{
	int rc;

	if (access(o->config, F_OK) < 0 && errno == ENOENT) /* a first run makes it, with the defaults */
		rc = settings_parse(settings, "defaults", "{}", 2, say_line, NULL, NULL);
	else
		rc = settings_load(settings, o->config, NULL, NULL, say_line, NULL, NULL);
	if (rc != 0) {
		log_warnx("%s: refused", o->config);
		exit(2);
	}
}

static void become_nobody_else(const struct files *f, const struct options *o)
{
	struct instance in;

	umask(027);
	if (f->writes) {
		if (instance_open(&in, o) != 0) {
			log_warnx(
				"nothing was imported; if femtosnitch runs, stop it first: femtosnitch stop");
			exit(1);
		}
		sandbox_drop(in.uid, in.gid, 0);
	} else if (geteuid() == 0) {
		sandbox_drop(NOBODY, NOBODY, 0);
	}
}

static void file_became_shorter(int sig)
{
	static const char text[] = "femtosnitch: a file became shorter while it was read: import it again\n";

	(void)sig;
	(void)!write(2, text, sizeof(text) - 1);
	_exit(1);
}

/* One that the C library does not know would silently be UTC. */
static void set_zone(const char *zone)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	if (zone[0] == '/' || strstr(zone, "..") || (strcmp(zone, "UTC") != 0 && access(path, R_OK) != 0)) {
		log_warnx("--timezone: found %s, allowed: a name of /usr/share/zoneinfo, as Europe/Vienna",
			  zone);
		exit(2);
	}
	setenv("TZ", zone, 1);
	tzset();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"timezone", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static struct files files;
	struct settings settings;
	struct options o;
	int c;

	log_open("femtosnitch", 0);
	if (options_parse(&o, &argc, argv) < 0)
		return 2;
	if (argc > 1 && strcmp(argv[1], "import") == 0) /* as `femtosnitch` calls us */
		argc--, argv++;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 't')
			set_zone(optarg);
		else if (c == 'h')
			return fputs(usage, stdout) < 0;
		else
			return 2;
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGBUS, file_became_shorter);
	for (; optind < argc; optind++)
		add(&files, argv[optind]);
	load_settings(&settings, &o);
	become_nobody_else(&files, &o);
	import_all(&files, o.state_dir, &settings);
	settings_free(&settings);
	return files.failed;
}
