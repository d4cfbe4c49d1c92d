// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_images.c - keys, ancestry, bounds of the table of images; the batch that refers to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/batch.h"

static struct programs *programs;
static struct places *places;
static struct images *images;
static uint64_t where; /* place of whoever is described next */

static int setup(void **state)
{
	(void)state;
	programs = programs_new();
	places = places_new(4);
	where = 0;
	images = images_new(programs, places, 1000);
	return !images;
}

/* Nothing may be left behind: every reference of every table was given back. */
static int teardown(void **state)
{
	(void)state;
	images_free(images);
	places_free(places);
	programs_sweep(programs);
	programs_free(programs);
	return 0;
}

static struct wire_image_key key(unsigned pid, unsigned id)
{
	return (struct wire_image_key){.tgid = pid, .exec_id = id, .start_ns = pid};
}

static void exec(struct wire_image_key who, struct wire_image_key parent, const char *path, unsigned source)
{
	struct {
		struct wire_image image;
		struct wire_exec exec;
		char path[64];
	} r;

	memset(&r, 0, sizeof(r));
	r.image.hash_error = WIRE_HASH_GONE;
	r.image.place_id = where;
	r.exec.image = who;
	r.exec.parent = parent;
	r.exec.source = source;
	r.exec.path_len = (__u16)(strlen(path) + 1);
	r.exec.argv_len = r.exec.path_len;
	snprintf(r.path, sizeof(r.path), "%s", path);
	memcpy(r.path + r.exec.path_len, path, r.exec.argv_len);
	assert_int_equal(images_exec(images, &r.image, true), 0);
}

static void fork_of(struct wire_image_key parent, struct wire_image_key child)
{
	struct wire_fork fork = {.parent = parent, .child = child};

	assert_int_equal(images_fork(images, &fork), 0);
}

static void gone(unsigned pid)
{
	struct wire_exit end = {.tgid = pid, .start_ns = pid};

	images_exit(images, &end);
}

static const char *exe(const struct image *i)
{
	return i ? i->command->program->exe : "-";
}

static struct image *find(unsigned pid, unsigned id)
{
	struct wire_image_key k = key(pid, id);

	return images_find(images, &k);
}

static void kernel_thread(struct wire_image_key who, const char *name, unsigned source)
{
	struct {
		struct wire_image image;
		struct wire_exec exec;
	} r = {.image.hash_error = WIRE_HASH_NO_FILE,
	       .exec = {.image = who, .source = source, .flags = WIRE_EXEC_KERNEL}};

	snprintf(r.exec.comm, sizeof(r.exec.comm), "%s", name);
	assert_int_equal(images_exec(images, &r.image, true), 0);
}

/* path: of a container of that name when it begins with +. */
static void place(uint64_t id, uint64_t cgroup_id, const char *path)
{
	struct {
		struct wire_place place;
		char text[64];
	} r = {.place = {.id = id, .cgroup_id = cgroup_id}};

	r.place.path_len = (__u16)(strlen(path) + 1);
	r.place.container_len = *path == '+' ? r.place.path_len : 0;
	memcpy(r.text, path, r.place.container_len);
	memcpy(r.text + r.place.container_len, path, r.place.path_len);
	assert_int_equal(places_add(places, &r.place), 0);
}

static void equal_images_are_one(void **state)
{
	unsigned pid;

	(void)state;
	exec(key(1, 1), key(0, 0), "/bin/cron", WIRE_EXEC_EXECVE);
	for (pid = 10; pid < 110; pid++) {
		exec(key(pid, 1), key(1, 1), "/bin/job", WIRE_EXEC_EXECVE);
		assert_ptr_equal(find(pid, 1), find(10, 1));
	}
	assert_int_equal(images_count(images), 2);
	assert_string_equal(exe(find(50, 1)->parent), "/bin/cron");
}

/* Found running, children may be described before their parents. */
static void kernel_threads_are_named_after_the_fork(void **state)
{
	(void)state;
	kernel_thread(key(2, 0), "kthreadd", WIRE_EXEC_RUNNING);
	fork_of(key(2, 0), key(77, 0));
	assert_string_equal(exe(find(77, 0)), "kernel: kthreadd");
	kernel_thread(key(77, 0), "nfsd", WIRE_EXEC_NETWORK);
	assert_string_equal(exe(find(77, 0)), "kernel: nfsd");
	assert_string_equal(exe(find(2, 0)), "kernel: kthreadd");
}

