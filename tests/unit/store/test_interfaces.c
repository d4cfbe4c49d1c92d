// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_interfaces.c - which interfaces are counted, which addresses are on this machine, and what remains
 * between the interfaces and the programs: with a /proc and a sysfs of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "store/interfaces.h"
#include "store/links.h"
#include "store/routes.h"
#include "tests/unit/store/scratch.h"

#define HOUR 1795294800 /* a full hour */

static struct scratch s;
static char net[PATH_MAX + 8], sys[PATH_MAX + 8];

/* Write text to DIR/NAME, making the directories before it; without text NAME is a directory. */
__attribute__((format(printf, 3, 4))) static void put(const char *dir, const char *name, const char *text,
						      ...)
{
	char path[2 * PATH_MAX], *slash;
	va_list ap;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, text ? "" : "/");
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	if (!text)
		return;
	f = fopen(path, "w");
	assert_non_null(f);
	va_start(ap, text);
	vfprintf(f, text, ap);
	va_end(ap);
	fclose(f);
}

/* An interface with a device, a bridge of containers with a veth in it, a VLAN, TUN, TAP and WireGuard. */
static void make_machine(void)
{
	static const char *const ethernets[] = {"eth0", "vf0", "br0", "docker0", "veth1", "eth0.5", "tap0"};
	size_t i;

	for (i = 0; i < sizeof(ethernets) / sizeof(ethernets[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s/type", ethernets[i]);
		put(sys, name, "1\n");
	}
	put(sys, "lo/type", "772\n");
	put(sys, "tun0/type", "65534\n");
	put(sys, "wg0/type", "65534\n");
	put(sys, "eth0/device", NULL);
	put(sys, "vf0/device", NULL);
	put(sys, "vf0/master/device", NULL);
	put(sys, "tun0/tun_flags", "0x1001\n");
	put(sys, "tap0/tun_flags", "0x1002\n");
	put(sys, "docker0/lower_veth1", NULL);
	put(sys, "eth0.5/lower_eth0", NULL);
	put(sys, "br0/lower_eth0.5", NULL);
	put(net, "dev",
	    "Inter-|   Receive  |  Transmit\n face |bytes    packets errs ...\n"
	    "    lo: 900 9 0 0 0 0 0 0 900 9 0 0 0 0 0 0\n"
	    "  eth0: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n"
	    "   vf0:1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n"
	    "   br0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
	    "docker0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
	    " veth1: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
	    "eth0.5: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
	    "  tun0: 500 5 0 0 0 0 0 0 700 7 0 0 0 0 0 0\n"
	    "  tap0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
	    "   wg0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
	put(net, "route",
	    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
	    "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	    "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
	    "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
	    "veth1\t05000A0A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
	    "*\t0000100A\t00000000\t0200\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	put(net, "ipv6_route",
	    "20010db8000000010000000000000000 40 00000000000000000000000000000000 00"
	    " 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
	    "20010db8000000010000000000000005 80 00000000000000000000000000000000 00"
	    " 00000000000000000000000000000000 00000000 00000003 00000000 80200001     eth0\n"
	    "fe800000000000000000000000000000 40 00000000000000000000000000000000 00"
	    " 00000000000000000000000000000000 00000100 00000001 00000000 00000001  docker0\n"
	    "00000000000000000000000000000000 00 00000000000000000000000000000000 00"
	    " fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
	    "00000000000000000000000000000000 00 00000000000000000000000000000000 00"
	    " 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
}

static int setup(void **state)
{
	(void)state;
	scratch_open(&s);
	snprintf(net, sizeof(net), "%s/net", s.dir);
	snprintf(sys, sizeof(sys), "%s/sys", s.dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&s);
	return 0;
}

static enum link_kind kind(const struct links *l, const char *name)
{
	const struct link *link = links_find(l, name);

	assert_non_null(link);
	return link->kind;
}

static void what_leads_away_is_counted_once(void **state)
{
	struct links l = {0};

	(void)state;
	make_machine();
	assert_int_equal(links_read(&l, net, sys), 0);
	assert_int_equal(l.count, 10);
	assert_true(l.devices);
	assert_int_equal(kind(&l, "eth0"), LINK_COUNTED);
	assert_int_equal(kind(&l, "tun0"), LINK_COUNTED);
	assert_int_equal(kind(&l, "vf0"), LINK_INSIDE);
	assert_int_equal(kind(&l, "eth0.5"), LINK_OUT);
	assert_int_equal(kind(&l, "br0"), LINK_OUT);
	assert_int_equal(kind(&l, "wg0"), LINK_OUT);
	assert_int_equal(kind(&l, "docker0"), LINK_INSIDE);
	assert_int_equal(kind(&l, "veth1"), LINK_INSIDE);
	assert_int_equal(kind(&l, "tap0"), LINK_INSIDE);
	assert_int_equal(kind(&l, "lo"), LINK_INSIDE);
	assert_int_equal(links_find(&l, "eth0")->received_bytes, 1000);
	assert_int_equal(links_find(&l, "eth0")->sent_bytes, 2000);
	assert_int_equal(links_find(&l, "eth0")->packets, 30);
	assert_null(links_find(&l, "face"));
	links_free(&l);
}

static void without_a_device_all_but_the_loopback(void **state)
{
	struct links l = {0};

	(void)state;
	put(net, "dev", " lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n va: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
	assert_int_equal(links_read(&l, net, sys), 0);
	assert_false(l.devices);
	assert_int_equal(kind(&l, "va"), LINK_COUNTED);
	assert_int_equal(kind(&l, "lo"), LINK_INSIDE);
	links_free(&l);
	put(net, "dev", "rubbish\n:::\n x: 1 2 3\n");
	assert_int_equal(links_read(&l, net, sys), 0);
	assert_int_equal(l.count, 0);
	links_free(&l);
}

static void interfaces_are_bounded(void **state)
{
	char path[PATH_MAX + 16];
	struct links l = {0};
	FILE *f;
	int i;

	(void)state;
	put(net, "dev", "\n");
	snprintf(path, sizeof(path), "%s/dev", net);
	f = fopen(path, "w");
	for (i = 0; i < 2 * LINKS_MAX; i++)
		fprintf(f, " v%d: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n", i);
	fclose(f);
	assert_int_equal(links_read(&l, net, sys), 0);
	assert_int_equal(l.count, LINKS_MAX);
	assert_true(l.cut);
	links_free(&l);
}

static enum route_way way(const struct routes *t, const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t addr[16] = {0};

	assert_int_equal(inet_pton(family, text, addr), 1);
	return routes_find(t, family, addr);
}

static void routes_say_where_an_address_is(void **state)
{
	struct links l = {0};
	struct routes t = {0};

	(void)state;
	make_machine();
	assert_int_equal(links_read(&l, net, sys), 0);
	assert_int_equal(routes_read(&t, net, &l), 0);
	assert_int_equal(way(&t, "192.168.1.7"), ROUTE_NEAR);
	assert_int_equal(way(&t, "192.168.2.7"), ROUTE_FAR);
	assert_int_equal(way(&t, "172.17.0.2"), ROUTE_INSIDE);
	assert_int_equal(way(&t, "172.18.0.2"), ROUTE_FAR);
	assert_int_equal(way(&t, "10.10.0.5"), ROUTE_INSIDE); /* by the most precise route */
	assert_int_equal(way(&t, "10.10.0.6"), ROUTE_FAR);
	assert_int_equal(way(&t, "10.16.1.1"), ROUTE_FAR); /* one that refuses says nothing of where it is */
	assert_int_equal(way(&t, "127.1.2.3"), ROUTE_SELF);
	assert_int_equal(way(&t, "::1"), ROUTE_SELF);
	assert_int_equal(way(&t, "2001:db8:0:1::5"), ROUTE_SELF);
	assert_int_equal(way(&t, "2001:db8:0:1::6"), ROUTE_NEAR);
	assert_int_equal(way(&t, "2001:db8:0:2::6"), ROUTE_FAR);
	assert_int_equal(way(&t, "fe80::1"), ROUTE_FAR); /* which interface is not known */
	routes_free(&t);
	assert_int_equal(way(&t, "192.168.1.7"), ROUTE_NONE);
	links_free(&l);
}

/* ---- the sums */

static uint64_t own_netns(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	return st.st_ino;
}

static void flow(struct interfaces *in, uint64_t netns, const char *laddr, const char *raddr, uint64_t sent,
		 uint64_t received)
{
	struct wire_flow f = {.image.tgid = 1,
			      .netns = (uint32_t)netns,
			      .family = AF_INET,
			      .protocol = 6,
			      .sent_bytes = sent,
			      .received_bytes = received};

	if (strchr(raddr, ':'))
		f.family = AF_INET6;
	assert_int_equal(inet_pton(f.family, laddr, f.laddr), 1);
	assert_int_equal(inet_pton(f.family, raddr, f.raddr), 1);
	interfaces_flow(in, &f);
}

static void moved(unsigned received, unsigned in_packets, unsigned sent, unsigned out_packets)
{
	put(net, "dev",
	    "  lo: 900 9 0 0 0 0 0 0 900 9 0 0 0 0 0 0\n  eth0: %u %u 0 0 0 0 0 0 %u %u 0 0 0 0 0 0\n",
	    1000 + received, 10 + in_packets, 2000 + sent, 20 + out_packets);
}

static void write_all(struct interfaces *in)
{
	scratch_run(&s, "BEGIN");
	assert_int_equal(interfaces_write(in, &s.db), 0);
	scratch_run(&s, "COMMIT");
	interfaces_written(in);
}

static int64_t monotonic_ms = 1000;

static bool look(struct interfaces *in, int64_t now_s, bool asked)
{
	return interfaces_look(in, now_s, monotonic_ms++, asked);
}

static bool look_later(struct interfaces *in, int64_t now_s)
{
	monotonic_ms += INTERFACES_EVERY_MS;
	return look(in, now_s, false);
}

static void the_rest_is_what_no_program_moved(void **state)
{
	struct interfaces *in = interfaces_new(net, sys);
	struct wire_interfaces day;

	(void)state;
	make_machine();
	flow(in, own_netns(), "192.168.1.5", "192.0.2.1", 99, 99); /* before the first look */
	assert_true(look(in, HOUR + 10, false));
	assert_false(look(in, HOUR + 10, false)); /* not yet again */
	flow(in, own_netns(), "192.168.1.5", "192.0.2.1", 100, 4000);
	flow(in, own_netns(), "192.168.1.5", "192.168.1.5", 7, 7); /* to itself */
	flow(in, own_netns(), "172.17.0.1", "172.17.0.2", 7, 7);   /* to a container */
	flow(in, own_netns(), "2001:db8:0:1::5", "::1", 7, 7);	   /* loopback */
	flow(in, 7, "172.17.0.2", "192.0.2.1", 10, 20);		   /* a container, away */
	flow(in, 7, "172.17.0.2", "172.17.0.3", 7, 7);		   /* a container, to another */
	flow(in, 8, "10.200.0.2", "192.0.2.1", 7, 7);		   /* a network of its own */
	moved(5000, 5, 1000, 5);
	assert_false(interfaces_due(in));
	assert_true(look(in, HOUR + 20, true));
	assert_true(interfaces_due(in)); /* whoever asks reads rows */
	write_all(in);
	assert_false(interfaces_due(in));
	assert_string_equal(
		scratch_ask(&s, "SELECT interface_send, interface_recv, packets, headers, send, recv, rest,"
				" bucket FROM interfaces"),
		"1000|5000|10|660|110|4020|1210|1795294800");
	interfaces_day(in, &s.db, HOUR + 20, &day);
	assert_int_equal(day.sent_bytes, 1000);
	assert_int_equal(day.program_received, 4020);
	/* what waits is part of the day, and of the same hour */
	moved(6000, 6, 1000, 5);
	look(in, HOUR + 30, true);
	interfaces_day(in, &s.db, HOUR + 30, &day);
	assert_int_equal(day.received_bytes, 6000);
	write_all(in);
	assert_string_equal(
		scratch_ask(&s, "SELECT count(*), sum(interface_recv), sum(packets) FROM interfaces"),
		"1|6000|11");
	interfaces_day(in, &s.db, HOUR + 25 * 3600, &day);
	assert_int_equal(day.received_bytes, 0);
	interfaces_free(in);
}

static void more_than_the_interfaces_moved_is_not_hidden(void **state)
{
	struct interfaces *in = interfaces_new(net, sys);

	(void)state;
	make_machine();
	look(in, HOUR, true);
	flow(in, own_netns(), "192.168.1.5", "192.0.2.1", 5000, 0);
	moved(0, 0, 1000, 1);
	look(in, HOUR, true);
	write_all(in);
	assert_string_equal(scratch_ask(&s, "SELECT rest FROM interfaces"), "-4066");
	interfaces_free(in);
}

static void headers_are_those_of_the_flows(void **state)
{
	struct wire_flow udp = {
		.image.tgid = 1, .family = AF_INET6, .protocol = 17, .sent_bytes = 100, .raddr = {0x20, 1}};
	struct wire_flow tunnel = {
		.family = AF_INET, .flags = WIRE_FLOW_TUNNEL, .sent_bytes = 50, .raddr = {192, 0, 2, 1}};
	struct wire_flow outer = udp; /* of the kernel: WireGuard */
	struct wire_flow frame = {.image.tgid = 1, .family = 17, .sent_bytes = 100};
	struct interfaces *in = interfaces_new(net, sys);

	(void)state;
	outer.image.tgid = 0;
	outer.netns = udp.netns = tunnel.netns = frame.netns = (uint32_t)own_netns();
	make_machine();
	look(in, HOUR, true);
	interfaces_flow(in, &udp);
	interfaces_flow(in, &tunnel);
	interfaces_flow(in, &outer);
	moved(0, 0, 1000, 10);
	look(in, HOUR, true);
	interfaces_flow(in, &udp);
	interfaces_flow(in, &frame);
	moved(0, 0, 2000, 20);
	look(in, HOUR, true);
	write_all(in);
	/* ten packets with 14 + 40 + 8, and ten of which half the bytes have no headers beside */
	assert_string_equal(scratch_ask(&s, "SELECT headers, send FROM interfaces"), "930|300");
	interfaces_free(in);
}

static void counters_that_go_back_are_left_out(void **state)
{
	struct interfaces *in = interfaces_new(net, sys);

	(void)state;
	make_machine();
	look(in, HOUR, true);
	put(net, "dev",
	    " eth0: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n eth9: 5000 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n");
	put(sys, "eth9/device", NULL);
	look(in, HOUR, true);
	put(net, "dev",
	    " eth0: 15 2 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n eth9: 5001 2 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n");
	look(in, HOUR, true);
	write_all(in);
	assert_string_equal(scratch_ask(&s, "SELECT interface_recv, packets FROM interfaces"), "11|2");
	interfaces_free(in);
}

static void hours_are_rows_for_a_week(void **state)
{
	struct interfaces *in = interfaces_new(net, sys);
	int i;

	(void)state;
	make_machine();
	look(in, HOUR, true);
	assert_true(look_later(in, HOUR + 60));
	assert_false(interfaces_due(in));
	assert_true(look_later(in, HOUR + 3601));
	assert_true(interfaces_due(in)); /* that hour, whatever else there is to write */
	write_all(in);
	assert_false(interfaces_due(in));
	for (i = 2; i < 24 * INTERFACES_DAYS + 50; i++) {
		look(in, HOUR + i * 3600, true);
		write_all(in);
	}
	assert_string_equal(scratch_ask(&s, "SELECT count(*) <= 7 * 24 + 1 FROM interfaces"), "1");
	interfaces_free(in);
}

static void what_was_not_written_waits(void **state)
{
	struct interfaces *in = interfaces_new(net, sys);

	(void)state;
	make_machine();
	look(in, HOUR, true);
	moved(1000, 1, 0, 0);
	look(in, HOUR, true);
	scratch_run(&s, "BEGIN");
	assert_int_equal(interfaces_write(in, &s.db), 0);
	scratch_run(&s, "ROLLBACK");
	write_all(in);
	assert_string_equal(scratch_ask(&s, "SELECT interface_recv FROM interfaces"), "1000");
	write_all(in); /* nothing */
	assert_string_equal(scratch_ask(&s, "SELECT interface_recv FROM interfaces"), "1000");
	interfaces_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_leads_away_is_counted_once, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_device_all_but_the_loopback, setup, teardown),
		cmocka_unit_test_setup_teardown(interfaces_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(routes_say_where_an_address_is, setup, teardown),
		cmocka_unit_test_setup_teardown(the_rest_is_what_no_program_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_the_interfaces_moved_is_not_hidden, setup,
						teardown),
		cmocka_unit_test_setup_teardown(headers_are_those_of_the_flows, setup, teardown),
		cmocka_unit_test_setup_teardown(counters_that_go_back_are_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(hours_are_rows_for_a_week, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_not_written_waits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
