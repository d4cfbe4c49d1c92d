// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_supervise.c - the supervisor with a chain of stand-ins. This very program plays each stage when it is
 * called by a stage's name: it passes frames on, says READY, answers a window for a flush, and misbehaves as
 * the file "play-STAGE" in the state directory tells it.
 */
#include "config/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/client.h"
#include "config/instance.h"
#include "config/handover.h"
#include "config/log.h"
#include "config/stage.h"

/* ---- the stand-in */

static char play[32];

static void read_play(const struct stage *s, const char *name)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/play-%s", s->state_dir, name);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? 0 : read(fd, play, sizeof(play) - 1);
	play[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* Of the socket that a service manager's descriptors come through, only the collector has an end; of the one
 * that files are handed over, the hasher and VirusTotal's sink. */
static void check_fds(enum wire_stage id, int argc, char **argv)
{
	bool handover = argc > 1 && strcmp(argv[argc - 1], "--handover") == 0;
	char path[32];
	int fd;

	if (handover && id == WIRE_STAGE_STORE)
		fatalx("--handover, although nobody hands it anything");
	if (!handover && id == WIRE_STAGE_HASHER)
		fatalx("no --handover, and so no way to hand over a file");
	for (fd = handover ? HANDOVER_FD + 1 : HANDOVER_FD; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (access(path, F_OK) == 0)
			fatalx("fd %d was handed down", fd);
	}
}

static void on_flush(struct stage *s, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_window window = {.from_ns = 1, .to_ns = 2};

	if (s->id != WIRE_STAGE_COLLECTOR) {
		frame_pass(s->out, hdr, payload);
		return;
	}
	window.flush_id = ((const struct wire_flush *)payload)->id;
	frame_put(s->out, WIRE_WINDOW, &window, sizeof(window), NULL, 0);
}

static void on_window(struct stage *s, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_committed done = {.to_ns = 2, .rows = 42, .commit_us = 1500};

	if (s->id != WIRE_STAGE_STORE) {
		frame_pass(s->out, hdr, payload);
		return;
	}
	done.flush_id = ((const struct wire_window *)payload)->flush_id;
	frame_put(s->out, WIRE_COMMITTED, &done, sizeof(done), NULL, 0);
}

static void play_frame(struct stage *s, const struct wire_hdr *hdr, const void *payload)
{
	if (hdr->type == WIRE_FLUSH)
		on_flush(s, hdr, payload);
	else if (hdr->type == WIRE_WINDOW)
		on_window(s, hdr, payload);
	else if (hdr->type == WIRE_SETTINGS)
		stage_settings(s, payload);
	else if (hdr->type == WIRE_COMMITTED && s->id == WIRE_STAGE_COLLECTOR)
		log_info("durable up to %llu",
			 (unsigned long long)((const struct wire_committed *)payload)->to_ns);
	else
		frame_pass(s->out, hdr, payload);
	frame_flush(s->out);
}

static int play_stage(enum wire_stage id, const char *name, int argc, char **argv)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	struct stage s;
	char text[64];

	check_fds(id, argc, argv);
	stage_start(&s, id, 1 << 20, argc, argv);
	read_play(&s, name);
	if (strcmp(play, "exit2") == 0)
		exit(2);
	if (strcmp(play, "garbage") == 0)
		(void)!write(1, "GET / HTTP/1.1\r\n\r\n", 18);
	snprintf(text, sizeof(text), "%s works\nNOT PROVEN: %s luck", name, name);
	stage_ready(&s, text);
	if (strcmp(play, "loss") == 0)
		stage_loss(&s, WIRE_LOSS_PIPE, 0, 0, 7, 100, "%s", "a\nb\033c");
	frame_flush(s.out);
	while (poll(&in, 1, -1) >= 0) {
		int got = frame_fill(s.in);

		while (frame_next(s.in, &hdr, &payload, &why) > 0)
			play_frame(&s, hdr, payload);
		if (got == 0)
			break;
	}
	if (strcmp(play, "linger") == 0)
		close(1);
	while (strcmp(play, "stay") == 0 || strcmp(play, "linger") == 0)
		pause();
	settings_free(&s.settings);
	frame_reader_free(s.in);
	frame_writer_free(s.out);
	return 0;
}

/* ---- the rig */

