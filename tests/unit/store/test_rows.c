// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_rows.c - frames into the real femtosnitch-store, rows out of its views: columns and types, sums,
 * times, ancestry, names that fight back, and what the settings switch off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/feed.h"

#define ARGS(text) text, sizeof(text)

static struct feed f;
static char dir[PATH_MAX];

static void start(const char *json)
{
	feed_tmpdir(dir);
	feed_start(&f, dir, json);
	feed_ready(&f);
}

static void stop(void)
{
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
}

static void flow(unsigned pid, uint16_t lport, uint64_t sent, uint64_t received)
{
	struct wire_flow flow = feed_tcp(pid, lport, 443, sent, received);

	feed_flow(&f, &flow);
}

static void exactly_these_columns(void **state)
{
	static const char *const columns = "contime|send|recv|exe|name|cmdline|sha256|pexe|pname|pcmdline|"
					   "psha256|uid|lport|rport|laddr|raddr|domain|"
					   "gpexe|gpname|gpcmdline|gpsha256|family|protocol|netns|events|"
					   "hash_error|container|unit|direction|result|"
					   "time|last_seen|protocol_name|user|raddr_source|sniffed|"
					   "runtime|cgroup|creator|creator_uid|tunnel_send|tunnel_recv|"
					   "script|script_sha256|script_source|script_hash_error|app|flags|"
					   "name_source|domain_resolved|country|asn|as_name";
	static const char *const types = "integer|integer|integer|text|text|text|text|text|text|text|text|"
					 "integer|integer|integer|text|text|null|"
					 "null|null|null|null|integer|integer|integer|integer|null|null|null|"
					 "text|text|text|integer|text|text|text|"
					 "integer|null|null|null|null|integer|integer|"
					 "null|null|null|null|text|null|"
					 "null|null|null|null|null";
	char sql[2048] = "SELECT ", names[1024], *name, *rest = names;

	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/usr/bin/bash", ARGS("bash"), 0xab);
	feed_program_start(&f, 2, 1, "/usr/bin/curl", ARGS("curl\0-s\0a b"), 0xcd);
	flow(2, 4000, 100, 200);
	feed_window(&f, FEED_T + 10);
	assert_int_equal(f.rows, 1);
	assert_string_equal(feed_ask(&f, "SELECT replace(group_concat(name), ',', '|') FROM"
					 " pragma_table_info('connections')"),
			    columns);
	strcpy(names, columns);
	while ((name = strsep(&rest, "|")))
		sprintf(sql + strlen(sql), "typeof(%s)%s", name, rest ? "," : " FROM connections");
	assert_string_equal(feed_ask(&f, sql), types);
	assert_string_equal(
		feed_ask(&f, "SELECT send, recv, exe, name, cmdline, pexe, pname, pcmdline, uid, lport,"
			     " rport, laddr, raddr, family, protocol, netns, events, direction, result,"
			     " protocol_name, user, raddr_source, sniffed FROM connections"),
		"100|200|/usr/bin/curl|curl|curl -s 'a b'|/usr/bin/bash|bash|bash|0|4000|443|10.0.0.1|"
		"10.0.0.2|2|6|4026531840|1|out|open|tcp|root|socket|0");
	assert_string_equal(feed_ask(&f, "SELECT sha256, psha256 FROM connections"),
			    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd|"
			    "abababababababababababababababababababababababababababababababab");
	snprintf(sql, sizeof(sql),
		 "SELECT contime = %llu AND last_seen = %llu AND time = strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', "
		 "%llu,"
		 " 'unixepoch') FROM connections",
		 (unsigned long long)FEED_T, (unsigned long long)FEED_T + 3, (unsigned long long)FEED_T);
	assert_string_equal(feed_ask(&f, sql), "1");
	stop();
}

