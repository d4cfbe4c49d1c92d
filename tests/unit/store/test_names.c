// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_names.c - which name a row gets: claims by connection, resolved names by who was told and when, the
 * two kept apart; through the real store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/answers.h"
#include "tests/unit/store/feed.h"

#define NETNS 4026531840u
#define ADDRESS                                                                                              \
	{                                                                                                    \
		10, 0, 0, 2                                                                                  \
	} /* the peer of feed_tcp() */
#define OTHER                                                                                                \
	{                                                                                                    \
		10, 0, 0, 9                                                                                  \
	}

static struct feed f;
static char dir[PATH_MAX];

static void begin(const char *settings)
{
	unsigned pid;

	feed_tmpdir(dir);
	feed_start(&f, dir, settings);
	feed_ready(&f);
	for (pid = 1; pid <= 3; pid++) {
		char path[16];

		snprintf(path, sizeof(path), "/bin/p%u", pid);
		feed_program_start(&f, pid, 0, path, "x", 2, (uint8_t)pid);
	}
}

static void end(void)
{
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
}

static struct wire_flow flow_of(unsigned pid, uint16_t lport)
{
	struct wire_flow flow = feed_tcp(pid, lport, 443, lport, 0);

	flow.flags = WIRE_FLOW_ENDED;
	return flow;
}

static void flow(unsigned pid, uint16_t lport)
{
	struct wire_flow flow = flow_of(pid, lport);

	feed_flow(&f, &flow);
}

static void claim(unsigned pid, uint16_t lport, unsigned source, const char *text)
{
	struct wire_flow flow = flow_of(pid, lport);

	feed_claim(&f, &flow, source, text);
}

/* Told to pid (0: to nobody), at so many seconds before or behind the flows, for a minute. */
static void answer(unsigned pid, unsigned source, int64_t at_s, const char *text)
{
	feed_name(&f,
		  (struct wire_name){.source = (uint8_t)source,
				     .flags = source == WIRE_NAME_DNS || source == WIRE_NAME_HOSTS
						      ? WIRE_NAME_SYSTEM
						      : 0,
				     .family = AF_INET,
				     .addr = ADDRESS,
				     .ttl_s = 60,
				     .netns = NETNS},
		  pid, at_s, text);
}

static void window(void)
{
	static uint64_t n;

	feed_window(&f, FEED_T + 10 + n++);
}

#define NAMES "SELECT exe, domain, name_source, domain_resolved FROM connections ORDER BY lport"
#define is(expected) assert_string_equal(feed_ask(&f, NAMES), expected)

static void claims_are_of_one_connection(void **state)
{
	(void)state;
	begin(FEED_DEFAULTS);
	claim(1, 1000, WIRE_NAME_SNI, "a.example");
	flow(1, 1000);
	flow(1, 1001);
	flow(2, 1002); /* the same address */
	claim(2, 1003, WIRE_NAME_ECH, "outer.example");
	flow(2, 1003);
	window();
	is("/bin/p1|a.example|sni|NULL\n/bin/p1|NULL|NULL|NULL\n/bin/p2|NULL|NULL|NULL\n"
	   "/bin/p2|outer.example|ech|NULL");
	end();
}

/* One UDP socket talks to four, at two addresses; to one of them without a word that names it. */
static void claims_are_of_one_peer(void **state)
{
	static const struct {
		uint8_t host;
		uint16_t rport;
		const char *name;
	} peers[] = {{2, 443, "a.example"}, {2, 8443, "b.example"}, {9, 443, "c.example"}, {9, 53, NULL}};
	struct wire_flow flow = flow_of(1, 1000);
	size_t i;

	(void)state;
	begin(FEED_DEFAULTS);
	flow.protocol = 17;
	flow.flags = 0;
	for (i = 0; i < 8; i++) { /* names first: the last one told is not that of all */
		flow.raddr[3] = peers[i % 4].host;
		flow.rport = peers[i % 4].rport;
		if (i < 4 && peers[i].name)
			feed_claim(&f, &flow, WIRE_NAME_QUIC, peers[i].name);
		else if (i >= 4)
			feed_flow(&f, &flow);
	}
	window();
	assert_string_equal(
		feed_ask(&f, "SELECT raddr, rport, domain FROM connections ORDER BY raddr, rport"),
		"10.0.0.2|443|a.example\n10.0.0.2|8443|b.example\n10.0.0.9|53|NULL\n10.0.0.9|443|c.example");
	end();
}