static void a_parent_described_later(void **state)
{
	(void)state;
	exec(key(2, 1), key(1, 1), "/bin/child", WIRE_EXEC_RUNNING);
	exec(key(1, 1), key(0, 0), "/bin/parent", WIRE_EXEC_RUNNING);
	assert_string_equal(exe(find(2, 1)->parent), "/bin/parent");
}

static int one_is_left(void *arg, struct program *p)
{
	(void)arg, (void)p;
	return 1;
}

static void parents_of_each_other(void **state)
{
	(void)state;
	exec(key(1, 1), key(2, 1), "/bin/a", WIRE_EXEC_RUNNING);
	exec(key(2, 1), key(3, 1), "/bin/b", WIRE_EXEC_RUNNING);
	exec(key(3, 1), key(1, 1), "/bin/c", WIRE_EXEC_RUNNING);
	exec(key(4, 1), key(4, 1), "/bin/self", WIRE_EXEC_RUNNING);
	assert_string_equal(exe(find(1, 1)), "/bin/a");
	assert_string_equal(exe(find(2, 1)), "/bin/b");
	assert_string_equal(exe(find(3, 1)), "/bin/c");
	assert_string_equal(exe(find(4, 1)), "/bin/self");
}

/* Anything in any order: no reference may be lost or given back twice (the sanitizers and teardown tell). */
static void any_order(void **state)
{
	static const char *const paths[] = {"/bin/a", "/bin/b", "/bin/c", "/bin/d"};
	unsigned seed = 1, i, a, b, c;

	(void)state;
	for (i = 0; i < 200000; i++) {
		seed = seed * 1103515245 + 12345;
		where = (seed >> 3) % 8; /* some unknown, some forgotten again */
		if (where && !places_find(places, where))
			place(where, where % 3, where % 2 ? "/p" : "+q");
		a = 1 + (seed >> 8) % 40;
		b = 1 + (seed >> 14) % 40;
		c = 1 + (seed >> 20) % 3;
		switch ((seed >> 24) % 8) {
		case 0:
		case 1:
			exec(key(a, c), key(b, 1), paths[(seed >> 6) % 4],
			     (seed >> 4) % WIRE_EXEC_SOURCE__MAX);
			break;
		case 2:
		case 3:
			fork_of(key(a, c), key(b, c));
			break;
		case 4:
			gone(a);
			break;
		case 5:
			images_window(images);
			break;
		default:
			find(a, c);
		}
	}
	assert_true(images_processes(images) <= 120);
	images_free(images);
	images = NULL;
	programs_sweep(programs);
	assert_int_equal(programs_each(programs, one_is_left, NULL), 0);
}

static void unknown_keys(void **state)
{
	(void)state;
	exec(key(1, 1), key(0, 0), "/bin/a", WIRE_EXEC_EXECVE);
	assert_null(find(2, 1));
	assert_null(find(1, 2)); /* another program of the same process: not guessed */
	fork_of(key(7, 1), key(8, 1));
	assert_null(find(8, 1));
}

static void the_ended_are_forgotten_after_two_windows(void **state)
{
	(void)state;
	exec(key(1, 1), key(0, 0), "/bin/a", WIRE_EXEC_EXECVE);
	gone(1);
	images_window(images);
	images_window(images);
	assert_non_null(find(1, 1));
	assert_int_equal(images_window(images), 0);
	assert_null(find(1, 1));
	assert_int_equal(images_processes(images), 0);
	assert_int_equal(images_count(images), 0);
}

static void execve_ends_what_was_before(void **state)
{
	unsigned i;

	(void)state;
	exec(key(1, 1), key(0, 0), "/bin/first", WIRE_EXEC_EXECVE);
	for (i = 2; i < 500; i++) {
		exec(key(1, i), key(0, 0), "/bin/next", WIRE_EXEC_EXECVE);
		images_window(images);
	}
	assert_true(images_processes(images) < 6);
}