static void one_row_per_flow_and_window(void **state)
{
	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/usr/bin/a", ARGS("a"), 1);
	flow(1, 4000, 1, 10);
	flow(1, 4000, 2, 20);
	flow(1, 4001, 4, 40);
	feed_window(&f, FEED_T + 10);
	flow(1, 4000, 8, 80);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT send, recv, lport, events FROM connections ORDER BY send"),
			    "3|30|4000|1\n4|40|4001|1\n8|80|4000|1");
	/* the rollups add up, and know two connections, not three */
	assert_string_equal(
		feed_ask(&f, "SELECT sum(send), sum(recv), sum(connections), count(*) FROM traffic_5min"),
		"15|150|2|1");
	assert_string_equal(feed_ask(&f,
				     "SELECT exe, raddr, rport, protocol, direction, send, recv, connections,"
				     " bucket % 3600 FROM traffic_hour"),
			    "/usr/bin/a|10.0.0.2|443|6|out|15|150|2|0");
	assert_string_equal(
		feed_ask(&f, "SELECT exe, name, send, recv, connections, bucket % 86400 FROM totals_day"),
		"/usr/bin/a|a|15|150|2|0");
	stop();
}

/* One that nobody asks about: what interfaces moved meanwhile is no reason to write either. */
static void window_passes(uint64_t to_s)
{
	struct wire_window w = {.from_ns = (to_s - 10) * FEED_NS, .to_ns = to_s * FEED_NS};

	feed_put(&f, WIRE_WINDOW, &w, sizeof(w), NULL, 0);
	assert_int_equal(feed_wait(&f, WIRE_COMMITTED, 1, 5000), 1);
}

static void an_empty_window_writes_nothing(void **state)
{
	struct stat before, after;
	char wal[PATH_MAX + 16];

	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/usr/bin/a", ARGS("a"), 1);
	flow(1, 4000, 1, 10);
	feed_window(&f, FEED_T + 10);
	snprintf(wal, sizeof(wal), "%s/snitch.db-wal", dir);
	assert_int_equal(stat(wal, &before), 0);
	window_passes(FEED_T + 20);
	window_passes(FEED_T + 30);
	assert_int_equal(f.rows, 0);
	assert_int_equal(stat(wal, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	stop();
}

/* bash starts a script, which starts curl; both parents exit before curl has sent anything. */
static void dead_parents_keep_their_names(void **state)
{
	struct wire_exit gone = {.tgid = 2, .start_ns = 2000};
	struct wire_fork fork = {.parent = FEED_KEY(2, 1), .child = FEED_KEY(3, 1)};
	struct feed_image curl = {
		.key = FEED_KEY(3, 2),
		.parent = FEED_KEY(9, 1), /* by now init is its parent */
		.path = "/usr/bin/curl",
		.comm = "curl",
		.argv = "curl",
		.argv_len = 5,
		.sha = 3,
	};
	struct wire_flow late = feed_tcp(3, 4000, 443, 1, 1);
	int i;

	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 9, 0, "/sbin/init", ARGS("init"), 9);
	feed_program_start(&f, 1, 9, "/usr/bin/bash", ARGS("bash"), 1);
	feed_program_start(&f, 2, 1, "/tmp/script", ARGS("sh\0/tmp/script"), 2);
	feed_put(&f, WIRE_FORK, &fork, sizeof(fork), NULL, 0);
	feed_put(&f, WIRE_EXIT, &gone, sizeof(gone), NULL, 0);
	for (i = 0; i < 4; i++)
		feed_window(&f, FEED_T + 10); /* the dead are forgotten, but not by their children */
	feed_image(&f, &curl);
	late.image.exec_id = 2;
	feed_flow(&f, &late);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT exe, pexe, pcmdline, gpexe FROM connections"),
			    "/usr/bin/curl|/tmp/script|sh /tmp/script|/usr/bin/bash");
	stop();
}

