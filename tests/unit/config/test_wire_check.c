// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_wire_check.c - one good record of every type, then each of its fields made bad, and its length changed
 * by every number of bytes.
 */
#include "config/wire_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

struct record {
	struct wire_hdr hdr;
	char payload[WIRE_FRAME_MAX];
};

static struct record r;

static void begin(enum wire_type type, const void *head, size_t len)
{
	memset(&r, 0, sizeof(r));
	r.hdr.version = WIRE_VERSION;
	r.hdr.type = (__u16)type;
	r.hdr.len = (__u32)len;
	memcpy(r.payload, head, len);
}

static void add(const void *tail, size_t len)
{
	memcpy(r.payload + r.hdr.len, tail, len);
	r.hdr.len += (__u32)len;
}

static void good(void)
{
	const char *why = wire_check(&r.hdr, r.payload);

	if (why)
		fail_msg("type %u: %s", r.hdr.type, why);
}

/* The record with len bytes at offset replaced is refused for that reason; afterwards it is as before. */
static void bad(size_t offset, const void *bytes, size_t len, const char *want)
{
	char saved[64];
	const char *why;

	assert_true(len <= sizeof(saved));
	memcpy(saved, r.payload + offset, len);
	memcpy(r.payload + offset, bytes, len);
	why = wire_check(&r.hdr, r.payload);
	memcpy(r.payload + offset, saved, len);
	if (!why || !strstr(why, want))
		fail_msg("type %u, offset %zu: wanted \"%s\", got %s", r.hdr.type, offset, want,
			 why ? why : "good");
	good();
}

static void bad_u32(size_t offset, uint32_t value, const char *want)
{
	bad(offset, &value, sizeof(value), want);
}

static void bad_u16(size_t offset, uint16_t value, const char *want)
{
	bad(offset, &value, sizeof(value), want);
}

static void bad_u8(size_t offset, uint8_t value, const char *want)
{
	bad(offset, &value, sizeof(value), want);
}

/* Every other length is refused, and the check reads no byte behind it. */
static void only_this_length(void)
{
	struct wire_hdr hdr = r.hdr;
	char *copy;

	for (hdr.len = 0; hdr.len < r.hdr.len; hdr.len++) {
		copy = malloc(hdr.len ? hdr.len : 1);
		assert_non_null(copy);
		memcpy(copy, r.payload, hdr.len);
		if (!wire_check(&hdr, copy))
			fail_msg("type %u: %u bytes were good", hdr.type, hdr.len);
		free(copy);
	}
	hdr.len = r.hdr.len + 1;
	assert_non_null(wire_check(&hdr, r.payload));
}

static void make_exec(struct wire_exec *exec, const char *path, size_t path_len, const char *argv,
		      size_t argv_len)
{
	exec->path_len = (__u16)path_len;
	exec->argv_len = (__u16)argv_len;
	begin(WIRE_EXEC, exec, sizeof(*exec));
	add(path, path_len);
	add(argv, argv_len);
}

static void test_header(void **state)
{
	struct wire_tick tick = {.sequence = 1};

	(void)state;
	begin(WIRE_TICK, &tick, sizeof(tick));
	good();
	only_this_length();
	r.hdr.version++;
	assert_string_equal(wire_check(&r.hdr, r.payload), "another version");
	r.hdr.version = WIRE_VERSION;
	r.hdr.type = 0;
	assert_string_equal(wire_check(&r.hdr, r.payload), "unknown type");
	r.hdr.type = WIRE__MAX;
	assert_string_equal(wire_check(&r.hdr, r.payload), "unknown type");
	r.hdr.type = 65535;
	assert_string_equal(wire_check(&r.hdr, r.payload), "unknown type");
	r.hdr.type = WIRE_SETTINGS;
	r.hdr.len = WIRE_FRAME_MAX - 7;
	assert_string_equal(wire_check(&r.hdr, r.payload), "frame too long");
	r.hdr.len = 0xffffffff;
	assert_string_equal(wire_check(&r.hdr, r.payload), "frame too long");
}

