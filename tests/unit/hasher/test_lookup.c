// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_lookup.c - scripts are opened where their process was, and nowhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "hasher/lookup.h"

static char dir[256];

static __u64 inode(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static wire_ns now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (wire_ns)ts.tv_sec * 1000000000u + (wire_ns)ts.tv_nsec;
}

static void write_file(const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int before(void **state)
{
	char sub[sizeof(dir) + 8];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/femtosnitch-lookup-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	if (mkdir(sub, 0755) || chdir(dir))
		return -1;
	write_file("x.sh", "outer");
	write_file("sub/x.sh", "inner");
	return 0;
}

static int after(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return chdir("/") || system(command);
}

/* A record of us, as we are. */
static struct wire_exec here(void)
{
	struct wire_exec exec = {
		.image.tgid = (__u32)getpid(), .cwd_ino = inode("."), .root_ino = inode("/")};
	char link[64] = "";

	assert_true(readlink("/proc/self/ns/mnt", link, sizeof(link) - 1) > 0);
	assert_int_equal(sscanf(link, "mnt:[%u]", &exec.mntns), 1);
	return exec;
}

static unsigned look(const struct wire_exec *exec, const char *argument, wire_ns before_ns, char *text)
{
	struct lookup *job = lookup_new(exec, argument);
	unsigned error;
	ssize_t n;

	assert_non_null(job);
	job->before_ns = before_ns;
	lookup_now(job);
	error = job->error;
	assert_int_equal(job->fd >= 0, error == WIRE_HASH_OK);
	if (!error) {
		n = read(job->fd, text, 31);
		text[n > 0 ? n : 0] = '\0';
		n = (ssize_t)strlen(job->path);
		text += strlen(text);
		snprintf(text, PATH_MAX + 2, " %s", job->path);
	}
	lookup_free(job);
	return error;
}

static void found(const struct wire_exec *exec, const char *argument, const char *content, const char *name)
{
	char text[PATH_MAX + 64], want[PATH_MAX + 64];

	assert_int_equal(look(exec, argument, now_ns() + 1000000000u, text), WIRE_HASH_OK);
	snprintf(want, sizeof(want), "%s %s/%s", content, dir, name);
	assert_string_equal(text, want);
}

static void where_it_was(void **state)
{
	struct wire_exec exec = here();
	char path[PATH_MAX + 16];

	(void)state;
	found(&exec, "x.sh", "outer", "x.sh");
	found(&exec, "./sub/../sub/x.sh", "inner", "sub/x.sh");
	snprintf(path, sizeof(path), "%s/sub/x.sh", dir);
	found(&exec, path, "inner", "sub/x.sh");
	assert_int_equal(symlink("sub/x.sh", "link"), 0);
	found(&exec, "link", "inner", "sub/x.sh");
	snprintf(path, sizeof(path), "../../../../../../../../../../..%s/x.sh", dir);
	found(&exec, path, "outer", "x.sh");
}

/* The process went to another directory where the name means another file. */
static void not_where_it_went(void **state)
{
	struct wire_exec exec = here();
	char text[PATH_MAX + 64];

	(void)state;
	exec.cwd_ino = inode("sub");
	assert_int_equal(look(&exec, "x.sh", now_ns(), text), WIRE_HASH_GONE);
	exec = here();
	exec.root_ino++;
	assert_int_equal(look(&exec, "x.sh", now_ns(), text), WIRE_HASH_GONE);
	exec = here();
	exec.mntns++;
	assert_int_equal(look(&exec, "x.sh", now_ns(), text), WIRE_HASH_GONE);
}

/* It has ended: its parent may be where it was. */
static void at_its_parent(void **state)
{
	struct wire_exec exec = here();
	pid_t pid = fork();
	char text[PATH_MAX + 64];

	(void)state;
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	exec.parent.tgid = exec.image.tgid;
	exec.image.tgid = (__u32)pid;
	found(&exec, "x.sh", "outer", "x.sh");
	exec.cwd_ino = inode("sub");
	assert_int_equal(look(&exec, "x.sh", now_ns(), text), WIRE_HASH_GONE);
}

static void changed_since(void **state)
{
	struct wire_exec exec = here();
	char text[PATH_MAX + 64];

	(void)state;
	assert_int_equal(look(&exec, "x.sh", now_ns() - 10000000000u, text), WIRE_HASH_CHANGED);
	write_file("new.sh", "");
	assert_int_equal(look(&exec, "new.sh", now_ns(), text), WIRE_HASH_CHANGED);
}

static void no_file(void **state)
{
	struct wire_exec exec = here();
	char text[PATH_MAX + 64];

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(look(&exec, "absent", now_ns(), text), WIRE_HASH_GONE);
	assert_int_equal(look(&exec, "sub", now_ns(), text), WIRE_HASH_NO_FILE);
	assert_int_equal(look(&exec, "fifo", now_ns(), text), WIRE_HASH_NO_FILE);
	assert_int_equal(look(&exec, "/dev/null", now_ns(), text), WIRE_HASH_NO_FILE);
	assert_int_equal(look(&exec, "/proc/self/fd/0", now_ns(), text), WIRE_HASH_NO_FILE);
	assert_int_equal(look(&exec, "/proc/self/exe", now_ns(), text), WIRE_HASH_NO_FILE);
	assert_int_equal(look(&exec, "", now_ns(), text), WIRE_HASH_NO_FILE);
}

/* Links and .. end at the root of the process. */
static void below_its_root(void **state)
{
	struct wire_exec exec = here();
	int ready[2], status;
	pid_t pid;
	char c;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(symlink("/x.sh", "sub/absolute"), 0);
	pid = fork();
	if (!pid) {
		if (chroot("sub") || chdir("/") || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	exec.image.tgid = (__u32)pid;
	exec.root_ino = exec.cwd_ino = inode("sub");
	found(&exec, "/x.sh", "inner", "sub/x.sh");
	found(&exec, "../../x.sh", "inner", "sub/x.sh");
	found(&exec, "absolute", "inner", "sub/x.sh");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ready[0]);
	close(ready[1]);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return ok;
}

/* A process in an overlay that it mounted in a mount namespace of its own, of a user namespace too if flags
 * say so. What the record of it would say; false: this machine does not let it. */
static bool in_an_overlay(int flags, struct wire_exec *exec)
{
	char options[PATH_MAX], at[64], c = 0;
	bool ok;
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ok = !unshare(CLONE_NEWNS | flags) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
		if (flags & CLONE_NEWUSER)
			ok = ok && write_text("/proc/self/uid_map", "0 0 1") &&
			     write_text("/proc/self/setgroups", "deny") &&
			     write_text("/proc/self/gid_map", "0 0 1");
		ok = ok && !mount("none", "sub", "tmpfs", 0, NULL) && !mkdir("sub/lower", 0755) &&
		     !mkdir("sub/upper", 0755) && !mkdir("sub/work", 0755) && !mkdir("sub/merged", 0755);
		snprintf(options, sizeof(options),
			 "lowerdir=%s/sub/lower,upperdir=%s/sub/upper,workdir=%s/sub/work", dir, dir, dir);
		ok = ok && !mount("none", "sub/merged", "overlay", 0, options) && !chdir("sub/merged");
		close(open("x.sh", O_WRONLY | O_CREAT, 0755));
		if (ok && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ok = read(ready[0], &c, 1) == 1;
	close(ready[0]);
	*exec = (struct wire_exec){.image.tgid = (__u32)pid};
	if (!ok)
		return false;
	snprintf(at, sizeof(at), "/proc/%d/cwd", pid);
	exec->cwd_ino = inode(at);
	exec->root_ino = inode("/");
	snprintf(at, sizeof(at), "/proc/%d/ns/mnt", pid);
	exec->mntns = (__u32)inode(at);
	return true;
}

/* What anybody may have mounted is not touched where others would wait. */
static void an_overlay_of_anybody(void **state)
{
	static const struct {
		int flags;
		enum distance distance;
	} table[] = {{0, DISTANCE_NEAR}, {CLONE_NEWUSER, DISTANCE_STRANGE}};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct wire_exec exec;
		bool there = in_an_overlay(table[i].flags, &exec);
		struct lookup *job = lookup_new(&exec, "x.sh");

		assert_non_null(job);
		job->before_ns = now_ns() + 1000000000u;
		if (there) {
			lookup_now(job);
			assert_int_equal(job->error, WIRE_HASH_OK);
			assert_int_equal(job->distance, table[i].distance);
		} else {
			print_message("SKIP an_overlay_of_anybody: no such mount on this machine\n");
		}
		lookup_free(job);
		kill((pid_t)exec.image.tgid, SIGKILL);
		waitpid((pid_t)exec.image.tgid, NULL, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(where_it_was, before, after),
		cmocka_unit_test_setup_teardown(not_where_it_went, before, after),
		cmocka_unit_test_setup_teardown(at_its_parent, before, after),
		cmocka_unit_test_setup_teardown(changed_since, before, after),
		cmocka_unit_test_setup_teardown(no_file, before, after),
		cmocka_unit_test_setup_teardown(below_its_root, before, after),
		cmocka_unit_test_setup_teardown(an_overlay_of_anybody, before, after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
