// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_places.c - where programs run and sockets were made: the table with its bound, and the rows that the
 * real femtosnitch-store makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/places.h"
#include "tests/unit/store/feed.h"

#define HEX "3e2f5b6c7d8e9f00112233445566778899aabbccddeeff001122334455667788"
#define DOCKER "docker-" HEX ".scope"

/* ---- the table */

static int add(struct places *ps, uint64_t id, const char *path)
{
	struct {
		struct wire_place place;
		char path[64];
	} r = {.place = {.id = id, .cgroup_id = id, .path_len = (__u16)(strlen(path) + 1)}};

	memcpy(r.path, path, r.place.path_len);
	return places_add(ps, &r.place);
}

static void the_longest_unused_goes_first(void **state)
{
	struct places *ps = places_new(8);
	struct place *held;
	uint64_t id;

	(void)state;
	add(ps, 1, "/used");
	add(ps, 2, "/held");
	held = place_ref(places_find(ps, 2));
	for (id = 100; id < 1000; id++) {
		assert_int_equal(add(ps, id, "/x"), 0);
		assert_true(places_count(ps) <= 8);
		assert_non_null(places_find(ps, 1));
	}
	assert_null(places_find(ps, 2));
	assert_null(places_find(ps, 100));
	assert_non_null(places_find(ps, 999));
	held->row = 5;
	places_find(ps, 1)->row = 6;
	places_forget_rows(ps); /* of the one that is only held, too */
	assert_int_equal(held->row, 0);
	assert_int_equal(places_find(ps, 1)->row, 0);
	assert_string_equal(place_name(held), "/held");
	add(ps, 2, "/held");
	assert_ptr_not_equal(places_find(ps, 2), held);
	place_unref(held);
	places_free(ps);
}

static void said_again_is_the_same(void **state)
{
	struct places *ps = places_new(8);
	struct place *first;

	(void)state;
	add(ps, 1, "/a");
	first = places_find(ps, 1);
	add(ps, 1, "/b");
	assert_ptr_equal(places_find(ps, 1), first);
	assert_string_equal(first->path, "/a");
	assert_int_equal(places_count(ps), 1);
	assert_null(place_name(NULL));
	places_free(ps);
}

/* ---- rows */

static struct feed f;
static char dir[PATH_MAX];

static void start(void)
{
	feed_tmpdir(dir);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	feed_place(&f, 1, 1, NULL, NULL, NULL, "/");
	feed_place(&f, 7, 7, "docker", HEX, DOCKER, "/system.slice/" DOCKER);
	feed_place(&f, 8, 8, "docker", HEX, DOCKER, "/system.slice/" DOCKER "/inner");
	feed_place(&f, 9, 9, NULL, NULL, "a.service", "/system.slice/a.service");
	feed_place(&f, 10, 10, NULL, NULL, "a.service", "/system.slice/a.service"); /* started again */
	feed_place(&f, 11, 11, NULL, NULL, NULL, "/own\nline\xff");
	feed_place(&f, WIRE_PLACE_FOUND | 1, 1, "lxc", "web1", NULL, "/lxc/web1"); /* by version 1 */
}

static void stop(void)
{
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
}

static void program(unsigned pid, uint64_t place_id)
{
	struct feed_image i = {
		.key = FEED_KEY(pid, 1), .path = "/bin/a", .comm = "a", .sha = 1, .place_id = place_id};

	feed_image(&f, &i);
}

/* pid sends `bytes` by a socket that creator made. */
static void flow(unsigned pid, uint64_t bytes, uint64_t creator, unsigned creator_uid)
{
	struct wire_flow flow = feed_tcp(pid, (uint16_t)bytes, 443, bytes, 0);

	flow.creator_cgroup = creator;
	flow.creator_uid = creator_uid;
	feed_flow(&f, &flow);
}

static void where_it_runs(void **state)
{
	(void)state;
	start();
	program(1, 7);
	program(2, 9);
	program(3, 11);
	program(4, WIRE_PLACE_FOUND | 1);
	program(5, 12345); /* never said */
	for (unsigned pid = 1; pid <= 5; pid++)
		flow(pid, pid, 0, 0);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT send, runtime, container, unit, cgroup FROM connections ORDER BY send"),
		"1|docker|" HEX "|" DOCKER "|/system.slice/" DOCKER "\n"
		"2|NULL|NULL|a.service|/system.slice/a.service\n3|NULL|NULL|NULL|/own\nline\\xff\n"
		"4|lxc|web1|NULL|/lxc/web1\n5|NULL|NULL|NULL|NULL");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM losses"), "0");
	stop();
}

