// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * geoip.c - see geoip.h. A file that somebody cuts while it is mapped makes reading it a SIGBUS: it is
 * caught, and the file left alone until it is another one.
 */
#include "store/geoip.h"

#include <limits.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "config/log.h"

enum kind {
	COUNTRY,
	NETWORK,
	KINDS
};

struct database {
	MMDB_s mmdb;
	bool open;
	char path[PATH_MAX]; /* "" = there is none */
	dev_t dev;	     /* of the file that was opened, or could not be */
	ino_t ino;
	struct timespec mtime;
	off_t size;
};

struct geoip {
	const char *state_dir;
	struct database db[KINDS];
	uint64_t generation;
	int64_t looked_s; /* monotonic; 0 = never */
	bool off;
};

static sigjmp_buf out_of_file;
static volatile sig_atomic_t in_file;

static void cut_short(int sig)
{
	if (in_file)
		siglongjmp(out_of_file, 1);
	signal(sig, SIG_DFL); /* not ours: as if we had never been there */
}

struct geoip *geoip_new(const char *state_dir)
{
	struct sigaction action = {.sa_handler = cut_short, .sa_flags = SA_NODEFER};
	struct geoip *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	sigaction(SIGBUS, &action, NULL);
	g->state_dir = state_dir;
	g->generation = 1;
	return g;
}

static void close_database(struct database *d)
{
	if (d->open)
		MMDB_close(&d->mmdb);
	d->open = false;
}

void geoip_free(struct geoip *g)
{
	size_t i;

	for (i = 0; g && i < KINDS; i++)
		close_database(&g->db[i]);
	free(g);
}

/* ---- which files */

static bool is_there(char *path, struct stat *st)
{
	return stat(path, st) == 0 && S_ISREG(st->st_mode);
}

/* What `femtosnitch geoip update` fetched, then where packages and MaxMind's own program put theirs. False:
 * none; then path is "". */
static bool search(const struct geoip *g, enum kind kind, char path[PATH_MAX], struct stat *st)
{
	static const char *const dirs[] = {"/var/lib/GeoIP", "/usr/share/GeoIP", "/usr/local/share/GeoIP"};
	static const char *const names[KINDS][8] = {
		[COUNTRY] = {"GeoLite2-Country", "GeoIP2-Country", "dbip-country-lite", "ipinfo_lite",
			     "country_asn", "country", "GeoLite2-City"},
		[NETWORK] = {"GeoLite2-ASN", "GeoIP2-ISP", "dbip-asn-lite", "ipinfo_lite", "country_asn",
			     "asn"},
	};
	size_t i, j;

	snprintf(path, PATH_MAX, "%s/geoip/%s.mmdb", g->state_dir, kind == COUNTRY ? "country" : "asn");
	if (is_there(path, st))
		return true;
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		for (j = 0; names[kind][j]; j++) {
			snprintf(path, PATH_MAX, "%s/%s.mmdb", dirs[i], names[kind][j]);
			if (is_there(path, st))
				return true;
		}
	path[0] = '\0';
	return false;
}