/* A child that never called execve is its parent's program, and has it as parent. */
static void a_forked_child_is_a_copy(void **state)
{
	struct wire_fork fork = {.parent = FEED_KEY(1, 1), .child = FEED_KEY(2, 1)};

	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 9, 0, "/sbin/init", ARGS("init"), 9);
	feed_program_start(&f, 1, 9, "/usr/sbin/nginx", ARGS("nginx\0-g"), 1);
	feed_put(&f, WIRE_FORK, &fork, sizeof(fork), NULL, 0);
	flow(2, 4000, 1, 1);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT exe, cmdline, pexe, gpexe FROM connections"),
			    "/usr/sbin/nginx|nginx -g|/usr/sbin/nginx|/sbin/init");
	stop();
}

/* Traffic of the image before an execve, and of a process that has exited, is reported after that. */
static void late_traffic_finds_its_image(void **state)
{
	struct feed_image second = {.key = FEED_KEY(1, 2), .path = "/bin/second", .comm = "second", .sha = 2};
	struct wire_exit gone = {.tgid = 1, .start_ns = 1000};

	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/bin/first", ARGS("first"), 1);
	feed_image(&f, &second);
	feed_put(&f, WIRE_EXIT, &gone, sizeof(gone), NULL, 0);
	flow(1, 4000, 7, 7);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT exe, send FROM connections"), "/bin/first|7");
	stop();
}

static void a_second_record_fills_gaps_only(void **state)
{
	struct feed_image first = {.key = FEED_KEY(1, 1),
				   .path = "/bin/true-path",
				   .comm = "true-path",
				   .argv = "x",
				   .argv_len = 2,
				   .sha = 1};
	struct feed_image later = {.key = FEED_KEY(1, 1),
				   .path = "/bin/forged",
				   .comm = "forged",
				   .argv = "forged",
				   .argv_len = 7,
				   .sha = 2,
				   .source = WIRE_EXEC_NETWORK};
	struct feed_image unread = {.key = FEED_KEY(2, 1),
				    .path = "/bin/b",
				    .comm = "b",
				    .sha = 3,
				    .flags = WIRE_EXEC_ARGV_UNREAD};
	struct feed_image read = {.key = FEED_KEY(2, 1),
				  .path = "/bin/b",
				  .comm = "b",
				  .argv = "b\0-v",
				  .argv_len = 5,
				  .sha = 3,
				  .source = WIRE_EXEC_NETWORK};

	(void)state;
	start(FEED_DEFAULTS);
	feed_image(&f, &first);
	feed_image(&f, &later);
	feed_image(&f, &unread);
	feed_image(&f, &read);
	flow(1, 4000, 1, 1);
	flow(2, 4000, 2, 2);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT exe, cmdline FROM connections ORDER BY send"),
			    "/bin/true-path|x\n/bin/b|b -v");
	stop();
}

static void traffic_of_nobody_is_a_row_and_a_loss(void **state)
{
	(void)state;
	start(FEED_DEFAULTS);
	flow(77, 4000, 5, 6);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT exe, name, sha256, hash_error, send, recv FROM connections"),
			    "NULL|NULL|NULL|no image record|5|6");
	assert_string_equal(feed_ask(&f, "SELECT kind, stage, records, bytes FROM losses"),
			    "image|store|1|11");
	stop();
}

static void names_that_fight_back(void **state)
{
	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/tmp/a\nb'; DROP TABLE flow; --\"\xff\xfe\xc3\xa9",
			   ARGS("x\0new\nline\0\xff\0it's"), 1);
	flow(1, 4000, 1, 1);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT exe FROM connections"),
			    "/tmp/a\nb'; DROP TABLE flow; --\"\\xff\\xfe\xc3\xa9");
	assert_string_equal(feed_ask(&f, "SELECT cmdline FROM connections"),
			    "x 'new\nline' '\\xff' 'it'\"'\"'s'");
	assert_string_equal(feed_ask(&f, "PRAGMA integrity_check"), "ok");
	stop();
}