static void test_fixed(void **state)
{
	static const struct {
		enum wire_type type;
		size_t size;
	} fixed[] = {
		{WIRE_TICK, sizeof(struct wire_tick)},
		{WIRE_WINDOW, sizeof(struct wire_window)},
		{WIRE_FORK, sizeof(struct wire_fork)},
		{WIRE_COMMITTED, sizeof(struct wire_committed)},
		{WIRE_EXIT, sizeof(struct wire_exit)},
		{WIRE_CHANGED, sizeof(struct wire_changed)},
		{WIRE_INTERFACES, sizeof(struct wire_interfaces)},
		{WIRE_DONE, sizeof(struct wire_done)},
		{WIRE_EVENT, sizeof(struct wire_event)},
		{WIRE_FLOW, sizeof(struct wire_flow)},
		{WIRE_DIGEST, sizeof(struct wire_digest)},
	};
	static const char zero[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		begin(fixed[i].type, zero, fixed[i].size);
		good();
		only_this_length();
	}
}

static void test_flush(void **state)
{
	struct wire_flush flush = {.id = 1};

	(void)state;
	begin(WIRE_FLUSH, &flush, sizeof(flush));
	good();
	only_this_length();
	flush.id = 0;
	bad(0, &flush, sizeof(flush), "flush without an id");
}

static void test_settings(void **state)
{
	struct wire_settings head = {.generation = 1, .text_len = 2};

	(void)state;
	begin(WIRE_SETTINGS, &head, sizeof(head));
	add("{}", 2);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_settings, generation), 0, "without a generation");
	bad_u32(offsetof(struct wire_settings, text_len), 1, "does not match");
	bad_u32(offsetof(struct wire_settings, text_len), 0xffffffff, "does not match");
	bad_u8(sizeof(head), 0, "NUL in text");
	bad_u8(sizeof(head), 0xff, "not UTF-8");
	r.hdr.len = sizeof(head) + WIRE_SETTINGS_MAX + 1;
	head.text_len = WIRE_SETTINGS_MAX + 1;
	memset(r.payload, 'x', r.hdr.len);
	memcpy(r.payload, &head, sizeof(head));
	assert_string_equal(wire_check(&r.hdr, r.payload), "text too long");
}

static void test_texts(void **state)
{
	struct wire_ready ready = {.stage = WIRE_STAGE_STORE, .text_len = 3};
	struct wire_error error = {.stage = WIRE_STAGE_HASHER, .text_len = 3};
	struct wire_loss loss = {.kind = WIRE_LOSS_CLOCK, .stage = WIRE_STAGE_STORE, .detail_len = 3};

	(void)state;
	begin(WIRE_READY, &ready, sizeof(ready));
	add("a\nb", 3);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_ready, stage), WIRE_STAGE__MAX, "stage out of range");
	bad_u8(sizeof(ready) + 2, 0, "NUL in text");
	begin(WIRE_ERROR, &error, sizeof(error));
	add("\xe2\x82\xac", 3);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_error, stage), 0xffffffff, "stage out of range");
	bad_u8(sizeof(error) + 2, 'x', "not UTF-8");
	begin(WIRE_LOSS, &loss, sizeof(loss));
	add("xyz", 3);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_loss, kind), WIRE_LOSS__MAX, "loss kind out of range");
	bad_u32(offsetof(struct wire_loss, stage), WIRE_STAGE__MAX, "stage out of range");
	bad_u32(offsetof(struct wire_loss, detail_len), 2, "does not match");
	loss.detail_len = WIRE_TEXT_MAX + 1;
	begin(WIRE_LOSS, &loss, sizeof(loss));
	memset(r.payload + sizeof(loss), 'x', WIRE_TEXT_MAX + 1);
	r.hdr.len += WIRE_TEXT_MAX + 1;
	assert_string_equal(wire_check(&r.hdr, r.payload), "text too long");
}