struct rig {
	char dir[64]; /* bin/ and state/ in it */
	struct options options;
	pid_t pid;
	int err; /* read end of its stderr */
	char said[16384];
	size_t said_len;
};

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	static const char *const names[] = {"collector", "hasher", "store"};
	char path[PATH_MAX], self[PATH_MAX];
	struct rig *r = calloc(1, sizeof(*r));
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	assert_true(r && n > 0);
	self[n] = '\0';
	strcpy(r->dir, "/tmp/femtosnitch-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->options.argv0 = "femtosnitch";
	snprintf(r->options.bin_dir, OPTIONS_PATH_MAX, "%s", r->dir);
	snprintf(r->options.state_dir, OPTIONS_PATH_MAX, "%s/state", r->dir);
	snprintf(r->options.log_dir, OPTIONS_PATH_MAX, "%s/state", r->dir);
	snprintf(r->options.config, OPTIONS_PATH_MAX, "%s/state/config.json", r->dir);
	r->options.typed_state = r->options.state_dir;
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/femtosnitch-%s", r->dir, names[i]);
		assert_int_equal(symlink(self, path), 0);
	}
	assert_int_equal(mkdir(r->options.state_dir, 0750), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	char command[128];

	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	if (r->err > 0)
		close(r->err);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0);
	free(r);
	return 0;
}

static void launch(struct rig *r)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	r->pid = fork();
	if (r->pid == 0) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		log_open("femtosnitch", 0);
		_exit(supervise_run(&r->options));
	}
	close(ends[1]);
	if (r->err > 0)
		close(r->err);
	r->err = ends[0];
	fcntl(r->err, F_SETFL, O_NONBLOCK);
	r->said_len = 0;
	r->said[0] = '\0';
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read stderr until text is in it, or end of file. */
static bool hears(struct rig *r, const char *text, int ms)
{
	int64_t end = now_ms() + ms;
	struct pollfd in = {.fd = r->err, .events = POLLIN};
	ssize_t n = 1;

	while (!strstr(r->said, text) && n != 0 && now_ms() < end) {
		if (poll(&in, 1, 100) <= 0)
			continue;
		n = read(r->err, r->said + r->said_len, sizeof(r->said) - 1 - r->said_len);
		if (n > 0)
			r->said_len += (size_t)n;
		r->said[r->said_len] = '\0';
	}
	return strstr(r->said, text) != NULL;
}

static void must_hear(struct rig *r, const char *text)
{
	if (!hears(r, text, 8000))
		fail_msg("wanted \"%s\", heard: %s", text, r->said);
}

