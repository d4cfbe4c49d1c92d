// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_mariadb.c - the copy on a real MariaDB server, in a temporary directory, on a Unix socket: all rows
 * and each once, whatever dies in between, with the right to insert and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "store/columns.h"
#include "tests/unit/store/feed.h"

static struct feed f, sink;
static char dir[PATH_MAX], json[2 * PATH_MAX], at[PATH_MAX / 4];
static pid_t server;
static unsigned port; /* on loopback, 0 = none */
static bool there;

#define NAMES(since, name, type, sql) ", `" #name "`"

/* ---- the server */

static int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *fmt, ...)
{
	char command[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return WEXITSTATUS(system(command));
}

/* What the client says to SQL, as user; columns joined by |, NULL as NULL. Constant until the next call. */
static const char *ask_as(const char *user, const char *sql)
{
	static char answer[1 << 16];
	char path[PATH_MAX], command[2 * PATH_MAX], *tab;
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/sql", at);
	file = fopen(path, "w");
	if (!file || fputs(sql, file) < 0 || fclose(file) != 0)
		feed_die("%s", path);
	snprintf(command, sizeof(command),
		 "mariadb --no-defaults --default-character-set=utf8mb4 -S %s/s -u %s -NBr audit < %s 2>&1",
		 at, user, path);
	file = popen(command, "r");
	n = fread(answer, 1, sizeof(answer) - 1, file);
	pclose(file);
	while (n > 0 && answer[n - 1] == '\n')
		n--;
	answer[n] = '\0';
	for (tab = answer; (tab = strchr(tab, '\t'));)
		*tab = '|';
	return answer;
}

static const char *ask(const char *sql)
{
	return ask_as("root", sql);
}

static void server_start(void)
{
	char data[PATH_MAX], socket[PATH_MAX], pid[PATH_MAX], cert[PATH_MAX], key[PATH_MAX], net[64];
	int i, log;

	snprintf(data, sizeof(data), "--datadir=%s/data", at);
	snprintf(socket, sizeof(socket), "--socket=%s/s", at);
	snprintf(pid, sizeof(pid), "--pid-file=%s/pid", at);
	snprintf(net, sizeof(net), port ? "--port=%u" : "--skip-networking", port);
	snprintf(cert, sizeof(cert), "--ssl-cert=%s/cert.pem", at);
	snprintf(key, sizeof(key), "--ssl-key=%s/key.pem", at);
	server = fork();
	if (server == 0) {
		log = open("/dev/null", O_RDWR);
		dup2(log, 1);
		dup2(log, 2);
		execlp("mariadbd", "mariadbd", "--no-defaults", data, socket, pid, net,
		       "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=16M",
		       geteuid() == 0 ? "--user=mysql" : "--skip-name-resolve", port ? cert : NULL, key,
		       NULL);
		_exit(127);
	}
	for (i = 0;
	     i < 600 && run("mariadb-admin --no-defaults -S %s/s -u root ping >/dev/null 2>&1", at) != 0; i++)
		usleep(100000);
}

static void server_kill(int how)
{
	kill(server, how);
	waitpid(server, NULL, 0);
}

static void tables(const char *arguments)
{
	char program[PATH_MAX];

	feed_program(program, "femtosnitch-mariadb");
	if (run("%s mysql-schema %s | mariadb --no-defaults -S %s/s -u root audit", program, arguments, at) !=
	    0)
		feed_die("mysql-schema");
}

/* Of Debian's packages, and built with the library. */
static bool is_there(void)
{
	char program[PATH_MAX];

	feed_program(program, "femtosnitch-store");
	strcpy(strrchr(program, '/'), "/femtosnitch-mariadb");
	return access(program, X_OK) == 0 && run("command -v mariadbd >/dev/null && command -v "
						 "mariadb-install-db >/dev/null && { [ $(id -u) != 0 ]"
						 " || id mysql >/dev/null 2>&1; }") == 0;
}

static int begin_server(void **state)
{
	char tmp[PATH_MAX];

	(void)state;
	if (!is_there()) {
		printf("SKIP test_mariadb: needs mariadb-server, and a build with libmariadb\n");
		return 0;
	}
	feed_tmpdir(tmp);
	snprintf(at, sizeof(at), "%.1000s", tmp);
	run("chmod 755 %s; [ $(id -u) != 0 ] || chown mysql %s", at, at);
	if (run("mariadb-install-db --no-defaults --datadir=%s/data --auth-root-authentication-method=normal"
		" --skip-test-db %s >/dev/null 2>&1",
		at, geteuid() == 0 ? "--user=mysql" : "") != 0)
		feed_die("mariadb-install-db");
	server_start();
	run("echo 'CREATE DATABASE audit' | mariadb --no-defaults -S %s/s -u root", at);
	tables("");
	tables(""); /* it may run again */
	ask("CREATE USER snitch; CREATE USER auditor; GRANT femtosnitch_writer TO snitch; GRANT "
	    "femtosnitch_reader TO"
	    " auditor; SET DEFAULT ROLE femtosnitch_writer FOR snitch; SET DEFAULT ROLE femtosnitch_reader "
	    "FOR auditor");
	there = true;
	return 0;
}

static int end_server(void **state)
{
	(void)state;
	if (!there)
		return 0;
	server_kill(SIGKILL);
	feed_rmdir(at);
	return 0;
}

static int needs_server(void **state)
{
	(void)state;
	if (!there)
		skip();
	return 0;
}

/* ---- the copy */

static void start(void)
{
	feed_start(&f, dir, json);
	feed_ready(&f);
	feed_sink(&sink, &f, "femtosnitch-mariadb", json);
}

static void begin(const char *more)
{
	char place[PATH_MAX];

	ask("TRUNCATE connection_log; TRUNCATE connection_log_window; TRUNCATE connection_log_image; TRUNCATE"
	    " connection_log_late; TRUNCATE connection_log_loss");
	feed_tmpdir(dir);
	if (port)
		snprintf(place, sizeof(place),
			 "\"host\": \"0.0.0.0\", \"port\": %u, \"ssl_ca\": \"%s/cert.pem\"", port, at);
	else
		snprintf(place, sizeof(place), "\"unix_socket\": \"%s/s\"", at);
	snprintf(
		json, sizeof(json),
		"{\"DB sql server\": {\"client\": \"pymysql\", \"user\": \"snitch\", \"database\": \"audit\","
		" %s%s}",
		place, more);
	start();
}

static void stop(void)
{
	feed_talk(&f, &sink, 300);
	assert_int_equal(feed_stop(&sink), 0);
	f.other = NULL;
	assert_int_equal(feed_stop(&f), 0);
}

static void flow(unsigned pid, unsigned lport, uint64_t sent)
{
	struct wire_flow flow = feed_tcp(pid, (uint16_t)lport, 443, sent, 2 * sent);

	feed_flow(&f, &flow);
}

static void becomes(const char *sql, const char *want)
{
	const char *got = "";
	int i;

	for (i = 0; i < 300; i++) {
		feed_talk(&f, &sink, 100);
		got = ask(sql);
		if (strcmp(got, want) == 0)
			return;
	}
	fail_msg("%s\ngot: %s\nwant: %s\nlast message: %s", sql, got, want, sink.text);
}

static void arrive(const char *rows)
{
	becomes("SELECT count(*) FROM connection_log", rows);
}

/* Every column of every row, here and there. */
static void equal(void)
{
	static const char sql[] = "SELECT contime" COLUMNS_FLOW(NAMES)
		COLUMNS_IMAGE(NAMES) ", `time`, protocol_name FROM connections ORDER BY contime, lport, send";
	char *here = strdup(feed_ask(&f, sql));

	assert_string_equal(ask_as("auditor", sql), here);
	free(here);
}

static void rows_arrive_as_they_are(void **state)
{
	struct wire_loss loss = {.from_ns = FEED_T * FEED_NS,
				 .to_ns = FEED_T * FEED_NS,
				 .records = 5,
				 .kind = WIRE_LOSS_RING_FULL,
				 .stage = WIRE_STAGE_COLLECTOR,
				 .detail_len = 4};

	needs_server(state);
	begin("}");
	feed_place(&f, 77, 77, "docker", "c0ffee", "docker.service", "/docker/c0ffee");
	feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	feed_program_start(&f, 2, 1, "/usr/bin/c'u\"r\\l,{}\xff", "curl\0$1;\0--\0a \"b\xf0\x9f\x98\x80",
			   sizeof("curl\0$1;\0--\0a \"b\xf0\x9f\x98\x80"), 0xcd);
	flow(1, 1000, 1);
	flow(2, 1001, 2);
	feed_put(&f, WIRE_LOSS, &loss, sizeof(loss), "it's", 4);
	feed_window(&f, FEED_T + 10);
	arrive("2");
	equal();
	assert_string_equal(
		ask("SELECT count(*), sum(flows), count(DISTINCT log_id) FROM connection_log_window"),
		"1|2|1");
	assert_string_equal(ask("SELECT sum(records), max(detail) FROM connection_log_loss"), "5|it's");
	flow(1, 1002, 3);
	feed_window(&f, FEED_T + 20);
	arrive("3");
	stop();
	start();
	feed_program_start(&f, 3, 0, "/bin/ls", "ls", 3, 3);
	flow(3, 1003, 4);
	feed_window(&f, FEED_T + 30);
	arrive("4");
	equal();
	stop();
	assert_string_equal(feed_ask(&f, "SELECT name, seq FROM sink"), "mariadb|3");
	feed_rmdir(dir);
}

/* What snitch.db does not know to be there is sent again, and is there once. */
static void each_row_once(void **state)
{
	char path[PATH_MAX + 32];
	sqlite3 *db;

	needs_server(state);
	begin("}");
	feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	flow(1, 1000, 1);
	feed_window(&f, FEED_T + 10);
	flow(1, 1001, 1);
	feed_window(&f, FEED_T + 20);
	arrive("2");
	stop();
	snprintf(path, sizeof(path), "%s/snitch.db", dir);
	sqlite3_open(path, &db);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM sink", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	start();
	feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	flow(1, 1002, 1);
	feed_window(&f, FEED_T + 30);
	arrive("3");
	equal();
	stop();
	assert_string_equal(ask("SELECT count(*), sum(flows) FROM connection_log_window"), "3|3");
	feed_rmdir(dir);
}

static void the_server_dies(void **state)
{
	unsigned i, lport = 1000;
	char want[16];

	needs_server(state);
	begin("}");
	feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	for (i = 0; i < 4; i++) {
		unsigned n;

		for (n = 0; n < 2000; n++)
			flow(1, lport++, n);
		feed_window(&f, FEED_T + 10 * (i + 1));
		feed_talk(&f, &sink, (int)(20 * i));
		server_kill(SIGKILL);
		server_start();
	}
	snprintf(want, sizeof(want), "%u", lport - 1000);
	arrive(want);
	becomes("SELECT count(*), sum(flows), max(seq) FROM connection_log_window", "4|8000|4");
	assert_string_equal(ask("SELECT count(DISTINCT seq), sum(send) FROM connection_log"),
			    feed_ask(&f, "SELECT count(*), sum(send) FROM connections"));
	stop();
	feed_rmdir(dir);
}

static void only_to_insert(void **state)
{
	static const char *const denied[] = {"SELECT * FROM connection_log",
					     "SELECT * FROM connections",
					     "UPDATE connection_log SET send = 0",
					     "DELETE FROM connection_log",
					     "TRUNCATE connection_log",
					     "REPLACE INTO connection_log_window(seq) VALUES(1)",
					     "DROP TABLE connection_log"};
	size_t i;

	needs_server(state);
	for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (!strstr(ask_as("snitch", denied[i]), "denied"))
			fail_msg("%s: %s", denied[i], ask_as("snitch", denied[i]));
	assert_non_null(strstr(ask_as("auditor", "DELETE FROM connection_log"), "denied"));
}

static void says(const char *more, const char *want)
{
	int i;

	begin(more);
	feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	flow(1, 1000, 1);
	feed_window(&f, FEED_T + 10);
	for (i = 0; i < 100 && !strstr(sink.text, want); i++)
		feed_talk(&f, &sink, 100);
	if (!strstr(sink.text, want))
		fail_msg("%s: want %s, not %s", more, want, sink.text);
	stop();
	feed_rmdir(dir);
}

/* 0.0.0.0 leads here, but is nobody that we would believe without a certificate. */
static void who_answers_is_verified(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM, 0), right;
	needs_server(state);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
	getsockname(fd, (struct sockaddr *)&any, &len);
	close(fd);
	port = ntohs(any.sin_port);
	for (right = 0; right < 2; right++) {
		if (run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext"
			" subjectAltName=%s -keyout %s/key.pem -out %s/cert.pem 2>/dev/null && chmod 644 "
			"%s/*.pem",
			right ? "IP:0.0.0.0" : "DNS:other.example", at, at, at) != 0)
			feed_die("openssl");
		server_kill(SIGTERM);
		server_start();
		begin("}");
		feed_program_start(&f, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
		flow(1, 1000, 1);
		feed_window(&f, FEED_T + 10);
		if (right) {
			arrive("1");
		} else {
			feed_talk(&f, &sink, 3000);
			if (!strstr(sink.text, "SSL") && !strstr(sink.text, "ertificate"))
				fail_msg("%s", sink.text);
			assert_string_equal(ask("SELECT count(*) FROM connection_log"), "0");
		}
		stop();
		feed_rmdir(dir);
	}
	port = 0;
	server_kill(SIGTERM);
	server_start();
}

static void what_is_wrong_is_said(void **state)
{
	needs_server(state);
	says(", \"table_name\": \"other\"}", "mysql-schema");
	says(", \"charset\": \"x\"}", "\"charset\": not a parameter");
	says(", \"table_name\": \"a`b\"}", "\"table_name\": not a name");
	says(", \"host\": \"10.255.255.1\", \"ssl_verify_cert\": 1}", "\"ssl_verify_cert\"");
	tables("--table other");
	ask("ALTER TABLE other COMMENT = 'femtosnitch, layout 99'");
	says(", \"table_name\": \"other\"}", "layout 99");
	/* a column too small for a value: nothing is changed silently */
	ask("ALTER TABLE connection_log_image MODIFY cmdline VARCHAR(2)");
	says("}", "does not take the values as they are");
	ask("ALTER TABLE connection_log_image MODIFY cmdline MEDIUMTEXT");
	assert_string_equal(ask("SELECT count(*) FROM connection_log"), "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_arrive_as_they_are), cmocka_unit_test(each_row_once),
		cmocka_unit_test(the_server_dies),	   cmocka_unit_test(only_to_insert),
		cmocka_unit_test(who_answers_is_verified), cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, begin_server, end_server);
}
