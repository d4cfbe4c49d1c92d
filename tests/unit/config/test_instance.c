// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_instance.c - whose the directories are, the lock, and what a hostile owner of the state directory can
 * put in root's way.
 */
#include "config/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct options o;
static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/femtosnitch-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	memset(&o, 0, sizeof(o));
	snprintf(o.state_dir, sizeof(o.state_dir), "%s/state", dir);
	snprintf(o.log_dir, sizeof(o.log_dir), "%s/log", dir);
	snprintf(o.config, sizeof(o.config), "%s/etc/config.json", dir);
	o.typed_state = o.state_dir;
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static char *in_state(const char *name)
{
	static char path[OPTIONS_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", o.state_dir, name);
	return path;
}

static void test_directories(void **state)
{
	struct instance in;
	struct stat st;

	(void)state;
	setenv("SUDO_UID", "4343", 1);
	setenv("SUDO_GID", "4242", 1);
	assert_int_equal(instance_open(&in, &o), 0);
	assert_int_equal(stat(o.state_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_uid, geteuid() == 0 ? 4343 : geteuid());
	if (geteuid() == 0) {
		assert_int_equal(in.uid, 4343);
		assert_int_equal(in.gid, 4242);
		assert_int_equal(stat(in_state(INSTANCE_LOCK), &st), 0);
		assert_int_equal(st.st_uid, 4343);
	}
	assert_int_equal(instance_running(&o), getpid());
	instance_close(&in);
	assert_int_equal(instance_running(&o), 0);
	/* What is there is not given to somebody else. */
	setenv("SUDO_UID", "1", 1);
	assert_int_equal(instance_open(&in, &o), 0);
	assert_int_equal(stat(o.state_dir, &st), 0);
	assert_int_equal(st.st_uid, geteuid() == 0 ? 4343 : geteuid());
	instance_close(&in);
}

static void test_bad_sudo_uid(void **state)
{
	struct instance in;
	struct stat st;

	(void)state;
	setenv("SUDO_UID", "12x", 1);
	setenv("SUDO_GID", "-1", 1);
	assert_int_equal(instance_open(&in, &o), 0);
	assert_int_equal(stat(o.state_dir, &st), 0);
	assert_int_not_equal(st.st_uid, 12);
	instance_close(&in);
}

static void test_not_a_directory(void **state)
{
	struct instance in;

	(void)state;
	close(open(o.state_dir, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(instance_open(&in, &o), -ENOTDIR);
	snprintf(o.state_dir, sizeof(o.state_dir), "%s/no/such", dir);
	assert_int_equal(instance_open(&in, &o), -ENOENT);
}

static void test_busy(void **state)
{
	struct instance in, second;

	(void)state;
	assert_int_equal(instance_open(&in, &o), 0);
	assert_int_equal(instance_open(&second, &o), -EBUSY);
	instance_close(&in);
	assert_int_equal(instance_open(&second, &o), 0);
	instance_close(&second);
}

/* The file says 1 or whatever its owner wrote: only the lock counts, and only a femtosnitch is believed. */
static void test_forged_pid(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(mkdir(o.state_dir, 0750), 0);
	fd = open(in_state(INSTANCE_LOCK), O_CREAT | O_RDWR, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1\n", 2), 2);
	assert_int_equal(instance_running(&o), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(instance_running(&o), 0); /* 1 is never ours */
	if (geteuid() == 0) {
		char text[16];
		pid_t other = fork();
		int n;

		if (other == 0) {
			execl("/bin/sleep", "sleep", "20", (char *)NULL);
			_exit(1);
		}
		usleep(100000);
		n = snprintf(text, sizeof(text), "%d\n", (int)other);
		assert_int_equal(pwrite(fd, text, (size_t)n, 0), n);
		assert_int_equal(instance_running(&o), -ESTALE);
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	close(fd);
}

/* A link in the place of the lock must not make root write to what it points at. */
static void test_links(void **state)
{
	struct instance in;
	char target[128];
	struct stat st;
	int fd;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", dir);
	fd = open(target, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_equal(mkdir(o.state_dir, 0750), 0);
	assert_int_equal(symlink(target, in_state(INSTANCE_LOCK)), 0);
	assert_int_equal(instance_open(&in, &o), -ELOOP);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 8);
	unlink(in_state(INSTANCE_LOCK));
	assert_int_equal(link(target, in_state(INSTANCE_LOCK)), 0);
	assert_int_equal(instance_open(&in, &o), -EINVAL);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(st.st_uid, geteuid());
	unlink(in_state(INSTANCE_LOCK));
	assert_int_equal(mkfifo(in_state(INSTANCE_LOCK), 0600), 0);
	assert_true(instance_open(&in, &o) < 0); /* and does not wait for a writer */
}

static void test_first_config(void **state)
{
	struct instance in;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(instance_open(&in, &o), 0);
	assert_int_equal(instance_first_config(&in, &o), 1);
	assert_int_equal(stat(o.config, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true(st.st_size > 1000);
	/* Never written again. */
	fd = open(o.config, O_WRONLY | O_TRUNC);
	close(fd);
	assert_int_equal(instance_first_config(&in, &o), 0);
	assert_int_equal(stat(o.config, &st), 0);
	assert_int_equal(st.st_size, 0);
	snprintf(o.config, sizeof(o.config), "%s/a/b/config.json", dir);
	assert_int_equal(instance_first_config(&in, &o), -ENOENT);
	instance_close(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_sudo_uid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged_pid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_config, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
