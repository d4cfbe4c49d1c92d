// SPDX-License-Identifier: GPL-2.0-or-later
/* Golden strings of the output formats. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/rows.h"
#include "view/text.h"

#define TEXT(s)                                                                                              \
	{                                                                                                    \
		.kind = CELL_TEXT, .bytes = s, .len = sizeof(s) - 1                                          \
	}
#define INTEGER(i)                                                                                           \
	{                                                                                                    \
		.kind = CELL_INTEGER, .integer = i                                                           \
	}
#define REAL(r)                                                                                              \
	{                                                                                                    \
		.kind = CELL_REAL, .real = r                                                                 \
	}
#define NOTHING                                                                                              \
	{                                                                                                    \
		.kind = CELL_NULL                                                                            \
	}
#define BLOB(s)                                                                                              \
	{                                                                                                    \
		.kind = CELL_BLOB, .bytes = s, .len = sizeof(s) - 1                                          \
	}

static const struct column columns[] = {
	{"exe", UNIT_PATH}, {"sent", UNIT_BYTES}, {"rate", UNIT_NONE}, {"note", UNIT_NONE}};

static const struct cell rows[][4] = {
	{TEXT("/usr/bin/curl"), INTEGER(1234567), REAL(1.0), NOTHING},
	{TEXT("/tmp/a,\"b\"\n\x1b[2J"), INTEGER(INT64_MAX), REAL(0.1), TEXT("")},
	{BLOB("\xde\xad"), INTEGER(-5), NOTHING, TEXT("世")},
};

/* What the format writes for n rows; the caller frees. */
static char *written(const struct format *f, size_t n, size_t terminal, bool exact, bool cut)
{
	struct output out = {
		.terminal_columns = terminal, .exact = exact, .columns = columns, .n_columns = 4};
	char *text = NULL;
	size_t len, i;
	void *state;

	out.to = open_memstream(&text, &len);
	assert_non_null(out.to);
	assert_int_equal(f->begin(&out, &state), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(f->row(&out, state, rows[i]), 0);
	assert_int_equal(f->end(&out, state, cut), 0);
	assert_int_equal(fclose(out.to), 0);
	return text;
}

static void check(const struct format *f, size_t n, size_t terminal, bool exact, bool cut, const char *want)
{
	char *text = written(f, n, terminal, exact, cut);

	assert_string_equal(text, want);
	free(text);
}

static void test_json(void **state)
{
	(void)state;
	check(&out_json, 0, 0, false, false, "[]\n");
	check(&out_json, 3, 0, false, false,
	      "[\n{\"exe\":\"/usr/bin/curl\",\"sent\":1234567,\"rate\":1.0,\"note\":null},\n"
	      "{\"exe\":\"/tmp/"
	      "a,\\\"b\\\"\\n\\u001b[2J\",\"sent\":9223372036854775807,\"rate\":0.1,\"note\":\"\"},\n"
	      "{\"exe\":\"dead\",\"sent\":-5,\"rate\":null,\"note\":\"世\"}\n]\n");
	check(&out_json, 1, 0, false, true,
	      "[\n{\"exe\":\"/usr/bin/curl\",\"sent\":1234567,\"rate\":1.0,\"note\":null}\n");
}

static void test_csv(void **state)
{
	(void)state;
	check(&out_csv, 0, 0, false, false, "exe,sent,rate,note\n");
	check(&out_csv, 3, 0, false, false,
	      "exe,sent,rate,note\n"
	      "/usr/bin/curl,1234567,1,\n"
	      "\"/tmp/a,\"\"b\"\"\n\x1b[2J\",9223372036854775807,0.10000000000000001,\"\"\n"
	      "dead,-5,,世\n");
	check(&out_csv, 2, 80, false, false,
	      "exe,sent,rate,note\n"
	      "/usr/bin/curl,1234567,1,\n"
	      "\"/tmp/a,\"\"b\"\"\\n\\x1b[2J\",9223372036854775807,0.10000000000000001,\"\"\n");
}

static void test_table(void **state)
{
	(void)state;
	check(&out_table, 0, 0, false, false, "");
	check(&out_table, 3, 0, false, false,
	      "exe                     sent  rate  note\n"
	      "/usr/bin/curl        1.23 MB     1  -\n"
	      "/tmp/a,\"b\"\\n\\x1b[2J  9.22 EB   0.1  \n"
	      "dead                    -5 B     -  世\n");
	check(&out_table, 1, 0, true, false,
	      "exe               sent  rate  note\n"
	      "/usr/bin/curl  1234567     1  -\n");
}

/* A sentence that is cut says nothing. */
static void test_sentences(void **state)
{
	static const struct column two[] = {{"what", UNIT_NONE}, {"meaning", UNIT_SENTENCE}};
	static const struct cell row[] = {TEXT("a path that can be cut, if it must be"),
					  TEXT("Nothing is wrong, and all is well.")};
	static const struct {
		size_t columns;
		const char *want;
	} table[] = {
		{60, "what                      meaning\n"
		     "a path that can be cut,…  Nothing is wrong, and all is well.\n"},
		{40, "what     a path that can be cut, if it must be\n"
		     "meaning  Nothing is wrong, and all is well.\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct output out = {.terminal_columns = table[i].columns, .columns = two, .n_columns = 2};
		char *text;
		size_t len;
		void *t;

		out.to = open_memstream(&text, &len);
		assert_non_null(out.to);
		assert_int_equal(out_table.begin(&out, &t), 0);
		assert_int_equal(out_table.row(&out, t, row), 0);
		assert_int_equal(out_table.end(&out, t, false), 0);
		fclose(out.to);
		assert_string_equal(text, table[i].want);
		free(text);
	}
}

/* A terminal: text columns give way down to 20, then rows become lists; elsewhere nothing is cut. */
static void test_terminal(void **state)
{
	static const struct column two[] = {{"exe", UNIT_PATH}, {"n", UNIT_NONE}};
	static const struct cell row[] = {TEXT("/usr/lib/x86_64-linux-gnu/libexec/helper"), INTEGER(123456)};
	static const struct {
		size_t columns;
		const char *want;
	} table[] = {
		{0, "exe                                            n\n"
		    "/usr/lib/x86_64-linux-gnu/libexec/helper  123456\n"},
		{48, "exe                                            n\n"
		     "/usr/lib/x86_64-linux-gnu/libexec/helper  123456\n"},
		{30, "exe                          n\n"
		     "/usr/li…libexec/helper  123456\n"},
		{28, "exe                        n\n"
		     "/usr/li…bexec/helper  123456\n"},
		{24, "exe                    n\n"
		     "/usr/…xec/helper  123456\n"},
		{23, "exe                   n\n"
		     "/usr/…xec/helper 123456\n"},
		{22, "exe  /usr/lib/x86_64-linux-gnu/libexec/helper\n"
		     "n    123456\n"},
	};
	struct output out = {.columns = two, .n_columns = 2};
	size_t i, len;
	char *text;
	void *own;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text = NULL;
		out.terminal_columns = table[i].columns;
		out.to = open_memstream(&text, &len);
		assert_non_null(out.to);
		assert_int_equal(out_table.begin(&out, &own), 0);
		assert_int_equal(out_table.row(&out, own, row), 0);
		assert_int_equal(out_table.end(&out, own, false), 0);
		assert_int_equal(fclose(out.to), 0);
		assert_string_equal(text, table[i].want);
		free(text);
	}
}

static void test_human_bytes(void **state)
{
	static const struct {
		int64_t bytes;
		const char *want;
	} table[] = {
		{0, "0 B"},	     {999, "999 B"},	      {1000, "1.00 kB"},
		{9994, "9.99 kB"},   {9996, "10.0 kB"},	      {99960, "100 kB"},
		{999499, "999 kB"},  {999500, "1.00 MB"},     {123456789, "123 MB"},
		{-2048, "-2.05 kB"}, {INT64_MIN, "-9.22 EB"},
	};
	static const struct column one[] = {{"b", UNIT_BYTES}};
	struct output out = {.columns = one, .n_columns = 1};
	struct cell cell = {.kind = CELL_INTEGER};
	size_t i, len;
	char *text;
	void *own;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text = NULL;
		cell.integer = table[i].bytes;
		out.to = open_memstream(&text, &len);
		assert_int_equal(out_table.begin(&out, &own), 0);
		assert_int_equal(out_table.row(&out, own, &cell), 0);
		assert_int_equal(out_table.end(&out, own, false), 0);
		fclose(out.to);
		text[strlen(text) - 1] = '\0';
		assert_non_null(strchr(text, '\n'));
		assert_string_equal(strchr(text, '\n') + 1, table[i].want);
		free(text);
	}
}

