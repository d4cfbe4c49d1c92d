// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_fetch.c - a file is handed out only if it is known to be the one that ran, and only while uploads are
 * wanted; else there is a reason, and no descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/handover.h"
#include "hasher/fetch.h"
#include "hasher/file.h"

static const __u8 sum[WIRE_SHA256_SIZE] = {0xab, 0xcd};
static char dir[64], path[128];
static struct stage stage;
static struct versions versions;
static struct fetch fetch;
static struct frame_reader *from;
static int files[2], out[2];

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* As if it had been executed and hashed. */
static void know(void)
{
	int fd = open(path, O_RDONLY);
	struct wire_file st;

	assert_int_equal(file_stat(fd, &st), 0);
	st.generation = file_generation(fd);
	close(fd);
	cache_set_digest(versions.cache, cache_add(versions.cache, &st, NULL), WIRE_HASH_OK, sum);
}

static int before(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/femtosnitch-fetch-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/program", dir);
	write_file("#!/bin/true\n");
	assert_int_equal(handover_pair(files), 0);
	fcntl(files[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	stage.out = frame_writer_new(out[1], 65536);
	from = frame_reader_new(out[0]);
	stage.handover = files[0];
	stage.settings.vt_file_upload = true;
	assert_int_equal(versions_open(&versions, &stage, NULL, NULL, 8), 0);
	fetch_open(&fetch, &stage, &versions);
	return 0;
}

static int after(void **state)
{
	(void)state;
	fetch_close(&fetch);
	versions_close(&versions);
	frame_writer_free(stage.out);
	frame_reader_free(from);
	close(files[0]);
	close(files[1]);
	close(out[0]);
	close(out[1]);
	unlink(path);
	return rmdir(dir);
}

/* Order it; what is answered. */
static unsigned ask(const char *where, const __u8 *sha256)
{
	struct {
		struct wire_fetch head;
		char path[256];
	} order = {.head.path_len = (__u32)strlen(where)};
	struct pollfd fd;
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;

	memcpy(order.head.sha256, sha256, WIRE_SHA256_SIZE);
	memcpy(order.path, where, strlen(where));
	fetch_order(&fetch, &order.head);
	fd = (struct pollfd){.fd = fetch_fd(&fetch), .events = POLLIN};
	while (fetch_busy(&fetch)) { /* a result may be that of closing the last one's file */
		assert_int_equal(poll(&fd, 1, 5000), 1);
		while (fetch_result(&fetch))
			;
	}
	assert_int_equal(frame_flush(stage.out), 0);
	assert_int_equal(frame_fill(from), 1);
	assert_int_equal(frame_next(from, &hdr, &payload, &why), 1);
	assert_int_equal(hdr->type, WIRE_FETCHED);
	assert_memory_equal(((const struct wire_fetched *)payload)->sha256, sha256, WIRE_SHA256_SIZE);
	return ((const struct wire_fetched *)payload)->error;
}

/* What was handed over, read; NULL: nothing was. */
static const char *handed(void)
{
	static char text[64];
	static struct handover h;
	ssize_t n;

	if (handover_receive(files[1], &h) != 0)
		return NULL;
	assert_int_equal(h.n, 1);
	assert_memory_equal(h.name[0], "abcd0000", 8);
	assert_int_equal(strlen(h.name[0]), 64);
	n = read(h.fd[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	handover_close(&h);
	return text;
}

static unsigned open_files(void)
{
	char link[PATH_MAX];
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 64; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n += access(link, F_OK) == 0;
	}
	return n;
}

/* The crew closes what was handed over. */
static void settle(void)
{
	int i;

	for (i = 0; i < 500 && fetch_busy(&fetch); i++) {
		while (fetch_result(&fetch))
			;
		usleep(10000);
	}
}

static void test_what_ran(void **state)
{
	unsigned before_it;

	(void)state;
	know();
	assert_int_equal(ask("", sum), WIRE_HASH_NO_FILE);
	assert_int_equal(ask("/nowhere", sum), WIRE_HASH_GONE); /* from here on there is a crew */
	before_it = open_files();
	assert_int_equal(ask(path, sum), WIRE_HASH_OK);
	assert_string_equal(handed(), "#!/bin/true\n");
	assert_null(handed());
	settle();
	assert_int_equal(open_files(), before_it);
}

static void test_unknown(void **state)
{
	static const __u8 other[WIRE_SHA256_SIZE] = {1};

	(void)state;
	assert_int_equal(ask(path, sum), WIRE_HASH_CHANGED);
	know();
	assert_int_equal(ask(path, other), WIRE_HASH_CHANGED);
	write_file("something else\n");
	assert_int_equal(ask(path, sum), WIRE_HASH_CHANGED);
	assert_null(handed());
}

static void test_another_file(void **state)
{
	char link[160];

	(void)state;
	know();
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(ask(link, sum), WIRE_HASH_CHANGED);
	unlink(link);
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_int_equal(ask(link, sum), WIRE_HASH_CHANGED);
	unlink(link);
	assert_int_equal(ask(link, sum), WIRE_HASH_GONE);
	assert_int_equal(ask("/dev/zero", sum), WIRE_HASH_CHANGED);
	assert_int_equal(ask("program", sum), WIRE_HASH_NO_FILE);
	assert_int_equal(ask("", sum), WIRE_HASH_NO_FILE);
	assert_null(handed());
}

static void test_not_wanted(void **state)
{
	(void)state;
	know();
	stage.settings.vt_file_upload = false;
	assert_int_equal(ask(path, sum), WIRE_HASH_PERMISSION);
	stage.settings.vt_file_upload = true;
	stage.handover = -1;
	assert_int_equal(ask(path, sum), WIRE_HASH_PERMISSION);
	assert_null(handed());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_ran, before, after),
		cmocka_unit_test_setup_teardown(test_unknown, before, after),
		cmocka_unit_test_setup_teardown(test_another_file, before, after),
		cmocka_unit_test_setup_teardown(test_not_wanted, before, after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
