/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig.h - a hasher between two pipes, programs of known content, and the records that the kernel's hook would
 * make of them, for the tests of the whole process. Everything static: each test is one file.
 */
#ifndef FEMTOSNITCH_TESTS_HASHER_RIG_H
#define FEMTOSNITCH_TESTS_HASHER_RIG_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "bpf/wire.h"
#include "config/frame.h"

static char dir[64], hasher_path[PATH_MAX];

/* ---- the hasher at work */

struct rig {
	pid_t pid;
	int in, out; /* our ends */
	struct frame_writer *to;
	struct frame_reader *from;
};

/* What was read last. */
struct got {
	struct wire_hdr hdr;
	_Alignas(8) char payload[WIRE_FRAME_MAX];
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void send_frame(struct rig *r, enum wire_type type, const void *head, size_t len, const char *text)
{
	assert_int_equal(frame_put(r->to, type, head, len, text, text ? strlen(text) : 0), 0);
	while (frame_flush(r->to) == -EAGAIN)
		usleep(100);
}

/* 1: a frame, 0: none within the time, -1: end of file. */
static int receive(struct rig *r, struct got *g, double seconds)
{
	double end = now() + seconds;
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc;

	for (;;) {
		struct pollfd fd = {.fd = r->out, .events = POLLIN};

		rc = frame_next(r->from, &hdr, &payload, &why);
		assert_true(rc >= 0);
		if (rc) {
			g->hdr = *hdr;
			memcpy(g->payload, payload, hdr->len);
			return 1;
		}
		rc = frame_fill(r->from);
		if (!rc)
			return -1;
		if (rc < 0 && now() > end)
			return 0;
		if (rc < 0)
			poll(&fd, 1, 50);
	}
}

/* Skip to the next frame of a type. */
static void expect(struct rig *r, struct got *g, enum wire_type type)
{
	do
		assert_int_equal(receive(r, g, 5), 1);
	while (g->hdr.type != type);
}

static void start(struct rig *r)
{
	const char json[] = "{}";
	struct wire_settings settings = {.generation = 1, .text_len = sizeof(json) - 1};
	struct wire_ready ready = {.stage = WIRE_STAGE_COLLECTOR};
	int in[2], out[2];
	struct got g;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fcntl(in[0], F_SETPIPE_SZ, 1 << 20);
	fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (!r->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(hasher_path, "femtosnitch-hasher", "--state-dir", dir, "--log-dir", dir, "--uid",
		      "65534", "--gid", "65534", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	r->in = in[1];
	r->out = out[0];
	r->to = frame_writer_new(r->in, 1 << 20);
	r->from = frame_reader_new(r->out);
	assert_non_null(r->to);
	assert_non_null(r->from);
	send_frame(r, WIRE_SETTINGS, &settings, sizeof(settings), json);
	send_frame(r, WIRE_READY, &ready, sizeof(ready), NULL);
	do
		expect(r, &g, WIRE_READY);
	while (((struct wire_ready *)g.payload)->stage != WIRE_STAGE_HASHER);
	assert_memory_equal(g.payload + sizeof(ready), "exec events on ", 15);
}

/* Close the head; the rest of the output is the caller's to read. */
static void close_head(struct rig *r)
{
	frame_writer_free(r->to);
	close(r->in);
	r->to = NULL;
}

static void stop(struct rig *r)
{
	static struct got g;
	int status;

	if (r->to)
		close_head(r);
	while (receive(r, &g, 6) > 0)
		;
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	frame_reader_free(r->from);
	close(r->out);
}

/* ---- programs */

struct program {
	char path[PATH_MAX];
	__u8 sha256[WIRE_SHA256_SIZE];
	struct wire_file file;
	pid_t parent; /* 0: we are */
};

/* stat as the kernel's record has it; on the filesystems used here s_dev and st_dev agree. */
static void record_file(struct program *p)
{
	long generation = 0;
	struct statx sx;
	int fd = open(p->path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	ioctl(fd, FS_IOC_GETVERSION, &generation);
	close(fd);
	assert_int_equal(statx(AT_FDCWD, p->path, 0, STATX_BASIC_STATS, &sx), 0);
	p->file = (struct wire_file){
		.ino = sx.stx_ino,
		.size_bytes = sx.stx_size,
		.ctime_s = sx.stx_ctime.tv_sec,
		.mtime_s = sx.stx_mtime.tv_sec,
		.ctime_ns = sx.stx_ctime.tv_nsec,
		.mtime_ns = sx.stx_mtime.tv_nsec,
		.dev = sx.stx_dev_major << 20 | sx.stx_dev_minor,
		.generation = (__u32)generation,
	};
}

/* A program of its own: another program with other bytes behind its end, which nobody loads. */
static void make_program(struct program *p, const char *in, const char *of, unsigned number)
{
	static char bytes[4 << 20];
	size_t len;
	int fd;

	snprintf(p->path, sizeof(p->path), "%s/program-%u", in, number);
	fd = open(of, O_RDONLY | O_CLOEXEC);
	len = (size_t)read(fd, bytes, sizeof(bytes) - 64);
	close(fd);
	assert_true(len > 0 && len < sizeof(bytes) - 64);
	len += (size_t)sprintf(bytes + len, "%u %d %f", number, getpid(), now());
	fd = open(p->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	SHA256((unsigned char *)bytes, len, p->sha256);
	p->parent = 0;
	record_file(p);
}

/* Run it; returns as soon as execve has succeeded. */
static pid_t spawn(const struct program *p, const char *arg)
{
	int gate[2], err = 0;
	pid_t pid;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		execl(p->path, p->path, arg, NULL);
		err = errno;
		if (write(gate[1], &err, sizeof(err)) < 0)
			_exit(126);
		_exit(127);
	}
	close(gate[1]);
	assert_int_equal(read(gate[0], &err, sizeof(err)), 0);
	close(gate[0]);
	return pid;
}

static void reap(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void send_exec(struct rig *r, const struct program *p, pid_t pid, enum wire_exec_source source,
		      __u32 flags)
{
	struct {
		struct wire_exec exec;
		char path[PATH_MAX];
	} rec = {
		.exec =
			{
				.image = {.tgid = (__u32)pid, .exec_id = 1, .start_ns = 1},
				.parent = {.tgid = (__u32)(p->parent ? p->parent : getpid()),
					   .exec_id = 1,
					   .start_ns = 1},
				.file = p->file,
				.time_ns = 1,
				.flags = flags,
				.source = source,
				.comm = "program",
			},
	};

	if (!(flags & WIRE_EXEC_KERNEL)) {
		rec.exec.path_len = (__u16)(strlen(p->path) + 1);
		strcpy(rec.path, p->path);
	}
	send_frame(r, WIRE_EXEC, &rec, offsetof(typeof(rec), path) + rec.exec.path_len, NULL);
}

/* What the hasher says of one image in the end. */
struct verdict {
	__u64 file_id;
	unsigned hash_error;
	__u32 flags;
	__u8 sha256[WIRE_SHA256_SIZE];
};

/* Wait for the images of n processes, and for the digests that come later, in whatever order. */
static void wait_images(struct rig *r, const pid_t *pid, struct verdict *v, unsigned n)
{
	static struct got g;
	const struct wire_image *image = (struct wire_image *)g.payload;
	const struct wire_digest *digest = (struct wire_digest *)g.payload;
	unsigned i, missing = n;

	memset(v, 0, n * sizeof(*v));
	for (i = 0; i < n; i++)
		v[i].hash_error = WIRE_HASH__MAX;
	while (missing) {
		assert_int_equal(receive(r, &g, 10), 1);
		for (i = 0; i < n; i++) {
			if (g.hdr.type == WIRE_IMAGE && v[i].hash_error == WIRE_HASH__MAX &&
			    ((struct wire_exec *)(image + 1))->image.tgid == (__u32)pid[i]) {
				v[i].file_id = image->file_id;
				v[i].flags = image->flags;
				v[i].hash_error = image->hash_error;
				memcpy(v[i].sha256, image->sha256, sizeof(v[i].sha256));
				missing -= v[i].hash_error != WIRE_HASH_PENDING;
				break;
			}
			if (g.hdr.type == WIRE_DIGEST && v[i].hash_error == WIRE_HASH_PENDING &&
			    digest->file_id == v[i].file_id) {
				v[i].hash_error = digest->hash_error;
				memcpy(v[i].sha256, digest->sha256, sizeof(v[i].sha256));
				missing--;
			}
		}
	}
}

static struct verdict wait_image(struct rig *r, pid_t pid)
{
	struct verdict v;

	wait_images(r, &pid, &v, 1);
	return v;
}

static void assert_hash(struct verdict v, const struct program *p)
{
	assert_int_equal(v.hash_error, WIRE_HASH_OK);
	assert_memory_equal(v.sha256, p->sha256, sizeof(v.sha256));
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Run tests (group is the call of cmocka_run_group_tests), or say why not. The exit status. */
static int rig_main(const char *name, char **argv, int (*group)(void))
{
	char self[PATH_MAX];
	int before, rc, fd;

	fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
	if (fd < 0) {
		printf("SKIP %s: fanotify: %s\n", name, strerror(errno));
		return 0;
	}
	close(fd);
	if (!realpath(argv[0], self))
		return 1;
	*strstr(self, "/tests/unit/") = '\0';
	snprintf(hasher_path, sizeof(hasher_path), "%.4000s/femtosnitch-hasher", self);
	if (access(hasher_path, X_OK)) {
		printf("SKIP %s: %s is not built\n", name, hasher_path);
		return 0;
	}
	strcpy(dir, "/tmp/femtosnitch-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	chmod(dir, 0755);
	before = count_fds();
	rc = group();
	rmdir(dir);
	if (count_fds() != before) {
		printf("FAIL %s: file descriptors left open\n", name);
		return 1;
	}
	return rc;
}

#endif