/* The exit code, -1 if it did not end in time. Hears the rest. */
static int ends_with(struct rig *r, int ms)
{
	int64_t end = now_ms() + ms;
	int status = -1;

	while (waitpid(r->pid, &status, WNOHANG) == 0) {
		if (now_ms() >= end)
			return -1;
		hears(r, "\001", 20);
	}
	hears(r, "\001", 200);
	r->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *ask(struct rig *r, const char *line)
{
	char *answer = NULL;
	int rc = client_ask(&r->options, line, 15000, &answer);

	if (rc != 0)
		fail_msg("%s: %s", line, strerror(-rc));
	return answer;
}

static void must_answer(struct rig *r, const char *line, const char *want)
{
	char *answer = ask(r, line);

	if (!strstr(answer, want))
		fail_msg("%s: wanted \"%s\", got: %s", line, want, answer);
	free(answer);
}

static pid_t stage_pid(struct rig *r, const char *name)
{
	char *answer = ask(r, "status"), key[64], *at;
	int pid;

	snprintf(key, sizeof(key), "stage %s: pid ", name);
	at = strstr(answer, key);
	assert_non_null(at);
	pid = (int)strtol(at + strlen(key), NULL, 10);
	free(answer);
	assert_true(pid > 1);
	return pid;
}

static bool is_gone(pid_t pid)
{
	int i;

	for (i = 0; i < 100 && kill(pid, 0) == 0; i++)
		usleep(20000);
	return i < 100;
}

/* ---- tests */

static void test_ready_and_stop(void **state)
{
	struct rig *r = *state;
	int64_t start;

	launch(r);
	must_hear(r, "femtosnitch: ready; collector works; NOT PROVEN: collector luck; hasher works");
	must_hear(r, "femtosnitch: collector: NOT PROVEN: collector luck\n");
	must_hear(r, "query --state-dir");
	must_hear(r, "config.json: written with the defaults");
	must_answer(r, "status", "state: running\n");
	must_answer(r, "status", "coverage store: store works\n");
	must_answer(r, "status", "settings generation: 1\n");
	start = now_ms();
	kill(r->pid, SIGINT); /* Ctrl-C under sudo and make: not an order to kill */
	kill(r->pid, SIGTERM);
	usleep(1000);
	kill(r->pid, SIGINT);
	assert_int_equal(ends_with(r, 6000), 0);
	assert_true(now_ms() - start < 2000);
	assert_null(strstr(r->said, "killed"));
	assert_int_equal(instance_running(&r->options), 0);
}

static void test_flush(void **state)
{
	struct rig *r = *state;

	launch(r);
	must_hear(r, "femtosnitch: ready");
	must_answer(r, "flush", "committed 42\n");
	must_answer(r, "flush", "committed 42\n");
	must_answer(r, "status", "rows: 84\n");
	must_answer(r, "status", "last commit ms: 1.500\n");
	must_answer(r, "dance", "failed: unknown command");
	must_answer(r, "stop", "stopping");
	assert_int_equal(ends_with(r, 6000), 0);
}

static void test_stage_killed(void **state)
{
	static const char *const names[] = {"collector", "hasher", "store"};
	struct rig *r = *state;
	pid_t pids[3];
	char text[80];
	int i, j;

	for (i = 0; i < 3; i++) {
		launch(r);
		must_hear(r, "femtosnitch: ready");
		for (j = 0; j < 3; j++)
			pids[j] = stage_pid(r, names[j]);
		kill(pids[i], SIGKILL);
		assert_int_equal(ends_with(r, 6000), 1);
		snprintf(text, sizeof(text), "femtosnitch-%s (pid %d) was killed by signal 9 (Killed)",
			 names[i], (int)pids[i]);
		must_hear(r, text);
		for (j = 0; j < 3; j++)
			assert_true(is_gone(pids[j]));
	}
}

static void test_supervisor_killed(void **state)
{
	struct rig *r = *state;
	pid_t collector, store;

	launch(r);
	must_hear(r, "femtosnitch: ready");
	collector = stage_pid(r, "collector");
	store = stage_pid(r, "store");
	kill(r->pid, SIGKILL);
	assert_int_equal(ends_with(r, 6000), -1);
	assert_true(is_gone(collector));
	assert_true(is_gone(store));
	/* Nothing of the dead one is in the way. */
	launch(r);
	must_hear(r, "femtosnitch: ready");
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 6000), 0);
}

static void test_stage_stays(void **state)
{
	struct rig *r = *state;
	pid_t hasher;
	int64_t start;

	write_file(r->options.state_dir, "play-hasher", "stay");
	launch(r);
	must_hear(r, "femtosnitch: ready");
	hasher = stage_pid(r, "hasher");
	start = now_ms();
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 7000), 1);
	assert_in_range(now_ms() - start, 4000, 5500);
	must_hear(r, "a stage did not finish in time: killed");
	assert_true(is_gone(hasher));
}

/* A thread that a dead filesystem holds keeps a stage whose work is done: nobody waits for that. */
static void test_stage_lingers(void **state)
{
	struct rig *r = *state;
	int64_t start;

	write_file(r->options.state_dir, "play-hasher", "linger");
	launch(r);
	must_hear(r, "femtosnitch: ready");
	start = now_ms();
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 6000), 0);
	assert_in_range(now_ms() - start, 0, 3000);
	must_hear(r, "killed; the log is complete");
}

static void test_stage_exits(void **state)
{
	struct rig *r = *state;

	write_file(r->options.state_dir, "play-store", "exit2");
	launch(r);
	assert_int_equal(ends_with(r, 6000), 2);
	must_hear(r, "femtosnitch-store (pid ");
	must_hear(r, "exited with 2: stopping");
}

static void test_garbage(void **state)
{
	struct rig *r = *state;

	write_file(r->options.state_dir, "play-store", "garbage");
	launch(r);
	assert_int_equal(ends_with(r, 6000), 1);
	must_hear(r, "store: broken frame: another version");
}

static void test_no_stage(void **state)
{
	struct rig *r = *state;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/femtosnitch-store", r->dir);
	unlink(path);
	launch(r);
	assert_int_equal(ends_with(r, 6000), 1);
	must_hear(r, "femtosnitch-store: No such file or directory");
}

