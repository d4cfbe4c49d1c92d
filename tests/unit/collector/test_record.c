// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel records become frames; malformed ones are counted and go nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/record.h"
#include "config/wire_check.h"

struct fixture {
	struct stage stage;
	struct record record;
	struct frame_reader *reader;
	int fds[2];
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	assert_int_equal(pipe(f.fds), 0);
	f.stage.out = frame_writer_new(f.fds[1], 1 << 20);
	f.reader = frame_reader_new(f.fds[0]);
	f.record.stage = &f.stage;
	f.record.own.tgid = 77;
	clock_sync(&f.record.clock, 1000, (struct clock_reading){.real_ns = 5000000000000});
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	frame_writer_free(f->stage.out);
	frame_reader_free(f->reader);
	close(f->fds[0]);
	close(f->fds[1]);
	return 0;
}

/* The next frame that came out, NULL: none. */
static const void *next(struct fixture *f, unsigned type)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc;

	frame_flush(f->stage.out);
	frame_fill(f->reader);
	rc = frame_next(f->reader, &hdr, &payload, &why);
	if (rc == 0)
		return NULL;
	assert_int_equal(rc, 1); /* what we write keeps the contract */
	assert_int_equal(hdr->type, type);
	return payload;
}

struct exec_record {
	struct wire_hdr hdr;
	struct wire_exec exec;
	char data[256];
};

static size_t make_exec(struct exec_record *rec, const char *parts, size_t path_len, const char *argv,
			size_t argv_len)
{
	memset(rec, 0, sizeof(*rec));
	rec->hdr = (struct wire_hdr){WIRE_VERSION, WIRE_EXEC, sizeof(rec->exec) + path_len + argv_len};
	rec->exec.image.tgid = 5;
	rec->exec.flags = WIRE_EXEC_PATH_REVERSED;
	rec->exec.path_len = path_len;
	rec->exec.argv_len = argv_len;
	memcpy(rec->exec.comm, "sixteen letters!", 16);
	memcpy(rec->data, parts, path_len);
	memcpy(rec->data + path_len, argv, argv_len);
	return sizeof(rec->hdr) + rec->hdr.len;
}

static const struct wire_exec *pass_exec(struct fixture *f, const char *parts, size_t path_len,
					 unsigned flags)
{
	struct exec_record rec;
	size_t size = make_exec(&rec, parts, path_len, "a\0b", 3);

	rec.exec.flags |= flags;
	record_take(&f->record, &rec, size);
	return next(f, WIRE_EXEC);
}

static const char *kernel_user(struct fixture *f, const char *symbol)
{
	const struct wire_exec *exec;
	struct exec_record rec;
	size_t size = make_exec(&rec, "", 0, symbol, strlen(symbol) + 1);

	rec.exec.image = (struct wire_image_key){.start_ns = 4711};
	rec.exec.flags = WIRE_EXEC_KERNEL;
	record_take(&f->record, &rec, size);
	exec = next(f, WIRE_EXEC);
	assert_non_null(exec);
	assert_int_equal(exec->image.start_ns, 4711);
	assert_int_equal(exec->argv_len, 0);
	return exec->comm;
}

static void users_in_the_kernel_get_a_name(void **state)
{
	assert_string_equal(kernel_user(*state, "xs_data_ready [sunrpc]"), "sunrpc");
	assert_string_equal(kernel_user(*state, "wireguard"), "wireguard");
	assert_string_equal(kernel_user(*state, "xs_data_ready"), "xs_data_ready");
	assert_string_equal(kernel_user(*state, "sock_def_readable"), "socket");
	assert_string_equal(kernel_user(*state, "drbd_data_ready [a_module_of_a_very_long_na"),
			    "a_module_of_a_v");
	assert_string_equal(kernel_user(*state, "0xffffffff81234567"), "0xffffffff81234");
}

