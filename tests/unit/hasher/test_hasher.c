// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_hasher.c - the whole hasher as its neighbours see it: frames in on one pipe, frames out on the other,
 * and real programs that run, are deleted, modified or live on another mount. The exec records are made here,
 * from a stat before the program ran, as the kernel's hook would make them.
 */
#include "tests/unit/hasher/rig.h"

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

/* The same, but each record follows at once, in a stream that never ends: the hasher reads the record before
 * it has heard of the event, which is in the kernel's queue and must be looked for there. */
static void record_at_once(void **state)
{
	enum {
		N = 100,
		FLOWS = 50
	};
	struct wire_flow flow = {.family = 2, .protocol = 6};
	static struct program p[N];
	static struct verdict v[N];
	static pid_t pid[N];
	struct rig r;
	unsigned i, j;

	(void)state;
	for (i = 0; i < N; i++)
		make_program(&p[i], dir, "/bin/true", 500 + i);
	start(&r);
	for (i = 0; i < N; i++) {
		for (j = 0; j < FLOWS; j++)
			send_frame(&r, WIRE_FLOW, &flow, sizeof(flow), NULL);
		pid[i] = spawn(&p[i], NULL);
		unlink(p[i].path);
		reap(pid[i]);
		send_exec(&r, &p[i], pid[i], WIRE_EXEC_EXECVE, 0);
	}
	wait_images(&r, pid, v, N);
	for (i = 0; i < N; i++)
		assert_hash(v[i], &p[i]);
	stop(&r);
}

/* Nobody reads for a while: nothing is lost, nothing changes places, and what ran meanwhile still has its
 * hash. */
static void slow_reader(void **state)
{
	enum {
		N = 20,
		FLOWS = 12000 /* more than both pipes and all buffers hold */
	};
	struct wire_flow flow = {.family = 2, .protocol = 6};
	static struct program p[N];
	static struct verdict v[N];
	unsigned i, flows = 0;
	static struct got g;
	struct rig r;
	pid_t pid[N], feeder;

	(void)state;
	start(&r);
	feeder = fork();
	if (!feeder) {
		for (i = 0; i < FLOWS; i++) {
			flow.cookie = i;
			send_frame(&r, WIRE_FLOW, &flow, sizeof(flow), NULL);
		}
		_exit(0);
	}
	usleep(200000);
	for (i = 0; i < N; i++) {
		make_program(&p[i], dir, "/bin/true", 7000 + i);
		pid[i] = spawn(&p[i], NULL);
		unlink(p[i].path);
		reap(pid[i]);
	}
	while (flows < FLOWS) {
		assert_int_equal(receive(&r, &g, 5), 1);
		if (g.hdr.type == WIRE_FLOW)
			assert_int_equal(((struct wire_flow *)g.payload)->cookie, flows++);
		else
			assert_int_not_equal(g.hdr.type, WIRE_LOSS);
	}
	reap(feeder);
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

/* Modified and run at once, again and again: each time the hash of what ran. */
static void modified_and_run(void **state)
{
	struct program p;
	struct verdict v;
	struct rig r;
	unsigned i;
	pid_t pid;

	(void)state;
	make_program(&p, dir, "/bin/true", 2001);
	start(&r);
	for (i = 0; i < 20; i++) {
		make_program(&p, dir, "/bin/true", 2001);
		pid = spawn(&p, NULL);
		reap(pid);
		send_exec(&r, &p, pid, WIRE_EXEC_EXECVE, 0);
		v = wait_image(&r, pid);
		assert_hash(v, &p);
	}
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
		for (tries = 0; umount2(mnt, 0) && tries < 200; tries++) /* others may be watching, too */
			usleep(10000);
		assert_int_not_equal(tries, 200);
	}
	rmdir(mnt);
	stop(&r);
}

/* A filesystem that only a process in another mount namespace sees:
 * from its second program on it is watched. */
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

static void send_cgroup(struct rig *r, __u64 id, const char *path)
{
	struct {
		struct wire_cgroup cgroup;
		char path[64];
	} rec = {.cgroup = {.id = id, .path_len = (__u32)strlen(path) + 1}};

	strcpy(rec.path, path);
	send_frame(r, WIRE_CGROUP, &rec, sizeof(rec.cgroup) + rec.cgroup.path_len, NULL);
}

/* Where it runs is said before the image that is there, and before the flow whose socket was made there. */
static void places(void **state)
{
	struct wire_exec exec = {
		.image = {.tgid = 0x7ffffff0, .start_ns = 1}, .cgroup_id = 70, .flags = WIRE_EXEC_NO_FILE};
	struct wire_flow flow = {.creator_cgroup = 71};
	static struct got g;
	struct wire_place *place = (struct wire_place *)g.payload;
	struct rig r;

	(void)state;
	start(&r);
	send_cgroup(&r, 70, "/system.slice/a.service");
	send_cgroup(&r, 71, "/system.slice/b.socket");
	send_frame(&r, WIRE_EXEC, &exec, sizeof(exec), NULL);
	send_frame(&r, WIRE_FLOW, &flow, sizeof(flow), NULL);
	assert_int_equal(receive(&r, &g, 5), 1);
	assert_int_equal(g.hdr.type, WIRE_PLACE); /* what the hasher was told is not passed on */
	assert_int_equal(place->id, 70);
	assert_string_equal((char *)(place + 1), "a.service");
	assert_int_equal(receive(&r, &g, 5), 1);
	assert_int_equal(g.hdr.type, WIRE_IMAGE);
	assert_int_equal(((struct wire_image *)g.payload)->place_id, 70);
	assert_int_equal(receive(&r, &g, 5), 1);
	assert_int_equal(g.hdr.type, WIRE_PLACE);
	assert_int_equal(place->id, 71);
	assert_int_equal(receive(&r, &g, 5), 1);
	assert_int_equal(g.hdr.type, WIRE_FLOW);
	stop(&r);
}

static int group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_passing_on),
		cmocka_unit_test(deleted_at_once),
		cmocka_unit_test(record_at_once),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(many_times),
		cmocka_unit_test(modified),
		cmocka_unit_test(modified_and_run),
		cmocka_unit_test(running),
		cmocka_unit_test(new_mount),
		cmocka_unit_test(other_namespace),
		cmocka_unit_test(places),
		cmocka_unit_test(huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	(void)argc;
	return rig_main("test_hasher", argv, group);
}
