// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-geoip, which `femtosnitch geoip update` becomes: fetches the databases of countries
 * and networks, and puts each in place when it is whole and what it should be. Before it speaks to anybody it
 * is the user whose directory it writes to, without privileges. The store notices by itself.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <maxminddb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "config/sandbox.h"
#include "store/geoip/fetch.h"

#define URL_MAX 2048

#define ATTRIBUTION "IP Geolocation by DB-IP, https://db-ip.com, licensed under CC BY 4.0\n"

static const char usage[] = "usage: femtosnitch geoip update [--url URL]\n\n"
			    "Fetches the free databases DB-IP Lite (country and network of an address) into "
			    "the state directory, where\n"
			    "femtosnitch finds them. URL: in place of \"GeoIP URL\" of config.json; "
			    "{database} in it becomes country, then\n"
			    "asn, and {month} the year and month, such as 2026-11.\n\n" ATTRIBUTION;

static const struct database {
	const char *name;
	const char *types[2]; /* a part of the type that the file says it is */
} databases[] = {
	{"country", {"Country", "City"}},
	{"asn", {"ASN", "ISP"}},
};

struct found {
	char month[16]; /* "2026-11" */
	bool dbip;	/* whose licence wants to be named */
};

/* Is the file one of these? */
static bool check(const char *path, const struct database *d, struct found *found, char *why, size_t size)
{
	MMDB_s mmdb;
	int rc = MMDB_open(path, MMDB_MODE_MMAP, &mmdb);
	time_t made;
	struct tm tm;
	bool good;

	if (rc != MMDB_SUCCESS) {
		snprintf(why, size, "%s", MMDB_strerror(rc));
		return false;
	}
	made = (time_t)mmdb.metadata.build_epoch;
	good = strcasestr(mmdb.metadata.database_type, d->types[0]) ||
	       strcasestr(mmdb.metadata.database_type, d->types[1]);
	if (!good || !gmtime_r(&made, &tm) ||
	    strftime(found->month, sizeof(found->month), "%Y-%m", &tm) == 0) {
		snprintf(why, size, "not a database of this kind: %.100s", mmdb.metadata.database_type);
		good = false;
	}
	found->dbip = strcasestr(mmdb.metadata.database_type, "dbip") != NULL;
	MMDB_close(&mmdb);
	return good;
}

/* The month that ago months lie behind. */
static void month_of(int ago, char month[16])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	tm.tm_mday = 1;
	tm.tm_mon -= ago;
	timegm(&tm); /* puts the month before January right */
	strftime(month, 16, "%Y-%m", &tm);
}

/* False: too long. */
static bool make_url(char url[URL_MAX], const char *from, const char *name, const char *month)
{
	size_t n = 0;

	while (*from && n < URL_MAX - 1) {
		const char *with = strncmp(from, "{database}", 10) == 0 ? name
				   : strncmp(from, "{month}", 7) == 0	? month
									: NULL;

		if (with) {
			n += (size_t)snprintf(url + n, URL_MAX - n, "%s", with);
			from += with == name ? 10 : 7;
		} else {
			url[n++] = *from++;
		}
	}
	if (n >= URL_MAX)
		return false;
	url[n] = '\0';
	return *from == '\0';
}

/* What is behind path is not what it should be: another name for it, which is removed again. */
static enum fetch_result fetch_as(const char *path, const char *url, char *why, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	enum fetch_result rc;

	if (fd < 0) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return FETCH_FAILED;
	}
	rc = fetch_file(url, fd, why, size);
	if (rc == FETCH_DONE && fsync(fd) != 0) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		rc = FETCH_FAILED;
	}
	close(fd);
	return rc;
}

/* At the beginning of a month its database may not be there yet: then that of the month before. */
static int update(const struct database *d, const char *dir, const char *from)
{
	char path[PATH_MAX + 16], fresh[PATH_MAX + 32], url[URL_MAX], month[16], why[PATH_MAX + 128] = "";
	enum fetch_result rc = FETCH_NOT_THERE;
	struct found have = {.month = ""};
	int ago;

	snprintf(path, sizeof(path), "%s/%s.mmdb", dir, d->name);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (access(path, F_OK) == 0)
		(void)check(path, d, &have, why, sizeof(why));
	for (ago = 0; ago < 2 && rc == FETCH_NOT_THERE; ago++) {
		month_of(ago, month);
		if (strcmp(have.month, month) == 0) {
			printf("%s: that of %s is here\n", d->name, month);
			return 0;
		}
		if (!make_url(url, from, d->name, month)) {
			log_warnx("the URL is too long");
			return 1;
		}
		rc = fetch_as(fresh, url, why, sizeof(why));
	}
	if (rc == FETCH_NOT_THERE)
		snprintf(why, sizeof(why), "the server has none (HTTP 404)");
	if (rc == FETCH_DONE && check(fresh, d, &have, why, sizeof(why)) && rename(fresh, path) == 0) {
		printf("%s: that of %s is in place\n%s", d->name, have.month, have.dbip ? ATTRIBUTION : "");
		return 0;
	}
	log_warnx("%s: %s", url, why[0] ? why : strerror(errno));
	unlink(fresh);
	return 1;
}

/* Root becomes the owner of the directory before anything else is done. */
static int become_owner(const char *state_dir)
{
	struct stat st;

	if (stat(state_dir, &st) != 0) {
		log_warn("%s", state_dir);
		return -1;
	}
	if (geteuid() != 0 && geteuid() != st.st_uid) {
		log_warnx("%s is another user's: try sudo femtosnitch geoip update", state_dir);
		return -1;
	}
	umask(0027);
	sandbox_drop(st.st_uid, st.st_gid, 0);
	return 0;
}

/* As config.json takes it for "GeoIP URL". */
static bool is_allowed(const char *url)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	size_t i, len;

	if (strncasecmp(url, "https://", 8) == 0)
		return true;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		len = strlen(hosts[i]);
		if (strncasecmp(url, "http://", 7) == 0 && strncasecmp(url + 7, hosts[i], len) == 0 &&
		    (url[7 + len] == ':' || url[7 + len] == '/'))
			return true;
	}
	log_warnx("%s: a URL that begins with https:// (http:// only to localhost)", url);
	return false;
}

static int update_all(const char *state_dir, const char *url)
{
	char dir[PATH_MAX];
	size_t i;
	int rc = 0;

	snprintf(dir, sizeof(dir), "%s/geoip", state_dir);
	if (!is_allowed(url))
		return 2;
	if (become_owner(state_dir) != 0)
		return 1;
	if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
		log_warn("%s", dir);
		return 1;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		fatalx("libcurl cannot be used");
	for (i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
		rc |= update(&databases[i], dir, url);
	curl_global_cleanup();
	return rc;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state-dir", required_argument, NULL, 's'},
		{"url", required_argument, NULL, 'u'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *state_dir = NULL, *url = NULL;
	int c;

	log_open("femtosnitch", 0);
	if (argc > 1 && strcmp(argv[1], "geoip") == 0) /* as `femtosnitch` calls us */
		argc--, argv++;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		*(c == 's' ? &state_dir : &url) = optarg;
	}
	if (!state_dir || !url || optind + 1 != argc || strcmp(argv[optind], "update") != 0) {
		fputs(usage, stderr);
		return 2;
	}
	return update_all(state_dir, url);
}
