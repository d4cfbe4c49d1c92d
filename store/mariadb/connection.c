// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * connection.c - see connection.h.
 */
#include "store/mariadb/connection.h"

#define CONNECT_S 10

static void set_options(MYSQL *conn, const struct target *t, unsigned answer_s)
{
	const unsigned connect_s = CONNECT_S, no_files = 0;
	const my_bool yes = 1, verify = !t->near && t->verify;

	mysql_options(conn, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_options(conn, MYSQL_OPT_READ_TIMEOUT, &answer_s);
	mysql_options(conn, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
	mysql_options(conn, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(conn, MYSQL_OPT_LOCAL_INFILE, &no_files); /* or the server may ask for any file */
	mysql_options(conn, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	if (t->ssl_key)
		mysql_options(conn, MYSQL_OPT_SSL_KEY, t->ssl_key);
	if (t->ssl_cert)
		mysql_options(conn, MYSQL_OPT_SSL_CERT, t->ssl_cert);
	if (t->near)
		return;
	mysql_options(conn, MYSQL_OPT_SSL_ENFORCE, &yes);
	if (t->ssl_ca && t->verify)
		mysql_options(conn, MYSQL_OPT_SSL_CA, t->ssl_ca);
}

bool connection_open(MYSQL **conn, const struct target *t, unsigned answer_s)
{
	if (!(*conn = mysql_init(NULL)))
		return false;
	set_options(*conn, t, answer_s);
	return mysql_real_connect(*conn, t->host, t->user, t->password, t->database, t->port, t->unix_socket,
				  0) != NULL;
}