static void the_kernel_has_a_name(void **state)
{
	struct feed_image thread = {.key = FEED_KEY(5, 0),
				    .comm = "kworker/u8:1",
				    .flags = WIRE_EXEC_KERNEL,
				    .hash_error = WIRE_HASH_NO_FILE};
	struct wire_flow own = feed_tcp(5, 1, 2, 3, 4), nameless = feed_tcp(5, 1, 2, 5, 6);

	(void)state;
	start(FEED_DEFAULTS);
	feed_image(&f, &thread);
	own.image.exec_id = 0;
	feed_flow(&f, &own);
	memset(&nameless.image, 0, sizeof(nameless.image));
	feed_flow(&f, &nameless);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT exe, name, cmdline, hash_error FROM connections ORDER BY send"),
		"kernel: kworker/u8:1|kworker/u8:1|NULL|no file\nkernel: socket|socket|NULL|no file");
	stop();
}

static void every_family(void **state)
{
	struct wire_flow v6 = feed_tcp(1, 1, 2, 1, 0), packet = feed_tcp(1, 0, 0, 2, 0),
			 nobody = feed_tcp(1, 1, 0, 3, 0), raw = feed_tcp(1, 0, 0, 4, 0);

	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	v6.family = AF_INET6;
	v6.protocol = 17;
	memcpy(v6.laddr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	memcpy(v6.raddr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	packet.family = AF_PACKET;
	packet.protocol = 0x0800;
	packet.sniffed_bytes = 99;
	packet.peer = nobody.peer = WIRE_PEER_UNKNOWN;
	nobody.result = WIRE_RESULT_NONE;
	memset(packet.laddr, 0, 16), memset(packet.raddr, 0, 16), memset(nobody.raddr, 0, 16);
	raw.protocol = 253;
	raw.peer = WIRE_PEER_CALLER;
	feed_flow(&f, &v6);
	feed_flow(&f, &packet);
	feed_flow(&f, &nobody);
	feed_flow(&f, &raw);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT laddr, raddr, family, protocol, protocol_name, raddr_source, result,"
			     " sniffed FROM connections ORDER BY send"),
		"2001:db8::1|2001:db8::2|10|17|udp|socket|open|0\n"
		"NULL|NULL|17|2048|NULL|unknown|open|99\n"
		"10.0.0.1|NULL|2|6|tcp|unknown|NULL|0\n"
		"10.0.0.1|10.0.0.2|2|253|NULL|caller|open|0");
	stop();
}

static void nothing_private_is_kept(void **state)
{
	(void)state;
	start("{\"Log addresses\": false, \"Log ports\": false, \"Log commands\": false}");
	feed_program_start(&f, 1, 0, "/bin/parent", ARGS("parent\0secret"), 1);
	feed_program_start(&f, 2, 1, "/bin/a", ARGS("a\0secret"), 2);
	flow(2, 4000, 1, 1);
	flow(2, 4001, 2, 2);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT send, recv, events, '[' || cmdline || pcmdline || laddr || "
					 "raddr || domain || "
					 "raddr_source || ']', lport, rport FROM connections"),
			    "3|3|2|[]|0|0");
	assert_string_equal(
		feed_ask(&f, "SELECT '[' || raddr || domain || ']', rport, connections FROM traffic_hour"),
		"[]|0|2");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM image WHERE cmdline LIKE '%secret%'"), "0");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM address WHERE text <> ''"), "0");
	stop();
}

static void switching_commands_off_later(void **state)
{
	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a\0secret"), 1);
	flow(1, 4000, 1, 1);
	feed_settings(&f, "{\"Log commands\": false}");
	flow(1, 4000, 2, 2);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT '[' || cmdline || ']', send FROM connections ORDER BY send"),
			    "[a secret]|1\n[]|2");
	stop();
}