/* A server's own name is not that of its clients. */
static void claims_are_of_whom_we_went_to(void **state)
{
	struct wire_flow in = flow_of(1, 1000);

	(void)state;
	begin(FEED_DEFAULTS);
	claim(1, 1000, WIRE_NAME_SNI, "me.example");
	in.direction = WIRE_DIRECTION_IN;
	feed_flow(&f, &in);
	window();
	is("/bin/p1|NULL|NULL|NULL");
	end();
}

static void a_claim_lasts_as_long_as_its_connection(void **state)
{
	struct wire_flow flow = flow_of(1, 1000);

	(void)state;
	begin(FEED_DEFAULTS);
	flow.flags = 0;
	claim(1, 1000, WIRE_NAME_HTTP, "a.example");
	feed_flow(&f, &flow);
	window();
	feed_flow(&f, &flow);
	window();
	flow.flags = WIRE_FLOW_ENDED;
	feed_flow(&f, &flow);
	window();
	window();
	feed_flow(&f, &flow); /* the number is never given to another; were it, the name would be gone */
	window();
	is("/bin/p1|a.example|http|NULL\n/bin/p1|a.example|http|NULL\n/bin/p1|a.example|http|NULL\n"
	   "/bin/p1|NULL|NULL|NULL");
	end();
}

/* Two processes, two names, one address: each has the one it asked for, whoever asked last. */
static void each_process_has_its_own_answer(void **state)
{
	(void)state;
	begin(FEED_DEFAULTS);
	answer(1, WIRE_NAME_DNS, -2, "one.example");
	answer(2, WIRE_NAME_LIBC, -1, "two.example");
	answer(0, WIRE_NAME_HOSTS, -1, "hosts.example");
	flow(1, 1000);
	flow(2, 1001);
	flow(3, 1002); /* asked nobody: what was told last in its network namespace */
	window();
	is("/bin/p1|one.example|dns|NULL\n/bin/p2|two.example|libc|NULL\n/bin/p3|two.example|shared|NULL");
	end();
}

static void other_namespaces_have_their_own(void **state)
{
	struct wire_flow there = flow_of(2, 1001), elsewhere = flow_of(3, 1002);

	(void)state;
	begin(FEED_DEFAULTS);
	answer(1, WIRE_NAME_DNS, -1, "here.example");
	feed_name(&f,
		  (struct wire_name){.source = WIRE_NAME_HOSTS,
				     .family = AF_INET,
				     .addr = ADDRESS,
				     .ttl_s = 60,
				     .netns = 5},
		  0, -1, "there.example");
	flow(1, 1000);
	there.netns = 5;
	feed_flow(&f, &there);
	elsewhere.netns = 6;
	feed_flow(&f, &elsewhere);
	window();
	is("/bin/p1|here.example|dns|NULL\n/bin/p2|there.example|hosts|NULL\n/bin/p3|NULL|NULL|NULL");
	end();
}

static void claims_and_answers_are_kept_apart(void **state)
{
	(void)state;
	begin(FEED_DEFAULTS);
	answer(1, WIRE_NAME_DNS, -1, "cdn.example");
	claim(1, 1000, WIRE_NAME_SNI, "shop.example");
	flow(1, 1000);
	claim(1, 1001, WIRE_NAME_ECH, "outer.example");
	flow(1, 1001);
	claim(1, 1002, WIRE_NAME_SNI, "cdn.example");
	flow(1, 1002);
	window();
	is("/bin/p1|shop.example|sni|cdn.example\n/bin/p1|outer.example|ech|cdn.example\n"
	   "/bin/p1|cdn.example|sni|NULL");
	end();
}

