// SPDX-License-Identifier: GPL-2.0-or-later
/* The program femtosnitch-view as people meet it: what it prints, says and returns, over a log made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/view/fixture.h"

static char program[PATH_MAX]; /* under test */
static char work[] = "/tmp/femtosnitch-view-XXXXXX";

static char out[1 << 16], err[1 << 16]; /* of the last run */

static void read_back(const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", work, name);
	f = fopen(path, "re");
	assert_non_null(f);
	len = fread(text, 1, size - 1, f);
	text[len] = '\0';
	fclose(f);
}

/* Exit status of "PROGRAM query ARGUMENTS" as a shell runs it; 128 + a signal. */
static int run(const char *fmt, ...)
{
	char arguments[4096], command[sizeof(arguments) + 2 * PATH_MAX];
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(arguments, sizeof(arguments), fmt, ap);
	va_end(ap);
	snprintf(command, sizeof(command), "cd %s && { %s query %s; } >out 2>err </dev/null", work, program,
		 arguments);
	status = system(command);
	read_back("out", out, sizeof(out));
	read_back("err", err, sizeof(err));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not said: \"%s\", but:\n%s", part, text);
}

static void make_log(const char *dir, int64_t t0)
{
	char path[PATH_MAX];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", work, dir);
	assert_int_equal(mkdir(path, 0755), 0);
	strcat(path, "/" SCHEMA_FILE);
	db = fixture_new(path);
	assert_non_null(db);
	if (t0)
		assert_int_equal(fixture_small(db, t0), 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#define SINCE "--since 2026-11-19 --until 2026-12-01 "

static void test_answers(void **state)
{
	static const struct {
		const char *arguments, *want;
	} table[] = {
		{"--csv top",
		 "exe,send,recv,connections\n/usr/lib/firefox/firefox,5000001,70000001,2\n"
		 "/usr/bin/curl,1017,20028,3\nnfsd,300,0,1\n\"/tmp/a\033\342\200\256\"\"b\"\",c\",0,0,1\n"},
		{"--csv --limit 1 top",
		 "exe,send,recv,connections\n/usr/lib/firefox/firefox,5000001,70000001,2\n"},
		{"top --limit 2", "exe                          send     recv  connections\n"
				  "/usr/lib/firefox/firefox  5.00 MB  70.0 MB            2\n"
				  "/usr/bin/curl             1.02 kB  20.0 kB            3\n"},
		{"--bytes top --limit 1", "exe                          send      recv  connections\n"
					  "/usr/lib/firefox/firefox  5000001  70000001            2\n"},
		{"--csv top --since 2026-11-20T01:00 --until 2026-11-20T01:05",
		 "exe,send,recv,connections\nnfsd,300,0,1\n\"/tmp/a\033\342\200\256\"\"b\"\",c\",0,0,1\n"},
		{"--json program curl", "[\n{\"raddr\":\"192.0.2.1\",\"domain\":\"example.com\",\"rport\":"
					"443,\"protocol_name\":\"tcp\",\"direction\":\"out\",\"send\":1000,"
					"\"recv\":20000,\"connections\":1,\"exe\":\"/usr/bin/curl\"},\n"
					"{\"raddr\":\"192.0.2.77\",\"domain\":\"www.example.com\",\"rport\":"
					"443,\"protocol_name\":\"tcp\",\"direction\":\"out\",\"send\":10,"
					"\"recv\":20,\"connections\":1,\"exe\":\"/usr/bin/curl\"},\n"
					"{\"raddr\":\"192.0.2.1\",\"domain\":null,\"rport\":80,\"protocol_"
					"name\":\"tcp\",\"direction\":\"out\",\"send\":7,\"recv\":8,"
					"\"connections\":1,\"exe\":\"/usr/bin/curl\"}\n]\n"},
		{"--csv program /usr/bin/curl --since 2026-11-21",
		 "raddr,domain,rport,protocol_name,direction,send,recv,connections,exe\n192.0.2.1,,80,tcp,"
		 "out,7,8,1,/usr/bin/curl\n"},
		{"--csv program nfsd", "raddr,domain,rport,protocol_name,direction,send,recv,connections,"
				       "exe\n2001:db8::1,,,tcp,in,300,0,1,nfsd\n"},
		{"--csv address 198.51.100.0/24",
		 "exe,raddr,rport,protocol_name,direction,send,recv,connections,domain\n"
		 "\"/tmp/a\033\342\200\256\"\"b\"\",c\",198.51.100.9,22,tcp,out,0,0,1,badexample.com\n"},
		{"--csv address 2001:0db8::0:1 --limit 1",
		 "exe,raddr,rport,protocol_name,direction,send,recv,connections,domain\nnfsd,2001:db8::1,,"
		 "tcp,in,300,0,1,\n"},
		{"--csv domain WWW.Example.com --limit 1",
		 "exe,domain,rport,protocol_name,direction,send,recv,connections\n/usr/bin/"
		 "curl,www.example.com,443,tcp,out,10,20,1\n"},
		{"--csv unacknowledged --since 2026-11-20T02:00 --until 2026-11-21",
		 "first_network,exe,name,seen_as,sha256,verdict,domains\n2026-11-20T02:00:00Z,/usr/lib/"
		 "firefox/firefox,"
		 "firefox,new,0000000000000000000000000000000000000000000000000000000000000022,,www.example."
		 "com\n"},
		{"--csv last --limit 1",
		 "time,exe,raddr,domain,rport,protocol_name,direction,result,send,recv\n"
		 "2026-11-22T00:00:00Z,/usr/lib/firefox/"
		 "firefox,2001:db8::1,www.example.com,443,tcp,out,open,1,1\n"},
		{"--csv last --since 2026-11-20T02:00 --until 2026-11-20T03:00", /* not the execution at 02:01
										  */
		 "time,exe,raddr,domain,rport,protocol_name,direction,result,send,recv\n"
		 "2026-11-20T02:00:00Z,/usr/lib/firefox/"
		 "firefox,192.0.2.1,example.com,443,udp,out,,5000000,70000000\n"},
		{"--csv new " SINCE,
		 "first_network,exe,name,seen_as,sha256,hash_error\n"
		 "2026-11-20T02:00:00Z,/usr/lib/firefox/firefox,firefox,new,"
		 "0000000000000000000000000000000000000000000000000000000000000022,\n"
		 "2026-11-20T01:01:40Z,\"/tmp/a\033\342\200\256\"\"b\"\",c\",a,new,,gone\n"
		 "2026-11-20T01:00:00Z,nfsd,nfsd,new,,no file\n"
		 "2026-11-20T00:00:00Z,/usr/bin/curl,curl,new,"
		 "0000000000000000000000000000000000000000000000000000000000000011,\n"},
		{"--csv parents curl",
		 "generation,exe,cmdline,script,sha256,place,last_hour\n"
		 "0,/usr/bin/curl,curl other,,"
		 "0000000000000000000000000000000000000000000000000000000000000011,,1970-01-01T00:00:00Z\n"
		 "1,/bin/bash,bash,,,,1970-01-01T00:00:00Z\n"
		 "0,/usr/bin/curl,curl https://example.com,,"
		 "0000000000000000000000000000000000000000000000000000000000000011,,1970-01-01T00:00:00Z\n"
		 "1,/bin/bash,bash,,,,1970-01-01T00:00:00Z\n"},
		{"--csv losses",
		 "time_from,time_to,kind,stage,records,bytes,detail,meaning,advice\n"
		 "2026-11-20T02:46:40Z,2026-11-20T05:33:20Z,not watching,supervisor,0,0,stopped,"
		 "Nobody watched: what programs sent and received in this time is not in the log.,"
		 "\"Nothing, if femtosnitch was stopped or updated. Else see why it ended: "
		 "journalctl -u femtosnitch, error.log.\"\n"},
		{"--csv coverage",
		 "time,kernel,item,state,reason\n2026-11-20T05:33:20Z,6.12,TCP sent,proven,\n"
		 "2026-11-20T05:33:20Z,6.12,tp_btf/x,refused,no such tracepoint\n"},
		{"--csv coverage --since 2026-11-20T03:00 --until 2026-11-20T04:00",
		 "time,kernel,item,state,reason\n2026-11-20T02:46:40Z,6.1,TCP sent,proven,\n"},
		{"--csv 'SELECT count(*) AS n FROM connections'", "n\n8\n"},
		{"--csv sql 'SELECT 1 AS a, 2 AS a, NULL, x'\"'\"'beef'\"'\"' AS b'",
		 "a,a:2,NULL,b\n1,2,,beef\n"},
		{"--csv SELECT exe FROM programs WHERE 'name=\"curl\"'", "exe\n/usr/bin/curl\n"},
		{"--json \"PRAGMA user_version\"", "[\n{\"user_version\":4}\n]\n"},
		{"\"SELECT exe FROM programs WHERE name = 'a'\"", "exe\n/tmp/a\\x1b\\u202e\"b\",c\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (run("--state-dir log %s", table[i].arguments))
			fail_msg("%s: %s", table[i].arguments, err);
		if (strcmp(out, table[i].want))
			fail_msg("%s:\n%s\nnot\n%s", table[i].arguments, out, table[i].want);
	}
	run("--state-dir log --csv --limit 1 top");
	assert_says(err, "there are more: --limit");
	run("--state-dir log --csv --limit 4 top");
	assert_string_equal(err, "");
	run("--db log/snitch.db --csv --limit 4 top");
	assert_string_equal(err, "");
}

/* The number of a protocol means something else in every family, or nothing. */
static void test_families(void **state)
{
	char path[PATH_MAX];
	sqlite3 *db = NULL;

	(void)state;
	make_log("families", 0);
	snprintf(path, sizeof(path), "%s/families/" SCHEMA_FILE, work);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		fixture_run(db,
			    "INSERT INTO address VALUES (1, '3', 0);" FIXTURE_FLOW
			    "VALUES (1795132800, 0, 0, 1, 2, 0, 0, 1024, 0, 1, 0, 40, 1, 0, 1, 0, 0, 0, 0),"
			    " (1795132801, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 1, 0, 0, 4, 0),"
			    " (1795132802, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 17, 4, 0, 1, 0, 0, 4, 0),"
			    " (1795132803, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, 4, 0, 1, 0, 0, 4, 0);"
			    "INSERT INTO flow_range VALUES (1795132800, 1, 4);"),
		SQLITE_OK);
	sqlite3_close(db);
	run("--state-dir families --csv last");
	assert_string_equal(out,
			    "time,exe,raddr,domain,rport,protocol_name,direction,result,send,recv\n"
			    "2026-11-20T00:00:03Z,,,,0,ipv4,out,,5,0\n2026-11-20T00:00:02Z,,,,0,4,out,,5,0\n"
			    "2026-11-20T00:00:01Z,,,,0,xdp,out,,0,0\n"
			    "2026-11-20T00:00:00Z,,3,,1024,vsock,out,,1,2\n");
}

static void test_empty_says_why(void **state)
{
	static const struct {
		const char *arguments, *says;
	} table[] = {
		{"--state-dir empty top", "the log is empty"},
		{"--state-dir empty program curl", "the log is empty"},
		{"--state-dir empty --json \"SELECT * FROM connections\"", "the log is empty"},
		{"--state-dir empty losses", "no loss is known in this time"},
		{"--state-dir log coverage --until 2026-11-19", "had not been started by then"},
		{"--state-dir log top --since 2026-12-01",
		 "nothing recorded since 2026-12-01T00:00:00Z: the newest row is "
		 "from 2026-11-22T00:01:00Z"},
		{"--state-dir log last --until 2026-11-01", "the oldest row is from 2026-11-20T00:00:00Z"},
		{"--state-dir log last --since 2026-11-20T12:00 --until 2026-11-20T13:00",
		 "nothing recorded in this time"},
		{"--state-dir log program wget", "no program wget in the log"},
		{"--state-dir log program cur", "like it: /usr/bin/curl"},
		{"--state-dir log program /opt/CURL", "like it: /usr/bin/curl"},
		{"--state-dir log program bash", "program bash is known, but has not used the network"},
		{"--state-dir log program curl --since 2026-11-22",
		 "curl is in the log, but not in this time: last on 2026-11-21T00:00:00Z"},
		{"--state-dir log address 203.0.113.1", "no address 203.0.113.1 in the log"},
		{"--state-dir log address 192.0.2.2", "like it: 192.0.2.1, 192.0.2.77"},
		{"--state-dir log address 198.51.100.9 --since 2026-11-21",
		 "not in this time: last on 2026-11-20\n"},
		{"--state-dir log domain example", "like it: example.com, www.example.com, badexample.com"},
		{"--state-dir log \"SELECT * FROM connections WHERE 0\"", "no row matched; the newest row"},
		{"--state-dir log program wget",
		 "the daemon is not running: sudo femtosnitch run --state-dir log"},
		{"--state-dir off top", "\"DB sql log\" is false in off/config.json"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (run("%s", table[i].arguments))
			fail_msg("%s: %s", table[i].arguments, err);
		if (!strstr(err, table[i].says))
			fail_msg("%s: not said: %s, but: %s", table[i].arguments, table[i].says, err);
		assert_true(strstr(table[i].arguments, "--json") || !*out);
	}
	assert_int_equal(run("--state-dir log top"), 0);
	assert_string_equal(err, "");
}

static void test_refusals(void **state)
{
	static const struct {
		const char *arguments;
		int status;
		const char *says;
	} table[] = {
		{"tpo", 2, "no such question: tpo"},
		{"top x", 2, "top: takes no argument"},
		{"program", 2, "program: wants an argument"},
		{"program a b", 2, "too many words"},
		{"address nonsense", 2, "wants an address"},
		{"--since yesterday top", 2, "not a time: \"yesterday\" (10m, 3h"},
		{"--since 2026-11-21 --until 2026-11-20 top", 2, "--until is not after --since"},
		{"--since 1h 'SELECT 1'", 2, "belong to the named questions"},
		{"--limit x top", 2, "--limit wants a number"},
		{"--limit -1 top", 2, "--limit wants a number"},
		{"--json --csv top", 2, "exclude each other"},
		{"--what top", 2, "unknown option"},
		{"top --since", 2, "wants a value"},
		{"--state-dir none top", 1, "none/snitch.db: there is no log yet"},
		{"--state-dir none top", 1, "sudo femtosnitch run"},
		{"--db log top", 1, "not a regular file"},
		{"--db text top", 1, "text: not a database"},
		{"--db other.db top", 1, "not one of femtosnitch"},
		{"--db newer.db top", 1, "made by a newer femtosnitch (schema 99"},
		{"--db held.db top", 1, "another program has held it for 2 seconds"},
		{"--state-dir log 'DELETE FROM flow'", 1, "refused: the log is only read here"},
		{"--state-dir log sql 'DELETE FROM flow'", 1, "refused: the log is only read here"},
		{"--state-dir log \"ATTACH 'x' AS x\"", 1, "refused: the log is only read here"},
		{"--state-dir log 'SELECT 1; SELECT 2'", 1, "one statement at a time"},
		{"--state-dir log 'PRAGMA user_version = 4'", 1, "refused"},
		{"--state-dir log 'SELECT * FORM connections'", 1,
		 "near \"FORM\": syntax error\n  SELECT * FORM connections\n           ^\n"},
		{"--state-dir log 'SELECT nosuch FROM connections'", 1, "no such column: nosuch"},
		{"--state-dir log \"SELECT abs(-9223372036854775808)\"", 1, "integer overflow"},
		{"--state-dir log --csv top >/dev/full", 1, "cannot write the answer: No space left"},
	};
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		status = run("%s", table[i].arguments);
		if (status != table[i].status)
			fail_msg("%s: exit %d, %s", table[i].arguments, status, err);
		if (!strstr(err, table[i].says))
			fail_msg("%s: not said: %s, but: %s", table[i].arguments, table[i].says, err);
	}
}

/* Every example of the help is run, on the log made here. */
static void test_examples(void **state)
{
	char help[sizeof(out)], *line, *rest;
	int examples = 0;

	(void)state;
	assert_int_equal(run("--help"), 0);
	memcpy(help, out, sizeof(help));
	assert_int_equal(run(" "), 0); /* without a question: the same */
	assert_string_equal(out, help);
	rest = strstr(help, "Examples:\n");
	assert_non_null(rest);
	strtok_r(rest, "\n", &rest);
	while ((line = strtok_r(NULL, "\n", &rest))) {
		assert_memory_equal(line, "  femtosnitch query ", 20);
		if (run("--state-dir log %s", line + 20))
			fail_msg("%s: %s", line, err);
		examples++;
	}
	assert_true(examples > 8);
}

static void test_pipes(void **state)
{
	char big[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
		     "SELECT i FROM n";

	(void)state;
	assert_int_equal(run("--state-dir log --csv \"%s\" | head -n 2", big), 0);
	assert_string_equal(out, "i\n1\n");
	assert_string_equal(err, "");
	/* also where the parent ignored SIGPIPE */
	assert_int_equal(
		run("--help >/dev/null; trap '' PIPE; %s query --state-dir log --csv \"%s\" | head -n 1",
		    program, big),
		0);
	assert_string_equal(out, "i\n");
	assert_string_equal(err, "");
}

static void test_ctrl_c(void **state)
{
	struct timespec begin, end, wait = {0, 300000000};
	char dir[PATH_MAX];
	int status;
	pid_t pid;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/log", work);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		execl(program, program, "query", "--state-dir", dir,
		      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM "
		      "n",
		      NULL);
		_exit(99);
	}
	nanosleep(&wait, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	kill(pid, SIGINT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	assert_true(end.tv_sec - begin.tv_sec < 5);
}

/* Under a terminal of so many columns. */
static void run_in_terminal(unsigned short columns, const char *arguments)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, status;
	char command[2 * PATH_MAX];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	ioctl(slave, TIOCSWINSZ, &size);
	snprintf(command, sizeof(command), "cd %s && exec %s query --state-dir log %s", work, program,
		 arguments);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(slave, 1);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(99);
	}
	close(slave);
	while (len < sizeof(out) - 1 && (n = read(master, out + len, sizeof(out) - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_terminal(void **state)
{
	char *line, *rest;

	(void)state;
	run_in_terminal(60, "last " SINCE); /* too narrow for ten columns: a list */
	assert_says(out, "exe            /usr/lib/firefox/firefox\r\n");
	run_in_terminal(120, "last");
	assert_says(out, "time                  exe ");
	for (line = strtok_r(out, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
		assert_true(strlen(line) <= 120 + 8); /* bytes: an ellipsis is three */
	run_in_terminal(80, "program curl");
	assert_says(out, "raddr ");
	assert_says(out, "conn…");
	run_in_terminal(80, "new " SINCE);
	assert_says(out, "00000000…");
}

/* A daemon that answers one line to "flush". */
static pid_t daemon_with(const char *dir, const char *line)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	char ask[16] = "";
	pid_t pid;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s/control.sock", work, dir);
	unlink(a.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		peer = accept(fd, NULL, NULL);
		if (read(peer, ask, sizeof(ask)) != 6 || strcmp(ask, "flush\n"))
			_exit(1);
		for (; *line; line++) /* a byte at a time: the line may come in pieces */
			if (write(peer, line, 1) != 1)
				_exit(2);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void test_now(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *says;
	} table[] = {
		{"committed 17\n", 0, ""},
		{"failed: disk \033full\n", 1, "the daemon could not write: disk \\x1bfull"},
		{"what?\n", 1, "the daemon could not write: what?"},
		{"", 1, "--now: the daemon hung up"},
	};
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		pid = daemon_with("log", table[i].line);
		assert_int_equal(run("--state-dir log --now --csv 'SELECT 1'"), table[i].status);
		assert_string_equal(out, "1\n1\n");
		assert_says(err, table[i].says);
		if (!*table[i].says)
			assert_string_equal(err, "");
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_int_equal(run("--state-dir log --now --csv 'SELECT 1'"), 0); /* nobody listens any more */
	assert_says(err, "the daemon is not running");
	assert_int_equal(run("--state-dir empty --now --csv 'SELECT 1'"), 0);
	assert_says(err, "the daemon is not running");
}

#define READER_GID 54321

/* Run as uid 65534 with the group (or not), in a directory that only root writes. */
static int run_as_reader(gid_t gid, const char *dir)
{
	char log[PATH_MAX];
	int status, fd;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		snprintf(log, sizeof(log), "%s/err", work);
		fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		dup2(fd, 2);
		snprintf(log, sizeof(log), "%s/out", work);
		fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		dup2(fd, 1);
		snprintf(log, sizeof(log), "%s/%s", work, dir);
		if (setgroups(0, NULL) || setgid(gid) || setuid(65534))
			_exit(98);
		execl(program, program, "query", "--state-dir", log, "--csv",
		      "SELECT sum(send) FROM connections", NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	read_back("out", out, sizeof(out));
	read_back("err", err, sizeof(err));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void shell(const char *fmt, ...)
{
	char command[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static void test_group_reads(void **state)
{
	static const char sum[] = "sum(send)\n5001318\n";
	char path[PATH_MAX];
	sqlite3 *db = NULL;

	(void)state;
	if (getuid() != 0) {
		print_message("SKIP test_group_reads: changing the user needs root\n");
		skip();
	}
	shell("chmod 711 %s && cp %s %s/view && chmod 755 %s/view", work, program, work, work);
	snprintf(program, sizeof(program), "%s/view", work);
	make_log("group", FIXTURE_T0);
	snprintf(path, sizeof(path), "%s/group/%s", work, SCHEMA_FILE);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(fixture_run(db, "UPDATE flow SET netns = netns + 1;"),
			 SQLITE_OK); /* fills the -wal */
	shell("cd %s && chgrp -R %d group && chmod 750 group && chmod 640 group/*", work, READER_GID);
	assert_int_equal(run_as_reader(READER_GID, "group"), 0); /* up */
	assert_string_equal(out, sum);
	shell("cd %s && cp -a group killed", work); /* as a killed writer leaves it */
	assert_int_equal(run_as_reader(READER_GID, "killed"), 0);
	assert_string_equal(out, sum);
	shell("cd %s/killed && rm snitch.db-shm", work);
	assert_int_equal(run_as_reader(READER_GID, "killed"), 1);
	assert_says(err, "its -shm file is missing");
	sqlite3_close(db);
	/* a copy on read-only ground */
	shell("cd %s && rm -f group/*-wal group/*-shm && : >group/snitch.db-wal", work);
	assert_int_equal(run_as_reader(READER_GID, "group"), 0);
	assert_string_equal(out, sum);
	shell("cd %s && rm -f group/*-wal", work);
	assert_int_equal(run_as_reader(READER_GID, "group"), 0);
	assert_string_equal(out, sum);
	assert_int_equal(run_as_reader(65534, "group"), 1); /* a stranger */
	assert_says(err, "you may not read it");
	assert_says(err, "sudo usermod -aG");
	assert_says(err, "then log in again");
}

static int make(void **state)
{
	char command[PATH_MAX * 2];

	(void)state;
	if (!mkdtemp(work) || chdir(work))
		return -1;
	make_log("log", FIXTURE_T0);
	make_log("empty", 0);
	make_log("off", 0);
	snprintf(command, sizeof(command),
		 "cd %s && echo '{\"DB sql log\": false}' >off/config.json && echo not a database at all "
		 ">text &&"
		 " : >other.db && cp log/snitch.db newer.db",
		 work);
	return system(command);
}

/* Databases that are not as they should be; held.db is held until the end. */
static int spoil(void **state)
{
	sqlite3 *db = NULL;
	int rc;

	rc = sqlite3_open("newer.db", &db) || fixture_run(db, "PRAGMA user_version = 99;") ||
	     sqlite3_close(db) || sqlite3_open("other.db", &db) || fixture_run(db, "CREATE TABLE a(b);") ||
	     sqlite3_close(db) || sqlite3_open("held.db", &db) ||
	     fixture_run(db, "CREATE TABLE a(b); BEGIN EXCLUSIVE;");
	*state = db;
	return rc;
}

static int release(void **state)
{
	return sqlite3_close(*state);
}

static int drop(void **state)
{
	char command[PATH_MAX];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", work);
	return system(command);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_empty_says_why),
		cmocka_unit_test_setup_teardown(test_refusals, spoil, release),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_ctrl_c),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_group_reads),
	};
	char self[PATH_MAX];

	/* BUILD/tests/unit/view/test_program: the program is in BUILD */
	if (argc < 1 || !realpath("/proc/self/exe", self))
		return 1;
	(void)argv;
	snprintf(program, sizeof(program), "%s/../../../femtosnitch-view", dirname(self));
	if (access(program, X_OK) != 0) {
		print_message("SKIP test_program: %s was not built\n", program);
		return 0;
	}
	setenv("LC_ALL", "C", 1);
	return cmocka_run_group_tests(tests, make, drop);
}