static void ignored_traffic_is_counted_only(void **state)
{
	struct wire_flow ssh = feed_tcp(1, 22, 443, 1000, 1), other_net = feed_tcp(1, 4000, 443, 100, 0);

	(void)state;
	start("{\"Log ignore\": [22, \"192.168.0.0/16\", "
	      "\"0505050505050505050505050505050505050505050505050505050505050505\"]}");
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	feed_program_start(&f, 5, 0, "/bin/by-hash", ARGS("b"), 5);
	feed_flow(&f, &ssh);
	memcpy(other_net.raddr, "\xc0\xa8\x01\x01", 4);
	feed_flow(&f, &other_net);
	flow(5, 4000, 10, 0);
	flow(1, 4000, 1, 0);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT exe, send FROM connections"), "/bin/a|1");
	assert_string_equal(feed_ask(&f, "SELECT exe, ignored FROM programs ORDER BY exe"),
			    "/bin/a|1101\n/bin/by-hash|10");
	assert_string_equal(feed_ask(&f, "SELECT sum(send) FROM traffic_day"), "1");
	stop();
}

static void ignored_by_a_hash_that_comes_late(void **state)
{
	struct feed_image pending = {.key = FEED_KEY(1, 1),
				     .path = "/bin/big",
				     .comm = "big",
				     .file_id = 7,
				     .hash_error = WIRE_HASH_PENDING};
	struct wire_digest digest = {.file_id = 7};
	struct wire_flow now = feed_tcp(1, 4000, 443, 9, 0);

	(void)state;
	start("{\"Log ignore\": [\"0505050505050505050505050505050505050505050505050505050505050505\"]}");
	feed_image(&f, &pending);
	now.first_ns = now.last_ns = (uint64_t)time(NULL) * FEED_NS;
	feed_flow(&f, &now);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"), "0");
	memset(digest.sha256, 5, sizeof(digest.sha256));
	feed_put(&f, WIRE_DIGEST, &digest, sizeof(digest), NULL, 0);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"), "0");
	assert_string_equal(feed_ask(&f, "SELECT exe, ignored FROM programs"), "/bin/big|9");
	stop();
}

static void every_execution(void **state)
{
	(void)state;
	start("{\"Every exe (not just conns)\": true, \"Log ports\": false}");
	feed_program_start(&f, 1, 0, "/bin/ls", ARGS("ls"), 1);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT exe, lport, rport, send, recv, laddr, raddr, direction, result, events,"
			     " raddr_source FROM connections"),
		"/bin/ls|-1|-1|0|0|NULL|NULL|NULL|NULL|1|NULL");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM traffic_day"), "0");
	assert_string_equal(feed_ask(&f, "SELECT exe, first_network FROM programs"), "/bin/ls|NULL");
	stop();
}

static void without_the_sql_log(void **state)
{
	struct wire_loss loss = {.from_ns = FEED_T * FEED_NS,
				 .to_ns = FEED_T * FEED_NS,
				 .records = 3,
				 .kind = WIRE_LOSS_PIPE,
				 .stage = WIRE_STAGE_HASHER,
				 .detail_len = 2};

	(void)state;
	start("{\"DB sql log\": false}");
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a\0secret"), 1);
	flow(1, 4000, 1, 1);
	feed_put(&f, WIRE_LOSS, &loss, sizeof(loss), "hm", 2);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM connections"), "0");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM image"), "0");
	assert_string_equal(feed_ask(&f, "SELECT exe, seen_as FROM programs"), "/bin/a|new");
	assert_string_equal(feed_ask(&f, "SELECT kind, stage, records, detail FROM losses"),
			    "pipe|hasher|3|hm");
	stop();
}