static void six(void **state)
{
	struct wire_name w = {.source = WIRE_NAME_DNS,
			      .family = AF_INET6,
			      .addr = {0x20, 1, 0xd, 0xb8, 9},
			      .ttl_s = 60,
			      .netns = NETNS};
	struct wire_flow flow = flow_of(1, 1000);

	(void)state;
	begin(FEED_DEFAULTS);
	feed_name(&f, w, 1, -1, "six.example");
	flow.family = AF_INET6;
	memcpy(flow.raddr, w.addr, sizeof(w.addr));
	feed_flow(&f, &flow);
	window();
	assert_string_equal(feed_ask(&f, "SELECT raddr, domain FROM connections"),
			    "2001:db8:900::|six.example");
	end();
}

/* Behind the flow, before the window is written. */
static void names_that_come_late(void **state)
{
	(void)state;
	begin(FEED_DEFAULTS);
	flow(1, 1000);
	flow(2, 1001);
	claim(1, 1000, WIRE_NAME_SNI, "late.example");
	answer(2, WIRE_NAME_DNS, 0, "answer.example");
	window();
	is("/bin/p1|late.example|sni|answer.example\n/bin/p2|answer.example|dns|NULL");
	end();
}

/* What its own process was told comes behind the flow, which had to do with what others were. */
static void own_names_that_come_late(void **state)
{
	struct wire_flow open = flow_of(1, 1000);

	(void)state;
	begin(FEED_DEFAULTS);
	answer(3, WIRE_NAME_DNS, -5, "others.example");
	open.flags = 0;
	feed_flow(&f, &open);
	flow(2, 1001);
	answer(1, WIRE_NAME_DNS, 0, "one.example");
	answer(2, WIRE_NAME_DNS, 0, "two.example");
	window();
	feed_flow(&f, &open);
	window();
	is("/bin/p1|one.example|dns|NULL\n/bin/p1|one.example|dns|NULL\n/bin/p2|two.example|dns|NULL");
	end();
}

static void at(unsigned pid, uint16_t lport, uint64_t first_s, unsigned flags)
{
	struct wire_flow flow = flow_of(pid, lport);

	flow.flags = (uint8_t)flags;
	flow.first_ns = flow.last_ns = (FEED_T + first_s) * FEED_NS;
	feed_flow(&f, &flow);
}

/* Good for a minute: for what begins in it, however long that lasts. */
static void stale_names(void **state)
{
	(void)state;
	begin(FEED_DEFAULTS);
	answer(1, WIRE_NAME_DNS, 0, "a.example");
	at(1, 1000, 59, 0);
	at(1, 1001, 61 + ANSWERS_GRACE_S, WIRE_FLOW_ENDED);
	window();
	at(1, 1000, 600, WIRE_FLOW_ENDED);
	at(1, 1004, 990, 0);
	window();
	answer(1, WIRE_NAME_DNS, 1000, "b.example");
	at(1, 1002, 900, WIRE_FLOW_ENDED); /* began before it was told */
	at(1, 1003, 1001, WIRE_FLOW_ENDED);
	at(1, 1004, 1010, WIRE_FLOW_ENDED); /* so did this */
	window();
	is("/bin/p1|a.example|dns|NULL\n/bin/p1|a.example|dns|NULL\n/bin/p1|NULL|NULL|NULL\n"
	   "/bin/p1|NULL|NULL|NULL\n/bin/p1|b.example|dns|NULL\n/bin/p1|NULL|NULL|NULL\n/bin/"
	   "p1|NULL|NULL|NULL");
	end();
}

static void what_was_told_last_when_it_began(void **state)
{
	(void)state;
	begin(FEED_DEFAULTS);
	answer(1, WIRE_NAME_DNS, 0, "a.example");
	answer(1, WIRE_NAME_DNS, 20, "b.example");
	answer(1, WIRE_NAME_DNS, 40, "a.example");
	at(1, 1000, 10, WIRE_FLOW_ENDED);
	at(1, 1001, 30, WIRE_FLOW_ENDED);
	at(1, 1002, 50, WIRE_FLOW_ENDED);
	window();
	assert_string_equal(feed_ask(&f, "SELECT group_concat(domain) FROM (" NAMES ")"),
			    "a.example,b.example,a.example");
	end();
}

