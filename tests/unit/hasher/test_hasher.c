// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_hasher.c - the whole hasher as its neighbours see it: frames in on one pipe, frames out on the other,
 * and real programs that run, are deleted, modified or live on another mount. The exec records are made here,
 * from a stat before the program ran, as the kernel's hook would make them.
 */
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
				.parent = {.tgid = (__u32)getpid(), .exec_id = 1, .start_ns = 1},
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

/* ---- the tests */

static void nothing_but_passing_on(void **state)
{
	struct wire_flow flow = {.family = 2, .protocol = 6};
	struct wire_tick tick = {.sequence = 7};
	struct program p = {.path = ""};
	struct rig r;
	struct got g;
	unsigned i;

	(void)state;
	start(&r);
	for (i = 0; i < 100; i++) {
		flow.cookie = i;
		send_frame(&r, WIRE_FLOW, &flow, sizeof(flow), NULL);
		send_exec(&r, &p, (pid_t)i + 2, WIRE_EXEC_RUNNING, WIRE_EXEC_KERNEL);
	}
	send_frame(&r, WIRE_TICK, &tick, sizeof(tick), NULL);
	for (i = 0; i < 100; i++) {
		const struct wire_image *image = (struct wire_image *)g.payload;

		assert_int_equal(receive(&r, &g, 5), 1);
		assert_int_equal(g.hdr.type, WIRE_FLOW);
		assert_int_equal(((struct wire_flow *)g.payload)->cookie, i);
		assert_int_equal(receive(&r, &g, 5), 1);
		assert_int_equal(g.hdr.type, WIRE_IMAGE);
		assert_int_equal(image->hash_error, WIRE_HASH_NO_FILE);
		assert_int_equal(((const struct wire_exec *)(image + 1))->image.tgid, i + 2);
	}
	assert_int_equal(receive(&r, &g, 5), 1);
	assert_int_equal(g.hdr.type, WIRE_TICK);
	stop(&r);
}

/* Programs of a millisecond, deleted at once, whose records come only when all of them are gone. */
static void deleted_at_once(void **state)
{
	enum {
		N = 200
	};
	static struct program p[N];
	static struct verdict v[N];
	static pid_t pid[N];
	struct rig r;
	unsigned i;

	(void)state;
	start(&r);
	for (i = 0; i < N; i++) {
		make_program(&p[i], dir, "/bin/true", i);
		pid[i] = spawn(&p[i], NULL);
		assert_int_equal(unlink(p[i].path), 0);
		reap(pid[i]);
	}
	for (i = 0; i < N; i++)
		send_exec(&r, &p[i], pid[i], WIRE_EXEC_EXECVE, 0);
	wait_images(&r, pid, v, N);
	for (i = 0; i < N; i++)
		assert_hash(v[i], &p[i]);
	stop(&r);
}

/* One program many times: one version, one hash, the later ones without waiting. */
static void many_times(void **state)
{
	struct verdict v, first;
	struct program p;
	struct rig r;
	unsigned i;
	pid_t pid;

	(void)state;
	make_program(&p, dir, "/bin/true", 1000);
	usleep(50000); /* old enough to be remembered */
	start(&r);
	for (i = 0; i < 50; i++) {
		pid = spawn(&p, NULL);
		reap(pid);
		send_exec(&r, &p, pid, WIRE_EXEC_EXECVE, 0);
		v = wait_image(&r, pid);
		assert_hash(v, &p);
		if (!i)
			first = v;
		assert_int_equal(v.file_id, first.file_id);
	}
	unlink(p.path);
	stop(&r);
}