static void test_exec(void **state)
{
	struct wire_exec exec = {.comm = "cat"};
	const size_t path = sizeof(exec), argv = path + 9;

	(void)state;
	make_exec(&exec, "/bin/cat", 9, "cat\0-u", 7);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_exec, flags), WIRE_EXEC_FLAGS + 1, "unknown exec flag");
	bad_u32(offsetof(struct wire_exec, flags), WIRE_EXEC_ARGV_UNREAD, "arguments that were not read");
	bad_u32(offsetof(struct wire_exec, source), WIRE_EXEC_SOURCE__MAX, "source out of range");
	bad_u16(offsetof(struct wire_exec, path_len), 8, "do not fill the frame");
	bad_u16(offsetof(struct wire_exec, argv_len), 65535, "too long");
	bad_u16(offsetof(struct wire_exec, path_len), WIRE_PATH_MAX + 1, "too long");
	bad(offsetof(struct wire_exec, comm), "0123456789abcdef", WIRE_COMM_SIZE, "comm is not terminated");
	bad_u8(path + 8, 'x', "path is not terminated");
	bad_u8(path + 4, 0, "NUL in path");
	bad_u8(argv + 6, 'x', "arguments are not terminated");
	exec.flags = WIRE_EXEC_PATH_REVERSED;
	make_exec(&exec, "cat\0bin", 8, "", 0);
	good();
	bad_u8(path + 7, 'x', "path is not terminated");
	exec.flags = WIRE_EXEC_FLAGS & ~WIRE_EXEC_PATH_REVERSED;
	make_exec(&exec, "", 0, "", 0);
	good();
	only_this_length();
}

static void test_exec_text(void **state)
{
	struct {
		struct wire_exec exec;
		char text[16];
	} e = {.exec = {.path_len = 9, .argv_len = 7}};

	(void)state;
	memcpy(e.text, "/bin/cat\0cat\0-u", 16);
	assert_string_equal(wire_exec_path(&e.exec), "/bin/cat");
	assert_string_equal(wire_exec_argv(&e.exec), "cat");
	e.exec.path_len = e.exec.argv_len = 0;
	assert_string_equal(wire_exec_path(&e.exec), "");
	assert_string_equal(wire_exec_argv(&e.exec), "");
}

static void test_image(void **state)
{
	struct wire_image image = {.hash_error = WIRE_HASH_PENDING, .flags = WIRE_IMAGE_FLAGS};
	struct wire_exec exec = {.path_len = 3, .argv_len = 2, .comm = "x"};
	const size_t at = sizeof(image);

	(void)state;
	begin(WIRE_IMAGE, &image, sizeof(image));
	add(&exec, sizeof(exec));
	add("/x\0x", 5);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_image, hash_error), WIRE_HASH__MAX, "hash error out of range");
	bad_u32(offsetof(struct wire_image, flags), WIRE_IMAGE_FLAGS + 1, "unknown image flag");
	bad_u8(offsetof(struct wire_image, script_error), WIRE_HASH__MAX, "hash error out of range");
	bad_u8(offsetof(struct wire_image, script_source), WIRE_SCRIPT__MAX, "source of a script");
	bad_u16(offsetof(struct wire_image, script_len), 3, "not terminated");
	bad_u16(offsetof(struct wire_image, script_len), 65535, "too long");
	bad_u16(offsetof(struct wire_image, app_len), WIRE_APP_MAX + 1, "too long");
	bad_u32(at + offsetof(struct wire_exec, flags), WIRE_EXEC_PATH_REVERSED, "reversed path");
	bad_u32(at + offsetof(struct wire_exec, flags), 0x80000000, "unknown exec flag");
	bad_u16(at + offsetof(struct wire_exec, argv_len), 3, "do not fill");
	bad_u8(at + sizeof(exec) + 2, 'x', "path is not terminated");
}

static void test_image_texts(void **state)
{
	struct {
		struct wire_image image;
		struct wire_exec exec;
		char text[16];
	} i = {.image = {.script_len = 5, .app_len = 4, .script_source = WIRE_SCRIPT_ARGV},
	       .exec = {.path_len = 3, .argv_len = 2, .comm = "x"}};

	(void)state;
	memcpy(i.text, "/x\0x\0/s.y\0a:b", 14);
	begin(WIRE_IMAGE, &i, sizeof(i.image) + sizeof(i.exec) + 14);
	good();
	only_this_length();
	bad_u8(sizeof(i.image) + sizeof(i.exec) + 9, 'x', "not terminated");
	bad_u8(sizeof(i.image) + sizeof(i.exec) + 6, 0, "not terminated");
	bad_u8(sizeof(i.image) + sizeof(i.exec) + 13, 'x', "not terminated");
	assert_string_equal(wire_image_script(&i.image), "/s.y");
	assert_string_equal(wire_image_app(&i.image), "a:b");
	i.image.script_len = i.image.app_len = 0;
	assert_string_equal(wire_image_script(&i.image), "");
	assert_string_equal(wire_image_app(&i.image), "");
}