static void test_loss(void **state)
{
	struct rig *r = *state;

	write_file(r->options.state_dir, "play-hasher", "loss");
	launch(r);
	must_hear(r, "hasher: lost (pipe): 7 records, 100 bytes: a\\x0ab\\x1bc\n");
	must_answer(r, "status", "loss pipe: 1 times, 7 records, 100 bytes\n");
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 6000), 0);
}

static void test_settings(void **state)
{
	struct rig *r = *state;

	write_file(r->options.state_dir, "config.json", "{\"Log prots\": true}");
	launch(r);
	assert_int_equal(ends_with(r, 6000), 2);
	must_hear(r, "config.json:1: unknown key \"Log prots\", did you mean \"Log ports\"?");
	write_file(r->options.state_dir, "config.json", "{\"Log ports\": false}");
	launch(r);
	must_hear(r, "femtosnitch: ready");
	write_file(r->options.state_dir, "config.json", "{\"Log ports\": 1}");
	kill(r->pid, SIGHUP);
	must_hear(r, "the new settings are refused: generation 1 stays");
	must_answer(r, "status", "settings generation: 1\n");
	must_answer(r, "reload", "failed: refused");
	write_file(r->options.state_dir, "config.json", "{\"Dash theme\": \"dark\"}");
	must_answer(r, "reload", "reloaded");
	must_answer(r, "status", "notice: ");
	must_answer(r, "status", "settings generation: 2\n");
	must_answer(r, "flush", "committed 42\n");
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 6000), 0);
}

static void test_second_instance(void **state)
{
	struct rig *r = *state, second = *r;
	char text[64];

	launch(r);
	must_hear(r, "femtosnitch: ready");
	assert_int_equal(instance_running(&r->options), r->pid);
	second.err = 0;
	launch(&second);
	assert_int_equal(ends_with(&second, 6000), 1);
	snprintf(text, sizeof(text), "already running with pid %d", (int)r->pid);
	must_hear(&second, text);
	close(second.err);
	must_answer(r, "flush", "committed 42\n");
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 6000), 0);
}

static void test_service_manager(void **state)
{
	struct rig *r = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64], all[2048] = "", buf[512];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct pollfd in = {.fd = fd, .events = POLLIN};
	ssize_t n;

	snprintf(name, sizeof(name), "@femtosnitch-test-%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "300000", 1);
	launch(r);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	while (!strstr(all, "READY=1") || !strstr(all, "WATCHDOG=1")) {
		assert_int_equal(poll(&in, 1, 5000), 1);
		n = recv(fd, buf, sizeof(buf) - 1, 0);
		assert_true(n > 0);
		buf[n] = '\0';
		strncat(all, buf, sizeof(all) - strlen(all) - 1);
	}
	must_answer(r, "flush", "committed 42\n");
	must_hear(r, "durable up to 2\n"); /* the collector's journal hears of it */
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 6000), 0);
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	assert_true(n > 0);
	close(fd);
}

/* Heartbeats that do not come round must not feed the watchdog: a stopped store is a stuck chain. */
static void test_watchdog_starves(void **state)
{
	struct rig *r = *state;
	char path[PATH_MAX], buf[512];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), i, fed = 0;
	pid_t store;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/notify", r->dir);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "150000", 1);
	launch(r);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	must_hear(r, "femtosnitch: ready");
	store = stage_pid(r, "store");
	kill(store, SIGSTOP);
	usleep(200000);
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
	for (i = 0; i < 10; i++) {
		usleep(50000);
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
			fed += memmem(buf, (size_t)n, "WATCHDOG=1", 10) != NULL;
	}
	assert_int_equal(fed, 0);
	kill(store, SIGCONT);
	kill(r->pid, SIGTERM);
	assert_int_equal(ends_with(r, 6000), 0);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ready_and_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stage_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_supervisor_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stage_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stage_lingers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stage_exits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_stage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_instance, setup, teardown),
		cmocka_unit_test_setup_teardown(test_service_manager, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watchdog_starves, setup, teardown),
	};
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];

	if (strcmp(name, "femtosnitch-collector") == 0)
		return play_stage(WIRE_STAGE_COLLECTOR, "collector", argc, argv);
	if (strcmp(name, "femtosnitch-hasher") == 0)
		return play_stage(WIRE_STAGE_HASHER, "hasher", argc, argv);
	if (strcmp(name, "femtosnitch-store") == 0)
		return play_stage(WIRE_STAGE_STORE, "store", argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