/* Rows behind the held ones are written at once, wider than the column or not, and lines stay whole. */
static void test_streams(void **state)
{
	static const struct column one[] = {{"n", UNIT_NONE}, {"text", UNIT_NONE}};
	struct output out = {.columns = one, .n_columns = 2};
	struct cell cells[2] = {{.kind = CELL_INTEGER}, {.kind = CELL_TEXT, .bytes = "x", .len = 1}};
	char *text = NULL;
	size_t len = 0, before, i;
	void *own;

	(void)state;
	out.to = open_memstream(&text, &len);
	assert_int_equal(out_table.begin(&out, &own), 0);
	for (i = 0; i < 999; i++)
		assert_int_equal(out_table.row(&out, own, cells), 0);
	fflush(out.to);
	assert_int_equal(len, 0);
	assert_int_equal(out_table.row(&out, own, cells), 0);
	fflush(out.to);
	assert_int_equal(len, strlen("n  text\n") + 1000 * strlen("0  x\n"));
	before = len;
	cells[0].integer = 1234567;
	cells[1].bytes = "wider than ever";
	cells[1].len = strlen(cells[1].bytes);
	assert_int_equal(out_table.row(&out, own, cells), 0);
	fflush(out.to);
	assert_string_equal(text + before, "1234567  wider than ever\n");
	assert_int_equal(out_table.end(&out, own, false), 0);
	fclose(out.to);
	free(text);
}