static void test_flow(void **state)
{
	struct wire_flow flow = {.family = AF_INET6, .peer = WIRE_PEER_UNKNOWN, .flags = WIRE_FLOW_FLAGS};

	(void)state;
	memset(flow.laddr, 0xff, sizeof(flow.laddr));
	memset(flow.raddr, 0xff, sizeof(flow.raddr));
	begin(WIRE_FLOW, &flow, sizeof(flow));
	good();
	bad_u8(offsetof(struct wire_flow, direction), WIRE_DIRECTION__MAX, "direction out of range");
	bad_u8(offsetof(struct wire_flow, result), WIRE_RESULT__MAX, "result out of range");
	bad_u8(offsetof(struct wire_flow, peer), WIRE_PEER__MAX, "peer out of range");
	bad_u8(offsetof(struct wire_flow, flags), WIRE_FLOW_FLAGS + 1, "unknown flow flag");
	bad_u16(offsetof(struct wire_flow, family), AF_INET, "behind an IPv4 address");
	flow.family = AF_INET;
	memset(flow.laddr + 4, 0, 12);
	memset(flow.raddr + 4, 0, 12);
	begin(WIRE_FLOW, &flow, sizeof(flow));
	good();
	bad_u8(offsetof(struct wire_flow, laddr) + 15, 1, "behind an IPv4 address");
	bad_u8(offsetof(struct wire_flow, raddr) + 4, 1, "behind an IPv4 address");
}

static void test_digest(void **state)
{
	struct wire_digest digest = {.file_id = 1};

	(void)state;
	begin(WIRE_DIGEST, &digest, sizeof(digest));
	good();
	bad_u32(offsetof(struct wire_digest, hash_error), WIRE_HASH_PENDING, "pending");
	bad_u32(offsetof(struct wire_digest, hash_error), WIRE_HASH__MAX, "out of range");
}

static void test_cgroup(void **state)
{
	struct wire_cgroup cgroup = {.id = 7, .path_len = 5};

	(void)state;
	begin(WIRE_CGROUP, &cgroup, sizeof(cgroup));
	add("/a\nb", 5);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_cgroup, flags), WIRE_CGROUP_FLAGS + 1, "unknown cgroup flag");
	bad_u32(offsetof(struct wire_cgroup, path_len), 4, "does not fill");
	bad_u32(offsetof(struct wire_cgroup, path_len), 0, "missing or too long");
	bad_u32(offsetof(struct wire_cgroup, path_len), WIRE_CGROUP_MAX + 1, "missing or too long");
	bad_u8(sizeof(cgroup) + 4, 'x', "not terminated");
	bad_u8(sizeof(cgroup) + 1, 0, "not terminated");
}

static void test_place(void **state)
{
	struct wire_place place = {.id = 7, .runtime_len = 2, .unit_len = 4, .path_len = 3};
	const size_t unit = sizeof(place) + 2, path = unit + 4;

	(void)state;
	begin(WIRE_PLACE, &place, sizeof(place));
	add("r\0u.s\0/x", 9);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_place, id), 0, "without an id");
	bad_u16(offsetof(struct wire_place, runtime_len), 3, "not terminated");
	bad_u16(offsetof(struct wire_place, container_len), WIRE_PLACE_NAME_MAX + 1, "too long");
	bad_u16(offsetof(struct wire_place, unit_len), 8, "too long");
	bad_u16(offsetof(struct wire_place, path_len), 0, "does not fill");
	bad_u8(unit + 1, 0, "not terminated");
	bad_u8(path + 2, 'x', "not terminated");
	place = (struct wire_place){.id = WIRE_PLACE_FOUND};
	begin(WIRE_PLACE, &place, sizeof(place));
	good();
}

