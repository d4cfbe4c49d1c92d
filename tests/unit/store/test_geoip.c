// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_geoip.c - country and network of an address: each maker's fields, stored with the day of the database;
 * databases that come, go, change, are cut or damaged. `test_geoip make country|asn FILE` makes one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/geoip.h"
#include "tests/unit/store/feed.h"
#include "tests/unit/store/mmdb.h"

#define DAY 1793750400 /* 2026-11-04 */
#define ROWS "SELECT country, asn, as_name FROM connections ORDER BY lport"

static struct feed f;
static char dir[PATH_MAX], country[PATH_MAX], asn[PATH_MAX];
static char settings_text[4 * PATH_MAX];

static void begin(void)
{
	feed_tmpdir(dir);
	snprintf(country, sizeof(country), "%.1000s/c.mmdb", dir);
	snprintf(asn, sizeof(asn), "%.1000s/a.mmdb", dir);
	snprintf(settings_text, sizeof(settings_text),
		 "{\"GeoIP country database\": \"%s\", \"GeoIP ASN database\": \"%s\"}", country, asn);
}

static void start(void)
{
	feed_start(&f, dir, settings_text);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/bin/a", "a", 2, 1);
}

static void end(void)
{
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
}

static void flow(uint16_t lport, uint8_t first)
{
	static uint64_t n;
	struct wire_flow flow = feed_tcp(1, lport, 443, 1, 1);

	flow.raddr[0] = first;
	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + 10 + n++);
}

static void stored_with_its_day(void **state)
{
	(void)state;
	begin();
	assert_int_equal(mmdb_make(country, MMDB_MAXMIND_COUNTRY, "DE", 0, "", DAY), 0);
	assert_int_equal(mmdb_make(asn, MMDB_MAXMIND_ASN, "", 64496, "Example \x1b[31m Net", DAY + 86400), 0);
	start();
	assert_non_null(strstr(f.text, "GeoIP: countries of 2026-11-04, networks of 2026-11-05"));
	flow(1, 10);
	flow(2, 11); /* in neither */
	flow(3, 10);
	assert_string_equal(feed_ask(&f, ROWS), "DE|64496|Example \x1b[31m Net\nNULL|NULL|NULL\n"
						"DE|64496|Example \x1b[31m Net");
	assert_string_equal(feed_ask(&f, "SELECT count(*), dated FROM origin"), "1|1793750400");
	end();
}

static void each_maker(void **state)
{
	static const enum mmdb_maker makers[] = {MMDB_IPINFO, MMDB_IPINFO_OLDER};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		begin();
		assert_int_equal(mmdb_make(country, makers[i], "SE", 64500, "Ex", DAY), 0);
		assert_int_equal(mmdb_make(asn, makers[i], "SE", 64500, "Ex", DAY), 0);
		start();
		flow(1, 10);
		assert_string_equal(feed_ask(&f, ROWS), "SE|64500|Ex");
		end();
	}
}

static void one_of_them(void **state)
{
	(void)state;
	begin();
	assert_int_equal(mmdb_make(asn, MMDB_MAXMIND_ASN, "", 64496, "Only", DAY), 0);
	start();
	flow(1, 10);
	assert_string_equal(feed_ask(&f, ROWS), "NULL|64496|Only");
	end();
}

/* A country is two capital letters, whatever a file says. */
static void nonsense(void **state)
{
	(void)state;
	begin();
	assert_int_equal(mmdb_make(country, MMDB_MAXMIND_COUNTRY, "<script>", 0, "", DAY), 0);
	start();
	flow(1, 10);
	assert_string_equal(feed_ask(&f, "SELECT count(*), sum(origin) FROM flow"), "1|0");
	end();
}

static void without_and_switched_off(void **state)
{
	(void)state;
	begin();
	start();
	assert_non_null(strstr(f.text, "GeoIP: no database: `sudo femtosnitch geoip update` fetches one"));
	flow(1, 10);
	assert_string_equal(feed_ask(&f, "SELECT sum(origin) FROM flow"), "0");
	feed_stop(&f);
	assert_int_equal(mmdb_make(country, MMDB_MAXMIND_COUNTRY, "DE", 0, "", DAY), 0);
	snprintf(settings_text + strlen(settings_text) - 1, 64, ", \"GeoIP lookup\": false}");
	start();
	flow(2, 10);
	assert_string_equal(feed_ask(&f, "SELECT sum(origin) FROM flow"), "0");
	end();
}