/* A worker uses what its parent asked for; a program that the parent started has it from another. */
static void forks(void **state)
{
	struct wire_fork fork = {.parent = FEED_KEY(1, 1), .child = FEED_KEY(4, 1)};
	struct wire_flow flow;

	(void)state;
	begin(FEED_DEFAULTS);
	answer(1, WIRE_NAME_DNS, -3, "parent.example");
	answer(2, WIRE_NAME_DNS, -1, "other.example");
	feed_put(&f, WIRE_FORK, &fork, sizeof(fork), NULL, 0);
	flow = flow_of(4, 1000);
	feed_flow(&f, &flow);
	fork.child = FEED_KEY(5, 1);
	feed_put(&f, WIRE_FORK, &fork, sizeof(fork), NULL, 0);
	feed_image(&f,
		   &(struct feed_image){.key = FEED_KEY(5, 2), .path = "/bin/p5", .comm = "p5", .sha = 5});
	flow = flow_of(5, 1001);
	flow.image = FEED_KEY(5, 2);
	feed_flow(&f, &flow);
	flow = flow_of(1, 1002); /* the same process as before an execve */
	feed_image(&f, &(struct feed_image){
			       .key = FEED_KEY(1, 2), .path = "/bin/next", .comm = "next", .sha = 6});
	flow.image = FEED_KEY(1, 2);
	feed_flow(&f, &flow);
	window();
	is("/bin/p1|parent.example|dns|NULL\n/bin/p5|other.example|shared|NULL\n/bin/"
	   "next|parent.example|dns|NULL");
	end();
}

/* A blocklist has thousands of names for one address; the first is the host's. */
static void hosts_files(void **state)
{
	char name[32];
	int i;

	(void)state;
	begin(FEED_DEFAULTS);
	answer(0, WIRE_NAME_HOSTS, -9, "canonical.example");
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "ads%d.example", i);
		answer(0, WIRE_NAME_HOSTS, -9, name);
	}
	flow(1, 1000);
	window();
	answer(0, WIRE_NAME_HOSTS, -5, "renamed.example"); /* it was edited */
	flow(1, 1001);
	window();
	answer(0, WIRE_NAME_PTR, -5, "ptr.example");
	flow(1, 1002);
	window();
	assert_string_equal(feed_ask(&f, "SELECT group_concat(domain) FROM (" NAMES ")"),
			    "canonical.example,renamed.example,renamed.example");
	end();
}

#define IGNORE "{\"Log ignore\": [\"org.ignored\"]}"

/* Nothing disappears because a program says a name. */
static void only_resolved_names_hide(void **state)
{
	static const unsigned claims[] = {WIRE_NAME_SNI, WIRE_NAME_QUIC, WIRE_NAME_HTTP, WIRE_NAME_ECH};
	static const unsigned weak[] = {WIRE_NAME_MDNS, WIRE_NAME_LLMNR};
	size_t i;

	(void)state;
	begin(IGNORE);
	for (i = 0; i < 4; i++) {
		claim(1, (uint16_t)(1000 + i), claims[i], "www.ignored.org");
		flow(1, (uint16_t)(1000 + i));
	}
	window();
	is("/bin/p1|www.ignored.org|sni|NULL\n/bin/p1|www.ignored.org|quic|NULL\n/bin/"
	   "p1|www.ignored.org|http|NULL\n"
	   "/bin/p1|www.ignored.org|ech|NULL");
	for (i = 0; i < 2; i++) { /* anybody on the link may answer these */
		feed_name(&f,
			  (struct wire_name){.source = (uint8_t)weak[i],
					     .family = AF_INET,
					     .addr = OTHER,
					     .ttl_s = 60,
					     .netns = NETNS},
			  1, -1, "www.ignored.org");
		struct wire_flow flow = flow_of(1, (uint16_t)(1010 + i));

		flow.raddr[3] = 9;
		feed_flow(&f, &flow);
		window();
	}
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"), "6");
	answer(2, WIRE_NAME_DNS, -1, "ignored.org");
	flow(2, 1020);
	answer(3, WIRE_NAME_DNS, -1, "notignored.org");
	flow(3, 1021);
	claim(2, 1022, WIRE_NAME_SNI, "innocent.example"); /* the address is known to be another's */
	flow(2, 1022);
	window();
	assert_string_equal(feed_ask(&f, "SELECT count(*), max(lport) FROM connections"), "7|1021");
	feed_stop(&f);
	assert_string_equal(feed_ask(&f, "SELECT ignored FROM programs WHERE exe = '/bin/p2'"), "2042");
	feed_rmdir(dir);
}