static void test_libraries(void **state)
{
	struct {
		struct wire_libraries head;
		struct wire_library one;
		char path[3];
		char two[sizeof(struct wire_library)];
		char path_2[5];
	} l = {.head = {.count = 2, .text_len = 2 * sizeof(struct wire_library) + 8}, .one = {.path_len = 3}};
	struct wire_library two = {.path_len = 5};
	const size_t first = sizeof(l.head);

	(void)state;
	memcpy(l.path, "/x", 3);
	memcpy(l.two, &two, sizeof(two));
	memcpy(l.path_2, "/a b", 5);
	begin(WIRE_LIBRARIES, &l, sizeof(l.head) + l.head.text_len);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_libraries, flags), WIRE_LIBRARIES_FLAGS + 1, "unknown flag");
	bad_u32(offsetof(struct wire_libraries, count), 1, "more libraries");
	bad_u8(first + offsetof(struct wire_library, hash_error), WIRE_HASH__MAX, "hash error");
	bad_u8(first + offsetof(struct wire_library, hash_error), WIRE_HASH_PENDING, "hash error");
	bad_u16(first + offsetof(struct wire_library, path_len), 0, "not terminated");
	bad_u16(first + offsetof(struct wire_library, path_len), 2, "not terminated");
	bad_u16(first + offsetof(struct wire_library, path_len), 60000, "not terminated");
	l.head.text_len = 0;
	begin(WIRE_LIBRARIES, &l, sizeof(l.head));
	good();
}

static void test_order(void **state)
{
	struct wire_order order = {.id = 1, .verb = WIRE_ORDER_MUTE, .program_len = 2};

	(void)state;
	begin(WIRE_ORDER, &order, sizeof(order));
	add("/a", 2);
	good();
	only_this_length();
	bad(offsetof(struct wire_order, id), "\0\0\0\0\0\0\0\0", 8, "without an id");
	bad_u32(offsetof(struct wire_order, verb), WIRE_ORDER__MAX, "verb out of range");
	bad_u8(sizeof(order), 0xff, "not UTF-8");
	bad_u8(sizeof(order), 0, "NUL in text");
}

static void test_verdict(void **state)
{
	struct wire_verdict verdict = {.kind = WIRE_VERDICT_MALICIOUS, .text_len = 1};

	(void)state;
	begin(WIRE_VERDICT, &verdict, sizeof(verdict));
	add("x", 1);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_verdict, kind), WIRE_VERDICT__MAX, "verdict out of range");
	bad_u32(offsetof(struct wire_verdict, text_len), 0, "does not match");
	bad_u8(sizeof(verdict), 0xff, "not UTF-8");
}

static void test_fetch(void **state)
{
	struct wire_fetch fetch = {.path_len = 2};
	struct wire_fetched fetched = {.error = WIRE_HASH_CHANGED};

	(void)state;
	begin(WIRE_FETCH, &fetch, sizeof(fetch));
	add("/a", 2);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_fetch, path_len), 3, "does not match");
	bad_u8(sizeof(fetch), 0, "NUL in text");
	begin(WIRE_FETCHED, &fetched, sizeof(fetched));
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_fetched, error), WIRE_HASH__MAX, "hash error out of range");
	bad_u32(offsetof(struct wire_fetched, error), WIRE_HASH_PENDING, "hash error out of range");
}

static void test_sink(void **state)
{
	struct wire_sink sink = {.stage = WIRE_STAGE_POSTGRES, .text_len = 2};

	(void)state;
	begin(WIRE_SINK, &sink, sizeof(sink));
	add("no", 2);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_sink, stage), WIRE_STAGE__MAX, "sink out of range");
	bad_u32(offsetof(struct wire_sink, stage), WIRE_STAGE_STORE, "sink out of range");
	bad_u8(sizeof(sink), 0xff, "not UTF-8");
}

static void test_package(void **state)
{
	struct wire_package package = {.file_id = 7, .manager_len = 2, .version_len = 4, .explained = 2};

	(void)state;
	begin(WIRE_PACKAGE, &package, sizeof(package));
	add("d\0"
	    "1.0",
	    6);
	good();
	only_this_length();
	bad_u16(offsetof(struct wire_package, manager_len), 3, "not terminated");
	bad_u16(offsetof(struct wire_package, name_len), WIRE_PACKAGE_NAME_MAX + 1, "too long");
	bad_u16(offsetof(struct wire_package, version_len), 5, "too long");
	bad_u16(offsetof(struct wire_package, version_len), 0, "does not fill");
	bad_u16(offsetof(struct wire_package, explained), WIRE_EXPLAINED__MAX, "out of range");
	package = (struct wire_package){.file_id = 1};
	begin(WIRE_PACKAGE, &package, sizeof(package));
	good();
}

