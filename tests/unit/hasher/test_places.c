// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_places.c - which places are said, when, how often; what is forgotten; what a living process adds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hasher/place.h"
#include "hasher/places.h"

#define MAX 8
#define HEX "3e2f5b6c7d8e9f00112233445566778899aabbccddeeff001122334455667788"

static struct stage stage;
static struct places *places;
static struct frame_reader *reader;
static int pipes[2];

static int setup(void **state)
{
	(void)state;
	assert_int_equal(pipe(pipes), 0);
	fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20);
	stage.out = frame_writer_new(pipes[1], 1 << 20);
	reader = frame_reader_new(pipes[0]);
	places = places_new(&stage, MAX);
	return !places || !reader || !stage.out;
}

static int teardown(void **state)
{
	(void)state;
	places_free(places);
	frame_writer_free(stage.out);
	frame_reader_free(reader);
	close(pipes[0]);
	close(pipes[1]);
	return 0;
}

static void learn_cut(uint64_t id, const char *path, unsigned flags)
{
	struct {
		struct wire_cgroup cgroup;
		char path[WIRE_CGROUP_MAX];
	} r = {.cgroup = {.id = id, .flags = flags, .path_len = (__u32)strlen(path) + 1}};

	assert_true(r.cgroup.path_len <= sizeof(r.path));
	memcpy(r.path, path, r.cgroup.path_len);
	places_learn(places, &r.cgroup);
}

static void learn(uint64_t id, const char *path)
{
	learn_cut(id, path, 0);
}

/* A process that is no more: nobody can be asked. */
static uint64_t image(uint64_t cgroup_id)
{
	struct wire_exec exec = {.cgroup_id = cgroup_id, .image = {.tgid = 0x7fffffff, .start_ns = 1}};

	return places_image(places, &exec);
}

/* What was said since the last call: "ID@CGROUP RUNTIME|CONTAINER|UNIT|PATH" each, joined by blanks. */
static const char *said(void)
{
	static char text[1 << 16];
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	size_t at = 0;

	text[0] = '\0';
	assert_int_equal(frame_flush(stage.out), 0);
	frame_fill(reader);
	while (frame_next(reader, &hdr, &payload, &why) == 1) {
		const struct wire_place *p = payload;
		const char *s = (const char *)(p + 1);
		const __u16 lens[] = {p->runtime_len, p->container_len, p->unit_len, p->path_len};

		assert_int_equal(hdr->type, WIRE_PLACE);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu@%llu ", at ? " " : "",
				       (unsigned long long)p->id, (unsigned long long)p->cgroup_id);
		for (int i = 0; i < 4; s += lens[i++])
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "|" : "",
					       lens[i] ? s : "-");
	}
	return text;
}

static void said_once_before_it_is_used(void **state)
{
	(void)state;
	learn(7, "/docker/" HEX);
	learn(8, "/system.slice/ssh.service");
	learn(9, "/");
	assert_string_equal(said(), "");
	assert_int_equal(image(7), 7);
	assert_string_equal(said(), "7@7 docker|" HEX "|-|/docker/" HEX);
	assert_int_equal(image(7), 7);
	places_creator(places, 7);
	assert_string_equal(said(), "");
	places_creator(places, 8);
	assert_int_equal(image(8), 8);
	assert_string_equal(said(), "8@8 -|-|ssh.service|/system.slice/ssh.service");
	assert_int_equal(image(9), 9);
	assert_string_equal(said(), "9@9 -|-|-|/");
}

static void unknown_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(image(0), 0);
	assert_int_equal(image(12345), 0);
	places_creator(places, 0);
	places_creator(places, 12345);
	assert_string_equal(said(), "");
}

static void the_first_word_counts(void **state)
{
	(void)state;
	learn(7, "/a.scope");
	learn(7, "/b.scope");
	image(7);
	assert_string_equal(said(), "7@7 -|-|a.scope|/a.scope");
}

static void the_longest_unused_goes_first(void **state)
{
	char path[32];
	uint64_t id;

	(void)state;
	learn(1, "/old.service");
	learn(2, "/creator.service");
	learn(3, "/idle.service");
	for (id = 100; id < 1000; id++) {
		snprintf(path, sizeof(path), "/%llu", (unsigned long long)id);
		learn(id, path);
		assert_true(places_count(places) <= MAX);
		assert_int_equal(image(1), 1);
		places_creator(places, 2);
	}
	assert_string_equal(said(),
			    "1@1 -|-|old.service|/old.service 2@2 -|-|creator.service|/creator.service");
	assert_int_equal(image(3), 0);
	assert_int_equal(image(999), 999);
	assert_int_equal(image(990), 0);
	said();
	learn(3, "/idle.service"); /* known again, it is said again */
	image(3);
	assert_string_equal(said(), "3@3 -|-|idle.service|/idle.service");
}

static void a_cut_path_shows_it(void **state)
{
	static char path[WIRE_CGROUP_MAX];
	const char *text;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	memcpy(path, "/docker/" HEX "/", 8 + 64 + 1);
	learn_cut(7, path, WIRE_CGROUP_CUT);
	image(7);
	text = said();
	assert_memory_equal(text, "7@7 docker|" HEX "|-|/docker/", 20);
	assert_string_equal(text + strlen(text) - 5, "aa...");
	learn_cut(8, "/short", WIRE_CGROUP_CUT);
	image(8);
	assert_string_equal(said(), "8@8 -|-|-|/short...");
	path[sizeof(path) - 1] = '\0';
	learn(9, path); /* as long as may be */
	image(9);
	text = said();
	assert_string_equal(text + strlen(text) - 5, "aaaaa");
}

