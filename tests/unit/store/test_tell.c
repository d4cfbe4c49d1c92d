// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_tell.c - what people are told of programs, and what they say: each thing once, at once, in exe.log in
 * any case; what ran before the first start is told in one sentence. Against the real program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "tests/unit/store/feed.h"

#define ARGS(text) text, sizeof(text)
#define EVENTS "SELECT kind, exe, outcome, text FROM notices ORDER BY exe"

static struct feed f;
static char dir[PATH_MAX];

static int setup(void **state)
{
	(void)state;
	feed_tmpdir(dir);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(feed_stop(&f), 0);
	feed_rmdir(dir);
	return 0;
}

static void use(unsigned pid, unsigned parent, const char *path, uint8_t sha)
{
	const char *slash = strrchr(path, '/');
	struct feed_image i = {.key = FEED_KEY(pid, 1),
			       .path = path,
			       .comm = slash + 1,
			       .argv = "x\0-y",
			       .argv_len = 5,
			       .file_id = sha,
			       .sha = sha,
			       .source = WIRE_EXEC_NETWORK};

	if (parent)
		i.parent = FEED_KEY(parent, 1);
	feed_image(&f, &i);
}

/* Nothing but the time differs. */
static void exe_log_is(const char *want)
{
	static char got[1 << 16], *at = got;
	char path[PATH_MAX + 16], line[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/exe.log", dir);
	file = fopen(path, "r");
	at = got;
	*at = '\0';
	while (file && fgets(line, sizeof(line), file))
		at += snprintf(at, sizeof(got) - (size_t)(at - got), "%s",
			       line + sizeof("2026-11-22 00:00:00"));
	if (file)
		fclose(file);
	assert_string_equal(got, want);
}

static uint64_t order(enum wire_order_verb verb, const char *program, int64_t until, uint32_t uid)
{
	static uint64_t id;
	struct wire_order o = {.id = ++id,
			       .verb = verb,
			       .until_s = until,
			       .uid = uid,
			       .program_len = (uint32_t)strlen(program)};

	feed_put(&f, WIRE_ORDER, &o, sizeof(o), program, o.program_len);
	assert_int_equal(feed_wait(&f, WIRE_DONE, 1, 5000), 1);
	assert_int_equal(f.done.id, id);
	return f.done.error ? (uint64_t)-1 : f.done.programs;
}

static void new_and_parent(void **state)
{
	(void)state;
	feed_program_start(&f, 1, 0, "/bin/sh", ARGS("sh"), 1);
	use(2, 1, "/bin/curl", 2);
	feed_within(&f, 2, EVENTS,
		    "new|/bin/curl|told|started by /bin/sh: x -y\nparent|/bin/sh|told|it started /bin/curl");
	exe_log_is("sh               /bin/sh (new name, exe) (parent)\n"
		   "curl             /bin/curl (new name, exe)\n"
		   "0202020202020202 /bin/curl (new hash)\n");
	use(3, 1, "/bin/curl", 2); /* nothing new */
	feed_window(&f, FEED_T + 10);
	feed_restart(&f, dir, FEED_DEFAULTS);
	feed_program_start(&f, 1, 0, "/bin/sh", ARGS("sh"), 1);
	use(2, 1, "/bin/curl", 2);
	feed_window(&f, FEED_T + 20);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM notices"), "2");
	use(1, 0, "/bin/sh", 1); /* now by itself */
	feed_within(&f, 2, "SELECT kind, exe FROM notices WHERE id > 2", "new|/bin/sh");
}

/* Each is counted once as news, or the store would look for more for ever, at the latest when it ends. */
static void parent_and_new_at_once(void **state)
{
	char path[32];
	unsigned i;

	(void)state;
	for (i = 1; i <= 50; i++) {
		snprintf(path, sizeof(path), "/bin/parent%u", i);
		feed_program_start(&f, i, 0, path, ARGS("x"), (uint8_t)(2 * i));
		snprintf(path, sizeof(path), "/bin/child%u", i);
		use(100 + i, i, path, (uint8_t)(2 * i + 1));
		snprintf(path, sizeof(path), "/bin/parent%u", i);
		use(i, 0, path, (uint8_t)(2 * i));
	}
	feed_restart(&f, dir, FEED_DEFAULTS);
	assert_string_equal(feed_ask(&f,
				     "SELECT kind, count(*) FROM notices WHERE exe IS NOT NULL GROUP BY kind"
				     " ORDER BY kind"),
			    "new|100");
}

/* A window that ends before all of its new programs were looked up, WRITER_SIGHTINGS at a time. */
static void flood_in_one_window(void **state)
{
	char path[32];
	unsigned i;

	(void)state;
	for (i = 1; i <= 4000; i++) {
		snprintf(path, sizeof(path), "/bin/flood%u", i);
		use(i, 0, path, 1);
	}
	feed_window(&f, FEED_T + 10);
	feed_restart(&f, dir, FEED_DEFAULTS);
	assert_string_equal(
		feed_ask(&f, "SELECT kind, count(*) FROM notices WHERE exe IS NOT NULL GROUP BY kind"),
		"new|4000");
}

static void changed(void **state)
{
	(void)state;
	use(1, 0, "/bin/a", 1);
	feed_within(&f, 2, "SELECT count(*) FROM notices", "1");
	use(2, 0, "/bin/a", 2);
	feed_within(&f, 2, "SELECT kind, exe, outcome FROM notices", "new|/bin/a|told\nchanged|/bin/a|told");
	exe_log_is("a                /bin/a (new name, exe)\n"
		   "0101010101010101 /bin/a (new hash)\n"
		   "0202020202020202 /bin/a (new hash)\n");
}

/* Neither is it told before its hash is known, nor forgotten when that comes late. */
static void a_late_hash(void **state)
{
	struct feed_image late = {.key = FEED_KEY(1, 1),
				  .path = "/bin/late",
				  .comm = "late",
				  .file_id = 7,
				  .hash_error = WIRE_HASH_PENDING,
				  .source = WIRE_EXEC_NETWORK};
	struct wire_digest d = {.file_id = 7};
	struct wire_exit end = {.tgid = 1, .start_ns = 1000};

	(void)state;
	memset(d.sha256, 7, sizeof(d.sha256));
	feed_image(&f, &late);
	feed_put(&f, WIRE_EXIT, &end, sizeof(end), NULL, 0);
	feed_window(&f, FEED_T + 10);
	feed_window(&f, FEED_T + 20);
	feed_window(&f, FEED_T + 30);
	feed_window(&f, FEED_T + 40);
	assert_string_equal(feed_ask(&f, EVENTS), "");
	feed_put(&f, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
	feed_within(&f, 2, EVENTS, "new|/bin/late|told|");
}

/* What came while the hash was made: names that it asked for, then (claim, unless NULL) what it said of
 * itself. */
static void talk(unsigned pid, const char *path, const char *claim)
{
	struct feed_image image = {.key = FEED_KEY(pid, 1),
				   .path = path,
				   .comm = path + 5,
				   .file_id = pid,
				   .hash_error = WIRE_HASH_PENDING,
				   .source = WIRE_EXEC_NETWORK};
	const struct wire_name answer = {
		.source = WIRE_NAME_DNS, .family = AF_INET, .addr = {10, 0, 0, 2}, .ttl_s = 60};
	struct wire_digest d = {.file_id = pid};

	memset(d.sha256, (int)pid, sizeof(d.sha256));
	feed_image(&f, &image);
	feed_name(&f, answer, pid, 0, "first.example");
	feed_name(&f, answer, pid, 0, "second.example");
	if (claim) {
		struct wire_flow flow = feed_tcp(pid, 1000, 443, 1, 1);

		feed_claim(&f, &flow, WIRE_NAME_SNI, claim);
		feed_claim(&f, &flow, WIRE_NAME_SNI, "later.example");
	}
	feed_put(&f, WIRE_DIGEST, &d, sizeof(d), NULL, 0);
}

/* As far as it is known by then. */
static void whom_it_talks_to(void **state)
{
	(void)state;
	talk(1, "/bin/asks", NULL);
	talk(2, "/bin/claims", "claim.example");
	feed_within(&f, 2, EVENTS,
		    "new|/bin/asks|told|asked for first.example\nnew|/bin/claims|told|says it talks to "
		    "claim.example");
	feed_name(&f, (struct wire_name){.source = WIRE_NAME_LIBC, .family = AF_INET}, 1, 1, "third.example");
	talk(1, "/bin/asks", "again.example"); /* it is known */
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT count(*) FROM notices"), "2");
}

/* What is not to be logged is not told, but a claim hides nothing. */
static void whom_it_may_not_say(void **state)
{
	(void)state;
	feed_restart(&f, dir, "{\"Log ignore\": [\".first.example\", \".claim.example\"]}");
	talk(1, "/bin/asks", NULL);
	talk(2, "/bin/claims", "claim.example");
	feed_within(&f, 2, EVENTS,
		    "new|/bin/asks|told|asked for second.example\nnew|/bin/claims|told|says it talks to "
		    "claim.example");
	feed_restart(&f, dir, "{\"Log addresses\": false}");
	talk(3, "/bin/silent", "claim.example");
	feed_within(&f, 2, "SELECT exe, text FROM notices WHERE id > 2", "/bin/silent|");
}

static void what_ran_before(void **state)
{
	struct feed_image ran = {.key = FEED_KEY(1, 1),
				 .path = "/bin/ran",
				 .comm = "ran",
				 .sha = 1,
				 .source = WIRE_EXEC_RUNNING};
	struct feed_image silent = {.key = FEED_KEY(2, 1),
				    .path = "/bin/silent",
				    .comm = "silent",
				    .sha = 2,
				    .source = WIRE_EXEC_RUNNING};

	(void)state;
	feed_image(&f, &ran);
	feed_image(&f, &silent);
	use(1, 0, "/bin/ran", 1);
	use(3, 0, "/bin/fresh", 3);
	feed_within(&f, 2, "SELECT exe, outcome FROM notices ORDER BY exe",
		    "/bin/fresh|told\n/bin/ran|known");
	feed_within(
		&f, 8, "SELECT text FROM notices WHERE exe IS NULL",
		"2 programs were running when femtosnitch was first started; 1 of them use the network so "
		"far. They "
		"are taken as known; what is new from now on is told.");
	use(2, 0, "/bin/silent", 2);
	feed_within(&f, 2, "SELECT outcome FROM notices WHERE exe = '/bin/silent'", "known");
	assert_string_equal(feed_ask(&f, "SELECT exe FROM programs WHERE acknowledged = 0"), "/bin/fresh");
	feed_restart(&f, dir, FEED_DEFAULTS); /* the second start is like any other */
	silent.path = "/bin/later";
	silent.comm = "later";
	feed_image(&f, &silent);
	use(2, 0, "/bin/later", 2);
	feed_within(&f, 2, "SELECT outcome FROM notices WHERE exe = '/bin/later'", "told");
}

static void kinds_and_desktop(void **state)
{
	struct wire_error e = {.time_ns = FEED_T * FEED_NS, .stage = WIRE_STAGE_HASHER, .text_len = 4};

	(void)state;
	feed_restart(&f, dir, "{\"Notify kinds\": [\"error\"]}");
	use(1, 0, "/bin/a", 1);
	feed_put(&f, WIRE_ERROR, &e, sizeof(e), "oops", 4);
	feed_put(&f, WIRE_ERROR, &e, sizeof(e), "oops", 4);
	feed_within(&f, 2, "SELECT kind, outcome FROM notices ORDER BY kind",
		    "error|told\nnew|not in Notify kinds");
	feed_restart(&f, dir, "{\"Desktop notifications\": false}");
	use(1, 0, "/bin/b", 1);
	feed_put(&f, WIRE_ERROR, &e, sizeof(e), "oops", 4); /* said today */
	feed_within(&f, 2, "SELECT kind, outcome FROM notices WHERE id > 2",
		    "new|Desktop notifications is false");
	exe_log_is("a                /bin/a (new name, exe)\n"
		   "0101010101010101 /bin/a (new hash)\n"
		   "b                /bin/b (new name, exe)\n"
		   "0101010101010101 /bin/b (new hash)\n");
}

static void orders(void **state)
{
	(void)state;
	assert_int_equal(order(WIRE_ORDER_MUTE, "/bin/a", 0, WIRE_EVERYBODY), 1); /* not even seen */
	assert_int_equal(order(WIRE_ORDER_MUTE, "", 0, WIRE_EVERYBODY), -1);
	assert_int_equal(order(WIRE_ORDER_MUTE, "nobody", 0, WIRE_EVERYBODY), 0);
	use(1, 0, "/bin/a", 1);
	feed_within(&f, 2, "SELECT outcome FROM notices", "muted");
	assert_int_equal(order(WIRE_ORDER_UNMUTE, "a", 0, WIRE_EVERYBODY), 1);
	use(2, 0, "/bin/a", 2);
	feed_within(&f, 2, "SELECT outcome FROM notices WHERE id = 2", "told");
	assert_int_equal(order(WIRE_ORDER_MUTE, "a", 1, WIRE_EVERYBODY), 1); /* until long ago */
	use(3, 0, "/bin/a", 3);
	feed_within(&f, 2, "SELECT outcome FROM notices WHERE id = 3", "told");
	assert_int_equal(order(WIRE_ORDER_MUTE, "/bin/a", 0, 1000), 1); /* one user's own word */
	use(4, 0, "/bin/a", 4);
	feed_within(&f, 2, "SELECT outcome FROM notices WHERE id = 4", "told");
	assert_int_equal(order(WIRE_ORDER_ACK, "a", 0, 1000), 1);
	assert_string_equal(feed_ask(&f, "SELECT sum(acknowledged) FROM programs"), "0");
	assert_int_equal(order(WIRE_ORDER_ACK, "", 0, WIRE_EVERYBODY), 1);
	assert_string_equal(feed_ask(&f, "SELECT sum(acknowledged), count(*) FROM programs"), "4|4");
	assert_string_equal(
		feed_ask(&f, "SELECT exe, uid, muted, until FROM acknowledged ORDER BY uid, muted"),
		"/bin/a|-1|0|NULL\n/bin/a|-1|1|1\n/bin/a|1000|0|NULL\n/bin/a|1000|1|NULL");
}

static void hostile_names(void **state)
{
	(void)state;
	use(1, 0, "/tmp/x\n2026-01-01 00:00:00 root /bin/su (clean)/\x1b[2J\xff", 1);
	feed_within(&f, 2, "SELECT count(*) FROM notices", "1");
	exe_log_is("\\x1b[2J\\xff      /tmp/x\\x0a2026-01-01 00:00:00 root /bin/su (clean)/\\x1b[2J\\xff "
		   "(new name, exe)\n"
		   "0101010101010101 /tmp/x\\x0a2026-01-01 00:00:00 root /bin/su (clean)/\\x1b[2J\\xff (new "
		   "hash)\n");
}

static void record_json(void **state)
{
	char path[PATH_MAX + 16], text[65536];
	const cJSON *executables, *hashes;
	cJSON *json;
	size_t n;
	FILE *file;

	(void)state;
	feed_program_start(&f, 1, 0, "/bin/sh", ARGS("sh"), 1);
	use(2, 1, "/bin/\"quoted\"", 2);
	use(3, 1, "/bin/b", 3);
	feed_window(&f, FEED_T + 10);
	assert_int_equal(feed_stop(&f), 0);
	snprintf(path, sizeof(path), "%s/record.json", dir);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	json = cJSON_Parse(text);
	assert_non_null(json);
	executables = cJSON_GetObjectItemCaseSensitive(json, "Executables");
	assert_int_equal(cJSON_GetArraySize(executables), 2);
	assert_string_equal(
		cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(executables, "/bin/\"quoted\""), 0)
			->valuestring,
		"\"quoted\"");
	hashes = cJSON_GetObjectItemCaseSensitive(json, "SHA256");
	assert_int_equal(cJSON_GetArraySize(hashes), 3);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(hashes, "/bin/b")->child->valuestring,
			    "File not analyzed (no api key)");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "Parent Names")), 1);
	cJSON_Delete(json);
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
}

