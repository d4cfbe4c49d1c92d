// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_lookups.c - which addresses are asked about, and how often.
 */
#include "store/lookups.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
	int ends[2];
	struct frame_writer *to;
	struct frame_reader *from;
	struct lookups *lookups;
};

static void begin(struct rig *r)
{
	assert_int_equal(pipe2(r->ends, O_CLOEXEC | O_NONBLOCK), 0);
	r->to = frame_writer_new(r->ends[1], 4096);
	r->from = frame_reader_new(r->ends[0]);
	r->lookups = lookups_new(r->to);
	assert_true(r->to && r->from && r->lookups);
}

static void end(struct rig *r)
{
	lookups_free(r->lookups);
	frame_writer_free(r->to);
	frame_reader_free(r->from);
	close(r->ends[0]);
	close(r->ends[1]);
}

static struct wire_flow flow_to(const char *address)
{
	struct wire_flow flow = {.family = strchr(address, ':') ? AF_INET6 : AF_INET};

	assert_int_equal(inet_pton(flow.family, address, flow.raddr), 1);
	return flow;
}

/* The address that is asked about now, "": none. */
static const char *asked(struct rig *r, const char *address, int64_t now_s)
{
	static char text[INET6_ADDRSTRLEN];
	struct wire_flow flow = flow_to(address);
	const struct wire_lookup *lookup;
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;

	lookups_ask(r->lookups, &flow, now_s);
	frame_flush(r->to);
	frame_fill(r->from);
	if (frame_next(r->from, &hdr, &payload, &why) <= 0)
		return "";
	assert_int_equal(hdr->type, WIRE_LOOKUP);
	lookup = payload;
	inet_ntop(lookup->family, lookup->addr, text, sizeof(text));
	return text;
}

static void each_address_once_an_hour(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	assert_string_equal(asked(&r, "192.0.2.1", 1000), "192.0.2.1");
	assert_string_equal(asked(&r, "192.0.2.1", 1000 + LOOKUPS_AGAIN_S - 1), "");
	assert_string_equal(asked(&r, "2001:db8::1", 1000), "2001:db8::1");
	assert_string_equal(asked(&r, "192.0.2.1", 1000 + LOOKUPS_AGAIN_S), "192.0.2.1");
	assert_string_equal(asked(&r, "192.0.2.1", 10), "192.0.2.1"); /* the clock was wrong */
	end(&r);
}

static void not_what_no_server_knows(void **state)
{
	static const char *const none[] = {"0.0.0.0",	      "127.0.0.1", "169.254.1.1", "224.0.0.251",
					   "255.255.255.255", "::",	   "::1",	  "fe80::1",
					   "febf::1",	      "ff02::fb"};
	static const char *const some[] = {"10.0.0.1", "169.253.1.1", "223.0.0.1",
					   "fd00::1",  "1::2:0",      "2001:db8::2"};
	struct wire_flow flow = {.family = AF_PACKET}, incoming = flow_to("192.0.2.1");
	struct rig r;
	size_t i;

	(void)state;
	begin(&r);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_string_equal(asked(&r, none[i], 1), "");
	lookups_ask(r.lookups, &flow, 1);
	incoming.direction = WIRE_DIRECTION_IN;
	lookups_ask(r.lookups, &incoming, 1);
	assert_int_equal(frame_pending(r.to), 0);
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		assert_string_equal(asked(&r, some[i], 1), some[i]);
	end(&r);
}

/* What finds no room is forgotten, and asked when it is seen again. */
static void a_full_pipe_waits_for_nobody(void **state)
{
	struct wire_flow flow = flow_to("192.0.0.0");
	struct rig r;
	unsigned i;

	(void)state;
	begin(&r);
	for (i = 0; i < 4000; i++) { /* more than a pipe of 64 KiB and the writer hold */
		flow.raddr[2] = (uint8_t)(i >> 8);
		flow.raddr[3] = (uint8_t)i;
		lookups_ask(r.lookups, &flow, 1);
	}
	do {
		while (read(r.ends[0], (char[4096]){0}, 4096) > 0)
			;
	} while (frame_flush(r.to) == -EAGAIN);
	while (read(r.ends[0], (char[4096]){0}, 4096) > 0)
		;
	assert_string_equal(asked(&r, "192.0.15.159", 1), "192.0.15.159"); /* the last */
	assert_string_equal(asked(&r, "192.0.15.159", 1), "");
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_once_an_hour),
		cmocka_unit_test(not_what_no_server_knows),
		cmocka_unit_test(a_full_pipe_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