static bool is_same(const struct database *d, const char *path, const struct stat *st)
{
	return strcmp(d->path, path) == 0 && d->dev == st->st_dev && d->ino == st->st_ino &&
	       d->size == st->st_size && d->mtime.tv_sec == st->st_mtim.tv_sec &&
	       d->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static void open_database(struct database *d, const char *path, const struct stat *st)
{
	int rc;

	close_database(d);
	snprintf(d->path, sizeof(d->path), "%s", path);
	d->dev = st->st_dev;
	d->ino = st->st_ino;
	d->size = st->st_size;
	d->mtime = st->st_mtim;
	if (sigsetjmp(out_of_file, 1) != 0) {
		in_file = 0; /* what it had mapped by then is lost: a page table, until we end */
		log_warnx("%s: cut while it was opened", path);
		return;
	}
	in_file = 1;
	rc = MMDB_open(path, MMDB_MODE_MMAP, &d->mmdb);
	in_file = 0;
	d->open = rc == MMDB_SUCCESS;
	if (!d->open)
		log_warnx("%s: not used: %s", path, MMDB_strerror(rc));
}

/* True: it is another one now. */
static bool refresh(struct geoip *g, enum kind kind, const char *wanted)
{
	struct database *d = &g->db[kind];
	struct stat st = {0};
	char path[PATH_MAX];
	bool found;

	if (wanted[0]) {
		snprintf(path, sizeof(path), "%s", wanted);
		found = is_there(path, &st);
	} else {
		found = search(g, kind, path, &st);
	}
	if (found && is_same(d, path, &st))
		return false;
	if (!found && d->path[0] == '\0')
		return false;
	if (found) {
		open_database(d, path, &st);
		return true;
	}
	close_database(d);
	d->path[0] = '\0';
	return true;
}

bool geoip_refresh(struct geoip *g, const struct settings *settings)
{
	bool off = !settings->geoip_lookup || !settings->log_addresses, changed = false;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (g->looked_s && off == g->off && now.tv_sec - g->looked_s < GEOIP_LOOK_S)
		return false;
	g->looked_s = now.tv_sec + !now.tv_sec;
	changed = off != g->off;
	g->off = off;
	if (off) {
		close_database(&g->db[COUNTRY]);
		close_database(&g->db[NETWORK]);
		g->db[COUNTRY].path[0] = g->db[NETWORK].path[0] = '\0';
	} else {
		changed |= refresh(g, COUNTRY, settings->geoip_country);
		changed |= refresh(g, NETWORK, settings->geoip_asn);
	}
	g->generation += changed;
	return changed;
}

uint64_t geoip_generation(const struct geoip *g)
{
	return g->generation;
}

/* ---- what they say */

static void broken(struct geoip *g, struct database *d, const char *why)
{
	log_warnx("%s: not used any more: %s", d->path, why);
	close_database(d);
	g->generation++;
}

/* One more than the offset of the address's entry, 0 = none. */
static uint32_t find(struct geoip *g, enum kind kind, const struct sockaddr *address)
{
	struct database *d = &g->db[kind];
	MMDB_lookup_result_s found;
	int rc = MMDB_SUCCESS;

	if (!d->open)
		return 0;
	if (sigsetjmp(out_of_file, 1) != 0) {
		in_file = 0;
		broken(g, d, "it was cut");
		return 0;
	}
	in_file = 1;
	found = MMDB_lookup_sockaddr(&d->mmdb, address, &rc);
	in_file = 0;
	if (rc == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR)
		return 0;
	if (rc != MMDB_SUCCESS) {
		broken(g, d, MMDB_strerror(rc));
		return 0;
	}
	return found.found_entry ? found.entry.offset + 1 : 0;
}

bool geoip_find(struct geoip *g, int family, const uint8_t addr[16], struct geoip_place *place)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a;

	*place = (struct geoip_place){0, 0};
	if (!g->db[COUNTRY].open && !g->db[NETWORK].open)
		return false;
	memset(&a, 0, sizeof(a));
	a.any.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		memcpy(&a.in.sin_addr, addr, sizeof(a.in.sin_addr));
	else if (family == AF_INET6)
		memcpy(&a.in6.sin6_addr, addr, sizeof(a.in6.sin6_addr));
	else
		return false;
	place->country = find(g, COUNTRY, &a.any);
	place->network = find(g, NETWORK, &a.any);
	return place->country || place->network;
}

/* The text at path in the entry; false: there is none. */
static bool get_text(MMDB_entry_s *entry, const char *const *path, char *to, size_t size)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size == 0)
		return false;
	if (data.data_size >= size)
		data.data_size = (uint32_t)size - 1;
	memcpy(to, data.utf8_string, data.data_size);
	to[data.data_size] = '\0';
	return true;
}