static void test_hosts(void **state)
{
	struct wire_hosts hosts = {.flags = WIRE_HOSTS_LAST, .text_len = 3};

	(void)state;
	begin(WIRE_HOSTS, &hosts, sizeof(hosts));
	add("a\0b", 3);
	good();
	bad_u32(offsetof(struct wire_hosts, flags), WIRE_HOSTS_FLAGS + 1, "unknown flag");
	bad_u32(offsetof(struct wire_hosts, text_len), 2, "does not fill");
	bad_u32(offsetof(struct wire_hosts, file), WIRE_HOSTS__MAX, "file of hosts");
}

static void test_payload(void **state)
{
	struct wire_payload payload = {.flags = WIRE_PAYLOAD_RECEIVED, .data_len = 3};

	(void)state;
	begin(WIRE_PAYLOAD, &payload, sizeof(payload));
	add("\0\xff\n", 3);
	good();
	only_this_length();
	bad_u32(offsetof(struct wire_payload, flags), WIRE_PAYLOAD_FLAGS + 1, "unknown flag");
	bad_u16(offsetof(struct wire_payload, data_len), 2, "does not fill");
	bad_u16(offsetof(struct wire_payload, data_len), WIRE_PAYLOAD_MAX + 1, "does not fill");
}

static void test_name(void **state)
{
	struct wire_name name = {.family = AF_INET6, .source = WIRE_NAME_DNS, .name_len = 11};
	const size_t text = sizeof(name);

	(void)state;
	begin(WIRE_NAME, &name, sizeof(name));
	add("a\\010-_.9z", 11);
	good();
	only_this_length();
	bad_u8(offsetof(struct wire_name, source), WIRE_NAME_NONE, "source of a name");
	bad_u8(offsetof(struct wire_name, source), WIRE_NAME_SHARED, "source of a name");
	bad_u8(offsetof(struct wire_name, source), WIRE_NAME__MAX, "source of a name");
	bad_u8(offsetof(struct wire_name, flags), WIRE_NAME_FLAGS + 1, "unknown flag");
	name.flags = WIRE_NAME_SYSTEM;
	begin(WIRE_NAME, &name, sizeof(name));
	add("a\\010-_.9z", 11);
	good();
	bad_u8(offsetof(struct wire_name, source), WIRE_NAME_LIBC, "no system says");
	bad_u8(offsetof(struct wire_name, source), WIRE_NAME_SNI, "no system says");
	bad_u8(offsetof(struct wire_name, source), WIRE_NAME_PTR, "no system says");
	bad_u16(offsetof(struct wire_name, family), AF_UNIX, "family of a name");
	bad_u16(offsetof(struct wire_name, name_len), 10, "does not fill");
	bad_u8(text + 10, 'x', "not terminated");
	bad_u8(text, 0, "not a domain");
	bad_u8(text, '.', "not a domain");
	bad_u8(text, 'A', "not a domain");
	bad_u8(text + 9, '.', "not a domain");
	bad_u8(text + 3, 0x1b, "not a domain");
}

static void test_lookup(void **state)
{
	struct wire_lookup lookup = {.family = AF_INET};

	(void)state;
	begin(WIRE_LOOKUP, &lookup, sizeof(lookup));
	good();
	only_this_length();
	bad_u16(offsetof(struct wire_lookup, family), AF_UNIX, "family of a lookup");
}

static void test_resume(void **state)
{
	struct wire_resume resume = {.journal = 1};

	(void)state;
	begin(WIRE_RESUME, &resume, sizeof(resume));
	good();
	only_this_length();
	bad_u8(0, 0, "no journal");
	begin(WIRE_STOP, "", 0);
	good();
}

static void test_facts(void **state)
{
	struct {
		struct wire_image image;
		struct wire_exec exec;
	} image = {.exec.source = WIRE_EXEC_EXECVE};
	struct wire_loss loss = {.stage = WIRE_STAGE_COLLECTOR};
	struct wire_flow flow = {0};

	(void)state;
	assert_true(wire_is_fact(WIRE_FLOW, &flow));
	assert_true(wire_is_fact(WIRE_LOSS, &loss));
	loss.stage = WIRE_STAGE_HASHER;
	assert_false(wire_is_fact(WIRE_LOSS, &loss));
	assert_true(wire_is_fact(WIRE_EXEC, &image.exec));
	assert_true(wire_is_fact(WIRE_IMAGE, &image));
	image.exec.source = WIRE_EXEC_NETWORK;
	assert_false(wire_is_fact(WIRE_EXEC, &image.exec));
	assert_false(wire_is_fact(WIRE_IMAGE, &image));
	assert_false(wire_is_fact(WIRE_WINDOW, &flow));
}