/* The answers of another day are other rows; what was written stays. In memory, to set the clock's pace. */
static void another_file(void **state)
{
	struct settings settings = {.geoip_lookup = true, .log_addresses = true, .geoip_asn = (char *)""};
	struct geoip_place place;
	struct geoip_answer answer;
	struct geoip *g;
	const uint8_t addr[16] = {10, 1, 2, 3};
	char other[PATH_MAX];

	(void)state;
	begin();
	settings.geoip_asn = asn;
	settings.geoip_country = country;
	assert_int_equal(mmdb_make(country, MMDB_MAXMIND_COUNTRY, "DE", 0, "", DAY), 0);
	g = geoip_new(dir);
	assert_true(geoip_refresh(g, &settings));
	assert_true(geoip_find(g, AF_INET, addr, &place));
	geoip_read(g, &place, &answer);
	assert_string_equal(answer.country, "DE");
	snprintf(other, sizeof(other), "%.1000s/new", dir);
	assert_int_equal(mmdb_make(other, MMDB_MAXMIND_COUNTRY, "FR", 0, "", DAY + 1), 0);
	assert_int_equal(rename(other, country), 0);
	assert_false(geoip_refresh(g, &settings)); /* not looked at again so soon */
	geoip_read(g, &place, &answer);
	assert_string_equal(answer.country, "DE");
	geoip_free(g);
	g = geoip_new(dir);
	assert_true(geoip_refresh(g, &settings));
	assert_true(geoip_find(g, AF_INET, addr, &place));
	geoip_read(g, &place, &answer);
	assert_string_equal(answer.country, "FR");
	assert_int_equal(answer.dated_s, DAY + 1);
	geoip_free(g);
	feed_rmdir(dir);
}

static char *load(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	char *bytes = malloc(MMDB_DATA);

	*len = fread(bytes, 1, MMDB_DATA, file);
	fclose(file);
	return bytes;
}

static void save(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

/* Whatever is in the file, asking it ends, and in order. */
static void ask_file(const char *path)
{
	struct settings settings = {.geoip_lookup = true, .log_addresses = true};
	const uint8_t addrs[3][16] = {{10, 1, 2, 3}, {0x20, 1}, {255, 255, 255, 255}};
	struct geoip_answer answer;
	struct geoip_place place;
	struct geoip *g = geoip_new(dir);
	size_t i;

	settings.geoip_country = settings.geoip_asn = (char *)path;
	(void)geoip_refresh(g, &settings);
	for (i = 0; i < 3; i++)
		if (geoip_find(g, i == 1 ? AF_INET6 : AF_INET, addrs[i], &place)) {
			geoip_read(g, &place, &answer);
			assert_true(strlen(answer.name) <= GEOIP_NAME_MAX);
			assert_true(strlen(answer.country) == 0 || strlen(answer.country) == 2);
		}
	geoip_free(g);
}

/* MMDB_open() of libmaxminddb 1.7 does not free all when the metadata is damaged: once for each such file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static void damaged_files(void **state)
{
	size_t len, i;
	char *bytes;
	unsigned n;

	(void)state;
	begin();
	assert_int_equal(mmdb_make(country, MMDB_IPINFO, "DE", 64496, "Example", DAY), 0);
	bytes = load(country, &len);
	assert_non_null(freopen("/dev/null", "w", stderr)); /* each is said */
	for (i = 0; i < len; i++) {
		save(asn, bytes, i);
		ask_file(asn);
	}
	srand(1);
	for (n = 0; n < 5000; n++) {
		size_t at = (size_t)rand() % len;
		char was = bytes[at];

		bytes[at] = (char)rand();
		save(asn, bytes, len);
		ask_file(asn);
		if (n % 4)
			bytes[at] = was;
		if (n % 400 == 0) {
			free(bytes);
			bytes = load(country, &len);
		}
	}
	free(bytes);
	feed_rmdir(dir);
}

/* Somebody copies over it while it is mapped, and what was mapped is not there any more. */
static void cut_while_in_use(void **state)
{
	(void)state;
	begin();
	assert_int_equal(mmdb_make(country, MMDB_MAXMIND_COUNTRY, "DE", 0, "", DAY), 0);
	start();
	flow(1, 10);
	assert_int_equal(truncate(country, 0), 0);
	flow(2, 10);
	flow(3, 12);
	assert_string_equal(feed_ask(&f, "SELECT count(*), sum(country = 'DE') FROM connections"), "3|1");
	end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_with_its_day),
		cmocka_unit_test(each_maker),
		cmocka_unit_test(one_of_them),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(without_and_switched_off),
		cmocka_unit_test(another_file),
		cmocka_unit_test(cut_while_in_use),
		cmocka_unit_test(damaged_files),
	};

	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && !strcmp(argv[1], "make"))
		return mmdb_make(argv[3], strcmp(argv[2], "asn") ? MMDB_MAXMIND_COUNTRY : MMDB_MAXMIND_ASN,
				 "DE", 64496, "Example Net", (uint64_t)time(NULL)) != 0;
	return cmocka_run_group_tests_name("store geoip", tests, NULL, NULL);
}
