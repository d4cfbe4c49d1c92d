// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_import.c - `import`: databases and lists of picosnitch, made here in every shape that it wrote and
 * some that it never would, into a log of ours that is whole afterwards, and tells nobody of what is old.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/file.h>

#include "tests/unit/store/feed.h"

#define V1                                                                                                   \
	"CREATE TABLE connections(contime text, send integer, recv integer, exe text, name text,"            \
	" cmdline text, sha256 text, pexe text, pname text, pcmdline text, psha256 text, uid integer,"       \
	" lport integer, rport integer, laddr text, raddr text, domain text); PRAGMA user_version = 3;"
#define V2                                                                                                   \
	"CREATE TABLE executables(id INTEGER PRIMARY KEY, exe TEXT NOT NULL, name TEXT NOT NULL,"            \
	" cmdline TEXT NOT NULL, sha256 TEXT NOT NULL, UNIQUE(exe, name, cmdline, sha256));"                 \
	"CREATE TABLE domains(id INTEGER PRIMARY KEY, domain TEXT NOT NULL UNIQUE);"                         \
	"CREATE TABLE addresses(id INTEGER PRIMARY KEY, addr TEXT NOT NULL UNIQUE);"                         \
	"CREATE TABLE connections(contime INTEGER NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL,"   \
	" events INTEGER NOT NULL, exe_id INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT"  \
	" NULL, uid INTEGER NOT NULL, family INTEGER NOT NULL, protocol INTEGER NOT NULL, lport INTEGER NOT" \
	" NULL, rport INTEGER NOT NULL, laddr_id INTEGER NOT NULL, raddr_id INTEGER NOT NULL, domain_id"     \
	" INTEGER NOT NULL, netns INTEGER NOT NULL); PRAGMA journal_mode = WAL; PRAGMA user_version = 4;"
/* The hash that feed_program_start() gives for 0xab */
#define AB "abababababababababababababababababababababababababababababababab"
#define CD "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
/* Some seconds ago, as version 1 writes it in UTC */
#define AGO(seconds) "datetime('now', '-" #seconds " seconds')"
#define CURL "'/usr/bin/curl', 'curl', 'curl -s', '" AB "', '/usr/bin/bash', 'bash', 'bash', '" CD "', "

static char dir[PATH_MAX];  /* of our log */
static char from[PATH_MAX]; /* where the files to import are */
static char said[1 << 16];

static int program(const char *name, const char *arguments)
{
	char path[PATH_MAX], command[5 * PATH_MAX];
	FILE *out;
	size_t n;

	feed_program(path, name);
	snprintf(command, sizeof(command), "%s --state-dir '%s' %s 2>&1", path, dir, arguments);
	out = popen(command, "r");
	assert_non_null(out);
	n = fread(said, 1, sizeof(said) - 1, out);
	said[n] = '\0';
	n = (size_t)pclose(out);
	if (!WIFEXITED((int)n))
		fail_msg("%s: %s", command, said);
	return WEXITSTATUS((int)n);
}

