// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_process.c - femtosnitch-names between two pipes: frames in, frames out in order, and what it may still
 * do.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/frame.h"
#include "tests/unit/names/vector.h"

#define WAIT_MS 10000

static char path[PATH_MAX];
static struct vector v;

struct rig {
	pid_t pid;
	int in, out; /* our ends */
	struct frame_writer *to;
	struct frame_reader *from;
	const struct wire_hdr *hdr; /* what was read last */
	const void *payload;
};

static void send_frame(struct rig *r, enum wire_type type, const void *head, size_t len, const void *tail,
		       size_t tail_len)
{
	while (frame_put(r->to, type, head, len, tail, tail_len) == -ENOBUFS)
		usleep(1000);
	while (frame_flush(r->to) == -EAGAIN)
		usleep(100);
}

/* The next frame; false at the end of the file. */
static bool receive(struct rig *r)
{
	const char *why;
	int rc;

	while ((rc = frame_next(r->from, &r->hdr, &r->payload, &why)) == 0) {
		struct pollfd fd = {.fd = r->out, .events = POLLIN};

		assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
		rc = frame_fill(r->from);
		if (rc == 0)
			return false;
	}
	assert_int_equal(rc, 1);
	return true;
}

static void expect(struct rig *r, enum wire_type type)
{
	assert_true(receive(r));
	assert_int_equal(r->hdr->type, type);
}

static void start(struct rig *r)
{
	static const char json[] = "{}";
	const struct wire_settings settings = {.generation = 1, .text_len = sizeof(json) - 1};
	char uid[16], gid[16];
	int in[2], out[2];

	snprintf(uid, sizeof(uid), "%u", geteuid() ? geteuid() : 65534);
	snprintf(gid, sizeof(gid), "%u", geteuid() ? getegid() : 65534);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(path, path, "--state-dir", "/", "--log-dir", "/", "--uid", uid, "--gid", gid, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	r->in = in[1];
	r->out = out[0];
	r->to = frame_writer_new(r->in, 1 << 20);
	r->from = frame_reader_new(r->out);
	send_frame(r, WIRE_SETTINGS, &settings, sizeof(settings), json, sizeof(json) - 1);
	expect(r, WIRE_SETTINGS);
}

static void end(struct rig *r, int want)
{
	int status;

	close(r->in);
	while (receive(r))
		;
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, want);
	frame_writer_free(r->to);
	frame_reader_free(r->from);
	close(r->out);
}

static void send_payload(struct rig *r, uint64_t cookie)
{
	const struct wire_payload p = {.cookie = cookie,
				       .family = AF_INET,
				       .protocol = IPPROTO_TCP,
				       .rport = 443,
				       .data_len = (__u16)v.len};

	send_frame(r, WIRE_PAYLOAD, &p, sizeof(p), v.bytes, v.len);
}

static void flush(struct rig *r, uint64_t id)
{
	const struct wire_flush f = {.id = id};

	send_frame(r, WIRE_FLUSH, &f, sizeof(f), NULL, 0);
}

static void names_come_before_the_marker(void **state)
{
	struct rig r;

	(void)state;
	load(&v, "tls/gnutls");
	start(&r);
	for (uint64_t i = 1; i <= 300; i++)
		send_payload(&r, i);
	flush(&r, 77);
	for (uint64_t i = 1; i <= 300; i++) {
		const struct wire_name *name;

		expect(&r, WIRE_NAME);
		name = r.payload;
		assert_int_equal(name->cookie, i);
		assert_int_equal(name->source, WIRE_NAME_SNI);
		assert_string_equal((const char *)(name + 1), "gnutls.example.org");
	}
	expect(&r, WIRE_FLUSH);
	assert_int_equal(((const struct wire_flush *)r.payload)->id, 77);
	end(&r, 0);
}

static void what_was_given_up_is_said(void **state)
{
	const struct wire_loss *loss;
	struct rig r;

	(void)state;
	load(&v, "tls/openssl");
	v.len = 50;
	start(&r);
	for (uint64_t i = 1; i <= 100; i++)
		send_payload(&r, i);
	flush(&r, 1);
	expect(&r, WIRE_LOSS);
	loss = r.payload;
	assert_int_equal(loss->kind, WIRE_LOSS_NAME);
	assert_int_equal(loss->stage, WIRE_STAGE_NAMES);
	assert_int_equal(loss->records, 36);
	expect(&r, WIRE_FLUSH);
	flush(&r, 2);
	expect(&r, WIRE_FLUSH);
	end(&r, 0);
}

/* The last names come out when the input has ended. */
static void the_end_is_orderly(void **state)
{
	struct rig r;
	int status;

	(void)state;
	load(&v, "tls/gnutls");
	start(&r);
	send_payload(&r, 1);
	close(r.in);
	expect(&r, WIRE_NAME);
	assert_false(receive(&r));
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	assert_int_equal(status, 0);
	frame_writer_free(r.to);
	frame_reader_free(r.from);
	close(r.out);
}

static void a_broken_peer_is_not_served(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	send_frame(&r, WIRE_STOP, NULL, 0, NULL, 0);
	end(&r, 1 << 8);
}

static unsigned long long status_value(pid_t pid, const char *key, int base)
{
	unsigned long long value = ~0ull;
	char line[256], file[64];
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%d/status", pid);
	f = fopen(file, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key), NULL, base);
	if (f)
		fclose(f);
	return value;
}

static void little_is_left_to_do(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	flush(&r, 1);
	expect(&r, WIRE_FLUSH); /* by now it is locked in */
	assert_int_equal(status_value(r.pid, "CapEff:", 16), 0);
	assert_int_equal(status_value(r.pid, "CapPrm:", 16), 0);
	assert_int_equal(status_value(r.pid, "NoNewPrivs:", 10), 1);
#ifndef __SANITIZE_ADDRESS__
	assert_int_equal(status_value(r.pid, "Seccomp:", 10), 2);
#endif
	assert_true(status_value(r.pid, "Uid:", 10) != 0);
	end(&r, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_before_the_marker), cmocka_unit_test(what_was_given_up_is_said),
		cmocka_unit_test(the_end_is_orderly),		cmocka_unit_test(a_broken_peer_is_not_served),
		cmocka_unit_test(little_is_left_to_do),
	};

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	/* build/tests/unit/names/test_process */
	snprintf(path, sizeof(path), "%s/../../../femtosnitch-names", dirname(argv[0]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
