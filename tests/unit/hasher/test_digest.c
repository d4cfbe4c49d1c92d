// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_digest.c - known vectors, files that change while they are read, and the order in which many are
 * hashed.
 */
#include <errno.h>
#include <fcntl.h>
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

#include "hasher/digest.h"
#include "hasher/file.h"
#include "hasher/hashing.h"
#include "hasher/worker.h"

static char buf[DIGEST_BUFFER];

/* A file without a name, of size bytes of text repeated. */
static int make_file(const char *text, size_t size)
{
	char path[] = "/tmp/femtosnitch-digest-XXXXXX";
	int fd = mkstemp(path);
	size_t len = strlen(text), done;

	assert_true(fd >= 0);
	unlink(path);
	for (done = 0; done < size; done += len)
		assert_int_equal(write(fd, text, len), (ssize_t)len);
	return fd;
}

static void hex(const __u8 *sha256, char *out)
{
	unsigned i;

	for (i = 0; i < WIRE_SHA256_SIZE; i++)
		sprintf(out + 2 * i, "%02x", sha256[i]);
}

/* FIPS 180-4 and its examples, and one longer than many reads. */
static void vectors(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *sha256;
	} table[] = {
		{"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"aaaaaaaaaa", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	};
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		int fd = make_file(table[i].text, table[i].size);
		struct digest_result r = {0};
		struct wire_file st;
		struct digest *d;
		char text[65];

		assert_int_equal(file_stat(fd, &st), 0);
		d = digest_new(fd, &st);
		assert_int_equal(digest_left(d), table[i].size);
		while (digest_step(d, buf, 1, &r))
			;
		assert_int_equal(r.hash_error, WIRE_HASH_OK);
		hex(r.sha256, text);
		assert_string_equal(text, table[i].sha256);
		assert_int_equal(digest_left(d), 0);
		digest_free(d);
		close(fd);
	}
}

/* Written between two slices: read again, and right. Written again each time: no hash, and why. */
static void changes_while_read(void **state)
{
	unsigned times;

	(void)state;
	for (times = 1; times <= DIGEST_TRIES; times++) {
		int fd = make_file("0123456789abcdef", 1 << 20);
		struct digest_result r = {0}, right = {0};
		struct wire_file st;
		struct digest *d;
		unsigned i;

		file_stat(fd, &st);
		d = digest_new(fd, &st);
		for (i = 0; i < times; i++) {
			struct timespec back[2] = {{.tv_nsec = UTIME_OMIT},
						   {.tv_sec = st.mtime_s, .tv_nsec = st.mtime_ns}};

			assert_int_equal(digest_step(d, buf, 1, &r), 1);
			usleep(20000); /* more than a jiffy: ctime moves */
			assert_int_equal(pwrite(fd, "X", 1, i), 1);
			futimens(fd, back); /* as who wants to hide it does */
			while (digest_left(d) && digest_left(d) < 1 << 20 && digest_step(d, buf, 1, &r))
				;
		}
		if (times < DIGEST_TRIES) {
			while (digest_step(d, buf, 1 << 21, &r))
				;
			assert_int_equal(r.hash_error, WIRE_HASH_OK);
			digest_free(d);
			file_stat(fd, &st);
			d = digest_new(fd, &st);
			while (digest_step(d, buf, 1 << 21, &right))
				;
			assert_memory_equal(r.sha256, right.sha256, sizeof(r.sha256));
		} else {
			assert_int_equal(r.hash_error, WIRE_HASH_CHANGED);
		}
		digest_free(d);
		close(fd);
	}
}

/* Not the file that was executed: refused before a byte is read. */
static void other_version(void **state)
{
	int fd = make_file("abc", 3), dir;
	struct digest_result r = {0};
	struct wire_file st;
	struct digest *d;

	(void)state;
	file_stat(fd, &st);
	st.mtime_ns ^= 1;
	d = digest_new(fd, &st);
	assert_int_equal(digest_step(d, buf, 1, &r), 0);
	assert_int_equal(r.hash_error, WIRE_HASH_CHANGED);
	digest_free(d);
	close(fd);
	dir = open("/", O_RDONLY | O_DIRECTORY);
	assert_int_equal(file_stat(dir, &st), -EINVAL);
	close(dir);
}

static void young(void **state)
{
	struct wire_file st = {.ctime_s = 100, .ctime_ns = 500};

	(void)state;
	assert_true(file_young(&st, 100000000500ull));
	assert_true(file_young(&st, 100019000500ull));
	assert_false(file_young(&st, 100021000500ull));
	assert_true(file_young(&st, 99000000500ull));  /* a server's clock */
	assert_false(file_young(&st, 90000000500ull)); /* a clock that jumped */
	st.ctime_s = INT64_MAX;
	assert_false(file_young(&st, 100000000500ull));
	st.ctime_s = INT64_MIN;
	assert_false(file_young(&st, 100000000500ull));
}

static struct worker_job *wait_result(struct crew *c)
{
	struct pollfd fd = {.fd = crew_fd(c), .events = POLLIN};
	struct worker_job *job;

	while ((job = worker_result(c)) == NULL)
		assert_int_equal(poll(&fd, 1, 10000), 1);
	return job;
}

/* One huge file, then small ones: all the small ones first, however slow the machine: the huge one ends only
 * when it is cut short. And the bound. */