static int import(const char *config, const char *more)
{
	char path[PATH_MAX + 16], arguments[3 * PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/config.json", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(config, file);
	fclose(file);
	snprintf(arguments, sizeof(arguments), "--config '%s' --timezone UTC %s", path, more);
	return program("femtosnitch-import", arguments);
}

static const char *file(const char *name)
{
	static char path[2][PATH_MAX + 64];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", from, name);
	return path[turn];
}

static void make(const char *name, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	if (sqlite3_open(file(name), &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		feed_die("%s: %s", sql, why);
	sqlite3_close(db);
}

static void write_file(const char *name, const char *text, size_t len)
{
	FILE *out = fopen(file(name), "w");

	if (!out || fwrite(text, 1, len, out) != len || fclose(out) != 0)
		feed_die("%s", name);
}

static const char *ask(const char *sql)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/snitch.db", dir);
	return feed_ask_file(path, sql);
}

#define SAYS(text)                                                                                           \
	do {                                                                                                 \
		if (!strstr(said, text))                                                                     \
			fail_msg("want: %s\nsays: %s", text, said);                                          \
	} while (0)

static void whole(void)
{
	if (program("femtosnitch-verify", "") != 0)
		fail_msg("%s", said);
	SAYS("local: whole");
}

static int setup(void **state)
{
	(void)state;
	feed_tmpdir(dir);
	feed_tmpdir(from);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	feed_rmdir(dir);
	feed_rmdir(from);
	return 0;
}

/* ---- rows */

static void of_version_1(void **state)
{
	(void)state;
	make("snitch.db",
	     V1 "INSERT INTO connections VALUES"
		"(" AGO(100) ", 10, 20, " CURL
			     "1000, 40000, 443, '192.168.0.2', '93.184.216.34', 'com.Example.www'),"
			     "(" AGO(90) ", 1, 2, '/opt/x y (deleted)', 'x', '''''', '!!! FD Read Error !!! "
					 "PID Read Error !!! FUSE"
					 " Read Error', '', '', '', '', 0, 1, 2, '::1', '2001:0DB8:0::5', "
					 "'2001:db8::5'),"
					 "(" AGO(80) ", 0, 0, '/usr/bin/true', 'true', 'true', '" CD
						     "', '/bin/sh', 'sh', '', '', 5, -1, -1, '',"
						     " '', ''),"
						     "(" AGO(70) ", 5, 6, '', '', '', '', '', '', '', '', 7, "
								 "0, 53, '', '8.8.8.8', 'google.dns')");
	assert_int_equal(import("{}", from), 0);
	SAYS("snitch.db (picosnitch 1): 4 rows: 4 imported, 0 were here already");
	assert_string_equal(
		ask("SELECT send, recv, exe, name, cmdline, sha256, pexe, pname, pcmdline, psha256, uid, "
		    "lport,"
		    " rport, laddr, raddr, domain, family, hash_error, direction, raddr_source, flags, "
		    "name_source FROM"
		    " connections ORDER BY contime"),
		"10|20|/usr/bin/curl|curl|curl -s|" AB "|/usr/bin/bash|bash|bash|" CD
		"|1000|40000|443|192.168.0.2|93.184.216.34|www.example.com|2|NULL|NULL|NULL|NULL|NULL\n"
		"1|2|/opt/x "
		"y|x|NULL|NULL|NULL|NULL|NULL|NULL|0|1|2|::1|2001:db8::5|NULL|10|read|NULL|NULL|deleted|"
		"NULL\n"
		"0|0|/usr/bin/true|true|true|" CD
		"|/bin/sh|sh||NULL|5|-1|-1|NULL|NULL|NULL|0|NULL|NULL|NULL|NULL|NULL\n"
		"5|6|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|7|0|53|NULL|8.8.8.8|dns.google|2|no image"
		" record|NULL|NULL|NULL|NULL");
	assert_string_equal(ask("SELECT sum(send), sum(recv), sum(connections) FROM traffic_day"), "16|28|3");
	assert_string_equal(
		ask("SELECT exe, acknowledged, first_network IS NOT NULL FROM programs ORDER BY exe"),
		"/bin/sh|1|0\n/opt/x y|1|1\n/usr/bin/bash|1|0\n/usr/bin/curl|1|1\n/usr/bin/true|1|0");
	whole();
}

static void of_version_2(void **state)
{
	(void)state;
	make("picosnitch.db", V2
	     "INSERT INTO executables VALUES(0, '', '', '', ''), (1, '/sbin/init', 'systemd', '/sbin/init', "
	     "'" AB "'), (2, '/usr/bin/bash', 'bash', 'bash', '" CD
	     "'), (3, '/usr/bin/curl', 'curl', '', '" AB "');"
	     "INSERT INTO domains VALUES(0, ''), (1, 'com.example'); INSERT INTO addresses VALUES(0, ''), (1,"
	     " '10.0.0.1'), (2, 'fd00::1');"
	     "INSERT INTO connections VALUES(unixepoch() - 60, 7, 8, 9, 3, 2, 1, 1000, 10, 17, 500, 443, 2, "
	     "2, 1,"
	     " 4026531840), (unixepoch() - 50, 1, 1, 1, 2, 0, 1, 0, 2, 6, 1, 2, 1, 0, 0, 0)");
	assert_int_equal(import("{}", from), 0);
	SAYS("picosnitch.db (picosnitch 2): 2 rows: 2 imported");
	assert_string_equal(ask("SELECT send, recv, events, exe, cmdline, pexe, gpexe, gpsha256, family, "
				"protocol_name, laddr,"
				" raddr, domain, netns FROM connections ORDER BY contime"),
			    "7|8|9|/usr/bin/curl||/usr/bin/bash|/sbin/init|" AB
			    "|10|udp|fd00::1|fd00::1|example.com|4026531840\n"
			    "1|1|1|/usr/bin/bash|bash|NULL|NULL|NULL|2|tcp|10.0.0.1|NULL|NULL|0");
	assert_int_equal(import("{}", from), 0);
	SAYS("2 rows: 0 imported, 2 were here already");
	whole();
}

static void again_adds_nothing(void **state)
{
	char rows[] =
		V1 "INSERT INTO connections VALUES"
		   "(datetime('now', '-40 seconds'), 1, 1, " CURL "1, 2, 3, '1.1.1.1', '2.2.2.2', 'a.b');";
	int i;

	(void)state;
	make("snitch.db", rows);
	make("snitch.db", /* equal rows of one second, and many, over several transactions */
	     "INSERT INTO connections SELECT * FROM connections; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	     " SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO connections SELECT datetime('now', '-' || "
	     "(20000 - 2"
	     " * i) || ' seconds'), i, i, exe, name, cmdline, sha256, pexe, pname, pcmdline, psha256, uid, "
	     "lport,"
	     " rport, laddr, raddr, domain FROM connections, n WHERE connections.rowid = 1");
	for (i = 0; i < 2; i++) {
		assert_int_equal(import("{}", from), 0);
		SAYS(i == 0 ? "9002 rows: 9002 imported, 0 were" : "9002 rows: 0 imported, 9002 were");
		assert_string_equal(ask("SELECT count(*), sum(send) FROM connections"), "9002|40504502");
		assert_string_equal(ask("SELECT sum(send) FROM totals_hour"), "40504502");
	}
	make("snitch.db",
	     "INSERT INTO connections SELECT * FROM connections WHERE rowid = 1; INSERT INTO"
	     " connections SELECT datetime('now', '-3 seconds'), 1, 1, exe, name, cmdline, sha256,"
	     " pexe, pname, pcmdline, psha256, uid, lport, rport, laddr, raddr, domain FROM connections"
	     " WHERE rowid = 1");
	assert_int_equal(import("{}", from), 0);
	SAYS("9004 rows: 2 imported, 9002 were here already");
	assert_string_equal(ask("SELECT count(*) FROM chain"), "4");
	whole();
}

static void local_time(void **state)
{
	(void)state;
	if (access("/usr/share/zoneinfo/America/New_York", R_OK) != 0) {
		printf("SKIP local_time: no zone files here\n");
		skip();
	}
	/* two years ago is too old by default */
	make("snitch.db",
	     V1 "INSERT INTO connections VALUES('2025-01-15 12:00:00', 1, 1, " CURL
		"1, 2, 3, '', '', ''), ('2025-07-15 12:00:00', 1, 1, " CURL "1, 2, 3, '', '', '')");
	assert_int_equal(import("{\"DB retention (days)\": 3650}", "--timezone America/New_York"), 2);
	assert_int_equal(
		import("{\"DB retention (days)\": 3650}", file("snitch.db --timezone America/New_York")), 0);
	assert_string_equal(ask("SELECT time FROM connections ORDER BY contime"),
			    "2025-01-15T17:00:00Z\n2025-07-15T16:00:00Z");
	assert_int_equal(import("{}", "--timezone ../../etc x"), 2);
	assert_int_equal(import("{}", "--timezone Nowhere/Town x"), 2);
}

/* Bytes of anybody are bound, and shown as ours are. */
static void hostile_rows(void **state)
{
	(void)state;
	make("snitch.db", V1
	     "INSERT INTO connections VALUES"
	     "(" AGO(9) ", 1, 1, '/a''b\"c' || char(10) || X'ff00fe', x'00', X'80', 'not hex', 1, 2.5, NULL, "
			"X'00',"
			" 4294967294, 65535, 0, 'localhost', '1.2.3.4.5', '..' || char(27)),"
			"('soon', 1, 1, " CURL "1, 2, 3, '', '', ''), (NULL, 1, 1, " CURL
			"1, 2, 3, '', '', ''),"
			"('2026-13-01 00:00:00', 1, 1, " CURL "1, 2, 3, '', '', ''),"
			"(" AGO(9) ", -1, 1, " CURL "1, 2, 3, '', '', ''), (" AGO(
				9) ", 'x', 1, " CURL "1, 2, 3, '', '', ''),"
				   "(" AGO(9) ", 1, 9223372036854775807, " CURL "1, 2, 3, '', '', ''),"
					      "(" AGO(9) ", 1, 1, " CURL "-1, 2, 3, '', '', ''), (" AGO(
						      9) ", 1, 1, " CURL "1, 65536, 3, '', '', ''),"
							 "(" AGO(9) ", 1, 1, " CURL
								    "NULL, 2, 3, '', '', ''), (" AGO(
									    9) ", 1, NULL, " CURL
									       "1, 2, 3, '', '', ''),"
									       "(datetime('now', '+3 days'), "
									       "1, 1, " CURL
									       "1, 2, 3, '', '', ''),"
									       "(" AGO(8) ", 1, 1, "
											  "'/usr/bin/long', "
											  "'long', "
											  "replace(hex("
											  "zeroblob(100000)),"
											  " '0', 'x'), '', "
											  "'', '', '', '',"
											  " 1, 2, 3, '', '', "
											  "replace(hex("
											  "zeroblob(300)), "
											  "'0', 'y'))");
	assert_int_equal(import("{}", from), 0);
	SAYS("13 rows: 2 imported");
	SAYS("10 cannot be understood");
	SAYS("1 are of the future");
	SAYS("1 texts were cut");
	SAYS("2 domains are none");
	assert_string_equal(
		ask("SELECT exe, name, cmdline, sha256, hash_error, pexe, pname, pcmdline, uid, laddr, raddr,"
		    " domain FROM connections ORDER BY contime LIMIT 1"),
		"/a'b\"c\n\\xff\\x00\\xfe|\\x00|\\x80|NULL|read|1|2.5|NULL|4294967294|NULL|NULL|NULL");
	assert_string_equal(ask("SELECT length(cmdline), domain FROM connections WHERE name = 'long'"),
			    "32768|NULL");
	assert_int_equal(import("{}", from), 0);
	SAYS("13 rows: 0 imported, 2 were here already");
	whole();
}

static void settings_have_their_say(void **state)
{
	(void)state;
	make("snitch.db",
	     V1 "INSERT INTO connections VALUES"
		"(" AGO(9) ", 1, 1, " CURL "1, 2, 3, '10.0.0.1', '9.9.9.9', 'com.example'),"
			   "(" AGO(9) ", 1, 1, " CURL "1, 2, 53, '10.0.0.1', '9.9.9.9', 'com.example'),"
				      "(datetime('now', '-3 days'), 1, 1, " CURL "1, 2, 3, '', '', '')");
	assert_int_equal(import("{\"Log commands\": false, \"Log addresses\": false, \"Log ports\": false,"
				" \"Log ignore\": [53], \"DB retention (days)\": 2}",
				from),
			 0);
	SAYS("1 are older than \"DB retention (days)\"");
	assert_string_equal(
		ask("SELECT lport, rport, cmdline, pcmdline, laddr, raddr, domain, raddr_source FROM"
		    " connections"),
		"0|0||||||\n0|0||||||");
	assert_int_equal(
		import("{\"Log ports\": true, \"Log ignore\": [53], \"DB retention (days)\": 2}", from), 0);
	SAYS("1 imported");
	SAYS("1 are left out by \"Log ignore\"");
	assert_int_equal(import("{\"DB sql log\": false}", from), 1);
	SAYS("rows would go nowhere");
	assert_int_equal(import("{\"nonsense\": 1}", from), 2);
	whole();
}

/* ---- with what we see ourselves */

static void old_programs_are_no_news(void **state)
{
	static const struct {
		const char *path;
		uint8_t sha;
		const char *told;
	} later[] = {
		{"/usr/bin/curl", 0xab, "0"},	  /* as it was */
		{"/usr/bin/bash", 0xcd, "0"},	  /* so far a parent */
		{"/usr/bin/fresh", 0x11, "1"},	  /* not known there */
		{"/usr/bin/unhashed", 0x12, "0"}, /* known there, unread */
		{"/usr/bin/listed", 0x13, "0"},	  /* in the list alone */
	};
	static const char list[] =
		"{\"Executables\": {\"/usr/bin/listed\": [\"listed\"], \"/usr/bin/curl\": [\"curl\"]},"
		" \"Names\": {}, \"SHA256\": {}}";
	struct wire_flow flow;
	struct feed f;
	char sql[256];
	unsigned i;

	(void)state;
	make("snitch.db", V1
	     "INSERT INTO connections VALUES(" AGO(99) ", 1, 1, " CURL "1, 2, 3, '', '', ''),"
						       "(" AGO(99) ", 1, 1, '/usr/bin/unhashed', 'unhashed', "
								   "'', '!!! FD Stat Error', '', '', '',"
								   " '', 1, 2, 3, '', '', '')");
	write_file("record.json", list, strlen(list));
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	feed_program_start(&f, 1, 0, "/usr/bin/before", NULL, 0, 0x44);
	flow = feed_tcp(1, 1, 443, 1, 1);
	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + 10);
	assert_int_equal(feed_stop(&f), 0);
	assert_int_equal(import("{}", from), 0);
	SAYS("2 programs are known now");
	feed_start(&f, dir, FEED_DEFAULTS);
	feed_ready(&f);
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		feed_program_start(&f, 10 + i, 0, later[i].path, NULL, 0, later[i].sha);
		flow = feed_tcp(10 + i, 1, 443, 1, 1);
		feed_flow(&f, &flow);
	}
	feed_window(&f, FEED_T + 20);
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM notices WHERE exe = '%s' AND outcome <> 'known'",
			 later[i].path);
		if (strcmp(ask(sql), later[i].told) != 0)
			fail_msg("%s was told %s times", later[i].path, ask(sql));
	}
	/* another content at a path that was known is said */
	feed_program_start(&f, 30, 0, "/usr/bin/curl", NULL, 0, 0x99);
	flow = feed_tcp(30, 1, 443, 1, 1);
	feed_flow(&f, &flow);
	feed_window(&f, FEED_T + 30);
	assert_string_equal(
		ask("SELECT kind FROM notices WHERE exe = '/usr/bin/curl' AND outcome <> 'known'"),
		"changed");
	assert_int_equal(feed_stop(&f), 0);
	assert_string_equal(ask("SELECT count(*), count(DISTINCT run) FROM chain"), "4|3");
	whole();
}