/* What the fuzzer begins with are records of this version, one of every type: others would be refused at
 * their first bytes, and whatever is made of them too. */
static void test_corpus(void **state)
{
	static const char *const files[] = {"tests/fuzz/corpus/wire/records", "tests/fuzz/corpus/wire/chain"};
	bool seen[WIRE__MAX] = {false};
	size_t i;
	FILE *f;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		f = fopen(files[i], "re");
		if (!f) {
			printf("SKIP test_corpus: not started in the source tree\n");
			return;
		}
		while (fread(&r.hdr, sizeof(r.hdr), 1, f) == 1) {
			assert_true(r.hdr.len <= sizeof(r.payload));
			assert_int_equal(fread(r.payload, 1, r.hdr.len, f), r.hdr.len);
			good();
			seen[r.hdr.type] = true;
		}
		fclose(f);
	}
	for (i = 1; i < WIRE__MAX; i++)
		if (!seen[i])
			fail_msg("no record of type %zu", i);
}

/* The tables have a name for every value, so that a new one cannot be forgotten. */
static void test_names(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < WIRE_STAGE__MAX; i++)
		assert_non_null(wire_stage_name(i));
	for (i = 0; i < WIRE_DIRECTION__MAX; i++)
		assert_non_null(wire_direction_name(i));
	for (i = WIRE_RESULT_NONE + 1; i < WIRE_RESULT__MAX; i++)
		assert_non_null(wire_result_name(i));
	for (i = 0; i < WIRE_PEER__MAX; i++)
		assert_non_null(wire_peer_name(i));
	for (i = 0; i < WIRE_LOSS__MAX; i++)
		assert_non_null(wire_loss_name(i));
	for (i = WIRE_HASH_OK + 1; i < WIRE_HASH__MAX; i++)
		assert_non_null(wire_hash_error_name(i));
	for (i = 1; i < WIRE_SCRIPT__MAX; i++)
		assert_non_null(wire_script_name(i));
	assert_null(wire_script_name(WIRE_SCRIPT_NONE));
	for (i = WIRE_NAME_NONE + 1; i < WIRE_NAME__MAX; i++)
		assert_non_null(wire_name_source_name(i));
	assert_null(wire_name_source_name(WIRE_NAME_NONE));
	for (i = WIRE_EXPLAINED_UNKNOWN + 1; i < WIRE_EXPLAINED__MAX; i++)
		assert_non_null(wire_explained_name(i));
	assert_null(wire_explained_name(WIRE_EXPLAINED_UNKNOWN));
	assert_null(wire_stage_name(WIRE_STAGE__MAX));
	assert_null(wire_direction_name(WIRE_DIRECTION__MAX));
	assert_null(wire_result_name(WIRE_RESULT_NONE));
	assert_null(wire_result_name(WIRE_RESULT__MAX));
	assert_null(wire_peer_name(0xffffffff));
	assert_null(wire_loss_name(WIRE_LOSS__MAX));
	assert_null(wire_hash_error_name(WIRE_HASH_OK));
	assert_null(wire_hash_error_name(WIRE_HASH__MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),	  cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_flush),	  cmocka_unit_test(test_texts),
		cmocka_unit_test(test_settings),  cmocka_unit_test(test_exec),
		cmocka_unit_test(test_image),	  cmocka_unit_test(test_image_texts),
		cmocka_unit_test(test_exec_text), cmocka_unit_test(test_flow),
		cmocka_unit_test(test_digest),	  cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_place),	  cmocka_unit_test(test_resume),
		cmocka_unit_test(test_lookup),	  cmocka_unit_test(test_facts),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_order),	  cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_sink),	  cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_package),	  cmocka_unit_test(test_libraries),
		cmocka_unit_test(test_payload),	  cmocka_unit_test(test_name),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