static void who_made_the_socket(void **state)
{
	static const struct {
		uint64_t place, creator;
		const char *want;
	} table[] = {
		{7, 9, "a.service"},
		{9, 7, HEX},
		{9, 1, "/"},
		{9, 9, "NULL"},
		{9, 10, "NULL"},    /* the unit was started again meanwhile */
		{7, 8, "NULL"},	    /* the same container */
		{9, 0, "NULL"},	    /* not known to the kernel */
		{9, 54321, "NULL"}, /* nor to us */
		{9, 11, "/own\nline\\xff"},
		/* found by version 1: in version 2 all are in the root, where its own sockets were made */
		{WIRE_PLACE_FOUND | 1, 1, "NULL"},
		{WIRE_PLACE_FOUND | 1, 9, "a.service"},
		{12345, 9, "a.service"},
		{12345, 1, "NULL"},
	};
	const unsigned n = sizeof(table) / sizeof(table[0]);
	char sql[128];
	unsigned i;

	(void)state;
	start();
	for (i = 0; i < n; i++) {
		program(i + 1, table[i].place);
		flow(i + 1, i + 1, table[i].creator, i == 3 ? 5 : 0);
	}
	feed_window(&f, FEED_T + 10);
	for (i = 0; i < n; i++) {
		snprintf(sql, sizeof(sql), "SELECT creator FROM connections WHERE send = %u", i + 1);
		assert_string_equal(feed_ask(&f, sql), table[i].want);
	}
	assert_string_equal(
		feed_ask(&f, "SELECT group_concat(DISTINCT send || ':' || creator_uid) FROM connections"),
		"4:5");
	stop();
}

/* One socket that came from several makers is not one row; one place is one row of the table, whatever the
 * number of its cgroups, and is found again by the next daemon. */
static void rows_are_shared_and_found_again(void **state)
{
	(void)state;
	start();
	program(1, 9);
	program(2, 10);
	flow(1, 1, 7, 0);
	flow(2, 2, 7, 0);
	feed_window(&f, FEED_T + 10);
	assert_int_equal(feed_stop(&f), 0);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	feed_place(&f, 99, 99, NULL, NULL, "a.service", "/system.slice/a.service");
	program(1, 99);
	flow(1, 3, 0, 0);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT count(*), count(DISTINCT unit) FROM place"), "2|2");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM image"), "1");
	assert_string_equal(feed_ask(&f, "SELECT send, unit FROM connections ORDER BY send"),
			    "1|a.service\n2|a.service\n3|a.service");
	stop();
}

/* ---- what is not an address and a port */

static void put(unsigned family, unsigned flags, uint64_t bytes, uint32_t cid, uint16_t protocol)
{
	struct wire_flow flow = feed_tcp(1, 0, 0, bytes, bytes + 1);

	flow.family = (__u16)family;
	flow.protocol = protocol;
	flow.flags = (__u8)flags;
	flow.result = WIRE_RESULT_NONE;
	flow.peer = family == AF_VSOCK ? WIRE_PEER_SOCKET : WIRE_PEER_UNKNOWN;
	memset(flow.laddr, 0, sizeof(flow.laddr));
	memset(flow.raddr, 0, sizeof(flow.raddr));
	memcpy(flow.raddr, &cid, sizeof(cid));
	flow.rport = family == AF_VSOCK ? 1024 : 0;
	feed_flow(&f, &flow);
}

static void families_without_addresses(void **state)
{
	(void)state;
	start();
	program(1, 9);
	put(AF_VSOCK, 0, 10, 4294967294u, 1);
	put(44, 0, 0, 0, 0); /* AF_XDP: an owner, and no bytes */
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f,
			 "SELECT family, protocol_name, raddr, rport, laddr, send, recv, direction, result"
			 " FROM connections ORDER BY family"),
		"40|vsock|4294967294|1024|NULL|10|11|out|NULL\n44|xdp|NULL|0|NULL|0|1|out|NULL");
	stop();
}

/* Frames of a tunnel are counted at the sockets whose traffic they carry, too. */
static void tunnels_are_no_part_of_a_total(void **state)
{
	(void)state;
	start();
	program(1, 9);
	put(AF_PACKET, WIRE_FLOW_TUNNEL, 1000, 0, 0);
	put(AF_PACKET, WIRE_FLOW_TUNNEL, 2000, 0, 0);
	put(AF_PACKET, 0, 5, 0, 2048);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f,
				     "SELECT send, recv, sniffed, tunnel_send, tunnel_recv FROM connections"
				     " ORDER BY protocol"),
			    "0|0|0|3000|3002\n5|6|0|0|0");
	assert_string_equal(feed_ask(&f, "SELECT sum(send), sum(recv) FROM totals_day"), "5|6");
	assert_string_equal(feed_ask(&f, "SELECT sum(send), sum(recv) FROM traffic_5min"), "5|6");
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_unused_goes_first),
		cmocka_unit_test(said_again_is_the_same),
		cmocka_unit_test(where_it_runs),
		cmocka_unit_test(who_made_the_socket),
		cmocka_unit_test(rows_are_shared_and_found_again),
		cmocka_unit_test(families_without_addresses),
		cmocka_unit_test(tunnels_are_no_part_of_a_total),
	};

	return cmocka_run_group_tests_name("store places", tests, NULL, NULL);
}