/* What an image says of the script it runs; its path is known late, and its hash later. */
static void a_script_is_a_program_without_a_name(void **state)
{
	struct feed_image i = {
		.key = FEED_KEY(1, 1),
		.path = "/usr/bin/python3",
		.comm = "python3",
		.sha = 1,
		.script = "x.py",
		.script_id = 77,
		.script_error = WIRE_HASH_PENDING,
		.script_source = WIRE_SCRIPT_ARGV,
	};
	struct wire_digest d = {.file_id = 77, .path_len = sizeof("/home/x.py")};

	(void)state;
	start(FEED_DEFAULTS);
	feed_image(&f, &i);
	flow(1, 4000, 1, 1);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT exe, script, script_sha256, script_source, script_hash_error, app"
			     " FROM connections"),
		"/usr/bin/python3|x.py|NULL|argv|pending|x.py");
	memset(d.sha256, 0xab, sizeof(d.sha256));
	feed_put(&f, WIRE_DIGEST, &d, sizeof(d), "/home/x.py", d.path_len);
	flow(1, 4001, 2, 2);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(
		feed_ask(&f, "SELECT script, substr(script_sha256, 1, 4), script_hash_error, app, sum(send)"
			     " FROM connections GROUP BY 1, 2, 3, 4"),
		"/home/x.py|abab|NULL|/home/x.py|3");
	assert_string_equal(
		feed_ask(&f, "SELECT exe, name, first_network IS NOT NULL FROM programs ORDER BY exe"),
		"/home/x.py|NULL|0\n/usr/bin/python3|python3|1");
	stop();
}

/* The same script found under the number of another lookup: one row, whatever referred to the second. */
static void a_script_found_twice_is_one(void **state)
{
	struct feed_image i = {
		.path = "/bin/sh",
		.comm = "sh",
		.sha = 1,
		.script = "x",
		.script_error = WIRE_HASH_PENDING,
		.script_source = WIRE_SCRIPT_ARGV,
	};
	struct wire_digest d = {.path_len = sizeof("/x")};
	unsigned n;

	(void)state;
	start(FEED_DEFAULTS);
	memset(d.sha256, 0xab, sizeof(d.sha256));
	for (n = 1; n <= 2; n++) {
		i.key = FEED_KEY(n, 1);
		d.file_id = i.script_id = n;
		feed_image(&f, &i);
		flow(n, 4000, 1, 1);
		feed_window(&f, FEED_T + 10);
		feed_put(&f, WIRE_DIGEST, &d, sizeof(d), "/x", d.path_len);
		feed_window(&f, FEED_T + 20);
	}
	assert_string_equal(
		feed_ask(&f, "SELECT count(*), count(DISTINCT script) FROM connections WHERE script = '/x'"),
		"2|1");
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM programs WHERE exe IN ('x', '/x')"), "1");
	stop();
}

static void feed_libraries(unsigned pid, uint8_t set, int with_files)
{
	struct wire_libraries head = {
		.image = FEED_KEY(pid, 1), .count = 2, .flags = WIRE_LIBRARIES_ANONYMOUS};
	struct wire_library lib = {.path_len = sizeof("/lib/a.so")};
	char text[2 * (sizeof(lib) + sizeof("/lib/a.so"))];
	size_t half = sizeof(text) / 2;

	memset(head.set, set, sizeof(head.set));
	memset(lib.sha256, 0xcd, sizeof(lib.sha256));
	memcpy(text, &lib, sizeof(lib));
	memcpy(text + sizeof(lib), "/lib/a.so", sizeof("/lib/a.so"));
	lib.hash_error = WIRE_HASH_READ;
	memcpy(text + half, &lib, sizeof(lib));
	memcpy(text + half + sizeof(lib), "/lib/\xff.so", sizeof("/lib/\xff.so"));
	head.text_len = with_files ? sizeof(text) : 0;
	feed_put(&f, WIRE_LIBRARIES, &head, sizeof(head), text, head.text_len);
}

