// SPDX-License-Identifier: GPL-2.0-or-later
/* Every program that is built in has its row in the table of hooks, and every pair is complete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <bpf/libbpf.h>

#include "bpf/wire.h"
#include "collector/hold.h"
#include "collector/hooks.h"
#include "collector/object.h"
#include "config/handover.h"

static struct bpf_object *open_object(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "femtosnitch");
	size_t size;
	const void *bytes = object_bytes(&size);

	return bpf_object__open_mem(bytes, size, &opts);
}

static void every_program_has_a_row(void **state)
{
	struct bpf_object *obj = open_object();
	struct bpf_program *prog;
	char first[HOLD_NAME_SIZE];
	unsigned n = 0;

	(void)state;
	assert_non_null(obj);
	bpf_object__for_each_program (prog, obj) {
		const char *name = bpf_program__name(prog);
		const struct hook *hook = hooks_find(name);

		n++;
		if (!hook)
			fail_msg("%s has no row in collector/hooks.c", name);
		assert_true(strlen(name) < HOLD_NAME_SIZE);
		assert_int_equal(!!(hook->flags & HOOK_READ),
				 strncmp(bpf_program__section_name(prog), "iter/", 5) == 0);
		if (!hooks_is_repeat(name))
			continue;
		assert_true(hooks_first(first, sizeof(first), name));
		if (!bpf_object__find_program_by_name(obj, first))
			fail_msg("%s repeats no program", name);
	}
	assert_true(2 * n + 16 <= HOLD_MAX); /* should all be loaded, each with its link, and the maps */
	assert_true(HOLD_MAX < HANDOVER_MAX);
	bpf_object__close(obj);
}

static void what_the_collector_shares_is_all_of_bss(void **state)
{
	struct bpf_object *obj = open_object();
	struct bpf_map *bss = bpf_object__find_map_by_name(obj, ".bss");

	(void)state;
	assert_non_null(bss);
	assert_int_equal(bpf_map__value_size(bss), sizeof(struct wire_shared));
	bpf_object__close(obj);
}

static void names_can_be_left_out(void **state)
{
	struct bpf_object *obj = open_object();
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".rodata.names");

	(void)state;
	assert_non_null(map);
	assert_int_equal(bpf_map__value_size(map), sizeof(__u32));
	assert_true(hooks_find("on_send")->flags & HOOK_NAMES);
	bpf_object__close(obj);
}

static void repeats_share_a_row(void **state)
{
	char first[16];

	(void)state;
	assert_ptr_equal(hooks_find("on_send"), hooks_find("on_send_again"));
	assert_ptr_equal(hooks_find("on_send"), hooks_find("on_send_once_more"));
	assert_int_equal(hooks_find("on_send")->set, HOOKS_TRACEPOINTS);
	assert_null(hooks_find("on_sen"));
	assert_null(hooks_find("_again"));
	assert_null(hooks_find("on_send_again_again"));
	assert_true(hooks_first(first, sizeof(first), "on_send"));
	assert_string_equal(first, "on_send");
	assert_true(hooks_first(first, sizeof(first), "on_send_again"));
	assert_string_equal(first, "on_send");
	assert_true(hooks_first(first, sizeof(first), "on_send_once_more"));
	assert_string_equal(first, "on_send");
	assert_false(hooks_first(first, sizeof(first), "on_packet_sendmsg_again"));
}

/* A name that is given twice would be waited for twice, a wrong kind of program never comes. */
static void modules_are_of_trampolines_and_stand_once(void **state)
{
	struct bpf_object *obj = open_object();
	struct bpf_program *prog;
	const char *module;
	unsigned n = 0, found = 0;

	(void)state;
	for (; (module = hooks_module(n)); n++) {
		assert_true(strlen(module) < 56); /* MODULE_NAME_LEN */
		for (unsigned i = 0; i < n; i++)
			assert_string_not_equal(hooks_module(i), module);
	}
	assert_true(n > 0);
	assert_null(hooks_module(n + 1));
	assert_non_null(obj);
	bpf_object__for_each_program (prog, obj) {
		const char *section = bpf_program__section_name(prog);
		const struct hook *hook = hooks_find(bpf_program__name(prog));

		if (!hook || !hook->module)
			continue;
		found++;
		assert_true(strncmp(section, "fentry/", 7) == 0 || strncmp(section, "fexit/", 6) == 0);
		assert_true(hook->flags & HOOK_EXTRA); /* nothing is missing where the module is */
	}
	assert_true(found >= n);
	bpf_object__close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_has_a_row),
		cmocka_unit_test(what_the_collector_shares_is_all_of_bss),
		cmocka_unit_test(names_can_be_left_out),
		cmocka_unit_test(repeats_share_a_row),
		cmocka_unit_test(modules_are_of_trampolines_and_stand_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