/* ---- what a process is asked */

static const char *choose(const char *text)
{
	static char copy[16384];

	snprintf(copy, sizeof(copy), "%s", text);
	return places_choose(copy);
}

static void the_line_that_says_most(void **state)
{
	(void)state;
	assert_string_equal(choose("0::/\n"), "/");
	assert_string_equal(choose("0::/user.slice/user-1000.slice/session-2.scope\n"),
			    "/user.slice/user-1000.slice/session-2.scope");
	/* both versions, docker with cgroupfs */
	assert_string_equal(choose("9:name=systemd:/docker/" HEX "\n8:pids:/docker/" HEX "\n"
				   "1:cpu:/\n0::/system.slice/containerd.service\n"),
			    "/docker/" HEX);
	assert_string_equal(choose("5:memory:/\n1:name=systemd:/init.scope\n0::/\n"), "/init.scope");
	assert_string_equal(choose("1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n"),
			    "/system.slice/a.service");
	assert_string_equal(choose("2:pids:/nothing\n0::/here\n"), "/here");
	assert_string_equal(choose("1:name=systemd:/init.scope\n0::/here\n"), "/here");
	assert_string_equal(choose("0::/here\n1:name=systemd:/init.scope\n"), "/here");
	assert_string_equal(choose("0::/\n1:name=systemd:/init.scope\n"), "/init.scope");
	assert_string_equal(choose("3:cpu:/docker/" HEX "\n0::/docker/" HEX "/b\n"), "/docker/" HEX "/b");
	assert_string_equal(choose("3:cpu:/a\n2:pids:/b\n"), "/a");
	assert_string_equal(choose("0::/system.slice/gone.service (deleted)\n"),
			    "/system.slice/gone.service");
	assert_string_equal(choose("0::/a:b:c\n"), "/a:b:c");
	assert_string_equal(choose("0::/whole.scope\n1:name=systemd:/docker/" HEX), "/whole.scope");
	assert_null(choose(""));
	assert_null(choose("\n"));
	assert_null(choose("nonsense\n"));
	assert_null(choose("0:"));
}

/* This process: its key as the kernel's record has it. */
static struct wire_image_key self(void)
{
	char text[1024], *s;
	FILE *f = fopen("/proc/self/stat", "re");
	int i;

	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	s = strrchr(text, ')');
	for (i = 3; i <= 22; i++)
		s = strchr(s + 1, ' ');
	return (struct wire_image_key){
		.tgid = (__u32)getpid(),
		.start_ns = strtoull(s, NULL, 10) * (1000000000ull / (__u64)sysconf(_SC_CLK_TCK)) + 5};
}

static const char *own_path(void)
{
	static char text[16384];
	FILE *f = fopen("/proc/self/cgroup", "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return places_choose(text);
}

static void a_living_process_is_asked(void **state)
{
	struct wire_exec exec = {.cgroup_id = 77, .image = self()};
	const char *text, *want = own_path();
	uint64_t id = places_image(places, &exec);

	(void)state;
	if (!want)
		skip();
	assert_true(id & WIRE_PLACE_FOUND);
	text = said();
	assert_non_null(strstr(text, "@77 "));
	assert_string_equal(strrchr(text, '|') + 1, want);
	assert_int_equal(places_image(places, &exec), id); /* the same place, said once */
	assert_string_equal(said(), "");
	exec.cgroup_id = 78; /* whoever is in another cgroup v2 is elsewhere */
	assert_int_not_equal(places_image(places, &exec), id);
	assert_non_null(strstr(said(), "@78 "));
}

static void only_the_process_that_was_recorded(void **state)
{
	struct wire_exec exec = {.cgroup_id = 77, .image = self()};

	(void)state;
	exec.image.start_ns += 1000000000; /* an earlier one had this number */
	assert_int_equal(places_image(places, &exec), 0);
	exec.image = self();
	exec.flags = WIRE_EXEC_KERNEL;
	assert_int_equal(places_image(places, &exec), 0);
	assert_string_equal(said(), "");
}

static void what_is_known_is_not_worsened(void **state)
{
	struct wire_exec exec = {.cgroup_id = 77, .image = self()};
	const char *own = own_path();
	struct place place;

	(void)state;
	learn(77, "/system.slice/docker-" HEX ".scope");
	assert_int_equal(places_image(places, &exec), 77);
	place_read(&place, own ? own : "");
	if (place.runtime)
		return; /* we are in a container ourselves, and may say so */
	exec.cgroup_id = 78;
	learn(78, "/system.slice/a.service");
	assert_int_equal(places_image(places, &exec), 78);
	exec.cgroup_id = 79;
	learn(79, "/of/my/own");
	assert_int_equal(places_image(places, &exec), 79);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(said_once_before_it_is_used),   TEST(unknown_is_nothing),
		TEST(the_first_word_counts),	     TEST(the_longest_unused_goes_first),
		TEST(a_cut_path_shows_it),	     TEST(the_line_that_says_most),
		TEST(a_living_process_is_asked),     TEST(only_the_process_that_was_recorded),
		TEST(what_is_known_is_not_worsened),
	};

	return cmocka_run_group_tests_name("hasher places", tests, NULL, NULL);
}