/* Two programs with the same set, of which only the first tells its files. */
static void libraries_by_set(void **state)
{
	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/bin/a", ARGS("a"), 1);
	feed_program_start(&f, 2, 0, "/bin/b", ARGS("b"), 2);
	feed_program_start(&f, 3, 0, "/bin/silent", ARGS("s"), 3);
	flow(1, 4000, 1, 1);
	flow(2, 4000, 1, 1);
	feed_libraries(1, 7, 1);
	feed_libraries(2, 7, 0);
	feed_libraries(3, 8, 1);
	feed_libraries(4, 9, 1); /* nobody */
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT exe, path, substr(sha256, 1, 4), hash_error, flags FROM libraries"
			     " ORDER BY 1, 2"),
		"/bin/a|/lib/\\xff.so|NULL|read|anonymous\n/bin/a|/lib/a.so|cdcd|NULL|anonymous\n"
		"/bin/b|/lib/\\xff.so|NULL|read|anonymous\n/bin/b|/lib/a.so|cdcd|NULL|anonymous");
	assert_string_equal(feed_ask(&f, "SELECT count(*), count(DISTINCT library_set) FROM libraries"),
			    "4|1");
	stop();
}

static void flags_are_words(void **state)
{
	struct feed_image i = {
		.key = FEED_KEY(1, 1),
		.path = "/memfd:x",
		.sha = 1,
		.flags = WIRE_EXEC_UNLINKED | WIRE_EXEC_MEMFD | WIRE_EXEC_TRACED | WIRE_EXEC_LD_PRELOAD |
			 WIRE_EXEC_LD_AUDIT | WIRE_EXEC_ENV_CUT,
		.image_flags = WIRE_IMAGE_LD_SO_PRELOAD,
		.app = "flatpak:org.example.X",
	};

	(void)state;
	start(FEED_DEFAULTS);
	feed_image(&f, &i);
	i.key = FEED_KEY(2, 1);
	i.flags = WIRE_EXEC_UNLINKED;
	i.image_flags = 0;
	i.app = NULL;
	feed_image(&f, &i);
	flow(1, 4000, 1, 1);
	flow(2, 4000, 2, 2);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(
		feed_ask(&f, "SELECT flags, app FROM connections ORDER BY send"),
		"memfd,traced,LD_PRELOAD,LD_AUDIT,ld.so.preload,environment cut|flatpak:org.example.X\n"
		"deleted|/memfd:x");
	stop();
}

static void only_who_is_referred_to_has_rows(void **state)
{
	(void)state;
	start(FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/bin/parent", ARGS("p"), 1);
	feed_program_start(&f, 2, 1, "/bin/a", ARGS("a"), 2);
	feed_program_start(&f, 3, 1, "/bin/silent", ARGS("s"), 3);
	flow(2, 4000, 1, 1);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT exe, first_network IS NOT NULL FROM programs ORDER BY exe"),
			    "/bin/a|1\n/bin/parent|0");
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_these_columns),
		cmocka_unit_test(one_row_per_flow_and_window),
		cmocka_unit_test(an_empty_window_writes_nothing),
		cmocka_unit_test(dead_parents_keep_their_names),
		cmocka_unit_test(a_forked_child_is_a_copy),
		cmocka_unit_test(late_traffic_finds_its_image),
		cmocka_unit_test(a_second_record_fills_gaps_only),
		cmocka_unit_test(traffic_of_nobody_is_a_row_and_a_loss),
		cmocka_unit_test(names_that_fight_back),
		cmocka_unit_test(the_kernel_has_a_name),
		cmocka_unit_test(every_family),
		cmocka_unit_test(nothing_private_is_kept),
		cmocka_unit_test(switching_commands_off_later),
		cmocka_unit_test(ignored_traffic_is_counted_only),
		cmocka_unit_test(ignored_by_a_hash_that_comes_late),
		cmocka_unit_test(every_execution),
		cmocka_unit_test(without_the_sql_log),
		cmocka_unit_test(only_who_is_referred_to_has_rows),
		cmocka_unit_test(a_script_is_a_program_without_a_name),
		cmocka_unit_test(a_script_found_twice_is_one),
		cmocka_unit_test(flags_are_words),
		cmocka_unit_test(libraries_by_set),
	};

	return cmocka_run_group_tests_name("store rows", tests, NULL, NULL);
}