static void paths_are_turned_round(void **state)
{
	const struct wire_exec *exec = pass_exec(*state, "curl\0bin\0usr\0", 13, 0);

	assert_non_null(exec);
	assert_string_equal(wire_exec_path(exec), "/usr/bin/curl");
	assert_int_equal(exec->flags & WIRE_EXEC_PATH_REVERSED, 0);
	assert_int_equal(exec->comm[15], 0);
	exec = pass_exec(*state, "", 0, 0);
	assert_string_equal(wire_exec_path(exec), "/");
	exec = pass_exec(*state, "x\ny\0", 4, WIRE_EXEC_PATH_CUT);
	assert_string_equal(wire_exec_path(exec), "?/x\ny");
}

static void arguments_end_in_nul(void **state)
{
	const struct wire_exec *exec = pass_exec(*state, "x\0", 2, 0);

	assert_int_equal(exec->argv_len, 3);
	assert_memory_equal(wire_exec_argv(exec), "a\0", 3); /* the last byte was no NUL */
}

static void malformed_records_are_counted(void **state)
{
	struct fixture *f = *state;
	struct exec_record rec;
	size_t size = make_exec(&rec, "x\0", 2, "a", 2);

	for (size_t cut = 0; cut < size; cut++) {
		record_take(&f->record, &rec, cut);
		assert_int_equal(f->record.dropped, cut + 1);
	}
	rec.exec.path_len = 200;
	record_take(&f->record, &rec, size);
	rec.hdr.version++;
	record_take(&f->record, &rec, size);
	rec.hdr = (struct wire_hdr){WIRE_VERSION, WIRE_SETTINGS, 8};
	record_take(&f->record, &rec, size);
	assert_int_equal(f->record.dropped, size + 3);
	assert_null(next(f, 0));
}

struct flow_record {
	struct wire_hdr hdr;
	struct wire_flow flow;
};

static struct flow_record flow_of(unsigned tgid)
{
	return (struct flow_record){
		.hdr = {WIRE_VERSION, WIRE_FLOW, sizeof(struct wire_flow)},
		.flow = {.image.tgid = tgid, .last_ns = 1000, .sent_bytes = 7, .family = 2, .protocol = 17},
	};
}

static void flows_get_unix_time(void **state)
{
	struct flow_record rec = flow_of(5);
	const struct wire_flow *flow;

	record_take(&((struct fixture *)*state)->record, &rec, sizeof(rec));
	flow = next(*state, WIRE_FLOW);
	assert_non_null(flow);
	assert_int_equal(flow->last_ns, 5000000000000);
	assert_int_equal(flow->first_ns, flow->last_ns); /* a first byte whose time was lost to a race */
	assert_int_equal(flow->sent_bytes, 7);
}

static void own_flows_stay_here(void **state)
{
	struct fixture *f = *state;
	struct flow_record rec = flow_of(77);

	rec.flow.flags = WIRE_FLOW_ENDED;
	record_take(&f->record, &rec, sizeof(rec));
	assert_null(next(f, 0));
	assert_int_equal(f->record.own.udp_sent, 7);
	assert_int_equal(f->record.own.ended, 1);
}

static void a_full_output_is_counted_with_its_bytes(void **state)
{
	struct fixture *f = *state;
	struct flow_record rec = flow_of(5);

	static const char junk[4096];

	frame_writer_free(f->stage.out);
	f->stage.out = frame_writer_new(f->fds[1], 2 * sizeof(rec));
	while (write(f->fds[1], junk, sizeof(junk)) > 0) /* the hasher does not read */
		;
	for (int i = 0; i < 5; i++)
		record_take(&f->record, &rec, sizeof(rec));
	assert_int_equal(f->record.dropped, 3);
	assert_int_equal(f->record.dropped_bytes, 21);
}

static void cgroups_are_passed_on(void **state)
{
	struct fixture *f = *state;
	struct {
		struct wire_hdr hdr;
		struct wire_cgroup cgroup;
		char path[16];
	} rec = {.hdr = {WIRE_VERSION, WIRE_CGROUP, sizeof(rec.cgroup) + 7},
		 .cgroup = {.id = 9, .path_len = 7},
		 .path = "/a/b\nc"};
	const struct wire_cgroup *got;

	record_take(&f->record, &rec, sizeof(rec)); /* the ring rounds sizes up */
	got = next(f, WIRE_CGROUP);
	assert_non_null(got);
	assert_int_equal(got->id, 9);
	assert_string_equal((const char *)(got + 1), "/a/b\nc");
	assert_int_equal(f->record.dropped, 0);
	rec.path[6] = 'x'; /* no NUL at the end, one before, a path longer than the record, none */
	record_take(&f->record, &rec, sizeof(rec));
	rec.path[6] = rec.path[3] = '\0';
	record_take(&f->record, &rec, sizeof(rec));
	rec.cgroup.path_len = 8;
	record_take(&f->record, &rec, sizeof(rec));
	rec.cgroup.path_len = 0;
	rec.hdr.len = sizeof(rec.cgroup);
	record_take(&f->record, &rec, sizeof(rec));
	assert_int_equal(f->record.dropped, 4);
	assert_null(next(f, 0));
}