/* Text of rows that wait is bounded: 4 MiB, not 1,000 rows of any size. */
static void test_holds_little(void **state)
{
	static const struct column one[] = {{"text", UNIT_NONE}};
	struct output out = {.columns = one, .n_columns = 1};
	struct cell cell = {.kind = CELL_TEXT, .len = 1 << 20};
	char *text = NULL, *big = malloc(1 << 20);
	size_t len = 0;
	void *own;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 1 << 20);
	cell.bytes = big;
	out.to = open_memstream(&text, &len);
	assert_int_equal(out_table.begin(&out, &own), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(out_table.row(&out, own, &cell), 0);
	fflush(out.to);
	assert_true(len > 4 << 20);
	assert_int_equal(out_table.end(&out, own, false), 0);
	fclose(out.to);
	free(text);
	free(big);
}

/* A full disk is an error, not a short answer. */
static void test_full_disk(void **state)
{
	static const struct format *const formats[] = {&out_table, &out_json, &out_csv};
	struct output out = {.columns = columns, .n_columns = 4};
	size_t i;
	void *own;
	int rc;

	(void)state;
	for (i = 0; i < 3; i++) {
		out.to = fopen("/dev/full", "w");
		assert_non_null(out.to);
		setvbuf(out.to, NULL, _IONBF, 0);
		rc = formats[i]->begin(&out, &own);
		if (!rc)
			rc = formats[i]->row(&out, own, rows[0]);
		if (!rc)
			rc = formats[i]->end(&out, own, false);
		else
			formats[i]->end(&out, own, true);
		assert_int_equal(rc, -ENOSPC);
		fclose(out.to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),	  cmocka_unit_test(test_csv),
		cmocka_unit_test(test_table),	  cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_sentences), cmocka_unit_test(test_human_bytes),
		cmocka_unit_test(test_streams),	  cmocka_unit_test(test_holds_little),
		cmocka_unit_test(test_full_disk),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