static void order(void **state)
{
	enum {
		SMALL = 20
	};
	struct crew *c = worker_new(SMALL + 1, true);
	int huge = make_file("x", 1);
	struct worker_job *job;
	struct wire_file st;
	unsigned i;

	(void)state;
	assert_non_null(c);
	assert_int_equal(ftruncate(huge, 1ll << 40), 0); /* minutes */
	file_stat(huge, &st);
	assert_int_equal(worker_submit(c, huge, 1000, &st), 0);
	usleep(20000);
	for (i = 0; i < SMALL; i++) {
		int fd = make_file("small", 5 * (SMALL - i));

		file_stat(fd, &st);
		assert_int_equal(worker_submit(c, fd, i, &st), 0);
	}
	assert_int_equal(worker_submit(c, 0, 1, &st), -EBUSY);
	for (i = 0; i < SMALL; i++) {
		job = wait_result(c);
		assert_int_not_equal(job->file_id, 1000);
		assert_int_equal(job->result.hash_error, WIRE_HASH_OK);
		assert_int_equal(job->fd, -1);
		worker_job_free(job);
	}
	assert_int_equal(ftruncate(huge, 0), 0);
	job = wait_result(c);
	assert_int_equal(job->file_id, 1000);
	assert_int_equal(job->result.hash_error, WIRE_HASH_CHANGED);
	worker_job_free(job);
	assert_int_equal(crew_jobs(c), 0);
	crew_stop(c);
}

/* More files than may wait: small ones are hashed all the same, others are refused and counted,
 * none is lost. */
static void crowd(void **state)
{
	enum {
		N = 50
	};
	struct hashing *h = hashing_new(16);
	unsigned i, ok = 0, busy = 0, queued = 0;
	struct digest_result r;
	struct wire_file st;
	__u64 file_id;

	(void)state;
	for (i = 0; i < N; i++) {
		int fd = make_file("x", 1);

		/* every other one is too big to be hashed on the spot */
		assert_int_equal(ftruncate(fd, i % 2 ? 4 << 20 : 1000), 0);
		file_stat(fd, &st);
		if (!hashing_submit(h, fd, i, &st, DISTANCE_NEAR, &r)) {
			queued++;
			continue;
		}
		close(fd);
		assert_int_equal(r.hash_error, i % 2 ? WIRE_HASH_BUSY : WIRE_HASH_OK);
		ok += r.hash_error == WIRE_HASH_OK;
		busy += r.hash_error == WIRE_HASH_BUSY;
	}
	assert_true(ok > 0 && busy > 0);
	assert_int_equal(hashing_refused(h), busy);
	while (queued) {
		struct pollfd fd = {.fd = hashing_fd(h, HASHING_SMALL), .events = POLLIN};

		assert_int_equal(poll(&fd, 1, 10000), 1);
		for (; hashing_result(h, &file_id, &r); queued--)
			assert_int_equal(r.hash_error, WIRE_HASH_OK);
	}
	assert_false(hashing_busy(h));
	hashing_free(h);
}

/* A step that does not come back costs its own job, CREW_STUCK_MAX times; then jobs are refused, not lost. */
struct slow_job {
	struct crew_job crew;
	int number;
	int gate; /* read from it: hangs until it is closed */
};

static int slow_step(struct crew_job *crew_job, void *unused)
{
	struct slow_job *job = (struct slow_job *)crew_job;
	char c;

	(void)unused;
	return job->gate >= 0 && read(job->gate, &c, 1) < 0;
}

static struct crew_job *slow_answer(const struct crew_job *stuck)
{
	struct slow_job *job = calloc(1, sizeof(*job));

	job->number = -((const struct slow_job *)stuck)->number;
	return &job->crew;
}

static void slow_free(struct crew_job *job)
{
	free(job);
}

static int submit_slow(struct crew *c, int number, int gate)
{
	struct slow_job *job = calloc(1, sizeof(*job));
	int rc;

	job->number = number;
	job->gate = gate;
	rc = crew_submit(c, &job->crew);
	if (rc)
		free(job);
	return rc;
}

static int wait_slow(struct crew *c)
{
	struct crew_job *job = NULL;
	int i, number = 0;

	for (i = 0; i < 200 && !(job = crew_result(c)); i++) {
		usleep(10000);
		crew_check(c);
	}
	if (job)
		number = ((struct slow_job *)job)->number;
	free(job);
	return number;
}

static void stuck(void **state)
{
	static const struct crew_kind kind = {
		.name = "slow", .step = slow_step, .answer = slow_answer, .free = slow_free, .limit_ms = 50};
	struct crew *c = crew_new(&kind, 100);
	int gate[2], i;

	(void)state;
	assert_int_equal(pipe(gate), 0);
	for (i = 1; i <= CREW_STUCK_MAX; i++) {
		assert_int_equal(submit_slow(c, i, gate[0]), 0);
		assert_int_equal(submit_slow(c, 100 + i, -1), 0);
		assert_int_equal(wait_slow(c), -i);
		if (i < CREW_STUCK_MAX)
			assert_int_equal(wait_slow(c), 100 + i);
	}
	assert_int_equal(submit_slow(c, 50, -1), -EBUSY);
	close(gate[1]); /* the server is back */
	assert_int_equal(wait_slow(c), 100 + CREW_STUCK_MAX);
	assert_int_equal(submit_slow(c, 51, -1), 0);
	assert_int_equal(wait_slow(c), 51);
	assert_int_equal(crew_jobs(c), 0);
	close(gate[0]);
	crew_stop(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),	 cmocka_unit_test(changes_while_read),
		cmocka_unit_test(other_version), cmocka_unit_test(young),
		cmocka_unit_test(order),	 cmocka_unit_test(stuck),
		cmocka_unit_test(crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