struct payload_record {
	struct wire_hdr hdr;
	struct wire_payload payload;
	char data[8];
};

static struct payload_record make_payload(void)
{
	struct payload_record rec = {
		.hdr = {WIRE_VERSION, WIRE_PAYLOAD, sizeof(rec.payload) + 5},
		.payload = {.image = {.tgid = 5}, .time_ns = 1000, .offset = 3, .data_len = 5},
		.data = "hello",
	};

	return rec;
}

static unsigned looked_into;

static void look_into(void *arg, const struct wire_payload *payload, const void *data)
{
	assert_ptr_equal(arg, &looked_into);
	looked_into++;
	assert_int_equal(payload->time_ns, 5000000000000);
	assert_int_equal(payload->offset, 3);
	assert_memory_equal(data, "hello", 5);
}

static void payloads_go_to_who_reads_names_and_nowhere_else(void **state)
{
	struct payload_record rec = make_payload();
	struct fixture *f = *state;

	looked_into = 0;
	record_take(&f->record, &rec, sizeof(rec)); /* nobody does */
	f->record.payload = look_into;
	f->record.payload_arg = &looked_into;
	record_take(&f->record, &rec, sizeof(rec)); /* the ring pads records */
	assert_int_equal(looked_into, 1);
	rec.payload.image.tgid = 77; /* our own */
	record_take(&f->record, &rec, sizeof(rec));
	assert_int_equal(looked_into, 1);
	assert_null(next(f, WIRE_PAYLOAD));
	assert_int_equal(f->record.dropped, 0);
}

static void malformed_payloads_are_counted(void **state)
{
	struct payload_record rec = make_payload();
	struct fixture *f = *state;

	f->record.payload = look_into;
	f->record.payload_arg = &looked_into;
	looked_into = 0;
	rec.payload.data_len = 6;
	record_take(&f->record, &rec, sizeof(rec));
	assert_int_equal(f->record.dropped, 1);
	rec.payload.data_len = 5;
	rec.hdr.len = sizeof(rec.payload) - 1;
	record_take(&f->record, &rec, sizeof(rec));
	assert_int_equal(f->record.dropped, 2);
	rec.hdr.len = sizeof(rec.payload) + 5;
	record_take(&f->record, &rec, sizeof(rec.hdr) + sizeof(rec.payload) + 4);
	assert_int_equal(f->record.dropped, 3);
	assert_int_equal(looked_into, 0);
}

static void what_we_start_is_ours(void **state)
{
	struct fixture *f = *state;
	const struct wire_exec *exec;
	struct {
		struct wire_hdr hdr;
		struct wire_exec exec;
	} rec = {.hdr = {WIRE_VERSION, WIRE_EXEC, sizeof(rec.exec)},
		 .exec.image.tgid = 5,
		 .exec.parent.tgid = 77};

	record_take(&f->record, &rec, sizeof(rec));
	exec = next(f, WIRE_EXEC);
	assert_non_null(exec);
	assert_true(exec->flags & WIRE_EXEC_SELF);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(users_in_the_kernel_get_a_name),
		TEST(paths_are_turned_round),
		TEST(arguments_end_in_nul),
		TEST(malformed_records_are_counted),
		TEST(flows_get_unix_time),
		TEST(own_flows_stay_here),
		TEST(a_full_output_is_counted_with_its_bytes),
		TEST(cgroups_are_passed_on),
		TEST(payloads_go_to_who_reads_names_and_nowhere_else),
		TEST(malformed_payloads_are_counted),
		TEST(what_we_start_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