/* As answer(), by a server that is not of this machine, or in another network namespace. */
static void other_answer(unsigned pid, unsigned source, uint8_t flags, uint32_t netns, const char *text)
{
	feed_name(&f,
		  (struct wire_name){.source = (uint8_t)source,
				     .flags = flags,
				     .family = AF_INET,
				     .addr = ADDRESS,
				     .ttl_s = 60,
				     .netns = netns},
		  pid, -1, text);
}

#define written(expected)                                                                                    \
	assert_string_equal(feed_ask(&f, "SELECT exe, domain, name_source FROM connections ORDER BY lport"), \
			    expected)

/* Whoever runs a name server of their own, or says what getaddrinfo(3) finds, hides nothing by it. */
static void only_servers_of_this_machine_hide(void **state)
{
	(void)state;
	begin(IGNORE);
	other_answer(1, WIRE_NAME_DNS, 0, NETNS, "ignored.org");
	flow(1, 1000);
	flow(2, 1001); /* neither for others */
	other_answer(3, WIRE_NAME_LIBC, 0, NETNS, "www.ignored.org");
	flow(3, 1002);
	window();
	written("/bin/p1|ignored.org|dns\n/bin/p2|ignored.org|shared\n/bin/p3|www.ignored.org|libc");
	/* in a namespace of their own they are whoever they like to be */
	other_answer(1, WIRE_NAME_DNS, WIRE_NAME_SYSTEM, NETNS + 1, "www.ignored.org");
	flow(1, 1003);
	window();
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"), "4");
	/* the system says the same of what getaddrinfo() found, in a packet to whomever */
	other_answer(0, WIRE_NAME_DNS, WIRE_NAME_SYSTEM, NETNS, "www.ignored.org");
	flow(3, 1004);
	window();
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"), "4");
	end();
}

/* Nobody is known to have received it: it names what has no better name, in its network namespace. */
static void packets_name_what_nobody_else_does(void **state)
{
	struct wire_flow flow;

	(void)state;
	begin("{}");
	other_answer(0, WIRE_NAME_DNS, WIRE_NAME_SYSTEM, NETNS, "packet.example");
	answer(0, WIRE_NAME_HOSTS, -1, "hosts.example");
	flow = flow_of(1, 1000);
	feed_flow(&f, &flow);
	flow = flow_of(2, 1001);
	flow.netns = NETNS + 1;
	feed_flow(&f, &flow);
	other_answer(3, WIRE_NAME_DNS, 0, NETNS, "own.example");
	flow = flow_of(3, 1002);
	feed_flow(&f, &flow);
	window();
	written("/bin/p1|packet.example|shared\n/bin/p2|NULL|NULL\n/bin/p3|own.example|dns");
	end();
}

/* It is good for as long as the system said, not as long as others say the same. */
static void what_the_system_said_ends(void **state)
{
	struct wire_flow flow = flow_of(1, 1000);

	(void)state;
	begin(IGNORE);
	answer(1, WIRE_NAME_DNS, -63, "ignored.org"); /* 60 seconds, and two */
	other_answer(1, WIRE_NAME_DNS, 0, NETNS, "ignored.org");
	feed_flow(&f, &flow);
	window();
	written("/bin/p1|ignored.org|dns");
	end();
}