/* Modified in place: said at once, and hashed anew. */
static void modified(void **state)
{
	struct program p;
	struct verdict a, b;
	struct got g;
	struct rig r;
	pid_t pid;
	int fd;

	(void)state;
	make_program(&p, dir, "/bin/true", 2000);
	usleep(50000);
	start(&r);
	pid = spawn(&p, NULL);
	reap(pid);
	send_exec(&r, &p, pid, WIRE_EXEC_EXECVE, 0);
	a = wait_image(&r, pid);
	assert_hash(a, &p);

	fd = open(p.path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
	expect(&r, &g, WIRE_CHANGED);
	assert_int_equal(((struct wire_changed *)g.payload)->file_id, a.file_id);
	assert_int_equal(((struct wire_changed *)g.payload)->tgid, getpid());

	make_program(&p, dir, "/bin/true", 2000);
	pid = spawn(&p, NULL);
	reap(pid);
	send_exec(&r, &p, pid, WIRE_EXEC_EXECVE, 0);
	b = wait_image(&r, pid);
	assert_hash(b, &p);
	assert_int_not_equal(a.file_id, b.file_id);
	unlink(p.path);
	stop(&r);
}

/* Ran before we did; and a record that no file fits: no hash, and why. */
static void running(void **state)
{
	struct program p, other;
	struct verdict v;
	struct rig r;
	pid_t pid;

	(void)state;
	make_program(&p, dir, "/bin/sleep", 3000);
	pid = spawn(&p, "60");
	start(&r);
	send_exec(&r, &p, pid, WIRE_EXEC_RUNNING, 0);
	v = wait_image(&r, pid);
	assert_hash(v, &p);

	other = p;
	other.file.mtime_ns ^= 1;
	other.file.ctime_ns ^= 1;
	send_exec(&r, &other, pid, WIRE_EXEC_RUNNING, 0);
	assert_int_equal(wait_image(&r, pid).hash_error, WIRE_HASH_CHANGED);

	kill(pid, SIGKILL);
	reap(pid);
	unlink(p.path);
	other.file.ino += 1000000;
	send_exec(&r, &other, pid, WIRE_EXEC_NETWORK, 0);
	assert_int_equal(wait_image(&r, pid).hash_error, WIRE_HASH_GONE);
	stop(&r);
}

/* A mount that came later: watched, and not kept busy. */
static void new_mount(void **state)
{
	char mnt[80];
	struct program p;
	struct verdict v;
	struct rig r;
	pid_t pid;
	int i, tries;

	(void)state;
	start(&r);
	snprintf(mnt, sizeof(mnt), "%s/a mount", dir);
	assert_int_equal(mkdir(mnt, 0755), 0);
	for (i = 0; i < 3; i++) { /* its device number may well be the same each time */
		assert_int_equal(mount("none", mnt, "tmpfs", 0, NULL), 0);
		usleep(100000);
		make_program(&p, mnt, "/bin/true", 4000);
		pid = spawn(&p, NULL);
		unlink(p.path);
		reap(pid);
		send_exec(&r, &p, pid, WIRE_EXEC_EXECVE, 0);
		v = wait_image(&r, pid);
		assert_hash(v, &p);
		for (tries = 0; umount2(mnt, 0) && tries < 20; tries++) /* others may be watching, too */
			usleep(10000);
		assert_int_not_equal(tries, 20);
	}
	rmdir(mnt);
	stop(&r);
}

/* A filesystem that only a process in another mount namespace sees: from its second program on it is watched.
 */
static void other_namespace(void **state)
{
	char mnt[80], path[96];
	struct program p;
	int ready[2], go[2];
	struct verdict v;
	struct rig r;
	pid_t holder, pid;
	char c;

	(void)state;
	start(&r);
	snprintf(mnt, sizeof(mnt), "%s/private", dir);
	assert_int_equal(mkdir(mnt, 0755), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	holder = fork();
	if (!holder) {
		if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", mnt, "tmpfs", 0, NULL))
			_exit(1);
		make_program(&p, mnt, "/bin/sleep", 5000);
		pid = spawn(&p, "60");
		if (write(ready[1], &pid, sizeof(pid)) < 0 || write(ready[1], &p, sizeof(p)) < 0 ||
		    read(go[0], &c, 1) < 0)
			_exit(1);
		kill(pid, SIGKILL);
		make_program(&p, mnt, "/bin/true", 5001);
		pid = spawn(&p, NULL);
		unlink(p.path);
		reap(pid);
		if (write(ready[1], &pid, sizeof(pid)) < 0 || write(ready[1], &p, sizeof(p)) < 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(read(ready[0], &p, sizeof(p)), sizeof(p));
	send_exec(&r, &p, pid, WIRE_EXEC_EXECVE, 0);
	v = wait_image(&r, pid);
	assert_hash(v, &p);
	usleep(50000);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(read(ready[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(read(ready[0], &p, sizeof(p)), sizeof(p));
	send_exec(&r, &p, pid, WIRE_EXEC_EXECVE, 0);
	v = wait_image(&r, pid);
	assert_hash(v, &p);
	reap(holder);
	close(ready[0]), close(ready[1]), close(go[0]), close(go[1]);
	snprintf(path, sizeof(path), "%s", mnt);
	rmdir(path);
	stop(&r);
}

/* A huge file delays nobody, and at the end it is abandoned with a reason, in time. */
static void huge(void **state)
{
	struct program big, small;
	bool abandoned = false;
	struct verdict v;
	struct got g;
	struct rig r;
	double begun;
	pid_t pid;
	int fd;

	(void)state;
	start(&r);
	make_program(&big, dir, "/bin/sleep", 6000);
	fd = open(big.path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 200ll << 30), 0); /* sparse */
	close(fd);
	record_file(&big);
	pid = spawn(&big, "60");
	send_exec(&r, &big, pid, WIRE_EXEC_EXECVE, 0);
	expect(&r, &g, WIRE_IMAGE);
	assert_int_equal(((struct wire_image *)g.payload)->hash_error, WIRE_HASH_PENDING);
	kill(pid, SIGKILL);
	reap(pid);

	usleep(100000);
	begun = now();
	make_program(&small, dir, "/bin/true", 6001);
	pid = spawn(&small, NULL);
	reap(pid);
	send_exec(&r, &small, pid, WIRE_EXEC_EXECVE, 0);
	v = wait_image(&r, pid);
	assert_hash(v, &small);
	assert_true(now() - begun < 1);

	begun = now();
	close_head(&r);
	while (receive(&r, &g, 6) > 0) {
		if (g.hdr.type == WIRE_DIGEST)
			abandoned = ((struct wire_digest *)g.payload)->hash_error == WIRE_HASH_ABANDONED;
	}
	assert_true(abandoned);
	assert_true(now() - begun < 4);
	unlink(big.path);
	unlink(small.path);
	stop(&r);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_passing_on),
		cmocka_unit_test(deleted_at_once),
		cmocka_unit_test(many_times),
		cmocka_unit_test(modified),
		cmocka_unit_test(running),
		cmocka_unit_test(new_mount),
		cmocka_unit_test(other_namespace),
		cmocka_unit_test(huge),
	};
	char self[PATH_MAX];
	int before, rc, fd;

	(void)argc;
	fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
	if (fd < 0) {
		printf("SKIP test_hasher: fanotify: %s\n", strerror(errno));
		return 0;
	}
	close(fd);
	if (!realpath(argv[0], self))
		return 1;
	*strstr(self, "/tests/unit/") = '\0';
	snprintf(hasher_path, sizeof(hasher_path), "%.4000s/femtosnitch-hasher", self);
	if (access(hasher_path, X_OK)) {
		printf("SKIP test_hasher: %s is not built\n", hasher_path);
		return 0;
	}
	strcpy(dir, "/tmp/femtosnitch-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	chmod(dir, 0755);
	before = count_fds();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	if (count_fds() != before) {
		printf("FAIL test_hasher: file descriptors left open\n");
		return 1;
	}
	return rc;
}