static void not_while_it_runs(void **state)
{
	char path[PATH_MAX + 32];
	int fd;

	(void)state;
	make("snitch.db", V1);
	snprintf(path, sizeof(path), "%s/femtosnitch.pid", dir);
	fd = open(path, O_RDWR | O_CREAT, 0640);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(import("{}", from), 1);
	SAYS("already running");
	SAYS("femtosnitch stop");
	close(fd);
	assert_int_equal(import("{}", from), 0);
}

/* Root opens the files; then it is nobody in particular. */
static void without_privileges(void **state)
{
	struct stat st;
	char path[PATH_MAX + 16];

	(void)state;
	if (getuid() != 0) {
		printf("SKIP without_privileges: needs root\n");
		skip();
	}
	make("snitch.db",
	     V1 "INSERT INTO connections VALUES(" AGO(99) ", 1, 1, " CURL "1, 2, 3, '', '', '')");
	chmod(file("snitch.db"), 0600);
	chmod(from, 0700);
	assert_int_equal(chown(dir, 65534, 65534), 0);
	assert_int_equal(import("{}", from), 0);
	snprintf(path, sizeof(path), "%s/snitch.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_mode & 0777, 0640);
}

/* ---- the list */

static void a_list(void **state)
{
	static const char list[] =
		"{\"Executables\": {\"/bin/a\": [\"a\", \"a2\"], \"/bin/none\": [\"none\"], \"/bin/odd\": 5},"
		" \"Names\": {\"a\": [\"/bin/a\"]}, \"Parent Executables\": {\"/bin/sh\": [\"sh\"]}, "
		"\"Parent Names\": {},"
		" \"Grandparent Executables\": {\"/sbin/init\": [\"init\"]}, \"Exe Log\": [],"
		" \"SHA256\": {\"/bin/a\": {\"" AB
		"\": \"{'harmless': 60, 'malicious': 0, 'suspicious': 0}\", \"" CD
		"\": \"{'malicious': 3, 'suspicious': 1}\", \"!!! FD Read Error\": null}, \"/bin/sh\": {\"" AB
		"\": \"VT Pending\"}, \"x\": []}}";
	int i;

	(void)state;
	write_file("record.json", list, strlen(list));
	for (i = 0; i < 2; i++) {
		assert_int_equal(import("{}", from), 0);
		SAYS("7 programs are known now, with 2 verdicts");
		SAYS("no counterpart: Exe Log");
		assert_string_equal(
			ask("SELECT exe, name, substr(sha256, 1, 2), acknowledged, first_network IS NULL, "
			    "verdict FROM"
			    " programs ORDER BY exe, name, sha256"),
			"/bin/a|a|ab|1|0|clean\n/bin/a|a|cd|1|0|malicious\n/bin/a|a2|ab|1|0|clean\n"
			"/bin/a|a2|cd|1|0|malicious\n/bin/none|none|NULL|1|0|NULL\n/bin/sh|sh|ab|1|1|clean\n"
			"/sbin/init|init|NULL|1|1|NULL");
	}
	assert_string_equal(ask("SELECT count(*) FROM connections"), "0");
}

static void cut_lists(void **state)
{
	static const char list[] =
		"{\"Executables\": {\"/bin/a\": [\"a\"]}, \"SHA256\": {\"/bin/a\": {\"" AB "\": \"\"}}}";
	size_t len;

	(void)state;
	for (len = 1; len < strlen(list); len++) {
		write_file("record.json", list, len);
		assert_int_equal(import("{}", from), 1);
	}
}

/* ---- files that are not what they should be */

static void damaged(void **state)
{
	static char bytes[1 << 17];
	FILE *in;
	size_t len, at;

	(void)state;
	make("whole", V1
	     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO"
	     " connections SELECT datetime('now', '-' || i || ' seconds'), 1, 1, " CURL "1, 2, 3, '', '', ''"
	     " FROM n");
	in = fopen(file("whole"), "r");
	len = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	assert_true(len > 40000);
	for (at = 1; at < len; at += at < 120 ? 7 : 3001) {
		write_file("snitch.db", bytes, at);
		if (import("{}", file("snitch.db")) != 1)
			fail_msg("%zu of %zu bytes: %s", at, len, said);
	}
	for (at = 100; at < len; at += 1777) { /* whatever it says, it ends */
		bytes[at] ^= 0x55;
		write_file("snitch.db", bytes, len);
		assert_true(import("{}", file("snitch.db")) <= 1);
		bytes[at] ^= 0x55;
	}
	write_file("snitch.db", bytes, len);
	assert_int_equal(import("{}", file("snitch.db")), 0);
	whole();
}

static void refused(const char *what, const char *why)
{
	assert_int_equal(import("{}", what), 1);
	SAYS(why);
}

static void other_files(void **state)
{
	sqlite3 *open_db = NULL;

	(void)state;
	refused(from, "no file of picosnitch is there");
	refused(file("missing"), "No such file");
	write_file("empty", "", 0);
	refused(file("empty"), "empty");
	refused("/dev/null", "not a file");
	make("v1", V1);
	assert_int_equal(symlink(file("v1"), file("link")), 0);
	refused(file("link"), "symbolic link");
	assert_int_equal(link(file("v1"), file("second")), 0);
	refused(file("second"), "a second name");
	make("other", "CREATE TABLE t(x); CREATE TABLE u(y)");
	refused(file("other"), "not laid out as picosnitch");
	make("view", V1 "ALTER TABLE connections RENAME TO c; CREATE VIEW connections AS SELECT * FROM c");
	refused(file("view"), "not laid out as picosnitch");
	make("column", V1 "ALTER TABLE connections DROP COLUMN domain");
	refused(file("column"), "not laid out as picosnitch");
	make("more", V1 "ALTER TABLE connections ADD COLUMN mood; CREATE TABLE extra(x)");
	assert_int_equal(import("{}", file("more")), 0);
	SAYS("no counterpart: column mood of connections");
	SAYS("no counterpart: table extra");
	make("wal", V2);
	sqlite3_open(file("wal"), &open_db);
	sqlite3_exec(open_db, "INSERT INTO domains VALUES(1, 'x')", NULL, NULL, NULL);
	refused(file("wal"), "stop picosnitch");
	sqlite3_close(open_db);
	write_file("config.json", "{\"DB retention (days)\": 3}", 26);
	refused(file("config.json"), "copy the file");
	refused(dir, "snitch.db");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(of_version_1),
		TEST(of_version_2),
		TEST(again_adds_nothing),
		TEST(local_time),
		TEST(hostile_rows),
		TEST(settings_have_their_say),
		TEST(old_programs_are_no_news),
		TEST(not_while_it_runs),
		TEST(without_privileges),
		TEST(a_list),
		TEST(cut_lists),
		TEST(damaged),
		TEST(other_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