/* Two programs use one address; what another was told of it is not what this one asked for. */
static void shared_names_do_not_hide_what_has_another(void **state)
{
	struct wire_flow flow = flow_of(1, 1000);

	(void)state;
	begin(IGNORE);
	answer(2, WIRE_NAME_DNS, -1, "ignored.org");
	flow.flags = 0;
	feed_flow(&f, &flow);
	flow.sent_bytes = 5; /* more of the same */
	feed_flow(&f, &flow);
	flow = flow_of(3, 1001);
	feed_flow(&f, &flow);
	answer(1, WIRE_NAME_DNS, -2, "mine.example");
	window();
	written("/bin/p1|mine.example|dns");
	flow = flow_of(1, 1000); /* the connection goes on */
	feed_flow(&f, &flow);
	window();
	assert_string_equal(feed_ask(&f, "SELECT count(*), max(domain) FROM connections"), "2|mine.example");
	feed_stop(&f);
	assert_string_equal(feed_ask(&f, "SELECT name, ignored FROM programs WHERE ignored > 0"), "p3|1001");
	feed_rmdir(dir);
}

static void owner(int64_t at_s, const char *text)
{
	feed_name(&f,
		  (struct wire_name){
			  .source = WIRE_NAME_PTR, .family = AF_INET, .addr = ADDRESS, .ttl_s = 3600},
		  0, at_s, text);
}

/* A reverse lookup comes behind what it was made for: it names that from then on, hides nothing, and has no
 * say where anything else is known. */
static void what_the_owner_says(void **state)
{
	struct wire_flow flow = flow_of(1, 1000);

	(void)state;
	begin("{\"Reverse lookup\": true, \"Log ignore\": [\"org.ignored\"]}");
	flow.flags = 0;
	feed_flow(&f, &flow);
	window();
	owner(20, "host.ignored.org");
	answer(1, WIRE_NAME_DNS, 20, "told.later");
	flow.first_ns += 10 * FEED_NS; /* it goes on */
	feed_flow(&f, &flow);
	flow.cookie = 99;
	flow.lport = 1001;
	feed_claim(&f, &flow, WIRE_NAME_SNI, "shop.example");
	feed_flow(&f, &flow);
	window();
	answer(2, WIRE_NAME_DNS, 0, "told.example");
	flow = flow_of(2, 1002);
	feed_flow(&f, &flow);
	window();
	is("/bin/p1|NULL|NULL|NULL\n/bin/p1|host.ignored.org|ptr|NULL\n/bin/p1|shop.example|sni|NULL\n"
	   "/bin/p2|told.example|dns|NULL");
	end();
}

/* Ports that are not written tell connections apart nevertheless. */
static void late_without_ports(void **state)
{
	(void)state;
	begin("{\"Log ports\": false}");
	flow(1, 1000);
	claim(1, 1000, WIRE_NAME_SNI, "late.example");
	window();
	assert_string_equal(feed_ask(&f, "SELECT rport, domain FROM connections"), "0|late.example");
	end();
}

static void ignored_when_the_name_comes_late(void **state)
{
	(void)state;
	begin(IGNORE);
	flow(2, 1000);
	flow(1, 1001);
	claim(1, 1001, WIRE_NAME_SNI, "ignored.org");
	answer(2, WIRE_NAME_DNS, 0, "a.ignored.org");
	window();
	assert_string_equal(feed_ask(&f, "SELECT exe, domain FROM connections"), "");
	feed_stop(&f);
	/* of the other program too: what is shared was resolved */
	assert_string_equal(feed_ask(&f, "SELECT sum(ignored) FROM programs"), "2001");
	feed_rmdir(dir);
}

static void blank_without_addresses(void **state)
{
	(void)state;
	begin("{\"Log addresses\": false, \"DB text log\": true}");
	answer(1, WIRE_NAME_DNS, -1, "secret.example");
	claim(1, 1000, WIRE_NAME_SNI, "hidden.example");
	flow(1, 1000);
	window();
	assert_string_equal(feed_ask(&f,
				     "SELECT domain, name_source, domain_resolved, country, asn, as_name FROM"
				     " connections"),
			    "NULL|");
	assert_string_equal(feed_ask(&f, "SELECT group_concat(text) FROM domain"), "");
	assert_int_equal(feed_stop(&f), 0);
	{
		char command[PATH_MAX + 64];

		snprintf(command, sizeof(command), "grep -rqa -e secret -e hidden '%s'", dir);
		assert_int_equal(WEXITSTATUS(system(command)), 1);
	}
	feed_rmdir(dir);
}