static void lose(enum wire_loss_kind kind)
{
	struct wire_loss l = {.from_ns = FEED_T * FEED_NS,
			      .to_ns = FEED_T * FEED_NS,
			      .records = 4,
			      .kind = kind,
			      .stage = WIRE_STAGE_COLLECTOR,
			      .detail_len = 1};

	feed_put(&f, WIRE_LOSS, &l, sizeof(l), "x", 1);
}

/* All its bytes are there: no reason to call anybody. */
static void a_lost_name_is_quiet(void **state)
{
	(void)state;
	lose(WIRE_LOSS_NAME);
	lose(WIRE_LOSS_PEER);
	feed_window(&f, FEED_T + 10);
	assert_string_equal(feed_ask(&f, "SELECT kind, records FROM losses ORDER BY kind"), "name|4\npeer|4");
	feed_within(&f, 2, "SELECT text FROM notices WHERE kind = 'loss'", "peer: x");
}

static void five_thousand(void **state)
{
	char path[64];
	unsigned i;

	(void)state;
	for (i = 1; i <= 5000; i++) {
		snprintf(path, sizeof(path), "/tmp/flood%u", i);
		use(i, 0, path, (uint8_t)i);
	}
	feed_within(&f, 20, "SELECT count(*), count(DISTINCT exe) FROM notices WHERE exe IS NOT NULL",
		    "5000|5000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_and_parent),	   TEST(changed),
		TEST(a_late_hash),	   TEST(what_ran_before),
		TEST(kinds_and_desktop),   TEST(orders),
		TEST(hostile_names),	   TEST(record_json),
		TEST(five_thousand),	   TEST(parent_and_new_at_once),
		TEST(flood_in_one_window), TEST(a_lost_name_is_quiet),
		TEST(whom_it_talks_to),	   TEST(whom_it_may_not_say),
	};

	return cmocka_run_group_tests_name("store tell", tests, NULL, NULL);
}