static bool get_number(MMDB_entry_s *entry, const char *const *path, uint32_t *to)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data)
		return false;
	if (data.type == MMDB_DATA_TYPE_UINT32)
		*to = data.uint32;
	else if (data.type == MMDB_DATA_TYPE_UINT16)
		*to = data.uint16;
	else
		return false;
	return true;
}

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})

/* MaxMind and DB-IP: country.iso_code; IPinfo: country_code, and before that country. */
static void get_country(MMDB_entry_s *entry, struct geoip_answer *answer)
{
	char text[8];

	if (!get_text(entry, PATH("country", "iso_code"), text, sizeof(text)) &&
	    !get_text(entry, PATH("country_code"), text, sizeof(text)) &&
	    !get_text(entry, PATH("country"), text, sizeof(text)) &&
	    !get_text(entry, PATH("registered_country", "iso_code"), text, sizeof(text)))
		return;
	if (strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z')
		memcpy(answer->country, text, sizeof(answer->country));
}

/* MaxMind and DB-IP: a number and an organization; IPinfo: "AS64496" and as_name, or name. */
static void get_network(MMDB_entry_s *entry, struct geoip_answer *answer)
{
	char text[16], *end;
	unsigned long number;

	if (!get_number(entry, PATH("autonomous_system_number"), &answer->number) &&
	    get_text(entry, PATH("asn"), text, sizeof(text)) && text[0] == 'A' && text[1] == 'S') {
		number = strtoul(text + 2, &end, 10);
		if (*end == '\0' && number <= UINT32_MAX)
			answer->number = (uint32_t)number;
	}
	if (answer->number &&
	    !get_text(entry, PATH("autonomous_system_organization"), answer->name, sizeof(answer->name)) &&
	    !get_text(entry, PATH("as_name"), answer->name, sizeof(answer->name)))
		(void)get_text(entry, PATH("name"), answer->name, sizeof(answer->name));
}

static void read_entry(struct geoip *g, enum kind kind, uint32_t place, struct geoip_answer *answer)
{
	struct database *d = &g->db[kind];
	MMDB_entry_s entry = {.mmdb = &d->mmdb, .offset = place - 1};
	int64_t dated;

	if (!d->open || place == 0)
		return;
	if (sigsetjmp(out_of_file, 1) != 0) {
		in_file = 0;
		broken(g, d, "it was cut");
		return;
	}
	in_file = 1;
	if (kind == COUNTRY)
		get_country(&entry, answer);
	else
		get_network(&entry, answer);
	in_file = 0;
	dated = (int64_t)d->mmdb.metadata.build_epoch;
	if (answer->dated_s == 0 || dated < answer->dated_s)
		answer->dated_s = dated;
}

void geoip_read(struct geoip *g, const struct geoip_place *place, struct geoip_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	read_entry(g, COUNTRY, place->country, answer);
	read_entry(g, NETWORK, place->network, answer);
}

void geoip_trim(struct geoip *g)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (g->db[i].open)
			(void)madvise((void *)g->db[i].mmdb.file_content, (size_t)g->db[i].mmdb.file_size,
				      MADV_DONTNEED);
}

static const char *day_of(const struct database *d, char day[16])
{
	time_t t = (time_t)d->mmdb.metadata.build_epoch;
	struct tm tm;

	if (!d->open || !gmtime_r(&t, &tm) || strftime(day, 16, "%Y-%m-%d", &tm) == 0)
		return "none";
	return day;
}

void geoip_describe(const struct geoip *g, char *text, size_t size)
{
	char country[16], network[16];

	if (g->off)
		snprintf(text, size, "GeoIP: switched off");
	else if (!g->db[COUNTRY].open && !g->db[NETWORK].open)
		snprintf(text, size, "GeoIP: no database: `sudo femtosnitch geoip update` fetches one");
	else
		snprintf(text, size, "GeoIP: countries of %s, networks of %s",
			 day_of(&g->db[COUNTRY], country), day_of(&g->db[NETWORK], network));
}