static void a_full_table_forgets_the_ended_first(void **state)
{
	unsigned pid;

	(void)state;
	exec(key(1, 1), key(0, 0), "/bin/old-but-alive", WIRE_EXEC_EXECVE);
	for (pid = 10; pid < 3000; pid++) {
		exec(key(pid, 1), key(1, 1), "/bin/short", WIRE_EXEC_EXECVE);
		gone(pid);
	}
	assert_string_equal(exe(find(1, 1)), "/bin/old-but-alive");
	assert_int_equal(images_window(images), 0);
	for (pid = 10000; pid < 11500; pid++)
		exec(key(pid, 1), key(1, 1), "/bin/alive", WIRE_EXEC_EXECVE);
	assert_int_equal(images_window(images), 501); /* 1,501 live ones in a table of 1,000 */
	assert_null(find(1, 1));
	assert_string_equal(exe(find(11499, 1)), "/bin/alive");
	assert_int_equal(images_processes(images), 1000);
}

/* A process that forks and exits, again and again, makes neither an image per fork nor a chain
 * without end. */
static void chains_are_bounded(void **state)
{
	struct wire_image_key k;
	unsigned pid;

	(void)state;
	exec(key(1, 1), key(0, 0), "/bin/init", WIRE_EXEC_EXECVE);
	exec(key(2, 1), key(1, 1), "/bin/hopper", WIRE_EXEC_EXECVE);
	for (pid = 3; pid < 700; pid++) {
		fork_of(key(pid - 1, 1), key(pid, 1));
		gone(pid - 1);
	}
	assert_non_null(find(699, 1));
	assert_true(images_count(images) < 6);
	for (pid = 1000; pid < 1700; pid++) {
		k = pid == 1000 ? key(1, 1) : key(pid - 1, 1);
		exec(key(pid, 1), k, pid % 2 ? "/bin/ping" : "/bin/pong", WIRE_EXEC_EXECVE);
		gone(pid - 1);
	}
	assert_string_equal(exe(find(1699, 1)->parent->parent), "/bin/ping");
	assert_true(find(1699, 1)->depth <= IMAGES_DEPTH_MAX);
	assert_true(images_count(images) < 4 * IMAGES_DEPTH_MAX);
}

static const char *runs_in(unsigned pid, unsigned id)
{
	struct image *i = find(pid, id);

	return i && i->place ? place_name(i->place) : "-";
}

static void same_command_elsewhere_is_another_image(void **state)
{
	(void)state;
	place(7, 7, "/a");
	place(8, 8, "/b");
	where = 7;
	exec(key(1, 1), key(0, 0), "/bin/x", WIRE_EXEC_EXECVE);
	exec(key(2, 1), key(0, 0), "/bin/x", WIRE_EXEC_EXECVE);
	where = 8;
	exec(key(3, 1), key(0, 0), "/bin/x", WIRE_EXEC_EXECVE);
	where = 99; /* nobody said where that is */
	exec(key(4, 1), key(0, 0), "/bin/x", WIRE_EXEC_EXECVE);
	assert_ptr_equal(find(1, 1), find(2, 1));
	assert_ptr_not_equal(find(1, 1), find(3, 1));
	assert_string_equal(runs_in(1, 1), "/a");
	assert_string_equal(runs_in(3, 1), "/b");
	assert_string_equal(runs_in(4, 1), "-");
}

/* A child is where its parent was until it says otherwise; who moved is where it used the network. */
static void the_place_follows_the_process(void **state)
{
	(void)state;
	place(7, 7, "/a");
	place(8, 8, "/b");
	place(WIRE_PLACE_FOUND | 1, 8, "+c");
	where = 7;
	exec(key(1, 1), key(0, 0), "/bin/x", WIRE_EXEC_EXECVE);
	fork_of(key(1, 1), key(2, 1));
	assert_string_equal(runs_in(2, 1), "/a");
	where = 8;
	exec(key(2, 1), key(1, 1), "/bin/x", WIRE_EXEC_NETWORK);
	assert_string_equal(runs_in(2, 1), "/b");
	assert_string_equal(runs_in(1, 1), "/a");
	where = WIRE_PLACE_FOUND | 1; /* the same cgroup v2, and now a container was found */
	exec(key(2, 1), key(1, 1), "/bin/x", WIRE_EXEC_NETWORK);
	assert_string_equal(runs_in(2, 1), "+c");
	where = 8; /* not found again: the process was gone when it was asked */
	exec(key(2, 1), key(1, 1), "/bin/x", WIRE_EXEC_NETWORK);
	assert_string_equal(runs_in(2, 1), "+c");
	where = 0;
	exec(key(2, 1), key(1, 1), "/bin/x", WIRE_EXEC_NETWORK);
	assert_string_equal(runs_in(2, 1), "+c");
}