static void rollups_and_conn_log(void **state)
{
	char command[PATH_MAX + 64];

	(void)state;
	begin("{\"DB text log\": true}");
	claim(1, 1000, WIRE_NAME_SNI, "www.example.org");
	flow(1, 1000);
	claim(1, 1001, WIRE_NAME_SNI, "example.org");
	flow(1, 1001);
	window();
	assert_string_equal(feed_ask(&f, "SELECT domain, sum(send) FROM traffic_day GROUP BY 1"),
			    "example.org|1001\nwww.example.org|1000");
	assert_string_equal(feed_ask(&f, "SELECT reversed FROM domain ORDER BY 1"),
			    "org.example.\norg.example.www.");
	assert_int_equal(feed_stop(&f), 0);
	snprintf(command, sizeof(command), "grep -q ',10.0.0.2,www.example.org$' '%s/conn.log'", dir);
	assert_int_equal(system(command), 0);
	feed_rmdir(dir);
}

/* More names than are kept: the store stays small, and works. */
static void a_flood(void **state)
{
	struct wire_name w = {.source = WIRE_NAME_DNS, .family = AF_INET, .ttl_s = 60, .netns = NETNS};
	char name[64];
	uint32_t i;

	(void)state;
	begin(FEED_DEFAULTS);
	for (i = 0; i < 5 * ANSWERS_MAX; i++) {
		memcpy(w.addr, &i, sizeof(i));
		snprintf(name, sizeof(name), "n%u.example", i);
		feed_name(&f, w, 1 + i % 3, -1, name);
		w.source = WIRE_NAME_DNS;
		feed_name(&f,
			  (struct wire_name){
				  .source = WIRE_NAME_SNI, .cookie = i + 1, .family = AF_INET, .rport = 443},
			  1, 0, name);
	}
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "m%u.example", i);
		answer(1, WIRE_NAME_DNS, -1, name);
	}
	claim(2, 1000, WIRE_NAME_SNI, "last.example");
	flow(2, 1000);
	flow(1, 1001);
	window();
	is("/bin/p2|last.example|sni|m999.example\n/bin/p1|m999.example|dns|NULL");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_of_one_connection),
		cmocka_unit_test(claims_are_of_one_peer),
		cmocka_unit_test(claims_are_of_whom_we_went_to),
		cmocka_unit_test(a_claim_lasts_as_long_as_its_connection),
		cmocka_unit_test(each_process_has_its_own_answer),
		cmocka_unit_test(other_namespaces_have_their_own),
		cmocka_unit_test(claims_and_answers_are_kept_apart),
		cmocka_unit_test(six),
		cmocka_unit_test(names_that_come_late),
		cmocka_unit_test(own_names_that_come_late),
		cmocka_unit_test(stale_names),
		cmocka_unit_test(what_was_told_last_when_it_began),
		cmocka_unit_test(forks),
		cmocka_unit_test(hosts_files),
		cmocka_unit_test(only_resolved_names_hide),
		cmocka_unit_test(only_servers_of_this_machine_hide),
		cmocka_unit_test(packets_name_what_nobody_else_does),
		cmocka_unit_test(what_the_system_said_ends),
		cmocka_unit_test(shared_names_do_not_hide_what_has_another),
		cmocka_unit_test(late_without_ports),
		cmocka_unit_test(what_the_owner_says),
		cmocka_unit_test(ignored_when_the_name_comes_late),
		cmocka_unit_test(blank_without_addresses),
		cmocka_unit_test(rollups_and_conn_log),
		cmocka_unit_test(a_flood),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("store names", tests, NULL, NULL);
}
