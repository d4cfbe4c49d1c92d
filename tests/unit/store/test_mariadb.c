// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_mariadb.c - the copy on a real MariaDB server (server_tests.h), with the right to insert and no other;
 * whose certificate it has, and what is said of what is wrong.
 */
#include <arpa/inet.h>

#include "tests/unit/store/server_mariadb.h"
#include "tests/unit/store/server_tests.h"

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

	(void)state;
	server_needed(&s);
	for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (!strstr(server_ask_as(&s, "snitch", denied[i]), "denied"))
			fail_msg("%s: %s", denied[i], server_ask_as(&s, "snitch", denied[i]));
	assert_non_null(strstr(server_ask_as(&s, "auditor", "DELETE FROM connection_log"), "denied"));
}

static void one_flow(const char *place, const char *more)
{
	server_copy_new(&s, place, more);
	feed_program_start(&s.store, 1, 0, "/usr/bin/bash", "bash", 5, 0xab);
	server_flow(&s, 1, 1000, 1);
	feed_window(&s.store, FEED_T + 10);
}

static void says(const char *more, const char *want)
{
	one_flow(NULL, more);
	server_says(&s, want);
	server_copy_end(&s);
}

/* 0.0.0.0 leads here, but is nobody that we would believe without a certificate. */
static void who_answers_is_verified(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM, 0), right;
	char place[PATH_MAX];

	(void)state;
	server_needed(&s);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
	getsockname(fd, (struct sockaddr *)&any, &len);
	close(fd);
	s.port = ntohs(any.sin_port);
	for (right = 0; right < 2; right++) {
		if (server_run(
			    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext"
			    " subjectAltName=%s -keyout %s/key.pem -out %s/cert.pem 2>/dev/null && chmod 644 "
			    "%s/*.pem",
			    right ? "IP:0.0.0.0" : "DNS:other.example", s.dir, s.dir, s.dir) != 0)
			feed_die("openssl");
		server_mariadb_stop(&s, SIGTERM);
		server_mariadb_start(&s);
		snprintf(place, sizeof(place),
			 "\"client\": \"mariadb\", \"user\": \"snitch\", \"database\": \"audit\","
			 " \"host\": \"0.0.0.0\", \"port\": %u, \"ssl_ca\": \"%s/cert.pem\"",
			 s.port, s.dir);
		one_flow(place, "}");
		if (right) {
			server_arrive(&s, "1");
		} else {
			feed_talk(&s.store, &s.sink, 3000);
			if (!strstr(s.sink.text, "SSL") && !strstr(s.sink.text, "ertificate"))
				fail_msg("%s", s.sink.text);
			assert_string_equal(server_ask(&s, "SELECT count(*) FROM connection_log"), "0");
		}
		server_copy_end(&s);
	}
	s.port = 0;
	server_mariadb_stop(&s, SIGTERM);
	server_mariadb_start(&s);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	server_needed(&s);
	says(", \"table_name\": \"nowhere\"}", "mysql-schema");
	says(", \"charset\": \"x\"}", "\"charset\": not a parameter");
	says(", \"table_name\": \"a`b\"}", "\"table_name\": not a name");
	says(", \"host\": \"10.255.255.1\", \"ssl_verify_cert\": 1}", "\"ssl_verify_cert\"");
	server_tables(&s, "--table other");
	server_ask(&s, "ALTER TABLE other COMMENT = 'femtosnitch, layout 99'");
	says(", \"table_name\": \"other\"}", "layout 99");
	/* a column too small for a value: nothing is changed silently */
	server_ask(&s, "ALTER TABLE connection_log_image MODIFY cmdline VARCHAR(2)");
	says("}", "does not take the values as they are");
	server_ask(&s, "ALTER TABLE connection_log_image MODIFY cmdline MEDIUMTEXT");
	assert_string_equal(server_ask(&s, "SELECT count(*) FROM connection_log"), "0");
}

static int begin(void **state)
{
	(void)state;
	if (!server_begin(&s, &server_mariadb))
		puts("SKIP unit/store/test_mariadb: needs mariadb-server, and a build with libmariadb");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TESTS,
		cmocka_unit_test(only_to_insert),
		cmocka_unit_test(who_answers_is_verified),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, begin, server_tests_end);
}