/* A chain of forks that goes into another cgroup is not shown where it came from. */
static void forks_that_move(void **state)
{
	unsigned pid;

	(void)state;
	place(7, 7, "/a");
	place(8, 8, "/b");
	where = 7;
	exec(key(1, 1), key(0, 0), "/bin/x", WIRE_EXEC_EXECVE);
	for (pid = 2; pid < 6; pid++)
		fork_of(key(pid - 1, 1), key(pid, 1));
	where = 8;
	exec(key(5, 1), key(4, 1), "/bin/x", WIRE_EXEC_NETWORK);
	assert_string_equal(runs_in(4, 1), "/a");
	assert_string_equal(runs_in(5, 1), "/b");
}

static int add(struct batch *b, const struct batch_key *key, const struct batch_sums *sums, uint64_t cookie)
{
	return batch_add(b, &(struct batch_entry){.key = *key, .sums = *sums, .cookie = cookie});
}

static void batch_sums_and_bound(void **state)
{
	struct names *names = names_new(images);
	struct batch *b = batch_new(images, names, 100);
	struct batch_sums sums = {
		.first_s = 10, .last_s = 12, .sent_bytes = 1, .received_bytes = 2, .events = 1};
	struct batch_key k = {0};
	int i;

	(void)state;
	exec(key(1, 1), key(0, 0), "/bin/a", WIRE_EXEC_EXECVE);
	k.image = find(1, 1);
	for (i = 0; i < 100; i++) {
		k.lport = i;
		assert_int_equal(add(b, &k, &sums, 5), 0);
	}
	k.lport = 100;
	assert_int_equal(add(b, &k, &sums, 5), -ENOSPC);
	k.lport = 50;
	sums.first_s = 9;
	sums.last_s = 20;
	assert_int_equal(add(b, &k, &sums, 5), 0); /* the same socket again */
	assert_int_equal(add(b, &k, &sums, 6), 0); /* another one */
	assert_int_equal(batch_count(b), 100);
	assert_int_equal(batch_foreign(b), 100);
	assert_int_equal(batch_entries(b)[50].sums.sent_bytes, 3);
	assert_int_equal(batch_entries(b)[50].sums.events, 2);
	assert_int_equal(batch_entries(b)[50].sums.first_s, 9);
	assert_int_equal(batch_entries(b)[50].sums.last_s, 20);
	place(7, 7, "/made/here");
	k.creator = places_find(places, 7);
	assert_int_equal(add(b, &k, &sums, 6), -ENOSPC); /* made elsewhere: another entry */
	batch_clear(b);
	exec(key(1, 1), key(0, 0), "/bin/a", WIRE_EXEC_EXECVE);
	k.image = find(1, 1);
	k.lport = 0;
	assert_int_equal(add(b, &k, &sums, 6), 0);
	assert_int_equal(k.creator->refs, 2);
	gone(1);
	for (i = 0; i < 4; i++)
		images_window(images);
	assert_null(find(1, 1));
	assert_string_equal(exe(batch_entries(b)[0].key.image), "/bin/a"); /* the batch holds it */
	batch_clear(b);
	assert_int_equal(k.creator->refs, 1);
	k.creator = NULL;
	assert_int_equal(images_count(images), 0);
	k.image = NULL;
	assert_int_equal(add(b, &k, &sums, 5), 0);
	batch_free(b);
	names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equal_images_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_parent_described_later, setup, teardown),
		cmocka_unit_test_setup_teardown(kernel_threads_are_named_after_the_fork, setup, teardown),
		cmocka_unit_test_setup_teardown(parents_of_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(the_ended_are_forgotten_after_two_windows, setup, teardown),
		cmocka_unit_test_setup_teardown(execve_ends_what_was_before, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_table_forgets_the_ended_first, setup, teardown),
		cmocka_unit_test_setup_teardown(chains_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(same_command_elsewhere_is_another_image, setup, teardown),
		cmocka_unit_test_setup_teardown(the_place_follows_the_process, setup, teardown),
		cmocka_unit_test_setup_teardown(forks_that_move, setup, teardown),
		cmocka_unit_test_setup_teardown(batch_sums_and_bound, setup, teardown),
	};

	return cmocka_run_group_tests_name("store images", tests, NULL, NULL);
}
